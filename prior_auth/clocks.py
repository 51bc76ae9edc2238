"""The legal clock kept with an authorization: each event moves it, and the due instant follows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from prior_auth.domain.legal_clock import LegalClock
from prior_auth.policy.deadlines import recalled, remembered

DOCUMENT = "clock"


class ClockStore(Protocol):
    """What of a store the clock needs."""

    async def document(self, owner: str, name: str) -> Any | None: ...

    async def keep_document(self, owner: str, name: str, document: Any) -> None: ...


class DueStore(ClockStore, Protocol):
    async def set_due(self, owner: str, due_at: datetime | None) -> None: ...


async def kept(store: ClockStore, owner: str) -> LegalClock | None:
    """The clock that was started at the receipt, as it stands."""
    found = await store.document(owner, DOCUMENT)
    return recalled(found) if found else None


async def keep(store: ClockStore, owner: str, clock: LegalClock) -> None:
    await store.keep_document(owner, DOCUMENT, remembered(clock))


async def move(store: DueStore, owner: str, event: Callable[[LegalClock], LegalClock]) -> LegalClock | None:
    """Let something happen to the kept clock. An event that changes nothing writes nothing."""
    before = await kept(store, owner)
    if before is None:
        return None
    after = event(before)
    if after != before:
        await keep(store, owner, after)
        if after.due_at != before.due_at:
            await store.set_due(owner, after.due_at)
    return after
