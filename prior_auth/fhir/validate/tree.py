"""A profile made ready to be walked: elements as a tree, slices beside what they slice, children by JSON key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from prior_auth.fhir.validate.membership import telling
from prior_auth.fhir.validate.primitives import CHECKERS
from prior_auth.r4 import model, tables
from prior_auth.r4.definitions import Binding, Element, Structure, TypeRef


class Item(NamedTuple):
    """One value of an element: where it stands, its type, the JSON, and for a primitive its `_` sibling."""

    path: str
    type: str
    value: Any
    extra: Any = None


class Read(NamedTuple):
    """How one JSON key is read: its `_` sibling if it is a primitive, the inner type, and what it adds to the path."""

    key: str
    beside: str | None
    inner: str
    step: str


@dataclass(slots=True, eq=False)
class Node:
    """One element of a profile. `reads` are the JSON keys it may stand under; None where each value's own type tells.

    `parents` are the types that the element above may have. `types`, `binding` and `is_counted` are empty and false
    where the base type says the same, as the walk has judged that already. `is_needed`: its absence can be a fault.
    """

    element: Element
    name: str
    reads: Mapping[str, Read] | None = None
    parents: tuple[str, ...] = ()
    types: tuple[TypeRef, ...] = ()
    binding: Binding | None = None
    is_counted: bool = True
    is_needed: bool = False
    children: list[Node] = field(default_factory=list)
    slices: list[Node] = field(default_factory=list)

    def says_more_than_fixed(self) -> bool:
        one = self.element
        limits = (one.max_length, one.min_value, one.max_value)
        parts = (self.children, self.slices, self.types, self.binding, one.invariants)
        return any(parts) or any(limit is not None for limit in limits)

    def child(self, name: str) -> Node | None:
        return next((one for one in self.children if one.name == name), None)

    def extension(self, url: str) -> Node | None:
        """The slice of its extensions that this URL belongs to."""
        for child in self.children:
            if child.name in ("extension", "modifierExtension"):
                for one in child.slices:
                    if extension_url(one) == url:
                        return one
        return None


def extension_url(node: Node) -> str | None:
    """The URL of an extension slice: from the definition it names, or fixed in place."""
    for ref in node.element.types:
        if ref.profiles:
            return ref.profiles[0].split("|")[0]
    fixed = node.child("url")
    if fixed is not None and fixed.element.fixed is not None:
        return str(fixed.element.fixed.value)
    return None


def tree_of(canonical: str) -> Node | None:
    """The tree of a shipped profile, datatype profile or extension, one for all that name it; None if not shipped."""
    exact = tables.held(canonical)
    return _tree(exact) if exact is not None else None


@cache
def _tree(exact: str) -> Node | None:
    structure = tables.structure(exact)
    return build(structure) if structure is not None else None


@cache
def whole_tree_of(canonical: str) -> Node | None:
    """As `tree_of`, with the elements that only are must-support, or say nothing at all."""
    structure = tables.structure(canonical)
    return _grown(structure) if structure is not None else None


def build(structure: Structure) -> Node:
    root = _grown(structure)
    _drop_silent(root, set())
    return root


def _grown(structure: Structure) -> Node:
    nodes: dict[str, Node] = {}
    inner: dict[str, tuple[str, ...]] = {}
    for one in structure.elements:
        identity = one.id or one.path
        node = nodes[identity] = Node(one, one.name, types=one.types, binding=telling(one.binding))
        parent, _, last = identity.rpartition(".")
        if not parent:
            inner[identity] = (structure.type,)
            continue
        node.parents = inner.get(parent, ())
        inner[identity] = _inner_types(node)
        if len(node.parents) < 2:
            node.reads = reads_of(node.parents, one.name, one.is_choice)
        if ":" not in last:
            _compare_with_base(node)
        if ":" in last:
            nodes[f"{parent}.{last.split(':')[0]}"].slices.append(node)
        else:
            nodes[parent].children.append(node)
    for node in nodes.values():
        node.is_needed = node.element.min > 0 or any(one.element.min > 0 for one in node.slices)
        content = node.element.content
        if content is not None and not node.element.content_of_base and content in nodes and not node.children:
            node.children = nodes[content].children
    return nodes[structure.elements[0].id or structure.elements[0].path]


def _compare_with_base(node: Node) -> None:
    base = model.element(node.parents[0], node.name) if len(node.parents) == 1 else None
    if base is None:
        return
    node.is_counted = (base.min, base.max) != (node.element.min, node.element.max)
    if _plain(base.types) == _plain(node.element.types):
        node.types = ()
    if node.binding == base.binding:
        node.binding = None


def _plain(types: tuple[TypeRef, ...]) -> list[tuple[str, tuple[str, ...], list[str]]]:
    return [(ref.code, ref.profiles, [one.split("|")[0] for one in ref.targets]) for ref in types]


def _drop_silent(node: Node, done: set[int]) -> None:
    """Leave out what says nothing, which must-support elements mostly do. Recursive elements are met once."""
    if id(node) in done:
        return
    done.add(id(node))
    for one in (*node.children, *node.slices):
        _drop_silent(one, done)
    node.children[:] = [one for one in node.children if _says(one)]


def _says(node: Node) -> bool:
    is_recursive = node.element.content is not None and not node.element.content_of_base
    return bool(node.element.fixed or node.is_counted or is_recursive or node.says_more_than_fixed())


def _inner_types(node: Node) -> tuple[str, ...]:
    """The types whose children may stand below: as far as the profile narrows a choice, only those."""
    keys = _keys(node.parents, node.name, node.element.is_choice)
    types = tuple(dict.fromkeys(inner_type for _, inner_type in keys))
    narrowed = tuple(one for one in types if one in node.element.codes)
    return narrowed if node.element.is_choice and narrowed else types


def items(node: Node, holder: Item) -> list[Item]:
    """The values that `holder` has of an element, in order."""
    reads = node.reads if node.reads is not None else reads_of((holder.type,), node.name, node.element.is_choice)
    return items_under(reads, holder, node.name)


def items_under(reads: Mapping[str, Read], holder: Item, name: str) -> list[Item]:
    value = holder.value
    if not isinstance(value, dict):
        if not (isinstance(holder.extra, dict) and name in ("extension", "id")):
            return []
        value = holder.extra
    found: list[Item] = []
    for key in value if len(value) < len(reads) else reads:
        read = reads.get(key)
        if read is not None and key in value and (key == read.key or read.key not in value):
            _take(read, value, holder.path, found)
    return found


@cache
def reads_of(parents: tuple[str, ...], name: str, is_choice: bool) -> Mapping[str, Read]:
    """By JSON key; a primitive stands under two, as either may be there alone."""
    found: dict[str, Read] = {}
    for key, inner in _keys(parents, name, is_choice):
        beside = f"_{key}" if inner in CHECKERS else None
        found[key] = Read(key, beside, inner, f".{name if is_choice else key}")
        if beside is not None:
            found[beside] = found[key]
    return found


def _keys(parents: tuple[str, ...], name: str, is_choice: bool) -> tuple[tuple[str, str], ...]:
    """JSON keys with inner types, as the base type has them; the profile only cuts down."""
    found: dict[str, str] = {}
    for parent in parents:
        base = model.element(parent, name)
        if base is None:
            continue
        if base.is_choice and is_choice:
            found |= {base.name + code[0].upper() + code[1:]: code for code in base.codes}
        else:  # some snapshots name a choice by its concrete key
            found |= {name: base.inner_types[0]}
    return tuple(found.items())


def _take(read: Read, value: dict[str, Any], path: str, found: list[Item]) -> None:
    part = value.get(read.key)
    extra = value.get(read.beside) if read.beside is not None else None
    at = path + read.step
    if not isinstance(part, list) and not isinstance(extra, list):
        if part is not None or extra is not None:
            found.append(_item(at, read.inner, part, extra))
        return
    parts = part if isinstance(part, list) else []
    extras = extra if isinstance(extra, list) else []
    for number in range(max(len(parts), len(extras))):
        one = parts[number] if number < len(parts) else None
        beside = extras[number] if number < len(extras) else None
        if one is not None or beside is not None:
            found.append(_item(f"{at}[{number}]", read.inner, one, beside))


def _item(at: str, inner: str, value: Any, extra: Any) -> Item:
    if inner == "Resource" and isinstance(value, dict) and isinstance(kind := value.get("resourceType"), str):
        return Item(at, kind, value, extra)
    return Item(at, inner, value, extra)
