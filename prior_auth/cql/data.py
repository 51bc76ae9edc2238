"""The resources of one patient, indexed by type and by code; each index is made once, when it is first asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from prior_auth.cql.values.core import Fhir
from prior_auth.errors import BadInput

Key = tuple[str | None, str | None]


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
        by_type: dict[str, list[Fhir]] = {}
        for index, resource in enumerate(resources):
            name = resource.get("resourceType") if isinstance(resource, dict) else None
            if not isinstance(name, str):
                raise BadInput("this is no FHIR resource", where=f"resource {index}", fix="give it a resourceType")
            known = by_type.get(name)
            if known is None:
                known = by_type[name] = []
            known.append(Fhir(name, resource))
        self._by_type = by_type
        self._codes: dict[tuple[str, str], tuple[_Positions, _Positions]] = {}

    def of_type(self, type_name: str) -> Sequence[Fhir]:
        return self._by_type.get(type_name, [])

    def coded(self, type_name: str, path: str, keys: frozenset[Key]) -> Sequence[Fhir]:
        index = self._codes.get((type_name, path))
        if index is None:
            index = self._codes[type_name, path] = self._indexed(type_name, path)
        found = self.of_type(type_name)
        direct, referenced = (_positions(part, keys) for part in index)
        return [found[i] for i in direct] + [found[i] for i in referenced if i not in set(direct)]

    def _indexed(self, type_name: str, path: str) -> tuple[_Positions, _Positions]:
        """Positions by code, given in the resource itself and through a reference to a Medication."""
        direct: _Positions = {}
        referenced: _Positions = {}
        medications = {f"Medication/{one.json.get('id')}": one.json for one in self.of_type("Medication")}
        reference_key = f"{path}Reference"
        for position, resource in enumerate(self.of_type(type_name)):
            json = resource.json
            for key in codes_of(json, path):
                direct.setdefault(key, []).append(position)
            reference = json.get(reference_key)
            if isinstance(reference, dict):
                for key in codes_of(_target(json, reference, medications), "code"):
                    referenced.setdefault(key, []).append(position)
        return direct, referenced


_Positions = dict[Key, list[int]]


def _positions(index: _Positions, keys: frozenset[Key]) -> list[int]:
    if len(keys) <= len(index):
        found = {position for key in keys for position in index.get(key, ())}
    else:
        found = {position for key, positions in index.items() if key in keys for position in positions}
    return sorted(found)


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
