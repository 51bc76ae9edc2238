"""Is this valid FHIR R4, and does it keep its profiles? Base structure, profiles, codes, references, invariants."""

from __future__ import annotations

from prior_auth.fhir.validate.issue import Issue, has_errors
from prior_auth.fhir.validate.judge import check_structure, validate

__all__ = ["Issue", "check_structure", "has_errors", "validate"]
