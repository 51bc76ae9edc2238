"""A TrialMatch for programs and for people at a terminal. What it is not stands in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prior_auth.domain.trial import Eligibility, TrialMatch
from prior_auth.policy.report import criterion_as_json, policy_as_json, requirement_as_json
from prior_auth.policy.terminal import criterion_lines, wrapped

IS_NOT = "This is no authorization and no enrollment: nothing is sent, and the trial's own staff decide."

_SAID = {
    Eligibility.BY_THE_RECORD: "ELIGIBLE BY THE RECORD",
    Eligibility.NOT_ELIGIBLE: "NOT ELIGIBLE",
    Eligibility.CANNOT_BE_SAID: "CANNOT BE SAID YET: these are missing",
}


def as_json(match: TrialMatch) -> dict[str, Any]:
    """All keys always there."""
    return {
        "trial": match.nct,
        "name": match.name,
        "status": match.status,
        "policy": policy_as_json(match.policy),
        "path": match.path,
        "as_of": match.as_of.isoformat(),
        "patient": match.patient,
        "eligibility": match.eligibility.value,
        "why": match.why,
        "criteria": [criterion_as_json(one) for one in match.criteria],
        "missing": [requirement_as_json(need) for need in match.missing],
        "left_to_site": list(match.left_to_site),
        "is_not": IS_NOT,
    }


def as_lines(match: TrialMatch) -> list[str]:
    return list(_lines(match))


def _lines(match: TrialMatch) -> Iterator[str]:
    yield f"{match.patient} as of {match.as_of}, {match.nct}: {match.name} ({match.status})"
    yield f"  {_SAID[match.eligibility]}, {match.policy.id} {match.policy.version}, path {match.path}"
    yield from wrapped(match.why, "  ")
    for one in match.criteria:
        yield from criterion_lines(one)
    yield from wrapped(f"Left to the trial's site: {'; '.join(match.left_to_site)}.", "  ")
    if match.policy.unverified:
        yield from wrapped(f"Unverified in this policy: {'; '.join(match.policy.unverified)}", "  ")
    yield f"  {IS_NOT}"
