"""Values with the element they came from, three-valued logic, quantities with units."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from prior_auth.paths import PathError, compile

UCUM = "http://unitsofmeasure.org"
OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {
        "coding": [{"system": "http://loinc.org", "code": "a"}, {"system": "http://x", "code": "b"}],
        "text": "LVEF",
    },
    "subject": {"reference": "Patient/p"},
    "effectiveDateTime": "2026-03-01",
    "valueQuantity": {"value": Decimal("55.0"), "unit": "%", "system": UCUM, "code": "%"},
    "component": [
        {"code": {"text": "x"}, "valueInteger": 0},
        {"code": {"text": "y"}, "valueQuantity": {"value": Decimal(70), "system": UCUM, "code": "kg"}},
        {"code": {"text": "z"}, "valueBoolean": False},
    ],
    "extension": [{"url": "u", "valueString": "s"}],
}


def values(text: str, **context: Any) -> list[Any]:
    return [found.value for found in compile(text, "Observation")(OBSERVATION, **context)]


@pytest.mark.parametrize(
    ("text", "value", "path"),
    [
        ("Observation.status", "final", "Observation.status"),
        ("Observation.value.value", Decimal("55.0"), "Observation.value.value"),
        ("Observation.component[1].value.value", Decimal(70), "Observation.component[1].value.value"),
        ("Observation.component.where(code.text = 'x').value", 0, "Observation.component[0].value"),
        ("Observation.code.coding.where(code = 'b').system", "http://x", "Observation.code.coding[1].system"),
        ("Observation.extension('u').value", "s", "Observation.extension[0].value"),
        ("component.value.ofType(boolean)", False, "Observation.component[2].value"),
    ],
)
def test_a_value_comes_with_its_element_path(text: str, value: Any, path: str) -> None:
    (found,) = compile(text, "Observation")(OBSERVATION)

    assert (found.value, found.path) == (value, path)
    assert type(found.value) is type(value)


def test_an_element_that_is_not_there_is_empty() -> None:
    assert values("Observation.interpretation") == []


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Observation.value >= 50 '%'", [True]),
        ("Observation.value < 50 '%'", [False]),
        ("Observation.value = 0.55 '1'", [True]),
        ("Observation.component[1].value > 69999 'g'", [True]),
        ("Observation.component[1].value = 70000 'g'", [True]),
        ("Observation.component[1].value > 150 '[lb_av]'", [True]),
        ("Observation.component[1].value > 60 'cm'", []),
        ("Observation.component[1].value = 60 'cm'", []),
        ("Observation.value > 5 'furlong'", []),
    ],
)
def test_quantities_compare_with_their_units_or_not_at_all(text: str, answer: list[bool]) -> None:
    assert values(text) == answer


def test_a_quantity_with_a_comparator_is_no_number() -> None:
    less = {**OBSERVATION, "valueQuantity": {"value": Decimal(1), "comparator": "<", "code": "%", "system": UCUM}}

    assert compile("Observation.value < 5 '%'")(less) == []


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Observation.interpretation.exists()", [False]),
        ("Observation.interpretation.text = 'x'", []),
        ("Observation.interpretation.text = 'x' and true", []),
        ("Observation.interpretation.text = 'x' or true", [True]),
        ("Observation.interpretation.text = 'x' and false", [False]),
        ("(Observation.interpretation.text = 'x').not()", []),
        ("Observation.component[0].value = 0", [True]),
        ("Observation.component[0].value = false", [False]),
        ("Observation.component[2].value = false", [True]),
        ("Observation.component[2].value = 0", [False]),
    ],
)
def test_missing_stays_missing_and_zero_is_not_false(text: str, answer: list[bool]) -> None:
    assert values(text) == answer


def test_the_day_of_judgement_is_passed_in() -> None:
    assert values("Observation.effective <= %asOf", as_of=date(2026, 3, 1)) == [True]
    assert values("Observation.effective <= %asOf", as_of=date(2026, 2, 28)) == [False]


def test_without_a_day_of_judgement_an_expression_that_needs_one_fails() -> None:
    with pytest.raises(PathError):
        values("Observation.effective <= %asOf")


def test_a_reference_is_resolved_by_the_caller() -> None:
    patients = {"Patient/p": {"resourceType": "Patient", "gender": "female"}}

    assert values("Observation.subject.resolve().gender", resolve=patients.get) == ["female"]
    assert values("Observation.subject.resolve()", resolve=lambda _: None) == []


def test_membership_of_a_value_set() -> None:
    sets = {"http://v": frozenset({("http://x", "b")})}

    assert values("Observation.code.memberOf('http://v')", valuesets=sets) == [True]
    with pytest.raises(PathError):
        values("Observation.code.memberOf('http://unknown')", valuesets=sets)


def test_a_part_of_a_resource_can_be_asked_with_its_whole_at_hand() -> None:
    part = OBSERVATION["component"][1]

    ask = compile("value.value > 60 and %resource.status = 'final'", "Observation.component")

    assert ask.truth(part, root=OBSERVATION, type="Observation.component", path="Observation.component[1]") is True
    (found,) = compile("value.value", "Observation.component")(
        part, root=OBSERVATION, type="Observation.component", path="Observation.component[1]"
    )
    assert found.path == "Observation.component[1].value.value"


@pytest.mark.parametrize(
    ("text", "truth"),
    [("status = 'final'", True), ("status = 'x'", False), ("interpretation.text = 'x'", None), ("code", True)],
)
def test_a_condition_is_true_false_or_open(text: str, truth: bool | None) -> None:
    assert compile(text, "Observation").truth(OBSERVATION) is truth


def test_a_union_and_distinct_hold_each_value_once() -> None:
    assert values("Observation.code.coding.system | Observation.code.coding.system") == ["http://loinc.org", "http://x"]


def test_escapes_in_a_literal_are_what_the_specification_says() -> None:
    assert values(r"'it\'s \\d \n \u0041'") == ["it's \\d \n A"]


def test_single_of_many_is_an_error() -> None:
    with pytest.raises(PathError):
        values("Observation.component.single()")


def test_what_goes_wrong_in_an_evaluation_quotes_no_data() -> None:
    secret = {**OBSERVATION, "code": {"text": {"odd": "SECRET"}}}

    with pytest.raises(PathError) as failed:
        compile("Observation.code.text.lower()")(secret)

    assert "SECRET" not in str(failed.value)


def test_the_chart_is_not_changed_by_asking() -> None:
    before = repr(OBSERVATION)
    values("Observation.code.coding.where(system.exists()).code")
    assert repr(OBSERVATION) == before


def test_many_threads_get_their_own_answers() -> None:
    ask = compile("Observation.component.where(value = %resource.component.first().value).code.text", "Observation")

    def one(number: int) -> bool:
        chart = {"resourceType": "Observation", "component": [{"code": {"text": str(number)}, "valueInteger": number}]}
        return [found.value for found in ask(chart)] == [str(number)]

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(400)))
