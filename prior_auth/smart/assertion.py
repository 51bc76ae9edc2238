"""The signed statement by which a client says who it is (RFC 7523 as SMART Backend Services narrows it)."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError

from prior_auth.smart.keys import ALGORITHMS, Key, algorithm_of
from prior_auth.smart.oauth import OAuthError

TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST: Final = timedelta(minutes=5)  # SMART: an assertion lives five minutes at most
_MAX_SIZE = 8_192
_MAX_ID = 255


@dataclass(frozen=True, slots=True)
class Checked:
    """An assertion whose signature and claims hold. `id` may be used once until `expires_at`."""

    client_id: str
    id: str
    expires_at: datetime


def make(client_id: str, token_url: str, key: Key, *, now: datetime, id: str) -> str:
    """A signed assertion for one token request; `id` is new each time."""
    header = {"alg": algorithm_of(key), "kid": key.kid, "typ": "JWT"}
    seconds = int(now.timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": token_url,
        "jti": id,
        "iat": seconds,
        "exp": seconds + int(LONGEST.total_seconds()) - 10,  # a server whose clock is behind ours takes it too
    }
    return jwt.encode(header, claims, key, algorithms=list(ALGORITHMS))


def stated_client(assertion: str) -> tuple[str, str | None]:
    """The client id and key id that an assertion states, before anything of it is believed. Raises OAuthError."""
    if len(assertion) > _MAX_SIZE or assertion.count(".") != 2:
        raise OAuthError("invalid_client", "the client assertion is no signed JWT")
    header, claims = (_part(one) for one in assertion.split(".")[:2])
    client, key_id = claims.get("iss"), header.get("kid")
    if not isinstance(client, str) or not client or len(client) > _MAX_ID:
        raise OAuthError("invalid_client", "the client assertion names no client", fix="put the client id in iss")
    return client, key_id if isinstance(key_id, str) else None


def check(
    assertion: str, client_id: str, keys: Sequence[Key], *, audience: str, now: datetime, leeway: timedelta
) -> Checked:
    """Signature and claims of an assertion of this client. Raises OAuthError; which key was tried is not told."""
    claims = _verified(assertion, keys)
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise OAuthError("invalid_client", "iss and sub are not the client id", fix="put the client id in both")
    stated = claims.get("aud")
    if audience not in (stated if isinstance(stated, list) else [stated]):
        raise OAuthError("invalid_client", "aud is not this token endpoint", fix=f"set aud to {audience}")
    expires_at, id = _instant(claims, "exp"), claims.get("jti")
    if expires_at is None or expires_at <= now - leeway:
        raise OAuthError("invalid_client", "the client assertion is over", fix="make a new one for each request")
    if expires_at > now + LONGEST + leeway:
        raise OAuthError("invalid_client", "exp is more than five minutes away", fix="let it live five minutes at most")
    for name in ("iat", "nbf"):
        begins = _instant(claims, name)
        if begins is not None and begins > now + leeway:
            raise OAuthError("invalid_client", f"{name} lies ahead", fix="set your clock")
    if not isinstance(id, str) or not id or len(id) > _MAX_ID:
        raise OAuthError("invalid_client", "the client assertion has no jti", fix="put a new id in jti each time")
    return Checked(client_id, id, expires_at)


def _verified(assertion: str, keys: Sequence[Key]) -> dict[str, Any]:
    _, key_id = stated_client(assertion)
    fitting = [key for key in keys if key_id is None or key.kid in (key_id, None)]
    for key in fitting:
        try:
            token = jwt.decode(assertion, key, algorithms=[algorithm_of(key)])
        except (JoseError, ValueError):
            continue
        return dict(token.claims)
    raise OAuthError("invalid_client", "no key of this client fits the signature", fix="sign with a registered key")


def _instant(claims: dict[str, Any], name: str) -> datetime | None:
    stated = claims.get(name)
    if stated is None:
        return None
    if isinstance(stated, bool) or not isinstance(stated, int | float) or not 0 <= stated < 2**36:
        raise OAuthError("invalid_client", f"{name} is no time", fix="write seconds since 1970")
    return datetime.fromtimestamp(stated, UTC)


def _part(encoded: str) -> dict[str, Any]:
    try:
        found = json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise OAuthError("invalid_client", "the client assertion is no signed JWT")
    return found
