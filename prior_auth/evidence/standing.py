"""Whether a resource counts as evidence at all: by its status, before anybody asks what it says."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from prior_auth.evidence.chart import Resource, codings_of, is_order, mapping


class Standing(Enum):
    COUNTS = "counts"
    PENDING = "pending"  # a result that is not final yet: ask again
    DOUBTFUL = "doubtful"  # neither said nor denied: a differential diagnosis, a status nobody knows
    NOTHING = "nothing"  # entered in error, refuted, not done: as if it were not there


_C, _P, _D, _N = Standing.COUNTS, Standing.PENDING, Standing.DOUBTFUL, Standing.NOTHING
_RESULT = {
    "final": _C, "amended": _C, "corrected": _C, "appended": _C,
    "registered": _P, "preliminary": _P, "partial": _P,
    "unknown": _D, "cancelled": _N, "entered-in-error": _N,
}  # fmt: skip
_EVENT = {
    "completed": _C, "in-progress": _C, "stopped": _C,
    "unknown": _D, "on-hold": _D,
    "preparation": _N, "not-done": _N, "entered-in-error": _N,
}  # fmt: skip
_BY_STATUS: Mapping[str, Mapping[str, Standing]] = {
    "Observation": _RESULT,
    "DiagnosticReport": _RESULT,
    "Procedure": _EVENT,
    "MedicationAdministration": {**_EVENT, "on-hold": _C},
    "MedicationStatement": {
        "active": _C, "completed": _C, "stopped": _C, "on-hold": _C, "unknown": _D,
        "intended": _N, "not-taken": _N, "entered-in-error": _N,
    },
    "MedicationDispense": {
        "completed": _C, "unknown": _D, "stopped": _D, "in-progress": _D, "on-hold": _D,
        "preparation": _N, "cancelled": _N, "declined": _N, "entered-in-error": _N,
    },
    "MedicationRequest": {
        "active": _C, "completed": _C, "stopped": _C, "on-hold": _C, "draft": _C, "unknown": _D,
        "cancelled": _N, "entered-in-error": _N,
    },
    "ServiceRequest": {
        "active": _C, "completed": _C, "draft": _C, "on-hold": _C, "unknown": _D,
        "revoked": _N, "cancelled": _N, "entered-in-error": _N,
    },
    "DocumentReference": {"current": _C, "superseded": _N, "entered-in-error": _N},
    "QuestionnaireResponse": {
        "completed": _C, "amended": _C, "in-progress": _P, "stopped": _N, "entered-in-error": _N,
    },
    "FamilyMemberHistory": {
        "completed": _C, "partial": _C, "health-unknown": _N, "entered-in-error": _N,
    },
}  # fmt: skip
_VERIFICATION = {
    "confirmed": _C, "unconfirmed": _D, "provisional": _D, "differential": _D, "refuted": _N, "entered-in-error": _N,
}  # fmt: skip


def standing(resource: Resource) -> Standing:
    """By `status`; of Conditions and allergies by verification. A result without a status is doubtful.

    So is what has a modifier extension: it may turn the meaning around, and none is known here.
    """
    found = _by_status(resource)
    return _D if found is not _N and _is_modified(resource) else found


def _is_modified(resource: Resource) -> bool:
    return bool(resource.get("modifierExtension")) and not is_order(resource)


def _by_status(resource: Resource) -> Standing:
    kind = resource["resourceType"]
    if kind in ("Condition", "AllergyIntolerance"):
        return _verified(resource.get("verificationStatus"))
    table = _BY_STATUS.get(kind)
    if table is None:
        return _N if resource.get("status") == "entered-in-error" else _C
    if resource.get("doNotPerform") is True:
        return _N
    if kind == "DocumentReference":
        by_content = _RESULT.get(str(resource.get("docStatus", "final")), _D)
        return table.get(str(resource.get("status", "current")), _D) if by_content is _C else by_content
    return table.get(str(resource.get("status")), _D)


def _verified(status: Any) -> Standing:
    said = [_VERIFICATION[code] for _, code in codings_of(status) if code in _VERIFICATION]
    if said:
        return min(said, key=[_N, _D, _P, _C].index)
    text = str(mapping(status).get("text", "")).strip().lower()
    return _VERIFICATION.get(text, _C)


def why(resource: Resource, found: Standing) -> str:
    """For a person: why it is not used yet."""
    if _is_modified(resource):
        return "it has a modifier extension, which may turn its meaning around"
    if resource["resourceType"] in ("Condition", "AllergyIntolerance"):
        return "the diagnosis is not confirmed"
    status = resource.get("status")
    status = status if isinstance(status, str) and status.isascii() and len(status) < 20 else "missing"
    return f"the result is {status}, not final" if found is Standing.PENDING else f"its status is {status}"
