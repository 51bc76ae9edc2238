"""Functions of FHIRPath over whole collections; those with an expression as argument are in `compiled`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from prior_auth.fhir.validate.expressions.comparison import same
from prior_auth.fhir.validate.expressions.nodes import (
    ExpressionError,
    Node,
    Nodes,
    Surroundings,
    all_children,
    children,
    resource_node,
    system,
)
from prior_auth.r4 import model

MAX_SUBJECT = 100_000
_SYSTEM_TYPES = frozenset({"Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time"})

Function = Callable[[Surroundings, Nodes, list[Nodes]], Nodes]


def truth(nodes: Nodes) -> bool | None:
    """A collection as a condition: None if empty; one value that is no boolean is true."""
    if not nodes:
        return None
    if len(nodes) > 1:
        raise ExpressionError("a condition with more than one answer")
    value = nodes[0].value
    return value if isinstance(value, bool) else True


def single(nodes: Nodes) -> Node | None:
    if len(nodes) > 1:
        raise ExpressionError("more than one value where one is needed")
    return nodes[0] if nodes else None


def is_of(node: Node, name: str) -> bool:
    """Whether a node is of a type or of one that specialises it: `Quantity`, `FHIR.string`, `System.Boolean`."""
    plain = name.removeprefix("FHIR.")
    if plain.startswith("System."):
        return node.type == plain
    if node.type.startswith("System."):
        return node.type.removeprefix("System.") == plain
    if plain in _SYSTEM_TYPES:  # guides write `is Boolean` of a FHIR boolean
        plain = plain[0].lower() + plain[1:]
    return model.is_subtype(node.type, plain)


def distinct(nodes: Nodes) -> Nodes:
    kept: Nodes = []
    simple: set[Any] = set()
    for one in nodes:
        if isinstance(one.value, str | int | Decimal):
            key = (isinstance(one.value, bool), one.value)
            if key not in simple:
                simple.add(key)
                kept.append(one)
        elif not any(same(one.value, other.value) for other in kept):
            kept.append(one)
    return kept


def _text(nodes: Nodes) -> str | None:
    one = single(nodes)
    if one is None or one.value is None:
        return None
    if not isinstance(one.value, str):
        raise ExpressionError("a text function on something else")
    return one.value[:MAX_SUBJECT]


@cache
def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.DOTALL)
    except re.error:
        raise ExpressionError("a pattern that cannot be read") from None


def _on_text(answer: Callable[[str, str], Any]) -> Function:
    """A function of two texts: empty if either is."""

    def function(_around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
        text, other = _text(nodes), _text(arguments[0])
        return [] if text is None or other is None else [system(answer(text, other))]

    return function


def _of_text(answer: Callable[[str], Any]) -> Function:
    def function(_around: Surroundings, nodes: Nodes, _arguments: list[Nodes]) -> Nodes:
        text = _text(nodes)
        return [] if text is None else [system(answer(text))]

    return function


def _of_count(answer: Callable[[Nodes], Any]) -> Function:
    return lambda _around, nodes, _arguments: [system(answer(nodes))]


def _substring(_around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
    text, start = _text(nodes), single(arguments[0])
    if text is None or start is None or not 0 <= start.value < len(text):
        return []
    length = single(arguments[1]) if len(arguments) > 1 else None
    return [system(text[start.value :] if length is None else text[start.value : start.value + length.value])]


def _replace_matches(_around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
    text, wanted, put = _text(nodes), _text(arguments[0]), _text(arguments[1])
    if text is None or wanted is None or put is None:
        return []
    return [system(_pattern(wanted).sub(put.replace("\\", "\\\\"), text))]


def _to_integer(_around: Surroundings, nodes: Nodes, _arguments: list[Nodes]) -> Nodes:
    one = single(nodes)
    if one is None:
        return []
    if isinstance(one.value, int):
        return [system(int(one.value))]
    return [system(int(one.value))] if isinstance(one.value, str) and re.fullmatch(r"[+-]?\d{1,18}", one.value) else []


def _to_decimal(_around: Surroundings, nodes: Nodes, _arguments: list[Nodes]) -> Nodes:
    one = single(nodes)
    try:
        return [] if one is None else [Node(Decimal(str(one.value)), "System.Decimal")]
    except InvalidOperation:
        return []


def _to_string(_around: Surroundings, nodes: Nodes, _arguments: list[Nodes]) -> Nodes:
    one = single(nodes)
    if one is None or one.value is None or isinstance(one.value, Mapping):
        return []
    return [system(str(one.value).lower() if isinstance(one.value, bool) else str(one.value))]


def _extension(_around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
    url = _text(arguments[0])
    found = [extension for one in nodes for extension in children(one, "extension")]
    return [one for one in found if isinstance(one.value, Mapping) and one.value.get("url") == url]


def _resolve(around: Surroundings, nodes: Nodes, _arguments: list[Nodes]) -> Nodes:
    found = []
    for one in nodes:
        reference = one.value.get("reference") if isinstance(one.value, Mapping) else one.value
        target = around.resolve(reference) if around.resolve and isinstance(reference, str) else None
        if target is not None:
            found.append(resource_node(target))
    return found


def _member_of(around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
    url, one = _text(arguments[0]), single(nodes)
    if url is None or one is None:
        return []
    answer = around.member(url, one.value) if around.member is not None else None
    if answer is None:
        raise ExpressionError(f"the codes of {url} are not at hand")
    return [system(answer)]


def _descendants(around: Surroundings, nodes: Nodes, _arguments: list[Nodes]) -> Nodes:
    found: Nodes = []
    waiting = nodes
    while waiting:
        waiting = [child for one in waiting for child in all_children(one)]
        around.step(len(waiting))
        found += waiting
    return found


def _intersect(_around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
    return distinct([one for one in nodes if any(same(one.value, other.value) for other in arguments[0])])


def _exclude(_around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
    return [one for one in nodes if not any(same(one.value, other.value) for other in arguments[0])]


def _subset(nodes: Nodes, of: Nodes) -> bool:
    return all(any(same(one.value, other.value) for other in of) for one in nodes)


def _not(_around: Surroundings, nodes: Nodes, _arguments: list[Nodes]) -> Nodes:
    answer = truth(nodes)
    return [] if answer is None else [system(not answer)]


def _number(nodes: Nodes) -> int:
    one = single(nodes)
    if one is None or not isinstance(one.value, int):
        raise ExpressionError("a whole number is needed")
    return one.value


def _has_value(nodes: Nodes) -> bool:
    return len(nodes) == 1 and nodes[0].value is not None and not isinstance(nodes[0].value, Mapping)


FUNCTIONS: dict[str, Function] = {
    "empty": _of_count(lambda nodes: not nodes),
    "not": _not,
    "count": _of_count(len),
    "hasValue": _of_count(_has_value),
    "isDistinct": _of_count(lambda nodes: len(distinct(nodes)) == len(nodes)),
    "allTrue": _of_count(lambda nodes: all(one.value is True for one in nodes)),
    "anyTrue": _of_count(lambda nodes: any(one.value is True for one in nodes)),
    "allFalse": _of_count(lambda nodes: all(one.value is False for one in nodes)),
    "anyFalse": _of_count(lambda nodes: any(one.value is False for one in nodes)),
    "distinct": lambda _around, nodes, _arguments: distinct(nodes),
    "first": lambda _around, nodes, _arguments: nodes[:1],
    "last": lambda _around, nodes, _arguments: nodes[-1:],
    "tail": lambda _around, nodes, _arguments: nodes[1:],
    "single": lambda _around, nodes, _arguments: [one] if (one := single(nodes)) is not None else [],
    "skip": lambda _around, nodes, arguments: nodes[max(_number(arguments[0]), 0) :],
    "take": lambda _around, nodes, arguments: nodes[: max(_number(arguments[0]), 0)],
    "children": lambda _around, nodes, _arguments: [child for one in nodes for child in all_children(one)],
    "descendants": _descendants,
    "combine": lambda _around, nodes, arguments: nodes + arguments[0],
    "union": lambda _around, nodes, arguments: distinct(nodes + arguments[0]),
    "intersect": _intersect,
    "exclude": _exclude,
    "subsetOf": lambda _around, nodes, arguments: [system(_subset(nodes, arguments[0]))],
    "supersetOf": lambda _around, nodes, arguments: [system(_subset(arguments[0], nodes))],
    "length": _of_text(len),
    "lower": _of_text(str.lower),
    "upper": _of_text(str.upper),
    "trim": _of_text(str.strip),
    "startsWith": _on_text(str.startswith),
    "endsWith": _on_text(str.endswith),
    "contains": _on_text(lambda text, part: part in text),
    "indexOf": _on_text(str.find),
    "matches": _on_text(lambda text, wanted: _pattern(wanted).search(text) is not None),
    "matchesFull": _on_text(lambda text, wanted: _pattern(wanted).fullmatch(text) is not None),
    "replaceMatches": _replace_matches,
    "substring": _substring,
    "toInteger": _to_integer,
    "toDecimal": _to_decimal,
    "toString": _to_string,
    "extension": _extension,
    "resolve": _resolve,
    "memberOf": _member_of,
}
