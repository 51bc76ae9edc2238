"""Exchanges that changed nothing are kept all the same, and what a list shows is read at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prior_auth.store.authorizations import SqlAuthorizations

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


async def submit(store: SqlAuthorizations, name: str, *, sender: str = "PRACTICE1", at: datetime = NOON) -> str:
    receipt = await store.receive(
        sender=sender,
        bundle_identifier=f"urn:us|{name}",
        claim_identifiers=["urn:us|C1"],
        prior_claim=None,
        canonical_hash=name,
        body=name.encode(),
        plan="GOLD",
        service="Q5112",
        at=at,
        due_at=None,
    )
    return receipt.authorization.id


async def test_a_refused_exchange_is_kept_both_ways_once_and_stirs_nobody(authorizations: SqlAuthorizations) -> None:
    first = await authorizations.keep_refused("refused-1", b"request", b"answer", key="k", at=NOON)
    again = await authorizations.keep_refused("refused-1", b"request", b"another answer", key="k", at=NOON)
    assert again.id == first.id
    assert await authorizations.message_body(again.id) == b"answer"
    kept = await authorizations.messages("refused-1")
    assert [(one.direction, one.kind, one.version) for one in kept] == [
        ("received", "request", 0),
        ("sent", "response", 0),
    ]
    assert await authorizations.unlooked() == []


async def test_a_claim_leads_to_its_senders_newest_authorization(authorizations: SqlAuthorizations) -> None:
    await submit(authorizations, "B1")
    newest = await submit(authorizations, "B2", at=NOON + timedelta(hours=1))
    other = await submit(authorizations, "B3", sender="PRACTICE2")
    assert await authorizations.authorization_of_claim("PRACTICE1", "urn:us|C1") == newest
    assert await authorizations.authorization_of_claim("PRACTICE2", "urn:us|C1") == other
    assert await authorizations.authorization_of_claim("PRACTICE1", "urn:us|C9") is None


async def test_documents_of_a_name_come_by_owner(authorizations: SqlAuthorizations) -> None:
    for owner, service in (("a", "one"), ("b", "two")):
        await authorizations.keep_document(owner, "card", {"service": service})
    await authorizations.keep_document("c", "clock", "another name")
    assert await authorizations.documents("card") == {"a": {"service": "one"}, "b": {"service": "two"}}
