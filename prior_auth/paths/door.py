"""The door: `compile(text)` gives an evaluator, `evaluator(resource)` values with their element paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from prior_auth.paths.check import check
from prior_auth.paths.own import moments
from prior_auth.paths.own.expression import Expression, from_tree
from prior_auth.paths.own.nodes import Node, Surroundings, path_of, resource_node
from prior_auth.paths.own.syntax import parse
from prior_auth.paths.own.values import MOMENTS, UCUM
from prior_auth.paths.problem import PathError
from prior_auth.terminology import ucum

Resolve = Callable[[str], Mapping[str, Any] | None]
ValueSets = Mapping[str, frozenset[tuple[str, str]]]
Conforms = Callable[[Mapping[str, Any], str], bool | None]

OWN, LIBRARY = "own", "fhirpathpy"
ENGINES = (OWN, LIBRARY)


class Found(NamedTuple):
    """A value as plain JSON, and its element, such as `Observation.component[1].value`; computed values have none."""

    value: Any
    path: str


class Evaluator(Protocol):
    """One expression, ready to be asked of any number of resources, by any number of threads."""

    @property
    def text(self) -> str: ...

    def __call__(
        self,
        node: Any,
        *,
        as_of: date | None = None,
        now: datetime | None = None,
        resolve: Resolve | None = None,
        valuesets: ValueSets | None = None,
        conforms: Conforms | None = None,
        root: Mapping[str, Any] | None = None,
        type: str | None = None,
        path: str | None = None,
    ) -> list[Found]:
        """Values and element paths of `node`, a resource or (with `type`, a path of the R4 model) a part of `root`.

        `path` is the element path of such a part. `as_of` is `%asOf`; `conforms` answers conformsTo(), None where it
        does not know the profile. Raises PathError where the expression does not fit the data.
        """

    def truth(self, node: Any, **context: Any) -> bool | None:
        """The answer of a condition: true, false, or None for empty. One value that is no boolean counts as true."""


class OwnEvaluator:
    """Behind the door: our own engine."""

    __slots__ = ("_expression", "text")

    def __init__(self, expression: Expression) -> None:
        self.text = expression.text
        self._expression = expression

    def __call__(
        self,
        node: Any,
        *,
        as_of: date | None = None,
        now: datetime | None = None,
        resolve: Resolve | None = None,
        valuesets: ValueSets | None = None,
        conforms: Conforms | None = None,
        root: Mapping[str, Any] | None = None,
        type: str | None = None,
        path: str | None = None,
    ) -> list[Found]:
        if type is None and not isinstance(node, dict):
            raise PathError("what is asked is no resource")
        start = resource_node(node, path) if type is None else Node(node, type, None, None, path or type)
        whole = start if root is None else resource_node(root)
        member = _membership(valuesets) if valuesets is not None else None
        around = Surroundings(whole, whole, start, resolve, member, conforms, now, as_of)
        return [_found(one) for one in self._expression.nodes(around) if one.value is not None]

    def truth(self, node: Any, **context: Any) -> bool | None:
        return truth_of(self(node, **context))


def truth_of(found: list[Found]) -> bool | None:
    if not found:
        return None
    if len(found) > 1:
        raise PathError("a condition gave more than one answer")
    return found[0].value if isinstance(found[0].value, bool) else True


def _found(node: Node) -> Found:
    value = node.value
    if type(value) in _JSON:
        return Found(value, path_of(node))
    if node.type == "System.Quantity":
        unit = ucum.normal(value.unit)
        value = {"value": value.value, "code": CALENDAR_CODES.get(unit, value.unit), "system": UCUM}
    elif isinstance(value, MOMENTS):
        value = moments.text(value)
    return Found(value, path_of(node))


_JSON = frozenset({str, dict, bool, int, Decimal})
CALENDAR_CODES = {
    "year": "a", "month": "mo", "week": "wk", "day": "d", "hour": "h", "minute": "min", "second": "s",
    "millisecond": "ms",
}  # fmt: skip


def _membership(valuesets: ValueSets) -> Callable[[str, Any], bool | None]:
    def member(url: str, value: Any) -> bool | None:
        codes = valuesets.get(url)
        return None if codes is None else any(key in codes for key in coding_keys(value))

    return member


def coding_keys(value: Any) -> list[tuple[str, str]]:
    """(system, code) of a code, a Coding or a CodeableConcept; a plain code has the system ``."""
    if not isinstance(value, Mapping):
        return [("", value)] if isinstance(value, str) else []
    codings = value.get("coding", [value])
    return [(each.get("system", ""), each.get("code", "")) for each in codings if isinstance(each, Mapping)]


@lru_cache(maxsize=4096)
def compile(text: str, type: str | None = None, *, engine: str = OWN, clock: bool = False) -> Evaluator:
    """Parse and check an expression; equal texts share one evaluator.

    `type` is what it will be asked of (`Observation`); without it, names are checked from the first capitalised name
    on. `clock` allows now(), today() and timeOfDay(), which rules may not ask. Raises PathError.
    """
    tree = parse(text)
    try:
        check(tree, type, clock=clock)
    except RecursionError:
        raise PathError("a FHIRPath expression nested too deeply") from None
    if engine == OWN:
        return OwnEvaluator(from_tree(text, tree))
    from prior_auth.paths.library.evaluator import LibraryEvaluator  # half a second to import, and seldom asked for

    return LibraryEvaluator(text)
