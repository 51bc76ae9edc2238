"""Short access tokens: signed by the server for itself, with what the bearer may do. Nothing is kept of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from prior_auth.smart.scopes import Needed, permits

LIFE: Final = timedelta(minutes=5)
_ALGORITHM = "HS256"  # only the server that made a token reads it


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token says: which client, and what it may do until when."""

    client_id: str
    scopes: tuple[str, ...]
    expires_at: datetime

    def permits(self, needed: Needed) -> bool:
        return permits(self.scopes, needed)


class Tokens:
    """`secret` (32 bytes) signs; `issuer` is the FHIR base, so that a token of another server is none here."""

    def __init__(self, secret: bytes, issuer: str) -> None:
        self._key = OctKey.import_key(secret)
        self._issuer = issuer

    def issue(self, client_id: str, scopes: tuple[str, ...], *, now: datetime) -> str:
        claims = {
            "iss": self._issuer,
            "sub": client_id,
            "scope": " ".join(scopes),
            "exp": int((now + LIFE).timestamp()),
        }
        return jwt.encode({"alg": _ALGORITHM, "typ": "at+jwt"}, claims, self._key, algorithms=[_ALGORITHM])

    def read(self, token: str, *, now: datetime) -> Grant | None:
        """None for what is no token of ours, or is over."""
        try:
            claims = jwt.decode(token, self._key, algorithms=[_ALGORITHM]).claims
            expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        except (JoseError, ValueError, KeyError, TypeError):
            return None
        if claims.get("iss") != self._issuer or expires_at <= now:
            return None
        return Grant(str(claims["sub"]), tuple(str(claims["scope"]).split()), expires_at)
