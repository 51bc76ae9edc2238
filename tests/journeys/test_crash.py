"""kill -9 of any service, and of all of them, in the middle of stories: every story ends, and nothing is sent twice."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from prior_auth import stories
from prior_auth.bootstrap import compared
from prior_auth.demo import ENVIRONMENT, TOLD, Telling, Told, Window, carry
from prior_auth.supervisor import Supervisor

pytestmark = pytest.mark.xdist_group("journeys")

SEED = 20261125


def _silent(_: str) -> None:
    pass


@contextmanager
def _up(data: Path) -> Iterator[Supervisor]:
    with Supervisor(data, extra=ENVIRONMENT) as services:
        services.start(_silent)
        yield services


def _teller(services: Supervisor, day: date) -> Callable[[Told], tuple[str, str]]:
    """Tells one story, and how it ends."""
    urls = services.urls()

    def told(one: Told) -> tuple[str, str]:
        telling = Telling(Window(urls["practice"]), Window(urls["payer"]), stories.load(one.name), day, _silent)
        return one.name, carry(one, telling)["state"]

    return told


def _all_at_once(services: Supervisor, day: date) -> dict[str, str]:
    with ThreadPoolExecutor(len(TOLD)) as people:
        return dict(people.map(_teller(services, day), TOLD))


AS_TOLD = {told.name: told.ends for told in TOLD}


@contextmanager
def _killing(services: Supervisor, names: list[str], pause: float) -> Iterator[list[str]]:
    """Kill one service after the other, by its pid, and let the supervisor start it again."""
    killed: list[str] = []
    over = threading.Event()

    def reap() -> None:
        for name in names:
            if over.wait(pause):
                return
            os.kill(services.pids()[name], signal.SIGKILL)
            killed.append(name)
            services.watch()
        while not over.wait(0.2):
            services.watch()

    thread = threading.Thread(target=reap)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join(timeout=120)


async def test_every_story_ends_as_told_while_each_service_is_killed_in_turn(tmp_path: Path) -> None:
    names = ["practice-worker", "payer", "payer-worker", "practice", "temporal"]
    random.Random(SEED).shuffle(names)
    with _up(tmp_path / "data") as services, _killing(services, names, pause=1.0) as killed:
        assert _all_at_once(services, datetime.now(UTC).date()) == AS_TOLD
    assert killed, "no service was killed while the stories ran"
    report = await compared(tmp_path / "data")
    assert report.findings == []


async def test_after_all_are_killed_at_once_the_same_command_ends_every_story(tmp_path: Path) -> None:
    data, day = tmp_path / "data", datetime.now(UTC).date()
    with _up(data) as services:
        for one in TOLD:
            threading.Thread(target=_teller(services, day), args=(one,), daemon=True).start()
        time.sleep(2.0)
        for pid in services.pids().values():
            os.kill(pid, signal.SIGKILL)
    with _up(data) as services:
        assert _all_at_once(services, day) == AS_TOLD
    report = await compared(data)
    assert report.findings == []
    assert (report.cases, report.authorizations) == (len(TOLD), len(TOLD))
