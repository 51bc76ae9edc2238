"""What both sides keep of every case or authorization: messages byte for byte, documents, the timeline, the news."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, Table, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from prior_auth.domain.people import Person, Role
from prior_auth.domain.timeline import Entry, Message
from prior_auth.errors import NotFound
from prior_auth.fhir.json import write
from prior_auth.store import tables
from prior_auth.store.database import Database, digest

RECEIVED = "received"
SENT = "sent"


class SqlLedger:
    """`Ledger` made real. Keys (`key=`) are kept as SHA-256 only."""

    _owners: Table  # of cases or authorizations: an id and a due instant

    def __init__(self, database: Database) -> None:
        self.database = database
        self.keys = database.keys

    def together(self) -> AbstractAsyncContextManager[None]:
        return self.database.together()

    async def keep_message(
        self, owner: str, *, direction: str, kind: str, version: int, body: bytes, key: str, at: datetime
    ) -> Message:
        async with self.database.write() as connection:
            return await self._keep_message(
                connection, owner, direction=direction, kind=kind, version=version, body=body, key=key, at=at
            )

    async def message_body(self, message_id: str) -> bytes:
        """The exact bytes. Raises NotFound."""
        async with self.database.read() as connection:
            columns = tables.message.c
            sealed = await connection.scalar(select(columns.sealed).where(columns.id == message_id))
        if sealed is None:
            raise NotFound("there is no such message", where=message_id)
        return self.keys.open(sealed, "message", message_id)

    async def messages(self, owner: str) -> list[Message]:
        """In the order in which they were kept."""
        columns = tables.message.c
        async with self.database.read() as connection:
            rows = await connection.execute(
                select(tables.message).where(columns.owner == owner).order_by(columns.serial)
            )
        return [_message(row) for row in rows]

    async def keep_document(self, owner: str, name: str, document: Any) -> None:
        async with self.database.write() as connection:
            await self._keep_document(connection, owner, name, document)

    async def document(self, owner: str, name: str) -> Any | None:
        columns = tables.document.c
        async with self.database.read() as connection:
            sealed = await connection.scalar(select(columns.sealed).where(columns.owner == owner, columns.name == name))
        return None if sealed is None else self._open(sealed, "document", owner, name)

    async def documents(self, name: str) -> dict[str, Any]:
        columns = tables.document.c
        async with self.database.read() as connection:
            rows = list(await connection.execute(select(columns.owner, columns.sealed).where(columns.name == name)))
        return {row.owner: self._open(row.sealed, "document", row.owner, name) for row in rows}

    async def note(
        self, owner: str, what: str, *, by: Person, at: datetime, facts: Mapping[str, str] | None = None, key: str
    ) -> None:
        hashed = digest(owner, key)
        told = {"by": written(by), "facts": dict(facts or {})}
        async with self.database.write() as connection:
            await self.database.insert_once(
                connection,
                tables.timeline,
                {
                    "owner": owner,
                    "key": hashed,
                    "what": what,
                    "at": at,
                    "sealed": self._seal(told, "timeline", owner, hashed),
                },
            )

    async def timeline(self, owner: str) -> list[Entry]:
        """By instant, and in the order of writing where it is the same."""
        columns = tables.timeline.c
        async with self.database.read() as connection:
            rows = await connection.execute(
                select(tables.timeline).where(columns.owner == owner).order_by(columns.at, columns.serial)
            )
        return [self._entry(row) for row in rows]

    async def change_clock(
        self, owner: str, name: str, change: Callable[[Any], tuple[Any, datetime | None] | None]
    ) -> None:
        """The owner's row is the lock. Raises NotFound, and what `change` raises."""
        columns, this = tables.document.c, self._owners.c.id == owner
        kept = select(columns.sealed).where(columns.owner == owner, columns.name == name)
        async with self.database.write() as connection:
            if await connection.scalar(select(self._owners.c.id).where(this).with_for_update()) is None:
                raise NotFound(f"there is no such {self._owners.name}", where=owner)
            sealed = await connection.scalar(kept)
            changed = change(self._open(sealed, "document", owner, name)) if sealed is not None else None
            if changed is not None:
                document, due_at = changed
                await self._keep_document(connection, owner, name, document)
                await connection.execute(update(self._owners).where(this).values(due_at=due_at))

    async def look(self, owner: str) -> None:
        columns = tables.news.c
        async with self.database.write() as connection:
            await connection.execute(update(tables.news).where(columns.owner == owner).values(seen=columns.stirred))

    async def stir(self, owner: str) -> None:
        async with self.database.write() as connection:
            await self._stir(connection, owner)

    async def unlooked(self) -> list[str]:
        columns = tables.news.c
        async with self.database.read() as connection:
            return list(
                await connection.scalars(
                    select(columns.owner).where(columns.stirred > columns.seen).order_by(columns.owner)
                )
            )

    async def setting(self, name: str) -> str | None:
        async with self.database.read() as connection:
            sealed = await connection.scalar(select(tables.setting.c.sealed).where(tables.setting.c.name == name))
        return None if sealed is None else self.keys.open(sealed, "setting", name).decode()

    async def set_setting(self, name: str, value: str) -> None:
        sealed = self.keys.seal(value.encode(), "setting", name)
        async with self.database.write() as connection:
            await self.database.upsert(connection, tables.setting, {"name": name, "sealed": sealed}, {"sealed": sealed})

    # -- within a transaction of the caller ---------------------------------------------------------------------------

    async def _keep_message(
        self,
        connection: AsyncConnection,
        owner: str,
        *,
        direction: str,
        kind: str,
        version: int,
        body: bytes,
        key: str,
        at: datetime,
        stirs: bool = True,
    ) -> Message:
        """What is received stirs its owner; what is sent was the owner's own doing."""
        hashed = digest(owner, key)
        message_id = str(uuid4())
        fresh = await self.database.insert_once(
            connection,
            tables.message,
            {
                "id": message_id,
                "owner": owner,
                "key": hashed,
                "direction": direction,
                "kind": kind,
                "version": version,
                "sha256": hashlib.sha256(body).hexdigest(),
                "at": at,
                "sealed": self.keys.seal(body, "message", message_id),
            },
        )
        if fresh and stirs and direction == RECEIVED:
            await self._stir(connection, owner)
        columns = tables.message.c
        rows = await connection.execute(select(tables.message).where(columns.owner == owner, columns.key == hashed))
        return _message(rows.one())

    async def _keep_document(self, connection: AsyncConnection, owner: str, name: str, document: Any) -> None:
        sealed = self._seal(document, "document", owner, name)
        await self.database.upsert(
            connection, tables.document, {"owner": owner, "name": name, "sealed": sealed}, {"sealed": sealed}
        )

    async def _stir(self, connection: AsyncConnection, owner: str) -> None:
        await self.database.upsert(
            connection,
            tables.news,
            {"owner": owner, "stirred": 1, "seen": 0},
            {"stirred": tables.news.c.stirred + 1},
        )

    def _seal(self, value: Any, *place: str) -> bytes:
        """Any JSON value, without loss."""
        return self.keys.seal(write(value), *place)

    def _open(self, sealed: bytes, *place: str) -> Any:
        return json.loads(self.keys.open(sealed, *place), parse_float=Decimal)

    def _entry(self, row: Row[Any]) -> Entry:
        told = self._open(row.sealed, "timeline", row.owner, row.key)
        return Entry(at=row.at, what=row.what, by=_person(told["by"]), facts=told["facts"])


def _message(row: Row[Any]) -> Message:
    return Message(
        id=row.id,
        owner=row.owner,
        direction=row.direction,
        kind=row.kind,
        version=row.version,
        sha256=row.sha256,
        at=row.at,
    )


def written(person: Person) -> dict[str, str | None]:
    return {"name": person.name, "role": person.role.value, "licence": person.licence}


def _person(told: Mapping[str, Any]) -> Person:
    return Person(told["name"], Role(told["role"]), told["licence"])
