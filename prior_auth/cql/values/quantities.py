"""Arithmetic on quantities: units convert where they can, and make None where they cannot."""

from __future__ import annotations

from decimal import Decimal

from prior_auth.cql.values import numbers
from prior_auth.cql.values.core import Quantity
from prior_auth.terminology import ucum


def add(left: Quantity, right: Quantity, sign: int = 1) -> Quantity | None:
    """In the finer of the two units; None where one does not convert to the other."""
    if left.unit == right.unit:
        return _made(_sum(left.value, right.value, sign), left.unit)
    unit = left.unit if ucum.is_finer(left.unit, right.unit) else right.unit
    a, b = ucum.convert(left.value, left.unit, unit), ucum.convert(right.value, right.unit, unit)
    return None if a is None or b is None else _made(_sum(a, b, sign), unit)


def subtract(left: Quantity, right: Quantity) -> Quantity | None:
    return add(left, right, -1)


def multiply(left: Quantity, right: Quantity) -> Quantity | None:
    value, unit = _in_same_unit(right, left)
    return _made(numbers.CONTEXT.multiply(left.value, value), ucum.multiplied(left.unit, unit))


def divide(left: Quantity, right: Quantity) -> Quantity | None:
    value, unit = _in_same_unit(right, left)
    result = numbers.divide(left.value, value)
    return None if result is None else _made(result, ucum.divided(left.unit, unit))


def scaled(value: Quantity, amount: Decimal | None) -> Quantity | None:
    return None if amount is None else _made(amount, value.unit)


def in_unit(value: Quantity, unit: str) -> Decimal | None:
    return ucum.convert(value.value, value.unit, unit)


def _in_same_unit(value: Quantity, like: Quantity) -> tuple[Decimal, str]:
    if value.unit == like.unit or ucum.normal(like.unit) == "1" or ucum.normal(value.unit) == "1":
        return value.value, value.unit
    found = ucum.convert(value.value, value.unit, like.unit)
    return (value.value, value.unit) if found is None else (found, like.unit)


def _sum(left: Decimal, right: Decimal, sign: int) -> Decimal:
    return numbers.CONTEXT.add(left, right) if sign > 0 else numbers.CONTEXT.subtract(left, right)


def _made(value: Decimal, unit: str) -> Quantity | None:
    fitting = numbers.decimal(value)
    return None if fitting is None else Quantity(fitting, unit)
