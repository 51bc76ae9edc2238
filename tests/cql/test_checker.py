"""The checker: each kind of fault is found where it stands, with what would be right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from prior_auth.cql import CqlError, Library, compile_library

Load = Callable[..., Library]

# What is written after `define "It": ` in line 9: the column, what is said, what is suggested.
WRONG: dict[str, tuple[int, str, str | None]] = {
    "Patient.birthdate": (21, "FHIR.Patient has no element `birthdate`", "did you mean `birthDate`?"),
    "Patient.name.familly": (26, "has no element `familly`", "did you mean `family`?"),
    "[Observation] O sort by effectve": (38, "there is no `effectve`", "did you mean `effective`?"),
    "AsOff": (14, "there is no `AsOff` in this library", "did you mean `AsOf`?"),
    '[Observation: "LVEV"]': (28, "there is no `LVEV`", "did you mean `LVEF`?"),
    "[Observations]": (15, "there is no type `Observations`", "did you mean `Observation`?"),
    "Frist({ 1 })": (14, "there is no function `Frist`", "did you mean `First`?"),
    "First(5)": (14, "`First` does not go with (Integer)", "it takes (List<T>)"),
    "[Observation] O where O.code": (37, "of type Boolean, found FHIR.CodeableConcept", None),
    "if 5 then 1 else 2": (17, "expected a condition of type Boolean, found Integer", None),
    "Patient.active = 'yes'": (29, "`=` does not go with (FHIR.boolean, String)", "both must be of one type"),
    "@2026 < 5": (20, "`<` does not go with (Date, Integer)", "it takes (Integer, Integer) or (Date, Date)"),
    "Patient.name.family = 'x'": (34, "(List<FHIR.string>, String)", "this is a list; use First, exists or a query"),
    "AsOf as FHIR.Patient": (19, "a Date can never be a FHIR.Patient", "use convert, or another type"),
    "[Observation] O where O.status = 'finall'": (47, "Observation.status is never `finall`", "did you mean `final`?"),
    "[Observation] O where O.status.value in { 'final', 'amendd' }": (65, "never `amendd`", "did you mean `amended`?"),
    "case Patient.gender when 'M' then 1 else 2 end": (39, "Patient.gender is never `M`", "female, male, other"),
    "FHIRHelpers.ToString(Patient.gender) = 'm'": (53, "Patient.gender is never `m`", "female, male, other"),
    '[Condition] C where C.clinicalStatus ~ "LVEF"': (53, "is never `10230-1` of http://loinc.org", "active, inactive"),
    '[Condition] C where C.clinicalStatus in "Tests"': (54, "is never in this value set", "active, inactive"),
    '[Condition: clinicalStatus ~ "LVEF"]': (14, "this is always empty: Condition.clinicalStatus", "active, inactive"),
    '[Condition: clinicalStatus in "Tests"]': (14, "this is always empty", "active, inactive"),
}

# The same for what is CQL and without use.
DOUBTED: dict[str, tuple[int, str, str]] = {
    "if true then 1 else 2 + 3": (34, "never reached: the condition in line 9 is always true", "correct the condition"),
    "if 1 > 2 then 1 + 1 else 2": (28, "never reached: the condition in line 9 is never true", "correct the condition"),
    "if null then 1 else 2": (27, "the condition in line 9 is never true", "correct the condition"),
    "case when 1 = 1 then 1 when Patient.active then 2 end": (42, "line 9 is always true", "correct the condition"),
    "case when 1 = 1 then 1 else 2 end": (42, "line 9 is always true", "correct the condition"),
    "case when 1 = 2 then 1 else 2 end": (35, "line 9 is never true", "correct the condition"),
    "case when Patient.active then 1 when Patient.active then 2 else 3 end": (
        51,
        "an earlier `when`",
        "something else",
    ),
    "exists [Observation] and false": (39, "`and` with what is always false", "delete the rest"),
    "exists [Observation] and (1 = 2) and Patient.active": (39, "`and` with what is always false", "delete the rest"),
    "true or exists [Observation]": (14, "`or` with what is always true", "delete the rest"),
    "Patient.active is FHIR.string": (14, "this is never a FHIR.string", "it is always FHIR.boolean"),
    "[Observation] O where O.value is FHIR.Patient": (36, "this is never a FHIR.Patient", "one of FHIR.Quantity, "),
    "[Observation] O where O.value != null": (36, "a comparison with null is always null", "`is not null`"),
}


@pytest.mark.parametrize("expression", WRONG)
def test_what_is_wrong_is_refused_at_its_place_with_a_suggestion(expression: str, load: Load) -> None:
    column, said, fix = WRONG[expression]
    with pytest.raises(CqlError) as refused:
        load(f'define "It": {expression}')
    assert (refused.value.at.line, refused.value.at.column) == (9, column)
    assert said in refused.value.message
    assert (fix is None and refused.value.fix is None) or str(fix) in str(refused.value.fix)


@pytest.mark.parametrize("expression", DOUBTED)
def test_what_is_without_use_is_doubted_at_its_place(expression: str, load: Load) -> None:
    column, said, fix = DOUBTED[expression]
    doubts = load(f'define "It": {expression}').doubts
    assert [(one.at.line, one.at.column) for one in doubts] == [(9, column)]
    assert said in doubts[0].message
    assert fix in str(doubts[0].fix)


@pytest.mark.parametrize("expression", DOUBTED)
def test_a_strict_library_has_no_doubts(expression: str, load: Load) -> None:
    with pytest.raises(CqlError):
        load(f'define "It": {expression}', strict=True)


@pytest.mark.parametrize(
    "expression",
    [
        "if Patient.active then 1 else 2",
        "case when Patient.active then 1 when Patient.deceased is FHIR.boolean then 2 else 3 end",
        "case Patient.gender when 'male' then 1 when 'female' then 2 end",
        "[Observation] O where false",
        "[Observation] O where O.status = 'final' or O.status.value in { 'amended', 'corrected' }",
        "[Observation] O where O.value is FHIR.Quantity",
        "[Observation] O where O.value is not null",
        '[Observation: "Tests"] O where O.code ~ "LVEF"',
        '[Encounter: class ~ "LVEF"]',
        "exists [Observation] and Patient.active",
    ],
)
def test_what_may_hold_is_not_doubted(expression: str, load: Load) -> None:
    assert load(f'define "It": {expression}', strict=True).doubts == ()


def test_the_branches_of_several_lines_are_told_apart(load: Load) -> None:
    doubts = load('define "It":\n  if Patient.active\n  then 1\n  else if true\n  then 2\n  else\n    3 * 4').doubts
    assert [str(one.at) for one in doubts] == ["Test.cql:15:5"]
    assert "line 12" in doubts[0].message


def test_doubts_of_an_included_library_are_the_librarys_too() -> None:
    common = "library Common\ndefine X: if true then 1 else 2"
    library = compile_library("library A\ninclude Common\ndefine Y: Common.X", include={"Common": common})
    assert [str(one.at) for one in library.doubts] == ["Common:2:31"]


def test_a_unit_a_date_or_a_code_that_is_worked_out_once_is_no_condition(load: Load, ask: Any) -> None:
    assert load('define "It": Interval[@2026-01-01, @2026-12-31] contains AsOf', strict=True).doubts == ()
    assert ask("1 'g' = 1000 'mg'").value is True
