"""Which must-support elements of a profile a resource holds: what a census over many messages adds up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from prior_auth.fhir.validate.conform import Conformance
from prior_auth.fhir.validate.slicing import matcher_of
from prior_auth.fhir.validate.tree import Item, Node, items, whole_tree_of
from prior_auth.r4.definitions import Invariant


@cache
def must_support(canonical: str) -> tuple[str, ...]:
    """Ids of the must-support elements (`ClaimResponse.item.extension:preAuthPeriod`); of a choice the choice itself.

    Elements that a profile forbids are left out. Raises KeyError for a profile that is not shipped.
    """
    root = whole_tree_of(canonical)
    if root is None:
        raise KeyError(canonical)
    return tuple(_id(one) for one in _nodes(root) if one.element.must_support and one.element.max != 0)


def held(resource: Mapping[str, Any], canonical: str) -> frozenset[str]:
    """The ids of `must_support` that the resource has a value of, slices told apart by their discriminators."""
    root = whole_tree_of(canonical)
    if root is None:
        raise KeyError(canonical)
    found: set[str] = set()
    kind = str(resource["resourceType"])
    _walk(root, Item(kind, kind, resource), Conformance(_Alone()), found)
    return frozenset(found) & frozenset(must_support(canonical))


class _Alone:
    """A census tells slices by what stands in them: no other resource, no invariant."""

    def resolve(self, reference: str, item: Item) -> Item | None:  # noqa: ARG002
        return None

    def invariants(self, item: Item, invariants: Iterable[Invariant]) -> Iterable[Any]:  # noqa: ARG002
        return ()


def _walk(node: Node, item: Item, conformance: Conformance, found: set[str]) -> None:
    found.add(_id(node))
    for child in node.children:
        for value in items(child, item):
            _walk(child, value, conformance, found)
            if (one := _slice(child, value, conformance)) is not None:
                _walk(one, value, conformance, found)


def _slice(sliced: Node, value: Item, conformance: Conformance) -> Node | None:
    """The slice a value belongs to; where only a code list that is not at hand could tell, doubt counts in favour."""
    doubtful: Node | None = None
    for one in sliced.slices:
        answer = matcher_of(sliced, one)(value, conformance)
        if answer:
            return one
        if answer is None and doubtful is None:
            doubtful = one
    return doubtful


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for one in (*node.children, *node.slices):
        yield from _nodes(one)


def _id(node: Node) -> str:
    return node.element.id or node.element.path
