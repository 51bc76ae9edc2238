"""Element and function names of an expression, checked before it is ever evaluated.

No FHIRPath engine reports a misspelt element: it is empty, and empty reads as "not in the chart".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fhirpathpy.engine.invocations import invocation_registry
from fhirpathpy.models import models

from prior_auth.paths.functions import FORBIDDEN, FUNCTIONS, NAMES, pattern
from prior_auth.paths.problem import PathError
from prior_auth.paths.syntax import Node, name_of

R4: dict[str, Any] = models["r4"]
_PARENTS: dict[str, str] = R4["type2Parent"]
_TYPE_OF: dict[str, str] = R4["path2Type"]
_CHOICES: dict[str, list[str]] = R4["choiceTypePaths"]
_ELSEWHERE: dict[str, str] = R4["pathsDefinedElsewhere"]
_BACKBONES = {path.rpartition(".")[0] for path in (*_TYPE_OF, *_CHOICES) if path.count(".") >= 2}
_KEEP_TYPE = frozenset(
    {"where", "first", "last", "tail", "take", "skip", "single", "distinct", "exclude", "intersect", "iif", "sort"}
)
_OPAQUE = {"Resource", "DomainResource", "Element", "BackboneElement", "xhtml"}

Types = frozenset[str] | None  # None: not known, so nothing is checked


def check(node: Node, root: str | None) -> None:
    """Raises PathError for an element that the R4 model does not have, or a function nobody knows."""
    _types(node, frozenset({root}) if root else None, frozenset({root}) if root else None)


def _types(node: Node, here: Types, this: Types) -> Types:
    kind, children = node["type"], node.get("children", [])
    match kind:
        case "InvocationExpression":
            for child in children:
                here = _types(child, here, this)
            return here
        case "TermExpression" | "InvocationTerm" | "ParenthesizedTerm" | "LiteralTerm":
            return _types(children[0], here, this) if children else None
        case "MemberInvocation":
            return _member(name_of(children[0]), here)
        case "PriorAuthTypeName":
            return _member(node["name"], here)
        case "FunctionInvocation":
            return _function(children[0], here, this)
        case "ThisInvocation":
            return this
        case "UnionExpression":
            left, right = (_types(child, this, this) for child in children)
            return left | right if left is not None and right is not None else None
        case "IndexerExpression":
            _types(children[1], this, this)
            return _types(children[0], here, this)
        case "TypeExpression":
            _types(children[0], this, this)
            named = _named_type(children[1])
            return named if node["terminalNodeText"][0] == "as" else None
        case _ if kind.endswith("Expression"):
            for child in children:
                _types(child, this, this)
            return None
        case _:
            return None


def _member(name: str, here: Types) -> Types:
    if name[:1].isupper():
        if name not in _PARENTS:
            raise PathError(f"no resource type {name} in FHIR R4")
        return frozenset({name})
    if here is None or here & _OPAQUE:
        return None
    found: set[str] = set()
    for each in here:
        found.update(_element(each, name))
    if not found:
        raise PathError(f"no element {name} in {' or '.join(sorted(here))}", fix="see the FHIR R4 definition")
    return frozenset(found)


def _element(owner: str, name: str) -> Iterable[str]:
    if name == "extension":
        return ("Extension",)
    for each in _line(owner):
        path = _ELSEWHERE.get(f"{each}.{name}", f"{each}.{name}")
        if path in _CHOICES:
            return tuple(_from_suffix(suffix) for suffix in _CHOICES[path])
        if path in _BACKBONES:
            return (path,)
        if path in _TYPE_OF:
            return (_TYPE_OF[path].removeprefix("System."),)
    return ("Element",) if name == "id" or (owner in ("string", "code", "uri") and name == "value") else ()


def _from_suffix(suffix: str) -> str:
    return suffix if suffix in _PARENTS else suffix[0].lower() + suffix[1:]


def _line(owner: str) -> Iterable[str]:
    """A type and what it descends from; a backbone element descends from BackboneElement."""
    yield owner
    parent = _PARENTS.get(owner) or ("BackboneElement" if "." in owner else None)
    while parent:
        yield parent
        parent = _PARENTS.get(parent)


def _function(functn: Node, here: Types, this: Types) -> Types:
    name = name_of(functn["children"][0])
    arguments = functn["children"][1]["children"] if len(functn["children"]) > 1 else []
    if name in FORBIDDEN:
        raise PathError(f"{name}() is not allowed in rules", fix="use %asOf, the day of judgement")
    if name not in NAMES:
        raise PathError(f"no function {name}() in FHIRPath")
    _arguments(name, arguments)
    if name in ("ofType", "as"):
        return _named_type(arguments[0]) if arguments else None
    if name == "is":
        _named_type(arguments[0])
        return None
    lambdas = name in ("where", "select", "all", "exists", "iif", "aggregate", "coalesce")
    results = [_types(each, here if lambdas else this, here if lambdas else this) for each in arguments]
    if name == "extension":
        return frozenset({"Extension"})
    if name == "select":
        return results[0] if results else None
    return here if name in _KEEP_TYPE else None


def _arguments(name: str, arguments: list[Node]) -> None:
    entry: Any = FUNCTIONS.get(name) or invocation_registry[name]
    if "variadic" not in entry and len(arguments) not in entry.get("arity", {0: []}):
        raise PathError(f"{name}() does not take {len(arguments)} arguments")
    if name in ("matches", "matchesFull") and (text := _constant_of(arguments[0])) is not None:
        pattern(text)


def _constant_of(node: Node) -> str | None:
    while node.get("children"):
        node = node["children"][0]
    value = node.get("value", [None])[0]
    return value if isinstance(value, str) else None


def _named_type(node: Node) -> Types:
    text = str(node.get("text", "")).replace("`", "").removeprefix("FHIR.")
    if text.startswith("System."):
        return None
    if text not in _PARENTS:
        raise PathError(f"no type {text} in FHIR R4")
    return frozenset({text})
