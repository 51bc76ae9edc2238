"""Three-valued logic of criteria, plus not-applicable."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum


class Outcome(StrEnum):
    """Three-valued plus not-applicable, as in CQL: a chart that is silent is not a chart that says no."""

    MET = "met"
    NOT_MET = "not-met"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"


def all_of(outcomes: Sequence[Outcome]) -> Outcome:
    """Kleene's `and`; what does not apply does not count, and nothing at all is met."""
    if Outcome.NOT_MET in outcomes:
        return Outcome.NOT_MET
    return Outcome.UNKNOWN if Outcome.UNKNOWN in outcomes else Outcome.MET
