"""Which drug, which product: codes, names, brands and suffixes."""

import json
from pathlib import Path

import pytest

from prior_auth.domain.coding import Coding
from prior_auth.evidence.normalise import NORMALISERS, Unreadable
from prior_auth.evidence.normalise.drug_table import HCPCS_DRUGS, INGREDIENTS, PRODUCT_BY_NAME, PRODUCTS
from prior_auth.evidence.normalise.drugs import coded_ingredient, ingredient, recognise

RXN = "http://www.nlm.nih.gov/research/umls/rxnorm"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"


def coded(*codes: tuple[str, str], text: str | None = None, display: str | None = None) -> dict[str, object]:
    found: dict[str, object] = {
        "coding": [
            {"system": system, "code": code} | ({"display": display} if display else {}) for system, code in codes
        ]
    }
    return found | ({"text": text} if text else {})


@pytest.mark.parametrize(
    ("value", "name", "product"),
    [
        (coded((RXN, "224905")), "trastuzumab", None),
        ("trastuzumab", "trastuzumab", None),
        ("Herceptin 150 mg", "trastuzumab", "originator"),
        (coded((HCPCS, "J9355")), "trastuzumab", "originator"),
        (coded((HCPCS, "J9356")), "trastuzumab", "subcutaneous"),
        (coded((HCPCS, "Q5117")), "trastuzumab", "biosimilar"),
        (coded((HCPCS, "Q5112")), "trastuzumab", "biosimilar"),
        (coded((HCPCS, "Q5117"), text="trastuzumab-anns"), "trastuzumab", "biosimilar"),
        (coded((RXN, "224905"), (HCPCS, "Q5117")), "trastuzumab", "biosimilar"),
        ("Kanjinti", "trastuzumab", "biosimilar"),
        ("trastuzumab-dkst", "trastuzumab", "biosimilar"),
        ("trastuzumab-abcd", "trastuzumab", "biosimilar"),
        ("Herceptin Hylecta", "trastuzumab", "subcutaneous"),
        ("trastuzumab and hyaluronidase-oysk", "trastuzumab", "subcutaneous"),
        (coded((HCPCS, "J9355"), text="trastuzumab-anns"), "trastuzumab", None),
        ("Kanjinti, biosimilar of Herceptin", "trastuzumab", None),
        ("ado-trastuzumab emtansine", "trastuzumab emtansine", None),
        ("Kadcyla", "trastuzumab emtansine", None),
        ("T-DM1", "trastuzumab emtansine", None),
        ("fam-trastuzumab deruxtecan-nxki", "trastuzumab deruxtecan", None),
        ("trastuzumab-deruxtecan", "trastuzumab deruxtecan", None),
        (coded((HCPCS, "J9358")), "trastuzumab deruxtecan", None),
        ("Phesgo", "pertuzumab-trastuzumab-hyaluronidase", None),
        ("nivolumab and relatlimab-rmbw", "nivolumab relatlimab", None),
        (coded((HCPCS, "J9298")), "nivolumab relatlimab", None),
        ("Opdivo Qvantig", "nivolumab hyaluronidase", None),
        ("pembrolizumab and berahyaluronidase alfa-pmph", "pembrolizumab berahyaluronidase", None),
        ("axitinib 5 mg tablet", "axitinib", None),
        ("Adcetris", "brentuximab vedotin", None),
        (coded((HCPCS, "J9271")), "pembrolizumab", None),
        ("KEYTRUDA (pembrolizumab) 100 mg/4 mL", "pembrolizumab", None),
        ("olaparib 150 MG Oral Tablet", "olaparib", None),
        (coded((RXN, "1721581"), display="osimertinib 80 MG Oral Tablet"), "osimertinib", None),
        (coded((RXN, "309311"), display="cisplatin 1 MG/ML Injectable Solution"), "cisplatin", None),
        (coded((RXN, "9999999"), display="carboplatin 10 MG/ML Injection"), "carboplatin", None),
        ("DOXOrubicin (local formulary)", "doxorubicin", None),
        ("doxorubicin liposomal", "doxorubicin liposomal", None),
        ("nab-paclitaxel", "nab-paclitaxel", None),
        ("paclitaxel protein-bound", "nab-paclitaxel", None),
        ("paclitaxel", "paclitaxel", None),
        ("prednisolone 5 mg", "prednisolone", None),
        ("Mvasi", "bevacizumab", "biosimilar"),
        ("bevacizumab-awwb", "bevacizumab", "biosimilar"),
    ],
)
def test_a_drug_is_recognised_with_its_product(value, name, product):
    (reading,) = NORMALISERS["drug"]({}, value)
    assert reading.value == name
    stated = reading.extra["product"]
    assert (stated.kind if stated else None) == product


@pytest.mark.parametrize(
    "value",
    [
        "",
        "aspirin 81 mg",
        "trastuzumab duocarmazine",
        "no prior trastuzumab",
        "denies trastuzumab",
        "allergic to carboplatin",
        "declined pembrolizumab",
        "instead of Herceptin",
        "considering olaparib",
        coded((HCPCS, "J9999")),
        coded((RXN, "0")),
        coded((RXN, "224905"), text="pertuzumab"),
        coded((RXN, "224905"), text="Kadcyla"),
        coded((RXN, "56946"), (RXN, "72962")),
        coded(("http://hospital.example.org", "224905")),
    ],
)
def test_what_is_no_drug_of_the_table_or_two_at_once_is_unread(value):
    with pytest.raises(Unreadable):
        NORMALISERS["drug"]({}, value)


def test_a_regimen_in_words_gives_each_drug():
    assert [each.name for each, _ in recognise("carboplatin + paclitaxel + pembrolizumab")] == [
        "carboplatin",
        "paclitaxel",
        "pembrolizumab",
    ]


def test_an_ingredient_is_found_from_codings_and_text_together():
    found = ingredient([Coding(HCPCS, "Q5117")], "Kanjinti")
    assert found is not None
    assert found.name == "trastuzumab"
    assert ingredient([Coding(RXN, "224905")], "carboplatin") is None
    assert ingredient([], "carboplatin and paclitaxel") is None
    assert ingredient([], None) is None


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        ("cisplatin", {"platinum", "cytotoxic"}),
        ("paclitaxel", {"taxane", "cytotoxic"}),
        ("letrozole", {"aromatase-inhibitor", "endocrine"}),
        ("fulvestrant", {"serd", "endocrine"}),
        ("pembrolizumab", {"pd1", "checkpoint"}),
        ("atezolizumab", {"pdl1", "checkpoint"}),
        ("osimertinib", {"egfr-tki"}),
        ("alectinib", {"alk-tki"}),
        ("olaparib", {"parp"}),
        ("palbociclib", {"cdk46"}),
        ("trastuzumab emtansine", {"her2", "adc"}),
    ],
)
def test_classes_group_ingredients(name, classes):
    assert INGREDIENTS[name].classes == classes
    assert INGREDIENTS[name].is_anticancer


def test_supportive_drugs_are_no_cancer_treatment():
    for name in ("ondansetron", "dexamethasone", "prednisone", "pegfilgrastim", "denosumab", "leucovorin"):
        assert not INGREDIENTS[name].is_anticancer


def test_the_tables_hold_together():
    codes = [each.rxnorm for each in INGREDIENTS.values() if each.rxnorm]
    assert len(codes) == len(set(codes))
    assert all(name in INGREDIENTS for name, _ in HCPCS_DRUGS.values())
    assert all(product in PRODUCT_BY_NAME for _, product in HCPCS_DRUGS.values() if product)
    assert all(product.ingredient in INGREDIENTS for product in PRODUCTS)
    suffixes = [(product.ingredient, product.suffix) for product in PRODUCTS if product.suffix]
    assert len(suffixes) == len(set(suffixes))


def test_every_name_of_the_table_finds_its_own_ingredient():
    for each in INGREDIENTS.values():
        for name in (each.name, *each.names):
            assert [found.name for found, _ in recognise(name)] == [each.name], name


CLASS_SETS = {
    "cytotoxic": {"cytotoxic"},
    "platinum": {"platinum"},
    "egfr-targeted": {"egfr-tki"},
    "alk-targeted": {"alk-tki"},
    "parp-inhibitor": {"parp"},
    "cdk4-6-inhibitor": {"cdk46"},
    "aromatase-inhibitor": {"aromatase-inhibitor"},
    "pd-1-or-pd-l1-inhibitor": {"pd1", "pdl1"},
    "supportive-drug": {"supportive"},
}


@pytest.mark.parametrize("name", sorted(CLASS_SETS))
def test_the_rules_code_set_of_a_class_holds_every_ingredient_of_the_class(name):
    path = Path(__file__).parents[2] / "rules" / "codes" / f"{name}.json"
    included = json.loads(path.read_text())["compose"]["include"]
    held = {(each["system"], concept["code"]) for each in included for concept in each["concept"]}
    needed = {coded_ingredient(each).key for each in INGREDIENTS.values() if each.classes & CLASS_SETS[name]}
    assert needed <= held


def test_the_rules_code_set_of_cancer_drugs_holds_every_one_of_the_table():
    path = Path(__file__).parents[2] / "rules" / "codes" / "anticancer.json"
    included = json.loads(path.read_text())["compose"]["include"]
    held = {(each["system"], concept["code"]) for each in included for concept in each["concept"]}
    assert {coded_ingredient(each).key for each in INGREDIENTS.values() if each.is_anticancer} <= held


def test_an_ingredient_without_a_known_rxnorm_code_has_one_of_our_own():
    (reading,) = NORMALISERS["drug"]({}, "talazoparib 1 mg capsule")
    assert reading.coded.key == ("urn:prior-auth:ingredient", "talazoparib")
    (again,) = NORMALISERS["drug"]({}, coded(reading.coded.key))
    assert again.value == "talazoparib"
