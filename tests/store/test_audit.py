"""An honest exchange leaves no finding; each way to break it is found and named."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from prior_auth.domain.authorization import Action, DenialReason, ItemDecision
from prior_auth.domain.case import CaseStatus
from prior_auth.domain.people import ENGINE, Person, Role
from prior_auth.fhir import json, subscription
from prior_auth.store import tables
from prior_auth.store.audit import AuditReport, compare
from prior_auth.store.authorizations import SqlAuthorizations
from prior_auth.store.cases import SqlCases
from prior_auth.store.database import Database, sqlite_url
from prior_auth.store.seal import KEY_BYTES, KeyRing
from prior_auth.store.tables import Side

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CHART = b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p"}}]}'
REQUEST, PENDED = b'{"resourceType":"Bundle","id":"request"}', b'{"resourceType":"Bundle","id":"pended"}'
FINAL = {"resourceType": "Bundle", "type": "collection", "id": "final"}
CERTIFY = ItemDecision(1, Action.CERTIFY, ENGINE)
PEND = ItemDecision(1, Action.PEND, ENGINE)
DENY = ItemDecision(
    1,
    Action.DENY,
    Person("Dr. Ada Clinic", Role.CLINICIAN, "1234567893"),
    reason=DenialReason.STAGE_NOT_COVERED,
    narrative="Stage I.",
)


@dataclass
class Exchange:
    """Both sides, and the steps of one request between them."""

    practice: SqlCases
    payer: SqlAuthorizations
    case: str = ""
    authorization: str = ""
    subscription: str = ""

    async def audit(self) -> AuditReport:
        return await compare(self.practice.database, self.payer.database)

    async def prepare(self, key: str = "1") -> None:
        case, _ = await self.practice.open(
            key, payer="sample", plan=None, service="Q5112", chart=CHART, request={}, at=NOON
        )
        self.case = case.id
        await self.practice.note(self.case, "opened", by=ENGINE, at=NOON, key="opened")
        await self.keep_request()
        await self.practice.set_status(self.case, CaseStatus.SENDING, waiting_for="payer", at=NOON, version=1)

    async def keep_request(self, body: bytes = REQUEST, key: str = "request/1") -> str:
        message = await self.practice.keep_message(
            self.case, direction="sent", kind="request", version=1, body=body, key=key, at=NOON
        )
        return message.id

    async def receive(self, body: bytes = REQUEST) -> None:
        receipt = await self.payer.receive(
            sender="PRACTICE1",
            bundle_identifier="B1",
            claim_identifiers=["C1"],
            prior_claim=None,
            canonical_hash=body.hex(),
            body=body,
            plan=None,
            service="Q5112",
            at=NOON,
            due_at=None,
        )
        self.authorization = receipt.authorization.id
        await self.payer.note(self.authorization, "received", by=ENGINE, at=NOON, key="received")

    async def say(self, decision: ItemDecision, key: str) -> None:
        await self.payer.decide(self.authorization, version=1, decisions=[decision], waiting_for=None, at=NOON, key=key)

    async def answer(self, body: bytes = PENDED, key: str = "response/1") -> None:
        await self.payer.keep_message(
            self.authorization, direction="sent", kind="response", version=1, body=body, key=key, at=NOON
        )
        await self.payer.tell(self.authorization, (await self.payer.get(self.authorization)).revision)

    async def hear(self, body: bytes = PENDED, status: CaseStatus = CaseStatus.PENDED, key: str = "response/1") -> None:
        await self.practice.keep_message(
            self.case, direction="received", kind="response", version=1, body=body, key=key, at=NOON
        )
        await self.practice.set_status(self.case, status, waiting_for=None, at=NOON)
        await self.practice.look(self.case)

    async def queue(self) -> str:
        kept = await self.payer.subscribe(sender="PRACTICE1", resource={}, endpoint="here", headers=[])
        self.subscription = kept.id
        await self.payer.handshake(kept.id)
        event = await self.payer.next_event(kept.id, self.authorization, key="rev-2")
        sender = subscription.Sender("http://127.0.0.1/fhir", kept.id, "active")
        body = subscription.event(sender, FINAL, number=event.event_number, at=NOON)
        await self.payer.keep_notification_body(event.id, json.write(body), at=NOON)
        await self.payer.tell(self.authorization, (await self.payer.get(self.authorization)).revision)
        return event.id

    async def notice(self, status: CaseStatus, body: bytes | None = None) -> None:
        told = body or json.write(FINAL)
        await self.practice.keep_notice(self.subscription, 1, told, at=NOON)
        await self.practice.keep_message(
            self.case, direction="received", kind="notification", version=1, body=told, key="notice/1", at=NOON
        )
        await self.practice.set_status(self.case, status, waiting_for=None, at=NOON)
        await self.practice.look(self.case)

    async def certified_at_once(self) -> None:
        await self.prepare()
        await self.receive()
        await self.say(CERTIFY, "1")
        await self.answer()
        await self.hear(status=CaseStatus.CERTIFIED)

    async def pended_then_denied(self) -> str:
        """Up to the notification on its way."""
        await self.prepare()
        await self.receive()
        await self.say(PEND, "1")
        await self.answer()
        await self.hear()
        await self.say(DENY, "2")
        return await self.queue()


@pytest.fixture
async def exchange(tmp_path: Path) -> AsyncIterator[Exchange]:
    practice = await Database.open(sqlite_url(tmp_path / "practice.db"), Side.PRACTICE, KeyRing(b"p" * KEY_BYTES))
    payer = await Database.open(sqlite_url(tmp_path / "payer.db"), Side.PAYER, KeyRing(b"q" * KEY_BYTES))
    yield Exchange(SqlCases(practice), SqlAuthorizations(payer))
    await practice.close()
    await payer.close()


def found(report: AuditReport) -> list[str]:
    return sorted(finding.kind for finding in report.findings)


def on_the_way(report: AuditReport) -> list[str]:
    return sorted(finding.kind for finding in report.on_the_way)


# -- honest exchanges --------------------------------------------------------------------------------------------------


async def test_empty_stores_agree(exchange: Exchange) -> None:
    report = await exchange.audit()
    assert report.ok
    assert (report.cases, report.authorizations, report.requests) == (0, 0, 0)


async def test_a_request_certified_at_once_leaves_no_finding(exchange: Exchange) -> None:
    await exchange.certified_at_once()
    report = await exchange.audit()
    assert (report.findings, report.on_the_way) == ([], [])
    assert (report.cases, report.authorizations, report.requests, report.answers) == (1, 1, 1, 1)


async def test_a_denial_by_notification_is_on_the_way_until_it_has_arrived(exchange: Exchange) -> None:
    event = await exchange.pended_then_denied()
    report = await exchange.audit()
    assert report.ok
    assert on_the_way(report) == ["not-delivered-yet", "word-on-the-way"]
    await exchange.notice(CaseStatus.NOT_CERTIFIED)
    await exchange.payer.mark_delivered(event, at=NOON)
    report = await exchange.audit()
    assert (report.findings, report.on_the_way, report.notifications) == ([], [], 1)


async def test_a_request_on_its_way_is_no_fault(exchange: Exchange) -> None:
    await exchange.prepare()
    report = await exchange.audit()
    assert report.ok
    assert on_the_way(report) == ["not-sent-yet"]


async def test_an_answer_on_its_way_is_no_fault_and_a_resend_is_counted(exchange: Exchange) -> None:
    await exchange.prepare()
    await exchange.receive()
    await exchange.say(CERTIFY, "1")
    await exchange.answer()
    await exchange.receive()  # the practice died before it kept the answer, and sends the same bytes again
    report = await exchange.audit()
    assert report.ok
    assert report.resent == 1
    assert on_the_way(report) == ["answer-not-arrived", "word-on-the-way"]


async def test_an_answer_overtaken_by_a_later_one_to_the_same_call_is_counted_as_unread(exchange: Exchange) -> None:
    await exchange.prepare()
    await exchange.receive()
    await exchange.say(PEND, "1")
    await exchange.answer()
    await exchange.say(DENY, "2")
    await exchange.answer(b"denied", "response/2")
    await exchange.hear(b"denied", CaseStatus.NOT_CERTIFIED)
    report = await exchange.audit()
    assert report.ok
    assert report.unread == 1


async def test_a_request_that_the_payers_server_refused_is_not_lost(exchange: Exchange) -> None:
    await exchange.prepare()
    refused = (await exchange.practice.messages(exchange.case))[0].id
    await exchange.practice.keep_document(exchange.case, "refused", [refused])
    report = await exchange.audit()
    assert (report.findings, report.on_the_way) == ([], [])


# -- what is found -----------------------------------------------------------------------------------------------------


async def test_an_answered_request_that_the_payer_does_not_have_is_lost(exchange: Exchange) -> None:
    await exchange.prepare()
    await exchange.hear()
    assert found(await exchange.audit()) == ["lost", "orphan"]


async def test_a_request_received_under_two_authorizations_is_found(exchange: Exchange) -> None:
    await exchange.certified_at_once()
    second = await exchange.payer.receive(
        sender="PRACTICE1",
        bundle_identifier="B2",
        claim_identifiers=["C2"],
        prior_claim=None,
        canonical_hash="other",
        body=REQUEST,
        plan=None,
        service="Q5112",
        at=NOON,
        due_at=None,
    )
    await exchange.payer.note(second.authorization.id, "received", by=ENGINE, at=NOON, key="received")
    assert "received-twice" in found(await exchange.audit())


async def test_a_request_sent_in_two_forms_is_found(exchange: Exchange) -> None:
    await exchange.certified_at_once()
    await exchange.keep_request(b"another form", "request/1/again")
    assert found(await exchange.audit()) == ["lost", "sent-twice"]


async def test_a_submission_that_no_case_sent_is_found(exchange: Exchange) -> None:
    await exchange.receive()
    assert found(await exchange.audit()) == ["orphan"]


async def test_an_answer_that_the_payer_did_not_send_is_found(exchange: Exchange) -> None:
    await exchange.certified_at_once()
    await exchange.hear(b"forged", CaseStatus.CERTIFIED, "forged")
    assert found(await exchange.audit()) == ["orphan"]


async def test_an_answer_kept_twice_is_found(exchange: Exchange) -> None:
    await exchange.certified_at_once()
    await exchange.hear(status=CaseStatus.CERTIFIED, key="response/1/again")
    assert found(await exchange.audit()) == ["answered-twice"]


async def test_a_delivered_notification_that_the_practice_does_not_have_is_lost(exchange: Exchange) -> None:
    event = await exchange.pended_then_denied()
    await exchange.payer.mark_delivered(event, at=NOON)
    assert found(await exchange.audit()) == ["lost", "states-disagree"]


async def test_a_notice_with_another_content_is_found(exchange: Exchange) -> None:
    event = await exchange.pended_then_denied()
    await exchange.payer.mark_delivered(event, at=NOON)
    await exchange.notice(CaseStatus.NOT_CERTIFIED, b'{"resourceType":"Bundle","id":"other"}')
    assert found(await exchange.audit()) == ["changed"]


async def test_notices_of_no_payer_and_of_no_case_are_found(exchange: Exchange) -> None:
    event = await exchange.pended_then_denied()
    await exchange.payer.mark_delivered(event, at=NOON)
    await exchange.practice.keep_notice(exchange.subscription, 1, json.write(FINAL), at=NOON)
    await exchange.practice.keep_notice("unknown", 1, b"x", at=NOON)
    assert found(await exchange.audit()) == ["orphan", "orphan", "states-disagree"]


async def test_a_gap_in_the_events_is_found(exchange: Exchange) -> None:
    await exchange.pended_then_denied()
    async with exchange.payer.database.write() as connection:
        await connection.execute(update(tables.subscription).values(events=2))
    assert found(await exchange.audit()) == ["event-gap"]


async def test_sides_that_disagree_are_found(exchange: Exchange) -> None:
    await exchange.certified_at_once()
    await exchange.practice.set_status(exchange.case, CaseStatus.NOT_CERTIFIED, waiting_for=None, at=NOON)
    assert found(await exchange.audit()) == ["states-disagree"]
    await exchange.practice.set_status(exchange.case, CaseStatus.ATTENTION, waiting_for="person", at=NOON)
    report = await exchange.audit()
    assert report.ok
    assert on_the_way(report) == ["needs-a-person"]


async def test_a_case_decided_without_a_payer_is_found(exchange: Exchange) -> None:
    await exchange.prepare()
    await exchange.practice.set_status(exchange.case, CaseStatus.CERTIFIED, waiting_for=None, at=NOON)
    assert found(await exchange.audit()) == ["decided-without-payer"]


async def test_a_case_and_an_authorization_without_a_story_are_found(exchange: Exchange) -> None:
    await exchange.certified_at_once()
    for side in (exchange.practice, exchange.payer):
        async with side.database.write() as connection:
            await connection.execute(delete(tables.timeline))
    assert found(await exchange.audit()) == ["authorization-without-story", "case-without-story"]


async def test_an_authorization_without_its_submission_is_found(exchange: Exchange) -> None:
    await exchange.certified_at_once()
    async with exchange.payer.database.write() as connection:
        await connection.execute(delete(tables.submission))
    assert found(await exchange.audit()) == ["authorization-without-submission"]


async def test_a_message_of_nobody_is_found(exchange: Exchange) -> None:
    await exchange.practice.keep_message(
        "nobody", direction="sent", kind="note", version=1, body=b"x", key="1", at=NOON
    )
    assert found(await exchange.audit()) == ["orphan"]


async def test_an_exchange_that_was_refused_is_no_orphan(exchange: Exchange) -> None:
    await exchange.payer.keep_refused("refused-1", b"an update", b"a refusal", key="k", at=NOON)
    assert [one.what for one in (await exchange.audit()).findings] == ["a request that no case sent"]


async def test_a_damaged_message_is_found(exchange: Exchange) -> None:
    await exchange.certified_at_once()
    async with exchange.practice.database.write() as connection:
        await connection.execute(
            update(tables.message).where(tables.message.c.kind == "response").values(sealed=b"\x01damaged")
        )
        await connection.execute(
            update(tables.message).where(tables.message.c.kind == "request").values(sha256="0" * 64)
        )
    assert found(await exchange.audit()).count("damaged") == 2


async def test_the_audit_compares_stores_of_different_kinds(
    exchange: Exchange, open_store: Callable[[Side], Awaitable[Database]]
) -> None:
    mixed = Exchange(exchange.practice, SqlAuthorizations(await open_store(Side.PAYER)))
    event = await mixed.pended_then_denied()
    await mixed.payer.mark_delivered(event, at=NOON)
    assert found(await mixed.audit()) == ["lost", "states-disagree"]
    await mixed.notice(CaseStatus.NOT_CERTIFIED)
    report = await mixed.audit()
    assert (report.findings, report.on_the_way) == ([], [])


async def test_the_audit_reads_stores_that_were_opened_read_only(exchange: Exchange, tmp_path: Path) -> None:
    await exchange.certified_at_once()
    practice = await Database.open(
        sqlite_url(tmp_path / "practice.db"), Side.PRACTICE, KeyRing(b"p" * KEY_BYTES), read_only=True
    )
    payer = await Database.open(
        sqlite_url(tmp_path / "payer.db"), Side.PAYER, KeyRing(b"q" * KEY_BYTES), read_only=True
    )
    report = await compare(practice, payer)
    await practice.close()
    await payer.close()
    assert report.ok
    assert report.cases == 1


async def test_a_request_withdrawn_before_it_was_sent_is_no_fault(exchange: Exchange) -> None:
    case, _ = await exchange.practice.open(
        "1", payer="sample", plan=None, service="Q5112", chart=CHART, request={}, at=NOON
    )
    await exchange.practice.note(case.id, "opened", by=ENGINE, at=NOON, key="opened")
    await exchange.practice.set_status(case.id, CaseStatus.WITHDRAWN, waiting_for=None, at=NOON)
    await exchange.practice.look(case.id)
    assert (await exchange.audit()).ok
