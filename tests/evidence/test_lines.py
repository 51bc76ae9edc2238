"""Lines of therapy: as many as progression and a new drug after it prove, and no more."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from prior_auth.fhir.mcode import view_bundle
from prior_auth.fhir.validate import validate

RXNORM, LOINC, SNOMED = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://loinc.org", "http://snomed.info/sct"
CARBOPLATIN, PACLITAXEL, DOXORUBICIN, GEMCITABINE = "40048", "56946", "3639", "12574"
ONDANSETRON = "26225"


def given(code: str, day: str | None, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationAdministration",
        "status": "completed",
        "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": code}]},
        **({"effectiveDateTime": day} if day else {}),
        **more,
    }


def progressed(day: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "97509-4"}]},
        "valueCodeableConcept": {"coding": [{"system": SNOMED, "code": "271299001"}]},
        "effectiveDateTime": day,
        **more,
    }


ONE, TWO, THREE = (
    [given(CARBOPLATIN, "2025-01-10")],
    [given(CARBOPLATIN, "2025-01-10"), progressed("2025-05-01"), given(GEMCITABINE, "2025-05-10")],
    [
        given(CARBOPLATIN, "2025-01-10"), progressed("2025-05-01"), given(GEMCITABINE, "2025-05-10"),
        given(CARBOPLATIN, "2025-05-10"), progressed("2025-10-01"), progressed("2025-11-01"),
        given(PACLITAXEL, "2025-11-05"),
    ],
)  # fmt: skip

PROVED = [
    (ONE, ">=1"),
    (TWO, ">=2"),
    (THREE, ">=3"),
    ([given(DOXORUBICIN, "2025-01-10"), given(PACLITAXEL, "2025-04-10")], ">=1"),  # AC, then T: one line
    ([given(CARBOPLATIN, "2025-01-10"), progressed("2025-05-01"), given(CARBOPLATIN, "2025-06-01")], ">=1"),
    ([progressed("2024-12-01"), given(CARBOPLATIN, "2025-01-10")], ">=1"),
    ([given(CARBOPLATIN, "2025-01-10"), progressed("2025-05-01"), given(ONDANSETRON, "2025-06-01")], ">=1"),
    ([given(CARBOPLATIN, "2025-01-10"), progressed("2025-05-01"), given(GEMCITABINE, None)], ">=1"),
    ([given(CARBOPLATIN, "2025-01-10"), progressed("2025"), given(GEMCITABINE, "2025-06-01")], ">=1"),
]


@pytest.mark.parametrize(("chart", "count"), PROVED)
def test_a_line_counts_where_progression_and_a_new_drug_prove_it(
    gathered: Any, chart: list[dict[str, Any]], count: str
) -> None:
    evidence = gathered(*chart)

    assert [(fact.value, fact.unit) for fact in evidence.facts_of("prior.lines")] == [(count, "1")]
    (view,) = [
        each
        for each in evidence.view
        if {"system": "urn:prior-auth:item", "code": "prior.lines"} in each["meta"]["tag"]
    ]
    assert (view["valueQuantity"]["comparator"], view["valueQuantity"]["value"]) == (">=", int(count[2:]))
    found = validate(view_bundle(evidence, date(2026, 6, 30)))
    assert [each for each in found if each.severity == "error"] == []


@pytest.mark.parametrize(
    "chart",
    [
        [],
        [progressed("2025-05-01")],
        [given(ONDANSETRON, "2025-01-10")],
        [given(CARBOPLATIN, None)],
        [given(CARBOPLATIN, "2025-01-10", status="entered-in-error")],
        [
            {
                **given(CARBOPLATIN, None),
                "resourceType": "MedicationRequest",
                "status": "completed",
                "intent": "order",
                "authoredOn": "2025-01-10",
            }
        ],
    ],
)
def test_no_therapy_that_was_given_on_a_day_is_no_line(gathered: Any, chart: list[dict[str, Any]]) -> None:
    assert gathered(*chart).facts_of("prior.lines") == ()


def test_a_progression_that_is_entered_in_error_proves_nothing(gathered: Any) -> None:
    chart = [TWO[0], progressed("2025-05-01", status="entered-in-error"), TWO[2]]

    assert [fact.value for fact in gathered(*chart).facts_of("prior.lines")] == [">=1"]


def test_the_lines_of_two_cancers_are_counted_apart(gathered: Any) -> None:
    codes = {"lung": "C34.12", "breast": "C50.412"}
    cancers = [
        {
            "resourceType": "Condition",
            "id": name,
            "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code}]},
        }
        for name, code in codes.items()
    ]
    lung = {"reasonReference": [{"reference": "Condition/lung"}]}
    breast = {"reasonReference": [{"reference": "Condition/breast"}]}

    evidence = gathered(
        *cancers,
        given(CARBOPLATIN, "2025-01-10", **lung),
        progressed("2025-05-01", focus=[{"reference": "Condition/breast"}]),
        given(DOXORUBICIN, "2025-02-01", **breast),
        given(GEMCITABINE, "2025-06-01", **breast),
        given(PACLITAXEL, "2025-07-01", **lung),
    )

    assert sorted(str(fact.value) for fact in evidence.facts_of("prior.lines")) == [">=1", ">=2"]
