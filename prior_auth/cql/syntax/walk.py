"""The nodes inside a node, whatever part of it holds them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prior_auth.cql.syntax.nodes import Inclusion, Node, SortKey, Source

_HOLDERS = (Node, Source, SortKey, Inclusion, list, tuple)


def walk(node: Node) -> Iterator[Node]:
    """The node and every node inside it, in no order."""
    waiting: list[Any] = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Node):
            yield one
            waiting += one.args
            if one.attrs:
                waiting += [part for part in one.attrs.values() if isinstance(part, _HOLDERS)]
        elif isinstance(one, (list, tuple)):
            waiting += [part for part in one if isinstance(part, _HOLDERS)]
        elif isinstance(one, Inclusion):
            waiting += (one.source.expression, one.condition)
        elif one.expression is not None:
            waiting.append(one.expression)
