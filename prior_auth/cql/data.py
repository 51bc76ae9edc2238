"""The resources of one patient, indexed by type and by code; each index is made once, when it is first asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from prior_auth.cql.values.core import Fhir
from prior_auth.errors import BadInput

Key = tuple[str | None, str | None]
_Positions = dict[Key, list[int]]


class DataSource(Protocol):
    """What the engine asks of a chart."""

    def of_type(self, type_name: str) -> Sequence[Fhir]:
        """Every resource of the type, in the chart's order."""
        ...

    def coded(self, type_name: str, path: str, keys: frozenset[Key]) -> Sequence[Fhir]:
        """Those whose element `path` holds one of the codes, each (system, code)."""
        ...


class Resources:
    """A DataSource over FHIR JSON dicts. BadInput where one is no resource."""

    def __init__(self, resources: Iterable[Mapping[str, Any]]) -> None:
        by_type: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for index, resource in enumerate(resources):
            try:
                by_type[resource["resourceType"]].append(resource)
            except (KeyError, TypeError):
                raise _no_resource(f"resource {index}") from None
        if not all(isinstance(name, str) for name in by_type):
            raise _no_resource("resourceType")
        self._types = {name: _OneType(name, found) for name, found in by_type.items()}

    def of_type(self, type_name: str) -> Sequence[Fhir]:
        found = self._types.get(type_name)
        return () if found is None else found.at(range(len(found.json)))

    def coded(self, type_name: str, path: str, keys: frozenset[Key]) -> Sequence[Fhir]:
        found = self._types.get(type_name)
        if found is None:
            return ()
        direct = _positions(found.by_code(path), keys)
        if path != _MEDICATION:
            return found.at(sorted(direct))
        medications = self._types.get("Medication")
        referenced = _positions(found.by_medication(medications.json if medications else ()), keys)
        return found.at([*sorted(direct), *sorted(referenced - direct)])


class _OneType:
    """The resources of one type as JSON; as values of CQL once they are asked for."""

    def __init__(self, name: str, json: list[Mapping[str, Any]]) -> None:
        self.name = name
        self.json = json
        self._values: dict[int, Fhir] = {}
        self._indexes: dict[str, _Positions] = {}

    def at(self, positions: Iterable[int]) -> list[Fhir]:
        """The resources there, each the same object every time."""
        known, name, json = self._values, self.name, self.json
        for position in positions:
            if position not in known:
                known[position] = Fhir(name, json[position])
        return [known[position] for position in positions]

    def by_code(self, path: str) -> _Positions:
        index = self._indexes.get(path)
        if index is None:
            index = self._indexes[path] = self._indexed(path)
        return index

    def _indexed(self, path: str) -> _Positions:
        index: defaultdict[Key, list[int]] = defaultdict(list)
        choice = f"{path}CodeableConcept"
        for position, json in enumerate(self.json):
            element = json.get(path) or json.get(choice)
            if element is None:
                continue
            try:
                for coding in element["coding"]:
                    index[coding["system"], coding["code"]].append(position)
            except (KeyError, TypeError):  # not the usual shape: a list, a Coding, a code without system
                for key in codes_of(json, path):
                    index[key].append(position)
        return index

    def by_medication(self, medications: Sequence[Mapping[str, Any]]) -> _Positions:
        """Positions by the code of the Medication that `medicationReference` leads to."""
        index = self._indexes.get(_REFERENCED)
        if index is None:
            index = self._indexes[_REFERENCED] = defaultdict(list)
            by_reference = {f"Medication/{one.get('id')}": one for one in medications}
            for position, json in enumerate(self.json):
                reference = json.get(_REFERENCED)
                if isinstance(reference, dict):
                    for key in codes_of(_target(json, reference, by_reference), "code"):
                        index[key].append(position)
        return index


_MEDICATION, _REFERENCED = "medication", "medicationReference"


def _no_resource(where: str) -> BadInput:
    return BadInput("this is no FHIR resource", where=where, fix="give it a resourceType")


def _positions(index: _Positions, keys: frozenset[Key]) -> set[int]:
    if len(keys) <= len(index):
        return {position for key in keys for position in index.get(key, ())}
    return {position for key, positions in index.items() if key in keys for position in positions}


def _target(
    resource: Mapping[str, Any], reference: Mapping[str, Any], medications: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any]:
    text = str(reference.get("reference") or "")
    if text.startswith("#"):
        contained = resource.get("contained") or ()
        return next((one for one in contained if f"#{one.get('id')}" == text), {})
    return medications.get("/".join(text.split("/")[-2:]), {})


def codes_of(json: Mapping[str, Any], path: str) -> list[Key]:
    """Every (system, code) of an element: CodeableConcept or Coding, single or repeated, choice included."""
    value = json.get(path)
    if value is None:
        value = json.get(f"{path}CodeableConcept")
    found: list[Key] = []
    for one in value if isinstance(value, list) else (value,):
        if isinstance(one, dict):
            for coding in one.get("coding") or ((one,) if "code" in one else ()):
                if isinstance(coding, dict):
                    system, code = coding.get("system"), coding.get("code")
                    if isinstance(code, str) and (system is None or isinstance(system, str)):
                        found.append((system, code))
    return found
