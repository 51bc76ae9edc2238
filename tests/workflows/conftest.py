"""Temporal's own server with skipped time, one for all tests of this folder."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

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
