"""The practice's window for programs: cases under `/api`, and the payer's notifications."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response

from prior_auth.api import notices, pages, practice_changes, practice_pages, practice_renewal, problems
from prior_auth.api.bodies import MIB, Limited, whole_number
from prior_auth.api.messages import add_message_doors
from prior_auth.api.practice_desk import Practice, identity
from prior_auth.domain.case import Case
from prior_auth.fhir import json
from prior_auth.policy.clock_report import as_json

_MAX_CHART = 64 * MIB


def practice_app(practice: Practice) -> FastAPI:
    app = FastAPI(title="prior-auth practice", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.add_middleware(Limited, limit=_MAX_CHART)
    problems.install(app)
    pages.install(app, side="practice", person=practice.person)
    add_message_doors(app, practice.store)
    notices.add_doors(app, practice.store, practice.stories, practice.clock, secret=practice.notification_secret)
    _add_program_doors(app, practice)
    practice_pages.add_pages(app, practice)
    return app


def _add_program_doors(app: FastAPI, practice: Practice) -> None:
    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "up"}

    @app.get("/.well-known/jwks.json")
    async def jwks() -> Response:
        return _program(practice.jwks or {"keys": []})

    @app.post("/api/cases", status_code=202)
    async def open_case(
        request: Request, order: Annotated[list[str] | None, Query()] = None, payer: str | None = None
    ) -> Response:
        """A chart with its order; `order` several times names those of one regimen."""
        case = await practice.open(await request.body(), order or [], payer)
        return _program(await _case_object(practice, case), 202)

    @app.get("/api/cases")
    async def cases() -> Response:
        return _program({"cases": [_facts(case) for case in await practice.store.cases()]})

    @app.get("/api/cases/{case_id}")
    async def case(case_id: str) -> Response:
        return _program(await _case_object(practice, await practice.store.get(case_id)))

    @app.post("/api/cases/{case_id}/evidence", status_code=202)
    async def add_evidence(case_id: str, request: Request) -> Response:
        """One FHIR resource, as another system would add it."""
        resource = json.read(await request.body())
        resource.setdefault("id", identity(resource))
        await practice.add(case_id, resource, "evidence-added")
        return _program({"case": case_id, "reference": f"{resource['resourceType']}/{resource['id']}"}, 202)

    @app.post("/api/cases/{case_id}/release", status_code=202)
    async def release(case_id: str, how: str = "complete", version: int | None = None) -> Response:
        await practice.release(case_id, how, version)
        return _program({"case": case_id, "released": how}, 202)

    @app.post("/api/cases/{case_id}/changes", status_code=202)
    async def change(case_id: str, request: Request) -> Response:
        """What is to be changed: `cancel` (true, or orders), `orders` (FHIR), `drop` (evidence)."""
        case = await practice_changes.change(practice, case_id, json.read(await request.body()))
        return _program(_facts(case), 202)

    @app.post("/api/cases/{case_id}/renewal", status_code=202)
    async def renew(case_id: str, request: Request, order: Annotated[list[str] | None, Query()] = None) -> Response:
        """Ask for what comes after this authorization; the body is the chart as it is now, or empty."""
        case = await practice_renewal.renew(practice, case_id, await request.body(), order or [])
        return _program(await _case_object(practice, case), 202)

    @app.post("/api/cases/{case_id}/extension", status_code=202)
    async def extension(case_id: str, request: Request) -> Response:
        """The payer has told a person that it takes longer: `days`, `reason`, `waits` where it is for information."""
        told = json.read(await request.body())
        clock = await practice.extension_told(
            case_id,
            days=whole_number(str(told.get("days", "")), "days"),
            reason=str(told.get("reason") or ""),
            waits=told.get("waits") is True,
        )
        return _program(as_json(clock) if clock is not None else {}, 202)

    @app.post("/api/cases/{case_id}/inquiry", status_code=202)
    async def inquire(case_id: str) -> Response:
        await practice.inquire(case_id)
        return _program({"case": case_id}, 202)


def _program(body: Any, status: int = 200) -> Response:
    return Response(json.write(body), status, media_type="application/json")


def _facts(case: Case) -> dict[str, Any]:
    return {
        "id": case.id,
        "status": case.status.value,
        "waiting_for": case.waiting_for,
        "payer": case.payer,
        "plan": case.plan,
        "service": case.service,
        "opened_at": case.opened_at.isoformat(),
        "changed_at": case.changed_at.isoformat(),
        "due_at": case.due_at.isoformat() if case.due_at else None,
        "version": case.version,
    }


async def _case_object(practice: Practice, case: Case) -> dict[str, Any]:
    timeline = [
        {"at": one.at.isoformat(), "what": one.what, "by": one.by.name, "role": one.by.role.value, **one.facts}
        for one in await practice.store.timeline(case.id)
    ]
    return {
        **_facts(case),
        "assessment": await practice.store.document(case.id, "assessment"),
        "problems": await practice.store.document(case.id, "problems") or [],
        "timeline": timeline,
    }
