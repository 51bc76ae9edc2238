"""Units convert by their definition, and an unknown one never does."""

from __future__ import annotations

from decimal import Decimal

import pytest

from prior_auth.terminology import ucum


@pytest.mark.parametrize(
    ("value", "unit", "to", "result"),
    [
        ("1", "g", "mg", "1000"), ("12.8", "g/dL", "g/L", "128"), ("37", "Cel", "[degF]", "98.6"),
        ("50", "%", "1", "0.5"),
        ("1", "10*3/uL", "10*9/L", "1"), ("1", "10^3/uL", "/nL", "1"), ("120", "mm[Hg]", "kPa", "15.99864"),
        ("1", "[lb_av]", "kg", "0.45359237"), ("1", "[in_i]", "cm", "2.54"), ("2", "mg/kg/d", "ug/g/d", "2"),
        ("1", "mL/min/{1.73_m2}", "mL/min", "1"), ("1", "year", "month", "12"), ("1", "week", "day", "7"),
        ("1", "hours", "min", "60"), ("1", "U/L", "mU/mL", "1"), ("70", "kg/m2", "g/cm2", "7"),
        ("1", "mmol/L", "umol/mL", "1"), ("1", "", "1", "1"), ("5", "{cells}", "1", "5"),
        ("80", "mg/(m2.d)", "mg/m2/d", "80"),
    ],
)  # fmt: skip
def test_a_unit_converts(value: str, unit: str, to: str, result: str) -> None:
    assert ucum.convert(Decimal(value), unit, to) == Decimal(result)


@pytest.mark.parametrize(
    ("unit", "to"),
    [
        ("g", "cm"), ("bpm", "/min"), ("lbs", "kg"), ("year", "a"), ("month", "mo"), ("year", "day"), ("[iU]", "U"),
        ("mol", "g"), ("kkg", "g"), ("mg/", "mg/x"), ("(g", "g"), ("g)", "g"), ("MG", "g"), ("g//", "g"),
    ],
)  # fmt: skip
def test_what_is_unknown_or_of_another_kind_does_not_convert(unit: str, to: str) -> None:
    assert ucum.convert(Decimal(1), unit, to) is None
    assert not ucum.comparable(unit, to)


def test_an_unknown_unit_is_still_itself() -> None:
    assert ucum.convert(Decimal(3), "bpm", "bpm") == 3


def test_products_and_quotients_are_written_as_units() -> None:
    assert ucum.multiplied("cm", "cm") == "cm2"
    assert ucum.divided("g", "dL") == "g/dL"
    assert ucum.divided("mg", "mg/m2") == "m2"
    assert ucum.divided("g", "g") == "1"
    assert ucum.multiplied("mg/kg", "kg") == "mg"
