"""When two values of one item say the same: exactly, or one of them less exactly than the other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from prior_auth.evidence.normalise import Reading

_STAGE = re.compile(r"(?P<level>[TNM]?(?:IV|I{1,3}|\d|X|is))(?P<rest>.*)")
# A histology said less exactly holds for every one that it covers.
_COVERS: Mapping[str, frozenset[str]] = {
    "nsclc": frozenset({"nsclc", "adenocarcinoma", "squamous", "large-cell", "adenosquamous"}),
    "adenocarcinoma": frozenset({"adenocarcinoma", "ductal", "lobular", "ductal-and-lobular"}),
    "ductal-and-lobular": frozenset({"ductal-and-lobular", "ductal", "lobular"}),
}
_CARCINOMA_OR_TUMOUR = frozenset({"8000/3", "8010/3"})


@dataclass(frozen=True, slots=True)
class Span:
    """All that a measured value can mean: `55-60 %`, `< 1 %`, or one number."""

    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Stage:
    """`II` covers `IIA`, `T1` covers `T1c`."""

    level: str
    rest: str


Claim = object


def claim_of(item: str, reading: Reading) -> Claim | None:
    """What is compared in place of the plain value; None where the value is."""
    if isinstance(reading.value, Decimal):
        return _span(reading.value, reading)
    if item.startswith("stage.") and isinstance(reading.value, str):
        match = _STAGE.fullmatch(reading.value)
        return Stage(match["level"], match["rest"].lower()) if match else None
    if item == "histology":
        if reading.value in _CARCINOMA_OR_TUMOUR:
            return _ANY
        family = reading.extra.get("family")
        return _COVERS.get(str(family), frozenset({str(family)})) if family else None
    return None


_ANY: frozenset[str] = frozenset()


def _span(value: Decimal, reading: Reading) -> Span:
    high = reading.extra.get("high")
    if reading.comparator in ("<", "<="):
        return Span(Decimal("-Infinity"), value)
    if reading.comparator in (">", ">="):
        return Span(value, Decimal("Infinity"))
    return Span(value, high if isinstance(high, Decimal) else value)


def agree(one: Claim, other: Claim) -> bool:
    """Whether both can be true of one thing."""
    if isinstance(one, Span) and isinstance(other, Span):
        return one.low <= other.high and other.low <= one.high
    if isinstance(one, Stage) and isinstance(other, Stage):
        exact = one.rest.startswith(other.rest) or other.rest.startswith(one.rest)
        return one.level == other.level and exact
    if isinstance(one, frozenset) and isinstance(other, frozenset):
        return not one or not other or bool(one & other)
    return one == other
