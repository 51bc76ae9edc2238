"""Operators and functions that fhirpathpy lacks or gets wrong, in the shape of its registry.

Overridden: equality and order (quantities with units; a boolean is not a number), `|`, `distinct` (nodes are compared
by value), `matches` (length and pattern limits), `single` (more than one is an error), `extension` (keeps the element
path). Added: `hasValue`, `getValue`, `resolve`, `memberOf`, `matchesFull`, `sort`. Not there: anything that reads the
clock, prints, or walks without end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from fhirpathpy.engine.invocations import equality, invocation_registry
from fhirpathpy.engine.nodes import FP_DateTime, FP_Quantity, FP_Time, ResourceNode
from fhirpathpy.engine.util import get_data

from prior_auth.paths.door import coding_keys
from prior_auth.paths.library.units import code_of, difference, quantity_of
from prior_auth.paths.patterns import pattern
from prior_auth.paths.problem import PathError

_TIMES = (FP_DateTime, FP_Time)


def _quantity(item: Any) -> tuple[Decimal, str] | None:
    if isinstance(item, FP_Quantity):
        return Decimal(str(item.value)), code_of(item.unit)
    if isinstance(item, ResourceNode) and isinstance(item.data, Mapping):
        return quantity_of(item.data)
    return None


def _is_quantity(item: Any) -> bool:
    if isinstance(item, FP_Quantity):
        return True
    data = get_data(item)
    return (
        isinstance(item, ResourceNode)
        and item.path in ("Quantity", "Age", "Count", "Distance", "Duration")
        and isinstance(data, Mapping)
    )


def same(a: Any, b: Any) -> bool | None:
    """Equality of two items; None where FHIRPath has no answer (units that do not compare, unequal precision)."""
    if isinstance(a, FP_Quantity) or isinstance(b, FP_Quantity):
        first, second = _quantity(a), _quantity(b)
        if first is None or second is None:
            return None if _is_quantity(a) and _is_quantity(b) else False
        order = difference(first, second)
        return None if order is None else order == 0
    if isinstance(a, _TIMES) or isinstance(b, _TIMES):
        return equality.datetime_equality({}, [a], [b])  # type: ignore[no-any-return]
    first, second = get_data(a), get_data(b)
    if isinstance(first, bool) != isinstance(second, bool):
        return False
    return bool(first == second)


def _equal(_ctx: Any, a: list[Any], b: list[Any]) -> list[bool]:
    if len(a) != len(b):
        return [False]
    answers = [same(x, y) for x, y in zip(a, b, strict=True)]
    if False in answers:
        return [False]
    return [] if None in answers else [True]


def _unequal(ctx: Any, a: list[Any], b: list[Any]) -> list[bool]:
    return [not answer for answer in _equal(ctx, a, b)]


def _ordered(test: Callable[[int], bool], plain: Callable[..., Any]) -> Callable[..., Any]:
    def compare(ctx: Any, a: list[Any], b: list[Any]) -> Any:
        if len(a) != 1 or len(b) != 1:
            raise PathError("an order comparison needs one value on each side")
        if _is_quantity(a[0]) or _is_quantity(b[0]):
            first, second = _quantity(a[0]), _quantity(b[0])
            order = difference(first, second) if first and second else None
            return [] if order is None else [test(order)]
        return plain(ctx, a, b)

    return compare


def _distinct(_ctx: Any, items: list[Any]) -> list[Any]:
    kept: list[Any] = []
    for item in items:
        if not any(same(item, other) for other in kept):
            kept.append(item)
    return kept


def _union(ctx: Any, a: list[Any], b: list[Any]) -> list[Any]:
    return _distinct(ctx, a + b)


def _text(items: list[Any]) -> str | None:
    if not items:
        return None
    value = get_data(items[0])
    if len(items) > 1 or not isinstance(value, str):
        raise PathError("a text function needs one text")
    return value


def _matches(_ctx: Any, items: list[Any], wanted: Any) -> list[bool]:
    text = _text(items)
    return [] if text is None or not isinstance(wanted, str) else [pattern(wanted).is_in(text)]


def _matches_full(_ctx: Any, items: list[Any], wanted: Any) -> list[bool]:
    text = _text(items)
    return [] if text is None or not isinstance(wanted, str) else [pattern(wanted).is_all(text)]


def _single(_ctx: Any, items: list[Any]) -> list[Any]:
    if len(items) > 1:
        raise PathError("single() was given more than one item")
    return items


def _has_value(_ctx: Any, items: list[Any]) -> list[bool]:
    return [len(items) == 1 and isinstance(get_data(items[0]), str | bool | int | Decimal)]


def _get_value(ctx: Any, items: list[Any]) -> list[Any]:
    return [get_data(items[0])] if _has_value(ctx, items)[0] else []


def _extension(_ctx: Any, items: list[Any], url: str) -> list[Any]:
    found = []
    for item in items:
        node = ResourceNode.create_node(item)
        if not isinstance(node.data, Mapping):
            continue
        prefix = f"{node.propName or node.path}.extension"
        for index, each in enumerate(node.data.get("extension") or ()):
            if isinstance(each, Mapping) and each.get("url") == url:
                found.append(ResourceNode.create_node(each, "Extension", propName=f"{prefix}[{index}]", index=index))
    return found


def _resolve(ctx: Any, items: list[Any]) -> list[Any]:
    resolver = ctx["vars"].get("%resolve")
    found = []
    for item in items:
        value = get_data(item)
        reference = value.get("reference") if isinstance(value, Mapping) else value
        target = resolver(reference) if resolver and isinstance(reference, str) else None
        if target is not None:
            found.append(ResourceNode.create_node(target))
    return found


def _member_of(ctx: Any, items: list[Any], url: str) -> list[bool]:
    codes = (ctx["vars"].get("%valuesets") or {}).get(url)
    if codes is None:
        raise PathError(f"value set {url} is not at hand")
    if len(items) != 1:
        return []
    return [any(key in codes for key in coding_keys(get_data(items[0])))]


def _sort(_ctx: Any, items: list[Any]) -> list[Any]:
    try:
        return sorted(items, key=get_data)
    except TypeError:
        raise PathError("sort() was given items that have no order") from None


# What reads the clock, prints, or walks without end, and what this engine gets wrong.
_LEFT_OUT = frozenset({"now", "today", "timeOfDay", "trace", "repeat", "encode", "decode", "replaceMatches"})

_TWO_ANY = {2: ["Any", "Any"]}
FUNCTIONS: Mapping[str, Mapping[str, Any]] = {
    "=": {"fn": _equal, "arity": _TWO_ANY, "nullable": True},
    "!=": {"fn": _unequal, "arity": _TWO_ANY, "nullable": True},
    "<": {"fn": _ordered(lambda order: order < 0, equality.lt), "arity": _TWO_ANY, "nullable": True},
    "<=": {"fn": _ordered(lambda order: order <= 0, equality.lte), "arity": _TWO_ANY, "nullable": True},
    ">": {"fn": _ordered(lambda order: order > 0, equality.gt), "arity": _TWO_ANY, "nullable": True},
    ">=": {"fn": _ordered(lambda order: order >= 0, equality.gte), "arity": _TWO_ANY, "nullable": True},
    "|": {"fn": _union, "arity": _TWO_ANY},
    "union": {"fn": _union, "arity": {1: ["AnyAtRoot"]}},
    "distinct": {"fn": _distinct},
    "matches": {"fn": _matches, "arity": {1: ["String"]}},
    "matchesFull": {"fn": _matches_full, "arity": {1: ["String"]}},
    "single": {"fn": _single},
    "hasValue": {"fn": _has_value},
    "getValue": {"fn": _get_value},
    "extension": {"fn": _extension, "arity": {1: ["String"]}},
    "resolve": {"fn": _resolve},
    "memberOf": {"fn": _member_of, "arity": {1: ["String"]}},
    "sort": {"fn": _sort},
}  # fmt: skip
NAMES = frozenset(name for name in {**invocation_registry, **FUNCTIONS} if name.isidentifier()) - _LEFT_OUT
