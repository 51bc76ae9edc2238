"""Explicit conversions: null where a text is not of the form, never an error."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from prior_auth.cql.operators.registry import OVERLOADS, operator
from prior_auth.cql.values import numbers, quantities, temporal
from prior_auth.cql.values.core import Code, Concept, Long, Quantity, Ratio
from prior_auth.cql.values.temporal import Date, DateTime, Time
from prior_auth.cql.values.uncertain import Uncertain

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_QUANTITY = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(?:'([^']*)'|([A-Za-z]+))?")
_TRUE, _FALSE = {"true", "t", "yes", "y", "1"}, {"false", "f", "no", "n", "0"}


@operator("ToString", "Integer -> String", "Long -> String", "Date -> String", "Time -> String", "DateTime -> String")
def to_string(value: Any) -> str:
    return str(value).removesuffix("T") if isinstance(value, DateTime) and len(value.parts) < 4 else str(value)


@operator("ToString", "String -> String")
def string_to_string(value: str) -> str:
    return value


@operator("ToString", "Boolean -> String")
def boolean_to_string(value: bool) -> str:
    return "true" if value else "false"


@operator("ToString", "Decimal -> String")
def decimal_to_string(value: Decimal) -> str:
    text = format(value, "f")
    return text if "." in text else f"{text}.0"


@operator("ToString", "Quantity -> String")
def quantity_to_string(value: Quantity) -> str:
    return f"{format(value.value, 'f')} '{value.unit}'"


@operator("ToString", "Ratio -> String")
def ratio_to_string(value: Ratio) -> str:
    return f"{quantity_to_string(value.numerator)}:{quantity_to_string(value.denominator)}"


@operator("ToInteger", "String -> Integer")
def to_integer(text: str) -> int | None:
    return numbers.integer(int(text)) if re.fullmatch(r"[+-]?\d{1,11}", text) else None


@operator("ToInteger", "Boolean -> Integer")
def boolean_to_integer(value: bool) -> int:
    return int(value)


@operator("ToInteger", "Integer -> Integer", "Long -> Integer")
def long_to_integer(value: int) -> int | None:
    return numbers.integer(int(value))


@operator("ToLong", "String -> Long")
def to_long(text: str) -> Long | None:
    return numbers.long(int(text)) if re.fullmatch(r"[+-]?\d{1,20}", text) else None


@operator("ToLong", "Boolean -> Long", "Integer -> Long", "Long -> Long")
def number_to_long(value: int) -> Long:
    return Long(value)


@operator("ToDecimal", "String -> Decimal")
def to_decimal(text: str) -> Decimal | None:
    if not _NUMBER.fullmatch(text) or len(text) > 60:
        return None
    return numbers.decimal(Decimal(text))


@operator("ToDecimal", "Integer -> Decimal", "Long -> Decimal", "Decimal -> Decimal", "Boolean -> Decimal")
def number_to_decimal(value: Any) -> Decimal | Uncertain:
    if isinstance(value, Uncertain):  # its bounds compare with decimals as they are
        return value
    return Decimal(int(value)) if isinstance(value, bool) else Decimal(value)


@operator("ToBoolean", "String -> Boolean")
def to_boolean(text: str) -> bool | None:
    folded = text.lower()
    return True if folded in _TRUE else False if folded in _FALSE else None


@operator("ToBoolean", "Boolean -> Boolean", "Integer -> Boolean", "Long -> Boolean", "Decimal -> Boolean")
def number_to_boolean(value: Any) -> bool | None:
    return {1: True, 0: False}.get(value)


@operator("ToDate", "String -> Date")
def to_date(text: str) -> Date | None:
    found = temporal.read_date_time(text)
    return None if found is None else temporal.date_of(found)


@operator("ToDate", "DateTime -> Date", "Date -> Date")
def date_time_to_date(value: Any) -> Date:
    return temporal.date_of(value)


@operator("ToDateTime", "String -> DateTime")
def to_date_time(text: str) -> DateTime | None:
    return temporal.read_date_time(text)


@operator("ToDateTime", "Date -> DateTime", "DateTime -> DateTime")
def date_to_date_time(value: Any) -> DateTime:
    return value if isinstance(value, DateTime) else DateTime(value.parts)


@operator("ToTime", "String -> Time")
def to_time(text: str) -> Time | None:
    """A time of day has no offset; one that is written is left out."""
    return temporal.read_time(re.sub(r"(Z|[+-]\d\d:\d\d)$", "", text))


@operator("ToTime", "DateTime -> Time")
def date_time_to_time(value: DateTime) -> Time | None:
    return temporal.time_of(value)


@operator("ToQuantity", "String -> Quantity")
def to_quantity(text: str) -> Quantity | None:
    match = _QUANTITY.fullmatch(text.strip())
    value = numbers.decimal(Decimal(match[1])) if match and len(match[1]) < 60 else None
    if match is None or value is None:
        return None
    return Quantity(value, match[2] or match[3] or "1")


@operator("ToQuantity", "Integer -> Quantity", "Long -> Quantity", "Decimal -> Quantity")
def number_to_quantity(value: Any) -> Quantity:
    return Quantity(Decimal(value))


@operator("ToQuantity", "Quantity -> Quantity")
def quantity_to_quantity(value: Quantity) -> Quantity:
    return value


@operator("ToQuantity", "Ratio -> Quantity")
def ratio_to_quantity(value: Ratio) -> Quantity | None:
    return quantities.divide(value.numerator, value.denominator)


@operator("ToRatio", "String -> Ratio")
def to_ratio(text: str) -> Ratio | None:
    numerator, colon, denominator = text.partition(":")
    above, below = to_quantity(numerator), to_quantity(denominator)
    return None if not colon or above is None or below is None else Ratio(above, below)


@operator("ToConcept", "Code -> Concept")
def to_concept(code: Code) -> Concept:
    return Concept((code,), code.display)


@operator("ToConcept", "List<Code> -> Concept")
def codes_to_concept(codes: list[Code | None]) -> Concept:
    return Concept(tuple(code for code in codes if code is not None))


@operator("ToConcept", "Concept -> Concept")
def concept_to_concept(value: Concept) -> Concept:
    return value


def _convertible(target: str) -> None:
    for overload in list(OVERLOADS[f"To{target}"]):
        (operand,) = overload.parameters
        convert = overload.function

        def test(value: Any, convert: Any = convert) -> bool:
            return convert(value) is not None

        operator(f"ConvertsTo{target}", f"{operand} -> Boolean")(test)


for _target in ("String", "Integer", "Long", "Decimal", "Boolean", "Date", "DateTime", "Time", "Quantity", "Ratio"):
    _convertible(_target)
