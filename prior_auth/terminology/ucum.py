"""Units of the Unified Code for Units of Measure as clinical data use them: conversion, products and quotients.

An unknown unit is never guessed at: it compares only with itself. Calendar years and months are no UCUM units; they
convert between each other only (`year` is 12 `month`), while calendar weeks and shorter equal their UCUM unit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache

_CONTEXT = Context(prec=40)
_PREFIXES = {
    "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1,
    "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18,
}  # fmt: skip
# Base dimensions stand for themselves; arbitrary and procedure-defined units convert to nothing else.
_METRIC_BASE = ("m", "s", "g", "K", "C", "cd", "rad", "mol", "eq", "osm", "[iU]", "U", "bit")
_ARBITRARY = (
    "[arb'U]", "[USP'U]", "[GPL'U]", "[MPL'U]", "[APL'U]", "[beth'U]", "[CFU]", "[PFU]", "[FFU]", "[TCID_50]",
    "[EID_50]", "[CCID_50]", "[ELU]", "[Lf]", "[knk'U]", "[mclg'U]", "[tb'U]", "[todd'U]", "[dye'U]", "[smgy'U]",
    "[bdsk'U]", "[ka'U]", "[AU]", "[BAU]", "[Amb'a'1'U]", "[D'ag'U]", "[hnsf'U]", "[p'diop]", "[pH]", "[drp]", "[S]",
    "[CCID]", "[hp_X]", "[hp_C]", "[hp_M]", "[Q]", "bit_s", "month",
)  # fmt: skip
# Derived units: factor, what of, and whether it takes prefixes.
_DERIVED: dict[str, tuple[str, str, bool]] = {
    "%": ("0.01", "1", False),
    "[ppth]": ("0.001", "1", False),
    "[ppm]": ("0.000001", "1", False),
    "[ppb]": ("0.000000001", "1", False),
    "[pi]": ("3.1415926535897932384626433832795", "1", False),
    "10*": ("10", "1", False),
    "10^": ("10", "1", False),
    "min": ("60", "s", False),
    "h": ("3600", "s", False),
    "d": ("86400", "s", False),
    "wk": ("604800", "s", False),
    "a": ("31557600", "s", False),
    "a_j": ("31557600", "s", False),
    "a_g": ("31556952", "s", False),
    "a_t": ("31556925.216", "s", False),
    "mo": ("2629800", "s", False),
    "mo_j": ("2629800", "s", False),
    "mo_g": ("2629746", "s", False),
    "Hz": ("1", "s-1", True),
    "Bq": ("1", "s-1", True),
    "[Ci]": ("37000000000", "s-1", False),
    "Ci": ("37000000000", "s-1", True),
    "L": ("0.001", "m3", True),
    "l": ("0.001", "m3", True),
    "ar": ("100", "m2", True),
    "N": ("1000", "g.m.s-2", True),
    "Pa": ("1000", "g.m-1.s-2", True),
    "J": ("1000", "g.m2.s-2", True),
    "W": ("1000", "g.m2.s-3", True),
    "A": ("1", "C.s-1", True),
    "V": ("1000", "g.m2.s-2.C-1", True),
    "Ohm": ("1000", "g.m2.s-1.C-2", True),
    "F": ("0.001", "g-1.m-2.s2.C2", True),
    "S": ("0.001", "g-1.m-2.s.C2", True),
    "T": ("1000", "g.s-1.C-1", True),
    "Wb": ("1000", "g.m2.s-1.C-1", True),
    "H": ("1000", "g.m2.C-2", True),
    "lm": ("1", "cd", True),
    "lx": ("1", "cd.m-2", True),
    "bar": ("100000000", "g.m-1.s-2", True),
    "atm": ("101325000", "g.m-1.s-2", False),
    "mm[Hg]": ("133322", "g.m-1.s-2", False),
    "m[Hg]": ("133322000", "g.m-1.s-2", True),
    "m[H2O]": ("9806650", "g.m-1.s-2", True),
    "cm[H2O]": ("98066.5", "g.m-1.s-2", False),
    "[psi]": ("6894757.293168", "g.m-1.s-2", False),
    "dyn": ("1", "g.cm.s-2", True),
    "erg": ("1", "g.cm2.s-2", True),
    "P": ("1", "g.cm-1.s-1", True),
    "cal": ("4184", "g.m2.s-2", True),
    "[Cal]": ("4184000", "g.m2.s-2", False),
    "eV": ("1.602176634e-16", "g.m2.s-2", True),
    "t": ("1000000", "g", True),
    "u": ("1.66053906660e-24", "g", True),
    "Gy": ("1", "m2.s-2", True),
    "Sv": ("1", "m2.s-2", True),
    "RAD": ("0.01", "m2.s-2", True),
    "REM": ("0.01", "m2.s-2", True),
    "R": ("0.000000258", "C.g-1", True),
    "kat": ("1", "mol.s-1", True),
    "deg": ("0.01745329251994329576923690768489", "rad", False),
    "sr": ("1", "rad2", True),
    "[in_i]": ("0.0254", "m", False),
    "[ft_i]": ("0.3048", "m", False),
    "[yd_i]": ("0.9144", "m", False),
    "[mi_i]": ("1609.344", "m", False),
    "[in_us]": ("0.025400050800101600203", "m", False),
    "[sin_i]": ("0.00064516", "m2", False),
    "[sft_i]": ("0.09290304", "m2", False),
    "[cin_i]": ("0.000016387064", "m3", False),
    "[lb_av]": ("453.59237", "g", False),
    "[oz_av]": ("28.349523125", "g", False),
    "[gr]": ("0.06479891", "g", False),
    "[stone_av]": ("6350.29318", "g", False),
    "[ston_av]": ("907184.74", "g", False),
    "[oz_tr]": ("31.1034768", "g", False),
    "[gal_us]": ("0.003785411784", "m3", False),
    "[qt_us]": ("0.000946352946", "m3", False),
    "[pt_us]": ("0.000473176473", "m3", False),
    "[foz_us]": ("0.0000295735295625", "m3", False),
    "[cup_us]": ("0.0002365882365", "m3", False),
    "[tbs_us]": ("0.00001478676478125", "m3", False),
    "[tsp_us]": ("0.00000492892159375", "m3", False),
    "[tsp_m]": ("0.000005", "m3", False),
    "[tbs_m]": ("0.000015", "m3", False),
    "[cup_m]": ("0.00024", "m3", False),
    "[foz_m]": ("0.00003", "m3", False),
    "[IU]": ("1", "[iU]", True),
    "[degRe]": ("1.25", "K", False),
    "Ao": ("0.0000000001", "m", False),
    "[Ch]": ("0.000333333333333333333", "m", False),
    "[diop]": ("1", "m-1", False),
    "[mesh_i]": ("39.3700787401574803149", "m-1", False),
    "[car_m]": ("0.2", "g", False),
    "[den]": ("0.000111111111111111111", "g.m-1", False),
    "B": ("8", "bit", True),
    "year": ("12", "month", False),
    "week": ("604800", "s", False),
    "day": ("86400", "s", False),
    "hour": ("3600", "s", False),
    "minute": ("60", "s", False),
    "second": ("1", "s", False),
    "millisecond": ("0.001", "s", False),
    "[MET]": ("0.0035", "l.min-1.kg-1", False),
    "st": ("1", "m3", True),
}
_OFFSETS = {"Cel": (Fraction(1), Fraction(27315, 100)), "[degF]": (Fraction(5, 9), Fraction(45967, 100))}
CALENDAR = frozenset(["year", "month", "week", "day", "hour", "minute", "second", "millisecond"])
_PLURALS = {f"{unit}s": unit for unit in CALENDAR}
# Equivalence (`~`), unlike equality, takes a calendar year for the UCUM year.
_EQUIVALENT = {"year": "a", "month": "mo"}
_DAYS = {"year": 365, "month": 30}

_FACTOR = re.compile(
    r"(?P<atom>(?:10\*|10\^|(?:[A-Za-z%'_]|\[[^\]]*\])+[0-9]?(?<![0-9])|[0-9]+))(?P<power>[+-]?[0-9]+)?"
)
_NOTE = re.compile(r"\{[^{}]*\}")
_LONE_NOTE = re.compile(r"(^|[./(])\{[^{}]*\}(?![A-Za-z\[])")


@dataclass(frozen=True, slots=True)
class Unit:
    """A factor on base dimensions; `offset` for temperatures, which convert but do not multiply."""

    factor: Fraction
    dimensions: tuple[tuple[str, int], ...]
    offset: Fraction = Fraction(0)


def convert(value: Decimal, unit: str, to: str) -> Decimal | None:
    """`value` in `to`; None where the units are unknown or of different dimensions."""
    if unit == to:
        return value
    source, target = parse(unit), parse(to)
    if source is None or target is None or source.dimensions != target.dimensions:
        return None
    base = (Fraction(value) + source.offset) * source.factor
    return _decimal(base / target.factor - target.offset)


def comparable(unit: str, other: str) -> bool:
    return unit == other or convert(Decimal(1), unit, other) is not None


def equivalent(value: Decimal, unit: str, to: str) -> Decimal | None:
    """`value` in `to` where only one is a calendar year or month: a year is 365 days, or one UCUM `a`; or None."""
    unit, to = normal(unit), normal(to)
    if unit in CALENDAR and to in CALENDAR:
        days, other_days = _DAYS.get(unit), _DAYS.get(to)
        if days is not None:
            return convert(value * days, "day", to)
        found = convert(value, unit, "day")
        return None if found is None or other_days is None else _CONTEXT.divide(found, Decimal(other_days))
    return convert(value, _EQUIVALENT.get(unit, unit), _EQUIVALENT.get(to, to))


def normal(unit: str) -> str:
    """`years` to `year`, nothing to `1`."""
    return _PLURALS.get(unit, unit) or "1"


def is_finer(unit: str, than: str) -> bool:
    """Whether one `unit` is less than one `than`; both must be comparable."""
    left, right = parse(unit), parse(than)
    return left is not None and right is not None and left.factor < right.factor


def parse(text: str) -> Unit | None:
    """The unit `text` means, None if it is no unit of this table. UCUM is case-sensitive."""
    text = normal(text)
    if text in _OFFSETS:
        factor, offset = _OFFSETS[text]
        return Unit(factor, (("K", 1),), offset)
    # An annotation says nothing; where it stands alone, as in `/min/{1.73_m2}`, it is the number one.
    plain = _NOTE.sub("", _LONE_NOTE.sub(r"\g<1>1", text)) if "{" in text else text
    try:
        return _unit(plain)
    except _NoUnit:
        return None


class _NoUnit(Exception):
    """Kept by nobody: a chart may have anything where a unit should stand, and what it has is its own."""


@lru_cache(maxsize=1024)
def _unit(text: str) -> Unit:
    """A unit of this table's symbols and numbers: nothing else is remembered. _NoUnit for anything else."""
    found = _Terms(text).unit()
    if found is None:
        raise _NoUnit
    factor, powers = found
    return Unit(factor, tuple(sorted((name, power) for name, power in powers.items() if power)))


class _Terms:
    """Reads `term ('.' | '/' term)*` from left to right, with brackets."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def unit(self) -> tuple[Fraction, dict[str, int]] | None:
        if not self.text:
            return Fraction(1), {}
        found = self._term()
        return found if found is not None and self.position == len(self.text) else None

    def _term(self) -> tuple[Fraction, dict[str, int]] | None:
        factor, powers = Fraction(1), dict[str, int]()
        sign = 1
        if self._take("/"):
            sign = -1
        while True:
            part = self._component()
            if part is None:
                return None
            factor *= part[0] ** sign
            for name, power in part[1].items():
                powers[name] = powers.get(name, 0) + sign * power
            if self._take("."):
                sign = 1
            elif self._take("/"):
                sign = -1
            else:
                return factor, powers

    def _component(self) -> tuple[Fraction, dict[str, int]] | None:
        if self._take("("):
            inner = self._term()
            return inner if inner is not None and self._take(")") else None
        match = _FACTOR.match(self.text, self.position)
        if match is None:
            return None
        self.position = match.end()
        atom, power = match["atom"], int(match["power"] or 1)
        found = _atom(atom)
        if found is None:
            return None
        return found[0] ** power, {name: times * power for name, times in found[1].items()}

    def _take(self, symbol: str) -> bool:
        if self.text.startswith(symbol, self.position):
            self.position += 1
            return True
        return False


def _atom(name: str) -> tuple[Fraction, dict[str, int]] | None:
    if name.isdigit():
        return Fraction(int(name)), {}
    whole = _known(name)
    if whole is not None:
        return whole
    for length in (1, 2):
        exponent, rest = _PREFIXES.get(name[:length]), name[length:]
        if exponent is not None and _takes_prefix(rest):
            inner = _known(rest)
            if inner is not None:
                return Fraction(10) ** exponent * inner[0], inner[1]
    return None


def _known(name: str) -> tuple[Fraction, dict[str, int]] | None:
    if name in _METRIC_BASE or name in _ARBITRARY:
        return Fraction(1), {name: 1}
    derived = _DERIVED.get(name)
    if derived is None:
        return None
    inner = _Terms(derived[1]).unit()
    return None if inner is None else (Fraction(derived[0]) * inner[0], inner[1])


def _takes_prefix(name: str) -> bool:
    return name in _METRIC_BASE or (name in _DERIVED and _DERIVED[name][2])


def multiplied(unit: str, other: str) -> str:
    """The written product of two units: `cm` and `cm` is `cm2`."""
    return _written(unit, other, 1)


def divided(unit: str, other: str) -> str:
    """The written quotient of two units: `g` and `dL` is `g/dL`, `g` and `g` is `1`."""
    return _written(unit, other, -1)


def _written(unit: str, other: str, sign: int) -> str:
    powers: dict[str, int] = {}
    for text, times in ((unit, 1), (other, sign)):
        for name, power in _factors(normal(text)).items():
            powers[name] = powers.get(name, 0) + times * power
    return _text(powers)


def _factors(text: str) -> dict[str, int]:
    """Atoms as written with their powers; what is too intricate stays one factor in brackets."""
    if text == "1":
        return {}
    if not re.fullmatch(r"[^()]*", text):
        return {f"({text})": 1}
    found: dict[str, int] = {}
    for sign, factor in re.findall(r"([./]?)([^./]+)", text):
        match = _FACTOR.fullmatch(factor)
        name, power = (match["atom"], int(match["power"] or 1)) if match else (factor, 1)
        found[name] = found.get(name, 0) + (-power if sign == "/" else power)
    return found


def _text(powers: Mapping[str, int]) -> str:
    def shown(name: str, power: int) -> str:
        return name if power == 1 else f"{name}{power}"

    above = ".".join(shown(name, power) for name, power in powers.items() if power > 0)
    below = "".join("/" + shown(name, -power) for name, power in powers.items() if power < 0)
    return (above + below) if above else ("1" + below if below else "1")


def _decimal(value: Fraction) -> Decimal:
    found = _CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator)).normalize(_CONTEXT)
    exponent = found.as_tuple().exponent
    return found.quantize(Decimal(1), context=_CONTEXT) if isinstance(exponent, int) and 0 < exponent < 30 else found
