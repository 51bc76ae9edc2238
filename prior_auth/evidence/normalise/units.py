"""Quantities in UCUM as charts write them, made comparable: aliases, conversions, plausible values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from prior_auth.evidence.normalise.reading import Normaliser, Reading, Unreadable
from prior_auth.evidence.normalise.text import COMPARATOR, NUMBER, comparator, fold

# Canonical UCUM code -> how charts write it, compared without case and blanks (UCUM itself is case-sensitive).
_SPELLINGS: Mapping[str, str] = {
    "%": "% percent pct {percent}",
    "1": "1 {ratio} ratio {fraction} {score} {#} {count} {cps} score",
    "kg": "kg kgs kilogram kilograms kilo",
    "g": "g gm gms gram grams",
    "mg": "mg mgs milligram milligrams",
    "ug": "ug mcg microgram micrograms",
    "[lb_av]": "[lb_av] lb lbs pound pounds lb_av [lb_us] #",
    "[oz_av]": "[oz_av] oz ounce ounces",
    "m": "m meter meters metre metres",
    "cm": "cm cms centimeter centimeters centimetre centimetres",
    "mm": "mm millimeter millimeters millimetre millimetres",
    "[in_i]": "[in_i] in inch inches [in_us] in_i",
    "[ft_i]": "[ft_i] ft foot feet [ft_us] ft_i",
    "m2": "m2 m^2 squaremeter squaremeters",
    "g/dL": "g/dl gm/dl g/100ml g%",
    "g/L": "g/l",
    "mg/dL": "mg/dl mg/100ml",
    "mmol/L": "mmol/l",
    "umol/L": "umol/l",
    "nmol/L": "nmol/l",
    "ng/mL": "ng/ml ug/l",
    "ng/dL": "ng/dl",
    "U/L": "u/l iu/l [iu]/l units/l",
    "10*3/uL": "10*3/ul 10^3/ul x10*3/ul x10^3/ul 10e3/ul x10e3/ul k/ul thou/ul k/mm3 thousand/ul 10*9/l 10^9/l "
    "x10*9/l x10^9/l x10e9/l 10e9/l 10*3/mm3 10^3/mm3",
    "/uL": "/ul cells/ul {cells}/ul cell/ul /mm3 cells/mm3 /cmm cells/mcl /mcl",
    "mL/min": "ml/min",
    "mL/min/{1.73_m2}": "ml/min/1.73m2 ml/min/1.73m^2 ml/min/1.73m*2 ml/min/1.73sqm ml/min/{1.73m2} ml/min/{1.73_m2} "
    "ml/min/1.73_m2 ml/min/[1.73m2] ml/min/1.73",
    "mL/s": "ml/s",
    "pg/mL": "pg/ml ng/l",
    "pmol/L": "pmol/l",
    "ug/dL": "ug/dl mcg/dl",
    "meq/L": "meq/l",
    "1/1000000{Base}": "1/1000000{base} /1000000{base} {mutations}/1000000{base} mut/mb muts/mb mutations/mb "
    "{mutations}/mb {muts}/mb mutations/megabase mut/megabase muts/megabase variants/mb",
    "cm3": "cm3 cm^3 cc ml",
    "Gy": "gy gray grays",
    "cGy": "cgy centigray",
    "{PackYears}": "{packyears} {pack-years} {packyears} packyears pack-years packyear pack-year {packyear} py pkyr "
    "{pkyr} pkyrs {pack}.a",
    "mg/kg": "mg/kg milligram/kilogram",
    "mg/m2": "mg/m2 mg/m^2 mg/sqm",
    "ug/kg": "ug/kg mcg/kg",
    "ms": "ms msec msecs millisecond milliseconds",
    "g/m2": "g/m2",
    "{tablet}": "{tablet} {tbl} tablet tablets tab tabs tbl {tab} {tablets} {tabs}",
    "{capsule}": "{capsule} {cap} capsule capsules cap caps {capsules}",
}
_ALIASES = {spelling: code for code, spellings in _SPELLINGS.items() for spelling in spellings.split()}

# (from, to) -> factor; exact by definition but for the lab values, whose molar masses are noted.
_FACTORS: Mapping[tuple[str, str], Decimal] = {
    ("g", "kg"): Decimal("0.001"),
    ("[lb_av]", "kg"): Decimal("0.45359237"),
    ("[oz_av]", "kg"): Decimal("0.028349523125"),
    ("m", "cm"): Decimal(100),
    ("mm", "cm"): Decimal("0.1"),
    ("[in_i]", "cm"): Decimal("2.54"),
    ("[ft_i]", "cm"): Decimal("30.48"),
    ("cm", "mm"): Decimal(10),
    ("g/L", "g/dL"): Decimal("0.1"),
    ("mg/dL", "g/dL"): Decimal("0.001"),
    ("/uL", "10*3/uL"): Decimal("0.001"),
    ("g", "mg"): Decimal(1000),
    ("ug", "mg"): Decimal("0.001"),
    ("ug/kg", "mg/kg"): Decimal("0.001"),
    ("g/m2", "mg/m2"): Decimal(1000),
    ("umol/L", "mg/dL{creatinine}"): Decimal("0.0113122"),  # creatinine 113.12 g/mol
    ("mmol/L", "mg/dL{calcium}"): Decimal("4.0078"),  # calcium 40.078 g/mol
    ("nmol/L", "ng/dL{testosterone}"): Decimal("28.842"),  # testosterone 288.42 g/mol
    ("ng/mL", "ng/dL"): Decimal(100),
    ("mL/s", "mL/min"): Decimal(60),
    ("meq/L", "mmol/L{potassium}"): Decimal(1),  # one charge
    ("meq/L", "mg/dL{calcium}"): Decimal("2.0039"),  # calcium 40.078 g/mol, two charges
    ("umol/L", "mg/dL{bilirubin}"): Decimal("0.0584662"),  # bilirubin 584.66 g/mol
    ("pmol/L", "pg/mL{b12}"): Decimal("1.35537"),  # cobalamin 1355.37 g/mol
    ("ug/dL", "ng/mL"): Decimal(10),
    ("Gy", "cGy"): Decimal(100),
}


@dataclass(frozen=True, slots=True)
class Measure:
    """A number as stated: `unit` is canonical UCUM, None where none was stated."""

    value: Decimal
    unit: str | None
    comparator: str | None = None
    high: Decimal | None = None  # of a range; `value` is its low end


@dataclass(frozen=True, slots=True)
class Analyte:
    """What is measured: canonical unit and the values a living patient can have."""

    unit: str
    low: Decimal
    high: Decimal
    substance: str | None = None  # names the molar conversion


@lru_cache(maxsize=1024)  # charts write few units many times
def canonical_unit(unit: str | None) -> str | None:
    """The canonical UCUM code of a unit as written, annotations aside; None where nobody knows it."""
    if unit is None:
        return None
    plain = re.sub(r"\s+", "", fold(unit.replace("µ", "u").replace("μ", "u")))
    if plain.startswith("%"):  # "%{TPS}", "% of cells": what it is a percent of is the question's matter
        return "%"
    return _ALIASES.get(plain) or _ALIASES.get(re.sub(r"(?<=.)\{[^{}]*\}$", "", plain))


def decimal_of(raw: Any) -> Decimal:
    """A JSON number as Decimal. Raises Unreadable on anything else, booleans among it."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        raise Unreadable("not a number")
    try:
        value = Decimal(str(raw))
    except InvalidOperation as wrong:
        raise Unreadable("not a number") from wrong
    if not value.is_finite():
        raise Unreadable("not a number")
    return value


def quantity(value: Any) -> Measure:
    """A FHIR Quantity, Range (its low end) or plain number. Raises Unreadable where units contradict or are unknown."""
    if isinstance(value, Mapping):
        if "low" in value or "high" in value:
            return _range(value)
        if "value" not in value:
            raise Unreadable("a quantity without a number")
        stated = value.get("comparator")
        if stated not in (None, "<", "<=", ">=", ">"):
            raise Unreadable("a comparator that is none of <, <=, >=, >")
        return Measure(decimal_of(value["value"]), _unit_of(value), stated)
    return Measure(decimal_of(value), None)


def _range(value: Mapping[str, Any]) -> Measure:
    if not isinstance(value.get("low"), Mapping) or not isinstance(value.get("high"), Mapping):
        raise Unreadable("a range open at one end")
    low, high = quantity(value["low"]), quantity(value["high"])
    if (low.unit or high.unit) != (high.unit or low.unit) or low.value > high.value:
        raise Unreadable("a range whose ends do not fit")
    return Measure(low.value, low.unit or high.unit, None, high.value)


def _unit_of(value: Mapping[str, Any]) -> str | None:
    stated = [each for each in (value.get("code"), value.get("unit")) if isinstance(each, str) and each.strip()]
    known = {unit for unit in map(canonical_unit, stated) if unit is not None}
    if len(known) > 1:
        raise Unreadable("unit and unit code contradict each other")
    if stated and not known:
        raise Unreadable("a unit that the alias table does not know")
    return next(iter(known), None)


_MEASURE = re.compile(
    rf"(?P<comparator>{COMPARATOR})?\s*(?P<low>{NUMBER})(?:\s*(?:-|to)\s*(?P<high>{NUMBER}))?\s*(?P<unit>[a-z%\[\]#{{/][^\s]*)?"
)


def measure_in(text: str) -> Measure:
    """A string that is nothing but a number or range with its unit: `72 kg`, `55-60%`, `<1 %`."""
    match = _MEASURE.fullmatch(fold(text))
    if match is None:
        raise Unreadable("the text is no number with a unit")
    unit = canonical_unit(match["unit"])
    if match["unit"] and unit is None:
        raise Unreadable("a unit that the alias table does not know")
    high = Decimal(match["high"]) if match["high"] else None
    if high is not None and (high < Decimal(match["low"]) or match["comparator"]):
        raise Unreadable("a range whose ends do not fit")
    return Measure(Decimal(match["low"]), unit, comparator(match["comparator"]), high)


def convert(value: Decimal, unit: str, to: str, substance: str | None = None) -> Decimal:
    """Raises Unreadable where there is no conversion."""
    if unit == to:
        return value
    factor = _FACTORS.get((unit, to))
    if factor is None and substance:
        factor = _FACTORS.get((unit, f"{to}{{{substance}}}"))
    if factor is None:
        raise Unreadable(f"no conversion to {to}")
    return value * factor


def in_window(value: Decimal, analyte: Analyte) -> Decimal:
    """The value, if a patient can have it. Raises Unreadable where not: then the unit or the number is wrong."""
    if not analyte.low <= value <= analyte.high:
        raise Unreadable(f"outside the plausible {analyte.low} to {analyte.high} {analyte.unit}")
    return value


def measured(analyte: Analyte) -> Normaliser:
    """The normaliser of a quantity whose unit must be stated."""

    def read(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
        words = _words_of(value)
        found = measure_in(words) if words is not None else quantity(value)
        if found.unit is None:
            raise Unreadable("a quantity without a unit")
        if found.high is not None:
            raise Unreadable("a range where one value is needed")
        converted = in_window(convert(found.value, found.unit, analyte.unit, analyte.substance), analyte)
        extra = _reference_range(resource, analyte)
        return (Reading(converted, analyte.unit, text=words, comparator=found.comparator, extra=extra),)

    return read


def _words_of(value: Any) -> str | None:
    """What a value says in words: a string, or the text of a concept."""
    if isinstance(value, Mapping) and "value" not in value and isinstance(value.get("text"), str):
        return str(value["text"])
    return value if isinstance(value, str) else None


def _reference_range(resource: Mapping[str, Any], analyte: Analyte) -> Mapping[str, Any]:
    """`range_low` and `range_high` of the laboratory, in the analyte's unit; only a range that is the normal one."""
    ranges = [each for each in _list(resource.get("referenceRange")) if isinstance(each, Mapping)]
    normal = [each for each in ranges if _is_normal(each)]
    found: dict[str, Any] = {}
    for end in ("low", "high"):
        stated = [each[end] for each in normal if isinstance(each.get(end), Mapping)]
        if len(stated) == 1:
            try:
                measure = quantity(stated[0])
                unit = measure.unit or _unit_of(resource.get("valueQuantity") or {})
                if unit is not None:
                    found[f"range_{end}"] = convert(measure.value, unit, analyte.unit, analyte.substance)
            except Unreadable:
                continue
    return found


def _is_normal(one: Mapping[str, Any]) -> bool:
    codes = {each.get("code") for each in _list((one.get("type") or {}).get("coding")) if isinstance(each, Mapping)}
    return not codes or "normal" in codes


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def exact(reader: Normaliser) -> Normaliser:
    """The same, without comparators: a weight of "> 100 kg" doses nobody."""

    def read(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
        readings = reader(resource, value)
        if any(reading.comparator for reading in readings):
            raise Unreadable("a bound where one value is needed")
        return readings

    return read


def _analyte(unit: str, low: str, high: str, substance: str | None = None) -> Analyte:
    return Analyte(unit, Decimal(low), Decimal(high), substance)


ANALYTES: Mapping[str, Analyte] = {
    "hemoglobin": _analyte("g/dL", "2", "25"),
    "anc": _analyte("10*3/uL", "0", "100"),
    "platelets": _analyte("10*3/uL", "0", "3000"),
    "creatinine": _analyte("mg/dL", "0.1", "25", "creatinine"),
    "calcium": _analyte("mg/dL", "3", "20", "calcium"),
    "alt": _analyte("U/L", "0", "10000"),
    "ast": _analyte("U/L", "0", "10000"),
    "psa": _analyte("ng/mL", "0", "20000"),
    "testosterone": _analyte("ng/dL", "0", "3000", "testosterone"),
    "creatinine-clearance": _analyte("mL/min", "0", "300"),
    "egfr": _analyte("mL/min/{1.73_m2}", "0", "250"),
    "bilirubin": _analyte("mg/dL", "0", "80", "bilirubin"),
    "albumin": _analyte("g/dL", "0.5", "8"),
    "potassium": _analyte("mmol/L", "1", "12", "potassium"),
    "ferritin": _analyte("ng/mL", "0", "200000"),
    "tsat": _analyte("%", "0", "100"),
    "b12": _analyte("pg/mL", "0", "100000", "b12"),
    "qtc": _analyte("ms", "250", "800"),
}
WEIGHT = _analyte("kg", "0.4", "500")
HEIGHT = _analyte("cm", "20", "260")
LVEF = _analyte("%", "5", "90")
BSA = _analyte("m2", "0.1", "4")
TMB = _analyte("1/1000000{Base}", "0", "5000")
PACK_YEARS = _analyte("{PackYears}", "0", "400")
TUMOR_SIZE = _analyte("mm", "0.1", "500")

_BY = re.compile(rf"(?P<sizes>{NUMBER}(?:\s?(?:cm|mm)?\s?x\s?{NUMBER}){{1,2}})\s?(?P<unit>cm|mm)")


def tumor_size(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """The largest dimension in mm: of `2.1 x 1.5 x 1.0 cm` the largest of the three."""
    words = _words_of(value)
    several = _BY.fullmatch(fold(words)) if words is not None else None
    if several is not None:
        largest = max(Decimal(each) for each in re.findall(NUMBER, several["sizes"]))
        value = f"{largest} {several['unit']}"
    return measured(TUMOR_SIZE)(resource, value)


UNIT_NORMALISERS: Mapping[str, Normaliser] = {
    "weight": exact(measured(WEIGHT)),
    "height": exact(measured(HEIGHT)),
    "bsa": exact(measured(BSA)),
    "tumor-size": tumor_size,
    **{f"lab.{name}": measured(analyte) for name, analyte in ANALYTES.items()},
}
