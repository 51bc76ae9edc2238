"""How long a payer has to answer: dated rows of law, and the instant that the strictest of them comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from prior_auth.domain.request import Urgency


@dataclass(frozen=True, slots=True)
class DeadlineRow:
    """One row: for a line of business and a kind of service (`drug`, `service`, `any`), from a day on.

    `hours` are elapsed time from the receipt; `days` are calendar days in the payer's zone, to the end of the last.
    """

    line: str
    what: str
    urgency: Urgency
    hours: int | None
    days: int | None
    start: date
    end: date | None
    reference: str
    verified: bool

    def fits(self, line: str, what: str, urgency: Urgency, on: date) -> bool:
        in_force = self.start <= on and (self.end is None or on <= self.end)
        return in_force and (self.line, self.urgency) == (line, urgency) and self.what in (what, "any")

    def instant(self, received_at: datetime, zone: tzinfo) -> datetime:
        if self.hours is not None:
            return received_at.astimezone(UTC) + timedelta(hours=self.hours)  # wall time would slip with the clocks
        last_day = received_at.astimezone(zone).date() + timedelta(days=self.days or 0)
        return datetime.combine(last_day + timedelta(days=1), time.min, zone)


@dataclass(frozen=True, slots=True)
class Due:
    """The instant of the answer and the row of law that won; both None where no row fits."""

    at: datetime | None
    row: DeadlineRow | None


def due(
    rows: Sequence[DeadlineRow], *, line: str, what: str, urgency: Urgency, received_at: datetime, zone: tzinfo
) -> Due:
    """The strictest row in force on the day of receipt, in the payer's zone."""
    on = received_at.astimezone(zone).date()
    fitting = [(row.instant(received_at, zone), row) for row in rows if row.fits(line, what, urgency, on)]
    if not fitting:
        return Due(None, None)
    at, row = min(fitting, key=lambda found: found[0])
    return Due(at, row)
