"""The payer's window: the PAS endpoint, and the same work for programs under `/api`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from fastapi import FastAPI, Request, Response

from prior_auth import __version__, clocks
from prior_auth.api import auth, older, pages, payer_inquiry, payer_pages, payer_subscriptions, problems, rig
from prior_auth.api.auth import caller
from prior_auth.api.bodies import MIB, Limited, fhir_body, whole_number
from prior_auth.api.messages import add_message_doors
from prior_auth.api.payer_desk import Payer, decision_of
from prior_auth.api.problems import fhir_answer, status_of
from prior_auth.domain.authorization import Authorization
from prior_auth.errors import BadInput, PriorAuthError
from prior_auth.fhir import capability, json, outcome
from prior_auth.fhir.validate import check_structure
from prior_auth.policy.clock_report import as_json
from prior_auth.smart.server import AuthorizationServer

_MAX_REQUEST = 32 * MIB
CAPABILITY_DATE = date(2026, 11, 25)  # when what is served last changed


def payer_app(payer: Payer, authorization: AuthorizationServer | None = None) -> FastAPI:
    """`authorization` decides who may call the FHIR routes; without it anybody may (the development mode)."""
    app = FastAPI(title="prior-auth payer", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.add_middleware(Limited, limit=_MAX_REQUEST)
    problems.install(app)
    pages.install(app, side="payer", person=payer.person)
    auth.install(app, authorization, payer.clock)
    older.install(app)
    rig.warn(payer.identity)
    add_message_doors(app, payer.store)
    _add_fhir_doors(app, payer, authorization)
    _add_program_doors(app, payer)
    payer_pages.add_pages(app, payer)
    return app


def _add_fhir_doors(app: FastAPI, payer: Payer, authorization: AuthorizationServer | None) -> None:
    @app.get("/health", include_in_schema=False)
    async def health() -> dict[str, str]:
        return {"status": "up"}

    @app.get("/fhir/metadata")
    async def metadata(request: Request) -> Response:
        identity = older.spoken(payer, request).identity
        stated = capability.payer(
            identity.base,
            on=CAPABILITY_DATE,
            version=__version__,
            smart=authorization is not None,
            scripted=identity.script is not None,
            pas=identity.pas,
        )
        return fhir_answer(stated)

    @app.post("/fhir/Claim/$submit")
    async def submit(request: Request) -> Response:
        async def answered(body: bytes) -> Response:
            if (refusal := _not_a_bundle(bundle := json.read(body))) is not None:
                return refusal
            spoken = older.spoken(payer, request)
            answer, authorization = await spoken.submit(body, caller(request), bundle=bundle)
            return rig.approving_later(fhir_answer(answer), payer, authorization)

        return await _kept(payer, request, answered)

    @app.post("/fhir/Claim/$inquire")
    async def inquire(request: Request) -> Response:
        async def answered(body: bytes) -> Response:
            if (refusal := _not_a_bundle(json.read(body))) is not None:
                return refusal
            return fhir_answer(await payer_inquiry.inquire(older.spoken(payer, request), body, caller(request)))

        return await _kept(payer, request, answered)

    @app.post("/fhir/$submit-attachment")
    @app.post("/fhir/Claim/$submit-attachment")
    async def submit_attachment(request: Request) -> Response:
        async def answered(body: bytes) -> Response:
            if (refusal := _unsound(json.read(body))) is not None:
                return refusal
            return fhir_answer(await payer.attach(body, caller(request)))

        return await _kept(payer, request, answered)

    payer_subscriptions.add_doors(app, payer)


async def _kept(payer: Payer, request: Request, answered: Callable[[bytes], Awaitable[Response]]) -> Response:
    """What is answered; a message that is refused is kept with its refusal, both sealed."""
    body = await fhir_body(request)
    try:
        answer = await answered(body)
    except PriorAuthError as problem:
        if (status := status_of(problem)) >= 500:
            raise
        answer = fhir_answer(outcome.from_error(problem), status)
    if answer.status_code >= 400:
        await payer.keep_refusal(body, bytes(answer.body))
    return answer


def _not_a_bundle(bundle: dict[str, Any]) -> Response | None:
    """The refusal of what is no sound Bundle, all findings in one OperationOutcome; None where it is sound."""
    if bundle.get("resourceType") != "Bundle":
        raise BadInput("not a Bundle", where="resourceType", fix="POST the PAS Bundle itself, without Parameters")
    return _unsound(bundle)


def _unsound(resource: dict[str, Any]) -> Response | None:
    """The refusal of what is not R4, all findings in one OperationOutcome; what it breaks of profiles is no refusal."""
    found = [issue for issue in check_structure(resource) if issue.severity == "error"]
    return fhir_answer(outcome.from_issues(found), 400) if found else None


def _add_program_doors(app: FastAPI, payer: Payer) -> None:
    @app.get("/api/authorizations")
    async def authorizations() -> Response:
        found = [_facts(authorization) for authorization in await payer.store.authorizations()]
        return _program({"authorizations": found})

    @app.get("/api/authorizations/{authorization_id}")
    async def authorization(authorization_id: str) -> Response:
        found = await payer.store.get(authorization_id)
        timeline = [
            {"at": one.at.isoformat(), "what": one.what, "by": one.by.name, **one.facts}
            for one in await payer.store.timeline(authorization_id)
        ]
        assessment = await payer.store.document(authorization_id, "assessment")
        return _program({**_facts(found), "assessment": assessment, "timeline": timeline})

    @app.post("/api/authorizations/{authorization_id}/decisions", status_code=202)
    async def decide(authorization_id: str, request: Request) -> Response:
        """One item's decision, as the desk's form states it: sequence, version, action, reason, narrative …"""
        stated = json.read(await request.body())
        found = await payer.store.get(authorization_id)
        fields = {name: str(value) for name, value in stated.items() if value is not None}
        decision = await decision_of(payer, found, fields)
        version = whole_number(fields["version"], "version") if "version" in fields else found.version
        return _program(_facts(await payer.decide(authorization_id, version, decision)), 202)

    @app.post("/api/authorizations/{authorization_id}/extension", status_code=202)
    async def extend(authorization_id: str, request: Request) -> Response:
        """The payer takes longer: `days`, `reason`, and `waits` where it waits for information."""
        stated = json.read(await request.body())
        days, waits = whole_number(str(stated.get("days", "")), "days"), stated.get("waits") is True
        reason = str(stated.get("reason") or "")
        return _program(as_json(await payer.extend(authorization_id, days=days, reason=reason, waits=waits)), 202)

    @app.get("/api/authorizations/{authorization_id}/clock")
    async def legal_clock(authorization_id: str) -> Response:
        """When an answer is due, by which law, and what lost."""
        clock = await clocks.kept(payer.store, (await payer.store.get(authorization_id)).id)
        return _program(as_json(clock) if clock else {})


def _program(body: Any, status: int = 200) -> Response:
    return Response(json.write(body), status, media_type="application/json")


def _facts(authorization: Authorization) -> dict[str, Any]:
    return {
        "id": authorization.id,
        "status": authorization.status.value,
        "waiting_for": authorization.waiting_for,
        "plan": authorization.plan,
        "service": authorization.service,
        "sender": authorization.sender,
        "received_at": authorization.received_at.isoformat(),
        "due_at": authorization.due_at.isoformat() if authorization.due_at else None,
        "version": authorization.version,
        "revision": authorization.revision,
    }
