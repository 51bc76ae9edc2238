"""The only hands of the stories: load, call a pure function, save. Ports come in by the constructor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from prior_auth.domain.assessment import differing, overall
from prior_auth.domain.authorization import (
    Authorization,
    AuthorizationStatus,
    ItemDecision,
    engine_word,
    waits_for,
)
from prior_auth.domain.case import Case, CaseStatus, Step, next_step
from prior_auth.domain.determination import Determination, Overall
from prior_auth.domain.parties import PayerIdentity, PracticeIdentity
from prior_auth.domain.people import ENGINE
from prior_auth.domain.timeline import Message
from prior_auth.engine import Engine, Judgement
from prior_auth.errors import BadInput, FatalTransportError, RuleError, TemporaryTransportError
from prior_auth.fhir import cdex, json, pas_exchange, pas_request, pas_response, subscription
from prior_auth.fhir.pas_exchange import ATTACHMENT, RECEIPT, REQUEST, RESPONSE, Standing
from prior_auth.fhir.validate import validate
from prior_auth.ports import AuthorizationStore, CaseStore, Clock, Notification, Notifier, PayerTransport
from workflows.messages import AssessmentMade, Next, Notified, PayerWord, Prepared, ReviewMade
from workflows.options import REFUSED

_STATUS = {
    Overall.PENDED: CaseStatus.PENDED,
    Overall.CERTIFIED: CaseStatus.CERTIFIED,
    Overall.MODIFIED: CaseStatus.MODIFIED,
    Overall.PARTIAL: CaseStatus.MODIFIED,
    Overall.NOT_CERTIFIED: CaseStatus.NOT_CERTIFIED,
    Overall.CANCELLED: CaseStatus.WITHDRAWN,
    Overall.ERROR: CaseStatus.ATTENTION,
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each side waits before a person is asked (settings)."""

    evidence: timedelta
    silence: timedelta


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
    ) -> None:
        self.store, self.engine, self.transport, self.practice = store, engine, transport, practice
        self.clock, self.patience, self.automatic = clock, patience, automatic
        self.payer_base = payer_base

    @activity.defn(name="assess")
    async def assess(self, case_id: str) -> AssessmentMade:
        """Gather and judge as of today; say what comes next."""
        await self.store.look(case_id)
        case = await self.store.get(case_id)
        try:
            judgement = await self._judged(case)
        except (BadInput, RuleError) as problem:
            await self._attention(case, "not-judged", str(problem))
            return AssessmentMade("none", (), 0, Next.WAIT, self.patience.evidence)
        await self.store.keep_document(case_id, "assessment", judgement.report)
        return await self._next(case, judgement)

    async def _judged(self, case: Case) -> Judgement:
        asked = await self.store.request(case.id)
        chart = await self.store.chart(case.id)
        today = self.clock.now().date()
        return await asyncio.to_thread(
            self.engine.judge, chart, as_of=today, orders=asked["orders"], payer=asked.get("payer")
        )

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
        if step.sends and await self._unsent(case, judgement):
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
        version, kind = standing.version + 1, ATTACHMENT if standing.sent else REQUEST
        refused: list[str] = await self.store.document(case_id, "refused") or []
        for message in await self.store.messages(case_id):
            if (message.version, message.kind) == (version, kind) and message.id not in refused:
                return Prepared(message.id, version)
        judgement = await self._judged(case)
        try:
            body = await self._built(case, judgement, standing, version)
        except BadInput as problem:
            await self._attention(case, "not-sendable", str(problem))
            return Prepared(None, version)
        if lacking := [issue for issue in validate(body) if issue.severity == "error"]:
            found = [{"where": one.path, "what": one.message, "fix": one.fix or ""} for one in lacking]
            await self._lacking(case, found)
            return Prepared(None, version)
        key = f"{case_id}/{kind}/{version}/{len(refused)}"
        kept = await self._keep(case_id, "sent", kind, version, json.write(body), key)
        await self.store.keep_document(case_id, "problems", [])
        await self._move(case, CaseStatus.SENDING, "payer", version=version)
        return Prepared(kept.id, version)

    async def _built(self, case: Case, judgement: Judgement, standing: Standing, version: int) -> dict[str, Any]:
        chart = await self.store.chart(case.id)
        asked = await self.store.request(case.id)
        payer = self.engine.identity(asked.get("payer"), judgement.request, base=self.payer_base)
        if standing.sent:
            return await self._attachment(case, judgement, standing, chart, payer)
        stamp = pas_request.Stamp(f"{case.id}/{version}", f"{case.id}-{version}", self.clock.now())

        def build(evidence: Sequence[str]) -> dict[str, Any]:
            built = pas_request.build(
                judgement.request, chart, evidence, practice=self.practice, payer=payer, stamp=stamp
            )
            return built.bundle

        evidence = await self._evidence(case, judgement)
        bundle = await self._proving(judgement, evidence, build, payer=asked.get("payer"))
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
                orders=[one.item.order for one in read.items],
                payer=payer,
            )
            doubtful = differing(judgement.assessment, theirs.assessment)
            more = [one for one in self.engine.asked_about(judgement, doubtful) if one not in evidence]
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
        unsent = await self._unsent(case, judgement)
        coverage = judgement.request.coverage
        return cdex.build(
            json.read(await self._first_request(case.id)),
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

    async def _lacking(self, case: Case, found: list[dict[str, str]]) -> None:
        await self.store.keep_document(case.id, "problems", found)
        key = f"{case.id}/not-valid/{json.content_hash(found)}"
        facts = {"findings": str(len(found))}
        await self.store.note(case.id, "not-valid", by=ENGINE, at=self.clock.now(), facts=facts, key=key)
        await self._move(case, CaseStatus.ATTENTION, "person")

    async def _evidence(self, case: Case, judgement: Judgement) -> list[str]:
        """What the criteria rest on, and what people added: nothing else of the chart leaves (house rule 13)."""
        used = [
            fact.source.reference
            for item in judgement.assessment.items
            for criterion in item.criteria
            for fact in criterion.evidence
        ]
        added = await self.store.additions(case.id)
        return [reference for reference in dict.fromkeys([*used, *added]) if not reference.startswith("Patient/")]

    async def _unsent(self, case: Case, judgement: Judgement) -> list[str]:
        sent = {
            reference
            for message in await self.store.messages(case.id)
            if message.direction == "sent"
            for reference in _references(json.read(await self.store.message_body(message.id)))
        }
        orders = {item.order for item in judgement.request.items}
        wanted = await self._evidence(case, judgement)
        return [reference for reference in wanted if reference not in sent and reference not in orders]

    @activity.defn(name="send")
    async def send(self, case_id: str, message_id: str) -> None:
        """Send the stored bytes, whatever happened before: the payer recognises a resend."""
        message = next(one for one in await self.store.messages(case_id) if one.id == message_id)
        body = await self.store.message_body(message_id)
        try:
            answer = await self._sent(case_id, message, body)
        except FatalTransportError as refusal:
            refused: list[str] = await self.store.document(case_id, "refused") or []
            await self.store.keep_document(case_id, "refused", [*refused, message_id])
            await self._attention(await self.store.get(case_id), "refused-by-payer", str(refusal))
            raise ApplicationError("refused by the payer's server", type=REFUSED, non_retryable=True) from None
        except TemporaryTransportError as away:
            pause = timedelta(seconds=away.retry_after) if away.retry_after else None
            raise ApplicationError("the payer cannot be reached", next_retry_delay=pause) from None
        kind = RECEIPT if message.kind == ATTACHMENT else RESPONSE
        facts = {"version": str(message.version), "message": message.id}
        await self._keep(case_id, "received", kind, message.version, answer, f"{case_id}/{kind}/{message.version}")
        key = f"{case_id}/sent/{message.kind}/{message.version}"
        await self.store.note(case_id, f"sent-{message.kind}", by=ENGINE, at=self.clock.now(), facts=facts, key=key)

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
        due_at = case.due_at or await self._due_at(case, standing)
        if standing.answer is not None:
            await self._answered(case, standing, standing.answer, due_at)
        return PayerWord(
            sent=standing.sent,
            final=standing.final,
            information_requested=standing.information_requested,
            version=standing.version,
            due_at=due_at,
            silence=self.patience.silence,
        )

    async def _due_at(self, case: Case, standing: Standing) -> datetime | None:
        """Computed once, from the payer's acknowledgement (house rule 3)."""
        if standing.acknowledged_at is None:
            return None
        request = pas_request.read(json.read(await self._first_request(case.id))).request
        asked = await self.store.request(case.id)
        return self.engine.due(request, asked.get("payer"), standing.acknowledged_at).at

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
        if standing.answer_message:
            await self.store.keep_document(case.id, "answer", {"message": standing.answer_message})
        if not standing.final:
            await self._move(case, status, waits.get(status), due_at=due_at, version=standing.version)

    @activity.defn(name="record-determination")
    async def record_determination(self, case_id: str) -> None:
        """The final word: on the timeline with its numbers, and only then the status that people search by."""
        case, standing = await self.store.get(case_id), await self._standing(case_id)
        assert standing.answer is not None
        facts = {"word": standing.answer.overall.value}
        facts |= {f"item-{item.sequence}": item.number or item.action.value for item in standing.answer.items}
        key = f"{case_id}/determined/{standing.answer_message}"
        await self.store.note(case_id, "determined", by=ENGINE, at=self.clock.now(), facts=facts, key=key)
        due_at = case.due_at or await self._due_at(case, standing)
        await self._move(case, _STATUS[standing.answer.overall], None, due_at=due_at, version=standing.version)

    @activity.defn(name="raise-task")
    async def raise_task(self, case_id: str, what: str) -> None:
        """A person is asked to look; once for each thing and day."""
        now = self.clock.now()
        await self.store.note(case_id, f"task:{what}", by=ENGINE, at=now, key=f"{case_id}/task/{what}/{now.date()}")

    async def _standing(self, case_id: str) -> Standing:
        kept = await self.store.messages(case_id)
        return pas_exchange.standing([(one, await self.store.message_body(one.id)) for one in kept])

    async def _first_request(self, case_id: str) -> bytes:
        kept = [one for one in await self.store.messages(case_id) if one.kind == REQUEST]
        return await self.store.message_body(kept[-1].id)

    async def _keep(self, case_id: str, direction: str, kind: str, version: int, body: bytes, key: str) -> Message:
        return await self.store.keep_message(
            case_id, direction=direction, kind=kind, version=version, body=body, key=key, at=self.clock.now()
        )


class PayerActivities:
    def __init__(
        self,
        *,
        store: AuthorizationStore,
        engine: Engine,
        notifier: Notifier,
        identity: PayerIdentity,
        payer_id: str,
        clock: Clock,
        patience: Patience,
    ) -> None:
        self.store, self.engine, self.notifier, self.identity = store, engine, notifier, identity
        self.payer_id, self.clock, self.patience = payer_id, clock, patience

    @activity.defn(name="review")
    async def review(self, authorization_id: str) -> ReviewMade:
        """Judge the newest version if nobody has; certify what is met, pend the rest (house rule 8)."""
        await self.store.look(authorization_id)
        authorization = await self.store.get(authorization_id)
        if authorization.status is AuthorizationStatus.RECEIVED:
            authorization = await self._judged(authorization)
        return ReviewMade(
            version=authorization.version,
            revision=authorization.revision,
            final=authorization.status.is_final,
            due_at=authorization.due_at,
            silence=self.patience.silence,
            grace=await self._grace(authorization),
        )

    async def _judged(self, authorization: Authorization) -> Authorization:
        read = pas_request.read(json.read(await self.store.request_body(authorization.id, authorization.version)))
        orders = [one.item.order for one in read.items if not one.cancelled]
        today = self.clock.now().date()
        try:
            judgement = await asyncio.to_thread(
                self.engine.judge, list(read.resources), as_of=today, orders=orders, payer=self.payer_id
            )
        except (BadInput, RuleError) as problem:
            return await self._not_judged(authorization, str(problem))
        await self.store.keep_document(authorization.id, "assessment", judgement.report)
        sequences = {one.item.order: one.sequence for one in read.items}
        said = tuple(
            engine_word(item, sequences[item.item.order], authorization.number(sequences[item.item.order]))
            for item in judgement.assessment.items
        )
        standing = await self.store.decisions(authorization.id)
        settled = {one.sequence for one in standing if one.action.value != "pend"}
        open_now = tuple(one for one in said if one.sequence not in settled)
        return await self._say(authorization, open_now, waits_for(open_now), overall(judgement.assessment).value)

    async def _not_judged(self, authorization: Authorization, problem: str) -> Authorization:
        """A rule or a chart that breaks is nobody's denial: pended, and a person sees it."""
        await self.store.keep_document(authorization.id, "problems", [problem])
        return await self._say(authorization, (), "person", "not-judged")

    async def _say(
        self, authorization: Authorization, said: tuple[ItemDecision, ...], waiting_for: str | None, word: str
    ) -> Authorization:
        now, key = self.clock.now(), f"{authorization.id}/engine/{authorization.version}"
        facts = {"recommendation": word, "version": str(authorization.version)}
        await self.store.note(authorization.id, "assessed", by=ENGINE, at=now, facts=facts, key=f"{key}/assessed")
        decided = await self.store.decide(
            authorization.id, version=authorization.version, decisions=said, waiting_for=waiting_for, at=now, key=key
        )
        actions = " ".join(f"{one.sequence}:{one.action.value}" for one in said)
        await self.store.note(
            authorization.id, "engine-said", by=ENGINE, at=now, facts={"items": actions or "none"}, key=f"{key}/said"
        )
        return decided

    async def _grace(self, authorization: Authorization) -> timedelta:
        """While a synchronous answer may still carry the word, no notification says it too."""
        answering = await self.store.document(authorization.id, "answering")
        if (
            not answering
            or answering["version"] != authorization.version
            or authorization.told >= authorization.revision
        ):
            return timedelta(0)
        until = datetime.fromisoformat(answering["until"])
        return max(timedelta(0), until - self.clock.now())

    @activity.defn(name="notify")
    async def notify(self, authorization_id: str) -> Notified:
        """Turn a word that the submitter has not been given into one event for each subscription of its system."""
        authorization = await self.store.get(authorization_id)
        if authorization.told >= authorization.revision:
            return Notified(())
        subscribers = [one for one in await self.store.subscribers(authorization.sender) if one.status in _LISTENING]
        notifications = [
            await self.store.next_event(one.id, authorization.id, key=f"{authorization.id}/{authorization.revision}")
            for one in subscribers
        ]
        for notification in notifications:
            await self._write_event(authorization, notification)
        if notifications:
            await self.store.tell(authorization.id, authorization.revision)
        return Notified(tuple(one.id for one in notifications))

    async def _write_event(self, authorization: Authorization, notification: Notification) -> None:
        now = self.clock.now()
        bundle = json.read(await self.store.request_body(authorization.id, authorization.version))
        read = pas_request.read(bundle)
        stamp = pas_response.Stamp(authorization.id, authorization.revision, now, authorization.reference)
        decisions = await self.store.decisions(authorization.id)
        response = pas_response.build(bundle, read, decisions, payer=self.identity, stamp=stamp)
        sender = subscription.Sender(self.identity.base, notification.subscription, "active")
        event = subscription.event(sender, response, number=notification.event_number, at=now)
        await self.store.keep_notification_body(notification.id, json.write(event), at=now)
        facts = {"event": str(notification.event_number), "revision": str(authorization.revision)}
        key = f"{notification.id}/queued"
        await self.store.note(authorization.id, "notification-queued", by=ENGINE, at=now, facts=facts, key=key)

    @activity.defn(name="deliver")
    async def deliver(self, notification_id: str) -> None:
        """POST the stored bytes. An event waits for the handshake of its subscription."""
        notification = await self.store.notification(notification_id)
        if notification.delivered:
            return
        subscriber = await self.store.subscriber(notification.subscription)
        is_handshake = notification.event_number == 0
        if not is_handshake and subscriber.status == "requested":
            raise ApplicationError("the subscription's handshake is not through", type="NotYet")
        if is_handshake:
            await self._write_handshake(notification)
            notification = await self.store.notification(notification_id)
        assert notification.body_message is not None
        body = await self.store.message_body(notification.body_message)
        try:
            await self.notifier.deliver(subscriber.endpoint, body, subscriber.headers)
        except (TemporaryTransportError, FatalTransportError) as problem:
            raise ApplicationError("the subscriber did not take it", type=type(problem).__name__) from None
        await self._arrived(notification, is_handshake=is_handshake)

    async def _write_handshake(self, notification: Notification) -> None:
        now = self.clock.now()
        sender = subscription.Sender(self.identity.base, notification.subscription, "requested")
        await self.store.keep_notification_body(
            notification.id, json.write(subscription.handshake(sender, at=now)), at=now
        )

    async def _arrived(self, notification: Notification, *, is_handshake: bool) -> None:
        now = self.clock.now()
        await self.store.mark_delivered(notification.id, at=now)
        if is_handshake:
            await self.store.set_subscription(notification.subscription, "active")
        if notification.authorization:
            facts = {"event": str(notification.event_number)}
            key = f"{notification.id}/delivered"
            await self.store.note(notification.authorization, "notified", by=ENGINE, at=now, facts=facts, key=key)

    @activity.defn(name="give-up-delivery")
    async def give_up_delivery(self, notification_id: str) -> None:
        """Days of trying are over: the subscription is in error, and a person is told."""
        notification = await self.store.notification(notification_id)
        await self.store.set_subscription(notification.subscription, "error")
        if notification.authorization:
            key = f"{notification_id}/gave-up"
            await self.store.note(
                notification.authorization, "task:subscriber-silent", by=ENGINE, at=self.clock.now(), key=key
            )

    @activity.defn(name="raise-payer-task")
    async def raise_task(self, authorization_id: str, what: str) -> None:
        now = self.clock.now()
        key = f"{authorization_id}/task/{what}/{now.date()}"
        await self.store.note(authorization_id, f"task:{what}", by=ENGINE, at=now, key=key)


_LISTENING = ("requested", "active")


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
