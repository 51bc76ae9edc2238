"""Which side: SNOMED CT qualifiers and lateral body structures, the side's digit of ICD-10-CM, text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.evidence.normalise.codes import ICD10CM, SCT, codings, only, refuse_absent, statements
from prior_auth.evidence.normalise.reading import Normaliser, Reading, Unreadable
from prior_auth.evidence.normalise.text import doubtful, fold, negated

LATERALITY_CODES: Mapping[str, Coding] = {
    "left": Coding(SCT, "7771000", "Left"),
    "right": Coding(SCT, "24028007", "Right"),
    "bilateral": Coding(SCT, "51440002", "Right and left"),
    "midline": Coding(SCT, "399488007", "Midline"),
}
_SNOMED: Mapping[str, str] = {
    "7771000": "left",
    "24028007": "right",
    "51440002": "bilateral",
    "399488007": "midline",
    "80248007": "left",  # left breast structure
    "73056007": "right",  # right breast structure
    "63762007": "bilateral",  # both breasts
    "44029006": "left",  # left lung structure
    "3341006": "right",  # right lung structure
    "353431000119107": "left",  # primary malignant neoplasm of female left breast
    "353501000119107": "right",
}
# The character that tells the side, by category: C50.4-1-2 sixth, C34.1-2 fifth, C56.2 fourth.
_ICD10 = re.compile(
    r"(?:C50\.?\d[12]|D05\.?[0189]|C34\.?[0-38-9]|C62\.?[019]|C43\.?[1267]|C78\.?0|C(?:56|64|65|66)\.?)(?P<side>[0-39])"
)
_ICD10_SIDES = {"1": "right", "2": "left"}


def side_of_icd10(code: str) -> str | None:
    """Right (1) or left (2); None where the code is unspecified or has no side."""
    match = _ICD10.fullmatch(code.strip().upper())
    return _ICD10_SIDES.get(match["side"]) if match else None


def _side_of(coding: Coding) -> str | None:
    if coding.system == SCT:
        return _SNOMED.get(coding.code)
    return side_of_icd10(coding.code) if coding.system == ICD10CM else None


def side_in(text: str) -> str | None:
    """The one side a text names; None where it names none. Raises Unreadable where it names both apart, or denies."""
    folded = fold(text)
    sides: set[str] = set(re.findall(r"\b(left|right|bilateral|both|midline)\b", folded))
    if not sides:
        short = re.fullmatch(r"(?P<side>[lr]|lt|rt)\.?", folded)
        return {"l": "left", "r": "right"}[short["side"][0]] if short else None
    if sides & {"bilateral", "both"}:
        return "bilateral"
    if negated(folded) or doubtful(folded) or len(sides) > 1:
        raise Unreadable("the text does not name one side")
    return sides.pop()


def laterality_of(value: Any) -> str | None:
    """The side a concept tells by code, else by words. Raises Unreadable where they contradict."""
    refuse_absent(value)
    coded = {side for side in map(_side_of, codings(value)) if side}
    if coded:
        return only(coded, "side")
    return next((side for side in map(side_in, statements(value)) if side), None)


def laterality(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    side = laterality_of(value)
    if side is None:
        raise Unreadable("no side is stated")
    return (Reading(side, coded=LATERALITY_CODES[side], text=next(iter(statements(value)), None)),)


LATERALITY_NORMALISERS: Mapping[str, Normaliser] = {"laterality": laterality}
