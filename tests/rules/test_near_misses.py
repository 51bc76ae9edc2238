"""Charts that nearly prove a criterion, and do not: what a hurried reader would take for evidence."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import pytest

from prior_auth.engine import Engine
from prior_auth.rulebook import Rulebook

LOINC, SNOMED, CPT = "http://loinc.org", "http://snomed.info/sct", "http://www.ama-assn.org/go/cpt"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
PERSON = {"reference": "Patient/p"}
LUNG = "Condition/cancer"


@cache
def engine() -> Engine:
    return Engine(Rulebook.load())


def outcomes(*resources: dict[str, Any], drug: str = "J9271") -> dict[str, str]:
    """Outcome by criterion of an order of `drug` for Condition/cancer; results are of 2026-10-20."""
    return {each["id"]: each["outcome"] for each in item(*resources, drug=drug)["criteria"]}


def item(*resources: dict[str, Any], drug: str = "J9271", insured: dict[str, str] = PERSON) -> dict[str, Any]:
    """What is said of that order, under a Coverage of `insured`."""
    order = {
        "resourceType": "MedicationRequest",
        "id": "order",
        "status": "active",
        "intent": "order",
        "authoredOn": "2026-11-20",
        "medicationCodeableConcept": {"coding": [{"system": HCPCS, "code": drug}]},
        "reasonReference": [{"reference": LUNG}],
    }
    payor = {"identifier": {"system": "http://example.org/payer-id", "value": "EXPAYER01"}}
    coverage = {"resourceType": "Coverage", "id": "c", "status": "active", "beneficiary": insured, "payor": [payor]}
    patient = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1961-04-02"}
    chart = [patient, coverage, *({"subject": PERSON, **each} for each in (order, *resources))]
    judged = engine().judge(chart, as_of=date(2026, 11, 25))
    found: dict[str, Any] = judged.report["items"][0]
    return found


def coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def cancer(code: str, id: str = "cancer", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "id": id, "code": coded(ICD10, code), "onsetDateTime": "2026-08-10", **more}


def result(id: str, code: dict[str, Any], **value: Any) -> dict[str, Any]:
    common = {"resourceType": "Observation", "status": "final", "effectiveDateTime": "2026-10-20"}
    return {**common, "id": id, "code": code, **value}


def no_variant(id: str, gene: str, *components: dict[str, Any], **more: Any) -> dict[str, Any]:
    studied = {"code": coded(LOINC, "48018-6"), "valueCodeableConcept": coded("http://www.genenames.org/geneId", gene)}
    absent = coded(LOINC, "LA9634-2")
    return result(id, coded(LOINC, "69548-6"), valueCodeableConcept=absent, component=[studied, *components], **more)


def genes(*components: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return [no_variant("egfr", "HGNC:3236", *components, **more), no_variant("alk", "HGNC:427", *components, **more)]


GERMLINE = {"code": coded(LOINC, "48002-0"), "valueCodeableConcept": coded(LOINC, "LA6683-2")}


def test_a_tumor_without_egfr_and_alk_variants_is_negative() -> None:
    assert outcomes(cancer("C34.12"), *genes())["R11.C4"] == "met"


def test_a_negative_germline_test_says_nothing_of_the_tumor() -> None:
    assert outcomes(cancer("C34.12"), *genes(GERMLINE))["R11.C4"] == "unknown"


@pytest.mark.parametrize("other", ["C50.912", "C18.7", "C61"])
def test_of_two_cancers_unbound_results_speak_of_neither(other: str) -> None:
    proportion = result("tps", coded(LOINC, "83053-9"), valueQuantity={"value": 60, "unit": "%"})
    found = outcomes(cancer("C34.12"), cancer(other, "other"), proportion, *genes())
    assert (found["R11.C3"], found["R11.C4"]) == ("unknown", "unknown")


def test_of_two_cancers_results_bound_to_the_treated_one_count() -> None:
    bound = {"focus": [{"reference": LUNG}]}
    proportion = result("tps", coded(LOINC, "83053-9"), valueQuantity={"value": 60, "unit": "%"}, **bound)
    found = outcomes(cancer("C34.12"), cancer("C50.912", "other"), proportion, *genes(**bound))
    assert (found["R11.C3"], found["R11.C4"]) == ("met", "met")


def her2(**more: Any) -> dict[str, Any]:
    return result("her2", **{"code": coded(LOINC, "85319-2"), "valueString": "3+", **more})


def breast(*resources: dict[str, Any]) -> dict[str, str]:
    return outcomes(cancer("C50.912"), *resources, drug="Q5117")


def test_a_score_of_3_is_positive() -> None:
    assert breast(her2())["R09.C2"] == "met"
    assert breast(her2(valueString="3+ in 80% of tumor cells"))["R09.C2"] == "met"


def test_a_score_of_3_in_too_few_cells_is_not_read() -> None:
    assert breast(her2(valueString="3+ in 5% of cells"))["R09.C2"] == "unknown"


def test_few_stained_cells_may_be_negative() -> None:
    assert breast(her2(valueString="0, in <=10% of tumor cells"))["R09.C2"] == "not-met"


def test_a_result_with_a_modifier_extension_is_not_read() -> None:
    marked = her2(modifierExtension=[{"url": "http://example.org/reversed", "valueBoolean": True}])
    assert breast(marked)["R09.C2"] == "unknown"


@pytest.mark.parametrize("about", ["RelatedPerson/mother", "Patient/donor"])
def test_a_result_whose_focus_is_another_person_is_no_evidence(about: str) -> None:
    assert breast(her2(focus=[{"reference": about}]))["R09.C2"] == "unknown"


def test_a_control_of_the_test_is_no_result() -> None:
    control = result("her2", {"text": "HER2 IHC positive control"}, valueString="3+")
    assert breast(control)["R09.C2"] == "unknown"


@pytest.mark.parametrize("called", ["PD-L1 cutoff", "PD-L2 TPS"])
def test_neither_a_cutoff_nor_another_protein_is_a_proportion_score(called: str) -> None:
    named = result("t", {"text": called}, valueQuantity={"value": 60, "unit": "%"})
    assert outcomes(cancer("C34.12"), named)["R11.C3"] == "unknown"


@pytest.mark.parametrize("other", ["Patient/zz", "urn:uuid:5a3bd1a5-6d0e-4a4c-9f3b-0d3f5f4f6f10"])
def test_a_coverage_of_another_beneficiary_insures_nothing(other: str) -> None:
    found = item(cancer("C34.12"), insured={"reference": other})
    assert (found["recommendation"], found["cause"]) == ("refer", "unknown-payer")
    assert item(cancer("C34.12"), insured={"reference": "http://ehr.example.org/fhir/Patient/p"})["cause"] is None


def test_words_that_deny_a_metastasis_are_no_metastasis_whatever_its_code() -> None:
    def brain(text: str) -> dict[str, Any]:
        return cancer("C79.31", "brain") | {"code": {**coded(ICD10, "C79.31"), "text": text}}

    assert outcomes(cancer("C34.12"), brain("Brain metastases"))["R11.C2"] == "met"
    assert outcomes(cancer("C34.12"), brain("No evidence of brain metastases"))["R11.C2"] == "unknown"


# --- A result that is taken back --------------------------------------------------------------------------------------

INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
TAKEN_BACK: list[dict[str, Any]] = [
    {"interpretation": [coded(INTERPRETATION, "NEG")]},
    {"interpretation": [coded(INTERPRETATION, "E")]},
    {"interpretation": [{"text": "Negative"}]},
    {"note": [{"text": "RETRACTED: wrong specimen"}]},
    {"note": [{"text": "Entered in error, see addendum"}]},
    {"note": [{"text": "HER2 negative (1+) on review"}]},
    {"dataAbsentReason": coded("http://terminology.hl7.org/CodeSystem/data-absent-reason", "error")},
    {"valueString": "3+/-"},
    {"valueString": "3 + / -"},
]
STANDS: list[dict[str, Any]] = [
    {"interpretation": [coded(INTERPRETATION, "POS")]},
    {"interpretation": [coded(INTERPRETATION, "A")]},
    {"note": [{"text": "Seen with the tumor board"}]},
    {"note": [{"text": "HER2 IHC 3+"}]},
]


@pytest.mark.parametrize("said", TAKEN_BACK, ids=str)
def test_a_result_that_takes_itself_back_is_not_read(said: dict[str, Any]) -> None:
    assert breast(her2(**said))["R09.C2"] == "unknown"


@pytest.mark.parametrize("said", STANDS, ids=str)
def test_a_result_that_its_interpretation_and_note_bear_out_is_read(said: dict[str, Any]) -> None:
    assert breast(her2(**said))["R09.C2"] == "met"


def test_a_panel_that_is_withdrawn_withdraws_its_parts() -> None:
    part = {"code": coded(LOINC, "85319-2"), "valueString": "3+"}
    panel = {"code": {"text": "Markers"}, "component": [part]}
    assert breast(result("panel", **panel))["R09.C2"] == "met"
    assert breast(result("panel", **panel, note=[{"text": "retracted"}]))["R09.C2"] == "unknown"


def test_a_variant_that_its_interpretation_denies_is_not_read() -> None:
    denied = {"interpretation": [coded(INTERPRETATION, "POS")]}
    assert outcomes(cancer("C34.12"), *genes(**denied))["R11.C4"] == "unknown"


# --- A newer result that is not final ---------------------------------------------------------------------------------

NEWER: list[dict[str, Any]] = [
    {"effectiveDateTime": "2026-10-21"},
    {"effectiveDateTime": "2026-10"},
    {"effectiveDateTime": None},
    {"valueString": None},
]
NOT_NEWER: list[dict[str, Any]] = [
    {"effectiveDateTime": "2026-10-20"},
    {"effectiveDateTime": "2026-09-01"},
    {"effectiveDateTime": "2026-12-01"},  # after the day of the judgement
    {"status": "entered-in-error"},
    {"focus": [{"reference": "Condition/other"}]},
]


def retest(**said: Any) -> dict[str, Any]:
    told = {"status": "preliminary", "effectiveDateTime": "2026-11-01", **said}
    return {key: value for key, value in (her2(**told) | {"id": "retest"}).items() if value is not None}


@pytest.mark.parametrize("said", NEWER, ids=str)
def test_a_newer_result_that_is_not_final_leaves_the_criterion_unknown(said: dict[str, Any]) -> None:
    judged = item(cancer("C50.912"), her2(), retest(**said), drug="Q5117")
    (found,) = (one for one in judged["criteria"] if one["id"] == "R09.C2")
    assert found["outcome"] == "unknown"
    assert "preliminary, not final" in found["why"]
    assert judged["recommendation"] == "pend"


@pytest.mark.parametrize("said", NOT_NEWER, ids=str)
def test_a_result_that_is_not_final_and_not_newer_changes_nothing(said: dict[str, Any]) -> None:
    bound = {"focus": [{"reference": LUNG}]}
    found = outcomes(cancer("C50.912"), cancer("C50.911", "other"), her2(**bound), retest(**bound | said), drug="Q5117")
    assert found["R09.C2"] == "met"


def test_a_pending_test_of_one_gene_says_nothing_of_another() -> None:
    later = {"status": "preliminary", "effectiveDateTime": "2026-11-01"}
    kras = no_variant("kras", "HGNC:6407", **later)
    egfr = no_variant("egfr-again", "HGNC:3236", **later)
    assert outcomes(cancer("C34.12"), *genes(), kras)["R11.C4"] == "met"
    assert outcomes(cancer("C34.12"), *genes(), egfr)["R11.C4"] == "unknown"
