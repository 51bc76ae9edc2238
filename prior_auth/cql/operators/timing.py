"""Relations between points and intervals, at a precision where one is given."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from prior_auth.cql.operators.registry import operator
from prior_auth.cql.values import temporal
from prior_auth.cql.values.compare import compare
from prior_auth.cql.values.core import Interval
from prior_auth.cql.values.intervals import both, compare_at, either, end, negated, start, successor

_MOMENTS = ("Date, Date -> Boolean", "DateTime, DateTime -> Boolean", "Time, Time -> Boolean")
_INTERVALS = "Interval<T>, Interval<T> -> Boolean"
_POINT_IN = "T, Interval<T> -> Boolean"
_HAS_POINT = "Interval<T>, T -> Boolean"


def _start(value: Any) -> Any:
    return start(value) if isinstance(value, Interval) else value


def _end(value: Any) -> Any:
    return end(value) if isinstance(value, Interval) else value


@operator("In", _POINT_IN, nulls=True, precise=True)
def in_interval(point: Any, interval: Interval | None, precision: str | None) -> bool | None:
    if interval is None:
        return False
    if point is None:
        return None
    if precision is None and interval.low_closed and interval.high_closed and None not in (interval.low, interval.high):
        return both(compare(interval.low, point, "<="), compare(point, interval.high, "<="))
    return both(
        compare_at(_start(interval), point, "<=", precision), compare_at(point, _end(interval), "<=", precision)
    )


@operator("Contains", _HAS_POINT, nulls=True, precise=True)
def contains(interval: Interval | None, point: Any, precision: str | None) -> bool | None:
    return in_interval(point, interval, precision)


operator("IncludedIn", _POINT_IN, nulls=True, precise=True)(in_interval)
operator("Includes", _HAS_POINT, nulls=True, precise=True)(contains)


@operator("ProperIncludedIn", _POINT_IN, precise=True)
def properly_in(point: Any, interval: Interval, precision: str | None) -> bool | None:
    return both(compare_at(_start(interval), point, "<", precision), compare_at(point, _end(interval), "<", precision))


@operator("ProperIncludes", _HAS_POINT, precise=True)
def properly_contains(interval: Interval, point: Any, precision: str | None) -> bool | None:
    return properly_in(point, interval, precision)


@operator("Includes", _INTERVALS, precise=True)
def includes(outer: Interval, inner: Interval, precision: str | None) -> bool | None:
    return both(
        compare_at(start(outer), start(inner), "<=", precision), compare_at(end(outer), end(inner), ">=", precision)
    )


@operator("IncludedIn", _INTERVALS, precise=True)
def included_in(inner: Interval, outer: Interval, precision: str | None) -> bool | None:
    return includes(outer, inner, precision)


@operator("ProperIncludes", _INTERVALS, precise=True)
def properly_includes(outer: Interval, inner: Interval, precision: str | None) -> bool | None:
    larger = either(
        compare_at(start(outer), start(inner), "<", precision), compare_at(end(outer), end(inner), ">", precision)
    )
    return both(includes(outer, inner, precision), larger)


@operator("ProperIncludedIn", _INTERVALS, precise=True)
def properly_included_in(inner: Interval, outer: Interval, precision: str | None) -> bool | None:
    return properly_includes(outer, inner, precision)


@operator("Before", *_MOMENTS, _INTERVALS, _POINT_IN, _HAS_POINT, precise=True)
def before(left: Any, right: Any, precision: str | None) -> bool | None:
    return compare_at(_end(left), _start(right), "<", precision)


@operator("After", *_MOMENTS, _INTERVALS, _POINT_IN, _HAS_POINT, precise=True)
def after(left: Any, right: Any, precision: str | None) -> bool | None:
    return compare_at(_start(left), _end(right), ">", precision)


@operator("SameOrBefore", *_MOMENTS, _INTERVALS, _POINT_IN, _HAS_POINT, precise=True)
def same_or_before(left: Any, right: Any, precision: str | None) -> bool | None:
    return compare_at(_end(left), _start(right), "<=", precision)


@operator("SameOrAfter", *_MOMENTS, _INTERVALS, _POINT_IN, _HAS_POINT, precise=True)
def same_or_after(left: Any, right: Any, precision: str | None) -> bool | None:
    return compare_at(_start(left), _end(right), ">=", precision)


@operator("SameAs", *_MOMENTS, _INTERVALS, precise=True)
def same_as(left: Any, right: Any, precision: str | None) -> bool | None:
    if not isinstance(left, Interval):
        return compare_at(left, right, "=", precision)
    return both(
        compare_at(start(left), start(right), "=", precision), compare_at(end(left), end(right), "=", precision)
    )


@operator("Overlaps", _INTERVALS, precise=True)
def overlaps(left: Interval, right: Interval, precision: str | None) -> bool | None:
    found = both(
        compare_at(start(left), end(right), "<=", precision), compare_at(start(right), end(left), "<=", precision)
    )
    if found is not None:
        return found
    # A known end point of one that lies in the other settles it, whatever the unknown bound may be.
    inside = [(_start(left), right), (_end(left), right), (_start(right), left), (_end(right), left)]
    return True if any(p is not None and in_interval(p, i, precision) is True for p, i in inside) else None


@operator("OverlapsBefore", _INTERVALS, precise=True)
def overlaps_before(left: Interval, right: Interval, precision: str | None) -> bool | None:
    return both(compare_at(start(left), start(right), "<", precision), overlaps(left, right, precision))


@operator("OverlapsAfter", _INTERVALS, precise=True)
def overlaps_after(left: Interval, right: Interval, precision: str | None) -> bool | None:
    return both(compare_at(end(left), end(right), ">", precision), overlaps(left, right, precision))


def _follows(last: Any, first: Any, precision: str | None) -> bool | None:
    """Whether nothing lies between the two points."""
    if last is None or first is None:
        return None
    if precision is None or not isinstance(last, (temporal.Date, temporal.DateTime, temporal.Time)):
        later = compare_at(last, first, "<", None)
        return both(later, compare_at(successor(last), first, "=", None)) if later is not False else False
    index = temporal.UNITS.index(precision) - (3 if isinstance(last, temporal.Time) else 0)
    cut = type(last)(last.parts[: index + 1])
    following = temporal.add(cut, Decimal(1), precision) if len(cut.parts) == index + 1 else None
    return None if following is None else compare_at(following, first, "=", precision)


@operator("MeetsBefore", _INTERVALS, precise=True)
def meets_before(left: Interval, right: Interval, precision: str | None) -> bool | None:
    found = _follows(end(left), start(right), precision)
    if found is None and compare_at(start(left), end(right), ">=", precision) is True:
        return False
    return found


@operator("MeetsAfter", _INTERVALS, precise=True)
def meets_after(left: Interval, right: Interval, precision: str | None) -> bool | None:
    found = _follows(end(right), start(left), precision)
    if found is None and compare_at(end(left), start(right), "<=", precision) is True:
        return False
    return found


@operator("Meets", _INTERVALS, precise=True)
def meets(left: Interval, right: Interval, precision: str | None) -> bool | None:
    return either(meets_before(left, right, precision), meets_after(left, right, precision))


@operator("Starts", _INTERVALS, precise=True)
def starts(left: Interval, right: Interval, precision: str | None) -> bool | None:
    return both(
        compare_at(start(left), start(right), "=", precision), compare_at(end(left), end(right), "<=", precision)
    )


@operator("Ends", _INTERVALS, precise=True)
def ends(left: Interval, right: Interval, precision: str | None) -> bool | None:
    return both(
        compare_at(start(left), start(right), ">=", precision), compare_at(end(left), end(right), "=", precision)
    )


def apart(left: Interval, right: Interval) -> bool | None:
    """Neither overlapping nor meeting."""
    return negated(either(overlaps(left, right, None), meets(left, right, None)))
