"""Reading FHIR over HTTP: pages, what servers answer when they cannot, and never a link to another place."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from prior_auth.errors import BadInput, FatalTransportError, TemporaryTransportError
from prior_auth.fhir import json
from prior_auth.smart.client import origin

log = logging.getLogger(__name__)

Resource = dict[str, Any]

MAX_PAGES = 1_000
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
_ACCEPT = {"Accept": "application/fhir+json"}


class Missing(Exception):
    """404 or 410: the server does not have the resource, or the type."""


class FhirHttp:
    """GETs on one FHIR server. Errors name the server and the type, never ids or parameters: they end up in logs."""

    def __init__(self, base_url: str, client: httpx2.AsyncClient) -> None:
        self.base_url = base_url.rstrip("/")
        self._client = client
        try:
            self._base = httpx2.URL(self.base_url)
        except httpx2.InvalidURL:
            raise BadInput("not a URL", where="base_url", fix="write it as https://host/path") from None
        if self._base.scheme not in ("http", "https") or not self._base.host:
            raise BadInput("not an HTTP URL", where="base_url", fix="write it as https://host/path")

    def place(self, kind: str) -> str:
        return f"{self.base_url}/{kind}"

    async def offered(self) -> frozenset[str] | None:
        """The types that can be searched by `patient`, by the CapabilityStatement; None where there is none."""
        try:
            statement = await self._get(httpx2.URL(f"{self.base_url}/metadata", params={"_format": "json"}), "metadata")
        except Missing:
            return None
        servers = [one for one in self._objects(statement, "rest", "metadata") if one.get("mode") == "server"]
        offers = [offer for server in servers for offer in self._objects(server, "resource", "metadata")]
        by_patient = [offer for offer in offers if self._by_patient(offer)]
        return frozenset(str(offer.get("type")) for offer in by_patient) or None

    def _by_patient(self, offer: Resource) -> bool:
        """A statement that lists no parameters at all says nothing about them."""
        names = {each.get("name") for each in self._objects(offer, "searchParam", "metadata")}
        return not names or "patient" in names

    async def read(self, kind: str, id: str) -> Resource:
        """One resource. Raises Missing, TemporaryTransportError, FatalTransportError."""
        return await self._get(httpx2.URL(f"{self.base_url}/{kind}/{id}"), kind)

    async def search(self, kind: str, parameters: Mapping[str, str]) -> AsyncIterator[list[Resource]]:
        """The resources of each page. Raises as `read`, and FatalTransportError where a page is not what was asked."""
        url: httpx2.URL | None = httpx2.URL(f"{self.base_url}/{kind}", params=dict(parameters))
        seen: set[str] = set()
        while url is not None:
            if str(url) in seen or len(seen) >= MAX_PAGES:
                raise FatalTransportError("the pages of the search do not end", where=self.place(kind))
            seen.add(str(url))
            page = await self._get(url, kind)
            yield self._matches(page, kind)
            url = self._next(page, url, kind)

    def _matches(self, page: Resource, kind: str) -> list[Resource]:
        if page.get("resourceType") != "Bundle" or page.get("type") != "searchset":
            raise FatalTransportError("the answer to a search is no searchset", where=self.place(kind))
        found = []
        for entry in self._objects(page, "entry", kind):
            resource, search = entry.get("resource"), entry.get("search")
            mode = search.get("mode") if isinstance(search, dict) else None
            if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
                raise FatalTransportError("an entry of the page has no resource", where=self.place(kind))
            if mode == "outcome" or resource["resourceType"] == "OperationOutcome":
                self._heed(resource, kind)
            else:
                found.append(resource)
        return found

    def _heed(self, outcome: Resource, kind: str) -> None:
        """A server says in an outcome that it passed over a parameter: what came is then not what was asked."""
        for issue in self._objects(outcome, "issue", kind):
            severity, code = issue.get("severity"), issue.get("code")
            if severity in ("fatal", "error"):
                raise FatalTransportError(f"the server reports an error ({code})", where=self.place(kind))
            if severity == "warning":
                raise FatalTransportError(
                    f"the server did not search as asked ({code})",
                    where=self.place(kind),
                    fix="the server has to support the search parameters 'patient' and '_count'",
                )

    def _next(self, page: Resource, here: httpx2.URL, kind: str) -> httpx2.URL | None:
        links = [link for link in self._objects(page, "link", kind) if link.get("relation") == "next"]
        if not links:
            return None
        following = here.join(str(links[0].get("url")))
        # A wrong link would carry the caller's token to another server.
        if origin(following) != origin(self._base):
            raise FatalTransportError(
                "the server's next page is at another place",
                where=self.place(kind),
                fix="set the server's own base URL to the one it is reached by",
            )
        return following

    def _objects(self, holder: Resource, element: str, kind: str) -> list[Resource]:
        """A repeating element of a server's answer."""
        found = holder.get(element, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise FatalTransportError(f"{element} in the answer is not FHIR", where=self.place(kind))
        return found

    async def _get(self, url: httpx2.URL, kind: str) -> Resource:
        try:
            answer = await self._client.get(url, headers=_ACCEPT, follow_redirects=False)
        except (httpx2.TimeoutException, httpx2.TransportError) as problem:
            raise TemporaryTransportError(
                f"the FHIR server does not answer ({type(problem).__name__})", where=self.place(kind)
            ) from None
        self._refuse(answer, kind)
        try:
            return json.read(answer.content)
        except BadInput as problem:
            raise FatalTransportError(
                f"the answer is not FHIR JSON: {problem.message}", where=self.place(kind)
            ) from None

    def _refuse(self, answer: httpx2.Response, kind: str) -> None:
        status, where = answer.status_code, self.place(kind)
        if status == 200:
            return
        if status in (404, 410):
            raise Missing
        if status == 401:
            raise FatalTransportError("the server wants to know who asks (401)", where=where, fix="give a valid token")
        if status == 403:
            raise FatalTransportError("this may not be read (403)", where=where, fix="ask for a scope that covers it")
        if status in _TEMPORARY:
            raise TemporaryTransportError(
                f"the FHIR server cannot answer now ({status})",
                where=where,
                retry_after=seconds(answer.headers.get("Retry-After")),
            )
        raise FatalTransportError(f"the FHIR server refused ({status}{_codes(answer)})", where=where)


def seconds(retry_after: str | None, *, now: datetime | None = None) -> float | None:
    """`Retry-After` in seconds or as an HTTP date; None for what is neither."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())


def _codes(answer: httpx2.Response) -> str:
    """The issue codes of an OperationOutcome; its texts may name the patient."""
    try:
        outcome = json.read(answer.content)
    except BadInput:
        return ""
    issues = outcome.get("issue", [])
    found = (
        {str(issue.get("code")) for issue in issues if isinstance(issue, dict)} if isinstance(issues, list) else set()
    )
    return "".join(f", {code}" for code in sorted(found) if code.isascii() and len(code) < 30)
