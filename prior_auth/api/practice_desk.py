"""What the practice's windows do: open a request, add to it, let it go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from prior_auth import clocks, gaps
from prior_auth.domain.case import Case
from prior_auth.domain.legal_clock import Extended, LegalClock
from prior_auth.domain.people import Person
from prior_auth.errors import BadInput, Conflict
from prior_auth.fhir import json
from prior_auth.fhir.local_codes import LocalCodes
from prior_auth.fhir.validate import check_structure
from prior_auth.ports import CaseStore, Clock, PracticeOrchestrator


@dataclass(frozen=True, slots=True)
class Opening:
    """What a chart and its orders come to: the business key, and what the worklist shows (`card` is sealed).

    `services` are the codes that the orders ask for.
    """

    key: str
    payer: str | None
    plan: str | None
    service: str
    request: Mapping[str, Any]
    card: Mapping[str, str]
    services: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Practice:
    """What this window needs. `intake` reads a chart's orders; it raises BadInput
    where there is none to judge.
    """

    store: CaseStore
    stories: PracticeOrchestrator
    clock: Clock
    person: Person
    intake: Callable[[Mapping[str, Any], Sequence[str], str | None], Opening]
    notification_secret: str = ""  # what the payer's notifications carry; without one anybody's are taken
    jwks: Mapping[str, Any] | None = None  # our public keys, for payers to check our assertions by
    codes: LocalCodes | None = None  # standard codes to put beside the site's own in every chart that comes in

    async def open(self, body: bytes, orders: Sequence[str], payer: str | None) -> Case:
        """Store first, then the story; the same orders again are the same case."""
        body = self.with_standard_codes(body)
        return await self.begin(body, self.intake(json.read(body), orders, payer))

    def with_standard_codes(self, body: bytes) -> bytes:
        """The chart with standard codes beside the site's own; the same bytes where none is added."""
        if self.codes is None:
            return body
        chart = json.read(body)
        (coded,) = self.codes.added_to([chart])
        return body if coded is chart else json.write(coded)

    async def begin(self, body: bytes, opening: Opening) -> Case:
        """Keep what was read of a chart under its business key, and open its story."""
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
        """Keep what a person stated or attached; the same content twice is once.

        Raises BadInput for what is no sound resource of this case's patient.
        """
        check(resource, patient=await self.patient(case_id))
        resource = self.codes.added_to([resource])[0] if self.codes is not None else resource
        now = self.clock.now()
        key = f"{case_id}/{digest({name: part for name, part in resource.items() if name != 'id'})}"
        if await self.store.add_evidence(case_id, resource, key=key, by=self.person, at=now):
            kind = resource.get("code") or resource.get("type") or {}
            code = next((coding.get("code", "") for coding in kind.get("coding", [])), "")
            await self.store.note(case_id, what, by=self.person, at=now, facts={"code": code}, key=f"{key}/note")
        await self.stories.nudge(case_id)

    async def patient(self, case_id: str) -> str:
        """`Patient/id` of the case's chart."""
        chart = await self.store.chart(case_id)
        return next(f"Patient/{one['id']}" for one in chart if one.get("resourceType") == "Patient")

    async def release(self, case_id: str, how: str, version: int | None = None) -> None:
        """A person lets the next version go, complete or with its gaps; `version` is the one that was looked at.

        The press that comes after that version has gone changes nothing.
        """
        if how not in ("complete", "with-gaps"):
            raise BadInput("no such way of releasing", where="how", fix="use complete or with-gaps")
        case, now = await self.store.get(case_id), self.clock.now()
        version = case.version + 1 if version is None else version
        if version <= case.version:
            return
        await self.store.keep_document(case_id, "release", {"version": version, "how": how})
        key = f"{case_id}/released/{version}/{how}"
        await self.store.note(case_id, "released", by=self.person, at=now, facts={"how": how}, key=key)
        await self.store.stir(case_id)
        await self.stories.nudge(case_id)

    async def extension_told(self, case_id: str, *, days: int, reason: str, waits: bool) -> LegalClock | None:
        """A person was told by the payer that it takes longer. Raises Conflict where its law does not allow that."""
        await self.store.get(case_id)
        now = self.clock.now()
        async with self.store.together():
            await clocks.state(self.store, case_id, clocks.Stated(now, Extended(days, reason.strip(), waits)))
            facts = {"days": str(days)}
            await self.store.note(case_id, "extended", by=self.person, at=now, facts=facts, key=f"{case_id}/extended")
            await self.store.stir(case_id)
        await self.stories.nudge(case_id)
        return await clocks.kept(self.store, case_id)

    async def inquire(self, case_id: str) -> None:
        """A person wants to know what became of it: the payer is asked once, by the case's story."""
        case, now = await self.store.get(case_id), self.clock.now()
        if not case.version:
            raise Conflict("nothing was sent yet", where=case_id, fix="there is nothing to ask the payer about")
        await gaps.found(self.store, case_id, gaps.PERSON, at=now)
        await self.store.note(case_id, "asked-to-inquire", by=self.person, at=now, key=f"{case_id}/asked/{now}")
        await self.stories.nudge(case_id)


def check(resource: Mapping[str, Any], *, patient: str) -> None:
    """Raises BadInput for what is no sound resource of this patient (`Patient/id`)."""
    kind = resource.get("resourceType")
    if not isinstance(kind, str) or kind in ("Bundle", "Patient", "Parameters"):
        raise BadInput("not one piece of evidence", where="resourceType", fix="send an Observation or a document")
    found = next((one for one in check_structure(resource) if one.severity == "error"), None)
    if found is not None:
        raise BadInput(found.message, where=found.path, fix=found.fix)
    for element in ("subject", "patient"):
        stated = resource.get(element)
        named = stated.get("reference") if isinstance(stated, Mapping) else None
        if isinstance(named, str) and named.split("/_history")[0] not in (patient, f"./{patient}"):
            where = f"{kind}.{element}.reference"
            raise BadInput("of another patient than the case", where=where, fix=f"refer to {patient}")


def digest(value: Any) -> str:
    return sha256(json.write(value)).hexdigest()


def identity(value: Any) -> str:
    """An id for what a person added, from its content: the same press twice gives the same resource."""
    return f"added-{digest(value)[:24]}"
