"""ECOG, Karnofsky, ejection fraction, PD-L1, weight, height and laboratory values."""

from decimal import Decimal as D

import pytest

from prior_auth.evidence.normalise import NORMALISERS, Unreadable

SCT, LNC = "http://snomed.info/sct", "http://loinc.org"


def asked(code: str | None = None, text: str | None = None) -> dict[str, object]:
    concept: dict[str, object] = {"coding": [{"system": LNC, "code": code}]} if code else {}
    return {"resourceType": "Observation", "code": concept | ({"text": text} if text else {})}


def coded(code: str, system: str = LNC, text: str | None = None) -> dict[str, object]:
    return {"coding": [{"system": system, "code": code}]} | ({"text": text} if text else {})


def quantity(value: str, unit: str | None = None, comparator: str | None = None) -> dict[str, object]:
    found: dict[str, object] = {"value": D(value)}
    return found | ({"unit": unit} if unit else {}) | ({"comparator": comparator} if comparator else {})


@pytest.mark.parametrize(
    ("value", "grade"),
    [
        (0, 0),
        (1, 1),
        (5, 5),
        (D("2"), 2),
        (quantity("1", "{score}"), 1),
        (coded("LA9622-7"), 0),
        (coded("LA9623-5"), 1),
        (coded("LA9626-8"), 4),
        (coded("422512005", SCT), 1),
        ("0", 0),
        ("ECOG 1", 1),
        ("ECOG PS: 2", 2),
        ("ECOG 1 - restricted", 1),
        ("ECOG1", 1),
        ("1 - Restricted in physically strenuous activity but ambulatory", 1),
        ("ECOG 2: Ambulatory, capable of all selfcare, up and about more than 50% of waking hours", 2),
        ("ECOG performance status is 1 (KPS 80)", 1),
        ("Grade 0 - fully active", 0),
        ({"text": "ECOG 0"}, 0),
    ],
)
def test_ecog_is_an_integer(value, grade):
    (reading,) = NORMALISERS["ecog"](asked("89247-1"), value)
    assert reading.value == grade
    assert type(reading.value) is int


@pytest.mark.parametrize(
    "value",
    [
        True,
        False,
        6,
        -1,
        D("1.5"),
        quantity("1", "kg"),
        quantity("2", None, "<"),
        "ECOG 0-1",
        "ECOG 1 or 2",
        "ECOG 1, improved from 2",
        "not ECOG 1",
        "possible ECOG 2",
        "ECOG not assessed",
        "Karnofsky 90",
        "KPS 90",
        "80",
        "7",
        "",
        coded("LA99999-9"),
        coded("unknown", "http://terminology.hl7.org/CodeSystem/data-absent-reason"),
    ],
)
def test_what_is_no_ecog_grade_is_unread(value):
    with pytest.raises(Unreadable):
        NORMALISERS["ecog"](asked("89247-1"), value)


def test_the_ecog_of_a_panel_stands_in_its_component():
    panel = asked("89262-0") | {"component": [{"code": coded("89247-1"), "valueInteger": 0}]}
    assert NORMALISERS["ecog"](panel, None)[0].value == 0


@pytest.mark.parametrize(
    ("value", "score"), [(90, 90), ("KPS 90%", 90), ("Karnofsky: 100", 100), (quantity("70", "%"), 70)]
)
def test_karnofsky_is_an_integer_in_tens(value, score):
    assert NORMALISERS["karnofsky"](asked("89243-0"), value)[0].value == score


@pytest.mark.parametrize("value", [95, 110, "KPS 85", "KPS 80-90", "ECOG 1", True, "not 90"])
def test_what_is_no_karnofsky_score_is_unread(value):
    with pytest.raises(Unreadable):
        NORMALISERS["karnofsky"](asked("89243-0"), value)


@pytest.mark.parametrize(
    ("value", "percent", "comparator"),
    [
        (quantity("58", "%"), "58", None),
        (quantity("0.58", "1"), "58.00", None),
        (58, "58", None),
        ("55-60%", "55", None),
        ("LVEF 55 - 60 %", "55", None),
        ("55% to 60%", "55", None),
        ("LVEF 55%", "55", None),
        ("EF: 62 % by echo", "62", None),
        ("LVEF estimated at 55-60% (normal)", "55", None),
        (">55%", "55", ">"),
        ("LVEF 55% (normal >50%)", "55", None),
        ("≥ 50%", "50", ">="),
        ("less than 40%", "40", "<"),
        ({"low": quantity("50", "%"), "high": quantity("55", "%")}, "50", None),
    ],
)
def test_an_ejection_fraction_is_percent_and_a_range_its_low_end(value, percent, comparator):
    (reading,) = NORMALISERS["lvef"](asked("10230-1"), value)
    assert (reading.value, reading.unit, reading.comparator) == (D(percent), "%", comparator)


@pytest.mark.parametrize(
    "value",
    [
        "normal",
        "preserved",
        "RVEF 55%",
        "EF was 60%, now 45%",
        "(normal 50-70%)",
        "LVEF 60% on 2019-01-01",
        "60-55%",
        "no LVEF",
        "fractional shortening 35%",
        quantity("580", "%"),
        quantity("2", "%"),
        quantity("58", "mL"),
        quantity("1", "1"),
        "",
        True,
    ],
)
def test_what_is_no_ejection_fraction_is_unread(value):
    with pytest.raises(Unreadable):
        NORMALISERS["lvef"](asked("10230-1"), value)


TPS, PDL1, CPS = asked("83053-9"), asked("85147-7"), asked(text="PD-L1 Combined Positive Score (CPS)")


@pytest.mark.parametrize(
    ("resource", "value", "percent", "comparator"),
    [
        (TPS, quantity("60", "%"), "60", None),
        (TPS, quantity("60"), "60", None),
        (TPS, quantity("60", "%{TPS}"), "60", None),
        (TPS, quantity("60", "% of tumor cells"), "60", None),
        (TPS, quantity("50", "%", ">="), "50", ">="),
        (TPS, quantity("1", "%", "<"), "1", "<"),
        (TPS, quantity("0", "%"), "0", None),
        (PDL1, "TPS 60%", "60", None),
        (PDL1, "TPS: 60", "60", None),
        (PDL1, "60% TPS", "60", None),
        (PDL1, "Tumor Proportion Score (TPS): 80%", "80", None),
        (PDL1, ">= 50 %", "50", ">="),
        (PDL1, "<1%", "1", "<"),
        (PDL1, "TPS less than 1%", "1", "<"),
        (PDL1, "Positive (TPS 60%)", "60", None),
        (PDL1, "No PD-L1 expression (TPS <1%)", "1", "<"),
        (PDL1, "TPS ~60%", "60", None),
        (PDL1, "TPS 1-49%", "1", None),
        (PDL1, "PD-L1 22C3 TPS 60%, CPS 65", "60", None),
        (PDL1, "High expression (TPS >= 50%)", "50", ">="),
        (PDL1, "The tumor cells showed a TPS of 5 % with clone 22C3 pharmDx in this sample.", "5", None),
        (PDL1, "5 % TPS", "5", None),
        (asked("83057-0"), "TC 60%", "60", None),
    ],
)
def test_a_tumor_proportion_score_is_percent(resource, value, percent, comparator):
    (reading,) = NORMALISERS["pdl1.tps"](resource, value)
    assert (reading.value, reading.unit, reading.comparator) == (D(percent), "%", comparator)


@pytest.mark.parametrize(
    ("resource", "value"),
    [
        (PDL1, "CPS 12"),
        (CPS, "12"),
        (CPS, quantity("60", "%")),
        (PDL1, "positive"),
        (PDL1, "negative"),
        (PDL1, coded("LA6576-8")),
        (PDL1, "60"),
        (PDL1, "TPS 0-5%"),
        (PDL1, "TPS 60% and TPS 10%"),
        (PDL1, "A TPS >= 1% is considered positive"),
        (PDL1, "TPS <1%: no expression; 1-49%: low; >= 50%: high"),
        (PDL1, "possible TPS 60%"),
        (PDL1, "TPS pending"),
        (PDL1, "no TPS of 60% was seen in this sample"),
        (PDL1, "TPS not reported"),
        (TPS, quantity("130", "%")),
        (TPS, quantity("60", "mg")),
        (asked("83057-0"), "60%"),
        (asked("83057-0"), "IC 10%"),
        (PDL1, ""),
        (TPS, True),
    ],
)
def test_what_is_no_tumor_proportion_score_is_unread(resource, value):
    with pytest.raises(Unreadable):
        NORMALISERS["pdl1.tps"](resource, value)


@pytest.mark.parametrize(
    ("resource", "value", "clone"),
    [
        (PDL1, "TPS 60%", "22C3"),
        (TPS, quantity("60", "%"), None),
        (TPS, "TPS 60% (28-8)", "28-8"),
        (PDL1, "TPS 5% SP263", None),
    ],
)
def test_the_antibody_clone_is_kept_where_one_is_named(resource, value, clone):
    assert NORMALISERS["pdl1.tps"](resource, value)[0].extra.get("clone") == clone


def test_a_combined_positive_score_is_a_number_without_unit():
    assert NORMALISERS["pdl1.cps"](CPS, "CPS 12")[0].value == 12
    assert NORMALISERS["pdl1.cps"](PDL1, "TPS 60%, CPS 65")[0].value == 65
    for refused in ("TPS 60%", "60%", "12"):
        with pytest.raises(Unreadable):
            NORMALISERS["pdl1.cps"](PDL1, refused)


def noted(resource, *notes):
    return resource | {"note": [{"text": note} for note in notes]}


@pytest.mark.parametrize(
    ("resource", "value"),
    [
        (noted(TPS, "Combined positive score."), quantity("60", "%")),
        (noted(PDL1, "Scored as CPS"), quantity("60", "%")),
        (noted(PDL1, "Scored as CPS"), "60%"),
        (noted(TPS, "CPS 60, TPS not given"), quantity("60", "%")),
        (noted(TPS, "TPS 5 %, CPS 60"), quantity("60", "%")),
        (TPS | {"interpretation": [{"text": "Combined positive score above 10"}]}, quantity("60", "%")),
        (TPS, {"value": D("60"), "unit": "% CPS"}),
    ],
)
def test_what_its_own_words_call_a_combined_positive_score_is_no_tumor_proportion_score(resource, value):
    with pytest.raises(Unreadable):
        NORMALISERS["pdl1.tps"](resource, value)


def test_a_note_may_name_both_scores_where_it_gives_this_one_its_number():
    both = "TPS 60 %, CPS 65"
    assert NORMALISERS["pdl1.tps"](noted(TPS, both), quantity("60", "%"))[0].value == 60
    assert NORMALISERS["pdl1.cps"](noted(CPS, both), quantity("65"))[0].value == 65


@pytest.mark.parametrize(
    ("resource", "value"),
    [
        (noted(CPS, "Tumor proportion score"), quantity("60")),
        (noted(CPS, "Tumor proportion score"), "60"),
        (noted(CPS, "TPS 60 %, CPS 65"), quantity("60")),
        (noted(TPS, "Combined positive score"), quantity("60")),
    ],
)
def test_what_its_own_words_call_a_tumor_proportion_score_is_no_combined_positive_score(resource, value):
    with pytest.raises(Unreadable):
        NORMALISERS["pdl1.cps"](resource, value)


def test_a_note_may_say_that_the_number_is_a_combined_positive_score():
    assert NORMALISERS["pdl1.cps"](noted(PDL1, "Combined positive score (CPS)"), quantity("12"))[0].value == 12


@pytest.mark.parametrize(
    ("item", "value", "expected"),
    [
        ("weight", quantity("72", "kg"), "72"),
        ("weight", {"value": D("155"), "unit": "lb", "code": "[lb_av]"}, "70.30681735"),
        ("weight", quantity("72000", "g"), "72.000"),
        ("weight", "72 kg", "72"),
        ("height", quantity("165", "cm"), "165"),
        ("height", quantity("1.65", "m"), "165.00"),
        ("height", quantity("5.5", "ft"), "167.64"),
        ("height", {"value": D("65"), "code": "[in_i]"}, "165.10"),
        ("lab.hemoglobin", quantity("13.5", "g/dl"), "13.5"),
        ("lab.hemoglobin", quantity("135", "g/L"), "13.5"),
        ("lab.anc", quantity("3900", "/uL"), "3.900"),
        ("lab.anc", quantity("3.9", "10*3/uL"), "3.9"),
        ("lab.anc", quantity("3.9", "x10^9/L"), "3.9"),
        ("lab.creatinine", quantity("88.4", "umol/L"), "1.00000"),
    ],
)
def test_a_quantity_is_in_its_canonical_unit(item, value, expected):
    (reading,) = NORMALISERS[item]({}, value)
    assert reading.value == pytest.approx(D(expected), abs=D("0.0001"))


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("weight", quantity("72")),
        ("weight", quantity("72", "cm")),
        ("weight", quantity("72", "g")),
        ("weight", quantity("7200", "kg")),
        ("weight", quantity("100", "kg", ">")),
        ("weight", {"value": D("72"), "unit": "lb", "code": "kg"}),
        ("weight", "70-75 kg"),
        ("weight", "about 72 kg, not measured"),
        ("weight", quantity("72", "stone-ish")),
        ("height", quantity("1.65", "cm")),
        ("lab.anc", quantity("3000", "10*3/uL")),
        ("lab.hemoglobin", quantity("135", "g/dL")),
        ("lab.hemoglobin", {"unit": "g/dL"}),
        ("lab.hemoglobin", quantity("13.5", "mmol/L")),
    ],
)
def test_a_quantity_of_another_kind_or_beyond_life_is_unread(item, value):
    with pytest.raises(Unreadable):
        NORMALISERS[item]({}, value)


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        (coded("10828004", SCT), "positive"),
        (coded("260385009", SCT), "negative"),
        ("HRD positive (GIS 55)", "positive"),
        ("HR proficient", "negative"),
        ("Homologous recombination deficiency: not detected", "negative"),
    ],
)
def test_homologous_recombination_is_as_the_laboratory_says(value, answer):
    assert NORMALISERS["hrd"](asked(text="HRD status"), value)[0].value == answer


@pytest.mark.parametrize("value", ["GIS 55", "not positive", "equivocal", quantity("55", "1"), "pending"])
def test_a_score_or_a_doubt_is_no_homologous_recombination_status(value):
    with pytest.raises(Unreadable):
        NORMALISERS["hrd"](asked(text="HRD status"), value)
