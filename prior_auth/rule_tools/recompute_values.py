"""Values of an explanation's data compared and worked with, by nothing but the standard library: for `recompute`."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


class Disagreement(Exception):
    """The data state one value, and prove another."""


def agree(found: Any, stated: Any, where: object) -> None:
    if not alike(found, stated):
        raise Disagreement(f"{found!r} is not {stated!r} in {where}")


def alike(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        # CQL rounds each step to eight digits after the point.
        return math.isclose(one, other, rel_tol=1e-7, abs_tol=1e-7)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    return bool(one == other)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def negated(value: bool | None) -> bool | None:
    return None if value is None else not value


def kleene_and(values: Sequence[bool | None], node: Json) -> bool | None:
    if False in values:
        return False
    if node.get("not_needed"):
        raise Disagreement("operands were left out that could have decided")
    return None if None in values else True


def distinct(values: list[Any]) -> list[Any]:
    return [one for i, one in enumerate(values) if not any(alike(one, other) for other in values[:i])]


def same_elements(one: list[Any], other: list[Any]) -> bool:
    rest = list(other)
    for value in one:
        match = next((i for i, candidate in enumerate(rest) if alike(value, candidate)), None)
        if match is None:
            return False
        rest.pop(match)
    return not rest


def check_label(row: Json, elements: Sequence[Any]) -> None:
    """A row's resource is the element of the source that stands there."""
    for label, element in zip(row["of"], elements, strict=True):
        if isinstance(element, dict) and element.keys() == {"reference"} and label != element:
            raise Disagreement(f"the row {label} stands where {element} is")


def code_keys(value: Any) -> set[tuple[str | None, str | None]]:
    if isinstance(value, list):
        return {key for one in value for key in code_keys(one)}
    if isinstance(value, str):
        return {(None, value)}
    if not isinstance(value, dict):
        return set()
    return {(one.get("system"), one.get("code")) for one in value.get("codes", [value])}


# --- Comparisons ------------------------------------------------------------------------------------------------------

_ORDER: Mapping[str, Callable[[int], bool]] = {
    "<": lambda sign: sign < 0, "before": lambda sign: sign < 0, ">": lambda sign: sign > 0,
    "after": lambda sign: sign > 0, "<=": lambda sign: sign <= 0, "on or before": lambda sign: sign <= 0,
    ">=": lambda sign: sign >= 0, "on or after": lambda sign: sign >= 0, "=": lambda sign: sign == 0,
    "same as": lambda sign: sign == 0,
}  # fmt: skip
_UNITS = ("year", "month", "day", "hour", "minute", "second", "millisecond")


def compared(left: Any, right: Any, operator: str, precision: str | None) -> bool | None:
    if operator in ("!=", "!~"):
        return negated(compared(left, right, "=" if operator == "!=" else "~", precision))
    if operator == "~":
        return equivalent(left, right)
    if operator == "contains":
        left, right, operator = right, left, "in"
    if operator == "in":
        return within(left, right, precision)
    if left is None or right is None:
        return None
    if operator == "=" and isinstance(left, (dict, list)) and not is_number(left):
        return alike(left, right)
    sign = order(left, right, precision)
    return None if sign is None else _ORDER[operator](sign)


def within(value: Any, holder: Any, precision: str | None) -> bool | None:
    if isinstance(holder, dict) and "lowClosed" in holder:
        if value is None:
            return None
        low = order(holder["low"], value, precision) if holder["low"] is not None else None
        high = order(value, holder["high"], precision) if holder["high"] is not None else None
        lower = bound_holds(low, holder["lowClosed"], holder["low"])
        tests = [lower, bound_holds(high, holder["highClosed"], holder["high"])]
        return False if False in tests else None if None in tests else True
    if holder is None:
        return False
    return any(alike(one, value) for one in holder)


def bound_holds(sign: int | None, closed: bool, bound: Any) -> bool | None:
    if bound is None:
        return True if closed else None
    return None if sign is None else sign < 0 or (sign == 0 and closed)


def equivalent(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return left is right
    if isinstance(left, dict) and isinstance(right, dict) and ("code" in left or "codes" in left):
        return bool(code_keys(left) & code_keys(right))
    if isinstance(left, str) and isinstance(right, str) and not left.startswith("@"):
        return left.casefold() == right.casefold()
    return alike(left, right)


def is_beyond(left: Any, right: Any, precision: str | None) -> bool:
    """What is not compared here: unlike units, intervals and lists with each other, instants to a precision."""
    both = [one for one in (left, right) if one is not None]
    if any(isinstance(one, dict) and ("fhir" in one or "numerator" in one) for one in both):
        return True
    if len(both) == 2 and all(isinstance(one, list) or is_interval(one) for one in both):
        return True
    if any(is_interval(one) and is_interval(one["low"]) for one in both) or (is_interval(left) and right is not None):
        return not isinstance(right, (int, float, str)) or is_interval(left)
    zoned = precision is not None and any(isinstance(one, str) and ":" in one for one in both)
    return zoned or len(set().union(*map(units_of, both))) > 1


def is_interval(value: Any) -> bool:
    return isinstance(value, dict) and "lowClosed" in value


def units_of(value: Any) -> set[str]:
    """The units of a quantity or of the bounds of an interval."""
    if is_number(value):
        return {value["unit"]}
    return units_of(value["low"]) | units_of(value["high"]) if is_interval(value) else set()


def is_number(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"value", "unit"}


def order(left: Any, right: Any, precision: str | None) -> int | None:
    """-1, 0, 1; None where a date is not known well enough, or units differ."""
    if isinstance(left, dict) and "uncertain" in left:
        signs = {order(one, right, None) for one in left["uncertain"].values()}
        return signs.pop() if len(signs) == 1 else None
    if is_number(left) and is_number(right):
        return order(left["value"], right["value"], None) if left["unit"] == right["unit"] else None
    if isinstance(left, str) and left.startswith("@") and isinstance(right, str):
        return order_of_days(parts_of(left), parts_of(right), precision)
    return int(left > right) - int(left < right)


def order_of_days(left: list[int], right: list[int], precision: str | None) -> int | None:
    limit = _UNITS.index(precision) + 1 if precision else max(len(left), len(right))
    for one, other in itertools.zip_longest(left[:limit], right[:limit]):
        if one is None or other is None:
            return None
        if one != other:
            return 1 if one > other else -1
    return 0


def parts_of(text: str) -> list[int]:
    """Year, month, day and on, as far as they are known; an instant in UTC."""
    day, _, time = text[1:].partition("T")
    if time and len(time) > 8 and ("+" in time or "Z" in time or "-" in time):
        moment = datetime.fromisoformat(text[1:]).astimezone(UTC)
        known = [moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second]
        return [*known, moment.microsecond // 1000]
    clock = time.partition("+")[0].partition("-")[0].replace(".", ":")
    return [int(one) for one in [*day.split("-"), *clock.split(":")] if one]


# --- Operators --------------------------------------------------------------------------------------------------------


def union(left: list[Any] | None, right: list[Any] | None) -> Any:
    if is_interval(left) or is_interval(right) or (left is None and right is None):
        return TAKEN
    return distinct([*listed(left), *listed(right)])


def first(values: list[Any]) -> Any:
    return values[0] if values else None


def last(values: list[Any]) -> Any:
    return values[-1] if values else None


_MAX_INTEGER = 2**31 - 1


def arithmetic(way: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """On two numbers, or two texts; dates and quantities are taken as they are."""

    def worked_out(left: Any, right: Any) -> Any:
        numbers = all(isinstance(one, (int, float)) for one in (left, right))
        texts = all(isinstance(one, str) and not one.startswith("@") for one in (left, right))
        if not (numbers or texts):
            return TAKEN
        found = way(left, right)
        return found if texts or abs(found) <= _MAX_INTEGER else TAKEN

    return worked_out


def total(values: list[Any]) -> Any:
    numbers = known(values)
    if not all(isinstance(one, (int, float)) for one in numbers):
        return TAKEN
    return sum(numbers) if numbers else None


def quotient(left: Any, right: Any) -> Any:
    if isinstance(left, dict) or isinstance(right, dict):
        return TAKEN
    return left / right if right else None


def extreme(sign: int) -> Callable[[list[Any]], Any]:
    def found(values: list[Any]) -> Any:
        best = None
        for one in known(values):
            direction = 0 if best is None else order(one, best, None)
            if direction is None:
                return TAKEN
            best = one if best is None or direction == sign else best
        return best

    return found


def day_of(moment: str) -> str:
    return moment.partition("T")[0]


def known(values: list[Any]) -> list[Any]:
    return [one for one in values if one is not None]


def floor_of(value: float) -> int:
    return math.floor(round(value, 9))


TAKEN = object()
NULLS = frozenset({"Union", "Count", "List"})
OPERATORS: Mapping[str, Callable[..., Any]] = {
    "First": first, "Last": last, "Union": union, "DateFrom": day_of, "SingletonFrom": first,
    "Count": lambda values: len(known(listed(values))),
    "Sum": total, "Divide": quotient,
    "Floor": floor_of, "Ceiling": lambda value: -floor_of(-value),
    "ToDecimal": lambda value: value if isinstance(value, (int, float)) else TAKEN,
    "Multiply": arithmetic(lambda left, right: left * right), "Add": arithmetic(lambda left, right: left + right),
    "Subtract": arithmetic(lambda left, right: left - right), "Min": extreme(-1), "Max": extreme(1),
    "List": lambda *values: list(values),
    "StartsWith": lambda text, start: text.startswith(start), "EndsWith": lambda text, end: text.endswith(end),
    "Lower": lambda text: text.lower(), "Upper": lambda text: text.upper(),
    "PositionOf": lambda pattern, text: text.find(pattern),
}  # fmt: skip
