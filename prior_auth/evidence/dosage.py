"""Dose and rhythm of an order in one form: `doseQuantity` in mg, mg/kg or mg/m2, and how often.

Orders state them as coded elements, as codes of a timing (`BID`), in a rate that is none, or in words
(`8 mg/kg loading dose, then 6 mg/kg IV every 3 weeks`). Words fill only what the elements leave open, and only where a
small grammar reads all that it needs; what it cannot read stays as it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from prior_auth.evidence.chart import codings_of, concept_text, mapping, sequence
from prior_auth.fhir import mcode

_UNIT_WORDS = {
    "mg": "mg", "milligram": "mg", "milligrams": "mg", "g": "g", "gram": "g", "grams": "g",
    "mg/kg": "mg/kg", "mg/m2": "mg/m2", "mg/m²": "mg/m2", "mg/m^2": "mg/m2", "mg/sqm": "mg/m2",
}  # fmt: skip
_IN_MG = {"mg": Decimal(1), "g": Decimal(1000)}
_TIMING_CODES = {
    "QD": (1, 1, "d"), "QAM": (1, 1, "d"), "QPM": (1, 1, "d"), "HS": (1, 1, "d"), "BID": (2, 1, "d"),
    "TID": (3, 1, "d"), "QID": (4, 1, "d"), "QOD": (1, 2, "d"), "Q12H": (2, 1, "d"), "Q8H": (3, 1, "d"),
    "WK": (1, 1, "wk"), "MO": (1, 1, "mo"),
}  # fmt: skip
_PERIODS = {"d": "d", "day": "d", "w": "wk", "wk": "wk", "week": "wk", "mo": "mo", "month": "mo"}
_NUMBER_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "six": 6, "twelve": 12}

_NUMBER = r"\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?"
_DOSE = re.compile(
    rf"(?<![\d./])({_NUMBER})\s*(mg/kg|mg/m2|mg/m²|mg/m\^2|mg/sqm|mg|milligrams?|grams?|g)\b(?!\s*/)(?!\s*per\s*(?:ml|kg|m2))"
)
_EVERY = re.compile(
    r"\b(?:every|q|each)\s*(?P<n>\d+|one|two|three|four|six|twelve)?[\s-]*(?P<unit>days?|d|weeks?|wks?|w|months?|mo)\b"
)
_CYCLE = re.compile(r"\b(?P<n>\d+)[\s-]*(?P<unit>day|week)s?\s+cycles?\b")
_DAILY = (
    (re.compile(r"\b(?:twice|two times|2 times|2x)\s*(?:a |per |/)?\s*da(?:y|ily)\b|\bbid\b|\bb\.i\.d\.?|\bq12h\b"), 2),
    (re.compile(r"\b(?:three times|3 times|3x)\s*(?:a |per |/)?\s*da(?:y|ily)\b|\btid\b"), 3),
    (re.compile(r"\bonce\s*(?:a |per )?\s*da(?:y|ily)\b|\bdaily\b|\bqd\b"), 1),
)
_WEEKLY = re.compile(r"\b(?:once (?:a |per )?week|weekly)\b")
_THEN = re.compile(r"\b(?:then|followed by|thereafter)\b|;")
# A ceiling, a range or a pause: which dose is meant stays open.
_OPEN = re.compile(
    r"\b(?:exceed|max(?:imum)?|up to|hold|titrate)\b[^;]*\d\s*(?:mg|g)\b|"
    r"\d\s*(?:-|or|to)\s*\d+(?:\.\d+)?\s*(?:mg|g)\b"
)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """`frequency` times in `period` `unit`s."""

    frequency: int
    period: Decimal
    unit: str

    def as_repeat(self) -> dict[str, Any]:
        return {"frequency": self.frequency, "period": self.period, "periodUnit": self.unit}


def dosages(stated: Any) -> list[dict[str, Any]]:
    """`dosageInstruction` in one form; a text of several doses becomes several instructions in sequence."""
    found: list[dict[str, Any]] = []
    for each in sequence(stated):
        if isinstance(each, Mapping):
            found.extend(_completed(_with_quantities(each)))
    for number, each in enumerate(found, start=1):
        if len(found) > 1:
            each.setdefault("sequence", number)
    return found


def _with_quantities(instruction: Mapping[str, Any]) -> dict[str, Any]:
    """Doses in mg, mg/kg or mg/m2 with their UCUM code; a rate per nothing but body size is a dose."""
    doses = []
    for each in sequence(instruction.get("doseAndRate")):
        made = dict(mapping(each))
        rate = mapping(made.get("rateQuantity"))
        if "doseQuantity" not in made and "doseRange" not in made and _unit(rate) is not None:
            made["doseQuantity"] = made.pop("rateQuantity")
        if "doseQuantity" in made:
            made["doseQuantity"] = _in_one_unit(mapping(made["doseQuantity"]))
        doses.append(made)
    result = {key: value for key, value in instruction.items() if key != "doseAndRate"}
    if doses:
        result["doseAndRate"] = doses
    timing = _with_unit_code(mapping(instruction.get("timing")))
    if timing:
        result["timing"] = timing
    if (rhythm := _of_code(timing.get("code"))) is not None and "period" not in mapping(timing.get("repeat")):
        result["timing"] = {**timing, "repeat": {**mapping(timing.get("repeat")), **rhythm.as_repeat()}}
    return result


def _with_unit_code(timing: Mapping[str, Any]) -> dict[str, Any]:
    """Periods in UCUM's words (`wk`); one in no known unit says nothing."""
    repeat = dict(mapping(timing.get("repeat")))
    for key in ("periodUnit", "durationUnit"):
        if key in repeat:
            said = str(repeat[key]).strip().lower()
            unit = said if said in ("s", "min", "h", "d", "wk", "mo", "a") else _PERIODS.get(said.rstrip("s"))
            if unit is None:
                del repeat[key]
                repeat.pop("period" if key == "periodUnit" else "duration", None)
            else:
                repeat[key] = unit
    rest = {key: value for key, value in timing.items() if key != "repeat"}
    return {**rest, **({"repeat": repeat} if repeat else {})}


def _unit(quantity: Mapping[str, Any]) -> str | None:
    said = str(quantity.get("code") or quantity.get("unit") or "").strip().lower()
    return _UNIT_WORDS.get(said)


def _in_one_unit(quantity: Mapping[str, Any]) -> dict[str, Any]:
    unit, value = _unit(quantity), quantity.get("value")
    if unit is None or isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return dict(quantity)
    number = Decimal(str(value))
    if unit in _IN_MG:
        number, unit = number * _IN_MG[unit], "mg"
    return mcode.quantity(number, unit, quantity.get("comparator"))


def _of_code(concept: Any) -> Rhythm | None:
    for _, code in codings_of(concept):
        if code.upper() in _TIMING_CODES:
            frequency, period, unit = _TIMING_CODES[code.upper()]
            return Rhythm(frequency, Decimal(period), unit)
    text = concept_text(concept)
    return rhythm_in(text) if text else None


def _completed(instruction: dict[str, Any]) -> Iterator[dict[str, Any]]:
    text = " ".join(
        str(instruction[key]) for key in ("text", "patientInstruction") if isinstance(instruction.get(key), str)
    ).lower()
    has_dose = any(
        "doseQuantity" in mapping(each) or "doseRange" in mapping(each)
        for each in sequence(instruction.get("doseAndRate"))
    )
    if not text or (has_dose and _has_rhythm(instruction)):
        yield instruction
        return
    if has_dose:
        yield _with_rhythm(instruction, rhythm_in(text))
        return
    phases = [each for each in _THEN.split(text) if _DOSE.search(each)]
    if not phases or _OPEN.search(text):
        yield _with_rhythm(instruction, rhythm_in(text))
        return
    for phase in phases:
        doses = {(number, unit) for number, unit in _DOSE.findall(phase)}
        if len({_UNIT_WORDS[unit] for _, unit in doses}) != len(doses):
            yield instruction  # two doses of one kind in one phase: the grammar does not know which
            return
    for phase in phases:
        yield _with_rhythm(_with_dose(instruction, phase), rhythm_in(phase) or _only_rhythm(phases))


def _with_dose(instruction: Mapping[str, Any], phase: str) -> dict[str, Any]:
    """A dose per kg or m2 before the absolute one that was computed from it."""
    stated = sorted(_DOSE.findall(phase), key=lambda found: "/" not in found[1])
    number, unit = stated[0]
    quantity = _in_one_unit({"value": Decimal(number.replace(",", "")), "code": unit})
    return {**instruction, "doseAndRate": [{"doseQuantity": quantity}]}


def _only_rhythm(phases: list[str]) -> Rhythm | None:
    """A loading dose has no rhythm of its own."""
    return None if len(phases) > 1 else rhythm_in(phases[0])


def _has_rhythm(instruction: Mapping[str, Any]) -> bool:
    repeat = mapping(mapping(instruction.get("timing")).get("repeat"))
    return "period" in repeat and "periodUnit" in repeat


def _with_rhythm(instruction: Mapping[str, Any], rhythm: Rhythm | None) -> dict[str, Any]:
    if rhythm is None or _has_rhythm(instruction):
        return dict(instruction)
    timing = mapping(instruction.get("timing"))
    return {**instruction, "timing": {**timing, "repeat": {**mapping(timing.get("repeat")), **rhythm.as_repeat()}}}


def rhythm_in(text: str) -> Rhythm | None:
    """How often, where the text says it once; two different rhythms are none."""
    found: set[Rhythm] = set()
    for pattern in (_EVERY, _CYCLE):
        for match in pattern.finditer(text):
            said = match["n"] or "1"
            number = _NUMBER_WORDS.get(said) or int(said)
            unit = _PERIODS[match["unit"].rstrip("s")]
            found.add(Rhythm(1, Decimal(number), unit))
    for daily, times in _DAILY:
        if daily.search(text):
            found.add(Rhythm(times, Decimal(1), "d"))
            break
    if not found and _WEEKLY.search(text):
        found.add(Rhythm(1, Decimal(1), "wk"))
    if len(found) == 2 and Rhythm(1, Decimal(3), "wk") in found and Rhythm(1, Decimal(21), "d") in found:
        return Rhythm(1, Decimal(3), "wk")
    return found.pop() if len(found) == 1 else None
