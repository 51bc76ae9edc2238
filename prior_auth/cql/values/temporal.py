"""Dates, date-times and times with their precision: comparison, arithmetic, durations.

A value holds the parts that are known: `Date(2026, 1)` is some day of January. What the missing parts could change is
unknown: comparison gives None, a duration an `Uncertain`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from prior_auth.cql.errors import EvaluationError
from prior_auth.cql.values.uncertain import Uncertain, between

UNITS = ("year", "month", "day", "hour", "minute", "second", "millisecond")
_TIME_UNITS = UNITS[3:]
_LOW = (1, 1, 1, 0, 0, 0, 0)
_HIGH = (9999, 12, 31, 23, 59, 59, 999)
_DATE_TIME = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:(T)(?:(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?)?(Z|[+-]\d\d:\d\d)?)?"
)
_TIME = re.compile(r"(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?")
_UCUM = {"wk": "week", "d": "day", "h": "hour", "min": "minute", "s": "second", "ms": "millisecond"}
# How many of the finer unit make the coarser one, where a value lacks the finer one.
_COARSER = {
    "millisecond": ("second", 1000), "second": ("minute", 60), "minute": ("hour", 60), "hour": ("day", 24),
    "day": ("month", 30), "month": ("year", 12),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Date:
    """`parts` is year, month, day, as far as known."""

    parts: tuple[int, ...]
    offset: ClassVar[int] = 0

    def __str__(self) -> str:
        return "-".join(f"{part:0{4 if i == 0 else 2}}" for i, part in enumerate(self.parts))


@dataclass(frozen=True, slots=True)
class DateTime:
    """`parts` is year to millisecond, as far as known; `offset` is in minutes east of UTC."""

    parts: tuple[int, ...]
    offset: int = 0

    def __str__(self) -> str:
        parts = self.parts
        text = str(Date(parts[:3])) + "T" + _clock(parts[3:])
        if len(parts) < 4:
            return text
        return text + f"{'-' if self.offset < 0 else '+'}{abs(self.offset) // 60:02}:{abs(self.offset) % 60:02}"


@dataclass(frozen=True, slots=True)
class Time:
    """`parts` is hour to millisecond, as far as known."""

    parts: tuple[int, ...]
    offset: ClassVar[int] = 0

    def __str__(self) -> str:
        return _clock(self.parts)


Temporal = Date | DateTime | Time
_Count = Callable[[dt.datetime, dt.datetime, str], int]


def _clock(parts: tuple[int, ...]) -> str:
    text = ":".join(f"{part:02}" for part in parts[:3])
    return text + f".{parts[3]:03}" if len(parts) > 3 else text


# Reading


def read_date(text: str) -> Date | None:
    """`2026-01-15`, `2026-01` or `2026`; None for anything else, such as a day that no calendar has."""
    match = _DATE_TIME.fullmatch(text)
    if match is None or match[4]:
        return None
    return date(*(int(part) for part in match.group(1, 2, 3) if part is not None))


def read_date_time(text: str) -> DateTime | None:
    """As FHIR's dateTime or CQL's without `@`; without an offset it is UTC. None for anything else."""
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, _, hour, minute, second, fraction, offset = match.groups()
    if hour is not None and day is None:
        return None
    parts = [int(part) for part in (year, month, day, hour, minute, second) if part]
    if fraction is not None:
        parts.append(int(fraction[:3].ljust(3, "0")))
    return date_time(parts, _offset(offset))


def read_time(text: str) -> Time | None:
    match = _TIME.fullmatch(text.removeprefix("T"))
    if match is None:
        return None
    parts = [int(part) for part in match.group(1, 2, 3) if part is not None]
    if match[4] is not None:
        parts.append(int(match[4][:3].ljust(3, "0")))
    return time(parts)


def _offset(text: str | None) -> int:
    if text is None or text == "Z":
        return 0
    if text == "+00:00":
        return 0
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    return -minutes if text[0] == "-" else minutes


def date(*parts: int) -> Date | None:
    """None where there is no such day."""
    return Date(tuple(parts)) if _exists(parts) else None


def date_time(parts: list[int], offset: int = 0) -> DateTime | None:
    """None where there is no such moment."""
    return DateTime(tuple(parts), offset) if _exists(parts) and abs(offset) <= 14 * 60 else None


def time(parts: list[int]) -> Time | None:
    return Time(tuple(parts)) if _exists([1, 1, 1, *parts]) else None


def _exists(parts: tuple[int, ...] | list[int]) -> bool:
    try:
        dt.datetime(*parts[:6], *_LOW[len(parts) : 3])  # noqa: DTZ001
    except ValueError:
        return False
    return len(parts) < 7 or 0 <= parts[6] < 1000


def _python(parts: tuple[int, ...]) -> dt.datetime:
    """The first instant of what `parts` leave open."""
    year, month, day, hour, minute, second, millisecond = parts + _LOW[len(parts) :]
    return dt.datetime(year, month, day, hour, minute, second, millisecond * 1000)  # noqa: DTZ001


def _parts(moment: dt.datetime) -> tuple[int, ...]:
    return (*moment.timetuple()[:6], moment.microsecond // 1000)


def _full(value: Temporal) -> tuple[int, ...]:
    return (1, 1, 1, *value.parts) if isinstance(value, Time) else value.parts


def of_python(value: dt.date) -> Date | DateTime:
    """A Python date, or a date-time (UTC where it has no offset)."""
    if isinstance(value, dt.datetime):
        offset = value.utcoffset()
        return DateTime(_parts(value), int(offset.total_seconds() // 60) if offset else 0)
    return Date((value.year, value.month, value.day))


# Comparison


def order(left: Temporal, right: Temporal, precision: str | None = None) -> int | None:
    """-1, 0 or 1; None where the missing parts of one could decide. Offsets count for hours and finer."""
    a, b = left.parts, right.parts
    if precision is None and len(a) == len(b) and left.offset == right.offset:
        return -1 if a < b else int(a > b)
    a, b = _full(left), _full(right)
    if left.offset != right.offset and (precision is None or precision in _TIME_UNITS):
        a, b = _in_utc(left), _in_utc(right)
    limit = len(UNITS)
    if precision is not None:
        limit = UNITS.index(precision) + 1
        a, b = a[:limit], b[:limit]
    shared = min(len(a), len(b))
    if a[:shared] != b[:shared]:
        return -1 if a[:shared] < b[:shared] else 1
    if len(a) == len(b):
        return None if precision is not None and len(a) < limit else 0
    return None


def same_second(left: Any, right: Any) -> bool | None:
    """Whether two moments that agree as far as both are known are equal: a missing millisecond counts as .0"""
    if type(left) is not type(right) or {len(_full(left)), len(_full(right))} != {6, 7}:
        return None
    finer = left if len(_full(left)) == 7 else right
    return True if finer.parts[-1] == 0 else None


def _in_utc(value: Temporal) -> tuple[int, ...]:
    parts = _full(value)
    if value.offset == 0 or len(parts) < 4:
        return parts
    try:
        return _parts(_python(parts) - dt.timedelta(minutes=value.offset))[: len(parts)]
    except OverflowError:
        return parts


def same_precision(left: Temporal, right: Temporal) -> bool:
    return len(left.parts) == len(right.parts) or min(len(_full(left)), len(_full(right))) >= 6


# Parts


def component(value: Temporal, unit: str) -> int | None:
    parts = _full(value)
    index = UNITS.index(unit)
    return parts[index] if index < len(parts) else None


def precision_of(value: Temporal) -> str:
    return UNITS[len(_full(value)) - 1]


def date_of(value: Date | DateTime) -> Date:
    return Date(value.parts[:3])


def time_of(value: DateTime) -> Time | None:
    return Time(value.parts[3:]) if len(value.parts) > 3 else None


def low(value: Any) -> Any:
    """The first instant that the value could be."""
    return _like(value, _full(value) + _LOW[len(_full(value)) :], _limit(value))


def high(value: Any) -> Any:
    """The last instant that the value could be."""
    return _like(value, _latest(_full(value)), _limit(value))


def _limit(value: Temporal) -> int:
    return 3 if isinstance(value, Date) else 7


def _latest(parts: tuple[int, ...]) -> tuple[int, ...]:
    filled = list(parts + _HIGH[len(parts) :])
    if len(parts) < 3:
        following = (filled[0] + 1, 1) if filled[1] == 12 else (filled[0], filled[1] + 1)
        filled[2] = 31 if following[0] > 9999 else (_python((*following, 1)) - dt.timedelta(days=1)).day
    return tuple(filled)


def _like(value: Any, full: tuple[int, ...], limit: int) -> Any:
    """A value of the same kind from year-first parts."""
    if isinstance(value, DateTime):
        return DateTime(full[:limit], value.offset)
    if isinstance(value, Time):
        return Time(full[3:limit])
    return Date(full[:limit])


# Arithmetic


def add(value: Any, amount: Decimal, unit: str) -> Any:
    """`value` plus an amount of a calendar unit; precision stays as it is.

    EvaluationError beyond the years 1 to 9999, for a unit that is no duration, or a UCUM one longer than a week.
    """
    unit = calendar_unit(unit)
    parts = _full(value)
    count, unit = _in_precision(amount, unit, len(parts))
    try:
        moved = _moved(parts, count, unit, wrap=isinstance(value, Time))
    except (OverflowError, ValueError):
        raise EvaluationError("a date beyond the years 1 to 9999") from None
    return _like(value, moved, len(parts))


def calendar_unit(unit: str) -> str:
    """`day` for `day`, `days` or `d`."""
    singular = unit[:-1] if unit.endswith("s") and unit[:-1] in (*UNITS, "week") else unit
    found = singular if singular in (*UNITS, "week") else _UCUM.get(unit)
    if found is None:
        fix = "use the words year and month" if unit in ("a", "mo") else "use a calendar unit such as days"
        raise EvaluationError(f"`{unit}` cannot be added to a date", fix=fix)
    return found


def _in_precision(amount: Decimal, unit: str, known: int) -> tuple[int, str]:
    """The amount in a unit that the value has, whole; milliseconds keep the fraction of a second."""
    if unit == "week":
        amount, unit = amount * 7, "day"
    if unit == "second" and known >= 6 and amount != int(amount):
        return int(amount * 1000), "millisecond"
    if unit == "day" and known == 1:
        return int(amount / 365), "year"
    while UNITS.index(unit) >= known:
        unit, count = _COARSER[unit]
        amount = amount / count
    return int(amount), unit


def _moved(parts: tuple[int, ...], amount: int, unit: str, *, wrap: bool) -> tuple[int, ...]:
    if unit in ("year", "month"):
        months = parts[0] * 12 + (parts[1] - 1 if len(parts) > 1 else 0) + amount * (12 if unit == "year" else 1)
        year, month = divmod(months, 12)
        _python((year,))
        last = _latest((year, month + 1))[2]
        full = parts + _LOW[len(parts) :]
        return (year, month + 1, min(full[2], last), *full[3:])
    moved = _python(parts) + dt.timedelta(milliseconds=amount * _MILLISECONDS[unit]) if not wrap else (
        dt.datetime(2000, 1, 1) + (_python(parts) - dt.datetime(1, 1, 1)  # noqa: DTZ001
        + dt.timedelta(milliseconds=amount * _MILLISECONDS[unit])) % dt.timedelta(days=1)
    )  # fmt: skip
    return _parts(moved)


_MILLISECONDS = {"day": 86_400_000, "hour": 3_600_000, "minute": 60_000, "second": 1000, "millisecond": 1}


def successor(value: Any, steps: int = 1) -> Any:
    """The next value of the same precision. EvaluationError beyond the last one."""
    found = add(value, Decimal(steps), precision_of(value))
    if isinstance(value, Time) and (found.parts > value.parts) != (steps > 0):
        raise EvaluationError("there is no value beyond the last one of its type")
    return found


# Durations


def duration(left: Temporal, right: Temporal, unit: str) -> int | Uncertain | None:
    """Whole units from `left` to `right`, negative where it is before."""
    return _bounds(left, right, unit, _whole_units)


def difference(left: Temporal, right: Temporal, unit: str) -> int | Uncertain | None:
    """Boundaries of `unit` crossed from `left` to `right`."""
    return _bounds(left, right, unit, _boundaries)


def _bounds(left: Temporal, right: Temporal, unit: str, count: _Count) -> int | Uncertain | None:
    fine = unit in _TIME_UNITS
    shift = left.offset != right.offset and (fine or count is _whole_units)
    a = _in_utc(left) if shift else _full(left)
    b = _in_utc(right) if shift else _full(right)
    needed = UNITS.index("day" if unit == "week" else unit) + 1
    if count is _boundaries:
        wanted_a = wanted_b = needed
    else:
        wanted_a = wanted_b = max(len(a), len(b), needed) if len(a) != len(b) or len(a) < needed else 0
    first = count(_late(a, wanted_a), _early(b), unit)
    last = count(_early(a), _late(b, wanted_b), unit)
    return between(first, last)


def _early(parts: tuple[int, ...]) -> dt.datetime:
    return _python(parts)


def _late(parts: tuple[int, ...], wanted: int) -> dt.datetime:
    seconds_only = len(parts) == 6
    return _python(_latest(parts) if len(parts) < wanted and not seconds_only else parts)


def _whole_units(start: dt.datetime, end: dt.datetime, unit: str) -> int:
    if unit in ("year", "month"):
        sign = 1 if end >= start else -1
        first, last = (start, end) if sign > 0 else (end, start)
        months = (last.year - first.year) * 12 + last.month - first.month
        if months and _plus_months(first, months) > last:
            months -= 1
        return sign * (months // 12 if unit == "year" else months)
    size = dt.timedelta(milliseconds=_MILLISECONDS["day"] * 7 if unit == "week" else _MILLISECONDS[unit])
    return -((start - end) // size) if end < start else (end - start) // size


def _plus_months(start: dt.datetime, months: int) -> dt.datetime:
    return _python(_moved(_parts(start), months, "month", wrap=False))


def _boundaries(start: dt.datetime, end: dt.datetime, unit: str) -> int:
    if unit == "year":
        return end.year - start.year
    if unit == "month":
        return (end.year - start.year) * 12 + end.month - start.month
    if unit == "week":
        # Weeks begin on Sunday; day 7 of the proleptic calendar is one.
        return end.toordinal() // 7 - start.toordinal() // 7
    index = UNITS.index(unit) + 1
    a, b = _python(_parts(start)[:index]), _python(_parts(end)[:index])
    return round((b - a) / dt.timedelta(milliseconds=_MILLISECONDS[unit]))
