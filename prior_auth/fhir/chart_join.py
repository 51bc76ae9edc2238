"""One patient's charts of several health systems as one: who is the same, what is said twice, what comes from where.

The rule of sameness: the Patients share an identifier (system and value both), and no birth date contradicts. Names
prove nothing. What two systems say in the same words is one statement; all else stays beside each other, and where it
disagrees the evidence shows a conflict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import pairwise
from typing import Any

from prior_auth.domain.evidence import Evidence, Source
from prior_auth.errors import BadInput
from prior_auth.fhir import json

Resource = dict[str, Any]

_LONGEST_ID = 64
# What differs between two systems' copies of one statement: its names there, how it is shown, who wrote it down.
_OF_THE_SYSTEM = frozenset(
    {
        "id",
        "meta",
        "text",
        "identifier",
        "encounter",
        "performer",
        "recorder",
        "asserter",
        "author",
        "informationSource",
    }
)


@dataclass(frozen=True, slots=True)
class Chart:
    """One system's chart of one patient; `origin` is how people call the system."""

    origin: str
    resources: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Joined:
    """`origins` tells for each reference of `resources` which systems say it."""

    resources: list[Resource]
    origins: Mapping[str, tuple[str, ...]]

    def with_origins(self, evidence: Evidence) -> Evidence:
        """The evidence gathered from these resources, every source with its origin."""
        return replace(
            evidence,
            facts=tuple(replace(fact, source=self._named(fact.source)) for fact in evidence.facts),
            unread=tuple(replace(one, source=self._named(one.source)) for one in evidence.unread),
            conflicts=tuple(
                replace(one, facts=tuple(replace(fact, source=self._named(fact.source)) for fact in one.facts))
                for one in evidence.conflicts
            ),
        )

    def _named(self, source: Source) -> Source:
        said_by = self.origins.get(source.reference)
        return replace(source, origin=", ".join(said_by)) if said_by else source


def join(charts: Sequence[Chart]) -> Joined:
    """The first chart as it is, then what the others add. Raises BadInput where they are not of one patient.

    An id that is taken gets the number of its chart: `Observation/17` of the second becomes `Observation/17-2`. The
    Patient is the first chart's, with the identifiers of all.
    """
    people = [_patient(chart) for chart in charts]
    for first, second in pairwise(range(len(charts))):
        _same_person(people[:second], people[second], charts[first + 1].origin)
    joining = _Joining(charts[0], people)
    for number, chart in enumerate(charts[1:], start=2):
        joining.add(chart, number, people[number - 1])
    return Joined(joining.resources, {name: tuple(said) for name, said in joining.origins.items()})


def _patient(chart: Chart) -> Mapping[str, Any]:
    found = [one for one in chart.resources if one.get("resourceType") == "Patient"]
    if len(found) != 1:
        said = "no Patient" if not found else "more than one Patient"
        raise BadInput(f"{said} in the chart of {chart.origin}", where="Patient", fix="give the chart of one patient")
    return found[0]


def _same_person(known: Sequence[Mapping[str, Any]], other: Mapping[str, Any], origin: str) -> None:
    shared = {pair for one in known for pair in _identifiers(one)} & set(_identifiers(other))
    if not shared:
        raise BadInput(
            f"the chart of {origin} shares no patient identifier with those before it",
            where="Patient.identifier",
            fix="have one system record the other's number (system and value) for this patient",
        )
    births = [birth for one in (*known, other) if isinstance(birth := one.get("birthDate"), str) and birth]
    if any(not (a.startswith(b) or b.startswith(a)) for a, b in pairwise(births)):
        raise BadInput(
            f"the birth date in the chart of {origin} is another",
            where="Patient.birthDate",
            fix="find out whether this is the same person, and correct the wrong record",
        )


def _identifiers(patient: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    stated = patient.get("identifier")
    for one in stated if isinstance(stated, list) else ():
        if isinstance(one, Mapping) and one.get("use") != "old":
            system, value = one.get("system"), one.get("value")
            if isinstance(system, str) and isinstance(value, str) and system.strip() and value.strip():
                yield system.strip(), value.strip()


class _Joining:
    def __init__(self, first: Chart, people: Sequence[Mapping[str, Any]]) -> None:
        self.resources: list[Resource] = []
        self.origins: dict[str, list[str]] = {}
        self._said: dict[str, str] = {}  # a statement's digest: the reference of the resource that makes it
        self._patient = _reference(people[0])
        statements = _Statements(first.resources)
        for one in first.resources:
            whole = _with_identifiers(one, people) if one is people[0] else dict(one)
            self._keep(whole, first.origin, statements.of(one))

    def add(self, chart: Chart, number: int, patient: Mapping[str, Any]) -> None:
        """What this chart says and the ones before do not; its references lead to what is kept."""
        before, statements = dict(self._said), _Statements(chart.resources)
        places: dict[str, str] = {_reference(patient): self._patient}
        new: list[Mapping[str, Any]] = []
        for one in chart.resources:
            if one is patient:
                self.origins[self._patient].append(chart.origin)
            elif (known := before.get(statements.of(one))) is not None:
                places[_reference(one)] = known
                self.origins[known].append(chart.origin)
            else:
                new.append(one)
                places[_reference(one)] = self._free(_reference(one), number)
        for one in new:
            moved = _led(one, places)
            moved["id"] = places[_reference(one)].partition("/")[2]
            self._keep(moved, chart.origin, statements.of(one))

    def _keep(self, resource: Resource, origin: str, statement: str) -> None:
        self.resources.append(resource)
        self.origins.setdefault(_reference(resource), []).append(origin)
        self._said.setdefault(statement, _reference(resource))

    def _free(self, reference: str, number: int) -> str:
        if reference not in self.origins:
            return reference
        kind, _, id = reference.partition("/")
        mark = f"-{number}"
        if len(id) + len(mark) > _LONGEST_ID:
            id = sha256(id.encode()).hexdigest()[: _LONGEST_ID - len(mark)]
        return f"{kind}/{id}{mark}"


def _with_identifiers(patient: Mapping[str, Any], people: Sequence[Mapping[str, Any]]) -> Resource:
    """Every identifier of the person once, those of the Patient itself first."""
    found: dict[Any, Any] = {}
    for person in people:
        stated = person.get("identifier")
        for one in stated if isinstance(stated, list) else ():
            found.setdefault(json.content_hash({name: one.get(name) for name in ("system", "value")}), one)
    return {**patient, "identifier": list(found.values())}


def _reference(resource: Mapping[str, Any]) -> str:
    return f"{resource.get('resourceType')}/{resource.get('id')}"


class _Statements:
    """Digests of what the resources of one chart say; what they refer to counts by what it says itself."""

    def __init__(self, resources: Sequence[Mapping[str, Any]]) -> None:
        self._plain = {_reference(one): json.content_hash(_said(one, {})) for one in resources}
        for one in resources:
            if one.get("resourceType") == "Patient":
                self._plain[_reference(one)] = "the patient"

    def of(self, resource: Mapping[str, Any]) -> str:
        return json.content_hash(_said(resource, self._plain))


def _said(value: Any, meant: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        said = {name: _said(part, meant) for name, part in value.items() if name not in _OF_THE_SYSTEM}
        if isinstance(stated := value.get("reference"), str):
            said["reference"] = meant.get(stated, "")
        return said
    return [_said(part, meant) for part in value] if isinstance(value, list) else value


def _led(value: Any, places: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        whole = {name: _led(part, places) for name, part in value.items()}
        if isinstance(stated := value.get("reference"), str):
            whole["reference"] = places.get(stated, stated)
        return whole
    return [_led(part, places) for part in value] if isinstance(value, list) else value
