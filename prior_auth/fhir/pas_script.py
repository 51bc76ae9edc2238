"""Decisions that a test rig asks for in the request itself. A payer listens only where its settings say so.

    {"url": SCRIPTED, "valueCode": "deny"}     on Claim.item, or on Claim for all its items

Nothing here decides: it reads what was asked. On a payer without the setting the extension is one of the unknown ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from prior_auth.domain.authorization import Action, DenialReason, ItemDecision, RequestedInformation
from prior_auth.domain.parties import Script
from prior_auth.domain.people import ENGINE
from prior_auth.domain.request import Period
from prior_auth.fhir import codes
from prior_auth.fhir.codes import Json
from prior_auth.fhir.pas_received import ReadItem

SCRIPTED = "urn:prior-auth:scripted-decision"
_BY_THE_SCRIPT = "Asked for by the request: this payer is a test rig."
CONSULT_NOTE = RequestedInformation("11488-4", "Consult note")  # LOINC


class Word(StrEnum):
    """`pend` is followed by an approval some seconds later, `ask` waits for an attachment.

    `everything` fills the answer with every element that PAS wants a payer to be able to return.
    """

    APPROVE = "approve"
    DENY = "deny"
    MODIFY = "modify"
    PEND = "pend"
    ASK = "ask"
    EVERYTHING = "everything"


def asking(word: Word) -> Json:
    """The extension that asks for a decision."""
    return {"url": SCRIPTED, "valueCode": word.value}


def asked_of_item(claim: Mapping[str, Any], sequence: int, by_code: Mapping[str, str]) -> Word | None:
    """What is asked for an item: by its own extension, the Claim's, or its product's code in the payer's table."""
    items = claim.get("item")
    found = [one for one in items if _has(one, sequence)] if isinstance(items, list) else []
    item: Mapping[str, Any] = found[0] if found else {}
    own = _stated(item) or _stated(claim)
    if own is not None and own is not Word.EVERYTHING:
        return own
    product = item.get("productOrService")
    codings = product.get("coding") if isinstance(product, Mapping) else None
    listed = [one.get("code") for one in codings if isinstance(one, Mapping)] if isinstance(codings, list) else []
    return next((Word(by_code[one]) for one in listed if isinstance(one, str) and one in by_code), None)


def asks_everything(claim: Mapping[str, Any]) -> bool:
    """Whether the answer shall show every must-support element."""
    return _stated(claim) is Word.EVERYTHING


def _has(item: Any, sequence: int) -> bool:
    return isinstance(item, Mapping) and item.get("sequence") == sequence


def _stated(element: Mapping[str, Any]) -> Word | None:
    for one in codes.extensions_of(element, SCRIPTED):
        if one.get("valueCode") in set(Word):
            return Word(str(one["valueCode"]))
    return None


def words(
    claim: Mapping[str, Any], items: Sequence[ReadItem], by_code: Mapping[str, str], *, version: int
) -> dict[int, Word]:
    """What the request asks for its items, by sequence; empty where it asks for nothing.

    Once an attachment has come, in a later version, what waited for one is approved.
    """
    found = {one.sequence: asked_of_item(claim, one.sequence, by_code) for one in items}
    later = {Word.ASK: Word.APPROVE} if version > 1 else {}
    return {sequence: later.get(word, word) for sequence, word in found.items() if word is not None}


def decision(asked: ReadItem, word: Word, script: Script, number: Callable[[int], str]) -> ItemDecision:
    """The decision that was asked for. Adverse ones are by the person who runs the rig, as any other."""
    sequence, period = asked.sequence, asked.item.period
    if word is Word.APPROVE:
        units = asked.item.units
        return ItemDecision(sequence, Action.CERTIFY, ENGINE, number=number(sequence), period=period, units=units)
    if word is Word.DENY:
        reason, said = DenialReason.NOT_MEDICALLY_NECESSARY, _BY_THE_SCRIPT
        return ItemDecision(sequence, Action.DENY, script.by, reason=reason, narrative=said)
    if word is Word.MODIFY:
        return ItemDecision(
            sequence,
            Action.MODIFY,
            script.by,
            number=number(sequence),
            period=_shorter(period),
            units=asked.item.units / 2 if asked.item.units else Decimal(1),
            reason=DenialReason.QUANTITY_OR_DURATION_EXCEEDED,
            narrative=_BY_THE_SCRIPT,
        )
    wanted = (CONSULT_NOTE,) if word is Word.ASK else ()
    return ItemDecision(sequence, Action.PEND, ENGINE, requested=wanted)


def _shorter(period: Period | None) -> Period | None:
    """The first half of it."""
    if period is None or period.start is None or period.end is None:
        return period
    half = (period.end - period.start) // timedelta(days=2)
    return Period(period.start, period.start + timedelta(days=half))
