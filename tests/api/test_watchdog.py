"""The practice's watch over its subscription: silence, errors and missing events, and asking only then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from prior_auth import gaps
from prior_auth.domain.case import CaseStatus
from prior_auth.errors import FatalTransportError, TemporaryTransportError
from prior_auth.fhir import json, subscription
from workflows.watchdog import Watchdog

Json = dict[str, Any]
HEARTBEAT = timedelta(minutes=10)
PAYER = "https://payer.example/fhir"
START = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at


class Payer:
    """A payer's subscription by script: its status, its events, and what it was asked."""

    def __init__(self) -> None:
        self.status, self.total = "active", 0
        self.events_told: list[subscription.Event] | None = []
        self.away = self.gone = False
        self.asked: list[str] = []

    async def subscribe(self, body: bytes) -> bytes:
        self._call("subscribe")
        self.gone = False
        return json.write({**json.read(body), "id": "sub-1"})

    async def resubscribe(self, name: str, body: bytes) -> bytes:
        self._call("resubscribe")
        assert json.read(body)["id"] == name
        return body

    async def subscription_status(self, name: str) -> bytes:
        self._call("status")
        if self.gone:
            raise FatalTransportError("404")
        return json.write(subscription.status_of(self._sender(), total=self.total, at=START))

    async def events(self, name: str, *, since: int, until: int) -> bytes:
        self._call(f"events {since}-{until}")
        if self.events_told is None:
            raise FatalTransportError("404")
        return json.write(subscription.events_of(self._sender(), self.events_told, total=self.total, at=START))

    def _sender(self) -> subscription.Sender:
        return subscription.Sender(PAYER, "sub-1", self.status)

    def _call(self, what: str) -> None:
        self.asked.append(what)
        if self.away:
            raise TemporaryTransportError("away")


class Stories:
    def __init__(self) -> None:
        self.nudged: list[str] = []

    async def nudge(self, case_id: str) -> None:
        self.nudged.append(case_id)


class World:
    def __init__(self, store: Any) -> None:
        self.store, self.clock, self.payer, self.stories = store, Clock(), Payer(), Stories()
        wanted = subscription.subscription(["EXONC"], endpoint="https://practice.example/n", heartbeat=600)
        self.dog = Watchdog(
            store,
            self.payer,
            self.stories,
            self.clock,
            wanted=wanted,
            heartbeat=HEARTBEAT,  # type: ignore[arg-type]
        )

    async def later(self, **time: float) -> None:
        self.clock.at += timedelta(**time)
        await self.dog.look()

    async def beat(self, total: int) -> None:
        """A heartbeat comes in."""
        beat = subscription.heartbeat(subscription.Sender(PAYER, "sub-1", "active"), total=total, at=self.clock.at)
        await self.dog.inbox.take(subscription.read_notification(beat))

    async def sent(self, name: str) -> str:
        """A case whose request is with the payer."""
        chart = (
            b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p"}}]}'
        )
        case, _ = await self.store.open(name, payer=None, plan=None, service="x", chart=chart, request={}, at=START)
        await self.store.set_status(case.id, CaseStatus.PENDED, waiting_for="payer", at=START, version=1)
        return str(case.id)

    async def gap(self, case_id: str) -> str | None:
        found = await gaps.unasked(self.store, case_id, due_at=None, now=self.clock.at)
        return found.why if found else None


@pytest.fixture
async def world(practice: Any) -> World:
    found = World(practice.store)
    await found.dog.subscribe()
    found.payer.asked.clear()
    return found


@pytest.mark.requirement("spec-9", "spec-42")
async def test_while_the_payer_is_heard_nothing_is_asked(world: World) -> None:
    for _ in range(30):
        await world.beat(0)
        await world.later(minutes=10)
    assert world.payer.asked == []


async def test_silence_for_two_heartbeats_asks_the_status_once_each(world: World) -> None:
    await world.later(minutes=19)
    assert world.payer.asked == []
    for _ in range(20):
        await world.later(minutes=1)
    assert world.payer.asked == ["status"]


@pytest.mark.parametrize(("status", "gone", "way"), [("error", False, "resubscribe"), ("off", False, "subscribe"),
                                                     ("active", True, "subscribe")])  # fmt: skip
async def test_a_subscription_that_fell_silent_is_revived_and_open_requests_are_asked_about(
    world: World, status: str, gone: bool, way: str
) -> None:
    case_id = await world.sent("one")
    world.payer.status, world.payer.gone = status, gone
    await world.later(minutes=21)
    assert world.payer.asked == ["status", way]
    assert await world.gap(case_id) == gaps.SILENT
    assert world.stories.nudged == [case_id]


async def test_a_missing_event_is_fetched_after_a_moment_and_nobody_is_inquired_about(world: World) -> None:
    case_id = await world.sent("one")
    await world.store.remember_claim(case_id, "urn:t|T-1")
    world.payer.total, world.payer.events_told = 1, [event("T-1")]
    await world.beat(1)
    await world.later(seconds=1)
    assert world.payer.asked == []  # it may only have been overtaken
    await world.later(seconds=31)
    assert world.payer.asked == ["events 1-1"]
    assert [one.kind for one in await world.store.messages(case_id)] == ["notification"]
    assert await world.gap(case_id) is None
    await world.later(seconds=60)
    assert world.payer.asked == ["events 1-1"]


async def test_where_events_cannot_be_fetched_open_requests_are_inquired_about_once(world: World) -> None:
    case_id = await world.sent("one")
    world.payer.total, world.payer.events_told = 3, None
    await world.beat(3)
    for _ in range(5):
        await world.later(seconds=31)
    assert world.payer.asked == ["events 1-3"]
    assert await world.gap(case_id) == gaps.MISSED


async def test_while_the_payer_is_away_the_gap_stays_to_be_filled(world: World) -> None:
    world.payer.away = True
    await world.beat(1)
    await world.later(seconds=1)
    with pytest.raises(TemporaryTransportError):
        await world.later(seconds=31)
    world.payer.away, world.payer.total, world.payer.events_told = False, 1, [event("unknown")]
    await world.later(seconds=31)
    assert await world.dog.inbox.missing("sub-1") == []


def event(trace: str) -> subscription.Event:
    claim = {"identifier": {"system": "urn:t", "value": trace}}
    answer = {"resourceType": "ClaimResponse", "id": "r", "use": "preauthorization", "request": claim}
    bundle = {
        "resourceType": "Bundle",
        "id": "b-1",
        "type": "collection",
        "entry": [{"fullUrl": f"{PAYER}/ClaimResponse/r", "resource": answer}],
    }
    return subscription.Event(1, "2026-06-01T08:00:00+00:00", bundle)
