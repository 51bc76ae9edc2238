"""A notification until it has arrived."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from workflows.options import DELIVER, OURS
    from workflows.payer_activities import PayerActivities as Payer


@workflow.defn(name="delivery")
class DeliveryWorkflow:
    @workflow.run
    async def run(self, notification_id: str) -> str:
        try:
            await workflow.execute_activity_method(Payer.deliver, notification_id, **DELIVER)
        except ActivityError:
            await workflow.execute_activity_method(Payer.give_up_delivery, notification_id, **OURS)
            return "subscription-in-error"
        return "delivered"
