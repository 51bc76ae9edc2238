"""Regimens called by their names are their drugs; a drug that is named is itself."""

from __future__ import annotations

from typing import Any

import pytest

from prior_auth.evidence.normalise import NORMALISERS, Unreadable
from prior_auth.evidence.normalise.drug_table import INGREDIENTS
from prior_auth.evidence.normalise.regimens import REGIMENS

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def given(concept: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationAdministration",
        "status": "completed",
        "medicationCodeableConcept": concept,
        "effectiveDateTime": "2026-02-16",
    }


@pytest.mark.parametrize(
    ("name", "drugs"),
    [
        ("mFOLFOX6", {"oxaliplatin", "fluorouracil", "leucovorin"}),
        ("FOLFOX", {"oxaliplatin", "fluorouracil", "leucovorin"}),
        ("FOLFIRINOX", {"oxaliplatin", "irinotecan", "fluorouracil", "leucovorin"}),
        ("ddAC", {"doxorubicin", "cyclophosphamide"}),
        ("TCHP", {"docetaxel", "carboplatin", "trastuzumab", "pertuzumab"}),
        ("R-CHOP", {"rituximab", "cyclophosphamide", "doxorubicin", "vincristine", "prednisone"}),
    ],
)
def test_a_regimen_that_was_given_is_each_of_its_drugs(gathered: Any, name: str, drugs: set[str]) -> None:
    evidence = gathered(given({"text": name}))

    facts = evidence.facts_of("prior.therapy")
    assert {fact.value for fact in facts} == drugs
    assert {fact.tier for fact in facts} == {"text"}
    assert len({fact.view for fact in facts}) == 1


def test_a_platinum_within_a_regimen_is_a_platinum(gathered: Any) -> None:
    evidence = gathered(given({"text": "FOLFOX x 6 cycles"}))

    assert [fact.value for fact in evidence.facts_of("prior.platinum")] == ["oxaliplatin"]
    assert {fact.value for fact in evidence.facts_of("prior.any-chemo")} == {"oxaliplatin", "fluorouracil"}


def test_a_drug_that_is_coded_or_named_is_itself_whatever_its_regimen(gathered: Any) -> None:
    coded = {"coding": [{"system": RXNORM, "code": "32592"}], "text": "FOLFOX: oxaliplatin 85 mg/m2"}

    for concept in (coded, {"text": "oxaliplatin (FOLFOX)"}):
        assert [fact.value for fact in gathered(given(concept)).facts_of("prior.therapy")] == ["oxaliplatin"]


@pytest.mark.parametrize("text", ["no FOLFOX", "never received R-CHOP", "possible TCHP", "AC", "TC", "TAC", "chops"])
def test_a_denied_or_an_open_name_is_no_drug(text: str) -> None:
    with pytest.raises(Unreadable):
        NORMALISERS["drug"]({}, {"text": text})


def test_a_note_that_tells_of_an_earlier_regimen_is_not_silence(gathered: Any) -> None:
    import base64

    data = base64.b64encode(b"Progressed after FOLFOX.").decode()
    note = {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"coding": [{"system": "http://loinc.org", "code": "11488-4"}]},
        "date": "2026-06-01T10:00:00Z",
        "content": [{"attachment": {"contentType": "text/plain", "data": data}}],
    }

    assert "prior.platinum" in {each.item for each in gathered(note).unread}


def test_every_drug_of_a_regimen_is_in_the_ingredient_table() -> None:
    assert {drug for drugs in REGIMENS.values() for drug in drugs} <= set(INGREDIENTS)
