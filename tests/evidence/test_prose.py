from __future__ import annotations

import base64
from typing import Any

import pytest


def note(text: str, content_type: str = "text/plain") -> dict[str, Any]:
    attachment = {"contentType": content_type, "data": base64.b64encode(text.encode()).decode()}
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": "11488-4"}]},
        "date": "2026-06-01T10:00:00Z",
        "content": [{"attachment": attachment}],
    }


def drug(kind: str, code: str, name: str, **more: Any) -> dict[str, Any]:
    coding = {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": code, "display": name}
    return {"resourceType": kind, "medicationCodeableConcept": {"coding": [coding]}} | more


ORDER = drug("MedicationRequest", "1547545", "pembrolizumab", status="active", intent="order", authoredOn="2026-06-20")
CARBOPLATIN = drug(
    "MedicationAdministration", "40048", "carboplatin", status="completed", effectiveDateTime="2026-02-16"
)


PARTS = {"prior.platinum", "prior.any-chemo", "prior.endocrine", "prior.trastuzumab"}


def unread(evidence: Any) -> set[str]:
    return {one.item for one in evidence.unread if "prose" in one.why} - PARTS


@pytest.mark.parametrize(
    "prose",
    [
        "Progressed after carboplatin and paclitaxel.",
        "Plan: pembrolizumab, after progression on carboplatin/pemetrexed.",
        "He completed four cycles of cisplatin in March.",
        "Previously treated with osimertinib.",
        "s/p carboplatin x4, tolerated well",
        "History of platinum-based chemotherapy.",
        "Received pembrolizumab at another hospital.",
        "Two cycles of gemcitabine were given.",
    ],
)
def test_earlier_therapy_that_only_a_note_tells_of_is_not_silence(gathered: Any, prose: str) -> None:
    assert unread(gathered(ORDER, note(prose))) == {"prior.therapy"}


@pytest.mark.parametrize(
    "prose",
    [
        "First-line pembrolizumab alone.",
        "No prior chemotherapy.",
        "Never received systemic therapy.",
        "Chemotherapy-naive patient with metastatic adenocarcinoma.",
        "Will receive carboplatin and pemetrexed with pembrolizumab for 4 cycles.",
        "Pembrolizumab will be started after dental review.",
        "Mother was treated with tamoxifen.",
        "Received pegfilgrastim and prednisone.",
        "Progressed to stage IV.",
    ],
)
def test_a_note_that_tells_of_no_earlier_therapy_leaves_silence(gathered: Any, prose: str) -> None:
    assert unread(gathered(ORDER, note(prose))) == set()


def test_a_note_about_therapy_that_the_chart_holds_adds_nothing(gathered: Any) -> None:
    assert unread(gathered(ORDER, CARBOPLATIN, note("Progressed after carboplatin."))) == set()
    assert unread(gathered(ORDER, CARBOPLATIN, note("Progressed after carboplatin, then nivolumab."))) == {
        "prior.therapy"
    }


@pytest.mark.parametrize(
    ("prose", "item"),
    [
        ("Crohn's disease, on prednisone 20 mg.", "autoimmune"),
        ("Active rheumatoid arthritis under methotrexate", "autoimmune"),
        ("CT shows interstitial lung disease", "ild"),
        ("Kidney transplant in 2015", "transplant"),
        ("She is pregnant", "pregnancy"),
        ("Known myelodysplastic syndrome", "mds-aml"),
    ],
)
def test_a_condition_that_only_a_note_tells_of_is_not_silence(gathered: Any, prose: str, item: str) -> None:
    assert item in unread(gathered(ORDER, note(prose)))


@pytest.mark.parametrize(
    "prose",
    [
        "No autoimmune disease, interstitial lung disease or organ transplant.",
        "Denies lupus.",
        "Immune-related adverse events such as colitis and pneumonitis were discussed.",
        "Pregnancy test negative. Counselled on contraception.",
        "Sister has multiple sclerosis.",
        "Psoriasis, resolved since 2010.",
    ],
)
def test_a_note_that_denies_or_warns_leaves_silence(gathered: Any, prose: str) -> None:
    assert unread(gathered(ORDER, note(prose))) == set()


def test_what_cannot_be_read_here_tells_nothing(gathered: Any) -> None:
    assert unread(gathered(ORDER, note("Progressed after carboplatin.", "application/pdf"))) == set()


def test_a_note_that_was_taken_back_tells_nothing(gathered: Any) -> None:
    superseded = note("Progressed after carboplatin.") | {"status": "entered-in-error"}
    assert unread(gathered(ORDER, superseded)) == set()


def test_a_coded_condition_needs_no_note(gathered: Any) -> None:
    crohn = {
        "resourceType": "Condition",
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "K50.90"}]},
        "clinicalStatus": {"coding": [{"code": "active"}]},
    }
    assert "autoimmune" not in unread(gathered(ORDER, crohn, note("Crohn's disease, on prednisone 20 mg.")))


def test_a_bleeding_or_a_perforation_that_only_a_note_tells_of_is_not_silence(gathered: Any) -> None:
    assert unread(gathered(ORDER, note("Hemoptysis last week."))) == {"hemoptysis", "comorbidity.present"}
    assert unread(gathered(ORDER, note("GI perforation in March."))) == {"perforation", "comorbidity.present"}
    assert unread(gathered(ORDER, note("Denies hemoptysis. No GI perforation."))) == set()
