"""The elements of R4's types: what a path leads to, inherited elements and choices resolved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

import msgspec

from prior_auth.r4 import tables
from prior_auth.r4.definitions import Element, TypeRef

__all__ = [
    "Element",
    "TypeRef",
    "ancestors",
    "base_type",
    "element",
    "elements",
    "is_abstract",
    "is_primitive",
    "is_resource",
    "is_subtype",
    "is_type",
    "key_types",
    "root",
    "type_names",
]


def type_names() -> frozenset[str]:
    """Every R4 type by name, abstract ones and primitives included; not the backbone paths."""
    return frozenset(tables.base_types())


def is_type(name: str) -> bool:
    return name in tables.base_types()


def is_resource(name: str) -> bool:
    """Of a resource type, the abstract Resource and DomainResource too."""
    found = tables.base_types().get(name)
    return found is not None and found.kind == "resource"


def is_primitive(name: str) -> bool:
    found = tables.base_types().get(name)
    return found is not None and found.kind == "primitive-type"


def is_abstract(name: str) -> bool:
    found = tables.base_types().get(name)
    return found is not None and found.is_abstract


@cache
def base_type(name: str) -> str | None:
    """The type that `name` specialises; of a backbone path BackboneElement or Element."""
    found = tables.base_types().get(name)
    if found is not None:
        return found.base
    parent, _, last = name.rpartition(".")
    inner = element(parent, last) if parent else None
    return inner.codes[0] if inner is not None and inner.codes else None


def ancestors(name: str) -> tuple[str, ...]:
    """From the nearest up: ("DomainResource", "Resource") of Observation."""
    return tuple(_chain(name))[1:]


def is_subtype(name: str, of: str) -> bool:
    """Whether `name` is `of` or specialises it."""
    return of in _chain(name)


def root(name: str) -> Element | None:
    """The root element of a type, which carries the invariants of the whole; not of backbone paths."""
    found = tables.base_types().get(name)
    return found.elements[0] if found is not None else None


@cache
def elements(type_name: str) -> Mapping[str, Element]:
    """The children of a type or of a backbone path (`Observation.component`) by name without `[x]`, inherited first."""
    found: dict[str, Element] = {}
    for name in reversed(tuple(_chain(type_name))):
        found |= _own_children(name)
    return found


@cache
def element(type_name: str, name: str) -> Element | None:
    """The child `name` of a type or backbone path; None where R4 knows none.

    `value` on Observation is the choice with all its types, `valueQuantity` the same element with that one type.
    To go further in, ask again with one of its `inner_types`.
    """
    children = elements(type_name)
    if name in children:
        return children[name]
    return _concrete(type_name).get(name)


@cache
def key_types(type_name: str) -> Mapping[str, tuple[Element, str]]:
    """Every JSON key an object of this type may have, with its element and the inner type of its value.

    A choice stands under each of its concrete keys only.
    """
    keys: dict[str, tuple[Element, str]] = {}
    for name, child in elements(type_name).items():
        if not child.is_choice and child.inner_types:
            keys[name] = (child, child.inner_types[0])
    for name, child in _concrete(type_name).items():
        keys[name] = (child, child.inner_types[0])
    return keys


def _chain(name: str) -> Iterator[str]:
    current: str | None = name
    while current is not None:
        yield current
        current = base_type(current)


@cache
def _own_children(type_name: str) -> dict[str, Element]:
    """Of a type or backbone path, as far as its own structure lists them."""
    structure = tables.base_types().get(type_name.split(".", 1)[0])
    if structure is None:
        return {}
    return {one.name: one for one in structure.elements if one.path.rpartition(".")[0] == type_name}


@cache
def _concrete(type_name: str) -> dict[str, Element]:
    """The choices of a type by concrete key."""
    return {
        child.name + ref.code[0].upper() + ref.code[1:]: msgspec.structs.replace(child, types=(ref,))
        for child in elements(type_name).values()
        if child.is_choice
        for ref in child.types
    }
