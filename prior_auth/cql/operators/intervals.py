"""Intervals as sets: bounds, width, union, intersection, difference, collapse and expand."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from prior_auth.cql.errors import EvaluationError
from prior_auth.cql.operators.arithmetic import subtract
from prior_auth.cql.operators.registry import operator
from prior_auth.cql.operators.timing import meets, overlaps
from prior_auth.cql.values import numbers, quantities, temporal
from prior_auth.cql.values.compare import order
from prior_auth.cql.values.core import Interval, Quantity
from prior_auth.cql.values.intervals import compare_at, either, end, start, successor
from prior_auth.cql.values.temporal import Date, DateTime, Time
from prior_auth.terminology import ucum


@operator("Start", "Interval<T> -> T")
def start_of(interval: Interval) -> Any:
    return start(interval)


@operator("End", "Interval<T> -> T")
def end_of(interval: Interval) -> Any:
    return end(interval)


@operator("PointFrom", "Interval<T> -> T")
def point_from(interval: Interval) -> Any:
    first, last = start(interval), end(interval)
    if first is None or last is None:
        return None
    if order(first, last) != 0:
        raise EvaluationError("the interval holds more than one point")
    return first


@operator("Width", "Interval<Integer> -> Integer", "Interval<Long> -> Long", "Interval<Decimal> -> Decimal")
def width(interval: Interval) -> Any:
    first, last = start(interval), end(interval)
    return None if first is None or last is None else subtract(last, first)


@operator("Width", "Interval<Quantity> -> Quantity")
def width_of_quantities(interval: Interval) -> Quantity | None:
    first, last = start(interval), end(interval)
    return None if first is None or last is None else quantities.subtract(last, first)


@operator("Size", "Interval<Integer> -> Integer", "Interval<Long> -> Long", "Interval<Decimal> -> Decimal")
def size(interval: Interval) -> Any:
    found = width(interval)
    step = numbers.STEP if isinstance(found, Decimal) else 1
    return None if found is None else found + step


@operator("Union", "Interval<T>, Interval<T> -> Interval<T>")
def union(left: Interval, right: Interval) -> Interval | None:
    if either(overlaps(left, right, None), meets(left, right, None)) is not True:
        return None
    first = left if compare_at(start(left), start(right), "<=", None) is True else right
    last = left if compare_at(end(left), end(right), ">=", None) is True else right
    return Interval(first.low, last.high, first.low_closed, last.high_closed, left.point)


@operator("Intersect", "Interval<T>, Interval<T> -> Interval<T>")
def intersect(left: Interval, right: Interval) -> Interval | None:
    together = overlaps(left, right, None)
    if together is False:
        return None
    low, low_closed = _bound(
        start(left), start(right), (left.low, left.low_closed), (right.low, right.low_closed), ">="
    )
    high, high_closed = _bound(
        end(left), end(right), (left.high, left.high_closed), (right.high, right.high_closed), "<="
    )
    return Interval(low, high, low_closed, high_closed, left.point)


def _bound(left: Any, right: Any, ours: tuple[Any, bool], theirs: tuple[Any, bool], operator: str) -> tuple[Any, bool]:
    """The bound that wins; unknown where an unknown one could."""
    if left is None or right is None:
        return None, False
    found = compare_at(left, right, operator, None)
    if found is None:
        return None, False
    return ours if found else theirs


@operator("Except", "Interval<T>, Interval<T> -> Interval<T>")
def except_(left: Interval, right: Interval) -> Interval | None:
    """What is left of the first; None where that is no single interval."""
    if overlaps(left, right, None) is False:
        return left
    starts_before = compare_at(start(left), start(right), "<", None)
    ends_after = compare_at(end(left), end(right), ">", None)
    if starts_before is True and ends_after is False:
        return Interval(left.low, successor(start(right), -1), left.low_closed, True, left.point)
    if starts_before is False and ends_after is True:
        return Interval(successor(end(right)), left.high, True, left.high_closed, left.point)
    return None


def _sorted(values: Sequence[Interval | None]) -> list[Interval]:
    def compared(left: Interval, right: Interval) -> int:
        a, b = start(left), start(right)
        if a is None or b is None:
            return int(b is None) - int(a is None)
        return order(a, b) or 0

    return sorted((one for one in values if one is not None), key=functools.cmp_to_key(compared))


@operator("Collapse", "List<Interval<T>> -> List<Interval<T>>", run=True)
def collapse(run: Any, values: Sequence[Interval | None]) -> list[Interval]:
    return _collapsed(run, values, None)


@operator("Collapse", "List<Interval<T>>, Quantity -> List<Interval<T>>", run=True, nulls=True)
def collapse_per(run: Any, values: Sequence[Interval | None] | None, per: Quantity | None) -> list[Interval] | None:
    return None if values is None else _collapsed(run, values, per)


def _collapsed(run: Any, values: Sequence[Interval | None], per: Quantity | None) -> list[Interval]:
    found: list[Interval] = []
    for one in _sorted(values):
        run.step()
        if found and _joins(found[-1], one, per):
            last = found[-1]
            longer = compare_at(end(last), end(one), ">=", None) is True
            high, closed = (last.high, last.high_closed) if longer else (one.high, one.high_closed)
            found[-1] = Interval(last.low, high, last.low_closed, closed, last.point)
        else:
            found.append(one)
    return found


def _joins(left: Interval, right: Interval, per: Quantity | None) -> bool:
    if either(overlaps(left, right, None), meets(left, right, None)) is True:
        return True
    last, first = end(left), start(right)
    if per is None or last is None or first is None:
        return False
    return compare_at(_plus(last, per), first, ">=", None) is True


def _plus(value: Any, step: Quantity, times: int = 1) -> Any:
    if isinstance(value, (Date, DateTime, Time)):
        try:
            return temporal.add(value, step.value * times, step.unit)
        except EvaluationError:
            # Beyond the last day that there is; what is cut up ends here.
            return None
    if isinstance(value, Quantity):
        return quantities.add(value, Quantity(step.value * times, step.unit))
    return type(value)(value + step.value * times)


@operator("Expand", "List<Interval<T>> -> List<Interval<T>>", run=True)
def expand(run: Any, values: Sequence[Interval | None]) -> list[Interval] | None:
    return _expanded(run, values, None)


@operator("Expand", "List<Interval<T>>, Quantity -> List<Interval<T>>", run=True, nulls=True)
def expand_per(run: Any, values: Sequence[Interval | None] | None, per: Quantity | None) -> list[Interval] | None:
    return None if values is None else _expanded(run, values, per)


@operator("Expand", "Interval<T> -> List<T>", run=True)
def expand_points(run: Any, interval: Interval) -> list[Any] | None:
    found = _pieces(run, interval, None)
    return None if found is None else [one.low for one in found]


@operator("Expand", "Interval<T>, Quantity -> List<T>", run=True, nulls=True)
def expand_points_per(run: Any, interval: Interval | None, per: Quantity | None) -> list[Any] | None:
    found = None if interval is None else _pieces(run, interval, per)
    return None if found is None else [one.low for one in found]


def _expanded(run: Any, values: Sequence[Interval | None], per: Quantity | None) -> list[Interval] | None:
    found: list[Interval] = []
    for one in _collapsed(run, values, None):
        pieces = _pieces(run, one, per)
        if pieces is None:
            return None
        found.extend(run.sized(pieces))
    return found


def _pieces(run: Any, interval: Interval, per: Quantity | None) -> list[Interval] | None:
    """The interval cut into steps of `per`, by default one of the points' own precision; a short rest is left out."""
    low, high = start(interval), end(interval)
    if low is None or high is None:
        return None
    step = per or _own_step(low, high)
    if isinstance(low, (Date, DateTime, Time)):
        low, high = _at_precision(low, step), _at_precision(high, step)
    elif isinstance(low, int) and step.value != int(step.value):
        # Each whole number stands for all its fractions: 10 per 0.1 is 10.0 to 10.9.
        low, high = _cut(Decimal(low), step), _cut(Decimal(high) + 1, step) - _least(step)
    elif isinstance(low, Decimal):
        low, high = _cut(low, step), _cut(high, step)
    if low is None or high is None or _too_fine(low, step):
        return []
    found: list[Interval] = []
    while True:
        run.step(8)
        first, following = _plus(low, step, len(found)), _plus(low, step, len(found) + 1)
        if first is None or following is None:
            return found
        last = _before(following, step)
        if compare_at(last, high, "<=", None) is not True:
            return found
        found.append(Interval(first, last, True, True, interval.point))


def _own_step(low: Any, high: Any) -> Quantity:
    if isinstance(low, (Date, DateTime, Time)):
        shorter = low if len(low.parts) <= len(high.parts) else high
        return Quantity(Decimal(1), temporal.precision_of(shorter))
    if isinstance(low, Quantity):
        return Quantity(_digits(low.value, high.value), low.unit)
    return Quantity(_digits(low, high)) if isinstance(low, Decimal) else Quantity(Decimal(1))


def _digits(low: Decimal, high: Decimal) -> Decimal:
    exponent = min(0, max(int(low.as_tuple().exponent), int(high.as_tuple().exponent)))
    return Decimal(1).scaleb(exponent)


def _cut(value: Decimal, step: Quantity) -> Decimal:
    exponent = min(0, int(numbers.plain(step.value).as_tuple().exponent))
    return value.quantize(Decimal(1).scaleb(exponent), rounding="ROUND_DOWN", context=numbers.CONTEXT)


def _least(step: Quantity) -> Decimal:
    """One in the last digit of the step."""
    return Decimal(1).scaleb(min(0, int(numbers.plain(step.value).as_tuple().exponent)))


def _at_precision(value: Any, step: Quantity) -> Any:
    unit = temporal.calendar_unit(step.unit)
    limit = temporal.UNITS.index("day" if unit == "week" else unit) + 1 - (3 if isinstance(value, Time) else 0)
    parts = value.parts[: max(limit, 0)]
    return type(value)(parts, value.offset) if isinstance(value, DateTime) else type(value)(parts)


def _too_fine(value: Any, step: Quantity) -> bool:
    """A step finer than the points know of, of another kind of unit, or one that leads nowhere."""
    if step.value <= 0:
        raise EvaluationError("expand needs a step above zero")
    if isinstance(value, (Date, DateTime, Time)):
        unit = temporal.calendar_unit(step.unit)
        known = len(value.parts) + (3 if isinstance(value, Time) else 0)
        return not value.parts or temporal.UNITS.index("day" if unit == "week" else unit) + 1 > known
    if isinstance(value, Quantity):
        return not ucum.comparable(value.unit, step.unit)
    return ucum.normal(step.unit) != "1"


def _before(value: Any, step: Quantity) -> Any:
    if isinstance(value, (Decimal, Quantity)):
        least = _least(step)
        return value - least if isinstance(value, Decimal) else Quantity(value.value - least, value.unit)
    return successor(value, -1)
