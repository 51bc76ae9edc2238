from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from prior_auth.domain.people import ENGINE, Person, Role
from prior_auth.store import tables
from prior_auth.store.cases import SqlCases
from prior_auth.store.ledger import SqlLedger
from prior_auth.store.seal import SealBroken

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NURSE = Person("Nora Nurse", Role.STAFF, "1234567893")


@pytest.fixture
def ledger(cases: SqlCases) -> SqlLedger:
    return cases


async def keep(ledger: SqlLedger, body: bytes, key: str, owner: str = "case-1", direction: str = "sent") -> str:
    message = await ledger.keep_message(
        owner, direction=direction, kind="request", version=1, body=body, key=key, at=NOON
    )
    return message.id


async def test_a_message_is_kept_byte_for_byte_once_for_each_key(ledger: SqlLedger) -> None:
    body = b'{"a": 1.10, "b": "\xc3\xa9"}\n'
    first = await keep(ledger, body, "1")
    assert await keep(ledger, b"another", "1") == first
    second = await keep(ledger, body, "2")
    assert await keep(ledger, body, "1", owner="case-2") not in (first, second)
    assert await ledger.message_body(first) == body
    messages = await ledger.messages("case-1")
    assert [message.id for message in messages] == [first, second]
    assert messages[0].sha256 == hashlib.sha256(body).hexdigest()
    assert messages[0].at == NOON


async def test_only_what_is_received_stirs_its_owner(ledger: SqlLedger) -> None:
    await keep(ledger, b"x", "1")
    assert await ledger.unlooked() == []
    await keep(ledger, b"y", "2", direction="received")
    assert await ledger.unlooked() == ["case-1"]
    await ledger.look("case-1")
    await keep(ledger, b"y", "2", direction="received")
    assert await ledger.unlooked() == []


async def test_what_stirs_after_the_look_is_news_again(ledger: SqlLedger) -> None:
    await ledger.look("case-1")
    await ledger.stir("case-1")
    await ledger.stir("case-1")
    await ledger.stir("case-2")
    assert await ledger.unlooked() == ["case-1", "case-2"]
    await ledger.look("case-1")
    assert await ledger.unlooked() == ["case-2"]
    await ledger.stir("case-1")
    assert await ledger.unlooked() == ["case-1", "case-2"]


async def test_a_document_replaces_the_last_one_of_its_name(ledger: SqlLedger) -> None:
    assert await ledger.document("case-1", "card") is None
    await ledger.keep_document("case-1", "card", {"units": Decimal("12.50")})
    await ledger.keep_document("case-1", "other", ["text", None, True])
    await ledger.keep_document("case-1", "card", {"units": Decimal("3.10")})
    card = await ledger.document("case-1", "card")
    assert card is not None
    assert str(card["units"]) == "3.10"
    assert await ledger.document("case-1", "other") == ["text", None, True]
    assert await ledger.document("case-2", "card") is None


async def test_the_timeline_is_in_order_of_instants_and_once_for_each_key(ledger: SqlLedger) -> None:
    later = NOON + timedelta(hours=1)
    await ledger.note("case-1", "sent", by=ENGINE, at=later, facts={"version": "1"}, key="2")
    await ledger.note("case-1", "opened", by=NURSE, at=NOON, key="1")
    await ledger.note("case-1", "opened again", by=ENGINE, at=NOON, key="1")
    await ledger.note("case-1", "released", by=NURSE, at=NOON, key="3")
    entries = await ledger.timeline("case-1")
    assert [entry.what for entry in entries] == ["opened", "released", "sent"]
    assert (entries[0].by, entries[0].at, entries[0].facts) == (NURSE, NOON, {})
    assert (entries[2].by, entries[2].facts) == (ENGINE, {"version": "1"})
    assert await ledger.timeline("case-2") == []


async def test_a_payload_swapped_between_rows_is_noticed(ledger: SqlLedger) -> None:
    mine, other = await keep(ledger, b"mine", "1"), await keep(ledger, b"other", "2")
    columns = tables.message.c
    async with ledger.database.write() as connection:
        sealed = await connection.scalar(select(columns.sealed).where(columns.id == other))
        await connection.execute(update(tables.message).where(columns.id == mine).values(sealed=sealed))
    with pytest.raises(SealBroken, match="changed or moved"):
        await ledger.message_body(mine)
    assert await ledger.message_body(other) == b"other"
