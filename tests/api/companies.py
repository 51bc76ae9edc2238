"""Both companies without Temporal: the real apps, stores and activities; the stories are carried within each call.

The two orchestrators run the activities in the order of the workflows, as far as they go without waiting.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import httpx2
import uvicorn
from fastapi import FastAPI
from temporalio.exceptions import ApplicationError

from prior_auth import bootstrap, stories
from prior_auth.api.payer import payer_app
from prior_auth.api.payer_desk import Payer
from prior_auth.api.practice import practice_app
from prior_auth.api.practice_desk import Practice
from prior_auth.bootstrap import CLOCK, Intake, PayerSide, PracticeSide
from prior_auth.demo import ENVIRONMENT
from prior_auth.domain.people import Person, Role
from prior_auth.engine import Engine
from prior_auth.errors import TemporaryTransportError
from prior_auth.fhir import json, subscription
from prior_auth.rulebook import Rulebook
from prior_auth.settings import Payer as PayerSettings
from prior_auth.settings import Practice as PracticeSettings
from prior_auth.store.authorizations import SqlAuthorizations
from prior_auth.store.cases import SqlCases
from prior_auth.store.database import Database, sqlite_url
from prior_auth.store.seal import KEY_BYTES, KeyRing
from prior_auth.store.tables import Side
from prior_auth.transports.fhir_pas import FhirPas
from prior_auth.transports.rest_hook import RestHook
from workflows.messages import Next, PayerWord
from workflows.payer_activities import PayerActivities
from workflows.practice_activities import PracticeActivities

KEYS = KeyRing(b"k" * KEY_BYTES)
CLINICIAN = Person("Dr. Morgan Reviewer", Role.CLINICIAN, "1245319599")
NURSE = Person("Sam Intake", Role.STAFF)


@cache
def engine() -> Engine:
    return Engine(Rulebook.load(None))


def chart(story: str) -> bytes:
    return json.write(stories.load(story).chart(on=datetime.now(UTC).date()))


class PracticeWithin:
    """`AuthorizationWorkflow`, without its waiting."""

    def __init__(self, hands: PracticeActivities) -> None:
        self.hands = hands

    async def open(self, case_id: str) -> None:
        await self.nudge(case_id)

    async def nudge(self, case_id: str) -> None:
        word: PayerWord | None = await self.hands.payer_word(case_id)
        assert word is not None
        if word.gap:
            await self.hands.inquire(case_id)
            word = await self.hands.payer_word(case_id)
        while word is not None and (word.change or (not word.final and (not word.sent or word.information_requested))):
            if not word.change:
                made = await self.hands.assess(case_id)
                if made.next is not Next.SEND:
                    return
            word = await self._send(case_id)
        if word is not None and word.final:
            await self.hands.record_determination(case_id)

    async def _send(self, case_id: str) -> PayerWord | None:
        prepared = await self.hands.prepare(case_id)
        if prepared.message is None:
            return None
        try:
            await self.hands.send(case_id, prepared.message)
        except ApplicationError:
            await self.hands.raise_task(case_id, "refused")
            return None
        return await self.hands.payer_word(case_id)


class PayerWithin:
    """`ReviewWorkflow` and `DeliveryWorkflow`, without their waiting."""

    def __init__(self, hands: PayerActivities) -> None:
        self.hands = hands

    async def open(self, authorization_id: str) -> None:
        review = await self.hands.review(authorization_id)
        if not review.grace:  # else the synchronous answer carries the word
            await self._tell(authorization_id)

    async def nudge(self, authorization_id: str) -> None:
        review = await self.hands.review(authorization_id)
        await asyncio.sleep(review.grace.total_seconds())
        await self._tell(authorization_id)

    async def _tell(self, authorization_id: str) -> None:
        for notification in (await self.hands.notify(authorization_id)).notifications:
            await self.deliver(notification)

    async def deliver(self, notification_id: str, *, anew: bool = False) -> None:
        await self.hands.deliver(notification_id)


class Catching:
    """A transport that keeps what would be sent."""

    def __init__(self) -> None:
        self.caught: list[bytes] = []

    async def submit(self, body: bytes) -> bytes:
        self.caught.append(body)
        raise TemporaryTransportError("only looked at")

    async def inquire(self, body: bytes) -> bytes:
        raise TemporaryTransportError("only looked at")

    async def subscribe(self, subscription: bytes) -> bytes:
        raise TemporaryTransportError("only looked at")

    async def attach(self, parameters: bytes, *, url: str | None = None) -> bytes:
        raise TemporaryTransportError("only looked at")


@asynccontextmanager
async def practice(folder: Path, *, url: str, payer_url: str) -> AsyncIterator[PracticeSide]:
    stated = {
        name.removeprefix("PRIOR_AUTH_PRACTICE_").lower(): value
        for name, value in ENVIRONMENT.items()
        if name.startswith("PRIOR_AUTH_PRACTICE_")
    }
    settings = PracticeSettings(**stated, payer_url=payer_url, public_url=f"{url}/fhir")
    database = await Database.open(sqlite_url(folder / "practice.db"), Side.PRACTICE, KEYS)
    try:
        yield PracticeSide(
            settings=settings,
            engine=engine(),
            store=SqlCases(database),
            transport=FhirPas(payer_url),
            practice=bootstrap._practice(settings),
            key=b"",
            notification_url=f"{url}/fhir/notifications",
        )
    finally:
        await database.close()


def app_of_practice(side: PracticeSide) -> FastAPI:
    within = PracticeWithin(side.activities())
    return practice_app(Practice(side.store, within, CLOCK, side.settings.person, Intake(side.engine).opening))


@asynccontextmanager
async def payer(folder: Path, *, url: str) -> AsyncIterator[PayerSide]:
    identity = engine().identity("EXPAYER01", base=f"{url}/fhir")
    database = await Database.open(sqlite_url(folder / "payer.db"), Side.PAYER, KEYS)
    try:
        settings = PayerSettings(answer_within=timedelta(seconds=2))
        yield PayerSide(settings, engine(), SqlAuthorizations(database), identity, b"", RestHook())
    finally:
        await database.close()


def desk(side: PayerSide, person: Person) -> Payer:
    within = PayerWithin(side.activities())
    return Payer(side.store, within, CLOCK, person, side.identity, side.settings.answer_within, side._clock)


@dataclass(frozen=True, slots=True)
class Companies:
    """Addresses of the windows; `nurse` is the payer's desk with a person at it who has no licence."""

    practice: str
    payer: str
    nurse: str


@contextmanager
def running(folder: Path) -> Iterator[Companies]:
    """Both companies on loopback, each in a thread of its own; the practice is subscribed to the payer."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    urls = Companies(*(f"http://127.0.0.1:{one.getsockname()[1]}" for one in sockets))
    engine()
    servers: list[uvicorn.Server] = []
    threads = [
        _serving(sockets[1], servers, lambda: _payer_side(folder, urls, CLINICIAN)),
        _serving(sockets[2], servers, lambda: _payer_side(folder, urls, NURSE)),
        _serving(sockets[0], servers, lambda: _practice_side(folder, urls)),
    ]
    try:
        _subscribe(urls)
        yield urls
    finally:
        for server in servers:
            server.should_exit = True
        for thread in threads:
            thread.join(timeout=10)


def _serving(listening: socket.socket, servers: list[uvicorn.Server], opened) -> threading.Thread:
    """Starts one window and returns once it answers."""
    started = threading.Event()

    async def serve() -> None:
        async with opened() as app:
            server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
            servers.append(server)
            started.set()
            await server.serve(sockets=[listening])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    if not started.wait(timeout=30):
        raise RuntimeError("a window did not start")
    return thread


@asynccontextmanager
async def _payer_side(folder: Path, urls: Companies, person: Person) -> AsyncIterator[FastAPI]:
    async with payer(folder, url=urls.payer) as side:
        yield payer_app(desk(side, person))


@asynccontextmanager
async def _practice_side(folder: Path, urls: Companies) -> AsyncIterator[FastAPI]:
    async with practice(folder, url=urls.practice, payer_url=f"{urls.payer}/fhir") as side:
        yield app_of_practice(side)


def _subscribe(urls: Companies) -> None:
    wanted = subscription.subscription(
        [ENVIRONMENT["PRIOR_AUTH_PRACTICE_SENDER_CODE"]], endpoint=f"{urls.practice}/fhir/notifications"
    )
    headers = {"Content-Type": "application/fhir+json"}
    answer = httpx2.post(f"{urls.payer}/fhir/Subscription", content=json.write(wanted), headers=headers, timeout=30)
    answer.raise_for_status()


async def request_bytes(folder: Path, story: str) -> bytes:
    """The request Bundle that the practice would send for a story, with its gaps if it has any."""
    catching = Catching()
    async with practice(folder, url="http://practice.example", payer_url="http://payer.example/fhir") as side:
        side = replace(side, transport=catching)
        window = Practice(
            side.store, PracticeWithin(side.activities()), CLOCK, side.settings.person, Intake(side.engine).opening
        )
        case = await window.open(chart(story), [], None)
        if not catching.caught:
            await window.release(case.id, "with-gaps")
    return catching.caught[0]
