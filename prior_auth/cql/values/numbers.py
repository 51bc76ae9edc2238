"""Whole and decimal numbers within CQL's bounds: what does not fit is None."""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any

from prior_auth.cql.values.core import Long

MIN_INTEGER, MAX_INTEGER = -(2**31), 2**31 - 1
MIN_LONG, MAX_LONG = -(2**63), 2**63 - 1
MAX_DECIMAL = Decimal("9999999999999999999999999999.99999999")
MIN_DECIMAL = MAX_DECIMAL.copy_negate()
STEP = Decimal("0.00000001")
CONTEXT = Context(prec=60, Emax=999_999, Emin=-999_999)


def integer(value: int) -> int | None:
    return value if MIN_INTEGER <= value <= MAX_INTEGER else None


def long(value: int) -> Long | None:
    return Long(value) if MIN_LONG <= value <= MAX_LONG else None


def decimal(value: Decimal) -> Decimal | None:
    """`value` with at most eight digits after the point, the rest rounded; None where it is too large."""
    if not value.is_finite():
        return None
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -8:
        value = value.quantize(STEP, rounding=ROUND_HALF_UP, context=CONTEXT)
        value = plain(value)
    return value if MIN_DECIMAL <= value <= MAX_DECIMAL else None


def plain(value: Decimal) -> Decimal:
    """Without trailing zeros and without an exponent."""
    found = value.normalize(CONTEXT)
    exponent = found.as_tuple().exponent
    return found.quantize(Decimal(1), context=CONTEXT) if isinstance(exponent, int) and exponent > 0 else found


def divide(left: Decimal, right: Decimal) -> Decimal | None:
    return None if right == 0 else decimal(CONTEXT.divide(left, right))


def rounded(value: Decimal, digits: int) -> Decimal:
    """Half away from zero upwards: 2.5 is 3, -2.5 is -2."""
    scaled = CONTEXT.scaleb(value, digits)
    whole = (scaled + Decimal("0.5")).to_integral_value(rounding="ROUND_FLOOR", context=CONTEXT)
    return plain(CONTEXT.scaleb(whole, -digits))


def calculated(formula: Callable[[], Decimal]) -> Decimal | None:
    """The result of a formula, None where it has none: too large, or of an impossible argument."""
    try:
        return decimal(formula())
    except (InvalidOperation, ArithmeticError):
        return None


def as_decimal(value: Any) -> Decimal:
    """A JSON number as Decimal; a float by its shortest text."""
    if isinstance(value, Decimal):
        return value
    return Decimal(value) if isinstance(value, int) else Decimal(repr(value))
