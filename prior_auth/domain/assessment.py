"""What the engine says of a request as of a day, criterion by criterion, and what is missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from prior_auth.domain.coding import Coding
from prior_auth.domain.criterion import Outcome
from prior_auth.domain.evidence import Fact
from prior_auth.domain.request import Period, Regimen, RequestItem


class Recommendation(StrEnum):
    """All that an engine may say. There is no denial among them: only a named clinician denies or reduces."""

    APPROVE = "approve"
    PEND = "pend"
    REFER = "refer"
    NOT_REQUIRED = "not-required"


class Cause(StrEnum):
    """Why a person has to look."""

    NOT_MET = "not-met"
    EXCLUSION = "exclusion"
    REDUCE = "reduce"
    CONFLICT = "conflict"
    DOCUMENT_ONLY = "document-only"
    POLICY = "policy"
    UNKNOWN_PAYER = "unknown-payer"
    RULE_PROBLEM = "rule-problem"


@dataclass(frozen=True, slots=True)
class DataRequirement:
    """What is missing, as a question that can be answered.

    `window` is an ISO 8601 duration counted back from the day of judgement; `who` can supply it (`practice`,
    `laboratory`, `pathology`, `imaging`, `patient`, `payer`).
    """

    item: str
    what: str
    codes: tuple[Coding, ...]
    window: str | None
    who: str


@dataclass(frozen=True, slots=True)
class CriterionResult:
    """One criterion's outcome. `exclusion` and `limit` say how it counts: a met exclusion excludes, a limit reduces."""

    id: str
    text: str
    outcome: Outcome
    why: str
    evidence: tuple[Fact, ...] = ()
    missing: tuple[DataRequirement, ...] = ()
    conflict: bool = False
    document_only: bool = False
    person: bool = False  # unknown, and for a person at the payer to settle: no evidence could
    problem: str | None = None  # a rule that broke: outcome is unknown and a person looks


@dataclass(frozen=True, slots=True)
class Proposal:
    """A reduction a clinician may order; the engine never orders it."""

    units: Decimal | None
    period: Period | None
    why: str


@dataclass(frozen=True, slots=True)
class PolicyId:
    """`unverified` names the sources of a policy that nobody has read: memory of a code book, our own choice."""

    id: str
    version: str
    hash: str
    unverified: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemAssessment:
    item: RequestItem
    policy: PolicyId | None
    path: str | None
    recommendation: Recommendation
    cause: Cause | None
    why: str
    criteria: tuple[CriterionResult, ...] = ()
    proposal: Proposal | None = None

    @property
    def missing(self) -> tuple[DataRequirement, ...]:
        return tuple(requirement for criterion in self.criteria for requirement in criterion.missing)


@dataclass(frozen=True, slots=True)
class Assessment:
    """`valuesets` are the versions of the code sets that were used, by canonical URL."""

    as_of: date
    patient: str
    coverage: str | None
    items: tuple[ItemAssessment, ...]
    valuesets: Mapping[str, str]
    regimens: tuple[Regimen, ...] = ()


def differing(one: Assessment, other: Assessment) -> tuple[str, ...]:
    """The criteria on which two judgements of the same orders differ: all of an item's where the path does."""
    others = {item.item.order: item for item in other.items}
    found: list[str] = []
    for item in one.items:
        theirs = others.get(item.item.order)
        outcomes = {criterion.id: criterion.outcome for criterion in theirs.criteria} if theirs else {}
        same_path = theirs is not None and theirs.path == item.path
        found += [
            criterion.id
            for criterion in item.criteria
            if not same_path or outcomes.get(criterion.id) is not criterion.outcome
        ]
    return tuple(found)


_BY_URGENCY_OF_A_LOOK = (Recommendation.REFER, Recommendation.PEND, Recommendation.APPROVE, Recommendation.NOT_REQUIRED)


def overall(assessment: Assessment, orders: Collection[str] | None = None) -> Recommendation:
    """One word for a request of several items, or for those of a regimen: the one that keeps it waiting longest."""
    said = {item.recommendation for item in assessment.items if orders is None or item.item.order in orders}
    return next(word for word in _BY_URGENCY_OF_A_LOOK if word in said)
