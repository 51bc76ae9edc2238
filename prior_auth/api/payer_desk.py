"""What the payer's windows do: receive a submission or an attachment, answer it, take a person's decision."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any

from prior_auth import clocks
from prior_auth.api import pages, shown
from prior_auth.api.auth import ANYBODY, Caller
from prior_auth.api.bodies import whole_number
from prior_auth.api.waiting import Waiting
from prior_auth.api.words import DOCUMENT_KINDS
from prior_auth.domain import legal_clock
from prior_auth.domain.authorization import (
    Action,
    Authorization,
    DenialReason,
    ItemDecision,
    RequestedInformation,
)
from prior_auth.domain.legal_clock import LegalClock
from prior_auth.domain.parties import PayerIdentity
from prior_auth.domain.people import ENGINE, Person
from prior_auth.errors import BadInput, Conflict, NotFound, PriorAuthError
from prior_auth.fhir import cdex, json, pas_match, pas_people, pas_request, pas_response
from prior_auth.fhir.pas_received import ReadItem
from prior_auth.ports import AuthorizationStore, Clock, PayerOrchestrator, Receipt


@dataclass(frozen=True, slots=True)
class Payer:
    """What this window needs. `legal_clock` is asked once, at the receipt."""

    store: AuthorizationStore
    stories: PayerOrchestrator
    clock: Clock
    person: Person
    identity: PayerIdentity
    answer_within: timedelta
    legal_clock: Callable[[pas_request.ReadRequest, datetime], LegalClock]
    retention: timedelta = timedelta(days=183)  # how long after the planned end of service an inquiry is answered
    waiting: Waiting = field(default_factory=Waiting)

    async def submit(
        self, body: bytes, caller: Caller = ANYBODY, *, bundle: dict[str, Any] | None = None
    ) -> tuple[bytes, Authorization | None]:
        """Store, start the review, wait a bounded time for its word, answer what stands then (pas.md 1.2).

        `bundle` is `body` where it has been read. Raises BadInput on what cannot be processed: a 4xx with one
        OperationOutcome; Forbidden for another's sender.
        """
        bundle = json.read(body) if bundle is None else bundle
        request = pas_request.read(bundle)
        caller.must_be(request.sender, where="Claim.extension")
        request = request if request.sender else replace(request, sender=caller.sender)
        try:
            async with self.store.together():
                receipt = await self._receive(bundle, request, body)
                until = self.clock.now() + self.answer_within
                answering = {"version": receipt.version, "until": until.isoformat()}
                await self.store.keep_document(receipt.authorization.id, "answering", answering)
        except (Conflict, NotFound) as problem:
            return await self._refused(bundle, request, body, problem), None
        await self._opened(receipt)
        authorization = await self._decided(receipt)
        return await self.answer(authorization, receipt.version, bundle, request), authorization

    async def attach(self, body: bytes, caller: Caller = ANYBODY) -> dict[str, Any]:
        """CDex `$submit-attachment`: a new version of the request that asked for it, judged anew; told by notice."""
        parameters = json.read(body)
        submission = cdex.read(parameters)
        where = cdex.place(parameters, "TrackingId")
        known = await self._tracked(submission.tracking[1], where)
        caller.must_be(known.sender, where=where)
        now = self.clock.now()
        canonical_hash = json.content_hash(parameters)
        receipt = await self.store.attach(known.id, attachment=body, canonical_hash=canonical_hash, at=now)
        owner, version = receipt.authorization.id, receipt.version
        facts = {"version": str(version), "attachments": str(len(submission.attachments))}
        await self.store.note(owner, "attached", by=ENGINE, at=now, facts=facts, key=f"{owner}/attached/{version}")
        await clocks.move(self.store, owner, lambda clock: legal_clock.completed(clock, now))
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

    async def _tracked(self, tracking: str, where: str) -> Authorization:
        """The authorization whose request for information a TrackingId answers."""
        try:
            return await self.store.get(tracking.rpartition("-")[0])
        except NotFound:
            fix = "send the TrackingId of the request for information"
            raise NotFound("no authorization of ours has this TrackingId", where=where, fix=fix) from None

    async def _receive(self, bundle: Mapping[str, Any], request: pas_request.ReadRequest, body: bytes) -> Receipt:
        now = self.clock.now()
        clock = await self._clock_on_receipt(request, now)
        members = pas_people.people_of(bundle).members
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
            due_at=clock.due_at,
            members=members,
        )
        owner, facts = receipt.authorization.id, {"version": str(receipt.version), "clock": shown.law(clock)}
        await self._replacing(receipt, request, members)
        if receipt.fresh:
            await self.store.keep_document(owner, "card", _card(request))
            await clocks.keep(self.store, owner, clock)
        # By key, not by freshness: where this process died in between, the resend completes what was begun.
        key = f"{owner}/received/{receipt.version}"
        await self.store.note(owner, "received", by=ENGINE, at=now, facts=facts, key=key)
        return receipt

    async def _replacing(self, receipt: Receipt, request: pas_request.ReadRequest, members: Collection[str]) -> None:
        """A request that names the number of its member's earlier authorization takes its place (a renewal)."""
        numbers, new = pas_match.stated_numbers(request), receipt.authorization
        for earlier in await self.store.of_members(members) if numbers else []:
            if earlier.id == new.id or earlier.sender != new.sender:
                continue
            if numbers & {one.number for one in await self.store.decisions(earlier.id)}:
                await self.store.keep_document(earlier.id, "replaced-by", {"authorization": new.id})

    async def _clock_on_receipt(self, request: pas_request.ReadRequest, now: datetime) -> LegalClock:
        """An update of an open request keeps the clock of its first receipt; what was asked for has come with it."""
        prior = _prior(request)
        known = await self.store.authorization_of_claim(request.sender or "", prior) if prior else None
        if known is not None and not (await self.store.get(known)).status.is_final:
            before = await clocks.kept(self.store, known)
            if before is not None:
                return legal_clock.completed(before, now)
        return self.legal_clock(request, now)

    async def _opened(self, receipt: Receipt) -> None:
        if receipt.authorization.status.is_final and not receipt.fresh:
            return
        if receipt.version == 1:
            await self.stories.open(receipt.authorization.id)
        else:
            await self.stories.nudge(receipt.authorization.id)

    async def _decided(self, receipt: Receipt) -> Authorization:
        """The authorization once the review has spoken on this version, or as it is when the time is up."""
        seconds = self.answer_within.total_seconds()
        await self.waiting.until(receipt.authorization.id, self.store.spoken_of, seconds=seconds)
        return await self.store.get(receipt.authorization.id)

    async def answer(
        self, authorization: Authorization, version: int, bundle: Mapping[str, Any], request: pas_request.ReadRequest
    ) -> bytes:
        """Project the word that stands, keep the exact bytes, and remember that the submitter has been told.

        A version that a newer one has overtaken is answered as it was.
        """
        now, is_newest = self.clock.now(), version == authorization.version
        if not is_newest and (before := await self._answered(authorization.id, version)) is not None:
            return before
        async with self.store.together():
            decisions = await self.store.decisions(authorization.id, version)
            extended = await clocks.extension(self.store, authorization)
            stamp = pas_response.Stamp(authorization.id, authorization.revision, now, authorization.reference, extended)
            body = json.write(pas_response.build(bundle, request, decisions, payer=self.identity, stamp=stamp))
            key = f"{authorization.id}/response/{version}/{authorization.revision}"
            kept = await self.store.keep_message(
                authorization.id, direction="sent", kind="response", version=version, body=body, key=key, at=now
            )
            if authorization.revision and is_newest:
                await self.store.tell(authorization.id, authorization.revision)
            if authorization.status.is_final and is_newest:
                await clocks.move(self.store, authorization.id, lambda clock: legal_clock.notified(clock, now))
            return body if kept.sha256 == sha256(body).hexdigest() else await self.store.message_body(kept.id)

    async def _answered(self, authorization_id: str, version: int) -> bytes | None:
        """The last answer that was given to this version."""
        kept = await self.store.messages(authorization_id)
        given = [one for one in kept if (one.direction, one.kind, one.version) == ("sent", "response", version)]
        return await self.store.message_body(given[-1].id) if given else None

    async def _refused(
        self, bundle: Mapping[str, Any], request: pas_request.ReadRequest, body: bytes, problem: PriorAuthError
    ) -> bytes:
        """A business error of an accepted exchange: 2xx, and nothing decided (pas.md 1.12, traps 22 and 35).

        Both messages are kept with the authorization that the prior Claim names, else under a name of their own.
        """
        now, named = self.clock.now(), f"refused-{json.content_hash(bundle)[:32]}"
        rejection = pas_response.Rejection(None, "Bundle.entry[0].resource.related[0].claim", problem.message)
        stamp = pas_response.Stamp(named, 0, now)
        answer = json.write(pas_response.rejected(bundle, request, [rejection], payer=self.identity, stamp=stamp))
        known = await self.store.authorization_of_claim(request.sender or "", _prior(request) or "")
        kept = await self.store.keep_refused(known or named, body, answer, key=named, at=now)
        if known:
            await self.store.note(known, "update-refused", by=ENGINE, at=now, facts={"message": kept.id}, key=named)
        return await self.store.message_body(kept.id)

    async def keep_refusal(self, body: bytes, answer: bytes) -> None:
        """A message that could not be processed and what it was told: kept once, under a name of its own."""
        name = f"refused-{sha256(body).hexdigest()[:32]}"
        await self.store.keep_refused(name, body, answer, key=name, at=self.clock.now())

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
        if (happens := legal_clock.told_by(decision.action is Action.PEND, authorization.status.is_final)) is not None:
            await clocks.move(self.store, authorization_id, lambda clock: happens(clock, now))
        await self.stories.nudge(authorization_id)
        return authorization

    async def extend(self, authorization_id: str, *, days: int, reason: str, waits: bool) -> LegalClock:
        """The payer takes longer, as far as the row of law that binds it lets it. Raises NotFound, Conflict."""
        await self.store.get(authorization_id)
        now = self.clock.now()
        async with self.store.together():
            clock = await clocks.move(
                self.store,
                authorization_id,
                lambda clock: legal_clock.extended(clock, now, days=days, reason=reason, waits=waits),
            )
            if clock is None:
                raise Conflict("no legal clock runs for this request", where="days")
            facts = {"days": str(days), "clock": shown.law(clock)}
            key = f"{authorization_id}/extended"
            await self.store.note(authorization_id, "extended", by=self.person, at=now, facts=facts, key=key)
            await self.store.speak_again(authorization_id, at=now)  # the submitter is told, as of any word
        await self.stories.nudge(authorization_id)
        return clock


async def decision_of(payer: Payer, authorization: Authorization, stated: Mapping[str, str]) -> ItemDecision:
    """A form's or a program's decision. Raises BadInput with the field."""
    action = _choice(Action, stated.get("action"), "action")
    if action is Action.CANCEL:
        raise BadInput("only the practice cancels", where="action", fix="deny it, or let the practice cancel it")
    asked = await _item(payer, authorization, whole_number(stated.get("sequence"), "sequence"))
    reason = _choice(DenialReason, stated["reason"], "reason") if stated.get("reason") else None
    certifies = action in (Action.CERTIFY, Action.MODIFY)
    return ItemDecision(
        sequence=asked.sequence,
        action=action,
        by=payer.person,
        number=authorization.number(asked.sequence) if certifies else None,
        period=asked.item.period if certifies else None,
        units=_units(stated.get("units"), asked.item.units) if action is Action.MODIFY else None,
        reason=reason if action in (Action.DENY, Action.MODIFY) else None,
        narrative=stated.get("narrative") or None,
        criterion=stated.get("criterion") or None,
        requested=_asked(stated) if action is Action.PEND else (),
    )


async def _item(payer: Payer, authorization: Authorization, sequence: int) -> ReadItem:
    read = pas_request.read(json.read(await payer.store.request_body(authorization.id, authorization.version)))
    found = next((one for one in read.items if one.sequence == sequence and not one.cancelled), None)
    if found is None:
        raise BadInput("the request has no such item", where="sequence", fix="name an item of the newest version")
    return found


def _asked(stated: Mapping[str, str]) -> tuple[RequestedInformation, ...]:
    code = stated.get("ask")
    if not code:
        raise BadInput("nothing is asked for", where="ask", fix="say what would decide it")
    words = stated.get("narrative") or dict(DOCUMENT_KINDS).get(code, code)
    return (RequestedInformation(code, words, stated.get("criterion") or None),)


def _choice(kind: Any, value: str | None, where: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        allowed = ", ".join(one.value for one in kind)
        raise BadInput(f"no such {where}", where=where, fix=f"use one of {allowed}") from None


def _units(value: str | None, asked: Decimal | None) -> Decimal:
    try:
        units = Decimal(value or "")
    except InvalidOperation:
        raise BadInput("not a number of units", where="units", fix="give the units granted, as a number") from None
    if not units.is_finite() or units <= 0 or (asked is not None and units >= asked):
        most = f"less than the {asked} asked for" if asked is not None else "more than none"
        raise BadInput("not fewer units", where="units", fix=f"grant {most}, or approve or deny")
    return units


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
    """What the queue shows: the patient by initials, the service by the name that the order or the Claim gives it."""
    patient = next(one for one in request.resources if one["resourceType"] == "Patient")
    item = request.items[0].item
    orders = (one for one in request.resources if f"{one['resourceType']}/{one.get('id')}" == item.order)
    named = (_named(order.get("medicationCodeableConcept") or order.get("code")) for order in orders)
    name = item.service.display or next((one for one in named if one), None)
    return {"patient": pages.initials(patient), "service": name or item.service.code}


def _named(concept: Any) -> str | None:
    """A CodeableConcept's own name: of its codes, else its text."""
    if not isinstance(concept, Mapping):
        return None
    codings = [one for one in concept.get("coding") or () if isinstance(one, Mapping)]
    names = [*(one.get("display") for one in codings), concept.get("text")]
    return next((one for one in names if isinstance(one, str) and one.strip()), None)
