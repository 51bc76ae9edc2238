"""The values that expressions work on: JSON with its R4 type and where it stands, and how to step to its children."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from prior_auth.cql.values.core import Quantity
from prior_auth.cql.values.temporal import Date, DateTime
from prior_auth.paths.problem import PathError
from prior_auth.r4 import model

MAX_STEPS = 100_000  # half a second
MAX_TEXT = 1_000_000


class Node(NamedTuple):
    """`type` is an R4 type or backbone path, or `System.…` for computed values; `extra` the `_` sibling.

    `up`, `step` and `number` say where it stands: the `step` below `up`, at `number` of a list. A root's `step` is its
    path; computed values have none.
    """

    value: Any
    type: str
    extra: Any = None
    up: Node | None = None
    step: str = ""
    number: int | None = None


Nodes = list[Node]
TYPE_INFO = "System.SimpleTypeInfo"
_node = tuple.__new__  # what Node(…) calls, without the call between: nodes are made by the hundred thousand


Step = Callable[["Surroundings", Nodes], Nodes]  # a compiled expression: what it gives in a focus
NOTHING: Nodes = []  # shared, as TRUE and FALSE below: no collection is ever changed once made


class Surroundings:
    """One evaluation: what is asked, and what the expression may ask the caller.

    `resolve` finds references, `member` tells whether codes are in a value set and `conforms` whether a resource keeps
    a profile (None: unknown); `now` and `day` are the time of the evaluation and the day of judgement.
    """

    __slots__ = (
        "conforms",
        "context",
        "day",
        "index",
        "member",
        "now",
        "resolve",
        "resource",
        "root",
        "steps",
        "total",
    )

    def __init__(
        self,
        resource: Node,
        root: Node,
        context: Node,
        resolve: Callable[[str], Mapping[str, Any] | None] | None = None,
        member: Callable[[str, Any], bool | None] | None = None,
        conforms: Callable[[Mapping[str, Any], str], bool | None] | None = None,
        now: datetime | None = None,
        day: date | None = None,
    ) -> None:
        self.resource = resource
        self.root = root
        self.context = context
        self.resolve = resolve
        self.member = member
        self.conforms = conforms
        self.now = now
        self.day = day
        self.steps = 0
        self.index = self.total = NOTHING

    def step(self, count: int = 1) -> None:
        self.steps += count
        if self.steps > MAX_STEPS:
            raise PathError(f"more than {MAX_STEPS} steps", fix="ask for less at a time")


_SYSTEM: dict[type, str] = {
    bool: "System.Boolean", int: "System.Integer", str: "System.String", Decimal: "System.Decimal",
    Quantity: "System.Quantity", Date: "System.Date",
}  # fmt: skip


def system(value: Any) -> Node:
    """A computed value."""
    kind = _SYSTEM.get(type(value))
    if kind is None:
        kind = "System.DateTime" if isinstance(value, DateTime) else "System.Time"
    return _node(Node, (value, kind, None, None, "", None))


TRUE, FALSE = [system(True)], [system(False)]


def resource_node(value: Mapping[str, Any], path: str | None = None) -> Node:
    kind = str(value.get("resourceType"))
    return _node(Node, (value, kind, None, None, path or kind, None))


def focus_of(_around: Surroundings, focus: Nodes) -> Nodes:
    """The step of `$this`."""
    return focus


def path_of(node: Node) -> str:
    """The element path, such as `Observation.component[1].value`; empty for a computed value."""
    parts: list[str] = []
    at: Node | None = node
    while at is not None:
        parts.append(at.step if at.number is None else f"{at.step}[{at.number}]")
        at = at.up
    return ".".join(reversed(parts))


class _Key(NamedTuple):
    """A JSON key that an element may stand under; `beside` is that of a primitive's extensions."""

    key: str
    inner: str
    beside: str | None
    is_resource: bool


def add_children(node: Node, name: str, found: Nodes) -> None:
    """The children of one name, onto `found`; `value` finds `valueQuantity` too."""
    holder = node[0]
    if not isinstance(holder, dict):
        _of_primitive(node, name, found)
        return
    keys, choices = _keys(node[1], name)
    if choices is not None:
        keys = _chosen(holder, choices)
    for key, inner, beside, is_resource in keys:
        value = holder.get(key)
        extra = holder.get(beside) if beside is not None else None
        if value is None and extra is None:
            continue
        if isinstance(value, list) or isinstance(extra, list):
            _listed(node, name, value, extra, inner, is_resource, found)
        else:
            found.append(_typed(node, name, None, value, extra, inner, is_resource))


def _of_primitive(node: Node, name: str, found: Nodes) -> None:
    if isinstance(node.extra, dict) and name in ("extension", "id"):
        add_children(Node(node.extra, "Element", None, node.up, node.step, node.number), name, found)
    elif name == "value" and node.value is not None:
        found.append(Node(node.value, node.type, None, node, "value"))


def _listed(up: Node, name: str, value: Any, extra: Any, inner: str, is_resource: bool, found: Nodes) -> None:
    values = value if isinstance(value, list) else []
    extras = extra if isinstance(extra, list) else []
    for number in range(max(len(values), len(extras))):
        one = values[number] if number < len(values) else None
        beside = extras[number] if number < len(extras) else None
        if one is not None or beside is not None:
            found.append(_typed(up, name, number, one, beside, inner, is_resource))


def _typed(up: Node, name: str, number: int | None, value: Any, extra: Any, inner: str, is_resource: bool) -> Node:
    if is_resource and isinstance(value, dict):
        inner = str(value.get("resourceType"))
    return _node(Node, (value, inner, extra, up, name, number))


def all_children(node: Node) -> Nodes:
    """Every child that R4 knows, in the order of the JSON."""
    found: Nodes = []
    holder = node.value if isinstance(node.value, dict) else node.extra
    if not isinstance(holder, dict):
        return found
    kind = node.type if isinstance(node.value, dict) else "Element"
    at = node if isinstance(node.value, dict) else Node(holder, kind, None, node.up, node.step, node.number)
    seen = set()
    for key in holder:
        name = _name_of_key(kind, key.removeprefix("_"))
        if name is not None and name not in seen:
            seen.add(name)
            add_children(at, name, found)
    return found


def _chosen(holder: Mapping[str, Any], choices: Mapping[str, _Key]) -> tuple[_Key, ...]:
    """The keys of a choice that are there: one, in a well-formed resource. Extension.value has fifty."""
    found: tuple[_Key, ...] = ()
    for key in holder:
        one = choices.get(key)
        if one is not None and one not in found:
            found = (*found, one)
    return found


@lru_cache(maxsize=8192)
def _keys(type_name: str, name: str) -> tuple[tuple[_Key, ...], Mapping[str, _Key] | None]:
    """The keys of an element; of a choice none, but all that it may have, with those of their extensions."""
    if type_name == TYPE_INFO:
        return (_Key(name, "System.String", None, False),), None
    element = model.element(type_name, name)
    if element is None or (element.is_choice and name != element.name):
        return (), None
    if not element.is_choice:
        return (_key(name, element.inner_types[0]),), None
    keys = [_key(name + code[0].upper() + code[1:], code) for code in element.codes]
    return (), {told: one for one in keys for told in (one.key, one.beside) if told is not None}


def _key(key: str, inner: str) -> _Key:
    kind = "string" if inner == "System.String" else inner
    return _Key(key, kind, f"_{key}" if model.is_primitive(kind) else None, kind == "Resource")


@lru_cache(maxsize=8192)
def _name_of_key(type_name: str, key: str) -> str | None:
    found = model.key_types(type_name).get(key)
    return found[0].name if found is not None else None
