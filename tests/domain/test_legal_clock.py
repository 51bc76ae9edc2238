"""The clock of one request: the strictest row binds, five times are kept apart, an extension is a message."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from prior_auth.domain.deadline import (
    Begins,
    BenefitKind,
    Channel,
    DeadlineRow,
    Extension,
    Program,
    Span,
    Terms,
    Unit,
)
from prior_auth.domain.legal_clock import (
    LegalClock,
    asked,
    completed,
    decided,
    extended,
    notified,
    started,
    told_by,
    unknown,
)
from prior_auth.domain.request import Urgency
from prior_auth.errors import Conflict

ZONE = ZoneInfo("America/Los_Angeles")
RECEIVED = datetime(2026, 6, 1, 10, 0, tzinfo=ZONE)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TERMS = Terms(
    Program.COMMERCIAL, (BenefitKind.SERVICE,), Urgency.STANDARD, Channel.ELECTRONIC, "WA", "America/Los_Angeles"
)
FIFTEEN = DeadlineRow(
    id="federal",
    programs=(Program.COMMERCIAL,),
    benefits=(BenefitKind.SERVICE,),
    urgencies=tuple(Urgency),
    channels=tuple(Channel),
    states=(),
    span=Span(15, Unit.DAYS),
    start=date(2018, 1, 1),
    end=None,
    reference="federal law",
    verified=True,
    extension=Extension(15, "federal law (f)", True, stops=True),
)
WASHINGTON = replace(
    FIFTEEN,
    id="state",
    states=("WA",),
    span=Span(3, Unit.DAYS),
    begins=Begins.COMPLETE,
    ask_within=Span(1, Unit.DAYS),
    extension=None,
)
HOURS = replace(FIFTEEN, id="hours", span=Span(72, Unit.HOURS), extension=Extension(14, "(b)", False))


def clock(*rows: DeadlineRow, terms: Terms = TERMS) -> LegalClock:
    return started(rows, terms, RECEIVED)


def last_day(found: LegalClock) -> date | None:
    return found.won.limit.last_day if found.won and found.won.limit else None


def test_the_strictest_row_binds_and_those_that_lost_are_shown() -> None:
    found = clock(FIFTEEN, WASHINGTON)
    assert found.won is not None
    assert found.won.row == WASHINGTON
    assert [one.row for one in found.lost] == [FIFTEEN]
    assert last_day(found) == date(2026, 6, 4)


def test_of_equal_rows_the_verified_one_is_named() -> None:
    found = clock(replace(FIFTEEN, id="a", verified=False), replace(FIFTEEN, id="b"))
    assert found.won is not None
    assert found.won.row.id == "b"
    assert found.verified


def test_a_row_that_begins_with_the_complete_request_runs_from_the_receipt_until_more_is_asked_for() -> None:
    assert last_day(clock(WASHINGTON)) == date(2026, 6, 4)


def test_a_question_stops_the_row_that_begins_with_the_complete_request_and_no_other() -> None:
    found = asked(clock(FIFTEEN, WASHINGTON), RECEIVED + DAY)
    assert found.won is not None
    assert found.won.row == FIFTEEN
    assert last_day(found) == date(2026, 6, 16), "a question does not stop a clock that begins with the receipt"
    assert [one.limit for one in found.lost] == [None]


@pytest.mark.parametrize(("after", "ends"), [(DAY, date(2026, 6, 5)), (5 * DAY, date(2026, 6, 9))])
def test_the_answer_starts_it_anew(after: timedelta, ends: date) -> None:
    found = completed(asked(clock(FIFTEEN, WASHINGTON), RECEIVED + HOUR), RECEIVED + after)
    assert last_day(found) == ends
    assert found.moments.received == RECEIVED


def test_a_late_answer_leaves_the_strictest_row_the_one_from_the_receipt() -> None:
    found = completed(asked(clock(FIFTEEN, WASHINGTON), RECEIVED + HOUR), RECEIVED + 14 * DAY)
    assert last_day(found) == date(2026, 6, 16)


def test_while_only_a_complete_request_would_start_a_clock_none_runs() -> None:
    found = asked(clock(WASHINGTON), RECEIVED + HOUR)
    assert (found.due_at, found.won, found.kept(RECEIVED + 90 * DAY)) == (None, None, None)
    assert [one.row for one in found.lost] == [WASHINGTON]


def test_what_is_missing_is_asked_for_by_the_end_of_the_next_day() -> None:
    by = clock(FIFTEEN, WASHINGTON).ask_by
    assert by is not None
    assert by.last_day == date(2026, 6, 2)
    assert clock(FIFTEEN).ask_by is None
    assert asked(clock(WASHINGTON), RECEIVED + HOUR).ask_by is None
    assert decided(clock(WASHINGTON), RECEIVED + HOUR).ask_by is None


def test_an_extension_is_kept_apart_from_the_receipt_and_moves_the_limit() -> None:
    found = extended(clock(FIFTEEN), RECEIVED + DAY, days=10, reason="an outside reviewer")
    assert last_day(found) == date(2026, 6, 26)
    assert (found.moments.received, found.moments.extended) == (RECEIVED, RECEIVED + DAY)


@pytest.mark.parametrize(("days", "allowed"), [(0, False), (1, True), (15, True), (16, False)])
def test_an_extension_is_at_most_what_the_row_allows(days: int, allowed: bool) -> None:
    if allowed:
        assert last_day(extended(clock(FIFTEEN), RECEIVED, days=days, reason="why")) == date(2026, 6, 16) + days * DAY
    else:
        with pytest.raises(Conflict, match="not for so long"):
            extended(clock(FIFTEEN), RECEIVED, days=days, reason="why")


def test_hours_are_extended_by_days() -> None:
    found = extended(clock(HOURS), RECEIVED + HOUR, days=14, reason="more evidence")
    assert found.due_at == RECEIVED + 17 * DAY
    assert not found.verified, "the extension's own source was not read"


def test_a_row_that_allows_none_is_not_extended() -> None:
    with pytest.raises(Conflict, match="allows no extension"):
        extended(clock(FIFTEEN, WASHINGTON), RECEIVED, days=1, reason="why")


@pytest.mark.parametrize("reason", ["", "  "])
def test_an_extension_needs_its_reason(reason: str) -> None:
    with pytest.raises(Conflict, match="reason"):
        extended(clock(FIFTEEN), RECEIVED, days=1, reason=reason)


def test_an_extension_comes_once_and_before_the_deadline_and_the_decision() -> None:
    once = extended(clock(FIFTEEN), RECEIVED, days=1, reason="why")
    with pytest.raises(Conflict, match="before"):
        extended(once, RECEIVED, days=1, reason="why")
    with pytest.raises(Conflict, match="before"):
        extended(decided(clock(FIFTEEN), RECEIVED), RECEIVED, days=1, reason="why")
    with pytest.raises(Conflict, match="past"):
        extended(clock(FIFTEEN), RECEIVED + 16 * DAY, days=1, reason="why")


def test_an_extended_row_may_lose_to_another() -> None:
    other = replace(FIFTEEN, id="other", span=Span(20, Unit.DAYS), extension=None)
    found = extended(clock(FIFTEEN, other), RECEIVED, days=15, reason="why")
    assert found.won is not None
    assert found.won.row == other


def test_a_clock_that_waits_for_information_stands_still_where_its_row_says_so() -> None:
    still = extended(clock(FIFTEEN), RECEIVED + DAY, days=15, reason="a report is missing", waits=True)
    assert (still.due_at, still.moments.complete) == (None, None)
    again = completed(still, RECEIVED + 11 * DAY)
    assert last_day(again) == date(2026, 6, 16) + (15 + 10) * DAY


def test_a_clock_of_hours_stands_still_to_the_minute() -> None:
    row = replace(HOURS, extension=Extension(2, "a law", True, stops=True))
    still = extended(clock(row), RECEIVED + HOUR, days=2, reason="a report is missing", waits=True)
    assert completed(still, RECEIVED + 6 * HOUR).due_at == RECEIVED + 5 * DAY + 5 * HOUR


def test_an_extension_that_waits_does_not_stop_a_row_that_does_not_say_so() -> None:
    row = replace(FIFTEEN, extension=Extension(14, "a law", True))
    found = extended(clock(row), RECEIVED + DAY, days=14, reason="a report is missing", waits=True)
    assert last_day(found) == date(2026, 6, 30)


def test_notice_ends_the_clock_and_not_the_decision() -> None:
    before, after = RECEIVED + 14 * DAY, RECEIVED + 16 * DAY
    only_decided = decided(clock(FIFTEEN), before)
    assert only_decided.kept(before) is None
    assert only_decided.kept(after) is False
    assert notified(only_decided, before + HOUR).kept(after) is True
    assert notified(only_decided, after).kept(after) is False


def test_each_time_is_kept_once() -> None:
    found = notified(decided(clock(FIFTEEN), RECEIVED + HOUR), RECEIVED + 2 * HOUR)
    again = notified(decided(found, RECEIVED + DAY), RECEIVED + DAY)
    assert again == found
    assert completed(found, RECEIVED + DAY) == found


def test_a_payers_word_asks_decides_or_does_nothing_to_the_clock() -> None:
    assert told_by(True, False) is asked
    assert told_by(False, True) is decided
    assert told_by(False, False) is None


def test_where_no_row_fits_the_unknown_is_named_and_nothing_is_guessed() -> None:
    found = clock(replace(FIFTEEN, programs=(Program.MEDICARE_ADVANTAGE,)))
    assert (found.due_at, found.won, found.verified, found.kept(RECEIVED + 90 * DAY)) == (None, None, False, None)
    assert found.unknown == (
        "no row of law is known for commercial in WA, service, standard, electronic received on 2026-06-01",
    )
    with pytest.raises(Conflict, match="no deadline runs"):
        extended(found, RECEIVED, days=1, reason="why")


def test_of_several_kinds_of_benefit_the_strictest_binds_and_the_uncovered_is_named() -> None:
    drug = replace(FIFTEEN, id="drug", benefits=(BenefitKind.MEDICAL_DRUG,), span=Span(24, Unit.HOURS))
    both = replace(TERMS, benefits=(BenefitKind.SERVICE, BenefitKind.MEDICAL_DRUG, BenefitKind.PHARMACY_DRUG))
    found = clock(FIFTEEN, drug, terms=both)
    assert found.due_at == RECEIVED + DAY
    assert len(found.unknown) == 1
    assert "pharmacy-drug" in found.unknown[0]


def test_an_unknown_payer_has_no_deadline_and_says_so() -> None:
    found = unknown(RECEIVED, "the payer is not in the rulebook")
    assert (found.due_at, found.ask_by, found.unknown) == (None, None, ("the payer is not in the rulebook",))
