"""One request at the practice, from open to final word."""

from __future__ import annotations

from contextlib import suppress

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from workflows.messages import AssessmentMade, Next, PayerWord, Prepared, Recorded
    from workflows.options import CALL_PAYER, INQUIRE, renewal_id
    from workflows.practice_activities import PracticeActivities as Practice
    from workflows.renewal import RenewalWorkflow
    from workflows.tracking import Watched


@workflow.defn(name="authorization")
class AuthorizationWorkflow(Watched):
    """Works from whatever the store holds, so it can be started again from the case's row at any time."""

    @workflow.run
    async def run(self, case_id: str) -> str:
        word: PayerWord = await self.read_word(case_id)
        if not word.sent:
            made = await self.make_ready(case_id)
            if made.next is Next.CLOSE:
                return made.recommendation
            sent = await self.send(case_id)
            if sent is None:
                return "withdrawn"
            word = sent
        while word.change or not word.final:
            if word.change:
                word = await self.send(case_id) or word
            else:
                word = await (self.answer(case_id, word) if word.information_requested else self.wait(case_id, word))
        recorded: Recorded | None = await self.ask(Practice.record_determination, case_id)
        if recorded is not None and recorded.renewal:  # histories from before there were renewals say nothing
            await self.remind(case_id)
        return "decided"

    async def remind(self, case_id: str) -> None:
        """What was granted ends: a story of its own reminds in time."""
        with suppress(WorkflowAlreadyStartedError):
            await workflow.start_child_workflow(
                RenewalWorkflow.run, case_id, id=renewal_id(case_id), parent_close_policy=ParentClosePolicy.ABANDON
            )

    async def make_ready(self, case_id: str) -> AssessmentMade:
        """Gather and judge until the request may go, or need not."""
        while True:
            self.look()
            made: AssessmentMade = await self.ask(Practice.assess, case_id)
            if made.next is not Next.WAIT:
                return made
            if not await self.news(waiting_for="practice", patience=made.patience):
                await self.ask(Practice.raise_task, case_id, "evidence-overdue")

    async def send(self, case_id: str) -> PayerWord | None:
        """Build once, store, send the stored bytes; what the payer's server refuses waits for a person.

        None where the request is withdrawn before anything of it was sent.
        """
        while True:
            self.look()
            prepared: Prepared = await self.ask(Practice.prepare, case_id)
            if prepared.withdrawn:
                return None
            if prepared.message is not None:
                try:
                    await self.ask(Practice.send, case_id, prepared.message, options=CALL_PAYER)
                    return await self.read_word(case_id)
                except ActivityError as error:
                    await self.ask(Practice.raise_task, case_id, _refusal(error))
            patience = (await self.read_word(case_id)).silence
            while not await self.news(waiting_for="person", patience=patience):
                await self.ask(Practice.raise_task, case_id, "still-not-sent")

    async def wait(self, case_id: str, word: PayerWord) -> PayerWord:
        """The payer's notice or the legal deadline, whichever is first; a missed one is a task, never an answer."""
        if not await self.news(waiting_for="payer", until=word.due_at, patience=word.silence):
            await self.ask(Practice.raise_task, case_id, "payer-overdue")
        return await self.read_word(case_id)

    async def answer(self, case_id: str, word: PayerWord) -> PayerWord:
        """The payer asked for more: gather again until it can be sent, unless the payer speaks first."""
        while True:
            self.look()
            made: AssessmentMade = await self.ask(Practice.assess, case_id)
            if made.next is Next.SEND:
                return await self.send(case_id) or word
            if not await self.news(waiting_for="practice", until=word.due_at, patience=made.patience):
                await self.ask(Practice.raise_task, case_id, "information-overdue")
            now = await self.read_word(case_id)
            if now.final or now.change or not now.information_requested:
                return now

    async def read_word(self, case_id: str) -> PayerWord:
        self.look()
        word: PayerWord = await self.ask(Practice.payer_word, case_id)
        if word.gap is None:
            return word
        try:  # something may have been missed: asked once for each gap, never by habit (spec-9)
            await self.ask(Practice.inquire, case_id, options=INQUIRE)
        except ActivityError:
            await self.ask(Practice.raise_task, case_id, "inquiry-failed")
        now: PayerWord = await self.ask(Practice.payer_word, case_id)
        return now

    @workflow.signal(name="nudge")
    def nudge(self) -> None:
        self.nudges += 1

    @workflow.query(name="standing")
    def standing(self) -> dict[str, str | None]:
        """What the story waits for, and until when."""
        return {"waiting_for": self.waiting_for, "until": self.until.isoformat() if self.until else None}


def _refusal(error: ActivityError) -> str:
    cause = error.cause
    return f"refused:{cause.type}" if isinstance(cause, ApplicationError) and cause.type else "refused"
