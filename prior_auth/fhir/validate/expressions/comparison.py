"""Equality and order of values: numbers, texts, dates of unequal precision, quantities of one unit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from prior_auth.fhir.validate.expressions.nodes import ExpressionError, Node

_DATES = frozenset({"date", "dateTime", "instant", "System.Date", "System.DateTime"})
_QUANTITIES = frozenset({"Quantity", "Age", "Count", "Distance", "Duration"})
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?)?)?)?")


def equal(one: Node, other: Node) -> bool | None:
    """None where FHIRPath gives no answer: dates of unequal precision."""
    a, b = one.value, other.value
    if isinstance(a, str) and isinstance(b, str) and (one.type in _DATES or other.type in _DATES):
        order = _order_of_dates(a, b)
        return a == b if order is NotImplemented else None if order is None else order == 0
    return same(a, b)


def same(a: Any, b: Any) -> bool:
    """JSON values alike: a boolean is no number, lists in order."""
    if isinstance(a, bool) != isinstance(b, bool):
        return False
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same(part, b[key]) for key, part in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


def order(one: Node, other: Node) -> int | None:
    """-1, 0 or 1; None where there is no answer. ExpressionError for values that have no order."""
    a, b = one.value, other.value
    if isinstance(a, Mapping) and isinstance(b, Mapping) and one.type in _QUANTITIES and other.type in _QUANTITIES:
        return _order_of_quantities(a, b)
    if _is_number(a) and _is_number(b):
        return int(a > b) - int(a < b)
    if isinstance(a, str) and isinstance(b, str):
        if one.type in _DATES or other.type in _DATES:
            found = _order_of_dates(a, b)
            if found is NotImplemented:
                raise ExpressionError("a date that cannot be read")
            return None if found is None else int(found)
        return int(a > b) - int(a < b)
    if a is None or b is None:
        return None
    raise ExpressionError("an order comparison of unlike values")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _order_of_quantities(a: Mapping[str, Any], b: Mapping[str, Any]) -> int | None:
    """Units are compared as they are written: 1 g and 1000 mg have no answer here."""
    if not (_is_number(a.get("value")) and _is_number(b.get("value"))):
        return None
    unit = (a.get("system"), a.get("code") or a.get("unit"))
    if unit != (b.get("system"), b.get("code") or b.get("unit")):
        return None
    return int(a["value"] > b["value"]) - int(a["value"] < b["value"])


def _order_of_dates(a: str, b: str) -> Any:
    """NotImplemented where one is no date; None where they agree as far as the coarser goes."""
    first, second = _parts(a), _parts(b)
    if first is None or second is None:
        return NotImplemented
    for x, y in zip(first, second, strict=False):
        if x != y:
            return -1 if x < y else 1
    return 0 if len(first) == len(second) else None


def _parts(text: str) -> Sequence[Any] | None:
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    if hour is None:
        return [int(part) for part in (year, month, day) if part is not None]
    microsecond = int((fraction or "0")[:6].ljust(6, "0"))
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute), min(int(second), 59), microsecond, _zone(zone)
        )
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    seconds = moment.second + moment.microsecond / 1_000_000
    return [moment.year, moment.month, moment.day, moment.hour, moment.minute, seconds]


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    ahead = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-ahead if text[0] == "-" else ahead)
