"""The practice's request and its life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from prior_auth.domain.assessment import Cause, Recommendation


class CaseStatus(StrEnum):
    """A word for people and for search, set at the steps of the story; the workflow is the state machine."""

    OPENED = "opened"
    INCOMPLETE = "incomplete"  # something is missing, the practice was told exactly what
    AWAITING_RELEASE = "awaiting-release"
    SENDING = "sending"
    PENDED = "pended"  # with the payer
    INFORMATION_REQUESTED = "information-requested"
    CERTIFIED = "certified"
    MODIFIED = "modified"
    NOT_CERTIFIED = "not-certified"
    NOT_REQUIRED = "not-required"
    NOT_BY_PAS = "not-by-pas"  # this plan takes the service another way
    ATTENTION = "attention"  # a person must look: refused by the payer's server, a rule that broke, a deadline missed
    WITHDRAWN = "withdrawn"

    @property
    def is_final(self) -> bool:
        return self in _FINAL


_FINAL = frozenset(
    {
        CaseStatus.CERTIFIED,
        CaseStatus.MODIFIED,
        CaseStatus.NOT_CERTIFIED,
        CaseStatus.NOT_REQUIRED,
        CaseStatus.NOT_BY_PAS,
        CaseStatus.WITHDRAWN,
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """What the practice's story does next: the word for people, who has the move, and whether the request goes."""

    status: CaseStatus
    waiting_for: str | None
    sends: bool


def next_step(
    recommendation: Recommendation, cause: Cause | None, *, by_pas: bool, automatic: bool, released: str | None
) -> Step:
    """`released` is how a person let it go (`complete`, `with-gaps`), None while nobody has.

    Only what is approved goes by itself, where the practice wants that; gaps and referrals go by a person's word.
    """
    if cause is Cause.UNKNOWN_PAYER:
        return Step(CaseStatus.ATTENTION, "person", False)
    if not by_pas:
        return Step(CaseStatus.NOT_BY_PAS, None, False)
    if recommendation is Recommendation.NOT_REQUIRED:
        return Step(CaseStatus.NOT_REQUIRED, None, False)
    if recommendation is Recommendation.PEND:
        if released == "with-gaps":
            return Step(CaseStatus.SENDING, None, True)
        return Step(CaseStatus.INCOMPLETE, "evidence", False)
    goes = released is not None or (recommendation is Recommendation.APPROVE and automatic)
    return Step(CaseStatus.SENDING, None, True) if goes else Step(CaseStatus.AWAITING_RELEASE, "release", False)


@dataclass(frozen=True, slots=True)
class Case:
    """What of a case is not patient data. `key` is the business key that makes a second press find the first.

    `waiting_for` says in coded words what the case waits for (`evidence`, `release`, `payer`, `person`); `due_at` is
    the instant the payer's answer is due, from its receipt, or None before that. `version` counts what was sent.
    """

    id: str
    key: str
    status: CaseStatus
    waiting_for: str | None
    payer: str | None
    plan: str | None
    service: str
    opened_at: datetime
    changed_at: datetime
    due_at: datetime | None
    version: int
