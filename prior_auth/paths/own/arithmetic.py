"""Sums, products and signs: numbers, texts, quantities, and moments with durations. Overflow is empty, as in CQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from prior_auth.cql.errors import EvaluationError
from prior_auth.cql.operators import arithmetic as numbers
from prior_auth.cql.values import quantities
from prior_auth.cql.values.core import Quantity
from prior_auth.cql.values.numbers import divide
from prior_auth.paths.own import moments
from prior_auth.paths.own.nodes import MAX_TEXT
from prior_auth.paths.own.values import MOMENTS, as_quantity, is_number
from prior_auth.paths.problem import PathError

Operation = Callable[[Any, Any], Any]


def calculated(sign: str, a: Any, b: Any) -> Any:
    """The result for two values, None where it has none. PathError for operands that the operator does not take."""
    try:
        return _BY_KIND[_kind(sign, a, b)][sign](a, b)
    except EvaluationError as problem:
        raise PathError(problem.message, fix=problem.fix) from None


def _kind(sign: str, a: Any, b: Any) -> str:
    if is_number(a) and is_number(b):
        return "numbers"
    if isinstance(a, MOMENTS) and isinstance(b, Quantity) and sign in ("+", "-"):
        return "moments"
    if isinstance(a, str) and isinstance(b, str) and sign == "+":
        return "texts"
    if as_quantity(a) is not None and as_quantity(b) is not None and sign not in ("div", "mod"):
        return "quantities"
    raise PathError(f"{sign} does not take these operands")


def joined(a: str, b: str) -> str:
    """PathError where the text would grow out of bounds."""
    if len(a) + len(b) > MAX_TEXT:
        raise PathError(f"a text of more than {MAX_TEXT} characters")
    return a + b


def _of_like_numbers(operation: Operation) -> Operation:
    def apply(a: Any, b: Any) -> Any:
        if isinstance(a, Decimal) != isinstance(b, Decimal):
            a, b = Decimal(a), Decimal(b)
        return operation(a, b)

    return apply


def _of_quantities(operation: Operation) -> Operation:
    return lambda a, b: operation(as_quantity(a), as_quantity(b))


def _truncated(a: Any, b: Any) -> Any:
    """`div` of decimals is a whole number too."""
    if isinstance(a, Decimal):
        found = numbers.truncated_divide_decimals(a, b)
        return None if found is None else int(found)
    return numbers.truncated_divide(a, b)


def _remainder(a: Any, b: Any) -> Any:
    return numbers.modulo_decimals(a, b) if isinstance(a, Decimal) else numbers.modulo(a, b)


_BY_KIND: Mapping[str, Mapping[str, Operation]] = {
    "numbers": {
        "+": _of_like_numbers(numbers.add),
        "-": _of_like_numbers(numbers.subtract),
        "*": _of_like_numbers(numbers.multiply),
        "/": lambda a, b: divide(Decimal(a), Decimal(b)),
        "div": _of_like_numbers(_truncated),
        "mod": _of_like_numbers(_remainder),
    },
    "moments": {
        "+": lambda a, b: moments.add(a, b.value, b.unit),
        "-": lambda a, b: moments.add(a, -b.value, b.unit),
    },
    "texts": {"+": joined},
    "quantities": {
        "+": _of_quantities(quantities.add),
        "-": _of_quantities(quantities.subtract),
        "*": _of_quantities(quantities.multiply),
        "/": _of_quantities(quantities.divide),
    },
}


def negated(value: Any) -> Any:
    if isinstance(value, Quantity):
        return Quantity(value.value.copy_negate(), value.unit)
    if not is_number(value):
        raise PathError("a sign before what is no number")
    return numbers.negate(value)
