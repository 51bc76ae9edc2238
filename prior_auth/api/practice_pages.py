"""The practice's pages: the worklist, one case with its criteria, what people add and release."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from hashlib import sha256
from typing import Annotated, Any

from fastapi import FastAPI, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse

from prior_auth import clocks
from prior_auth.api import pages, practice_change_pages, shown
from prior_auth.api.bodies import MIB
from prior_auth.api.ops import operations_page
from prior_auth.api.practice_desk import Practice, identity
from prior_auth.api.words import CASE_WORDS, DOCUMENT_KINDS
from prior_auth.domain.case import Case, CaseStatus
from prior_auth.domain.coding import Coding
from prior_auth.domain.determination import Determination
from prior_auth.errors import BadInput
from prior_auth.fhir import pas_exchange, stated
from prior_auth.policy.clock_report import as_json
from prior_auth.ports import CaseStore

_MAX_DOCUMENT = 16 * MIB  # in base64 it has to pass the payer's door with all the rest
LOINC = "http://loinc.org"
_RENEW = {CaseStatus.OPENED: 2, CaseStatus.SENDING: 2, CaseStatus.PENDED: 15}  # seconds, while others have the move
_ORDER_OF_NEED = [
    CaseStatus.ATTENTION,
    CaseStatus.INFORMATION_REQUESTED,
    CaseStatus.INCOMPLETE,
    CaseStatus.AWAITING_RELEASE,
    CaseStatus.OPENED,
    CaseStatus.SENDING,
    CaseStatus.PENDED,
]


def add_pages(app: FastAPI, practice: Practice) -> None:
    practice_change_pages.add_pages(app, practice)

    @app.get("/", include_in_schema=False)
    async def worklist(request: Request) -> Response:
        cards = await practice.store.documents("card")
        rows = [_row(practice, case, cards.get(case.id)) for case in await practice.store.cases()]
        rows.sort(key=_need)
        figures = Counter(row["status"] for row in rows)
        return pages.page("worklist.html", request, rows=rows, figures=figures.items())

    @app.get("/operations", include_in_schema=False)
    async def operations(request: Request) -> Response:
        cases = await practice.store.cases()
        rows = [(case, f"/cases/{case.id}") for case in cases]
        return operations_page(request, rows, practice.clock.now())

    @app.get("/requests/new", include_in_schema=False)
    async def new_request(request: Request) -> Response:
        return pages.page("new_request.html", request)

    @app.post("/requests/new", include_in_schema=False)
    async def open_request(chart: UploadFile, order: Annotated[str, Form()] = "") -> Response:
        case = await practice.open(await chart.read(), order.split(), None)
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
        _not_in_future(on, practice)
        what = Coding(system, plain, await _name_of(practice, case_id, system, plain))
        patient = await practice.patient(case_id)
        named = identity({"code": code, "value": value, "on": on.isoformat(), "case": case_id})
        resource = stated.observation(named, patient=patient, code=what, value=value, on=on, by=practice.person.name)
        await practice.add(case_id, resource, "value-added")
        return _see(case_id)

    @app.post("/cases/{case_id}/documents", include_in_schema=False)
    async def add_document(
        case_id: str, file: UploadFile, kind: Annotated[str, Form()], on: Annotated[date, Form()]
    ) -> Response:
        if (file.size or 0) > _MAX_DOCUMENT:
            raise BadInput(f"more than {_MAX_DOCUMENT // MIB} MiB", where="file", fix="attach a smaller file, or parts")
        _not_in_future(on, practice)
        content = await file.read()
        words = dict(DOCUMENT_KINDS).get(kind)
        if words is None:
            raise BadInput("no such kind of document", where="kind", fix="choose one of the list")
        resource = stated.document(
            identity({"kind": kind, "on": on.isoformat(), "sha256": sha256(content).hexdigest(), "case": case_id}),
            patient=await practice.patient(case_id),
            kind=Coding(LOINC, kind, words),
            content=content,
            content_type=file.content_type or "application/octet-stream",
            on=on,
            by=practice.person.name,
        )
        await practice.add(case_id, resource, "document-added")
        return _see(case_id)

    @app.post("/cases/{case_id}/release", include_in_schema=False)
    async def release_page(case_id: str, how: Annotated[str, Form()], version: Annotated[int, Form()]) -> Response:
        await practice.release(case_id, how, version)
        return _see(case_id)


def _not_in_future(on: date, practice: Practice) -> None:
    # A day of grace: the clock is in UTC, and people east of it live in tomorrow.
    if on > practice.clock.now().date() + timedelta(days=1):
        raise BadInput("a date in the future", where="on", fix="give the day of the result or the document")


def _see(case_id: str) -> Response:
    return RedirectResponse(f"/cases/{case_id}", 303)


def _row(practice: Practice, case: Case, card: Mapping[str, str] | None) -> dict[str, Any]:
    card = card or {}
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
        "left": shown.left(open_due, now),
        "urgency": shown.urgency(open_due, now),
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
    clock = await clocks.kept(store, case.id)
    return {
        "row": _row(practice, case, await store.document(case.id, "card")),
        "assessment": assessment,
        "missing": missing,
        "problems": await store.document(case.id, "problems") if case.status is CaseStatus.ATTENTION else [],
        "answer": await _answer(store, case.id) if answer else None,
        "change": await practice_change_pages.words(practice, case),
        "may_release": case.status
        in (CaseStatus.INCOMPLETE, CaseStatus.AWAITING_RELEASE, CaseStatus.INFORMATION_REQUESTED),
        "choices": _choices(missing),
        "law": shown.law(clock),
        "clock": as_json(clock) if clock else None,
        "renew": _RENEW.get(case.status),
        "kinds": [{"code": code, "display": words} for code, words in DOCUMENT_KINDS],
        "timeline": await store.timeline(case.id),
        "messages": await store.messages(case.id),
    }


async def _answer(store: CaseStore, case_id: str) -> Determination | None:
    """The payer's word as it stands, read again from the messages as they came."""
    kept = [(one, await store.message_body(one.id)) for one in await store.messages(case_id)]
    return pas_exchange.standing(kept).answer


def _missing(assessment: Any) -> list[dict[str, Any]]:
    items = (assessment or {}).get("items", [])
    return [one for item in items for criterion in item["criteria"] for one in criterion["missing"]]


def _choices(missing: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """What can be typed as a value: the first code of each missing thing first, then what people add most."""
    found = {(one["codes"][0]["system"], one["codes"][0]["code"]): one["what"] for one in missing if one["codes"]}
    usual = {
        (LOINC, "89247-1"): "ECOG performance status",
        (LOINC, "10230-1"): "Left ventricular ejection fraction",
        (LOINC, "85319-2"): "HER2 by immunohistochemistry",
        (LOINC, "83053-9"): "PD-L1 tumor proportion score",
        (LOINC, "29463-7"): "Body weight",
    }
    return [{"system": key[0], "code": key[1], "what": what} for key, what in (found | usual).items()]


async def _name_of(practice: Practice, case_id: str, system: str, code: str) -> str:
    choices = _choices(_missing(await practice.store.document(case_id, "assessment")))
    named = next((one["what"] for one in choices if (one["system"], one["code"]) == (system, code)), None)
    if named is None:
        raise BadInput("no such value is asked for", where="code", fix="choose one of the list")
    return named
