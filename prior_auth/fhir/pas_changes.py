"""What an update changes, by comparison with the version before: marks are shown, not relied on (pas.md trap 18)."""

from __future__ import annotations

from dataclasses import dataclass

from prior_auth.fhir.pas_received import ReadItem, ReadRequest, is_cancelled, objects


@dataclass(frozen=True, slots=True)
class Changes:
    """Item numbers, against the version before."""

    unchanged: frozenset[int]
    revised: frozenset[int]
    added: frozenset[int]
    cancelled: frozenset[int]
    information_dropped: bool


def between(before: ReadRequest, now: ReadRequest) -> Changes:
    """What is different in `now`; an item that was cancelled before and still is counts as unchanged."""
    then = {one.sequence: one for one in before.items}
    known = [(one, then[one.sequence]) for one in now.items if one.sequence in then]
    unchanged = frozenset(one.sequence for one, other in known if _same(one, other))
    cancelled = frozenset(one.sequence for one, _ in known if one.cancelled) - unchanged
    return Changes(
        unchanged=unchanged,
        revised=frozenset(one.sequence for one, _ in known) - unchanged - cancelled,
        added=frozenset(one.sequence for one in now.items) - set(then),
        cancelled=cancelled,
        information_dropped=bool(_dropped(now) - _dropped(before)),
    )


def _same(one: ReadItem, other: ReadItem) -> bool:
    if one.cancelled or other.cancelled:
        return one.cancelled and other.cancelled
    asked, then = one.item, other.item
    return (asked.service.key, asked.units, asked.period) == (then.service.key, then.units, then.period)


def _dropped(request: ReadRequest) -> set[int]:
    return {one["sequence"] for one in objects(request.claim.get("supportingInfo")) if is_cancelled(one)}
