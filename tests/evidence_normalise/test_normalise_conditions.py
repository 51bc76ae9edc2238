"""Cancer sites, sides, histology, grade and the conditions that exclude."""

import pytest

from prior_auth.evidence.normalise import NORMALISERS, Unreadable
from prior_auth.evidence.normalise.concepts import originator_reason
from prior_auth.evidence.normalise.histology import family_in, icdo3

SCT, LNC, ICD = "http://snomed.info/sct", "http://loinc.org", "http://hl7.org/fhir/sid/icd-10-cm"
ICDO3 = "http://terminology.hl7.org/CodeSystem/icd-o-3"


def coded(*codes: tuple[str, str], text: str | None = None) -> dict[str, object]:
    return {"coding": [{"system": system, "code": code} for system, code in codes]} | ({"text": text} if text else {})


@pytest.mark.parametrize(
    ("value", "site", "kind", "snomed"),
    [
        (coded((SCT, "254837009")), "breast", "primary", "254837009"),
        (coded((SCT, "353431000119107")), "breast", "primary", "254837009"),
        (coded((ICD, "C50.912"), text="Breast cancer, left"), "breast", "primary", "254837009"),
        (coded((ICD, "C50912")), "breast", "primary", "254837009"),
        (coded((ICD, "c50.9")), "breast", "primary", "254837009"),
        (coded((SCT, "254837009"), (ICD, "C50.912")), "breast", "primary", "254837009"),
        (coded((SCT, "363346000"), (ICD, "C50.9")), "breast", "primary", "254837009"),
        (coded((SCT, "254637007")), "nsclc", "primary", "254637007"),
        (coded((SCT, "422968005")), "nsclc", "primary", "254637007"),
        (coded((SCT, "254632001")), "sclc", "primary", "254632001"),
        (coded((ICD, "C34.12")), "lung", "primary", "363358000"),
        (coded((ICD, "C34.12"), (SCT, "254637007")), "nsclc", "primary", "254637007"),
        (coded((ICD, "C34.12"), text="Non-small cell lung cancer, left upper lobe"), "nsclc", "primary", "254637007"),
        (coded((ICD, "C34.90"), text="Lung adenocarcinoma"), "nsclc", "primary", "254637007"),
        (coded((ICD, "C34.90"), text="Small cell carcinoma of lung"), "sclc", "primary", "254632001"),
        (coded((ICD, "C34.90"), text="Lung cancer, possibly small cell"), "lung", "primary", "363358000"),
        (coded((ICD, "C61")), "prostate", "primary", "399068003"),
        (coded((ICD, "C79.51")), "bone", "secondary", "94222008"),
        (coded((ICD, "C79.31")), "brain", "secondary", "94225005"),
        (coded((ICD, "C78.7")), "liver", "secondary", "94381002"),
        (coded((ICD, "C78.01")), "lung", "secondary", "94391008"),
        (coded((ICD, "C77.3")), "lymph-node", "secondary", "94392001"),
        (coded((ICD, "C79.89")), "other", "secondary", "128462008"),
        (coded((SCT, "94225005")), "brain", "secondary", "94225005"),
        (coded((ICD, "D05.12")), "breast", "in-situ", None),
        (coded((SCT, "399935008")), "breast", "in-situ", None),
        (coded((ICD, "D24.1")), None, "benign", None),
        (coded((ICD, "Z85.3")), "breast", "history", None),
        (coded((ICD, "Z80.3")), None, "family-history", None),
        (coded((ICD, "Z12.31")), None, "risk", None),
        (coded((ICD, "D48.61")), None, "uncertain", None),
        ("Breast cancer, left", "breast", "primary", "254837009"),
        ("Invasive ductal carcinoma of left breast", "breast", "primary", "254837009"),
        ("Triple negative breast cancer", "breast", "primary", "254837009"),
        ("NSCLC", "nsclc", "primary", "254637007"),
        ("Non-small cell lung cancer, stage IV", "nsclc", "primary", "254637007"),
        ("Adenocarcinoma of the left upper lobe of lung", "nsclc", "primary", "254637007"),
        ("Small cell lung cancer", "sclc", "primary", "254632001"),
        ("Malignant neoplasm of lung", "lung", "primary", "363358000"),
        ("Cancer of prostate", "prostate", "primary", "399068003"),
        ("History of breast cancer", "breast", "history", None),
        ("Breast cancer, history of", "breast", "history", None),
        ("Malignant neoplasm of upper-outer quadrant of left female breast", "breast", "primary", "254837009"),
        ("Adenocarcinoma, lung", "nsclc", "primary", "254637007"),
        ("Metastatic adenocarcinoma to lung", "lung", "secondary", "94391008"),
        ("Non-Hodgkin lymphoma", "lymphoma", "primary", "118600007"),
        ("DCIS of the right breast", "breast", "in-situ", None),
        ("Bone metastases", "bone", "secondary", "94222008"),
        ("Benign neoplasm of breast", None, "benign", None),
    ],
)
def test_a_cancer_is_read_with_its_kind(value, site, kind, snomed):
    (reading,) = NORMALISERS["diagnosis"]({}, value)
    assert (reading.value, reading.extra["kind"]) == (site, kind)
    assert (reading.coded.code if reading.coded else None) == snomed


def test_a_text_may_tell_a_primary_and_where_it_has_spread():
    readings = NORMALISERS["diagnosis"]({}, "Breast cancer metastatic to bone and liver")
    assert [(each.value, each.extra["kind"]) for each in readings] == [
        ("breast", "primary"),
        ("bone", "secondary"),
        ("liver", "secondary"),
    ]


def test_spread_to_lymph_nodes_is_marked_nodal():
    assert NORMALISERS["diagnosis"]({}, coded((ICD, "C77.3")))[0].extra["nodal"] is True
    assert NORMALISERS["diagnosis"]({}, coded((ICD, "C79.51")))[0].extra["nodal"] is False


@pytest.mark.parametrize(
    "value",
    [
        "",
        "No evidence of breast cancer",
        "Family history of breast cancer",
        "Mother with breast cancer",
        "Rule out lung cancer",
        "Possible NSCLC",
        "Suspected lung cancer",
        "Breast cancer screening",
        "Negative for malignancy",
        "Breast mass",
        "Hypertension",
        "Benign hypertensive heart disease without congestive heart failure",
        "Benign prostatic hyperplasia",
        "Breast cancer?",
        "Breast cancer and lung cancer",
        coded((SCT, "38341003")),
        coded((ICD, "I10")),
        coded((ICD, "C50.9"), (ICD, "C34.9")),
        coded((ICD, "C50.9"), (ICD, "Z85.3")),
        coded((SCT, "254637007"), text="Small cell carcinoma of lung"),
        coded(("http://hospital.example.org", "C50.9")),
    ],
)
def test_what_is_no_one_cancer_is_unread(value):
    with pytest.raises(Unreadable):
        NORMALISERS["diagnosis"]({}, value)


@pytest.mark.parametrize(
    ("value", "side"),
    [
        (coded((SCT, "7771000")), "left"),
        (coded((SCT, "80248007")), "left"),
        (coded((ICD, "C50.911")), "right"),
        (coded((ICD, "C50912")), "left"),
        (coded((ICD, "C34.11")), "right"),
        (coded((ICD, "C34.92")), "left"),
        (coded((ICD, "D05.12")), "left"),
        (coded((ICD, "C56.1")), "right"),
        ("Left", "left"),
        ("right breast", "right"),
        ("bilateral", "bilateral"),
        ("R", "right"),
    ],
)
def test_the_side_is_read(value, side):
    assert NORMALISERS["laterality"]({}, value)[0].value == side


@pytest.mark.parametrize(
    "value",
    [
        coded((ICD, "C50.919")),
        coded((ICD, "C50.9")),
        coded((ICD, "C34.90")),
        coded((ICD, "C61")),
        coded((SCT, "7771000"), (SCT, "24028007")),
        "left, not right",
        "left or right",
        "breast",
        "leftover",
    ],
)
def test_a_side_that_is_not_told_is_unread(value):
    with pytest.raises(Unreadable):
        NORMALISERS["laterality"]({}, value)


@pytest.mark.parametrize(
    ("value", "code", "family", "lung"),
    [
        (coded((ICDO3, "8140/3")), "8140/3", "adenocarcinoma", "nsclc"),
        (coded((ICDO3, "81403")), "8140/3", "adenocarcinoma", "nsclc"),
        (coded((ICDO3, "80463/3")), "8046/3", "nsclc", "nsclc"),
        (coded((ICDO3, "8070/3")), "8070/3", "squamous", "nsclc"),
        (coded((ICDO3, "8041/3")), "8041/3", "small-cell", "sclc"),
        (coded((ICDO3, "8500/3")), "8500/3", "ductal", None),
        (coded((ICDO3, "8500/2")), "8500/2", None, None),
        (coded((ICDO3, "9999/3")), "9999/3", None, None),
        (coded((SCT, "1187332001")), "8140/3", "adenocarcinoma", "nsclc"),
        (coded((SCT, "82711006")), "8500/3", "ductal", None),
        ("Adenocarcinoma", "8140/3", "adenocarcinoma", "nsclc"),
        ("Non-small cell carcinoma", "8046/3", "nsclc", "nsclc"),
        ("NSCLC, squamous", "8070/3", "squamous", "nsclc"),
        ("small cell carcinoma", "8041/3", "small-cell", "sclc"),
        ("Invasive ductal carcinoma", "8500/3", "ductal", None),
        ("Invasive carcinoma of no special type", "8500/3", "ductal", None),
    ],
)
def test_histology_is_icd_o_3_with_its_family(value, code, family, lung):
    (reading,) = NORMALISERS["histology"]({}, value)
    assert (reading.value, reading.extra["family"], reading.extra["lung"]) == (code, family, lung)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "carcinoma",
        "not small cell",
        "possible adenocarcinoma",
        "no malignancy, adenocarcinoma excluded",
        "adenocarcinoma and small cell carcinoma",
        "ductal carcinoma in situ",
        coded((SCT, "1")),
        coded((ICDO3, "8140/3"), (ICDO3, "8041/3")),
        coded((ICDO3, "foo")),
    ],
)
def test_histology_that_is_not_told_is_unread(value):
    with pytest.raises(Unreadable):
        NORMALISERS["histology"]({}, value)


def test_small_cell_is_not_found_in_non_small_cell():
    for text in ("non-small cell", "nonsmall cell", "Non small-cell carcinoma", "NSCLC"):
        family = family_in(text)
        assert family is not None
        assert family.lung == "nsclc"
    assert icdo3("no code") is None


@pytest.mark.parametrize(
    ("value", "grade"),
    [
        (coded((SCT, "1155708003")), "low"),
        (coded((SCT, "1663004")), "intermediate"),
        ("Grade 3", "high"),
        ("G1", "low"),
        ("Nottingham grade 2 (6/9)", "intermediate"),
        ("poorly differentiated", "high"),
        ("Grade II", "intermediate"),
        (2, "intermediate"),
    ],
)
def test_a_histologic_grade_is_low_intermediate_or_high(value, grade):
    assert NORMALISERS["histologic-grade"]({}, value)[0].value == grade


@pytest.mark.parametrize("value", ["", "Grade 1-2", "grade 5", "not high grade", "cannot be assessed", "GX", True, "8"])
def test_a_grade_that_is_not_told_is_unread(value):
    with pytest.raises(Unreadable):
        NORMALISERS["histologic-grade"]({}, value)


@pytest.mark.parametrize(
    ("item", "value", "answer"),
    [
        ("disease-status", coded((SCT, "271299001")), "worsened"),
        ("disease-status", "Progressive disease", "worsened"),
        ("disease-status", "stable disease", "stable"),
        ("disease-status", "Partial response", "partial-remission"),
        ("stop-reason", coded((SCT, "266721009")), "no-response"),
        ("stop-reason", "Disease progression", "no-response"),
        ("stop-reason", "intolerance", "not-tolerated"),
        ("stop-reason", "Discontinued due to toxicity", "not-tolerated"),
        ("stop-reason", "patient declined", "refused"),
        ("stop-reason", "treatment completed", "completed"),
        ("pregnancy-status", coded((SCT, "60001007")), "not-pregnant"),
        ("pregnancy-status", "Not pregnant", "not-pregnant"),
        ("comorbidity", coded((ICD, "M06.9"), text="RA"), "autoimmune"),
        ("comorbidity", coded((SCT, "85828009")), "autoimmune"),
        ("comorbidity", "Rheumatoid arthritis", "autoimmune"),
        ("comorbidity", coded((ICD, "J84.10"), text="ILD"), "ild"),
        ("comorbidity", "Interstitial lung disease", "ild"),
        ("comorbidity", coded((ICD, "D46.9")), "mds"),
        ("comorbidity", coded((ICD, "C92.00")), "aml"),
        ("comorbidity", coded((ICD, "Z33.1")), "pregnancy"),
        ("comorbidity", coded((ICD, "Z94.0")), "transplant"),
        ("comorbidity", "Status post allogeneic stem cell transplant", "transplant"),
        ("comorbidity", coded((SCT, "64572001")), "any"),
    ],
)
def test_a_closed_answer_is_read(item, value, answer):
    assert NORMALISERS[item]({}, value)[0].value == answer


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("disease-status", "no progression"),
        ("disease-status", "progression or stable"),
        ("disease-status", "possible progression"),
        ("stop-reason", "not due to toxicity"),
        ("stop-reason", "toxicity and progression"),
        ("stop-reason", ""),
        ("stop-reason", coded((SCT, "1"))),
        ("pregnancy-status", "unknown"),
        ("comorbidity", "No autoimmune disease"),
        ("comorbidity", "denies rheumatoid arthritis"),
        ("comorbidity", "Family history of lupus"),
        ("comorbidity", "Possible ILD"),
        ("comorbidity", "aspiration pneumonitis"),
        ("comorbidity", coded((ICD, "Z94.7"))),
        ("comorbidity", coded((ICD, "E11.9"))),
    ],
)
def test_a_closed_answer_that_is_not_given_is_unread(item, value):
    with pytest.raises(Unreadable):
        NORMALISERS[item]({}, value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Patient preference", "preference"),
        ("prescriber preference for brand", "preference"),
        ("failed biosimilar Kanjinti", "failure"),
        ("Severe infusion reaction to trastuzumab-anns", "intolerance"),
        ("intolerance to biosimilar", "intolerance"),
        ("not tolerated: Ogivri", "intolerance"),
        ("patient preference; failed Kanjinti", None),
        ("no failure of biosimilar", None),
        ("no known allergies", None),
        ("possible intolerance", None),
        ("adjuvant therapy per plan", None),
        ("", None),
    ],
)
def test_the_reason_for_the_originator_is_read_from_its_note(text, reason):
    assert originator_reason(text) == reason
