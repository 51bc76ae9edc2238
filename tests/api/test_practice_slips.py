"""A practice whose payer slips: nothing is lost, nothing is taken for a decision, and a person is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from prior_auth.fhir import json, pas_request, pas_response
from prior_auth.fhir.pas_exchange import INQUIRED
from prior_auth.transports.fhir_pas import FhirPas

Json = dict[str, Any]
APPROVAL = {"sequence": 1, "action": "certify"}


@asynccontextmanager
async def practice_of(companies: Any, folder: Path, answered: Callable[[bytes], bytes]) -> AsyncIterator[Any]:
    """The practice's window and store, with a payer that answers each submission so."""

    async def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=answered(request.content))

    base = "http://payer.example/fhir"
    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    async with companies.practice(folder, url="http://practice.example", payer_url=base) as side:
        side = replace(side, transport=FhirPas(base, client=http))
        transport = httpx2.ASGITransport(app=companies.app_of_practice(side))
        async with httpx2.AsyncClient(transport=transport, base_url="http://window.example") as window:
            yield window, side.store


async def sent(window: httpx2.AsyncClient, companies: Any) -> str:
    case_id = str((await window.post("/api/cases", content=companies.chart("breast-her2-gap"))).json()["id"])
    await window.post(f"/api/cases/{case_id}/release?how=with-gaps")
    return case_id


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"resourceType":"OperationOutcome","issue":[]}'])
async def test_a_2xx_that_is_no_answer_is_kept_and_a_person_looks(companies: Any, tmp_path: Path, body: bytes) -> None:
    async with practice_of(companies, tmp_path, lambda _: body) as (window, store):
        case_id = await sent(window, companies)
        assert (await store.get(case_id)).status.value == "attention"
        kept = [one for one in await store.messages(case_id) if one.kind == "unreadable"]
        assert [await store.message_body(one.id) for one in kept] == [body]
        assert "task:refused" in {one.what for one in await store.timeline(case_id)}


async def test_an_answer_whose_label_contradicts_its_code_is_no_denial_and_a_person_is_told(
    companies: Any, tmp_path: Path
) -> None:
    def mislabelled(body: bytes) -> bytes:
        bundle = json.read(body)
        stamp = pas_response.Stamp("auth-1", 1, companies.CLOCK.now())
        identity = companies.engine().identity("EXPAYER01", base="http://payer.example/fhir")
        answer = json.write(pas_response.build(bundle, pas_request.read(bundle), [], payer=identity, stamp=stamp))
        return answer.replace(b'"code":"A4"', b'"code":"A3","display":"Not Required"')

    async with practice_of(companies, tmp_path, mislabelled) as (window, store):
        case_id = await sent(window, companies)
        assert (await store.get(case_id)).status.value == "pended"
        (told,) = [one for one in await store.timeline(case_id) if one.what == "task:answer-unclear"]
        assert told.facts == {"where": "item 1", "what": "its code is labelled 'Not Required'"}


async def test_a_notification_that_does_not_say_whose_it_is_makes_open_requests_be_asked_about(
    joined: Any, payer: Any, companies: Any
) -> None:
    case_id = await sent(joined.http, companies)
    found = (await payer.store.authorizations())[0]
    await payer.http.post(f"/api/authorizations/{found.id}/decisions", content=json.write(APPROVAL))
    response = {"resourceType": "ClaimResponse", "id": "r", "use": "preauthorization", "item": []}
    nested = {"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "urn:r", "resource": response}]}
    taken = await joined.fhir("notifications", json.write(event(nested)))
    assert taken.status_code == 204, taken.text
    assert (await joined.store.get(case_id)).status.value == "certified"
    assert INQUIRED in {one.kind for one in await joined.store.messages(case_id)}


def event(nested: Json) -> Json:
    parts = [
        {"name": "event-number", "valueString": "1"},
        {"name": "focus", "valueReference": {"reference": "http://payer.example/fhir/Bundle/b"}},
    ]
    parameters = [
        {"name": "subscription", "valueReference": {"reference": "http://payer.example/fhir/Subscription/s"}},
        {"name": "type", "valueCode": "event-notification"},
        {"name": "notification-event", "part": parts},
    ]
    entries = [
        {"fullUrl": "http://payer.example/fhir/Parameters/p", "resource": {"resourceType": "Parameters"}},
        {"fullUrl": "http://payer.example/fhir/Bundle/b", "resource": nested},
    ]
    entries[0]["resource"]["parameter"] = parameters
    return {"resourceType": "Bundle", "type": "history", "entry": entries}
