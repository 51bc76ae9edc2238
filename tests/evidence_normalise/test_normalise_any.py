"""What holds for every normaliser: junk is unread and never an error, doubt and denial never become an answer."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prior_auth.evidence.normalise import NORMALISERS, Reading, Unreadable

LNC, SCT = "http://loinc.org", "http://snomed.info/sct"
KEYS = (
    "coding",
    "text",
    "value",
    "unit",
    "code",
    "system",
    "display",
    "low",
    "high",
    "numerator",
    "denominator",
    "comparator",
)
CODES = ("LA6576-8", "260385009", "254837009", "C50.9", "1222837003", "LA9633-4", "Q5117", "8140/3", "HGNC:1100", "%")
WORDS = (
    "positive",
    "negative",
    "3+",
    "EGFR",
    "L858R",
    "not",
    "stage IV",
    "TPS",
    "60%",
    "ECOG",
    "1",
    "breast cancer",
    "Q5117",
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-5, 2000)
    | st.decimals(allow_nan=True, places=2, min_value=-5, max_value=500)
    | st.text(max_size=12)
    | st.sampled_from((LNC, SCT, *CODES))
    | st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)
resources = st.fixed_dictionaries(
    {"resourceType": st.just("Observation")},
    optional={
        "code": values,
        "component": st.lists(
            st.dictionaries(st.sampled_from(("code", "valueString", "valueCodeableConcept")), values, max_size=2),
            max_size=2,
        ),
        "method": values,
    },
)


@settings(max_examples=150, deadline=None)
@given(item=st.sampled_from(sorted(NORMALISERS)), resource=resources, value=values)
def test_any_json_is_read_or_unread_and_never_an_error(item, resource, value):
    try:
        readings = NORMALISERS[item](resource, value)
    except Unreadable:
        return
    assert readings
    assert all(isinstance(each, Reading) for each in readings)


CERTAIN = {
    "her2.ihc": "HER2 positive",
    "her2.ish": "HER2 FISH amplified",
    "er.status": "ER positive",
    "pr.status": "PR positive",
    "pdl1.tps": "TPS 60%",
    "stage.group": "stage IV",
    "stage.N": "pN1",
    "ecog": "ECOG 1",
    "karnofsky": "KPS 90",
    "lvef": "LVEF 60%",
    "variant": "EGFR L858R detected",
    "diagnosis": "breast cancer",
    "histology": "adenocarcinoma",
    "histologic-grade": "grade 3",
    "disease-status": "progression",
    "stop-reason": "toxicity",
    "comorbidity": "interstitial lung disease",
    "drug": "trastuzumab",
    "status": "positive",
}
DOUBTS = (
    "not {}",
    "no {}",
    "possible {}",
    "rule out {}",
    "family history of {}",
    "denies {}",
    "{} not excluded",
    "no evidence of {}",
)


@pytest.mark.parametrize("item", sorted(CERTAIN))
def test_the_plain_statement_is_read(item):
    assert NORMALISERS[item]({"resourceType": "Observation", "code": {}}, CERTAIN[item])


@pytest.mark.parametrize("doubt", DOUBTS)
@pytest.mark.parametrize("item", sorted(CERTAIN))
def test_the_same_statement_denied_or_doubted_never_reads_as_itself(item, doubt):
    resource = {"resourceType": "Observation", "code": {}}
    plain = [(each.value, each.comparator) for each in NORMALISERS[item](resource, CERTAIN[item])]
    try:
        doubted = NORMALISERS[item](resource, doubt.format(CERTAIN[item]))
    except Unreadable:
        return
    assert not {(each.value, each.comparator) for each in doubted} & set(plain)


@pytest.mark.parametrize("item", sorted(NORMALISERS))
def test_a_refusal_says_why_and_holds_no_patient_data(item):
    secret = "Jane Roe 1970-01-01"
    with pytest.raises(Unreadable) as refusal:
        NORMALISERS[item]({"resourceType": "Observation", "code": {"text": secret}}, secret)
    assert str(refusal.value)
    assert "Roe" not in str(refusal.value)


def test_numbers_stay_exact():
    (reading,) = NORMALISERS["pdl1.tps"](
        {"code": {"coding": [{"system": LNC, "code": "83053-9"}]}}, {"value": Decimal("60.50"), "unit": "%"}
    )
    assert str(reading.value) == "60.50"
