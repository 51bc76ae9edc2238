"""Every case of every policy's tests.yaml; and that they are enough: each criterion met, not met and unknown."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from prior_auth.domain.criterion import Outcome
from prior_auth.policy.model import Kind
from prior_auth.rulebook import Rulebook

_WORDS = ("recommendation", "cause", "path")


def test_the_case_ends_as_told(case: Any, judge: Any, by_path: Any) -> None:
    found = judge(case)
    item = found.item
    said = {
        "recommendation": item.recommendation.value,
        "cause": item.cause.value if item.cause else None,
        "path": item.path,
        **{one.id: one.outcome.value for one in item.criteria},
    }
    expected = case.told.get("expect", {})
    assert {key: said.get(key) for key in expected} == expected, _reasons(item)
    for path, wanted in case.told.get("on_path", {}).items():
        on_it = by_path(found, path)
        assert {key: on_it[key] for key in wanted} == wanted


def test_what_is_asked_for_is_what_is_missing(case: Any, judge: Any) -> None:
    asks = case.told.get("asks")
    if asks is None:
        return
    criteria = {one.id: one for one in judge(case).item.criteria}
    assert {id: list(dict.fromkeys(need.item for need in criteria[id].missing)) for id in asks} == asks


def test_a_proposal_is_inside_the_limit(case: Any, judge: Any) -> None:
    wanted = case.told.get("proposal")
    if wanted is None:
        return
    proposal = judge(case).item.proposal
    assert proposal is not None
    if "units" in wanted:
        assert proposal.units == Decimal(wanted["units"])
    if "end" in wanted:
        assert proposal.period is not None
        assert proposal.period.end == wanted["end"] == date.fromisoformat(str(proposal.period.end))


def test_unknown_says_what_is_missing(case: Any, judge: Any) -> None:
    for one in judge(case).item.criteria:
        if one.outcome is Outcome.UNKNOWN:
            assert one.missing, one.id
        else:
            assert not one.missing, one.id
        assert one.why.strip(), one.id


def test_no_rule_breaks(case: Any, judge: Any) -> None:
    assert [one.problem for one in judge(case).item.criteria if one.problem] == []


@pytest.mark.parametrize("policy", ["R09", "R11", "R14"])
def test_every_criterion_is_seen_met_not_met_and_unknown(
    policy: str, rulebook: Rulebook, every_case: Any, judge: Any
) -> None:
    rule = next(one for one in rulebook.rules if one.policy.id == policy)
    seen: dict[Any, set[str]] = defaultdict(set)
    for case in (one for one in every_case if one.policy == policy):
        told = case.told
        path = told.get("expect", {}).get("path") or judge(case).item.path
        stated = {path: told.get("expect", {}), **told.get("on_path", {})}
        for path_id, expected in stated.items():
            for criterion in next((one.criteria for one in rule.policy.paths if one.id == path_id), ()):
                if criterion.id in expected:
                    seen[criterion].add(expected[criterion.id])
    lacking = {
        (criterion.id, criterion.test): sorted(wanted - seen[criterion])
        for criterion in rule.policy.criteria
        if (wanted := {"met", "not-met", "unknown"} - set(criterion.never)) - seen[criterion]
    }
    assert lacking == {}


def test_every_exclusion_says_what_silence_means(rulebook: Rulebook) -> None:
    for rule in rulebook.rules:
        for one in rule.policy.criteria:
            if one.kind is Kind.EXCLUSION:
                assert one.absence.value == "presumed-absent", one.id


def _reasons(item: Any) -> str:
    return "\n".join([item.why, *(f"{one.id} {one.outcome.value}: {one.why}" for one in item.criteria)])
