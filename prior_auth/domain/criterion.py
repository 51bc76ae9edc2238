"""Three-valued logic of criteria, plus not-applicable."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """Three-valued plus not-applicable, as in CQL: a chart that is silent is not a chart that says no."""

    MET = "met"
    NOT_MET = "not-met"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"
