"""Calling a server that wants SMART Backend Services: a token is fetched, kept while it lasts, and sent along."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2

from prior_auth.errors import FatalTransportError, TemporaryTransportError
from prior_auth.smart import assertion
from prior_auth.smart.keys import Key

_SOONER = timedelta(seconds=30)  # a token is renewed before it is over
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(slots=True)
class Identity:
    """Who we are to a server: the client id it gave us, the key we sign with, what we ask to be allowed."""

    client_id: str
    key: Key
    scope: str


class SmartAuth(httpx2.Auth):
    """For `httpx2.AsyncClient(auth=…)`. The token goes to the server of `base_url` (its FHIR base) and to no other.

    A call raises TransportErrors where no token can be had. `now` is the clock.
    """

    requires_response_body = True

    def __init__(self, base_url: str, identity: Identity, now: Callable[[], datetime]) -> None:
        self._base = base_url.rstrip("/")
        self._identity = identity
        self._now = now
        self._token_url = ""
        self._token = _Token()

    def auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        if origin(request.url) != origin(httpx2.URL(self._base)):
            yield request
            return
        if self._token.until is None or self._now() >= self._token.until - _SOONER:
            yield from self._fetch()
        request.headers["Authorization"] = f"Bearer {self._token.text}"
        response = yield request
        if response.status_code == 401:  # the server changed its keys, or its mind: once more
            yield from self._fetch()
            request.headers["Authorization"] = f"Bearer {self._token.text}"
            yield request

    def _fetch(self) -> Generator[httpx2.Request, httpx2.Response, None]:
        if not self._token_url:
            place = f"{self._base}/.well-known/smart-configuration"
            found = _answer((yield httpx2.Request("GET", place, headers={"Accept": "application/json"})), place)
            self._token_url = self._checked(found.get("token_endpoint"), place)
        id = secrets.token_urlsafe(24)
        signed = assertion.make(self._identity.client_id, self._token_url, self._identity.key, now=self._now(), id=id)
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": assertion.TYPE,
            "client_assertion": signed,
            "scope": self._identity.scope,
        }
        asked = httpx2.Request("POST", self._token_url, data=form, headers={"Accept": "application/json"})
        self._token = _read(_answer((yield asked), self._token_url), self._token_url, self._now())

    def _checked(self, stated: object, where: str) -> str:
        """An assertion is signed for https, or for this machine: nothing between may read or replay it."""
        url = httpx2.URL(stated) if isinstance(stated, str) and stated.startswith(("https://", "http://")) else None
        if url is None:
            raise FatalTransportError("the server names no token_endpoint", where=where, fix="ask who runs it")
        if url.scheme != "https" and httpx2.URL(self._base).scheme == "https":
            raise FatalTransportError("the token_endpoint is not https", where=where, fix="ask who runs it")
        return str(url)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(default="", repr=False)
    until: datetime | None = None


def _read(answer: dict[str, Any], where: str, now: datetime) -> _Token:
    token, seconds = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(token, str) or not token or str(answer.get("token_type", "")).lower() != "bearer":
        raise FatalTransportError("the answer holds no bearer token", where=where, fix="ask who runs it")
    lasts = seconds if isinstance(seconds, int) and not isinstance(seconds, bool) and seconds > 0 else 60
    return _Token(token, now + timedelta(seconds=lasts))


def _answer(response: httpx2.Response, where: str) -> dict[str, Any]:
    status = response.status_code
    try:
        found = json.loads(response.content)
    except (ValueError, RecursionError):
        found = None
    if status in _TEMPORARY:
        raise TemporaryTransportError(f"the authorization server cannot answer now ({status})", where=where)
    if status >= 300 or not isinstance(found, dict):
        code = found.get("error") if isinstance(found, dict) else None
        said = f", {code}" if isinstance(code, str) and code.isascii() and len(code) < 40 else ""
        raise FatalTransportError(
            f"the authorization server refused ({status}{said})",
            where=where,
            fix="check the client id, and that the server knows our public key",
        )
    return found


def origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    """Scheme, host and port: whose server it is, and so who may be given a token for it."""
    return (url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme))
