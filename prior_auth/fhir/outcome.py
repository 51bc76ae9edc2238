"""OperationOutcome: what was wrong, by element path, as FHIR routes answer it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from prior_auth.errors import (
    BadInput,
    Conflict,
    Forbidden,
    NotFound,
    PriorAuthError,
    TransportError,
    Unauthorized,
)


class Finding(Protocol):
    """What a validator's issue offers (`prior_auth.fhir.validate.Issue`)."""

    @property
    def severity(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def rule(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def fix(self) -> str | None: ...


# http://hl7.org/fhir/issue-type, by rule of the validator; `invalid` covers the rest.
_TYPE_OF_RULE = {
    "structure": "structure",
    "unknown": "structure",
    "cardinality": "required",
    "primitive": "value",
    "binding": "code-invalid",
    "code": "code-invalid",
    "invariant": "invariant",
    "reference": "invalid",
    "slicing": "required",
    "extension": "extension",
    "modifier-extension": "extension",
    "not-checked": "informational",
    "engine": "exception",
}


def from_error(problem: PriorAuthError) -> dict[str, Any]:
    """One issue for one error of the family; `where` becomes the expression if it is an element path."""
    text = f"{problem.message} ({problem.fix})" if problem.fix else problem.message
    issue = {"severity": "error", "code": _type_of(problem), "diagnostics": text}
    if problem.where:
        if _is_element_path(problem.where):
            issue["expression"] = [problem.where]  # type: ignore[assignment]
        else:
            issue["diagnostics"] = f"{problem.where}: {text}"
    return _outcome([issue])


def from_issues(issues: Iterable[Finding]) -> dict[str, Any]:
    """One OperationOutcome issue for each finding, in order; `all ok` where there is none."""
    found = [_issue(finding) for finding in issues]
    return _outcome(found or [{"severity": "information", "code": "informational", "diagnostics": "no findings"}])


def _issue(finding: Finding) -> dict[str, Any]:
    text = f"{finding.message} ({finding.fix})" if finding.fix else finding.message
    kind = _TYPE_OF_RULE.get(finding.rule.split(":")[0], "invalid")
    issue = {"severity": finding.severity, "code": kind, "diagnostics": f"[{finding.rule}] {text}"}
    return issue | {"expression": [finding.path]} if finding.path else issue


def _type_of(problem: PriorAuthError) -> str:
    match problem:
        case BadInput():
            return "invalid"
        case NotFound():
            return "not-found"
        case Unauthorized():
            return "login"
        case Forbidden():
            return "forbidden"
        case Conflict():
            return "conflict"
        case TransportError():
            return "transient"
        case _:
            return "exception"


def _is_element_path(where: str) -> bool:
    head = where.split(".")[0].split("[")[0]
    return ":" not in where and " " not in where and head.isalpha() and "/" not in where


def _outcome(issues: list[dict[str, Any]]) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": issues}
