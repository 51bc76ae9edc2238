"""A site's own codes beside the standard ones: a FHIR ConceptMap says which is which.

Where a concept of the chart bears a local code that the map knows, the standard code is added to it; nothing is taken
away, and a code that the map does not know stays as it is and is never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prior_auth.errors import BadInput

# The target says the same, or something wider that is true of it too. `narrower` and `inexact` would assert too much.
_HOLDS = frozenset({"equal", "equivalent", "wider", "subsumes"})
_KNOWN = _HOLDS | {"relatedto", "narrower", "specializes", "inexact", "unmatched", "disjoint"}


@dataclass(frozen=True, slots=True)
class LocalCodes:
    """(system, code) of the site -> FHIR Codings. A site's codes without a system have the system ``""``."""

    targets: Mapping[tuple[str, str], tuple[Mapping[str, str], ...]]

    def added_to(self, resources: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The resources with standard codes beside the local ones; what has none is the same object."""
        return [self._added(resource) for resource in resources]

    def _added(self, value: Any) -> Any:
        if isinstance(value, list):
            made = [self._added(each) for each in value]
            return made if any(new is not old for new, old in zip(made, value, strict=True)) else value
        if not isinstance(value, dict):
            return value
        changed = {key: new for key, old in value.items() if (new := self._added(old)) is not old}
        if isinstance(value.get("coding"), list) and (more := self._standard(value["coding"])):
            changed["coding"] = [*value["coding"], *more]
        return {**value, **changed} if changed else value

    def _standard(self, codings: Sequence[Any]) -> list[dict[str, str]]:
        stated = {_key(each) for each in codings if isinstance(each, Mapping)}
        found = [dict(target) for key in stated for target in self.targets.get(key, ())]
        return [each for each in found if _key(each) not in stated]


def _key(coding: Mapping[str, Any]) -> tuple[str, str]:
    return str(coding.get("system", "")).rstrip("/"), str(coding.get("code", ""))


def read_codes(concept_map: Any) -> LocalCodes:
    """From an R4 ConceptMap: `group.source`, `group.target`, `element.code`, `element.target.code` and `equivalence`.

    Targets that are `equal`, `equivalent`, `wider` or `subsumes` count. Raises BadInput with the element path.
    """
    content = concept_map if isinstance(concept_map, Mapping) else {}
    if content.get("resourceType") != "ConceptMap":
        raise BadInput("this is no ConceptMap", where="resourceType", fix="write local codes as a FHIR R4 ConceptMap")
    targets: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for path, group in _objects(content, "group", "ConceptMap"):
        system = _text(group, "target", path)
        for at, element in _objects(group, "element", path):
            local = (str(group.get("source", "")).rstrip("/"), _text(element, "code", at))
            for place, target in _objects(element, "target", at):
                equivalence = target.get("equivalence")
                if equivalence not in _KNOWN:
                    raise BadInput("no equivalence of R4", where=f"{place}.equivalence", fix="write equivalent")
                if equivalence in _HOLDS:
                    coding = {"system": system, "code": _text(target, "code", place)}
                    display = {"display": str(target["display"])} if target.get("display") else {}
                    targets.setdefault(local, []).append({**coding, **display})
    if not targets:
        raise BadInput("the map maps nothing", where="ConceptMap.group", fix="give elements with equivalent targets")
    return LocalCodes({local: tuple(found) for local, found in targets.items()})


def _objects(parent: Mapping[str, Any], key: str, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    content = parent.get(key, [])
    if not isinstance(content, list) or not all(isinstance(each, Mapping) for each in content):
        raise BadInput(f"{key} is a list of objects", where=f"{path}.{key}", fix="see FHIR R4 ConceptMap")
    yield from ((f"{path}.{key}[{number}]", each) for number, each in enumerate(content))


def _text(parent: Mapping[str, Any], key: str, path: str) -> str:
    value = parent.get(key)
    if not isinstance(value, str) or not value.strip():
        raise BadInput(f"{key} is missing", where=f"{path}.{key}", fix="see FHIR R4 ConceptMap")
    return value.strip()
