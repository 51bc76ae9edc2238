"""The practice's store: cases, their charts, what people added, what was released, what the payer notified."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from prior_auth.domain.case import Case, CaseStatus
from prior_auth.domain.people import Person
from prior_auth.errors import BadInput, Conflict, NotFound
from prior_auth.fhir import json
from prior_auth.fhir.chart_bundle import chart_resources
from prior_auth.store import tables
from prior_auth.store.database import digest
from prior_auth.store.ledger import SqlLedger, written

_COLUMNS = [column for column in tables.case.c if column.name not in ("chart", "request")]
_FINAL = [status.value for status in CaseStatus if status.is_final]


class SqlCases(SqlLedger):
    """`CaseStore` made real. `Case.key` is the SHA-256 of the business key that was given."""

    _owners = tables.case

    async def open(
        self,
        key: str,
        *,
        payer: str | None,
        plan: str | None,
        service: str,
        chart: bytes,
        request: Mapping[str, Any],
        at: datetime,
    ) -> tuple[Case, bool]:
        """Raises BadInput, and keeps nothing, where the chart is not a Bundle that can be read."""
        chart_resources(json.read(chart, name="chart"))
        case_id, hashed = str(uuid4()), digest(key)
        async with self.database.write() as connection:
            fresh = await self.database.insert_once(
                connection,
                tables.case,
                {
                    "id": case_id,
                    "key": hashed,
                    "status": CaseStatus.OPENED.value,
                    "payer": payer,
                    "plan": plan,
                    "service": service,
                    "opened_at": at,
                    "changed_at": at,
                    "version": 0,
                    "chart": self.keys.seal(chart, "chart", case_id),
                    "request": self._seal(dict(request), "request", case_id),
                },
            )
            if fresh:
                await self._stir(connection, case_id)
            return await self._case(connection, tables.case.c.key == hashed), fresh

    async def get(self, case_id: str) -> Case:
        async with self.database.read() as connection:
            return await self._case(connection, tables.case.c.id == case_id)

    async def cases(self, *, only_open: bool = False) -> list[Case]:
        statement = select(*_COLUMNS).order_by(tables.case.c.changed_at.desc(), tables.case.c.id)
        if only_open:
            statement = statement.where(tables.case.c.status.not_in(_FINAL))
        async with self.database.read() as connection:
            return [_case(row) for row in await connection.execute(statement)]

    async def request(self, case_id: str) -> Mapping[str, Any]:
        sealed = await self._sealed(case_id, tables.case.c.request)
        request: dict[str, Any] = self._open(sealed, "request", case_id)
        return request

    async def chart(self, case_id: str) -> list[dict[str, Any]]:
        sealed = await self._sealed(case_id, tables.case.c.chart)
        chart = json.read(self.keys.open(sealed, "chart", case_id), name="chart")
        found = {(one["resourceType"], one.get("id"), number): one for number, one in enumerate(chart_resources(chart))}
        places = {key[:2]: key for key in found if key[1] is not None}
        for added in await self._additions(case_id):
            # What is added under the name of a resource that is there is its newer form: an order that was revised.
            name = (added["resourceType"], added["id"])
            found[places.setdefault(name, (*name, len(found)))] = added
        return list(found.values())

    async def add_evidence(
        self, case_id: str, resource: Mapping[str, Any], *, key: str, by: Person, at: datetime
    ) -> bool:
        """Raises NotFound, and BadInput for a resource that nothing could refer to."""
        if not resource.get("resourceType") or not resource.get("id"):
            raise BadInput("a resource that was added needs a type and an id", where="resource", fix="give it both")
        hashed = digest(case_id, key)
        addition = {"resource": dict(resource), "by": written(by)}
        async with self.database.write() as connection:
            await self._exists(connection, case_id)
            fresh = await self.database.insert_once(
                connection,
                tables.evidence,
                {
                    "case_id": case_id,
                    "key": hashed,
                    "at": at,
                    "sealed": self._seal(addition, "evidence", case_id, hashed),
                },
            )
            if fresh:
                await self._stir(connection, case_id)
        return fresh

    async def additions(self, case_id: str) -> list[str]:
        return [f"{resource['resourceType']}/{resource['id']}" for resource in await self._additions(case_id)]

    async def set_status(
        self,
        case_id: str,
        status: CaseStatus,
        *,
        waiting_for: str | None,
        at: datetime,
        due_at: datetime | None = None,
        version: int | None = None,
    ) -> None:
        """`due_at` and `version` stay as they are where None. Raises NotFound."""
        kept = {"due_at": due_at, "version": version}
        changes: dict[str, Any] = {name: value for name, value in kept.items() if value is not None}
        changes |= {"status": status.value, "waiting_for": waiting_for, "changed_at": at}
        async with self.database.write() as connection:
            result = await connection.execute(update(tables.case).where(tables.case.c.id == case_id).values(**changes))
            if not result.rowcount:
                raise _unknown(case_id)

    async def case_of_claim(self, claim_identifier: str) -> str | None:
        async with self.database.read() as connection:
            case_id: str | None = await connection.scalar(_case_of(digest(claim_identifier)))
        return case_id

    async def remember_claim(self, case_id: str, claim_identifier: str) -> None:
        """Raises Conflict where another case has sent a Claim under this identifier: an answer could not be placed."""
        hashed = digest(claim_identifier)
        async with self.database.write() as connection:
            await self._exists(connection, case_id)
            await self.database.insert_once(connection, tables.claim, {"identifier": hashed, "case_id": case_id})
            if await connection.scalar(_case_of(hashed)) != case_id:
                raise Conflict("another case has this Claim identifier", where=case_id, fix="give the Claim its own")

    async def keep_notice(self, subscription: str, event_number: int, body: bytes, *, at: datetime) -> bool:
        """The first body of an event stays: the payer delivers the same again."""
        hashed = digest(subscription, str(event_number))
        notice = {
            "key": hashed,
            "event_number": event_number,
            "sha256": hashlib.sha256(body).hexdigest(),
            "at": at,
            "sealed": self.keys.seal(body, "notice", hashed),
        }
        async with self.database.write() as connection:
            return await self.database.insert_once(connection, tables.notice, notice)

    async def missing_events(self, subscription: str, *, since: int, until: int) -> list[int]:
        """In order."""
        wanted = {digest(subscription, str(number)): number for number in range(since, until + 1)}
        columns = tables.notice.c
        kept = select(columns.key).where(columns.event_number.between(since, until))
        async with self.database.read() as connection:
            known = set(await connection.scalars(kept))
        return [number for key, number in wanted.items() if key not in known]

    async def _additions(self, case_id: str) -> list[dict[str, Any]]:
        columns = tables.evidence.c
        async with self.database.read() as connection:
            rows = await connection.execute(
                select(columns.key, columns.sealed).where(columns.case_id == case_id).order_by(columns.serial)
            )
        return [self._open(row.sealed, "evidence", case_id, row.key)["resource"] for row in rows]

    async def _case(self, connection: AsyncConnection, which: ColumnElement[bool]) -> Case:
        row = (await connection.execute(select(*_COLUMNS).where(which))).one_or_none()
        if row is None:
            raise NotFound("there is no such case")
        return _case(row)

    async def _sealed(self, case_id: str, column: ColumnElement[bytes]) -> bytes:
        async with self.database.read() as connection:
            sealed = await connection.scalar(select(column).where(tables.case.c.id == case_id))
        if sealed is None:
            raise _unknown(case_id)
        return sealed

    async def _exists(self, connection: AsyncConnection, case_id: str) -> None:
        await self._case(connection, tables.case.c.id == case_id)


def _case(row: Row[Any]) -> Case:
    return Case(
        id=row.id,
        key=row.key,
        status=CaseStatus(row.status),
        waiting_for=row.waiting_for,
        payer=row.payer,
        plan=row.plan,
        service=row.service,
        opened_at=row.opened_at,
        changed_at=row.changed_at,
        due_at=row.due_at,
        version=row.version,
    )


def _case_of(hashed: str) -> Any:
    return select(tables.claim.c.case_id).where(tables.claim.c.identifier == hashed)


def _unknown(case_id: str) -> NotFound:
    return NotFound("there is no such case", where=case_id)
