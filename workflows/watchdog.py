"""The practice's watch over its subscription: subscribe, notice silence and missing events, and only then ask."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from prior_auth import gaps
from prior_auth.api.notices import Inbox
from prior_auth.errors import BadInput, FatalTransportError
from prior_auth.fhir import json, subscription
from prior_auth.fhir.codes import Json
from prior_auth.ports import CaseStore, Clock, PayerTransport, PracticeOrchestrator

log = logging.getLogger(__name__)

SUBSCRIPTION = "subscription"  # setting: the id that the payer gave it
_OVERTAKEN = timedelta(seconds=30)  # notifications may overtake each other on the way: so long a gap is no gap


class Watchdog:
    """`wanted` is the Subscription to POST; `heartbeat` how long the payer may be silent, as asked for there."""

    def __init__(
        self,
        store: CaseStore,
        transport: PayerTransport,
        stories: PracticeOrchestrator,
        clock: Clock,
        *,
        wanted: Json,
        heartbeat: timedelta,
    ) -> None:
        self.store, self.transport, self.stories, self.clock = store, transport, stories, clock
        self.wanted, self.heartbeat = wanted, heartbeat
        self.inbox = Inbox(store, stories, clock)
        self._asked = clock.now()
        self._missing_since: datetime | None = None

    async def subscribe(self) -> None:
        """Ask for the payer's notifications: the same sender and address again is the same subscription.

        Raises TemporaryTransportError, FatalTransportError.
        """
        created = json.read(await self.transport.subscribe(json.write(self.wanted)))
        await self.store.set_setting(SUBSCRIPTION, str(created["id"]))
        self._asked = self.clock.now()

    async def look(self) -> None:
        """One round. Raises TemporaryTransportError while the payer is away."""
        name = await self.store.setting(SUBSCRIPTION)
        if name is None:
            await self.subscribe()
            return
        now, heard = self.clock.now(), await self.inbox.heard(name)
        if now - max(heard or self._asked, self._asked) > 2 * self.heartbeat:
            self._asked = now
            await self._ask_status(name)
        await self._fill(name)

    async def _ask_status(self, name: str) -> None:
        """The payer was silent for two heartbeats: is the subscription alive, and what did it tell?"""
        try:
            answer = await self.transport.subscription_status(name)
            status, total = subscription.read_status(json.read(answer))
        except (FatalTransportError, BadInput):
            await self._revive(name, known=False)
            return
        await self.inbox.count(name, total)
        if status in ("error", "off"):
            await self._revive(name, known=status == "error")

    async def _revive(self, name: str, *, known: bool) -> None:
        """Be heard again, and ask about every open request: what was said meanwhile may never have been told."""
        log.warning("the subscription had fallen silent; it is asked for again")
        try:
            if not known:
                raise FatalTransportError("no such subscription any more")
            await self.transport.resubscribe(name, json.write({**self.wanted, "id": name}))
        except FatalTransportError:
            await self.subscribe()
        await self._ask_about_all(gaps.SILENT)

    async def _fill(self, name: str) -> None:
        """Event numbers that never came are fetched by `$events`; failing that, open requests are inquired about."""
        missing = await self.inbox.missing(name)
        if not missing:
            self._missing_since = None
            return
        now = self.clock.now()
        self._missing_since = self._missing_since or now
        if now - self._missing_since < _OVERTAKEN:
            return
        self._missing_since = now
        try:
            answer = await self.transport.events(name, since=missing[0], until=missing[-1])
            await self.inbox.take_events(name, subscription.read_notification(json.read(answer)), missing)
        except (FatalTransportError, BadInput) as problem:
            log.warning("missed events cannot be fetched: %s", type(problem).__name__)
        if await self.inbox.missing(name):
            await self._ask_about_all(gaps.MISSED)
            await self.inbox.forget_missing(name)

    async def _ask_about_all(self, why: str) -> None:
        now = self.clock.now()
        for case in await self.store.cases(only_open=True):
            if case.version:
                await gaps.found(self.store, case.id, why, at=now)
                await self.stories.nudge(case.id)
