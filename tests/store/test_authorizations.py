from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from prior_auth.domain.authorization import (
    Action,
    Authorization,
    AuthorizationStatus,
    DenialReason,
    ItemDecision,
    RequestedInformation,
)
from prior_auth.domain.people import ENGINE, Person, Role
from prior_auth.domain.request import Period
from prior_auth.errors import Conflict, NotFound
from prior_auth.ports import AuthorizationStore, Receipt
from prior_auth.store.authorizations import SqlAuthorizations

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DUE = NOON + timedelta(days=7)
CLINICIAN = Person("Dr. Ada Clinic", Role.CLINICIAN, "1234567893")
CERTIFY = ItemDecision(1, Action.CERTIFY, ENGINE, number="A1", units=Decimal("12.50"))
PEND = ItemDecision(
    1, Action.PEND, ENGINE, requested=(RequestedInformation("11502-2", "the laboratory report", "R11.C6"),)
)
DENY = ItemDecision(
    1,
    Action.DENY,
    CLINICIAN,
    reason=DenialReason.BIOMARKER_CONTRADICTS,
    narrative="Only a variant of uncertain significance.",
    criterion="R14.C4",
    period=Period(date(2026, 3, 1), None),
)


async def submit(
    store: AuthorizationStore,
    bundle: str = "urn:us|B1",
    *,
    body: bytes = b"bundle",
    claims: Sequence[str] = ("urn:us|C1",),
    prior: str | None = None,
    sender: str = "PRACTICE1",
    canonical: str | None = None,
    at: datetime = NOON,
    due_at: datetime | None = DUE,
) -> Receipt:
    return await store.receive(
        sender=sender,
        bundle_identifier=bundle,
        claim_identifiers=claims,
        prior_claim=prior,
        canonical_hash=canonical or body.hex(),
        body=body,
        plan="GOLD",
        service="Q5112",
        at=at,
        due_at=due_at,
    )


async def decide(
    store: AuthorizationStore, receipt: Receipt, *decisions: ItemDecision, key: str = "k", version: int | None = None
) -> Authorization:
    return await store.decide(
        receipt.authorization.id,
        version=receipt.version if version is None else version,
        decisions=decisions,
        waiting_for=None,
        at=NOON,
        key=key,
    )


# -- receiving ---------------------------------------------------------------------------------------------------------


async def test_a_submission_becomes_an_authorization_with_its_exact_bytes(authorizations: SqlAuthorizations) -> None:
    receipt = await submit(authorizations)
    authorization = receipt.authorization
    assert (receipt.fresh, receipt.version) == (True, 1)
    assert authorization.status is AuthorizationStatus.RECEIVED
    assert (authorization.version, authorization.revision, authorization.told) == (1, 0, 0)
    assert (authorization.received_at, authorization.due_at) == (NOON, DUE)
    assert await authorizations.get(authorization.id) == authorization
    assert await authorizations.request_body(authorization.id, 1) == b"bundle"
    [message] = await authorizations.messages(authorization.id)
    assert (message.direction, message.kind, message.version) == ("received", "request", 1)
    assert await authorizations.unlooked() == [authorization.id]


async def test_the_same_submission_again_finds_the_first_receipt(authorizations: SqlAuthorizations) -> None:
    first = await submit(authorizations)
    await decide(authorizations, first, CERTIFY)
    second = await submit(authorizations, at=NOON + timedelta(minutes=1), due_at=DUE + timedelta(days=1))
    assert (second.fresh, second.version) == (False, 1)
    assert second.authorization == await authorizations.get(first.authorization.id)
    assert second.authorization.status is AuthorizationStatus.CERTIFIED
    assert second.authorization.due_at == DUE
    assert len(await authorizations.messages(first.authorization.id)) == 1


async def test_other_bytes_of_the_same_content_are_a_resend(authorizations: SqlAuthorizations) -> None:
    first = await submit(authorizations, body=b'{"a": 1}', canonical="same")
    second = await submit(authorizations, body=b'{"a":1}', canonical="same")
    assert not second.fresh
    assert await authorizations.request_body(first.authorization.id, 1) == b'{"a": 1}'


async def test_the_same_identifier_with_another_body_is_a_new_request(authorizations: SqlAuthorizations) -> None:
    first = await submit(authorizations)
    second = await submit(authorizations, body=b"another")
    assert second.fresh
    assert second.authorization.id != first.authorization.id


async def test_the_same_identifier_and_body_of_another_sender_is_another_request(
    authorizations: SqlAuthorizations,
) -> None:
    first = await submit(authorizations)
    second = await submit(authorizations, sender="PRACTICE2")
    assert second.fresh
    assert second.authorization.id != first.authorization.id


async def test_an_update_is_a_new_version_of_the_authorization_of_its_prior_claim(
    authorizations: SqlAuthorizations,
) -> None:
    first = await submit(authorizations)
    await decide(authorizations, first, PEND)
    later = DUE + timedelta(days=3)
    second = await submit(
        authorizations, "urn:us|B2", body=b"v2", claims=["urn:us|C2"], prior="urn:us|C1", due_at=later
    )
    assert (second.fresh, second.version) == (True, 2)
    assert second.authorization.id == first.authorization.id
    assert second.authorization.status is AuthorizationStatus.RECEIVED
    assert second.authorization.due_at == later
    assert await authorizations.request_body(first.authorization.id, 1) == b"bundle"
    assert await authorizations.request_body(first.authorization.id, 2) == b"v2"
    third = await submit(authorizations, "urn:us|B3", body=b"v3", claims=["urn:us|C3"], prior="urn:us|C2", due_at=None)
    assert third.version == 3
    assert third.authorization.due_at == later, "no new deadline leaves the earlier one"


async def test_a_resent_update_is_known_though_it_is_no_longer_the_newest(authorizations: SqlAuthorizations) -> None:
    await submit(authorizations)
    await submit(authorizations, "urn:us|B2", body=b"v2", claims=["urn:us|C2"], prior="urn:us|C1")
    await submit(authorizations, "urn:us|B3", body=b"v3", claims=["urn:us|C3"], prior="urn:us|C2")
    again = await submit(authorizations, "urn:us|B2", body=b"v2", claims=["urn:us|C2"], prior="urn:us|C1")
    assert (again.fresh, again.version, again.authorization.version) == (False, 2, 3)


async def test_an_update_that_keeps_its_claim_identifier_finds_its_authorization(
    authorizations: SqlAuthorizations,
) -> None:
    await submit(authorizations)
    second = await submit(authorizations, body=b"v2", prior="urn:us|C1")
    third = await submit(authorizations, body=b"v3", prior="urn:us|C1")
    assert (second.version, third.version) == (2, 3)


async def test_an_update_of_a_claim_identifier_used_twice_is_of_the_newest_request(
    authorizations: SqlAuthorizations,
) -> None:
    await submit(authorizations, "urn:us|B1")
    newer = await submit(authorizations, "urn:us|B2", body=b"other", at=NOON + timedelta(hours=1))
    update = await submit(authorizations, "urn:us|B3", body=b"v2", prior="urn:us|C1")
    assert update.authorization.id == newer.authorization.id


async def test_an_update_of_an_unknown_claim_is_not_found(authorizations: SqlAuthorizations) -> None:
    await submit(authorizations, sender="PRACTICE2")
    with pytest.raises(NotFound):
        await submit(authorizations, body=b"v2", prior="urn:us|C1")  # another sender's Claim is unknown too
    assert len(await authorizations.authorizations()) == 1


async def test_an_update_of_a_superseded_claim_is_refused(authorizations: SqlAuthorizations) -> None:
    first = await submit(authorizations)
    await submit(authorizations, "urn:us|B2", body=b"v2", claims=["urn:us|C2"], prior="urn:us|C1")
    with pytest.raises(Conflict):
        await submit(authorizations, "urn:us|B3", body=b"late", claims=["urn:us|C9"], prior="urn:us|C1")
    assert (await authorizations.get(first.authorization.id)).version == 2


async def test_a_denied_request_cannot_be_updated(authorizations: SqlAuthorizations) -> None:
    first = await submit(authorizations)
    await decide(authorizations, first, DENY)
    with pytest.raises(Conflict):
        await submit(authorizations, "urn:us|B2", body=b"v2", claims=["urn:us|C2"], prior="urn:us|C1")
    assert len(await authorizations.messages(first.authorization.id)) == 1


# -- deciding ----------------------------------------------------------------------------------------------------------


async def test_a_word_is_a_new_revision_and_comes_back_as_it_was_said(authorizations: SqlAuthorizations) -> None:
    receipt = await submit(authorizations)
    pended = await decide(authorizations, receipt, PEND, key="1")
    assert (pended.status, pended.revision) == (AuthorizationStatus.PENDED, 1)
    denied = await decide(authorizations, receipt, DENY, key="2")
    assert (denied.status, denied.revision) == (AuthorizationStatus.NOT_CERTIFIED, 2)
    assert await authorizations.decisions(receipt.authorization.id) == [DENY]


async def test_decimals_of_a_grant_keep_their_digits(authorizations: SqlAuthorizations) -> None:
    receipt = await submit(authorizations)
    await decide(authorizations, receipt, CERTIFY)
    [decision] = await authorizations.decisions(receipt.authorization.id)
    assert decision == CERTIFY
    assert str(decision.units) == "12.50"


async def test_the_same_word_twice_changes_nothing(authorizations: SqlAuthorizations) -> None:
    receipt = await submit(authorizations)
    first = await decide(authorizations, receipt, CERTIFY)
    again = await decide(authorizations, receipt, DENY)  # same key: what was said first was said
    assert again == first
    assert await authorizations.decisions(receipt.authorization.id) == [CERTIFY]


async def test_only_a_persons_word_stirs_the_story(authorizations: SqlAuthorizations) -> None:
    receipt = await submit(authorizations)
    await authorizations.look(receipt.authorization.id)
    await decide(authorizations, receipt, PEND, key="1")
    assert await authorizations.unlooked() == []
    await decide(authorizations, receipt, DENY, key="2")
    assert await authorizations.unlooked() == [receipt.authorization.id]


async def test_a_final_item_is_not_decided_again_until_a_new_version_reopens_it(
    authorizations: SqlAuthorizations,
) -> None:
    receipt = await submit(authorizations)
    await decide(authorizations, receipt, CERTIFY, key="1")
    for later in (DENY, PEND, CERTIFY):
        with pytest.raises(Conflict):
            await decide(authorizations, receipt, later, key="2")
    second = await submit(authorizations, "urn:us|B2", body=b"v2", claims=["urn:us|C2"], prior="urn:us|C1")
    assert await authorizations.decisions(receipt.authorization.id) == []
    assert await authorizations.decisions(receipt.authorization.id, 1) == [CERTIFY]
    assert (await decide(authorizations, second, DENY, key="3")).status is AuthorizationStatus.NOT_CERTIFIED


async def test_a_word_on_a_version_that_was_overtaken_does_not_count(authorizations: SqlAuthorizations) -> None:
    receipt = await submit(authorizations)
    await submit(authorizations, "urn:us|B2", body=b"v2", claims=["urn:us|C2"], prior="urn:us|C1")
    with pytest.raises(Conflict):
        await decide(authorizations, receipt, CERTIFY)
    assert (await authorizations.get(receipt.authorization.id)).revision == 0


async def test_nothing_unattended_denies(authorizations: SqlAuthorizations) -> None:
    receipt = await submit(authorizations)
    with pytest.raises(Conflict):
        await decide(authorizations, receipt, replace(DENY, by=ENGINE))
    assert (await authorizations.get(receipt.authorization.id)).status is AuthorizationStatus.RECEIVED


async def test_a_mix_of_items_is_partial_once_none_is_pended(authorizations: SqlAuthorizations) -> None:
    receipt = await submit(authorizations)
    pended = await decide(authorizations, receipt, CERTIFY, replace(PEND, sequence=2), key="1")
    assert pended.status is AuthorizationStatus.PENDED
    partial = await decide(authorizations, receipt, replace(DENY, sequence=2), key="2")
    assert partial.status is AuthorizationStatus.PARTIAL
    assert [item.sequence for item in await authorizations.decisions(receipt.authorization.id)] == [1, 2]


async def test_a_word_decides_each_item_once(authorizations: SqlAuthorizations) -> None:
    receipt = await submit(authorizations)
    with pytest.raises(Conflict):
        await decide(authorizations, receipt, CERTIFY, DENY)


async def test_a_request_that_cannot_be_judged_is_pended_without_a_word_on_its_items(
    authorizations: SqlAuthorizations,
) -> None:
    receipt = await submit(authorizations)
    pended = await decide(authorizations, receipt, key="not-judged")
    assert (pended.status, pended.revision) == (AuthorizationStatus.PENDED, 1)
    assert await authorizations.decisions(receipt.authorization.id) == []
    assert (await decide(authorizations, receipt, DENY, key="desk")).status is AuthorizationStatus.NOT_CERTIFIED


async def test_what_the_submitter_was_told_never_goes_back(authorizations: SqlAuthorizations) -> None:
    receipt = await submit(authorizations)
    await decide(authorizations, receipt, PEND, key="1")
    await decide(authorizations, receipt, CERTIFY, key="2")
    await authorizations.tell(receipt.authorization.id, 2)
    await authorizations.tell(receipt.authorization.id, 1)
    assert (await authorizations.get(receipt.authorization.id)).told == 2
    with pytest.raises(Conflict):
        await authorizations.tell(receipt.authorization.id, 3)


async def test_the_queue_shows_the_newest_change_first_and_can_leave_out_what_is_done(
    authorizations: SqlAuthorizations,
) -> None:
    first = await submit(authorizations, "1")
    second = await submit(authorizations, "2", at=NOON + timedelta(hours=1))
    assert [a.id for a in await authorizations.authorizations()] == [second.authorization.id, first.authorization.id]
    await decide(authorizations, second, CERTIFY)
    assert [a.id for a in await authorizations.authorizations(only_open=True)] == [first.authorization.id]
    await authorizations.set_waiting(
        first.authorization.id, AuthorizationStatus.PENDED, waiting_for="clinician", at=NOON
    )
    waiting = await authorizations.get(first.authorization.id)
    assert (waiting.status, waiting.waiting_for) == (AuthorizationStatus.PENDED, "clinician")


# -- subscriptions and notifications -----------------------------------------------------------------------------------


async def subscribe(store: AuthorizationStore, endpoint: str = "http://127.0.0.1/notices") -> str:
    subscription = await store.subscribe(
        sender="PRACTICE1", resource={"resourceType": "Subscription"}, endpoint=endpoint, headers=["X-Token: 1"]
    )
    return subscription.id


async def test_the_same_subscription_again_is_the_same_one_with_its_newest_headers(
    authorizations: SqlAuthorizations,
) -> None:
    first = await subscribe(authorizations)
    await authorizations.set_subscription(first, "active")
    second = await authorizations.subscribe(
        sender="PRACTICE1", resource={"reason": "again"}, endpoint="http://127.0.0.1/notices", headers=["X-Token: 2"]
    )
    assert (second.id, second.status, second.headers) == (first, "active", ("X-Token: 2",))
    assert await authorizations.subscription_resource(first) == {"reason": "again"}
    other = await subscribe(authorizations, "http://127.0.0.1/other")
    assert other != first
    assert {subscriber.id for subscriber in await authorizations.subscribers("PRACTICE1")} == {first, other}
    assert await authorizations.subscribers("PRACTICE2") == []


async def test_a_subscription_that_fell_silent_is_requested_anew(authorizations: SqlAuthorizations) -> None:
    subscription = await subscribe(authorizations)
    await authorizations.set_subscription(subscription, "error")
    await subscribe(authorizations)
    assert (await authorizations.subscriber(subscription)).status == "requested"


async def test_events_are_numbered_without_gaps_and_once_for_each_key(authorizations: SqlAuthorizations) -> None:
    authorization = (await submit(authorizations)).authorization.id
    subscription = await subscribe(authorizations)
    first = await authorizations.next_event(subscription, authorization, key="rev-1")
    again = await authorizations.next_event(subscription, authorization, key="rev-1")
    second = await authorizations.next_event(subscription, authorization, key="rev-2")
    assert again == first
    assert (first.event_number, second.event_number) == (1, 2)
    assert (await authorizations.subscriber(subscription)).events == 2


async def test_a_notification_is_undelivered_until_it_has_arrived(authorizations: SqlAuthorizations) -> None:
    authorization = (await submit(authorizations)).authorization.id
    subscription = await subscribe(authorizations)
    await authorizations.set_subscription(subscription, "active")
    event = await authorizations.next_event(subscription, authorization, key="rev-1")
    assert event.body_message is None
    await authorizations.keep_notification_body(event.id, b"first", at=NOON)
    await authorizations.keep_notification_body(event.id, b"second", at=NOON)
    [waiting] = await authorizations.undelivered()
    assert waiting.body_message is not None
    assert await authorizations.message_body(waiting.body_message) == b"first"
    await authorizations.mark_delivered(event.id, at=NOON)
    assert await authorizations.undelivered() == []
    assert (await authorizations.notification(event.id)).delivered
    sent = (await authorizations.messages(authorization))[-1]
    assert (sent.direction, sent.kind) == ("sent", "notification")


async def test_no_event_goes_before_the_handshake_and_none_to_a_silent_subscription(
    authorizations: SqlAuthorizations,
) -> None:
    authorization = (await submit(authorizations)).authorization.id
    subscription = await subscribe(authorizations)
    handshake = await authorizations.handshake(subscription)
    assert (handshake.event_number, handshake.authorization) == (0, None)
    event = await authorizations.next_event(subscription, authorization, key="rev-1")
    assert event.event_number == 1
    assert await authorizations.undelivered() == [handshake]
    await authorizations.keep_notification_body(handshake.id, b"hello", at=NOON)
    await authorizations.mark_delivered(handshake.id, at=NOON)
    await authorizations.set_subscription(subscription, "active")
    assert await authorizations.undelivered() == [event]
    await authorizations.set_subscription(subscription, "error")
    assert await authorizations.undelivered() == []
    [hello] = await authorizations.messages(subscription)
    assert await authorizations.message_body(hello.id) == b"hello"


async def test_a_subscription_requested_anew_has_its_handshake_delivered_anew(
    authorizations: SqlAuthorizations,
) -> None:
    subscription = await subscribe(authorizations)
    first = await authorizations.handshake(subscription)
    await authorizations.mark_delivered(first.id, at=NOON)
    await authorizations.set_subscription(subscription, "active")
    assert (await authorizations.handshake(subscription)).delivered
    await authorizations.set_subscription(subscription, "error")
    await subscribe(authorizations)
    again = await authorizations.handshake(subscription)
    assert (again.id, again.delivered) == (first.id, False)


async def test_a_subscriber_is_found_by_each_of_its_sending_systems(authorizations: SqlAuthorizations) -> None:
    kept = await authorizations.subscribe(sender="PRACTICE1,1234567893", resource={}, endpoint="e", headers=[])
    assert await authorizations.subscribers("1234567893") == [kept]
    assert await authorizations.subscribers("PRACTICE") == []


async def test_an_event_of_nothing_takes_no_number(authorizations: SqlAuthorizations) -> None:
    subscription = await subscribe(authorizations)
    with pytest.raises(NotFound):
        await authorizations.next_event(subscription, "nothing", key="k")
    assert (await authorizations.subscriber(subscription)).events == 0


async def test_what_is_not_there_is_said_so(authorizations: SqlAuthorizations) -> None:
    receipt = await submit(authorizations)
    for missing in (
        authorizations.get("nothing"),
        authorizations.decisions("nothing"),
        authorizations.tell("nothing", 0),
        authorizations.set_waiting("nothing", AuthorizationStatus.PENDED, waiting_for=None, at=NOON),
        authorizations.request_body(receipt.authorization.id, 2),
        authorizations.subscriber("nothing"),
        authorizations.set_subscription("nothing", "active"),
        authorizations.handshake("nothing"),
        authorizations.next_event("nothing", receipt.authorization.id, key="k"),
        authorizations.notification("nothing"),
        authorizations.keep_notification_body("nothing", b"", at=NOON),
        authorizations.mark_delivered("nothing", at=NOON),
    ):
        with pytest.raises(NotFound):
            await missing


async def test_twenty_equal_submissions_at_one_instant_are_one_authorization(
    authorizations: SqlAuthorizations,
) -> None:
    receipts = await asyncio.gather(*(submit(authorizations) for _ in range(20)))
    assert sum(receipt.fresh for receipt in receipts) == 1
    assert len({receipt.authorization.id for receipt in receipts}) == 1
    assert len(await authorizations.authorizations()) == 1


def test_the_store_is_the_port(authorizations: SqlAuthorizations) -> None:
    store: AuthorizationStore = authorizations  # mypy judges this line
    assert store is authorizations
