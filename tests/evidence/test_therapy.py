"""Drugs: received, only ordered, or asked for; known by ingredient from any code or name."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def drug(kind: str, medication: Mapping[str, Any], status: str, **more: Any) -> dict[str, Any]:
    dated = {
        "MedicationAdministration": "effectiveDateTime",
        "MedicationStatement": "effectiveDateTime",
        "MedicationDispense": "whenHandedOver",
        "MedicationRequest": "authoredOn",
    }[kind]
    return {
        "resourceType": kind,
        "status": status,
        **({"intent": "order"} if kind == "MedicationRequest" else {}),
        "medicationCodeableConcept": medication,
        dated: "2026-03-01",
        **more,
    }


@pytest.mark.parametrize(
    ("medication", "ingredient"),
    [
        (concept(RXNORM, "40048"), "carboplatin"),
        (concept(HCPCS, "J9271"), "pembrolizumab"),
        (concept(HCPCS, "Q5117"), "trastuzumab"),
        ({"text": "Keytruda 200 mg IV"}, "pembrolizumab"),
        ({"text": "anastrozole (local formulary)"}, "anastrozole"),
        ({"text": "trastuzumab-anns"}, "trastuzumab"),
    ],
)
def test_a_drug_given_is_known_by_its_ingredient(gathered: Any, medication: Mapping[str, Any], ingredient: str) -> None:
    evidence = gathered(drug("MedicationAdministration", medication, "completed"))

    (fact,) = evidence.facts_of("prior.therapy")
    assert fact.value == ingredient
    assert fact.view == "MedicationAdministration/r0"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("MedicationAdministration", "completed"),
        ("MedicationAdministration", "stopped"),
        ("MedicationDispense", "completed"),
        ("MedicationStatement", "completed"),
        ("MedicationStatement", "active"),
    ],
)
def test_what_was_received_stands_in_the_view_as_an_administration(gathered: Any, kind: str, status: str) -> None:
    (fact,) = gathered(drug(kind, concept(RXNORM, "40048"), status)).facts_of("prior.therapy")

    assert fact.view.startswith("MedicationAdministration/")


@pytest.mark.parametrize("status", ["completed", "stopped"])
def test_an_order_that_is_over_is_therapy_ordered_not_given(gathered: Any, status: str) -> None:
    (fact,) = gathered(drug("MedicationRequest", concept(RXNORM, "40048"), status)).facts_of("prior.therapy")

    assert fact.view == "MedicationRequest/r0"


@pytest.mark.parametrize("status", ["active", "draft", "on-hold"])
def test_an_open_order_is_asked_for_and_no_therapy(gathered: Any, status: str) -> None:
    evidence = gathered(drug("MedicationRequest", concept(RXNORM, "1547545"), status))

    assert [fact.view for fact in evidence.facts_of("request.drug")] == ["MedicationRequest/r0"]
    assert evidence.facts_of("prior.therapy") == ()


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("MedicationAdministration", "not-done"),
        ("MedicationAdministration", "entered-in-error"),
        ("MedicationStatement", "intended"),
        ("MedicationStatement", "not-taken"),
        ("MedicationDispense", "declined"),
        ("MedicationRequest", "cancelled"),
        ("MedicationRequest", "entered-in-error"),
    ],
)
def test_what_was_never_given_is_not_there(gathered: Any, kind: str, status: str) -> None:
    evidence = gathered(drug(kind, concept(RXNORM, "40048"), status))

    assert evidence.facts_of("prior.therapy", "request.drug") == ()


def test_an_order_not_to_perform_is_no_order(gathered: Any) -> None:
    evidence = gathered(drug("MedicationRequest", concept(RXNORM, "40048"), "active", doNotPerform=True))

    assert evidence.facts_of("prior.therapy", "request.drug") == ()


def test_an_order_keeps_its_id_codes_and_reason_in_the_view(gathered: Any) -> None:
    order = drug(
        "MedicationRequest",
        concept(HCPCS, "Q5117"),
        "draft",
        id="order-1",
        authoredOn="2026-07-15",
        reasonReference=[{"reference": "Condition/breast"}],
        note=[{"text": "why", "authorReference": {"reference": "Practitioner/x"}}],
    )
    cancer = {
        "resourceType": "Condition",
        "id": "breast",
        "code": concept("http://hl7.org/fhir/sid/icd-10-cm", "C50.912"),
    }

    evidence = gathered(order, cancer)

    (view,) = [each for each in evidence.view if each["resourceType"] == "MedicationRequest"]
    assert view["id"] == "order-1"
    codes = [each["code"] for each in view["medicationCodeableConcept"]["coding"]]
    assert codes == ["224905", "Q5117"]
    assert view["reasonReference"] == [{"reference": "Condition/breast"}]
    assert view["note"] == [{"text": "why"}]


def test_a_contained_medication_is_resolved(gathered: Any) -> None:
    order = drug("MedicationRequest", {}, "active")
    del order["medicationCodeableConcept"]
    order["contained"] = [{"resourceType": "Medication", "id": "m", "code": concept(RXNORM, "1597582")}]
    order["medicationReference"] = {"reference": "#m"}

    assert [fact.value for fact in gathered(order).facts_of("request.drug")] == ["olaparib"]


def test_a_dangling_medication_is_known_by_its_display(gathered: Any) -> None:
    given = drug("MedicationAdministration", {}, "completed")
    del given["medicationCodeableConcept"]
    given["medicationReference"] = {"reference": "Medication/nowhere", "display": "carboplatin 450 mg"}

    assert [fact.value for fact in gathered(given).facts_of("prior.therapy")] == ["carboplatin"]


def test_a_drug_that_is_no_cancer_drug_is_not_evidence(gathered: Any) -> None:
    assert gathered(drug("MedicationStatement", {"text": "metformin"}, "active")).facts_of("prior.therapy") == ()


def test_a_regimen_is_therapy_though_it_names_no_drug(gathered: Any) -> None:
    folfox = drug("MedicationAdministration", {"text": "BEACOPP cycle 3"}, "completed")
    denied = drug("MedicationStatement", {"text": "No prior chemotherapy"}, "active")

    assert [fact.value for fact in gathered(folfox).facts_of("prior.therapy")] == ["BEACOPP cycle 3"]
    assert gathered(denied).facts_of("prior.therapy") == ()


def test_an_unknown_drug_given_for_the_cancer_is_not_lost(gathered: Any) -> None:
    cancer = {
        "resourceType": "Condition",
        "id": "breast",
        "code": concept("http://hl7.org/fhir/sid/icd-10-cm", "C50.912"),
    }
    trial = drug(
        "MedicationAdministration",
        {"text": "investigational XB-17"},
        "completed",
        reasonReference=[{"reference": "Condition/breast"}],
    )

    assert [fact.value for fact in gathered(cancer, trial).facts_of("prior.therapy")] == ["investigational XB-17"]


DOSES = [
    ("200 mg IV every 3 weeks", [(200, "mg")], (1, 3, "wk")),
    ("400 mg q6w", [(400, "mg")], (1, 6, "wk")),
    ("8 mg/kg loading dose, then 6 mg/kg IV every 3 weeks", [(8, "mg/kg"), (6, "mg/kg")], (1, 3, "wk")),
    ("300 mg by mouth twice daily", [(300, "mg")], (2, 1, "d")),
    ("6 mg/kg (432 mg) every 21 days", [(6, "mg/kg")], (1, 21, "d")),
]


@pytest.mark.parametrize(("text", "doses", "rhythm"), DOSES)
def test_a_dose_in_words_is_read(
    gathered: Any, text: str, doses: list[tuple[int, str]], rhythm: tuple[int, int, str]
) -> None:
    order = drug("MedicationRequest", concept(RXNORM, "1547545"), "active", dosageInstruction=[{"text": text}])

    (view,) = [each for each in gathered(order).view if each["resourceType"] == "MedicationRequest"]

    read = [each["doseAndRate"][0]["doseQuantity"] for each in view["dosageInstruction"]]
    assert [(each["value"], each["code"]) for each in read] == [(Decimal(value), unit) for value, unit in doses]
    repeat = view["dosageInstruction"][-1]["timing"]["repeat"]
    assert (repeat["frequency"], repeat["period"], repeat["periodUnit"]) == rhythm


@pytest.mark.parametrize("text", ["200 mg every 3 weeks or 400 mg every 6 weeks", "as directed", "25 mg/ml"])
def test_a_dose_that_the_grammar_does_not_read_stays_words(gathered: Any, text: str) -> None:
    order = drug("MedicationRequest", concept(RXNORM, "1547545"), "active", dosageInstruction=[{"text": text}])

    (view,) = [each for each in gathered(order).view if each["resourceType"] == "MedicationRequest"]

    assert view["dosageInstruction"] == [{"text": text}]


def test_a_coded_dose_is_never_overruled_by_its_words(gathered: Any) -> None:
    stated = {
        "text": "400 mg every 6 weeks",
        "timing": {"repeat": {"frequency": 1, "period": 3, "periodUnit": "wk"}},
        "doseAndRate": [{"doseQuantity": {"value": 0.2, "unit": "g"}}],
    }
    order = drug("MedicationRequest", concept(RXNORM, "1547545"), "active", dosageInstruction=[stated])

    (view,) = [each for each in gathered(order).view if each["resourceType"] == "MedicationRequest"]

    (instruction,) = view["dosageInstruction"]
    assert instruction["doseAndRate"][0]["doseQuantity"]["value"] == 200
    assert instruction["timing"]["repeat"]["period"] == 3


def test_an_intolerance_to_a_cancer_drug_is_found(gathered: Any) -> None:
    allergy = {"resourceType": "AllergyIntolerance", "code": {"text": "trastuzumab-anns"}}

    (fact,) = gathered(allergy).facts_of("allergy.drug")

    assert (fact.value, fact.view) == ("trastuzumab", "AllergyIntolerance/r0")
