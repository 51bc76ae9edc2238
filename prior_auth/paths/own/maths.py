"""Functions on numbers, quantities and moments: CQL's formulas under FHIRPath's names; boundaries."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

from prior_auth.cql.operators import arithmetic
from prior_auth.cql.values import numbers
from prior_auth.cql.values.core import Quantity
from prior_auth.paths.own import moments
from prior_auth.paths.own.function import Function, on_value
from prior_auth.paths.own.values import MOMENTS, is_number
from prior_auth.paths.problem import PathError
from prior_auth.terminology import ucum

_MOST_DIGITS = 28


def _number(value: Any) -> Decimal:
    if not is_number(value):
        raise PathError("a number is needed")
    return Decimal(value)


def _of_number(formula: Callable[[Decimal], Any]) -> Function:
    return on_value(lambda value: formula(_number(value)))


def _absolute(value: Any) -> Any:
    if isinstance(value, Quantity):
        return arithmetic.absolute_quantity(value)
    _number(value)
    return arithmetic.absolute(value)


def _round(value: Any, digits: Any = 0) -> Decimal:
    if not isinstance(digits, int) or digits < 0:
        raise PathError("round() takes a number of digits that is not negative")
    return numbers.rounded(_number(value), min(digits, _MOST_DIGITS))


def _square_root(value: Decimal) -> Decimal | None:
    return None if value < 0 else numbers.calculated(lambda: numbers.CONTEXT.sqrt(value))


def _power(value: Any, exponent: Any) -> Any:
    base, times = _number(value), _number(exponent)
    if isinstance(value, int) and isinstance(exponent, int) and exponent >= 0:
        return arithmetic.power(value, exponent)
    return None if base < 0 and times != int(times) else arithmetic.power_decimals(base, times)


def _logarithm(value: Any, base: Any) -> Decimal | None:
    return arithmetic.logarithm(_number(value), _number(base))


def _whole(formula: Callable[[Decimal], int]) -> Function:
    return _of_number(lambda value: numbers.integer(formula(value)))


# Boundaries: what a written value can mean, `1.5` being anything that rounds to it


def _boundary(side: int) -> Callable[..., Any]:
    def of(value: Any, precision: Any = None) -> Any:
        if precision is not None and not isinstance(precision, int):
            raise PathError("a precision is a whole number")
        if isinstance(value, MOMENTS):
            return moments.boundary(value, precision, side)
        if isinstance(value, Quantity):
            found = _boundary_of_number(value.value, precision, side)
            return None if found is None else Quantity(found, value.unit)
        return _boundary_of_number(_number(value), precision, side)

    return of


def _boundary_of_number(value: Decimal, precision: int | None, side: int) -> Decimal | None:
    digits = 8 if precision is None else precision
    if not 0 <= digits <= _MOST_DIGITS:
        return None
    half = Decimal(5).scaleb(-_digits(value) - 1)
    bound = numbers.CONTEXT.add(value, half * side)
    is_outward = (bound < 0) == (side < 0)
    rounding = ROUND_HALF_UP if is_outward else ROUND_DOWN
    return bound.quantize(Decimal(1).scaleb(-digits), rounding, numbers.CONTEXT)


def _digits(value: Decimal) -> int:
    return max(0, -int(value.as_tuple().exponent))


def _precision(value: Any) -> int:
    return moments.digits(value) if isinstance(value, MOMENTS) else _digits(_number(value))


def _comparable(value: Any, other: Any) -> bool:
    if not isinstance(value, Quantity) or not isinstance(other, Quantity):
        raise PathError("comparable() is of two quantities")
    return ucum.comparable(value.unit, other.unit)


FUNCTIONS: Mapping[str, Function] = {
    "abs": on_value(_absolute),
    "ceiling": _whole(math.ceil),
    "floor": _whole(math.floor),
    "truncate": _whole(int),
    "round": on_value(_round, 0, 1),
    "exp": _of_number(arithmetic.exponential),
    "ln": _of_number(lambda value: arithmetic.natural_logarithm(value) if value > 0 else None),
    "log": on_value(_logarithm, 1, 1),
    "power": on_value(_power, 1, 1),
    "sqrt": _of_number(_square_root),
    "lowBoundary": on_value(_boundary(-1), 0, 1),
    "highBoundary": on_value(_boundary(1), 0, 1),
    "precision": on_value(_precision),
    "comparable": on_value(_comparable, 1, 1),
}
