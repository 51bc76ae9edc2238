"""A trial's criteria and a patient's evidence in, a TrialMatch out. Nothing is ordered, authorized or sent by it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from prior_auth.cql import Budget
from prior_auth.domain.assessment import CriterionResult
from prior_auth.domain.coding import Coding
from prior_auth.domain.criterion import Outcome
from prior_auth.domain.evidence import Evidence
from prior_auth.domain.request import Period, RequestItem
from prior_auth.domain.trial import Eligibility, TrialMatch
from prior_auth.policy.assess import counts_against, judged
from prior_auth.policy.judge import Day, Hearing
from prior_auth.policy.rule import Rule

# A trial is asked of a patient, not for an order: no order of any chart has this reference.
NO_ORDER = RequestItem("", Coding("", ""), (), None, Period(None, None))
NO_PLAN = ""


def match(rule: Rule, evidence: Evidence, *, as_of: date, budget: Budget | None = None) -> TrialMatch:
    """Judge a patient's evidence by the criteria of a trial as of a day; `budget` is what the rule may use.

    Never raises for what a chart says. `rule` is one of `Rulebook.trials`.
    """
    trial = rule.policy.trial
    assert trial is not None, f"{rule.policy.id} is a payer's policy"
    found = judged(hearing(rule, evidence, as_of=as_of, budget=budget))
    assert found.path is not None  # a trial has no path that is not written down
    said = eligibility(found.criteria)
    return TrialMatch(
        nct=trial.nct,
        name=trial.name,
        status=trial.status,
        policy=rule.id,
        path=found.path,
        as_of=as_of,
        patient=evidence.patient,
        eligibility=said,
        why=_why(said, found.criteria),
        criteria=found.criteria,
        left_to_site=trial.left_to_site,
    )


def hearing(rule: Rule, evidence: Evidence, *, as_of: date, budget: Budget | None = None) -> Hearing:
    """A trial's rule on its way through one patient's evidence."""
    return Hearing(rule, evidence, NO_ORDER, NO_PLAN, Day(as_of, as_of, as_of), budget=budget)


def eligibility(criteria: Sequence[CriterionResult]) -> Eligibility:
    """One criterion that fails settles it, whatever else is unknown; else all must be known."""
    if any(counts_against(one) for one in criteria):
        return Eligibility.NOT_ELIGIBLE
    if any(one.outcome is Outcome.UNKNOWN for one in criteria):
        return Eligibility.CANNOT_BE_SAID
    return Eligibility.BY_THE_RECORD


def _why(said: Eligibility, criteria: Sequence[CriterionResult]) -> str:
    if said is Eligibility.NOT_ELIGIBLE:
        return (
            f"What the record shows bars the patient: {', '.join(one.id for one in criteria if counts_against(one))}."
        )
    if said is Eligibility.CANNOT_BE_SAID:
        unknown = ", ".join(one.id for one in criteria if one.outcome is Outcome.UNKNOWN)
        return f"The record leaves open: {unknown}."
    return "The record meets every criterion that a record can meet, and shows nothing that excludes."
