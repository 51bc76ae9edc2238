"""What our engine means by an expression, beyond what the official suite asks: paths, three-valued logic, bounds."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from prior_auth.paths import PathError, Unsupported, compile

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o",
    "status": "final",
    "_status": {"extension": [{"url": "u", "valueCode": "c"}]},
    "code": {"coding": [{"system": "http://loinc.org", "code": "a"}, {"system": "http://x", "code": "b"}]},
    "subject": {"reference": "Patient/p"},
    "effectivePeriod": {"start": "2026-03", "end": "2026-03-15T23:30:00-05:00"},
    "issued": "2026-03-16T04:30:00Z",
    "valueQuantity": {"value": Decimal("55.0"), "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"},
    "component": [
        {"code": {"text": "x"}, "valueInteger": 3},
        {"code": {"text": "y"}, "valueString": "2.5"},
        {"code": {"text": "z"}, "_valueString": {"extension": [{"url": "absent", "valueCode": "masked"}]}},
    ],
    "contained": [
        {"resourceType": "Patient", "id": "c", "name": [{"given": ["A", None], "_given": [None, {"id": "g"}]}]}
    ],
}


def found(text: str, **context: Any) -> list[tuple[Any, str]]:
    return [tuple(one) for one in compile(text, "Observation", clock=True)(OBSERVATION, **context)]


def values(text: str, **context: Any) -> list[Any]:
    return [value for value, _ in found(text, **context)]


# Element paths


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("id", "Observation.id"),
        ("status.extension('u').value", "Observation.status.extension[0].value"),
        ("component.value.ofType(string)", "Observation.component[1].value"),
        ("component.where(code.text = 'x').value as integer", "Observation.component[0].value"),
        ("code.coding.where($index = 1).code", "Observation.code.coding[1].code"),
        ("component.last().code.text", "Observation.component[2].code.text"),
        ("component[2].value.extension.value", "Observation.component[2].value.extension[0].value"),
        ("contained.ofType(Patient).name.given", "Observation.contained[0].name[0].given[0]"),
        ("component.code.text.skip(1).first()", "Observation.component[1].code.text"),
        ("(effective as Period).start", "Observation.effective.start"),
        ("code.coding.system.distinct().last()", "Observation.code.coding[1].system"),
        ("iif(status = 'final', code.coding.first(), component).code", "Observation.code.coding[0].code"),
        ("children().where($this is Quantity).unit", "Observation.value.unit"),
        ("component.value | id", "Observation.component[0].value"),
    ],
)
def test_a_value_says_where_it_stands(text: str, path: str) -> None:
    assert found(text)[0][1] == path


def test_a_computed_value_stands_nowhere() -> None:
    assert found("component.value.ofType(integer) + 1") == [(4, "")]
    assert found("'x'") == [("x", "")]


def test_a_resolved_resource_has_paths_of_its_own() -> None:
    patients = {"Patient/p": {"resourceType": "Patient", "gender": "male"}}
    assert found("subject.resolve().gender", resolve=patients.get) == [("male", "Patient.gender")]


def test_a_primitive_that_is_only_an_extension_is_there_but_has_no_value() -> None:
    assert values("component[2].value.exists()") == [True]
    assert values("component[2].value.hasValue()") == [False]
    assert values("component[2].value") == []
    assert values("component[2].value.extension('absent').value") == ["masked"]


# Time


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("effective.start < @2026-04", [True]),
        ("effective.start < @2026-03-20", []),
        ("effective.end > @2026-03-14", [True]),
        ("effective.end > @2026-03-15", []),
        ("effective.end = issued", [True]),
        ("effective.end < @2026-03-18T00:00:00", [True]),
        ("effective.end < @2026-03-16T04:30:00", []),
        ("@2026-03-15T10:00:00Z < @2026-03-15T11:30:00+01:00", [True]),
        ("@2026-01-31 + 1 month", ["2026-02-28"]),
        ("@2024-02-29 - 1 year", ["2023-02-28"]),
        ("@2026-01-01T10:00:00Z + 1.9 hours", ["2026-01-01T11:00:00+00:00"]),
        ("@2026-01-01 + 1.9 weeks", ["2026-01-08"]),
        ("@2026 + 24 months", ["2028"]),
        ("@T23:30 + 45 minutes", ["00:15"]),
        ("@2026-01-31 <= @2026-01-31", [True]),
        ("@2012-04-15 ~ @2012-04", [False]),
    ],
)
def test_what_a_moment_leaves_open_leaves_the_answer_open(text: str, answer: list[Any]) -> None:
    assert values(text) == answer


@pytest.mark.parametrize("text", ["@2026-01-01 + 1 hour", "@T10:00 + 1 day", "@2026-01-01 + 1 'mo'", "@2026-01-01 + 2"])
def test_what_cannot_be_added_to_a_moment_is_an_error(text: str) -> None:
    with pytest.raises(PathError):
        values(text)


@pytest.mark.parametrize("text", ["@2026-13-01", "@2026-02-30", "@T25:00", "@2026-01-01T10:61"])
def test_a_day_that_no_calendar_has_is_refused(text: str) -> None:
    with pytest.raises(PathError):
        compile(text)


def test_the_time_is_what_the_caller_says() -> None:
    now = datetime(2026, 3, 16, 4, 30, tzinfo=UTC)
    assert values("now() = issued", now=now) == [True]
    assert values("today()", now=now) == ["2026-03-16"]
    assert values("%asOf", as_of=date(2026, 3, 16)) == ["2026-03-16"]
    with pytest.raises(PathError):
        values("today()")


# Quantities, numbers and texts


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("value * 2", [{"value": Decimal("110.0"), "code": "%", "system": "http://unitsofmeasure.org"}]),
        ("1 year = 12 months", [True]),
        ("1 year = 1 'a'", []),
        ("1 year ~ 1 'a'", [True]),
        ("4 days", [{"value": Decimal(4), "code": "d", "system": "http://unitsofmeasure.org"}]),
        ("1 'mg' < 1 'mL'", []),
        ("37 'Cel' = 310.15 'K'", [True]),
        ("value < 50", []),
        ("value = 0.55", []),
        ("5 '1' < 6", [True]),
        ("2147483647 + 1", []),
        ("7 mod -3", [1]),
        ("-7 div 2", [-3]),
        ("2.power(-1)", [Decimal("0.5")]),
        ("(0).ln()", []),
        ("1.5.round()", [Decimal(2)]),
        ("'2.5'.toDecimal() * 2", [Decimal("5.0")]),
        ("'yes'.toBoolean()", [True]),
        ("'abc'.replace('b', '')", ["ac"]),
        ("'a|b'.split('|').join('-')", ["a-b"]),
        ("'Ä'.lower()", ["ä"]),
        ("'a' & 1", ["a1"]),
    ],
)
def test_values_are_calculated_as_the_specification_says(text: str, answer: list[Any]) -> None:
    assert values(text) == answer


def test_a_unit_of_another_system_is_like_itself_only() -> None:
    other = {**OBSERVATION, "valueQuantity": {"value": 5, "code": "mg", "system": "http://other"}}
    ask = compile("Observation.value = 5 'mg'")
    assert ask(other) == []
    assert compile("Observation.value = Observation.value").truth(other) is True


@pytest.mark.parametrize(
    "text",
    [
        "value < 'x'",
        "status + 1",
        "-status",
        "code.coding.code + 'x'",
        "code.coding.lower()",
        "component.single()",
        "component.where(code.coding | code.text | 'x')",
        "value.length()",
        "(1 | 2) and true",
        "status.substring('a')",
        "code.coding[1.5]",
        "subject.memberOf('http://nowhere')",
        "conformsTo('http://nowhere')",
        "'x'.unescape('json').decode('hex')",
    ],
)
def test_what_does_not_fit_is_an_error_never_a_value(text: str) -> None:
    with pytest.raises(PathError):
        values(text)


# What is refused when it is compiled


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("valueQuantity.unit", "write value"),
        ("component.cod", "did you mean code"),
        ("status.trimm()", "did you mean trim"),
        ("(value as Period).unit", "no element unit"),
        ("Patient.name", "what is Observation"),
        ("children().first()", "no order"),
        ("descendants()[0]", "no order"),
        ("value.ofType(Quantiti)", "no type Quantiti"),
        ("%unknown", "%unknown"),
        ("status.first(1)", "does not take 1"),
        ("issued = '2026-03-16'", "write a date as @"),
        ("5 < status", "number is compared with text"),
        ("component.code.where(text = true)", "text is compared with boolean"),
        ("code = 'a'", "CodeableConcept is compared with text"),
        ("status = issued", "text is compared with date or time"),
        ("where(and)", "column 7"),
        ("'a' 'b'", "column 5"),
        ("value.$total", "column"),
    ],
)
def test_a_refusal_names_the_place_or_the_mending(text: str, says: str) -> None:
    with pytest.raises(PathError) as refused:
        compile(text, "Observation")
    assert says in str(refused.value)


@pytest.mark.parametrize(
    "text",
    ["component.where(value = code).exists()", "effective <= issued", "value = 5", "value.value = 0.5 'g'", "id = id"],
)
def test_a_comparison_that_some_type_of_each_side_allows_is_not_refused(text: str) -> None:
    compile(text, "Observation")


def test_a_type_name_begins_a_path_wherever_what_is_in_focus_may_be_one() -> None:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": OBSERVATION}, {"resource": {"resourceType": "Patient"}}]}
    ask = compile("Bundle.entry.resource.where(Observation.status = 'final').id", "Bundle")
    assert [tuple(one) for one in ask(bundle)] == [("o", "Bundle.entry[0].resource.id")]


def test_an_unknown_function_is_told_from_a_wrong_expression() -> None:
    with pytest.raises(Unsupported):
        compile("status.frobnicate()", "Observation")


# Bounds


@pytest.mark.parametrize(
    "text",
    [
        "(1).repeat($this + 1)",
        "%resource.descendants()" + ".select(%resource.descendants())" * 4,
        "%resource.descendants().where(%resource.descendants().where(%resource.descendants() contains $this).exists())",
        "('a'.replace('', 'xxxxxxxxxxxxxxxxxxxx')" + ".replace('x', 'xxxxxxxxxxxxxxxxxxxx')" * 8 + ")",
        "(" + " | ".join(str(n) for n in range(60)) + ").aggregate($total & $total & 'x', 'x')",
        "(" + " | ".join(str(n) for n in range(60)) + ").aggregate($total.combine($total), 1)",
    ],
)
def test_a_runaway_ends_in_an_error_soon(text: str) -> None:
    start = time.thread_time()
    with pytest.raises(PathError):
        values(text)
    assert time.thread_time() - start < 5  # a fraction of a second; unbounded, they would not end


@pytest.mark.parametrize(
    "text",
    ["-" * 500 + "1", "status" + ".trim()" * 500, "1" + "[0]" * 500, "iif(" * 300 + "true" + ",1)" * 300, "a.b" * 900],
)
def test_depth_is_bounded_where_the_text_is_read(text: str) -> None:
    with pytest.raises(PathError):
        compile(text)


def test_a_resource_nested_beyond_measure_is_an_error_not_a_crash() -> None:
    item: dict[str, Any] = {"linkId": "x"}
    for number in range(5_000):
        if number == 50:
            shallow = {"resourceType": "Questionnaire", "item": [item]}
            assert compile("Questionnaire.repeat(item).count()")(shallow)[0].value == 51
        item = {"linkId": "x", "item": [item]}
    deep = {"resourceType": "Questionnaire", "item": [item]}
    assert compile("Questionnaire.descendants().linkId.count()")(deep)[0].value == 5_001
    with pytest.raises(PathError):
        compile("Questionnaire.item ~ Questionnaire.item.item")(deep)


@pytest.mark.parametrize(
    "resource",
    [
        {},
        {"resourceType": 5},
        {"resourceType": "Observation", "component": {"code": 1}},
        {"resourceType": "Observation", "component": [[{"code": {}}], None, 3, "x"]},
        {"resourceType": "Observation", "code": [{"coding": "x"}], "_status": [1, None], "status": {"a": [1]}},
        {"resourceType": "Observation", "valueQuantity": {"value": "much"}, "valueString": ["a", 1.5]},
        {"resourceType": "Observation", "effectiveDateTime": "yesterday", "contained": [{"resourceType": None}]},
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        "component.code.text.lower()",
        "value > 5 'mg'",
        "effective < @2026",
        "status = 'final' and code.coding.exists(code = 'a')",
        "descendants().count()",
        "value.toString().length() > 0",
        "contained.descendants().where($this is string)",
    ],
)
def test_a_malformed_resource_ends_in_values_or_in_a_path_error(resource: dict[str, Any], text: str) -> None:
    try:
        answers = compile(text)(resource)
    except PathError:
        return
    assert all(isinstance(one.path, str) for one in answers)


def test_what_is_no_resource_is_refused() -> None:
    for nothing in (None, "x", [OBSERVATION]):
        with pytest.raises(PathError):
            compile("status")(nothing)


def test_many_large_parts_are_told_apart_by_their_content_in_one_pass() -> None:
    part = {"coding": [{"system": "http://x", "code": str(number)} for number in range(60)], "text": "same"}
    parts = [{"code": {**part, "id": str(number % 500)}} for number in range(1_000)]
    start = time.thread_time()
    (count,) = compile("Observation.component.code.distinct().count()")(
        {"resourceType": "Observation", "component": parts[:600]}
    )
    assert count.value == 500
    with pytest.raises(PathError):
        compile("Observation.component.all(%resource.component contains $this)")(
            {"resourceType": "Observation", "component": parts}
        )
    assert time.thread_time() - start < 10  # each pair compared by itself would take minutes


def test_an_integer_a_boolean_and_a_decimal_are_told_apart_as_equality_does() -> None:
    assert values("(1 | true | 1.0 | '1' | @2026 | @2026-01).count()") == [5]
    assert values("(1 'g' | 1000 'mg' | 1 'mg').count()") == [2]
    assert values("(@2026-01-01T10:00:00+01:00 | @2026-01-01T09:00:00.000Z | @2026-01-01T09:00:00).count()") == [2]
    assert values("(effective.end | issued | @2026-03-16 | @2026-03-16T | @T10 | @T10:00).count()") == [4]
    assert values("component.code.combine(component.code).distinct().count()") == [3]
