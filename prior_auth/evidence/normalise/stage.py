"""AJCC stage groups and T, N, M categories: coded in any edition, legacy SNOMED CT, AJCC strings, text.

Codes of SNOMED CT: mCODE 4.0.0 value sets; legacy ones as older exports and Synthea write them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.evidence.normalise.codes import (
    AJCC,
    LNC,
    SCT,
    codings,
    has_code,
    objects,
    only,
    refuse_absent,
    statements,
)
from prior_auth.evidence.normalise.reading import Normaliser, Reading, Unreadable
from prior_auth.evidence.normalise.text import Lexicon, fold

CLINICAL, PATHOLOGIC = "clinical", "pathologic"

GROUP_CODES: Mapping[str, str] = {
    "0": "1222605001",
    "I": "1222723001",
    "IA": "1222724007",
    "IA1": "1222725008",
    "IA2": "1222726009",
    "IA3": "1222727000",
    "IB": "1222728005",
    "II": "1222765007",
    "IIA": "1222766008",
    "IIB": "1222769001",
    "IIC": "1222770000",
    "III": "1222801008",
    "IIIA": "1222802001",
    "IIIB": "1222805004",
    "IIIC": "1222806003",
    "IIID": "1222811001",
    "IV": "1222837003",
    "IVA": "1222838008",
    "IVB": "1222841004",
    "IVC": "1222842006",
}
_GROUP_OF_CODE = {code: group for group, code in GROUP_CODES.items()}
_LEGACY_GROUPS: Mapping[str, tuple[str, str | None]] = {
    "258215001": ("I", None),
    "258219007": ("II", None),
    "258224005": ("III", None),
    "258228008": ("IV", None),
    "13104003": ("I", CLINICAL),
    "60333009": ("II", CLINICAL),
    "50283003": ("III", CLINICAL),
    "2640006": ("IV", CLINICAL),
}
_GROUP_QUESTION = {
    CLINICAL: Coding(SCT, "399537006", "Clinical TNM stage grouping"),
    PATHOLOGIC: Coding(SCT, "399588009", "Pathologic TNM stage grouping"),
    None: Coding(SCT, "399390009", "TNM stage grouping"),
}
_CLINICAL_QUESTIONS = ((SCT, ("399537006", "399504009", "399534004", "399387003")),)
_CLINICAL_LOINC = ("21908-9", "21905-5", "21906-3", "21907-1")
_PATHOLOGIC_SNOMED = ("399588009", "384625004", "371494008", "371497001")
_PATHOLOGIC_LOINC = ("21902-2", "21899-0", "21900-6", "21901-4")
_STAGE_TYPES = {"260998006": CLINICAL, "261023001": PATHOLOGIC}  # Condition.stage.type

_NUMERALS = {"1": "I", "2": "II", "3": "III", "4": "IV"}
_GROUP = r"(?P<numeral>iv|i{1,3}|[0-4])(?P<sub>[a-d][1-3]?)?"
_KIND = (
    (CLINICAL, r"clinically|clinical"),
    (PATHOLOGIC, r"pathologically|pathological|pathologic|postoperative|surgical"),
)
_CATEGORY = r"(?:[cpyra]{0,3}[tnm](?:x|is|[0-4])(?:[a-d]|mi)?(?:\([a-z0-9+\-, ]{1,8}\))?[\s,/]*)+"
_STAGE_WORDS = Lexicon(
    (
        ("group", rf"(?:(?P<prefix>c|p|yp|yc)\s?)?(?:stage|stg)(?: group)?\s?:?\s?(?P<prefix2>c|p|yp|yc)?\s?{_GROUP}"),
        ("bare", rf"(?P<prefix>c|p|yp|yc)?\s?{_GROUP}"),
        ("tnm", _CATEGORY),
        *_KIND,
        (
            "noise",
            r"american joint commit?tee on cancer|ajcc|uicc|tnm|anatomic|prognostic|overall|stage|group(?:ing)?|"
            r"(?:7th|8th|9th|v?[789])\s?(?:ed(?:ition)?\.?)?(?= |,|\)|$)|edition|ed|"
            r"(?:non-?small cell |small cell )?lung|nsclc|breast|invasive|ductal|lobular|cancer|carcinoma|"
            r"adenocarcinoma|"
            r"squamous(?: cell)?|disease|tumou?r|metastatic|locally advanced|of|the|at diagnosis|[,;.()-]",
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Group:
    group: str
    kind: str | None = None  # clinical, pathologic, or not said
    prefix: str | None = None


def group_rank(group: str) -> int:
    """The place of a stage group among all, for comparisons; KeyError on an unknown one."""
    return _RANK[group]


_RANK = {group: rank for rank, group in enumerate(GROUP_CODES)}


def _group(numeral: str, sub: str | None) -> str:
    group = _NUMERALS.get(numeral, numeral.upper()) + (sub or "").upper()
    if group not in GROUP_CODES:
        raise Unreadable("no stage group of AJCC")
    return group


def _kind_of_prefix(prefix: str | None) -> str | None:
    if not prefix:
        return None
    return PATHOLOGIC if "p" in prefix else CLINICAL


def stage_in(text: str) -> Group:
    """The one stage group a text states: `Stage IIA`, `3C`, `pathologic stage IIB (pT2 N1 M0)`."""
    tokens = _STAGE_WORDS.read(text, "AJCC stage")
    stated = [token for token in tokens if token.kind == "group"] or [token for token in tokens if token.kind == "bare"]
    groups = {_group(token.groups["numeral"] or "", token.groups["sub"]) for token in stated}
    if len(groups) != 1 or any(token.kind == "bare" for token in tokens if token not in stated):
        raise Unreadable("the text does not state one stage")
    prefixes = {token.groups.get("prefix") or token.groups.get("prefix2") for token in stated} - {None}
    prefix = only({each for each in prefixes if each}, "stage prefix")
    kinds = {token.kind for token in tokens if token.kind in (CLINICAL, PATHOLOGIC)}
    kinds |= {kind for kind in (_kind_of_prefix(prefix),) if kind}
    return Group(groups.pop(), only(kinds, "kind of stage"), prefix)


def _group_of(coding: Coding) -> Group | None:
    if coding.system == SCT:
        if coding.code in _GROUP_OF_CODE:
            return Group(_GROUP_OF_CODE[coding.code])
        if coding.code in _LEGACY_GROUPS:
            return Group(*_LEGACY_GROUPS[coding.code])
        return None
    if coding.system == AJCC or coding.system.startswith(AJCC):
        return stage_in(coding.code)
    return None


def kind_of_question(resource: Mapping[str, Any]) -> str | None:
    """Clinical or pathologic, by the code of the Observation; None where it does not say."""
    if has_code(resource, SCT, *_CLINICAL_QUESTIONS[0][1]) or has_code(resource, LNC, *_CLINICAL_LOINC):
        return CLINICAL
    if has_code(resource, SCT, *_PATHOLOGIC_SNOMED) or has_code(resource, LNC, *_PATHOLOGIC_LOINC):
        return PATHOLOGIC
    return _kind_of_stage_type(resource)


def _kind_of_stage_type(resource: Mapping[str, Any]) -> str | None:
    if resource.get("resourceType") != "Condition":
        return None
    types = [coding for stage in objects(resource.get("stage")) for coding in codings(stage.get("type"))]
    return only({_STAGE_TYPES[each.code] for each in types if each.code in _STAGE_TYPES}, "type of stage")


def stage_group(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """A stage group, with the canonical question it answers (clinical, pathologic, not said)."""
    refuse_absent(value)
    found = [group for group in map(_group_of, codings(value)) if group]
    found += _worded_groups(value) if found else [stage_in(_only_text(value))]
    group = only({each.group for each in found}, "stage's coding")
    kinds = {each.kind for each in found if each.kind} | {kind for kind in (kind_of_question(resource),) if kind}
    kind = only(kinds, "kind of stage")
    assert group is not None
    prefix = next((each.prefix for each in found if each.prefix), None)
    coded = Coding(SCT, GROUP_CODES[group], f"American Joint Committee on Cancer stage {group}")
    extra = {"kind": kind, "prefix": prefix, "rank": group_rank(group)}
    return (Reading(group, code=_GROUP_QUESTION[kind], coded=coded, text=_raw(value), extra=extra),)


def _worded_groups(value: Any) -> list[Group]:
    """What the words beside a code say, where they are a stage: they must not contradict it."""
    found = []
    for words in statements(value):
        with suppress(Unreadable):
            found.append(stage_in(words))
    return found


def _only_text(value: Any) -> str:
    said = statements(value)
    if not said:
        raise Unreadable("neither a known code nor a text")
    return said[0]


def _raw(value: Any) -> str | None:
    return next(iter(statements(value)), None)


# --- T, N and M -------------------------------------------------------------------------------------------------------

CATEGORY_CODES: Mapping[str, Mapping[str, str]] = {
    "c": {
        "T0": "1228882005",
        "Tis": "1228885007",
        "T1": "1228889001",
        "T1a": "1228892002",
        "T1c": "1228899006",
        "T2": "1228929004",
        "T2a": "1228931008",
        "T2b": "1228934000",
        "T3": "1228938002",
        "T4": "1228944003",
        "N0": "1229967007",
        "N1": "1229973008",
        "N2": "1229978004",
        "N3": "1229984001",
        "M0": "1229901006",
        "M1": "1229903009",
        "M1a": "1229904003",
    },
    "p": {
        "T1": "1228957006",
        "T2": "1229852009",
        "T3": "1229859000",
        "T4": "1229864001",
        "N0": "1229947003",
        "N1": "1229951001",
        "N2": "1229957002",
        "N3": "1229962001",
        "M1": "1229916009",
    },
    "": {
        "T0": "58790005",
        "T1": "23351008",
        "T2": "67673008",
        "T3": "14410001",
        "T4": "65565005",
        "N0": "62455006",
        "N1": "53623008",
        "N2": "46059003",
        "N3": "5856006",
        "M0": "30893008",
        "M1": "55440008",
    },
}
_CATEGORY_OF_CODE = {code: (prefix, value) for prefix, codes in CATEGORY_CODES.items() for value, code in codes.items()}
_QUESTIONS: Mapping[tuple[str, str], Coding] = {
    ("T", ""): Coding(SCT, "78873005", "T category"),
    ("T", "c"): Coding(SCT, "399504009", "cT category"),
    ("T", "p"): Coding(SCT, "384625004", "pT category"),
    ("N", ""): Coding(SCT, "277206009", "N category"),
    ("N", "c"): Coding(SCT, "399534004", "cN category"),
    ("N", "p"): Coding(SCT, "371494008", "pN category"),
    ("M", ""): Coding(SCT, "277208005", "M category"),
    ("M", "c"): Coding(SCT, "399387003", "cM category"),
    ("M", "p"): Coding(SCT, "371497001", "pM category"),
}
_LEVELS = {"T": r"x|is|a|[0-4]", "N": r"x|[0-3]", "M": r"x|[01]"}
_SUFFIX = r"sn|f|m|i[+-]|mol[+-]|dcis|lcis|paget|\d{1,2}(?:\s?/\s?\d{1,3})?(?: nodes?)?"
_ONE = re.compile(
    r"(?P<prefix>(?:yc|yp|rc|rp|ry|c|p|y|r|a))?(?P<axis>[tnm])\s?"
    rf"(?P<level>x|is|a|[0-4])(?P<sub>mi|[a-e][1-3]?)?(?P<suffix>\s?\((?:{_SUFFIX})\))*"
)
_CATEGORY_NOISE = re.compile(
    r"[\s,;:/()+-]+|stage (?:group )?(?:iv|i{1,3}|[0-4])[a-d]?[1-3]?(?![a-z0-9])|"
    r"(?:[tnm] (?:category|classification)|"
    r"ajcc|uicc|tnm|category|stage|staging|"
    r"american joint committee on cancer|primary tumou?r|"
    r"regional (?:lymph )?nodes?|distant metastas[ei]s|clinical|pathologic(?:al)?|finding|group|"
    r"[789]th(?: ed(?:ition)?\.?)?)(?![a-z0-9])"
)


@dataclass(frozen=True, slots=True)
class Category:
    """`prefix` as stated (`c`, `p`, `yp` …; empty where not said), `value` like `T2a`."""

    axis: str
    prefix: str
    value: str

    @property
    def base(self) -> str:
        """Clinical or pathologic, the letter that codes go by; empty where not said."""
        return "p" if "p" in self.prefix else "c" if "c" in self.prefix else ""

    @property
    def rank(self) -> int:
        """The level of the category: 0 (none, in situ) to 4."""
        level = self.value[1]
        return int(level) if level.isdigit() else 0


def tnm_in(text: str) -> Mapping[str, Category]:
    """T, N and M that a text states, by axis: `pT2 N1 M0`, `ypT1c(m) ypN1a(sn)`. Anything besides is unreadable."""
    found: dict[str, Category] = {}
    folded, place, carried = fold(text), 0, ""
    while place < len(folded):
        noise = _CATEGORY_NOISE.match(folded, place)
        if noise:
            place = noise.end()
            continue
        match = _ONE.match(folded, place)
        if match is None:
            raise Unreadable("the text is no TNM category that a grammar knows")
        category = _category(match, carried)
        if found.setdefault(category.axis, category) != category:
            raise Unreadable("the text states a category twice")
        if category.axis == "T":
            carried = category.prefix
        place = match.end()
    if not found:
        raise Unreadable("the text states no TNM category")
    return found


def _category(match: re.Match[str], carried: str) -> Category:
    axis, level = match["axis"].upper(), match["level"]
    if not re.fullmatch(_LEVELS[axis], level):
        raise Unreadable("no such TNM category")
    if level == "x":
        raise Unreadable("the category could not be assessed (X)")
    # AJCC writes the prefix once, before T; it holds for N, while M is clinical unless it is said to be pathologic.
    prefix = match["prefix"] or (carried if axis == "N" else "")
    return Category(axis, prefix, axis + level + (match["sub"] or ""))


def _category_of(coding: Coding) -> Category | None:
    if coding.system == SCT and coding.code in _CATEGORY_OF_CODE:
        prefix, value = _CATEGORY_OF_CODE[coding.code]
        return Category(value[0], prefix, value)
    if coding.system.startswith(AJCC):
        found = tnm_in(coding.code)
        return next(iter(found.values())) if len(found) == 1 else None
    return None


def coded_category(category: Category) -> Coding | None:
    """The SNOMED CT code of a category, or of the category it is a part of (pN1mi is a pN1)."""
    known = CATEGORY_CODES[category.base]
    for value in (category.value, category.value[:3], category.value[:2]):
        if value in known:
            return Coding(SCT, known[value], f"American Joint Committee on Cancer {category.base}{value}")
    generic = CATEGORY_CODES[""].get(category.value[:2])
    return Coding(SCT, generic, f"{category.value[:2]} category") if generic else None


def _reading(category: Category, raw: str | None) -> Reading:
    return Reading(
        category.value,
        code=_QUESTIONS[category.axis, category.base],
        coded=coded_category(category),
        text=raw or category.prefix + category.value,
        extra={"axis": category.axis, "prefix": category.prefix, "rank": category.rank},
    )


def _settled(category: Category, kind: str | None) -> Category:
    """The category with the prefix that its question implies. Raises Unreadable where the two contradict."""
    asked = {CLINICAL: "c", PATHOLOGIC: "p", None: ""}[kind]
    if asked and category.base and asked != category.base:
        raise Unreadable("the category's prefix contradicts the question")
    return Category(category.axis, category.prefix + asked, category.value) if not category.base else category


def tnm(axis: str) -> Normaliser:
    """The normaliser of one axis: T, N or M."""

    def read(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
        refuse_absent(value)
        coded = {found for found in map(_category_of, codings(value)) if found and found.axis == axis}
        if not coded:
            stated = tnm_in(_only_text(value)).get(axis)
            coded = {stated} if stated else set()
        found = {_settled(category, kind_of_question(resource)) for category in coded}
        if not found:
            raise Unreadable(f"no {axis} category is stated")
        found |= _worded_categories(value, axis) if coded else set()
        if len({each.value for each in found}) > 1 or len({each.base for each in found if each.base}) > 1:
            raise Unreadable("the category's coding contradicts itself")
        best = max(found, key=lambda each: (len(each.prefix), each.value))
        return (_reading(best, _raw(value)),)

    return read


def _worded_categories(value: Any, axis: str) -> set[Category]:
    """What the words beside a code say, where they are a category: they must not contradict it."""
    found = set()
    for words in statements(value) if codings(value) else ():
        with suppress(Unreadable):
            stated = tnm_in(words).get(axis)
            if stated:
                found.add(stated)
    return found


def tnm_all(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """All categories of one text such as `pT2 N1 M0`."""
    return tuple(_reading(category, None) for category in tnm_in(_only_text(value)).values())


STAGE_NORMALISERS: Mapping[str, Normaliser] = {
    "stage.group": stage_group,
    "stage.T": tnm("T"),
    "stage.N": tnm("N"),
    "stage.M": tnm("M"),
    "stage.tnm": tnm_all,
}

__all__ = [
    "CATEGORY_CODES",
    "GROUP_CODES",
    "STAGE_NORMALISERS",
    "Category",
    "Group",
    "group_rank",
    "stage_in",
    "tnm_in",
]
