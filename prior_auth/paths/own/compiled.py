"""Trees to closures: each takes the surroundings and the collection in focus, and gives a collection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

from prior_auth.paths.own import types
from prior_auth.paths.own.arithmetic import calculated, joined, negated
from prior_auth.paths.own.functions import FUNCTIONS, as_text
from prior_auth.paths.own.moments import of_python
from prior_auth.paths.own.nodes import FALSE, TRUE, Node, Nodes, Surroundings, add_children, system
from prior_auth.paths.own.syntax import Tree
from prior_auth.paths.own.values import (
    Distinct,
    distinct,
    equal,
    equivalent_collections,
    order,
    plain,
    single,
    truth,
)
from prior_auth.paths.problem import PathError, Unsupported
from prior_auth.r4 import model

Step = Callable[[Surroundings, Nodes], Nodes]

_CONSTANTS = {"ucum": "http://unitsofmeasure.org", "sct": "http://snomed.info/sct", "loinc": "http://loinc.org"}
_NAMED = {"vs-": "http://hl7.org/fhir/ValueSet/", "ext-": "http://hl7.org/fhir/StructureDefinition/"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """`guides`: as published definitions write their invariants. They say `is Boolean` of a FHIR boolean and `as` of
    many, and their patterns may repeat a repetition."""

    guides: bool = False


def compiled(tree: Tree, dialect: Dialect) -> Step:
    """Raises Unsupported, or PathError for a wrong number of arguments and a type that there is not."""
    return _Compiler(dialect).step(tree)


class _Compiler:
    def __init__(self, dialect: Dialect) -> None:
        self._guides = dialect.guides

    def step(self, tree: Tree) -> Step:
        match tree:
            case ("literal", value, kind):
                constant = [Node(value, kind)]
                return lambda _around, _focus: constant
            case ("empty",):
                return lambda _around, _focus: []
            case ("constant", name, column):
                return _constant(name, column)
            case ("this",):
                return lambda _around, focus: focus
            case ("index",):
                return lambda around, _focus: around.index
            case ("total",):
                return lambda around, _focus: around.total
            case ("member", name, left, _):
                return self._member(name, left)
            case ("at", left, inner):
                return _at(self.step(left), self.step(inner))
            case ("call", name, left, arguments, column):
                return self._call(name, left, arguments, column)
            case ("is", left, name, column):
                return self._is(self.step(left), types.checked(name, column))
            case ("as", left, name, column):
                return self._as(self.step(left), types.checked(name, column))
            case ("sign", sign, inner):
                return _signed(sign, self.step(inner))
            case ("binary", sign, left, right):
                return _binary(sign, self.step(left), self.step(right))
        raise Unsupported(f"{tree[0]} is not supported")

    def _member(self, name: str, left: Tree | None) -> Step:
        if left is None:
            if name[:1].isupper() and model.is_type(name):
                return _those_of(name)
            return lambda around, focus: _children(around, focus, name)
        if left[0] == "member" and left[2] is None and left[1] == "FHIR" and model.is_type(name):
            return _those_of(name)
        inner = self.step(left)
        return lambda around, focus: _children(around, inner(around, focus), name)

    def _call(self, name: str, left: Tree | None, arguments: tuple[Tree, ...], column: int) -> Step:
        source: Step = self.step(left) if left is not None else _focus
        if name in ("is", "as", "ofType"):
            (named,) = _counted(name, arguments, 1, 1, column)
            kind = types.checked(type_name(named, column), column)
            made = {"is": self._is, "as": self._as, "ofType": _of_type}[name]
            return made(source, kind)
        if name in _ITERATING:
            make, least, most = _ITERATING[name]
            _counted(name, arguments, least, most, column)
            return make(self, source, arguments)
        function = FUNCTIONS.get(name)
        if function is None:
            raise Unsupported(f"{name}() is not supported", column=column)
        _counted(name, arguments, function.least, function.most, column)
        steps = [self.step(one) for one in arguments]
        apply = function.trusting if self._guides and function.trusting is not None else function.apply
        # Arguments are evaluated in the focus of the whole expression, not of the collection they are applied to.
        if not steps:
            nothing: list[Nodes] = []
            return lambda around, focus: apply(around, source(around, focus), nothing)
        return lambda around, focus: apply(around, source(around, focus), [step(around, focus) for step in steps])

    def _is(self, source: Step, name: str) -> Step:
        guides = self._guides

        def step(around: Surroundings, focus: Nodes) -> Nodes:
            one = single(source(around, focus))
            return [] if one is None else TRUE if types.is_of(one, name, guides) else FALSE

        return step

    def _as(self, source: Step, name: str) -> Step:
        guides = self._guides

        def step(around: Surroundings, focus: Nodes) -> Nodes:
            found = source(around, focus)
            if not guides:
                single(found)
            return [one for one in found if types.is_castable(one, name, guides)]

        return step

    # Functions that take an expression

    def _where(self, source: Step, arguments: tuple[Tree, ...]) -> Step:
        each = self._each(arguments[0])

        def step(around: Surroundings, focus: Nodes) -> Nodes:
            return [one for one, found in each(around, source(around, focus)) if found and truth(found)]

        return step

    def _exists(self, source: Step, arguments: tuple[Tree, ...]) -> Step:
        if not arguments:
            return lambda around, focus: TRUE if source(around, focus) else FALSE
        each = self._each(arguments[0])

        def step(around: Surroundings, focus: Nodes) -> Nodes:
            for _, found in each(around, source(around, focus)):
                if found and truth(found):
                    return TRUE
            return FALSE

        return step

    def _all(self, source: Step, arguments: tuple[Tree, ...]) -> Step:
        each = self._each(arguments[0])

        def step(around: Surroundings, focus: Nodes) -> Nodes:
            for _, found in each(around, source(around, focus)):
                if not truth(found):
                    return FALSE
            return TRUE

        return step

    def _select(self, source: Step, arguments: tuple[Tree, ...]) -> Step:
        each = self._each(arguments[0])

        def step(around: Surroundings, focus: Nodes) -> Nodes:
            made = [one for _, found in each(around, source(around, focus)) for one in found]
            around.step(len(made))
            return made

        return step

    def _repeat(self, source: Step, arguments: tuple[Tree, ...]) -> Step:
        each = self._each(arguments[0])

        def step(around: Surroundings, focus: Nodes) -> Nodes:
            met = Distinct(around.step)
            waiting = source(around, focus)
            while waiting:
                given = [one for _, found in each(around, waiting) for one in found]
                around.step(len(given))
                waiting = [one for one in given if met.add(one)]
            return met.nodes

        return step

    def _iif(self, source: Step, arguments: tuple[Tree, ...]) -> Step:
        steps = [self.step(one) for one in arguments]
        is_lenient, is_method = self._guides, source is not _focus

        def step(around: Surroundings, focus: Nodes) -> Nodes:
            here = source(around, focus)
            if is_method and not is_lenient:
                single(here)
            asked = steps[0](around, here)
            if asked and not is_lenient and len(asked) == 1 and not isinstance(asked[0].value, bool):
                raise PathError("the condition of iif() is no boolean")
            if truth(asked):
                return steps[1](around, here)
            return steps[2](around, here) if len(steps) > 2 else []

        return step

    def _aggregate(self, source: Step, arguments: tuple[Tree, ...]) -> Step:
        each = self._each(arguments[0], indexed=True)
        start = self.step(arguments[1]) if len(arguments) > 1 else None

        def step(around: Surroundings, focus: Nodes) -> Nodes:
            items, outer = source(around, focus), around.total
            around.total = start(around, focus) if start is not None else []
            try:
                for _, found in each(around, items):
                    around.step(len(found))
                    around.total = found
                return around.total
            finally:
                around.total = outer

        return step

    def _sort(self, source: Step, arguments: tuple[Tree, ...]) -> Step:
        """By each key in turn; a minus before a key reverses it, whatever its type. What has no key comes first:
        the specification says so of rising order, the official suite of falling order too (testSort10)."""
        keys = [(key[2], -1) if key[0] == "sign" and key[1] == "-" else (key, 1) for key in arguments]
        steps = [(self.step(key), direction) for key, direction in keys] or [(_focus, 1)]

        def step(around: Surroundings, focus: Nodes) -> Nodes:
            items = source(around, focus)
            around.step(len(items) * len(steps))
            keyed = [(one, [single(key(around, [one])) for key, _ in steps]) for one in items]
            for at in range(len(steps) - 1, -1, -1):
                keyed = _sorted(keyed, at, steps[at][1])
            return [one for one, _ in keyed]

        return step

    def _trace(self, source: Step, arguments: tuple[Tree, ...]) -> Step:
        """Nothing is written anywhere; what is named for it must still be well formed."""
        for one in arguments:
            self.step(one)
        return source

    def _each(self, tree: Tree, indexed: bool = False) -> Callable[[Surroundings, Nodes], Iterator[tuple[Node, Nodes]]]:
        """Each item with what the expression gives of it."""
        step = self.step(tree)
        if indexed or _asks_index(tree):
            return lambda around, items: _numbered(step, around, items)

        def each(around: Surroundings, items: Nodes) -> Iterator[tuple[Node, Nodes]]:
            around.step(len(items))
            for one in items:
                yield one, step(around, [one])

        return each


_Make = Callable[[_Compiler, Step, tuple[Tree, ...]], Step]
_ITERATING: dict[str, tuple[_Make, int, int]] = {
    "where": (_Compiler._where, 1, 1),
    "exists": (_Compiler._exists, 0, 1),
    "all": (_Compiler._all, 1, 1),
    "select": (_Compiler._select, 1, 1),
    "repeat": (_Compiler._repeat, 1, 1),
    "iif": (_Compiler._iif, 2, 3),
    "aggregate": (_Compiler._aggregate, 1, 2),
    "sort": (_Compiler._sort, 0, 20),
    "trace": (_Compiler._trace, 1, 2),
}
NAMES = frozenset(_ITERATING) | frozenset(FUNCTIONS) | {"is", "as", "ofType"}


def _focus(_around: Surroundings, focus: Nodes) -> Nodes:
    return focus


def _numbered(step: Step, around: Surroundings, items: Nodes) -> Iterator[tuple[Node, Nodes]]:
    """With `$index`."""
    around.step(len(items))
    outer = around.index
    try:
        for number, one in enumerate(items):
            around.index = [system(number)]
            yield one, step(around, [one])
    finally:
        around.index = outer


def _asks_index(tree: Any) -> bool:
    return isinstance(tree, tuple) and (tree == ("index",) or any(_asks_index(part) for part in tree))


def _counted(name: str, arguments: tuple[Tree, ...], least: int, most: int, column: int) -> tuple[Tree, ...]:
    if not least <= len(arguments) <= most:
        raise PathError(f"{name}() does not take {len(arguments)} arguments", column=column)
    return arguments


def type_name(tree: Tree, column: int) -> str:
    match tree:
        case ("member", name, None, _):
            return str(name)
        case ("member", name, ("member", space, None, _), _):
            return f"{space}.{name}"
    raise PathError("a type name is needed", column=column)


def _constant(name: str, column: int) -> Step:
    for start, url in _NAMED.items():
        if name.startswith(start):
            value = [system(url + name.removeprefix(start))]
            return lambda _around, _focus: value
    if name in _CONSTANTS:
        known = [system(_CONSTANTS[name])]
        return lambda _around, _focus: known
    match name:
        case "resource":
            return lambda around, _focus: [around.resource]
        case "rootResource":
            return lambda around, _focus: [around.root]
        case "context":
            return lambda around, _focus: [around.context]
        case "asOf":
            return _day_of_judgement
    raise PathError(f"%{name} is not known", column=column)


def _day_of_judgement(around: Surroundings, _focus: Nodes) -> Nodes:
    if around.day is None:
        raise PathError("%asOf is asked for, and no day of judgement is given")
    return [system(of_python(around.day))]


def _those_of(name: str) -> Step:
    """`Observation` at the start of a path."""

    def step(_around: Surroundings, focus: Nodes) -> Nodes:
        if len(focus) == 1 and focus[0][1] == name:
            return focus
        return [one for one in focus if types.is_of(one, name)]

    return step


def _children(around: Surroundings, items: Nodes, name: str) -> Nodes:
    found: Nodes = []
    for one in items:
        add_children(one, name, found)
    around.steps += len(found)
    return found


def _at(left: Step, inner: Step) -> Step:
    def step(around: Surroundings, focus: Nodes) -> Nodes:
        at, items = single(inner(around, focus)), left(around, focus)
        if at is None:
            return []
        if not isinstance(at.value, int) or isinstance(at.value, bool):
            raise PathError("a place in a collection is a whole number")
        return items[at.value : at.value + 1] if at.value >= 0 else []

    return step


def _of_type(source: Step, name: str) -> Step:
    return lambda around, focus: [one for one in source(around, focus) if types.is_castable(one, name)]


def _sorted(
    keyed: list[tuple[Node, list[Node | None]]], at: int, direction: int
) -> list[tuple[Node, list[Node | None]]]:
    def compare(one: tuple[Node, list[Node | None]], other: tuple[Node, list[Node | None]]) -> int:
        a, b = one[1][at], other[1][at]
        if a is None or b is None:
            return (a is not None) - (b is not None)
        return direction * (order(a, b) or 0)

    return sorted(keyed, key=cmp_to_key(compare))


def _signed(sign: str, inner: Step) -> Step:
    def step(around: Surroundings, focus: Nodes) -> Nodes:
        one = single(inner(around, focus))
        if one is None:
            return []
        value = plain(one)
        found = negated(value)
        return [] if found is None else [system(found if sign == "-" else value)]

    return step


def _binary(sign: str, left: Step, right: Step) -> Step:
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
        around.step(len(a) * len(b))
        return _truths(equivalent_collections(a, b) is wanted)

    return step


def _is_in(around: Surroundings, one: Nodes, of: Nodes) -> Nodes:
    node = single(one)
    around.step(len(of))
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
