"""Organs and sides, as far as telling the cancers of one patient apart needs them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.evidence.chart import codings_of, concept_text, mapping, sequence
from prior_auth.evidence.normalise import NORMALISERS, Unreadable
from prior_auth.evidence.normalise.codes import SCT
from prior_auth.evidence.normalise.laterality import LATERALITY_CODES
from prior_auth.evidence.normalise.site_table import SITES
from prior_auth.fhir import mcode

LEFT, RIGHT, BILATERAL = "left", "right", "bilateral"
SIDE_CODES: Mapping[str, str] = {"7771000": LEFT, "24028007": RIGHT}
LATERALITY = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-laterality-qualifier"

# SNOMED CT body structures -> organ, side
_STRUCTURES: Mapping[str, tuple[str, str | None]] = {
    "76752008": ("breast", None), "80248007": ("breast", LEFT), "73056007": ("breast", RIGHT),
    "39607008": ("lung", None), "44029006": ("lung", LEFT), "3341006": ("lung", RIGHT),
    "31094006": ("lung", None), "41224006": ("lung", LEFT), "45653009": ("lung", LEFT),
    "42400003": ("lung", RIGHT), "45650007": ("lung", RIGHT), "72481006": ("lung", RIGHT), "266005": ("lung", RIGHT),
    "41216001": ("prostate", None), "15497006": ("ovary", None), "15776009": ("pancreas", None),
    "71854001": ("colon", None), "34402009": ("rectum", None), "69695003": ("stomach", None),
    "39937001": ("skin", None), "64033007": ("kidney", None), "10200004": ("liver", None),
    "89837001": ("bladder", None), "32849002": ("esophagus", None), "35039007": ("uterus", None),
}  # fmt: skip
_SIDES = {side: LATERALITY_CODES[side] for side in (LEFT, RIGHT, BILATERAL)}
_WORDS = (
    ("breast", r"\b(breast|mammary)\b"), ("lung", r"\b(lung|pulmonary|bronch\w+)\b"), ("prostate", r"\bprostat\w+\b"),
    ("ovary", r"\bovar\w+\b"), ("pancreas", r"\bpancrea\w+\b"), ("colon", r"\bcolon\w*\b"),
    ("rectum", r"\brect(um|al)\b"), ("stomach", r"\b(stomach|gastric)\b"), ("kidney", r"\b(kidney|renal)\b"),
    ("bladder", r"\bbladder\b"), ("esophagus", r"\b(o?esophag\w+)\b"), ("skin", r"\b(skin|melanoma)\b"),
    ("uterus", r"\b(uter\w+|endometri\w+)\b"),
)  # fmt: skip
_PATTERNS = tuple((organ, re.compile(pattern)) for organ, pattern in _WORDS)


@dataclass(frozen=True, slots=True)
class Site:
    group: str
    side: str | None


def group_of(site: str) -> str:
    """Cancers of one organ that may be one cancer, stated more or less exactly: a lung cancer and an NSCLC."""
    known = SITES.get(site)
    return known.within or site if known is not None else site


def side_in(text: str) -> str | None:
    sides = {side for side in (LEFT, RIGHT) if re.search(rf"\b{side}\b", text)}
    return sides.pop() if len(sides) == 1 else None


def side_of(concept: Any) -> str | None:
    """The side that a body site states, by its own code, its qualifier or its words."""
    for extension in sequence(mapping(concept).get("extension")):
        if mapping(extension).get("url") == LATERALITY:
            for _, code in codings_of(extension.get("valueCodeableConcept")):
                if code in SIDE_CODES:
                    return SIDE_CODES[code]
    for system, code in codings_of(concept):
        if system == SCT and code in _STRUCTURES and _STRUCTURES[code][1]:
            return _STRUCTURES[code][1]
    return side_in(concept_text(concept))


def side_or_both(condition: Mapping[str, Any]) -> str | None:
    """The side of a Condition as its body sites or its name state it: `left`, `right`, `bilateral`."""
    for concept in (*sequence(condition.get("bodySite")), condition.get("code")):
        if is_bilateral(concept):
            return BILATERAL
        if (side := side_of(concept)) is not None:
            return side
    return None


def is_bilateral(concept: Any) -> bool:
    qualifiers = [
        code
        for extension in sequence(mapping(concept).get("extension"))
        if mapping(extension).get("url") == LATERALITY
        for _, code in codings_of(extension.get("valueCodeableConcept"))
    ]
    coded = (SCT, "63762007") in set(codings_of(concept))
    return coded or "51440002" in qualifiers or re.search(r"\bbilateral\b", concept_text(concept)) is not None


def structure_of(organ: str) -> Coding | None:
    """The body structure of an organ, without a side."""
    code = next((code for code, place in _STRUCTURES.items() if place == (organ, None)), None)
    return Coding(SCT, code, f"{organ.capitalize()} structure") if code else None


def sided(sites: Sequence[Mapping[str, Any]], side: str, organ: str) -> list[dict[str, Any]]:
    """Body sites that state a side in the way of mCODE, by its qualifier; one of the organ where there is none."""
    structure = structure_of(organ)
    told = [dict(each) for each in sites] or [mcode.concept(structure) if structure else {"text": side}]
    for each in told:
        stated = sequence(each.get("extension"))
        if not any(mapping(one).get("url") == LATERALITY for one in stated):
            own = side_of(each) or side
            each["extension"] = [*stated, {"url": LATERALITY, "valueCodeableConcept": mcode.concept(_SIDES[own])}]
    return told


def site_of(concept: Any) -> Site | None:
    """The organ and side that a body site or a diagnosis names; None where it is not known."""
    side = side_of(concept)
    for system, code in codings_of(concept):
        if system == SCT and code in _STRUCTURES:
            return Site(_STRUCTURES[code][0], side)
    try:
        reading = NORMALISERS["diagnosis"]({}, concept)[0]
    except (Unreadable, KeyError, IndexError):
        reading = None
    if reading is not None and reading.extra.get("kind") == "primary" and isinstance(reading.value, str):
        stated = reading.extra.get("laterality")
        return Site(group_of(reading.value), stated if stated in (LEFT, RIGHT) else side)
    text = concept_text(concept)
    organs = {organ for organ, pattern in _PATTERNS if pattern.search(text)}
    return Site(organs.pop(), side) if len(organs) == 1 else None
