"""HER2: score, status, ratio and copies, and what must stay unread."""

from decimal import Decimal

import pytest

from prior_auth.evidence.normalise import NORMALISERS, Unreadable
from prior_auth.evidence.normalise.her2 import ish_outcome

SCT, LNC = "http://snomed.info/sct", "http://loinc.org"


def asked(code: str | None = None, text: str | None = None, **more: object) -> dict[str, object]:
    concept: dict[str, object] = {"coding": [{"system": LNC, "code": code}]} if code else {}
    return {"resourceType": "Observation", "code": concept | ({"text": text} if text else {}), **more}


def concept(code: str | None = None, text: str | None = None, system: str = LNC, display: str | None = None):
    value: dict[str, object] = {}
    if code:
        value["coding"] = [{"system": system, "code": code} | ({"display": display} if display else {})]
    return value | ({"text": text} if text else {})


IHC = asked("85319-2")
ISH = asked("85318-4")


@pytest.mark.parametrize(
    ("value", "answer", "score"),
    [
        (concept("LA6576-8"), "positive", None),
        (concept("LA6577-6", display="Negative"), "negative", None),
        (concept("280414007", system=SCT), "equivocal", None),
        (concept("LA6576-8", text="Positive (3+)"), "positive", "3+"),
        (concept(text="Positive (3+)"), "positive", "3+"),
        (concept(text="IHC 1+"), "negative", "1+"),
        ("0", "negative", "0"),
        ("1+", "negative", "1+"),
        ("2+", "equivocal", "2+"),
        ("3+", "positive", "3+"),
        ("3 +", "positive", "3+"),
        ("HER2 IHC 2+ equivocal", "equivocal", "2+"),
        ("negative (1+)", "negative", "1+"),
        ("Negative (score 0)", "negative", "0"),
        ("HER2/neu: 3+ by IHC", "positive", "3+"),
        ("HER-2/neu positive, IHC 3+", "positive", "3+"),
        ("HER2 score 3+ (strong complete membrane staining in 90% of tumor cells)", "positive", "3+"),
        ("HER2 negative (IHC 2+, FISH not amplified)", "equivocal", "2+"),
        ("IHC 2+, FISH pending", "equivocal", "2+"),
        ("equivocal by IHC, negative by FISH", "equivocal", None),
        ("HER2 not overexpressed", "negative", None),
        ("HER2 positive (3+) invasive ductal carcinoma", "positive", "3+"),
        ("2+ (equivocal), FISH reflexed: amplified", "equivocal", "2+"),
        ("HER2 negative (IHC 1+ / ISH not performed)", "negative", "1+"),
        ("HER2 negative", "negative", None),
        ("NEGATIVE", "negative", None),
        ("ERBB2 overexpression detected by immunohistochemistry", "positive", None),
        (3, "positive", "3+"),
        ({"value": Decimal("2"), "unit": "{score}"}, "equivocal", "2+"),
    ],
)
def test_immunohistochemistry_is_read_as_answer_and_score(value, answer, score):
    (reading,) = NORMALISERS["her2.ihc"](IHC, value)
    assert (reading.value, reading.text) == (answer, score)
    assert reading.coded is not None
    assert reading.coded.system == SCT


@pytest.mark.parametrize(
    "value",
    [
        "not positive",
        "possible 3+",
        "rule out HER2 positive",
        "history of HER2 positive breast cancer",
        "family history of HER2 positive cancer",
        "pending",
        "IHC not performed",
        "HER2 positive (1+)",
        "HER2 positive, IHC 1+",
        "negative (3+)",
        "HER2 positive; HER2 negative",
        "2+ or 3+",
        "2+/3+",
        "4+",
        "weakly positive",
        "see report",
        "",
        "23",
        "30% of cells",
        True,
        4,
        {"value": 85, "unit": "%"},
        concept("LA6577-6", text="Positive"),
        concept("LA6577-6", text="Positive (3+)"),
        {"coding": [{"system": LNC, "code": "LA6576-8"}, {"system": SCT, "code": "260385009"}]},
        concept("not-applicable", system="http://terminology.hl7.org/CodeSystem/data-absent-reason"),
        concept("99999"),
    ],
)
def test_what_no_grammar_knows_of_immunohistochemistry_is_unread(value):
    with pytest.raises(Unreadable):
        NORMALISERS["her2.ihc"](IHC, value)


@pytest.mark.parametrize(
    "resource",
    [asked("85318-4"), asked(text="HER2 by FISH"), asked("48676-1", method={"text": "FISH"})],
)
def test_a_positive_fish_is_no_immunohistochemistry(resource):
    with pytest.raises(Unreadable):
        NORMALISERS["her2.ihc"](resource, concept("LA6576-8"))


@pytest.mark.parametrize("item", ["her2.ihc", "her2.ish"])
@pytest.mark.parametrize("question", ["ERBB2 amplification by NGS", "HER2 mRNA by RT-PCR", "HER2 in serum"])
def test_another_method_is_neither_of_the_two(item, question):
    with pytest.raises(Unreadable):
        NORMALISERS[item](asked(text=question), concept("LA6576-8"))


def test_a_fish_alone_in_a_text_is_no_immunohistochemistry():
    with pytest.raises(Unreadable):
        NORMALISERS["her2.ihc"](asked(text="HER2"), "FISH amplified, ratio 2.4")


@pytest.mark.parametrize(
    ("resource", "value", "expected"),
    [
        (ISH, concept("LA6576-8"), {"85318-4": "positive"}),
        (ISH, concept("260385009", system=SCT), {"85318-4": "negative"}),
        (ISH, "Not amplified", {"85318-4": "negative"}),
        (ISH, "Negative for amplification", {"85318-4": "negative"}),
        (ISH, "no evidence of gene amplification", {"85318-4": "negative"}),
        (ISH, "less than 1.8", {"49683-6": (Decimal("1.8"), "<")}),
        (ISH, "greater than 2.2", {"49683-6": (Decimal("2.2"), ">")}),
        (asked("49683-6"), {"value": Decimal("2.4"), "unit": "{ratio}"}, {"49683-6": (Decimal("2.4"), None)}),
        (asked("49683-6"), {"value": Decimal("2.4"), "unit": "1", "code": "1"}, {"49683-6": (Decimal("2.4"), None)}),
        (
            asked("49683-6"),
            {"numerator": {"value": 120}, "denominator": {"value": 50}},
            {"49683-6": (Decimal("2.4"), None)},
        ),
        (asked("49683-6"), "2.4", {"49683-6": (Decimal("2.4"), None)}),
        (asked("74860-8"), {"value": Decimal("6.1"), "unit": "copies"}, {"74860-8": (Decimal("6.1"), None)}),
        (
            ISH,
            "FISH amplified ratio 2.4 copies 6.1",
            {"85318-4": "positive", "49683-6": (Decimal("2.4"), None), "74860-8": (Decimal("6.1"), None)},
        ),
        (
            ISH,
            "HER2/CEP17 ratio: 1.2; average HER2 copy number 2.9 signals/cell; not amplified",
            {"85318-4": "negative", "49683-6": (Decimal("1.2"), None), "74860-8": (Decimal("2.9"), None)},
        ),
        (asked(text="HER2"), "IHC 2+ equivocal, FISH not amplified", {"85318-4": "negative"}),
    ],
)
def test_in_situ_hybridisation_is_read_as_status_ratio_and_copies(resource, value, expected):
    readings = NORMALISERS["her2.ish"](resource, value)
    found = {}
    for each in readings:
        assert each.code is not None
        found[each.code.code] = each.value if isinstance(each.value, str) else (each.value, each.comparator)
    assert found == expected


@pytest.mark.parametrize(
    ("resource", "value"),
    [
        (ISH, "pending"),
        (ISH, "not performed"),
        (ISH, "2.4"),
        (ISH, {"value": Decimal("2.4")}),
        (ISH, "possibly amplified"),
        (ISH, "3+"),
        (ISH, "FISH amplified, ratio 1.2, copies 3.0"),
        (ISH, "FISH not amplified, ratio 2.6, copies 7.1"),
        (ISH, "less than 4"),
        (asked("49683-6"), {"value": 240, "unit": "%", "code": "%"}),
        (asked("49683-6"), {"value": 0}),
        (IHC, concept("LA6576-8")),
        (asked(text="HER2"), concept("LA6576-8")),
        (asked(text="HER2"), "positive"),
        (asked(text="HER2"), "IHC 3+ positive"),
    ],
)
def test_what_is_no_in_situ_hybridisation_is_unread(resource, value):
    with pytest.raises(Unreadable):
        NORMALISERS["her2.ish"](resource, value)


def test_a_panel_gives_each_of_its_components():
    panel = {
        "resourceType": "Observation",
        "code": {"coding": [{"system": LNC, "code": "74885-5"}]},
        "component": [
            {"code": {"coding": [{"system": LNC, "code": "49683-6"}]}, "valueQuantity": {"value": Decimal("2.1")}},
            {"code": {"coding": [{"system": LNC, "code": "74860-8"}]}, "valueQuantity": {"value": Decimal("4.5")}},
        ],
    }
    assert [each.value for each in NORMALISERS["her2.ish"](panel, None)] == [Decimal("2.1"), Decimal("4.5")]


@pytest.mark.parametrize(
    ("ratio", "copies", "score", "gastric", "outcome"),
    [
        ("2.0", "4.0", None, False, "positive"),
        ("2.0", "3.9", None, False, None),
        ("2.0", "3.9", "3+", False, "positive"),
        ("2.0", "3.9", "1+", False, "negative"),
        ("2.0", "3.9", "2+", False, None),
        ("1.9", "6.0", "2+", False, "positive"),
        ("1.9", "6.0", "3+", False, "positive"),
        ("1.9", "6.0", "0", False, "negative"),
        ("1.9", "6.0", "1+", False, "negative"),
        ("1.9", "6.0", None, False, None),
        ("1.9", "3.9", None, False, "negative"),
        ("1.9", "3.9", "2+", False, "negative"),
        ("1.9", "4.0", None, False, None),
        ("1.9", "5.9", "2+", False, None),
        ("1.9", "5.9", "1+", False, "negative"),
        ("2.0", None, None, True, "positive"),
        ("2.0", "3.0", None, True, "positive"),
        ("2.0", None, None, False, None),
        (None, "7", "2+", False, None),
    ],
)
def test_ruling_22_decides_ratio_and_copies(ratio, copies, score, gastric, outcome):
    number = lambda text: Decimal(text) if text else None  # noqa: E731
    assert ish_outcome(number(ratio), number(copies), score, gastric=gastric) == outcome
