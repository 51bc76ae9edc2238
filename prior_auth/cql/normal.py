"""Values as plain JSON, the same for every engine, so that results can be compared and shown."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from prior_auth.cql import helpers
from prior_auth.cql.types import primitive
from prior_auth.cql.values.core import Code, Concept, Fhir, Interval, Quantity, Ratio, Vocabulary
from prior_auth.cql.values.temporal import Date, DateTime, Time
from prior_auth.cql.values.uncertain import Uncertain
from prior_auth.r4 import model


def normal(value: Any) -> Any:
    """null, Boolean, String and numbers as they are; the rest as `docs/cql.md` tells."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, (list, tuple)):
        return [normal(one) for one in value]
    if isinstance(value, dict):
        return {"tuple": {name: normal(one) for name, one in value.items()}}
    if isinstance(value, Fhir):
        return _fhir(value)
    return _system(value)


def _system(value: Any) -> Any:
    match value:
        case Time():
            return f"@T{value}"
        case Date() | DateTime():
            return f"@{value}"
        case Quantity():
            return {"value": normal(value.value), "unit": value.unit}
        case Ratio():
            return {"numerator": normal(value.numerator), "denominator": normal(value.denominator)}
        case Interval():
            return {
                "low": normal(value.low), "high": normal(value.high), "lowClosed": value.low_closed,
                "highClosed": value.high_closed,
            }  # fmt: skip
        case Uncertain():
            return {"uncertain": {"low": value.low, "high": value.high}}
        case Code():
            return _given(code=value.code, system=value.system, version=value.version, display=value.display)
        case Concept():
            return _given(codes=[normal(one) for one in value.codes], display=value.display)
        case Vocabulary():
            return {value.kind.lower(): value.id}
    raise TypeError(f"no normal form for {type(value).__name__}")


def _given(**parts: Any) -> dict[str, Any]:
    return {name: part for name, part in parts.items() if part is not None}


def _fhir(value: Fhir) -> Any:
    if primitive(value.type) is not None:
        return normal(helpers.reader(value.type)(value))
    if model.is_resource(value.type):
        return {"reference": value.reference}
    return {"fhir": value.type, "json": value.json}
