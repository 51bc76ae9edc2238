"""Comparison of quantities whose units are of one kind. What cannot be compared is None: empty in FHIRPath."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

# UCUM code (case sensitive) -> (dimension, how many of the dimension's base unit)
_UNITS: Mapping[str, tuple[str, Decimal]] = {
    code: (dimension, Decimal(factor))
    for dimension, units in {
        "mass": {
            "kg": "1000", "g": "1", "mg": "0.001", "ug": "0.000001", "[lb_av]": "453.59237", "[oz_av]": "28.349523125",
        },
        "length": {"m": "1", "cm": "0.01", "mm": "0.001", "um": "0.000001", "[in_i]": "0.0254", "[ft_i]": "0.3048"},
        "volume": {"L": "1", "l": "1", "dL": "0.1", "dl": "0.1", "mL": "0.001", "ml": "0.001", "uL": "0.000001"},
        "time": {"wk": "604800", "d": "86400", "h": "3600", "min": "60", "s": "1", "ms": "0.001"},
        "calendar": {"a": "12", "mo": "1"},
        "one": {"1": "1", "%": "0.01"},
    }.items()
    for code, factor in units.items()
}  # fmt: skip
_CALENDAR_WORDS = {
    "year": "a", "month": "mo", "week": "wk", "day": "d", "hour": "h", "minute": "min", "second": "s",
    "millisecond": "ms",
}  # fmt: skip


def code_of(unit: str | None) -> str:
    """A UCUM code, from what a literal (`'mg'`, `days`) or a Quantity states; no unit is the unit 1."""
    if not unit:
        return "1"
    bare = unit.strip("'")
    return _CALENDAR_WORDS.get(bare.removesuffix("s"), bare) if not unit.startswith("'") else bare


def quantity_of(value: Any) -> tuple[Decimal, str] | None:
    """(number, UCUM code) of a FHIR Quantity; a Quantity with a comparator is a range, not a number: None."""
    if not isinstance(value, Mapping) or "value" not in value or value.get("comparator"):
        return None
    number = value["value"]
    if isinstance(number, bool) or not isinstance(number, int | float | Decimal):
        return None
    return Decimal(str(number)), str(value.get("code") or value.get("unit") or "1")


def difference(a: tuple[Decimal, str], b: tuple[Decimal, str]) -> int | None:
    """-1, 0 or 1 as a is less than, equal to or more than b; None where the units do not compare."""
    first, second = a[0], b[0]
    if a[1] != b[1]:
        of_a, of_b = _UNITS.get(a[1]), _UNITS.get(b[1])
        if of_a is None or of_b is None or of_a[0] != of_b[0]:
            return None
        first, second = first * of_a[1], second * of_b[1]
    return (first > second) - (first < second)
