"""Brings a database to the schema of this version, at start-up, from whatever version it has."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from prior_auth.errors import SettingsError
from prior_auth.store.tables import REVISION, TABLES, Side

MIGRATIONS = Path(__file__).with_name("migrations")
_LOCK = 0x7072696F  # any number that is ours: two processes of PostgreSQL migrate one after the other
_WAL_TRIES = 100
_WAL_PAUSE = 0.05  # seconds


async def migrate(engine: AsyncEngine, side: Side, *, only_check: bool = False) -> None:
    """Make this side's tables, or bring them up to date; several processes may call it at once.

    `only_check` changes nothing. Raises SettingsError for the other side's database or one of a newer version.
    """
    if not only_check and engine.dialect.name == "sqlite":
        await asyncio.to_thread(_write_ahead, str(engine.url.database))
    async with engine.connect() as connection:
        revision = await connection.run_sync(_revision, side)
    if revision == REVISION:
        return  # the usual start: Alembic need not even be imported
    if only_check:
        raise SettingsError(f"the {side} database has another version ({revision})", fix="start the service once")
    async with engine.connect() as connection:
        await connection.execution_options(writing=True)
        async with connection.begin():
            await _lock(connection)
            await connection.run_sync(_upgrade, side)


def _write_ahead(path: str) -> None:
    """Readers then never wait for a writer. The switch stays with the file, and knows no busy timeout of its own."""
    with closing(sqlite3.connect(path, timeout=30)) as connection:
        for _ in range(_WAL_TRIES):
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA journal_mode = WAL")
                return
            time.sleep(_WAL_PAUSE)
        connection.execute("PRAGMA journal_mode = WAL")  # and now it says why not


async def _lock(connection: AsyncConnection) -> None:
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _revision(connection: Connection, side: Side) -> str | None:
    """The revision that this database has; None for an empty one."""
    existing = set(inspect(connection).get_table_names())
    if "alembic_version" not in existing:
        return None
    own = {table.name for table in TABLES[side]}
    others = {table.name for table in TABLES[Side.PAYER if side is Side.PRACTICE else Side.PRACTICE]} - own
    if others & existing:
        raise SettingsError(
            f"this is not the {side}'s database but the other side's", where="database", fix="give each side its own"
        )
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _upgrade(connection: Connection, side: Side) -> None:
    from alembic import command
    from alembic.util import CommandError

    try:
        command.upgrade(configuration(connection, side), "head")
    except CommandError as problem:
        raise SettingsError(
            f"the {side} database cannot be brought to this version: {problem}",
            where="database",
            fix="it was made by a newer version: install that one",
        ) from None


def configuration(connection: Connection | None, side: Side) -> Any:
    """What Alembic has to know: where the migrations are, on which connection (none: only to read them), which side."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes.update(connection=connection, side=side)
    return config
