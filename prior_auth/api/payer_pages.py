"""The payer's pages: the queue by legal clock, one request beside its policy, a clinician's decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import FastAPI, Form, Request, Response
from fastapi.responses import RedirectResponse

from prior_auth import clocks
from prior_auth.api import pages, shown
from prior_auth.api.ops import operations_page
from prior_auth.api.payer_desk import Payer, decision_of
from prior_auth.api.words import AUTHORIZATION_WORDS, DOCUMENT_KINDS, WAITS
from prior_auth.domain.authorization import Action, Authorization, DenialReason
from prior_auth.fhir import json, pas_changes, pas_request
from prior_auth.fhir.pas_received import ReadItem, ReadRequest
from prior_auth.policy.clock_report import as_json
from prior_auth.policy.deadlines import recalled


def add_pages(app: FastAPI, payer: Payer) -> None:
    @app.get("/", include_in_schema=False)
    async def queue(request: Request) -> Response:
        cards = await payer.store.documents("card")
        laws = await payer.store.documents(clocks.DOCUMENT)
        found = await payer.store.authorizations()
        rows = [_row(payer, one, cards.get(one.id), laws.get(one.id)) for one in found]
        rows.sort(key=lambda row: _need(row["authorization"]))
        figures = Counter(row["status"] for row in rows)
        return pages.page("queue.html", request, rows=rows, figures=figures.items())

    @app.get("/operations", include_in_schema=False)
    async def operations(request: Request) -> Response:
        found = await payer.store.authorizations()
        rows = [(one, f"/requests/{one.id}") for one in found]
        return operations_page(request, rows, payer.clock.now())

    @app.get("/requests/{authorization_id}", include_in_schema=False)
    async def request_page(authorization_id: str, request: Request) -> Response:
        found = await payer.store.get(authorization_id)
        return pages.page("request.html", request, **await _request_words(payer, found))

    @app.post("/requests/{authorization_id}/extension", include_in_schema=False)
    async def extend_page(
        authorization_id: str,
        days: Annotated[int, Form()],
        reason: Annotated[str, Form()],
        waits: Annotated[str, Form()] = "",
    ) -> Response:
        await payer.extend(authorization_id, days=days, reason=reason, waits=bool(waits))
        return RedirectResponse(f"/requests/{authorization_id}", 303)

    @app.post("/requests/{authorization_id}/decisions", include_in_schema=False)
    async def decide_page(authorization_id: str, request: Request, version: Annotated[int, Form()]) -> Response:
        fields = {name: str(value) for name, value in (await request.form()).items() if value}
        decision = await decision_of(payer, await payer.store.get(authorization_id), fields)
        await payer.decide(authorization_id, version, decision)
        return RedirectResponse(f"/requests/{authorization_id}", 303)


def _need(authorization: Authorization) -> tuple[bool, bool, datetime]:
    """Open ones by their legal clock, then those without one, then what is decided."""
    due = authorization.due_at
    return (authorization.status.is_final, due is None, due or authorization.received_at)


def _row(
    payer: Payer, authorization: Authorization, card: Mapping[str, str] | None, clock: Mapping[str, Any] | None
) -> dict[str, Any]:
    card = card or {}
    words, colour = AUTHORIZATION_WORDS[authorization.status]
    now = payer.clock.now()
    due = None if authorization.status.is_final else authorization.due_at
    return {
        "authorization": authorization,
        "patient": card.get("patient", "member"),
        "service": card.get("service", authorization.service),
        "status": words,
        "colour": colour,
        "next": WAITS.get(authorization.waiting_for, authorization.waiting_for),
        "law": shown.law(recalled(clock)) if clock else "",
        "left": shown.left(due, now),
        "urgency": shown.urgency(due, now),
    }


async def _request_words(payer: Payer, authorization: Authorization) -> dict[str, Any]:
    store = payer.store
    assessment = await store.document(authorization.id, "assessment")
    clock = await store.document(authorization.id, clocks.DOCUMENT)
    decisions = await store.decisions(authorization.id)
    read = pas_request.read(json.read(await store.request_body(authorization.id, authorization.version)))
    settled = {one.sequence for one in decisions if one.action is not Action.PEND}
    judged = {item["request"]: item for item in (assessment or {}).get("items", [])}
    open_items = [
        _open_item(one, judged.get(one.item.order))
        for one in read.items
        if one.sequence not in settled and not one.cancelled
    ]
    return {
        "row": _row(payer, authorization, await store.document(authorization.id, "card"), clock),
        "assessment": assessment,
        "decisions": decisions,
        "changes": await _changes(payer, authorization, read),
        "open_items": open_items,
        "problems": await store.document(authorization.id, "problems") or [],
        "clock": as_json(recalled(clock)) if clock else None,
        "kinds": [{"code": code, "display": words} for code, words in DOCUMENT_KINDS],
        "reasons": [reason.value for reason in DenialReason],
        "may_deny": payer.person.may_decide_adversely,
        "timeline": await store.timeline(authorization.id),
        "messages": await store.messages(authorization.id),
    }


async def _changes(payer: Payer, authorization: Authorization, now: ReadRequest) -> list[str]:
    """What the newest version changes, by comparison with the one before; nothing for a first one."""
    if authorization.version == 1:
        return []
    before = await payer.store.request_body(authorization.id, authorization.version - 1)
    found = pas_changes.between(pas_request.read(json.read(before)), now)
    named = {"revised": found.revised, "added": found.added, "cancelled": found.cancelled}
    told = [f"item {number} {what}" for what, numbers in named.items() for number in sorted(numbers)]
    return [*told, *(["information dropped"] if found.information_dropped else [])]


def _open_item(asked: ReadItem, judged: Mapping[str, Any] | None) -> dict[str, Any]:
    named = judged["service"]["display"] if judged else None
    return {
        "sequence": asked.sequence,
        "service": named or asked.item.service.display or asked.item.service.code,
        "units": asked.item.units,
        "period": asked.item.period,
        "criteria": judged["criteria"] if judged else [],
    }
