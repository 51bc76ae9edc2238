"""Literals, and the values that a selector such as `System.Quantity { ... }` makes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from prior_auth.cql.errors import At, CqlError
from prior_auth.cql.syntax.nodes import Node
from prior_auth.cql.types import (
    BOOLEAN,
    CODE,
    CONCEPT,
    DATE,
    DATE_TIME,
    DECIMAL,
    INTEGER,
    LONG,
    QUANTITY,
    RATIO,
    STRING,
    TIME,
    VALUE_SET,
    ListOf,
    Type,
)
from prior_auth.cql.values import numbers, temporal
from prior_auth.cql.values.core import Code, Concept, Quantity, Ratio, Vocabulary


def literal(kind: str, text: str, at: At) -> tuple[Type, Any]:
    if kind == "Boolean":
        return BOOLEAN, text == "true"
    if kind == "String":
        return STRING, text
    if kind in ("Integer", "Long", "Decimal"):
        return _number(kind, text, at)
    reader = {"Date": temporal.read_date, "DateTime": temporal.read_date_time, "Time": temporal.read_time}[kind]
    value: Any = reader(text.removeprefix("@"))
    if value is None:
        raise CqlError(f"`{text}` is no date or time that exists", at)
    return {"Date": DATE, "DateTime": DATE_TIME, "Time": TIME}[kind], value


def _number(kind: str, text: str, at: At) -> tuple[Type, Any]:
    value: Any
    if kind == "Integer":
        type_, value = INTEGER, numbers.integer(int(text))
    elif kind == "Long":
        type_, value = LONG, numbers.long(int(text))
    else:
        type_, value = DECIMAL, Decimal(text)
        fits = value.copy_abs() <= numbers.MAX_DECIMAL and -int(value.as_tuple().exponent) <= 8
        value = value if fits else None
    if value is None:
        raise CqlError(f"`{text}` is outside what {kind} can hold", at)
    return type_, value


def quantity(node: Node) -> Quantity:
    return Quantity(Decimal(node["value"]), node["unit"] or "1")


INSTANCES: dict[Type, tuple[Callable[[dict[str, Any]], Any], dict[str, Type]]] = {
    CODE: (
        lambda given: Code(**{"code": None, **given}),
        {"code": STRING, "system": STRING, "version": STRING, "display": STRING},
    ),
    CONCEPT: (
        lambda given: Concept(tuple(given.get("codes") or ()), given.get("display")),
        {"codes": ListOf(CODE), "display": STRING},
    ),
    QUANTITY: (
        lambda given: None if given.get("value") is None else Quantity(given["value"], given.get("unit") or "1"),
        {"value": DECIMAL, "unit": STRING},
    ),
    VALUE_SET: (
        lambda given: Vocabulary("ValueSet", given.get("id") or "", given.get("version"), given.get("name")),
        {"id": STRING, "version": STRING, "name": STRING},
    ),
    RATIO: (
        lambda given: Ratio(given["numerator"], given["denominator"]) if len(given) == 2 else None,
        {"numerator": QUANTITY, "denominator": QUANTITY},
    ),
}
