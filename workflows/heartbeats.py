"""The payer's heartbeats: an empty notification to each subscriber that asked for one, so that silence means a fault.

Nothing durable: a beat that does not arrive is missed by the subscriber's own watchdog, which then asks `$status`.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from prior_auth.errors import TransportError
from prior_auth.fhir import json, subscription
from prior_auth.ports import AuthorizationStore, Clock, Notifier

log = logging.getLogger(__name__)


class Heartbeats:
    """`base` is the payer's FHIR base."""

    def __init__(self, store: AuthorizationStore, notifier: Notifier, base: str, clock: Clock) -> None:
        self.store, self.notifier, self.base, self.clock = store, notifier, base, clock
        self._beaten: dict[str, datetime] = {}

    async def beat(self) -> None:
        """One beat for every active subscription whose period has gone by."""
        now = self.clock.now()
        for one in await self.store.subscribers():
            before = self._beaten.get(one.id)
            if one.status != "active" or one.heartbeat is None:
                continue
            if before is not None and now - before < timedelta(seconds=one.heartbeat):
                continue
            self._beaten[one.id] = now
            sender = subscription.Sender(self.base, one.id, one.status)
            body = json.write(subscription.heartbeat(sender, total=one.events, at=now))
            try:
                await self.notifier.deliver(one.endpoint, body, one.headers)
            except TransportError as problem:
                log.warning("a heartbeat did not arrive: %s", type(problem).__name__)
