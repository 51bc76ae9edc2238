"""Legal clocks: hours run as elapsed time, days as calendar days in the payer's zone, the strictest row wins."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from prior_auth.domain.deadline import DeadlineRow, due
from prior_auth.domain.request import Urgency

CHICAGO = ZoneInfo("America/Chicago")


def row(hours: int | None = None, days: int | None = None, **changes: object) -> DeadlineRow:
    plain: dict[str, object] = {
        "line": "medicare-advantage",
        "what": "service",
        "urgency": Urgency.STANDARD,
        "hours": hours,
        "days": days,
        "start": date(2026, 1, 1),
        "end": None,
        "reference": "a law",
        "verified": True,
    }
    return DeadlineRow(**(plain | changes))  # type: ignore[arg-type]


def found(rows: list[DeadlineRow], received_at: datetime, what: str = "service") -> datetime | None:
    return due(
        rows,
        line="medicare-advantage",
        what=what,
        urgency=Urgency.STANDARD,
        received_at=received_at,
        zone=CHICAGO,
    ).at


def test_hours_are_elapsed_time_over_the_change_of_the_clock() -> None:
    before_spring_forward = datetime(2026, 3, 7, 12, 0, tzinfo=CHICAGO)
    at = found([row(hours=72)], before_spring_forward)
    assert at is not None
    assert (at.astimezone(UTC) - before_spring_forward.astimezone(UTC)).total_seconds() == 72 * 3600


def test_days_end_with_the_payers_last_calendar_day() -> None:
    late_evening_in_chicago = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)  # still March 1st there
    assert found([row(days=7)], late_evening_in_chicago) == datetime(2026, 3, 9, 0, 0, tzinfo=CHICAGO)


def test_a_leap_day_is_a_day() -> None:
    assert found([row(days=7)], datetime(2028, 2, 25, 12, 0, tzinfo=CHICAGO)) == datetime(
        2028, 3, 4, 0, 0, tzinfo=CHICAGO
    )


def test_the_strictest_row_wins() -> None:
    assert due(
        [row(days=7), row(hours=24, what="any")],
        line="medicare-advantage",
        what="service",
        urgency=Urgency.STANDARD,
        received_at=datetime(2026, 6, 1, 12, 0, tzinfo=UTC),
        zone=CHICAGO,
    ).row == row(hours=24, what="any")


@pytest.mark.parametrize(("received", "fits"), [(date(2025, 12, 31), False), (date(2026, 1, 1), True)])
def test_a_row_holds_from_its_day_on(received: date, fits: bool) -> None:
    at = found([row(hours=72)], datetime.combine(received, datetime.min.time(), CHICAGO))
    assert (at is not None) is fits


@pytest.mark.parametrize(("received", "fits"), [(date(2026, 6, 30), True), (date(2026, 7, 1), False)])
def test_a_row_that_ended_counts_no_more(received: date, fits: bool) -> None:
    ended = row(hours=72, end=date(2026, 6, 30))
    at = found([ended], datetime.combine(received, datetime.min.time(), CHICAGO))
    assert (at is not None) is fits


def test_where_no_row_fits_there_is_no_deadline() -> None:
    assert found([row(hours=72)], datetime(2026, 6, 1, tzinfo=UTC), what="drug") is None
