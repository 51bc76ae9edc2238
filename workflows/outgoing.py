"""What goes from a practice to its payer: built from the store, judged as the payer will judge it, not yet sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from prior_auth import changes
from prior_auth.changes import Change
from prior_auth.domain.assessment import differing
from prior_auth.domain.case import Case
from prior_auth.domain.determination import Determination
from prior_auth.domain.parties import PayerIdentity, PracticeIdentity
from prior_auth.engine import Engine, Judgement
from prior_auth.fhir import cdex, json, pas_201, pas_inquiry, pas_request, pas_update
from prior_auth.fhir.pas_exchange import REQUEST, Standing
from prior_auth.gaps import Gap
from prior_auth.ports import CaseStore, Clock


@dataclass(frozen=True, slots=True)
class Outgoing:
    """`payer_base` is the payer's FHIR base for this version of PAS."""

    store: CaseStore
    engine: Engine
    practice: PracticeIdentity
    payer_base: str
    clock: Clock
    is_older: bool = False  # the payer is spoken to in PAS 2.0.1

    async def judged(self, case: Case, change: Change) -> Judgement:
        """The orders that are wanted now, judged as of today by all that the chart says. Raises BadInput, RuleError."""
        asked = await self.store.request(case.id)
        chart = await self.store.chart(case.id)
        judgement = await asyncio.to_thread(
            self.engine.judge,
            chart,
            as_of=self.clock.now().date(),
            orders=change.orders(asked["orders"]),
            payer=asked.get("payer"),
        )
        renews: dict[str, str | None] = asked.get("renews") or {}
        items = tuple(replace(one, renews=renews.get(one.order)) for one in judgement.request.items)
        return replace(judgement, request=replace(judgement.request, items=items))

    async def built(
        self, case: Case, judgement: Judgement, standing: Standing, version: int, change: Change, *, update: bool
    ) -> dict[str, Any]:
        """What goes next: the request, an `update` of it, or what the payer asked for."""
        chart = await self.store.chart(case.id)
        asked = await self.store.request(case.id)
        payer = self.engine.identity(asked.get("payer"), judgement.request, base=self.payer_base)
        if standing.sent and not update:
            return await self._attachment(case, judgement, standing, chart, payer)
        prior = json.read(await self.last_request(case.id, standing)) if standing.sent else None
        stamp = _stamp(case.id, version, self.clock)

        def build(evidence: Sequence[str]) -> dict[str, Any]:
            built = pas_request.build(
                judgement.request, chart, evidence, practice=self.practice, payer=payer, stamp=stamp, prior=prior
            )
            return built.bundle

        evidence = await self._evidence(case, judgement, change)
        if prior is not None:
            evidence = _still_wanted(evidence, prior, chart, change)
        bundle = await self._proving(judgement, evidence, build, payer=asked.get("payer"), dropped=change.dropped)
        return await self._remembered(case, bundle)

    async def cancellation(self, case: Case, standing: Standing, version: int) -> dict[str, Any]:
        """The update that wants nothing any more, made from what was sent last alone."""
        prior = json.read(await self.last_request(case.id, standing))
        return await self._remembered(case, pas_request.cancel(prior, stamp=_stamp(case.id, version, self.clock)))

    async def _remembered(self, case: Case, bundle: dict[str, Any]) -> dict[str, Any]:
        """An answer to this Claim will be known as this case's."""
        for identifier in bundle["entry"][0]["resource"]["identifier"]:
            await self.store.remember_claim(case.id, f"{identifier['system']}|{identifier['value']}")
        return bundle

    async def _proving(
        self,
        judgement: Judgement,
        evidence: list[str],
        build: Callable[[Sequence[str]], dict[str, Any]],
        *,
        payer: str | None,
        dropped: Sequence[str],
    ) -> dict[str, Any]:
        """The smallest Bundle found that says to the payer what the chart says to us.

        It is read as the payer reads it; where a criterion would come out otherwise, all that the chart says about
        what that criterion asks goes too.
        """
        while True:
            bundle = build(evidence)
            read = pas_request.read(bundle)
            theirs = await asyncio.to_thread(
                self.engine.judge,
                list(read.resources),
                as_of=judgement.assessment.as_of,
                orders=[one.item.order for one in read.items if not one.cancelled],
                payer=payer,
            )
            doubtful = differing(judgement.assessment, theirs.assessment)
            asked = self.engine.asked_about(judgement, doubtful)
            more = [one for one in asked if one not in evidence and one not in dropped]
            if not more:
                return bundle
            evidence = [*evidence, *more]

    async def _attachment(
        self,
        case: Case,
        judgement: Judgement,
        standing: Standing,
        chart: list[dict[str, Any]],
        payer: PayerIdentity,
    ) -> dict[str, Any]:
        """The answer to a request for information, by CDex (docs/pas.md)."""
        answer = standing.answer
        assert answer is not None
        unsent = await self.unsent(case, judgement, await changes.wanted(self.store, case.id))
        coverage = judgement.request.coverage
        return cdex.build(
            json.read(await self.last_request(case.id, standing)),
            chart,
            [cdex.Answer(evidence, _asked_for(judgement, answer, evidence)) for evidence in unsent],
            tracking=answer.identifiers[0],
            administration_reference=next(
                (item.administration_reference for item in answer.items if item.administration_reference), None
            ),
            member_id=(coverage.member_id if coverage else None) or "",
            practice=self.practice,
            payer=payer,
        )

    async def _evidence(self, case: Case, judgement: Judgement, change: Change) -> list[str]:
        """What the criteria rest on, and what people added: nothing else of the chart leaves (house rule 13).

        Orders are no evidence, those that are no longer wanted neither.
        """
        asked = (await self.store.request(case.id))["orders"]
        orders = {*asked, *change.added, *change.cancelled}
        used = [
            fact.source.reference
            for item in judgement.assessment.items
            for criterion in item.criteria
            for fact in criterion.evidence
        ]
        added = await self.store.additions(case.id)
        return [one for one in dict.fromkeys([*used, *added]) if not one.startswith("Patient/") and one not in orders]

    async def unsent(self, case: Case, judgement: Judgement, change: Change) -> list[str]:
        """What would go now and never went."""
        sent = {
            reference
            for message in await self.store.messages(case.id)
            if message.direction == "sent"
            for reference in _references(json.read(await self.store.message_body(message.id)))
        }
        wanted = await self._evidence(case, judgement, change)
        return [reference for reference in wanted if reference not in sent and reference not in change.dropped]

    async def inquiry(self, case_id: str, standing: Standing, gap: Gap) -> dict[str, Any]:
        """The question what became of the request that was sent last, one for each gap."""
        items = standing.answer.items if standing.answer is not None else ()
        numbers = {one.sequence: one.administration_reference for one in items if one.administration_reference}
        name = f"{case_id}/inquiry/{gap.name}"
        stamp = pas_request.Stamp(name, sha256(name.encode()).hexdigest()[:20], self.clock.now())
        sent = json.read(await self.last_request(case_id, standing))
        asked = pas_inquiry.build(sent, numbers=numbers, stamp=stamp)
        return pas_201.shaped(asked) if self.is_older else asked

    async def last_request(self, case_id: str, standing: Standing) -> bytes:
        """The last request that the payer took: what comes next updates it, completes it, or asks about it.

        Where 2.0.1 was sent it is what that was made from: an update compares like with like.
        """
        if (made_from := await self.store.document(case_id, _made_from(standing.claim))) is not None:
            return json.write(made_from)
        kept = [one for one in await self.store.messages(case_id) if one.kind == REQUEST]
        return await self.store.message_body([one for one in kept if one.version == standing.claim][-1].id)

    async def wire(self, case_id: str, version: int, body: dict[str, Any]) -> dict[str, Any]:
        """What goes over the wire for what was built, in the version of PAS that this payer is spoken to in."""
        if not self.is_older or body["resourceType"] != "Bundle":
            return body
        await self.store.keep_document(case_id, _made_from(version), body)
        return pas_201.shaped(body)


def _made_from(version: int) -> str:
    return f"request-2.2.1/{version}"


def _stamp(case_id: str, version: int, clock: Clock) -> pas_request.Stamp:
    return pas_request.Stamp(f"{case_id}/{version}", f"{case_id}-{version}", clock.now())


def _still_wanted(
    evidence: Sequence[str],
    prior: dict[str, Any],
    chart: Sequence[dict[str, Any]],
    change: Change,
) -> list[str]:
    """What the version before rested on stays, while the chart has it; what a person dropped goes."""
    known = {f"{one['resourceType']}/{one['id']}" for one in chart if "id" in one}
    kept = [one for one in pas_update.Before(prior).information() if one in known]
    return [one for one in dict.fromkeys([*kept, *evidence]) if one not in change.dropped]


def _asked_for(judgement: Judgement, answer: Determination, evidence: str) -> Any:
    """The request that a piece of evidence answers: of the same criterion, else the only one there is."""
    criteria = {
        criterion.id
        for item in judgement.assessment.items
        for criterion in item.criteria
        if any(fact.source.reference == evidence for fact in criterion.evidence)
    }
    named = next((one for one in answer.requested if one.criterion in criteria), None)
    return named or (answer.requested[0] if len(answer.requested) == 1 else None)


def _references(value: Any) -> set[str]:
    """The `Type/id` of every resource inside a Bundle or Parameters."""
    found: set[str] = set()
    if isinstance(value, dict):
        if isinstance(value.get("resourceType"), str) and isinstance(value.get("id"), str):
            found.add(f"{value['resourceType']}/{value['id']}")
        for part in value.values():
            found |= _references(part)
    elif isinstance(value, list):
        for part in value:
            found |= _references(part)
    return found
