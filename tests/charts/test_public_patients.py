"""Public patients with an order of ours, every criterion judged by hand first (the reasons stand beside them)."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from prior_auth.charts.bundle_file import BundleFile
from prior_auth.domain.assessment import ItemAssessment
from prior_auth.errors import BadInput
from prior_auth.evidence.gather import gather
from prior_auth.fhir.orders import authorization_request
from prior_auth.policy.assess import assess
from prior_auth.rulebook import Rulebook

PUBLIC = Path(__file__).parent / "public"
AS_OF = date(2026, 9, 15)
ORDER = "MedicationRequest/example-order"

# Jenny M: left breast cancer of 2018, operated, HER2 negative, under an order for a trastuzumab biosimilar.
JENNY = {
    "R09.C1": "met",  # Condition 353431000119107, named by the order
    "R09.C2": "not-met",  # HER2 interpretation negative (48676-1); no ISH says otherwise
    "R09.C3": "met",  # excised, cM0, pN0, and pT3 is a high-risk feature; Condition.stage IIIC yields to IIB
    "R09.C4": "unknown",  # no ejection fraction at all
    "R09.C5": "met",  # Q5117 is a biosimilar
    "R09.C6": "met",  # 8 then 6 mg/kg every 21 days; 17 later doses end within 52 weeks; 752 units at 68 kg
    "R09.C7": "unknown",  # the pathology report is there, no consult note of the last 90 days
    "R09.X1": "not-met",  # no two ejection fractions: no drop is presumed
    "R09.X2": "not-met",  # no pregnancy on record
}

# John Anyperson: lung cancer, brain metastasis after M0, platinum stopped for intolerance, an old ECOG.
JOHN = {
    "R11.C1": "met",  # NSCLC by code; the mistyped histology 80463/3 says the same
    "R11.C2": "met",  # the brain metastasis is dated after cM0 and stage IIIC
    "R11.C3": "unknown",  # no PD-L1
    "R11.C4": "unknown",  # EGFR by immunostain is no gene test, an order for gefitinib is no result; ALK never named
    "R11.C5": "met",  # cisplatin was ordered, completed, then stopped as not tolerated
    "R11.C6": "unknown",  # ECOG 0 and Karnofsky 90 are of 2019
    "R11.C7": "met",  # no autoimmune disease on record; heart failure is none
    "R11.C8": "met",  # 200 mg every 21 days, nine doses
    "R11.X1": "not-met",  # no PD-1 or PD-L1 inhibitor before
    "R11.X2": "not-met",  # no transplant on record
}

# Adam Anyperson (GenomeX): a genomics report without a diagnosis; MSI-high, and a MET-ALK fusion. Of all rows that the
# unknown cancer may be of, the one for MSI-high cancers of the bowel has most on record: pended, for the diagnosis.
GENOMEX = {
    "R11.C1": "unknown",  # no Condition and no histology; C34.9 stands only as the reason of the panel's order
    "R11.C2": "unknown",  # nothing about extent
    "R11.C3": "met",  # MSI-high
    "R11.C5": "met",  # no earlier therapy on record
    "R11.C6": "unknown",  # no performance status
    "R11.C7": "met",  # no autoimmune disease on record
    "R11.C8": "met",
    "R11.X1": "not-met",
    "R11.X2": "not-met",
}


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    return Rulebook.load()


def judged(name: str, rulebook: Rulebook) -> ItemAssessment:
    resources = BundleFile(PUBLIC / f"{name}.json").read() + BundleFile(PUBLIC / f"{name}.request.json").read()
    evidence = gather(resources, as_of=AS_OF, definitions=rulebook.definitions)
    request = authorization_request(resources, as_of=AS_OF, order=ORDER, billing_units=rulebook.billing_units)
    return assess(request, evidence, rulebook, as_of=AS_OF, payer=None).items[0]


@pytest.mark.parametrize(
    ("name", "ending", "outcomes"),
    [
        ("mcode-stu4-jenny-m-breast-full", ("A", "refer", "not-met"), JENNY),
        ("mcode-stu4-john-anyperson-nsclc-full", ("M4", "pend", None), JOHN),
        ("mcode-stu4-genomex-adam-anyperson-full", ("S2", "pend", None), GENOMEX),
    ],
)
def test_a_public_patient_is_judged_as_by_hand(
    name: str, ending: tuple[str, str, str | None], outcomes: dict[str, str], rulebook: Rulebook
) -> None:
    item = judged(name, rulebook)

    assert {one.id: one.outcome.value for one in item.criteria} == outcomes
    assert (item.path, item.recommendation.value, item.cause.value if item.cause else None) == ending
    assert all(one.missing for one in item.criteria if one.outcome.value == "unknown")
    assert not any(one.problem for one in item.criteria)


@pytest.mark.parametrize(
    ("name", "criterion", "evidence"),
    [
        ("mcode-stu4-jenny-m-breast-full", "R09.C2", {"Observation/tumor-marker-test-her2-jenny-m"}),
        ("mcode-stu4-john-anyperson-nsclc-full", "R11.C6", {"Observation/ecog-performance-status-fully-active"}),
        ("mcode-stu4-genomex-adam-anyperson-full", "R11.C3", {"Observation/gx-genomic-msi"}),
    ],
)
def test_what_decided_is_shown(name: str, criterion: str, evidence: set[str], rulebook: Rulebook) -> None:
    result = next(one for one in judged(name, rulebook).criteria if one.id == criterion)
    assert evidence <= {fact.source.reference for fact in result.evidence}


def test_the_same_chart_without_mcode_is_judged_alike(rulebook: Rulebook) -> None:
    plain = BundleFile(PUBLIC / "derived-jenny-m-uscore-only.json").read()
    resources = plain + BundleFile(PUBLIC / "mcode-stu4-jenny-m-breast-full.request.json").read()
    evidence = gather(resources, as_of=AS_OF, definitions=rulebook.definitions)
    request = authorization_request(resources, as_of=AS_OF, order=ORDER, billing_units=rulebook.billing_units)
    item = assess(request, evidence, rulebook, as_of=AS_OF, payer=None).items[0]
    outcomes = {one.id: one.outcome.value for one in item.criteria}
    assert outcomes["R09.C1"] == "met"
    assert outcomes["R09.C2"] == "not-met"  # "HER2/neu": "IHC 1+, negative"
    assert item.recommendation.value == "refer"


@pytest.mark.parametrize("name", ["mcode-stu4-eve-anyperson-breast", "mcode-stu4-john-anyperson-all-disease-examples"])
def test_a_file_with_two_patients_is_refused(name: str, rulebook: Rulebook) -> None:
    with pytest.raises(BadInput) as refused:
        gather(BundleFile(PUBLIC / f"{name}.json").read(), as_of=AS_OF, definitions=rulebook.definitions)
    assert "2 patients" in str(refused.value)


def test_an_order_of_the_chart_itself_is_not_mistaken_for_ours(rulebook: Rulebook) -> None:
    resources: list[dict[str, Any]] = BundleFile(PUBLIC / "mcode-stu4-jenny-m-breast-full.json").read()
    request = authorization_request(resources, as_of=AS_OF, order=None, billing_units=rulebook.billing_units)
    assert ORDER not in {item.order for item in request.items}
    assert request.coverage is None
