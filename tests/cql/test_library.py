"""Libraries: parameters, includes, functions, provenance, budgets, isolation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from prior_auth.cql import (
    Budget,
    BudgetExceeded,
    CqlError,
    EvaluationError,
    Library,
    MissingParameter,
    Resources,
    Result,
    compile_library,
)
from prior_auth.errors import BadInput

Load = Callable[..., Library]
Ask = Callable[..., Result]


def observation(id: str, status: str = "final") -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": "10230-1"}]}
    return {"resourceType": "Observation", "id": id, "status": status, "code": code}


def test_a_parameter_is_supplied_or_has_a_default_or_is_a_problem(load: Load) -> None:
    library = load(
        "parameter Limit Integer default 50\n"
        'define "Window": Interval[AsOf - 90 days, AsOf]\n'
        'define "Limit Plus": Limit + 1'
    )
    with_day = library.evaluate(Resources([]), {"AsOf": dt.date(2026, 1, 15)})
    assert str(with_day["Window"].value.low) == "2025-10-17"
    assert with_day["Limit Plus"].value == 51
    without = library.evaluate(Resources([]), {"Limit": 7})
    assert isinstance(without["Window"].problem, MissingParameter)
    assert without["Limit Plus"].value == 8


def test_a_parameter_of_the_wrong_type_or_name_is_refused(load: Load) -> None:
    library = load('define "A": AsOf')
    with pytest.raises(EvaluationError, match="must be a Date"):
        library.evaluate(Resources([]), {"AsOf": 5})
    with pytest.raises(EvaluationError, match="has no parameter `AsOff`"):
        library.evaluate(Resources([]), {"AsOff": dt.date(2026, 1, 15)})


def test_one_define_that_breaks_leaves_the_others_alone(load: Load) -> None:
    library = load(
        'define "Breaks": singleton from ([Observation])\n'
        'define "Uses It": "Breaks" is null\n'
        'define "Stands": Count([Observation])'
    )
    results = library.evaluate(Resources([observation("a"), observation("b")]))
    assert results["Breaks"].problem is not None
    assert results["Breaks"].problem.where == "Test.cql:9:18"
    assert results["Uses It"].problem is results["Breaks"].problem
    assert results["Stands"].value == 2


def test_a_define_knows_its_retrieves_and_its_resources(load: Load) -> None:
    library = load(
        'define "All": [Observation: "Tests"]\n'
        'define "Final": "All" O where O.status = \'final\'\n'
        'define "Any": exists "Final"'
    )
    results = library.evaluate(Resources([observation("a"), observation("b", "cancelled")]))
    assert results["Final"].references == ("Observation/a",)
    assert results["Any"].references == ()
    (retrieve,) = results["Any"].retrieves
    assert (retrieve.type, retrieve.path, retrieve.value_set) == ("Observation", "code", "http://example.org/tests")
    assert retrieve.references == ("Observation/a", "Observation/b")
    assert results["Final"].text == "\"All\" O where O.status = 'final'"


COMMON = """library Common version '2'
using FHIR version '4.0.1'
include FHIRHelpers version '4.0.1'
valueset "Tests Set": 'http://example.org/tests'
parameter AsOf Date
context Patient
define "Tests": [Observation: "Tests Set"]
define fluent function isFinal(o FHIR.Observation): o.status = 'final'
define function Later(d Date, n Integer): d + System.Quantity { value: n, unit: 'day' }
"""


def test_a_library_uses_defines_functions_and_sets_of_another(load: Load) -> None:
    library = load(
        "include Common version '2' called C\n"
        'define "A": C."Tests" O where O.isFinal()\n'
        'define "B": C.Later(AsOf, 3)',
        include={"Common": COMMON},
    )
    chart = Resources([observation("a"), observation("b", "cancelled")])
    results = library.evaluate(chart, {"AsOf": dt.date(2026, 1, 1)})
    assert results["A"].references == ("Observation/a",)
    assert str(results["B"].value) == "2026-01-04"
    assert set(library.value_sets) == {"http://example.org/tests"}


def test_what_is_private_stays_in_its_library(load: Load) -> None:
    common = "library Common define private A: 1 define B: A + 1"
    assert load("include Common define X: Common.B", include={"Common": common}).evaluate(Resources([]))["X"].value == 2
    with pytest.raises(CqlError, match="private"):
        load("include Common define X: Common.A", include={"Common": common})


def test_another_version_than_the_one_here_is_refused(load: Load) -> None:
    with pytest.raises(CqlError, match="in version 1, not 2"):
        load("include Common version '2'", include={"Common": "library Common version '1'"})


def test_functions_are_chosen_by_the_types_of_their_operands(ask: Ask) -> None:
    library = compile_library(
        "define function F(x Integer): 'whole' define function F(x String): 'text' define A: { F(1), F('a') }"
    )
    assert library.evaluate(Resources([]))["A"].value == ["whole", "text"]


@pytest.mark.parametrize(
    "expression",
    [
        "Count(from {L} A, {L} B, {L} C, {L} D where A + B + C + D > 0 return all 1)",
        "Count(expand {{ Interval[1, 2147483646] }} per 1)",
        "Count(expand Interval[@0001-01-01T00:00:00.0, @9999-01-01T00:00:00.0] per day)",
        "Matches(Combine(({L} A return all 'aaaaaaaaaa'), ''), '(a+)+b')",
        "Matches(Combine(({L} A return all 'aaaaaaaaaa'), ''), 'a*a*a*a*b')",
        "({L} A aggregate S starting 'abcdefgh': S + S)",
        "Count(distinct (from {L} A, {L} B, {L} C return all 1 'mg' * (A + B * 100 + C * 10000)))",
    ],
)
def test_what_runs_away_ends_in_a_named_problem(ask: Ask, expression: str) -> None:
    numbers = "(expand Interval[1, 100] per 1)"
    text = expression.replace("{L}", numbers).replace("{{", "{").replace("}}", "}")
    started = dt.datetime.now(dt.UTC)
    result = ask(text)
    assert isinstance(result.problem, BudgetExceeded), result
    assert (dt.datetime.now(dt.UTC) - started).total_seconds() < 30


def test_a_budget_counts_the_same_every_time(load: Load) -> None:
    library = load(
        'define "A": Count([Observation] O, [Observation] P)'.replace("[Observation] O, ", "from [Observation] O, ")
    )
    chart = Resources([observation(str(n)) for n in range(30)])
    assert library.evaluate(chart, budget=Budget(steps=2000))["A"].value == 900
    assert isinstance(library.evaluate(chart, budget=Budget(steps=900))["A"].problem, BudgetExceeded)


def test_the_clock_is_only_what_is_given(load: Load) -> None:
    library = load('define "Day": Today()\ndefine "Plain": 1')
    assert library.evaluate(Resources([]))["Day"].problem is not None
    moment = dt.datetime(2026, 1, 15, 12, tzinfo=dt.UTC)
    assert str(library.evaluate(Resources([]), now=moment)["Day"].value) == "2026-01-15"
    assert [str(at) for at in library.clock] == ["Test.cql:9:15"]


def test_patients_and_threads_do_not_touch_each_other(load: Load) -> None:
    library = load('define "Mine": [Observation] O return O.id.value\ndefine "Count": Count("Mine")')

    def count(size: int) -> tuple[int, int]:
        results = library.evaluate(Resources([observation(f"{size}-{n}") for n in range(size)]))
        return size, results["Count"].value

    with ThreadPoolExecutor(4) as pool:
        assert all(size == found for size, found in pool.map(count, [n % 17 for n in range(300)]))


def test_two_patients_in_one_chart_are_a_problem(ask: Ask) -> None:
    patients = [{"resourceType": "Patient", "id": one} for one in "ab"]
    assert "more than one Patient" in str(ask("Patient.gender", *patients).problem)
    assert ask("Patient.gender").value is None


def test_what_is_no_resource_is_bad_input() -> None:
    with pytest.raises(BadInput, match="no FHIR resource"):
        Resources([{"id": "x"}])


def test_a_chart_that_is_malformed_is_a_problem_of_the_define(ask: Ask) -> None:
    broken = {"resourceType": "Observation", "id": "a", "status": 5, "component": {"code": "x"}, "code": ["y"]}
    assert ask("[Observation] O where O.status = 'final'", broken).problem is not None
    assert ask("[Observation] O return O.component.code.text", broken).problem is not None
    assert ask('[Observation: "Tests"]', broken).references == ()


def test_a_long_row_of_conditions_is_no_depth(ask: Ask) -> None:
    assert ask(" and ".join(["true"] * 1000)).value is True
    assert ask(" or ".join(["false"] * 999 + ["true"])).value is True


def test_a_function_that_looks_at_the_chart_is_noted_for_each_define(load: Load) -> None:
    library = load(
        'define function Others(o FHIR.Observation): Count([Observation: "Tests"] X where X.id != o.id)\n'
        "define function Named(o FHIR.Observation): o.id.value\n"
        'define "A": [Observation] O return Others(O)\n'
        'define "B": [Observation] O where Others(O) > 0 return Named(O) + Named(O)'
    )
    results = library.evaluate(Resources([observation("a"), observation("b")]))
    assert results["A"].value == [1]
    assert results["B"].value == ["aa", "bb"]
    assert [one.value_set for one in results["A"].retrieves] == [None, "http://example.org/tests"]
    assert [one.value_set for one in results["B"].retrieves] == [None, "http://example.org/tests"]


def test_a_function_of_one_resource_is_worked_out_once_for_each(load: Load) -> None:
    """Comparing each with every other costs a look, not the function's work, and nothing of it outlives a chart."""
    library = load(
        "define function Digits(o FHIR.Observation): Length(ReplaceMatches(o.id.value + o.status.value, '[a-z]', ''))\n"
        'define "Highest": [Observation] O where not exists ([Observation] P where Digits(P) > Digits(O))'
    )
    for size in (3, 60):
        chart = Resources([observation("x" * n + "1" * (n % 7)) for n in range(1, size)])
        results = library.evaluate(chart)
        highest = max(n % 7 for n in range(1, size))
        assert results["Highest"].references == tuple(
            f"Observation/{'x' * n}{'1' * (n % 7)}" for n in range(1, size) if n % 7 == highest
        )
        assert results.steps < 100 + 9 * size * size
