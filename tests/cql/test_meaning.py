"""What expressions mean: three-valued logic, dates as far as known, units, choices, queries."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from prior_auth.cql import Resources, Result
from prior_auth.cql.normal import normal

Ask = Callable[..., Result]
LOINC = "http://loinc.org"


def observation(id: str, code: str = "10230-1", **elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": id, "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]}, **elements,
    }  # fmt: skip


def percent(value: str, **more: Any) -> dict[str, Any]:
    return {"value": Decimal(value), "unit": "%", "system": "http://unitsofmeasure.org", "code": "%", **more}


def test_a_union_of_choices_that_overlap_loses_no_element(load: Any) -> None:
    library = load(
        'define "Left": [Condition] union [Observation]\n'
        'define "Right": [Procedure] union [Observation]\n'
        'define "It": "Left" union "Right"'
    )
    condition = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}}
    found = library.evaluate(Resources([condition, observation("o")]))["It"]
    assert found.references == ("Condition/c", "Observation/o")
    assert None not in found.value


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("true and null", None), ("false and null", False), ("null or true", True), ("null or false", None),
        ("not null", None), ("null implies true", True), ("(null as Boolean) is true", False),
        ("null in {1, null}", True), ("1 in {2, null}", False), ("exists {null as Integer}", False),
        ("1 = null", None), ("'a' ~ 'A'", True), ("1 = 1.0", True), ("1/0", None), ("2147483647 + 1", None),
        ("if null as Boolean then 1 else 2", 2), ("Coalesce(null, 3)", 3),
        ("case when 1 > 2 then 'a' when 2 > 1 then 'b' else 'c' end", "b"),
        ("@2026-01 < @2026-01-15", None), ("@2026-01 < @2026-02-01", True), ("@2026-01-31 + 1 month", "@2026-02-28"),
        ("@2026-01-10 5 days or less before @2026-01-15", True),
        ("@2026-01-09 5 days or less before @2026-01-15", False),
        ("@2026-01-15 5 days or less before @2026-01-15", False),
        ("@2026-01-15 5 days or less on or before @2026-01-15", True),
        ("@2026-01-20 within 5 days of @2026-01-15", True), ("@2026-01-21 within 5 days of @2026-01-15", False),
        ("days between @2026-01-01 and @2026-01-31", 30), ("(days between @2026-01 and @2026-03-15) > 60", None),
        ("ToDecimal(years between @1976 and @2026-09-21) >= 50.0", None),
        ("ToDecimal(years between @1976 and @2026-09-21) >= 49.0", True),
        ("@2026-01-15 during Interval[@2026-01-15, @2026-01-16)", True),
        ("1 'g' = 1000 'mg'", True), ("1 'g' > 1 'cm'", None), ("5 'furlongs' > 1 'cm'", None), ("50 '%' = 0.5", True),
        ("1 'g' + 500 'mg'", {"value": 1500, "unit": "mg"}), ("1 year = 1 'a'", None),
        ("Sum({1, null, 3})", 4), ("First({4, 5})", 4), ("singleton from {7}", 7), ("{1, 2} union {2, 3}", [1, 2, 3]),
        ("({3, 1, 2}) N where N > 1 return N * 10 sort desc", [30, 20]),
        ("({1, 2, 3}) N aggregate Total starting 0: Total + N", 6),
        ("from ({1, 2}) A, ({10, 20}) B return A + B", [11, 21, 12, 22]),
        ("Tuple { a: 1, b: 'x' }.b", "x"),
        ("collapse {Interval[1, 3], Interval[4, 6]}", [{"low": 1, "high": 6, "lowClosed": True, "highClosed": True}]),
    ],
)  # fmt: skip
def test_an_expression_means_what_the_specification_says(ask: Ask, expression: str, value: Any) -> None:
    result = ask(expression)
    assert result.problem is None
    assert normal(result.value) == value


def test_a_pattern_finds_its_words_in_a_long_note(ask: Ask) -> None:
    note = "seen in clinic " * 200
    assert ask(f"Matches('{note}after mastectomy', '.*(mastectomy|breast.conserving).*')").value is True
    assert ask(f"Matches('{note}', '.*(mastectomy|breast.conserving).*')").value is False
    assert ask(f"Matches('{note}after lumpectomy', 'clinic.*lumpectomy')").value is True
    assert ask(r"Matches('ends in a dot...', 'dot\\.*')").value is True
    assert ask(r"Matches('abc', '.*')").value is True


def test_a_retrieve_takes_codes_value_sets_and_other_elements(ask: Ask) -> None:
    chart = [
        observation("a"),
        observation("b", "1-1"),
        observation("c", category=[{"coding": [{"system": "s", "code": "x"}]}]),
    ]
    assert ask("[Observation]", *chart).references == ("Observation/a", "Observation/b", "Observation/c")
    assert ask('[Observation: "Tests"]', *chart).references == ("Observation/a", "Observation/c")
    assert ask('[Observation: "LVEF"]', *chart).references == ("Observation/a", "Observation/c")
    assert ask("[Observation: category in { Code { code: 'x', system: 's' } }]", *chart).references == (
        "Observation/c",
    )


def test_a_code_of_another_system_is_not_retrieved(ask: Ask) -> None:
    other = observation("a")
    other["code"]["coding"][0]["system"] = "http://example.org"
    assert ask('[Observation: "Tests"]', other).value == ()


def test_a_medication_is_found_through_its_reference(ask: Ask) -> None:
    coding = {"coding": [{"system": "rx", "code": "1"}]}
    chart = [
        {"resourceType": "MedicationRequest", "id": "own", "medicationCodeableConcept": coding},
        {"resourceType": "MedicationRequest", "id": "far", "medicationReference": {"reference": "Medication/m"}},
        {"resourceType": "MedicationRequest", "id": "within", "medicationReference": {"reference": "#m"},
         "contained": [{"resourceType": "Medication", "id": "m", "code": coding}]},
        {"resourceType": "MedicationRequest", "id": "none", "medicationReference": {"reference": "Medication/x"}},
        {"resourceType": "Medication", "id": "m", "code": coding},
    ]  # fmt: skip
    found = ask("[MedicationRequest: Code { code: '1', system: 'rx' }]", *chart).references
    assert found == ("MedicationRequest/own", "MedicationRequest/far", "MedicationRequest/within")


def test_a_choice_is_what_the_chart_says_it_is(ask: Ask) -> None:
    chart = [observation("q", valueQuantity=percent("60")), observation("s", valueString="high"), observation("n")]
    assert normal(ask("[Observation] O where O.value is FHIR.Quantity return O.id", *chart).value) == ["q"]
    assert normal(ask("[Observation] O return all (O.value as FHIR.Quantity).value", *chart).value) == [60, None, None]
    assert normal(ask("[Observation] O where (O.value as FHIR.Quantity) >= 50 '%' return O.id", *chart).value) == ["q"]
    assert normal(ask("[Observation] O where O.value >= 50 '%' return O.id", *chart).value) == ["q"]
    assert ask("[Observation] O return cast O.value as FHIR.Quantity", *chart).problem is not None


def test_a_number_without_unit_is_no_quantity(ask: Ask) -> None:
    chart = observation("whole", valueInteger=60)
    assert ask("[Observation] O where O.value >= 50 '%'", chart).value == []
    assert ask("First([Observation]).value >= 50 '%'", chart).value is None


def test_a_quantity_with_a_comparator_is_a_problem_and_no_number(ask: Ask) -> None:
    chart = observation("below", valueQuantity=percent("1", comparator="<"))
    result = ask("[Observation] O where (O.value as FHIR.Quantity) < 5 '%'", chart)
    assert result.value is None
    assert "comparator" in str(result.problem)
    assert ask("[Observation] O where (O.value as FHIR.Quantity).comparator is null", chart).value == []


def test_elements_lead_through_lists_extensions_and_absent_values(ask: Ask) -> None:
    chart = observation(
        "a",
        component=[{"code": {"coding": [{"code": "x"}, {"code": "y"}]}, "valueInteger": 1}, {"code": {"text": "none"}}],
        extension=[{"url": "u", "valueString": "seen"}],
        _status={"extension": [{"url": "v", "valueBoolean": True}]},
    )
    assert normal(ask("First([Observation]).component.code.coding.code", chart).value) == ["x", "y"]
    assert normal(
        ask("(First([Observation]).extension) E where E.url = 'u' return E.value as FHIR.string", chart).value
    ) == ["seen"]
    assert normal(ask("First(First([Observation]).status.extension).value as FHIR.boolean", chart).value) is True
    assert ask("First([Observation]).encounter.reference", chart).value is None
    assert ask("First([Condition]).code", chart).value is None


def test_rows_are_sorted_by_an_element_with_missing_ones_first(ask: Ask) -> None:
    chart = [
        observation("late", effectiveDateTime="2026-01-10"), observation("none"),
        observation("early", effectiveDateTime="2025-11-01T08:00:00+01:00"),
    ]  # fmt: skip
    sorted_ = ask("[Observation] O sort by (effective as FHIR.dateTime).value", *chart)
    assert sorted_.references == ("Observation/none", "Observation/early", "Observation/late")
    assert ask("Last([Observation] O sort by (effective as FHIR.dateTime).value)", *chart).references == (
        "Observation/late",
    )


def test_with_and_without_ask_for_a_fitting_other(ask: Ask) -> None:
    chart = [
        observation("in", effectiveDateTime="2026-01-10"), observation("out", effectiveDateTime="2026-03-01"),
        {"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "IMP"},
         "period": {"start": "2026-01-01", "end": "2026-01-31"}},
    ]  # fmt: skip
    condition = "[Encounter] E such that (O.effective as FHIR.dateTime) during day of E.period"
    assert ask(f"[Observation] O with {condition}", *chart).references == ("Observation/in",)
    assert ask(f"[Observation] O without {condition}", *chart).references == ("Observation/out",)


def test_an_unreadable_date_in_the_chart_is_a_problem_not_a_guess(ask: Ask) -> None:
    chart = observation("a", effectiveDateTime="last spring")
    result = ask("[Observation] O where (O.effective as FHIR.dateTime) before @2026-01-01", chart)
    assert result.problem is not None
    assert "last spring" not in str(result.problem)


def test_age_is_counted_to_the_day_of_judgement(ask: Ask) -> None:
    born = {"resourceType": "Patient", "id": "p", "birthDate": "1968-04-12"}
    assert ask("AgeInYearsAt(@2026-04-11)", born).value == 57
    assert ask("AgeInYearsAt(@2026-04-12)", born).value == 58
    year_only = {"resourceType": "Patient", "id": "p", "birthDate": "1990"}
    assert ask("AgeInYearsAt(@2026-01-15) >= 18", year_only).value is True
    assert ask("AgeInYearsAt(@2026-01-15) >= 36", year_only).value is None
