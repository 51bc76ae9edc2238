"""Compiled expressions. Thread safe: what is shared is never written, each evaluation has its own context."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from fhirpathpy.engine import do_eval
from fhirpathpy.engine.nodes import FP_DateTime, FP_Quantity, FP_Type, ResourceNode, TypeInfo

from prior_auth.paths.elements import R4, check
from prior_auth.paths.functions import FUNCTIONS
from prior_auth.paths.problem import PathError
from prior_auth.paths.syntax import Node, parse
from prior_auth.paths.units import code_of

Resolve = Callable[[str], Mapping[str, Any] | None]
ValueSets = Mapping[str, frozenset[tuple[str, str]]]

setattr(TypeInfo, "model", R4)  # noqa: B010  # untyped; fhirpathpy sets this global at the first `is`; set here, no evaluation ever changes it


class Found(NamedTuple):
    """A value as plain JSON, and its element, such as `Observation.component[1].value`; computed values have none."""

    value: Any
    path: str


class Evaluator:
    """One expression, ready to be asked of any number of resources."""

    __slots__ = ("_node", "text")

    def __init__(self, text: str, node: Node) -> None:
        self.text = text
        self._node = node

    def __call__(
        self,
        node: Any,
        *,
        as_of: date | None = None,
        resolve: Resolve | None = None,
        valuesets: ValueSets | None = None,
        root: Mapping[str, Any] | None = None,
        type: str | None = None,
        path: str | None = None,
    ) -> list[Found]:
        """Values and element paths of `node`, a resource or (with `type`, a path of the R4 model) a part of `root`.

        `path` is the element path of such a part. Raises PathError where the expression does not fit the data.
        """
        start = ResourceNode.create_node(node, type, propName=path)
        whole = root if root is not None else node
        variables: dict[str, Any] = {
            "context": start,
            "resource": ResourceNode.create_node(whole),
            "rootResource": ResourceNode.create_node(whole),
            "ucum": "http://unitsofmeasure.org",
            "sct": "http://snomed.info/sct",
            "loinc": "http://loinc.org",
            "%resolve": resolve,
            "%valuesets": valuesets,
        }
        if as_of is not None:
            variables["asOf"] = FP_DateTime(as_of.isoformat())
        context = {
            "dataRoot": [start], "vars": variables, "model": R4, "userInvocationTable": FUNCTIONS,
        }  # fmt: skip
        try:
            items = do_eval(context, [start], self._node)
        except PathError:
            raise
        except RecursionError:
            raise PathError("the evaluation went too deep") from None
        except Exception as problem:  # fhirpathpy raises bare Exception, TypeError, KeyError and more
            # What it says can quote the chart, so only the kind of problem is told.
            raise PathError(f"the expression does not fit the data ({problem.__class__.__name__})") from None
        return [_found(item) for item in items if not _is_primitive_extension(item)]

    def truth(self, node: Any, **context: Any) -> bool | None:
        """The answer of a condition: true, false, or None for empty. One value that is no boolean counts as true."""
        found = self(node, **context)
        if not found:
            return None
        if len(found) > 1:
            raise PathError("a condition gave more than one answer")
        return found[0].value if isinstance(found[0].value, bool) else True


def _is_primitive_extension(item: Any) -> bool:
    return isinstance(item, ResourceNode) and isinstance(item.data, Mapping) and set(item.data) == {"extension"}


def _found(item: Any) -> Found:
    if isinstance(item, ResourceNode):
        return Found(item.data, item.propName or item.path or "")
    if isinstance(item, FP_Quantity):
        return Found({"value": item.value, "code": code_of(item.unit), "system": "http://unitsofmeasure.org"}, "")
    if isinstance(item, FP_Type):
        return Found(item.asStr if hasattr(item, "asStr") else str(item), "")
    return Found(item, "")


@lru_cache(maxsize=4096)
def compile(text: str, type: str | None = None) -> Evaluator:
    """Parse and check an expression; equal texts share one evaluator.

    `type` is what it will be asked of (`Observation`); without it, names are checked from the first capitalised name
    on. Raises PathError.
    """
    node = parse(text)
    check(node, type)
    return Evaluator(text, node)
