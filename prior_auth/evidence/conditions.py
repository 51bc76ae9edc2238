"""Conditions beside the cancer: those a criterion asks for, those said to be absent, pregnancy, drug allergies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.domain.evidence import Tier, Unread
from prior_auth.evidence.binding import Binding
from prior_auth.evidence.chart import Entry, concept_text, mapping, sequence
from prior_auth.evidence.definitions import EvidenceDefinition
from prior_auth.evidence.finding import Answer, Finder, read
from prior_auth.evidence.normalise import NORMALISERS, Reading, Unreadable
from prior_auth.evidence.observations import effective, exact_profile
from prior_auth.evidence.standing import Standing, standing, why
from prior_auth.evidence.statement import Harvest, Statement, unread
from prior_auth.fhir import mcode

US_CORE_PROBLEM = f"{mcode.US_CORE}us-core-condition-problems-health-concerns"


def comorbidities(finder: Finder, definition: EvidenceDefinition, binding: Binding) -> Harvest:
    """Conditions of one kind; those named in a comorbidity Observation stand beside those of the problem list."""
    statements: list[Statement] = []
    doubts: list[Unread] = []
    for place in finder.places(definition.item):
        answer = read(place, definition)
        if isinstance(answer, Unread):
            if place.tier is not Tier.TEXT or answer.why == why(place.entry.resource, Standing.DOUBTFUL):
                doubts.append(answer)
        elif answer is not None:
            found = [each for each in answer.readings if each.value in _asked_by(definition)]
            statements.extend(_problem(answer, each, binding) for each in found)
    statements.extend(_said_present(finder, definition))
    return Harvest(tuple(statements), tuple(doubts))


def _asked_by(definition: EvidenceDefinition) -> tuple[str, ...]:
    """The answers of the comorbidity normaliser that an item asks for: `mds-aml` is one item of two."""
    return tuple(definition.item.split("-"))


def _problem(answer: Answer, reading: Reading, binding: Binding) -> Statement:
    entry = answer.entry
    concept = mapping(entry.resource.get("code"))
    text = concept.get("text") if isinstance(concept.get("text"), str) else None
    over = {} if "clinicalStatus" in entry.resource or not reading.extra.get("history") else {"clinicalStatus": _OVER}
    # A leukemia is a cancer of the view already; that a cancer resists castration is a fact beside it.
    cancer = None if reading.value in _OF_A_CANCER else binding.views.get(entry.reference)
    view = cancer or mcode.condition(
        profile=US_CORE_PROBLEM,
        code=mcode.concept(reading.coded, sequence(concept.get("coding")), text),
        source={**entry.resource, **over},
    )
    return Statement(
        item=answer.definition.item,
        value=reading.value,
        unit=None,
        entry=entry,
        path=answer.path,
        tier=answer.tier,
        when=entry.when,
        view=view,
    )


def _said_present(finder: Finder, definition: EvidenceDefinition) -> Iterator[Statement]:
    """Coded comorbidities that no Condition of the chart stands for."""
    for place in finder.places("comorbidity.absent"):
        entry = place.entry
        if standing(entry.resource) is not Standing.COUNTS:
            continue
        for index, extension in _extensions(entry, mcode.RELATED_CONDITION):
            concept = extension.get("valueCodeableConcept")
            reading = _comorbidity(entry, concept)
            if reading is None or reading.value not in _asked_by(definition):
                continue
            code = mcode.concept(reading.coded, sequence(mapping(concept).get("coding")))
            yield Statement(
                item=definition.item,
                value=reading.value,
                unit=None,
                entry=entry,
                path=f"Observation.extension[{index}].value",
                tier=place.tier,
                when=entry.when,
                view=mcode.condition(profile=US_CORE_PROBLEM, code=code, source=_ACTIVE),
            )


_OF_A_CANCER = frozenset({"castration.resistant", "castration.sensitive"})
_OVER = mcode.concept(Coding(mcode.CLINICAL_STATUS, "inactive"))
_ACTIVE = {
    "clinicalStatus": mcode.concept(Coding(mcode.CLINICAL_STATUS, "active")),
    "verificationStatus": mcode.concept(
        Coding("http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed")
    ),
}


def _comorbidity(entry: Entry, concept: Any) -> Reading | None:
    try:
        return NORMALISERS["comorbidity"](entry.resource, concept)[0]
    except (Unreadable, IndexError):
        return None


def _extensions(entry: Entry, url: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for index, each in enumerate(sequence(entry.resource.get("extension"))):
        if mapping(each).get("url") == url:
            yield index, each


def absent_comorbidities(finder: Finder, definition: EvidenceDefinition, binding: Binding) -> Harvest:
    """Comorbidities said to be absent, and those said to be present beside them: one resource for each Observation."""
    statements: list[Statement] = []
    doubts: list[Unread] = []
    for place in finder.places(definition.item):
        found = standing(place.entry.resource)
        if found in (Standing.PENDING, Standing.DOUBTFUL):
            doubts.append(
                unread(
                    definition.item, place.entry, why(place.entry.resource, found), pending=found is Standing.PENDING
                )
            )
        elif found is Standing.COUNTS:
            statements.extend(_absent(finder, definition, place.entry, place.tier, binding))
    return Harvest(tuple(statements), tuple(doubts))


def _absent(
    finder: Finder, definition: EvidenceDefinition, entry: Entry, tier: Tier, binding: Binding
) -> Iterator[Statement]:
    absent = _concepts(finder, entry, mcode.RELATED_CONDITION_ABSENT)
    present = _concepts(finder, entry, mcode.RELATED_CONDITION)
    if not absent and not present:
        return
    focus = binding.focus(entry)
    view = mcode.observation(
        profile=exact_profile(definition.profile, entry),
        category="social-history",
        status=str(entry.resource["status"]),
        code=mcode.concept(definition.code),
        value={},
        effective=effective(entry),
        focus=[{"reference": focus}] if focus else (),
        extension=[
            {"url": url, "valueCodeableConcept": _canonical(entry, concept)}
            for url, named in ((mcode.RELATED_CONDITION_ABSENT, absent), (mcode.RELATED_CONDITION, present))
            for _, concept in named
        ],
    )
    stated = [(definition.item, *each) for each in absent] + [("comorbidity.present", *each) for each in present]
    for item, index, concept in stated:
        reading = _comorbidity(entry, concept)
        yield Statement(
            item=item,
            value=reading.value if reading is not None else concept_text(concept) or None,
            unit=None,
            entry=entry,
            path=f"Observation.extension[{index}].value",
            tier=tier,
            when=entry.when,
            view=view,
            focus=focus,
        )


def _concepts(finder: Finder, entry: Entry, url: str) -> list[tuple[int, Mapping[str, Any]]]:
    """Conditions that an extension names, by code or by reference."""
    found = []
    for index, extension in _extensions(entry, url):
        target = finder.chart.resolve(extension.get("valueReference"), entry.resource)
        concept = mapping(extension.get("valueCodeableConcept") or (target or {}).get("code"))
        if concept:
            found.append((index, concept))
    return found


def _canonical(entry: Entry, concept: Mapping[str, Any]) -> dict[str, Any]:
    reading = _comorbidity(entry, concept)
    text = concept.get("text") if isinstance(concept.get("text"), str) else None
    return mcode.concept(reading.coded if reading else None, sequence(concept.get("coding")), text)


def pregnancy(finder: Finder, definition: EvidenceDefinition, _binding: Binding) -> Harvest:
    """As a status, or as a Condition."""
    statements: list[Statement] = []
    doubts: list[Unread] = []
    by_condition = replace(definition, read="comorbidity")
    for place in finder.places(definition.item):
        answer = read(place, by_condition if place.entry.type == "Condition" else definition)
        if isinstance(answer, Unread):
            doubts.append(answer)
        elif answer is not None:
            statements.extend(_pregnancy(answer, each) for each in answer.readings if each.value in _PREGNANCY)
    return Harvest(tuple(statements), tuple(doubts))


_PREGNANCY = {"pregnant": "pregnant", "pregnancy": "pregnant", "not-pregnant": "not-pregnant"}


def _pregnancy(answer: Answer, reading: Reading) -> Statement:
    entry, definition = answer.entry, answer.definition
    codings = sequence(mapping(entry.resource.get("code")).get("coding"))
    if entry.type == "Condition":
        view = mcode.condition(
            profile=US_CORE_PROBLEM, code=mcode.concept(reading.coded, codings), source=entry.resource
        )
    else:
        view = mcode.observation(
            profile=exact_profile(definition.profile, entry) if entry.when.text else None,
            category="social-history",
            status=str(entry.resource.get("status", "final")),
            code=mcode.concept(definition.code, codings),
            value={"valueCodeableConcept": mcode.concept(reading.coded)},
            effective=effective(entry),
        )
    return Statement(
        item=definition.item,
        value=_PREGNANCY[str(reading.value)],
        unit=None,
        entry=entry,
        path=answer.path,
        tier=answer.tier,
        when=entry.when,
        view=view,
        single=True,
        varies=True,
    )


def allergies(finder: Finder, definition: EvidenceDefinition, _binding: Binding) -> Harvest:
    """Drugs of the ingredient table that the patient does not tolerate."""
    statements: list[Statement] = []
    doubts: list[Unread] = []
    for entry in finder.chart.of_type("AllergyIntolerance"):
        found = standing(entry.resource)
        if found is Standing.NOTHING:
            continue
        concept = mapping(entry.resource.get("code"))
        try:
            readings = NORMALISERS["drug"](entry.resource, concept)
        except Unreadable:
            continue
        if found is not Standing.COUNTS:
            doubts.append(unread(definition.item, entry, why(entry.resource, found)))
            continue
        statements.extend(_allergy(definition, entry, concept, each) for each in readings)
    return Harvest(tuple(statements), tuple(doubts))


_ALLERGY_STATUS = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"


def _allergy(definition: EvidenceDefinition, entry: Entry, concept: Mapping[str, Any], reading: Reading) -> Statement:
    source = entry.resource
    text = concept.get("text") if isinstance(concept.get("text"), str) else None
    kept = ("type", "criticality")
    view = {
        "resourceType": "AllergyIntolerance",
        "profile": definition.profile,
        "clinicalStatus": mcode.concept(Coding(_ALLERGY_STATUS, "active")),
        **mcode.statuses(source, "allergyintolerance"),
        **{key: source[key] for key in kept if isinstance(source.get(key), str)},
        **({"recordedDate": entry.when.text} if entry.when.element == "AllergyIntolerance.recordedDate" else {}),
        "code": mcode.concept(reading.coded, sequence(concept.get("coding")), text),
    }
    return Statement(
        item=definition.item,
        value=reading.value,
        unit=None,
        entry=entry,
        path="AllergyIntolerance.code",
        tier=Tier.CODE if concept.get("coding") else Tier.TEXT,
        when=entry.when,
        view=view,
        question=reading.coded.code if reading.coded else "",
    )
