"""Aggregates over lists; nulls are left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import reduce
from typing import Any

from prior_auth.cql.operators.arithmetic import add, multiply
from prior_auth.cql.operators.registry import operator
from prior_auth.cql.values import numbers, quantities
from prior_auth.cql.values.compare import equal, order
from prior_auth.cql.values.core import Quantity

_ORDERED = tuple(
    f"List<{name}> -> {name}"
    for name in ("Integer", "Long", "Decimal", "Quantity", "Date", "DateTime", "Time", "String")
)
_EACH = ("List<Integer> -> Integer", "List<Long> -> Long", "List<Decimal> -> Decimal", "List<Quantity> -> Quantity")
_MEASURES = ("List<Decimal> -> Decimal", "List<Quantity> -> Quantity")


def _known(values: Sequence[Any]) -> list[Any]:
    return [value for value in values if value is not None]


@operator("Count", "List<Any> -> Integer", nulls=True)
def count(values: Sequence[Any] | None) -> int:
    return len(_known(values or ()))


def _folded(values: Sequence[Any], step: Callable[[Any, Any], Any]) -> Any:
    found = None
    for index, value in enumerate(_known(values)):
        found = value if index == 0 else step(found, value)
        if found is None:
            return None
    return found


@operator("Sum", *_EACH)
def total(values: Sequence[Any]) -> Any:
    return _folded(values, lambda a, b: quantities.add(a, b) if isinstance(a, Quantity) else add(a, b))


@operator("Product", *_EACH)
def product(values: Sequence[Any]) -> Any:
    return _folded(values, lambda a, b: quantities.multiply(a, b) if isinstance(a, Quantity) else multiply(a, b))


@operator("Min", *_ORDERED)
def least(values: Sequence[Any]) -> Any:
    return _folded(values, lambda a, b: _better(a, b, -1))


@operator("Max", *_ORDERED)
def greatest(values: Sequence[Any]) -> Any:
    return _folded(values, lambda a, b: _better(a, b, 1))


def _better(best: Any, value: Any, side: int) -> Any:
    found = order(value, best)
    return None if found is None else value if found == side else best


def _numbers(values: Sequence[Any]) -> tuple[list[Decimal], str | None] | None:
    """The known values as numbers in the unit of the first; None where one does not convert."""
    known = _known(values)
    if not known or not isinstance(known[0], Quantity):
        return known, None
    unit = known[0].unit
    found = [quantities.in_unit(value, unit) for value in known]
    whole = [value for value in found if value is not None]
    return (whole, unit) if len(whole) == len(found) else None


def _measure(values: Sequence[Any], formula: Callable[[list[Decimal]], Decimal | None]) -> Any:
    found = _numbers(values)
    if found is None or not found[0]:
        return None
    result = formula(found[0])
    result = None if result is None else numbers.decimal(result)
    return result if result is None or found[1] is None else Quantity(result, found[1])


def _sum(values: list[Decimal]) -> Decimal:
    return reduce(numbers.CONTEXT.add, values, Decimal(0))


def _mean(values: list[Decimal]) -> Decimal:
    return numbers.CONTEXT.divide(_sum(values), Decimal(len(values)))


def _variance(values: list[Decimal], count: int) -> Decimal | None:
    if count < 1:
        return None
    mean = _mean(values)
    squares = [numbers.CONTEXT.power(numbers.CONTEXT.subtract(value, mean), 2) for value in values]
    return numbers.CONTEXT.divide(_sum(squares), Decimal(count))


def _root(value: Decimal | None) -> Decimal | None:
    return None if value is None else numbers.CONTEXT.sqrt(value)


@operator("Avg", *_MEASURES)
def average(values: Sequence[Any]) -> Any:
    return _measure(values, _mean)


@operator("Median", *_MEASURES)
def median(values: Sequence[Any]) -> Any:
    def middle(known: list[Decimal]) -> Decimal:
        ordered = sorted(known)
        half = len(ordered) // 2
        return ordered[half] if len(ordered) % 2 else _mean(ordered[half - 1 : half + 1])

    return _measure(values, middle)


@operator("Variance", *_MEASURES)
def variance(values: Sequence[Any]) -> Any:
    return _measure(values, lambda known: _variance(known, len(known) - 1))


@operator("PopulationVariance", *_MEASURES)
def population_variance(values: Sequence[Any]) -> Any:
    return _measure(values, lambda known: _variance(known, len(known)))


@operator("StdDev", *_MEASURES)
def deviation(values: Sequence[Any]) -> Any:
    return _measure(values, lambda known: _root(_variance(known, len(known) - 1)))


@operator("PopulationStdDev", *_MEASURES)
def population_deviation(values: Sequence[Any]) -> Any:
    return _measure(values, lambda known: _root(_variance(known, len(known))))


@operator("GeometricMean", "List<Decimal> -> Decimal")
def geometric_mean(values: Sequence[Any]) -> Any:
    def formula(known: list[Decimal]) -> Decimal | None:
        if any(value <= 0 for value in known):
            return None
        logs = [numbers.CONTEXT.ln(value) for value in known]
        found = numbers.CONTEXT.exp(_mean(logs))
        return numbers.plain(found.quantize(Decimal("1e-20"), context=numbers.CONTEXT))

    return _measure(values, formula)


@operator("Mode", "List<T> -> T", run=True)
def mode(run: Any, values: Sequence[Any]) -> Any:
    run.step(len(values) * len(values) // 4)
    known = _known(values)
    return max(known, key=lambda value: sum(equal(value, other) is True for other in known), default=None)


@operator("AllTrue", "List<Boolean> -> Boolean", nulls=True)
def all_true(values: Sequence[bool | None] | None) -> bool:
    return all(value is not False for value in values or ())


@operator("AnyTrue", "List<Boolean> -> Boolean", nulls=True)
def any_true(values: Sequence[bool | None] | None) -> bool:
    return any(value is True for value in values or ())
