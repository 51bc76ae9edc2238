"""Compiled expressions. Thread safe: what is shared is never written, each evaluation has its own context."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from fhirpathpy.engine import do_eval
from fhirpathpy.engine.nodes import FP_DateTime, FP_Quantity, FP_Type, ResourceNode, TypeInfo
from fhirpathpy.models import models

from prior_auth.paths.door import Conforms, Found, Resolve, ValueSets, truth_of
from prior_auth.paths.library.functions import FUNCTIONS, NAMES
from prior_auth.paths.library.syntax import Node, name_of, parse
from prior_auth.paths.library.units import code_of
from prior_auth.paths.problem import PathError, Unsupported

R4: dict[str, Any] = models["r4"]

setattr(TypeInfo, "model", R4)  # noqa: B010  # untyped; fhirpathpy sets this global at the first `is`; set here, no evaluation ever changes it


class LibraryEvaluator:
    """Behind the door: fhirpathpy."""

    __slots__ = ("_node", "text")

    def __init__(self, text: str) -> None:
        """Raises PathError where fhirpathpy cannot read it."""
        self.text = text
        self._node = parse(text)
        _refuse_unknown(self._node)

    def __call__(
        self,
        node: Any,
        *,
        as_of: date | None = None,
        now: datetime | None = None,  # noqa: ARG002  # refused, as is conformsTo()
        resolve: Resolve | None = None,
        valuesets: ValueSets | None = None,
        conforms: Conforms | None = None,  # noqa: ARG002
        root: Mapping[str, Any] | None = None,
        type: str | None = None,
        path: str | None = None,
    ) -> list[Found]:
        """As the door says."""
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
        return truth_of(self(node, **context))


def _refuse_unknown(node: Node) -> None:
    if node["type"] == "FunctionInvocation":
        name = name_of(node["children"][0]["children"][0])
        if name not in NAMES:
            raise Unsupported(f"{name}() is not supported by fhirpathpy")
    for child in node.get("children", ()):
        _refuse_unknown(child)


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
