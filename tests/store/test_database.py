from __future__ import annotations

import asyncio
import stat
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from prior_auth.domain.people import Person, Role
from prior_auth.errors import SettingsError
from prior_auth.store import tables
from prior_auth.store.authorizations import SqlAuthorizations
from prior_auth.store.cases import SqlCases
from prior_auth.store.database import Database, create_engine, sqlite_url
from prior_auth.store.migrate import configuration, migrate
from prior_auth.store.seal import KEY_BYTES, KeyRing
from prior_auth.store.tables import REVISION, TABLES, Side

Open = Callable[[Side], Awaitable[Database]]

KEYS = KeyRing(b"k" * KEY_BYTES)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PLANTED = "Philippa Planted"


# -- schema ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", list(Side))
async def test_the_migrated_schema_is_the_one_the_code_uses(url: str, side: Side) -> None:
    def differences(connection: Connection) -> list[Any]:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        own = {table.name for table in TABLES[side]}

        def ours(_object: Any, name: str | None, kind: str, reflected: bool, _other: Any) -> bool:
            return kind != "table" or reflected or name in own

        context = MigrationContext.configure(connection, opts={"include_object": ours, "compare_type": True})
        return list(compare_metadata(context, tables.metadata))

    database = await Database.open(url, side, KEYS)
    async with database.read() as connection:
        assert await connection.run_sync(differences) == []
    await database.close()


def test_the_newest_migration_is_the_one_that_the_code_expects() -> None:
    from alembic.script import ScriptDirectory

    config = configuration(None, Side.PRACTICE)
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


async def test_many_may_migrate_at_once_and_again(url: str) -> None:
    engines = [create_engine(url) for _ in range(4)]
    await asyncio.gather(*(migrate(engine, Side.PAYER) for engine in engines))
    await migrate(engines[0], Side.PAYER)
    async with engines[0].connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1
    for engine in engines:
        await engine.dispose()


async def test_each_side_has_only_its_own_tables_and_refuses_the_other_sides_database(url: str) -> None:
    database = await Database.open(url, Side.PRACTICE, KEYS)
    async with database.read() as connection:
        with pytest.raises(DBAPIError):
            await connection.execute(text("SELECT * FROM payer_authorization"))
    await database.close()
    with pytest.raises(SettingsError, match="the other side's"):
        await Database.open(url, Side.PAYER, KEYS)


async def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(url: str) -> None:
    database = await Database.open(url, Side.PRACTICE, KEYS)
    async with database.write() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = 'r9999_future'"))
    await database.close()
    with pytest.raises(SettingsError, match="newer version"):
        await Database.open(url, Side.PRACTICE, KEYS)


# -- opening -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", ["", "nonsense", "mysql://root@127.0.0.1/x", "sqlite://", "sqlite:///:memory:", "sqlite+aiosqlite://"]
)
async def test_a_url_that_is_no_durable_database_is_refused_with_what_to_write(wrong: str) -> None:
    with pytest.raises(SettingsError) as caught:
        await Database.open(wrong, Side.PRACTICE, KEYS)
    assert caught.value.fix


async def test_a_plain_sqlite_url_makes_the_file_and_its_folder_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "practice.db"
    database = await Database.open(f"sqlite:///{path}", Side.PRACTICE, KEYS)
    await SqlCases(database).set_setting("x", "y")
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    await database.close()
    assert modes == {0o600}


async def test_sqlite_writes_ahead_durably_and_holds_foreign_keys(tmp_path: Path) -> None:
    database = await Database.open(sqlite_url(tmp_path / "x.db"), Side.PRACTICE, KEYS)
    async with database.read() as connection:
        found = [await connection.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")]
        assert found == ["wal", 2]
        assert await connection.scalar(text("PRAGMA foreign_keys")) == 1
    await database.close()


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "practice.db"
    path.write_bytes(b"not a database at all, not even nearly" * 100)
    with pytest.raises(SettingsError, match="cannot be opened"):
        await Database.open(sqlite_url(path), Side.PRACTICE, KEYS)


async def test_a_server_or_folder_that_cannot_be_reached_is_an_error_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for url in ("postgresql://nobody@127.0.0.1:1/x", sqlite_url(tmp_path / "file" / "x.db"), sqlite_url(tmp_path)):
        with pytest.raises(SettingsError, match="cannot be opened"):
            await Database.open(url, Side.PRACTICE, KEYS)


async def test_a_database_that_the_server_does_not_have_is_an_error_of_the_settings(postgres: str) -> None:
    with pytest.raises(SettingsError, match="cannot be opened"):
        await Database.open(postgres.replace("/postgres?", "/nowhere?"), Side.PRACTICE, KEYS)


async def test_a_wrong_key_is_found_when_the_database_is_opened(url: str) -> None:
    await (await Database.open(url, Side.PRACTICE, KEYS)).close()
    with pytest.raises(SettingsError, match="sealed with another key") as caught:
        await Database.open(url, Side.PRACTICE, KeyRing(b"w" * KEY_BYTES))
    assert "key file" in str(caught.value)


async def test_a_rotated_key_opens_old_and_new(url: str) -> None:
    first = await Database.open(url, Side.PRACTICE, KEYS)
    await SqlCases(first).set_setting("old", "1")
    await first.close()
    rotated = await Database.open(url, Side.PRACTICE, KeyRing(b"k" * KEY_BYTES, b"n" * KEY_BYTES))
    await SqlCases(rotated).set_setting("new", "2")
    assert [await SqlCases(rotated).setting(name) for name in ("old", "new")] == ["1", "2"]
    await rotated.close()


async def test_read_only_changes_nothing_and_makes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "practice.db"
    with pytest.raises(SettingsError, match="no such database"):
        await Database.open(sqlite_url(path), Side.PRACTICE, KEYS, read_only=True)
    assert not path.exists()
    await (await Database.open(sqlite_url(path), Side.PRACTICE, KEYS)).close()
    database = await Database.open(sqlite_url(path), Side.PRACTICE, KEYS, read_only=True)
    with pytest.raises(DBAPIError):
        await SqlCases(database).set_setting("x", "y")
    assert await SqlCases(database).setting("x") is None
    await database.close()


# -- what lies in the file ---------------------------------------------------------------------------------------------


async def test_no_patient_data_lies_in_the_practices_files(tmp_path: Path) -> None:
    database = await Database.open(sqlite_url(tmp_path / "practice.db"), Side.PRACTICE, KEYS)
    await fill_practice(SqlCases(database))
    assert_sealed(tmp_path)  # while the write-ahead log still holds it
    await database.close()
    assert_sealed(tmp_path)


async def test_no_patient_data_lies_in_the_payers_files(tmp_path: Path) -> None:
    database = await Database.open(sqlite_url(tmp_path / "payer.db"), Side.PAYER, KEYS)
    await fill_payer(SqlAuthorizations(database))
    assert_sealed(tmp_path)
    await database.close()
    assert_sealed(tmp_path)


async def fill_practice(store: SqlCases) -> None:
    chart = f'{{"resourceType":"Bundle","entry":[{{"resource":{{"resourceType":"Patient","id":"{PLANTED}"}}}}]}}'
    case, _ = await store.open(
        PLANTED, payer="sample", plan=None, service="Q5112", chart=chart.encode(), request={"order": PLANTED}, at=NOON
    )
    person = Person(PLANTED, Role.STAFF)
    addition = {"resourceType": "Observation", "id": PLANTED}
    await store.add_evidence(case.id, addition, key=PLANTED, by=person, at=NOON)
    await store.remember_claim(case.id, PLANTED)
    await store.keep_notice(PLANTED, 1, PLANTED.encode(), at=NOON)
    await store.set_setting("x", PLANTED)
    await store.keep_document(case.id, "card", {PLANTED: PLANTED})
    await store.note(case.id, "opened", by=person, at=NOON, facts={"x": PLANTED}, key=PLANTED)
    await store.keep_message(
        case.id, direction="sent", kind="request", version=1, body=PLANTED.encode(), key=PLANTED, at=NOON
    )


async def fill_payer(store: SqlAuthorizations) -> None:
    from prior_auth.domain.authorization import Action, ItemDecision

    receipt = await store.receive(
        sender="PRACTICE1",
        bundle_identifier=PLANTED,
        claim_identifiers=[PLANTED],
        prior_claim=None,
        canonical_hash="h",
        body=PLANTED.encode(),
        plan=None,
        service="Q5112",
        at=NOON,
        due_at=None,
    )
    owner = receipt.authorization.id
    word = ItemDecision(1, Action.PEND, Person(PLANTED, Role.CLINICIAN), narrative=PLANTED)
    await store.decide(owner, version=1, decisions=[word], waiting_for=None, at=NOON, key=PLANTED)
    subscription = await store.subscribe(
        sender="PRACTICE1", resource={"reason": PLANTED}, endpoint=PLANTED, headers=[PLANTED]
    )
    event = await store.next_event(subscription.id, owner, key=PLANTED)
    await store.keep_notification_body(event.id, PLANTED.encode(), at=NOON)


def assert_sealed(folder: Path) -> None:
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert any(b"Q5112" in content for content in files.values()), "the search finds what is in the clear"
    for name, content in files.items():
        assert PLANTED.encode() not in content, name
        assert b"Philippa" not in content, name


# -- together ----------------------------------------------------------------------------------------------------------


async def test_what_is_written_together_takes_effect_whole_or_not_at_all(authorizations: SqlAuthorizations) -> None:
    async with authorizations.together():
        await authorizations.keep_document("one", "card", {"kept": True})
        assert await authorizations.document("one", "card") == {"kept": True}  # what is read within sees it

    async def broken() -> None:
        async with authorizations.together():
            await authorizations.keep_document("one", "card", {"kept": False})
            raise RuntimeError("broke")

    with pytest.raises(RuntimeError, match="broke"):
        await broken()
    assert await authorizations.document("one", "card") == {"kept": True}


async def test_tasks_that_write_at_once_do_not_join_each_others_transaction(authorizations: SqlAuthorizations) -> None:
    async def write(number: int) -> None:
        async with authorizations.together():
            await authorizations.keep_document("one", f"of-{number}", number)
            await asyncio.sleep(0)
            if number % 2:
                raise RuntimeError("an odd one")

    ended = await asyncio.gather(*(write(number) for number in range(4)), return_exceptions=True)
    assert [isinstance(one, RuntimeError) for one in ended] == [False, True] * 2
    kept = [await authorizations.document("one", f"of-{number}") for number in range(4)]
    assert kept == [0, None, 2, None]
