"""The days that a query over a retrieve asks for: `O.effective during Interval[AsOf - 90 days, AsOf]` in its `where`.

Found in the text, so that it is known for a retrieve that returned nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from prior_auth.cql.compiler.base import Compiled
from prior_auth.cql.runtime import Compute
from prior_auth.cql.syntax.nodes import Node
from prior_auth.cql.types import DATE, DATE_TIME, IntervalOf
from prior_auth.cql.values.core import Interval

_WITHIN = frozenset({"In", "IncludedIn"})
_FROM = {"GreaterOrEqual": True, "SameOrAfter": True, "Greater": False, "After": False}  # whether the bound is within
_UNTIL = {"LessOrEqual": True, "SameOrBefore": True, "Less": False, "Before": False}
_DAYS = (DATE, DATE_TIME, IntervalOf(DATE), IntervalOf(DATE_TIME))
_STEPS = frozenset({"As", "Parens", "DateFrom", "Convert", "Start", "End"})


class Bound(NamedTuple):
    """One condition on an element's day. `compute` needs no row: it is the same for every resource."""

    path: str
    op: str
    compute: Compute


def bounds_of(query: Node, constant: Callable[[Node], Compiled | None]) -> tuple[Bound, ...]:
    """The conditions on days of a query over one retrieve.

    `constant` compiles what mentions no variable of the query, else gives None.
    """
    sources = query["sources"]
    if len(sources) != 1 or _bare(sources[0].expression).op != "Retrieve" or query["where"] is None:
        return ()
    alias, found = sources[0].alias, []
    for node in _conditions(query["where"]):
        if node.op in _WITHIN or node.op in _FROM or node.op in _UNTIL:
            path = _path(node.args[0], alias)
            other = constant(node.args[1]) if path else None
            if path and other is not None and other.type in _DAYS:
                found.append(Bound(path, node.op, other.compute))
    return tuple(found)


def window(bounds: tuple[Bound, ...], value_of: Callable[[Compute], Any]) -> dict[str, Any] | None:
    """The element and its first and last day, each with whether it is within; None where there is no bound."""
    if not bounds:
        return None
    told: dict[str, Any] = {"path": bounds[0].path}
    for one in bounds:
        value = value_of(one.compute)
        if one.path != told["path"] or value is None:
            continue
        if isinstance(value, Interval):
            told |= {
                "low": value.low,
                "lowClosed": value.low_closed,
                "high": value.high,
                "highClosed": value.high_closed,
            }
        elif one.op in _FROM:
            told |= {"low": value, "lowClosed": _FROM[one.op]}
        elif one.op in _UNTIL:
            told |= {"high": value, "highClosed": _UNTIL[one.op]}
    return told if len(told) > 1 else None


def _conditions(node: Node) -> Iterator[Node]:
    node = _bare(node)
    if node.op == "And":
        for one in node.args:
            yield from _conditions(one)
    else:
        yield node


def _path(node: Node, alias: str) -> str | None:
    """`effective` of `date from (O.effective as FHIR.dateTime)`; None where it is no path from the alias."""
    names: list[str] = []
    while True:
        if node.op in _STEPS:
            node = node.args[0]
        elif node.op == "Member":
            names.append(node["name"])
            node = node.args[0]
        else:
            break
    is_row = node.op == "Name" and node["name"] == alias
    return ".".join(reversed(names)).removesuffix(".value") if is_row and names else None


def _bare(node: Node) -> Node:
    while node.op == "Parens":
        node = node.args[0]
    return node


def names_in(node: Node) -> Iterator[str | None]:
    """Every plain name in an expression; None for what holds names of its own, such as a query."""
    if node.op == "Name":
        yield node["name"]
    elif node.op in ("Query", "Retrieve"):
        yield None
    for one in node.args:
        yield from names_in(one)
