"""Stage groups and TNM: every coding, AJCC strings, text, and what must stay unread."""

import pytest

from prior_auth.evidence.normalise import NORMALISERS, Unreadable
from prior_auth.evidence.normalise.stage import GROUP_CODES, group_rank, tnm_in

SCT, LNC, AJCC = "http://snomed.info/sct", "http://loinc.org", "http://cancerstaging.org"
CLINICAL, PATHOLOGIC, UNSAID = "399537006", "399588009", "399390009"


def asked(code: str, system: str = SCT) -> dict[str, object]:
    return {"resourceType": "Observation", "code": {"coding": [{"system": system, "code": code}]}}


def coded(code: str, system: str = SCT, text: str | None = None) -> dict[str, object]:
    return {"coding": [{"system": system, "code": code}]} | ({"text": text} if text else {})


@pytest.mark.parametrize(
    ("resource", "value", "group", "question"),
    [
        (asked(CLINICAL), coded("1222806003"), "IIIC", CLINICAL),
        (asked(PATHOLOGIC), coded("1222769001"), "IIB", PATHOLOGIC),
        (asked("21908-9", LNC), coded("1222837003"), "IV", CLINICAL),
        (asked("21902-2", LNC), coded("1222724007"), "IA", PATHOLOGIC),
        (asked(UNSAID), coded("258224005"), "III", UNSAID),
        (asked(UNSAID), coded("50283003"), "III", CLINICAL),
        (asked(UNSAID), coded("3C", AJCC), "IIIC", UNSAID),
        (asked(UNSAID), coded("c2A", AJCC), "IIA", CLINICAL),
        (asked(UNSAID), "3C", "IIIC", UNSAID),
        (asked(UNSAID), "IIIC", "IIIC", UNSAID),
        (asked(UNSAID), "Stage IIA", "IIA", UNSAID),
        (asked(UNSAID), "stage 2a", "IIA", UNSAID),
        (asked(UNSAID), "Stage IV (metastatic) NSCLC", "IV", UNSAID),
        (asked(UNSAID), "AJCC 8th edition Stage IIIB", "IIIB", UNSAID),
        (asked(UNSAID), "Pathologic stage IIB (pT2 N1 M0)", "IIB", PATHOLOGIC),
        (asked(UNSAID), "Clinical Stage IA2", "IA2", CLINICAL),
        (asked(UNSAID), "pT2 N1 M0, Stage IIB", "IIB", UNSAID),
        (asked(UNSAID), "American Joint Committee on Cancer stage IIIC (qualifier value)", "IIIC", UNSAID),
        (asked(UNSAID), {"text": "Stage 0"}, "0", UNSAID),
    ],
)
def test_a_stage_group_is_read_with_the_question_it_answers(resource, value, group, question):
    (reading,) = NORMALISERS["stage.group"](resource, value)
    assert reading.value == group
    assert reading.code.code == question
    assert (reading.coded.system, reading.coded.code) == (SCT, GROUP_CODES[group])


@pytest.mark.parametrize(
    "value",
    [
        "",
        "unknown",
        "not stage IV",
        "possible stage IV",
        "Stage IIIA or IIIB",
        "Stage IIA, previously stage IB",
        "at least stage III",
        "no evidence of stage IV disease",
        "history of stage II",
        "FIGO stage IIIA",
        "Rai stage II",
        "Binet Stage B",
        "ISS Stage II Plasma Cell Myeloma",
        "Ann Arbor stage III",
        "Dukes C",
        "Stage 3 chronic kidney disease",
        "Stage 2 pressure ulcer",
        "extensive stage",
        "Stage V",
        "IIIE",
        "IIB2",
        coded("99999"),
        coded("C80135", "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"),
        coded("1222769001", text="Stage IIIC"),
        {"coding": [{"system": SCT, "code": "1222769001"}, {"system": AJCC, "code": "3C"}]},
        coded("unknown", "http://terminology.hl7.org/CodeSystem/data-absent-reason"),
    ],
)
def test_what_is_no_one_ajcc_stage_is_unread(value):
    with pytest.raises(Unreadable):
        NORMALISERS["stage.group"](asked(UNSAID), value)


def test_a_pathologic_stage_under_a_clinical_question_is_unread():
    with pytest.raises(Unreadable):
        NORMALISERS["stage.group"](asked(CLINICAL), "pathologic stage IIA")


def test_the_type_of_a_conditions_stage_says_whether_it_is_clinical():
    condition = {"resourceType": "Condition", "stage": [{"summary": coded("1222769001"), "type": coded("261023001")}]}
    (reading,) = NORMALISERS["stage.group"](condition, condition["stage"][0]["summary"])
    assert reading.code.code == PATHOLOGIC


def test_stage_groups_are_ordered_by_table_not_by_code():
    order = ["0", "I", "IA", "IA3", "IB", "II", "IIA", "IIIC", "IV", "IVB"]
    assert sorted(order, key=group_rank) == order


@pytest.mark.parametrize(
    ("axis", "resource", "value", "expected"),
    [
        ("T", asked("399504009"), coded("1228938002"), ("T3", "c", "399504009", "1228938002")),
        ("T", asked("384625004"), coded("1229859000"), ("T3", "p", "384625004", "1229859000")),
        ("N", asked("21900-6", LNC), coded("46059003"), ("N2", "p", "371494008", "1229957002")),
        ("M", asked("277208005"), coded("55440008"), ("M1", "", "277208005", "55440008")),
        ("T", asked("78873005"), coded("cT3", AJCC), ("T3", "c", "399504009", "1228938002")),
        ("T", asked("78873005"), "pT2 N1 M0", ("T2", "p", "384625004", "1229852009")),
        ("N", asked("277206009"), "pT2 N1 M0", ("N1", "p", "371494008", "1229951001")),
        ("M", asked("277208005"), "pT2 N1 M0", ("M0", "", "277208005", "30893008")),
        ("N", asked("277206009"), "ypN1a", ("N1a", "yp", "371494008", "1229951001")),
        ("N", asked("277206009"), "pN1mi(sn)", ("N1mi", "p", "371494008", "1229951001")),
        ("N", asked("277206009"), "pN1 (2/15)", ("N1", "p", "371494008", "1229951001")),
        ("N", asked("277206009"), "pN0(i+)", ("N0", "p", "371494008", "1229947003")),
        ("T", asked("78873005"), "pT2a", ("T2a", "p", "384625004", "1229852009")),
        ("T", asked("78873005"), "cT2a", ("T2a", "c", "399504009", "1228931008")),
        ("M", asked("399387003"), "M1b", ("M1b", "c", "399387003", "1229903009")),
        ("T", asked("78873005"), "pT2N1M0, stage IIB", ("T2", "p", "384625004", "1229852009")),
        ("T", asked("399504009"), {"text": "T category: cT1c"}, ("T1c", "c", "399504009", "1228899006")),
    ],
)
def test_a_category_is_read_with_prefix_question_and_code(axis, resource, value, expected):
    (reading,) = NORMALISERS[f"stage.{axis}"](resource, value)
    assert (reading.value, reading.extra["prefix"], reading.code.code, reading.coded.code) == expected


@pytest.mark.parametrize(
    ("axis", "value"),
    [
        ("T", "TX"),
        ("N", "NX"),
        ("M", "MX"),
        ("N", "pT2"),
        ("T", "T5"),
        ("N", "N4"),
        ("M", "M2"),
        ("T", "T2 or T3"),
        ("N", "N0, N1"),
        ("N", "possible N1"),
        ("N", "not N1"),
        ("T", "T2 lesion on T1 weighted images"),
        ("M", coded("not-applicable", "http://terminology.hl7.org/CodeSystem/data-absent-reason")),
        ("T", coded("1229967007")),
        ("T", ""),
    ],
)
def test_what_is_no_category_of_the_axis_is_unread(axis, value):
    with pytest.raises(Unreadable):
        NORMALISERS[f"stage.{axis}"](asked({"T": "78873005", "N": "277206009", "M": "277208005"}[axis]), value)


def test_a_pathologic_category_under_a_clinical_question_is_unread():
    with pytest.raises(Unreadable):
        NORMALISERS["stage.T"](asked("399504009"), coded("1229859000"))


def test_one_text_gives_three_categories():
    readings = NORMALISERS["stage.tnm"]({}, "ypT1c ypN1a cM0")
    assert [(each.extra["axis"], each.extra["prefix"], each.value) for each in readings] == [
        ("T", "yp", "T1c"),
        ("N", "yp", "N1a"),
        ("M", "c", "M0"),
    ]


def test_the_level_of_a_category_can_be_compared():
    ranks = [tnm_in(text)["N"].rank for text in ("N0", "cN1", "pN2a", "N3c")]
    assert ranks == [0, 1, 2, 3]
