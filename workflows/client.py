"""The durable stories, seen from the windows: open one, nudge one, and find those that lost their run."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.converter import DataConverter
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RetryConfig, RPCError, RPCStatusCode

from prior_auth.ports import AuthorizationStore, CaseStore
from workflows.authorization import AuthorizationWorkflow
from workflows.codec import converter
from workflows.delivery import DeliveryWorkflow
from workflows.options import PAYER_QUEUE, PRACTICE_QUEUE, authorization_id, delivery_id, renewal_id, review_id
from workflows.practice_activities import RENEWAL
from workflows.renewal import RenewalWorkflow
from workflows.review import ReviewWorkflow

log = logging.getLogger(__name__)

_AWAY = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED)
SWEEP_EVERY = timedelta(seconds=10)


class Stories:
    """A connection that may be away: what cannot be told now is told by the sweep, from the store."""

    def __init__(self, address: str, namespace: str, key: bytes | None) -> None:
        self._address = address
        self._namespace = namespace
        self._converter: DataConverter = converter(key)
        self._client: Client | None = None

    @classmethod
    def over(cls, client: Client) -> Stories:
        """Over a connection that stands, as tests and workers have it."""
        stories = cls("", client.namespace, None)
        stories._client = client
        return stories

    async def client(self) -> Client:
        """Connect once. Raises RuntimeError while nothing listens."""
        if self._client is None:
            patience = RetryConfig(max_elapsed_time_millis=2000)  # a window answers at once; the sweep has the patience
            self._client = await Client.connect(
                self._address, namespace=self._namespace, data_converter=self._converter, retry_config=patience
            )
        return self._client

    async def start(
        self,
        run: Callable[..., Any],
        subject: str,
        workflow_id: str,
        queue: str,
        *,
        anew: bool,
        running: WorkflowIDConflictPolicy = WorkflowIDConflictPolicy.USE_EXISTING,
    ) -> bool:
        """Start a story; True where it runs now. `anew` also starts one that once ended, from its row.

        `running` says what becomes of one that is under way.
        """
        reuse = WorkflowIDReusePolicy.ALLOW_DUPLICATE if anew else WorkflowIDReusePolicy.REJECT_DUPLICATE
        try:
            await (await self.client()).start_workflow(
                run,
                subject,
                id=workflow_id,
                task_queue=queue,
                id_conflict_policy=running,
                id_reuse_policy=reuse,
            )
        except WorkflowAlreadyStartedError:
            return False
        except (RPCError, RuntimeError) as error:
            _away(error)
            return False
        return True

    async def signal(self, workflow_id: str) -> bool:
        """Nudge a story; False where it has no run or the service is away."""
        try:
            await (await self.client()).get_workflow_handle(workflow_id).signal("nudge")
        except (RPCError, RuntimeError) as error:
            if not (isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND):
                _away(error)
            return False
        return True


def _away(error: RPCError | RuntimeError) -> None:
    if isinstance(error, RPCError) and error.status not in _AWAY:
        raise error
    log.warning("the workflow service is away; the sweep will bring this later")


class PracticeStories:
    """`PracticeOrchestrator` made real."""

    def __init__(self, stories: Stories, store: CaseStore) -> None:
        self._stories = stories
        self._store = store

    async def open(self, case_id: str) -> None:
        await self._start(case_id, anew=False)

    async def nudge(self, case_id: str) -> None:
        """A story that has no run (never started, or ended before the payer spoke again) is told anew from its row."""
        if not await self._stories.signal(authorization_id(case_id)):
            await self._start(case_id, anew=True)

    async def rebuild(self) -> None:
        """Give every open case its run: after a start, the workflow service may have lost all it knew."""
        for case in await self._store.cases(only_open=True):
            await self._start(case.id, anew=True)
        for case_id, kept in (await self._store.documents(RENEWAL)).items():
            if kept["over"] is None:
                await self._stories.start(RenewalWorkflow.run, case_id, renewal_id(case_id), PRACTICE_QUEUE, anew=True)

    async def sweep(self) -> None:
        """Bring every story the news it missed."""
        for case_id in await self._store.unlooked():
            await self.nudge(case_id)

    async def _start(self, case_id: str, *, anew: bool) -> None:
        await self._stories.start(
            AuthorizationWorkflow.run, case_id, authorization_id(case_id), PRACTICE_QUEUE, anew=anew
        )


class PayerStories:
    """`PayerOrchestrator` made real."""

    def __init__(self, stories: Stories, store: AuthorizationStore) -> None:
        self._stories = stories
        self._store = store

    async def open(self, authorization_id: str) -> None:
        await self._start(authorization_id, anew=False)

    async def nudge(self, authorization_id: str) -> None:
        """A story that ended is told anew: an update came, or a clinician spoke, after the last word."""
        if not await self._stories.signal(review_id(authorization_id)):
            await self._start(authorization_id, anew=True)

    async def deliver(self, notification_id: str, *, anew: bool = False) -> None:
        policy = WorkflowIDConflictPolicy.TERMINATE_EXISTING if anew else WorkflowIDConflictPolicy.USE_EXISTING
        name = delivery_id(notification_id)
        await self._stories.start(DeliveryWorkflow.run, notification_id, name, PAYER_QUEUE, anew=True, running=policy)

    async def rebuild(self) -> None:
        """Give every open authorization its run."""
        for authorization in await self._store.authorizations(only_open=True):
            await self._start(authorization.id, anew=True)

    async def sweep(self) -> None:
        """Give every undelivered notification its run, and every story the news it missed."""
        for notification in await self._store.undelivered():
            await self.deliver(notification.id)
        for authorization in await self._store.unlooked():
            await self.nudge(authorization)

    async def _start(self, authorization_id: str, *, anew: bool) -> None:
        await self._stories.start(
            ReviewWorkflow.run, authorization_id, review_id(authorization_id), PAYER_QUEUE, anew=anew
        )


async def sweep_for_ever(stories: PracticeStories | PayerStories) -> None:
    """Rebuild at start, then sweep steadily. What fails is logged and tried again: a sweep holds nothing of its own."""
    steps = [stories.rebuild, stories.sweep]
    while True:
        try:
            for step in steps:
                await step()
            steps = [stories.sweep]
        except (RPCError, RuntimeError, SQLAlchemyError) as error:
            log.warning("sweep put off: %s", type(error).__name__)
        await asyncio.sleep(SWEEP_EVERY.total_seconds())
