"""One patient's chart, indexed once: by type, by code, by profile, by the text of its codes, by reference.

Everything later asks the index; nothing walks all resources for each question, so work grows with the chart and not
with chart times questions.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from prior_auth.errors import BadInput
from prior_auth.evidence.normalise.codes import ICD10CM, system_of
from prior_auth.evidence.when import UNDATED, When, when_of

Resource = Mapping[str, Any]

_REFERENCE = re.compile(r"(?:.*/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/.+)?")
_CODE_ELEMENTS: Mapping[str, tuple[str, ...]] = {
    "DocumentReference": ("type",),
    "MedicationRequest": ("medicationCodeableConcept",),
    "MedicationAdministration": ("medicationCodeableConcept",),
    "MedicationStatement": ("medicationCodeableConcept",),
    "MedicationDispense": ("medicationCodeableConcept",),
    "Immunization": ("vaccineCode",),
}


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A resource of the chart, or one component of an Observation standing for an Observation of its own.

    `prefix` replaces the type at the head of element paths: `Observation.component[1]` for a component.
    """

    resource: Resource
    type: str
    reference: str
    number: int
    when: When
    prefix: str
    component: int | None = None

    @property
    def id(self) -> str:
        return self.reference.partition("/")[2]

    @property
    def origin(self) -> str | None:
        source = mapping(self.resource.get("meta")).get("source")
        return source if isinstance(source, str) else None

    def path(self, element: str) -> str:
        """An element path of the resource as the chart has it, for one that was read from this entry."""
        head, _, rest = element.partition(".")
        return f"{self.prefix}.{rest}" if head == self.type and rest else element


@dataclass(frozen=True, slots=True)
class Chart:
    """`skipped` counts what the chart holds but is not this patient's evidence: other subjects, later days."""

    patient: Resource
    as_of: date
    entries: tuple[Entry, ...]
    _types: Mapping[str, tuple[Entry, ...]] = field(repr=False)
    _codes: Mapping[tuple[str, str, str], tuple[Entry, ...]] = field(repr=False)
    _profiles: Mapping[tuple[str, str], tuple[Entry, ...]] = field(repr=False)
    _texts: Mapping[str, Mapping[str, tuple[Entry, ...]]] = field(repr=False)
    _references: Mapping[str, Resource] = field(repr=False)
    _code_lists: Mapping[tuple[str, str], tuple[str, ...]] = field(repr=False)

    @property
    def patient_reference(self) -> str:
        return f"Patient/{self.patient['id']}"

    def of_type(self, *types: str) -> tuple[Entry, ...]:
        """Whole resources of the types, in chart order."""
        if len(types) == 1:
            return self._types.get(types[0], ())
        found = [entry for kind in types for entry in self._types.get(kind, ())]
        return tuple(sorted(found, key=lambda entry: entry.number))

    def coded(self, kind: str, system: str, code: str) -> tuple[Entry, ...]:
        """Entries whose code is `code`; `C50*` finds all that start with `C50`."""
        if not code.endswith("*"):
            return self._codes.get((kind, system, _plain(system, code)), ())
        start = _plain(system, code[:-1])
        found = [each for each in self._code_lists.get((kind, system), ()) if each.startswith(start)]
        return tuple(entry for each in found for entry in self._codes[kind, system, each])

    def profiled(self, kind: str, profile: str) -> tuple[Entry, ...]:
        return self._profiles.get((kind, profile), ())

    def texts(self, kind: str) -> Mapping[str, tuple[Entry, ...]]:
        """Entries by the text of their code, lower case: what a person would read as the name of the test."""
        return self._texts.get(kind, {})

    def resolve(self, reference: object, container: Resource | None = None) -> Resource | None:
        """The resource a Reference element or string means; None where it dangles."""
        text = reference_text(reference)
        if text is None:
            return None
        if text.startswith("#"):
            within = sequence((container or {}).get("contained"))
            return next((each for each in within if mapping(each).get("id") == text[1:]), None)
        return self._references.get(local(text))

    def is_patient(self, reference: object) -> bool:
        """Whether a subject is this patient. A chart of one patient need not say so; a named other one is not."""
        text = reference_text(reference)
        if text is None:
            return True
        if text.startswith("#"):
            return False
        key = local(text)
        if key in (self.patient_reference, str(self.patient["id"])):
            return True
        # A urn:uuid that leads nowhere names nobody else; a `Patient/other` does, here or not.
        return text.startswith("urn:") and key not in self._references


def is_order(resource: Resource) -> bool:
    """A request that waits to be carried out: what is judged, whatever day it bears."""
    return (
        resource["resourceType"] in ("MedicationRequest", "ServiceRequest", "DeviceRequest")
        and resource.get("status") in ("active", "draft", "on-hold")
        and resource.get("doNotPerform") is not True
    )


def mapping(value: Any) -> Mapping[str, Any]:
    # JSON objects are dicts; only what is neither that nor absent needs the slow look at what it is.
    if value is None or isinstance(value, dict):
        return value or {}
    return value if isinstance(value, Mapping) else {}


def sequence(value: Any) -> Sequence[Any]:
    """A repeating element; one that a sender forgot to wrap in a list is taken as a list of one."""
    if isinstance(value, (list, tuple)):
        return value
    return () if value is None else (value,)


def reference_text(reference: object) -> str | None:
    text = reference if isinstance(reference, str) else mapping(reference).get("reference")
    return text if isinstance(text, str) and text else None


def local(reference: str) -> str:
    """`Type/id` of a RESTful reference, the bare id of a urn:uuid; both are keys of the index."""
    if reference.startswith(("urn:uuid:", "urn:oid:")):
        return reference.rpartition(":")[2]
    match = _REFERENCE.fullmatch(reference.partition("#")[0])
    return f"{match['type']}/{match['id']}" if match else reference


def codings_of(concept: Any) -> Iterator[tuple[str, str]]:
    """(canonical system, code) of a CodeableConcept."""
    for coding in sequence(mapping(concept).get("coding")):
        code = mapping(coding).get("code")
        if isinstance(code, str) and code:
            yield system_of(coding.get("system")), code.strip()


def concept_text(concept: Any) -> str:
    """What a person reads: text and displays, lower case."""
    said = [
        mapping(concept).get("text"),
        *(mapping(each).get("display") for each in sequence(mapping(concept).get("coding"))),
    ]
    return " | ".join(dict.fromkeys(each.strip().lower() for each in said if isinstance(each, str) and each.strip()))


def code_concept(resource: Resource, resolve: Any = None) -> Mapping[str, Any]:
    """The CodeableConcept that says what a resource is about."""
    for element in _CODE_ELEMENTS.get(resource["resourceType"], ("code",)):
        if isinstance(resource.get(element), Mapping):
            return mapping(resource[element])
    reference = resource.get("medicationReference")
    target = resolve(reference, resource) if resolve is not None and reference is not None else None
    if target is not None:
        return mapping(target.get("code"))
    display = mapping(reference).get("display")
    return {"text": display} if isinstance(display, str) else {}


def _plain(system: str, code: str) -> str:
    return code.replace(".", "").upper() if system == ICD10CM else code


def chart_of(resources: Sequence[Resource], as_of: date) -> Chart:
    """Index a chart as of a day.

    Left out: what has another subject, and what is dated after `as_of`. Raises BadInput where there is no Patient or
    more than one.
    """
    whole = _once_each(resources)
    patient = _the_patient([each for each in whole if each["resourceType"] == "Patient"])
    _refuse_two_persons([each for each in resources if each["resourceType"] == "Patient"])
    return _Indexing(patient, as_of).of(whole)


def _once_each(resources: Sequence[Resource]) -> list[Resource]:
    """Each Type/id once, its newest version; overlapping exports and pages repeat resources."""
    kept: dict[str, Resource] = {}
    for number, resource in enumerate(resources):
        if not isinstance(resource, Mapping) or not isinstance(resource.get("resourceType"), str):
            raise BadInput("a resource without resourceType", where=f"resource {number}", fix="send FHIR R4 JSON")
        if not isinstance(resource.get("id"), str) or not resource["id"]:
            resource = {**resource, "id": f"unnamed-{number}"}
        key = f"{resource['resourceType']}/{resource['id']}"
        if key not in kept or _version(resource) >= _version(kept[key]):
            kept[key] = resource
    return list(kept.values())


def _version(resource: Resource) -> tuple[str, int]:
    meta = mapping(resource.get("meta"))
    version = str(meta.get("versionId", ""))
    return str(meta.get("lastUpdated", "")), int(version) if version.isdecimal() else 0


def _the_patient(patients: Sequence[Resource]) -> Resource:
    if not patients:
        raise BadInput("the chart has no Patient", where="Patient", fix="add the Patient that the chart is about")
    if len(patients) > 1:
        raise BadInput(
            f"the chart has {len(patients)} patients", where="Patient", fix="send one patient's chart at a time"
        )
    return patients[0]


def _refuse_two_persons(patients: Sequence[Resource]) -> None:
    """Two servers may use one id for two people: versions of one patient agree on the birth date."""
    if len({str(each["birthDate"]) for each in patients if each.get("birthDate")}) > 1:
        raise BadInput(
            "the chart has one Patient id with two birth dates",
            where="Patient.birthDate",
            fix="send one patient's chart at a time",
        )


class _Indexing:
    """The one pass over the chart."""

    def __init__(self, patient: Resource, as_of: date) -> None:
        self.patient, self.as_of = patient, as_of
        self.entries: list[Entry] = []
        self.types: dict[str, list[Entry]] = defaultdict(list)
        self.codes: dict[tuple[str, str, str], list[Entry]] = defaultdict(list)
        self.profiles: dict[tuple[str, str], list[Entry]] = defaultdict(list)
        self.texts: dict[str, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
        self.references: dict[str, Resource] = {}

    def of(self, resources: Sequence[Resource]) -> Chart:
        for resource in resources:
            self.references[f"{resource['resourceType']}/{resource['id']}"] = resource
            self.references.setdefault(str(resource["id"]), resource)
        chart = self._chart()
        for number, resource in enumerate(resources):
            self._add(chart, resource, number)
        return self._chart()

    def _chart(self) -> Chart:
        code_lists: dict[tuple[str, str], list[str]] = defaultdict(list)
        for kind, system, code in self.codes:
            code_lists[kind, system].append(code)
        return Chart(
            self.patient,
            self.as_of,
            tuple(self.entries),
            {key: tuple(found) for key, found in self.types.items()},
            {key: tuple(found) for key, found in self.codes.items()},
            {key: tuple(found) for key, found in self.profiles.items()},
            {kind: {text: tuple(found) for text, found in texts.items()} for kind, texts in self.texts.items()},
            self.references,
            {key: tuple(found) for key, found in code_lists.items()},
        )

    def _add(self, chart: Chart, resource: Resource, number: int) -> None:
        kind = resource["resourceType"]
        subject = resource.get("subject", resource.get("patient", resource.get("beneficiary")))
        if kind != "Patient" and not (chart.is_patient(subject) and _is_of_own(chart, resource)):
            return
        when = when_of(resource)
        if when.after(self.as_of) and not is_order(resource):
            return
        entry = Entry(resource, kind, f"{kind}/{resource['id']}", number, when, kind)
        self.entries.append(entry)
        self.types[kind].append(entry)
        for profile in sequence(mapping(resource.get("meta")).get("profile")):
            if isinstance(profile, str):
                self.profiles[kind, profile.partition("|")[0]].append(entry)
        self._by_code(entry, code_concept(resource, chart.resolve))
        if kind == "Observation":
            self._components(entry)

    def _by_code(self, entry: Entry, concept: Mapping[str, Any]) -> None:
        for system, code in dict.fromkeys(codings_of(concept)):
            self.codes[entry.type, system, _plain(system, code)].append(entry)
        if text := concept_text(concept):
            self.texts[entry.type][text].append(entry)

    def _components(self, entry: Entry) -> None:
        for index, component in enumerate(sequence(entry.resource.get("component"))):
            concept = mapping(mapping(component).get("code"))
            if concept:
                resource = component_as_observation(entry.resource, component)
                path = f"Observation.component[{index}]"
                self._by_code(
                    Entry(resource, entry.type, entry.reference, entry.number, entry.when, path, index), concept
                )


def _is_of_own(chart: Chart, resource: Resource) -> bool:
    """False for a result in this patient's chart whose focus is another person: a relative, a donor."""
    for focus in sequence(resource.get("focus")) if resource["resourceType"] == "Observation" else ():
        kind = local(reference_text(focus) or "").partition("/")[0]
        if kind == "RelatedPerson" or (kind == "Patient" and not chart.is_patient(focus)):
            return False
    return True


def component_as_observation(resource: Resource, component: Mapping[str, Any]) -> Resource:
    """An Observation that says what one component says, with the rest (status, subject, date, note …) of the whole."""
    about_whole = ("code", "component", "interpretation", "dataAbsentReason", "meta")
    rest = {key: value for key, value in resource.items() if key not in about_whole and not key.startswith("value")}
    return {**rest, **component}


__all__ = ["UNDATED", "Chart", "Entry", "Resource", "chart_of", "code_concept", "codings_of", "concept_text", "local"]
