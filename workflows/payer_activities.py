"""The payer's hands: load, call a pure function, save. Ports come in by the constructor."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError

from prior_auth import clocks
from prior_auth.domain import legal_clock
from prior_auth.domain.assessment import overall
from prior_auth.domain.authorization import (
    Action,
    Authorization,
    AuthorizationStatus,
    ItemDecision,
    engine_word,
    waits_for,
)
from prior_auth.domain.parties import PayerIdentity
from prior_auth.domain.people import ENGINE, Role
from prior_auth.engine import Engine
from prior_auth.errors import BadInput, FatalTransportError, RuleError, TemporaryTransportError
from prior_auth.fhir import json, pas_201, pas_changes, pas_request, pas_response, pas_script, subscription
from prior_auth.fhir.pas_received import ReadItem
from prior_auth.fhir.pas_request import ReadRequest
from prior_auth.fhir.validate import validate
from prior_auth.ports import AuthorizationStore, Clock, Notification, Notifier, Subscriber
from workflows.messages import Notified, ReviewMade
from workflows.options import Patience

_COUNTED = ("requested", "active", "error")  # one in error is told later: its events are counted without gaps
_FINDINGS = 50  # kept of one Bundle
_HEARD = ("requested", "active")


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
        async with self.store.together():
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
        bundle = json.read(await self.store.request_body(authorization.id, authorization.version))
        await self._validated(authorization, bundle)
        read = pas_request.read(bundle)
        kept = await self._kept_decisions(authorization, read)
        open_items = [one for one in read.items if one.sequence not in {decision.sequence for decision in kept}]
        if not open_items:
            return await self._say(authorization, kept, None, "nothing to judge")
        if (scripted := self._scripted(read, open_items, authorization)) is not None:
            return await self._say(authorization, (*kept, *scripted), waits_for((*kept, *scripted)), "scripted")
        orders, today = _judgeable(read, open_items), self.clock.now().date()
        pended = tuple(ItemDecision(one.sequence, Action.PEND, ENGINE) for one in open_items)
        if not orders:
            return await self._not_judged(authorization, (*kept, *pended), "no item has an order of its own")
        try:
            judgement = await asyncio.to_thread(
                self.engine.judge, list(read.resources), as_of=today, orders=orders, payer=self.payer_id
            )
        except (BadInput, RuleError) as problem:
            return await self._not_judged(authorization, (*kept, *pended), str(problem))
        assessed = {item.item.order: item for item in judgement.assessment.items if item.item.order in orders}
        said = tuple(
            engine_word(assessed[one.item.order], one.sequence, authorization.number(one.sequence))
            if one.item.order in assessed
            else ItemDecision(one.sequence, Action.PEND, ENGINE)
            for one in open_items
        )
        async with self.store.together():
            await self.store.keep_document(authorization.id, "assessment", judgement.report)
            if authorization.version > 1 and await self.store.document(authorization.id, "problems"):
                await self.store.keep_document(authorization.id, "problems", [])
            standing = await self.store.decisions(authorization.id)
            settled = {one.sequence for one in standing if one.action is not Action.PEND}
            open_now = tuple(one for one in (*kept, *said) if one.sequence not in settled)
            return await self._say(authorization, open_now, waits_for(open_now), overall(judgement.assessment).value)

    def _scripted(
        self, read: ReadRequest, items: Sequence[ReadItem], authorization: Authorization
    ) -> tuple[ItemDecision, ...] | None:
        """The decisions that a request asks of a test rig; None where it asks for none, as of any other payer."""
        script = self.identity.script
        if script is None:
            return None
        asked = pas_script.words(read.claim, items, script.by_code, version=authorization.version)
        said = {one.sequence: asked.get(one.sequence, pas_script.Word.PEND) for one in items}
        decided = (pas_script.decision(one, said[one.sequence], script, authorization.number) for one in items)
        return tuple(decided) if asked else None

    async def _kept_decisions(self, authorization: Authorization, read: ReadRequest) -> tuple[ItemDecision, ...]:
        """What needs no judgement: items the requester cancelled, and those decided before that nobody touched.

        Where information was dropped, what rested on it may have been a certification: it is judged anew, and a person
        sees what no longer holds (house rule 8).
        """
        cancelled = tuple(ItemDecision(one.sequence, Action.CANCEL, ENGINE) for one in read.items if one.cancelled)
        if authorization.version == 1:
            return cancelled
        before = authorization.version - 1
        prior = pas_request.read(json.read(await self.store.request_body(authorization.id, before)))
        changes = pas_changes.between(prior, read)
        untouched = changes.unchanged - {one.sequence for one in cancelled}
        decided = [one for one in await self.store.decisions(authorization.id, before) if one.action is not Action.PEND]
        if changes.information_dropped:
            decided = [one for one in decided if one.by.role is not Role.ENGINE]
        return (*cancelled, *(one for one in decided if one.sequence in untouched))

    async def _validated(self, authorization: Authorization, bundle: Mapping[str, Any]) -> None:
        """What the Bundle breaks of its profiles is put on record; refused is only what cannot be processed."""
        found = [one for one in await asyncio.to_thread(validate, bundle) if one.severity == "error"]
        if not found:
            if authorization.version > 1 and await self.store.document(authorization.id, "findings"):
                await self.store.keep_document(authorization.id, "findings", [])
            return
        told = [{"where": one.path, "what": one.message, "rule": one.rule} for one in found[:_FINDINGS]]
        await self.store.keep_document(authorization.id, "findings", told)
        facts = {"version": str(authorization.version), "errors": str(len(found)), "where": found[0].path[:200]}
        key = f"{authorization.id}/invalid/{authorization.version}"
        await self.store.note(authorization.id, "invalid", by=ENGINE, at=self.clock.now(), facts=facts, key=key)

    async def _not_judged(
        self, authorization: Authorization, said: tuple[ItemDecision, ...], problem: str
    ) -> Authorization:
        """A rule or a chart that breaks is nobody's denial: pended, and a person sees it."""
        await self.store.keep_document(authorization.id, "problems", [problem])
        return await self._say(authorization, said, "person", "not-judged")

    async def _say(
        self, authorization: Authorization, said: tuple[ItemDecision, ...], waiting_for: str | None, word: str
    ) -> Authorization:
        now, key = self.clock.now(), f"{authorization.id}/engine/{authorization.version}"
        facts = {"recommendation": word, "version": str(authorization.version)}
        actions = {"items": " ".join(f"{one.sequence}:{one.action.value}" for one in said) or "none"}
        async with self.store.together():
            await self.store.note(authorization.id, "assessed", by=ENGINE, at=now, facts=facts, key=f"{key}/assessed")
            decided = await self.store.decide(
                authorization.id,
                version=authorization.version,
                decisions=said,
                waiting_for=waiting_for,
                at=now,
                key=key,
            )
            await self.store.note(authorization.id, "engine-said", by=ENGINE, at=now, facts=actions, key=f"{key}/said")
            told = legal_clock.told_by(waiting_for == "information", decided.status.is_final)
            if told is not None:
                await clocks.move(self.store, authorization.id, lambda clock: told(clock, now))
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
        bundle = json.read(await self.store.request_body(authorization.id, authorization.version))
        subscribers = await self._subscribers(pas_request.read(bundle).senders)
        key = f"{authorization.id}/{authorization.revision}"
        told = [(await self.store.next_event(one.id, authorization.id, key=key), one.status) for one in subscribers]
        for notification, _ in told:
            await self._write_event(authorization, notification)
        if told:
            await self.store.tell(authorization.id, authorization.revision)
        return Notified(tuple(one.id for one, status in told if status in _HEARD))

    async def _subscribers(self, senders: Sequence[str]) -> list[Subscriber]:
        """Those that filter on any id of the sending system: its own, or its organization's (pas.md 1.13)."""
        known = set(senders)
        subscribers = await self.store.subscribers()
        return [one for one in subscribers if one.status in _COUNTED and known & set(one.sender.split(","))]

    async def _write_event(self, authorization: Authorization, notification: Notification) -> None:
        now = self.clock.now()
        bundle = json.read(await self.store.request_body(authorization.id, authorization.version))
        read = pas_request.read(bundle)
        extended = await clocks.extension(self.store, authorization)
        stamp = pas_response.Stamp(authorization.id, authorization.revision, now, authorization.reference, extended)
        decisions = await self.store.decisions(authorization.id)
        version = await self.store.setting(subscription.version_setting(notification.subscription))
        identity = pas_201.of(self.identity) if version == pas_201.VERSION else self.identity
        response = pas_response.build(bundle, read, decisions, payer=identity, stamp=stamp)
        sender = subscription.Sender(identity.base, notification.subscription, "active")
        number = notification.event_number
        if version == pas_201.VERSION:
            content = subscription.content_of(await self.store.subscription_resource(notification.subscription))
            event = subscription.event_of_201(sender, response, number=number, at=now, content=content)
        else:
            event = subscription.event(sender, response, number=number, at=now)
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
        if subscriber.status == "off":
            return  # its owner wants to hear nothing more
        is_handshake = notification.event_number == 0
        if not is_handshake and subscriber.status == "requested":
            soon = timedelta(seconds=10)  # not the growing pause of a subscriber that is away
            raise ApplicationError("the handshake is not through", type="NotYet", next_retry_delay=soon)
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
            for authorization_id in await self.store.untold():
                await self.store.stir(authorization_id)  # words that nobody could be told until now
        if notification.authorization:
            facts = {"event": str(notification.event_number)}
            key = f"{notification.id}/delivered"
            await self.store.note(notification.authorization, "notified", by=ENGINE, at=now, facts=facts, key=key)
            authorization = await self.store.get(notification.authorization)
            if authorization.status.is_final:
                await clocks.move(self.store, authorization.id, lambda clock: legal_clock.notified(clock, now))

    @activity.defn(name="give-up-delivery")
    async def give_up_delivery(self, notification_id: str) -> None:
        """Days of trying are over: the subscription is in error, and a person is told."""
        notification = await self.store.notification(notification_id)
        if (await self.store.subscriber(notification.subscription)).status != "off":
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


def _judgeable(read: ReadRequest, items: Sequence[ReadItem]) -> list[str]:
    """The orders of the items that the engine can judge: one item each. The others are a person's (house rule 8).

    An item without an order, or one of several that share it, says too little of what it asks for.
    """
    known = {f"{one['resourceType']}/{one.get('id')}" for one in read.resources}
    asked = Counter(one.item.order for one in read.items if not one.cancelled)
    return [one.item.order for one in items if asked[one.item.order] == 1 and one.item.order in known]
