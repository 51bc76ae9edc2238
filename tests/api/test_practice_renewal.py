"""What comes after an authorization: reminded of in time, asked for with its number, found by the old one."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, time, timedelta
from typing import Any

from prior_auth.fhir import codes, json, pas_inquiry, pas_request, pas_response
from prior_auth.fhir.pas_exchange import REQUEST, RESPONSE
from prior_auth.fhir.validate import validate

Json = dict[str, Any]


async def certified(joined: Any, companies: Any, chart: bytes | None = None, query: str = "") -> str:
    answer = await joined.http.post(f"/api/cases{query}", content=chart or companies.chart("breast-her2-adjuvant"))
    assert answer.status_code == 202, answer.text
    case_id = str(answer.json()["id"])
    if (await joined.store.get(case_id)).version == 0:
        await joined.http.post(f"/api/cases/{case_id}/release?how=complete")
    return case_id


async def message(joined: Any, case_id: str, kind: str) -> Json:
    kept = next(one for one in await joined.store.messages(case_id) if one.kind == kind)
    found: Json = json.read(await joined.store.message_body(kept.id))
    return found


async def test_a_renewal_names_what_it_goes_on_from_and_takes_its_place(
    joined: Any, payer: Any, companies: Any
) -> None:
    old = await certified(joined, companies)
    number = pas_response.read(await message(joined, old, RESPONSE)).items[0].number
    answer = await joined.http.post(f"/api/cases/{old}/renewal", content=b"")
    assert answer.status_code == 202, answer.text
    new = str(answer.json()["id"])
    assert new != old
    if (await joined.store.get(new)).version == 0:
        await joined.http.post(f"/api/cases/{new}/release?how=complete")
    sent = await message(joined, new, REQUEST)
    assert [one for one in validate(sent) if one.severity == "error"] == []
    item = sent["entry"][0]["resource"]["item"][0]
    assert pas_request.read(sent).items[0].item.renews == number
    said = codes.pas_extension(item, "certificationType")
    assert said is not None
    assert said["valueCodeableConcept"]["coding"][0]["code"] == "R"

    again = await joined.http.post(f"/api/cases/{old}/renewal", content=b"")
    assert again.json()["id"] == new

    stamp = pas_request.Stamp("q", "q", datetime.now(UTC))
    question = json.write(pas_inquiry.build(await message(joined, old, REQUEST), numbers={1: number}, stamp=stamp))
    found = pas_inquiry.read_answer(json.read((await payer.fhir("Claim/$inquire", question)).content))
    assert [one.items[0].number for _, one in found] == [
        pas_response.read(await message(joined, new, RESPONSE)).items[0].number
    ]


async def test_nothing_that_was_not_granted_is_renewed(joined: Any, companies: Any) -> None:
    answer = await joined.http.post("/api/cases", content=companies.chart("breast-her2-gap"))
    refused = await joined.http.post(f"/api/cases/{answer.json()['id']}/renewal", content=b"")
    assert refused.status_code == 409


class Later:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


async def test_somebody_is_reminded_before_what_was_granted_ends(
    joined: Any, payer: Any, companies: Any, tmp_path: Any
) -> None:
    case_id = await certified(joined, companies)
    until = pas_response.read(await message(joined, case_id, RESPONSE)).granted_until
    assert until is not None
    end = datetime.combine(until, time(), UTC)
    async with companies.practice(tmp_path, url="http://practice.example", payer_url="http://nowhere.example") as side:
        hands = side.activities()

        async def asked(at: datetime) -> Any:
            hands.clock = Later(at)
            return await hands.renewal(case_id)

        assert (await asked(end - timedelta(days=60))).at == end - timedelta(days=30)
        assert (await asked(end - timedelta(days=30))).at == end - timedelta(days=23)
        assert (await asked(end - timedelta(days=3))).at == end
        tasks = [one.what for one in await joined.store.timeline(case_id) if one.what.startswith("task:")]
        assert tasks == ["task:renewal-due", "task:renewal-due"]
        await joined.http.post(f"/api/cases/{case_id}/renewal", content=b"")
        assert (await asked(end - timedelta(days=2))).why == "renewed"


def regimen(companies: Any, *, group: bool) -> bytes:
    """The story's chart with a second drug ordered beside the first, perhaps as one regimen."""
    bundle = json.read(companies.chart("breast-her2-adjuvant"))
    entry = next(one for one in bundle["entry"] if one["resource"]["resourceType"] == "MedicationRequest")
    second = copy.deepcopy(entry)
    second["resource"]["id"] = "second"
    second["fullUrl"] = entry["fullUrl"].rpartition("/")[0] + "/second"
    if group:
        for one in (entry, second):
            one["resource"]["groupIdentifier"] = {"system": "urn:example:regimen", "value": "tch-1"}
    bundle["entry"].append(second)
    return json.write(bundle)


async def test_a_regimen_is_one_request_with_an_item_for_each_order(joined: Any, payer: Any, companies: Any) -> None:
    case_id = await certified(joined, companies, regimen(companies, group=True))
    sent = await message(joined, case_id, REQUEST)
    assert [one for one in validate(sent) if one.severity == "error"] == []
    assert [one.sequence for one in pas_request.read(sent).items] == [1, 2]
    assert len(await payer.store.authorizations()) == 1
    assert (await joined.store.get(case_id)).status.value == "certified"


async def test_several_orders_that_nobody_grouped_have_to_be_named(joined: Any, companies: Any) -> None:
    chart = regimen(companies, group=False)
    refused = await joined.http.post("/api/cases", content=chart)
    assert refused.status_code == 400
    assert "regimen" in refused.json()["error"]["fix"]
    orders = [
        f"MedicationRequest/{one['resource']['id']}"
        for one in json.read(chart)["entry"]
        if one["resource"]["resourceType"] == "MedicationRequest" and one["resource"]["status"] == "active"
    ]
    query = "?" + "&".join(f"order={one}" for one in orders)
    answer = await joined.http.post(f"/api/cases{query}", content=chart)
    assert answer.status_code == 202, answer.text
    assert (await joined.store.request(answer.json()["id"]))["orders"] == orders


async def test_a_request_group_is_one_request_and_each_of_its_orders_is_answered(joined: Any, companies: Any) -> None:
    case_id = await certified(joined, companies, companies.chart("breast-tch-regimen"))
    sent = await message(joined, case_id, REQUEST)
    assert [one for one in validate(sent) if one.severity == "error"] == []
    items = pas_request.read(sent).items
    assert [(one.sequence, one.item.service.code) for one in items] == [
        (1, "Q5117"), (2, "J9171"), (3, "J9045"), (4, "Q5108")
    ]  # fmt: skip
    answered = pas_response.read(await message(joined, case_id, RESPONSE)).items
    assert [(one.sequence, one.action.value) for one in answered] == [(number, "certified") for number in (1, 2, 3, 4)]
    assert len({one.number for one in answered}) == 4
    assert "RequestGroup" not in str(sent)


async def test_one_order_of_a_regimen_waits_for_a_person_while_the_others_are_certified(
    joined: Any, payer: Any, companies: Any
) -> None:
    bundle = json.read(companies.chart("breast-tch-regimen"))
    orders = [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == "MedicationRequest"]
    product = next(one["medicationCodeableConcept"] for one in orders if one["id"].endswith("order-4"))
    product["coding"] = [
        {**one, "code": "J2506"} if one["code"] == "Q5108" else one for one in product["coding"]
    ]  # the originator, by preference
    next(one for one in orders if one["id"].endswith("order-4"))["note"] = [{"text": "Patient prefers Neulasta."}]
    case_id = await certified(joined, companies, json.write(bundle))
    answered = pas_response.read(await message(joined, case_id, RESPONSE)).items
    assert [one.action.value for one in answered] == ["certified", "certified", "certified", "pended"]
    (kept,) = await payer.store.authorizations()
    assert (kept.status.value, kept.waiting_for) == ("pended", "clinician")
