"""The payer's story and its deliveries, with hands that only remember."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from workflows.delivery import DeliveryWorkflow
from workflows.messages import Notified, ReviewMade
from workflows.options import delivery_id
from workflows.review import ReviewWorkflow

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("temporal")]


def _made(**changes: Any) -> ReviewMade:
    plain: dict[str, Any] = {
        "version": 1,
        "revision": 1,
        "final": False,
        "due_at": None,
        "silence": timedelta(days=3),
        "grace": timedelta(0),
    }
    return ReviewMade(**(plain | changes))


@dataclass
class Hands:
    made: ReviewMade = field(default_factory=_made)
    to_notify: list[str] = field(default_factory=list)
    refusals: int = 0
    delivered: list[str] = field(default_factory=list)
    gave_up: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    reviews: int = 0

    @activity.defn(name="review")
    async def review(self, authorization_id: str) -> ReviewMade:
        self.reviews += 1
        return self.made

    @activity.defn(name="notify")
    async def notify(self, authorization_id: str) -> Notified:
        waiting, self.to_notify = tuple(self.to_notify), []
        return Notified(waiting)

    @activity.defn(name="deliver")
    async def deliver(self, notification_id: str) -> None:
        if self.refusals:
            self.refusals -= 1
            raise ApplicationError("away")
        self.delivered.append(notification_id)

    @activity.defn(name="give-up-delivery")
    async def give_up_delivery(self, notification_id: str) -> None:
        self.gave_up.append(notification_id)

    @activity.defn(name="raise-payer-task")
    async def raise_task(self, authorization_id: str, what: str) -> None:
        self.tasks.append(what)

    def worker(self, temporal: WorkflowEnvironment, name: str) -> Worker:
        hands = [self.review, self.notify, self.deliver, self.give_up_delivery, self.raise_task]
        return Worker(temporal.client, task_queue=name, workflows=[ReviewWorkflow, DeliveryWorkflow], activities=hands)


async def begun(temporal: WorkflowEnvironment, name: str) -> WorkflowHandle[ReviewWorkflow, str]:
    with temporal.with_time_skipping_disabled():
        return await temporal.client.start_workflow(ReviewWorkflow.run, name, id=name, task_queue=name)


async def waits_for_clinician(story: WorkflowHandle[ReviewWorkflow, str]) -> None:
    for _ in range(400):
        if (await story.query(ReviewWorkflow.standing))["waiting_for"] == "clinician":
            return
        await asyncio.sleep(0.025)
    raise AssertionError("the story never waited for a clinician")


async def test_what_is_all_met_is_certified_without_a_person(temporal: WorkflowEnvironment, name: str) -> None:
    hands = Hands(made=_made(final=True))
    async with hands.worker(temporal, name):
        assert await (await begun(temporal, name)).result() == "decided"
    assert hands.tasks == []


async def test_a_pended_request_waits_for_a_clinician_past_its_deadline_and_is_never_denied_by_time(
    temporal: WorkflowEnvironment, name: str
) -> None:
    hands = Hands()
    async with hands.worker(temporal, name):
        hands.made = _made(due_at=datetime.now(UTC) + timedelta(hours=72))
        story = await begun(temporal, name)
        await waits_for_clinician(story)
        await temporal.fast_forward(story, timedelta(hours=71))
        assert hands.tasks == []
        await temporal.fast_forward(story, timedelta(hours=2))
        await waits_for_clinician(story)
        assert hands.tasks == ["decision-overdue"]
        hands.made = _made(revision=2, final=True)
        await story.signal(ReviewWorkflow.nudge)
        assert await story.result() == "decided"


async def test_a_clinicians_word_is_carried_to_the_submitter_by_a_delivery_of_its_own(
    temporal: WorkflowEnvironment, name: str
) -> None:
    hands = Hands()
    async with hands.worker(temporal, name):
        story = await begun(temporal, name)
        await waits_for_clinician(story)
        hands.made, hands.to_notify = _made(revision=2, final=True), [f"event-{name}"]
        await story.signal(ReviewWorkflow.nudge)
        await story.result()
        assert await temporal.client.get_workflow_handle(delivery_id(f"event-{name}")).result() == "delivered"
    assert hands.delivered == [f"event-{name}"]


async def test_a_delivery_is_tried_for_days_and_arrives_when_the_subscriber_is_back(
    temporal: WorkflowEnvironment, name: str
) -> None:
    hands = Hands(refusals=20)
    async with hands.worker(temporal, name):
        run = await temporal.client.start_workflow(DeliveryWorkflow.run, name, id=f"delivery-{name}", task_queue=name)
        assert await run.result() == "delivered"
        waited = await temporal.get_current_time(run) - datetime.now(UTC)
    assert hands.delivered == [name]
    assert waited > timedelta(hours=4)


async def test_a_delivery_that_never_arrives_puts_the_subscription_in_error_after_five_days(
    temporal: WorkflowEnvironment, name: str
) -> None:
    hands = Hands(refusals=10**6)
    async with hands.worker(temporal, name):
        run = await temporal.client.start_workflow(DeliveryWorkflow.run, name, id=f"delivery-{name}", task_queue=name)
        assert await run.result() == "subscription-in-error"
    assert hands.gave_up == [name]


async def test_a_word_that_the_answer_may_still_carry_is_not_told_before_its_grace(
    temporal: WorkflowEnvironment, name: str
) -> None:
    hands = Hands(made=_made(final=True, grace=timedelta(seconds=10)), to_notify=[f"event-{name}"])
    async with hands.worker(temporal, name):
        story = await begun(temporal, name)
        await asyncio.sleep(0.5)
        assert hands.to_notify
        await temporal.fast_forward(story, timedelta(seconds=11))
        await story.result()
    assert not hands.to_notify
