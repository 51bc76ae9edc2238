"""Server-rendered pages: templates, what they may load, and words for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

_WEB = Path(__file__).resolve().parent.parent / "web"
_POLICY = "default-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
_templates = Jinja2Templates(_WEB / "templates")


def install(app: FastAPI, *, side: str, person: str) -> None:
    """Serve the style sheet, and give every page its side, its person and its safety headers."""
    app.mount("/static", StaticFiles(directory=_WEB / "static"), name="static")
    app.state.side = side
    app.state.person = person

    @app.middleware("http")
    async def safe_headers(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers["Content-Security-Policy"] = _POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers.setdefault("Cache-Control", "no-store")
        return response


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


def left(due_at: datetime | None, now: datetime) -> str:
    """The time left to a deadline, as people say it."""
    if due_at is None:
        return ""
    rest = due_at - now
    late = rest < timedelta(0)
    hours = int(abs(rest) / timedelta(hours=1))
    words = f"{hours // 24} d {hours % 24} h" if hours >= 48 else f"{hours} h"
    return f"late by {words}" if late else f"{words} left"


def urgency(due_at: datetime | None, now: datetime) -> str:
    """Calm over 48 hours, soon under 24, now under 4; `late` after the instant."""
    if due_at is None:
        return "none"
    hours = (due_at - now) / timedelta(hours=1)
    if hours < 0:
        return "late"
    return "now" if hours < 4 else "soon" if hours < 24 else "calm"


def moment(at: datetime | None) -> str:
    """An instant to the minute, with its zone."""
    return at.strftime("%Y-%m-%d %H:%M %Z") if at else ""


_templates.env.filters["moment"] = moment
