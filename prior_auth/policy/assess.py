"""Policy, evidence and days in, an Assessment out: what the engine says of a request, and nothing that denies it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from prior_auth.cql import Budget
from prior_auth.domain.assessment import Assessment, Cause, CriterionResult, ItemAssessment, Proposal, Recommendation
from prior_auth.domain.coding import Coding
from prior_auth.domain.criterion import Outcome
from prior_auth.domain.evidence import Evidence
from prior_auth.domain.request import AuthorizationRequest, CoverageFacts, RequestItem
from prior_auth.policy.judge import Day, Hearing
from prior_auth.policy.model import Criterion, Kind, Path, Payer, Plan
from prior_auth.policy.rule import Rule


class Rules(Protocol):
    """What an assessment asks of the rulebook."""

    def payer(self, id: str) -> Payer | None: ...

    def payer_of(self, identifiers: Sequence[tuple[str, str]]) -> Payer | None: ...

    def rule_for(self, payer: Payer, codings: Sequence[Coding], on: date, text: str | None = None) -> Rule | None: ...

    def is_paid_unasked(self, payer: Payer, codings: Sequence[Coding], text: str | None = None) -> bool: ...


def assess(
    request: AuthorizationRequest,
    evidence: Evidence,
    rules: Rules,
    *,
    as_of: date,
    received_on: date | None = None,
    payer: str | None = None,
    plan: str | None = None,
    budget: Budget | None = None,
) -> Assessment:
    """Judge every item of a request as of a day.

    `payer` and `plan` are ids that override the Coverage; `received_on` is the day whose policy is in force, `as_of`
    where it is not given; `budget` is what the rule of one item may use. Never raises for what a chart says: what
    cannot be judged is referred.
    """
    heard = hearings(
        request, evidence, rules, as_of=as_of, received_on=received_on, payer=payer, plan=plan, budget=budget
    )
    valuesets: dict[str, str] = {}
    for one in heard:
        valuesets |= one.rule.valuesets if one.rule else {}
    coverage = request.coverage.reference if request.coverage else None
    judged_items = tuple(one.judged() for one in heard)
    return Assessment(as_of, request.patient, coverage, judged_items, valuesets, request.regimens)


@dataclass(frozen=True, slots=True)
class Heard:
    """An item on its way to its assessment: with a hearing, or settled before there was one."""

    rule: Rule | None
    hearing: Hearing | None
    settled: ItemAssessment | None

    def judged(self) -> ItemAssessment:
        if self.hearing is not None:
            return judged(self.hearing)
        assert self.settled is not None
        return self.settled


def hearings(
    request: AuthorizationRequest,
    evidence: Evidence,
    rules: Rules,
    *,
    as_of: date,
    received_on: date | None = None,
    payer: str | None = None,
    plan: str | None = None,
    traced: bool = False,
    budget: Budget | None = None,
) -> tuple[Heard, ...]:
    """Each item of a request before its rule; operands as of `assess`."""
    insurance = _insurance(request.coverage, rules, payer, plan)
    days = [Day(as_of, received_on or as_of, item.period.start or as_of) for item in request.items]
    return tuple(
        _item(item, evidence, rules, insurance, day, traced, budget)
        for item, day in zip(request.items, days, strict=True)
    )


@dataclass(frozen=True, slots=True)
class _Insurance:
    """The payer and plan to judge by, or why there is none."""

    payer: Payer | None
    plan: Plan | None
    why: str = ""


def _insurance(coverage: CoverageFacts | None, rules: Rules, payer: str | None, plan: str | None) -> _Insurance:
    if payer is not None:
        found = rules.payer(payer)
        if found is None:
            return _Insurance(None, None, f"The payer {payer} is not in the rulebook.")
        stated = coverage.plan if coverage and coverage.plan in found.plans else None
        return _plan(found, plan or stated)
    if coverage is None:
        return _Insurance(None, None, "The chart holds no coverage in force, and no payer was named.")
    found = rules.payer_of(coverage.payer_identifiers)
    if found is None:
        return _Insurance(None, None, "The payer of the coverage is not in the rulebook.")
    return _plan(found, plan or coverage.plan)


def _plan(payer: Payer, plan: str | None) -> _Insurance:
    """A plan that is not stated is the payer's usual one; one that the payer does not have is judged by nobody."""
    known = payer.plans.get(plan or payer.default_plan)
    return _Insurance(payer, known, "" if known else f"{payer.name} has no plan of this name in the rulebook.")


def _item(
    item: RequestItem,
    evidence: Evidence,
    rules: Rules,
    insurance: _Insurance,
    day: Day,
    traced: bool,
    budget: Budget | None,
) -> Heard:
    if insurance.payer is None:
        return Heard(None, None, _referred(item, Cause.UNKNOWN_PAYER, insurance.why))
    if insurance.plan is None:
        return Heard(None, None, _referred(item, Cause.POLICY, insurance.why))
    rule = rules.rule_for(insurance.payer, item.codings, day.received_on, item.service.display)
    if rule is None and rules.is_paid_unasked(insurance.payer, item.codings, item.service.display):
        why = f"{insurance.payer.name}: this drug needs no authorization."
        return Heard(None, None, ItemAssessment(item, None, None, Recommendation.NOT_REQUIRED, None, why))
    if rule is None:
        why = f"{insurance.payer.name} has no written policy for this service."
        return Heard(None, None, _referred(item, Cause.POLICY, why))
    if not rule.policy.requires_pa[insurance.plan.id]:
        why = f"{insurance.payer.name}, plan {insurance.plan.name}: this service needs no authorization."
        not_required = ItemAssessment(item, rule.id, None, Recommendation.NOT_REQUIRED, None, why)
        return Heard(rule, None, not_required)
    return Heard(rule, Hearing(rule, evidence, item, insurance.plan.id, day, traced=traced, budget=budget), None)


def _referred(item: RequestItem, cause: Cause, why: str, rule: Rule | None = None) -> ItemAssessment:
    return ItemAssessment(item, rule.id if rule else None, None, Recommendation.REFER, cause, why)


# --- Paths ------------------------------------------------------------------------------------------------------------


def judged(hearing: Hearing) -> ItemAssessment:
    """The path with the best recommendation, then fewest not met, fewest unknown, printed order."""
    fitting = _fitting(hearing)
    if isinstance(fitting, str):
        why = f"Only {fitting} fits, a path of this policy that is not written down."
        return _referred(hearing.item, Cause.POLICY, why, hearing.rule)
    return min((on_path(hearing, path) for path in fitting), key=_rank)


def _fitting(hearing: Hearing) -> Sequence[Path] | str:
    """Paths to try: those that fit, else those that may; or the name of the unwritten path that alone fits."""
    policy = hearing.rule.policy
    answers = {path: hearing.truth(path.fits) for path in policy.paths}
    certain = [path for path, fits in answers.items() if fits is True]
    if certain:
        return certain
    unwritten = next((path for path in policy.unwritten if hearing.truth(path.fits) is True), None)
    if unwritten is not None:
        return f"path {unwritten.id} ({unwritten.title})"
    return [path for path, fits in answers.items() if fits is None] or policy.paths


def on_path(hearing: Hearing, path: Path) -> ItemAssessment:
    """What would be said if the request were judged by this path."""
    results = [(criterion, hearing.judge(criterion)) for criterion in path.criteria]
    recommendation, cause = _recommend(results, always_refer=hearing.rule.policy.always_refer)
    return ItemAssessment(
        item=hearing.item,
        policy=hearing.rule.id,
        path=path.id,
        recommendation=recommendation,
        cause=cause,
        why=_why(path, results, recommendation, cause),
        criteria=tuple(result for _, result in results),
        proposal=_proposal(hearing, results) if cause is Cause.REDUCE else None,
    )


Judged = Sequence[tuple[Criterion, CriterionResult]]


def _recommend(results: Judged, *, always_refer: bool) -> tuple[Recommendation, Cause | None]:
    """Ruling 17, in its order. Over a limit ranks last: everything else is met there."""
    refer = Recommendation.REFER
    unknown = [result for _, result in results if result.outcome is Outcome.UNKNOWN]
    if any(_fails(criterion, result) for criterion, result in results):
        return refer, Cause.NOT_MET
    if any(_excludes(criterion, result) for criterion, result in results):
        return refer, Cause.EXCLUSION
    if any(result.problem for result in unknown):
        return refer, Cause.RULE_PROBLEM
    if any(not (result.conflict or result.document_only or result.person) for result in unknown):
        return Recommendation.PEND, None
    if always_refer or any(result.person for result in unknown):
        return refer, Cause.POLICY
    if any(result.conflict for result in unknown):
        return refer, Cause.CONFLICT
    if unknown:
        return refer, Cause.DOCUMENT_ONLY
    if any(_exceeds(criterion, result) for criterion, result in results):
        return refer, Cause.REDUCE
    return Recommendation.APPROVE, None


def _fails(criterion: Criterion, result: CriterionResult) -> bool:
    return criterion.kind is Kind.CRITERION and result.outcome is Outcome.NOT_MET


def _excludes(criterion: Criterion, result: CriterionResult) -> bool:
    return criterion.kind is Kind.EXCLUSION and result.outcome is Outcome.MET


def _exceeds(criterion: Criterion, result: CriterionResult) -> bool:
    return criterion.kind is Kind.LIMIT and result.outcome is Outcome.NOT_MET


def _proposal(hearing: Hearing, results: Judged) -> Proposal | None:
    over = (criterion for criterion, result in results if _exceeds(criterion, result))
    return next((found for one in over if (found := hearing.proposal(one)) is not None), None)


# Nearest to approval first. Causes that a clinician must decide at once are alike: then fewest not met decides.
_BEST_FIRST: Mapping[Cause | None, int] = {
    None: 0,
    Cause.REDUCE: 1,
    Cause.DOCUMENT_ONLY: 2,
    Cause.CONFLICT: 3,
    Cause.POLICY: 4,
    Cause.RULE_PROBLEM: 6,
    Cause.EXCLUSION: 6,
    Cause.NOT_MET: 6,
}
_PENDED = 5


def _rank(one: ItemAssessment) -> tuple[int, int, int]:
    best = _PENDED if one.recommendation is Recommendation.PEND else _BEST_FIRST[one.cause]
    against = [result for result in one.criteria if counts_against(result)]
    unknown = [result for result in one.criteria if result.outcome is Outcome.UNKNOWN]
    return best, len(against), len(unknown)


def counts_against(result: CriterionResult) -> bool:
    """A criterion that is not met, an exclusion that applies."""
    wanted = Outcome.MET if is_exclusion(result.id) else Outcome.NOT_MET
    return result.outcome is wanted


def is_exclusion(criterion_id: str) -> bool:
    """`R09.X1`: numbering of the rulings; for these, met means that the exclusion applies."""
    return criterion_id.partition(".")[2].startswith("X")


# --- Why --------------------------------------------------------------------------------------------------------------


def _why(path: Path, results: Judged, recommendation: Recommendation, cause: Cause | None) -> str:
    """One sentence: the path, and which criteria led to the word."""
    if recommendation is Recommendation.APPROVE:
        return f"Path {path.id} ({path.title}): all that is asked for is met, nothing excludes it."
    named = ", ".join(result.id for criterion, result in results if _concerned(criterion, result, cause))
    said = _PERSON if named and cause is Cause.POLICY else _SAID[cause]
    return f"Path {path.id} ({path.title}): {said}{f' {named}' if named else ''}."


def _concerned(criterion: Criterion, result: CriterionResult, cause: Cause | None) -> bool:
    """Whether a criterion is among those that led to the recommendation."""
    match cause:
        case Cause.NOT_MET:
            return _fails(criterion, result)
        case Cause.EXCLUSION:
            return _excludes(criterion, result)
        case Cause.REDUCE:
            return _exceeds(criterion, result)
        case Cause.RULE_PROBLEM:
            return bool(result.problem)
        case Cause.CONFLICT:
            return result.conflict
        case Cause.DOCUMENT_ONLY:
            return result.document_only
        case Cause.POLICY:
            return result.person
        case None:
            return result.outcome is Outcome.UNKNOWN
        case _:
            return False


_PERSON = "nothing in a chart could settle these, a person at the payer looks:"
_SAID: Mapping[Cause | None, str] = {
    Cause.NOT_MET: "a clinician decides, because these are not met:",
    Cause.EXCLUSION: "a clinician decides, because an exclusion applies:",
    Cause.RULE_PROBLEM: "a person looks, because a rule broke:",
    Cause.REDUCE: "all is met but the limit; a clinician may order what is proposed:",
    Cause.CONFLICT: "a person looks, because results contradict each other:",
    Cause.DOCUMENT_ONLY: "a person reads the documents:",
    Cause.POLICY: "all is met, and this policy always wants a person",
    None: "information is missing:",
}
