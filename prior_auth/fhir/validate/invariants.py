"""Invariants: FHIRPath, a few in Python where it would walk the whole resource; what cannot be judged is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from prior_auth.fhir.validate.issue import Issue, Severity
from prior_auth.fhir.validate.membership import Member, of_value
from prior_auth.fhir.validate.tree import Item
from prior_auth.paths import PathError
from prior_auth.paths.own.expression import Expression, invariant
from prior_auth.paths.own.nodes import Node, Surroundings, resource_node
from prior_auth.r4.definitions import Invariant

Resolve = Callable[[str], Mapping[str, Any] | None]

# ele-1, ext-1 and the narrative's are judged on the walk, ref-1 with the references; dom-6 (a narrative should be
# there) is advice.
JUDGED_ELSEWHERE = frozenset({"ele-1", "ext-1", "ref-1", "txt-1", "txt-2", "dom-6"})


def check(
    item: Item,
    invariants: Iterable[Invariant],
    *,
    resource: Mapping[str, Any],
    root: Mapping[str, Any],
    resolve: Resolve | None = None,
) -> Iterator[Issue]:
    """The invariants that `item` breaks; `resource` is the one it is part of, `root` what contains that one."""
    around: Surroundings | None = None
    for one in invariants:
        if one.key in JUDGED_ELSEWHERE or one.best_practice:
            continue
        native = NATIVE.get(one.key)
        if native is not None:
            holds = native(item.value)
        else:
            if around is None:
                context = resource_node(resource) if item.value is resource else Node(item.value, item.type, item.extra)
                around = Surroundings(resource_node(resource), resource_node(root), context, resolve, _is_member)
            try:
                around.steps = 0
                holds = _compiled(one.expression).holds(around)
            except PathError as problem:
                yield _not_judged(one, item, problem.message)
                continue
        if not holds:
            severity: Severity = "error" if one.severity == "error" else "warning"
            message = f"{one.key} does not hold: {one.expression[:300]}"
            yield Issue(severity, item.path, f"invariant:{one.key}", message, "change what the expression names")


@cache
def _compiled(text: str) -> Expression | _Unreadable:
    try:
        return invariant(text)
    except PathError as problem:
        return _Unreadable(problem.message)


class _Unreadable:
    """An expression that could not be compiled: said at every element, compiled no second time."""

    def __init__(self, why: str) -> None:
        self._why = why

    def holds(self, _around: Surroundings) -> bool:
        raise PathError(self._why)


def _is_member(url: str, value: Any) -> bool | None:
    found = of_value(url, value)
    return None if found is Member.UNKNOWN else found is Member.IN


def _not_judged(one: Invariant, item: Item, why: str) -> Issue:
    message = f"{one.key} could not be judged: {why}"
    return Issue("information", item.path, f"engine:{one.key}", message)


def _contained_are_flat(resource: Mapping[str, Any]) -> bool:
    return not any("contained" in one for one in _contained(resource))


def _contained_are_referred_to(resource: Mapping[str, Any]) -> bool:
    ids = {str(one.get("id")) for one in _contained(resource)}
    if not ids:
        return True
    referred = set(_local_references(resource))
    up = {str(one.get("id")) for one in _contained(resource) if "#" in set(_local_references(one))}
    return all(f"#{one}" in referred or one in up for one in ids)


def _contained_have_no_history(resource: Mapping[str, Any]) -> bool:
    metas = (one.get("meta", {}) for one in _contained(resource))
    return not any("versionId" in meta or "lastUpdated" in meta for meta in metas if isinstance(meta, Mapping))


def _contained_have_no_labels(resource: Mapping[str, Any]) -> bool:
    metas = (one.get("meta", {}) for one in _contained(resource))
    return not any("security" in meta for meta in metas if isinstance(meta, Mapping))


def _contained(resource: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    within = resource.get("contained")
    return [one for one in within if isinstance(one, Mapping)] if isinstance(within, list) else []


def _local_references(value: Any) -> Iterator[str]:
    """Every string that starts with `#`: references, canonicals and URIs alike."""
    if isinstance(value, str):
        if value.startswith("#"):
            yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _local_references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _local_references(part)


NATIVE: dict[str, Callable[[Any], bool]] = {
    "dom-2": _contained_are_flat,
    "dom-3": _contained_are_referred_to,
    "dom-4": _contained_have_no_history,
    "dom-5": _contained_have_no_labels,
}
