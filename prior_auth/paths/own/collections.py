"""Functions over whole collections: existence, subsets, combining, sets."""

from __future__ import annotations

from collections.abc import Mapping

from prior_auth.paths.own.function import Function, of_collection, whole_number
from prior_auth.paths.own.nodes import Nodes, Surroundings, all_children, system
from prior_auth.paths.own.values import Distinct, distinct, single, truth
from prior_auth.paths.problem import PathError


def _not(_around: Surroundings, nodes: Nodes, _arguments: list[Nodes]) -> Nodes:
    answer = truth(nodes)
    return [] if answer is None else [system(not answer)]


def _booleans(nodes: Nodes) -> list[bool]:
    found = [one.value for one in nodes if isinstance(one.value, bool)]
    if len(found) != len(nodes):
        raise PathError("booleans are needed")
    return found


def _single(_around: Surroundings, nodes: Nodes, _arguments: list[Nodes]) -> Nodes:
    single(nodes)
    return nodes


def _skip(_around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
    number = whole_number(arguments[0])
    return [] if number is None else nodes[max(number, 0) :]


def _take(_around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
    number = whole_number(arguments[0])
    return [] if number is None else nodes[: max(number, 0)]


def _children(around: Surroundings, nodes: Nodes, _arguments: list[Nodes]) -> Nodes:
    found = [child for one in nodes for child in all_children(one)]
    around.step(len(found))
    return found


def _descendants(around: Surroundings, nodes: Nodes, _arguments: list[Nodes]) -> Nodes:
    found: Nodes = []
    waiting = nodes
    while waiting:
        waiting = _children(around, waiting, [])
        found += waiting
    return found


def _combine(around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
    around.step(len(nodes) + len(arguments[0]))
    return nodes + arguments[0]


def _union(around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
    return distinct(nodes + arguments[0], around.step)


def _set(around: Surroundings, nodes: Nodes) -> Distinct:
    found = Distinct(around.step)
    for one in nodes:
        found.add(one)
    return found


def _intersect(around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
    others = _set(around, arguments[0])
    return distinct([one for one in nodes if one in others], around.step)


def _exclude(around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
    others = _set(around, arguments[0])
    return [one for one in nodes if one not in others]


def _is_subset(around: Surroundings, nodes: Nodes, of: Nodes) -> Nodes:
    others = _set(around, of)
    return [system(all(one in others for one in nodes))]


def _is_distinct(around: Surroundings, nodes: Nodes, _arguments: list[Nodes]) -> Nodes:
    return [system(len(distinct(nodes, around.step)) == len(nodes))]


FUNCTIONS: Mapping[str, Function] = {
    "empty": of_collection(lambda nodes: not nodes),
    "count": of_collection(len),
    "not": Function(_not),
    "allTrue": of_collection(lambda nodes: all(_booleans(nodes))),
    "anyTrue": of_collection(lambda nodes: any(_booleans(nodes))),
    "allFalse": of_collection(lambda nodes: not any(_booleans(nodes))),
    "anyFalse": of_collection(lambda nodes: not all(_booleans(nodes))),
    "isDistinct": Function(_is_distinct),
    "distinct": Function(lambda around, nodes, _arguments: distinct(nodes, around.step)),
    "first": Function(lambda _around, nodes, _arguments: nodes[:1]),
    "last": Function(lambda _around, nodes, _arguments: nodes[-1:]),
    "tail": Function(lambda _around, nodes, _arguments: nodes[1:]),
    "single": Function(_single),
    "skip": Function(_skip, 1, 1),
    "take": Function(_take, 1, 1),
    "children": Function(_children),
    "descendants": Function(_descendants),
    "combine": Function(_combine, 1, 1),
    "union": Function(_union, 1, 1),
    "intersect": Function(_intersect, 1, 1),
    "exclude": Function(_exclude, 1, 1),
    "subsetOf": Function(lambda around, nodes, arguments: _is_subset(around, nodes, arguments[0]), 1, 1),
    "supersetOf": Function(lambda around, nodes, arguments: _is_subset(around, arguments[0], nodes), 1, 1),
}
