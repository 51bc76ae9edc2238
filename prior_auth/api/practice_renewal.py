"""What comes after an authorization: a request of its own, that names the one it goes on from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from prior_auth.api.practice_desk import Practice
from prior_auth.domain.case import Case, CaseStatus
from prior_auth.errors import Conflict
from prior_auth.fhir import json, pas_exchange, pas_request
from prior_auth.fhir.pas_exchange import REQUEST

RENEWED_BY = "renewed-by"  # document of the case that is renewed
_GRANTED = (CaseStatus.CERTIFIED, CaseStatus.MODIFIED)


async def renew(practice: Practice, case_id: str, body: bytes, orders: Sequence[str]) -> Case:
    """Open the request that goes on from this case; the same one again is the same case.

    `body` is the chart as it is now (the order of what comes next in it); empty, the chart as it was kept, with all
    that was added. Raises Conflict where nothing is granted, BadInput, NotFound.
    """
    old = await practice.store.get(case_id)
    if old.status not in _GRANTED:
        raise Conflict("nothing is granted that could be renewed", where=case_id, fix="open a request of its own")
    chart = practice.with_standard_codes(body or _as_bundle(await practice.store.chart(case_id)))
    opening = practice.intake(json.read(chart), orders, old.payer)
    numbers = await _numbers(practice, case_id)
    first = next(iter(numbers.values()), None)
    renews = {order: numbers.get(service, first) for order, service in opening.services.items()}
    key = sha256(json.write(["renewal", case_id, opening.key])).hexdigest()
    case = await practice.begin(
        chart, replace(opening, key=key, request={**opening.request, "renews": renews, "after": case_id})
    )
    await practice.store.keep_document(case_id, RENEWED_BY, {"case": case.id})
    now = practice.clock.now()
    for owner, what, other in ((case_id, "renewed", case.id), (case.id, "renewal-of", case_id)):
        facts, name = {"case": other}, f"{owner}/{what}/{other}"
        await practice.store.note(owner, what, by=practice.person, at=now, facts=facts, key=name)
    return case


async def _numbers(practice: Practice, case_id: str) -> dict[str, str]:
    """The authorization numbers that were given, by the code of the service."""
    messages = await practice.store.messages(case_id)
    kept = [(one, await practice.store.message_body(one.id)) for one in messages]
    answer = pas_exchange.standing(kept).answer
    sent = [pas_request.read(json.read(body)) for message, body in kept if message.kind == REQUEST]
    services = {one.sequence: one.item.service.code for request in sent for one in request.items}
    items = answer.items if answer is not None else ()
    return {services[one.sequence]: one.number for one in items if one.number and one.sequence in services}


def _as_bundle(resources: Sequence[Mapping[str, object]]) -> bytes:
    entries = [{"resource": dict(one)} for one in resources]
    return json.write({"resourceType": "Bundle", "type": "collection", "entry": entries})
