"""Decisions that a test rig asks for in the request itself. A payer listens only where its settings say so.

    {"url": SCRIPTED, "valueCode": "deny"}     on Claim.item, or on Claim for all its items

Nothing here decides: it reads what was asked. On a payer without the setting the extension is one of the unknown ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from prior_auth.fhir import codes
from prior_auth.fhir.codes import Json

SCRIPTED = "urn:prior-auth:scripted-decision"


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
