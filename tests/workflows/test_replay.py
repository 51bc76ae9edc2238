"""Saved histories replay against today's workflow code: a change that would stop waiting cases fails here.

`SAVE_HISTORIES=1 pytest tests/workflows` writes new ones, on purpose only.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer

from workflows.authorization import AuthorizationWorkflow
from workflows.delivery import DeliveryWorkflow
from workflows.renewal import RenewalWorkflow
from workflows.review import ReviewWorkflow

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))


def test_there_is_a_history_of_every_workflow() -> None:
    kinds = {file.name.partition("--")[0] for file in HISTORIES}
    assert kinds == {"authorization", "review", "delivery", "renewal"}


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
async def test_a_saved_history_replays(file: Path) -> None:
    async def histories() -> AsyncIterator[WorkflowHistory]:
        yield WorkflowHistory.from_json(file.stem, file.read_text())

    replayer = Replayer(
        workflows=[AuthorizationWorkflow, ReviewWorkflow, DeliveryWorkflow, RenewalWorkflow],
        data_converter=pydantic_data_converter,
    )
    results = await replayer.replay_workflows(histories(), raise_on_replay_failure=False)
    assert results.replay_failures == {}
