"""Who calls: SMART tokens on the payer's FHIR routes, discovery, and whom a caller may speak for.

Without an authorization server every route is open: the development mode, which `metadata` and the log say.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fastapi import FastAPI, Request, Response
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from prior_auth.api.problems import fhir_answer, status_of
from prior_auth.errors import Forbidden, PriorAuthError, Unauthorized
from prior_auth.fhir import json, outcome
from prior_auth.ports import Clock
from prior_auth.smart.clients import Client
from prior_auth.smart.oauth import OAuthError
from prior_auth.smart.scopes import Needed
from prior_auth.smart.server import AuthorizationServer

log = logging.getLogger(__name__)

_OPEN = ("/fhir/metadata", "/fhir/.well-known/smart-configuration")
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_OPERATIONS: Mapping[str, Needed] = {"$submit": ("Claim", "c"), "$inquire": ("Claim", "s")}
_ATTACHMENT: Needed = ("Claim", "u")
_METHODS = {"POST": "c", "GET": "r", "PUT": "u", "DELETE": "d"}


def install(app: FastAPI, server: AuthorizationServer | None, clock: Clock) -> None:
    """Ask every caller of `/fhir/` for a token; serve the token endpoint and its discovery."""
    if server is None:
        log.warning("DEVELOPMENT MODE: the FHIR routes ask nobody for a token (PRIOR_AUTH_PAYER_AUTHENTICATION=off)")
        return
    app.add_middleware(Bearers, server=server, clock=clock)

    @app.get("/fhir/.well-known/smart-configuration")
    async def discovery() -> Response:
        return _json(server.discovery())

    @app.post("/auth/token")
    async def token(request: Request) -> Response:
        async with request.form(max_files=0, max_fields=20) as form:
            stated = {name: value for name, value in form.items() if isinstance(value, str)}
        try:
            return _json(await server.token(stated, now=clock.now()))
        except OAuthError as refused:
            said = f"{refused.message} ({refused.fix})" if refused.fix else refused.message
            return _json({"error": refused.code, "error_description": said}, refused.status)


def _json(body: object, status: int = 200) -> Response:
    return Response(json.write(body), status, headers=_NO_STORE, media_type="application/json")


class Bearers:
    """Lets a FHIR request through with a token that permits it; the client is then in the request's state."""

    def __init__(self, app: ASGIApp, server: AuthorizationServer, clock: Clock) -> None:
        self.app, self.server, self.clock = app, server, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_guarded(scope["path"]):
            try:
                scope.setdefault("state", {})["client"] = self._caller(scope)
            except PriorAuthError as problem:
                await _refusal(problem)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _caller(self, scope: Scope) -> Client:
        found = self.server.bearer(Headers(scope=scope).get("authorization"), now=self.clock.now())
        if found is None:
            raise Unauthorized(
                "no access token that is known and still good",
                fix=f"get one at {self.server.token_url} (SMART Backend Services)",
            )
        client, grant = found
        needed = needed_for(scope["method"], scope["path"])
        if not grant.permits(needed):
            raise Forbidden("the token does not permit this", fix=f"ask for system/{needed[0]}.{needed[1]}")
        return client


def _is_guarded(path: str) -> bool:
    return (path == "/fhir" or path.startswith("/fhir/")) and path not in _OPEN


def needed_for(method: str, path: str) -> Needed:
    """What a token must permit for this route, as (resource type or *, SMART's letter)."""
    last = path.rstrip("/").rpartition("/")[2]
    if last in _OPERATIONS:
        return _OPERATIONS[last]
    if last == "$submit-attachment":
        return _ATTACHMENT
    kind = path.removeprefix("/fhir").strip("/").partition("/")[0]
    letter = "r" if last.startswith("$") else _METHODS.get(method, "r")
    return (kind if kind.isalpha() else "*", letter)


def _refusal(problem: PriorAuthError) -> Response:
    answer = fhir_answer(outcome.from_error(problem), status_of(problem))
    if isinstance(problem, Unauthorized):
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom a caller may speak. `client` is None in the development mode, where everybody may for everyone."""

    client: Client | None = None

    def must_be(self, sender: str | None, *, where: str) -> None:
        """Raises Forbidden where the caller is not registered for this sender (spec-59); silence is the caller's."""
        self.must_be_all([sender] if sender else [], where=where)

    def must_be_all(self, senders: Iterable[str], *, where: str) -> None:
        client = self.client
        if client is not None and not all(client.acts_for(one) for one in senders):
            raise _not_registered(where)

    def must_be_one_of(self, senders: Iterable[str], *, where: str) -> None:
        """For messages that name themselves in several ways; one that names nobody is the caller's."""
        named, client = list(senders), self.client
        if client is not None and named and not any(client.acts_for(one) for one in named):
            raise _not_registered(where)

    def own(self, senders: Iterable[str]) -> frozenset[str]:
        """Those of these that the caller is registered for: it gains nothing by naming another beside itself."""
        return frozenset(one for one in senders if self.client is None or self.client.acts_for(one))

    @property
    def sender(self) -> str:
        """Who a message is from that does not say so."""
        return self.client.organizations[0] if self.client else ""


ANYBODY = Caller()


def caller(request: Request) -> Caller:
    return Caller(getattr(request.state, "client", None))


def _not_registered(where: str) -> Forbidden:
    return Forbidden(
        "the caller is not registered for this sender",
        where=where,
        fix="send with your own organization's ids, or have them registered: `prior-auth clients add`",
    )
