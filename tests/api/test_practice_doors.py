"""What comes to the practice's doors: charts, evidence, releases, notifications."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from prior_auth import stories
from prior_auth.domain.authorization import Action, ItemDecision
from prior_auth.domain.people import ENGINE
from prior_auth.fhir import json, pas_request, pas_response, subscription


async def opened(practice: Any, companies: Any, story: str) -> str:
    answer = await practice.http.post("/api/cases", content=companies.chart(story))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def without(chart: bytes, kind: str) -> bytes:
    bundle = json.read(chart)
    bundle["entry"] = [one for one in bundle["entry"] if one["resource"]["resourceType"] != kind]
    return json.write(bundle)


def with_another_patient(chart: bytes) -> bytes:
    bundle = json.read(chart)
    bundle["entry"].append({"resource": {"resourceType": "Patient", "id": "another"}})
    return json.write(bundle)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda _: b"{", "not json"),
        (lambda _: b'{"resourceType":"Patient"}', "not a bundle"),
        (lambda _: b'{"resourceType":"Bundle","type":"collection","entry":7}', ""),
        (lambda _: b'{"resourceType":"Bundle","type":"collection","entry":["x"]}', ""),
        (with_another_patient, "patient"),
        (lambda chart: without(chart, "Patient"), "patient"),
        (lambda chart: without(chart, "MedicationRequest"), "order"),
    ],
)
async def test_a_chart_that_cannot_be_judged_opens_nothing(
    practice: Any, companies: Any, change: Any, words: str
) -> None:
    answer = await practice.http.post("/api/cases", content=change(companies.chart("breast-her2-adjuvant")))
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert words in error["message"].lower()
    assert error["fix"]
    assert await practice.store.cases() == []


async def test_the_same_order_again_is_the_same_case(practice: Any, companies: Any) -> None:
    assert await opened(practice, companies, "breast-her2-gap") == await opened(practice, companies, "breast-her2-gap")
    assert len(await practice.store.cases()) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_unknown_case_is_404_in_json(practice: Any, method: str) -> None:
    path = "/api/cases/none" if method == "GET" else "/api/cases/none/release"
    answer = await practice.http.request(method, path)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"]


async def test_an_unknown_page_is_a_page(practice: Any) -> None:
    answer = await practice.http.get("/cases/none")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def lvef(**change: Any) -> dict[str, Any]:
    arriving = stories.load("breast-her2-gap").arriving(on=datetime.now(UTC).date())
    return arriving[0] | change


@pytest.mark.parametrize(
    ("resource", "where"),
    [
        ({"resourceType": "Bundle", "type": "collection"}, "resourceType"),
        ({"resourceType": "Patient", "id": "another"}, "resourceType"),
        ({"resourceType": 7}, "resourceType"),
        ({"no": "type"}, "resourceType"),
        ({"resourceType": "Observation", "status": "final", "code": "x"}, "Observation.code"),
        ({"resourceType": "Observation", "status": ["final"]}, "Observation"),
        (lambda: lvef(subject={"reference": "Patient/another"}), "Observation.subject.reference"),
    ],
)
async def test_evidence_that_is_unsound_or_anothers_is_not_added(
    practice: Any, companies: Any, resource: Any, where: str
) -> None:
    case_id = await opened(practice, companies, "breast-her2-gap")
    body = json.write(resource() if callable(resource) else resource)
    answer = await practice.http.post(f"/api/cases/{case_id}/evidence", content=body)
    assert answer.status_code == 400, answer.text
    assert where in answer.json()["error"]["where"]
    assert await practice.store.additions(case_id) == []


async def test_the_same_evidence_twice_is_once(practice: Any, companies: Any) -> None:
    case_id = await opened(practice, companies, "breast-her2-gap")
    for _ in range(2):
        answer = await practice.http.post(f"/api/cases/{case_id}/evidence", content=json.write(lvef()))
        assert answer.status_code == 202, answer.text
    assert len(await practice.store.additions(case_id)) == 1


async def test_a_release_of_another_kind_is_refused(practice: Any, companies: Any) -> None:
    case_id = await opened(practice, companies, "breast-her2-gap")
    answer = await practice.http.post(f"/api/cases/{case_id}/release?how=quietly")
    assert answer.status_code == 400
    assert await practice.store.document(case_id, "release") is None


async def test_a_second_press_after_the_version_has_gone_releases_nothing(practice: Any, companies: Any) -> None:
    case_id = await opened(practice, companies, "breast-her2-gap")
    first = await practice.http.post(f"/api/cases/{case_id}/release?how=with-gaps&version=1")
    assert first.status_code == 202
    assert (await practice.store.get(case_id)).version == 1
    await practice.http.post(f"/api/cases/{case_id}/release?how=with-gaps&version=1")
    assert (await practice.store.document(case_id, "release"))["version"] == 1


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{}",
        b'{"resourceType":"Bundle","type":"history"}',
        b'{"resourceType":"Bundle","type":"history","entry":[{"resource":{"resourceType":"Parameters","parameter":7}}]}',
        b'{"resourceType":"Bundle","type":"history","entry":[7]}',
    ],
)
async def test_what_is_no_notification_is_an_operation_outcome(practice: Any, body: bytes) -> None:
    answer = await practice.fhir("notifications", body)
    assert answer.status_code == 400, answer.text
    assert json.read(answer.content)["resourceType"] == "OperationOutcome"


async def test_a_notification_of_another_content_type_is_415(practice: Any) -> None:
    assert (await practice.fhir("notifications", b"{}", "text/plain")).status_code == 415


async def test_a_form_of_another_site_is_not_taken(practice: Any, companies: Any) -> None:
    case_id = await opened(practice, companies, "breast-her2-gap")
    form = {"how": "with-gaps", "version": "1"}
    answer = await practice.http.post(f"/cases/{case_id}/release", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert await practice.store.document(case_id, "release") is None


async def test_a_form_that_lacks_a_field_says_which(practice: Any, companies: Any) -> None:
    case_id = await opened(practice, companies, "breast-her2-gap")
    answer = await practice.http.post(f"/cases/{case_id}/values", data={"code": "http://loinc.org|10230-1"})
    assert answer.status_code == 400
    assert "<code>value</code>" in answer.text
    assert "Nothing was changed" in answer.text


async def notification_for(practice: Any, companies: Any, case_id: str) -> bytes:
    """The payer's word on what the case has sent: certified."""
    sent = next(one for one in await practice.store.messages(case_id) if one.kind == "request")
    bundle = json.read(await practice.store.message_body(sent.id))
    identity = companies.engine().identity("EXPAYER01", base="http://payer.example/fhir")
    stamp = pas_response.Stamp("authorization-1", 1, datetime.now(UTC))
    said = [ItemDecision(1, Action.CERTIFY, ENGINE, number="AUTH-1")]
    response = pas_response.build(bundle, pas_request.read(bundle), said, payer=identity, stamp=stamp)
    sender = subscription.Sender("http://payer.example/fhir", "subscription-1", "active")
    return json.write(subscription.event(sender, response, number=1, at=datetime.now(UTC)))


async def test_a_notification_twice_is_taken_once(practice: Any, companies: Any) -> None:
    case_id = await opened(practice, companies, "breast-her2-adjuvant")
    notification = await notification_for(practice, companies, case_id)
    for _ in range(2):
        assert (await practice.fhir("notifications", notification)).status_code == 204
    assert (await practice.store.get(case_id)).status.value == "certified"
    assert [one.kind for one in await practice.store.messages(case_id)].count("notification") == 1
    assert [one.what for one in await practice.store.timeline(case_id)].count("notified") == 1


async def test_an_answer_to_no_request_of_ours_is_refused_and_moves_no_case(practice: Any, companies: Any) -> None:
    case_id = await opened(practice, companies, "breast-her2-adjuvant")
    notification = await notification_for(practice, companies, case_id)
    before = await practice.store.get(case_id)
    sent = json.read(notification)
    claims = [one["identifier"] for one in _every(sent, "Claim")] + [
        [one["request"]["identifier"]] for one in _every(sent, "ClaimResponse") if "identifier" in one["request"]
    ]
    for identifiers in claims:
        for identifier in identifiers:
            identifier["value"] = "of-another-practice"
    answer = await practice.fhir("notifications", json.write(sent))
    assert answer.status_code == 400
    assert "no request of ours" in answer.text
    assert await practice.store.get(case_id) == before


def _every(value: Any, kind: str) -> list[dict[str, Any]]:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found = [one for part in parts for one in _every(part, kind)]
    return [value, *found] if isinstance(value, dict) and value.get("resourceType") == kind else found
