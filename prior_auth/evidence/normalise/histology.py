"""Histology as ICD-O-3 with its family, and histologic grade as low, intermediate, high."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.evidence.normalise.codes import ICDO3, SCT, codings, only, refuse_absent, statements
from prior_auth.evidence.normalise.reading import Normaliser, Reading, Unreadable
from prior_auth.evidence.normalise.text import Lexicon, doubtful, fold, negated, of_family


@dataclass(frozen=True, slots=True)
class Family:
    """`lung` is what the family means in a lung: nsclc, sclc, or None where it does not tell."""

    name: str
    lung: str | None
    code: str  # the ICD-O-3 code a family stands for, where only its name was said


ADENO = Family("adenocarcinoma", "nsclc", "8140/3")
SQUAMOUS = Family("squamous", "nsclc", "8070/3")
LARGE_CELL = Family("large-cell", "nsclc", "8012/3")
ADENOSQUAMOUS = Family("adenosquamous", "nsclc", "8560/3")
NSCLC = Family("nsclc", "nsclc", "8046/3")
SMALL_CELL = Family("small-cell", "sclc", "8041/3")
COMBINED_SMALL = Family("combined-small-cell", "sclc", "8045/3")
DUCTAL = Family("ductal", None, "8500/3")
LOBULAR = Family("lobular", None, "8520/3")
DUCTAL_LOBULAR = Family("ductal-and-lobular", None, "8522/3")
NEUROENDOCRINE = Family("neuroendocrine", None, "8246/3")
RENAL_CELL = Family("renal-cell", None, "8312/3")
UROTHELIAL = Family("urothelial", None, "8120/3")
HEPATOCELLULAR = Family("hepatocellular", None, "8170/3")
MELANOMA = Family("melanoma", None, "8720/3")
CARCINOID = Family("carcinoid", None, "8240/3")
SEROUS = Family("serous", None, "8441/3")
ENDOMETRIOID = Family("endometrioid", None, "8380/3")
CARCINOSARCOMA = Family("carcinosarcoma", None, "8980/3")
GLIOBLASTOMA = Family("glioblastoma", None, "9440/3")

_BY_NUMBER: Mapping[int, Family] = {
    **dict.fromkeys((8140, 8144, 8230, 8250, 8252, 8253, 8254, 8255, 8256, 8257, 8260, 8265, 8323, 8333, 8470), ADENO),
    **dict.fromkeys((8480, 8481, 8490, 8550, 8551), ADENO),
    **dict.fromkeys((8052, 8070, 8071, 8072, 8073, 8074, 8075, 8083), SQUAMOUS),
    **dict.fromkeys((8012, 8014), LARGE_CELL),
    8560: ADENOSQUAMOUS,
    8046: NSCLC,
    **dict.fromkeys((8041, 8042, 8043, 8044), SMALL_CELL),
    8045: COMBINED_SMALL,
    8500: DUCTAL,
    8520: LOBULAR,
    8522: DUCTAL_LOBULAR,
    8246: NEUROENDOCRINE,
    8240: CARCINOID,
    **dict.fromkeys((8312, 8317), RENAL_CELL),
    **dict.fromkeys((8120, 8130), UROTHELIAL),
    8170: HEPATOCELLULAR,
    **dict.fromkeys((8720, 8721, 8742, 8743, 8744), MELANOMA),
    **dict.fromkeys((8441, 8460, 8461), SEROUS),
    **dict.fromkeys((8380, 8382, 8383), ENDOMETRIOID),
    8980: CARCINOSARCOMA,
    **dict.fromkeys((9440, 9441, 9442, 9445), GLIOBLASTOMA),
}
_SNOMED: Mapping[str, Family] = {
    "1187332001": ADENO,
    "35917007": ADENO,
    "28899001": SQUAMOUS,
    "1162767002": SQUAMOUS,
    "22687000": LARGE_CELL,
    "128632008": NSCLC,
    "74364000": SMALL_CELL,
    "82711006": DUCTAL,
    "89740008": LOBULAR,
    "254626006": ADENO,
    "254634000": SQUAMOUS,
    "254629004": LARGE_CELL,
    "254632001": SMALL_CELL,
    "254637007": NSCLC,
    "63634009": GLIOBLASTOMA,
    "393563007": GLIOBLASTOMA,
}
# The fifth digit before the slash repeats the behaviour in one of the guide's examples (80463/3).
_ICDO3 = re.compile(r"M?-?(?P<number>\d{4})(?:(?P<twice>\d)/(?P=twice)|/?(?P<behaviour>\d))?", re.IGNORECASE)
_PATTERNS: tuple[tuple[Family, str], ...] = (
    (COMBINED_SMALL, r"combined small[- ]?cell"),
    (NSCLC, r"non[- ]?small[- ]?cell|nsclc"),
    (SMALL_CELL, r"small[- ]?cell|sclc|oat[- ]cell"),
    (ADENOSQUAMOUS, r"adeno-?squamous"),
    (SEROUS, r"(?:papillary )?serous(?: (?:adeno)?carcinoma)?"),
    (ENDOMETRIOID, r"endometrioid(?: (?:adeno)?carcinoma)?"),
    (CARCINOSARCOMA, r"carcinosarcoma|malignant mixed m[uü]llerian tumou?r"),
    (ADENO, r"adenocarcinoma|adeno ca|lepidic|bronchioloalveolar"),
    (SQUAMOUS, r"squamous|epidermoid"),
    (LARGE_CELL, r"large[- ]?cell carcinoma"),
    (DUCTAL_LOBULAR, r"(?:duct(?:al)? and lobular|mixed ductal)"),
    (
        DUCTAL,
        r"infiltrating duct(?:al)?|invasive duct(?:al)?|duct(?:al)? (?:carcinoma|adenocarcinoma)|idc|no special type",
    ),
    (LOBULAR, r"infiltrating lobular|invasive lobular|lobular carcinoma|ilc"),
    (CARCINOID, r"carcinoid"),
    (NEUROENDOCRINE, r"neuroendocrine"),
    (RENAL_CELL, r"renal[- ]cell (?:carcinoma|cancer)|ccrcc|rcc"),
    (UROTHELIAL, r"urothelial (?:carcinoma|cancer)|transitional[- ]cell carcinoma"),
    (HEPATOCELLULAR, r"hepatocellular carcinoma|hcc"),
    (MELANOMA, r"melanoma"),
    (GLIOBLASTOMA, r"glioblastoma|gbm"),
)


def icdo3(code: str) -> tuple[str, Family | None] | None:
    """`8140/3` of `8140/3`, `81403` and `80463/3`, with its family; None where it is no ICD-O-3 morphology."""
    match = _ICDO3.fullmatch(code.strip())
    if match is None:
        return None
    behaviour = match["twice"] or match["behaviour"] or "3"
    family = _BY_NUMBER.get(int(match["number"])) if behaviour == "3" else None
    return f"{match['number']}/{behaviour}", family


def family_in(text: str) -> Family | None:
    """The family a text names; None where it names none. Raises Unreadable at denial, doubt or two families."""
    folded = re.sub(r"\b(?:no special type|not otherwise specified)\b", "nst", fold(text))
    plain = re.sub(r"\bnon[- ]?small[- ]?cell\b", "nsclc", folded).replace("nst", "no special type")
    if negated(plain.replace("no special type", "")) or doubtful(plain) or of_family(plain) or "in situ" in plain:
        raise Unreadable("the text denies, doubts or speaks of something else")
    found: list[Family] = []
    rest = plain
    for family, pattern in _PATTERNS:
        match = re.search(rf"(?<![a-z])(?:{pattern})(?![a-z])", rest)
        if match:
            found.append(family)
            rest = rest.replace(match.group(), " ")
    return _one_family(found)


def _one_family(found: Sequence[Family]) -> Family | None:
    """`NSCLC, adenocarcinoma` is an adenocarcinoma; two that exclude each other are unreadable."""
    special = [family for family in found if family is not NSCLC]
    if len(special) > 1 or (special and len(found) > 1 and special[0].lung != "nsclc"):
        raise Unreadable("the text names several histologies")
    return next(iter((*special, *found)), None)


def _of_coding(coding: Coding) -> tuple[str, Family | None] | None:
    if coding.system == ICDO3 or coding.system.endswith("icd-o-3") or "icdo" in coding.system.lower():
        return icdo3(coding.code)
    family = _SNOMED.get(coding.code) if coding.system == SCT else None
    return (family.code, family) if family else None


def histology(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """ICD-O-3 code as value and coded; `extra["family"]`, and `extra["lung"]` (`nsclc`, `sclc`) where it tells."""
    refuse_absent(value)
    coded = [found for found in map(_of_coding, codings(value)) if found]
    families = {family for _, family in coded if family}
    if len({family.lung for family in families}) > 1:
        raise Unreadable("the histology's coding contradicts itself")
    if not coded:
        named = next((family for family in map(family_in, statements(value)) if family), None)
        if named is None:
            raise Unreadable("no histology that is known")
        coded = [(named.code, named)]
    code, family = coded[0]
    extra = {"family": family.name if family else None, "lung": family.lung if family else None}
    text = next(iter(statements(value)), None)
    return (Reading(code, coded=Coding(ICDO3, code, family.name if family else None), text=text, extra=extra),)


# --- grade ------------------------------------------------------------------------------------------------------------

GRADE_CODES: Mapping[str, Coding] = {
    "low": Coding(SCT, "1155708003", "Low histologic grade"),
    "intermediate": Coding(SCT, "1286893008", "Intermediate histologic grade"),
    "high": Coding(SCT, "1155707008", "High histologic grade"),
}
_GRADE_SNOMED: Mapping[str, str] = {
    "1155708003": "low",
    "1286893008": "intermediate",
    "1155707008": "high",
    "54102005": "low",  # G1
    "1663004": "intermediate",  # G2
    "61026006": "high",  # G3
    "258245003": "high",  # G4
}
_GRADE_NUMBERS = {
    "1": "low",
    "2": "intermediate",
    "3": "high",
    "4": "high",
    "i": "low",
    "ii": "intermediate",
    "iii": "high",
}
_GRADE_WORDS = Lexicon(
    (
        ("low", r"low(?:[- ]grade)?|well[- ]differentiated"),
        ("intermediate", r"intermediate(?:[- ]grade)?|moderately[- ]differentiated"),
        ("high", r"high(?:[- ]grade)?|poorly[- ]differentiated|undifferentiated|anaplastic"),
        ("number", r"(?:g|grade\s?)(?P<number>iii|ii|i|[1-4])(?:\s?(?:/|of|out of)\s?(?:iii|[34]))?"),
        ("sum", r"(?:total )?(?:score\s?(?:of )?[:=]?\s?)?[3-9]\s?/\s?9"),
        ("number", r"(?P<number>iii|ii|i|[1-4])(?:\s?/\s?(?:iii|[34]))?"),
        (
            "noise",
            r"nottingham|scarff-?bloom-?richardson|sbr|elston-?ellis|histologic(?:al)?|combined|overall|tumou?r|grade|score|"
            r"carcinoma|invasive|ductal|modified|[,;.()/-]",
        ),
    )
)


def histologic_grade(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """Low, intermediate or high, from SNOMED CT, a grade number or the degree of differentiation."""
    refuse_absent(value)
    found = {_GRADE_SNOMED[each.code] for each in codings(value) if each.system == SCT and each.code in _GRADE_SNOMED}
    if not found:
        raw = str(value) if isinstance(value, int) and not isinstance(value, bool) else None
        found = {grade for words in (statements(value) or ((raw,) if raw else ())) for grade in _grades_in(words)}
    grade = only(found, "grade")
    if grade is None:
        raise Unreadable("no grade that is known")
    return (Reading(grade, coded=GRADE_CODES[grade], text=next(iter(statements(value)), None)),)


def _grades_in(text: str) -> set[str]:
    found = set()
    for token in _GRADE_WORDS.read(text, "histologic grade"):
        if token.kind == "number":
            found.add(_GRADE_NUMBERS[token.groups["number"] or ""])
        elif token.kind in GRADE_CODES:
            found.add(token.kind)
    return found


HISTOLOGY_NORMALISERS: Mapping[str, Normaliser] = {"histology": histology, "histologic-grade": histologic_grade}
