"""Request bodies: how large one may be, and what it must say of itself."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from prior_auth.errors import BadInput

MIB = 2**20
_FHIR_TYPES = ("application/fhir+json", "application/json")


class Unsupported(BadInput):
    """A content type that is not taken: 415."""


class Limited:
    """Reads no more of a body than the limit (bytes), whatever the sender states or sends; forms and files too."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        stated, arrived, refused = _stated_length(scope), 0, False

        async def counted() -> MutableMapping[str, Any]:
            nonlocal arrived, refused
            if refused:
                return {"type": "http.disconnect"}
            message: MutableMapping[str, Any] = {}
            if stated <= self.limit:
                message = await receive()
                arrived += len(message.get("body", b""))
            if max(stated, arrived) > self.limit:
                refused = True
                # The one kind of error that form parsers let through as it is.
                raise HTTPException(413, f"more than {self.limit // MIB} MiB")
            return message

        await self.app(scope, counted, send)


def _stated_length(scope: Scope) -> int:
    stated = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(stated) if stated.isdigit() and len(stated) < 20 else 0


async def fhir_body(request: Request) -> bytes:
    """The bytes of a FHIR request. Raises Unsupported."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _FHIR_TYPES:
        said = kind if kind.isprintable() and len(kind) < 80 else "of another kind"
        raise Unsupported(f"content type {said or 'not stated'}", fix="send application/fhir+json")
    return await request.body()
