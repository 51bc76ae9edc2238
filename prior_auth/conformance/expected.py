"""The outputs that a FHIRPath suite writes, compared with values as the door gives them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from prior_auth.cql.values import temporal
from prior_auth.paths.own import moments

_QUANTITY = re.compile(r"(-?[\d.]+) '([^']+)'")


@dataclass(frozen=True, slots=True)
class Output:
    """`type` is None where the suite names none; the form of the text tells it then."""

    type: str | None
    text: str


def agree(values: Sequence[Any], outputs: Sequence[Output], *, is_ordered: bool = True) -> bool:
    """Whether the values are the outputs, one by one: numbers by value, dates to the same precision."""
    if len(values) != len(outputs):
        return False
    if is_ordered:
        return all(_is(value, output) for value, output in zip(values, outputs, strict=True))
    left = list(outputs)
    for value in values:
        found = next((one for one in left if _is(value, one)), None)
        if found is None:
            return False
        left.remove(found)
    return True


def _is(value: Any, output: Output) -> bool:
    return _JUDGES.get(output.type or _type_of(output.text), _is_text)(value, output.text)


def _type_of(text: str) -> str:
    if text.startswith("@"):
        return "time" if text.startswith("@T") else "dateTime"
    if text in ("true", "false"):
        return "boolean"
    return "Quantity" if text.endswith("'") else "decimal"


def _is_boolean(value: Any, text: str) -> bool:
    return value is (text == "true")


def _is_integer(value: Any, text: str) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and str(value) == text


def _is_decimal(value: Any, text: str) -> bool:
    try:
        return isinstance(value, int | Decimal) and not isinstance(value, bool) and value == Decimal(text)
    except InvalidOperation:
        return False


def _is_moment(read: Callable[[str], Any]) -> Callable[[Any, str], bool]:
    def judge(value: Any, text: str) -> bool:
        found, wanted = read(value) if isinstance(value, str) else None, read(text.removeprefix("@"))
        return found is not None and found == wanted

    return judge


def _is_quantity(value: Any, text: str) -> bool:
    match = _QUANTITY.fullmatch(text)
    if match is None or not isinstance(value, Mapping):
        return False
    return bool(value.get("value") == Decimal(match[1]) and value.get("code") == match[2])


def _is_text(value: Any, text: str) -> bool:
    return isinstance(value, str) and value == text


_JUDGES: Mapping[str, Callable[[Any, str], bool]] = {
    "boolean": _is_boolean,
    "integer": _is_integer,
    "decimal": _is_decimal,
    "date": _is_moment(temporal.read_date),
    "dateTime": _is_moment(moments.read_date_time),
    "time": _is_moment(temporal.read_time),
    "Quantity": _is_quantity,
}
