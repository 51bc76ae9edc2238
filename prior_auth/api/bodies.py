"""Request bodies: how large one may be, how long it may take to arrive, and what it must say of itself."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from prior_auth.errors import BadInput

MIB = 2**20
WITHIN = 60.0  # seconds for a whole body; an honest one of 32 MiB takes 10 on a slow line
_FHIR_TYPES = ("application/fhir+json", "application/json")


class Unsupported(BadInput):
    """A content type that is not taken: 415."""


class Limited:
    """Reads no more of a body than the limit (bytes), whatever the sender states or sends; forms and files too.

    Nor does it wait for one longer than `WITHIN`: a sender that dribbles would hold its connection for ever.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        stated, arrived, refused, is_whole = _stated_length(scope), 0, False, False
        until = asyncio.get_running_loop().time() + WITHIN

        async def counted() -> MutableMapping[str, Any]:
            nonlocal arrived, refused, is_whole
            if refused:
                return {"type": "http.disconnect"}
            if is_whole:  # what comes now is the end of the connection, whenever that is
                return await receive()
            message: MutableMapping[str, Any] = {}
            try:
                if stated <= self.limit:
                    async with asyncio.timeout_at(until):
                        message = await receive()
                    arrived += len(message.get("body", b""))
            except TimeoutError:
                refused = True
                raise HTTPException(408, f"the body did not arrive within {WITHIN:g} seconds") from None
            if max(stated, arrived) > self.limit:
                refused = True
                # The one kind of error that form parsers let through as it is.
                raise HTTPException(413, f"more than {self.limit // MIB} MiB")
            is_whole = not message.get("more_body", False)
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


def whole_number(value: str | None, where: str) -> int:
    """A number stated as text. Raises BadInput with the field."""
    if value is None or not value.isascii() or not value.isdigit() or len(value) > 9:
        raise BadInput("not a positive number", where=where, fix=f"give the {where} as a number")
    return int(value)
