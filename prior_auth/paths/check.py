"""Element, type and function names of an expression, checked before it is ever evaluated.

No FHIRPath engine reports a misspelt element: it is empty, and empty reads as "not in the chart".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from prior_auth.paths.own import types
from prior_auth.paths.own.compiled import NAMES, type_name
from prior_auth.paths.own.fhir import CLOCK
from prior_auth.paths.own.syntax import Tree
from prior_auth.paths.own.values import QUANTITIES
from prior_auth.paths.patterns import pattern
from prior_auth.paths.problem import PathError, Unsupported
from prior_auth.r4 import model

Types = frozenset[str] | None  # None: not known, so nothing is checked

_KEEP_TYPE = frozenset(
    {"where", "first", "last", "tail", "take", "skip", "single", "distinct", "exclude", "intersect", "sort", "trace"}
)
_IN_EACH = frozenset({"where", "select", "all", "exists", "repeat", "iif", "aggregate", "sort", "trace"})
_ORDERED = frozenset({"first", "last", "tail", "take", "skip"})
_UNORDERED = frozenset({"children", "descendants"})
_COMPARISONS = frozenset({"=", "!=", "~", "!~", "<", "<=", ">", ">="})
_MOMENTS = frozenset({"date", "dateTime", "instant", "time"})
_TEXTS = frozenset({"string", "code", "id", "uri", "url", "canonical", "uuid", "oid", "markdown", "base64Binary"})
_NUMBERS = frozenset({"integer", "decimal", "positiveInt", "unsignedInt"}) | QUANTITIES
# What can be equal, by the name of a type; any other type is like itself only.
_KINDS: Mapping[str, str] = {
    **dict.fromkeys((*_TEXTS, "System.String"), "text"),
    **dict.fromkeys((*_NUMBERS, "System.Integer", "System.Decimal", "System.Quantity"), "number"),
    **dict.fromkeys((*_MOMENTS, "System.Date", "System.DateTime", "System.Time"), "date or time"),
    **dict.fromkeys(("boolean", "System.Boolean"), "boolean"),
}
_OPAQUE = frozenset({"Resource", "DomainResource", "Element", "BackboneElement", "xhtml"})


def check(tree: Tree, root: str | None, *, clock: bool = False) -> None:
    """Raises PathError for what R4 does not have, and for what asks the time unless `clock` allows it.

    `root` is the type that the expression is asked of. Without it names are checked from the first type name on.
    """
    start = frozenset({root}) if root else None
    _Checker(clock).types(tree, start)


class _Checker:
    def __init__(self, clock: bool) -> None:
        self._clock = clock

    def types(self, tree: Tree, here: Types) -> Types:
        """The types that the expression can give, asked in the focus `here`."""
        match tree:
            case ("this",):
                return here
            case ("member", name, left, column):
                return self._member(name, left, here, column)
            case ("call", name, left, arguments, column):
                return self._call(name, left, arguments, here, column)
            case ("at", left, inner):
                _refuse_unordered(left, "an index")
                self.types(inner, here)
                return self.types(left, here)
            case ("is" | "as" as operator, left, name, column):
                self.types(left, here)
                return _named(name, column) if operator == "as" else None
            case ("binary", "|", left, right):
                one, other = self.types(left, here), self.types(right, here)
                return one | other if one is not None and other is not None else None
            case ("binary", sign, left, right):
                one, other = self.types(left, here), self.types(right, here)
                if sign in _COMPARISONS:
                    _refuse_unlike(_kinds(one, left), _kinds(other, right))
            case ("sign", _, inner):
                self.types(inner, here)
        return None

    def _member(self, name: str, left: Tree | None, here: Types, column: int) -> Types:
        if left is None and name[:1].isupper():
            return _type_at_start(name, here, column)
        owners = here if left is None else self.types(left, here)
        if owners is None or owners & _OPAQUE:
            return None
        found = {inner for owner in owners for inner in _inner(owner, name)}
        if not found:
            raise _no_element(name, owners, column)
        return frozenset(found)

    def _call(self, name: str, left: Tree | None, arguments: tuple[Tree, ...], here: Types, column: int) -> Types:
        source = here if left is None else self.types(left, here)
        if name not in NAMES:
            raise Unsupported(f"no function {name}() in FHIRPath R4", column=column, fix=_nearest(name, NAMES))
        if name in CLOCK and not self._clock:
            raise Unsupported(f"{name}() is not allowed in rules", column=column, fix="use %asOf, the day of judgement")
        if name in _ORDERED and left is not None:
            _refuse_unordered(left, f"{name}()")
        if name in ("ofType", "as", "is"):
            kind = _named(type_name(arguments[0], column), column) if len(arguments) == 1 else None
            return None if name == "is" else kind
        _check_pattern(name, arguments)
        given = [self.types(one, source if name in _IN_EACH else here) for one in arguments]
        if name == "extension":
            return frozenset({"Extension"})
        if name == "select":
            return given[0] if given else None
        return source if name in _KEEP_TYPE else None


def _type_at_start(name: str, here: Types, column: int) -> Types:
    """`Observation` where a path begins: what is in focus, if it is one."""
    if name == "FHIR":
        return None
    if not model.is_type(name):
        raise PathError(f"no resource type {name} in FHIR R4", column=column)
    could_be = here is None or here & _OPAQUE or any(model.is_subtype(one, name) for one in here)
    if here is not None and not could_be:
        raise PathError(f"{name} is asked for in what is {' or '.join(sorted(here))}", column=column)
    return frozenset({name}) if name not in _OPAQUE else None


def _kinds(types: Types, tree: Tree) -> Types:
    if tree[0] == "literal":
        types = frozenset({tree[2]})
    if types is None or types & _OPAQUE:
        return None
    return frozenset(_KINDS.get(one, one) for one in types)


def _refuse_unlike(one: Types, other: Types) -> None:
    """`birthDate = '1980-05-06'` would be false of everybody, without a word."""
    if one is None or other is None or one & other:
        return
    fix = "write a date as @2026-01-31" if {"date or time", "text"} <= one | other else None
    raise PathError(f"{' or '.join(sorted(one))} is compared with {' or '.join(sorted(other))}", fix=fix)


def _refuse_unordered(left: Tree, what: str) -> None:
    if left[0] == "call" and left[1] in _UNORDERED:
        raise PathError(f"{what} of {left[1]}(), which has no order", column=left[4])


def _check_pattern(name: str, arguments: tuple[Tree, ...]) -> None:
    if name in ("matches", "matchesFull", "replaceMatches") and arguments:
        wanted = arguments[0]
        if wanted[0] == "literal" and isinstance(wanted[1], str):
            pattern(wanted[1])


def _named(name: str, column: int) -> Types:
    plain = types.checked(name, column).removeprefix("FHIR.")
    return frozenset({plain}) if model.is_type(plain) else None


def _inner(owner: str, name: str) -> Iterable[str]:
    element = model.element(owner, name)
    if element is None or (element.is_choice and name != element.name):
        return ()
    inner = element.codes if element.is_choice else element.inner_types[:1]
    return tuple("string" if one == "System.String" else one for one in inner)


def _no_element(name: str, owners: frozenset[str], column: int) -> PathError:
    known = {each for owner in owners for each in model.elements(owner)}
    choice = next((each for each in known if name.startswith(each) and _is_choice_key(owners, name)), None)
    fix = f"write {choice}, a choice of types" if choice else _nearest(name, known)
    return PathError(f"no element {name} in {' or '.join(sorted(owners))}", column=column, fix=fix)


def _is_choice_key(owners: frozenset[str], name: str) -> bool:
    return any((found := model.element(owner, name)) is not None and found.is_choice for owner in owners)


def _nearest(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, sorted(known), n=1)
    return f"did you mean {close[0]}?" if close else "see the FHIR R4 definition"
