"""Before an authorization ends: somebody is reminded in time, until it is renewed or over."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.messages import Renewal
    from workflows.options import OURS
    from workflows.practice_activities import PracticeActivities as Practice


@workflow.defn(name="renewal")
class RenewalWorkflow:
    """Asks the store again whenever it wakes: what was granted may have been changed, cancelled or renewed."""

    @workflow.run
    async def run(self, case_id: str) -> str:
        while True:
            renewal: Renewal = await workflow.execute_activity_method(Practice.renewal, case_id, **OURS)
            if renewal.at is None:
                return renewal.why
            await workflow.sleep(max(renewal.at - workflow.now(), timedelta(0)))
