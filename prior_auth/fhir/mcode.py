"""Canonical mCODE and US Core resources of the view, as `docs/view.md` lays them down. Plain dictionaries.

Builders give a resource without id, meta and subject; `published` adds these.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.domain.evidence import Evidence

Resource = dict[str, Any]

MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
UCUM = "http://unitsofmeasure.org"
TIER = "urn:prior-auth:tier"
ITEM = "urn:prior-auth:item"
RELATED_CONDITION = f"{MCODE}mcode-related-condition"
RELATED_CONDITION_ABSENT = f"{MCODE}mcode-related-condition-absent"
VIEW_BASE = "https://view.prior-auth.example/"  # nobody answers there: it makes relative references resolve
ASSERTED = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"
DATA_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

_HL7 = "http://terminology.hl7.org/CodeSystem/"
CLINICAL_STATUS = f"{_HL7}condition-clinical"
_VERIFICATION_SYSTEM = {"condition": "condition-ver-status", "allergyintolerance": "allergyintolerance-verification"}
_CLINICAL = frozenset({"active", "recurrence", "relapse", "inactive", "remission", "resolved"})
_VERIFICATION = frozenset({"confirmed", "unconfirmed", "provisional", "differential", "presumed"})
_BODY_QUALIFIERS = frozenset({f"{MCODE}mcode-laterality-qualifier", f"{MCODE}mcode-body-location-qualifier"})
# A FHIR dateTime: with a time, it says its zone.
FHIR_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?)?)?")
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_CONDITION_CATEGORY = "http://terminology.hl7.org/CodeSystem/condition-category"
_NAMESPACE = uuid.UUID("6f1b51cf-6f9e-5d36-9a3c-0d6c3a0f2b11")


def coding(code: Coding) -> dict[str, str]:
    display = {"display": code.display} if code.display else {}
    return {"system": code.system, "code": code.code, **display}


def concept(first: Coding | None, also: Iterable[Mapping[str, Any]] = (), text: str | None = None) -> dict[str, Any]:
    """A CodeableConcept with the canonical coding first and the source's own after it, each once."""
    codings = [coding(first)] if first else []
    seen = {(each["system"], each["code"]) for each in codings}
    for each in also:
        stated = _stated(each)
        key = (stated.get("system", ""), stated.get("code", ""))
        if key[1] and key not in seen:
            seen.add(key)
            codings.append(stated)
    said = {"text": text} if text else {}
    return {**({"coding": codings} if codings else {}), **said}


def _stated(source: Any) -> dict[str, str]:
    """A Coding as a chart has it, without what is no text."""
    parts = ("system", "version", "code", "display")
    given = source if isinstance(source, Mapping) else {}
    return {part: given[part] for part in parts if isinstance(given.get(part), str) and given[part].strip()}


def quantity(value: Decimal | int, unit: str, comparator: str | None = None) -> dict[str, Any]:
    compared = {"comparator": comparator} if comparator else {}
    return {"value": value, **compared, "unit": unit, "system": UCUM, "code": unit}


def absent(reason: str = "unknown") -> dict[str, Any]:
    """In place of a required value that the chart does not state."""
    return {"extension": [{"url": DATA_ABSENT, "valueCode": reason}]}


def copied(value: Any) -> Any:
    """An element as the chart has it, without what leads out of the view or what only its sender's guide defines."""
    if isinstance(value, Mapping):
        return {
            key: part
            for key, each in value.items()
            if key not in ("id", "modifierExtension") and not key.startswith("_") and "reference" not in key.lower()
            for part in [_known_extensions(each) if key == "extension" else copied(each)]
            if part not in ({}, [], None, "")
        }
    if isinstance(value, list):
        return [part for part in map(copied, value) if part not in ({}, [], None, "")]
    return value


def _known_extensions(extensions: Any) -> list[Any]:
    given = extensions if isinstance(extensions, list) else []
    return [
        {"url": each["url"], "valueCodeableConcept": copied(each["valueCodeableConcept"])}
        for each in given
        if isinstance(each, Mapping) and str(each.get("url")) in _BODY_QUALIFIERS and "valueCodeableConcept" in each
    ]


def _one_status(stated: Any, system: str, allowed: frozenset[str]) -> dict[str, Any] | None:
    """A status of a required value set, from its code or its word; None where it is neither."""
    given = stated if isinstance(stated, Mapping) else {}
    stated = given.get("coding")
    codings = stated if isinstance(stated, list) else []
    words = [each.get("code") for each in codings if isinstance(each, Mapping)] + [given.get("text")]
    found = next((word.strip().lower() for word in words if isinstance(word, str)), "")
    return concept(Coding(system, found)) if found in allowed else None


def statuses(source: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Clinical and verification status of a Condition or an AllergyIntolerance."""
    made = {
        "clinicalStatus": _one_status(source.get("clinicalStatus"), f"{_HL7}{kind}-clinical", _CLINICAL),
        "verificationStatus": _one_status(
            source.get("verificationStatus"), f"{_HL7}{_VERIFICATION_SYSTEM[kind]}", _VERIFICATION
        ),
    }
    return {key: value for key, value in made.items() if value is not None}


def observation(
    *,
    profile: str | None,
    category: str | None,
    status: str,
    code: Mapping[str, Any],
    value: Mapping[str, Any],
    effective: Mapping[str, Any],
    focus: Sequence[Mapping[str, Any]] = (),
    **more: Any,
) -> Resource:
    """`value` and `effective` hold the element with its type: `{"valueInteger": 1}`, `{"effectiveDateTime": …}`."""
    return {
        "resourceType": "Observation",
        "profile": profile,
        "status": status,
        **({"category": [concept(Coding(_CATEGORY, category))]} if category else {}),
        "code": dict(code),
        **({"focus": [dict(each) for each in focus]} if focus else {}),
        **effective,
        **value,
        **{key: content for key, content in more.items() if content},
    }


def condition(
    *,
    profile: str,
    code: Mapping[str, Any],
    source: Mapping[str, Any],
    extension: Sequence[Mapping[str, Any]] = (),
) -> Resource:
    """A Condition with what the source says of its course: onset, abatement, statuses, sites."""
    made = statuses(source, "condition")
    course = [*_one_of(source, "onset"), *_one_of(source, "abatement"), *_recorded(source)]
    if any(key.startswith("abatement") for key in course) and not _is_over(made.get("clinicalStatus")):
        if "clinicalStatus" in made:  # it says that it is active: con-4 allows no end to that
            course = [key for key in course if not key.startswith("abatement")]
        else:
            made["clinicalStatus"] = concept(Coding(CLINICAL_STATUS, "resolved"))
    return {
        "resourceType": "Condition",
        "profile": profile,
        **({"extension": [dict(each) for each in extension]} if extension else {}),
        "category": [concept(Coding(_CONDITION_CATEGORY, "problem-list-item"))],
        "code": dict(code),
        **made,
        **{key: copied(source[key]) for key in ("bodySite", *course) if source.get(key)},
    }


def _one_of(source: Mapping[str, Any], element: str) -> list[str]:
    """The key of a choice element; the date where a sender wrote it twice."""
    keys = [key for key in source if key.startswith(element) and _is_usable(key, source[key])]
    return sorted(keys, key=lambda key: not key.endswith("DateTime"))[:1]


def _is_usable(key: str, value: Any) -> bool:
    return FHIR_DATE.fullmatch(str(value)) is not None if key.endswith("DateTime") else bool(value)


def _recorded(source: Mapping[str, Any]) -> list[str]:
    return ["recordedDate"] if FHIR_DATE.fullmatch(str(source.get("recordedDate"))) else []


def _is_over(status: Any) -> bool:
    codings = status.get("coding", ()) if isinstance(status, Mapping) else ()
    return any(each.get("code") in ("inactive", "resolved", "remission") for each in codings)


def patient(source: Mapping[str, Any]) -> Resource:
    """Who the view is of: no more than age and sex; the name is masked."""
    identifier = {"system": "urn:prior-auth:patient", "value": source["id"]}
    kept = {key: source[key] for key in ("birthDate", "deceasedBoolean", "deceasedDateTime") if key in source}
    return {
        "resourceType": "Patient",
        "profile": f"{MCODE}mcode-cancer-patient",
        "identifier": [identifier],
        "name": [absent("masked")],
        "gender": source.get("gender", "unknown"),
        **kept,
    }


_SUBJECT = {"AllergyIntolerance": "patient", "FamilyMemberHistory": "patient", "Coverage": "beneficiary"}


def published(
    resource: Mapping[str, Any], *, id: str, source: str, subject: str, tags: Iterable[tuple[str, str]]
) -> Resource:
    """The resource as it stands in the view: with id, provenance and subject."""
    content = {key: value for key, value in resource.items() if key not in ("resourceType", "profile")}
    kind, profile = resource["resourceType"], resource.get("profile")
    meta: dict[str, Any] = {"source": source}
    if profile:
        meta["profile"] = [profile]
    meta["tag"] = [{"system": system, "code": code} for system, code in tags]
    who = {} if kind == "Patient" else {_SUBJECT.get(kind, "subject"): {"reference": subject}}
    return {"resourceType": kind, "id": id, "meta": meta, **content, **who}


def view_bundle(evidence: Evidence, as_of: date) -> Resource:
    """The view as a collection Bundle that any CQL engine can read; its references (`Condition/1`) hold within it."""
    return {
        "resourceType": "Bundle",
        "id": str(uuid.uuid5(_NAMESPACE, f"{evidence.patient} {as_of.isoformat()}")),
        "type": "collection",
        "timestamp": f"{as_of.isoformat()}T00:00:00Z",
        "entry": [
            {"fullUrl": f"{VIEW_BASE}{each['resourceType']}/{each['id']}", "resource": dict(each)}
            for each in evidence.view
        ],
    }
