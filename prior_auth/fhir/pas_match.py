"""Which authorizations an inquiry means: its member always, then whatever else it states (pas.md 1.14)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from prior_auth.domain.authorization import Action, ItemDecision
from prior_auth.domain.request import Period
from prior_auth.fhir import codes
from prior_auth.fhir.pas_inquiry import AskedItem, Inquiry, numbers_of, overlap
from prior_auth.fhir.pas_people import People
from prior_auth.fhir.pas_received import ReadItem, ReadRequest, codings_of, objects

_SAID = {
    Action.CERTIFY: codes.CERTIFIED,
    Action.DENY: codes.NOT_CERTIFIED,
    Action.PEND: codes.PENDED,
    Action.MODIFY: codes.MODIFIED,
}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one authorization. `numbers` are all it was ever known by, those it replaced included;
    `decided_on` is the day of the last word."""

    request: ReadRequest
    people: People
    decisions: tuple[ItemDecision, ...]
    numbers: frozenset[str]
    decided_on: date | None


def stated_numbers(request: ReadRequest) -> frozenset[str]:
    """The numbers that a request itself names: its predecessor's, in a renewal."""
    elements: Sequence[Mapping[str, Any]] = (request.claim, *objects(request.claim.get("item")))
    return frozenset(number for element in elements for number in numbers_of(element))


def matches(inquiry: Inquiry, known: Known) -> bool:
    """Is this authorization asked for, and may the inquirer see it?

    Items are alternatives, and so are diagnoses; what one item states has to hold together. Days that a request does
    not state exclude nothing. The inquiry's own identifier is no search key.
    """
    if not known.people.may_read(inquiry.people):
        return False
    if _are_others(inquiry.people.payers, known.people.payers):
        return False
    if inquiry.numbers and not inquiry.numbers & known.numbers:
        return False
    if inquiry.diagnoses and not inquiry.diagnoses & _diagnoses(known.request):
        return False
    items = known.request.items
    if inquiry.period is not None and not any(overlap(one.item.period, inquiry.period) for one in items):
        return False
    return not inquiry.items or any(_is(asked, one, known) for asked in inquiry.items for one in items)


def last_day(request: ReadRequest, decisions: Sequence[ItemDecision]) -> date | None:
    """The planned end of service: the latest day asked for or granted; None where none is stated."""
    days = [one.item.period.end for one in request.items]
    days += [one.period.end for one in decisions if one.period is not None]
    return max((one for one in days if one is not None), default=None)


def _is(asked: AskedItem, item: ReadItem, known: Known) -> bool:
    decision = next((one for one in known.decisions if one.sequence == item.sequence), None)
    if asked.services and not {one.key for one in asked.services} & {one.key for one in item.item.codings}:
        return False
    if asked.period is not None and not overlap(item.item.period, asked.period):
        return False
    if asked.review_action is not None and asked.review_action != _said(decision):
        return False
    return all(_dated(what, period, decision, known.decided_on) for what, period in asked.certified)


def _said(decision: ItemDecision | None) -> str:
    return _SAID.get(decision.action, "") if decision is not None else codes.PENDED


def _dated(what: str, asked: Period, decision: ItemDecision | None, decided_on: date | None) -> bool:
    if decision is None or decision.action not in (Action.CERTIFY, Action.MODIFY):
        return False
    granted = decision.period or Period(None, None)
    day = {"issue": decided_on, "effective": granted.start, "expiration": granted.end}[what]
    return day is not None and overlap(asked, Period(day, day))


def _are_others(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two payers differ: a number of the same kind is another. By different kinds nothing is known of it."""
    kinds = {number.rpartition("|")[0] for number in one} & {number.rpartition("|")[0] for number in other}
    return bool(kinds) and not one & other


def _diagnoses(request: ReadRequest) -> frozenset[str]:
    stated = objects(request.claim.get("diagnosis"))
    return frozenset(code.code for one in stated for code in codings_of(one.get("diagnosisCodeableConcept")))
