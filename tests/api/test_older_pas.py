"""PAS 2.0.1, both ways: the payer at its second base, and a practice that speaks it to such a payer."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from prior_auth.fhir import json, pas_201, pas_determination, pas_inquiry, pas_request, subscription
from prior_auth.fhir.pas_exchange import INQUIRED, REQUEST
from prior_auth.transports.fhir_pas import FhirPas

Json = dict[str, Any]
NOW = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
BASE = "http://window.example/fhir/pas-2.0.1"
APPROVAL = {"sequence": 1, "action": "certify"}


class Recorder:
    def __init__(self) -> None:
        self.sent: list[Json] = []

    async def deliver(self, _endpoint: str, body: bytes, _headers: Any) -> None:
        self.sent.append(json.read(body))


def wanted(body: bytes, content: subscription.Content) -> bytes:
    sender = next(one for one in pas_request.read(json.read(body)).senders if re.fullmatch(r"\d{10}", one))
    resource = subscription.subscription([sender], endpoint="https://practice.example/notices", content=content)
    return json.write(pas_201.shaped(resource))


@pytest.mark.requirement("conf-1")
async def test_each_base_says_its_version_and_its_own_address(payer: Any) -> None:
    newer = json.read((await payer.http.get("/fhir/metadata")).content)
    older = json.read((await payer.http.get("/fhir/pas-2.0.1/metadata")).content)
    assert "2.2.1" in newer["implementation"]["description"]
    assert "2.0.1" in older["implementation"]["description"]
    assert older["implementation"]["url"] == f"{newer['implementation']['url']}/pas-2.0.1"


async def test_a_request_at_the_older_base_is_answered_and_inquired_in_the_older_shape(
    payer: Any, complete: bytes
) -> None:
    sent = pas_201.shaped(json.read(complete))
    answer = json.read((await payer.fhir("pas-2.0.1/Claim/$submit", json.write(sent))).content)
    assert pas_determination.read(answer).overall.value == "certified"
    assert pas_201.shaped(answer) == answer
    assert answer["entry"][0]["fullUrl"].startswith("http://payer.example/fhir/pas-2.0.1/")
    asked = pas_inquiry.build(
        sent, numbers={}, stamp=pas_request.Stamp("i", "i", pas_determination.read(answer).created)
    )
    told = json.read((await payer.fhir("pas-2.0.1/Claim/$inquire", json.write(pas_201.shaped(asked)))).content)
    assert told["resourceType"] == "Bundle"
    assert [one.overall.value for _, one in pas_inquiry.read_answer(told)] == ["certified"]


async def test_an_event_at_the_older_base_is_told_by_its_id_or_in_full_as_it_was_asked_for(
    payer: Any, payer_desk: Any, incomplete: bytes
) -> None:
    recorder = payer_desk.stories.hands.notifier = Recorder()
    created = await payer.fhir("pas-2.0.1/Subscription", wanted(incomplete, subscription.Content.ID_ONLY))
    assert created.status_code == 201
    await payer.fhir("pas-2.0.1/Claim/$submit", json.write(pas_201.shaped(json.read(incomplete))))
    found = (await payer.store.authorizations())[0]
    await payer.http.post(f"/api/authorizations/{found.id}/decisions", content=json.write(APPROVAL))
    event = recorder.sent[-1]
    assert len(event["entry"]) == 1
    assert (named := subscription.read_notification(event).events[0]).response is None
    assert named.focus is not None
    assert "/pas-2.0.1/ClaimResponse/" in named.focus
    at_the_newer = await payer.fhir("Subscription", wanted(incomplete, subscription.Content.ID_ONLY))
    assert at_the_newer.status_code == 400


@pytest.fixture
async def older_practice(companies: Any, payer: Any, tmp_path: Path) -> AsyncIterator[tuple[Any, Any]]:
    """A practice that speaks 2.0.1 to the payer's second base; its window and its store."""
    async with companies.practice(tmp_path, url="http://practice.example", payer_url=BASE) as opened:
        settings = opened.settings.model_copy(update={"payer_pas": "2.0.1"})
        side = replace(opened, settings=settings, transport=FhirPas(BASE, client=payer.http))
        transport = httpx2.ASGITransport(app=companies.app_of_practice(side))
        async with httpx2.AsyncClient(transport=transport, base_url="http://window.example") as http:
            yield http, opened.store


async def test_a_practice_speaks_the_older_version_from_request_to_update_and_inquires_what_is_told_by_id(
    older_practice: tuple[Any, Any], payer: Any, companies: Any
) -> None:
    http, store = older_practice
    opened = await http.post("/api/cases", content=companies.chart("breast-her2-gap"))
    case_id = opened.json()["id"]
    await http.post(f"/api/cases/{case_id}/release?how=with-gaps")
    sent = [one for one in await store.messages(case_id) if one.kind == REQUEST]
    body = json.read(await store.message_body(sent[0].id))
    assert pas_201.shaped(body) == body
    assert "documentInformation" not in json.write(body).decode()
    found = (await payer.store.authorizations())[0]
    await payer.http.post(f"/api/authorizations/{found.id}/decisions", content=json.write(APPROVAL))
    assert (await store.get(case_id)).status.value == "information-requested"  # nobody has told it
    await http.post("/fhir/notifications", content=json.write(named_event()), headers={"Content-Type": MIME})
    case = await store.get(case_id)
    assert case.status.value == "certified"
    assert [one.kind for one in await store.messages(case_id)][-1] == INQUIRED
    cancelled = await http.post(f"/api/cases/{case_id}/changes", content=json.write({"cancel": True}))
    assert cancelled.status_code < 300, cancelled.text
    update = [one for one in await store.messages(case_id) if one.kind == REQUEST][-1]
    claims = json.read(await store.message_body(update.id))["entry"]
    assert [one["resource"]["resourceType"] for one in claims].count("Claim") == 1
    assert (await payer.store.get(found.id)).version == 2


MIME = "application/fhir+json"


def named_event() -> Json:
    """An id-only notification: an answer that is named and does not come along."""
    parts = [
        {"name": "event-number", "valueString": "1"},
        {"name": "focus", "valueReference": {"reference": f"{BASE}/ClaimResponse/one"}},
    ]
    parameters = [
        {"name": "subscription", "valueReference": {"reference": f"{BASE}/Subscription/sub"}},
        {"name": "status", "valueCode": "active"},
        {"name": "type", "valueCode": "event-notification"},
        {"name": "events-since-subscription-start", "valueString": "1"},
        {"name": "notification-event", "part": parts},
    ]
    status = {"fullUrl": f"{BASE}/Parameters/p", "resource": {"resourceType": "Parameters", "parameter": parameters}}
    return {"resourceType": "Bundle", "type": "history", "entry": [status]}
