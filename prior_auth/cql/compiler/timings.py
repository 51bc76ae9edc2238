"""Timing phrases with an amount: `30 days or less before X`, `within 5 days of X`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prior_auth.cql import helpers
from prior_auth.cql.compiler.base import Base, Compiled, Scope
from prior_auth.cql.errors import CqlError
from prior_auth.cql.operators.registry import Overload
from prior_auth.cql.operators.timing import after, before, in_interval, same_as, same_or_after, same_or_before
from prior_auth.cql.syntax.nodes import Node
from prior_auth.cql.types import BOOLEAN, DATE, DATE_TIME, QUANTITY, TIME, IntervalOf, Named, Type
from prior_auth.cql.values import temporal
from prior_auth.cql.values.core import Interval, Quantity
from prior_auth.cql.values.intervals import both, point_type

_EXACT = {"Before": same_as, "After": same_as}
_OUTSIDE = {
    ("or more", "Before"): same_or_before, ("more than", "Before"): before,
    ("or more", "After"): same_or_after, ("more than", "After"): after,
}  # fmt: skip


class Timings(Base):
    """Relations that shift one side by an amount first."""

    def on_Offset(self, node: Node, scope: Scope) -> Compiled:
        relation = node["relation"].removeprefix("SameOr")
        left = self._edge(node.args[0], "End" if relation == "Before" else "Start", scope)
        right = self._edge(node.args[1], "Start" if relation == "Before" else "End", scope)
        test = _offset_test(relation, node["bound"], node["relation"] != relation, node["precision"])
        return self._moments(test, [left, right], node, scope)

    def on_Within(self, node: Node, scope: Scope) -> Compiled:
        operands = []
        for one in node.args:
            start, end = self._edge(one, "Start", scope), self._edge(one, "End", scope)
            operands += [start, end]
        closed = not node["properly"]

        def test(first: Any, last: Any, low: Any, high: Any, amount: Quantity) -> bool | None:
            window = Interval(_moved(low, amount, -1), _moved(high, amount, 1), closed, closed, point_type(low))
            return both(in_interval(first, window, None), in_interval(last, window, None))

        return self._moments(test, operands, node, scope)

    def _edge(self, node: Node, side: str, scope: Scope) -> Compiled:
        """The operand, or the bound that counts where it is an interval."""
        found = self.compile(node, scope)
        return self.operation(side, [found], node.at) if self.is_interval(found.type) else found

    def is_interval(self, type_: Type) -> bool:
        if isinstance(type_, Named) and type_.namespace == "FHIR" and self.has_helpers:
            found = helpers.conversion(type_.name)
            return found is not None and isinstance(found[0], IntervalOf)
        return isinstance(type_, IntervalOf)

    def _moments(self, test: Callable[..., Any], operands: list[Compiled], node: Node, scope: Scope) -> Compiled:
        amount_node: Node = node["amount"]
        amount = self.compile(amount_node, scope)
        if amount.type != QUANTITY:
            raise CqlError("expected an amount with a unit, such as `5 days`", amount_node.at)
        overloads = [
            Overload(node.op, (*[type_] * len(operands), QUANTITY), BOOLEAN, test) for type_ in (DATE, DATE_TIME, TIME)
        ]
        return self.overloaded(overloads, [*operands, amount], node.at, "a relation in time")


def _moved(moment: Any, amount: Quantity, sign: int) -> Any:
    return temporal.add(moment, sign * amount.value, amount.unit)


def _offset_test(relation: str, bound: str, inclusive: bool, precision: str | None) -> Callable[..., bool | None]:
    sign = -1 if relation == "Before" else 1

    def test(left: Any, right: Any, amount: Quantity) -> bool | None:
        shifted = _moved(right, amount, sign)
        if bound == "exactly":
            return same_as(left, shifted, precision or temporal_precision(amount.unit))
        outside = _OUTSIDE.get((bound, relation))
        if outside is not None:
            return outside(left, shifted, precision)
        far, near = (shifted, bound == "or less"), (right, inclusive)
        low, high = (far, near) if relation == "Before" else (near, far)
        window = Interval(low[0], high[0], low[1], high[1], point_type(right))
        return in_interval(left, window, precision)

    return test


def temporal_precision(unit: str) -> str:
    """The precision at which `exactly` compares."""
    found = temporal.calendar_unit(unit)
    return "day" if found == "week" else found
