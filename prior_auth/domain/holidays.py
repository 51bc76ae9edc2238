"""Holidays of a calendar that a law names: each by its rule, so that any year can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Holiday:
    """One day of a year: a date (`day`), or the `nth` `weekday` (Monday is 0) of its month, the last where -1.

    `plus` are days after that: the Friday after the fourth Thursday is not always the fourth Friday.
    """

    name: str
    month: int
    day: int | None = None
    nth: int | None = None
    weekday: int | None = None
    plus: int = 0
    start: date | None = None

    def in_year(self, year: int) -> date | None:
        """The day of that year, None where it was no holiday yet."""
        found = date(year, self.month, self.day) if self.day else self._nth_weekday(year)
        found += timedelta(days=self.plus)
        return None if self.start and found < self.start else found

    def _nth_weekday(self, year: int) -> date:
        assert self.nth is not None
        assert self.weekday is not None
        if self.nth < 0:
            next_month = date(year + self.month // 12, self.month % 12 + 1, 1)
            last = next_month - timedelta(days=1)
            return last - timedelta(days=(last.weekday() - self.weekday) % 7)
        first = date(year, self.month, 1)
        return first + timedelta(days=(self.weekday - first.weekday()) % 7 + 7 * (self.nth - 1))


@dataclass(frozen=True, slots=True)
class HolidayCalendar:
    """The holidays that one law means, with its citation."""

    id: str
    days: tuple[Holiday, ...]
    reference: str
    verified: bool

    def has(self, day: date) -> bool:
        return any(one.in_year(day.year) == day for one in self.days)
