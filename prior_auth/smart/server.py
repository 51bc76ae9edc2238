"""The authorization server of one FHIR base: discovery, tokens for client assertions, what a bearer may do."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from prior_auth.errors import BadInput, TemporaryTransportError, TransportError
from prior_auth.smart import assertion
from prior_auth.smart.clients import Client, Registry
from prior_auth.smart.keys import ALGORITHMS, Key, read_keys
from prior_auth.smart.oauth import OAuthError
from prior_auth.smart.scopes import granted
from prior_auth.smart.tokens import LIFE, Grant, Tokens

LEEWAY: Final = timedelta(seconds=30)  # clocks of two companies are never the same
_KEYS_LAST: Final = timedelta(hours=1)
_ASK_AGAIN: Final = timedelta(minutes=1)  # a key that is not known yet: somebody may have changed theirs
_MAX_SCOPE = 2_000

Fetch = Callable[[str], Awaitable[bytes]]


class ReplayGuard(Protocol):
    """Remembers which assertions were used, at least until they are over."""

    async def first_use(self, client_id: str, assertion_id: str, *, expires_at: datetime, now: datetime) -> bool: ...


@dataclass(slots=True)
class _Published:
    keys: Sequence[Key]
    fetched_at: datetime


@dataclass(slots=True)
class PublishedKeys:
    """Keys that clients publish at a URL: kept for an hour, asked for again when an unknown one turns up."""

    fetch: Fetch
    _known: dict[str, _Published] = field(default_factory=dict)

    async def of(self, client: Client, key_id: str | None, now: datetime) -> Sequence[Key]:
        """Raises OAuthError where they cannot be had."""
        if client.jwks_url is None:
            return read_keys(client.jwks, where=client.id)
        known = self._known.get(client.jwks_url)
        if known is None or self._is_old(known, key_id, now):
            known = self._known[client.jwks_url] = _Published(await self._fetched(client.jwks_url), now)
        return known.keys

    def _is_old(self, known: _Published, key_id: str | None, now: datetime) -> bool:
        age = now - known.fetched_at
        unknown = key_id is not None and key_id not in {key.kid for key in known.keys}
        return age > _KEYS_LAST or (unknown and age > _ASK_AGAIN)

    async def _fetched(self, url: str) -> Sequence[Key]:
        try:
            return read_keys(json.loads(await self.fetch(url)), where=url)
        except TemporaryTransportError as problem:
            raise OAuthError("temporarily_unavailable", "the keys of this client cannot be had now") from problem
        except (TransportError, BadInput, ValueError) as problem:
            raise OAuthError(
                "invalid_client", "the keys of this client cannot be had", fix=f"publish them at {url}"
            ) from problem


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """`base` is the FHIR base as clients reach it, `token_url` what assertions must be made for."""

    base: str
    token_url: str
    registry: Registry
    tokens: Tokens
    keys: PublishedKeys
    replay: ReplayGuard

    def discovery(self) -> dict[str, Any]:
        """`.well-known/smart-configuration` (SMART App Launch 2.2, section 8)."""
        return {
            "token_endpoint": self.token_url,
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": list(ALGORITHMS),
            "grant_types_supported": ["client_credentials"],
            "scopes_supported": ["system/Claim.cruds", "system/Subscription.cruds"],
            "capabilities": ["client-confidential-asymmetric", "permission-v2"],
        }

    async def token(self, form: Mapping[str, str], *, now: datetime) -> dict[str, Any]:
        """The answer to a token request. Raises OAuthError."""
        if form.get("grant_type") != "client_credentials":
            raise OAuthError("unsupported_grant_type", "grant_type is not client_credentials")
        if form.get("client_assertion_type") != assertion.TYPE:
            raise OAuthError("invalid_request", "client_assertion_type is another", fix=f"send {assertion.TYPE}")
        client = await self._client(form.get("client_assertion", ""), now)
        asked = form.get("scope", "")
        scopes = granted(asked[:_MAX_SCOPE], client.scopes)
        if not scopes:
            raise OAuthError(
                "invalid_scope",
                "no scope that this client is registered for",
                fix=f"ask for {' '.join(client.scopes)}",
            )
        return {
            "access_token": self.tokens.issue(client.id, scopes, now=now),
            "token_type": "bearer",
            "expires_in": int(LIFE.total_seconds()),
            "scope": " ".join(scopes),
        }

    async def _client(self, stated: str, now: datetime) -> Client:
        client_id, key_id = assertion.stated_client(stated)
        client = self.registry.get(client_id)
        if client is None:
            raise OAuthError("invalid_client", "no such client", fix="have it registered: `prior-auth clients add`")
        keys = await self.keys.of(client, key_id, now)
        checked = assertion.check(stated, client.id, keys, audience=self.token_url, now=now, leeway=LEEWAY)
        if not await self.replay.first_use(client.id, checked.id, expires_at=checked.expires_at + LEEWAY, now=now):
            raise OAuthError("invalid_client", "this assertion was used before", fix="make a new one for each request")
        return client

    def bearer(self, authorization: str | None, *, now: datetime) -> tuple[Client, Grant] | None:
        """Who calls with this Authorization header; None for nobody who is known now."""
        kind, _, token = (authorization or "").partition(" ")
        grant = self.tokens.read(token.strip(), now=now) if kind.lower() == "bearer" else None
        client = self.registry.get(grant.client_id) if grant else None
        return (client, grant) if client and grant else None
