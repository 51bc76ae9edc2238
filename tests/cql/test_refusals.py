"""A library that is wrong does not load, and the error says where and how to mend it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from prior_auth.cql import CqlError, Library, compile_library
from prior_auth.errors import RuleError
from prior_auth.terminology.valuesets import ValueSet

Load = Callable[..., Library]


def refusal(load: Load, text: str) -> CqlError:
    with pytest.raises(CqlError) as refused:
        load(text)
    return refused.value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('define "A": [Observation] O where O.valu is not null', "no element `valu`"),
        ('define "A": [Observation] O where O.valueQuantity is not null', "no element `valueQuantity`"),
        ('define "A": [Observatoin]', "no type `Observatoin`"),
        ('define "A": [Condition: "LVEFF"]', "no `LVEFF`"),
        ('define "A": Frist([Condition])', "no function `Frist`"),
        ('define "A": [Condition].code', "expected an operator"),
        ('define "A": if 1 then 2 else 3', "expected a condition"),
        ('define "A": not 5', "`not` does not go with (Integer)"),
        ('define "A": true and 1', "an operand of `and`"),
        ('define "A": "A"', "refers to itself"),
        ("define function F(x Integer): F(x - 1)", "refers to itself"),
        ("define \"A\": [Observation] O where O.value > 5 '%' and O.stats = 'x'", "no element `stats`"),
        ('define "A": [Observation] O return O.effective during Interval[@2026-01-01, @2026-02-01]', ""),
        ('define "A": AsOf > 5', "`>` does not go with (Date, Integer)"),
        ('define "A": [Observation -> Patient]', "in the context of another resource"),
        ('define "A": [Resource]', "every Resource"),
        ('define "A": [Observation: status in "Tests"]', "no codes with a system"),
        ('define "A": %constant', "external constant"),
        ("context Unfiltered", "`context Unfiltered` is not supported"),
        ('define "A": FHIR.Quantity { value: 1 }', "making a FHIR.Quantity is not supported"),
        ('define "A": (AsOf as String)', "can never be"),
        ('define "A": @2026-02-30', "no date or time that exists"),
        ('define "A": [Condition] C sort by code', "no order"),
        ('define "A": 1 + ', "expected an expression"),
        ('define "A": FHIRHelpers.ToQuantty(5)', "no function `ToQuantty`"),
        ("valueset \"B\": 'http://example.org/none'", "is not loaded"),
        ("include Missing version '1'", "is not here"),
    ],
)
def test_a_wrong_library_is_refused(load: Load, text: str, words: str) -> None:
    error = refusal(load, text)
    assert words in error.message
    assert isinstance(error, RuleError)
    assert error.where is not None
    assert error.where.startswith("Test.cql:9:") or "include" in text


def test_an_error_names_line_and_column_and_suggests(load: Load) -> None:
    error = refusal(load, 'define "A":\n  [Condition] C\n    where C.clinicalStats is not null')
    assert error.where == "Test.cql:11:12"
    assert error.fix == "did you mean `clinicalStatus`?"


def test_fhir_values_need_the_helpers_to_compare() -> None:
    with pytest.raises(CqlError) as refused:
        compile_library("using FHIR version '4.0.1' define \"A\": [Observation] O where O.status = 'final'", name="x")
    assert "include FHIRHelpers" in str(refused.value.fix)


def test_an_empty_value_set_is_refused() -> None:
    empty = {"u": ValueSet("u", None, frozenset())}
    with pytest.raises(CqlError, match="empty"):
        compile_library("valueset \"V\": 'u'", valuesets=empty)


def test_a_library_nested_without_end_is_refused(load: Load) -> None:
    assert "nested" in refusal(load, 'define "A": ' + "(" * 5000 + "1" + ")" * 5000).message
    assert "nested" in refusal(load, 'define "A": ' + "not " * 5000 + "true").message


def test_libraries_that_include_each_other_are_refused() -> None:
    texts = {"A": "library A include B define X: 1", "B": "library B include A define X: 1"}
    with pytest.raises(CqlError, match="includes itself"):
        compile_library(texts["A"], include=texts, name="A")
