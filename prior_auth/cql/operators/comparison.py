"""Equality, equivalence and order."""

from __future__ import annotations

from typing import Any

from prior_auth.cql.operators.registry import operator
from prior_auth.cql.values import compare
from prior_auth.cql.values.intervals import negated

_ORDERED = tuple(
    f"{name}, {name} -> Boolean"
    for name in ("Integer", "Long", "Decimal", "String", "Date", "DateTime", "Time", "Quantity")
)

operator("Equal", "T, T -> Boolean")(compare.equal)
operator("Equivalent", "Code, Concept -> Boolean", "Concept, Code -> Boolean", "T, T -> Boolean", nulls=True)(
    compare.equivalent
)


@operator("NotEqual", "T, T -> Boolean")
def not_equal(left: Any, right: Any) -> bool | None:
    return negated(compare.equal(left, right))


@operator("NotEquivalent", "Code, Concept -> Boolean", "Concept, Code -> Boolean", "T, T -> Boolean", nulls=True)
def not_equivalent(left: Any, right: Any) -> bool:
    return not compare.equivalent(left, right)


@operator("Less", *_ORDERED)
def less(left: Any, right: Any) -> bool | None:
    return compare.compare(left, right, "<")


@operator("LessOrEqual", *_ORDERED)
def less_or_equal(left: Any, right: Any) -> bool | None:
    return compare.compare(left, right, "<=")


@operator("Greater", *_ORDERED)
def greater(left: Any, right: Any) -> bool | None:
    return compare.compare(left, right, ">")


@operator("GreaterOrEqual", *_ORDERED)
def greater_or_equal(left: Any, right: Any) -> bool | None:
    return compare.compare(left, right, ">=")


@operator("IsTrue", "Boolean -> Boolean", nulls=True)
def is_true(value: bool | None) -> bool:
    return value is True


@operator("IsFalse", "Boolean -> Boolean", nulls=True)
def is_false(value: bool | None) -> bool:
    return value is False


@operator("IsNull", "Any -> Boolean", nulls=True)
def is_null(value: Any) -> bool:
    return value is None


@operator("Not", "Boolean -> Boolean")
def not_(value: bool) -> bool:
    return not value


@operator("Xor", "Boolean, Boolean -> Boolean")
def xor(left: bool, right: bool) -> bool:
    return left != right
