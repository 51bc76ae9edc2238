"""The codes that stories use: words of a story -> codes of the field. All come from the public guides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
CPT = "http://www.ama-assn.org/go/cpt"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
NDC = "http://hl7.org/fhir/sid/ndc"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
ICDO3 = "http://terminology.hl7.org/CodeSystem/icd-o-3"
NCIT = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
HGNC = "http://www.genenames.org"
HGVS = "http://varnomen.hgvs.org"
UCUM = "http://unitsofmeasure.org"
LOCAL = "http://example.org/local-codes"
ATTESTATION = "urn:prior-auth:attestation"

MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
US_CORE_CODES = "http://hl7.org/fhir/us/core/CodeSystem/"
GENOMICS = "http://hl7.org/fhir/uv/genomics-reporting/StructureDefinition/"
THO = "http://terminology.hl7.org/CodeSystem/"

Json = dict[str, Any]


def coding(system: str, code: str, display: str | None = None) -> Json:
    return {"system": system, "code": code} | ({"display": display} if display else {})


def concept(*codings: Json, text: str | None = None) -> Json:
    return ({"coding": list(codings)} if codings else {}) | ({"text": text} if text else {})


# Sites of a primary cancer: SNOMED CT disorder, body structure, and ICD-10-CM by side (right, left, not said).
PRIMARY: Mapping[str, tuple[Json, Json, Mapping[str | None, str]]] = {
    "breast": (
        coding(SNOMED, "254837009", "Malignant neoplasm of breast"),
        coding(SNOMED, "76752008", "Breast structure"),
        {"right": "C50.411", "left": "C50.412", None: "C50.919"},
    ),
    "nsclc": (
        coding(SNOMED, "254637007", "Non-small cell lung cancer"),
        coding(SNOMED, "39607008", "Lung structure"),
        {"right": "C34.11", "left": "C34.12", None: "C34.90"},
    ),
    "small-cell-lung": (
        coding(SNOMED, "254632001", "Small cell carcinoma of lung"),
        coding(SNOMED, "39607008", "Lung structure"),
        {"right": "C34.11", "left": "C34.12", None: "C34.90"},
    ),
    "lung": (
        coding(SNOMED, "363358000", "Malignant tumor of lung"),
        coding(SNOMED, "39607008", "Lung structure"),
        {"right": "C34.11", "left": "C34.12", None: "C34.90"},
    ),
    "stomach": (
        coding(SNOMED, "363349007", "Malignant tumor of stomach"),
        coding(SNOMED, "69695003", "Stomach structure"),
        {None: "C16.9"},
    ),
    "myeloma": (
        coding(SNOMED, "109989006", "Multiple myeloma"),
        coding(SNOMED, "14016003", "Bone marrow"),
        {None: "C90.00"},
    ),
    "cml": (
        coding(SNOMED, "92818009", "Chronic myeloid leukemia"),
        coding(SNOMED, "14016003", "Bone marrow"),
        {None: "C92.10"},
    ),
    "colon": (
        coding(SNOMED, "363406005", "Malignant tumor of colon"),
        coding(SNOMED, "71854001", "Colon structure"),
        {None: "C18.9"},
    ),
    "cervix": (
        coding(SNOMED, "363354003", "Malignant tumor of cervix"),
        coding(SNOMED, "71252005", "Cervix uteri structure"),
        {None: "C53.9"},
    ),
    "kidney": (
        coding(SNOMED, "363518003", "Malignant tumor of kidney"),
        coding(SNOMED, "64033007", "Kidney structure"),
        {"right": "C64.1", "left": "C64.2", None: "C64.9"},
    ),
    "melanoma": (
        coding(SNOMED, "372244006", "Malignant melanoma"),
        coding(SNOMED, "39937001", "Skin structure"),
        {None: "C43.9"},
    ),
    "liver": (
        coding(SNOMED, "93870000", "Malignant neoplasm of liver"),
        coding(SNOMED, "10200004", "Liver structure"),
        {None: "C22.9"},
    ),
    "uterus": (
        coding(SNOMED, "371973000", "Malignant tumor of uterus"),
        coding(SNOMED, "35039007", "Uterine structure"),
        {None: "C54.9"},
    ),
    "pancreas": (
        coding(SNOMED, "363418001", "Malignant tumor of pancreas"),
        coding(SNOMED, "15776009", "Pancreatic structure"),
        {None: "C25.9"},
    ),
    "hodgkin": (
        coding(SNOMED, "118599009", "Hodgkin's disease"),
        coding(SNOMED, "59441001", "Structure of lymph node"),
        {None: "C81.90"},
    ),
    "ovary": (
        coding(SNOMED, "363443007", "Malignant tumor of ovary"),
        coding(SNOMED, "15497006", "Ovarian structure"),
        {"right": "C56.1", "left": "C56.2", None: "C56.9"},
    ),
    "follicular-lymphoma": (
        coding(SNOMED, "308121000", "Follicular non-Hodgkin's lymphoma"),
        coding(SNOMED, "59441001", "Structure of lymph node"),
        {None: "C82.90"},
    ),
    "large-b-cell-lymphoma": (
        coding(SNOMED, "109969005", "Diffuse non-Hodgkin's lymphoma, large cell"),
        coding(SNOMED, "59441001", "Structure of lymph node"),
        {None: "C83.30"},
    ),
    "cll": (
        coding(SNOMED, "92814006", "Chronic lymphoid leukemia, disease"),
        coding(SNOMED, "14016003", "Bone marrow"),
        {None: "C91.10"},
    ),
    "choroid": (
        coding(ICD10, "C69.32", "Malignant neoplasm of left choroid"),
        coding(SNOMED, "68703001", "Choroidal structure"),
        {None: "C69.32"},
    ),
    "sacrum": (
        coding(ICD10, "C41.4", "Malignant neoplasm of pelvic bones, sacrum and coccyx"),
        coding(SNOMED, "54735007", "Bone structure of sacrum"),
        {None: "C41.4"},
    ),
    "unspecified": (
        coding(SNOMED, "363346000", "Malignant neoplastic disease"),
        coding(SNOMED, "38866009", "Body part structure"),
        {None: "C80.1"},
    ),
    "lymphoma": (
        coding(SNOMED, "118600007", "Malignant lymphoma"),
        coding(SNOMED, "59441001", "Structure of lymph node"),
        {None: "C85.90"},
    ),
    "all": (
        coding(SNOMED, "91857003", "Acute lymphoid leukemia"),
        coding(SNOMED, "14016003", "Bone marrow"),
        {None: "C91.00"},
    ),
    "glioblastoma": (
        coding(SNOMED, "393563007", "Glioblastoma multiforme"),
        coding(SNOMED, "12738006", "Brain structure"),
        {None: "C71.9"},
    ),
    "prostate": (
        coding(SNOMED, "399068003", "Malignant tumor of prostate"),
        coding(SNOMED, "41216001", "Prostatic structure"),
        {None: "C61"},
    ),
}

SECONDARY: Mapping[str, tuple[Json, str]] = {
    "bone": (coding(SNOMED, "94222008", "Secondary malignant neoplasm of bone"), "C79.51"),
    "brain": (coding(SNOMED, "94225005", "Secondary malignant neoplasm of brain"), "C79.31"),
    "liver": (coding(SNOMED, "94381002", "Secondary malignant neoplasm of liver"), "C78.7"),
    "lung": (coding(SNOMED, "94391008", "Secondary malignant neoplasm of lung"), "C78.00"),
    "lymph-node": (coding(SNOMED, "94392001", "Secondary malignant neoplasm of lymph node"), "C77.9"),
}

SIDE: Mapping[str, Json] = {
    "left": coding(SNOMED, "7771000", "Left"),
    "right": coding(SNOMED, "24028007", "Right"),
    "both": coding(SNOMED, "51440002", "Right and left"),
}

HISTOLOGY: Mapping[str, Json] = {
    "adenocarcinoma": coding(ICDO3, "8140/3", "Adenocarcinoma, NOS"),
    "squamous": coding(ICDO3, "8070/3", "Squamous cell carcinoma, NOS"),
    "small-cell": coding(ICDO3, "8041/3", "Small cell carcinoma, NOS"),
    "ductal": coding(ICDO3, "8500/3", "Infiltrating duct carcinoma, NOS"),
    "endometrioid": coding(ICDO3, "8380/3", "Endometrioid adenocarcinoma, NOS"),
    "serous": coding(ICDO3, "8441/3", "Serous carcinoma, NOS"),
    "granulosa-cell": coding(ICDO3, "8620/3", "Granulosa cell tumor, malignant"),
    "neuroendocrine": coding(ICDO3, "8240/3", "Neuroendocrine tumor, NOS"),
    "non-small-cell": coding(ICDO3, "8046/3", "Non-small cell carcinoma"),
    "renal-cell": coding(ICDO3, "8312/3", "Renal cell carcinoma, NOS"),
    "hodgkin-nodular-sclerosis": coding(ICDO3, "9663/3", "Hodgkin lymphoma, nodular sclerosis, NOS"),
    "urothelial": coding(ICDO3, "8120/3", "Transitional cell carcinoma, NOS"),
    "chordoma": coding(ICDO3, "9370/3", "Chordoma, NOS"),
    "spindle-cell-melanoma": coding(ICDO3, "8772/3", "Spindle cell melanoma, NOS"),
    "large-b-cell": coding(ICDO3, "9680/3", "Diffuse large B-cell lymphoma, NOS"),
    "follicular": coding(ICDO3, "9690/3", "Follicular lymphoma, NOS"),
    "mantle-cell": coding(ICDO3, "9673/3", "Mantle cell lymphoma"),
    "small-lymphocytic": coding(ICDO3, "9823/3", "Chronic lymphocytic leukemia/small lymphocytic lymphoma"),
    "b-lymphoblastic": coding(ICDO3, "9811/3", "B lymphoblastic leukemia/lymphoma, NOS"),
    "t-lymphoblastic": coding(ICDO3, "9837/3", "T lymphoblastic leukemia/lymphoma"),
    "glioblastoma": coding(ICDO3, "9440/3", "Glioblastoma, NOS"),
    "oligodendroglioma": coding(ICDO3, "9450/3", "Oligodendroglioma, NOS"),
    "hepatocellular": coding(ICDO3, "8170/3", "Hepatocellular carcinoma, NOS"),
    "melanoma": coding(ICDO3, "8720/3", "Malignant melanoma, NOS"),
}

GRADE: Mapping[str, Json] = {
    "low": coding(SNOMED, "1155708003", "Low grade"),
    "intermediate": coding(SNOMED, "1286893008", "Intermediate grade"),
    "high": coding(SNOMED, "1155707008", "High grade"),
}

AJCC8 = coding(SNOMED, "897275008")

STAGE_GROUP: Mapping[str, str] = {
    "0": "1222605001",
    "I": "1222723001",
    "IA": "1222724007",
    "IB": "1222728005",
    "II": "1222765007",
    "IIA": "1222766008",
    "IIB": "1222769001",
    "IIC": "1222770000",
    "III": "1222801008",
    "IIIA": "1222802001",
    "IIIB": "1222805004",
    "IIIC": "1222806003",
    "IV": "1222837003",
    "IVA": "1222838008",
    "IVB": "1222841004",
}
STAGE_KIND: Mapping[str, Json] = {
    "clinical": coding(SNOMED, "399537006", "Clinical TNM stage grouping"),
    "pathologic": coding(SNOMED, "399588009", "Pathologic TNM stage grouping"),
}

# T, N and M: the SNOMED CT code of the question by prefix, and of the answer as it is written.
TNM_QUESTION: Mapping[str, Mapping[str, str]] = {
    "T": {"c": "399504009", "p": "384625004"},
    "N": {"c": "399534004", "p": "371494008"},
    "M": {"c": "399387003", "p": "371497001"},
}
TNM_PROFILE: Mapping[str, str] = {
    "T": "mcode-tnm-primary-tumor-category",
    "N": "mcode-tnm-regional-nodes-category",
    "M": "mcode-tnm-distant-metastases-category",
}
TNM_VALUE: Mapping[str, str] = {
    "cT1": "1228889001",
    "cT2": "1228929004",
    "cT3": "1228938002",
    "cT4": "1228944003",
    "pT1": "1228957006",
    "pT2": "1229852009",
    "pT3": "1229859000",
    "pT4": "1229864001",
    "cN0": "1229967007",
    "cN1": "1229973008",
    "cN2": "1229978004",
    "cN3": "1229984001",
    "pN0": "1229947003",
    "pN1": "1229951001",
    "pN2": "1229957002",
    "pN3": "1229962001",
    "cM0": "1229901006",
    "cM1": "1229903009",
    "cM1a": "1229904003",
    "pM1": "1229916009",
}

ECOG_ANSWER = ("LA9622-7", "LA9623-5", "LA9624-3", "LA9625-0", "LA9626-8", "LA9627-6")

FINDING: Mapping[str, Json] = {
    "positive": coding(SNOMED, "10828004", "Positive"),
    "negative": coding(SNOMED, "260385009", "Negative"),
    "equivocal": coding(SNOMED, "280414007", "Equivocal"),
}
# What a laboratory that answers in LOINC answers says.
FINDING_LOINC: Mapping[str, Json] = {
    "positive": coding(LOINC, "LA6576-8", "Positive"),
    "negative": coding(LOINC, "LA6577-6", "Negative"),
    "equivocal": coding(LOINC, "LA11885-3", "Equivocal"),
}
HER2_IHC_FINDING: Mapping[str, str] = {"0": "negative", "1+": "negative", "2+": "equivocal", "3+": "positive"}

DISEASE_STATUS: Mapping[str, Json] = {
    "improved": coding(SNOMED, "268910001", "Patient's condition improved"),
    "stable": coding(SNOMED, "359746009", "Patient's condition stable"),
    "worsened": coding(SNOMED, "271299001", "Patient's condition worsened"),
    "undetermined": coding(SNOMED, "709137006", "Patient condition undetermined"),
    "partial-remission": coding(SNOMED, "103337004", "In partial remission"),
    "full-remission": coding(SNOMED, "103338009", "In full remission"),
}

# Conditions besides cancer that rules ask about: SNOMED CT, ICD-10-CM, words.
CONDITION: Mapping[str, tuple[Json, str]] = {
    "autoimmune": (coding(SNOMED, "85828009", "Autoimmune disease"), "M35.9"),
    "rheumatoid-arthritis": (coding(SNOMED, "69896004", "Rheumatoid arthritis"), "M06.9"),
    "crohn-disease": (coding(SNOMED, "34000006", "Crohn's disease"), "K50.90"),
    "ild": (coding(SNOMED, "233703007", "Interstitial lung disease"), "J84.9"),
    "radiation-pneumonitis": (coding(ICD10, "J70.0", "Acute pulmonary manifestations due to radiation"), "J70.0"),
    "mds": (coding(SNOMED, "109995007", "Myelodysplastic syndrome"), "D46.9"),
    "aml": (coding(SNOMED, "91861009", "Acute myeloid leukemia"), "C92.00"),
    "erythroleukemia": (coding(SNOMED, "93451002", "Erythroleukemia"), "C94.00"),
    "pregnancy": (coding(SNOMED, "77386006", "Pregnancy"), "Z33.1"),
    "heart-failure": (coding(SNOMED, "84114007", "Heart failure"), "I50.9"),
    "hypertension": (coding(SNOMED, "38341003", "Hypertensive disorder"), "I10"),
    "pneumonia": (coding(SNOMED, "233604007", "Pneumonia"), "J18.9"),
    "hemoptysis": (coding(SNOMED, "66857006", "Hemoptysis"), "R04.2"),
    "perforation": (coding(ICD10, "K63.1", "Perforation of intestine (nontraumatic)"), "K63.1"),
    "iron-deficiency": (coding(SNOMED, "35240004", "Iron deficiency"), "E61.1"),
    "hemolytic-anemia": (coding(SNOMED, "61261009", "Hemolytic anemia"), "D59.9"),
    "bleeding": (coding(SNOMED, "131148009", "Bleeding"), "R58"),
    "red-cell-aplasia": (coding(SNOMED, "50715003", "Pure red cell aplasia"), "D60.9"),
    "neutropenia": (coding(SNOMED, "165517008", "Neutropenia"), "D70.9"),
    "febrile-neutropenia": (coding(SNOMED, "409089005", "Febrile neutropenia"), "D70.1"),
    "hypocalcemia": (coding(SNOMED, "5291005", "Hypocalcemia"), "E83.51"),
    "long-qt": (coding(SNOMED, "9651007", "Long QT syndrome"), "I45.81"),
    "giant-cell-tumor": (coding(ICD10, "D48.0", "Giant cell tumor of bone"), "D48.0"),
    "hypercalcemia": (coding(SNOMED, "66931009", "Hypercalcemia"), "E83.52"),
    "atopic-dermatitis": (coding(SNOMED, "24079001", "Atopic dermatitis"), "L20.9"),
    "actinic-keratosis": (coding(SNOMED, "201101007", "Actinic keratosis"), "L57.0"),
    "castration-resistant": (coding(ICD10, "Z19.2", "Hormone resistant malignancy status"), "Z19.2"),
    "castration-sensitive": (coding(ICD10, "Z19.1", "Hormone sensitive malignancy status"), "Z19.1"),
    "none": (coding(SNOMED, "64572001", "Disease"), ""),
}

SMOKING: Mapping[str, Json] = {
    "current": coding(SNOMED, "77176002", "Smoker"),
    "former": coding(SNOMED, "8517006", "Ex-smoker"),
    "never": coding(SNOMED, "266919005", "Never smoked tobacco"),
}

# Who a relative is: HL7 v3 RoleCode.
RELATIVE: Mapping[str, Json] = {
    "mother": coding(f"{THO}v3-RoleCode", "MTH", "mother"),
    "sister": coding(f"{THO}v3-RoleCode", "SIS", "sister"),
    "maternal-aunt": coding(f"{THO}v3-RoleCode", "MAUNT", "maternal aunt"),
    "mother-in-law": coding(f"{THO}v3-RoleCode", "MTHINLAW", "mother-in-law"),
    "husband": coding(f"{THO}v3-RoleCode", "HUSB", "husband"),
}
GENE: Mapping[str, str] = {
    "ALK": "HGNC:427",
    "ATM": "HGNC:795",
    "BARD1": "HGNC:952",
    "BRAF": "HGNC:1097",
    "BRCA1": "HGNC:1100",
    "BRCA2": "HGNC:1101",
    "BRIP1": "HGNC:20473",
    "CDK12": "HGNC:24224",
    "CHEK1": "HGNC:1925",
    "CHEK2": "HGNC:16627",
    "EGFR": "HGNC:3236",
    "ERBB2": "HGNC:3430",
    "FANCL": "HGNC:20748",
    "KRAS": "HGNC:6407",
    "MET": "HGNC:7029",
    "NRAS": "HGNC:7989",
    "PALB2": "HGNC:26144",
    "PIK3CA": "HGNC:8975",
    "RAD51B": "HGNC:9822",
    "RAD51C": "HGNC:9820",
    "RAD51D": "HGNC:9823",
    "RAD54L": "HGNC:9826",
    "RET": "HGNC:9967",
    "ROS1": "HGNC:10261",
    "STK11": "HGNC:11389",
    "TP53": "HGNC:11998",
}
MSI: Mapping[str, Json] = {
    "high": coding(LOINC, "LA26203-2", "MSI-H"),
    "low": coding(LOINC, "LA26202-4", "MSI-L"),
    "stable": coding(LOINC, "LA14122-8", "Stable"),
    "indeterminate": coding(LOINC, "LA11884-6", "Indeterminate"),
}
VARIANT_SOURCE: Mapping[str, Json] = {
    "germline": coding(LOINC, "LA6683-2", "Germline"),
    "somatic": coding(LOINC, "LA6684-0", "Somatic"),
}
SIGNIFICANCE: Mapping[str, Json] = {
    "pathogenic": coding(LOINC, "LA6668-3", "Pathogenic"),
    "likely-pathogenic": coding(LOINC, "LA26332-9", "Likely pathogenic"),
    "uncertain": coding(LOINC, "LA26333-7", "Uncertain significance"),
    "likely-benign": coding(LOINC, "LA26334-5", "Likely benign"),
    "benign": coding(LOINC, "LA6675-8", "Benign"),
}

# RxNorm ingredients. A biosimilar is its ingredient here; its HCPCS code tells which one it is.
DRUG: Mapping[str, Json] = {
    "trastuzumab": coding(RXNORM, "224905", "trastuzumab"),
    "trastuzumab-deruxtecan": coding(HCPCS, "J9358", "fam-trastuzumab deruxtecan"),
    "trastuzumab-anns": coding(RXNORM, "224905", "trastuzumab"),
    "pertuzumab": coding(RXNORM, "1298944", "pertuzumab"),
    "pembrolizumab": coding(RXNORM, "1547545", "pembrolizumab"),
    "nivolumab": coding(RXNORM, "1597876", "nivolumab"),
    "atezolizumab": coding(RXNORM, "1792776", "atezolizumab"),
    "olaparib": coding(RXNORM, "1597582", "olaparib"),
    "niraparib": coding(RXNORM, "1918231", "niraparib"),
    "osimertinib": coding(RXNORM, "1721560", "osimertinib"),
    "erlotinib": coding(RXNORM, "337525", "erlotinib"),
    "gefitinib": coding(RXNORM, "328134", "gefitinib"),
    "pemetrexed": coding(RXNORM, "68446", "pemetrexed"),
    "palbociclib": coding(RXNORM, "1601374", "palbociclib"),
    "ribociclib": coding(RXNORM, "1873916", "ribociclib"),
    "abemaciclib": coding(RXNORM, "1946825", "abemaciclib"),
    "inavolisib": coding("urn:prior-auth:ingredient", "inavolisib", "inavolisib"),
    "goserelin": coding(RXNORM, "50610", "goserelin"),
    "rituximab": coding(RXNORM, "121191", "rituximab"),
    "bendamustine": coding(RXNORM, "134547", "bendamustine"),
    "vincristine": coding(RXNORM, "11202", "vincristine"),
    "letrozole": coding(RXNORM, "72965", "letrozole"),
    "abiraterone": coding(RXNORM, "1100072", "abiraterone"),
    "enzalutamide": coding(RXNORM, "1307298", "enzalutamide"),
    "leuprolide": coding(RXNORM, "42375", "leuprolide"),
    "prednisone": coding(RXNORM, "8640", "prednisone"),
    "anastrozole": coding(RXNORM, "84857", "anastrozole"),
    "fulvestrant": coding(RXNORM, "282357", "fulvestrant"),
    "tamoxifen": coding(RXNORM, "10324", "tamoxifen"),
    "paclitaxel": coding(RXNORM, "56946", "paclitaxel"),
    "docetaxel": coding(RXNORM, "72962", "docetaxel"),
    "carboplatin": coding(RXNORM, "40048", "carboplatin"),
    "cisplatin": coding(RXNORM, "2555", "cisplatin"),
    "doxorubicin": coding(RXNORM, "3639", "doxorubicin"),
    "cyclophosphamide": coding(RXNORM, "3002", "cyclophosphamide"),
    "darbepoetin": coding(RXNORM, "283838", "darbepoetin alfa"),
    "epoetin": coding(RXNORM, "105694", "epoetin alfa"),
    "denosumab": coding(RXNORM, "993449", "denosumab"),
    "zoledronic-acid": coding(RXNORM, "77655", "zoledronic acid"),
    "gemcitabine": coding(RXNORM, "12574", "gemcitabine"),
    "fluorouracil": coding(RXNORM, "4492", "fluorouracil"),
    "irinotecan": coding(RXNORM, "51499", "irinotecan"),
    "oxaliplatin": coding(RXNORM, "32592", "oxaliplatin"),
    "methotrexate": coding(RXNORM, "6851", "methotrexate"),
    "vinblastine": coding(RXNORM, "11198", "vinblastine"),
    "nab-paclitaxel": coding(RXNORM, "589511", "nab-paclitaxel"),
    "ipilimumab": coding(RXNORM, "1094833", "ipilimumab"),
    "bevacizumab": coding(RXNORM, "253337", "bevacizumab"),
    "axitinib": coding(RXNORM, "1243002", "axitinib"),
    "lenvatinib": coding(RXNORM, "1603296", "lenvatinib"),
    "cabozantinib": coding(RXNORM, "1363268", "cabozantinib"),
    "sorafenib": coding(RXNORM, "495881", "sorafenib"),
    "brentuximab": coding(RXNORM, "1147320", "brentuximab vedotin"),
    "alectinib": coding(RXNORM, "1727455", "alectinib"),
    "metformin": coding(RXNORM, "6809", "metformin"),
    "capecitabine": coding(RXNORM, "194000", "capecitabine"),
    "topotecan": coding(RXNORM, "57308", "topotecan"),
    "cetuximab": coding(RXNORM, "318341", "cetuximab"),
    "interferon-alfa": coding("urn:prior-auth:ingredient", "interferon-alfa", "interferon alfa"),
    "bortezomib": coding(RXNORM, "358258", "bortezomib"),
    "lenalidomide": coding(RXNORM, "342369", "lenalidomide"),
    "daratumumab": coding(RXNORM, "1721947", "daratumumab"),
    "carfilzomib": coding(RXNORM, "1302966", "carfilzomib"),
    "axicabtagene": coding("urn:prior-auth:ingredient", "axicabtagene-ciloleucel", "axicabtagene ciloleucel"),
    "tisagenlecleucel": coding("urn:prior-auth:ingredient", "tisagenlecleucel", "tisagenlecleucel"),
    "brexucabtagene": coding("urn:prior-auth:ingredient", "brexucabtagene-autoleucel", "brexucabtagene autoleucel"),
    "lisocabtagene": coding("urn:prior-auth:ingredient", "lisocabtagene-maraleucel", "lisocabtagene maraleucel"),
    "idecabtagene": coding("urn:prior-auth:ingredient", "idecabtagene-vicleucel", "idecabtagene vicleucel"),
    "ciltacabtagene": coding("urn:prior-auth:ingredient", "ciltacabtagene-autoleucel", "ciltacabtagene autoleucel"),
    "pegfilgrastim": coding(RXNORM, "338036", "pegfilgrastim"),
    "filgrastim": coding(RXNORM, "68442", "filgrastim"),
}
# Scans, visits and tests; the code says which.
SERVICE: Mapping[str, tuple[Json, str]] = {
    "ldct": (coding(CPT, "71271"), "Low-dose CT for lung cancer screening"),
    "ldct-counseling": (coding(HCPCS, "G0296"), "Visit to discuss lung cancer screening"),
    "gene-expression": (coding(CPT, "81519"), "Gene expression of breast cancer, 21 genes"),
    "imrt": (coding(CPT, "77412"), "Delivery of intensity modulated radiotherapy"),
    "imrt-until-2025": (coding(CPT, "77386"), "Delivery of intensity modulated radiotherapy"),
    "imrt-plan": (coding(CPT, "77301"), "Plan of intensity modulated radiotherapy"),
    "germline-brca": (coding(CPT, "81162"), "Full analysis of BRCA1 and BRCA2"),
    "gene-panel": (coding(CPT, "81445"), "Gene panel of a solid tumor, 5 to 50 genes"),
    "car-t": (coding(CPT, "38228"), "Chimeric antigen receptor cells are given"),
    "car-t-until-2024": (coding(CPT, "0540T"), "Chimeric antigen receptor cells are given"),
    "car-t-harvest": (coding(CPT, "38225"), "Cells are taken for chimeric antigen receptor therapy"),
    "proton": (coding(CPT, "77523"), "Delivery of proton radiotherapy, intermediate"),
    "pet-ct": (coding(CPT, "78815"), "FDG PET with CT, skull base to mid-thigh"),
}
PLAN: Mapping[str, Json] = {
    "3d": coding(SNOMED, "1162782007", "Three dimensional conformal radiotherapy"),
    "imrt": coding(SNOMED, "441799006", "Intensity modulated radiation therapy"),
}
STOP_REASON: Mapping[str, Json] = {
    "no-response": coding(SNOMED, "266721009", "Absent response to treatment"),
    "intolerance": coding(SNOMED, "407563006", "Treatment not tolerated"),
    "refused": coding(SNOMED, "105480006", "Refusal of treatment by patient"),
}

SURGERY: Mapping[str, Json] = {
    "lumpectomy": coding(SNOMED, "392021009", "Lumpectomy of breast"),
    "mastectomy": coding(SNOMED, "172043006", "Simple mastectomy"),
    "lobectomy": coding(SNOMED, "173171007", "Lobectomy of lung"),
    "bilateral-orchiectomy": coding(
        "http://www.cms.gov/Medicare/Coding/ICD10", "0VTC0ZZ", "Resection of bilateral testes"
    ),
    "orchiectomy": coding(CPT, "54520", "Orchiectomy"),
    "colectomy": coding(SNOMED, "23968004", "Colectomy"),
    "oophorectomy": coding(SNOMED, "116028008", "Salpingo-oophorectomy"),
    "hip-replacement": coding(CPT, "27130"),
    "port": coding(CPT, "36561"),
    "nephrectomy": coding(SNOMED, "108022006", "Nephrectomy"),
    "wide-excision": coding(SNOMED, "177302008", "Wide local excision of skin"),
}
