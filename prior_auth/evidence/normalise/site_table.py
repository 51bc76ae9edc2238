"""Cancer sites: canonical SNOMED CT code, ICD-10-CM categories, other SNOMED CT codes.

Canonical codes are those of the mCODE view; a site without one keeps the codes it was stated with. SNOMED CT codes are
of the mCODE examples, of our notes and of public data; ICD-10-CM categories of the classification itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Site:
    """`within` is the wider site of a type: non-small cell lung cancer is a lung cancer."""

    name: str
    code: str | None
    display: str
    icd10: tuple[str, ...] = ()
    snomed: frozenset[str] = frozenset()
    within: str | None = None


def _site(
    name: str, code: str | None, display: str, icd10: str = "", snomed: str = "", within: str | None = None
) -> Site:
    known = frozenset(snomed.split()) | ({code} if code else frozenset())
    return Site(name, code, display, tuple(icd10.split()), known, within)


_SITES = (
    _site(
        "breast",
        "254837009",
        "Malignant neoplasm of breast",
        "C50",
        "372064008 353431000119107 353501000119107 254838004 408643008 278054005 93796005 372096000 427685000 "
        "706970001",
    ),
    _site(
        "nsclc",
        "254637007",
        "Non-small cell lung cancer",
        "",
        "254626006 254634000 254629004 424132000 425048006 422968005 423121009 423295000 423468007 423050000 426964009 "
        "427038005 723301009 1255725002",
        within="lung",
    ),
    _site(
        "sclc",
        "254632001",
        "Small cell carcinoma of lung",
        "",
        "254633006 67811000119102 67821000119109 67831000119107 67841000119103",
        within="lung",
    ),
    _site("lung", "363358000", "Malignant tumor of lung", "C33 C34", "93880001"),
    _site("prostate", "399068003", "Malignant tumor of prostate", "C61", "93974005 254900004 399490008 427492003"),
    _site("colon", "363406005", "Malignant neoplasm of colon", "C18", "93761005 408645001"),
    _site("rectum", "363351006", "Malignant tumor of rectum", "C19 C20"),
    _site("anus", None, "Malignant neoplasm of anus", "C21"),
    _site("stomach", "363349007", "Malignant tumor of stomach", "C16"),
    _site("esophagus", "363402007", "Malignant tumor of esophagus", "C15"),
    _site("pancreas", "363418001", "Malignant tumor of pancreas", "C25", "372142002"),
    _site("liver", "93870000", "Malignant neoplasm of liver", "C22", "109841003"),
    _site("biliary", None, "Malignant neoplasm of biliary tract", "C23 C24"),
    _site("ovary", "363443007", "Malignant tumor of ovary", "C56"),
    _site("fallopian-tube", None, "Malignant neoplasm of fallopian tube", "C57"),
    _site("cervix", "363354003", "Malignant tumor of cervix", "C53"),
    _site("uterus", "371973000", "Malignant tumor of uterus", "C54 C55"),
    _site("kidney", "363518003", "Malignant tumor of kidney", "C64 C65", "254915003"),
    _site("bladder", "399326009", "Malignant tumor of urinary bladder", "C67"),
    _site("melanoma", "372244006", "Malignant melanoma", "C43", "93655004"),
    _site("skin", None, "Malignant neoplasm of skin", "C44 C4A"),
    _site("brain", "428061005", "Malignant neoplasm of brain", "C71"),
    _site("glioblastoma", "393563007", "Glioblastoma multiforme", within="brain"),
    _site("thyroid", "363478007", "Malignant tumor of thyroid", "C73"),
    _site(
        "head-and-neck",
        None,
        "Malignant neoplasm of head and neck",
        "C00 C01 C02 C03 C04 C05 C06 C07 C08 C09 C10 C11 C12 C13 C14 C30 C31 C32",
    ),
    _site("mesothelioma", None, "Mesothelioma", "C45"),
    _site("small-intestine", None, "Malignant neoplasm of small intestine", "C17"),
    _site("thymus", None, "Malignant neoplasm of thymus", "C37"),
    _site("bone", None, "Malignant neoplasm of bone", "C40 C41"),
    _site("kaposi-sarcoma", None, "Kaposi sarcoma", "C46"),
    _site("peripheral-nerve", None, "Malignant neoplasm of peripheral nerve", "C47"),
    _site("peritoneum", None, "Malignant neoplasm of peritoneum", "C48"),
    _site("soft-tissue", None, "Malignant neoplasm of soft tissue", "C49"),
    _site("vulva", None, "Malignant neoplasm of vulva", "C51"),
    _site("vagina", None, "Malignant neoplasm of vagina", "C52"),
    _site("penis", None, "Malignant neoplasm of penis", "C60"),
    _site("ureter", None, "Malignant neoplasm of ureter", "C66"),
    _site("eye", None, "Malignant neoplasm of eye", "C69"),
    _site("meninges", None, "Malignant neoplasm of meninges", "C70"),
    _site("spinal-cord", None, "Malignant neoplasm of spinal cord and nerves of the skull", "C72"),
    _site("adrenal", None, "Malignant neoplasm of adrenal gland", "C74"),
    _site("testis", None, "Malignant neoplasm of testis", "C62"),
    _site("cll", "92814006", "Chronic lymphoid leukemia", "C91.1"),
    _site("all", "91857003", "Acute lymphoid leukemia", "C91.0", "277571004"),
    _site("aml", "91861009", "Acute myeloid leukemia", "C92.0 C92.4 C92.5 C92.6 C92.A C93.0"),
    _site("cml", "92818009", "Chronic myeloid leukemia", "C92.1"),
    _site("myeloma", "109989006", "Multiple myeloma", "C90.0"),
    _site("hodgkin", None, "Hodgkin lymphoma", "C81"),
    _site(
        "lymphoma",
        "118600007",
        "Malignant lymphoma",
        "C82 C83 C84 C85 C86 C88",
        "118601006 308121000 109969005 443487006 190818004",
    ),
    _site("unspecified", "363346000", "Malignant neoplastic disease", "C80.1"),
)
SITES: Mapping[str, Site] = MappingProxyType({site.name: site for site in _SITES})

# Where a secondary cancer sits. ICD-10-CM C77-C79 and C7B; the longest prefix wins.
SECONDARY_SITES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "bone": ("94222008", "Secondary malignant neoplasm of bone"),
        "brain": ("94225005", "Secondary malignant neoplasm of brain"),
        "liver": ("94381002", "Secondary malignant neoplasm of liver"),
        "lung": ("94391008", "Secondary malignant neoplasm of lung"),
        "lymph-node": ("94392001", "Secondary malignant neoplasm of lymph node"),
        "other": ("128462008", "Secondary malignant neoplastic disease"),
    }
)
SECONDARY_ICD10: Mapping[str, str] = MappingProxyType(
    {
        "C77": "lymph-node",
        "C78.0": "lung",
        "C78.7": "liver",
        "C78": "other",
        "C79.3": "brain",
        "C79.5": "bone",
        "C79": "other",
        "C7B.01": "lymph-node",
        "C7B.02": "liver",
        "C7B.03": "bone",
        "C7B": "other",
        "C80.0": "other",
    }
)
# Not a present malignant tumour: kept apart by kind.
OTHER_KINDS_ICD10: tuple[tuple[str, str], ...] = (
    (r"^Z85", "history"),
    (r"^Z80", "family-history"),
    (r"^(Z12|Z15)", "risk"),
    (r"^D0[0-9]", "in-situ"),
    (r"^D(1[0-9]|2[0-9]|3[0-6])", "benign"),
    (r"^D(3[7-9]|4[0-9])", "uncertain"),
)
OTHER_KINDS_SNOMED: Mapping[str, tuple[str, str | None]] = MappingProxyType(
    {
        "399935008": ("in-situ", "breast"),  # ductal carcinoma in situ
        "109889007": ("in-situ", "breast"),  # ductal carcinoma in situ, as Synthea has it
        "429087003": ("history", "breast"),
        "1287652008": ("history", None),
        "1098951000119108": ("history", None),
    }
)
HISTORY_ICD10: Mapping[str, str] = MappingProxyType(
    {"Z85.3": "breast", "Z85.11": "lung", "Z85.46": "prostate", "Z85.43": "ovary", "Z85.038": "colon"}
)
