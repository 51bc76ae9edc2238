"""Which client assertions were used: shared by all processes of the payer, kept over restarts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete

from prior_auth.store import tables
from prior_auth.store.database import Database, digest


@dataclass(frozen=True, slots=True)
class SqlAssertions:
    """The payer's replay guard."""

    database: Database

    async def first_use(self, client_id: str, assertion_id: str, *, expires_at: datetime, now: datetime) -> bool:
        """True once for each id of a client; those that are over are forgotten."""
        columns = tables.assertion.c
        values = {"key": digest(client_id, assertion_id), "expires_at": expires_at}
        async with self.database.write() as connection:
            await connection.execute(delete(tables.assertion).where(columns.expires_at < now))
            return await self.database.insert_once(connection, tables.assertion, values)
