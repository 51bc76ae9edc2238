"""Changes of a request that is with the payer: whole new versions, judged by the payer, down to the cancellation."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from prior_auth.fhir import json, pas_changes, pas_request
from prior_auth.fhir.pas_exchange import REQUEST
from prior_auth.fhir.validate import validate

Json = dict[str, Any]


async def opened(joined: Any, companies: Any, story: str) -> str:
    answer = await joined.http.post("/api/cases", content=companies.chart(story))
    return str(answer.json()["id"])


async def sent(joined: Any, companies: Any) -> str:
    """A case whose request is certified."""
    case_id = await opened(joined, companies, "breast-her2-adjuvant")
    if (await joined.store.get(case_id)).version == 0:
        await joined.http.post(f"/api/cases/{case_id}/release?how=complete")
    assert (await joined.store.get(case_id)).status.value == "certified"
    return case_id


async def change(joined: Any, case_id: str, **stated: Any) -> Any:
    return await joined.http.post(f"/api/cases/{case_id}/changes", content=json.write(stated))


async def order_of(joined: Any, case_id: str) -> Json:
    asked = (await joined.store.request(case_id))["orders"]
    chart = await joined.store.chart(case_id)
    return copy.deepcopy(next(one for one in chart if f"{one['resourceType']}/{one.get('id')}" == asked[0]))


async def versions(joined: Any, case_id: str) -> list[Json]:
    kept = [one for one in await joined.store.messages(case_id) if one.kind == REQUEST]
    return [json.read(await joined.store.message_body(one.id)) for one in kept]


def items(bundle: Json) -> list[tuple[int, bool]]:
    return [(one.sequence, one.cancelled) for one in pas_request.read(bundle).items]


async def test_cancelling_all_is_an_update_that_the_payer_takes_note_of(
    joined: Any, payer: Any, companies: Any
) -> None:
    case_id = await sent(joined, companies)
    assert (await change(joined, case_id, cancel=True)).status_code == 202
    assert (await joined.store.get(case_id)).status.value == "withdrawn"
    first, second = await versions(joined, case_id)
    assert [one for one in validate(second) if one.severity == "error"] == []
    assert items(second) == [(1, True)]
    read = pas_request.read(second)
    assert read.cancelled
    assert read.prior_claim_identifiers == pas_request.read(first).claim_identifiers
    authorization = (await payer.store.authorizations())[0]
    assert (authorization.status.value, authorization.version) == ("cancelled", 2)
    assert (await change(joined, case_id, drop=["Observation/x"])).status_code == 409
    assert len(await versions(joined, case_id)) == 2


@pytest.mark.requirement("spec-63")
async def test_a_revised_quantity_keeps_its_number_and_is_judged_anew_once(
    joined: Any, payer: Any, companies: Any
) -> None:
    case_id = await sent(joined, companies)
    order = await order_of(joined, case_id)
    before = (await payer.store.decisions((await payer.store.authorizations())[0].id))[0]
    order["dispenseRequest"]["quantity"]["value"] -= 10
    for _ in range(2):
        await change(joined, case_id, orders=[order])
    first, second = (pas_request.read(one) for one in await versions(joined, case_id))
    difference = pas_changes.between(first, second)
    assert (difference.revised, difference.unchanged) == ({1}, frozenset())
    assert second.items[0].change == "changed"
    authorization = (await payer.store.authorizations())[0]
    now = (await payer.store.decisions(authorization.id))[0]
    assert authorization.version == 2
    assert "This version: item 1 revised." in (await payer.http.get(f"/requests/{authorization.id}")).text
    assert (now.action.value, now.units != before.units) == ("certify", True)
    assert (await joined.store.get(case_id)).status.value == "certified"


@pytest.mark.requirement("spec-63")
async def test_an_added_order_is_a_new_item_and_what_was_decided_stands(
    joined: Any, payer: Any, companies: Any
) -> None:
    case_id = await sent(joined, companies)
    more = {**await order_of(joined, case_id), "id": "second-order"}
    answer = await change(joined, case_id, orders=[more])
    assert answer.status_code == 202, answer.text
    second = (await versions(joined, case_id))[1]
    assert items(second) == [(1, False), (2, False)]
    assert [one.change for one in pas_request.read(second).items] == [None, "added"]
    authorization = (await payer.store.authorizations())[0]
    decisions = await payer.store.decisions(authorization.id)
    assert [one.sequence for one in decisions] == [1, 2]
    assert decisions[0].number == authorization.number(1)

    await change(joined, case_id, cancel=["MedicationRequest/second-order"])
    third = (await versions(joined, case_id))[2]
    assert items(third) == [(1, False), (2, True)]
    assert (await payer.store.authorizations())[0].status.value == "certified"
    assert (await joined.store.get(case_id)).status.value == "certified"

    await change(joined, case_id, orders=[more])
    assert items((await versions(joined, case_id))[3]) == [(1, False), (2, True), (3, False)]


async def test_dropped_evidence_is_marked_and_what_rested_on_it_is_judged_by_a_person(
    joined: Any, payer: Any, companies: Any
) -> None:
    case_id = await sent(joined, companies)
    read = pas_request.read((await versions(joined, case_id))[0])
    lvef = next(one for one in read.evidence if one.startswith("Observation/") and "lvef" in one.lower())
    await change(joined, case_id, drop=[lvef])
    second = pas_request.read((await versions(joined, case_id))[1])
    assert lvef not in second.evidence
    assert set(read.evidence) - {lvef} <= set(second.evidence)
    assert (await payer.store.authorizations())[0].status.value == "pended"


async def test_a_request_that_was_never_sent_is_withdrawn_without_a_word(
    joined: Any, payer: Any, companies: Any
) -> None:
    case_id = await opened(joined, companies, "breast-her2-gap")
    await change(joined, case_id, cancel=True)
    assert (await joined.store.get(case_id)).status.value == "withdrawn"
    assert await joined.store.messages(case_id) == []
    assert await payer.store.authorizations() == []


async def test_an_update_that_the_payer_refuses_leaves_its_word_and_asks_a_person(
    joined: Any, payer: Any, companies: Any
) -> None:
    """The payer has denied meanwhile, and nothing has told us: there is no subscription here."""
    case_id = await opened(joined, companies, "breast-her2-gap")
    await joined.http.post(f"/api/cases/{case_id}/release?how=with-gaps")
    found = (await payer.store.authorizations())[0]
    denial = {
        "sequence": 1,
        "action": "deny",
        "reason": "MISSING_DOCUMENT",
        "narrative": "No ejection fraction was sent.",
    }
    await payer.http.post(f"/api/authorizations/{found.id}/decisions", content=json.write(denial))
    await change(joined, case_id, cancel=True)
    said = [one.what for one in await joined.store.timeline(case_id)]
    assert "task:update-refused" in said
    case = await joined.store.get(case_id)
    assert case.status.value in ("pended", "information-requested")
    assert (await payer.store.get(found.id)).version == 1


UNSOUND: list[tuple[Json, str]] = [
    ({}, "cancel"),
    ({"cancel": ["MedicationRequest/none"]}, "cancel"),
    ({"cancel": 7}, "cancel"),
    ({"orders": [{"resourceType": "Patient", "id": "x"}]}, "orders"),
    ({"orders": "x"}, "orders"),
    ({"drop": ["x"]}, "drop"),
    ({"more": 1}, "more"),
]


async def test_a_change_that_says_nothing_sound_is_refused_by_its_field(joined: Any, companies: Any) -> None:
    case_id = await opened(joined, companies, "breast-her2-gap")
    for stated, where in UNSOUND:
        answer = await change(joined, case_id, **stated)
        assert (answer.status_code, answer.json()["error"]["where"]) == (400, where)


async def test_people_ask_change_and_cancel_at_the_window(joined: Any, payer: Any, companies: Any) -> None:
    case_id = await sent(joined, companies)
    page = (await joined.http.get(f"/cases/{case_id}")).text
    assert all(words in page for words in ("Ask what became of it", "Send the change", "Cancel it", "renewal"))
    order = await order_of(joined, case_id)
    order["dispenseRequest"]["quantity"]["value"] -= 10
    files = {"file": ("order.json", json.write(order), "application/json")}
    answers = [
        await joined.http.post(f"/cases/{case_id}/inquiry"),
        await joined.http.post(f"/cases/{case_id}/orders", files=files),
        await joined.http.post(f"/cases/{case_id}/cancel", data={"order": ""}),
    ]
    assert [one.status_code for one in answers] == [303, 303, 303]
    assert len(await versions(joined, case_id)) == 3
    page = (await joined.http.get(f"/cases/{case_id}")).text
    assert "Withdrawn" in page
    assert "Cancel it" not in page
