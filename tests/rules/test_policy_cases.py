"""Every case of every policy's tests.yaml comes out as told, and together they leave nothing unseen."""

from __future__ import annotations

from typing import Any

from prior_auth.policy.model import Kind
from prior_auth.rule_tools.cases import Case, faults
from prior_auth.rule_tools.coverage import coverage
from prior_auth.rulebook import Rulebook, rules_folder


def test_the_case_ends_as_told(case: Case, judge: Any) -> None:
    assert list(faults(case, judge(case))) == []


def test_every_criterion_path_and_side_of_a_day_is_seen(
    policy: str, rulebook: Rulebook, every_case: tuple[Case, ...], judge: Any
) -> None:
    rule = next(one for one in rulebook.every_rule if one.policy.id == policy)
    runs = [(case, judge(case)) for case in every_case if case.policy == policy]
    cql = (rules_folder().parent / rule.policy.file.replace("policy.yaml", "policy.cql")).read_text("utf-8")
    seen = coverage(rule.policy, cql, runs)
    assert {one.what: one.lacking for one in seen if one.lacking} == {}
    assert {one.what.split()[0] for one in seen} >= {one.id for one in rule.policy.criteria}


def test_every_exclusion_says_what_silence_means(rulebook: Rulebook) -> None:
    for rule in rulebook.every_rule:
        for one in rule.policy.criteria:
            if one.kind is Kind.EXCLUSION:
                assert one.absence.value == "presumed-absent", one.id


def test_the_lint_finds_nothing_in_our_own_policies(rulebook: Rulebook) -> None:
    assert rulebook.warnings == ()
