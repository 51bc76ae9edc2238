"""Radiotherapy: technique and modality, dose, fractions, and what a plan says of heart, hot spots and volume."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.evidence.normalise.codes import SCT, codings, only, question_words, refuse_absent, statements
from prior_auth.evidence.normalise.reading import Normaliser, Reading, Unreadable
from prior_auth.evidence.normalise.text import NUMBER, doubtful, fold, negated
from prior_auth.evidence.normalise.units import Analyte, convert, in_window, measure_in, quantity

# mCODE's technique and modality codes; there is none for SBRT or SRS, which dose and fractions tell.
TECHNIQUES: Mapping[str, Coding] = {
    "3d": Coding(SCT, "1162782007", "Three dimensional external beam radiation therapy"),
    "2d": Coding(SCT, "1156526006", "Two dimensional external beam radiation therapy"),
    "imrt": Coding(SCT, "441799006", "Intensity modulated radiation therapy"),
    "vmat": Coding(SCT, "1156530009", "Volumetric modulated arc therapy"),
    "passive-scattering": Coding(SCT, "1156529004", "External beam radiation therapy using passively scattered beam"),
    "spot-scanning": Coding(SCT, "1156528007", "External beam radiation therapy using pencil beam spot scanning"),
    "scanning": Coding(SCT, "1204242009", "External beam radiation therapy using scanning beam"),
    "photons": Coding(SCT, "1156506007", "External beam radiation therapy using photons"),
    "electrons": Coding(SCT, "45643008", "External beam radiation therapy using electrons"),
    "protons": Coding(SCT, "10611004", "External beam radiation therapy using protons"),
    "carbon": Coding(SCT, "1156505006", "External beam radiation therapy using carbon ions"),
    "neutrons": Coding(SCT, "80347004", "External beam radiation therapy using neutrons"),
    "hdr": Coding(SCT, "394902000", "High dose rate brachytherapy"),
    "ldr": Coding(SCT, "1156708005", "Low dose rate brachytherapy using temporary radioactive source"),
    "pdr": Coding(SCT, "1156384006", "Pulsed dose rate brachytherapy"),
    "seeds": Coding(SCT, "169359004", "Brachytherapy using permanent radioactive seeds"),
    "electronic": Coding(SCT, "438629002", "Electronic brachytherapy"),
    "radiopharmaceutical": Coding(SCT, "440252007", "Administration of radiopharmaceutical"),
}
_BY_CODE = {coding.key: name for name, coding in TECHNIQUES.items()}
_WORDS = (
    ("vmat", r"vmat|volumetric(?:ally)? modulated arc|rapid ?arc"),
    ("imrt", r"imrt|intensity[- ]modulated"),
    ("3d", r"3-?\s?d(?:[- ]?crt)?|three[- ]dimensional|3d[- ]?conformal"),
    ("2d", r"2-?\s?d(?:[- ]?rt)?|two[- ]dimensional"),
    ("protons", r"protons?(?: beam)?|imp t|impt"),
    ("electrons", r"electrons?(?: boost)?"),
    ("hdr", r"hdr|high[- ]dose[- ]rate"),
    ("seeds", r"permanent seeds?|seed implant"),
)


def techniques_in(text: str) -> set[str]:
    """Techniques that words name; none of a text that denies or doubts."""
    folded = fold(text)
    if negated(folded) or doubtful(folded):
        return set()
    return {name for name, pattern in _WORDS if re.search(rf"\b(?:{pattern})\b", folded)}


def technique(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """By code, else the one that words name. Photons with IMRT are two statements of one plan: code them apart."""
    refuse_absent(value)
    coded = {_BY_CODE[each.key] for each in codings(value) if each.key in _BY_CODE}
    words = " | ".join(statements(value))
    answer = only(coded or techniques_in(words), "technique")
    if answer is None:
        raise Unreadable("no technique of radiotherapy that is known")
    return (Reading(answer, coded=TECHNIQUES[answer], text=words or None),)


# --- dose and fractions -----------------------------------------------------------------------------------------

DOSE = Analyte("cGy", Decimal(10), Decimal(20000))
MAX_FRACTIONS = 100


@dataclass(frozen=True, slots=True)
class Prescription:
    """`dose` in cGy for all fractions together."""

    dose: Decimal | None
    fractions: int | None


_TOTAL = re.compile(
    rf"\b(?P<dose>{NUMBER})\s?(?P<unit>c?gy)\b(?: total)?\s?(?:in|/|over|x|,)\s?(?P<fractions>\d{{1,2}})\s?"
    r"(?:fractions?|fx|fxs|fr|daily fractions?)\b"
)
_EACH = re.compile(
    rf"\b(?P<fractions>\d{{1,2}})\s?(?:fractions?|fx|fxs|fr)\s?(?:of|x|at|@)\s?(?P<dose>{NUMBER})\s?(?P<unit>c?gy)\b"
)
_FRACTIONS = re.compile(r"\b(?P<fractions>\d{1,2})\s?(?:fractions?|fx|fxs)\b")


def prescription_in(text: str) -> Prescription | None:
    """The one dose and number of fractions that words state: `42.56 Gy in 16 fractions`, `16 fx of 2.66 Gy`."""
    folded = fold(text)
    if negated(folded) or doubtful(folded):
        return None
    total = {(_cgy(each), int(each["fractions"])) for each in _TOTAL.finditer(folded)}
    total |= {(_cgy(each) * int(each["fractions"]), int(each["fractions"])) for each in _EACH.finditer(folded)}
    counted = {int(each["fractions"]) for each in _FRACTIONS.finditer(folded)}
    if len(total) == 1:
        dose, fractions = total.pop()
        return _possible(dose, fractions) if counted <= {fractions} else None  # "stopped after 10 fractions"
    return _possible(None, counted.pop()) if not total and len(counted) == 1 else None


_NOT_DELIVERED = re.compile(r"\b(?:plan\w*|prescri\w+|intend\w*|stopped|discontinued|incomplete|of \d+ planned)\b")


_NOT_PLANNED = re.compile(
    r"\b(?:previous\w*|prior|earlier|received|completed|delivered|treated|history|s/p|status post)\b"
)


def planned_in(text: str) -> Prescription | None:
    """The same of what is ordered; words that tell of an earlier course tell of no plan."""
    return None if _NOT_PLANNED.search(fold(text)) else prescription_in(text)


def delivered_in(text: str) -> Prescription | None:
    """The same of a course that was given; words that tell of a plan, or of an early end, tell of no delivery."""
    return None if _NOT_DELIVERED.search(fold(text)) else prescription_in(text)


def _cgy(match: re.Match[str]) -> Decimal:
    number = Decimal(match["dose"])
    return number if match["unit"] == "cgy" else number * 100


def _possible(dose: Decimal | None, fractions: int) -> Prescription | None:
    if not 1 <= fractions <= MAX_FRACTIONS or (dose is not None and not DOSE.low <= dose <= DOSE.high):
        return None
    return Prescription(dose, fractions)


def dose(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """A total dose in cGy."""
    found = measure_in(value) if isinstance(value, str) else quantity(value)
    if found.unit is None or found.comparator or found.high is not None:
        raise Unreadable("no plain dose with its unit")
    return (Reading(in_window(convert(found.value, found.unit, "cGy"), DOSE), "cGy"),)


def fractions(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """How many fractions, a whole number."""
    if isinstance(value, str):
        stated = prescription_in(value if re.search(r"[a-z]", value) else f"{value} fractions")
        if stated is None or stated.fractions is None:
            raise Unreadable("the text does not state one number of fractions")
        return (Reading(stated.fractions, text=value),)
    count = quantity(value).value
    if count != count.to_integral_value() or not 1 <= count <= MAX_FRACTIONS:
        raise Unreadable("no number of fractions")
    return (Reading(int(count)),)


# --- what a plan says of the patient ----------------------------------------------------------------------------

_HEART = Analyte("cm3", Decimal(0), Decimal(2000))
_HOT_SPOT = Analyte("%", Decimal(100), Decimal(200))  # of the prescribed dose
_BREAST = Analyte("cm3", Decimal(50), Decimal(8000))
_VOLUME_IN_WORDS = re.compile(rf"\b(?P<number>{NUMBER})\s?(?P<unit>cm3|cm\^3|cc|ml)(?![a-z])")


def _of_plan(analyte: Analyte) -> Normaliser:
    """A number of a plan, with the technique of that plan where the question, method or words name it."""

    def read(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
        refuse_absent(value)
        words = value if isinstance(value, str) else None
        found = quantity(value) if words is None else measure_in(_number_in(words, analyte))
        if found.unit is None or found.high is not None:
            raise Unreadable("no plain number with its unit")
        number = in_window(convert(found.value, found.unit, analyte.unit), analyte)
        extra = _planned_with(resource, words)
        return (Reading(number, analyte.unit, text=words, comparator=found.comparator, extra=extra),)

    return read


def _number_in(words: str, analyte: Analyte) -> str:
    """The one volume of a longer text; other numbers stand as they are."""
    found = {match.group() for match in _VOLUME_IN_WORDS.finditer(fold(words))} if analyte.unit == "cm3" else set()
    if len(found) > 1:
        raise Unreadable("the text states several volumes")
    return found.pop() if found else words


def _planned_with(resource: Mapping[str, Any], words: str | None) -> Mapping[str, Any]:
    coded = {_BY_CODE[each.key] for each in codings(resource.get("method")) if each.key in _BY_CODE}
    named = coded or techniques_in(f"{question_words(resource)} {words or ''}")
    if len(named) > 1:
        raise Unreadable("it is open which plan the number belongs to")
    return {"method": TECHNIQUES[name].code, "technique": TECHNIQUES[name]} if (name := next(iter(named), "")) else {}


RADIOTHERAPY_NORMALISERS: Mapping[str, Normaliser] = {
    "rt.technique": technique,
    "rt.dose": dose,
    "rt.fractions": fractions,
    "dvh.heart": _of_plan(_HEART),
    "dvh.hot-spot": _of_plan(_HOT_SPOT),
    "breast-volume": _of_plan(_BREAST),
}
