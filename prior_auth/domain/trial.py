"""Whether a trial's criteria are met by what a chart records. Never an authorization, and never sent to anyone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from prior_auth.domain.assessment import CriterionResult, DataRequirement, PolicyId


class Eligibility(StrEnum):
    """All that can be said from a record; who enters a trial is decided by those who run it."""

    BY_THE_RECORD = "eligible-by-the-record"
    NOT_ELIGIBLE = "not-eligible"
    CANNOT_BE_SAID = "cannot-be-said-yet"


@dataclass(frozen=True, slots=True)
class TrialMatch:
    """One patient against one trial as of a day.

    `status` is whether the trial recruited when its record was read; `left_to_site` is what no chart shows.
    """

    nct: str
    name: str
    status: str
    policy: PolicyId
    path: str
    as_of: date
    patient: str
    eligibility: Eligibility
    why: str
    criteria: tuple[CriterionResult, ...]
    left_to_site: tuple[str, ...]

    @property
    def missing(self) -> tuple[DataRequirement, ...]:
        return tuple(dict.fromkeys(need for one in self.criteria for need in one.missing))
