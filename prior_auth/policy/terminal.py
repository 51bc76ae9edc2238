"""An assessment for people at a terminal: lines of plain text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from prior_auth.cql.outline import outline
from prior_auth.domain.assessment import (
    Assessment,
    Cause,
    CriterionResult,
    ItemAssessment,
    Recommendation,
    overall,
)
from prior_auth.domain.criterion import Outcome
from prior_auth.domain.request import Regimen
from prior_auth.policy.assess import is_exclusion
from prior_auth.policy.explain import ExplainedItem, Explanation
from prior_auth.policy.words import value_in_words

_SAID = {
    Recommendation.APPROVE: "APPROVE",
    Recommendation.PEND: "PEND: information is missing",
    Recommendation.REFER: "REFER: a person decides",
    Recommendation.NOT_REQUIRED: "NOT REQUIRED",
}
_CAUSE = {
    Cause.NOT_MET: "a criterion is not met",
    Cause.EXCLUSION: "an exclusion applies",
    Cause.REDUCE: "over a limit",
    Cause.CONFLICT: "results contradict each other",
    Cause.DOCUMENT_ONLY: "a document has to be read",
    Cause.POLICY: "no written policy decides it",
    Cause.UNKNOWN_PAYER: "the payer is not known",
    Cause.RULE_PROBLEM: "a rule broke",
}
_MARK = {
    Outcome.MET: "met",
    Outcome.NOT_MET: "NOT MET",
    Outcome.UNKNOWN: "UNKNOWN",
    Outcome.NOT_APPLICABLE: "not applicable",
}
_EXCLUSION_MARK = {**_MARK, Outcome.MET: "APPLIES", Outcome.NOT_MET: "does not apply"}
_WIDTH = 116


def explained_lines(items: Sequence[ExplainedItem]) -> list[str]:
    """Each criterion with its sentences, and under them how its test came to its value."""
    return [line for item in items for one in item.explanations for line in ["", *_explanation(one)]]


def _explanation(one: Explanation) -> Iterator[str]:
    yield f"{one.criterion} {one.outcome.value}"
    for sentence in one.sentences:
        yield from wrapped(sentence, "  ")
    rule = one.data["rule"]
    decided = rule["applies"] if one.outcome is Outcome.NOT_APPLICABLE else rule["test"]
    yield from (f"    {line}" for line in outline(one.data, decided))


def as_lines(assessment: Assessment) -> list[str]:
    """The whole report, an item after the other."""
    head = f"{assessment.patient} as of {assessment.as_of}, {assessment.coverage or 'no coverage'}"
    items = (line for item in assessment.items for line in ["", *_item(item)])
    return [head, *(_regimen(one, assessment) for one in assessment.regimens), *items]


def _regimen(one: Regimen, assessment: Assessment) -> str:
    named = f"{one.name}, {one.source}" if one.name else one.source
    return f"Regimen {named}: {len(one.orders)} orders, as a whole {_SAID[overall(assessment, one.orders)]}"


def _item(item: ItemAssessment) -> Iterator[str]:
    service = item.item.service
    name = " ".join(part for part in (service.code, service.display or "") if part) or "a service without code"
    yield f"{item.item.order}: {name}{_amount(item)}"
    cause = f" ({_CAUSE[item.cause]})" if item.cause else ""
    policy = f", {item.policy.id} {item.policy.version}" if item.policy else ""
    path = f", path {item.path}" if item.path else ""
    yield f"  {_SAID[item.recommendation]}{cause}{policy}{path}"
    yield from wrapped(item.why, "  ")
    for one in item.criteria:
        yield from criterion_lines(one)
    if item.proposal:
        proposed = item.proposal
        units = f"{value_in_words(proposed.units)} units, " if proposed.units is not None else ""
        until = f" until {proposed.period.end}" if proposed.period and proposed.period.end else ""
        yield from wrapped(f"Proposal for a clinician: {units}{proposed.why}{until}", "  ")
    if item.policy and item.policy.unverified:
        yield from wrapped(f"Unverified in this policy: {'; '.join(item.policy.unverified)}", "  ")


def _amount(item: ItemAssessment) -> str:
    units, period = item.item.units, item.item.period
    amount = f", {value_in_words(units)} units" if units is not None else ""
    days = f", {period.start or '…'} to {period.end or '…'}" if period.start or period.end else ""
    return amount + days


def criterion_lines(one: CriterionResult) -> Iterator[str]:
    """The outcome of a criterion, why, and what is missing."""
    mark = (_EXCLUSION_MARK if is_exclusion(one.id) else _MARK)[one.outcome]
    yield f"  {one.id:<8} {mark:<14} {one.text}"
    yield from wrapped(one.why, " " * 26)
    for need in one.missing:
        codes = ", ".join(f"{code.code}" for code in need.codes)
        window = f", within {need.window} back" if need.window else ""
        yield from wrapped(f"-> {need.what} [{codes}]{window}, from: {need.who}", " " * 26)


def wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False)
