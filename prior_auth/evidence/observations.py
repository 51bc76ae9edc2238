"""Observations of the view: one canonical Observation for each reading of an item found by code or text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.domain.evidence import Tier, Unread
from prior_auth.evidence.binding import Binding
from prior_auth.evidence.chart import Entry, codings_of, concept_text, mapping, sequence
from prior_auth.evidence.claims import claim_of
from prior_auth.evidence.definitions import EvidenceDefinition
from prior_auth.evidence.finding import Answer, Finder, read
from prior_auth.evidence.normalise import Reading
from prior_auth.evidence.normalise.codes import SCT
from prior_auth.evidence.statement import Harvest, Statement
from prior_auth.fhir import mcode


@dataclass(frozen=True, slots=True)
class Shape:
    """How an item's Observation looks beyond its code and value."""

    category: str | None
    text: bool = False  # the score or raw text is kept in the value's text
    method: bool = False  # the profile requires a method
    focus: bool = False  # the profile requires a focus
    component: Coding | None = None  # the value stands in a component of this code


SHAPES: Mapping[str, Shape] = {
    "marker": Shape("laboratory", text=True),
    "laboratory": Shape("laboratory"),
    "measure": Shape("imaging"),
    "vital": Shape("vital-signs"),
    "performance": Shape("survey"),
    "stage-group": Shape("imaging", method=True, focus=True),
    "stage-category": Shape("imaging", method=True),
    "disease-status": Shape(None),
    "social": Shape("social-history"),
    "attestation": Shape("survey"),
    "planned": Shape("therapy"),
    "lines": Shape("therapy"),
    "cancer-stage": Shape("imaging", text=True, method=True),
    "history": Shape("social-history"),
    "tumor-size": Shape("imaging", component=Coding("http://loinc.org", "33728-7", "Size.maximum dimension in Tumor")),
}
_STATED = "stated without its method"


def observations(finder: Finder, definition: EvidenceDefinition, binding: Binding) -> Harvest:
    """All that the chart states of one item, as Observations."""
    statements: list[Statement] = []
    unread: list[Unread] = []
    for place in finder.places(definition.item):
        answer = read(place, definition)
        if isinstance(answer, Unread):
            unread.append(answer)
        elif answer is not None:
            statements.extend(statement(answer, reading, binding) for reading in answer.readings)
    return Harvest(tuple(statements), tuple(unread))


def statement(answer: Answer, reading: Reading, binding: Binding, focus: str | None = None) -> Statement:
    """`focus` is the cancer it is about, where the caller knows."""
    definition, entry = answer.definition, answer.entry
    focus = focus or binding.focus(entry)
    code = _question(reading.code or definition.code, entry)
    return Statement(
        item=definition.item,
        value=f"{reading.comparator}{reading.value}" if reading.comparator else reading.value,
        unit=reading.unit,
        entry=entry,
        path=answer.path,
        tier=answer.tier,
        when=entry.when,
        view=_view(definition, entry, reading, code, focus, binding, answer.tier),
        question=code.code if code else "",
        focus=focus,
        method=_method(entry, reading),
        single=definition.single,
        varies=definition.varies,
        claim=claim_of(definition.item, reading),
    )


_CLINICAL_OR_PATHOLOGIC: Mapping[str, tuple[Coding, Coding]] = {
    unsaid: (Coding(SCT, clinical, f"Clinical {name}"), Coding(SCT, pathologic, f"Pathologic {name}"))
    for unsaid, clinical, pathologic, name in (
        ("399390009", "399537006", "399588009", "TNM stage grouping"),
        ("78873005", "399504009", "384625004", "T category"),
        ("277206009", "399534004", "371494008", "N category"),
        ("277208005", "399387003", "371497001", "M category"),
    )
}


def _question(code: Coding | None, entry: Entry) -> Coding | None:
    """`Clinical stage` and `Pathologic stage` are two questions, also where only their names tell."""
    pair = _CLINICAL_OR_PATHOLOGIC.get(code.code) if code is not None else None
    if pair is None:
        return code
    words = concept_text(entry.resource.get("code"))
    named = ["clinical" in words, "patholog" in words or "surgical" in words]
    return pair[named.index(True)] if sum(named) == 1 and entry.type == "Observation" else code


def _view(
    definition: EvidenceDefinition,
    entry: Entry,
    reading: Reading,
    code: Coding | None,
    focus: str | None,
    binding: Binding,
    tier: Tier,
) -> mcode.Resource:
    shape, source = SHAPES[definition.view], entry.resource
    about = focus or (binding.only_cancer if shape.focus else None)
    references = [{"reference": about}] if about else ([mcode.absent()] if shape.focus else [])
    source_code = mapping(source.get("code"))
    technique = reading.extra.get("technique")
    coded = mcode.concept(technique) if isinstance(technique, Coding) else None
    method = source.get("method") or coded or ({"text": _STATED} if shape.method else None)
    text = source_code.get("text") if tier is Tier.TEXT else None
    return mcode.observation(
        profile=_dated_profile(definition, entry),
        category=shape.category,
        status=str(source.get("status", "final")) if source["resourceType"] == "Observation" else "final",
        code=mcode.concept(code, sequence(source_code.get("coding")), text if isinstance(text, str) else None),
        value=_in_component(shape, value_of(reading, keep_text=shape.text)),
        effective=vital_effective(entry) if definition.view == "vital" else effective(entry),
        focus=references,
        method=method if isinstance(method, Mapping) else None,
        referenceRange=_reference_range(reading),
    )


def _in_component(shape: Shape, value: dict[str, Any]) -> dict[str, Any]:
    return value if shape.component is None else {"component": [{"code": mcode.concept(shape.component), **value}]}


def _reference_range(reading: Reading) -> list[dict[str, Any]]:
    """The laboratory's normal range, in the unit of the value."""
    ends = {end: reading.extra.get(f"range_{end}") for end in ("low", "high")}
    stated = {end: mcode.quantity(value, reading.unit or "1") for end, value in ends.items() if value is not None}
    return [stated] if stated else []


def exact_profile(profile: str | None, entry: Entry) -> str | None:
    """None where the chart's date is coarser than US Core allows (us-core-1: at least to the day)."""
    days = entry.when.days
    return profile if days is None or days.is_exact else None


def _dated_profile(definition: EvidenceDefinition, entry: Entry) -> str | None:
    """Smoking status requires a date at all."""
    dated = entry.when.text is not None or definition.profile != f"{mcode.US_CORE}us-core-smokingstatus"
    return exact_profile(definition.profile, entry) if dated else None


def value_of(reading: Reading, *, keep_text: bool = False) -> dict[str, Any]:
    """The reading as `value[x]`."""
    value = reading.value
    if reading.extra.get("date"):
        return {"valueDateTime": value}
    if reading.coded is not None or isinstance(value, str | Coding):
        coded = reading.coded or (value if isinstance(value, Coding) else None)
        said = reading.text if keep_text or coded is None else None
        text = said or (value if coded is None and isinstance(value, str) else None)
        return {"valueCodeableConcept": mcode.concept(coded, text=text)}
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, Decimal) or (isinstance(value, int) and reading.unit):
        return {"valueQuantity": mcode.quantity(value, reading.unit or "1", reading.comparator)}
    if isinstance(value, int):
        return {"valueInteger": value}
    return {
        "dataAbsentReason": mcode.concept(Coding("http://terminology.hl7.org/CodeSystem/data-absent-reason", "unknown"))
    }


def effective(entry: Entry) -> dict[str, Any]:
    return {"effectiveDateTime": entry.when.text} if entry.when.text else {}


def vital_effective(entry: Entry) -> dict[str, Any]:
    """R4 holds every body weight and height to its vital signs profile: a date is there, and to the day (vs-1)."""
    days = entry.when.days
    if days is None:
        return {"effectivePeriod": mcode.absent()}
    if days.is_exact:
        return effective(entry)
    return {"effectivePeriod": {"start": days.earliest.isoformat(), "end": days.latest.isoformat()}}


def _method(entry: Entry, reading: Reading) -> str | None:
    """How it was found out, where two ways may rightly differ: a stated method, or the antibody clone of a PD-L1."""
    said = reading.extra.get("method") or reading.extra.get("clone")
    if isinstance(said, str):
        return said
    concept = entry.resource.get("method")
    coded = next((code for _, code in codings_of(concept)), None)
    return coded or concept_text(concept) or None


Builder = Callable[[Finder, EvidenceDefinition, Binding], Harvest]
