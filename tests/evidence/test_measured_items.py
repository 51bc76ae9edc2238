"""Laboratory values, markers and scores: by code and by name, in one unit, never from what only sounds alike."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from prior_auth.fhir.mcode import view_bundle
from prior_auth.fhir.validate import validate

LOINC, SNOMED, GTR = "http://loinc.org", "http://snomed.info/sct", "http://www.ncbi.nlm.nih.gov/gtr"


def concept(system: str, *codes: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} for code in codes]}


def quantity(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit}


def observation(code: str | Mapping[str, Any], value: Any, **more: Any) -> dict[str, Any]:
    """An Observation of May 2026; a code with a dash and digits is LOINC, other words are the name of the test."""
    words = isinstance(code, str) and not code.replace("-", "").isdigit()
    about = {"text": code} if words else concept(LOINC, code) if isinstance(code, str) else code
    kind = "valueQuantity" if isinstance(value, Mapping) and "value" in value else "valueCodeableConcept"
    typed = {"valueString" if isinstance(value, str) else kind: value}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": about,
        "effectiveDateTime": "2026-05-20",
        **typed,
        **more,
    }


CODED = [
    ("lab.hemoglobin", observation("718-7", quantity(9.2, "g/dl")), "9.2", "g/dL"),
    ("lab.hemoglobin", observation("718-7", quantity(92, "g/L")), "9.2", "g/dL"),
    ("lab.anc", observation("751-8", quantity(3.9, "10*3/uL")), "3.9", "10*3/uL"),
    ("lab.anc", observation("26499-4", quantity(3900, "/uL")), "3.9", "10*3/uL"),
    ("lab.platelets", observation("777-3", quantity(210, "10*9/L")), "210", "10*3/uL"),
    ("lab.creatinine", observation("2160-0", quantity(1.1, "mg/dL")), "1.1", "mg/dL"),
    ("lab.creatinine", observation("14682-9", quantity(100, "umol/L")), "1.1312200", "mg/dL"),
    ("lab.creatinine-clearance", observation("35591-7", quantity(34, "mL/min")), "34", "mL/min"),
    ("lab.egfr", observation("98979-8", quantity(55, "mL/min/1.73m2")), "55", "mL/min/{1.73_m2}"),
    ("lab.alt", observation("1742-6", quantity(31, "U/L")), "31", "U/L"),
    ("lab.ast", observation("1920-8", quantity(28, "IU/L")), "28", "U/L"),
    ("lab.bilirubin", observation("1975-2", quantity(0.7, "mg/dL")), "0.7", "mg/dL"),
    ("lab.calcium", observation("17861-6", quantity(9.4, "mg/dL")), "9.4", "mg/dL"),
    ("lab.calcium", observation("2000-8", quantity(2.5, "mmol/L")), "10.01950", "mg/dL"),
    ("lab.calcium-corrected", observation("46099-8", quantity(9.9, "mg/dL")), "9.9", "mg/dL"),
    ("lab.albumin", observation("1751-7", quantity(38, "g/L")), "3.8", "g/dL"),
    ("lab.potassium", observation("2823-3", quantity(4.1, "mmol/L")), "4.1", "mmol/L"),
    ("lab.potassium", observation("2823-3", quantity(4.1, "mEq/L")), "4.1", "mmol/L"),
    ("lab.ferritin", observation("2276-4", quantity(80, "ug/L")), "80", "ng/mL"),
    ("lab.tsat", observation("2502-3", quantity(18, "%")), "18", "%"),
    ("lab.b12", observation("2132-9", quantity(300, "pg/mL")), "300", "pg/mL"),
    ("lab.testosterone", observation("2986-8", quantity(32, "ng/dL")), "32", "ng/dL"),
    ("lab.testosterone", observation("2986-8", quantity(0.3, "ng/mL")), "30", "ng/dL"),
    ("psa", observation("2857-1", quantity(12.4, "ng/mL")), "12.4", "ng/mL"),
    ("tmb", observation("94076-7", {**quantity(57.1, "1/1000000{Base}"), "code": "1/1000000{Base}"}), "57.1",
     "1/1000000{Base}"),
    ("oncotype", observation(concept(GTR, "509910"), {**quantity(47, "Recurrence score"), "code": "1"}), "47", "1"),
    ("pdl1.cps", observation(concept("urn:prior-auth:finding", "pdl1.cps"), "CPS 12"), "12", "1"),
    ("pdl1.cps", observation(concept("urn:prior-auth:finding", "pdl1.cps"), quantity(15, "1")), "15", "1"),
    ("pdl1.ic", observation(concept("urn:prior-auth:finding", "pdl1.ic"), "IC 5%"), "5", "%"),
    ("bsa", observation("8277-6", quantity(1.77, "m2")), "1.77", "m2"),
]  # fmt: skip

NAMED = [
    ("lab.hemoglobin", observation("Hgb", "9.2 g/dL"), "9.2"),
    ("lab.anc", observation("ANC", "1.2 k/uL"), "1.2"),
    ("lab.anc", observation("Absolute neutrophil count", quantity(1200, "cells/uL")), "1.200"),
    ("lab.platelets", observation("Platelet count", quantity(150, "K/uL")), "150"),
    ("lab.creatinine", observation("Creatinine", quantity(1.1, "mg/dL")), "1.1"),
    ("lab.creatinine-clearance", observation("CrCl (Cockcroft-Gault)", quantity(34, "mL/min")), "34"),
    ("lab.egfr", observation("eGFR (CKD-EPI)", quantity(55, "mL/min/1.73 m2")), "55"),
    ("lab.alt", observation("ALT (SGPT)", quantity(31, "U/L")), "31"),
    ("lab.ast", observation("AST", quantity(28, "U/L")), "28"),
    ("lab.bilirubin", observation("Total bilirubin", quantity(0.7, "mg/dL")), "0.7"),
    ("lab.calcium", observation("Calcium, serum", quantity(9.4, "mg/dL")), "9.4"),
    ("lab.calcium-corrected", observation("Corrected calcium", quantity(9.9, "mg/dL")), "9.9"),
    ("lab.albumin", observation("Albumin", quantity(3.8, "g/dL")), "3.8"),
    ("lab.potassium", observation("Potassium", quantity(4.1, "mmol/L")), "4.1"),
    ("lab.ferritin", observation("Ferritin", "80 ng/mL"), "80"),
    ("lab.tsat", observation("Transferrin saturation", "18 %"), "18"),
    ("lab.b12", observation("Vitamin B12", "300 pg/mL"), "300"),
    ("lab.testosterone", observation("Testosterone, total", "<20 ng/dL"), "<20"),
    ("psa", observation("PSA", "<0.1 ng/mL"), "<0.1"),
    ("tmb", observation("Tumor mutational burden", "TMB-High (12 mut/Mb)"), "12"),
    ("oncotype", observation("Oncotype DX", "Recurrence score 18"), "18"),
    ("pdl1.cps", observation("PD-L1 22C3", "CPS 15"), "15"),
    ("pdl1.cps", observation("PD-L1 CPS", "CPS >= 10"), ">=10"),
    ("pdl1.ic", observation("PD-L1 SP142 immune cells", "10%"), "10"),
    ("bsa", observation("BSA", quantity(1.77, "m2")), "1.77"),
]

ITEMS = sorted({item for item, *_ in CODED})


@pytest.mark.parametrize(("item", "resource", "value", "unit"), CODED)
def test_a_coded_value_comes_in_the_items_unit(gathered: Any, item: str, resource: Any, value: str, unit: str) -> None:
    (fact,) = gathered(resource).facts_of(item)

    assert (fact.value, fact.unit, fact.tier) == (Decimal(value), unit, "code")


@pytest.mark.parametrize(("item", "resource", "value"), NAMED)
def test_a_value_under_a_name_is_of_tier_text(gathered: Any, item: str, resource: Any, value: str) -> None:
    (fact,) = gathered(resource).facts_of(item)

    assert str(fact.value) == value
    assert fact.tier == "text"


def coded(item: str) -> dict[str, Any]:
    return next(resource for name, resource, *_ in CODED if name == item)


@pytest.mark.parametrize("item", ITEMS)
def test_what_is_entered_in_error_is_not_there_and_what_is_not_final_is_pending(gathered: Any, item: str) -> None:
    wrong, early = ({**coded(item), "status": status} for status in ("entered-in-error", "preliminary"))

    assert gathered(wrong).facts_of(item) == gathered(early).facts_of(item) == ()
    assert [each.item for each in gathered(wrong).unread if each.item == item] == []
    assert [each.pending for each in gathered(early).unread if each.item == item] == [True]


@pytest.mark.parametrize("item", ITEMS)
def test_a_value_in_words_that_no_grammar_knows_is_unread(gathered: Any, item: str) -> None:
    bare = {key: value for key, value in coded(item).items() if not key.startswith("value")}
    said = "CPS could not be assessed" if item == "pdl1.cps" else "see the report"

    evidence = gathered({**bare, "valueString": said})

    assert evidence.facts_of(item) == ()
    assert len([each for each in evidence.unread if each.item == item]) == 1


@pytest.mark.parametrize("item", ITEMS)
def test_a_silent_chart_has_no_value(gathered: Any, item: str) -> None:
    evidence = gathered(observation("2339-0", quantity(90, "mg/dL")))

    assert evidence.facts_of(item) == ()
    assert evidence.looked[item].resources == {"Observation": 1}


@pytest.mark.parametrize(
    ("item", "resource"),
    [
        ("lab.anc", observation("751-8", quantity(3000, "10*3/uL"))),  # the unit of one, the number of the other
        ("lab.hemoglobin", observation("718-7", quantity(92, "g/dL"))),
        ("lab.creatinine", observation("2160-0", quantity(100, "mg/dL"))),
        ("lab.creatinine", observation("2160-0", {"value": 1.1})),
        ("lab.calcium", observation("17861-6", quantity(9.4, "mmol/L"))),
        ("psa", observation("2857-1", quantity(12, "U/L"))),
        ("tmb", observation("94076-7", "High")),
        ("tmb", observation("94076-7", quantity(57, "%"))),
        ("oncotype", observation(concept(GTR, "509910"), quantity(470, "1"))),
        ("bsa", observation("8277-6", quantity(17.7, "m2"))),
        ("pdl1.ic", observation("PD-L1 SP142 immune cells", "IC2")),
    ],
)
def test_a_wrong_unit_or_an_impossible_value_is_unread_and_never_guessed(
    gathered: Any, item: str, resource: Any
) -> None:
    evidence = gathered(resource)

    assert evidence.facts_of(item) == ()
    assert len([each for each in evidence.unread if each.item == item]) == 1


@pytest.mark.parametrize(
    ("item", "resource"),
    [
        ("lab.hemoglobin", observation("Hemoglobin A1c", quantity(6.1, "%"))),
        ("lab.hemoglobin", observation("Mean corpuscular hemoglobin", quantity(30, "pg"))),
        ("lab.anc", observation("Neutrophils %", quantity(60, "%"))),
        ("lab.anc", observation("Anti-neutrophil cytoplasmic antibody", "negative")),
        ("lab.platelets", observation("Mean platelet volume", quantity(9, "fL"))),
        ("lab.creatinine", observation("Creatinine, urine", quantity(110, "mg/dL"))),
        ("lab.creatinine", observation("Creatinine clearance", quantity(80, "mL/min"))),
        ("lab.creatinine", observation("Creatine kinase", quantity(110, "U/L"))),
        ("lab.egfr", observation("EGFR mutation analysis", "Not detected")),
        ("lab.bilirubin", observation("Bilirubin, direct", quantity(0.2, "mg/dL"))),
        ("lab.calcium", observation("Calcium, ionized", quantity(1.2, "mmol/L"))),
        ("lab.calcium", observation("Coronary artery calcium score", "0")),
        ("lab.calcium", observation("Corrected calcium", quantity(9.9, "mg/dL"))),
        ("lab.albumin", observation("Albumin/creatinine ratio", quantity(30, "mg/g"))),
        ("lab.potassium", observation("Potassium, urine", quantity(40, "mmol/L"))),
        ("lab.testosterone", observation("Testosterone, free", quantity(5, "pg/mL"))),
        ("psa", observation("PSA, free", quantity(0.4, "ng/mL"))),
        ("psa", observation("PSA doubling time", "4 months")),
        ("oncotype", observation("Oncotype DX prostate", "23")),
        ("oncotype", observation("Distant recurrence risk", "12 %")),
        ("pdl1.cps", observation("83053-9", quantity(60, "%"))),
        ("pdl1.cps", observation("PD-L1 TPS", "TPS 60%")),
        ("pdl1.ic", observation("PD-L1 TPS", "TPS 60%")),
        ("msi", observation("MMR vaccination", "given")),
        ("bsa", observation("Body surface area affected by psoriasis", quantity(10, "%"))),
    ],
)
def test_what_only_sounds_alike_is_neither_found_nor_unread(gathered: Any, item: str, resource: Any) -> None:
    evidence = gathered(resource)

    assert evidence.facts_of(item) == ()
    assert [each for each in evidence.unread if each.item == item] == []


def test_the_laboratorys_normal_range_is_kept_in_the_unit_of_the_value(gathered: Any) -> None:
    ranged = observation("718-7", quantity(92, "g/L"), referenceRange=[{"low": quantity(120, "g/L")}])

    (view,) = [each for each in gathered(ranged).view if each["resourceType"] == "Observation"]

    assert view["referenceRange"][0]["low"]["value"] == Decimal(12)
    assert view["referenceRange"][0]["low"]["code"] == "g/dL"


def test_two_hemoglobins_of_one_day_that_differ_are_a_conflict(gathered: Any) -> None:
    evidence = gathered(*(observation("718-7", quantity(value, "g/dL")) for value in (9.2, 11.0)))

    assert [each.item for each in evidence.conflicts] == ["lab.hemoglobin"]


MSI = [
    (observation("81695-9", concept(LOINC, "LA26203-2")), {"msi-high"}, "code"),
    (observation("81695-9", concept(LOINC, "LA14122-8")), {"msi-stable"}, "code"),
    (observation("Microsatellite instability", "MSI-High"), {"msi-high"}, "text"),
    (observation("Microsatellite instability", "High"), {"msi-high"}, "text"),
    (observation("MSI status", "MSS"), {"msi-stable"}, "text"),
    (observation("MSI by PCR", "Not detected"), {"msi-stable"}, "text"),
    (observation("MSI", "MSI-L"), {"msi-low"}, "text"),
    (observation("Mismatch repair proteins (IHC)", "Loss of MLH1 and PMS2"), {"mmr-deficient"}, "text"),
    (observation("Mismatch repair proteins (IHC)", "Intact nuclear expression"), {"mmr-proficient"}, "text"),
    (observation("MMR status", "dMMR"), {"mmr-deficient"}, "text"),
    (observation("MMR/MSI", "pMMR, MSS"), {"mmr-proficient", "msi-stable"}, "text"),
]


@pytest.mark.parametrize(("resource", "values", "tier"), MSI)
def test_instability_and_mismatch_repair_are_two_answers_of_msi(
    gathered: Any, resource: Any, values: set[str], tier: str
) -> None:
    facts = gathered(resource).facts_of("msi")

    assert {fact.value for fact in facts} == values
    assert {fact.tier for fact in facts} == {tier}


@pytest.mark.parametrize("said", ["MSI-high and MSS", "pending", "possible dMMR", "see report", "no MSI-high"])
def test_an_open_or_contradictory_msi_is_unread(gathered: Any, said: str) -> None:
    evidence = gathered(observation("81695-9", said))

    assert evidence.facts_of("msi") == ()
    assert [each.item for each in evidence.unread] == ["msi"]


def test_an_msi_whose_code_and_words_differ_is_unread(gathered: Any) -> None:
    evidence = gathered(observation("81695-9", {**concept(LOINC, "LA26203-2"), "text": "MSS"}))

    assert evidence.facts_of("msi") == ()
    assert [each.item for each in evidence.unread] == ["msi"]


def test_the_views_of_measured_items_are_valid(gathered: Any) -> None:
    resources = [resource for _, resource, *_ in (*CODED, *NAMED)] + [resource for resource, *_ in MSI]
    undated = [{key: value for key, value in each.items() if key != "effectiveDateTime"} for each in resources]

    for chart in (resources, undated):
        bundle = view_bundle(gathered(*chart), date(2026, 6, 30))
        assert [each for each in validate(bundle) if each.severity == "error"] == []
