"""One side's database: the engine, its transactions, and the seal. SQLite in a file, or PostgreSQL.

The API and the worker of one side are two processes on one database. On SQLite a writing transaction begins
IMMEDIATE, so that it waits for the other at its beginning and never fails in the middle; on PostgreSQL rows are locked
where a count depends on them.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from sqlalchemy import Executable, Table, event, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from prior_auth.errors import SettingsError
from prior_auth.store import sqlite_inline, tables
from prior_auth.store.migrate import migrate
from prior_auth.store.seal import KeyRing, SealBroken
from prior_auth.store.tables import Side

_BUSY_SECONDS = 30  # how long a writer waits for the other process
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_KEY_CHECK = "key-check"


def sqlite_url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path.absolute()}"


def digest(*parts: str) -> str:
    """SHA-256 in hex over the parts as a JSON list, so that ("a", "bc") is another key than ("ab", "c")."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


class Database:
    """The open database of one side. `await Database.open(...)`; `await close()` when done."""

    def __init__(self, engine: AsyncEngine, side: Side, keys: KeyRing) -> None:
        self.engine = engine
        self.side = side
        self.keys = keys
        self._writer = asyncio.Lock()
        self._joined: ContextVar[AsyncConnection | None] = ContextVar("joined", default=None)

    @classmethod
    async def open(cls, url: str, side: Side, keys: KeyRing, *, read_only: bool = False) -> Database:
        """Connect, bring the schema up to date, check side and key.

        `read_only` changes nothing, not even the schema. Raises SettingsError for a URL that is no database, a
        database of the other side or of a newer version, a wrong key.
        """
        try:
            engine = create_engine(url, read_only=read_only)
        except OSError as problem:
            raise _unreachable(side, problem) from None
        database = cls(engine, side, keys)
        try:
            await migrate(engine, side, only_check=read_only)
            await database._check_key(mark=not read_only)
        except (DBAPIError, sqlite3.Error, OSError) as problem:
            await engine.dispose()
            raise _unreachable(side, problem) from None
        except BaseException:
            await engine.dispose()
            raise
        return database

    async def close(self) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One consistent view of the database."""
        if (joined := self._joined.get()) is not None:
            yield joined
            return
        async with self.engine.connect() as connection, connection.begin():
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that takes effect whole or not at all."""
        if (joined := self._joined.get()) is not None:
            yield joined
            return
        if self.engine.dialect.name != "sqlite":
            async with self.engine.begin() as connection:
                yield connection
            return
        async with self._writer, self.engine.connect() as connection:  # SQLite's own queue is unfair within a process
            await connection.execution_options(writing=True)
            async with connection.begin():
                yield connection

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """All that this task reads and writes meanwhile is one transaction: one wait for the disk, whole or not at all.

        An error ends it whole, also one that is caught within. Nothing slow belongs in it: other writers wait.
        """
        if self._joined.get() is not None:
            yield
            return
        async with self.write() as connection:
            joining = self._joined.set(connection)
            try:
                yield
            finally:
                self._joined.reset(joining)

    async def insert_once(self, connection: AsyncConnection, table: Table, values: Mapping[str, Any]) -> bool:
        """Insert; False where a unique key is there already, also one that another process inserts at this instant."""
        result = await connection.execute(self._insert(table).values(**values).on_conflict_do_nothing())
        return bool(result.rowcount)

    async def upsert(
        self, connection: AsyncConnection, table: Table, values: Mapping[str, Any], changes: Mapping[str, Any]
    ) -> None:
        """Insert, or change the row that has the same primary key."""
        statement = self._insert(table).values(**values)
        keys = [column.name for column in table.primary_key.columns]
        await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=dict(changes)))

    def _insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        return sqlite.insert(table) if self.engine.dialect.name == "sqlite" else postgresql.insert(table)

    async def _check_key(self, *, mark: bool) -> None:
        """A database remembers the key it was made with, so that a wrong one is found at start-up."""
        place = (tables.setting.name, _KEY_CHECK)
        if mark:
            async with self.write() as connection:
                sealed = self.keys.seal(self.side.encode(), *place)
                await self.insert_once(connection, tables.setting, {"name": _KEY_CHECK, "sealed": sealed})
        async with self.read() as connection:
            found = await connection.scalar(_sealed_setting(_KEY_CHECK))
        try:
            if found is not None:
                self.keys.open(found, *place)
        except SealBroken as problem:
            raise SettingsError(
                f"the {self.side} database was sealed with another key", where="key file", fix=problem.fix
            ) from None


def _unreachable(side: Side, problem: Exception) -> SettingsError:
    reason = problem.orig if isinstance(problem, DBAPIError) else problem
    fix = "check the path or the server, and the rights on it"
    return SettingsError(f"the {side} database cannot be opened: {reason}", where="database", fix=fix)


def _sealed_setting(name: str) -> Executable:
    return select(tables.setting.c.sealed).where(tables.setting.c.name == name)


def create_engine(url: str, *, read_only: bool = False) -> AsyncEngine:
    """An engine for `sqlite:///path` or `postgresql://…`. Raises SettingsError for anything else."""
    target = _target(url)
    if target.get_backend_name() != "sqlite":
        return create_async_engine(target, hide_parameters=True, pool_pre_ping=True)
    _prepare_file(target, read_only=read_only)
    connecting = {"timeout": _BUSY_SECONDS, "async_creator_fn": sqlite_inline.connect}
    engine = create_async_engine(target, hide_parameters=True, connect_args=connecting)
    event.listen(engine.sync_engine, "connect", _read_only_pragmas if read_only else _pragmas)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _target(url: str) -> URL:
    try:
        target = make_url(url)
    except ArgumentError:
        raise SettingsError(
            "not a database URL", where="database", fix="write sqlite:///path or postgresql://user@host/name"
        ) from None
    driver = _DRIVERS.get(target.get_backend_name())
    if driver is None:
        raise SettingsError(
            f"no support for {target.get_backend_name()}", where="database", fix="use sqlite or postgresql"
        )
    if driver.startswith("sqlite") and target.database in (None, "", ":memory:"):
        raise SettingsError("a store in memory would lose what it acknowledged", where="database", fix="name a file")
    return target.set(drivername=driver)


def _prepare_file(target: URL, *, read_only: bool) -> None:
    path = Path(str(target.database))
    if read_only:
        if not path.exists():
            raise SettingsError("there is no such database", where=str(path), fix="check the path")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # SQLite gives the WAL the rights of the file


def _pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are ours to begin, see _begin
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    # FULL, not NORMAL: in WAL mode NORMAL may forget the last commits when power fails, and what was acknowledged to
    # the other side (a receipt that starts a legal clock) may not be forgotten. It costs one fsync a commit.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _read_only_pragmas(connection: Any, record: Any) -> None:
    _pragmas(connection, record)
    cursor = connection.cursor()
    cursor.execute("PRAGMA query_only = ON")
    cursor.close()


def _begin(connection: Any) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
