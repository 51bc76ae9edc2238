"""An expression is whole and known, or it is refused before anything is evaluated."""

from __future__ import annotations

import pytest

from prior_auth.paths import PathError, compile


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Observation.status adn true",
        "Observation..value",
        "Observation.status == 'final'",
        "Observation.status Observation.code",
        "Observation.status)",
        "(((1)",
        "Observation.code.coding.where(",
        "'open",
        "Observation.status = 'a' = ",
        "Observation.value # x",
    ],
)
def test_what_is_not_one_expression_is_refused(text: str) -> None:
    with pytest.raises(PathError) as refused:
        compile(text)
    assert refused.value.column is not None


@pytest.mark.parametrize(
    "text",
    [
        "Observation.valu",
        "Observation.code.codng",
        "Observation.component.vale",
        "Observation.value.ofType(Quantity).valeu",
        "Observation.code.coding.where(sytem = 'x')",
        "Observation.subject.select(referenc)",
        "Obs.value",
        "Observation.value.ofType(Quantty)",
        "Observation.value is Quantty",
        "Observation.extension('u').valu",
    ],
)
def test_a_misspelt_element_or_type_is_refused(text: str) -> None:
    with pytest.raises(PathError):
        compile(text)


def test_names_are_checked_from_the_type_that_will_be_asked() -> None:
    compile("code.coding.exists()", "Observation")
    with pytest.raises(PathError):
        compile("code.codng.exists()", "Observation")


@pytest.mark.parametrize(
    "text", ["foo()", "Observation.where()", "Observation.status.matches()", "Observation.value.ofType()"]
)
def test_an_unknown_function_or_a_wrong_number_of_arguments_is_refused(text: str) -> None:
    with pytest.raises(PathError):
        compile(text)


@pytest.mark.parametrize("text", ["now()", "today()", "timeOfDay()", "Observation.where(effective < now())"])
def test_what_reads_the_clock_is_refused(text: str) -> None:
    with pytest.raises(PathError):
        compile(text, "Observation")


@pytest.mark.parametrize(
    "text",
    [
        "1" + " + 1" * 2_000,
        "(" * 200 + "1" + ")" * 200,
        "'" + "x" * 5_000 + "'",
        " and ".join(["true"] * 1_000),
    ],
)
def test_too_much_of_an_expression_is_refused(text: str) -> None:
    with pytest.raises(PathError):
        compile(text)


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a*)*", "x" * 600, "[a", "(a{2,})+"])
def test_a_pattern_that_could_run_on_is_refused(pattern: str) -> None:
    with pytest.raises(PathError):
        compile(f"Observation.code.text.matches('{pattern}')")


def test_equal_texts_share_one_evaluator() -> None:
    assert compile("Observation.status") is compile("Observation.status")
