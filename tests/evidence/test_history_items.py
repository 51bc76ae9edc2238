"""Stages outside TNM, sizes, histories, habits, relatives, coverage, and conditions that caution."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from prior_auth.fhir.mcode import view_bundle
from prior_auth.fhir.validate import validate

LOINC, SNOMED, ICD10 = "http://loinc.org", "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10-cm"
MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
ROLE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"


def concept(system: str, code: str, text: str | None = None) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}], **({"text": text} if text else {})}


def quantity(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit}


def observation(code: str | Mapping[str, Any], value: Any = None, **more: Any) -> dict[str, Any]:
    kinds = ((bool, "valueBoolean"), (int, "valueInteger"), (str, "valueString"))
    typed = next((name for kind, name in kinds if isinstance(value, kind)), None)
    if isinstance(value, Mapping):
        typed = "valueQuantity" if "value" in value else "valueCodeableConcept"
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": code} if isinstance(code, str) else code,
        "effectiveDateTime": "2026-05-20",
        **({typed: value} if typed else {}),
        **more,
    }


def condition(code: str | Mapping[str, Any], **more: Any) -> dict[str, Any]:
    said = {"text": code} if isinstance(code, str) else code
    return {"resourceType": "Condition", "code": said, "recordedDate": "2026-01-10", **more}


def sized(value: Any) -> dict[str, Any]:
    part = {"code": concept(LOINC, "33728-7"), "valueQuantity": value}
    return observation(concept(LOINC, "21889-1"), component=[part])


LYMPHOMA, GLEASON = concept(SNOMED, "385388004"), concept(SNOMED, "385377005")
POSITIVE, NEGATIVE = concept(SNOMED, "10828004"), concept(SNOMED, "260385009")
QUIT = observation(concept(LOINC, "74010-0"), valueDateTime="2015-03")

CODED = [
    ("stage.lymphoma", observation(LYMPHOMA, concept(SNOMED, "1", "Ann Arbor stage IIB")), "IIB"),
    ("gleason", observation(GLEASON, concept(SNOMED, "1", "Gleason grade group 3")), 3),
    ("gleason", observation(concept(LOINC, "94734-1"), 2), 2),
    ("gleason", observation(GLEASON, concept(SNOMED, "860745005")), 4),
    ("tumor-size", sized(quantity(2.1, "cm")), Decimal(21)),
    ("tumor-size", observation(concept(LOINC, "21889-1"), quantity(18, "mm")), Decimal(18)),
    ("hbv.hbsag", observation(concept(LOINC, "5196-1"), NEGATIVE), "negative"),
    ("hbv.anti-hbc", observation(concept(LOINC, "16933-4"), POSITIVE), "positive"),
    ("hbv-screen", observation(concept(LOINC, "5195-3"), NEGATIVE), "negative"),
    ("smoking", observation(concept(LOINC, "72166-2"), concept(SNOMED, "8517006")), "former"),
    ("smoking", observation(concept(LOINC, "72166-2"), concept(SNOMED, "449868002")), "current"),
    ("smoking.pack-years", observation(concept(SNOMED, "401201003"), {"value": 30}), Decimal(30)),
    ("smoking.pack-years", observation(concept(LOINC, "8664-5"), quantity(30, "{PackYears}")), Decimal(30)),
    (
        "smoking.pack-years",
        observation(concept(SNOMED, "401201003"), {**quantity(20, "Pack-Years"), "code": "1"}),
        Decimal(20),
    ),
    ("smoking.quit-date", QUIT, "2015-03"),
    ("history-metastatic", observation(concept(SNOMED, "1287652008"), True), True),
    ("history-metastatic", observation(concept(SNOMED, "1287652008")), True),
    ("history-metastatic", observation(concept(SNOMED, "1098951000119108"), False), False),
]

NAMED = [
    ("stage.lymphoma", observation("Ann Arbor stage", "Stage IV"), "IV"),
    ("gleason", observation("Gleason score", "4+3=7"), 3),
    ("gleason", observation("Gleason score", "3 + 4 = 7"), 2),
    ("gleason", observation("Gleason", "Gleason score 9"), 5),
    ("gleason", observation("Gleason score", 8), 4),
    ("tumor-size", observation("Tumor size", "2.1 cm"), Decimal(21)),
    ("tumor-size", observation("Tumor size", "1.5 x 2.1 x 1.0 cm"), Decimal(21)),
    ("stage.lymphoma", observation("Ann Arbor stage", "III-A, bulky"), "IIIA"),
    ("hbv.hbsag", observation("HBsAg", "Non-reactive"), "negative"),
    ("hbv.anti-hbc", observation("Hepatitis B core antibody, total", "Reactive"), "positive"),
    ("smoking", observation("Smoking status", "Former smoker, quit 2015"), "former"),
    ("smoking", observation("Tobacco use", "Never smoker"), "never"),
    ("smoking.pack-years", observation("Pack years", "30 pack-years"), Decimal(30)),
]

ITEMS = sorted({item for item, *_ in CODED})


@pytest.mark.parametrize(("item", "resource", "value"), CODED)
def test_a_coded_statement_is_found(gathered: Any, item: str, resource: Any, value: Any) -> None:
    (fact,) = gathered(resource).facts_of(item)

    assert (fact.value, fact.tier, fact.date) == (value, "code", "2026-05-20")
    assert fact.view == "Observation/r0"


@pytest.mark.parametrize(("item", "resource", "value"), NAMED)
def test_a_statement_in_words_is_of_tier_text(gathered: Any, item: str, resource: Any, value: Any) -> None:
    (fact,) = gathered(resource).facts_of(item)

    assert (fact.value, fact.tier) == (value, "text")


@pytest.mark.parametrize("item", ITEMS)
def test_what_is_entered_in_error_or_not_final_is_no_fact(gathered: Any, item: str) -> None:
    resource = next(each for name, each, _ in CODED if name == item)

    for status, pending in (("entered-in-error", []), ("preliminary", [True])):
        evidence = gathered({**resource, "status": status})
        assert evidence.facts_of(item) == ()
        assert [each.pending for each in evidence.unread if each.item == item] == pending


@pytest.mark.parametrize(
    ("item", "resource"),
    [
        ("stage.lymphoma", observation(LYMPHOMA, "see note")),
        ("gleason", observation("Gleason score", "7")),  # 3+4 and 4+3 are two grade groups
        ("gleason", observation("Gleason score", 7)),
        ("gleason", observation("Gleason score", "3+4 left, 4+4 right")),
        ("tumor-size", observation("Tumor size", "2.1")),
        ("tumor-size", observation("Tumor size", quantity(2.1, "g"))),
        ("hbv.hbsag", observation("HBsAg", "to be drawn")),
        ("smoking", observation("Smoking status", concept(SNOMED, "266927001", "Unknown if ever smoked"))),
        ("smoking.pack-years", observation("Pack years", "many")),
        ("smoking.pack-years", observation("Pack years", quantity(20, "a"))),
    ],
)
def test_what_is_open_is_unread(gathered: Any, item: str, resource: Any) -> None:
    evidence = gathered(resource)

    assert evidence.facts_of(item) == ()
    assert [each.item for each in evidence.unread if each.item == item] == [item]


@pytest.mark.parametrize(
    ("item", "resource"),
    [
        ("hbv.hbsag", observation("Anti-HBs antibody", "Positive")),
        ("hbv.anti-hbc", observation("Hepatitis B core IgM", "Negative")),
        ("smoking", observation("Passive smoking exposure", "Current")),
        ("smoking.pack-years", observation("Packs per day", quantity(1, "1"))),
        ("tumor-size", observation("Largest metastasis dimension", quantity(4, "mm"))),
        ("stage.lymphoma", observation("Stage group", "Stage IV")),
    ],
)
def test_what_only_sounds_alike_is_not_taken_for_it(gathered: Any, item: str, resource: Any) -> None:
    evidence = gathered(resource)

    assert evidence.facts_of(item) == ()
    assert [each for each in evidence.unread if each.item == item] == []


# --- relatives ----------------------------------------------------------------------------------------------


def relative(*conditions: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "FamilyMemberHistory",
        "status": "completed",
        "patient": {"reference": "Patient/p"},
        "relationship": concept(ROLE, "MTH"),
        "name": "NAMED IN THE CHART",
        "condition": list(conditions),
        **more,
    }


BREAST = {"code": concept(SNOMED, "254837009"), "onsetAge": {"value": 44, "code": "a", "unit": "a",
          "system": "http://unitsofmeasure.org"}}  # fmt: skip


def test_a_relatives_cancer_is_found_with_relationship_and_age_and_without_the_name(gathered: Any) -> None:
    evidence = gathered(relative(BREAST, {"code": concept(ICD10, "I10")}))

    (fact,) = evidence.facts_of("family-history")
    (view,) = [each for each in evidence.view if each["resourceType"] == "FamilyMemberHistory"]
    assert (fact.value, fact.tier, fact.view) == ("breast", "code", "FamilyMemberHistory/r0")
    assert view["relationship"]["coding"][0]["code"] == "MTH"
    assert [each["onsetAge"]["value"] for each in view["condition"]] == [44]
    assert "NAMED IN THE CHART" not in repr(view)


def test_a_relatives_cancer_is_none_of_the_patients(gathered: Any) -> None:
    evidence = gathered(relative(BREAST), condition(concept(ICD10, "Z80.3")))

    assert not [fact for fact in evidence.facts if fact.item.startswith("dx.")]
    assert len(evidence.facts_of("family-history")) == 2


@pytest.mark.parametrize(
    "resource",
    [
        relative(BREAST, status="entered-in-error"),
        relative({"code": concept(ICD10, "I10")}),
        relative(),
        condition("No family history of breast cancer"),
    ],
)
def test_no_cancer_of_a_relative_is_no_fact(gathered: Any, resource: Any) -> None:
    assert gathered(resource).facts_of("family-history") == ()


# --- conditions that caution ---------------------------------------------------------------------------------

CONDITIONS = [
    ("neutropenia", condition(concept(ICD10, "D70.1"))),
    ("neutropenia", condition("Febrile neutropenia")),
    ("hypertension", condition(concept(ICD10, "I10"))),
    ("hypertension", condition("Essential hypertension")),
    ("hemoptysis", condition(concept(ICD10, "R04.2"))),
    ("perforation", condition(concept(ICD10, "K63.1"))),
]


@pytest.mark.parametrize(("item", "resource"), CONDITIONS)
def test_a_condition_that_cautions_is_found_and_is_a_comorbidity(gathered: Any, item: str, resource: Any) -> None:
    evidence = gathered(resource)
    system = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
    refuted = gathered({**resource, "verificationStatus": concept(system, "refuted")})

    assert [fact.value for fact in evidence.facts_of(item)] == [item]
    assert len(evidence.facts_of("comorbidity.present")) == 1
    assert refuted.facts_of(item, "comorbidity.present") == ()


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ("hypertension", "Pulmonary hypertension"),
        ("hypertension", "No hypertension"),
        ("neutropenia", "Cyclic neutropenia"),
        ("neutropenia", "Prophylaxis of neutropenia"),
        ("hemoptysis", "Denies hemoptysis"),
    ],
)
def test_another_or_a_denied_condition_is_none(gathered: Any, item: str, name: str) -> None:
    assert gathered(condition(name)).facts_of(item) == ()


def test_two_conditions_in_one_name_are_two(gathered: Any) -> None:
    evidence = gathered(condition("Rheumatoid arthritis and hypertension"))

    assert len(evidence.facts_of("autoimmune")) == len(evidence.facts_of("hypertension")) == 1


def test_comorbidities_named_beside_absent_ones_are_present(gathered: Any) -> None:
    extensions = [
        {"url": f"{MCODE}mcode-related-condition", "valueCodeableConcept": concept(SNOMED, "38341003")},
        {"url": f"{MCODE}mcode-related-condition-absent", "valueCodeableConcept": concept(SNOMED, "85828009")},
    ]

    evidence = gathered(observation(concept(SNOMED, "398192003"), extension=extensions))

    assert [fact.value for fact in evidence.facts_of("comorbidity.present")] == ["hypertension", "hypertension"]
    assert [fact.value for fact in evidence.facts_of("comorbidity.absent")] == ["autoimmune"]
    assert [fact.value for fact in evidence.facts_of("hypertension")] == ["hypertension"]


# --- coverage and validity -----------------------------------------------------------------------------------


def covered(**more: Any) -> dict[str, Any]:
    plan = {"type": concept("http://terminology.hl7.org/CodeSystem/coverage-class", "plan"), "value": "MA-PPO"}
    about = {"beneficiary": {"reference": "Patient/p"}, "payor": [{"display": "Plan"}]}
    return {"resourceType": "Coverage", "status": "active", "class": [plan], **about, **more}


def test_an_active_coverage_is_found_with_its_plan_and_period(gathered: Any) -> None:
    (fact,) = gathered(covered(period={"start": "2026-01-01", "end": "2026-12-31"})).facts_of("coverage")

    assert (fact.value, fact.date, fact.view) == ("MA-PPO", "2026-01-01", None)


@pytest.mark.parametrize("more", [{"status": "cancelled"}, {"beneficiary": {"reference": "Patient/other"}}])
def test_another_persons_or_a_cancelled_coverage_is_none(gathered: Any, more: Mapping[str, Any]) -> None:
    evidence = gathered(covered(**more))

    assert evidence.facts_of("coverage") == ()
    assert evidence.looked["coverage"].resources == {"Coverage": 0 if "beneficiary" in more else 1}


ALL = [*(each for _, each, _ in (*CODED, *NAMED)), relative(BREAST), *(each for _, each in CONDITIONS), covered()]


def test_the_views_of_these_items_are_valid(gathered: Any) -> None:
    undated = [{key: value for key, value in each.items() if key != "effectiveDateTime"} for each in ALL]

    for chart in (ALL, undated):
        found = validate(view_bundle(gathered(*chart), date(2026, 6, 30)))
        assert [each for each in found if each.severity == "error"] == []
