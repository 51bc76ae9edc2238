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


class MovingStore(Protocol):
    async def change_clock(
        self, owner: str, name: str, change: Callable[[Any], tuple[Any, datetime | None] | None]
    ) -> None: ...


async def kept(store: ClockStore, owner: str) -> LegalClock | None:
    """The clock that was started at the receipt, as it stands."""
    found = await store.document(owner, DOCUMENT)
    return recalled(found) if found else None


async def keep(store: ClockStore, owner: str, clock: LegalClock) -> None:
    await store.keep_document(owner, DOCUMENT, remembered(clock))


async def move(store: MovingStore, owner: str, event: Callable[[LegalClock], LegalClock]) -> LegalClock | None:
    """Let something happen to the kept clock, and give it as it is then; None where none is kept.

    An event that changes nothing writes nothing. Raises what the event raises.
    """
    moved: list[LegalClock] = []

    def change(document: Any) -> tuple[Any, datetime | None] | None:
        before = recalled(document)
        after = event(before)
        moved.append(after)
        return (remembered(after), after.due_at) if after != before else None

    await store.change_clock(owner, DOCUMENT, change)
    return moved[-1] if moved else None
