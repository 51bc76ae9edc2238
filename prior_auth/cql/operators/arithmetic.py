"""Numbers and quantities."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from prior_auth.cql.errors import EvaluationError
from prior_auth.cql.operators.registry import operator
from prior_auth.cql.values import numbers, quantities, temporal
from prior_auth.cql.values.core import Long, Quantity
from prior_auth.cql.values.intervals import successor
from prior_auth.cql.values.uncertain import Uncertain, between
from prior_auth.terminology import ucum

_FITS: dict[type, Callable[[Any], Any]] = {int: numbers.integer, Long: numbers.long, Decimal: numbers.decimal}


def _kind(value: Any) -> type:
    return Long if isinstance(value, Long) else int if isinstance(value, int) else Decimal


def _fit(like: Any, value: Any) -> Any:
    return _FITS[_kind(like)](value)


def _spread(left: Any, right: Any, apply: Any) -> Any:
    """An operation on numbers of which one is uncertain, over all four combinations of bounds."""
    a = (left.low, left.high) if isinstance(left, Uncertain) else (left, left)
    b = (right.low, right.high) if isinstance(right, Uncertain) else (right, right)
    found = [apply(x, y) for x in a for y in b]
    return None if None in found else between(min(found), max(found))


_PAIRS = ("Integer, Integer -> Integer", "Long, Long -> Long", "Decimal, Decimal -> Decimal")


@operator("Add", *_PAIRS)
def add(left: Any, right: Any) -> Any:
    if isinstance(left, Uncertain) or isinstance(right, Uncertain):
        return _spread(left, right, add)
    return _fit(left, left + right if not isinstance(left, Decimal) else numbers.CONTEXT.add(left, right))


@operator("Subtract", *_PAIRS)
def subtract(left: Any, right: Any) -> Any:
    if isinstance(left, Uncertain) or isinstance(right, Uncertain):
        return _spread(left, right, subtract)
    return _fit(left, left - right if not isinstance(left, Decimal) else numbers.CONTEXT.subtract(left, right))


@operator("Multiply", *_PAIRS)
def multiply(left: Any, right: Any) -> Any:
    if isinstance(left, Uncertain) or isinstance(right, Uncertain):
        return _spread(left, right, multiply)
    return _fit(left, left * right if not isinstance(left, Decimal) else numbers.CONTEXT.multiply(left, right))


operator("Add", "Quantity, Quantity -> Quantity")(quantities.add)
operator("Subtract", "Quantity, Quantity -> Quantity")(quantities.subtract)
operator("Multiply", "Quantity, Quantity -> Quantity")(quantities.multiply)
operator("Divide", "Decimal, Decimal -> Decimal")(numbers.divide)
operator("Divide", "Quantity, Quantity -> Quantity")(quantities.divide)


@operator("Add", "Date, Quantity -> Date", "DateTime, Quantity -> DateTime", "Time, Quantity -> Time")
def add_to_moment(moment: Any, amount: Quantity) -> Any:
    return temporal.add(moment, amount.value, amount.unit)


@operator("Subtract", "Date, Quantity -> Date", "DateTime, Quantity -> DateTime", "Time, Quantity -> Time")
def subtract_from_moment(moment: Any, amount: Quantity) -> Any:
    return temporal.add(moment, -amount.value, amount.unit)


@operator("TruncatedDivide", "Integer, Integer -> Integer", "Long, Long -> Long")
def truncated_divide(left: Any, right: Any) -> Any:
    if isinstance(left, Uncertain) or isinstance(right, Uncertain):
        raise EvaluationError("an uncertain number cannot be divided")
    if right == 0:
        return None
    found = abs(left) // abs(right)
    return _fit(left, found if (left < 0) == (right < 0) else -found)


@operator("TruncatedDivide", "Decimal, Decimal -> Decimal")
def truncated_divide_decimals(left: Decimal, right: Decimal) -> Decimal | None:
    return None if right == 0 else numbers.decimal(Decimal(int(numbers.CONTEXT.divide_int(left, right))))


@operator("TruncatedDivide", "Quantity, Quantity -> Quantity")
def truncated_divide_quantities(left: Quantity, right: Quantity) -> Quantity | None:
    value = quantities.in_unit(right, left.unit)
    found = None if value is None else numbers.divide(left.value, value)
    return None if found is None else Quantity(Decimal(int(found)), left.unit)


@operator("Modulo", "Integer, Integer -> Integer", "Long, Long -> Long")
def modulo(left: int, right: int) -> int | None:
    return None if right == 0 else _fit(left, int(math.copysign(abs(left) % abs(right), left)) if left else 0)


@operator("Modulo", "Decimal, Decimal -> Decimal")
def modulo_decimals(left: Decimal, right: Decimal) -> Decimal | None:
    return None if right == 0 else numbers.decimal(numbers.CONTEXT.remainder(left, right))


@operator("Modulo", "Quantity, Quantity -> Quantity")
def modulo_quantities(left: Quantity, right: Quantity) -> Quantity | None:
    value = quantities.in_unit(right, left.unit)
    return None if value is None or value == 0 else Quantity(numbers.CONTEXT.remainder(left.value, value), left.unit)


@operator("Power", "Integer, Integer -> Integer", "Long, Long -> Long")
def power(base: int, exponent: int) -> Any:
    if exponent < 0:
        return numbers.calculated(lambda: numbers.CONTEXT.power(Decimal(base), Decimal(exponent)))
    if abs(base) > 1 and exponent > 64:
        return None
    return _fit(base, int(base) ** int(exponent) if exponent < 1_000_000 else (base if exponent % 2 else base * base))


@operator("Power", "Decimal, Decimal -> Decimal")
def power_decimals(base: Decimal, exponent: Decimal) -> Decimal | None:
    return numbers.calculated(lambda: numbers.CONTEXT.power(base, exponent))


@operator("Negate", "Integer -> Integer", "Long -> Long", "Decimal -> Decimal")
def negate(value: Any) -> Any:
    if isinstance(value, Uncertain):
        return Uncertain(-value.high, -value.low)
    return value.copy_negate() if isinstance(value, Decimal) else _fit(value, -value)


@operator("Negate", "Quantity -> Quantity")
def negate_quantity(value: Quantity) -> Quantity:
    return Quantity(value.value.copy_negate(), value.unit)


@operator("Abs", "Integer -> Integer", "Long -> Long", "Decimal -> Decimal")
def absolute(value: Any) -> Any:
    return value.copy_abs() if isinstance(value, Decimal) else _fit(value, abs(value))


@operator("Abs", "Quantity -> Quantity")
def absolute_quantity(value: Quantity) -> Quantity:
    return Quantity(value.value.copy_abs(), value.unit)


@operator("Ceiling", "Decimal -> Integer")
def ceiling(value: Decimal) -> int | None:
    return numbers.integer(math.ceil(value))


@operator("Floor", "Decimal -> Integer")
def floor(value: Decimal) -> int | None:
    return numbers.integer(math.floor(value))


@operator("Truncate", "Decimal -> Integer")
def truncate(value: Decimal) -> int | None:
    return numbers.integer(int(value))


@operator("Round", "Decimal -> Decimal")
def round_whole(value: Decimal) -> Decimal:
    return numbers.rounded(value, 0)


@operator("Round", "Decimal, Integer -> Decimal")
def round_to(value: Decimal, digits: int) -> Decimal | None:
    return numbers.rounded(value, digits) if 0 <= digits <= 8 else None


@operator("Ln", "Decimal -> Decimal")
def natural_logarithm(value: Decimal) -> Decimal | None:
    if value == 0:
        raise EvaluationError("the logarithm of zero is not a number")
    return None if value < 0 else numbers.calculated(lambda: numbers.CONTEXT.ln(value))


@operator("Log", "Decimal, Decimal -> Decimal")
def logarithm(value: Decimal, base: Decimal) -> Decimal | None:
    if value <= 0 or base <= 0 or base == 1:
        return None
    found = numbers.CONTEXT.divide(numbers.CONTEXT.ln(value), numbers.CONTEXT.ln(base))
    return numbers.decimal(numbers.plain(found.quantize(Decimal("1e-30"), context=numbers.CONTEXT)))


@operator("Exp", "Decimal -> Decimal")
def exponential(value: Decimal) -> Decimal:
    found = numbers.calculated(lambda: numbers.CONTEXT.exp(value)) if value < 100 else None
    if found is None:
        raise EvaluationError("the result of Exp is too large for a Decimal")
    return found


@operator("Successor", "Integer -> Integer", "Long -> Long", "Decimal -> Decimal", "Date -> Date",
          "DateTime -> DateTime", "Time -> Time", "Quantity -> Quantity")  # fmt: skip
def next_value(value: Any) -> Any:
    return successor(value)


@operator("Predecessor", "Integer -> Integer", "Long -> Long", "Decimal -> Decimal", "Date -> Date",
          "DateTime -> DateTime", "Time -> Time", "Quantity -> Quantity")  # fmt: skip
def value_before(value: Any) -> Any:
    return successor(value, -1)


def _digits(value: Decimal) -> int:
    return max(0, -int(value.as_tuple().exponent))


@operator("Precision", "Decimal -> Integer")
def precision(value: Decimal) -> int:
    return _digits(value)


@operator("LowBoundary", "Decimal, Integer -> Decimal", nulls=True)
def low_boundary(value: Decimal | None, digits: int | None) -> Decimal | None:
    return None if value is None else _boundary(value, 8 if digits is None else digits, -1)


@operator("HighBoundary", "Decimal, Integer -> Decimal", nulls=True)
def high_boundary(value: Decimal | None, digits: int | None) -> Decimal | None:
    return None if value is None else _boundary(value, 8 if digits is None else digits, 1)


def _boundary(value: Decimal, digits: int, side: int) -> Decimal | None:
    """The least or greatest number with `digits` decimals that has `value` as its beginning."""
    if digits < 0 or digits > 8:
        return None
    own = _digits(value)
    if digits <= own:
        return value.quantize(Decimal(1).scaleb(-digits), rounding="ROUND_DOWN", context=numbers.CONTEXT)
    if (side > 0) == (value >= 0):
        tail = Decimal(1).scaleb(-own) - Decimal(1).scaleb(-digits)
        return value + tail if side > 0 else value - tail
    return value


@operator("ConvertQuantity", "Quantity, String -> Quantity")
def convert_quantity(value: Quantity, unit: str) -> Quantity | None:
    found = quantities.in_unit(value, unit)
    fitting = None if found is None else numbers.decimal(found)
    return None if fitting is None else Quantity(fitting, unit)


@operator("CanConvertQuantity", "Quantity, String -> Boolean")
def can_convert_quantity(value: Quantity, unit: str) -> bool:
    return ucum.comparable(value.unit, unit)
