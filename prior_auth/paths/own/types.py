"""Type names in expressions, and what is of them."""

from __future__ import annotations

from functools import lru_cache

from prior_auth.paths.own.nodes import Node
from prior_auth.paths.problem import PathError
from prior_auth.r4 import model

_SYSTEM = frozenset({"Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity", "Any"})


def checked(name: str, column: int | None = None) -> str:
    """`name` if there is such a type: `Quantity`, `FHIR.string`, `System.Boolean`. PathError if there is none."""
    space, _, plain = name.rpartition(".")
    is_known = (
        space == "System" or (space in ("", "FHIR") and model.is_type(plain)) or (space == "" and plain in _SYSTEM)
    )
    if not is_known:
        raise PathError(f"no type {name} in FHIR R4", column=column)
    return name


def is_of(node: Node, name: str, guides: bool = False) -> bool:
    """Whether a node is of a type or of one that specialises it. With `guides`, `Boolean` is FHIR's boolean too."""
    return name == "System.Any" or _is(node[1], name, guides)


def is_castable(node: Node, name: str, guides: bool = False) -> bool:
    """What `as` and `ofType` let through: FHIR's primitives count as independent of each other there (FHIR R5, 2.1.9).

    `Patient.gender is string` is true of a code, `Patient.gender.ofType(string)` is empty.
    """
    plain = name.removeprefix("FHIR.")
    return node[1] == plain if _is_primitive(plain) else is_of(node, name, guides)


@lru_cache(maxsize=512)
def _is_primitive(name: str) -> bool:
    return model.is_primitive(name)


@lru_cache(maxsize=8192)
def _is(kind: str, name: str, guides: bool) -> bool:
    space, _, plain = name.rpartition(".")
    if space == "System":
        return kind == name
    if kind.startswith("System."):
        return space == "" and kind == f"System.{plain}"
    if guides and space == "" and plain in _SYSTEM and not model.is_type(plain):
        plain = plain[0].lower() + plain[1:]
    return model.is_subtype(kind, plain)
