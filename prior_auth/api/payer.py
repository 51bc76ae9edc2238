"""The payer's window: the PAS endpoint, the queue, one request, and a clinician's decision."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from fastapi import FastAPI, Form, Request, Response
from fastapi.responses import RedirectResponse

from prior_auth import __version__
from prior_auth.api import pages, problems
from prior_auth.api.ops import add_message_door, operations_page
from prior_auth.api.problems import fhir_answer
from prior_auth.api.words import AUTHORIZATION_WORDS, DOCUMENT_KINDS, WAITS
from prior_auth.domain.authorization import (
    Action,
    Authorization,
    AuthorizationStatus,
    DenialReason,
    ItemDecision,
    RequestedInformation,
)
from prior_auth.domain.parties import PayerIdentity
from prior_auth.domain.people import ENGINE, Person
from prior_auth.domain.request import Period
from prior_auth.errors import BadInput, Conflict, NotFound, PriorAuthError
from prior_auth.fhir import capability, cdex, json, outcome, pas_request, pas_response, subscription
from prior_auth.fhir.validate import check_structure
from prior_auth.ports import AuthorizationStore, Clock, PayerOrchestrator, Receipt

_MAX_REQUEST = 32 * 1024 * 1024
_LOOK_EVERY = 0.05  # seconds
CAPABILITY_DATE = date(2026, 11, 25)  # when what is served last changed
_ACCEPTED = ("application/fhir+json", "application/json")


@dataclass(frozen=True, slots=True)
class Deadline:
    """The legal instant of an answer, and the row of law that won."""

    due_at: datetime | None
    reference: str


@dataclass(frozen=True, slots=True)
class Payer:
    """What this window needs. `deadline` is asked once, at the receipt."""

    store: AuthorizationStore
    stories: PayerOrchestrator
    clock: Clock
    person: Person
    identity: PayerIdentity
    answer_within: timedelta
    deadline: Callable[[pas_request.ReadRequest, datetime], Deadline]

    async def submit(self, body: bytes) -> tuple[bytes, Authorization | None]:
        """Store, start the review, wait a bounded time for its word, answer what stands then (pas.md 1.2).

        Raises BadInput on what cannot be processed: a 4xx with one OperationOutcome.
        """
        bundle = json.read(body)
        request = pas_request.read(bundle)
        try:
            receipt = await self._receive(bundle, request, body)
        except (Conflict, NotFound) as problem:
            return self._refusal(bundle, request, problem), None
        until = self.clock.now() + self.answer_within
        answering = {"version": receipt.version, "until": until.isoformat()}
        await self.store.keep_document(receipt.authorization.id, "answering", answering)
        await self._opened(receipt)
        authorization = await self._decided(receipt)
        return await self.answer(authorization, receipt.version, bundle, request), authorization

    async def attach(self, body: bytes) -> dict[str, Any]:
        """CDex `$submit-attachment`: a new version of the request that asked for it, judged anew; told by notice."""
        parameters = json.read(body)
        submission = cdex.read(parameters)
        authorization_id = submission.tracking[1].rpartition("-")[0]
        now = self.clock.now()
        receipt = await self.store.attach(
            authorization_id, attachment=body, canonical_hash=json.content_hash(parameters), at=now
        )
        owner, version = receipt.authorization.id, receipt.version
        facts = {"version": str(version), "attachments": str(len(submission.attachments))}
        await self.store.note(owner, "attached", by=ENGINE, at=now, facts=facts, key=f"{owner}/attached/{version}")
        issue = {"severity": "information", "code": "informational", "diagnostics": "the attachments were received"}
        answer = {"resourceType": "OperationOutcome", "id": f"{owner}-{version}", "issue": [issue]}
        await self.store.keep_message(
            owner,
            direction="sent",
            kind="receipt",
            version=version,
            body=json.write(answer),
            key=f"{owner}/receipt/{version}",
            at=now,
        )
        await self.stories.nudge(owner)
        return answer

    async def _receive(self, bundle: Mapping[str, Any], request: pas_request.ReadRequest, body: bytes) -> Receipt:
        now = self.clock.now()
        deadline = self.deadline(request, now)
        receipt = await self.store.receive(
            sender=request.sender or "",
            bundle_identifier="|".join(request.bundle_identifier),
            claim_identifiers=["|".join(pair) for pair in request.claim_identifiers],
            prior_claim=_prior(request),
            canonical_hash=json.content_hash(bundle),
            body=body,
            plan=request.request.coverage.plan if request.request.coverage else None,
            service=request.items[0].item.service.code,
            at=now,
            due_at=deadline.due_at,
        )
        owner, facts = receipt.authorization.id, {"version": str(receipt.version), "clock": deadline.reference}
        if receipt.fresh:
            await self.store.keep_document(owner, "card", _card(request))
            await self.store.keep_document(owner, "clock", deadline.reference)
        # By key, not by freshness: where this process died in between, the resend completes what was begun.
        key = f"{owner}/received/{receipt.version}"
        await self.store.note(owner, "received", by=ENGINE, at=now, facts=facts, key=key)
        return receipt

    async def _opened(self, receipt: Receipt) -> None:
        if receipt.authorization.status.is_final and not receipt.fresh:
            return
        if receipt.version == 1:
            await self.stories.open(receipt.authorization.id)
        else:
            await self.stories.nudge(receipt.authorization.id)

    async def _decided(self, receipt: Receipt) -> Authorization:
        """The authorization once the review has spoken on this version, or as it is when the time is up."""
        until = asyncio.get_running_loop().time() + self.answer_within.total_seconds()
        while True:
            authorization = await self.store.get(receipt.authorization.id)
            spoken = authorization.status is not AuthorizationStatus.RECEIVED
            if spoken or asyncio.get_running_loop().time() > until:
                return authorization
            await asyncio.sleep(_LOOK_EVERY)

    async def answer(
        self, authorization: Authorization, version: int, bundle: Mapping[str, Any], request: pas_request.ReadRequest
    ) -> bytes:
        """Project the word that stands, keep the exact bytes, and remember that the submitter has been told."""
        now = self.clock.now()
        decisions = await self.store.decisions(authorization.id)
        stamp = pas_response.Stamp(authorization.id, authorization.revision, now, reference_number(authorization))
        body = json.write(pas_response.build(bundle, request, decisions, payer=self.identity, stamp=stamp))
        key = f"{authorization.id}/response/{version}/{authorization.revision}"
        kept = await self.store.keep_message(
            authorization.id, direction="sent", kind="response", version=version, body=body, key=key, at=now
        )
        if authorization.revision:
            await self.store.tell(authorization.id, authorization.revision)
        return await self.store.message_body(kept.id)

    def _refusal(self, bundle: Mapping[str, Any], request: pas_request.ReadRequest, problem: PriorAuthError) -> bytes:
        """A business error of an accepted exchange: 2xx, and nothing decided (pas.md 1.12, traps 22 and 35)."""
        rejection = pas_response.Rejection(None, "Bundle.entry[0].resource.related[0].claim", problem.message)
        stamp = pas_response.Stamp(request.claim_identifiers[0][1], 0, self.clock.now())
        return json.write(pas_response.rejected(bundle, request, [rejection], payer=self.identity, stamp=stamp))

    async def decide(self, authorization_id: str, version: int, decision: ItemDecision) -> Authorization:
        """A person's word on one item. Raises Conflict where that person may not say it."""
        now = self.clock.now()
        key = f"{authorization_id}/desk/{version}/{decision.sequence}/{json.content_hash(_coded(decision))}"
        authorization = await self.store.decide(
            authorization_id,
            version=version,
            decisions=[decision],
            waiting_for="information" if decision.action is Action.PEND else None,
            at=now,
            key=key,
        )
        await self.store.note(
            authorization_id,
            f"decided:{decision.action.value}",
            by=decision.by,
            at=now,
            facts=_coded(decision),
            key=key,
        )
        await self.stories.nudge(authorization_id)
        return authorization


def payer_app(payer: Payer) -> FastAPI:
    app = FastAPI(title="prior-auth payer", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    problems.install(app)
    pages.install(app, side="payer", person=payer.person.name)
    add_message_door(app, payer.store)
    _add_fhir_doors(app, payer)
    _add_program_doors(app, payer)
    _add_pages(app, payer)
    return app


def _add_fhir_doors(app: FastAPI, payer: Payer) -> None:
    @app.get("/health", include_in_schema=False)
    async def health() -> dict[str, str]:
        return {"status": "up"}

    @app.get("/fhir/metadata")
    async def metadata() -> Response:
        return fhir_answer(capability.payer(payer.identity.base, on=CAPABILITY_DATE, version=__version__))

    @app.post("/fhir/Claim/$submit")
    async def submit(request: Request) -> Response:
        body = await _fhir_body(request)
        found = [issue for issue in check_structure(json.read(body)) if issue.severity == "error"]
        if found:
            return fhir_answer(outcome.from_issues(found), 400)
        answer, _ = await payer.submit(body)
        return fhir_answer(answer)

    @app.post("/fhir/$submit-attachment")
    @app.post("/fhir/Claim/$submit-attachment")
    async def submit_attachment(request: Request) -> Response:
        return fhir_answer(await payer.attach(await _fhir_body(request)))

    @app.post("/fhir/Subscription")
    async def subscribe(request: Request) -> Response:
        resource = json.read(await _fhir_body(request))
        wanted = subscription.read_subscription(resource)
        kept = await payer.store.subscribe(
            sender=",".join(wanted.senders), resource=resource, endpoint=wanted.endpoint, headers=wanted.headers
        )
        if kept.status != "active":
            handshake = await payer.store.handshake(kept.id)
            await payer.stories.deliver(handshake.id)
        created = subscription.accepted(resource, subscription_id=kept.id, status=kept.status)
        answer = fhir_answer(created, 201)
        answer.headers["Location"] = f"{payer.identity.base}/Subscription/{kept.id}"
        return answer

    @app.get("/fhir/Subscription/{subscription_id}/$status")
    async def status(subscription_id: str) -> Response:
        kept = await payer.store.subscriber(subscription_id)
        sender = subscription.Sender(payer.identity.base, kept.id, kept.status)
        return fhir_answer(subscription.status_of(sender, total=kept.events, at=payer.clock.now()))


async def _fhir_body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _ACCEPTED:
        raise problems.Unsupported(f"content type {kind or 'not stated'}", fix="send application/fhir+json")
    body = await request.body()
    if len(body) > _MAX_REQUEST:
        raise problems.TooLarge(f"more than {_MAX_REQUEST // 2**20} MiB", fix="send fewer or smaller attachments")
    return body


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
        decision = await _decision(payer, found, fields)
        version = int(fields.get("version", found.version))
        return _program(_facts(await payer.decide(authorization_id, version, decision)), 202)


def _add_pages(app: FastAPI, payer: Payer) -> None:
    @app.get("/", include_in_schema=False)
    async def queue(request: Request) -> Response:
        rows = [await _row(payer, one) for one in await payer.store.authorizations()]
        rows.sort(key=lambda row: _need(row["authorization"]))
        figures = Counter(row["status"] for row in rows)
        return pages.page("queue.html", request, rows=rows, figures=figures.items())

    @app.get("/operations", include_in_schema=False)
    async def operations(request: Request) -> Response:
        found = await payer.store.authorizations()
        rows = [(one.status.value, one, f"/requests/{one.id}") for one in found]
        return operations_page(request, rows, payer.clock.now())

    @app.get("/requests/{authorization_id}", include_in_schema=False)
    async def request_page(authorization_id: str, request: Request) -> Response:
        found = await payer.store.get(authorization_id)
        return pages.page("request.html", request, **await _request_words(payer, found))

    @app.post("/requests/{authorization_id}/decisions", include_in_schema=False)
    async def decide_page(authorization_id: str, request: Request, version: Annotated[int, Form()]) -> Response:
        fields = {name: str(value) for name, value in (await request.form()).items() if value}
        decision = await _decision(payer, await payer.store.get(authorization_id), fields)
        await payer.decide(authorization_id, version, decision)
        return RedirectResponse(f"/requests/{authorization_id}", 303)


async def _decision(payer: Payer, authorization: Authorization, stated: Mapping[str, str]) -> ItemDecision:
    """A form's or a program's decision. Raises BadInput with the field."""
    action = _choice(Action, stated.get("action"), "action")
    sequence = _number(stated.get("sequence"), "sequence")
    reason = _choice(DenialReason, stated["reason"], "reason") if stated.get("reason") else None
    certifies = action in (Action.CERTIFY, Action.MODIFY)
    return ItemDecision(
        sequence=sequence,
        action=action,
        by=payer.person,
        number=authorization_number(authorization, sequence) if certifies else None,
        period=await _period_asked(payer, authorization, sequence) if certifies else None,
        units=_units(stated.get("units")) if action is Action.MODIFY else None,
        reason=reason if action in (Action.DENY, Action.MODIFY) else None,
        narrative=stated.get("narrative") or None,
        criterion=stated.get("criterion") or None,
        requested=_asked(stated) if action is Action.PEND else (),
    )


def _asked(stated: Mapping[str, str]) -> tuple[RequestedInformation, ...]:
    code = stated.get("ask")
    if not code:
        raise BadInput("nothing is asked for", where="ask", fix="say what would decide it")
    words = stated.get("narrative") or dict(DOCUMENT_KINDS).get(code, code)
    return (RequestedInformation(code, words, stated.get("criterion") or None),)


async def _period_asked(payer: Payer, authorization: Authorization, sequence: int) -> Period | None:
    read = pas_request.read(json.read(await payer.store.request_body(authorization.id, authorization.version)))
    return next((one.item.period for one in read.items if one.sequence == sequence), None)


def authorization_number(authorization: Authorization, sequence: int) -> str:
    """The number a certification is known by, the same however often it is asked for."""
    return f"AUTH-{authorization.id[:8].upper()}-{sequence}"


def reference_number(authorization: Authorization) -> str:
    """The administration reference of a request under review (REF-NT)."""
    return f"REF-{authorization.id[:8].upper()}"


def _choice(kind: Any, value: str | None, where: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        allowed = ", ".join(one.value for one in kind)
        raise BadInput(f"no such {where}", where=where, fix=f"use one of {allowed}") from None


def _number(value: str | None, where: str) -> int:
    if value is None or not value.isdigit():
        raise BadInput("not a positive number", where=where, fix="give the item's sequence")
    return int(value)


def _units(value: str | None) -> Decimal | None:
    if value is None:
        return None
    try:
        return Decimal(value)
    except InvalidOperation:
        raise BadInput("not a number of units", where="units", fix="give a decimal number") from None


def _coded(decision: ItemDecision) -> dict[str, str]:
    """What the timeline says of a decision: codes and numbers, not the narrative."""
    facts = {
        "item": str(decision.sequence),
        "reason": decision.reason.value if decision.reason else "",
        "criterion": decision.criterion or "",
        "number": decision.number or "",
        "units": str(decision.units) if decision.units is not None else "",
        "asked": " ".join(one.code for one in decision.requested),
    }
    return {name: value for name, value in facts.items() if value}


def _prior(request: pas_request.ReadRequest) -> str | None:
    if request.prior_claim is None:
        return None
    return "|".join(request.prior_claim_identifiers[0]) if request.prior_claim_identifiers else request.prior_claim


def _card(request: pas_request.ReadRequest) -> dict[str, str]:
    patient = next(one for one in request.resources if one["resourceType"] == "Patient")
    service = request.items[0].item.service
    return {"patient": pages.initials(patient), "service": service.display or service.code}


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


def _need(authorization: Authorization) -> tuple[bool, bool, datetime]:
    """Open ones by their legal clock, then those without one, then what is decided."""
    due = authorization.due_at
    return (authorization.status.is_final, due is None, due or authorization.received_at)


async def _row(payer: Payer, authorization: Authorization) -> dict[str, Any]:
    card = await payer.store.document(authorization.id, "card") or {}
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
        "left": pages.left(due, now),
        "urgency": pages.urgency(due, now),
    }


async def _request_words(payer: Payer, authorization: Authorization) -> dict[str, Any]:
    store = payer.store
    assessment = await store.document(authorization.id, "assessment")
    decisions = await store.decisions(authorization.id)
    read = pas_request.read(json.read(await store.request_body(authorization.id, authorization.version)))
    settled = {one.sequence for one in decisions if one.action is not Action.PEND}
    judged = {item["request"]: item for item in (assessment or {}).get("items", [])}
    open_items = [
        {
            "sequence": one.sequence,
            "service": one.item.service.display or one.item.service.code,
            "criteria": [criterion["id"] for criterion in judged.get(one.item.order, {}).get("criteria", [])],
        }
        for one in read.items
        if one.sequence not in settled and not one.cancelled
    ]
    return {
        "row": await _row(payer, authorization),
        "assessment": assessment,
        "decisions": decisions,
        "open_items": open_items,
        "clock": await store.document(authorization.id, "clock"),
        "kinds": [{"code": code, "display": words} for code, words in DOCUMENT_KINDS],
        "reasons": [reason.value for reason in DenialReason],
        "may_deny": payer.person.may_decide_adversely,
        "timeline": await store.timeline(authorization.id),
        "messages": await store.messages(authorization.id),
    }
