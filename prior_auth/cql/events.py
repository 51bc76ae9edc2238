"""Reading the events of a traced evaluation: rows of a query, operands of a row of `and`, codes, units."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from prior_auth.cql.syntax.nodes import Node
from prior_auth.cql.tracing import Event
from prior_auth.cql.types import ListOf
from prior_auth.cql.values.core import Code, Concept, Fhir

_RANK = {"let": 0, "with": 1, "without": 1, "where": 2, "return": 3}


def rows_of(sources: list[Event], parts: Sequence[Event]) -> Iterator[tuple[tuple[Any, ...], list[Event]]]:
    """Each row of a query with the events of its tests and of its return, in the order in which they happened."""
    waiting = [one for one in parts if one.site.role is not None]
    if len(sources) == 1:
        rows: Iterable[tuple[Any, ...]] = zip(_elements(sources[0]))
    else:
        rows = itertools.product(*[_elements(one) for one in sources])
    position, end = 0, len(waiting)
    for row in rows:
        first, events, rank = row[0], [], -1
        while position < end:
            event = waiting[position]
            here = _RANK.get(event.site.role or "let", 0)
            if here < rank or (here == rank and here > 1) or event.row[0] is not first:
                break
            if len(row) > 1 and any(one is not other for one, other in zip(event.row, row, strict=False)):
                break
            events.append(event)
            rank = here
            position += 1
        yield row, events


def _elements(source: Event) -> Sequence[Any]:
    if isinstance(source.site.type, ListOf):
        return source.value or ()
    return () if source.value is None else (source.value,)


def operand_count(node: Node) -> int:
    """How many operands a row of `and` or of `or` has; the parser nests it to the left."""
    count = len(node.args)
    while node.args[0].op == node.op:
        node = node.args[0]
        count += 1
    return count


def unit_of(event: Event) -> str | None:
    """The unit of a number that was read from a quantity by `.value`."""
    while event.site.op == "Member" and event.site.node["name"] == "value" and event.parts:
        event = event.parts[0]
        if type(event.value) is Fhir and isinstance(event.value.json, dict):
            unit = event.value.json.get("unit") or event.value.json.get("code")
            return unit if isinstance(unit, str) else None
    return None


def codes_of(value: Any) -> list[Code]:
    """All codes of a code, a concept, a bare text or a list of them."""
    if isinstance(value, Code):
        return [value]
    if isinstance(value, Concept):
        return [one for one in value.codes if one is not None]
    if isinstance(value, str):
        return [Code(value)]
    return [code for one in value or () for code in codes_of(one)] if isinstance(value, (list, tuple)) else []
