"""Conversions between the system types: empty where a text is not of the form, never an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from prior_auth.cql.operators.conversion import number_to_boolean, to_boolean, to_decimal, to_integer
from prior_auth.cql.values import numbers, temporal
from prior_auth.cql.values.core import Quantity
from prior_auth.cql.values.temporal import Date, DateTime, Time
from prior_auth.paths.own import moments
from prior_auth.paths.own.function import Function, on_value, one_of
from prior_auth.paths.own.nodes import FALSE, TRUE, Nodes, Surroundings
from prior_auth.paths.own.values import MOMENTS
from prior_auth.paths.problem import PathError
from prior_auth.terminology import ucum

_QUANTITY = re.compile(r"(?P<value>[+-]?\d{1,30}(?:\.\d{1,30})?)\s*(?:'(?P<unit>[^']+)'|(?P<word>[A-Za-z]+))?")


def shown(value: Any) -> str | None:
    """As toString() writes it; None for what has no such form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, MOMENTS):
        return moments.text(value)
    if isinstance(value, Quantity):
        unit = value.unit if ucum.normal(value.unit) in ucum.CALENDAR else f"'{value.unit}'"
        return f"{format(value.value, 'f')} {unit}"
    return None


def as_text(nodes: Nodes) -> str | None:
    """The text of an operand of `&`."""
    value = one_of(nodes)
    if value is None:
        return None
    found = shown(value)
    if found is None:
        raise PathError("a text is needed")
    return found


def _to_boolean(value: Any) -> bool | None:
    if isinstance(value, str):
        return to_boolean(value)
    return number_to_boolean(value) if isinstance(value, bool | int | Decimal) else None


def _to_integer(value: Any) -> int | None:
    if isinstance(value, str):
        return to_integer(value)
    return numbers.integer(int(value)) if isinstance(value, int) else None


def _to_decimal(value: Any) -> Decimal | None:
    if isinstance(value, str):
        return to_decimal(value)
    return Decimal(value) if isinstance(value, int | Decimal) else None


def _to_date(value: Any) -> Date | None:
    if isinstance(value, Date):
        return value
    if isinstance(value, str):
        value = moments.read_date_time(value)
    return Date(value.parts[:3]) if isinstance(value, Date | DateTime) else None


def _to_date_time(value: Any) -> DateTime | None:
    if isinstance(value, str):
        value = moments.read_date_time(value)
    return moments.Local(value.parts) if isinstance(value, Date) else value if isinstance(value, DateTime) else None


def _to_time(value: Any) -> Time | None:
    if isinstance(value, str):
        return temporal.read_time(value)
    return value if isinstance(value, Time) else None


def _to_quantity(value: Any, unit: Any = None) -> Quantity | None:
    found = _quantity(value)
    if found is None or unit is None:
        return found
    if not isinstance(unit, str):
        raise PathError("a unit is a text")
    converted = ucum.convert(found.value, found.unit, unit)
    return None if converted is None else Quantity(converted, unit)


def _quantity(value: Any) -> Quantity | None:
    if isinstance(value, Quantity):
        return value
    if isinstance(value, bool | int | Decimal):
        return Quantity(Decimal(value))
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if match is None or (match["word"] and ucum.normal(match["word"]) not in ucum.CALENDAR):
        return None
    return Quantity(Decimal(match["value"]), match["unit"] or match["word"] or "1")


def _converts(convert: Callable[..., Any], most: int = 0) -> Function:
    def apply(_around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
        values = [one_of(nodes), *(one_of(one) for one in arguments)]
        if None in values:
            return []
        return FALSE if convert(*values) is None else TRUE

    return Function(apply, 0, most)


_TO: Mapping[str, tuple[Callable[..., Any], int]] = {
    "Boolean": (_to_boolean, 0),
    "Integer": (_to_integer, 0),
    "Decimal": (_to_decimal, 0),
    "String": (shown, 0),
    "Date": (_to_date, 0),
    "DateTime": (_to_date_time, 0),
    "Time": (_to_time, 0),
    "Quantity": (_to_quantity, 1),
}

FUNCTIONS: Mapping[str, Function] = {
    **{f"to{name}": on_value(convert, 0, most) for name, (convert, most) in _TO.items()},
    **{f"convertsTo{name}": _converts(convert, most) for name, (convert, most) in _TO.items()},
}
