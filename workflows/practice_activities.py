"""The practice's hands: load, call a pure function, save. Ports come in by the constructor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from prior_auth import changes, clocks, gaps
from prior_auth.changes import Change
from prior_auth.domain.assessment import overall
from prior_auth.domain.case import Case, CaseStatus, Step, next_step
from prior_auth.domain.determination import Determination, Overall
from prior_auth.domain.legal_clock import LegalClock
from prior_auth.domain.parties import PracticeIdentity
from prior_auth.domain.people import ENGINE
from prior_auth.domain.timeline import Message
from prior_auth.engine import Engine, Judgement
from prior_auth.errors import BadInput, FatalTransportError, RuleError, TemporaryTransportError
from prior_auth.fhir import json, pas_201, pas_determination, pas_exchange, pas_inquiry, pas_request, pas_update
from prior_auth.fhir.pas_exchange import ATTACHMENT, INQUIRED, INQUIRY, RECEIPT, REQUEST, RESPONSE, Standing
from prior_auth.fhir.validate import Issue, validate
from prior_auth.gaps import Gap
from prior_auth.ports import CaseStore, Clock, PayerTransport
from workflows.messages import AssessmentMade, Next, PayerWord, Prepared, Recorded, Renewal
from workflows.options import BAD_INPUT, REFUSED, Patience
from workflows.outgoing import Outgoing

UNREADABLE = "unreadable"  # a kind of message: what came with 2xx and is no answer
RENEWAL = "renewal"  # document of a case: whether its reminders are over
_REMIND = timedelta(days=7)
_NO_UPDATE = (Overall.NOT_CERTIFIED, Overall.CANCELLED, Overall.ERROR)
_STATUS = {
    Overall.PENDED: CaseStatus.PENDED,
    Overall.CERTIFIED: CaseStatus.CERTIFIED,
    Overall.MODIFIED: CaseStatus.MODIFIED,
    Overall.PARTIAL: CaseStatus.MODIFIED,
    Overall.NOT_CERTIFIED: CaseStatus.NOT_CERTIFIED,
    Overall.CANCELLED: CaseStatus.WITHDRAWN,
    Overall.ERROR: CaseStatus.ATTENTION,
}


class PracticeActivities:
    def __init__(
        self,
        *,
        store: CaseStore,
        engine: Engine,
        transport: PayerTransport,
        practice: PracticeIdentity,
        payer_base: str,
        clock: Clock,
        patience: Patience,
        automatic: bool,
        payer_pas: str = "2.2.1",
    ) -> None:
        self.store, self.engine, self.transport = store, engine, transport
        self.clock, self.patience, self.automatic = clock, patience, automatic
        self.outgoing = Outgoing(store, engine, practice, payer_base, clock, is_older=payer_pas == pas_201.VERSION)

    @activity.defn(name="assess")
    async def assess(self, case_id: str) -> AssessmentMade:
        """Gather and judge as of today; say what comes next."""
        await self.store.look(case_id)
        case = await self.store.get(case_id)
        change = await changes.wanted(self.store, case_id)
        if change.cancel_all and not await self._has_gone(case_id):
            await self._withdraw(case)
            return AssessmentMade("none", (), 0, Next.CLOSE, self.patience.evidence)
        try:
            judgement = await self.outgoing.judged(case, change)
        except (BadInput, RuleError) as problem:
            await self._attention(case, "not-judged", str(problem))
            return AssessmentMade("none", (), 0, Next.WAIT, self.patience.evidence)
        await self.store.keep_document(case_id, "assessment", judgement.report)
        return await self._next(case, judgement)

    async def _next(self, case: Case, judgement: Judgement) -> AssessmentMade:
        assessment = judgement.assessment
        word = overall(assessment)
        items = assessment.items
        cause = next((item.cause for item in items if item.recommendation is word), None)
        missing = sum(len(item.missing) for item in items)
        step = next_step(
            word, cause, by_pas=judgement.by_pas, automatic=self.automatic, released=await self._released(case)
        )
        if case.status is CaseStatus.INFORMATION_REQUESTED:
            step = await self._answering(case, judgement, step)
        policies = tuple(f"{item.policy.id} {item.policy.version} {item.policy.hash}" for item in items if item.policy)
        await self._assessed(case, word.value, missing, policies, judgement.report)
        await self._move(case, step.status, step.waiting_for)
        closes = step.status.is_final
        return AssessmentMade(
            word.value,
            policies,
            missing,
            Next.SEND if step.sends else Next.CLOSE if closes else Next.WAIT,
            self.patience.evidence,
        )

    async def _answering(self, case: Case, judgement: Judgement, step: Step) -> Step:
        """While the payer waits for information, only something new is sent, once it is complete or released."""
        change = await changes.wanted(self.store, case.id)
        if step.sends and await self.outgoing.unsent(case, judgement, change):
            return step
        return Step(CaseStatus.INFORMATION_REQUESTED, "release" if step.waiting_for == "release" else "evidence", False)

    async def _assessed(self, case: Case, word: str, missing: int, policies: Sequence[str], report: Any) -> None:
        facts = {"recommendation": word, "missing": str(missing)}
        facts |= {"policy": " ".join(policies[0].split()[:2])} if policies else {}
        key = f"{case.id}/assessed/{json.content_hash(report)}"
        await self.store.note(case.id, "assessed", by=ENGINE, at=self.clock.now(), facts=facts, key=key)

    async def _released(self, case: Case) -> str | None:
        """How a person let the version that is next go."""
        release = await self.store.document(case.id, "release")
        return release["how"] if release and release["version"] > (await self._standing(case.id)).version else None

    async def _move(self, case: Case, status: CaseStatus, waiting_for: str | None, **changes: Any) -> None:
        await self.store.set_status(case.id, status, waiting_for=waiting_for, at=self.clock.now(), **changes)

    async def _attention(self, case: Case, what: str, words: str) -> None:
        """A person must look. The words may hold what only the sealed store may: they stay out of the timeline."""
        await self.store.keep_document(case.id, "problems", [{"where": what, "what": words, "fix": ""}])
        key = f"{case.id}/{what}/{json.content_hash(words)}"
        await self.store.note(case.id, what, by=ENGINE, at=self.clock.now(), key=key)
        await self._move(case, CaseStatus.ATTENTION, "person")

    @activity.defn(name="prepare")
    async def prepare(self, case_id: str) -> Prepared:
        """Build what goes next and store its exact bytes, or name all that is lacking for it."""
        case, standing = await self.store.get(case_id), await self._standing(case_id)
        change, refused = await changes.wanted(self.store, case_id), await self._refused(case_id)
        if change.cancel_all and not await self._has_gone(case_id):
            await self._withdraw(case)
            return Prepared(None, 0, withdrawn=True)
        update = standing.sent and await self._is_wished(case_id, change, standing)
        version, kind = standing.version + 1, ATTACHMENT if standing.sent and not update else REQUEST
        for message in await self.store.messages(case_id):
            if (message.version, message.kind) == (version, kind) and message.id not in refused:
                return Prepared(message.id, version)
        try:
            body = await self._body(case, standing, version, change, update=update)
        except (BadInput, RuleError) as problem:
            await self._attention(case, "not-sendable", str(problem))
            return Prepared(None, version)
        if lacking := [one for one in validate(body) if one.severity == "error" and not _demanded(body, one)]:
            found = [{"where": one.path, "what": one.message, "fix": one.fix or ""} for one in lacking]
            await self._lacking(case, found)
            return Prepared(None, version)
        await changes.carry(self.store, case_id, version, change)
        key = f"{case_id}/{kind}/{version}/{len(refused)}"
        wire = await self.outgoing.wire(case_id, version, body)
        kept = await self._keep(case_id, "sent", kind, version, json.write(wire), key)
        await self.store.keep_document(case_id, "problems", [])
        await self._move(case, CaseStatus.SENDING, "payer", version=version)
        return Prepared(kept.id, version)

    async def _lacking(self, case: Case, found: list[dict[str, str]]) -> None:
        await self.store.keep_document(case.id, "problems", found)
        key = f"{case.id}/not-valid/{json.content_hash(found)}"
        facts = {"findings": str(len(found))}
        await self.store.note(case.id, "not-valid", by=ENGINE, at=self.clock.now(), facts=facts, key=key)
        await self._move(case, CaseStatus.ATTENTION, "person")

    async def _body(
        self, case: Case, standing: Standing, version: int, change: Change, *, update: bool
    ) -> dict[str, Any]:
        if update and change.cancel_all:
            return await self.outgoing.cancellation(case, standing, version)
        judgement = await self.outgoing.judged(case, change)
        return await self.outgoing.built(case, judgement, standing, version, change, update=update)

    async def _refused(self, case_id: str) -> list[str]:
        """The messages that the payer's server would not take."""
        refused: list[str] = await self.store.document(case_id, "refused") or []
        return refused

    async def _has_gone(self, case_id: str) -> bool:
        """Whether a request is with the payer, or may be: it is stored, and nobody knows that it did not arrive."""
        refused = await self._refused(case_id)
        return any(one.kind == REQUEST and one.id not in refused for one in await self.store.messages(case_id))

    async def _is_wished(self, case_id: str, change: Change, standing: Standing) -> bool:
        """Whether something is wished that no version which has arrived carried."""
        kept = await self.store.messages(case_id)
        arrived = [one.version for one in kept if one.kind == REQUEST and one.version <= standing.version]
        return change.number > await changes.carried_by(self.store, case_id, arrived)

    async def _withdraw(self, case: Case) -> None:
        """Nothing was sent, so nobody need be told."""
        await self.store.note(case.id, "withdrawn", by=ENGINE, at=self.clock.now(), key=f"{case.id}/withdrawn")
        await self._move(case, CaseStatus.WITHDRAWN, None)

    @activity.defn(name="send")
    async def send(self, case_id: str, message_id: str) -> None:
        """Send the stored bytes, whatever happened before: the payer recognises a resend."""
        message = next(one for one in await self.store.messages(case_id) if one.id == message_id)
        body, before = await self.store.message_body(message_id), await self._standing(case_id)
        try:
            answer = await self._sent(case_id, message, body)
        except FatalTransportError as refusal:
            refused_before = await self._refused(case_id)
            await self.store.keep_document(case_id, "refused", [*refused_before, message_id])
            await self._attention(await self.store.get(case_id), "refused-by-payer", str(refusal))
            raise ApplicationError("refused by the payer's server", type=REFUSED, non_retryable=True) from None
        except TemporaryTransportError as away:
            pause = timedelta(seconds=away.retry_after) if away.retry_after else None
            raise ApplicationError("the payer cannot be reached", next_retry_delay=pause) from None
        if message.kind == REQUEST and (unread := _unreadable(answer)) is not None:
            key = f"{case_id}/{UNREADABLE}/{message.version}/{sha256(answer).hexdigest()}"
            await self._keep(case_id, "received", UNREADABLE, message.version, answer, key)
            await self._attention(await self.store.get(case_id), "answer-unreadable", str(unread))
            raise ApplicationError("the payer's answer cannot be read", type=BAD_INPUT, non_retryable=True)
        kind = RECEIPT if message.kind == ATTACHMENT else RESPONSE
        facts = {"version": str(message.version), "message": message.id}
        await self._keep(case_id, "received", kind, message.version, answer, f"{case_id}/{kind}/{message.version}")
        key = f"{case_id}/sent/{message.kind}/{message.version}"
        what = "sent-update" if message.kind == REQUEST and before.sent else f"sent-{message.kind}"
        await self.store.note(case_id, what, by=ENGINE, at=self.clock.now(), facts=facts, key=key)
        if before.final:
            await self._start_clock(await self.store.get(case_id), await self._standing(case_id))

    async def _sent(self, case_id: str, message: Message, body: bytes) -> bytes:
        if message.kind == REQUEST:
            return await self.transport.submit(body)
        answer = (await self._standing(case_id)).answer
        return await self.transport.attach(body, url=answer.reply_to if answer else None)

    @activity.defn(name="payer-word")
    async def payer_word(self, case_id: str) -> PayerWord:
        """Where the case stands with the payer; what is new goes to the timeline and to the status."""
        await self.store.look(case_id)
        case, standing = await self.store.get(case_id), await self._standing(case_id)
        due_at = await self._due_at(case, standing)
        if standing.answer is not None:
            await self._answered(case, standing, standing.answer, due_at)
        if standing.refused is not None:
            await self._update_refused(case_id, standing.refused)
        return PayerWord(
            sent=standing.sent,
            final=standing.final,
            information_requested=standing.information_requested,
            version=standing.version,
            due_at=due_at,
            silence=self.patience.silence,
            change=await self._changes(case_id, standing),
            gap=await self._gap(case_id, standing, due_at),
        )

    async def _update_refused(self, case_id: str, message: str) -> None:
        """The payer's word before the update stands; what became of the wish is for a person to see."""
        key = f"{case_id}/update-refused/{message}"
        facts = {"message": message}
        await self.store.note(case_id, "update-refused", by=ENGINE, at=self.clock.now(), facts=facts, key=key)
        await self.store.note(case_id, "task:update-refused", by=ENGINE, at=self.clock.now(), key=f"{key}/task")

    async def _changes(self, case_id: str, standing: Standing) -> bool:
        """Whether an update should go: a denial and a cancellation take none (pas.md 1.11, note 2)."""
        if not standing.sent or (standing.final and standing.answer and standing.answer.overall in _NO_UPDATE):
            return False
        return await self._is_wished(case_id, await changes.wanted(self.store, case_id), standing)

    async def _gap(self, case_id: str, standing: Standing, due_at: datetime | None) -> str | None:
        """Why the payer should be asked: a gap that nobody asked about; after its final word, a person's wish only."""
        if not standing.sent:
            return None
        gap = await gaps.unasked(self.store, case_id, due_at=due_at, now=self.clock.now())
        return gap.why if gap is not None and (gap.why == gaps.PERSON or not standing.final) else None

    @activity.defn(name="inquire")
    async def inquire(self, case_id: str) -> None:
        """Ask what became of the request, by the stored bytes of one question for each gap; keep what is answered."""
        case, standing = await self.store.get(case_id), await self._standing(case_id)
        due_at = await self._due_at(case, standing)
        gap = await gaps.unasked(self.store, case_id, due_at=due_at, now=self.clock.now())
        if gap is None:
            return
        body = json.write(await self.outgoing.inquiry(case_id, standing, gap))
        asked = await self._keep(case_id, "sent", INQUIRY, case.version, body, f"{case_id}/{INQUIRY}/{gap.name}")
        try:
            answer = await self.transport.inquire(await self.store.message_body(asked.id))
            pas_inquiry.read_answer(json.read(answer))
        except (FatalTransportError, BadInput) as refusal:
            await gaps.answered(self.store, case_id, gap)
            message = "the payer did not answer an inquiry"
            raise ApplicationError(message, type=type(refusal).__name__, non_retryable=True) from None
        except TemporaryTransportError:
            raise ApplicationError("the payer cannot be reached") from None
        await self._inquired(case, gap, answer)

    async def _inquired(self, case: Case, gap: Gap, answer: bytes) -> None:
        key = f"{case.id}/{INQUIRED}/{gap.name}"
        await self._keep(case.id, "received", INQUIRED, case.version, answer, key)
        word = pas_exchange.of_claims(answer, pas_exchange.claims_sent(await self._kept(case.id)))
        facts = {"why": gap.why, "word": word.overall.value if word else "not found"}
        await self.store.note(case.id, "inquired", by=ENGINE, at=self.clock.now(), facts=facts, key=key)
        await gaps.answered(self.store, case.id, gap)
        if word is None:
            await self.raise_task(case.id, "payer-does-not-find")

    async def _due_at(self, case: Case, standing: Standing) -> datetime | None:
        """Started once, from the acknowledgement, by the rows of law (house rule 3); moved by what the payer tells."""
        if standing.acknowledged_at is None:
            return case.due_at
        if await clocks.kept(self.store, case.id) is None:
            request = pas_request.read(json.read(await self.outgoing.last_request(case.id, standing))).request
            asked = await self.store.request(case.id)
            clock = self.engine.clock(request, asked.get("payer"), standing.acknowledged_at)
            await clocks.keep(self.store, case.id, clock)
            await self._move(case, case.status, case.waiting_for, due_at=clock.due_at)
        return await self._told(case.id)

    async def _told(self, case_id: str) -> datetime | None:
        """The due instant after all that was told; what the law does not allow is a person's to look at."""
        kept, stated = await self._kept(case_id), await clocks.stated(self.store, case_id)
        refused: list[str | None] = []

        def as_told(clock: LegalClock) -> LegalClock:
            told = clocks.as_told(clock, kept, stated)
            refused.append(told.refused)
            return told.clock

        clock = await clocks.move(self.store, case_id, as_told)
        if refused and refused[-1]:
            facts, key = {"what": refused[-1]}, f"{case_id}/extension-refused/{refused[-1]}"
            what, now = "task:extension-not-allowed", self.clock.now()
            await self.store.note(case_id, what, by=ENGINE, at=now, facts=facts, key=key)
        return clock.due_at if clock is not None else None

    async def _start_clock(self, case: Case, standing: Standing) -> None:
        """An update of what was decided is asked anew: its clock runs from its own acknowledgement."""
        if standing.final or standing.answer is None:
            return
        request = pas_request.read(json.read(await self.outgoing.last_request(case.id, standing))).request
        asked = await self.store.request(case.id)
        received_at = standing.answer.created or self.clock.now()
        clock = self.engine.clock(request, asked.get("payer"), received_at)
        await clocks.keep(self.store, case.id, clock)
        await self._move(case, CaseStatus.PENDED, "payer", due_at=clock.due_at)

    async def _answered(self, case: Case, standing: Standing, answer: Determination, due_at: datetime | None) -> None:
        status = CaseStatus.INFORMATION_REQUESTED if standing.information_requested else _STATUS[answer.overall]
        waits = {
            CaseStatus.INFORMATION_REQUESTED: "evidence",
            CaseStatus.PENDED: "payer",
            CaseStatus.ATTENTION: "person",
        }
        facts = {"word": answer.overall.value, "message": standing.answer_message or ""}
        facts |= {"asked-for": str(len(answer.requested))} if standing.information_requested else {}
        key = f"{case.id}/answered/{standing.answer_message}"
        await self.store.note(case.id, "payer-answered", by=ENGINE, at=self.clock.now(), facts=facts, key=key)
        for number, doubt in enumerate(answer.doubts):
            told = {"where": doubt.where, "what": doubt.what}
            what, name = "task:answer-unclear", f"{case.id}/unclear/{standing.answer_message}/{number}"
            await self.store.note(case.id, what, by=ENGINE, at=self.clock.now(), facts=told, key=name)
        if standing.answer_message:
            await self.store.keep_document(case.id, "answer", {"message": standing.answer_message})
        if not standing.final:
            await self._move(case, status, waits.get(status), due_at=due_at, version=standing.version)

    @activity.defn(name="record-determination")
    async def record_determination(self, case_id: str) -> Recorded:
        """The final word: on the timeline with its numbers, and only then the status that people search by."""
        case, standing = await self.store.get(case_id), await self._standing(case_id)
        assert standing.answer is not None
        facts = {"word": standing.answer.overall.value}
        facts |= {f"item-{item.sequence}": item.number or item.action.value for item in standing.answer.items}
        key = f"{case_id}/determined/{standing.answer_message}"
        await self.store.note(case_id, "determined", by=ENGINE, at=self.clock.now(), facts=facts, key=key)
        due_at = await self._due_at(case, standing)
        await self._move(case, _STATUS[standing.answer.overall], None, due_at=due_at, version=standing.version)
        if standing.answer.granted_until is None:
            return Recorded(renewal=False)
        await self.store.keep_document(case_id, RENEWAL, {"over": None})
        return Recorded(renewal=True)

    @activity.defn(name="renewal")
    async def renewal(self, case_id: str) -> Renewal:
        """Whether somebody is to be reminded that what was granted ends, and when to look again."""
        case, standing = await self.store.get(case_id), await self._standing(case_id)
        until = standing.answer.granted_until if standing.answer is not None else None
        if case.status not in (CaseStatus.CERTIFIED, CaseStatus.MODIFIED) and case.status.is_final:
            return await self._over(case_id, "not certified any more")
        if await self.store.document(case_id, "renewed-by"):
            return await self._over(case_id, "renewed")
        if until is None:
            return await self._over(case_id, "without an end")
        now, end = self.clock.now(), datetime.combine(until, time(), UTC)
        if now >= end:
            await self.raise_task(case_id, "authorization-ended")
            return await self._over(case_id, "ended")
        if now < end - self.patience.renewal:
            return Renewal(end - self.patience.renewal, "not yet")
        await self.raise_task(case_id, "renewal-due")
        return Renewal(min(now + _REMIND, end), "reminded")

    async def _over(self, case_id: str, why: str) -> Renewal:
        await self.store.keep_document(case_id, RENEWAL, {"over": why})
        return Renewal(None, why)

    @activity.defn(name="raise-task")
    async def raise_task(self, case_id: str, what: str) -> None:
        """A person is asked to look; once for each thing and day."""
        now = self.clock.now()
        await self.store.note(case_id, f"task:{what}", by=ENGINE, at=now, key=f"{case_id}/task/{what}/{now.date()}")

    async def _standing(self, case_id: str) -> Standing:
        return pas_exchange.standing(await self._kept(case_id))

    async def _kept(self, case_id: str) -> list[tuple[Message, bytes]]:
        kept = await self.store.messages(case_id)
        return [(one, await self.store.message_body(one.id)) for one in kept]

    async def _keep(self, case_id: str, direction: str, kind: str, version: int, body: bytes, key: str) -> Message:
        return await self.store.keep_message(
            case_id, direction=direction, kind=kind, version=version, body=body, key=key, at=self.clock.now()
        )


def _demanded(body: dict[str, Any], issue: Issue) -> bool:
    return issue.rule == "extension" and pas_update.is_demanded_mark(body, issue.path)


def _unreadable(answer: bytes) -> BadInput | None:
    """Why an answer cannot be read; None where it can."""
    try:
        pas_determination.read(json.read(answer))
    except BadInput as problem:
        return problem
    return None
