"""Low-dose CTs, the visits before them, and the conditions that R06 and R08 ask for: found by code or by words."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from prior_auth.evidence.gather import gather
from prior_auth.rulebook import Rulebook

SCT, ICD = "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10-cm"
CPT, HCPCS = "http://www.ama-assn.org/go/cpt", "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
AS_OF = date(2026, 9, 15)


@pytest.fixture(scope="module")
def definitions() -> Any:
    return Rulebook.load().definitions


def concept(system: str | None, code: str | None, text: str | None = None) -> dict[str, Any]:
    coded = {"coding": [{"system": system, "code": code}]} if code else {}
    return coded | ({"text": text} if text else {})


def gathered(definitions: Any, *resources: dict[str, Any]) -> Any:
    subject = {"subject": {"reference": "Patient/p"}}
    held = [{"resourceType": "Patient", "id": "p"}, *({**one, **subject} for one in resources)]
    return gather(held, as_of=AS_OF, definitions=definitions)


def condition(code: dict[str, Any], verified: str = "confirmed") -> dict[str, Any]:
    system = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
    return {
        "resourceType": "Condition", "id": "c", "code": code, "onsetDateTime": "2026-08-01",
        "verificationStatus": {"coding": [{"system": system, "code": verified}]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ("deficiency", concept(SCT, "35240004")),
        ("deficiency", concept(SCT, "87522002")),
        ("deficiency", concept(ICD, "D50.9")),
        ("deficiency", concept(ICD, "E53.8")),
        ("deficiency", concept(None, None, "Vitamin B12 deficiency")),
        ("deficiency", concept(None, None, "Iron-deficient anemia")),
        ("hemolysis", concept(ICD, "D59.4")),
        ("hemolysis", concept(None, None, "Haemolytic anaemia")),
        ("bleeding", concept(ICD, "K92.2")),
        ("bleeding", concept(ICD, "D62")),
        ("bleeding", concept(None, None, "Acute GI bleed")),
        ("aplasia", concept(ICD, "D60.9")),
        ("aplasia", concept(None, None, "Pure red cell aplasia")),
        ("hypocalcemia", concept(ICD, "E83.51")),
        ("hypocalcemia", concept(None, None, "Hypocalcaemia")),
        ("hypercalcemia", concept(SCT, "66931009")),
        ("hypercalcemia", concept(None, None, "Hypercalcemia of malignancy")),
        ("gctb", concept(ICD, "D48.0")),
        ("gctb", concept(None, None, "Giant cell tumor of the sacrum")),
        ("castration.resistant", concept(ICD, "Z19.2")),
        ("castration.resistant", concept(SCT, "427492003")),
        ("castration.resistant", concept(None, None, "Metastatic castration-resistant prostate cancer (mCRPC)")),
        ("castration.sensitive", concept(ICD, "Z19.1")),
        ("castration.sensitive", concept(None, None, "Hormone-sensitive prostate cancer")),
    ],
)
def test_a_condition_is_found_by_its_code_or_its_words(definitions: Any, item: str, code: dict[str, Any]) -> None:
    assert [one.value for one in gathered(definitions, condition(code)).facts_of(item)] == [item]


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ("deficiency", concept(ICD, "D64.81")),
        ("deficiency", concept(None, None, "No iron deficiency")),
        ("hemolysis", concept(ICD, "D60.9")),
        ("bleeding", concept(None, None, "History of risk of GI bleeding")),
        ("hypocalcemia", concept(ICD, "E83.52")),
        ("hypercalcemia", concept(ICD, "E83.51")),
        ("gctb", concept(ICD, "D48.1")),
        ("gctb", concept(None, None, "Giant cell tumor of tendon sheath")),
        ("castration.resistant", concept(ICD, "Z19.1")),
        ("castration.resistant", concept(None, None, "Prostate cancer, not castration-resistant prostate cancer")),
        ("castration.sensitive", concept(None, None, "Hormone-sensitive breast cancer")),
    ],
)
def test_another_condition_is_not_taken_for_it(definitions: Any, item: str, code: dict[str, Any]) -> None:
    assert gathered(definitions, condition(code)).facts_of(item) == ()


SUPPOSED = {
    "deficiency": "Iron deficiency",
    "hemolysis": "Hemolysis",
    "bleeding": "Active bleeding",
    "aplasia": "Pure red cell aplasia",
    "hypocalcemia": "Hypocalcemia",
    "hypercalcemia": "Hypercalcemia",
}


@pytest.mark.parametrize("item", sorted(SUPPOSED))
def test_one_that_is_only_supposed_is_named_unread(definitions: Any, item: str) -> None:
    found = gathered(definitions, condition(concept(None, None, SUPPOSED[item]), "provisional"))
    assert found.facts_of(item) == ()
    assert item in {one.item for one in found.unread}


def scan(code: dict[str, Any], kind: str = "Procedure") -> dict[str, Any]:
    when = {"performedDateTime": "2025-09-02"} if kind == "Procedure" else {"effectiveDateTime": "2025-09-02"}
    return {
        "resourceType": kind,
        "id": "s",
        "status": "completed" if kind == "Procedure" else "final",
        "code": code,
        **when,
    }


@pytest.mark.parametrize(
    ("item", "resource"),
    [
        ("ldct.scan", scan(concept(CPT, "71271"))),
        ("ldct.scan", scan(concept(HCPCS, "G0297"))),
        ("ldct.scan", scan(concept(None, None, "Low-dose chest CT for lung cancer screening"))),
        ("ldct.scan", scan(concept(CPT, "71271"), "DiagnosticReport")),
        ("ldct.counseling", scan(concept(HCPCS, "G0296"))),
        ("ldct.counseling", scan(concept(None, None, "Shared decision visit for LDCT"))),
    ],
)
def test_a_screening_and_its_visit_are_found(definitions: Any, item: str, resource: dict[str, Any]) -> None:
    found = gathered(definitions, resource)
    assert [(one.item, one.date) for one in found.facts if one.item.startswith("ldct")] == [(item, "2025-09-02")]


@pytest.mark.parametrize("words", ["CT of the chest with contrast", "LDCT planned", "CT for staging of lung cancer"])
def test_another_scan_is_no_screening(definitions: Any, words: str) -> None:
    assert gathered(definitions, scan(concept(None, None, words))).facts_of("ldct.scan") == ()
