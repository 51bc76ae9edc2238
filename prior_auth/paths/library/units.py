"""Comparison of quantities whose units are of one kind. What cannot be compared is None: empty in FHIRPath."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from prior_auth.paths.door import CALENDAR_CODES
from prior_auth.terminology import ucum


def code_of(unit: str | None) -> str:
    """A UCUM code, from what a literal (`'mg'`, `days`) or a Quantity states; no unit is the unit 1."""
    if not unit:
        return "1"
    bare = unit.strip("'")
    return CALENDAR_CODES.get(ucum.normal(bare), bare) if not unit.startswith("'") else bare


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
    second = ucum.convert(b[0], b[1], a[1])
    return None if second is None else (a[0] > second) - (a[0] < second)
