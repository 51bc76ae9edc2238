"""The cases of a policy's tests.yaml: a story with changes, judged through its FHIR chart, against what it expects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import Any

from prior_auth import stories
from prior_auth.domain.assessment import CriterionResult, ItemAssessment
from prior_auth.domain.criterion import Outcome
from prior_auth.domain.evidence import Evidence
from prior_auth.errors import BadInput, RuleError
from prior_auth.evidence.gather import gather
from prior_auth.fhir.chart_bundle import chart_resources
from prior_auth.fhir.orders import authorization_request
from prior_auth.policy import assess, match
from prior_auth.policy.judge import Day, Hearing
from prior_auth.policy.rule import Rule
from prior_auth.policy.yaml_lines import Lines, read_yaml
from prior_auth.rulebook import Rulebook, rules_folder

KEYS = ("name", "story", "as_of", "plan", "patient", "change", "remove", "add", "expect", "on_path", "asks", "proposal")


@dataclass(frozen=True, eq=False)
class Case:
    """One entry of a tests.yaml. `policy` is its policy's id, `where` is `file:line`."""

    policy: str
    where: str
    told: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.policy}: {self.told['name']}"

    @property
    def as_of(self) -> date:
        day: date = self.told.get("as_of") or self.story.day
        return day

    @cached_property
    def story(self) -> stories.Story:
        """RuleError where no story has the name."""
        try:
            return stories.load(self.told["story"]).but(patient=self.told.get("patient"))
        except BadInput as problem:
            raise RuleError(problem.message, where=self.where, fix=problem.fix) from None

    @property
    def expected(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.told.get("expect", {})
        return found

    @property
    def on_path(self) -> Mapping[str, Mapping[str, str]]:
        """Outcomes that criteria have on a path that is not the one chosen."""
        found: Mapping[str, Mapping[str, str]] = self.told.get("on_path", {})
        return found


@dataclass(frozen=True, slots=True)
class Judged:
    """How a case came out. `hearing` is its policy's, whatever policy was found for the order.

    Of a trial, `item` is of no order; `match.eligibility` says what its criteria come to.
    """

    item: ItemAssessment
    hearing: Hearing
    evidence: Evidence
    rule: Rule

    def on(self, path: str) -> dict[str, str]:
        """Outcomes by criterion if the request were judged by a path."""
        chosen = next(one for one in self.rule.policy.paths if one.id == path)
        return outcomes(assess.on_path(self.hearing, chosen).criteria)


def outcomes(criteria: Sequence[CriterionResult]) -> dict[str, str]:
    return {one.id: one.outcome.value for one in criteria}


def read_cases(rule: Rule, folder: Path | None = None) -> tuple[Case, ...]:
    """The cases beside a policy. RuleError with `file:line` for what is none."""
    name = Path(rule.policy.file).with_name("tests.yaml").as_posix()
    file = rules_folder(folder) / name.removeprefix("rules/")
    try:
        content = read_yaml(file.read_text(encoding="utf-8"), file=name)
    except FileNotFoundError:
        raise RuleError("the policy has no tests", where=name, fix="write its cases, see docs/rules.md") from None
    return tuple(_case(one, rule, name) for one in content or ())


def _case(told: Any, rule: Rule, file: str) -> Case:
    if not isinstance(told, Lines):
        raise RuleError("a case is a mapping", where=file, fix="begin it with `- name:`")
    where = f"{file}:{min(told.lines.values())}"
    for key in ("name", "story"):
        if not isinstance(told.get(key), str):
            raise RuleError(f"a case has no {key}", where=where, fix=f"add `{key}`")
    for key in told:
        if key not in KEYS:
            raise RuleError(
                f"a case has no `{key}`", where=f"{file}:{told.lines[key]}", fix=f"one of {', '.join(KEYS)}"
            )
    for path in told.get("on_path", ()):
        if path not in {one.id for one in rule.policy.paths}:
            raise RuleError(f"{rule.policy.id} has no path {path}", where=where, fix="name one of its paths")
    return Case(rule.policy.id, where, told)


def judged(case: Case, rulebook: Rulebook) -> Judged:
    """The story's order under a payer's rule, or its patient under a trial's, from the chart through the normalisers.

    Never from ready-made facts.
    """
    told = case.told
    try:
        chart = case.story.chart(
            change=told.get("change"), remove=told.get("remove", ()), add=told.get("add"), plan=told.get("plan")
        )
    except BadInput as problem:
        raise RuleError(problem.message, where=case.where, fix=problem.fix) from None
    resources = chart_resources(chart)
    evidence = gather(resources, as_of=case.as_of, definitions=rulebook.definitions)
    rule = next(one for one in rulebook.every_rule if one.policy.id == case.policy)
    if rule.policy.trial is not None:
        heard = match.hearing(rule, evidence, as_of=case.as_of)
        return Judged(assess.judged(heard), heard, evidence, rule)
    request = authorization_request(
        resources, as_of=case.as_of, order=case.story.order, billing_units=rulebook.billing_units
    )
    item = assess.assess(request, evidence, rulebook, as_of=case.as_of).items[0]
    day = Day(case.as_of, case.as_of, item.item.period.start or case.as_of)
    plan = request.coverage.plan if request.coverage else None
    hearing = Hearing(rule, evidence, item.item, plan or rulebook.payers[rule.policy.payer].default_plan, day)
    return Judged(item, hearing, evidence, rule)


def faults(case: Case, found: Judged) -> Iterator[str]:
    """Where a case did not come out as told, and what no case may show: a rule that breaks, an unexplained unknown."""
    item = found.item
    said = {**_word(found), "path": item.path, **outcomes(item.criteria)}
    if item.policy is not None and item.policy.id != case.policy:
        yield f"the order is judged by {item.policy.id}, not by {case.policy}"
    yield from _unlike(case.expected, said, {one.id: one.why for one in item.criteria} | {"recommendation": item.why})
    for path, wanted in case.on_path.items():
        yield from (f"on path {path}, {one}" for one in _unlike(wanted, found.on(path), {}))
    yield from _asks(case, item)
    yield from _proposal(case, item)
    for one in item.criteria:
        yield from _unsound(one)


def _word(found: Judged) -> dict[str, str | None]:
    """What is said of the whole: of a request a recommendation, of a trial whether the patient is eligible."""
    item = found.item
    if found.rule.policy.trial is not None:
        return {"eligibility": match.eligibility(item.criteria).value}
    return {"recommendation": item.recommendation.value, "cause": item.cause.value if item.cause else None}


def _unlike(expected: Mapping[str, Any], said: Mapping[str, Any], why: Mapping[str, str]) -> Iterator[str]:
    for key, wanted in expected.items():
        if said.get(key) != wanted:
            reason = f": {why[key]}" if key in why else ""
            yield f"{key}: expected {wanted}, is {said.get(key)}{reason}"


def _asks(case: Case, item: ItemAssessment) -> Iterator[str]:
    asked = {one.id: list(dict.fromkeys(need.item for need in one.missing)) for one in item.criteria}
    for criterion, wanted in case.told.get("asks", {}).items():
        if asked.get(criterion) != wanted:
            yield f"{criterion} asks for {', '.join(asked.get(criterion) or ['nothing'])}, expected {', '.join(wanted)}"


def _proposal(case: Case, item: ItemAssessment) -> Iterator[str]:
    wanted = case.told.get("proposal")
    if wanted is None:
        return
    if item.proposal is None:
        yield "no reduction is proposed"
        return
    end = item.proposal.period.end if item.proposal.period else None
    if "units" in wanted and item.proposal.units != _number(wanted["units"], case):
        yield f"proposal: expected {wanted['units']} units, is {item.proposal.units}"
    if "end" in wanted and end != wanted["end"]:
        yield f"proposal: expected to end {wanted['end']}, is {end}"


def _number(value: Any, case: Case) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise RuleError(f"`{value}` is no number of units", where=case.where) from None


def _unsound(one: CriterionResult) -> Iterator[str]:
    if one.problem:
        yield f"{one.id}: the rule broke: {one.problem}"
    elif one.outcome is Outcome.UNKNOWN and not one.missing:
        yield f"{one.id}: unknown, and nothing says what is missing"
    if one.outcome is not Outcome.UNKNOWN and one.missing:
        yield f"{one.id}: {one.outcome.value}, and still asks for something"
    if not one.why.strip():
        yield f"{one.id}: gives no reason"
