"""`Claim/$inquire` at the payer's door: every match once, by its current word, for those who may see it."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from prior_auth.api import payer_inquiry
from prior_auth.fhir import codes, json, pas_inquiry, pas_request
from prior_auth.fhir.validate import validate
from prior_auth.store import tables

Json = dict[str, Any]


def question(sent: bytes, number: str | None = None) -> bytes:
    stamp = pas_request.Stamp("q/1", "q-1", datetime.now(UTC))
    return json.write(pas_inquiry.build(json.read(sent), numbers={1: number} if number else {}, stamp=stamp))


def claim(bundle: Json) -> Json:
    return bundle["entry"][0]["resource"]


def renewed(sent: bytes, *, number: str) -> bytes:
    """The same order asked for again, naming the authorization that it goes on from."""
    bundle = copy.deepcopy(json.read(sent))
    bundle["identifier"]["value"] += "-renewal"
    claim(bundle)["identifier"][0]["value"] += "-renewal"
    claim(bundle)["item"][0]["extension"].append(codes.extension("authorizationNumber", valueString=number))
    return json.write(bundle)


async def ask(payer: Any, body: bytes) -> list[Any]:
    answer = await payer.fhir("Claim/$inquire", body)
    assert answer.status_code == 200, answer.text
    return [one for _, one in pas_inquiry.read_answer(json.read(answer.content))]


@pytest.mark.requirement("spec-46")
async def test_an_inquiry_gives_the_word_that_stands(payer: Any, complete: bytes) -> None:
    await payer.fhir("Claim/$submit", complete)
    answer = await payer.fhir("Claim/$inquire", question(complete))
    parameters = json.read(answer.content)
    assert [one for one in validate(parameters) if one.severity == "error"] == []
    ((_, found),) = pas_inquiry.read_answer(parameters)
    kept = (await payer.store.authorizations())[0]
    assert (found.overall.value, found.items[0].number) == ("certified", kept.number(1))
    assert [one.what for one in await payer.store.timeline(kept.id)].count("inquired") == 1


async def test_nothing_that_fits_is_an_empty_answer(payer: Any, complete: bytes) -> None:
    assert await ask(payer, question(complete)) == []
    await payer.fhir("Claim/$submit", complete)
    assert await ask(payer, question(complete, "AUTH-OTHER-1")) == []


async def test_several_that_fit_are_all_answered(payer: Any, complete: bytes) -> None:
    await payer.fhir("Claim/$submit", complete)
    other = json.read(complete)
    other["identifier"]["value"] += "-other"
    claim(other)["identifier"][0]["value"] += "-other"
    await payer.fhir("Claim/$submit", json.write(other))
    found = await ask(payer, question(complete))
    assert len({one.items[0].number for one in found}) == 2


@pytest.mark.requirement("spec-47")
async def test_spec_47_a_reference_of_the_pend_finds_what_became_of_it(payer: Any, incomplete: bytes) -> None:
    await payer.fhir("Claim/$submit", incomplete)
    kept = (await payer.store.authorizations())[0]
    (pended,) = await ask(payer, question(incomplete, kept.reference))
    assert (pended.overall.value, pended.items[0].administration_reference) == ("pended", kept.reference)
    approval = {"sequence": 1, "action": "certify"}
    await payer.http.post(f"/api/authorizations/{kept.id}/decisions", content=json.write(approval))
    (certified,) = await ask(payer, question(incomplete, kept.reference))
    assert (certified.overall.value, certified.items[0].number) == ("certified", kept.number(1))


@pytest.mark.requirement("spec-48")
async def test_spec_48_a_replaced_number_finds_the_newest_replacement(payer: Any, complete: bytes) -> None:
    first = pas_request_number(await payer.fhir("Claim/$submit", complete))
    second = pas_request_number(await payer.fhir("Claim/$submit", renewed(complete, number=first)))
    assert first != second
    (by_old,) = await ask(payer, question(complete, first))
    assert by_old.items[0].number == second
    by_none = await ask(payer, question(complete))
    assert [one.items[0].number for one in by_none] == [second]


def pas_request_number(answer: Any) -> str:
    from prior_auth.fhir import pas_response

    return str(pas_response.read(json.read(answer.content)).items[0].number)


@pytest.mark.requirement("spec-53")
async def test_who_is_neither_submitter_nor_orders_sees_nothing(payer: Any, complete: bytes) -> None:
    await payer.fhir("Claim/$submit", complete)
    stranger = json.read(question(complete))
    claim(stranger).pop("extension")
    for one in stranger["entry"]:
        if one["fullUrl"] == claim(stranger)["provider"]["reference"]:
            one["resource"]["identifier"] = [{"system": codes.NPI, "value": "1932102084"}]
    assert await ask(payer, json.write(stranger)) == []


@pytest.mark.requirement("spec-52")
async def test_another_who_names_the_member_and_who_ordered_may_read(payer: Any, complete: bytes) -> None:
    await payer.fhir("Claim/$submit", complete)
    other, sent = json.read(question(complete)), json.read(complete)
    claim(other).pop("extension")
    for one in other["entry"]:
        if one["fullUrl"] == claim(other)["provider"]["reference"]:
            one["resource"]["identifier"] = [{"system": codes.NPI, "value": "1932102084"}]
    (orders,) = [one for one in sent["entry"] if one["resource"]["resourceType"] == "Practitioner"]
    other["entry"].append(orders)
    claim(other)["careTeam"] = [{"sequence": 1, "provider": {"reference": orders["fullUrl"]}}]
    (read,) = await ask(payer, json.write(other))
    assert read.overall.value == "certified"
    orders["resource"]["identifier"] = [{"system": codes.NPI, "value": "1245319599"}]
    assert await ask(payer, json.write(other)) == []


@pytest.mark.requirement("spec-73")
async def test_what_is_past_its_retention_is_no_longer_answered_for(
    payer_desk: Any, payer: Any, complete: bytes
) -> None:
    from dataclasses import replace

    class Later:
        def __init__(self, days: int) -> None:
            self.days = days

        def now(self) -> datetime:
            return datetime.now(UTC) + timedelta(days=self.days)

    await payer.fhir("Claim/$submit", complete)
    kept = (await payer.store.authorizations())[0]
    end = (await payer.store.decisions(kept.id))[0].period.end
    left = (end - datetime.now(UTC).date()).days
    for days, answers in ((left + 183, 1), (left + 184, 0)):
        found = await payer_inquiry.inquire(replace(payer_desk, clock=Later(days)), question(complete))
        assert len(found.get("parameter", [])) == answers


async def test_what_is_no_inquiry_is_one_operation_outcome(payer: Any, complete: bytes) -> None:
    empty = {**json.read(question(complete)), "entry": []}
    for body in (json.write(empty), b"{}", json.write({"resourceType": "Parameters"})):
        answer = await payer.fhir("Claim/$inquire", body)
        assert answer.status_code == 400
        assert json.read(answer.content)["resourceType"] == "OperationOutcome"


async def test_an_update_after_an_attachment_is_of_the_claim_before_it(payer: Any, incomplete: bytes) -> None:
    """What came by attachment is a version, but no Claim that an update could name."""
    await payer.fhir("Claim/$submit", incomplete)
    kept = (await payer.store.authorizations())[0]
    await payer.store.attach(kept.id, attachment=b"{}", canonical_hash="h", at=datetime.now(UTC))
    receipt = await payer.store.receive(
        sender=kept.sender,
        bundle_identifier="b|2",
        claim_identifiers=["t|2"],
        prior_claim="|".join(pas_request.read(json.read(incomplete)).claim_identifiers[0]),
        canonical_hash="h2",
        body=b"{}",
        plan=None,
        service="x",
        at=datetime.now(UTC),
        due_at=None,
    )
    assert (receipt.authorization.id, receipt.version) == (kept.id, 3)


async def test_an_authorization_kept_before_there_were_inquiries_is_found_after_a_start(
    payer: Any, complete: bytes
) -> None:
    await payer.fhir("Claim/$submit", complete)
    async with payer.store.database.write() as connection:
        await connection.execute(tables.lookup.delete())
    assert await ask(payer, question(complete)) == []
    await payer_inquiry.list_unlisted(payer.store)
    assert len(await ask(payer, question(complete))) == 1
    assert await payer.store.unlisted() == []
