"""The legal clock in the payer's store: events of one moment all count, and the due instant follows."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from prior_auth import clocks
from prior_auth.domain import legal_clock
from prior_auth.domain.deadline import BenefitKind, Channel, DeadlineRow, Extension, Program, Span, Terms, Unit
from prior_auth.domain.request import Urgency
from prior_auth.errors import Conflict, NotFound
from prior_auth.store.authorizations import SqlAuthorizations

NOON = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
ROW = DeadlineRow(
    id="a-row",
    programs=(Program.COMMERCIAL,),
    benefits=(BenefitKind.SERVICE,),
    urgencies=tuple(Urgency),
    channels=tuple(Channel),
    states=(),
    span=Span(15, Unit.DAYS),
    start=date(2018, 1, 1),
    end=None,
    reference="a law",
    verified=True,
    extension=Extension(15, "a law", True, stops=True),
)
TERMS = Terms(Program.COMMERCIAL, (BenefitKind.SERVICE,), Urgency.STANDARD, Channel.ELECTRONIC, None, "America/Chicago")


@pytest.fixture
async def owner(authorizations: SqlAuthorizations) -> str:
    clock = legal_clock.started([ROW], TERMS, NOON)
    receipt = await authorizations.receive(
        sender="PRACTICE1",
        bundle_identifier="urn:us|B1",
        claim_identifiers=["urn:us|C1"],
        prior_claim=None,
        canonical_hash="h",
        body=b"bundle",
        plan="GOLD",
        service="71271",
        at=NOON,
        due_at=clock.due_at,
    )
    await clocks.keep(authorizations, receipt.authorization.id, clock)
    return receipt.authorization.id


async def test_two_events_of_one_moment_both_count(authorizations: SqlAuthorizations, owner: str) -> None:
    await asyncio.gather(
        *(
            clocks.move(authorizations, owner, lambda clock, happens=happens: happens(clock, NOON))
            for happens in (legal_clock.asked, legal_clock.decided, legal_clock.notified)
        )
    )
    found = await clocks.kept(authorizations, owner)
    assert found is not None
    assert (found.moments.asked, found.moments.decided, found.moments.notified) == (NOON, NOON, NOON)


async def test_the_due_instant_follows_the_clock(authorizations: SqlAuthorizations, owner: str) -> None:
    before = (await authorizations.get(owner)).due_at
    assert before is not None
    moved = await clocks.move(
        authorizations, owner, lambda clock: legal_clock.extended(clock, NOON, days=5, reason="why")
    )
    assert moved is not None
    assert moved.due_at == before + timedelta(days=5)
    assert (await authorizations.get(owner)).due_at == moved.due_at


async def test_a_clock_that_stands_still_is_due_at_no_instant_until_it_runs_again(
    authorizations: SqlAuthorizations, owner: str
) -> None:
    def waits(clock: legal_clock.LegalClock) -> legal_clock.LegalClock:
        return legal_clock.extended(clock, NOON, days=15, reason="a report is missing", waits=True)

    await clocks.move(authorizations, owner, waits)
    assert (await authorizations.get(owner)).due_at is None
    await clocks.move(authorizations, owner, lambda clock: legal_clock.completed(clock, NOON + timedelta(days=2)))
    assert (await authorizations.get(owner)).due_at == datetime(2026, 4, 4, 5, 0, tzinfo=UTC)


async def test_what_is_refused_changes_nothing(authorizations: SqlAuthorizations, owner: str) -> None:
    before = await clocks.kept(authorizations, owner)
    with pytest.raises(Conflict):
        await clocks.move(authorizations, owner, lambda clock: legal_clock.extended(clock, NOON, days=99, reason="why"))
    assert await clocks.kept(authorizations, owner) == before


async def test_where_no_clock_is_kept_nothing_moves(authorizations: SqlAuthorizations) -> None:
    with pytest.raises(NotFound):
        await clocks.move(authorizations, "none", lambda clock: clock)
