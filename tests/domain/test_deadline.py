"""How long a law gives: hours run as elapsed time, days as calendar days of the payer's zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from prior_auth.domain.deadline import (
    BenefitKind,
    Channel,
    DeadlineRow,
    Limit,
    MonthDay,
    Program,
    Span,
    Terms,
    Unit,
    later,
    limit,
)
from prior_auth.domain.holidays import Holiday, HolidayCalendar
from prior_auth.domain.request import Urgency

CHICAGO, PHOENIX, NEW_YORK = ZoneInfo("America/Chicago"), ZoneInfo("America/Phoenix"), ZoneInfo("America/New_York")
MINUTE = timedelta(minutes=1)

TERMS = Terms(
    Program.MEDICARE_ADVANTAGE,
    (BenefitKind.SERVICE,),
    Urgency.STANDARD,
    Channel.ELECTRONIC,
    None,
    "America/Chicago",
)
ROW = DeadlineRow(
    id="a-row",
    programs=(Program.MEDICARE_ADVANTAGE,),
    benefits=(BenefitKind.SERVICE,),
    urgencies=(Urgency.STANDARD,),
    channels=tuple(Channel),
    states=(),
    span=Span(7, Unit.DAYS),
    start=date(2026, 1, 1),
    end=date(2026, 6, 30),
    reference="a law",
    verified=True,
)


def hours(amount: int) -> Span:
    return Span(amount, Unit.HOURS)


def days(amount: int) -> Span:
    return Span(amount, Unit.DAYS)


def business(amount: int) -> Span:
    return Span(amount, Unit.BUSINESS_DAYS)


@pytest.mark.parametrize("amount", [1, 24, 72])
@pytest.mark.parametrize(
    "received",
    [
        datetime(2026, 3, 7, 12, 0, tzinfo=CHICAGO),  # the clocks go forward on March 8th
        datetime(2026, 3, 8, 1, 59, tzinfo=CHICAGO),
        datetime(2026, 3, 8, 3, 0, tzinfo=CHICAGO),
        datetime(2026, 10, 31, 12, 0, tzinfo=CHICAGO),  # and back on November 1st
        datetime(2026, 11, 1, 1, 30, tzinfo=CHICAGO),
        datetime(2026, 11, 1, 1, 30, fold=1, tzinfo=CHICAGO),
        datetime(2028, 2, 28, 23, 59, tzinfo=CHICAGO),
        datetime(2026, 12, 31, 23, 59, tzinfo=CHICAGO),
    ],
)
def test_hours_are_elapsed_time_whatever_the_clocks_on_the_wall_do(amount: int, received: datetime) -> None:
    at = limit(hours(amount), received, CHICAGO).at
    assert at.astimezone(UTC) - received.astimezone(UTC) == timedelta(hours=amount)


@pytest.mark.parametrize(
    ("received", "last_day", "midnight"),
    [
        # seven days over the weekend when the clocks go forward, and back
        (datetime(2026, 3, 2, 9, 0, tzinfo=CHICAGO), date(2026, 3, 9), "2026-03-10T00:00:00-05:00"),
        (datetime(2026, 10, 26, 9, 0, tzinfo=CHICAGO), date(2026, 11, 2), "2026-11-03T00:00:00-06:00"),
        # the last day is the one on which the clocks change
        (datetime(2026, 3, 1, 9, 0, tzinfo=CHICAGO), date(2026, 3, 8), "2026-03-09T00:00:00-05:00"),
        (datetime(2026, 10, 25, 9, 0, tzinfo=CHICAGO), date(2026, 11, 1), "2026-11-02T00:00:00-06:00"),
        # leap day and none
        (datetime(2028, 2, 25, 12, 0, tzinfo=CHICAGO), date(2028, 3, 3), "2028-03-04T00:00:00-06:00"),
        (datetime(2028, 2, 22, 12, 0, tzinfo=CHICAGO), date(2028, 2, 29), "2028-03-01T00:00:00-06:00"),
        (datetime(2027, 2, 25, 12, 0, tzinfo=CHICAGO), date(2027, 3, 4), "2027-03-05T00:00:00-06:00"),
        # over the year's end
        (datetime(2026, 12, 28, 12, 0, tzinfo=CHICAGO), date(2027, 1, 4), "2027-01-05T00:00:00-06:00"),
        (datetime(2026, 12, 24, 12, 0, tzinfo=CHICAGO), date(2026, 12, 31), "2027-01-01T00:00:00-06:00"),
        # the first and the last minute of a day
        (datetime(2026, 6, 1, 0, 0, tzinfo=CHICAGO), date(2026, 6, 8), "2026-06-09T00:00:00-05:00"),
        (datetime(2026, 6, 1, 23, 59, tzinfo=CHICAGO), date(2026, 6, 8), "2026-06-09T00:00:00-05:00"),
        # late in the evening of Chicago it is tomorrow in UTC
        (datetime(2026, 6, 2, 4, 59, tzinfo=UTC), date(2026, 6, 8), "2026-06-09T00:00:00-05:00"),
        (datetime(2026, 6, 2, 5, 0, tzinfo=UTC), date(2026, 6, 9), "2026-06-10T00:00:00-05:00"),
    ],
)
def test_seven_calendar_days_end_with_the_payers_seventh_day(received: datetime, last_day: date, midnight: str) -> None:
    found = limit(days(7), received, CHICAGO)
    assert (found.last_day, found.at.isoformat()) == (last_day, midnight)


@pytest.mark.parametrize(
    ("zone", "last_day"), [(CHICAGO, date(2026, 6, 8)), (NEW_YORK, date(2026, 6, 9)), (PHOENIX, date(2026, 6, 8))]
)
def test_the_day_of_receipt_is_the_payers_own(zone: ZoneInfo, last_day: date) -> None:
    half_past_eleven_in_chicago = datetime(2026, 6, 2, 4, 30, tzinfo=UTC)
    assert limit(days(7), half_past_eleven_in_chicago, zone).last_day == last_day


@pytest.mark.parametrize(
    ("received", "last_day"),
    [
        (date(2026, 11, 23), date(2026, 11, 26)),  # Monday: Thursday, a holiday, counts: no law read says otherwise
        (date(2026, 11, 25), date(2026, 11, 30)),  # Wednesday: Thursday, Friday, Monday
        (date(2026, 11, 27), date(2026, 12, 2)),  # Friday
        (date(2026, 11, 28), date(2026, 12, 2)),  # Saturday
        (date(2026, 11, 29), date(2026, 12, 2)),  # Sunday
        (date(2026, 12, 31), date(2027, 1, 5)),
        (date(2028, 2, 25), date(2028, 3, 1)),  # Friday before a leap day
    ],
)
def test_three_business_days_leave_out_weekends(received: date, last_day: date) -> None:
    at = datetime.combine(received, datetime.min.time(), CHICAGO) + timedelta(hours=15)
    assert limit(business(3), at, CHICAGO).last_day == last_day


@pytest.mark.parametrize(
    ("span", "at"),
    [(hours(24), "2026-06-02T10:00-05:00"), (hours(72), "2026-06-04T10:00-05:00"), (days(7), "2026-06-09T00:00-05:00")],
)
@pytest.mark.parametrize(("away", "in_time"), [(-MINUTE, True), (timedelta(0), None), (MINUTE, False)])
def test_the_minute_before_is_in_time_and_the_minute_after_is_late(
    span: Span, at: str, away: timedelta, in_time: bool | None
) -> None:
    found = limit(span, datetime(2026, 6, 1, 10, 0, tzinfo=CHICAGO), CHICAGO)
    assert found.at == datetime.fromisoformat(at)
    # At the instant itself: an hour that is up is kept, the midnight after the last day is the next day.
    expected = (span.unit is Unit.HOURS) if in_time is None else in_time
    assert found.keeps(found.at + away) is expected


@pytest.mark.parametrize(
    ("on", "fits"),
    [(date(2025, 12, 31), False), (date(2026, 1, 1), True), (date(2026, 6, 30), True), (date(2026, 7, 1), False)],
)
def test_a_row_is_in_force_from_its_first_day_to_its_last(on: date, fits: bool) -> None:
    assert ROW.fits(TERMS, BenefitKind.SERVICE, on) is fits


@pytest.mark.parametrize(
    "other",
    [
        replace(TERMS, program=Program.MEDICAID_FFS),
        replace(TERMS, urgency=Urgency.EXPEDITED),
    ],
)
def test_a_row_binds_its_program_and_urgency_only(other: Terms) -> None:
    assert not ROW.fits(other, BenefitKind.SERVICE, date(2026, 3, 1))


def test_a_row_binds_its_benefit_channel_and_state_only() -> None:
    row = replace(ROW, channels=(Channel.ELECTRONIC,), states=("WA",))
    in_washington = replace(TERMS, state="WA")
    day = date(2026, 3, 1)
    assert row.fits(in_washington, BenefitKind.SERVICE, day)
    assert not row.fits(in_washington, BenefitKind.MEDICAL_DRUG, day)
    assert not row.fits(replace(in_washington, channel=Channel.OTHER), BenefitKind.SERVICE, day)
    assert not row.fits(replace(in_washington, state="OR"), BenefitKind.SERVICE, day)
    assert not row.fits(TERMS, BenefitKind.SERVICE, day), "a state that is not known is not that state"


@pytest.mark.parametrize(
    ("period", "on", "fits"),
    [
        (None, date(2025, 12, 31), False),
        (None, date(2026, 1, 1), True),
        (MonthDay(1, 1), date(2026, 1, 1), True),
        (MonthDay(7, 1), date(2026, 1, 1), False),
        (MonthDay(7, 1), date(2026, 6, 30), False),
        (MonthDay(7, 1), date(2026, 7, 1), True),
        (MonthDay(9, 1), date(2026, 8, 31), False),
        (MonthDay(9, 1), date(2026, 9, 1), True),
    ],
)
def test_a_row_by_rating_period_begins_with_the_plans_first_one(period: MonthDay | None, on: date, fits: bool) -> None:
    new = replace(ROW, end=None, by_rating_period=True)
    old = replace(ROW, start=date(2018, 1, 1), end=date(2025, 12, 31), by_rating_period=True)
    assert new.in_force(on, period) is fits
    assert old.in_force(on, period) is not fits, "the old row holds until then: never both, never neither"


WASHINGTON = HolidayCalendar(
    "washington",
    (
        Holiday("Independence Day", 7, day=4),
        Holiday("Memorial Day", 5, nth=-1, weekday=0),
        Holiday("Thanksgiving", 11, nth=4, weekday=3),
        Holiday("the day after", 11, nth=4, weekday=3, plus=1),
        Holiday("Juneteenth", 6, day=19, start=date(2022, 1, 1)),
        Holiday("New Year", 1, day=1),
        Holiday("Christmas", 12, day=25),
    ),
    "a law",
    True,
)


@pytest.mark.parametrize(
    ("day", "holiday"),
    [
        (date(2026, 7, 3), False),
        (date(2026, 7, 4), True),
        (date(2026, 7, 5), False),
        (date(2026, 5, 25), True),
        (date(2027, 5, 31), True),
        (date(2027, 5, 24), False),
        (date(2026, 11, 26), True),
        (date(2026, 11, 27), True),
        (date(2024, 11, 28), True),
        (date(2024, 11, 29), True),  # the fifth Friday: the day after the fourth Thursday
        (date(2024, 11, 22), False),
        (date(2021, 6, 19), False),
        (date(2022, 6, 19), True),
    ],
)
def test_a_holiday_is_found_by_its_rule(day: date, holiday: bool) -> None:
    assert WASHINGTON.has(day) is holiday


@pytest.mark.parametrize(
    ("received", "last_day"),
    [
        (date(2026, 11, 24), date(2026, 11, 29)),  # Wednesday, Saturday, Sunday: Thursday and Friday are left out
        (date(2026, 11, 25), date(2026, 11, 30)),
        (date(2026, 12, 23), date(2026, 12, 27)),
        (date(2026, 12, 30), date(2027, 1, 3)),
        (date(2026, 7, 1), date(2026, 7, 5)),
        (date(2026, 7, 4), date(2026, 7, 7)),  # received on a holiday
        (date(2026, 6, 1), date(2026, 6, 4)),
    ],
)
def test_days_that_a_law_counts_without_holidays(received: date, last_day: date) -> None:
    assert days(3).last_day(received, WASHINGTON) == last_day


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-07T12:00-06:00", "2026-03-08T12:00-05:00"),
        ("2026-10-31T12:00-05:00", "2026-11-01T12:00-06:00"),
        ("2026-03-07T02:30-06:00", "2026-03-08T03:30-05:00"),  # a time that the clocks leave out
    ],
)
def test_hours_are_extended_by_calendar_days_of_the_zone(at: str, expected: str) -> None:
    found = later(Limit(datetime.fromisoformat(at), None), 1, CHICAGO)
    assert (found.at, found.last_day) == (datetime.fromisoformat(expected), None)
