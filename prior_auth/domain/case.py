"""The practice's request and its life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
