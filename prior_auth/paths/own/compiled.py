"""Trees to closures: each takes the surroundings and the collection in focus, and gives a collection."""

from __future__ import annotations

from prior_auth.paths.own import types
from prior_auth.paths.own.functions import FUNCTIONS
from prior_auth.paths.own.iterating import ITERATING
from prior_auth.paths.own.moments import of_python
from prior_auth.paths.own.nodes import FALSE, TRUE, Node, Nodes, Step, Surroundings, add_children, focus_of, system
from prior_auth.paths.own.operators import binary, signed
from prior_auth.paths.own.syntax import Tree
from prior_auth.paths.own.values import single
from prior_auth.paths.problem import PathError, Unsupported
from prior_auth.r4 import model

_CONSTANTS = {"ucum": "http://unitsofmeasure.org", "sct": "http://snomed.info/sct", "loinc": "http://loinc.org"}
_NAMED = {"vs-": "http://hl7.org/fhir/ValueSet/", "ext-": "http://hl7.org/fhir/StructureDefinition/"}


def compiled(tree: Tree, *, guides: bool = False) -> Step:
    """Raises Unsupported, or PathError for a wrong number of arguments and a type that there is not.

    `guides`: as published definitions write their invariants. They say `is Boolean` of a FHIR boolean and `as` of many,
    and their patterns may repeat a repetition.
    """
    return _Compiler(guides).step(tree)


class _Compiler:
    def __init__(self, guides: bool) -> None:
        self.guides = guides

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
                return focus_of
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
                return signed(sign, self.step(inner))
            case ("binary", sign, left, right):
                return binary(sign, self.step(left), self.step(right))
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
        source: Step = self.step(left) if left is not None else focus_of
        if name in ("is", "as", "ofType"):
            (named,) = _counted(name, arguments, 1, 1, column)
            kind = types.checked(type_name(named, column), column)
            made = {"is": self._is, "as": self._as, "ofType": _of_type}[name]
            return made(source, kind)
        if name in ITERATING:
            make, least, most = ITERATING[name]
            _counted(name, arguments, least, most, column)
            return make(self, source, arguments)
        function = FUNCTIONS.get(name)
        if function is None:
            raise Unsupported(f"{name}() is not supported", column=column)
        _counted(name, arguments, function.least, function.most, column)
        steps = [self.step(one) for one in arguments]
        apply = function.trusting if self.guides and function.trusting is not None else function.apply
        # Arguments are evaluated in the focus of the whole expression, not of the collection they are applied to.
        if not steps:
            nothing: list[Nodes] = []
            return lambda around, focus: apply(around, source(around, focus), nothing)
        return lambda around, focus: apply(around, source(around, focus), [step(around, focus) for step in steps])

    def _is(self, source: Step, name: str) -> Step:
        guides = self.guides

        def step(around: Surroundings, focus: Nodes) -> Nodes:
            one = single(source(around, focus))
            return [] if one is None else TRUE if types.is_of(one, name, guides) else FALSE

        return step

    def _as(self, source: Step, name: str) -> Step:
        guides = self.guides

        def step(around: Surroundings, focus: Nodes) -> Nodes:
            found = source(around, focus)
            if not guides:
                single(found)
            return [one for one in found if types.is_castable(one, name, guides)]

        return step


NAMES = frozenset(ITERATING) | frozenset(FUNCTIONS) | {"is", "as", "ofType"}


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
