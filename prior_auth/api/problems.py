"""Errors as each door answers them: OperationOutcome on FHIR routes, plain JSON for programs, a page for people."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from prior_auth.api.bodies import Unsupported
from prior_auth.api.pages import page
from prior_auth.errors import (
    BadInput,
    Conflict,
    Forbidden,
    NotFound,
    PriorAuthError,
    TransportError,
    Unauthorized,
)
from prior_auth.fhir import json, outcome

FHIR_JSON = "application/fhir+json"


def install(app: FastAPI) -> None:
    """Answer every error of the family, of the framework and of bad forms in the door's own way."""
    app.add_exception_handler(PriorAuthError, _known)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _form)
    app.add_exception_handler(Exception, _unknown)


_STATUS: dict[type[PriorAuthError], int] = {
    Unsupported: 415,
    BadInput: 400,
    Unauthorized: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    TransportError: 502,
}


def fhir_answer(body: Any, status: int = 200) -> Response:
    content = body if isinstance(body, bytes) else json.write(body)
    return Response(content, status, media_type=FHIR_JSON)


def status_of(problem: PriorAuthError) -> int:
    return next((status for kind, status in _STATUS.items() if isinstance(problem, kind)), 500)


def answer(request: Request, problem: PriorAuthError, status: int) -> Response:
    if request.url.path.startswith("/fhir"):
        return fhir_answer(outcome.from_error(problem), status)
    if request.url.path.startswith("/api"):
        error = {"message": problem.message, "where": problem.where, "fix": problem.fix}
        return Response(json.write({"error": error}), status, media_type="application/json")
    return page("problem.html", request, status=status, problem=problem, back=_back(request))


def _back(request: Request) -> tuple[str, str]:
    """Where a person goes on: the page whose form this was, else the list."""
    _, kind, thing, *form = [*request.url.path.split("/"), "", ""]
    if request.method == "POST" and kind == "requests" and thing == "new":
        return "/requests/new", "Back to the form"
    if request.method == "POST" and kind in ("cases", "requests") and thing and any(form):
        return f"/{kind}/{thing}", "Back to the request"
    return "/", "Back to the list"


def _known(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, PriorAuthError)
    return answer(request, problem, status_of(problem))


_OF_BODIES = {408: "send it again, without pauses", 413: "send fewer or smaller attachments"}


def _http(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)
    if problem.status_code in _OF_BODIES:
        told = BadInput(str(problem.detail), fix=_OF_BODIES[problem.status_code])
        return answer(request, told, problem.status_code)
    offers = request.app.state.side == "payer" and request.url.path.startswith("/fhir")
    fix = "see GET /fhir/metadata for what is offered" if offers else "check the address"
    kind = NotFound if problem.status_code == 404 else BadInput
    return answer(request, kind(str(problem.detail).lower(), fix=fix), problem.status_code)


def _form(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, RequestValidationError)
    first = problem.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    return answer(request, BadInput(str(first["msg"]).lower(), where=where or None, fix="correct this field"), 400)


def _unknown(request: Request, _: Exception) -> Response:
    """A defect of ours: 5xx, so that the sender tries again with the same bytes (pas.md 1.3)."""
    return answer(request, PriorAuthError("an error on our side", fix="try again; our log has the details"), 500)
