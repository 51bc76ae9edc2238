"""Calendar arithmetic of limits: durations as the payer states them, counted back from the day of judgement."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

from prior_auth.policy.model import Duration

_DURATION = re.compile(r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?")


def duration(text: str) -> Duration:
    """Read `P90D`, `P12W`, `P24M`, `P1Y`. ValueError where it is none, or empty."""
    match = _DURATION.fullmatch(text)
    if match is None or text == "P":
        raise ValueError(f"not a duration in days, weeks, months or years: {text!r}")
    part = {name: int(number or 0) for name, number in match.groupdict().items()}
    return Duration(text, part["weeks"] * 7 + part["days"], part["years"] * 12 + part["months"])


def back(day: date, span: Duration) -> date:
    """The first day that still counts: `P90D` back from it, itself included (rulings 5)."""
    return _months_back(day, span.months) - timedelta(days=span.days)


def _months_back(day: date, months: int) -> date:
    if not months:
        return day
    index = day.year * 12 + day.month - 1 - months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
