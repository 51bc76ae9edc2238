"""Operators: each takes the closures of its operands and gives the closure of the whole."""

from __future__ import annotations

from collections.abc import Callable

from prior_auth.paths.own.arithmetic import calculated, joined, negated
from prior_auth.paths.own.conversions import as_text
from prior_auth.paths.own.nodes import FALSE, TRUE, Nodes, Step, Surroundings, system
from prior_auth.paths.own.values import distinct, equal, equivalent_collections, order, plain, single, truth, weight


def signed(sign: str, inner: Step) -> Step:
    def step(around: Surroundings, focus: Nodes) -> Nodes:
        one = single(inner(around, focus))
        if one is None:
            return []
        value = plain(one)
        found = negated(value)
        return [] if found is None else [system(found if sign == "-" else value)]

    return step


def binary(sign: str, left: Step, right: Step) -> Step:
    match sign:
        case "and" | "or" | "xor" | "implies":
            return _logic(sign, left, right)
        case "|":
            return lambda around, focus: distinct(left(around, focus) + right(around, focus), around.step)
        case "=" | "!=":
            return _equality(sign == "=", left, right)
        case "~":
            return _equivalence(True, left, right)
        case "!~":
            return _equivalence(False, left, right)
        case "in":
            return lambda around, focus: _is_in(around, left(around, focus), right(around, focus))
        case "contains":
            return lambda around, focus: _is_in(around, right(around, focus), left(around, focus))
        case "&":
            return lambda around, focus: [
                system(joined(as_text(left(around, focus)) or "", as_text(right(around, focus)) or ""))
            ]
        case _ if sign in _ORDERS:
            return _ordering(_ORDERS[sign], left, right)
    return _sum(sign, left, right)


def _truths(answer: bool) -> Nodes:
    return TRUE if answer else FALSE


def _logic(sign: str, left: Step, right: Step) -> Step:
    """Three-valued; the right side is not asked where the left decides."""
    decide = _LOGIC[sign]
    enough = {"and": False, "or": True, "implies": False}.get(sign)
    then = [] if enough is None else _truths(sign != "and")

    def step(around: Surroundings, focus: Nodes) -> Nodes:
        a = truth(left(around, focus))
        if enough is not None and a is enough:
            return then
        answer = decide(a, truth(right(around, focus)))
        return [] if answer is None else TRUE if answer else FALSE

    return step


_LOGIC: dict[str, Callable[[bool | None, bool | None], bool | None]] = {
    "and": lambda a, b: False if a is False or b is False else None if a is None or b is None else True,
    "or": lambda a, b: True if a or b else None if a is None or b is None else False,
    "xor": lambda a, b: None if a is None or b is None else a != b,
    "implies": lambda a, b: True if a is False or b else None if a is None or b is None else False,
}


def _equality(wanted: bool, left: Step, right: Step) -> Step:
    def step(around: Surroundings, focus: Nodes) -> Nodes:
        a, b = left(around, focus), right(around, focus)
        if not a or not b:
            return []
        if len(a) == 1 and len(b) == 1:
            answer = equal(a[0], b[0])
        elif len(a) != len(b):
            answer = False
        else:
            around.step(len(a))
            answers = [equal(x, y) for x, y in zip(a, b, strict=True)]
            answer = False if False in answers else None if None in answers else True
        return [] if answer is None else TRUE if answer is wanted else FALSE

    return step


def _equivalence(wanted: bool, left: Step, right: Step) -> Step:
    def step(around: Surroundings, focus: Nodes) -> Nodes:
        a, b = left(around, focus), right(around, focus)
        around.step(sum(map(weight, a)) * len(b))
        return _truths(equivalent_collections(a, b) is wanted)

    return step


def _is_in(around: Surroundings, one: Nodes, of: Nodes) -> Nodes:
    node = single(one)
    if node is not None:
        around.step(len(of) * weight(node))
    return [] if node is None else TRUE if any(equal(node, other) for other in of) else FALSE


_ORDERS: dict[str, Callable[[int], bool]] = {
    "<": lambda found: found < 0,
    "<=": lambda found: found <= 0,
    ">": lambda found: found > 0,
    ">=": lambda found: found >= 0,
}


def _ordering(test: Callable[[int], bool], left: Step, right: Step) -> Step:
    def step(around: Surroundings, focus: Nodes) -> Nodes:
        a, b = single(left(around, focus)), single(right(around, focus))
        found = order(a, b) if a is not None and b is not None else None
        return [] if found is None else TRUE if test(found) else FALSE

    return step


def _sum(sign: str, left: Step, right: Step) -> Step:
    def step(around: Surroundings, focus: Nodes) -> Nodes:
        a, b = single(left(around, focus)), single(right(around, focus))
        if a is None or b is None:
            return []
        found = calculated(sign, plain(a), plain(b))
        return [] if found is None else [system(found)]

    return step
