"""The legal clock kept with an authorization or a case: each event moves it, and the due instant follows.

The payer's is moved by what it does; the practice's by what it was told, read anew from every message each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from prior_auth.domain import legal_clock
from prior_auth.domain.authorization import Authorization
from prior_auth.domain.legal_clock import Extended, LegalClock, Moments
from prior_auth.domain.timeline import Message
from prior_auth.errors import Conflict
from prior_auth.fhir import json, pas_determination, pas_exchange
from prior_auth.policy.deadlines import recalled, remembered

DOCUMENT, STATED = "clock", "extension-stated"


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


async def extension(store: ClockStore, authorization: Authorization) -> Extended | None:
    """What the payer has said of its deadline; of a decided request nothing, as it is over."""
    if authorization.status.is_final or not authorization.revision:
        return None
    clock = await kept(store, authorization.id)
    return clock.extension if clock is not None else None


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


@dataclass(frozen=True, slots=True)
class Stated:
    """An extension that a person at the practice was told of, by letter or by telephone."""

    at: datetime
    extension: Extended


async def state(store: ClockStore, owner: str, told: Stated) -> None:
    """Keep what a person was told. Raises Conflict where the law that binds allows it not, or no clock runs."""
    clock = await kept(store, owner)
    if clock is None:
        raise Conflict("no legal clock runs for this request", where="days")
    more = told.extension
    legal_clock.extended(clock, told.at, days=more.days, reason=more.reason, waits=more.waits)
    words = {"at": told.at.isoformat(), "days": more.days, "reason": more.reason, "waits": more.waits}
    await store.keep_document(owner, STATED, words)


async def stated(store: ClockStore, owner: str) -> Stated | None:
    found = await store.document(owner, STATED)
    if found is None:
        return None
    return Stated(datetime.fromisoformat(found["at"]), Extended(found["days"], found["reason"], found["waits"]))


@dataclass(frozen=True, slots=True)
class Told:
    """The practice's clock by what it was told; `refused` names what the law that binds does not allow."""

    clock: LegalClock
    refused: str | None = None


_Event = tuple[datetime, Callable[[LegalClock], LegalClock]]


def as_told(clock: LegalClock, messages: Sequence[tuple[Message, bytes]], stated: Stated | None = None) -> Told:
    """The clock as it was started, and then all that has been told since: the same messages give the same clock."""
    since = clock.moments.received
    told = replace(clock, moments=Moments(since, since), extension=None)
    events = [one for one in _events(messages) if one[0] >= since]
    if stated is not None and stated.at >= since:
        events.append((stated.at, _extended(stated.at, stated.extension)))
    refused = None
    for _, happens in sorted(events, key=lambda one: one[0]):
        try:
            told = happens(told)
        except Conflict as problem:
            refused = refused or problem.message
    return Told(told, refused)


def _events(messages: Sequence[tuple[Message, bytes]]) -> Iterator[_Event]:
    for message, body in messages:
        if message.kind == pas_exchange.RECEIPT:
            yield message.at, partial(legal_clock.completed, at=message.at)
        if message.kind not in (pas_exchange.RESPONSE, pas_exchange.NOTIFICATION):
            continue
        word = pas_determination.read(json.read(body))
        said = word.created or message.at
        if word.extension is not None:
            yield said, _extended(said, word.extension)
        if word.is_final and not word.refuses:
            yield said, partial(legal_clock.decided, at=said)
            yield max(said, message.at), partial(legal_clock.notified, at=message.at)
        elif word.requested:
            yield said, partial(_asked, at=said)


def _asked(clock: LegalClock, at: datetime) -> LegalClock:
    """A question that is still open is told again with each word."""
    return clock if clock.moments.asked and clock.moments.complete is None else legal_clock.asked(clock, at)


def _extended(at: datetime, told: Extended) -> Callable[[LegalClock], LegalClock]:
    """Each word tells it again: the first counts."""

    def happens(clock: LegalClock) -> LegalClock:
        if clock.extension == told:
            return clock
        return legal_clock.extended(clock, at, days=told.days, reason=told.reason, waits=told.waits)

    return happens
