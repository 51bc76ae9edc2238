"""The values that expressions work on: JSON with the R4 type it has, and how to step from one to its children."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from prior_auth.r4 import model

MAX_STEPS = 200_000


class ExpressionError(Exception):
    """The expression cannot be judged on this input: its message names what, never the data."""


class Unsupported(ExpressionError):
    """The expression uses what this engine does not know."""


class Node(NamedTuple):
    """`type` is an R4 type or backbone path, or `System.…` for computed values; `extra` the `_` sibling."""

    value: Any
    type: str
    extra: Any = None


Nodes = list[Node]


@dataclass(slots=True)
class Surroundings:
    """One evaluation. `resolve` finds references, `member` tells whether codes are in a value set (None: unknown)."""

    resource: Node
    root: Node
    context: Node
    resolve: Callable[[str], Mapping[str, Any] | None] | None = None
    member: Callable[[str, Any], bool | None] | None = None
    steps: int = field(default=0)

    def step(self, count: int = 1) -> None:
        self.steps += count
        if self.steps > MAX_STEPS:
            raise ExpressionError("too many steps")


def system(value: Any) -> Node:
    """A computed value."""
    match value:
        case bool():
            return Node(value, "System.Boolean")
        case int():
            return Node(value, "System.Integer")
        case str():
            return Node(value, "System.String")
        case _:
            return Node(value, "System.Decimal")


def resource_node(value: Mapping[str, Any]) -> Node:
    return Node(value, str(value.get("resourceType")))


def children(node: Node, name: str) -> Iterator[Node]:
    """The children of one name; `value` finds `valueQuantity` too."""
    holder = node.value
    if not isinstance(holder, Mapping):
        if isinstance(node.extra, Mapping) and name in ("extension", "id"):
            yield from _under(node.extra, name, "Extension" if name == "extension" else "string")
        elif name == "value" and holder is not None:
            yield Node(holder, node.type)  # a primitive's value, which FHIRPath reaches without a step
        return
    for key, inner in _keys(node.type, name):
        yield from _under(holder, key, inner)


def all_children(node: Node) -> Iterator[Node]:
    holder = node.value if isinstance(node.value, Mapping) else node.extra
    if not isinstance(holder, Mapping):
        return
    seen = set()
    for key in holder:
        plain = key.removeprefix("_")
        if plain in seen or key == "resourceType":
            continue
        seen.add(plain)
        inner = _inner_of_key(node.type if isinstance(node.value, Mapping) else "Element", plain)
        if inner is not None:
            yield from _under(holder, plain, inner)


def _under(holder: Mapping[str, Any], key: str, inner: str) -> Iterator[Node]:
    value, extra = holder.get(key), holder.get(f"_{key}") if _is_primitive(inner) else None
    if isinstance(value, list) or isinstance(extra, list):
        values = value if isinstance(value, list) else []
        extras = extra if isinstance(extra, list) else []
        for number in range(max(len(values), len(extras))):
            one = values[number] if number < len(values) else None
            beside = extras[number] if number < len(extras) else None
            if one is not None or beside is not None:
                yield _typed(one, inner, beside)
    elif value is not None or extra is not None:
        yield _typed(value, inner, extra)


def _typed(value: Any, inner: str, extra: Any) -> Node:
    if inner == "Resource" and isinstance(value, Mapping):
        return resource_node(value)
    return Node(value, inner, extra)


@cache
def _is_primitive(inner: str) -> bool:
    return model.is_primitive(inner)


@cache
def _keys(type_name: str, name: str) -> tuple[tuple[str, str], ...]:
    element = model.element(type_name, name)
    if element is None or (element.is_choice and name != element.name):
        return ()
    if element.is_choice:
        return tuple((name + code[0].upper() + code[1:], code) for code in element.codes)
    return ((name, _plain(element.inner_types[0])),)


@cache
def _inner_of_key(type_name: str, key: str) -> str | None:
    found = model.key_types(type_name).get(key)
    return _plain(found[1]) if found is not None else None


def _plain(inner: str) -> str:
    return "string" if inner == "System.String" else inner
