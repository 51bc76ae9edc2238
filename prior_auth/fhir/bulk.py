"""A bulk export holds many patients; one patient's chart is what is theirs, and what that refers to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prior_auth.errors import BadInput
from prior_auth.fhir.bundle import references

Resource = dict[str, Any]

_OWNERS = ("subject", "patient", "beneficiary")
_STEPS = 4  # an order's drug, its manufacturer; a result's specimen, its collector: as with a server


def of_patient(resources: Sequence[Resource], patient: str) -> list[Resource]:
    """The resources of `Patient/<patient>` in their order, with the people, places, drugs they refer to.

    What belongs to another patient never comes along, whoever refers to it. Raises BadInput where there is no such
    Patient.
    """
    own = f"Patient/{patient}"
    kept = {number for number, each in enumerate(resources) if _reference(each) == own or own in _owners(each)}
    if not any(_reference(resources[number]) == own for number in kept):
        raise BadInput("the export has no such patient", where="Patient", fix="name a Patient of the export")
    shared = {
        _reference(each): number
        for number, each in enumerate(resources)
        if not _owners(each) and each.get("resourceType") not in ("Patient", "Group")
    }
    newest = set(kept)
    for _ in range(_STEPS):
        named = {_local(reference) for number in newest for reference in references(resources[number])}
        newest = {shared[reference] for reference in named if reference in shared} - kept
        kept |= newest
    return [each for number, each in enumerate(resources) if number in kept]


def _reference(resource: Mapping[str, Any]) -> str:
    return f"{resource.get('resourceType')}/{resource.get('id')}"


def _owners(resource: Mapping[str, Any]) -> list[str]:
    """Whose it is, as `Patient/id`; none of what belongs to nobody."""
    if resource.get("resourceType") == "Patient":
        return []
    stated = [resource.get(element) for element in _OWNERS]
    texts = [each.get("reference") for each in stated if isinstance(each, Mapping)]
    return [_local(text) for text in texts if isinstance(text, str)]


def _local(reference: str) -> str:
    return "/".join(reference.partition("/_history")[0].split("/")[-2:])
