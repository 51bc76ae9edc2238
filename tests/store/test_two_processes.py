"""The API and the worker of a side are two processes on one database; either may be killed at any instant."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from prior_auth.domain.authorization import Action, AuthorizationStatus, ItemDecision
from prior_auth.domain.people import ENGINE
from prior_auth.errors import Conflict
from prior_auth.store import tables
from prior_auth.store.authorizations import SqlAuthorizations
from prior_auth.store.cases import SqlCases
from prior_auth.store.database import Database, sqlite_url
from prior_auth.store.seal import KEY_BYTES, KeyRing
from prior_auth.store.tables import Side

Open = Callable[[Side], Awaitable[Database]]

KEYS = KeyRing(b"k" * KEY_BYTES)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
WORKER = Path(__file__).with_name("store_worker.py")
CHART = b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p"}}]}'


async def submit(store: SqlAuthorizations, body: bytes = b"v1", claim: str = "C1", prior: str | None = None) -> str:
    receipt = await store.receive(
        sender="PRACTICE1",
        bundle_identifier="B1",
        claim_identifiers=[claim],
        prior_claim=prior,
        canonical_hash=body.hex(),
        body=body,
        plan=None,
        service="Q5112",
        at=NOON,
        due_at=None,
    )
    return f"{receipt.authorization.id}/{receipt.version}/{receipt.fresh}"


async def test_event_numbers_have_no_gap_under_twenty_tasks_of_two_engines(open_store: Open) -> None:
    stores = [SqlAuthorizations(await open_store(Side.PAYER)) for _ in range(2)]
    authorization = (await submit(stores[0])).partition("/")[0]
    subscription = await stores[0].subscribe(sender="PRACTICE1", resource={}, endpoint="here", headers=[])
    taken = await asyncio.gather(
        *(stores[n % 2].next_event(subscription.id, authorization, key=f"key-{n // 2}") for n in range(20))
    )
    assert {event.event_number for event in taken} == set(range(1, 11)), "ten keys, each asked for twice at once"


async def test_one_opening_is_one_case_under_twenty_tasks_of_two_engines(open_store: Open) -> None:
    stores = [SqlCases(await open_store(Side.PRACTICE)) for _ in range(2)]
    opened = await asyncio.gather(
        *(
            stores[n % 2].open("key", payer=None, plan=None, service="Q5112", chart=CHART, request={}, at=NOON)
            for n in range(20)
        )
    )
    assert len({case.id for case, _ in opened}) == 1
    assert sum(fresh for _, fresh in opened) == 1


async def test_one_submission_is_one_authorization_under_twenty_tasks_of_two_engines(open_store: Open) -> None:
    stores = [SqlAuthorizations(await open_store(Side.PAYER)) for _ in range(2)]
    receipts = Counter(await asyncio.gather(*(submit(stores[n % 2]) for n in range(20))))
    [authorization] = await stores[0].authorizations()
    assert receipts == {f"{authorization.id}/1/True": 1, f"{authorization.id}/1/False": 19}
    assert len(await stores[1].messages(authorization.id)) == 1


async def test_one_update_is_one_version_under_twenty_tasks_of_two_engines(open_store: Open) -> None:
    stores = [SqlAuthorizations(await open_store(Side.PAYER)) for _ in range(2)]
    await submit(stores[0])
    receipts = Counter(await asyncio.gather(*(submit(stores[n % 2], b"v2", "C2", "C1") for n in range(20))))
    [authorization] = await stores[0].authorizations()
    assert receipts == {f"{authorization.id}/2/True": 1, f"{authorization.id}/2/False": 19}


async def test_of_two_racing_updates_one_wins_and_the_other_is_told(open_store: Open) -> None:
    stores = [SqlAuthorizations(await open_store(Side.PAYER)) for _ in range(2)]
    await submit(stores[0])
    racing = await asyncio.gather(
        submit(stores[0], b"mine", "C2", "C1"), submit(stores[1], b"yours", "C3", "C1"), return_exceptions=True
    )
    assert sorted(isinstance(result, Conflict) for result in racing) == [False, True]
    assert [authorization.version for authorization in await stores[0].authorizations()] == [2]


async def test_one_word_is_one_revision_under_twenty_tasks_of_two_engines(open_store: Open) -> None:
    stores = [SqlAuthorizations(await open_store(Side.PAYER)) for _ in range(2)]
    authorization = (await submit(stores[0])).partition("/")[0]
    decided = await asyncio.gather(
        *(
            stores[n % 2].decide(
                authorization,
                version=1,
                decisions=[ItemDecision(1, Action.CERTIFY, ENGINE)],
                waiting_for=None,
                at=NOON,
                key="review-1",
            )
            for n in range(20)
        )
    )
    assert {(now.status, now.revision) for now in decided} == {(AuthorizationStatus.CERTIFIED, 1)}


async def test_messages_notes_and_news_of_two_engines_are_each_kept_once(open_store: Open) -> None:
    stores = [SqlCases(await open_store(Side.PRACTICE)) for _ in range(2)]

    async def work(n: int) -> str:
        store, key = stores[n % 2], f"key-{n // 4}"
        await store.note("case-1", "seen", by=ENGINE, at=NOON, key=key)
        await store.keep_document("case-1", "card", {"n": n})
        await store.stir("case-1")
        kept = await store.keep_message(
            "case-1", direction="received", kind="response", version=1, body=key.encode(), key=key, at=NOON
        )
        return kept.id

    ids = await asyncio.gather(*(work(n) for n in range(20)))
    assert len(set(ids)) == 5
    assert len(await stores[0].messages("case-1")) == 5
    assert len(await stores[0].timeline("case-1")) == 5
    async with stores[0].database.read() as connection:
        assert await connection.scalar(select(tables.news.c.stirred)) == 25, "twenty stirs and five new messages"


async def test_two_processes_that_start_at_once_on_an_empty_database_work_side_by_side(url: str) -> None:
    workers = [start(url, "events", name, 8) for name in ("api", "worker")]
    for worker in workers:
        go(worker)
    for worker in workers:
        _, errors = worker.communicate(timeout=120)
        assert worker.returncode == 0, errors
    database = await Database.open(url, Side.PAYER, KEYS)
    store = SqlAuthorizations(database)
    async with database.read() as connection:
        numbers = list(await connection.scalars(select(tables.notification.c.event_number)))
    assert sorted(numbers) == list(range(1, 25)), "eight of each process and eight that both asked for"
    assert len(await store.authorizations()) == 8
    await database.close()


async def test_a_process_killed_in_the_middle_leaves_nothing_half_written(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "payer.db")
    acknowledged: list[str] = []
    for life in range(3):
        worker = start(url, "submissions", f"life-{life}", 10_000)
        go(worker)
        assert worker.stdout is not None
        acknowledged += [worker.stdout.readline().strip() for _ in range(15)]
        worker.kill()
        worker.communicate()
    database = await Database.open(url, Side.PAYER, KEYS)
    store = SqlAuthorizations(database)
    kept = await store.authorizations()
    assert set(acknowledged) <= {authorization.id for authorization in kept}
    for authorization in kept:
        assert len(await store.request_body(authorization.id, 1)) > 10_000
    assert sorted(await store.unlooked()) == sorted(authorization.id for authorization in kept)
    await database.close()


def start(url: str, what: str, name: str, count: int) -> subprocess.Popen[str]:
    worker = subprocess.Popen(
        [sys.executable, str(WORKER), url, what, name, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "ready\n"
    return worker


def go(worker: subprocess.Popen[str]) -> None:
    assert worker.stdin is not None
    worker.stdin.write("go\n")
    worker.stdin.flush()
