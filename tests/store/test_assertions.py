"""A client assertion is used once, whichever process is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from prior_auth.store import tables
from prior_auth.store.assertions import SqlAssertions
from prior_auth.store.database import Database
from prior_auth.store.tables import Side

Open = Callable[[Side], Awaitable[Database]]

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
OVER = NOON + timedelta(minutes=5)


async def test_of_uses_at_the_same_instant_one_is_the_first(open_store: Open) -> None:
    guard = SqlAssertions(await open_store(Side.PAYER))
    uses = [guard.first_use("riverside", "a", expires_at=OVER, now=NOON) for _ in range(5)]
    assert sorted(await asyncio.gather(*uses)) == [False, False, False, False, True]
    assert await guard.first_use("lakeside", "a", expires_at=OVER, now=NOON)


async def test_what_is_over_is_forgotten(open_store: Open) -> None:
    database = await open_store(Side.PAYER)
    guard = SqlAssertions(database)
    await guard.first_use("riverside", "a", expires_at=OVER, now=NOON)
    await guard.first_use("riverside", "b", expires_at=OVER + timedelta(hours=1), now=OVER + timedelta(seconds=1))
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(tables.assertion)) == 1
