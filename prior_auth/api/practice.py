"""The practice's window: worklist, one case, what people add and release; and the same for programs under `/api`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Annotated, Any

from fastapi import FastAPI, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse

from prior_auth.api import notices, pages, problems
from prior_auth.api.ops import add_message_door, operations_page
from prior_auth.api.words import CASE_WORDS, DOCUMENT_KINDS
from prior_auth.domain.case import Case, CaseStatus
from prior_auth.domain.coding import Coding
from prior_auth.domain.determination import Determination
from prior_auth.domain.people import Person
from prior_auth.errors import BadInput
from prior_auth.fhir import json, pas_determination, stated
from prior_auth.ports import CaseStore, Clock, PracticeOrchestrator

LOINC = "http://loinc.org"
_MAX_CHART = 64 * 1024 * 1024
_ORDER_OF_NEED = [
    CaseStatus.ATTENTION,
    CaseStatus.INFORMATION_REQUESTED,
    CaseStatus.INCOMPLETE,
    CaseStatus.AWAITING_RELEASE,
    CaseStatus.OPENED,
    CaseStatus.SENDING,
    CaseStatus.PENDED,
]


@dataclass(frozen=True, slots=True)
class Opening:
    """What a chart and an order come to: the business key, and what the worklist shows (`card` is sealed)."""

    key: str
    payer: str | None
    plan: str | None
    service: str
    request: Mapping[str, Any]
    card: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Practice:
    """What this window needs. `intake` reads a chart's order; it raises BadInput
    where there is none to judge.
    """

    store: CaseStore
    stories: PracticeOrchestrator
    clock: Clock
    person: Person
    intake: Callable[[Mapping[str, Any], str | None, str | None], Opening]

    async def open(self, body: bytes, order: str | None, payer: str | None) -> Case:
        """Store first, then the story; the same order again is the same case."""
        if len(body) > _MAX_CHART:
            raise BadInput("the chart is too large", fix=f"send at most {_MAX_CHART // 2**20} MiB")
        opening = self.intake(json.read(body), order, payer)
        now = self.clock.now()
        case, fresh = await self.store.open(
            opening.key,
            payer=opening.payer,
            plan=opening.plan,
            service=opening.service,
            chart=body,
            request=opening.request,
            at=now,
        )
        if fresh or await self.store.document(case.id, "card") is None:
            await self.store.keep_document(case.id, "card", dict(opening.card))
        # By key, not by freshness: where this process died in between, the second press completes what was begun.
        await self.store.note(case.id, "opened", by=self.person, at=now, key=f"{case.id}/opened")
        await self.stories.open(case.id)
        return case

    async def add(self, case_id: str, resource: dict[str, Any], what: str) -> None:
        """Keep what a person stated or attached; the same content twice is once."""
        now = self.clock.now()
        key = f"{case_id}/{_digest({name: part for name, part in resource.items() if name != 'id'})}"
        if await self.store.add_evidence(case_id, resource, key=key, by=self.person, at=now):
            kind = resource.get("code") or resource.get("type") or {}
            code = next((coding.get("code", "") for coding in kind.get("coding", [])), "")
            await self.store.note(case_id, what, by=self.person, at=now, facts={"code": code}, key=f"{key}/note")
        await self.stories.nudge(case_id)

    async def release(self, case_id: str, how: str) -> None:
        """A person lets the next version go, complete or with its gaps."""
        if how not in ("complete", "with-gaps"):
            raise BadInput(f"no way of releasing: {how}", where="how", fix="use complete or with-gaps")
        case, now = await self.store.get(case_id), self.clock.now()
        version = case.version + 1
        await self.store.keep_document(case_id, "release", {"version": version, "how": how})
        key = f"{case_id}/released/{version}/{how}"
        await self.store.note(case_id, "released", by=self.person, at=now, facts={"how": how}, key=key)
        await self.store.stir(case_id)
        await self.stories.nudge(case_id)


def practice_app(practice: Practice) -> FastAPI:
    app = FastAPI(title="prior-auth practice", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    problems.install(app)
    pages.install(app, side="practice", person=practice.person.name)
    add_message_door(app, practice.store)
    notices.add_doors(app, practice.store, practice.stories, practice.clock)
    _add_program_doors(app, practice)
    _add_pages(app, practice)
    return app


def _add_program_doors(app: FastAPI, practice: Practice) -> None:
    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "up"}

    @app.post("/api/cases", status_code=202)
    async def open_case(request: Request, order: str | None = None, payer: str | None = None) -> Response:
        case = await practice.open(await request.body(), order, payer)
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
        if not isinstance(resource.get("resourceType"), str) or resource["resourceType"] == "Bundle":
            raise BadInput("not one FHIR resource", where="resourceType", fix="send an Observation or a document")
        resource.setdefault("id", _identity(resource))
        await practice.store.get(case_id)
        await practice.add(case_id, resource, "evidence-added")
        return _program({"case": case_id, "reference": f"{resource['resourceType']}/{resource['id']}"}, 202)

    @app.post("/api/cases/{case_id}/release", status_code=202)
    async def release(case_id: str, how: str = "complete") -> Response:
        await practice.release(case_id, how)
        return _program({"case": case_id, "released": how}, 202)


def _add_pages(app: FastAPI, practice: Practice) -> None:
    @app.get("/", include_in_schema=False)
    async def worklist(request: Request) -> Response:
        rows = [await _row(practice, case) for case in await practice.store.cases()]
        rows.sort(key=_need)
        figures = Counter(row["status"] for row in rows)
        return pages.page("worklist.html", request, rows=rows, figures=figures.items())

    @app.get("/operations", include_in_schema=False)
    async def operations(request: Request) -> Response:
        cases = await practice.store.cases()
        rows = [(case.status.value, case, f"/cases/{case.id}") for case in cases]
        return operations_page(request, rows, practice.clock.now())

    @app.get("/requests/new", include_in_schema=False)
    async def new_request(request: Request) -> Response:
        return pages.page("new_request.html", request)

    @app.post("/requests/new", include_in_schema=False)
    async def open_request(chart: UploadFile, order: Annotated[str, Form()] = "") -> Response:
        case = await practice.open(await chart.read(), order.strip() or None, None)
        return _see(case.id)

    @app.get("/cases/{case_id}", include_in_schema=False)
    async def case_page(case_id: str, request: Request) -> Response:
        case = await practice.store.get(case_id)
        return pages.page("case.html", request, **await _case_words(practice, case))

    @app.post("/cases/{case_id}/values", include_in_schema=False)
    async def add_value(
        case_id: str, code: Annotated[str, Form()], value: Annotated[str, Form()], on: Annotated[date, Form()]
    ) -> Response:
        system, _, plain = code.partition("|")
        what = Coding(system, plain, await _name_of(practice, case_id, system, plain))
        patient = await _patient(practice, case_id)
        identity = _identity({"code": code, "value": value, "on": on.isoformat(), "case": case_id})
        resource = stated.observation(identity, patient=patient, code=what, value=value, on=on, by=practice.person.name)
        await practice.add(case_id, resource, "value-added")
        return _see(case_id)

    @app.post("/cases/{case_id}/documents", include_in_schema=False)
    async def add_document(
        case_id: str, file: UploadFile, kind: Annotated[str, Form()], on: Annotated[date, Form()]
    ) -> Response:
        content = await file.read()
        words = dict(DOCUMENT_KINDS).get(kind)
        if words is None:
            raise BadInput("no such kind of document", where="kind", fix="choose one of the list")
        resource = stated.document(
            _identity({"kind": kind, "on": on.isoformat(), "sha256": sha256(content).hexdigest(), "case": case_id}),
            patient=await _patient(practice, case_id),
            kind=Coding(LOINC, kind, words),
            content=content,
            content_type=file.content_type or "application/octet-stream",
            on=on,
            by=practice.person.name,
        )
        await practice.add(case_id, resource, "document-added")
        return _see(case_id)

    @app.post("/cases/{case_id}/release", include_in_schema=False)
    async def release_page(case_id: str, how: Annotated[str, Form()]) -> Response:
        await practice.release(case_id, how)
        return _see(case_id)


def _see(case_id: str) -> Response:
    return RedirectResponse(f"/cases/{case_id}", 303)


def _program(body: Any, status: int = 200) -> Response:
    return Response(json.write(body), status, media_type="application/json")


def _digest(value: Any) -> str:
    return sha256(json.write(value)).hexdigest()


def _identity(value: Any) -> str:
    """An id for what a person added, from its content: the same press twice gives the same resource."""
    return f"added-{_digest(value)[:24]}"


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


async def _row(practice: Practice, case: Case) -> dict[str, Any]:
    card = await practice.store.document(case.id, "card") or {}
    words, colour, step = CASE_WORDS[case.status]
    now = practice.clock.now()
    open_due = None if case.status.is_final else case.due_at
    return {
        "case": case,
        "patient": card.get("patient", "patient"),
        "service": card.get("service", case.service),
        "status": words,
        "colour": colour,
        "next": step,
        "left": pages.left(open_due, now),
        "urgency": pages.urgency(open_due, now),
    }


def _need(row: Mapping[str, Any]) -> tuple[int, bool, Any]:
    case: Case = row["case"]
    rank = _ORDER_OF_NEED.index(case.status) if case.status in _ORDER_OF_NEED else len(_ORDER_OF_NEED)
    return (rank, case.due_at is None, case.due_at or -case.changed_at.timestamp())


async def _case_words(practice: Practice, case: Case) -> dict[str, Any]:
    store = practice.store
    assessment = await store.document(case.id, "assessment")
    missing = _missing(assessment)
    answer = await store.document(case.id, "answer")
    return {
        "row": await _row(practice, case),
        "assessment": assessment,
        "missing": missing,
        "problems": await store.document(case.id, "problems") or [],
        "answer": await _answer(store, answer["message"]) if answer else None,
        "may_release": case.status
        in (CaseStatus.INCOMPLETE, CaseStatus.AWAITING_RELEASE, CaseStatus.INFORMATION_REQUESTED),
        "choices": _choices(missing),
        "kinds": [{"code": code, "display": words} for code, words in DOCUMENT_KINDS],
        "timeline": await store.timeline(case.id),
        "messages": await store.messages(case.id),
    }


async def _answer(store: CaseStore, message_id: str) -> Determination:
    """The payer's newest word, read again from the message as it came."""
    return pas_determination.read(json.read(await store.message_body(message_id)))


def _missing(assessment: Any) -> list[dict[str, Any]]:
    items = (assessment or {}).get("items", [])
    return [one for item in items for criterion in item["criteria"] for one in criterion["missing"]]


def _choices(missing: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """What can be typed as a value: the first code of each missing thing, then what people add most."""
    found = {(one["codes"][0]["system"], one["codes"][0]["code"]): one["what"] for one in missing if one["codes"]}
    usual = {
        (LOINC, "89247-1"): "ECOG performance status",
        (LOINC, "10230-1"): "Left ventricular ejection fraction",
        (LOINC, "85319-2"): "HER2 by immunohistochemistry",
        (LOINC, "83053-9"): "PD-L1 tumor proportion score",
        (LOINC, "29463-7"): "Body weight",
    }
    return [{"system": key[0], "code": key[1], "what": what} for key, what in (usual | found).items()]


async def _name_of(practice: Practice, case_id: str, system: str, code: str) -> str:
    choices = _choices(_missing(await practice.store.document(case_id, "assessment")))
    named = next((one["what"] for one in choices if (one["system"], one["code"]) == (system, code)), None)
    if named is None:
        raise BadInput("no such value is asked for", where="code", fix="choose one of the list")
    return named


async def _patient(practice: Practice, case_id: str) -> str:
    chart = await practice.store.chart(case_id)
    return next(f"Patient/{one['id']}" for one in chart if one.get("resourceType") == "Patient")
