"""What the token endpoint refuses, in the words of OAuth (RFC 6749, section 5.2)."""

from __future__ import annotations

from prior_auth.errors import PriorAuthError


class OAuthError(PriorAuthError):
    """`code` is OAuth's: `invalid_client`, `invalid_request`, `invalid_scope`, `unsupported_grant_type`; and
    `temporarily_unavailable` where the same request may do later."""

    def __init__(self, code: str, message: str, *, fix: str | None = None) -> None:
        super().__init__(message, where="token request", fix=fix)
        self.code = code

    @property
    def status(self) -> int:
        return {"invalid_client": 401, "temporarily_unavailable": 503}.get(self.code, 400)
