"""Reading the events of a traced evaluation: rows of a query, operands of a row of `and`, codes, units."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from prior_auth.cql.syntax.nodes import Node
from prior_auth.cql.tracing import Event
from prior_auth.cql.types import ListOf
from prior_auth.cql.values.core import Code, Concept, Fhir

_RANK = {"let": 0, "with": 1, "without": 1, "where": 2, "return": 3}


def rows_of(sources: list[Event], parts: list[Event]) -> Iterator[tuple[tuple[Any, ...], list[Event]]]:
    """Each row of a query with the events of its tests and of its return, in the order in which they happened."""
    waiting = [one for one in parts if one.site.role is not None]
    position, end = 0, len(waiting)
    for row in itertools.product(*[_elements(one) for one in sources]):
        events: list[Event] = []
        rank = -1
        while position < end:
            event = waiting[position]
            here = _rank(event)
            if here < rank or (here == rank and here > 1) or not _is_of(event, row):
                break
            events.append(event)
            rank = here
            position += 1
        yield row, events


def _rank(event: Event) -> int:
    """Where in a row the event has its turn."""
    role = event.site.role or "let"
    return _RANK.get(role, 0)


def _is_of(event: Event, row: tuple[Any, ...]) -> bool:
    return all(one is other for one, other in zip(event.row, row, strict=False))


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
