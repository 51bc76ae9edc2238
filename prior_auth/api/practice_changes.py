"""What people at the practice want changed in a request that is with the payer, or on its way there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prior_auth import changes
from prior_auth.api.practice_desk import Practice, check, digest
from prior_auth.changes import Change
from prior_auth.domain.case import Case, CaseStatus
from prior_auth.errors import BadInput, Conflict
from prior_auth.fhir import json

_OVER = {
    CaseStatus.NOT_CERTIFIED: "a denied request takes no update: appeal, or ask anew",
    CaseStatus.WITHDRAWN: "it is withdrawn: ask anew",
    CaseStatus.NOT_REQUIRED: "nothing was asked for",
    CaseStatus.NOT_BY_PAS: "nothing was asked for",
}
_FIELDS = ("cancel", "orders", "drop")


async def change(practice: Practice, case_id: str, stated: Mapping[str, Any]) -> Case:
    """Take up a wish: `cancel` is true or a list of orders, `orders` are FHIR orders (revised ones under the id they
    have, new ones under a new id), `drop` lists evidence that is not to be used any more.

    Raises BadInput with the field, Conflict where the request takes no update, NotFound.
    """
    case = await practice.store.get(case_id)
    if case.status in _OVER:
        raise Conflict(f"this request is {case.status.value}", where=case_id, fix=_OVER[case.status])
    if unknown := set(stated) - set(_FIELDS):
        raise BadInput("no such field", where=min(unknown), fix=f"use {', '.join(_FIELDS)}")
    before = await changes.wanted(practice.store, case_id)
    asked = [*(await practice.store.request(case_id))["orders"], *before.added]
    cancel_all, cancelled = _cancelled(stated.get("cancel", []), asked)
    orders = _orders(stated.get("orders", []))
    dropped = _references(stated.get("drop", []), "drop")
    if not (cancel_all or cancelled or orders or dropped):
        raise BadInput("nothing is to be changed", where="cancel", fix=f"state one of {', '.join(_FIELDS)}")
    patient = await practice.patient(case_id)
    for order in orders:
        check(order, patient=patient)
    names = [f"{one['resourceType']}/{one['id']}" for one in orders]
    added = [one for one in names if one not in asked or one in before.cancelled]
    wish = before.wished(cancel_all=cancel_all, cancelled=cancelled, added=added, dropped=dropped)
    if not wish.orders((await practice.store.request(case_id))["orders"]):
        wish = before.wished(cancel_all=True)
    await _keep(practice, case_id, wish, orders, stated)
    return case


async def _keep(
    practice: Practice, case_id: str, wish: Change, orders: Sequence[dict[str, Any]], stated: Mapping[str, Any]
) -> None:
    """The same wish twice, one after the other, is one: the second press changes nothing."""
    name, now = digest(stated), practice.clock.now()
    if await practice.store.document(case_id, "change-pressed") == name:
        return
    key = f"{case_id}/change/{wish.number}"
    for order in orders:
        # By wish, not by content: an order may come back to what it was two wishes ago.
        order_key = f"{key}/{digest(order)}"
        await practice.store.add_evidence(case_id, order, key=order_key, by=practice.person, at=now)
    await changes.keep(practice.store, case_id, wish)
    await practice.store.keep_document(case_id, "change-pressed", name)
    facts = {"cancelled": "all" if wish.cancel_all else str(len(wish.cancelled)), "wish": str(wish.number)}
    await practice.store.note(case_id, "change-wished", by=practice.person, at=now, facts=facts, key=key)
    await practice.store.stir(case_id)
    await practice.stories.nudge(case_id)


def _cancelled(stated: Any, asked: Sequence[str]) -> tuple[bool, list[str]]:
    if isinstance(stated, bool):
        return stated, []
    named = _references(stated, "cancel")
    for one in named:
        if one not in asked:
            raise BadInput("no order of this request", where="cancel", fix=f"name one of {', '.join(asked)}")
    return False, named


def _references(stated: Any, where: str) -> list[str]:
    if not isinstance(stated, list) or not all(isinstance(one, str) and "/" in one for one in stated):
        raise BadInput("not a list of references", where=where, fix='write ["Type/id", …]')
    return stated


def _orders(stated: Any) -> list[dict[str, Any]]:
    kinds = ("MedicationRequest", "ServiceRequest", "DeviceRequest")
    if not isinstance(stated, list) or not all(isinstance(one, Mapping) for one in stated):
        raise BadInput("not a list of orders", where="orders", fix="send FHIR orders")
    for one in stated:
        if one.get("resourceType") not in kinds or not isinstance(one.get("id"), str):
            raise BadInput("not an order with its id", where="orders", fix=f"send {', '.join(kinds)}, each with its id")
    return [json.read(json.write(one)) for one in stated]
