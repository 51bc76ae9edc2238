from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from prior_auth.api.waiting import Waiting


async def test_all_who_wait_share_one_look_and_each_is_let_go_when_named() -> None:
    waiting, spoken, looks = Waiting(), set[str](), list[set[str]]()

    async def look(ids: Collection[str]) -> set[str]:
        looks.append(set(ids))
        return spoken & set(ids)

    tasks = [asyncio.create_task(waiting.until(id, look, seconds=30)) for id in ("a", "a", "b")]
    while not looks:
        await asyncio.sleep(0.01)
    assert looks[0] == {"a", "b"}
    spoken.add("a")
    await asyncio.gather(*tasks[:2])
    assert not tasks[2].done()
    spoken.add("b")
    await tasks[2]


async def test_who_is_not_named_in_time_waits_no_longer_and_is_not_asked_for_again() -> None:
    waiting, asked = Waiting(), list[set[str]]()

    async def look(ids: Collection[str]) -> set[str]:
        asked.append(set(ids))
        return set()

    await waiting.until("late", look, seconds=0.05)
    before = len(asked)
    await asyncio.sleep(0.1)
    assert len(asked) == before


async def test_a_look_that_breaks_is_told_to_who_waits_and_the_next_one_looks_anew() -> None:
    async def broken(_ids: Collection[str]) -> set[str]:
        raise RuntimeError("no database")

    async def mended(ids: Collection[str]) -> set[str]:
        return set(ids)

    waiting = Waiting()
    with pytest.raises(RuntimeError, match="no database"):
        await waiting.until("a", broken, seconds=30)
    await waiting.until("a", mended, seconds=30)
