"""Intervals: bounds and membership, with unknown bounds unknown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from prior_auth.cql.errors import EvaluationError
from prior_auth.cql.values import compare, numbers, temporal
from prior_auth.cql.values.core import Interval, Long, Quantity
from prior_auth.cql.values.temporal import Date, DateTime, Time
from prior_auth.cql.values.uncertain import Uncertain

# What `minimum Decimal` and `maximum Decimal` are; a literal may hold eight digits more before the point.
_GREATEST = Decimal("99999999999999999999.99999999")
_LEAST = _GREATEST.copy_negate()
MINIMUM: dict[str, Any] = {
    "Integer": numbers.MIN_INTEGER, "Long": Long(numbers.MIN_LONG), "Decimal": _LEAST,
    "Date": Date((1, 1, 1)), "DateTime": DateTime((1, 1, 1, 0, 0, 0, 0)), "Time": Time((0, 0, 0, 0)),
    "Quantity": Quantity(_LEAST),
}  # fmt: skip
MAXIMUM: dict[str, Any] = {
    "Integer": numbers.MAX_INTEGER, "Long": Long(numbers.MAX_LONG), "Decimal": _GREATEST,
    "Date": Date((9999, 12, 31)), "DateTime": DateTime((9999, 12, 31, 23, 59, 59, 999)),
    "Time": Time((23, 59, 59, 999)),
    "Quantity": Quantity(_GREATEST),
}  # fmt: skip


def successor(value: Any, steps: int = 1) -> Any:
    """The next value of its type, or the one before for -1. EvaluationError beyond the last."""
    found: Any
    if isinstance(value, Long):
        found = numbers.long(value + steps)
    elif isinstance(value, int):
        found = numbers.integer(value + steps)
    elif isinstance(value, Decimal):
        found = numbers.decimal(numbers.CONTEXT.add(value, steps * numbers.STEP))
    elif isinstance(value, Quantity):
        number = numbers.decimal(numbers.CONTEXT.add(value.value, steps * numbers.STEP))
        found = None if number is None else Quantity(number, value.unit)
    elif isinstance(value, Uncertain):
        found = Uncertain(value.low + steps, value.high + steps)
    else:
        found = temporal.successor(value, steps)
    if found is None:
        raise EvaluationError("there is no value beyond the last one of its type")
    return found


def start(interval: Interval) -> Any:
    """The least value in the interval; None where it is unknown."""
    if interval.low is None:
        return _extreme(MINIMUM, interval) if interval.low_closed else None
    return interval.low if interval.low_closed else successor(interval.low)


def end(interval: Interval) -> Any:
    """The greatest value in the interval; None where it is unknown."""
    if interval.high is None:
        return _extreme(MAXIMUM, interval) if interval.high_closed else None
    return interval.high if interval.high_closed else successor(interval.high, -1)


def _extreme(table: dict[str, Any], interval: Interval) -> Any:
    found = table.get(interval.point)
    if isinstance(found, Quantity):
        known = interval.low if interval.low is not None else interval.high
        return Quantity(found.value, known.unit) if known is not None else found
    return found


def point_type(value: Any) -> str:
    """The name of the type of a bound."""
    return "Integer" if type(value) is int else type(value).__name__


def check(interval: Interval) -> Interval:
    """The interval itself. EvaluationError where it ends before it starts."""
    low, high = interval.low, interval.high
    if low is not None and high is not None:
        found = compare.order(low, high)
        if found == 1 or (found == 0 and not (interval.low_closed and interval.high_closed)):
            raise EvaluationError("an interval ends before it starts")
    return interval


def compare_at(left: Any, right: Any, operator: str, precision: str | None) -> bool | None:
    """`<`, `<=`, `>`, `>=` or `=` of two points, of dates at the precision asked for."""
    if left is None or right is None:
        return None
    if precision is not None and isinstance(left, (Date, DateTime, Time)):
        found = temporal.order(left, right, precision)
        if found is None:
            return None
        return {"<": found < 0, "<=": found <= 0, ">": found > 0, ">=": found >= 0, "=": found == 0}[operator]
    if operator == "=":
        return compare.equal(left, right)
    return compare.compare(left, right, operator)


def both(left: bool | None, right: bool | None) -> bool | None:
    """Kleene's and."""
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def either(left: bool | None, right: bool | None) -> bool | None:
    """Kleene's or."""
    if left is True or right is True:
        return True
    return None if left is None or right is None else False


def negated(value: bool | None) -> bool | None:
    return None if value is None else not value
