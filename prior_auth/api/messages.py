"""Every message as it was: a page for people, the exact bytes for whoever checks them."""

from __future__ import annotations

from hashlib import sha256

import msgspec
from fastapi import FastAPI, Request, Response

from prior_auth.api import pages, problems
from prior_auth.ports import Ledger


def add_message_doors(app: FastAPI, ledger: Ledger) -> None:
    @app.get("/messages/{message_id}", include_in_schema=False)
    async def message(message_id: str, request: Request) -> Response:
        body = await ledger.message_body(message_id)
        words = {
            "id": message_id,
            "size": len(body),
            "sha256": sha256(body).hexdigest(),
            "text": msgspec.json.format(body, indent=2).decode(),
        }
        return pages.page("message.html", request, message=words)

    @app.get("/messages/{message_id}/content", include_in_schema=False)
    async def content(message_id: str) -> Response:
        return problems.fhir_answer(await ledger.message_body(message_id))
