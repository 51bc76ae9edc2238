"""Estrogen and progesterone receptors, alone and in combined statements."""

from decimal import Decimal as D

import pytest

from prior_auth.evidence.normalise import NORMALISERS, Unreadable

SCT, LNC = "http://snomed.info/sct", "http://loinc.org"
ASKED = {"resourceType": "Observation", "code": {"coding": [{"system": LNC, "code": "85337-4"}]}}


def coded(code: str, text: str | None = None, system: str = LNC) -> dict[str, object]:
    return {"coding": [{"system": system, "code": code}]} | ({"text": text} if text else {})


@pytest.mark.parametrize(
    ("item", "value", "answer", "percent"),
    [
        ("er.status", coded("LA6576-8"), "positive", None),
        ("er.status", coded("260385009", system=SCT), "negative", None),
        ("er.status", coded("LA6576-8", "Positive, 95%"), "positive", D(95)),
        ("er.status", {"value": D("95"), "unit": "%"}, "positive", D(95)),
        ("er.status", {"value": D("0"), "unit": "%"}, "negative", D(0)),
        ("er.status", {"value": D("1"), "unit": "%", "comparator": "<"}, "negative", D(1)),
        (
            "er.status",
            {"low": {"value": D("90"), "unit": "%"}, "high": {"value": D("100"), "unit": "%"}},
            "positive",
            D(90),
        ),
        ("er.status", "Positive, 95%", "positive", D(95)),
        ("er.status", "95%", "positive", D(95)),
        ("er.status", "<1%", "negative", D(1)),
        ("er.status", "negative (<1%)", "negative", D(1)),
        ("er.status", "1-10%", "positive", D(1)),
        ("er.status", "Allred 8/8", "positive", None),
        ("er.status", "Allred score 2", "negative", None),
        ("er.status", "positive (strong, 95% of tumor cells)", "positive", D(95)),
        ("er.status", "weak positive", "positive", None),
        ("er.status", "ER 90% (3+)", "positive", D(90)),
        ("er.status", "Estrogen receptor (ER): positive 90%", "positive", D(90)),
        ("er.status", "ER+/PR-/HER2-", "positive", None),
        ("pr.status", "ER+/PR-/HER2-", "negative", None),
        ("er.status", "ER-", "negative", None),
        ("er.status", "ER - positive", "positive", None),
        ("er.status", "ER-positive", "positive", None),
        ("er.status", "ER (-)", "negative", None),
        ("pr.status", "ER positive (95%), PR negative (<1%), HER2 negative (1+)", "negative", D(1)),
        ("er.status", "triple negative breast cancer", "negative", None),
        ("pr.status", "hormone receptor negative", "negative", None),
    ],
)
def test_a_receptor_is_read_with_its_percent(item, value, answer, percent):
    (reading,) = NORMALISERS[item](ASKED, value)
    assert (reading.value, reading.extra.get("percent")) == (answer, percent)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "pending",
        "not positive",
        "not tested",
        "possible positive",
        "history of ER positive cancer",
        "Negative, 5%",
        "Positive, 0%",
        "<10%",
        "0-5%",
        "95",
        "3+",
        "HR+",
        "PR positive",
        "Positive for ER, negative for PR",
        "ER positive, PR negative, ER negative",
        "150%",
        {"value": D("95")},
        {"value": D("0.95"), "unit": "1"},
        {"value": D("120"), "unit": "%"},
        coded("LA6577-6", "Positive"),
        coded("unknown", system="http://terminology.hl7.org/CodeSystem/data-absent-reason"),
        coded("LA6577-6", "Positive, 95%"),
        True,
    ],
)
def test_what_does_not_settle_the_receptor_is_unread(value):
    with pytest.raises(Unreadable):
        NORMALISERS["er.status"](ASKED, value)


def test_the_allred_score_is_kept():
    assert NORMALISERS["er.status"](ASKED, "Allred 7/8")[0].extra["allred"] == 7


@pytest.mark.parametrize(
    ("text", "answer", "score"),
    [
        ("ER+/PR-/HER2-", "negative", None),
        ("ER+/PR-/HER2+", "positive", None),
        ("ER 95%, PR 0%, HER2 IHC 1+", "negative", "1+"),
        ("ER positive, PR positive, HER2 3+", "positive", "3+"),
        ("triple negative", "negative", None),
        ("HER2-", "negative", None),
        ("HER2-positive", "positive", None),
        ("HER2-low", "negative", "low"),
        ("HER2-low (IHC 1+)", "negative", "1+"),
        ("HER2-low (IHC 2+, FISH not amplified)", "equivocal", "2+"),
        ("HER2 ultralow", "negative", "ultralow"),
        ("IHC 0, faint membrane staining in 5% of tumor cells", "negative", "ultralow"),
        ("HER2 IHC 0", "negative", "0"),
    ],
)
def test_her2_is_found_in_a_combined_statement(text, answer, score):
    (reading,) = NORMALISERS["her2.ihc"]({"code": {}}, text)
    assert (reading.value, reading.text) == (answer, score)


@pytest.mark.parametrize(
    "text",
    [
        "ER+",
        "ER positive, PR positive",
        "HER2++",
        "HER2-positive family history",
        "IHC 0, HER2-low",
        "IHC 1+, HER2 ultralow",
    ],
)
def test_a_statement_that_leaves_her2_open_is_unread(text):
    with pytest.raises(Unreadable):
        NORMALISERS["her2.ihc"]({"code": {}}, text)


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        (coded("LA6576-8"), "positive"),
        (coded("LA11883-8"), "negative"),
        ("Negative", "negative"),
        ("Not detected", "negative"),
        ("Detected", "positive"),
        ("Result: equivocal", "equivocal"),
    ],
)
def test_a_plain_answer_is_positive_negative_or_equivocal(value, answer):
    assert NORMALISERS["status"]({}, value)[0].value == answer


@pytest.mark.parametrize(
    "value", ["not negative", "negative?", "no", "likely positive", "indeterminate", "", 1, coded("x")]
)
def test_what_is_no_plain_answer_is_unread(value):
    with pytest.raises(Unreadable):
        NORMALISERS["status"]({}, value)
