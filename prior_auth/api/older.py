"""PAS 2.0.1 at its own base URL (`/fhir/pas-2.0.1`): the same doors, the same authorizations, the older shapes."""

from __future__ import annotations

from dataclasses import replace

from fastapi import FastAPI, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from prior_auth.api.payer_desk import Payer
from prior_auth.fhir import pas_201

_BASE = f"/fhir/{pas_201.PATH}"


def install(app: FastAPI) -> None:
    """Outside of the guard: a token is asked for as at the other base."""
    app.add_middleware(OlderBase)


class OlderBase:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["path"] == _BASE or scope["path"].startswith(f"{_BASE}/")):
            path = f"/fhir{scope['path'].removeprefix(_BASE)}"
            scope = {**scope, "path": path, "state": {**scope.get("state", {}), "pas": pas_201.VERSION}}
        await self.app(scope, receive, send)


def is_older(request: Request) -> bool:
    return getattr(request.state, "pas", None) == pas_201.VERSION


def spoken(payer: Payer, request: Request) -> Payer:
    """The payer as it speaks at the base that was called."""
    return replace(payer, identity=pas_201.of(payer.identity)) if is_older(request) else payer
