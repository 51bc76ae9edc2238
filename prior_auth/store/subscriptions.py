"""The payer's subscriptions and its notifications on their way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, Select, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from prior_auth.errors import Conflict, NotFound
from prior_auth.ports import Notification, Subscriber
from prior_auth.store import tables
from prior_auth.store.database import digest
from prior_auth.store.ledger import SENT, SqlLedger

_SILENT = ("error", "off")


class SqlSubscriptions(SqlLedger):
    async def subscribe(
        self,
        *,
        sender: str,
        resource: Mapping[str, Any],
        endpoint: str,
        headers: Sequence[str],
        heartbeat: int | None = None,
    ) -> Subscriber:
        """The same sender and endpoint again: the newest headers and resource count, the events go on.

        One that had fallen silent is `requested` again, until its handshake.
        """
        hashed, subscription_id = digest(sender, endpoint), str(uuid4())
        sealed = self._sealed_channel(hashed, resource, endpoint, headers, heartbeat)
        columns = tables.subscription.c
        async with self.database.write() as connection:
            fresh = await self.database.insert_once(
                connection,
                tables.subscription,
                {
                    "id": subscription_id,
                    "key": hashed,
                    "sender": sender,
                    "status": "requested",
                    "events": 0,
                    "sealed": sealed,
                },
            )
            this = columns.key == hashed
            if not fresh:
                await connection.execute(update(tables.subscription).where(this).values(sealed=sealed))
                silent = this & columns.status.in_(_SILENT)
                await connection.execute(update(tables.subscription).where(silent).values(status="requested"))
            return self._subscriber((await connection.execute(select(tables.subscription).where(this))).one())

    async def resubscribe(
        self,
        subscription_id: str,
        *,
        sender: str,
        resource: Mapping[str, Any],
        endpoint: str,
        headers: Sequence[str],
        heartbeat: int | None = None,
        status: str,
    ) -> Subscriber:
        """Its events go on being counted. Raises NotFound, Conflict."""
        hashed, columns = digest(sender, endpoint), tables.subscription.c
        sealed = self._sealed_channel(hashed, resource, endpoint, headers, heartbeat)
        async with self.database.write() as connection:
            await _subscription(connection, subscription_id, lock=True)
            other = select(columns.id).where(columns.key == hashed, columns.id != subscription_id)
            if await connection.scalar(other) is not None:
                raise Conflict(
                    "another subscription has this sender and endpoint",
                    where="Subscription.channel.endpoint",
                    fix="change that one, or delete it first",
                )
            this = columns.id == subscription_id
            changes = {"key": hashed, "sender": sender, "status": status, "sealed": sealed}
            await connection.execute(update(tables.subscription).where(this).values(**changes))
            return self._subscriber((await connection.execute(select(tables.subscription).where(this))).one())

    async def subscriber(self, subscription_id: str) -> Subscriber:
        """Raises NotFound."""
        async with self.database.read() as connection:
            return self._subscriber(await _subscription(connection, subscription_id))

    async def subscription_resource(self, subscription_id: str) -> Mapping[str, Any]:
        """The Subscription as its sender wrote it. Raises NotFound."""
        async with self.database.read() as connection:
            row = await _subscription(connection, subscription_id)
        resource: dict[str, Any] = self._open(row.sealed, "subscription", row.key)["resource"]
        return resource

    async def subscribers(self, sender: str | None = None) -> list[Subscriber]:
        """All, or those that name this sending system among theirs (a comma list, pas.md 1.13)."""
        columns = tables.subscription.c
        async with self.database.read() as connection:
            rows = await connection.execute(select(tables.subscription).order_by(columns.sender, columns.id))
        return [self._subscriber(row) for row in rows if sender is None or sender in row.sender.split(",")]

    async def set_subscription(self, subscription_id: str, status: str) -> None:
        """Raises NotFound."""
        async with self.database.write() as connection:
            this = tables.subscription.c.id == subscription_id
            result = await connection.execute(update(tables.subscription).where(this).values(status=status))
            if not result.rowcount:
                raise _no_subscription(subscription_id)

    async def handshake(self, subscription_id: str) -> Notification:
        """A subscription that is requested anew wants it delivered anew. Raises NotFound."""
        columns = tables.notification.c
        async with self.database.write() as connection:
            subscription = await _subscription(connection, subscription_id, lock=True)
            this = (columns.subscription_id == subscription_id) & (columns.event_number == 0)
            row = (await connection.execute(select(tables.notification).where(this))).one_or_none()
            if row is None:
                await _keep_event(connection, subscription_id, None, digest(subscription_id, "handshake"), 0)
            elif subscription.status != "active":
                undone = update(tables.notification).where(this).values(delivered=False, delivered_at=None)
                await connection.execute(undone)
            return _notification((await connection.execute(select(tables.notification).where(this))).one())

    async def next_event(self, subscription_id: str, authorization_id: str, *, key: str) -> Notification:
        """The number is counted and the notification kept in one transaction. Raises NotFound."""
        hashed, columns = digest(subscription_id, "event", key), tables.notification.c
        first = select(tables.notification).where(columns.key == hashed)
        async with self.database.write() as connection:
            subscription = await _subscription(connection, subscription_id, lock=True)
            row = (await connection.execute(first)).one_or_none()
            if row is None:
                await self._count_event(connection, subscription, authorization_id, hashed)
                row = (await connection.execute(first)).one()
            return _notification(row)

    async def keep_notification_body(self, notification_id: str, body: bytes, *, at: datetime) -> None:
        """A sent message (kind `notification`) of its authorization; a handshake's, of its subscription.

        Raises NotFound.
        """
        columns = tables.notification.c
        async with self.database.write() as connection:
            row = await _notification_row(connection, notification_id, lock=True)
            if row.body_message is not None:
                return
            version = await connection.scalar(
                select(tables.authorization.c.version).where(tables.authorization.c.id == row.authorization_id)
            )
            message = await self._keep_message(
                connection,
                row.authorization_id or row.subscription_id,
                direction=SENT,
                kind="notification",
                version=version or 0,
                body=body,
                key=f"notification/{notification_id}",
                at=at,
            )
            await connection.execute(
                update(tables.notification).where(columns.id == notification_id).values(body_message=message.id)
            )

    async def notification(self, notification_id: str) -> Notification:
        """Raises NotFound."""
        async with self.database.read() as connection:
            return _notification(await _notification_row(connection, notification_id))

    async def undelivered(self) -> list[Notification]:
        """In the order of their events, those whose body is not kept yet included.

        Of a subscription that is not active yet only the handshake (pas.md trap 30); of one in error or off none,
        until its subscriber asks for it again.
        """
        columns, status = tables.notification.c, tables.subscription.c.status
        may_go = (status == "active") | ((status == "requested") & (columns.event_number == 0))
        statement = (
            select(tables.notification)
            .join(tables.subscription, tables.subscription.c.id == columns.subscription_id)
            .where(columns.delivered.is_(False), may_go)
            .order_by(columns.subscription_id, columns.event_number)
        )
        async with self.database.read() as connection:
            return [_notification(row) for row in await connection.execute(statement)]

    async def events(self, subscription_id: str, *, since: int, until: int) -> list[Notification]:
        """In their order, delivered or not. Raises NotFound."""
        columns = tables.notification.c
        statement = (
            select(tables.notification)
            .where(columns.subscription_id == subscription_id, columns.body_message.is_not(None))
            .where(columns.event_number.between(max(since, 1), until))
            .order_by(columns.event_number)
        )
        async with self.database.read() as connection:
            await _subscription(connection, subscription_id)
            return [_notification(row) for row in await connection.execute(statement)]

    async def untold(self) -> list[str]:
        columns = tables.authorization.c
        statement = select(columns.id).where(columns.told < columns.revision).order_by(columns.id)
        async with self.database.read() as connection:
            return list(await connection.scalars(statement))

    async def mark_delivered(self, notification_id: str, *, at: datetime) -> None:
        """The first arrival counts."""
        columns = tables.notification.c
        async with self.database.write() as connection:
            await _notification_row(connection, notification_id, lock=True)
            await connection.execute(
                update(tables.notification)
                .where(columns.id == notification_id, columns.delivered.is_(False))
                .values(delivered=True, delivered_at=at)
            )

    async def _count_event(
        self, connection: AsyncConnection, subscription: Row[Any], authorization_id: str, hashed: str
    ) -> None:
        known = select(tables.authorization.c.id).where(tables.authorization.c.id == authorization_id)
        if await connection.scalar(known) is None:
            raise NotFound("there is no such authorization", where=authorization_id)
        number = subscription.events + 1
        await _keep_event(connection, subscription.id, authorization_id, hashed, number)
        await connection.execute(
            update(tables.subscription).where(tables.subscription.c.id == subscription.id).values(events=number)
        )

    def _sealed_channel(
        self, key: str, resource: Mapping[str, Any], endpoint: str, headers: Sequence[str], heartbeat: int | None
    ) -> bytes:
        channel = {
            "resource": dict(resource),
            "endpoint": endpoint,
            "headers": list(headers),
            "heartbeat": heartbeat,
        }
        return self._seal(channel, "subscription", key)

    def _subscriber(self, row: Row[Any]) -> Subscriber:
        channel = self._open(row.sealed, "subscription", row.key)
        return Subscriber(
            id=row.id,
            sender=row.sender,
            endpoint=channel["endpoint"],
            headers=tuple(channel["headers"]),
            status=row.status,
            events=row.events,
            heartbeat=channel.get("heartbeat"),
        )


async def _keep_event(
    connection: AsyncConnection, subscription_id: str, authorization_id: str | None, hashed: str, number: int
) -> None:
    event = {
        "id": str(uuid4()),
        "subscription_id": subscription_id,
        "authorization_id": authorization_id,
        "key": hashed,
        "event_number": number,
        "delivered": False,
    }
    await connection.execute(tables.notification.insert().values(**event))


async def _subscription(connection: AsyncConnection, subscription_id: str, *, lock: bool = False) -> Row[Any]:
    statement = select(tables.subscription).where(tables.subscription.c.id == subscription_id)
    row: Row[Any] | None = (await connection.execute(_locked(statement, lock))).one_or_none()
    if row is None:
        raise _no_subscription(subscription_id)
    return row


async def _notification_row(connection: AsyncConnection, notification_id: str, *, lock: bool = False) -> Row[Any]:
    statement = select(tables.notification).where(tables.notification.c.id == notification_id)
    row: Row[Any] | None = (await connection.execute(_locked(statement, lock))).one_or_none()
    if row is None:
        raise NotFound("there is no such notification", where=notification_id)
    return row


def _locked(statement: Select[Any], lock: bool) -> Select[Any]:
    return statement.with_for_update() if lock else statement


def _notification(row: Row[Any]) -> Notification:
    return Notification(
        id=row.id,
        subscription=row.subscription_id,
        authorization=row.authorization_id,
        event_number=row.event_number,
        body_message=row.body_message,
        delivered=row.delivered,
    )


def _no_subscription(subscription_id: str) -> NotFound:
    return NotFound("there is no such subscription", where=subscription_id)
