"""Moves a story to another day: every date it tells by the same number of days."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from prior_auth.domain.dates import PartialDate

# The keys of a fact that hold days; a day or a month in words elsewhere is left as it is told.
_DAYS = frozenset({"on", "from", "to", "start", "end", "born"})


def moved(told: Any, by: timedelta) -> Any:
    """The same facts, mappings and lists, with every day under a day's key moved; `2026-03` stays a month."""
    if isinstance(told, dict):
        return {key: _day(value, by) if key in _DAYS else moved(value, by) for key, value in told.items()}
    if isinstance(told, list):
        return [moved(one, by) for one in told]
    return told


def stated(day: date | str | int) -> str:
    """A FHIR date of what YAML made of a day, a month or a year."""
    return day.isoformat() if isinstance(day, date) else str(day)


def _day(day: date | str | int, by: timedelta) -> str:
    text = stated(day)
    if not by:
        return text
    return (PartialDate.parse(text).earliest + by).isoformat()[: len(text)]
