"""What a surgery says of its side and of its purpose, by code or in words: of another side, or to prevent a cancer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from prior_auth.evidence.chart import codings_of, concept_text, mapping, sequence
from prior_auth.evidence.normalise import Unreadable
from prior_auth.evidence.normalise.codes import ICD10CM
from prior_auth.evidence.normalise.text import fold
from prior_auth.evidence.sites import BILATERAL, LEFT, RIGHT, is_bilateral, side_of, site_of

ICD10PCS = "http://www.cms.gov/Medicare/Coding/ICD10"

# ICD-10-PCS names the side in its body part, the fourth character: breasts, bronchi and lungs.
_PCS = re.compile(r"0(?:H[BT](?P<breast>[TUV])|B[BT](?P<lung>[3-9BCDFGHJKLM]))")
_PCS_SIDES: Mapping[str, str] = {
    **{f"breast{part}": side for part, side in (("T", RIGHT), ("U", LEFT), ("V", BILATERAL))},
    **{f"lung{part}": RIGHT for part in "3456CDFK"},
    **{f"lung{part}": LEFT for part in "789BGHJL"},
    "lungM": BILATERAL,
}
_SIDE = r"\(?\b(?P<side>left|right|lt|rt|l|r)\b\.?\)?(?:[- ]sided)?"
_DONE = r"\w*ectomy|excision|resection|breast[- ]conserving"
# Beside the operation or, less surely, beside the organ: `right simple mastectomy`, `mastectomy, right`.
_OPERATION = (
    re.compile(rf"{_SIDE}(?:[- ](?!left|right)\w+){{0,3}}[- ](?:{_DONE})\b"),
    re.compile(rf"\b(?:{_DONE})[ ,:;(-]*(?:of |on |the |breast |side |lung )*[,(-]* ?{_SIDE}"),
)
_ORGAN = (
    re.compile(rf"{_SIDE}(?:[- ](?!left|right)\w+){{0,2}}[- ](?:breasts?|lung|mamma\w*)\b"),
    re.compile(rf"\b(?:breast|lung|mamma\w*)[ ,:(-]*{_SIDE}"),
)
_ALONE = re.compile(r"\b(?P<side>left|right|lt|rt)\b")
_BOTH = re.compile(r"\b(?:bilateral(?:ly)?|both (?:breasts|lungs|sides)|left and right|right and left)\b")
_BOTH_OPERATED = re.compile(rf"\b(?:bilateral|both|left and right|right and left)(?:[- ]\w+){{0,3}}[- ](?:{_DONE})\b")

_PREVENTS = re.compile(r"\b(?:prophyla\w+|prevent\w+|risk[- ]reduc\w+|contralateral)\b")
_PREVENTS_IN_PROSE = re.compile(
    r"\b(?:prophylactic|preventi\w+|risk[- ]reduc\w+|contralateral)(?:[- ]\w+){0,4}[- ]"
    rf"(?:{_DONE}|removal|surgery|breast)\b"
    rf"|\b(?:{_DONE})\b[^.;]*\b(?:prophyla(?:ctic|xis)|risk[- ]reduc\w+)\b"
    r"(?! (?:antibiotic|anticoagula|heparin|for dvt))"
)
_PREVENTIVE_REASON = re.compile(r"Z40\.?0.*|Z15.*|Z80.*")
_BENIGN = re.compile(r"\b(?:fibro-?adenoma|benign|gyna?ecomastia|papilloma|cosmetic|reduction|abscess|gender)\b")
_BENIGN_REASON = re.compile(r"D24.*|N6[0-4].*|F64.*|Z41.*")


def side_of_surgery(resource: Mapping[str, Any]) -> str | None:
    """`left`, `right`, `bilateral`; None where nothing says. Raises Unreadable where one place denies another."""
    coded = {side for side in _coded(resource) if side}
    if coded >= {LEFT, RIGHT} or BILATERAL in coded:
        coded = {BILATERAL}
    said = {side for text in _names(resource.get("code")) if (side := _side_in(fold(text), alone=True))}
    for text in map(fold, _notes(resource)):
        if (side := _side_of_operation(text)) or (not coded and not said and (side := _side_in(text, alone=False))):
            said.add(side)
    sides = coded | said or {side for side in _of_reasons(resource) if side}
    if len(sides) > 1:
        raise Unreadable("it names one side here and another there")
    return next(iter(sides), None)


def is_preventive(resource: Mapping[str, Any]) -> bool:
    """Whether it was done to prevent a cancer, not to remove one."""
    concepts = (resource.get("code"), *sequence(resource.get("bodySite")), *sequence(resource.get("reasonCode")))
    return (
        any(_PREVENTS.search(fold(text)) for concept in concepts for text in _names(concept))
        or any(_PREVENTS_IN_PROSE.search(fold(text)) for text in _notes(resource))
        or any(_PREVENTIVE_REASON.fullmatch(code) for code in _reason_codes(resource))
    )


def is_of_something_benign(resource: Mapping[str, Any]) -> bool:
    """Whether its name or its reason says that it took out something else than a cancer."""
    codes = list(_reason_codes(resource))
    if codes:
        return all(_BENIGN_REASON.fullmatch(code) for code in codes)
    concepts = (resource.get("code"), *sequence(resource.get("reasonCode")))
    return any(_BENIGN.search(fold(text)) for concept in concepts for text in _names(concept))


def _coded(resource: Mapping[str, Any]) -> Iterator[str | None]:
    for site in sequence(resource.get("bodySite")):
        yield BILATERAL if is_bilateral(site) else side_of(site) or _side_in(fold(concept_text(site)), alone=True)
    for system, code in codings_of(resource.get("code")):
        if system == ICD10PCS and (match := _PCS.match(code)):
            yield next(_PCS_SIDES.get(f"{organ}{part}") for organ, part in match.groupdict().items() if part)


def _of_reasons(resource: Mapping[str, Any]) -> Iterator[str | None]:
    """The side of what it was done for, where nothing else tells one."""
    for concept in sequence(resource.get("reasonCode")):
        place = site_of(concept)
        yield place.side if place is not None else None


def _names(concept: Any) -> Iterator[str]:
    yield from filter(None, concept_text(concept).split(" | "))


def _notes(resource: Mapping[str, Any]) -> Iterator[str]:
    for each in sequence(resource.get("note")):
        if isinstance(text := mapping(each).get("text"), str):
            yield text


def _reason_codes(resource: Mapping[str, Any]) -> Iterator[str]:
    for concept in sequence(resource.get("reasonCode")):
        yield from (code for system, code in codings_of(concept) if system == ICD10CM)


def _side_in(text: str, *, alone: bool) -> str | None:
    """Raises Unreadable where one text names both sides and says of neither that it was operated."""
    if _BOTH_OPERATED.search(text):
        return BILATERAL
    if side := _side_of_operation(text):
        return side
    if _BOTH.search(text):
        return BILATERAL
    for patterns in (_OPERATION, _ORGAN, (_ALONE,)) if alone else (_OPERATION, _ORGAN):
        found = _found(patterns, text)
        if len(found) > 1:
            raise Unreadable("it names both sides")
        if found:
            return found.pop()
    return None


def _side_of_operation(text: str) -> str | None:
    found = set() if _BOTH_OPERATED.search(text) else _found(_OPERATION, text)
    return found.pop() if len(found) == 1 else None


def _found(patterns: tuple[re.Pattern[str], ...], text: str) -> set[str]:
    matches = (match for pattern in patterns for match in pattern.finditer(text))
    return {LEFT if match["side"].startswith("l") else RIGHT for match in matches}
