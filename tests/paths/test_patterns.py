"""A pattern matches as Python's `re` does, in time that no text can make long."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path

import pytest

from prior_auth.paths import PathError, compile
from prior_auth.paths.linear import machine
from prior_auth.paths.patterns import MAX_SUBJECT, pattern, published

RULES = Path(__file__).parents[2] / "rules" / "evidence"

_PARTS = [
    "a", "b", ".", "[ab]", "[^a]", r"\d", r"\w", r"\s", r"\b", r"\B", "^", "$", "a?", "b*", "a+", "a{2}", "b{1,3}",
    "a{0,2}", "(a|b)", "(?:ab|a)", "(ab)?", "(a|bc)+", "a*?", "[a-c]{2,}", r"\.", r"[\d.]", "x|y", "é", r"\n",
    "{", "(|a)",
]  # fmt: skip


def test_the_linear_matcher_agrees_with_re_on_thousands_of_patterns_and_texts() -> None:
    choose = random.Random(7)
    compared = 0
    for _ in range(800):
        text = "".join(choose.choice(_PARTS) for _ in range(choose.randint(1, 5)))
        quick, sure = re.compile(text, re.DOTALL), machine(text)
        for _ in range(5):
            subject = "".join(choose.choice("aabbc1 .\nxé{_") for _ in range(choose.randint(1, 9)))
            assert sure.is_in(subject) == (quick.search(subject) is not None), (text, subject)
            assert sure.is_all(subject) == (quick.fullmatch(subject) is not None), (text, subject)
            compared += 1
    assert compared == 4_000


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        (r"[a-z0-9]*[ ,]*[cpyra]*n", "a" * 20_000),
        (r"t[0-4xi][a-z0-9]*[ ,]*[cpyra]*n[0-3x]", "t0" * 10_000),
        (r"(a|a)*b", "a" * 20_000),
        (r"(a|ab)(c|bcd)(d*)x", "abcd" * 5_000),
        (r".*.*.*x", "y" * 20_000),
    ],
)
def test_a_hostile_text_takes_no_longer_than_its_length(text: str, subject: str) -> None:
    start = time.thread_time()
    assert not pattern(text).is_in(subject)
    assert time.thread_time() - start < 1


def test_a_nested_repetition_of_a_published_definition_is_matched_without_trying_for_ever() -> None:
    ours = published(r"^([a-z]+)*$")
    assert ours.is_in("abc" * 3_000)
    assert not ours.is_in("abc" * 3_000 + "!")


@pytest.mark.parametrize("text", ["(a+)+b", "(a*)*", "x" * 600, "[a", "(a{2,})+", r"(a)\1", "(?=a)b", "(?<!a)b", "a**"])
def test_a_pattern_that_could_run_on_or_looks_around_is_refused(text: str) -> None:
    with pytest.raises(PathError):
        pattern(text)


def test_a_text_beyond_all_measure_is_refused_not_cut_short() -> None:
    with pytest.raises(PathError):
        pattern("a").is_in("b" * (MAX_SUBJECT + 1))


def test_a_replacement_that_could_take_long_is_an_error_not_a_wait() -> None:
    resource = {"resourceType": "Observation", "valueString": "a" * 5_000}
    with pytest.raises(PathError):
        compile("Observation.value.ofType(string).replaceMatches('a*a*b', 'x')")(resource)


@pytest.mark.parametrize(
    ("put", "found"), [("X", "X-X"), ("[$1]", "[a]-[b]"), (r"\\$1", "$1-$1"), ("$0$0", "axax-bxbx")]
)
def test_a_replacement_names_the_groups_of_its_match(put: str, found: str) -> None:
    (answer,) = compile(f"'ax-bx'.replaceMatches('([ab])x', '{put}')")({"resourceType": "Basic"})
    assert answer.value == found
