"""Is this valid FHIR R4, and does it keep its profiles? Base structure, profiles, codes, references, invariants."""

from __future__ import annotations

from prior_auth.fhir.validate.issue import Issue, has_errors
from prior_auth.fhir.validate.judge import check_structure, validate
from prior_auth.fhir.validate.report import Report, report

__all__ = ["Issue", "Report", "check_structure", "has_errors", "report", "validate"]
