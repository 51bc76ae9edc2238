"""A value that its own resource takes back: by a note that withdraws it, an interpretation or a note that disagrees."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from prior_auth.evidence.chart import Resource, codings_of, mapping, sequence
from prior_auth.evidence.claims import agree, claim_of
from prior_auth.evidence.definitions import EvidenceDefinition
from prior_auth.evidence.normalise import NORMALISERS, Reading, Unreadable
from prior_auth.evidence.normalise.her2 import ISH_RATIO
from prior_auth.evidence.normalise.status import EQUIVOCAL, NEGATIVE, POSITIVE, status

_WITHDRAWN = re.compile(
    r"\b(?:retract(?:ed|ion)|withdrawn|entered in error|wrong patient|disregard|do not use|erroneous(?:ly)?|"
    r"mis-?label+ed|invalid(?:ated)?|voided|mix-?up|cannot be relied|"
    r"(?:in[- ]situ (?:component|carcinoma|part)|dcis(?: component)?) only|"
    r"only (?:the |in the |on the )?(?:in[- ]situ (?:component|carcinoma|part)|dcis))\b",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"\b(?:on|after|upon|at) (?:re-?)?(?:review|reading)\b|\b(?:addendum|amended|revised|final)\b", re.I
)
# HL7 v3 ObservationInterpretation and v2 table 0078.
_INTERPRETED: Mapping[str, str] = {
    "POS": POSITIVE, "DET": POSITIVE, "RR": POSITIVE, "WR": POSITIVE,
    "NEG": NEGATIVE, "ND": NEGATIVE, "NR": NEGATIVE,
    "E": EQUIVOCAL, "IND": EQUIVOCAL,
}  # fmt: skip
_ANSWERED: Mapping[object, str] = {
    **{each: each for each in (POSITIVE, NEGATIVE, EQUIVOCAL)},
    "present": POSITIVE,
    "absent": NEGATIVE,
}
_EXPRESSED_FROM_1 = ("pdl1.tps", "pdl1.cps")


def contradicted(definition: EvidenceDefinition, resource: Resource, readings: Sequence[Reading]) -> str | None:
    """Why an Observation's value is not to be used as it was read; None where nothing in it speaks against it."""
    if resource["resourceType"] != "Observation":
        return None
    notes = [text for each in sequence(resource.get("note")) if isinstance(text := mapping(each).get("text"), str)]
    if any(_WITHDRAWN.search(text) for text in notes):
        return "its note withdraws it"
    if resource.get("dataAbsentReason"):
        return "it gives a reason why it has no value, beside a value"
    meant = {answer for each in readings if (answer := _answer(definition, each)) is not None}
    interpreted = set(_interpretations(resource))
    if meant and interpreted and meant != interpreted:
        return "its interpretation says otherwise"
    if definition.single and any(_differ(definition, readings, _read(definition, resource, text)) for text in notes):
        return "its note says otherwise"
    return None


def _answer(definition: EvidenceDefinition, reading: Reading) -> str | None:
    """Positive, negative or equivocal, where the value can be called so."""
    if isinstance(reading.value, str):
        return _ANSWERED.get(reading.value)
    if isinstance(reading.value, Decimal) and definition.item in _EXPRESSED_FROM_1:
        return POSITIVE if reading.value >= 1 and reading.comparator not in ("<", "<=") else NEGATIVE
    is_high = isinstance(reading.value, Decimal) and reading.code == ISH_RATIO and reading.value >= 2
    return POSITIVE if is_high and reading.comparator not in ("<", "<=") else None


def _interpretations(resource: Resource) -> Iterator[str]:
    for concept in sequence(resource.get("interpretation")):
        coded = [
            _INTERPRETED[code] for system, code in codings_of(concept) if code in _INTERPRETED and _is_table(system)
        ]
        yield from coded or _worded(concept)


def _is_table(system: str) -> bool:
    return system.endswith(
        ("ObservationInterpretation", "observation-interpretation", "0078", "2.16.840.1.113883.5.83")
    )


def _worded(concept: Any) -> Iterator[str]:
    try:
        yield from (str(each.value) for each in status({}, concept))
    except Unreadable:
        return


def _read(definition: EvidenceDefinition, resource: Resource, text: str) -> Sequence[Reading]:
    """What a note says by the item's own grammar; most notes say nothing in it."""
    try:
        return NORMALISERS[definition.read](resource, _ASIDE.sub("", text)) if definition.read else ()
    except Unreadable:
        return ()


def _differ(definition: EvidenceDefinition, readings: Sequence[Reading], noted: Sequence[Reading]) -> bool:
    """Whether a note's value for the same question cannot be true beside the value."""
    return any(
        one.code == other.code and not agree(_claim(definition, one), _claim(definition, other))
        for one in readings
        for other in noted
    )


def _claim(definition: EvidenceDefinition, reading: Reading) -> object:
    found = claim_of(definition.item, reading)
    return reading.value if found is None else found
