"""FHIRHelpers, built in: FHIR's data types as CQL's own values, by the published rules of FHIRHelpers 4.0.1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from prior_auth.cql.errors import EvaluationError
from prior_auth.cql.types import (
    BOOLEAN,
    CODE,
    CONCEPT,
    DATE,
    DATE_TIME,
    DECIMAL,
    INTEGER,
    QUANTITIES,
    QUANTITY,
    RATIO,
    STRING,
    TIME,
    IntervalOf,
    Named,
    Type,
    primitive,
)
from prior_auth.cql.values import numbers, temporal
from prior_auth.cql.values.core import Code, Concept, Fhir, Interval, Quantity, Ratio
from prior_auth.r4 import model

Converter = Callable[[Any], Any]

_UCUM = "http://unitsofmeasure.org"
_CALENDAR = "http://hl7.org/fhirpath/CodeSystem/calendar-units"
_CALENDAR_UNITS = {
    "ms": "millisecond", "s": "second", "min": "minute", "h": "hour", "d": "day", "wk": "week", "mo": "month",
    "a": "year",
}  # fmt: skip
_COMPARATOR = (
    "FHIRHelpers.ToQuantity.ComparatorQuantityNotSupported: a FHIR Quantity with a comparator is no System.Quantity"
)


def reader(name: str) -> Converter:
    """Takes out what is inside the FHIR primitive `name`: a String, Integer, Decimal, Boolean, Date, DateTime, Time."""
    return _READERS.get(name, _text)


def _text(element: Fhir) -> str | None:
    value = element.json
    if value is None or isinstance(value, str):
        return value
    raise _unreadable(element, "a string")


def _boolean(element: Fhir) -> bool | None:
    value = element.json
    if value is None or isinstance(value, bool):
        return value
    raise _unreadable(element, "true or false")


def _integer(element: Fhir) -> int | None:
    value = element.json
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise _unreadable(element, "a whole number")


def _decimal(element: Fhir) -> Decimal | None:
    value = element.json
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise _unreadable(element, "a number")
    return numbers.decimal(numbers.as_decimal(value))


def _moment(read: Callable[[str], Any]) -> Converter:
    def moment(element: Fhir) -> Any:
        text = element.json
        if text is None:
            return None
        found = read(text) if isinstance(text, str) else None
        if found is None:
            raise _unreadable(element, f"a {element.type}")
        return found

    return moment


def _unreadable(element: Fhir, wanted: str) -> EvaluationError:
    return EvaluationError(f"a FHIR {element.type} holds no value that reads as {wanted}", fix="correct the chart")


_DATE_TIME = _moment(temporal.read_date_time)
_READERS: dict[str, Converter] = {
    "boolean": _boolean, "integer": _integer, "positiveInt": _integer, "unsignedInt": _integer, "decimal": _decimal,
    "date": _moment(temporal.read_date), "dateTime": _DATE_TIME, "instant": _DATE_TIME,
    "time": _moment(temporal.read_time),
}  # fmt: skip


def to_code(coding: Fhir) -> Code:
    return _code(coding.json)


def _code(json: Mapping[str, Any]) -> Code:
    return Code(json.get("code"), json.get("system"), json.get("version"), json.get("display"))


def to_concept(concept: Fhir) -> Concept:
    codings = concept.json.get("coding") or ()
    return Concept(tuple(_code(one) for one in codings), concept.json.get("text"))


def to_quantity(quantity: Fhir) -> Quantity | None:
    """EvaluationError for one with a comparator or a unit outside UCUM; None for one without a value."""
    json = quantity.json
    if json.get("value") is None:
        return None
    if json.get("comparator") is not None:
        raise EvaluationError(_COMPARATOR, fix="test `.comparator` first")
    if json.get("system") not in (None, _UCUM, _CALENDAR):
        raise EvaluationError(
            "FHIRHelpers.ToQuantity.InvalidFHIRQuantity: the unit is of another system than UCUM",
            fix="test `.system` first",
        )
    value = numbers.decimal(numbers.as_decimal(json["value"]))
    unit = json.get("code") or json.get("unit") or "1"
    return None if value is None else Quantity(value, _CALENDAR_UNITS.get(unit, unit))


def to_ratio(ratio: Fhir) -> Ratio | None:
    parts = [ratio.json.get("numerator"), ratio.json.get("denominator")]
    numerator, denominator = (None if one is None else to_quantity(Fhir("Quantity", one)) for one in parts)
    return None if numerator is None or denominator is None else Ratio(numerator, denominator)


def period_to_interval(period: Fhir) -> Interval:
    """A missing start is unknown, a missing end is still running: the end of time."""
    low, high = (
        None if period.json.get(name) is None else _DATE_TIME(Fhir("dateTime", period.json[name]))
        for name in ("start", "end")
    )
    return Interval(low, high, low is not None, True, "DateTime")


def range_to_interval(range_: Fhir) -> Interval:
    low, high = (
        None if range_.json.get(name) is None else to_quantity(Fhir("Quantity", range_.json[name]))
        for name in ("low", "high")
    )
    return Interval(low, high, low is not None, True, "Quantity")


def conversion(name: str) -> tuple[Type, Converter] | None:
    """What FHIRHelpers makes of the FHIR type `name`: the CQL type and the function; None where it makes nothing."""
    inside = primitive(name)
    if inside is not None:
        return inside, reader(name)
    if name in QUANTITIES or model.is_subtype(name, "Quantity"):
        return QUANTITY, to_quantity
    return _COMPLEX.get(name)


_COMPLEX: dict[str, tuple[Type, Converter]] = {
    "Coding": (CODE, to_code),
    "CodeableConcept": (CONCEPT, to_concept),
    "Period": (IntervalOf(DATE_TIME), period_to_interval),
    "Range": (IntervalOf(QUANTITY), range_to_interval),
    "Ratio": (RATIO, to_ratio),
}

# The functions of FHIRHelpers by name and by the CQL type that they give.
FUNCTIONS: Mapping[str, tuple[Type, ...]] = {
    "ToInterval": (IntervalOf(DATE_TIME), IntervalOf(QUANTITY)), "ToQuantity": (QUANTITY,), "ToRatio": (RATIO,),
    "ToCode": (CODE,), "ToConcept": (CONCEPT,), "ToString": (STRING,), "ToBoolean": (BOOLEAN,),
    "ToInteger": (INTEGER,), "ToDecimal": (DECIMAL,), "ToDate": (DATE,), "ToDateTime": (DATE_TIME,), "ToTime": (TIME,),
}  # fmt: skip


def function(name: str, operand: Type) -> tuple[Type, Converter] | None:
    """`FHIRHelpers.<name>` for an operand of this type; None where there is no such overload."""
    found = conversion(operand.name) if isinstance(operand, Named) and operand.namespace == "FHIR" else None
    return found if found is not None and found[0] in FUNCTIONS.get(name, ()) else None
