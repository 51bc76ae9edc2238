"""A profile made ready to be walked: elements as a tree, slices beside what they slice, children by JSON key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from prior_auth.fhir.validate.primitives import CHECKERS
from prior_auth.r4 import model, tables
from prior_auth.r4.definitions import Element, Structure, TypeRef


class Item(NamedTuple):
    """One value of an element: where it stands, its type, the JSON, and for a primitive its `_` sibling."""

    path: str
    type: str
    value: Any
    extra: Any = None


@dataclass(slots=True)
class Node:
    """One element of a profile. `keys` are the JSON keys it may stand under, with the inner type of each.

    `parents` are the types that the element above may have: of several, each value's own tells the keys. `types` and
    `is_counted` are empty and false where the base type says the same, as the walk has judged that already.
    """

    element: Element
    name: str
    keys: tuple[tuple[str, str], ...] = ()
    parents: tuple[str, ...] = ()
    types: tuple[TypeRef, ...] = ()
    is_counted: bool = True
    children: list[Node] = field(default_factory=list)
    slices: list[Node] = field(default_factory=list)

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


@cache
def tree_of(canonical: str) -> Node | None:
    """The tree of a shipped profile, datatype profile or extension; None if it is not shipped."""
    structure = tables.structure(canonical)
    return build(structure) if structure is not None else None


def build(structure: Structure) -> Node:
    nodes: dict[str, Node] = {}
    inner: dict[str, tuple[str, ...]] = {}
    for one in structure.elements:
        identity = one.id or one.path
        node = nodes[identity] = Node(one, one.name, types=one.types)
        parent, _, last = identity.rpartition(".")
        if not parent:
            inner[identity] = (structure.type,)
            continue
        node.parents = inner.get(parent, ())
        node.keys = _keys(node.parents, one.name, one.is_choice)
        inner[identity] = _inner_types(node)
        if ":" not in last:
            _compare_with_base(node)
        if ":" in last:
            nodes[f"{parent}.{last.split(':')[0]}"].slices.append(node)
        else:
            nodes[parent].children.append(node)
    for node in nodes.values():
        content = node.element.content
        if content is not None and not node.element.content_of_base and content in nodes and not node.children:
            node.children = nodes[content].children
    root = nodes[structure.elements[0].id or structure.elements[0].path]
    _drop_silent(root, set())
    return root


def _compare_with_base(node: Node) -> None:
    base = model.element(node.parents[0], node.name) if len(node.parents) == 1 else None
    if base is None:
        return
    node.is_counted = (base.min, base.max) != (node.element.min, node.element.max)
    if _plain(base.types) == _plain(node.element.types):
        node.types = ()


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
    one = node.element
    coded = one.binding is not None and (one.binding.strength in ("required", "extensible") or one.binding.maximum)
    limits = (one.max_length, one.min_value, one.max_value)
    is_recursive = one.content is not None and not one.content_of_base
    return bool(
        node.children
        or node.slices
        or node.types
        or node.is_counted
        or one.fixed
        or coded
        or one.invariants
        or is_recursive
        or any(part is not None for part in limits)
    )


def _inner_types(node: Node) -> tuple[str, ...]:
    """The types whose children may stand below: as far as the profile narrows a choice, only those."""
    types = tuple(dict.fromkeys(inner_type for _, inner_type in node.keys))
    narrowed = tuple(one for one in types if one in node.element.codes)
    return narrowed if node.element.is_choice and narrowed else types


@cache
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


def items(node: Node, holder: Item) -> Iterator[Item]:
    """The values that `holder` has of an element, in order."""
    if not isinstance(holder.value, dict):
        if isinstance(holder.extra, dict) and node.name in ("extension", "id"):
            yield from _items_of(node, holder.extra, holder)
        return
    yield from _items_of(node, holder.value, holder)


def _items_of(node: Node, value: dict[str, Any], holder: Item) -> Iterator[Item]:
    path = holder.path
    keys = node.keys if len(node.parents) < 2 else _keys((holder.type,), node.name, node.element.is_choice)
    for key, inner in keys:
        part = value.get(key)
        extra = value.get(f"_{key}") if inner in CHECKERS else None
        if part is None and extra is None:
            continue
        at = f"{path}.{node.name if node.element.is_choice else key}"
        if isinstance(part, list) or isinstance(extra, list):
            yield from _listed(part, extra, inner, at)
        else:
            yield _item(at, inner, part, extra)


def _listed(part: Any, extra: Any, inner: str, at: str) -> Iterator[Item]:
    parts = part if isinstance(part, list) else []
    extras = extra if isinstance(extra, list) else []
    for number in range(max(len(parts), len(extras))):
        one = parts[number] if number < len(parts) else None
        beside = extras[number] if number < len(extras) else None
        if one is not None or beside is not None:
            yield _item(f"{at}[{number}]", inner, one, beside)


def _item(at: str, inner: str, value: Any, extra: Any) -> Item:
    is_resource = inner == "Resource" and isinstance(value, dict) and isinstance(value.get("resourceType"), str)
    return Item(at, value["resourceType"] if is_resource else inner, value, extra)
