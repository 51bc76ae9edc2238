"""Dates, date-times and times: making them, their parts, durations."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from prior_auth.cql.errors import EvaluationError
from prior_auth.cql.operators.registry import operator
from prior_auth.cql.values import temporal
from prior_auth.cql.values.temporal import Date, DateTime, Time
from prior_auth.cql.values.uncertain import Uncertain

_PAIRS = ("Date, Date -> Integer", "DateTime, DateTime -> Integer", "Time, Time -> Integer")


def _known(parts: tuple[int | None, ...]) -> list[int] | None:
    """The leading parts that are given; None where even the first is missing."""
    if parts[0] is None:
        return None
    count = next((i for i, part in enumerate(parts) if part is None), len(parts))
    if any(part is not None for part in parts[count:]):
        raise EvaluationError("a part of a date is given below one that is missing")
    return [part for part in parts[:count] if part is not None]


def _existing(value: Any) -> Any:
    if value is None:
        raise EvaluationError("there is no such date or time")
    return value


def _make_date(*parts: int | None) -> Date | None:
    known = _known(parts)
    return None if known is None else _existing(temporal.date(*known))


def _make_date_time(*parts: int | None) -> DateTime | None:
    known = _known(parts)
    return None if known is None else _existing(temporal.date_time(known))


def _make_with_offset(*parts: Any) -> DateTime | None:
    known = _known(parts[:7])
    offset = parts[7]
    return None if known is None else _existing(temporal.date_time(known, 0 if offset is None else int(offset * 60)))


def _make_time(*parts: int | None) -> Time | None:
    known = _known(parts)
    return None if known is None else _existing(temporal.time(known))


def _whole(count: int, result: str) -> str:
    return ", ".join(["Integer"] * count) + f" -> {result}"


operator("Date", *(_whole(n, "Date") for n in (1, 2, 3)), nulls=True)(_make_date)
operator("DateTime", *(_whole(n, "DateTime") for n in range(1, 8)), nulls=True)(_make_date_time)
operator("DateTime", ", ".join(["Integer"] * 7) + ", Decimal -> DateTime", nulls=True)(_make_with_offset)
operator("Time", *(_whole(n, "Time") for n in (1, 2, 3, 4)), nulls=True)(_make_time)


@operator("DateTimeComponentFrom", "Date -> Integer", "DateTime -> Integer", "Time -> Integer", precise=True)
def component(value: Any, precision: str) -> int | None:
    return temporal.component(value, precision)


@operator("DateFrom", "DateTime -> Date", "Date -> Date")
def date_from(value: Any) -> Date:
    return temporal.date_of(value)


@operator("TimeFrom", "DateTime -> Time")
def time_from(value: DateTime) -> Time | None:
    return temporal.time_of(value)


@operator("TimezoneOffsetFrom", "DateTime -> Decimal")
def offset_from(value: DateTime) -> Decimal | None:
    return Decimal(value.offset) / 60 if len(value.parts) > 3 else None


@operator("DurationBetween", *_PAIRS, precise=True)
def duration_between(left: Any, right: Any, unit: str) -> int | Uncertain | None:
    return temporal.duration(left, right, unit)


@operator("DifferenceBetween", *_PAIRS, precise=True)
def difference_between(left: Any, right: Any, unit: str) -> int | Uncertain | None:
    return temporal.difference(left, right, unit)


@operator("Now", "-> DateTime", run=True)
def now(run: Any) -> DateTime:
    return _moment(run)


@operator("Today", "-> Date", run=True)
def today(run: Any) -> Date:
    return temporal.date_of(_moment(run))


@operator("TimeOfDay", "-> Time", run=True)
def time_of_day(run: Any) -> Time:
    return Time(_moment(run).parts[3:])


def _moment(run: Any) -> DateTime:
    found: DateTime | None = run.now
    if found is None:
        raise EvaluationError("the evaluation has no time of its own", fix="use a parameter such as AsOf")
    return found


@operator("Precision", "Date -> Integer", "DateTime -> Integer", "Time -> Integer")
def precision(value: Any) -> int:
    digits = [4, 6, 8, 10, 12, 14, 17] if not isinstance(value, Time) else [2, 4, 6, 9]
    return digits[len(value.parts) - 1]


@operator("LowBoundary", "Date, Integer -> Date", "DateTime, Integer -> DateTime", "Time, Integer -> Time", nulls=True)
def low_boundary(value: Any, digits: int | None) -> Any:
    return None if value is None else _cut(temporal.low(value), digits)


@operator("HighBoundary", "Date, Integer -> Date", "DateTime, Integer -> DateTime", "Time, Integer -> Time", nulls=True)
def high_boundary(value: Any, digits: int | None) -> Any:
    return None if value is None else _cut(temporal.high(value), digits)


def _cut(value: Any, digits: int | None) -> Any:
    """As many parts as `digits` stand for, all by default: 6 of a date is year and month."""
    if digits is None:
        return value
    sizes = {2: 1, 4: 2, 6: 3, 9: 4} if isinstance(value, Time) else {4: 1, 6: 2, 8: 3, 10: 4, 12: 5, 14: 6, 17: 7}
    count = sizes.get(digits)
    if count is None or count > len(value.parts):
        return None
    return (
        DateTime(value.parts[:count], value.offset) if isinstance(value, DateTime) else type(value)(value.parts[:count])
    )


def _age(unit: str) -> None:
    """CalculateAgeIn...At and CalculateAgeIn...; AgeIn... is made of them by the compiler."""
    plural = f"{unit.capitalize()}s"

    @operator(f"CalculateAgeIn{plural}At", "Date, Date -> Integer", "DateTime, DateTime -> Integer")
    def age_at(birth: Any, moment: Any) -> int | Uncertain | None:
        return temporal.duration(birth, moment, unit)

    @operator(f"CalculateAgeIn{plural}", "Date -> Integer", run=True)
    def age_by_date(run: Any, birth: Date) -> int | Uncertain | None:
        return temporal.duration(birth, temporal.date_of(_moment(run)), unit)

    @operator(f"CalculateAgeIn{plural}", "DateTime -> Integer", run=True)
    def age_by_date_time(run: Any, birth: DateTime) -> int | Uncertain | None:
        return temporal.duration(birth, _moment(run), unit)


for _unit in ("year", "month", "week", "day", "hour", "minute", "second"):
    _age(_unit)
