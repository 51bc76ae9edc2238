"""The practice's story, with hands that only remember: what it asks for, what it waits for, and for how long."""

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

from workflows.authorization import AuthorizationWorkflow
from workflows.messages import AssessmentMade, Next, PayerWord, Prepared, Recorded, Renewal
from workflows.options import REFUSED, renewal_id
from workflows.renewal import RenewalWorkflow

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("temporal")]

PATIENCE = timedelta(days=14)
SILENCE = timedelta(days=8)


@dataclass
class Hands:
    """A practice whose store is these fields."""

    next: Next = Next.SEND
    then: Next | None = None  # after the first judgement
    word: PayerWord = field(default_factory=lambda: _word())
    answers: list[PayerWord] = field(default_factory=list)
    refusals: int = 0
    withdrawn: bool = False
    renewals: list[Renewal] = field(default_factory=list)
    did: list[str] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)

    @activity.defn(name="assess")
    async def assess(self, case_id: str) -> AssessmentMade:
        self.did.append("assess")
        made = AssessmentMade("approve", (), 0, self.next, PATIENCE)
        self.next = self.then or self.next
        return made

    @activity.defn(name="prepare")
    async def prepare(self, case_id: str) -> Prepared:
        self.did.append("prepare")
        if self.withdrawn:
            return Prepared(None, 0, withdrawn=True)
        return Prepared(f"message-{len(self.did)}", self.word.version + 1)

    @activity.defn(name="send")
    async def send(self, case_id: str, message: str) -> None:
        if self.refusals:
            self.refusals -= 1
            raise ApplicationError("refused", type=REFUSED, non_retryable=True)
        self.did.append("send")
        self.word = self.answers.pop(0)

    @activity.defn(name="payer-word")
    async def payer_word(self, case_id: str) -> PayerWord:
        return self.word

    @activity.defn(name="inquire")
    async def inquire(self, case_id: str) -> None:
        self.did.append("inquire")
        if not self.answers:
            raise ApplicationError("refused", type=REFUSED, non_retryable=True)
        self.word = self.answers.pop(0)

    @activity.defn(name="record-determination")
    async def record_determination(self, case_id: str) -> Recorded:
        self.did.append("record")
        return Recorded(renewal=bool(self.renewals))

    @activity.defn(name="renewal")
    async def renewal(self, case_id: str) -> Renewal:
        self.did.append("renewal")
        return self.renewals.pop(0)

    @activity.defn(name="raise-task")
    async def raise_task(self, case_id: str, what: str) -> None:
        self.tasks.append(what)

    @property
    def all(self) -> list[Any]:
        return [
            self.assess,
            self.prepare,
            self.send,
            self.payer_word,
            self.inquire,
            self.record_determination,
            self.renewal,
            self.raise_task,
        ]


def _word(**changes: Any) -> PayerWord:
    plain: dict[str, Any] = {
        "sent": False,
        "final": False,
        "information_requested": False,
        "version": 0,
        "due_at": None,
        "silence": SILENCE,
    }
    return PayerWord(**(plain | changes))


PENDED = _word(sent=True, version=1)
ASKED = _word(sent=True, version=1, information_requested=True)
FINAL = _word(sent=True, version=1, final=True)

Story = WorkflowHandle[AuthorizationWorkflow, str]


async def begun(temporal: WorkflowEnvironment, name: str) -> Story:
    with temporal.with_time_skipping_disabled():
        return await temporal.client.start_workflow(AuthorizationWorkflow.run, name, id=name, task_queue=name)


async def waits_for(story: Story, what: str) -> None:
    for _ in range(400):
        if (await story.query(AuthorizationWorkflow.standing))["waiting_for"] == what:
            return
        await asyncio.sleep(0.025)
    raise AssertionError(f"the story never waited for {what}")


def worker(temporal: WorkflowEnvironment, name: str, hands: Hands) -> Worker:
    return Worker(
        temporal.client, task_queue=name, workflows=[AuthorizationWorkflow, RenewalWorkflow], activities=hands.all
    )


async def test_what_is_certified_at_once_ends_at_once(temporal: WorkflowEnvironment, name: str) -> None:
    hands = Hands(answers=[FINAL])
    async with worker(temporal, name, hands):
        assert await (await begun(temporal, name)).result() == "decided"
    assert hands.did == ["assess", "prepare", "send", "record"]


async def test_what_needs_no_authorization_is_never_sent(temporal: WorkflowEnvironment, name: str) -> None:
    hands = Hands(next=Next.CLOSE)
    async with worker(temporal, name, hands):
        await (await begun(temporal, name)).result()
    assert hands.did == ["assess"]


async def test_a_gap_waits_until_evidence_comes(temporal: WorkflowEnvironment, name: str) -> None:
    hands = Hands(next=Next.WAIT, answers=[FINAL])
    async with worker(temporal, name, hands):
        story = await begun(temporal, name)
        await waits_for(story, "practice")
        assert hands.did == ["assess"]
        hands.next = Next.SEND
        await story.signal(AuthorizationWorkflow.nudge)
        await story.result()
    assert hands.did == ["assess", "assess", "prepare", "send", "record"]


async def test_a_gap_that_nobody_fills_becomes_a_task_after_its_patience(
    temporal: WorkflowEnvironment, name: str
) -> None:
    hands = Hands(next=Next.WAIT)
    async with worker(temporal, name, hands):
        story = await begun(temporal, name)
        await waits_for(story, "practice")
        await temporal.fast_forward(story, PATIENCE - timedelta(hours=1))
        assert hands.tasks == []
        await temporal.fast_forward(story, timedelta(hours=2))
        await waits_for(story, "practice")
        assert hands.tasks == ["evidence-overdue"]
        await story.terminate()


async def test_the_payers_notice_ends_the_wait(temporal: WorkflowEnvironment, name: str) -> None:
    hands = Hands(answers=[PENDED])
    async with worker(temporal, name, hands):
        story = await begun(temporal, name)
        await waits_for(story, "payer")
        hands.word = FINAL
        await story.signal(AuthorizationWorkflow.nudge)
        await story.result()
    assert hands.tasks == []
    assert hands.did[-1] == "record"


async def test_a_missed_legal_deadline_raises_a_task_and_is_never_an_answer(
    temporal: WorkflowEnvironment, name: str
) -> None:
    hands = Hands()
    async with worker(temporal, name, hands):
        due_at = datetime.now(UTC) + timedelta(days=7)
        hands.answers = [_word(sent=True, version=1, due_at=due_at)]
        story = await begun(temporal, name)
        await waits_for(story, "payer")
        await temporal.fast_forward(story, timedelta(days=6, hours=23))
        assert hands.tasks == []
        await temporal.fast_forward(story, timedelta(hours=2))
        await waits_for(story, "payer")
        assert hands.tasks == ["payer-overdue"]
        assert "record" not in hands.did
        hands.word = FINAL
        await story.signal(AuthorizationWorkflow.nudge)
        assert await story.result() == "decided"


async def test_information_that_is_asked_for_is_gathered_and_sent(temporal: WorkflowEnvironment, name: str) -> None:
    hands = Hands(answers=[ASKED, PENDED])
    async with worker(temporal, name, hands):
        story = await begun(temporal, name)
        await waits_for(story, "payer")
        hands.word = FINAL
        await story.signal(AuthorizationWorkflow.nudge)
        await story.result()
    assert hands.did == ["assess", "prepare", "send", "assess", "prepare", "send", "record"]


async def test_the_payers_final_word_ends_the_wait_for_information(temporal: WorkflowEnvironment, name: str) -> None:
    hands = Hands(answers=[ASKED], then=Next.WAIT)
    async with worker(temporal, name, hands):
        story = await begun(temporal, name)
        await waits_for(story, "practice")
        hands.word = FINAL
        await story.signal(AuthorizationWorkflow.nudge)
        await story.result()
    assert hands.did[-1] == "record"


async def test_what_the_payers_server_refuses_waits_for_a_person(temporal: WorkflowEnvironment, name: str) -> None:
    hands = Hands(answers=[FINAL], refusals=1)
    async with worker(temporal, name, hands):
        story = await begun(temporal, name)
        await waits_for(story, "person")
        assert hands.tasks == [f"refused:{REFUSED}"]
        await story.signal(AuthorizationWorkflow.nudge)
        await story.result()
    assert hands.did == ["assess", "prepare", "prepare", "send", "record"]


async def test_a_story_started_again_from_its_row_goes_on_where_the_store_stands(
    temporal: WorkflowEnvironment, name: str
) -> None:
    hands = Hands(word=PENDED)
    async with worker(temporal, name, hands):
        story = await begun(temporal, name)
        await waits_for(story, "payer")
        assert hands.did == []
        hands.word = FINAL
        await story.signal(AuthorizationWorkflow.nudge)
        await story.result()
    assert hands.did == ["record"]


async def test_a_gap_is_asked_about_and_its_answer_ends_the_story(temporal: WorkflowEnvironment, name: str) -> None:
    hands = Hands(word=_word(sent=True, version=1, gap="missed-events"), answers=[FINAL])
    async with worker(temporal, name, hands):
        assert await (await begun(temporal, name)).result() == "decided"
    assert hands.did == ["inquire", "record"]


async def test_an_inquiry_that_is_refused_is_a_task_and_the_wait_goes_on(
    temporal: WorkflowEnvironment, name: str
) -> None:
    hands = Hands(word=_word(sent=True, version=1, gap="missed-events"))
    async with worker(temporal, name, hands):
        story = await begun(temporal, name)
        await waits_for(story, "payer")
        assert (hands.did, hands.tasks) == (["inquire"], ["inquiry-failed"])
        hands.word = FINAL
        await story.signal(AuthorizationWorkflow.nudge)
        await story.result()


async def test_a_change_of_what_was_decided_is_sent_and_the_story_ends_with_the_new_word(
    temporal: WorkflowEnvironment, name: str
) -> None:
    hands = Hands(word=_word(sent=True, version=1, final=True, change=True), answers=[FINAL])
    async with worker(temporal, name, hands):
        assert await (await begun(temporal, name)).result() == "decided"
    assert hands.did == ["prepare", "send", "record"]


async def test_what_is_withdrawn_before_it_was_sent_ends_without_a_word(
    temporal: WorkflowEnvironment, name: str
) -> None:
    hands = Hands(withdrawn=True)
    async with worker(temporal, name, hands):
        assert await (await begun(temporal, name)).result() == "withdrawn"
    assert hands.did == ["assess", "prepare"]


async def test_what_is_granted_for_a_time_is_reminded_of_before_it_ends(
    temporal: WorkflowEnvironment, name: str
) -> None:
    soon = datetime.now(UTC) + timedelta(days=150)
    hands = Hands(answers=[FINAL], renewals=[Renewal(soon, "not yet"), Renewal(None, "renewed")])
    async with worker(temporal, name, hands):
        await (await begun(temporal, name)).result()
        reminder = temporal.client.get_workflow_handle(renewal_id(name))
        await temporal.fast_forward(reminder, timedelta(days=149))
        assert hands.did.count("renewal") == 1
        await temporal.fast_forward(reminder, timedelta(days=2))
        assert await reminder.result() == "renewed"
    assert hands.did.count("renewal") == 2
