"""Profiles less what their base types say already: only elements that say more are kept, and the ones above them."""

from __future__ import annotations

import msgspec

from prior_auth.r4 import model
from prior_auth.r4.definitions import Binding, Element, Slicing, Structure, TypeRef


def prune(structure: Structure) -> Structure:
    """A profile's or extension's snapshot without elements that add nothing; the root always stays."""
    kept: set[str] = {structure.elements[0].id or structure.elements[0].path}
    narrowed = _narrowed_types(structure)
    for one in structure.elements[1:]:
        base = _base_element(one.path, narrowed)
        if _says_more(one, base):
            identity = one.id or one.path
            while identity and identity not in kept:
                kept.add(identity)
                identity = _above(identity)
    elements = tuple(one for one in structure.elements if (one.id or one.path) in kept)
    return msgspec.structs.replace(structure, elements=elements)


def _above(identity: str) -> str:
    """The parent of an id; of a slice the sliced element, which must be walked to reach it."""
    parent, _, last = identity.rpartition(".")
    if ":" in last:
        return f"{parent}.{last.split(':')[0]}" if parent else ""
    return parent


def _narrowed_types(structure: Structure) -> dict[str, tuple[str, ...]]:
    """Inner types by path as the profile has them: a choice narrowed to Quantity is walked on as Quantity."""
    narrowed: dict[str, tuple[str, ...]] = {structure.elements[0].path: (structure.type,)}
    for one in structure.elements[1:]:
        narrowed.setdefault(one.path, one.inner_types)
    return narrowed


def _base_element(path: str, narrowed: dict[str, tuple[str, ...]]) -> Element | None:
    parent, _, name = path.rpartition(".")
    inner = narrowed.get(parent, ())
    if len(inner) != 1:
        return None
    return model.element(inner[0], name.removesuffix("[x]"))


def _says_more(one: Element, base: Element | None) -> bool:
    if base is None or one.slice is not None:
        return True
    return (
        one.min != base.min
        or one.max != base.max
        or _plain_types(one.types) != _plain_types(base.types)
        or _adds(one.binding, base.binding)
        or one.fixed is not None
        or _is_told(one.slicing)
        or bool(set(one.invariants) - set(base.invariants))
        or one.max_length != base.max_length
        or one.min_value is not None
        or one.max_value is not None
        or one.must_support
    )


def _plain_types(types: tuple[TypeRef, ...]) -> tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]:
    return tuple((ref.code, _unversioned(ref.profiles), _unversioned(ref.targets)) for ref in types)


def _unversioned(canonicals: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(one.split("|")[0] for one in canonicals)


def _adds(binding: Binding | None, base: Binding | None) -> bool:
    if binding is None or binding.strength in ("preferred", "example"):
        return binding is not None and binding.maximum is not None
    if base is None:
        return True
    same_set = (binding.valueset or "").split("|")[0] == (base.valueset or "").split("|")[0]
    return not same_set or binding.strength != base.strength or binding.maximum != base.maximum


def _is_told(slicing: Slicing | None) -> bool:
    """Every snapshot slices extensions by url: that alone is no news."""
    if slicing is None:
        return False
    by_url = tuple((one.type, one.path) for one in slicing.discriminators) == (("value", "url"),)
    return not (by_url and slicing.rules == "open" and not slicing.ordered)
