"""FHIR's own functions, type reflection, and what asks the time: the caller supplies whatever lies outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from prior_auth.cql.values.temporal import Date, Time
from prior_auth.paths.own import moments
from prior_auth.paths.own.function import Function, of_collection, text_of
from prior_auth.paths.own.nodes import TYPE_INFO, Node, Nodes, Surroundings, add_children, resource_node, system
from prior_auth.paths.own.values import plain, single
from prior_auth.paths.problem import PathError

CLOCK = frozenset({"now", "today", "timeOfDay"})


def _extension(_around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
    url = text_of(arguments[0])
    found: Nodes = []
    for one in nodes:
        add_children(one, "extension", found)
    return [one for one in found if isinstance(one.value, dict) and one.value.get("url") == url]


def _resolve(around: Surroundings, nodes: Nodes, _arguments: list[Nodes]) -> Nodes:
    found = []
    for one in nodes:
        reference = one.value.get("reference") if isinstance(one.value, dict) else one.value
        target = around.resolve(reference) if around.resolve and isinstance(reference, str) else None
        if target is not None:
            found.append(resource_node(target))
    around.step(len(nodes))
    return found


def _member_of(around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
    url, one = text_of(arguments[0]), single(nodes)
    if url is None or one is None:
        return []
    answer = around.member(url, one.value) if around.member is not None else None
    if answer is None:
        raise PathError(f"value set {url} is not at hand")
    return [system(answer)]


def _conforms_to(around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
    url, one = text_of(arguments[0]), single(nodes)
    if url is None or one is None:
        return []
    answer = around.conforms(one.value, url) if around.conforms is not None else None
    if answer is None:
        raise PathError(f"profile {url} is not at hand")
    return [system(answer)]


def _has_value(nodes: Nodes) -> bool:
    return len(nodes) == 1 and nodes[0].value is not None and not isinstance(nodes[0].value, dict)


def _get_value(_around: Surroundings, nodes: Nodes, _arguments: list[Nodes]) -> Nodes:
    return [system(plain(nodes[0]))] if _has_value(nodes) else []


def _type(_around: Surroundings, nodes: Nodes, _arguments: list[Nodes]) -> Nodes:
    """Of each item, where it comes from (`System` or `FHIR`) and the name of its type."""
    found = []
    for one in nodes:
        space, _, name = one.type.rpartition(".") if one.type.startswith("System.") else ("FHIR", "", one.type)
        found.append(Node({"namespace": space, "name": name}, TYPE_INFO))
    return found


def _clock(answer: Callable[[datetime], Any]) -> Function:
    def apply(around: Surroundings, _nodes: Nodes, _arguments: list[Nodes]) -> Nodes:
        if around.now is None:
            raise PathError("the time is asked for, and none is given", fix="use %asOf, the day of judgement")
        return [system(answer(around.now))]

    return Function(apply)


def _today(now: datetime) -> Date:
    return Date((now.year, now.month, now.day))


def _time_of_day(now: datetime) -> Time:
    return Time((now.hour, now.minute, now.second, now.microsecond // 1000))


FUNCTIONS: Mapping[str, Function] = {
    "extension": Function(_extension, 1, 1),
    "resolve": Function(_resolve),
    "memberOf": Function(_member_of, 1, 1),
    "conformsTo": Function(_conforms_to, 1, 1),
    "hasValue": of_collection(_has_value),
    "getValue": Function(_get_value),
    "type": Function(_type),
    "now": _clock(moments.of_python),
    "today": _clock(_today),
    "timeOfDay": _clock(_time_of_day),
}
