"""What nobody has read of a policy's sources is named wherever its judgement is shown."""

from __future__ import annotations

from typing import Any

from prior_auth.domain.assessment import Assessment
from prior_auth.policy.report import as_json
from prior_auth.policy.terminal import as_lines
from prior_auth.rulebook import Rulebook


def test_a_policys_id_names_its_unverified_sources(rulebook: Rulebook) -> None:
    for rule in rulebook.every_rule:
        named = {one.name: one.certainty for one in rule.policy.sources}
        assert [named[one] for one in rule.id.unverified] == [one for one in named.values() if one in "LP"]


def test_a_report_and_a_terminal_name_them(every_case: Any, judge: Any) -> None:
    case = next(one for one in every_case if one.policy == "R08")
    found = judge(case)
    assessment = Assessment(case.as_of, found.evidence.patient, None, (found.item,), {})
    (told,) = as_json(assessment)["items"]
    assert len(told["policy"]["unverified"]) == 3
    shown = " ".join(" ".join(as_lines(assessment)).split())
    assert f"Unverified in this policy: {told['policy']['unverified'][0]}" in shown
