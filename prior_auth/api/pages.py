"""Server-rendered pages: templates, what they may load, and words for people."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.templating import Jinja2Templates
from starlette.types import ASGIApp, Receive, Scope, Send

from prior_auth.api import shown
from prior_auth.api.words import CAUSES, RECOMMENDED, SAID
from prior_auth.domain.people import Person

_WEB = Path(__file__).resolve().parent.parent / "web"
_POLICY = "default-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_templates = Jinja2Templates(_WEB / "templates")
_templates.env.filters.update(shown.FILTERS)
_templates.env.globals.update(RECOMMENDED=RECOMMENDED, CAUSES=CAUSES, SAID=SAID)


_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Guarded:
    """Every answer carries the safety headers; a form of another site is refused (these windows have no sign-in)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["type"] == "http" and scope["method"] not in _SAFE_METHODS:
            site = Headers(scope=scope).get("sec-fetch-site", "none")
            if site not in ("same-origin", "none"):
                refused = PlainTextResponse("A form of another site is not taken. Nothing was changed.", 403)
                await refused(scope, receive, guarded)
                return
        await self.app(scope, receive, guarded)


def install(app: FastAPI, *, side: str, person: Person) -> None:
    """Serve the style sheet, and give every page its side, its person and its safety headers."""
    app.mount("/static", StaticFiles(directory=_WEB / "static"), name="static")
    app.state.side = side
    app.state.person = person
    app.add_middleware(Guarded)


def page(template: str, request: Request, *, status: int = 200, **words: Any) -> Response:
    state = request.app.state
    common = {"side": state.side, "person": state.person}
    return _templates.TemplateResponse(request, template, common | words, status_code=status)


def initials(patient: Mapping[str, Any]) -> str:
    """How a list names a patient: initials and record number."""
    name: Mapping[str, Any] = next(iter(patient.get("name") or []), {})
    letters = [str(part)[:1] for part in [*(name.get("given") or []), name.get("family") or ""] if part]
    number = next((one["value"] for one in patient.get("identifier") or [] if one.get("value")), "")
    return f"{'. '.join(letters)}. {number}".strip(". ") or "patient"
