"""The nodes inside a node, whatever part of it holds them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prior_auth.cql.syntax.nodes import Inclusion, Node, SortKey, Source


def children(node: Node) -> Iterator[Node]:
    """The nodes directly inside, operands first."""
    yield from node.args
    for part in node.attrs.values():
        yield from _inside(part)


def _inside(part: Any) -> Iterator[Node]:
    match part:
        case Node():
            yield part
        case Source() | SortKey():
            if part.expression is not None:
                yield part.expression
        case Inclusion():
            yield from _inside(part.source)
            yield part.condition
        case list() | tuple():
            for one in part:
                yield from _inside(one)


def walk(node: Node) -> Iterator[Node]:
    """The node and every node inside it."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(children(one))
