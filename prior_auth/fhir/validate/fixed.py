"""Fixed and pattern values: whether a value is what a profile wants there, and how that is shown."""

from __future__ import annotations

from typing import Any

from prior_auth.fhir.validate import membership
from prior_auth.r4.definitions import Fixed


def fits(fixed: Fixed, value: Any) -> bool:
    return _equal(fixed.value, value) if fixed.exact else _holds(fixed.value, value)


def _holds(pattern: Any, value: Any) -> bool:
    """pattern[x]: all that the pattern names is there, lists in any order."""
    if isinstance(pattern, dict):
        if not isinstance(value, dict):
            return False
        return all(key in value and _holds(part, value[key]) for key, part in pattern.items())
    if isinstance(pattern, list):
        return isinstance(value, list) and all(any(_holds(part, one) for one in value) for part in pattern)
    return _equal(pattern, value)


def _equal(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def shown(value: Any) -> str:
    """A fixed value in short: codes as system#code."""
    if isinstance(value, dict):
        codes = [f"{system or ''}#{code}" for system, code in membership.codes_in(value)]
        return ", ".join(codes) if codes else ", ".join(f"{key}={shown(part)}" for key, part in value.items())
    if isinstance(value, list):
        return " and ".join(shown(part) for part in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
