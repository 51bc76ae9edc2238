"""Small closed answers: disease status, reasons to stop a drug, pregnancy, conditions that exclude."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.evidence.normalise.codes import ICD10CM, LNC, SCT, codings, only, refuse_absent, statements
from prior_auth.evidence.normalise.conditions import dotted
from prior_auth.evidence.normalise.reading import Normaliser, Reading, Unreadable
from prior_auth.evidence.normalise.text import doubtful, fold, negated, of_family, of_the_past

STATUS_OF_DISEASE: Mapping[str, Coding] = {
    "improved": Coding(SCT, "268910001", "Patient's condition improved"),
    "stable": Coding(SCT, "359746009", "Patient's condition stable"),
    "worsened": Coding(SCT, "271299001", "Patient's condition worsened"),
    "undetermined": Coding(SCT, "709137006", "Patient's condition undetermined"),
    "full-remission": Coding(SCT, "103338009", "In full remission"),
    "partial-remission": Coding(SCT, "103337004", "In partial remission"),
    "distant-metastasis": Coding(SCT, "399409002", "Distant metastasis present"),
}
_DISEASE_CODES = {coding.key: name for name, coding in STATUS_OF_DISEASE.items()} | {
    (SCT, "550991000124107"): "full-remission",
    (SCT, "551001000124108"): "partial-remission",
}
_DISEASE_WORDS: Mapping[str, str] = {
    "worsened": r"progression|progressive disease|progressed|progressing|worsened|worsening|pd|disease progression",
    "stable": r"stable|stable disease|sd|no change",
    "improved": r"improved|improving|response|responding",
    "partial-remission": r"partial (?:response|remission)|pr",
    "full-remission": r"complete (?:response|remission)|full remission|cr|no evidence of disease|ned",
    "undetermined": r"undetermined|not evaluable|indeterminate",
}

STOP_REASONS: Mapping[str, Coding] = {
    "no-response": Coding(SCT, "266721009", "Absent response to treatment"),
    "not-tolerated": Coding(SCT, "407563006", "Treatment not tolerated"),
    "refused": Coding(SCT, "105480006", "Refusal of treatment by patient"),
    "noncompliance": Coding(SCT, "7058009", "Noncompliance with treatment"),
    "financial": Coding(SCT, "160932005", "Financial problem"),
    "not-available": Coding(SCT, "309846006", "Treatment not available"),
    "lost": Coding(SCT, "399307001", "Lost to follow-up"),
    "death": Coding(SCT, "419620001", "Death"),
    "trial-completed": Coding(SCT, "443729008", "Completion of clinical trial"),
    "pregnancy": Coding(SCT, "77386006", "Pregnancy"),
    "completed": Coding(SCT, "182992009", "Treatment completed"),
}
INTENTS: Mapping[str, Coding] = {
    "curative": Coding(SCT, "373808002", "Curative - procedure intent"),
    "palliative": Coding(SCT, "363676003", "Palliative - procedure intent"),
    "supportive": Coding(SCT, "399707004", "Supportive - procedure intent"),
    "diagnostic": Coding(SCT, "261004008", "Diagnostic intent"),
    "preventive": Coding(SCT, "129428001", "Preventive - procedure intent"),
    "screening": Coding(SCT, "360156006", "Screening - procedure intent"),
    "neoadjuvant": Coding(SCT, "373847000", "Neo-adjuvant - intent"),
    "adjuvant": Coding(SCT, "373846009", "Adjuvant - intent"),
}
_STOP_CODES = {coding.key: name for name, coding in STOP_REASONS.items()}
_STOP_WORDS: Mapping[str, str] = {
    "no-response": r"(?:disease |tumou?r )?progression|progressive disease|progressed|no response|"
    r"lack of (?:response|efficacy)|"
    r"treatment failure|refractory|ineffective",
    "not-tolerated": r"not tolerated|intoleran\w+|toxicity|adverse (?:event|reaction|effect)s?|side effects?|"
    r"unacceptable toxicity|"
    r"infusion reaction|hypersensitivity|allergic reaction|anaphylaxis",
    "refused": r"(?:patient )?(?:refus\w+|declin\w+)|patient (?:choice|preference|decision)",
    "noncompliance": r"non-?compliance|non-?adherence",
    "financial": r"financial|cost|insurance",
    "not-available": r"not available|shortage|out of stock",
    "lost": r"lost to follow-?up",
    "death": r"death|died|deceased",
    "completed": r"(?:planned )?(?:course|treatment|therapy|regimen) completed|"
    r"completed(?: (?:course|treatment|therapy))?|completion of (?:therapy|treatment)",
}

PREGNANCY: Mapping[str, Coding] = {
    "pregnant": Coding(SCT, "77386006", "Pregnant"),
    "not-pregnant": Coding(SCT, "60001007", "Not pregnant"),
}
_PREGNANCY_CODES = {
    (SCT, "77386006"): "pregnant",
    (SCT, "60001007"): "not-pregnant",
    (LNC, "LA15173-0"): "pregnant",
    (LNC, "LA26683-5"): "not-pregnant",
}

COMORBIDITIES: Mapping[str, Coding] = {
    "autoimmune": Coding(SCT, "85828009", "Autoimmune disease"),
    "ild": Coding(SCT, "233703007", "Interstitial lung disease"),
    "mds": Coding(SCT, "109995007", "Myelodysplastic syndrome"),
    "aml": Coding(SCT, "91861009", "Acute myeloid leukemia"),
    "pregnancy": Coding(SCT, "77386006", "Pregnant"),
    "transplant": Coding(SCT, "77465005", "Transplantation"),
    "neutropenia": Coding(SCT, "165517008", "Neutropenia"),
    "hypertension": Coding(SCT, "38341003", "Hypertensive disorder"),
    "hemoptysis": Coding(SCT, "66857006", "Hemoptysis"),
    "perforation": Coding(ICD10CM, "K63.1", "Perforation of intestine (nontraumatic)"),
    "deficiency": Coding(SCT, "35240004", "Iron deficiency"),
    "hemolysis": Coding(SCT, "61261009", "Hemolytic anemia"),
    "bleeding": Coding(SCT, "131148009", "Bleeding"),
    "aplasia": Coding(SCT, "50715003", "Pure red cell aplasia"),
    "hypocalcemia": Coding(SCT, "5291005", "Hypocalcemia"),
    "hypercalcemia": Coding(SCT, "66931009", "Hypercalcemia"),
    "gctb": Coding(ICD10CM, "D48.0", "Giant cell tumor of bone"),
    "longqt": Coding(SCT, "9651007", "Long QT syndrome"),
    "castration.resistant": Coding(ICD10CM, "Z19.2", "Hormone resistant malignancy status"),
    "castration.sensitive": Coding(ICD10CM, "Z19.1", "Hormone sensitive malignancy status"),
    "infection": Coding(SCT, "40733004", "Infectious disease"),
    "cns": Coding(SCT, "94225005", "Secondary malignant neoplasm of brain"),
    "any": Coding(SCT, "64572001", "Disease"),
}
_COMORBIDITY_SNOMED: Mapping[str, str] = {
    **{coding.code: name for name, coding in COMORBIDITIES.items() if coding.system == SCT},
    **dict.fromkeys(
        (
            "69896004",  # rheumatoid arthritis
            "55464009",  # systemic lupus erythematosus
            "9014002",  # psoriasis
            "34000006",  # Crohn's disease
            "64766004",  # ulcerative colitis
            "24700007",  # multiple sclerosis
            "91637004",  # myasthenia gravis
            "83901003",  # Sjogren's syndrome
            "89155008",  # systemic sclerosis
        ),
        "autoimmune",
    ),
    "409089005": "neutropenia",  # febrile
    "233604007": "infection",  # pneumonia
    "91302008": "infection",  # sepsis
    "68566005": "infection",  # of the urinary tract
    "840539006": "infection",  # COVID-19
    "128045006": "infection",  # cellulitis
    "5758002": "infection",  # bacteremia
    "66071002": "infection",  # viral hepatitis type B
    "86406008": "infection",  # human immunodeficiency virus
    "56717001": "infection",  # tuberculosis
    "427492003": "castration.resistant",  # hormone refractory prostate cancer
    "87522002": "deficiency",  # iron deficiency anemia
    "74474003": "bleeding",  # gastrointestinal
    "59621000": "hypertension",  # essential
    "111975006": "longqt",  # prolonged QT interval
    "205237003": "ild",  # pneumonitis
    "51615001": "ild",  # fibrosis of lung
    "70536003": "transplant",  # of kidney
    "18027006": "transplant",  # of liver
    "32413006": "transplant",  # of heart
    "88039007": "transplant",  # of lung
    "23719005": "transplant",  # of bone marrow
}
_COMORBIDITY_ICD10: tuple[tuple[str, str], ...] = (
    (r"M0[56]|M3[0-5]|M45|K5[01]|K75\.4|G3[567]|G61\.0|G70\.0|L1[02]|L40|L93|D59\.1|D69\.3|E27\.1", "autoimmune"),
    (r"J84|J70\.[0-4]", "ild"),
    (r"D46", "mds"),
    (r"C92\.[0456A]|C93\.0|C94\.0", "aml"),
    (r"Z33\.1|Z34|O(?!0[0-8])", "pregnancy"),
    (r"D70", "neutropenia"),
    (r"I1[0-3A]|I15|I16", "hypertension"),
    (r"R04\.(2|89)", "hemoptysis"),
    (
        r"A(?!Z)\d|B(?!07|3[56]|9[0-7])\d|J(09|1[0-8])|N39\.0|N10|L0[23]|K65|U07\.1|T80\.2|I33|G0[0-6]|R78\.81|R65",
        "infection",
    ),
    (r"D5[012]|E53\.8|E61\.1", "deficiency"),
    (r"D5[5-9]", "hemolysis"),
    (r"D62|K92\.[0-2]|K62\.5|R58", "bleeding"),
    (r"D60", "aplasia"),
    (r"E83\.51", "hypocalcemia"),
    (r"E83\.52", "hypercalcemia"),
    (r"D48\.0", "gctb"),
    (r"C79\.3|C83\.390", "cns"),
    (r"Z19\.2", "castration.resistant"),
    (r"Z19\.1", "castration.sensitive"),
    (r"I45\.81", "longqt"),
    (r"K63\.1|K2[5-8]\.[1256]|K31\.6|K57\.[0248]|K35\.(2|3[23])|K22\.3", "perforation"),
    (r"Z94\.[0-4]|Z94\.8[1-4]|T86\.[0-5]|T86\.81", "transplant"),
)
_COMORBIDITY_WORDS: tuple[tuple[str, str], ...] = (
    (
        "autoimmune",
        r"autoimmune (?:disease|disorder)|rheumatoid arthritis|lupus(?: erythematosus)?|psoria(?:sis|tic arthritis)|"
        r"crohn'?s(?: disease)?|ulcerative colitis|multiple sclerosis|myasthenia gravis|sjogren'?s|systemic sclerosis|"
        r"scleroderma|dermatomyositis|guillain-?barre|inflammatory bowel disease",
    ),
    (
        "ild",
        r"interstitial (?:lung|pulmonary) disease|(?<!aspiration )pneumonitis|(?:idiopathic )?pulmonary fibrosis|ild",
    ),
    ("mds", r"myelodysplas\w+(?: syndrome)?|mds"),
    ("aml", r"acute myel(?:oid|ogenous) leuk[a]?emia|aml"),
    ("pregnancy", r"pregnan(?:t|cy)"),
    ("neutropenia", r"(?:febrile )?neutropeni(?:a|c fever)"),
    (
        "hypertension",
        r"(?<!pulmonary )(?<!portal )(?<!intracranial )(?<!ocular )(?:hypertension|htn)|"
        r"hypertensive (?:crisis|emergency|urgency)",
    ),
    (
        "hemoptysis",
        r"ha?emoptysis|cough\w* (?:up )?blood|blood[- ]?(?:y|tinged|streaked) sputum|pulmonary ha?emorrhage",
    ),
    (
        "cns",
        r"(?:cns|central nervous system|leptomeningeal|meningeal|intracranial|brain) "
        r"(?:lymphoma|leuka?emia|myeloma|involvement|disease|infiltration|metastas[ei]s)|"
        r"(?:lymphoma|leuka?emia|myeloma) (?:of|in|involving) (?:the )?(?:cns|central nervous system|brain|meninges)|"
        r"neurolymphomatosis|leptomeningeal carcinomatosis",
    ),
    (
        "infection",
        r"(?:active |acute |bacterial |viral |fungal |invasive |urinary tract |bloodstream |line |skin |soft tissue )?"
        r"infections?|sepsis|septic shock|pneumonia|bactera?emia|cellulitis|abscess|covid(?:-?19)?|osteomyelitis|"
        r"tuberculosis|aspergillosis|endocarditis|meningitis",
    ),
    ("deficiency", r"(?:iron|folate|folic acid|(?:vitamin )?b-?12|cobalamin)[\s-]deficien(?:cy|t)"),
    ("hemolysis", r"ha?emoly(?:tic ana?emia|sis)"),
    ("bleeding", r"(?:gi|gastrointestinal|active|acute|rectal|vaginal|uterine) (?:bleed(?:ing)?|ha?emorrhage)|melena"),
    ("aplasia", r"pure red cell aplasia|prca|anti-?erythropoietin antibod(?:y|ies)"),
    ("hypocalcemia", r"hypocalca?emi(?:a|c)"),
    ("hypercalcemia", r"hypercalca?emi(?:a|c)"),
    ("longqt", r"(?:long|prolonged) qtc?|qtc? (?:interval )?prolong(?:ation|ed)"),
    ("gctb", r"giant[\s-]cell tumou?rs? of (?:the )?(?:bone|femur|tibia|radius|humerus|sacrum|spine)|osteoclastoma"),
    (
        "castration.resistant",
        r"(?:castrat(?:ion|e)|hormone)[\s-](?:resistant|refractory) (?:metastatic )?prostate (?:cancer|\w*carcinoma)|"
        r"prostate (?:cancer|\w*carcinoma),? (?:castrat(?:ion|e)|hormone)[\s-](?:resistant|refractory)|n?m?crpc",
    ),
    (
        "castration.sensitive",
        r"(?:castrat(?:ion|e)|hormone)[\s-](?:sensitive|nai?ve) (?:metastatic )?prostate (?:cancer|\w*carcinoma)|"
        r"prostate (?:cancer|\w*carcinoma),? (?:castrat(?:ion|e)|hormone)[\s-](?:sensitive|nai?ve)|m?cspc|m?hspc",
    ),
    (
        "perforation",
        r"perforat(?:ed|ion)(?: of(?: the)?)?(?: \w+)? ?(?:gi|gastrointestinal|bowel|intestin\w*|colon\w*|sigmoid|"
        r"ca?ecum|rect(?:um|al)|stomach|gastric|duoden\w*|esophag\w*|viscus|ulcer|append\w*|diverticul\w*)|"
        r"(?:gi|gastrointestinal|bowel|intestinal|colonic|sigmoid|rectal|gastric|duodenal|esophageal|hollow viscus) "
        r"perforation",
    ),
    (
        "transplant",
        r"(?:kidney|renal|liver|heart|lung|bone marrow|stem cell|allogeneic|solid organ|hematopoietic)(?: \w+){0,3} "
        r"transplant(?:ation)?|organ transplant(?:ation)?",
    ),
)


def _reader(
    codes: Mapping[tuple[str, str], str], words: Mapping[str, str], canonical: Mapping[str, Coding], what: str
) -> Normaliser:
    """The normaliser of a closed answer: a known code, or a text that is one of its words and nothing else."""

    def read(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
        refuse_absent(value)
        found = {codes[each.key] for each in codings(value) if each.key in codes}
        if not found:
            found = {name for text in statements(value)[:1] for name in _whole(text, words)}
        answer = only(found, what)
        if answer is None:
            raise Unreadable(f"no {what} that is known")
        return (Reading(answer, coded=canonical[answer], text=next(iter(statements(value)), None)),)

    return read


def _whole(text: str, words: Mapping[str, str]) -> set[str]:
    trimmed = re.sub(r"^(?:due to|because of|stopped for|discontinued (?:for|due to))[: ]+|[.;]$", "", fold(text))
    found = {name for name, pattern in words.items() if re.fullmatch(rf"(?:{pattern})", trimmed)}
    parts = re.split(r"\s*(?:,|;| and |/)\s*", trimmed)
    if found or len(parts) == 1:
        return found
    each = [{name for name, pattern in words.items() if re.fullmatch(rf"(?:{pattern})", part)} for part in parts]
    return set.union(*each) if all(each) else set()


def comorbidity(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """Conditions that exclude or caution, a reading for each; `extra` has `history` (of the past), `autologous`."""
    refuse_absent(value)
    found = {name for name in map(_comorbidity_of, codings(value)) if name}
    folded = [fold(words) for words in statements(value)]
    if not found:
        found = {name for words in folded for name in _comorbidities_in(words)}
    if not found:
        raise Unreadable("none of the conditions that rules ask for")
    text, past = next(iter(statements(value)), None), any(map(of_the_past, folded))
    autologous = any("autologous" in words for words in folded)
    return tuple(
        Reading(
            name,
            coded=COMORBIDITIES[name],
            text=text,
            extra={"history": past, "autologous": name == "transplant" and autologous},
        )
        for name in sorted(found)
    )


def _comorbidity_of(coding: Coding) -> str | None:
    if coding.system == SCT:
        return _COMORBIDITY_SNOMED.get(coding.code)
    if coding.system == ICD10CM:
        code = dotted(coding.code)
        return next((name for pattern, name in _COMORBIDITY_ICD10 if re.match(pattern, code)), None)
    return None


def _comorbidities_in(folded: str) -> set[str]:
    found = {name for name, pattern in _COMORBIDITY_WORDS if re.search(rf"\b(?:{pattern})\b", folded)}
    if found and (negated(folded) or doubtful(folded) or of_family(folded)):
        raise Unreadable("the text denies, doubts or speaks of the family")
    return found


def originator_reason(text: str) -> str | None:
    """Why the originator was ordered: `preference`, `failure`, `intolerance`, `continuing`; None where it is not said.

    For rulings 19. A text that denies or doubts, or gives both a preference and a clinical reason, says nothing.
    """
    folded = fold(text)
    if negated(re.sub(r"\b(?:not tolerated|no response|no substitution|did not tolerate)\b", " ", folded)) or doubtful(
        folded
    ):
        return None
    found = {name for name, pattern in _ORIGINATOR_WORDS if re.search(rf"\b(?:{pattern})\b", folded)}
    return found.pop() if len(found) == 1 else None


_WHO = r"(?:patient|prescriber|provider|physician|practice|doctor|family|our|personal)(?:'s)?"
_ORIGINATOR_WORDS: tuple[tuple[str, str], ...] = (
    (
        "preference",
        rf"{_WHO} (?:preference|choice|request)|prefers?|preferred by|by preference|requested by (?:patient|family)",
    ),
    (
        "failure",
        r"fail(?:ed|ing|ure)(?: (?:of|on|with))?|inadequate response|no response|progress(?:ed|ion) on|ineffective|"
        r"lack of efficacy",
    ),
    (
        "intolerance",
        r"intoleran\w+|not tolerated|did not tolerate|infusion reactions?|hypersensitivity|allerg\w+|anaphyla\w+|"
        r"adverse (?:reaction|event|effect)s?",
    ),
    ("continuing", r"continu(?:ing|ation of) (?:therapy|treatment)|already (?:established|stable) on"),
)

CONCEPT_NORMALISERS: Mapping[str, Normaliser] = {
    "disease-status": _reader(_DISEASE_CODES, _DISEASE_WORDS, STATUS_OF_DISEASE, "disease status"),
    "stop-reason": _reader(_STOP_CODES, _STOP_WORDS, STOP_REASONS, "reason to stop"),
    "pregnancy-status": _reader(
        _PREGNANCY_CODES, {"pregnant": r"pregnant", "not-pregnant": r"not pregnant"}, PREGNANCY, "pregnancy status"
    ),
    "comorbidity": comorbidity,
    "treatment-intent": _reader(
        {coding.key: name for name, coding in INTENTS.items()},
        {name: rf"{name}(?: intent)?" for name in INTENTS},
        INTENTS,
        "intent",
    ),
}
