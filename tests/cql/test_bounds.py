"""A rule that runs away ends in a named problem, in time; a library that would is refused where it loads."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from prior_auth.cql import Budget, BudgetExceeded, CqlError, Library, Resources, Result, compile_library

Load = Callable[..., Library]
Ask = Callable[..., Result]

# The thread's own time: a test machine that is busy with other things does not make a rule slower.
ENDLESS = 10**12
IN_TIME = Budget(steps=ENDLESS, seconds=0.05, clock=time.thread_time)
NUMBERS = "(expand Interval[1, {0}] per 1)"
MANY = NUMBERS.format(90_000)
HUNDRED = NUMBERS.format(100)
WORD = f"Combine(({HUNDRED} W return all 'aaaaaaaaaa'), '')"


@pytest.mark.parametrize(
    "expression",
    [
        f"Count(from {MANY} A, {MANY} B, {MANY} C where A + B = C return all 1)",
        f"Count({MANY} A where exists ({MANY} B where B > A and exists ({MANY} C where C > B + 100000)))",
        f"({MANY} A with {MANY} B such that B > A + 100000)",
        f"({MANY} A aggregate S starting 0: S + Sum({MANY}))",
        f"({MANY} A return all {MANY} = {MANY})",
        f"({MANY} A return all {{0.5}} includes (A * 1.0))",
        f"({MANY} A return all Count(({HUNDRED} B return all ToString(A) + ToString(B))))",
        f"({MANY} A return all First(({MANY} B sort desc)))",
        f"({MANY} A return all Matches({WORD}, 'a*b'))",
        f"({MANY} A return all Length(ReplaceMatches({WORD}, 'a', 'bbbbbbbbbbbbbbbbbbbb')))",
        f"Count(distinct ({MANY} A return all {{ A, null }}))",
        f"Count(collapse ({MANY} A return all Interval[A * 2, A * 2]))",
        f"Count({MANY} A return all ({MANY} intersect {{1, 2, 3}}))",
        f"Mode({MANY})",
    ],
)
def test_an_endless_rule_ends_by_the_clock(ask: Ask, expression: str) -> None:
    started = time.thread_time()
    result = ask(expression, budget=IN_TIME)
    took = time.thread_time() - started
    assert isinstance(result.problem, BudgetExceeded), (result, took)
    assert took < 5, expression


@pytest.mark.parametrize(
    "expression",
    [
        f"({HUNDRED} A aggregate S starting 'abcdefgh': S + S)",
        f"({HUNDRED} A aggregate S starting 'ab': ReplaceMatches(S, 'a|b', '$0$0'))",
        f"({HUNDRED} A aggregate S starting 'ab': Combine({{ S, S, S }}, S))",
        "ReplaceMatches(ReplaceMatches(Combine({W}, ''), 'a', 'aaaaaaaaaaaaaaaaaaaa'), 'a', '{L}')".replace(
            "{W}", f"({HUNDRED} A return all '{'a' * 400}')"
        ).replace("{L}", "x" * 1000),
    ],
)
def test_a_text_that_grows_without_end_is_stopped(ask: Ask, expression: str) -> None:
    assert isinstance(ask(expression, budget=Budget(text_size=100_000)).problem, BudgetExceeded)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+b", "(a|a)*b", "(a|ab)*c", "(a*)*", "((a{1,5}){1,5}){1,5}b", "a?" * 25 + "a" * 25, "a*a*a*a*b",
        "(?i)(foo|FAR)*", "(?=a)a", r"(a)\1", "(x" * 200 + ")" * 200, "a" * 501, "(.|a)*b",
    ],
)  # fmt: skip
def test_a_pattern_that_could_run_away_is_refused_at_once(ask: Ask, pattern: str) -> None:
    started = time.thread_time()
    escaped = pattern.replace("\\", "\\\\")
    assert isinstance(ask(f"Matches({WORD}, '{escaped}')").problem, BudgetExceeded)
    assert time.thread_time() - started < 0.5


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("(aa|b)*c", False), ("(breast|lung|colon) cancer", False), ("^[a-z]{2,5}", True), (r"\\d+[.,]?\\d*", False),
        ("(?:a|b|[cd])+$", True), ("b?a", True),
    ],
)  # fmt: skip
def test_a_pattern_that_cannot_is_used(ask: Ask, pattern: str, found: bool) -> None:
    assert ask(f"Matches({WORD}, '{pattern}')").value is found


def test_a_repeat_goes_no_further_than_what_it_repeats(ask: Ask) -> None:
    """So a long note of many lines and short numbers may be searched, and one endless line may not."""
    note = r"seen in clinic today, weight 70.5 kg\n" * 3000
    assert ask(f"Matches('{note}', 'clinic.*lumpectomy')").value is False
    assert ask(rf"Matches('{note}', '\\d+[.,]?\\d* kg')").value is True
    assert isinstance(ask(f"Matches('{'seen in clinic ' * 3000}', 'clinic.*lumpectomy')").problem, BudgetExceeded)


def test_lists_of_lists_count_with_all_that_is_in_them(load: Load) -> None:
    """Thirty lines make a list of a thousand million numbers that takes no memory, and for ever to look at."""
    lines = ['define "L0": { 1, 2 }', *(f'define "L{n}": {{ "L{n - 1}", "L{n - 1}" }}' for n in range(1, 31))]
    library = load("\n".join([*lines, 'define "Same": "L15" = "L15"', 'define "Small": "L3" = "L3"']))
    results = library.evaluate(Resources([]))
    assert results["Small"].value is True
    assert isinstance(results["Same"].problem, BudgetExceeded)
    assert isinstance(results["L30"].problem, BudgetExceeded)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('define "A": ' + "(" * 400 + "1" + ")" * 400, "nested"),
        ('define "A": ' + "{" * 400 + "1" + "}" * 400, "nested"),
        ('define "A": ' + "if true then " * 400 + "1" + " else 2" * 400, "nested"),
        ('define "A": ' + "-" * 5000 + "1", "nested"),
        ('define "A": 1' + " + 1" * 5_000, "nested"),
        ('define "A": null as ' + "List<" * 400 + "Integer" + ">" * 400, "nested"),
        ('define "A": "' + "x" * 200_000, "not closed"),
        ("define " + "x" * 100_000 + ": yy define B: " + "x" * 99_999, "there is no `yy`"),
        ('define "A": { ' + "1, " * 50_000 + "1 }", "more than 50000 expressions"),
        ("// " + "x" * 1_000_000, "longer than"),
        (
            'define "T0": Tuple { a: 1 }\n'
            + "\n".join(f'define "T{n}": Tuple {{ a: "T{n - 1}", b: "T{n - 1}" }}' for n in range(1, 60)),
            "more than 1000 parts",
        ),
        (
            'define "A": ' + "(if " * 15 + "1" + " between 0 and 5 then 1 else 2)" * 15 + " between 0 and 5",
            "more than 50000 expressions",
        ),
    ],
)
def test_a_library_without_measure_is_refused_in_time(load: Load, text: str, words: str) -> None:
    started = time.thread_time()
    with pytest.raises(CqlError) as refused:
        load(text)
    assert words in refused.value.message
    assert time.thread_time() - started < 5


def test_a_case_within_a_case_counts_each_time(ask: Ask) -> None:
    expression = "1"
    for _ in range(30):
        expression = f"(case {expression} when 9 then 9 when 8 then 8 when 7 then 7 else 1 end)"
    assert isinstance(ask(expression).problem, BudgetExceeded)


def test_time_is_counted_only_while_a_rule_is_at_work() -> None:
    library = compile_library('define "A": ({1, 2, 3}) X return X + 1\ndefine "B": ({1, 2, 3}) X return X + 2')
    now = [0.0]
    results = library.evaluate(Resources([]), budget=Budget(seconds=1, clock=lambda: now[0]))
    assert results["A"].value == [2, 3, 4]
    now[0] = 1_000_000.0
    assert results["B"].value == [3, 4, 5]


def test_without_a_clock_only_steps_count() -> None:
    library = compile_library('define "A": ({1, 2, 3}) X return X + 1')
    assert library.evaluate(Resources([]), budget=Budget(seconds=0))["A"].value == [2, 3, 4]
    stopped = library.evaluate(Resources([]), budget=Budget(seconds=-1, clock=time.monotonic))["A"]
    assert "seconds of work" in str(stopped.problem)
