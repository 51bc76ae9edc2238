"""Lists as sets and as sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prior_auth.cql.errors import EvaluationError
from prior_auth.cql.operators.registry import operator
from prior_auth.cql.values.compare import Members, distinct, equal, equivalent
from prior_auth.cql.values.intervals import negated


def _free(_steps: int) -> None:
    """The work is counted where the operator is called, by the lengths of its lists."""


def holds(values: Sequence[Any], value: Any) -> bool:
    """Whether an element equals `value`; null equals null here."""
    if value is None:
        return any(one is None for one in values)
    return any(equal(one, value) is True for one in values)


@operator("In", "T, List<T> -> Boolean", nulls=True, precise=True)
def in_list(value: Any, values: Sequence[Any] | None, _precision: str | None) -> bool:
    return values is not None and holds(values, value)


@operator("Contains", "List<T>, T -> Boolean", nulls=True, precise=True)
def list_contains(values: Sequence[Any] | None, value: Any, precision: str | None) -> bool:
    return in_list(value, values, precision)


@operator("Includes", "List<T>, List<T> -> Boolean", precise=True)
def list_includes(values: Sequence[Any], part: Sequence[Any], _precision: str | None) -> bool:
    return all(holds(values, one) for one in part)


@operator("IncludedIn", "List<T>, List<T> -> Boolean", precise=True)
def list_included_in(part: Sequence[Any], values: Sequence[Any], precision: str | None) -> bool:
    return list_includes(values, part, precision)


operator("Includes", "List<T>, T -> Boolean", nulls=True, precise=True)(list_contains)
operator("IncludedIn", "T, List<T> -> Boolean", nulls=True, precise=True)(in_list)


@operator("ProperIncludes", "List<T>, T -> Boolean", nulls=True, precise=True)
def list_properly_contains(values: Sequence[Any] | None, value: Any, _precision: str | None) -> bool | None:
    if values is None or not holds(values, value):
        unsure = values is not None and value is not None and any(equal(one, value) is None for one in values)
        return None if unsure and not any(one is None for one in values or ()) else False
    others = [True if (one is None) != (value is None) and value is None else _differs(one, value) for one in values]
    return True if True in others else None if None in others else False


@operator("ProperIncludedIn", "T, List<T> -> Boolean", nulls=True, precise=True)
def properly_in_list(value: Any, values: Sequence[Any] | None, precision: str | None) -> bool | None:
    return list_properly_contains(values, value, precision)


@operator("ProperIncludes", "List<T>, List<T> -> Boolean", precise=True)
def list_properly_includes(values: Sequence[Any], part: Sequence[Any], _precision: str | None) -> bool:
    larger = len(distinct(values, _free)) > len(distinct(part, _free))
    return larger and all(holds(values, one) for one in part)


@operator("ProperIncludedIn", "List<T>, List<T> -> Boolean", precise=True)
def list_properly_included_in(part: Sequence[Any], values: Sequence[Any], precision: str | None) -> bool:
    return list_properly_includes(values, part, precision)


def _differs(one: Any, value: Any) -> bool | None:
    return False if one is None and value is None else negated(equal(one, value))


@operator("Union", "List<T>, List<T> -> List<T>", nulls=True, run=True)
def union(run: Any, left: Sequence[Any] | None, right: Sequence[Any] | None) -> list[Any] | None:
    if left is None and right is None:
        return None
    return distinct(run.sized([*(left or ()), *(right or ())]), run.step)


@operator("Intersect", "List<T>, List<T> -> List<T>", run=True)
def intersect(run: Any, left: Sequence[Any], right: Sequence[Any]) -> list[Any]:
    wanted = Members(run.step, right)
    return distinct((one for one in left if one in wanted), run.step)


@operator("Except", "List<T>, List<T> -> List<T>", nulls=True, run=True)
def except_(run: Any, left: Sequence[Any] | None, right: Sequence[Any] | None) -> list[Any] | None:
    if left is None:
        return None
    unwanted = Members(run.step, right or ())
    return distinct((one for one in left if one not in unwanted), run.step)


@operator("Exists", "List<Any> -> Boolean", nulls=True)
def exists(values: Sequence[Any] | None) -> bool:
    return values is not None and any(one is not None for one in values)


@operator("Distinct", "List<T> -> List<T>", run=True)
def distinct_(run: Any, values: Sequence[Any]) -> list[Any]:
    return distinct(values, run.step)


@operator("Flatten", "List<List<T>> -> List<T>", run=True)
def flatten(run: Any, values: Sequence[Any]) -> list[Any]:
    found: list[Any] = []
    for inner in values:
        found.extend(inner or ())
        run.sized(found)
    return found


@operator("First", "List<T> -> T")
def first(values: Sequence[Any]) -> Any:
    return values[0] if values else None


@operator("Last", "List<T> -> T")
def last(values: Sequence[Any]) -> Any:
    return values[-1] if values else None


@operator("Indexer", "List<T>, Integer -> T")
def element(values: Sequence[Any], index: int) -> Any:
    return values[index] if 0 <= index < len(values) else None


@operator("IndexOf", "List<T>, T -> Integer")
def index_of(values: Sequence[Any], value: Any) -> int:
    return next((i for i, one in enumerate(values) if one is not None and equivalent(one, value)), -1)


@operator("Length", "List<Any> -> Integer", nulls=True)
def list_length(values: Sequence[Any] | None) -> int:
    return len(values) if values is not None else 0


@operator("SingletonFrom", "List<T> -> T")
def singleton(values: Sequence[Any]) -> Any:
    if len(values) > 1:
        raise EvaluationError("expected a list with at most one element, found more", fix="use First or Last")
    return values[0] if values else None


@operator("Skip", "List<T>, Integer -> List<T>")
def skip(values: Sequence[Any], count: int) -> list[Any]:
    return list(values[max(count, 0) :])


@operator("Take", "List<T>, Integer -> List<T>", nulls=True)
def take(values: Sequence[Any] | None, count: int | None) -> list[Any] | None:
    return None if values is None else list(values[: max(count or 0, 0)])


@operator("Tail", "List<T> -> List<T>")
def tail(values: Sequence[Any]) -> list[Any]:
    return list(values[1:])


@operator(
    "Slice", "List<T> -> List<T>", "List<T>, Integer -> List<T>", "List<T>, Integer, Integer -> List<T>", nulls=True
)
def slice_(values: Sequence[Any] | None, start: int | None = None, end: int | None = None) -> list[Any] | None:
    """From `start` up to `end`, which is not included; negative ones count from the end of the list."""
    return None if values is None else list(values[start:end])


operator("ToList", "T -> List<T>", nulls=True)(lambda value: [] if value is None else [value])
