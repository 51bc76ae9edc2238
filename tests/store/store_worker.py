"""A process of its own that works on a store: `store_worker.py URL WHAT NAME COUNT`; says `ready`, waits for a line."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime

from prior_auth.store.authorizations import SqlAuthorizations
from prior_auth.store.database import Database
from prior_auth.store.seal import KEY_BYTES, KeyRing
from prior_auth.store.tables import Side

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


async def receive(store: SqlAuthorizations, bundle: str) -> str:
    receipt = await store.receive(
        sender="PRACTICE1",
        bundle_identifier=bundle,
        claim_identifiers=[bundle],
        prior_claim=None,
        canonical_hash=bundle,
        body=bundle.encode() * 2000,
        plan=None,
        service="Q5112",
        at=NOON,
        due_at=None,
    )
    return receipt.authorization.id


async def events(store: SqlAuthorizations, name: str, count: int) -> None:
    """Take event numbers of the one subscription, and the same submissions as every other process."""
    subscription = await store.subscribe(sender="PRACTICE1", resource={}, endpoint="here", headers=[])
    for number in range(count):
        authorization = await receive(store, f"bundle-{number}")
        await store.next_event(subscription.id, authorization, key=f"{name}-{number}")
        await store.next_event(subscription.id, authorization, key=f"shared-{number}")


async def submissions(store: SqlAuthorizations, name: str, count: int) -> None:
    """Receive one after the other and say which were acknowledged."""
    for number in range(count):
        print(await receive(store, f"{name}-{number}"), flush=True)


async def main(url: str, what: str, name: str, count: int) -> None:
    print("ready", flush=True)
    sys.stdin.readline()
    database = await Database.open(url, Side.PAYER, KeyRing(b"k" * KEY_BYTES))
    work = {"events": events, "submissions": submissions}[what]
    await work(SqlAuthorizations(database), name, count)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
