"""Radiotherapy, scans, intents and reasons to stop: delivered and planned are told apart, coded and in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from prior_auth.fhir.mcode import view_bundle
from prior_auth.fhir.validate import validate

LOINC, SNOMED, CPT = "http://loinc.org", "http://snomed.info/sct", "http://www.ama-assn.org/go/cpt"
RXNORM, FINDING = "http://www.nlm.nih.gov/research/umls/rxnorm", "urn:prior-auth:finding"
MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
CODEX = "http://hl7.org/fhir/us/codex-radiation-therapy/StructureDefinition/codexrt-radiotherapy-"
IMRT, THREE_D, PHOTONS = "441799006", "1162782007", "1156506007"


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def quantity(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit}


def technique(code: str) -> dict[str, Any]:
    parts = [("modality", PHOTONS), ("technique", code)]
    inner = [
        {"url": f"{MCODE}mcode-radiotherapy-{name}", "valueCodeableConcept": concept(SNOMED, each)}
        for name, each in parts
    ]
    return {"url": f"{MCODE}mcode-radiotherapy-modality-and-technique", "extension": inner}


def volume(dose: Mapping[str, Any], fractions: int) -> dict[str, Any]:
    return {
        "url": f"{MCODE}mcode-radiotherapy-dose-delivered-to-volume",
        "extension": [
            {"url": "volume", "valueReference": {"reference": "BodyStructure/elsewhere", "display": "Left breast"}},
            {"url": "totalDoseDelivered", "valueQuantity": dose},
            {"url": "fractionsDelivered", "valueUnsignedInt": fractions},
        ],
    }


INTENT = {"url": f"{MCODE}mcode-procedure-intent", "valueCodeableConcept": concept(SNOMED, "373808002")}


def course(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Procedure",
        "status": "completed",
        "code": concept(SNOMED, "1217123003"),
        "performedPeriod": {"start": "2026-02-01", "end": "2026-03-01"},
        **more,
    }


def order(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": concept(CPT, "77407"),
        "authoredOn": "2026-06-20",
        "id": "rt",
        **more,
    }


def observation(code: str, value: Any, **more: Any) -> dict[str, Any]:
    kinds = {str: "valueString", dict: "valueQuantity", int: "valueInteger"}
    about = concept(FINDING, code) if "." in code or code == "breast-volume" else {"text": code}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": about,
        "effectiveDateTime": "2026-06-10",
        kinds[type(value)]: value,
        **more,
    }


def errors(evidence: Any) -> list[Any]:
    found = validate(view_bundle(evidence, date(2026, 6, 30)))
    return [each for each in found if each.severity == "error"]


# --- delivered ----------------------------------------------------------------------------------------------


def test_a_course_states_technique_dose_and_fractions_of_each_volume(gathered: Any) -> None:
    volumes = [volume({**quantity(6000, "cGy"), "code": "cGy"}, 30), volume(quantity(50, "Gy"), 25)]

    evidence = gathered(course(extension=[technique(IMRT), INTENT, *volumes]))

    assert [fact.value for fact in evidence.facts_of("rt.dose")] == [Decimal(6000), Decimal(5000)]
    assert {fact.unit for fact in evidence.facts_of("rt.dose")} == {"cGy"}
    assert [fact.value for fact in evidence.facts_of("rt.fractions")] == [30, 25]
    assert [fact.value for fact in evidence.facts_of("rt.technique")] == ["photons", "imrt"]
    assert [fact.value for fact in evidence.facts_of("treatment-intent")] == ["curative"]
    assert {fact.view for fact in evidence.facts if fact.item.startswith("rt.")} == {"Procedure/r0"}
    assert errors(evidence) == []


def test_a_course_in_words_states_dose_and_fractions_as_text(gathered: Any) -> None:
    evidence = gathered(course(code={"text": "Radiation therapy, left breast"}, note=[{"text": "42.56 Gy in 16 fx"}]))

    (dose,), (fractions,) = evidence.facts_of("rt.dose"), evidence.facts_of("rt.fractions")
    assert (dose.value, dose.tier, fractions.value) == (Decimal(4256), "text", 16)
    assert errors(evidence) == []


@pytest.mark.parametrize(
    "note",
    [
        "No radiotherapy, 50 Gy in 25 fractions refused",
        "60 Gy in 30 fx, then 10 Gy in 5 fx",
        "possible 50 Gy",
        "planned 50 Gy in 25 fractions",
        "50 Gy in 25 fractions; ended after 10 fractions",
        "50 Gy in 25 fractions, stopped early",
    ],
)
def test_words_that_deny_or_state_two_prescriptions_state_none(gathered: Any, note: str) -> None:
    evidence = gathered(course(note=[{"text": note}]))

    assert evidence.facts_of("rt.dose", "rt.fractions") == ()
    assert len(evidence.facts_of("rt.course")) == 1


@pytest.mark.parametrize("status", ["entered-in-error", "not-done"])
def test_a_course_that_was_not_given_states_nothing(gathered: Any, status: str) -> None:
    given = course(status=status, extension=[technique(IMRT), INTENT, volume(quantity(50, "Gy"), 25)])

    assert gathered(given).facts_of("rt.dose", "rt.fractions", "rt.technique", "treatment-intent") == ()


def test_an_order_of_radiotherapy_delivered_nothing(gathered: Any) -> None:
    evidence = gathered(order(extension=[technique(IMRT)], note=[{"text": "42.56 Gy in 16 fractions"}]))

    assert evidence.facts_of("rt.course", "rt.dose", "rt.fractions", "rt.technique") == ()


UNREADABLE = [
    ("rt.dose", course(extension=[volume({"value": 50}, 25)])),
    ("rt.dose", course(extension=[volume(quantity(50, "kg"), 25)])),
    ("rt.fractions", course(extension=[volume(quantity(50, "Gy"), 0)])),
    ("rt.technique", course(extension=[technique("1")])),
    ("treatment-intent", course(extension=[{**INTENT, "valueCodeableConcept": {"text": "as discussed"}}])),
]


@pytest.mark.parametrize(("item", "resource"), UNREADABLE)
def test_what_a_course_states_and_nobody_can_read_is_unread(gathered: Any, item: str, resource: Any) -> None:
    evidence = gathered(resource)

    assert [each.item for each in evidence.unread] == [item]
    assert len(evidence.facts_of("rt.course")) == 1


# --- planned ------------------------------------------------------------------------------------------------

PLANNED_VOLUME = {
    "url": f"{CODEX}dose-prescribed-to-volume",
    "extension": [
        {"url": "totalDose", "valueQuantity": {**quantity(4256, "cGy"), "code": "cGy"}},
        {"url": "fractions", "valuePositiveInt": 16},
    ],
}


def test_a_prescription_states_what_is_planned_and_names_its_order(gathered: Any) -> None:
    again = {"url": f"{CODEX}course-involves-reirradiation", "valueBoolean": True}

    evidence = gathered(order(extension=[technique(IMRT), PLANNED_VOLUME, again]))

    facts = {each.item: (each.value, each.unit, each.tier) for each in evidence.facts if each.item.startswith("rt.")}
    assert facts == {
        "rt.plan.dose": (Decimal(4256), "cGy", "code"),
        "rt.plan.fractions": (16, None, "code"),
        "rt.plan.technique": ("imrt", None, "code"),
        "rt.plan.reirradiation": (True, None, "code"),
    }
    observed = [each for each in evidence.view if each["resourceType"] == "Observation"]
    assert {each["basedOn"][0]["reference"] for each in observed} == {"ServiceRequest/rt"}
    assert errors(evidence) == []


@pytest.mark.parametrize(
    ("words", "fractions", "dose"),
    [
        ("IMRT left breast, 42.56 Gy in 16 fractions", 16, Decimal(4256)),
        ("16 fx of 2.66 Gy", 16, Decimal(4256)),
        ("4005 cGy / 15 fractions", 15, Decimal(4005)),
        ("Whole breast 25 fractions", 25, None),
    ],
)
def test_an_order_in_words_states_what_is_planned(gathered: Any, words: str, fractions: int, dose: Any) -> None:
    evidence = gathered(order(note=[{"text": words}]))

    assert [(each.value, each.tier) for each in evidence.facts_of("rt.plan.fractions")] == [(fractions, "text")]
    assert [each.value for each in evidence.facts_of("rt.plan.dose")] == ([dose] if dose else [])
    assert errors(evidence) == []


@pytest.mark.parametrize("words", ["Previously 50 Gy in 25 fractions to the right breast", "s/p 30 Gy in 10 fx"])
def test_an_earlier_course_that_an_order_tells_of_is_not_planned(gathered: Any, words: str) -> None:
    assert gathered(order(note=[{"text": words}])).facts_of("rt.plan.dose", "rt.plan.fractions") == ()


def test_an_order_that_weighs_two_techniques_in_words_states_none(gathered: Any) -> None:
    evidence = gathered(order(note=[{"text": "IMRT, because the 3D plan exceeds the heart V25"}]))

    assert evidence.facts_of("rt.plan.technique") == ()


def test_a_plan_that_is_carried_out_or_revoked_is_no_plan(gathered: Any) -> None:
    for status in ("completed", "revoked", "entered-in-error"):
        assert gathered(order(status=status, extension=[PLANNED_VOLUME])).facts_of("rt.plan.fractions") == ()


OBSERVED = [
    ("rt.plan.fractions", observation("rt.plan.fractions", 16), 16, "code"),
    ("rt.plan.fractions", observation("Planned fractions", 16), 16, "text"),
    ("rt.plan.dose", observation("rt.plan.dose", quantity(42.56, "Gy")), Decimal("4256"), "code"),
    ("rt.plan.technique", observation("rt.plan.technique", "IMRT"), "imrt", "code"),
    ("rt.plan.technique", observation("Radiotherapy technique", "VMAT"), "vmat", "text"),
    ("dvh.heart", observation("dvh.heart", quantity(12, "cm3")), Decimal(12), "code"),
    ("dvh.heart", observation("Heart V25 (3D plan)", quantity(12, "cc")), Decimal(12), "text"),
    ("dvh.heart", observation("Heart V25", "3D plan 12 cc"), Decimal(12), "text"),
    ("dvh.hot-spot", observation("dvh.hot-spot", quantity(113, "%")), Decimal(113), "code"),
    ("dvh.hot-spot", observation("Hot spot, 3D conformal", quantity(113, "%")), Decimal(113), "text"),
    ("breast-volume", observation("breast-volume", quantity(720, "cm3")), Decimal(720), "code"),
    ("breast-volume", observation("Breast volume", "720 cm3"), Decimal(720), "text"),
]


@pytest.mark.parametrize(("item", "resource", "value", "tier"), OBSERVED)
def test_a_number_of_a_plan_is_found(gathered: Any, item: str, resource: Any, value: Any, tier: str) -> None:
    evidence = gathered(resource)

    assert [(fact.value, fact.tier) for fact in evidence.facts_of(item)] == [(value, tier)]
    assert errors(evidence) == []
    assert gathered({**resource, "status": "entered-in-error"}).facts_of(item) == ()


@pytest.mark.parametrize(
    ("item", "resource"),
    [
        ("dvh.heart", observation("Heart V25", quantity(8, "%"))),
        ("dvh.heart", observation("Heart V25", "3D plan 12 cc, IMRT plan 4 cc")),
        ("dvh.hot-spot", observation("Hot spot", quantity(13, "%"))),
        ("breast-volume", observation("Breast volume", quantity(9, "cm3"))),
        ("rt.plan.fractions", observation("Planned fractions", "daily")),
        ("rt.plan.dose", observation("Planned total dose", "42.56")),
    ],
)
def test_a_number_that_is_open_or_impossible_is_unread(gathered: Any, item: str, resource: Any) -> None:
    evidence = gathered(resource)

    assert evidence.facts_of(item) == ()
    assert [each.item for each in evidence.unread if each.item == item] == [item]


@pytest.mark.parametrize(
    ("item", "resource"),
    [
        ("dvh.heart", observation("Heart volume", quantity(650, "cm3"))),
        ("dvh.heart", observation("Heart V5", quantity(90, "cm3"))),
        ("dvh.heart", observation("Heart rate", quantity(72, "/min"))),
        ("breast-volume", observation("Breast tumor volume", quantity(720, "cm3"))),
        ("rt.plan.fractions", observation("Fractions delivered", 12)),
        ("dvh.hot-spot", observation("Heart maximum dose", quantity(110, "%"))),
    ],
)
def test_what_only_sounds_like_a_plan_is_none(gathered: Any, item: str, resource: Any) -> None:
    evidence = gathered(resource)

    assert evidence.facts_of(item) == ()
    assert [each for each in evidence.unread if each.item == item] == []


def test_the_numbers_of_two_plans_stand_beside_each_other_with_their_techniques(gathered: Any) -> None:
    evidence = gathered(
        observation("Heart V25 (3D plan)", quantity(12, "cc")), observation("Heart V25 (IMRT plan)", quantity(4, "cc"))
    )

    views = [each for each in evidence.view if each["resourceType"] == "Observation"]
    assert {each["method"]["coding"][0]["code"]: each["valueQuantity"]["value"] for each in views} == {
        THREE_D: 12,
        IMRT: 4,
    }
    assert evidence.conflicts == ()


def test_two_numbers_of_one_plan_contradict_each_other(gathered: Any) -> None:
    evidence = gathered(*(observation("Heart V25 (3D plan)", quantity(value, "cc")) for value in (12, 8)))

    assert [each.item for each in evidence.conflicts] == ["dvh.heart"]


# --- scans --------------------------------------------------------------------------------------------------


def scan(kind: str, code: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    day = "performedDateTime" if kind == "Procedure" else "effectiveDateTime"
    status = "completed" if kind == "Procedure" else "final"
    return {"resourceType": kind, "status": status, "code": code, day: "2026-03-01", **more}


SCANS = [
    (scan("Procedure", concept(CPT, "78815")), "code"),
    (scan("Procedure", concept(SNOMED, "82918005")), "code"),
    (scan("DiagnosticReport", concept(CPT, "78816")), "code"),
    (scan("Procedure", {"text": "PET/CT skull base to mid-thigh"}), "text"),
    (scan("DiagnosticReport", {"text": "FDG PET CT"}), "text"),
]


@pytest.mark.parametrize(("resource", "tier"), SCANS)
def test_a_pet_scan_is_found_with_its_day(gathered: Any, resource: Any, tier: str) -> None:
    evidence = gathered(resource)

    assert [(fact.tier, fact.date) for fact in evidence.facts_of("pet.scan")] == [(tier, "2026-03-01")]
    (view,) = [each for each in evidence.view if each["resourceType"] == "Procedure"]
    assert view["performedDateTime"] == "2026-03-01"
    assert errors(evidence) == []
    assert gathered({**resource, "status": "entered-in-error"}).facts_of("pet.scan") == ()


@pytest.mark.parametrize(
    "name", ["PSMA PET/CT", "Ga-68 DOTATATE PET", "Cardiac PET perfusion", "CT chest", "Pet therapy"]
)
def test_another_scan_is_no_fdg_pet(gathered: Any, name: str) -> None:
    assert gathered(scan("Procedure", {"text": name})).facts_of("pet.scan") == ()


def test_an_ordered_scan_is_not_a_scan(gathered: Any) -> None:
    assert gathered(order(code=concept(CPT, "78815"))).facts_of("pet.scan") == ()


# --- intents and reasons to stop ----------------------------------------------------------------------------


def drug(kind: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": kind, "medicationCodeableConcept": concept(RXNORM, "40048"), **more}


TREATMENTS = [
    drug("MedicationRequest", status="active", intent="order"),
    drug("MedicationAdministration", status="completed", effectiveDateTime="2026-02-01"),
    order(),
    {"resourceType": "Procedure", "status": "completed", "code": concept(SNOMED, "392021009")},
]


@pytest.mark.parametrize("resource", TREATMENTS, ids=lambda each: each["resourceType"])
def test_the_intent_of_a_treatment_is_kept_in_its_resource(gathered: Any, resource: Any) -> None:
    evidence = gathered({**resource, "extension": [INTENT]})

    (fact,) = evidence.facts_of("treatment-intent")
    assert fact.value == "curative"
    view = next(each for each in evidence.view if f"{each['resourceType']}/{each['id']}" == fact.view)
    assert view["extension"][0]["url"] == INTENT["url"]
    assert errors(evidence) == []
    assert gathered(resource).facts_of("treatment-intent") == ()


STOPPED = [
    ("MedicationRequest", concept(SNOMED, "407563006"), "not-tolerated"),
    ("MedicationRequest", {"text": "disease progression"}, "no-response"),
    ("MedicationAdministration", [concept(SNOMED, "266721009")], "no-response"),
]


@pytest.mark.parametrize(("kind", "reason", "value"), STOPPED)
def test_why_a_therapy_was_stopped_is_read_from_code_and_words(
    gathered: Any, kind: str, reason: Any, value: str
) -> None:
    stopped = drug(kind, status="stopped", intent="order", statusReason=reason)

    assert [fact.value for fact in gathered(stopped).facts_of("stop-reason")] == [value]
    assert gathered({**stopped, "status": "entered-in-error"}).facts_of("stop-reason") == ()

    unknown = gathered({**stopped, "statusReason": {"text": "see note"}})
    assert unknown.facts_of("stop-reason") == ()
    assert [each.item for each in unknown.unread] == ["stop-reason"]
