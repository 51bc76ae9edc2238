"""Which resources of a chart go with a request, and in what shape: the evidence, what gives it meaning, no more.

PAS wants everything that is referenced in the Bundle, once (spec-13, 14, 18), and every clinical resource pointed to by
a supportingInfo (spec-20). The law wants the minimum necessary. So references that carry meaning are followed
(`FOLLOWED`), those between pieces of evidence are kept, and all others are cut before the Bundle is built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from prior_auth.errors import BadInput
from prior_auth.fhir import codes
from prior_auth.fhir.bundle import Index, Resource, type_and_id
from prior_auth.fhir.codes import Json
from prior_auth.r4 import tables

# Of which cancer, from which variant, what product, what tissue: without these a fact cannot be judged. An extension's
# valueReference counts where it names a Condition (mCODE's related-condition) or a BodyStructure (a dose's volume).
FOLLOWED: Final = frozenset({"focus", "reasonReference", "derivedFrom", "medicationReference", "specimen"})
PEOPLE: Final = frozenset({"requester", "performer", "author"})
ADMINISTRATIVE: Final = frozenset({"Practitioner", "PractitionerRole", "Organization", "Location", "RelatedPerson"})
# A part whose one purpose is this reference goes with it (Procedure.performer.actor, DocumentReference.relatesTo …).
_SOLE_PURPOSE: Final = frozenset({"actor", "target", "link", "manipulated", "member"})
_UNSENT: Final = frozenset({"text", "language", "implicitRules", "encounter"})
_KNOWN_PROFILES: Final = (codes.US_CORE, codes.MCODE, codes.GENOMICS)

_CUT: Final = object()


def key_of(resource: Mapping[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}"


class Chart:
    """A patient's resources by reference, in whatever form a chart writes references."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self._index = Index(resources)
        self._by_uuid = {
            f"urn:uuid:{entry.resource['id']}": entry.resource
            for entry in self._index.entries
            if "id" in entry.resource
        }
        self.resources = [entry.resource for entry in self._index.entries]

    def find(self, reference: str) -> Resource | None:
        found = self._index.resolve(reference)
        return found if found is not None else self._by_uuid.get(reference.split("#", 1)[0])

    def patient(self, reference: str) -> Resource:
        found = self.find(reference)
        if found is None or found["resourceType"] != "Patient":
            raise BadInput("the chart has no such Patient", where="Claim.patient", fix="name the chart's Patient")
        return found


@dataclass(frozen=True, slots=True)
class Gathered:
    """Cleaned resources in the order they were reached; `clinical` want a supportingInfo, `support` is referred to."""

    clinical: tuple[Json, ...]
    support: tuple[Json, ...]


class Gatherer:
    """Follows references from the orders and the evidence, rewriting them to the fullUrls of the Bundle."""

    def __init__(self, chart: Chart, patient: str, *, base: str) -> None:
        self._chart = chart
        self._base = base
        self._patient = patient
        self._wanted: dict[str, Resource] = {}
        self._done: dict[str, Json] = {}
        self._support: dict[str, Json] = {}
        self._replaced: dict[str, str] = {patient: self.full_url(patient)}

    def full_url(self, key: str) -> str:
        return f"{self._base}/{key}"

    def stand_in(self, key: str, full_url: str) -> None:
        """References to `key` shall mean this entry, which the caller writes."""
        self._replaced[key] = full_url

    def want(self, evidence: Iterable[str]) -> None:
        """These go, but for what `stand_in` has been given. Raises BadInput on a reference that the chart lacks."""
        for reference in evidence:
            self._want(self._existing(reference))

    def cleaned(self, resource: Resource) -> Json:
        """A copy without narrative and with its references rewritten, followed or cut."""
        kept = {name: value for name, value in resource.items() if name not in _UNSENT}
        if resource["resourceType"] == "DocumentReference":
            kept["content"] = [self._inlined(one) for one in _objects(resource.get("content"))]
        if meta := _meta(resource):
            kept["meta"] = meta
        else:
            kept.pop("meta", None)
        written = self._rewritten(kept, "", resource["resourceType"], resource)
        assert isinstance(written, dict)
        return written

    def gathered(self) -> Gathered:
        """Everything reached, once: cleaning one may reach others."""
        while waiting := [key for key in self._wanted if key not in self._done]:
            for key in waiting:
                self._done[key] = self.cleaned(self._wanted[key])
        return Gathered(tuple(self._done.values()), tuple(one for one in self._support.values() if one))

    def _inlined(self, content: Mapping[str, Any]) -> Json:
        """PAS takes files inline: the chart's Binary in place of the link to it. A link that leads nowhere stays a
        link, and the document then travels under another category: that it exists is worth knowing."""
        attachment = content.get("attachment")
        if not isinstance(attachment, Mapping):
            return dict(content)
        unlinked = {name: value for name, value in attachment.items() if name != "url"}
        if attachment.get("data"):
            return {**content, "attachment": unlinked}
        url = attachment.get("url")
        binary = self._chart.find(url) if isinstance(url, str) else None
        if binary is None or not binary.get("data"):
            return dict(content)
        inline = {"contentType": binary.get("contentType"), **unlinked, "data": binary["data"]}
        return {**content, "attachment": inline}

    def _existing(self, reference: str) -> Resource:
        found = self._chart.find(reference)
        if found is None:
            raise BadInput("the evidence is not in the chart", where=reference, fix="name a resource of the chart")
        return found

    def _want(self, resource: Resource) -> None:
        key = key_of(resource)
        if key not in self._replaced:
            self._wanted.setdefault(key, resource)

    def _rewritten(self, value: Any, name: str, holder: str, root: Resource) -> Any:
        if isinstance(value, list):
            items = [self._rewritten(item, name, holder, root) for item in value]
            left = [item for item in items if item is not _CUT]
            return left or _CUT
        if not isinstance(value, dict):
            return _CUT if value is None or value == "" else value
        if _is_reference(value):
            return self._reference(value, name, root)
        return self._part(value, name, holder, root)

    def _part(self, value: Json, name: str, holder: str, root: Resource) -> Any:
        kept: Json = {}
        cut: set[str] = set()
        for child, content in value.items():
            if child == "text" and name == "contained":
                continue
            written = self._rewritten(content, child, holder, root)
            if written is _CUT:
                cut.add(child)
            else:
                kept[child] = written
        if not kept or cut & _SOLE_PURPOSE:
            return _CUT
        if name == "extension" and (_is_unknown(kept) or _says_less(kept, value)):
            return _CUT
        if name == "modifierExtension" and set(kept) <= {"url", "id"}:
            return _CUT
        if holder == "Condition" and _has_lost_its_point(name, kept):
            return _CUT
        return kept

    def _reference(self, value: Json, name: str, root: Resource) -> Any:
        reference = value["reference"]
        if reference.startswith("#"):
            return value
        target = self._chart.find(reference)
        if target is None:
            return self._lost(value, reference, name)
        if target["resourceType"] == "PractitionerRole" and key_of(target) not in self._replaced:
            target = self._practitioner_of(target) or target
        key = key_of(target)
        if key in self._replaced:
            return {"reference": self._replaced[key]}
        if key in self._wanted:
            return {"reference": self.full_url(key)}
        if target["resourceType"] in ADMINISTRATIVE:
            return self._person(value, target, name)
        if not _is_followed(name, target):
            return _CUT
        self._refuse_foreign(target, root)
        if target["resourceType"] == "Medication":
            if key not in self._support:
                self._support[key] = {}
                self._support[key] = self.cleaned(target)
        else:
            self._want(target)
        return {"reference": self.full_url(key)}

    def _lost(self, value: Json, reference: str, name: str) -> Any:
        """A reference that leads out of the chart: an identifier or a person's name stays, a pointer does not."""
        if value.get("identifier"):
            return {part: value[part] for part in ("type", "identifier") if part in value}
        named = type_and_id(reference)
        if name in PEOPLE and named is not None and named[0] in ADMINISTRATIVE:
            return {"type": named[0]} | ({"display": value["display"]} if value.get("display") else {})
        return _CUT

    def _person(self, value: Json, target: Resource, name: str) -> Any:
        """People and organizations who did or ordered it are named, not sent: only the request's own parties are."""
        if name not in PEOPLE:
            return _CUT
        shown = value.get("display") or _name_of(target)
        return {"type": target["resourceType"]} | ({"display": shown} if shown else {})

    def _practitioner_of(self, role: Resource) -> Resource | None:
        named = role.get("practitioner")
        reference = named.get("reference") if isinstance(named, Mapping) else None
        return self._chart.find(reference) if isinstance(reference, str) else None

    def _refuse_foreign(self, target: Resource, root: Resource) -> None:
        subject = subject_of(target)
        if subject is None:
            return
        found = self._chart.find(subject)
        if found is not None and key_of(found) != self._patient:
            raise BadInput(
                "evidence refers to a resource of another patient",
                where=f"{key_of(root)} → {key_of(target)}",
                fix="mend the reference in the chart",
            )


def subject_of(resource: Mapping[str, Any]) -> str | None:
    """The reference of the patient a clinical resource is about."""
    stated = resource.get("subject") or resource.get("patient")
    found = stated.get("reference") if isinstance(stated, Mapping) else None
    return found if isinstance(found, str) else None


def _is_unknown(extension: Json) -> bool:
    """An extension of no guide that a payer can be expected to have (conf-9, conf-11)."""
    url = str(extension.get("url", ""))
    return "://" in url and tables.structure(url) is None


def _says_less(extension: Json, stated: Json) -> bool:
    """Its value or one of its parts was cut: half of what was said may say something else."""
    return len(extension) < len(stated) or len(extension.get("extension", ())) < len(stated.get("extension", ()))


def _is_reference(value: Json) -> bool:
    return isinstance(value.get("reference"), str) and set(value) <= {
        "reference", "type", "identifier", "display", "id", "extension", "_reference", "_display",
    }  # fmt: skip


def _is_followed(name: str, target: Resource) -> bool:
    kind = target["resourceType"]
    if kind == "Specimen" and not target.get("type"):
        return False  # us-core-specimen wants its type
    return name in FOLLOWED or (name == "valueReference" and kind in ("Condition", "BodyStructure"))


def _has_lost_its_point(name: str, part: Json) -> bool:
    """con-1 and con-2: a stage needs a summary or an assessment, evidence a code or a detail."""
    if name == "stage":
        return not ({"summary", "assessment"} & set(part))
    return name == "evidence" and not ({"code", "detail"} & set(part))


def _meta(resource: Mapping[str, Any]) -> Json:
    """The profiles that a payer can know, without version; security labels stay, all else is the chart's own."""
    meta = resource.get("meta")
    if not isinstance(meta, Mapping):
        return {}
    stated = meta.get("profile")
    profiles = [one.split("|")[0] for one in stated if isinstance(one, str)] if isinstance(stated, list) else []
    known = list(dict.fromkeys(one for one in profiles if one.startswith(_KNOWN_PROFILES)))
    written: Json = {"profile": known} if known else {}
    return written | ({"security": meta["security"]} if meta.get("security") else {})


def _name_of(resource: Mapping[str, Any]) -> str | None:
    stated = resource.get("name")
    if isinstance(stated, str):
        return stated
    first = stated[0] if isinstance(stated, list) and stated and isinstance(stated[0], Mapping) else {}
    if first.get("text"):
        return str(first["text"])
    parts = [*first.get("given", []), first.get("family")]
    return " ".join(str(part) for part in parts if part) or None


Fits = Callable[[Mapping[str, Any]], bool]


def target_profile(resource: Mapping[str, Any]) -> str | None:
    """The profile by which a resource may be `AdditionalInformation`; None where it is none of the 16 targets or
    does not fit: it then travels under another category (pas.md 1.5)."""
    if not (resource.get("subject") or resource.get("patient")):
        return None
    rules = _TARGETS.get(str(resource.get("resourceType")), ())
    return next((profile for profile, fits in rules if fits(resource)), None)


def _category(resource: Mapping[str, Any], *, system: str, of: frozenset[str] | None = None) -> bool:
    for category in _objects(resource.get("category")):
        for coding in _objects(category.get("coding")):
            if coding.get("system") == system and (of is None or coding.get("code") in of):
                return True
    return False


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _any(resource: Mapping[str, Any], prefix: str) -> bool:
    return any(name.startswith(prefix) and name[len(prefix) : len(prefix) + 1].isupper() for name in resource)


_CLINICAL_RESULT = frozenset({"exam", "imaging", "laboratory", "procedure", "therapy"})
_SIMPLE = frozenset({"activity", "exam", "imaging", "laboratory", "procedure", "social-history", "survey", "therapy"})
_OBSERVATION_CATEGORY = codes.THO + "observation-category"
_CONDITION_CATEGORY = codes.THO + "condition-category"


def _clinical_result(one: Mapping[str, Any]) -> bool:
    """US Core 7.0.0: us-core-1 (a full date), us-core-2 (a value, or why none), us-core-3 (units are UCUM)."""
    has_result = _any(one, "value") or any(one.get(name) for name in ("dataAbsentReason", "component", "hasMember"))
    when = one.get("effectiveDateTime")
    quantity = one.get("valueQuantity")
    system = quantity.get("system") if isinstance(quantity, Mapping) else None
    return (
        bool(one.get("code"))
        and has_result
        and (not isinstance(when, str) or len(when) >= 10)
        and system in (None, "http://unitsofmeasure.org")
        and _category(one, system=_OBSERVATION_CATEGORY, of=_CLINICAL_RESULT)
    )


def _simple_observation(one: Mapping[str, Any]) -> bool:
    return bool(one.get("code")) and _category(one, system=_OBSERVATION_CATEGORY, of=_SIMPLE)


def _vital_signs(one: Mapping[str, Any]) -> bool:
    # vs-2: a value, a reason for none, or parts; FHIR's own vital-signs wants an effective date or period.
    has_result = _any(one, "value") or any(one.get(name) for name in ("dataAbsentReason", "component", "hasMember"))
    dated = bool(one.get("effectiveDateTime") or one.get("effectivePeriod"))
    return dated and has_result and _category(one, system=_OBSERVATION_CATEGORY, of=frozenset({"vital-signs"}))


def _condition(*categories: str) -> Fits:
    return lambda one: bool(one.get("code")) and _category(one, system=_CONDITION_CATEGORY, of=frozenset(categories))


def _laboratory_report(one: Mapping[str, Any]) -> bool:
    """us-core-8 and us-core-9: a report that is out has its times."""
    is_lab = _category(one, system=codes.THO + "v2-0074", of=frozenset({"LAB"}))
    return bool(one.get("code")) and is_lab and _any(one, "effective") and bool(one.get("issued"))


def _procedure(one: Mapping[str, Any]) -> bool:
    return bool(one.get("code")) and (_any(one, "performed") or one.get("status") not in ("completed", "in-progress"))


def _document(one: Mapping[str, Any]) -> bool:
    attachments = [content.get("attachment") or {} for content in _objects(one.get("content"))]
    inline = bool(attachments) and all(part.get("data") and not part.get("url") for part in attachments)
    return inline and bool(one.get("type") and one.get("category"))


_TARGETS: Mapping[str, tuple[tuple[str, Fits], ...]] = {
    "Observation": (
        (f"{codes.US_CORE}us-core-observation-clinical-result", _clinical_result),
        (f"{codes.US_CORE}us-core-vital-signs", _vital_signs),
        (f"{codes.US_CORE}us-core-simple-observation", _simple_observation),
    ),
    "Condition": (
        (
            f"{codes.US_CORE}us-core-condition-problems-health-concerns",
            _condition("problem-list-item", "health-concern"),
        ),
        (f"{codes.US_CORE}us-core-condition-encounter-diagnosis", _condition("encounter-diagnosis")),
    ),
    "DiagnosticReport": ((f"{codes.US_CORE}us-core-diagnosticreport-lab", _laboratory_report),),
    "Procedure": ((f"{codes.US_CORE}us-core-procedure", _procedure),),
    "MedicationRequest": (
        (
            f"{codes.US_CORE}us-core-medicationrequest",
            lambda one: bool(one.get("requester")) and _any(one, "medication"),
        ),
    ),
    "ServiceRequest": ((f"{codes.US_CORE}us-core-servicerequest", lambda one: bool(one.get("code"))),),
    "AllergyIntolerance": ((f"{codes.US_CORE}us-core-allergyintolerance", lambda one: bool(one.get("code"))),),
    "Immunization": ((f"{codes.US_CORE}us-core-immunization", lambda one: _any(one, "occurrence")),),
    "QuestionnaireResponse": (
        (
            f"{codes.US_CORE}us-core-questionnaireresponse",
            lambda one: bool(one.get("questionnaire") and one.get("authored") and one.get("subject")),
        ),
    ),
    "DocumentReference": ((f"{codes.PAS}profile-documentreference", _document),),
}
