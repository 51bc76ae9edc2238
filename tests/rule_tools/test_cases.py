"""A case that does not come out as told says in what; what is no case is refused at its line."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from prior_auth.errors import RuleError
from prior_auth.rule_tools.cases import Case, Judged, faults, judged, read_cases
from prior_auth.rule_tools.coverage import Seen, coverage
from prior_auth.rulebook import Rulebook, rules_folder

TOPIC = "payers/example-health-plan/olaparib"
GOOD = {"recommendation": "approve", "path": "B", "R14.C1": "met"}


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    return Rulebook.load()


def case(**told: Any) -> Case:
    return Case("R14", "tests.yaml:1", {"name": "It", "story": "breast-brca-olaparib", "expect": GOOD, **told})


@pytest.fixture(scope="module")
def found(rulebook: Rulebook) -> Judged:
    return judged(case(), rulebook)


def test_a_case_that_comes_out_as_told_has_no_fault(found: Judged) -> None:
    assert list(faults(case(), found)) == []


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ({"expect": {"recommendation": "pend"}}, "recommendation: expected pend, is approve"),
        ({"expect": {"R14.C1": "unknown"}}, "R14.C1: expected unknown, is met: "),
        ({"expect": {"R14.C9": "met"}}, "R14.C9: expected met, is None"),
        ({"expect": {"path": "A"}}, "path: expected A, is B"),
        ({"on_path": {"B": {"R14.C2": "not-met"}}}, "on path B, R14.C2: expected not-met, is met"),
        ({"asks": {"R14.C1": ["stage.group"]}}, "R14.C1 asks for nothing, expected stage.group"),
        ({"proposal": {"units": 120}}, "no reduction is proposed"),
    ],
)
def test_each_kind_of_fault_is_found(told: dict[str, Any], fault: str, found: Judged) -> None:
    faulty = list(faults(case(**told), found))
    assert len(faulty) == 1
    assert faulty[0].startswith(fault)


def test_a_proposal_is_compared_with_what_is_told(rulebook: Rulebook) -> None:
    over = {"change": {"order": {"units": "180 tablets"}}, "expect": {"cause": "reduce"}}
    reduced = judged(case(**over), rulebook)
    assert list(faults(case(**over, proposal={"units": 120}), reduced)) == []
    assert list(faults(case(**over, proposal={"units": 90}), reduced)) == ["proposal: expected 90 units, is 120"]


def test_an_order_of_another_policy_is_a_fault(rulebook: Rulebook) -> None:
    other = case(story="breast-her2-adjuvant", expect={})
    assert list(faults(other, judged(other, rulebook))) == ["the order is judged by R09, not by R14"]


def test_a_story_that_is_not_there_is_refused_at_its_case(rulebook: Rulebook) -> None:
    with pytest.raises(RuleError, match="no story 'nobody'") as refused:
        judged(case(story="nobody"), rulebook)
    assert refused.value.where == "tests.yaml:1"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("- name: A\n  storey: x\n", 1),
        ("- name: A\n  story: x\n  expects: {}\n", 3),
        ("- name: A\n  story: x\n  on_path: {Z: {}}\n", 1),
        ("- name: A\n  story: x\n- story: y\n", 3),
    ],
)
def test_what_is_no_case_is_refused_at_its_line(text: str, line: int, rulebook: Rulebook, tmp_path: Path) -> None:
    shutil.copytree(rules_folder() / TOPIC, tmp_path / TOPIC)
    (tmp_path / TOPIC / "tests.yaml").write_text(text)
    (tmp_path / "payers").mkdir(exist_ok=True)
    rule = next(one for one in rulebook.rules if one.policy.id == "R14")
    with pytest.raises(RuleError) as refused:
        read_cases(rule, tmp_path)
    assert refused.value.where == f"rules/{TOPIC}/tests.yaml:{line}"


def covered(rulebook: Rulebook, id: str, *told: dict[str, Any]) -> dict[str, Seen]:
    rule = next(one for one in rulebook.rules if one.policy.id == id)
    cases = [Case(id, "tests.yaml:1", {"name": "It", **one}) for one in told]
    cql = (rules_folder().parent / rule.policy.file.replace("policy.yaml", "policy.cql")).read_text("utf-8")
    return {one.what: one for one in coverage(rule.policy, cql, [(one, judged(one, rulebook)) for one in cases])}


def test_an_outcome_is_seen_where_a_case_expects_it_and_not_where_it_only_comes_about(rulebook: Rulebook) -> None:
    seen = covered(rulebook, "R14", {"story": "breast-brca-olaparib", "expect": {"R14.C1": "met"}})
    assert seen["R14.C1 (path B)"].lacking == ("not-met", "unknown")
    assert seen["R14.C2 (path B, A)"].lacking == ("met", "not-met", "unknown")
    assert "not-applicable" in seen["R14.C5 (path B)"].lacking
    assert seen["path B"].lacking == ("not-met", "unknown")


def test_an_outcome_that_can_never_be_is_not_wanted(rulebook: Rulebook) -> None:
    seen = covered(rulebook, "R09")
    assert seen["R09.C7"].wanted == ("met", "unknown")


def test_each_side_of_a_window_is_wanted(rulebook: Rulebook) -> None:
    story = {"story": "breast-her2-adjuvant", "expect": {"recommendation": "approve"}}
    on_the_first_day = {**story, "change": {"lvef": {"value": 60, "on": "2026-06-17"}}}
    the_day_before = {**story, "change": {"lvef": {"value": 60, "on": "2026-06-16"}}}
    what = "EjectionFractionSince (R09.C4)"
    assert covered(rulebook, "R09", story)[what].lacking == ("its first day", "the day before")
    assert covered(rulebook, "R09", on_the_first_day)[what].lacking == ("the day before",)
    assert covered(rulebook, "R09", on_the_first_day, the_day_before)[what].lacking == ()
