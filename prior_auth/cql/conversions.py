"""Implicit conversions, as the reference translator makes them, and type tests on values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from prior_auth.cql import helpers
from prior_auth.cql.types import (
    ANY,
    CODE,
    CONCEPT,
    DATE,
    DATE_TIME,
    DECIMAL,
    INTEGER,
    LONG,
    QUANTITY,
    Choice,
    IntervalOf,
    ListOf,
    Named,
    TupleOf,
    Type,
    choice,
    is_boundless,
    is_subtype,
)
from prior_auth.cql.values.core import Code, Concept, Fhir, Interval, Long, Quantity, Ratio, Vocabulary
from prior_auth.cql.values.temporal import Date, DateTime, Time
from prior_auth.cql.values.uncertain import Uncertain
from prior_auth.r4 import model

Converter = Callable[[Any], Any]
Tester = Callable[[Any], bool]


def same(value: Any) -> Any:
    return value


def _decimal(value: Any) -> Any:
    return value if isinstance(value, Uncertain) else Decimal(value)


_SYSTEM: dict[tuple[Type, Type], tuple[int, Converter]] = {
    (INTEGER, LONG): (3, Long),
    (INTEGER, DECIMAL): (4, _decimal),
    (LONG, DECIMAL): (4, _decimal),
    (INTEGER, QUANTITY): (7, lambda value: Quantity(Decimal(value))),
    (LONG, QUANTITY): (7, lambda value: Quantity(Decimal(value))),
    (DECIMAL, QUANTITY): (6, Quantity),
    (DATE, DATE_TIME): (4, lambda value: DateTime(value.parts)),
    (CODE, CONCEPT): (4, lambda value: Concept((value,), value.display)),
}


def implicit(source: Type, target: Type, *, fhir: bool = True) -> tuple[int, Converter] | None:
    """How a value of `source` becomes one of `target`: cost and function of a non-null value; None where it cannot.

    `fhir` says whether FHIRHelpers is included, without which FHIR types do not convert.
    """
    if source == target:
        return 0, same
    if source == ANY:
        return 2, _narrowed(target)
    if is_boundless(source):
        return _from_boundless(source, target)
    if is_subtype(source, target):
        return 1, same
    if isinstance(source, Choice):
        return _from_choice(source, target, fhir)
    match source, target:
        case ListOf(), ListOf():
            return _inside(implicit(source.element, target.element, fhir=fhir), _list_converter)
        case IntervalOf(), IntervalOf():
            name = target.point.name if isinstance(target.point, Named) else "Any"
            return _inside(implicit(source.point, target.point, fhir=fhir), lambda f: _interval_converter(f, name))
        case TupleOf(), TupleOf():
            return _tuple_conversion(source, target, fhir)
        case _, Choice():
            return _to_choice(source, target, fhir)
        case Named(), _:
            return _from_named(source, target, fhir)
    return None


def _narrowed(target: Type) -> Converter:
    """Any goes with every type; a value that is not of it becomes null."""
    is_one = tester(target)
    return lambda value: value if is_one(value) else None


def _from_boundless(source: Type, target: Type) -> tuple[int, Converter] | None:
    match source, target:
        case ListOf(), ListOf():
            return 2, same
        case IntervalOf(), IntervalOf():
            name = target.point.name if isinstance(target.point, Named) else "Any"
            return 2, lambda value: replace(value, point=name)
        case _, Choice():
            return _to_choice(source, target, True)
    return (2, same) if target == ANY else None


def _inside(
    found: tuple[int, Converter] | None, wrap: Callable[[Converter], Converter]
) -> tuple[int, Converter] | None:
    if found is None:
        return None
    return found[0], (same if found[1] is same else wrap(found[1]))


def _list_converter(convert: Converter) -> Converter:
    return lambda values: [None if value is None else convert(value) for value in values]


def _interval_converter(convert: Converter, point: str) -> Converter:
    def converted(value: Interval) -> Interval:
        low = None if value.low is None else convert(value.low)
        high = None if value.high is None else convert(value.high)
        return Interval(low, high, value.low_closed, value.high_closed, point)

    return converted


def _tuple_conversion(source: TupleOf, target: TupleOf, fhir: bool) -> tuple[int, Converter] | None:
    wanted, found = dict(target.fields), dict(source.fields)
    if wanted.keys() != found.keys():
        return None
    each = {name: implicit(found[name], wanted[name], fhir=fhir) for name in wanted}
    known = {name: one for name, one in each.items() if one is not None}
    if len(known) < len(each):
        return None

    def converted(value: dict[str, Any]) -> dict[str, Any]:
        return {name: None if part is None else known[name][1](part) for name, part in value.items()}

    return max((one[0] for one in known.values()), default=1), converted


def _from_choice(source: Choice, target: Type, fhir: bool) -> tuple[int, Converter] | None:
    """Whatever the value turns out to be: as it is, converted, or null where that alternative does not convert."""
    ways = [(one, implicit(one, target, fhir=fhir)) for one in source.types]
    possible = [(tester(one), way[1]) for one, way in ways if way is not None]
    if not possible:
        return None

    def converted(value: Any) -> Any:
        for is_one, convert in possible:
            if is_one(value):
                return convert(value)
        return None

    return 8 + min(way[0] for _, way in ways if way is not None), converted


def _to_choice(source: Type, target: Choice, fhir: bool) -> tuple[int, Converter] | None:
    ways = [way for way in (implicit(source, one, fhir=fhir) for one in target.types) if way is not None]
    return min(ways, key=lambda way: way[0]) if ways else None


def _from_named(source: Named, target: Type, fhir: bool) -> tuple[int, Converter] | None:
    direct = _SYSTEM.get((source, target))
    if direct is not None:
        return direct
    if source.namespace != "FHIR" or not fhir:
        return None
    found = helpers.conversion(source.name)
    if found is None:
        return None
    inner, first = found
    if inner == target:
        return 5, first
    second = _SYSTEM.get((inner, target)) if isinstance(inner, Named) else None
    if second is None or target == QUANTITY:
        # A number of the chart without a unit is no quantity: 60 must not pass for 6000 %.
        return None
    then = second[1]

    def converted(value: Any) -> Any:
        between = first(value)
        return None if between is None else then(between)

    return 6 + second[0], converted


def combined(left: Type, right: Type, *, fhir: bool = True) -> Type | None:
    """One type to which both convert; None where there is none."""
    if left == right or is_subtype(right, left):
        return right if left == ANY else left
    if is_subtype(left, right):
        return left if right == ANY else right
    if is_boundless(left) and implicit(left, right, fhir=fhir):
        return right
    if is_boundless(right) and implicit(right, left, fhir=fhir):
        return left
    if implicit(left, right, fhir=fhir) is not None:
        return right
    if implicit(right, left, fhir=fhir) is not None:
        return left
    return _through_helpers(left, right) if fhir else None


def _through_helpers(left: Type, right: Type) -> Type | None:
    """Two FHIR types that are the same CQL type, such as a uri and a string."""
    if not (isinstance(left, Named) and isinstance(right, Named)) or {left.namespace, right.namespace} != {"FHIR"}:
        return None
    a, b = helpers.conversion(left.name), helpers.conversion(right.name)
    return a[0] if a is not None and b is not None and a[0] == b[0] else None


def widened(types: list[Type], *, fhir: bool = True) -> Type:
    """The type of a list's elements or of the branches of `if`: a common one, else a choice."""
    found: Type = ANY
    for one in types:
        joined = combined(found, one, fhir=fhir) if found != ANY else one
        if joined is None:
            return choice(types)
        found = joined
    return found


def united(left: Type, right: Type, *, fhir: bool = True) -> Type:
    """The type of the elements of a union: as `widened`, but no element may be lost to a type that it cannot become."""
    common = widened([left, right], fhir=fhir)
    return choice([left, right]) if any(_loses(one, common, fhir) for one in (left, right)) else common


def _loses(source: Type, target: Type, fhir: bool) -> bool:
    return isinstance(source, Choice) and any(implicit(one, target, fhir=fhir) is None for one in source.types)


_CLASSES: dict[str, tuple[type, ...]] = {
    "Boolean": (bool,), "Long": (Long,), "Decimal": (Decimal,), "String": (str,), "Date": (Date,),
    "DateTime": (DateTime,), "Time": (Time,), "Quantity": (Quantity,), "Ratio": (Ratio,), "Code": (Code,),
    "Concept": (Concept,), "Vocabulary": (Vocabulary,),
}  # fmt: skip


def tester(type_: Type) -> Tester:
    """Whether a value that is not null is of this type."""
    match type_:
        case Named(namespace="FHIR", name=name):
            return lambda value: isinstance(value, Fhir) and (value.type == name or _fhir_is(value.type, name))
        case Named(name="Any"):
            return lambda value: value is not None
        case Named(name="Integer"):
            return lambda value: type(value) is int or type(value) is Uncertain
        case Named(name="ValueSet" | "CodeSystem" as kind):
            return lambda value: isinstance(value, Vocabulary) and value.kind == kind
        case Named(name=name):
            classes = _CLASSES[name]
            return lambda value: isinstance(value, classes)
        case ListOf():
            return _list_tester(type_)
        case IntervalOf():
            point = type_.point.name if isinstance(type_.point, Named) else "Any"
            return lambda value: isinstance(value, Interval) and point in (value.point, "Any")
        case TupleOf():
            names = {name for name, _ in type_.fields}
            return lambda value: isinstance(value, dict) and value.keys() == names
        case Choice():
            each = [tester(one) for one in type_.types]
            return lambda value: any(one(value) for one in each)
    raise TypeError(f"no test for {type_}")


def _list_tester(type_: ListOf) -> Tester:
    element = tester(type_.element)
    return lambda value: isinstance(value, (list, tuple)) and all(one is None or element(one) for one in value)


def _fhir_is(name: str, of: str) -> bool:
    if of == "Quantity" and name in ("SimpleQuantity", "MoneyQuantity"):
        return True
    return model.is_subtype(name, of)
