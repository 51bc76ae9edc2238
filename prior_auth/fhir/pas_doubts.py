"""Slips of other payers' answers that may not be guessed at: what is odd is named, and a person clears it up.

Labels that contradict their code are known (a reference implementation calls A2 "Not Certified" and A3 "Not Required",
which X12 has as certified in part and not certified): neither word is believed then, and the item is undecided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from prior_auth.domain.determination import Determination, Doubt, ItemDetermination, ReviewAction
from prior_auth.fhir import codes
from prior_auth.fhir.bundle import Index
from prior_auth.fhir.pas_received import objects

_GRANTING = (ReviewAction.CERTIFIED, ReviewAction.MODIFIED)
# What a label says, the first that fits; one that says nothing of these contradicts nothing.
_LABELS = (
    (("not required", "not needed", "no action"), None),
    (("not certified", "non-certified", "noncertified", "denied", "denial"), ReviewAction.NOT_CERTIFIED),
    (("pend",), ReviewAction.PENDED),
    (("modif", "partial", "in part"), ReviewAction.MODIFIED),
    (("cancel",), ReviewAction.CANCELLED),
    (("certified", "approved"), ReviewAction.CERTIFIED),
)


def told(read: Determination, response: Mapping[str, Any], *, answers: int, came_along: Index) -> Determination:
    """The determination with its doubts; items whose word cannot be trusted are undecided in it."""
    labels = dict(_contradictions(read, response))
    twice = _said_twice(read)
    items = tuple(
        replace(one, action=ReviewAction.UNDECIDED) if one.sequence in labels or one.sequence in twice else one
        for one in read.items
    )
    found = [
        *(Doubt(f"item {number}", f"its code is labelled {label!r}") for number, label in labels.items()),
        *(Doubt(f"item {number}", "is decided twice, and not alike") for number in sorted(twice)),
        *_of_items(items, response),
        *_of_the_whole(read, response, answers, came_along),
    ]
    return replace(read, items=items, doubts=tuple(dict.fromkeys(found)))


def _contradictions(read: Determination, response: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    actions = {one.sequence: one.action for one in read.items}
    for element in objects(response.get("item")):
        number = _number(element)
        for coding in _review_codings(element):
            label = str(coding.get("display") or "")
            says = _says(label)
            if number in actions and says is not _NOTHING and says is not actions[number]:
                yield number, label[:40]


def _number(element: Mapping[str, Any]) -> Any:
    """Its item's number, whether it stands alone or in a list; None for anything else."""
    stated = element.get("itemSequence")
    first = stated[0] if isinstance(stated, list) and stated else stated
    return first if isinstance(first, int) else None


_NOTHING = object()


def _says(label: str) -> object:
    lowered = label.lower()
    return next((action for words, action in _LABELS if any(one in lowered for one in words)), _NOTHING)


def _review_codings(element: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for adjudication in objects(element.get("adjudication")):
        action = codes.pas_extension(adjudication, "reviewAction") or {}
        stated = codes.extensions_of(action, f"{codes.PAS}extension-reviewActionCode")
        for part in stated or codes.extensions_of(action, "code"):
            concept = part.get("valueCodeableConcept")
            yield from objects(concept.get("coding")) if isinstance(concept, Mapping) else ()


def _said_twice(read: Determination) -> set[int]:
    words = {(one.sequence, one.action) for one in read.items}
    return {number for number, times in Counter(number for number, _ in words).items() if times > 1}


def _of_items(items: tuple[ItemDetermination, ...], response: Mapping[str, Any]) -> Iterator[Doubt]:
    known = {one.sequence for one in items}
    for place, element in enumerate(objects(response.get("item"))):
        where = f"ClaimResponse.item[{place}]"
        if _number(element) not in known:
            yield Doubt(where, "names no item by its number")
        unknown = [str(one.get("code")) for one in _review_codings(element) if one.get("code") not in _KNOWN]
        if unknown:
            yield Doubt(where, f"has the review action {unknown[0][:10]}, which is not known here")
    for one in items:
        if one.action is ReviewAction.MODIFIED and one.grant is None:
            yield Doubt(f"item {one.sequence}", "is modified, and what is granted is not said")


_KNOWN = ("A1", "A2", "A3", "A4", "A6", "C")


def _of_the_whole(read: Determination, response: Mapping[str, Any], answers: int, came_along: Index) -> Iterator[Doubt]:
    outcome = response.get("outcome")
    if answers > 1:
        yield Doubt("Bundle.entry", f"holds {answers} answers; the first was read")
    if outcome == "error" and any(one.action in _GRANTING for one in read.items):
        yield Doubt("ClaimResponse.outcome", "calls the answer an error while items are granted")
    undecided = [one for one in read.items if one.action is ReviewAction.UNDECIDED]
    if outcome == "complete" and undecided and len(undecided) == len(read.items):
        yield Doubt("ClaimResponse.item", "calls itself complete and decides nothing")
    if outcome == "complete" and not read.items and not read.extra:
        yield Doubt("ClaimResponse.item", "calls itself complete and answers no item")
    asks = bool(objects(response.get("communicationRequest")))
    if asks and not any(one.resource["resourceType"] == "CommunicationRequest" for one in came_along.entries):
        yield Doubt("ClaimResponse.communicationRequest", "asks for something that did not come along")
