"""The rulebook and judged cases, read once for all rule tests."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from prior_auth.rule_tools.cases import Case, Judged, judged, read_cases
from prior_auth.rulebook import Rulebook


@cache
def the_rulebook() -> Rulebook:
    return Rulebook.load()


@cache
def cases() -> tuple[Case, ...]:
    return tuple(case for rule in the_rulebook().every_rule for case in read_cases(rule))


@cache
def judgement(case: Case) -> Judged:
    return judged(case, the_rulebook())


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    return the_rulebook()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", cases(), ids=lambda case: case.name)
    if "policy" in metafunc.fixturenames:
        metafunc.parametrize("policy", [rule.policy.id for rule in the_rulebook().every_rule])


@pytest.fixture(scope="session")
def every_case() -> tuple[Case, ...]:
    return cases()


@pytest.fixture
def judge() -> Any:
    return judgement
