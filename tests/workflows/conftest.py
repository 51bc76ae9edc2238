"""Temporal's own server with skipped time, one for all tests of this folder."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from prior_auth.supervisor import find_temporal

_SETTINGS = [
    "frontend.WorkflowTimeSkippingEnabled=true",
    "history.transferProcessorMaxPollRPS=1000",
    "history.timerProcessorMaxPollRPS=1000",
    "history.visibilityProcessorMaxPollRPS=1000",
    'history.timerProcessorMaxTimeShift="1ms"',
]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def temporal() -> AsyncIterator[WorkflowEnvironment]:
    """Skipping is off at first: a test says who moves, with `fast_forward`."""
    extra = [part for setting in _SETTINGS for part in ("--dynamic-config-value", setting)]
    environment = await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=find_temporal(), dev_server_extra_args=extra, data_converter=pydantic_data_converter
    )
    async with environment:
        yield environment


@pytest.fixture
def name() -> str:
    return uuid.uuid4().hex[:12]


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def _saved(request: pytest.FixtureRequest, name: str) -> AsyncIterator[None]:
    """With SAVE_HISTORIES set, keep the history of each story that a test told."""
    yield
    if not os.environ.get("SAVE_HISTORIES") or "temporal" not in request.fixturenames:
        return
    environment: WorkflowEnvironment = request.getfixturevalue("temporal")
    async for run in environment.client.list_workflows():
        if name in run.id:
            history = await environment.client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
            kind = run.workflow_type
            file = Path(__file__).parent / "histories" / f"{kind}--{request.node.name.removeprefix('test_')[:60]}.json"
            if len(history.events) < 200:
                file.write_text(history.to_json())
