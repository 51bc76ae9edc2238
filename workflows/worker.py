"""One side's worker: its stories, its hands, its sweep, and at the practice the subscription that answers come by."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from prior_auth.api.payer_inquiry import list_unlisted
from prior_auth.bootstrap import CLOCK, PayerSide, PracticeSide
from prior_auth.errors import TransportError
from prior_auth.fhir import pas_201, subscription
from prior_auth.settings import Temporal
from workflows.authorization import AuthorizationWorkflow
from workflows.client import PayerStories, PracticeStories, Stories, sweep_for_ever
from workflows.codec import converter
from workflows.delivery import DeliveryWorkflow
from workflows.heartbeats import Heartbeats
from workflows.options import PAYER_QUEUE, PRACTICE_QUEUE
from workflows.payer_activities import PayerActivities
from workflows.practice_activities import PracticeActivities
from workflows.renewal import RenewalWorkflow
from workflows.review import ReviewWorkflow
from workflows.watchdog import Watchdog

log = logging.getLogger(__name__)

_GRACE = timedelta(seconds=5)  # a call to a payer that is under way may end
_CONNECT_AGAIN = 0.5
_WATCH_EVERY = 10.0  # looks at our own store; the payer is asked only where something is amiss
_BEAT_EVERY = 5.0


def practice_worker(client: Client, activities: PracticeActivities) -> Worker:
    return Worker(
        client,
        task_queue=PRACTICE_QUEUE,
        workflows=[AuthorizationWorkflow, RenewalWorkflow],
        activities=[
            activities.assess,
            activities.prepare,
            activities.send,
            activities.payer_word,
            activities.record_determination,
            activities.renewal,
            activities.inquire,
            activities.raise_task,
        ],
        graceful_shutdown_timeout=_GRACE,
    )


def payer_worker(client: Client, activities: PayerActivities) -> Worker:
    return Worker(
        client,
        task_queue=PAYER_QUEUE,
        workflows=[ReviewWorkflow, DeliveryWorkflow],
        activities=[
            activities.review,
            activities.notify,
            activities.deliver,
            activities.give_up_delivery,
            activities.raise_task,
        ],
        graceful_shutdown_timeout=_GRACE,
    )


async def work_for_practice(side: PracticeSide, temporal: Temporal) -> None:
    """Work until asked to end."""
    client = await _connected(temporal.address, "practice", side.key)
    stories = PracticeStories(Stories.over(client), side.store)
    await _work(practice_worker(client, side.activities()), stories, side.settings.data, _watching(side, stories))


async def work_for_payer(side: PayerSide, temporal: Temporal) -> None:
    client = await _connected(temporal.address, "payer", side.key)
    stories = PayerStories(Stories.over(client), side.store)
    await list_unlisted(side.store)
    await _work(payer_worker(client, side.activities()), stories, side.settings.data, _beating(side))


async def _work(worker: Worker, stories: PracticeStories | PayerStories, data: Path, *more: object) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(worker)
        beside = [asyncio.ensure_future(one) for one in (sweep_for_ever(stories), *more)]  # type: ignore[call-overload]
        (data / "worker.ready").touch()
        await stop.wait()
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


async def _connected(address: str, namespace: str, key: bytes) -> Client:
    """Connect with patience: at a common start the workflow service may be the slowest."""
    while True:
        try:
            return await Client.connect(address, namespace=namespace, data_converter=converter(key))
        except (RuntimeError, RPCError):
            log.info("the workflow service does not answer yet")
            await asyncio.sleep(_CONNECT_AGAIN)


async def _watching(side: PracticeSide, stories: PracticeStories) -> None:
    """Subscribe, again at every start, and watch over it for as long as the worker runs."""
    period = side.settings.heartbeat
    is_older = side.settings.payer_pas == pas_201.VERSION
    wanted = subscription.subscription(
        [(side.practice.npi if is_older else side.practice.sender_code) or ""],
        endpoint=side.notification_url,
        headers=[f"Authorization: Bearer {side.notification_secret}"],
        heartbeat=max(1, int(period.total_seconds())),
        content=subscription.Content.ID_ONLY if is_older else subscription.Content.FULL,
    )
    wanted = pas_201.shaped(wanted) if is_older else wanted
    watchdog = Watchdog(side.store, side.transport, stories, CLOCK, wanted=wanted, heartbeat=period)
    pause = _CONNECT_AGAIN
    while True:
        try:
            await watchdog.subscribe()
            break
        except TransportError as problem:
            log.warning("no subscription yet: %s", type(problem).__name__)
            pause = min(pause * 2, 60.0)
            await asyncio.sleep(pause)
    while True:
        await asyncio.sleep(_WATCH_EVERY)
        try:
            await watchdog.look()
        except (TransportError, SQLAlchemyError, RPCError) as problem:
            log.warning("the subscription could not be looked after: %s", type(problem).__name__)


async def _beating(side: PayerSide) -> None:
    heartbeats = Heartbeats(side.store, side.notifier, side.identity.base, CLOCK)
    while True:
        try:
            await heartbeats.beat()
        except SQLAlchemyError as problem:
            log.warning("no heartbeats now: %s", type(problem).__name__)
        await asyncio.sleep(_BEAT_EVERY)
