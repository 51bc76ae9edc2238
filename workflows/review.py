"""The payer's side: certify when all is met, else a named clinician."""

from __future__ import annotations

from contextlib import suppress

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from workflows.delivery import DeliveryWorkflow
    from workflows.messages import Notified, ReviewMade
    from workflows.options import delivery_id
    from workflows.payer_activities import PayerActivities as Payer
    from workflows.tracking import Watched


@workflow.defn(name="review")
class ReviewWorkflow(Watched):
    """Judges each version that comes, waits for a clinician where the engine may not answer, tells the submitter."""

    @workflow.run
    async def run(self, authorization_id: str) -> str:
        while True:
            self.look()
            review: ReviewMade = await self.here(Payer.review, authorization_id)
            if review.grace:
                with suppress(TimeoutError):
                    await workflow.wait_condition(lambda: self.nudges > self.seen, timeout=review.grace)
            await self.tell(authorization_id)
            if review.final:
                return "decided"
            if not await self.news(waiting_for="clinician", until=review.due_at, patience=review.silence):
                await self.ask(Payer.raise_task, authorization_id, "decision-overdue")

    async def tell(self, authorization_id: str) -> None:
        """Hand every word the submitter has not been given to a delivery of its own."""
        notified: Notified = await self.here(Payer.notify, authorization_id)
        for notification in notified.notifications:
            with suppress(WorkflowAlreadyStartedError):  # the sweep was quicker
                await workflow.start_child_workflow(
                    DeliveryWorkflow.run,
                    notification,
                    id=delivery_id(notification),
                    parent_close_policy=ParentClosePolicy.ABANDON,
                )

    @workflow.signal(name="nudge")
    def nudge(self) -> None:
        self.nudges += 1

    @workflow.query(name="standing")
    def standing(self) -> dict[str, str | None]:
        """What the story waits for, and until when."""
        return {"waiting_for": self.waiting_for, "until": self.until.isoformat() if self.until else None}
