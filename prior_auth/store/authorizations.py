"""The payer's store: submissions received once, their versions, the payer's word on each item."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from prior_auth.domain.authorization import (
    Action,
    Authorization,
    AuthorizationStatus,
    ItemDecision,
    folded,
    permitted,
)
from prior_auth.domain.people import Role
from prior_auth.domain.timeline import Message
from prior_auth.errors import Conflict, NotFound
from prior_auth.fhir import cdex, json
from prior_auth.fhir.pas_exchange import ATTACHMENT, REQUEST, RESPONSE
from prior_auth.ports import Receipt
from prior_auth.store import tables
from prior_auth.store.database import digest
from prior_auth.store.ledger import RECEIVED, SENT
from prior_auth.store.subscriptions import SqlSubscriptions

_OPEN = [status.value for status in AuthorizationStatus if not status.is_final]


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A submission as it comes in. `key` is the same for the same sender, identifier and canonical body."""

    key: str
    sender: str
    claims: tuple[str, ...]
    body: bytes
    plan: str | None
    service: str
    at: datetime
    due_at: datetime | None
    members: tuple[str, ...] = ()  # keyed digests


class SqlAuthorizations(SqlSubscriptions):
    """`AuthorizationStore` made real. `Authorization.key` is the SHA-256 that finds its first submission again."""

    _owners = tables.authorization

    async def receive(
        self,
        *,
        sender: str,
        bundle_identifier: str,
        claim_identifiers: Sequence[str],
        prior_claim: str | None,
        canonical_hash: str,
        body: bytes,
        plan: str | None,
        service: str,
        at: datetime,
        due_at: datetime | None,
        members: Collection[str] = (),
    ) -> Receipt:
        """Of several authorizations with the prior Claim's identifier (pas.md trap 9) an update is of the newest.

        After a new version the status is `received` again: its items want a new word. `due_at` of None keeps the
        earlier one.
        """
        arrival = _Arrival(
            key=digest(sender, bundle_identifier, canonical_hash),
            sender=sender,
            claims=tuple(dict.fromkeys(digest(sender, claim) for claim in claim_identifiers)),
            body=body,
            plan=plan,
            service=service,
            at=at,
            due_at=due_at,
            members=tuple(self._member(one) for one in members),
        )
        async with self.database.write() as connection:
            if (resent := await self._resent(connection, arrival.key)) is not None:
                return resent
            if prior_claim is None:
                return await self._receive_new(connection, arrival)
            return await self._receive_update(connection, arrival, digest(sender, prior_claim))

    async def get(self, authorization_id: str) -> Authorization:
        """Raises NotFound."""
        async with self.database.read() as connection:
            return _authorization(await _row(connection, authorization_id))

    async def spoken_of(self, authorization_ids: Collection[str]) -> set[str]:
        columns = tables.authorization.c
        spoken = columns.status != AuthorizationStatus.RECEIVED.value
        async with self.database.read() as connection:
            found = await connection.scalars(select(columns.id).where(columns.id.in_(authorization_ids), spoken))
        return set(found)

    async def authorizations(self, *, only_open: bool = False) -> list[Authorization]:
        """Newest change first."""
        columns = tables.authorization.c
        statement = select(tables.authorization).order_by(columns.changed_at.desc(), columns.id)
        if only_open:
            statement = statement.where(columns.status.in_(_OPEN))
        async with self.database.read() as connection:
            return [_authorization(row) for row in await connection.execute(statement)]

    async def of_members(self, members: Collection[str]) -> list[Authorization]:
        """In the order of their receipt."""
        columns, lookup = tables.authorization.c, tables.lookup.c
        known = select(lookup.authorization_id).where(lookup.digest.in_([self._member(one) for one in members]))
        statement = select(tables.authorization).where(columns.id.in_(known)).order_by(columns.received_at, columns.id)
        async with self.database.read() as connection:
            return [_authorization(row) for row in await connection.execute(statement)]

    async def unlisted(self) -> list[Authorization]:
        """Those that no member leads to: kept before members were listed, or by a request that names none."""
        columns, lookup = tables.authorization.c, tables.lookup.c
        statement = select(tables.authorization).where(columns.id.not_in(select(lookup.authorization_id)))
        async with self.database.read() as connection:
            return [_authorization(row) for row in await connection.execute(statement.order_by(columns.id))]

    async def list_members(self, authorization_id: str, members: Collection[str]) -> None:
        async with self.database.write() as connection:
            await self._list_members(connection, authorization_id, [self._member(one) for one in members])

    async def attach(self, authorization_id: str, *, attachment: bytes, canonical_hash: str, at: datetime) -> Receipt:
        """The exact bytes are kept; the version's Bundle is made of them and the one before when it is asked for."""
        key = digest(authorization_id, ATTACHMENT, canonical_hash)
        async with self.database.write() as connection:
            if (resent := await self._resent(connection, key)) is not None:
                return resent
            row = await _row(connection, authorization_id, lock=True)
            if AuthorizationStatus(row.status).is_final:
                raise Conflict("this request is decided", where=authorization_id, fix="send a new request")
            received = {"status": AuthorizationStatus.RECEIVED.value, "waiting_for": None, "changed_at": at}
            await _change(connection, row.id, version=row.version + 1, **received)
            arrival = _Arrival(key, row.sender, (), attachment, row.plan, row.service, at, row.due_at)
            return await self._keep_version(connection, arrival, row.id, row.version + 1, kind=ATTACHMENT)

    async def authorization_of_claim(self, sender: str, claim_identifier: str) -> str | None:
        columns, claims = tables.authorization.c, tables.claim_version.c
        known = select(claims.authorization_id).where(claims.identifier == digest(sender, claim_identifier))
        newest = select(columns.id).where(columns.id.in_(known)).order_by(columns.received_at.desc(), columns.id.desc())
        async with self.database.read() as connection:
            found: str | None = await connection.scalar(newest.limit(1))
        return found

    async def keep_refused(self, owner: str, request: bytes, answer: bytes, *, key: str, at: datetime) -> Message:
        """Both are of version 0: no version came of them."""
        both = ((RECEIVED, REQUEST, request), (SENT, RESPONSE, answer))
        async with self.database.write() as connection:
            for direction, kind, body in both:
                kept = await self._keep_message(
                    connection,
                    owner,
                    direction=direction,
                    kind=kind,
                    version=0,
                    body=body,
                    key=f"{key}/{kind}",
                    at=at,
                    stirs=False,
                )
        return kept

    async def request_body(self, authorization_id: str, version: int) -> bytes:
        """The Bundle of that version: the exact bytes, or completed by what was attached. Raises NotFound."""
        columns, message = tables.submission.c, tables.message.c
        kept = (
            select(message.id, message.kind, message.sealed)
            .join(tables.submission, columns.message_id == message.id)
            .where(columns.authorization_id == authorization_id, columns.version == version)
        )
        async with self.database.read() as connection:
            row = (await connection.execute(kept)).one_or_none()
        if row is None:
            raise NotFound(f"no version {version} of this authorization", where=authorization_id)
        body = self.keys.open(row.sealed, "message", row.id)
        if row.kind != ATTACHMENT:
            return body
        before = json.read(await self.request_body(authorization_id, version - 1))
        return json.write(cdex.completed(before, cdex.read(json.read(body))))

    async def decide(
        self,
        authorization_id: str,
        *,
        version: int,
        decisions: Sequence[ItemDecision],
        waiting_for: str | None,
        at: datetime,
        key: str,
    ) -> Authorization:
        """The first word on a version has to cover each of its items: the status folds over the items spoken of.

        A person's word stirs the story, which made the engine's word itself. Raises NotFound, Conflict (also where a
        newer version has come since the decision was made).
        """
        said, hashed = tuple(permitted(decision) for decision in decisions), digest(authorization_id, key)
        async with self.database.write() as connection:
            row = await _row(connection, authorization_id, lock=True)
            if await _spoken(connection, authorization_id, hashed):
                return _authorization(row)
            if version != row.version:
                raise Conflict(
                    f"version {row.version} has come since version {version} was judged",
                    where=authorization_id,
                    fix="look at the newest version and decide on that",
                )
            standing = await self._standing(connection, authorization_id, version)
            _check(said, standing, authorization_id)
            await self._keep_word(connection, row, said, hashed, at)
            status = folded(tuple({**standing, **{decision.sequence: decision for decision in said}}.values()))
            changes = {"status": status.value, "waiting_for": waiting_for, "changed_at": at}
            await _change(connection, authorization_id, revision=row.revision + 1, **changes)
            if any(decision.by.role is not Role.ENGINE for decision in said):
                await self._stir(connection, authorization_id)
            return _authorization(await _row(connection, authorization_id))

    async def decisions(self, authorization_id: str, version: int | None = None) -> list[ItemDecision]:
        """By item number, for the newest version or the one named. Raises NotFound."""
        async with self.database.read() as connection:
            newest = (await _row(connection, authorization_id)).version
            standing = await self._standing(connection, authorization_id, newest if version is None else version)
        return [standing[sequence] for sequence in sorted(standing)]

    async def tell(self, authorization_id: str, revision: int) -> None:
        """A late memory of an earlier revision changes nothing. Raises NotFound, Conflict on one never reached."""
        async with self.database.write() as connection:
            row = await _row(connection, authorization_id, lock=True)
            if revision > row.revision:
                raise Conflict(f"there is no revision {revision} to tell", where=authorization_id)
            await _change(connection, authorization_id, told=max(row.told, revision))

    async def set_waiting(
        self, authorization_id: str, status: AuthorizationStatus, *, waiting_for: str | None, at: datetime
    ) -> None:
        """Raises NotFound."""
        async with self.database.write() as connection:
            await _row(connection, authorization_id, lock=True)
            changes = {"status": status.value, "waiting_for": waiting_for, "changed_at": at}
            await _change(connection, authorization_id, **changes)

    async def speak_again(self, authorization_id: str, *, at: datetime) -> None:
        """Raises NotFound."""
        async with self.database.write() as connection:
            row = await _row(connection, authorization_id, lock=True)
            await _change(connection, authorization_id, revision=row.revision + 1, changed_at=at)
            await self._stir(connection, authorization_id)

    # -- receiving ----------------------------------------------------------------------------------------------------

    async def _resent(self, connection: AsyncConnection, key: str) -> Receipt | None:
        """The receipt of the first arrival, if this is another; how often it came again is counted."""
        columns = tables.submission.c
        row = (await connection.execute(select(tables.submission).where(columns.key == key))).one_or_none()
        if row is None:
            return None
        again = update(tables.submission).where(columns.key == key).values(resent=columns.resent + 1)
        await connection.execute(again)
        authorization = _authorization(await _row(connection, row.authorization_id))
        return Receipt(authorization, row.version, fresh=False)

    async def _receive_new(self, connection: AsyncConnection, arrival: _Arrival) -> Receipt:
        authorization_id = str(uuid4())
        fresh = await self.database.insert_once(
            connection,
            tables.authorization,
            {
                "id": authorization_id,
                "key": arrival.key,
                "sender": arrival.sender,
                "status": AuthorizationStatus.RECEIVED.value,
                "plan": arrival.plan,
                "service": arrival.service,
                "received_at": arrival.at,
                "changed_at": arrival.at,
                "due_at": arrival.due_at,
                "version": 1,
                "revision": 0,
                "told": 0,
            },
        )
        if not fresh:  # the same submission arrived at the same instant, and that transaction has ended now
            resent = await self._resent(connection, arrival.key)
            if resent is None:
                raise Conflict("a submission was begun and not kept", where=arrival.key, fix="send it again")
            return resent
        return await self._keep_version(connection, arrival, authorization_id, 1)

    async def _receive_update(self, connection: AsyncConnection, arrival: _Arrival, prior: str) -> Receipt:
        candidates = await self._lock_candidates(connection, prior)
        if (resent := await self._resent(connection, arrival.key)) is not None:
            return resent  # its twin held the lock until now
        row = await self._updated(connection, candidates, prior)
        if row.status == AuthorizationStatus.NOT_CERTIFIED.value:
            raise Conflict("a denied request cannot be updated", where=row.id, fix="appeal, or send a new request")
        if row.status == AuthorizationStatus.CANCELLED.value:
            raise Conflict("a cancelled request cannot be updated", where=row.id, fix="send a new request")
        changes = {
            "status": AuthorizationStatus.RECEIVED.value,
            "waiting_for": None,
            "plan": arrival.plan,
            "service": arrival.service,
            "changed_at": arrival.at,
            "due_at": arrival.due_at or row.due_at,
        }
        await _change(connection, row.id, version=row.version + 1, **changes)
        return await self._keep_version(connection, arrival, row.id, row.version + 1)

    async def _lock_candidates(self, connection: AsyncConnection, prior: str) -> Sequence[Row[Any]]:
        """Lock the authorizations that know the prior Claim's identifier. Raises NotFound where none does."""
        claims, columns = tables.claim_version.c, tables.authorization.c
        known = select(claims.authorization_id).where(claims.identifier == prior)
        locked = select(tables.authorization).where(columns.id.in_(known)).order_by(columns.id).with_for_update()
        candidates = (await connection.execute(locked)).all()
        if not candidates:
            raise NotFound(
                "the prior Claim of this update is not known here",
                where="Claim.related[0].claim",
                fix="name the Claim that was sent last by its identifier, or send a new request",
            )
        return candidates

    async def _updated(self, connection: AsyncConnection, candidates: Sequence[Row[Any]], prior: str) -> Row[Any]:
        """The authorization whose newest Claim is the prior one. Raises Conflict."""
        claims = tables.claim_version.c
        found = await connection.execute(
            select(claims.authorization_id, claims.version).where(claims.identifier == prior)
        )
        named = {(row.authorization_id, row.version) for row in found}
        last = await connection.execute(
            select(claims.authorization_id, func.max(claims.version))
            .where(claims.authorization_id.in_([row.id for row in candidates]))
            .group_by(claims.authorization_id)
        )
        # What came by attachment is a version too, but no Claim: an update is of the Claim before it.
        newest = named & {(authorization_id, version) for authorization_id, version in last}
        current = [row for row in candidates if row.id in {authorization_id for authorization_id, _ in newest}]
        if not current:
            raise Conflict(
                "the prior Claim of this update is not the newest version",
                where="Claim.related[0].claim",
                fix="update the version that was sent last",
            )
        return max(current, key=lambda row: (row.received_at, row.id))

    async def _keep_version(
        self,
        connection: AsyncConnection,
        arrival: _Arrival,
        authorization_id: str,
        version: int,
        *,
        kind: str = REQUEST,
    ) -> Receipt:
        message = await self._keep_message(
            connection,
            authorization_id,
            direction=RECEIVED,
            kind=kind,
            version=version,
            body=arrival.body,
            key=f"submission/{arrival.key}",
            at=arrival.at,
        )
        submission = {
            "key": arrival.key,
            "authorization_id": authorization_id,
            "version": version,
            "message_id": message.id,
            "resent": 0,
        }
        await connection.execute(tables.submission.insert().values(**submission))
        for claim in arrival.claims:
            numbered = {"identifier": claim, "authorization_id": authorization_id, "version": version}
            await connection.execute(tables.claim_version.insert().values(**numbered))
        await self._list_members(connection, authorization_id, arrival.members)
        return Receipt(_authorization(await _row(connection, authorization_id)), version, fresh=True)

    async def _list_members(self, connection: AsyncConnection, authorization_id: str, members: Collection[str]) -> None:
        for member in members:
            found = {"digest": member, "authorization_id": authorization_id}
            await self.database.insert_once(connection, tables.lookup, found)

    def _member(self, number: str) -> str:
        return hmac.digest(self.keys.derived("member lookup"), number.strip().encode(), "sha256").hex()

    # -- deciding -----------------------------------------------------------------------------------------------------

    async def _standing(
        self, connection: AsyncConnection, authorization_id: str, version: int
    ) -> dict[int, ItemDecision]:
        """The last word on each item of a version, by item number."""
        columns = tables.word.c
        rows = await connection.execute(
            select(tables.word)
            .where(columns.authorization_id == authorization_id, columns.version == version)
            .order_by(columns.revision)
        )
        return {decision.sequence: decision for row in rows for decision in self._read_word(row)}

    async def _keep_word(
        self, connection: AsyncConnection, row: Row[Any], said: tuple[ItemDecision, ...], hashed: str, at: datetime
    ) -> None:
        word = {
            "authorization_id": row.id,
            "key": hashed,
            "revision": row.revision + 1,
            "version": row.version,
            "at": at,
            "sealed": self.keys.seal(msgspec.json.encode(said), "word", row.id, hashed),
        }
        await connection.execute(tables.word.insert().values(**word))

    def _read_word(self, row: Row[Any]) -> list[ItemDecision]:
        opened = self.keys.open(row.sealed, "word", row.authorization_id, row.key)
        return msgspec.json.decode(opened, type=list[ItemDecision])


def _check(said: tuple[ItemDecision, ...], standing: dict[int, ItemDecision], authorization_id: str) -> None:
    numbers = [decision.sequence for decision in said]
    if len(set(numbers)) != len(numbers):
        raise Conflict("a word decides each item once", where=authorization_id, fix="name each item once")
    for number in numbers:
        if number in standing and standing[number].action is not Action.PEND:
            raise Conflict(f"item {number} is already decided", where=authorization_id, fix="a new version reopens it")


async def _row(connection: AsyncConnection, authorization_id: str, *, lock: bool = False) -> Row[Any]:
    statement = select(tables.authorization).where(tables.authorization.c.id == authorization_id)
    row = (await connection.execute(statement.with_for_update() if lock else statement)).one_or_none()
    if row is None:
        raise NotFound("there is no such authorization", where=authorization_id)
    return row


async def _change(connection: AsyncConnection, authorization_id: str, **changes: Any) -> None:
    this = tables.authorization.c.id == authorization_id
    await connection.execute(update(tables.authorization).where(this).values(**changes))


async def _spoken(connection: AsyncConnection, authorization_id: str, hashed: str) -> bool:
    columns = tables.word.c
    this = (columns.authorization_id == authorization_id) & (columns.key == hashed)
    return await connection.scalar(select(columns.serial).where(this)) is not None


def _authorization(row: Row[Any]) -> Authorization:
    return Authorization(
        id=row.id,
        key=row.key,
        sender=row.sender,
        status=AuthorizationStatus(row.status),
        waiting_for=row.waiting_for,
        plan=row.plan,
        service=row.service,
        received_at=row.received_at,
        changed_at=row.changed_at,
        due_at=row.due_at,
        version=row.version,
        revision=row.revision,
        told=row.told,
    )
