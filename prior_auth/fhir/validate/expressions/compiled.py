"""Trees to closures: each takes the surroundings and the collection in focus, and gives a collection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

from prior_auth.fhir.validate.expressions.comparison import equal, order
from prior_auth.fhir.validate.expressions.functions import FUNCTIONS, distinct, is_of, single, truth
from prior_auth.fhir.validate.expressions.nodes import (
    ExpressionError,
    Node,
    Nodes,
    Surroundings,
    Unsupported,
    children,
    system,
)
from prior_auth.fhir.validate.expressions.syntax import Tree, parse
from prior_auth.r4 import model

Step = Callable[[Surroundings, Nodes], Nodes]

_TRUE, _FALSE = [system(True)], [system(False)]
_CONSTANTS = {"ucum": "http://unitsofmeasure.org", "sct": "http://snomed.info/sct", "loinc": "http://loinc.org"}


@dataclass(frozen=True, slots=True)
class Expression:
    text: str
    _step: Step

    def holds(self, around: Surroundings) -> bool:
        """Whether the invariant holds of `around.context`; empty is no objection. Raises ExpressionError."""
        try:
            return truth(self._step(around, [around.context])) is not False
        except RecursionError:
            raise ExpressionError("nested too deeply") from None
        except (TypeError, ValueError, KeyError, AttributeError, ArithmeticError) as problem:
            # Malformed data under a well-formed expression: named by kind, as the text could quote the data.
            raise ExpressionError(f"the data does not fit ({type(problem).__name__})") from None


@cache
def compile(text: str) -> Expression:
    """Raises Unsupported."""
    return Expression(text, _compile(parse(text)))


def _compile(tree: Tree) -> Step:
    match tree:
        case ("literal", value, kind):
            constant = [Node(value, kind)]
            return lambda _around, _focus: constant
        case ("empty",):
            return lambda _around, _focus: []
        case ("constant", name):
            return _constant(name)
        case ("this", _, _):
            return lambda _around, focus: focus
        case ("member", name, left):
            return _member(name, left)
        case ("index", left, inner):
            return _index(_compile(left), _compile(inner))
        case ("call", name, left, arguments):
            return _call(name, _compile(left) if left is not None else None, arguments)
        case ("is", left, name):
            return _is(_compile(left), name)
        case ("as", left, name):
            return _of_type(_compile(left), name)
        case ("sign", sign, inner):
            return _signed(sign, _compile(inner))
        case ("binary", sign, left, right):
            return _binary(sign, _compile(left), _compile(right))
    raise Unsupported(str(tree[0]))


def _constant(name: str) -> Step:
    if name in _CONSTANTS:
        value = [system(_CONSTANTS[name])]
        return lambda _around, _focus: value
    match name:
        case "resource":
            return lambda around, _focus: [around.resource]
        case "rootResource":
            return lambda around, _focus: [around.root]
        case "context":
            return lambda around, _focus: [around.context]
    raise Unsupported(f"%{name}")


def _member(name: str, left: Tree | None) -> Step:
    if left is None:
        if name.startswith("$"):
            raise Unsupported(name)
        if name[0].isupper() and model.is_type(name):
            return lambda _around, focus: [one for one in focus if is_of(one, name)]
        return lambda _around, focus: [child for one in focus for child in children(one, name)]
    inner = _compile(left)
    return lambda around, focus: [child for one in inner(around, focus) for child in children(one, name)]


def _index(left: Step, inner: Step) -> Step:
    def step(around: Surroundings, focus: Nodes) -> Nodes:
        at, items = single(inner(around, focus)), left(around, focus)
        return items[at.value : at.value + 1] if at is not None and at.value >= 0 else []

    return step


def _call(name: str, left: Step | None, arguments: tuple[Tree, ...]) -> Step:
    source: Step = left if left is not None else lambda _around, focus: focus
    if name in ("is", "as", "ofType"):
        if len(arguments) != 1:
            raise Unsupported(f"{name}()")
        return (_is if name == "is" else _of_type)(source, _name_of(arguments[0]))
    if name in _ITERATING:
        return _ITERATING[name](source, [_compile(one) for one in arguments])
    if name == "trace":
        return source
    function = FUNCTIONS.get(name)
    if function is None:
        raise Unsupported(f"{name}()")
    steps = [_compile(one) for one in arguments]
    # Arguments are evaluated in the focus of the whole expression, not of the collection they are applied to.
    return lambda around, focus: function(around, source(around, focus), [step(around, focus) for step in steps])


def _name_of(tree: Tree) -> str:
    match tree:
        case ("member", name, None):
            return str(name)
        case ("member", name, ("member", space, None)):
            return f"{space}.{name}"
    raise Unsupported("a type name is needed")


def _is(source: Step, name: str) -> Step:
    def step(around: Surroundings, focus: Nodes) -> Nodes:
        one = single(source(around, focus))
        return [] if one is None else _TRUE if is_of(one, name) else _FALSE

    return step


def _of_type(source: Step, name: str) -> Step:
    return lambda around, focus: [one for one in source(around, focus) if is_of(one, name)]


def _where(source: Step, arguments: list[Step]) -> Step:
    (test,) = arguments

    def step(around: Surroundings, focus: Nodes) -> Nodes:
        items = source(around, focus)
        around.step(len(items))
        return [one for one in items if truth(test(around, [one]))]

    return step


def _exists(source: Step, arguments: list[Step]) -> Step:
    kept = _where(source, arguments) if arguments else source
    return lambda around, focus: _TRUE if kept(around, focus) else _FALSE


def _every(source: Step, arguments: list[Step]) -> Step:
    (test,) = arguments

    def step(around: Surroundings, focus: Nodes) -> Nodes:
        items = source(around, focus)
        around.step(len(items))
        return _TRUE if all(truth(test(around, [one])) for one in items) else _FALSE

    return step


def _select(source: Step, arguments: list[Step]) -> Step:
    (give,) = arguments

    def step(around: Surroundings, focus: Nodes) -> Nodes:
        items = source(around, focus)
        around.step(len(items))
        return [found for one in items for found in give(around, [one])]

    return step


def _repeat(source: Step, arguments: list[Step]) -> Step:
    (give,) = arguments

    def step(around: Surroundings, focus: Nodes) -> Nodes:
        found: Nodes = []
        waiting = source(around, focus)
        while waiting:
            waiting = [child for one in waiting for child in give(around, [one])]
            around.step(len(waiting))
            found += waiting
        return found

    return step


def _iif(source: Step, arguments: list[Step]) -> Step:
    def step(around: Surroundings, focus: Nodes) -> Nodes:
        here = source(around, focus)
        if truth(arguments[0](around, here)):
            return arguments[1](around, here)
        return arguments[2](around, here) if len(arguments) > 2 else []

    return step


_ITERATING: dict[str, Callable[[Step, list[Step]], Step]] = {
    "where": _where,
    "exists": _exists,
    "all": _every,
    "select": _select,
    "repeat": _repeat,
    "iif": _iif,
}


def _signed(sign: str, inner: Step) -> Step:
    def step(around: Surroundings, focus: Nodes) -> Nodes:
        one = single(inner(around, focus))
        return [] if one is None else [system(-one.value if sign == "-" else one.value)]

    return step


def _binary(sign: str, left: Step, right: Step) -> Step:
    match sign:
        case "and" | "or" | "xor" | "implies":
            return _logic(sign, left, right)
        case "|":
            return lambda around, focus: distinct(left(around, focus) + right(around, focus))
        case "=" | "!=":
            return _equality(sign == "=", left, right)
        case "in":
            return lambda around, focus: _is_in(left(around, focus), right(around, focus))
        case "contains":
            return lambda around, focus: _is_in(right(around, focus), left(around, focus))
        case "&":
            return lambda around, focus: [system(_joined(left(around, focus)) + _joined(right(around, focus)))]
        case _ if sign in _ORDERS:
            return _ordering(_ORDERS[sign], left, right)
        case _ if sign in _SUMS:
            return _sum(_SUMS[sign], left, right)
    raise Unsupported(sign)


def _logic(sign: str, left: Step, right: Step) -> Step:
    """Three-valued; the right side is not asked where the left decides."""

    def step(around: Surroundings, focus: Nodes) -> Nodes:
        a = truth(left(around, focus))
        if (sign, a) == ("and", False):
            return _FALSE
        if (sign, a) in (("or", True), ("implies", False)):
            return _TRUE
        answer = _LOGIC[sign](a, truth(right(around, focus)))
        return [] if answer is None else _TRUE if answer else _FALSE

    return step


_LOGIC: dict[str, Callable[[bool | None, bool | None], bool | None]] = {
    "and": lambda a, b: False if b is False else None if a is None or b is None else True,
    "or": lambda a, b: True if b else None if a is None or b is None else False,
    "xor": lambda a, b: None if a is None or b is None else a != b,
    "implies": lambda a, b: True if b else None if a is None or b is None else False,
}


def _equality(wanted: bool, left: Step, right: Step) -> Step:
    def step(around: Surroundings, focus: Nodes) -> Nodes:
        a, b = left(around, focus), right(around, focus)
        if not a or not b:
            return []
        if len(a) != len(b):
            return _FALSE if wanted else _TRUE
        answers = [equal(x, y) for x, y in zip(a, b, strict=True)]
        if False in answers:
            return _FALSE if wanted else _TRUE
        return [] if None in answers else _TRUE if wanted else _FALSE

    return step


def _is_in(one: Nodes, of: Nodes) -> Nodes:
    node = single(one)
    return [] if node is None else _TRUE if any(equal(node, other) for other in of) else _FALSE


def _joined(nodes: Nodes) -> str:
    one = single(nodes)
    return "" if one is None else str(one.value)


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
        return [] if found is None else _TRUE if test(found) else _FALSE

    return step


_SUMS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: Decimal(a) / Decimal(b),
    "div": lambda a, b: int(Decimal(a) / Decimal(b)),
    "mod": lambda a, b: a % b,
}


def _sum(operation: Callable[[Any, Any], Any], left: Step, right: Step) -> Step:
    def step(around: Surroundings, focus: Nodes) -> Nodes:
        a, b = single(left(around, focus)), single(right(around, focus))
        return [] if a is None or b is None else [system(operation(a.value, b.value))]

    return step
