"""The rulebook and judged stories, read once for all rule tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import pytest
import yaml

from prior_auth import stories
from prior_auth.domain.assessment import ItemAssessment
from prior_auth.domain.evidence import Evidence
from prior_auth.evidence.gather import gather
from prior_auth.fhir.chart_bundle import chart_resources
from prior_auth.fhir.orders import authorization_request
from prior_auth.policy.assess import assess, on_path
from prior_auth.policy.judge import Day, Hearing
from prior_auth.policy.rule import Rule
from prior_auth.rulebook import Rulebook, rules_folder


@dataclass(frozen=True)
class Case:
    """One entry of a policy's tests.yaml. `policy` is its id, `file` where it stands."""

    policy: str
    file: str
    told: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.policy}: {self.told['name']}"

    @property
    def as_of(self) -> date:
        return self.told.get("as_of", stories.load(self.told["story"]).day)


@dataclass(frozen=True)
class Judged:
    item: ItemAssessment
    hearing: Hearing
    evidence: Evidence
    rule: Rule


@cache
def the_rulebook() -> Rulebook:
    return Rulebook.load()


@cache
def cases() -> tuple[Case, ...]:
    found = []
    for file in sorted(rules_folder().glob("payers/*/*/tests.yaml")):
        policy = yaml.safe_load(file.with_name("policy.yaml").read_text("utf-8"))["id"]
        found += [
            Case(policy, f"{file.parent.name}/{file.name}", told) for told in yaml.safe_load(file.read_text("utf-8"))
        ]
    return tuple(found)


def judged(case: Case) -> Judged:
    """The story's order under the rule, from its chart through the normalisers. Never from ready-made facts."""
    rulebook, told = the_rulebook(), case.told
    chart = stories.load(told["story"]).chart(
        change=told.get("change"), remove=told.get("remove", ()), add=told.get("add"), plan=told.get("plan")
    )
    resources = chart_resources(chart)
    evidence = gather(resources, as_of=case.as_of, definitions=rulebook.definitions)
    order = f"MedicationRequest/{told['story']}-order"
    request = authorization_request(resources, as_of=case.as_of, order=order, billing_units=rulebook.billing_units)
    assessment = assess(request, evidence, rulebook, as_of=case.as_of)
    rule = next(one for one in rulebook.rules if one.policy.id == case.policy)
    item = assessment.items[0]
    day = Day(case.as_of, case.as_of, item.item.period.start or case.as_of)
    plan = request.coverage.plan if request.coverage and request.coverage.plan else "PLAN-GOLD"
    return Judged(item, Hearing(rule, evidence, item.item, plan, day), evidence, rule)


def outcomes(item: ItemAssessment) -> dict[str, str]:
    return {one.id: one.outcome.value for one in item.criteria}


def outcomes_on(found: Judged, path: str) -> dict[str, str]:
    chosen = next(one for one in found.rule.policy.paths if one.id == path)
    return outcomes(on_path(found.hearing, chosen))


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    return the_rulebook()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", cases(), ids=lambda case: case.name)


@pytest.fixture(scope="session")
def every_case() -> tuple[Case, ...]:
    return cases()


@pytest.fixture
def judge() -> Any:
    return judged


@pytest.fixture
def by_path() -> Any:
    return outcomes_on
