"""SQLite without a hop to another thread for each statement: only what may wait goes there.

A statement takes microseconds, handing it to aiosqlite's thread and back many times as long: it was half of what a
submission cost. What waits, for the file's lock or for the disk, is a connection's start and end and the two ends of a
writing transaction; within one, and while reading in WAL mode, nothing waits for another process.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

import aiosqlite

_WAITS = ("BEGIN IMMEDIATE", "PRAGMA", "COMMIT")


class InlineConnection(aiosqlite.Connection):
    """One task at a time has a connection (SQLAlchemy's pool), so thread and loop never use it at once."""

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        connection = self._connection
        is_statement = bool(args) and isinstance(args[0], str)
        waits = args[0].startswith(_WAITS) if is_statement else connection is not None and fn == connection.commit
        if waits or not self._running or connection is None or fn == connection.close:
            return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
        return fn(*args, **kwargs)


def connect(database: str, **options: Any) -> InlineConnection:
    """For `create_async_engine(connect_args={"async_creator_fn": connect})`."""
    options["check_same_thread"] = False
    made = InlineConnection(partial(sqlite3.connect, database, **options), iter_chunk_size=64)
    made._thread.daemon = True  # as SQLAlchemy does it for its own
    return made
