"""Dates, date-times and times as FHIRPath has them: CQL's values, but a time without offset is of no known zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from prior_auth.cql.errors import EvaluationError
from prior_auth.cql.values import temporal
from prior_auth.cql.values.temporal import Date, DateTime, Time

Moment = Date | DateTime | Time

_ZONE = re.compile(r"(?:Z|[+-]\d\d:\d\d)$")
_DAYS = frozenset({"year", "month", "week", "day"})
_EARLIEST, _LATEST = 14 * 60, -12 * 60  # the zones where a day begins first and last, minutes east of UTC


@dataclass(frozen=True, slots=True)
class Local(DateTime):
    """A date-time without an offset."""

    def __str__(self) -> str:
        # No super(): slots make a new class, which the name in it would not mean.
        return _ZONE.sub("", DateTime.__str__(self))


def read_literal(text: str) -> tuple[Moment | None, str]:
    """A literal without its `@`, and its type."""
    if text.startswith("T"):
        return temporal.read_time(text), "System.Time"
    if "T" in text:
        return read_date_time(text), "System.DateTime"
    return temporal.read_date(text), "System.Date"


def read_date_time(text: str) -> DateTime | None:
    """`2026-01-15T12:00:00Z`, or without what is not known; None for anything else. With an offset it is no Local."""
    found = temporal.read_date_time(text)
    if found is None or (len(found.parts) > 3 and _ZONE.search(text)):
        return found
    return Local(found.parts)


def of_python(value: date) -> Moment:
    """A day; or a moment, Local where it knows no zone."""
    found = temporal.of_python(value)
    return Local(found.parts) if isinstance(value, datetime) and value.utcoffset() is None else found


def order(left: Moment, right: Moment) -> int | None:
    """-1, 0 or 1; None where what is not known (parts, or the zone of one) could decide."""
    a, b = _whole_seconds(left), _whole_seconds(right)
    if _has_no_zone(a) == _has_no_zone(b):
        return _ordered(a, b)
    if _has_no_zone(a):
        return _over_zones(a, b)
    found = _over_zones(b, a)
    return None if found is None else -found


def _over_zones(local: Any, other: Any) -> int | None:
    """The order that holds whatever the zone of `local` is, if one does."""
    day = DateTime(local.parts)
    if _ordered(DateTime(temporal.high(day).parts, _LATEST), temporal.low(other)) == -1:
        return -1
    return 1 if _ordered(DateTime(temporal.low(day).parts, _EARLIEST), temporal.high(other)) == 1 else None


def _ordered(left: Moment, right: Moment) -> int | None:
    if isinstance(left, Time):
        return temporal.order(left, right)
    return temporal.order(DateTime(left.parts, left.offset), DateTime(right.parts, right.offset))


def _has_no_zone(value: Moment) -> bool:
    return isinstance(value, Local | Date)


def _whole_seconds(value: Moment) -> Any:
    """Seconds and milliseconds are one precision: a second that names no fraction is a whole one."""
    if isinstance(value, Time):
        return Time((*value.parts, 0)) if len(value.parts) == 3 else value
    return like(value, (*value.parts, 0)) if len(value.parts) == 6 else value


def key(value: Moment) -> tuple[Any, ...] | None:
    """What equal moments share and no others; None where only comparing can tell."""
    whole = _whole_seconds(value)
    if isinstance(whole, Time) or _has_no_zone(whole):
        return isinstance(whole, Time), whole.parts
    if len(whole.parts) < 7:
        return None
    year, month, day, hour, minute, second, millisecond = whole.parts
    zone = timezone(timedelta(minutes=whole.offset))
    try:
        return datetime(year, month, day, hour, minute, second, millisecond * 1000, zone).timestamp(), None
    except (ValueError, OverflowError):
        return None


def same_kind(left: Any, right: Any) -> bool:
    return isinstance(left, Time) == isinstance(right, Time)


def like(value: Any, parts: tuple[int, ...]) -> Any:
    """A value of the same kind, zone included, with other parts."""
    if isinstance(value, Local):
        return Local(parts)
    return DateTime(parts, value.offset) if isinstance(value, DateTime) else type(value)(parts)


def add(value: Any, amount: Decimal, unit: str) -> Moment:
    """Raises EvaluationError for a unit that cannot be added. Above seconds the fraction of an amount is ignored."""
    kind = temporal.calendar_unit(unit)
    if (isinstance(value, Time) and kind in _DAYS) or (isinstance(value, Date) and kind not in _DAYS):
        raise EvaluationError(f"`{unit}` cannot be added to what has no such part")
    if kind not in ("second", "millisecond"):
        amount = Decimal(int(amount))
    moved: Moment = temporal.add(value, amount, unit)
    return like(value, moved.parts) if isinstance(value, Local) else moved


# Boundaries: digits that tell a precision (FHIRPath 3.0, 5.6.5), and the first and last moment of what is known.

_DIGITS = {Date: (4, 6, 8), DateTime: (4, 6, 8, 10, 12, 14, 17), Time: (2, 4, 6, 9)}


def digits(value: Any) -> int:
    """`2026` is 4, `2026-01` 6, to 17 for milliseconds; a time counts from the hour."""
    return _DIGITS[_kind(value)][len(value.parts) - 1]


def boundary(value: Any, precision: int | None, side: int) -> Moment | None:
    """The least (side -1) or greatest (1) moment that `value` can mean, to a precision; None for no precision."""
    known = _DIGITS[_kind(value)]
    wanted = known[-1] if precision is None else precision
    if wanted not in known:
        return None
    count = known.index(wanted) + 1
    filled = temporal.low(value) if side < 0 else temporal.high(value)
    parts = filled.parts[:count]
    if isinstance(value, Local) and count > 3:
        return DateTime(parts, _EARLIEST if side < 0 else _LATEST)
    bound: Moment = like(value, parts)
    return bound


def _kind(value: Any) -> type:
    return DateTime if isinstance(value, DateTime) else type(value)


def text(value: Moment) -> str:
    """As FHIR writes it: a date-time of less than a day without its `T`."""
    shown = str(value)
    return shown.removesuffix("T") if isinstance(value, DateTime) and len(value.parts) < 4 else shown
