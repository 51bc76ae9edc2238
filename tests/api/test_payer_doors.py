"""What comes to the payer's doors: good, bad, twice, at once, too large."""

from __future__ import annotations

import asyncio
import copy
import random
from collections import Counter
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from prior_auth.api import bodies
from prior_auth.fhir import json
from prior_auth.fhir.validate import validate

MIB = 2**20
DAMAGED = 500
GOLDEN = [one.read_bytes() for one in sorted((Path(__file__).parents[1] / "golden" / "pas").glob("request*.json"))]


def outcome(answer: Any) -> dict[str, Any]:
    """The one OperationOutcome of an answer."""
    assert answer.headers["content-type"] == "application/fhir+json"
    found = json.read(answer.content)
    assert found["resourceType"] == "OperationOutcome"
    assert found["issue"]
    return found["issue"][0]


def changed(body: bytes, change: Any) -> bytes:
    bundle = json.read(body)
    change(bundle)
    return json.write(bundle)


def claim(bundle: dict[str, Any]) -> dict[str, Any]:
    return bundle["entry"][0]["resource"]


def deep(levels: int) -> bytes:
    return b'{"resourceType":"Bundle","a":' + b"[" * levels + b"]" * levels + b"}"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "line 1, column 1"),
        (b'{"resourceType": "Bundle",\n "type" "collection"}', "line 2, column 9"),
        (b'{"resourceType": "Bundle", "type": "a", "type": "b"}', "twice"),
        (b'["Bundle"]', "not a JSON object"),
        (b"\xff\xfe", "UTF-8"),
        (deep(100), "deeper than 64"),
        (deep(100_000), "deeper than 64"),
        (b'{"resourceType":"Bundle","total": 1e999999999}', "number"),
    ],
)
@pytest.mark.requirement("spec-11", "spec-35")
async def test_what_is_not_sound_json_is_refused_by_place(payer: Any, body: bytes, words: str) -> None:
    answer = await payer.fhir("Claim/$submit", body)
    assert answer.status_code == 400
    assert words in outcome(answer)["diagnostics"]
    assert await payer.store.authorizations() == []


@pytest.mark.parametrize("path", ["Claim/$submit", "Subscription", "$submit-attachment"])
async def test_another_content_type_is_415_at_every_door(payer: Any, path: str) -> None:
    answer = await payer.fhir(path, b"<Bundle/>", "application/fhir+xml")
    assert answer.status_code == 415
    assert "application/fhir+json" in outcome(answer)["diagnostics"]


@pytest.mark.parametrize(
    ("change", "expression"),
    [
        (lambda b: b.update(resourceType="Patient"), "resourceType"),
        (lambda b: b.pop("entry"), "Bundle.entry"),
        (lambda b: b["entry"].reverse(), "Bundle.entry[0]"),
        (lambda b: claim(b).pop("patient"), "Bundle.entry[0].resource.patient"),
        (lambda b: claim(b).update(patient=7), "Bundle.entry[0].resource.patient"),
        (lambda b: claim(b)["insurer"].update(reference="Organization/gone"), "Bundle.entry[0].resource.insurer"),
        (lambda b: claim(b).update(use="claim"), "Bundle.entry[0].resource.use"),
        (lambda b: claim(b).update(item=[]), "Bundle.entry[0].resource.item"),
        (lambda b: claim(b).update(item={"sequence": 1}), "Bundle.entry[0].resource.item"),
        (lambda b: claim(b)["item"].append(claim(b)["item"][0]), "Bundle.entry[0].resource.item"),
        (lambda b: claim(b)["item"][0].update(sequence="1"), "Bundle.entry[0].resource.item[0].sequence"),
        (lambda b: claim(b)["insurance"][0].update(focal="true"), "Bundle.entry[0].resource.insurance[0].focal"),
        (lambda b: claim(b).update(created=20260601), "Bundle.entry[0].resource.created"),
        (lambda b: b.update(entry="one"), "Bundle.entry"),
        (lambda b: b["entry"].append(b["entry"][1]), "].fullUrl"),
        (lambda b: b["entry"][2].update(fullUrl=b["entry"][1]["fullUrl"]), "].fullUrl"),
        (lambda b: b["entry"].append(None), "Bundle.entry"),
    ],
)
@pytest.mark.requirement("spec-35", "spec-39")
async def test_what_cannot_be_processed_is_refused_with_its_element(
    payer: Any, complete: bytes, change: Any, expression: str
) -> None:
    answer = await payer.fhir("Claim/$submit", changed(complete, change))
    assert answer.status_code == 400, answer.text
    issue = outcome(answer)
    assert any(expression in one for one in issue["expression"]), issue
    assert await payer.store.authorizations() == []


async def test_what_breaks_its_profile_is_taken_and_told_at_the_desk(payer: Any, complete: bytes) -> None:
    def without_scope(bundle: dict[str, Any]) -> None:
        claim(bundle)["careTeam"][0].pop("extension")

    assert (await payer.fhir("Claim/$submit", complete)).status_code == 200
    assert (await payer.fhir("Claim/$submit", changed(complete, without_scope))).status_code == 200
    sound, broken = sorted(await payer.store.authorizations(), key=lambda one: one.received_at)
    assert await payer.store.document(sound.id, "findings") is None
    found = await payer.store.document(broken.id, "findings")
    assert "Bundle.entry[0].resource.careTeam[0].extension" in {one["where"] for one in found}
    assert "invalid" in {one.what for one in await payer.store.timeline(broken.id)}


async def test_evidence_of_another_patient_is_refused_with_its_element(payer: Any, complete: bytes) -> None:
    def foreign(bundle: dict[str, Any]) -> None:
        patient = next(one for one in bundle["entry"] if one["resource"]["resourceType"] == "Patient")
        other = copy.deepcopy(patient)
        other["fullUrl"] = other["fullUrl"].rpartition("/")[0] + "/another"
        other["resource"]["id"] = "another"
        bundle["entry"].append(other)
        observation = next(
            one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == "Observation"
        )
        observation["subject"] = {"reference": other["fullUrl"]}

    answer = await payer.fhir("Claim/$submit", changed(complete, foreign))
    assert answer.status_code == 400
    issue = outcome(answer)
    assert "another patient" in issue["diagnostics"]
    assert issue["expression"][0].endswith(".resource.subject")
    assert await payer.store.authorizations() == []


async def test_a_request_too_large_is_not_read_to_its_end(payer: Any) -> None:
    pulled = 0

    async def stream() -> AsyncIterator[bytes]:
        nonlocal pulled
        for _ in range(200):
            pulled += MIB
            yield b" " * MIB

    answer = await payer.http.post(
        "/fhir/Claim/$submit", content=stream(), headers={"Content-Type": "application/fhir+json"}
    )
    assert answer.status_code == 413
    assert "32 MiB" in outcome(answer)["diagnostics"]
    assert pulled <= 34 * MIB


async def test_a_body_that_dribbles_is_given_up_with_one_outcome(payer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "WITHIN", 0.3)

    async def dribbling() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" "
            await asyncio.sleep(0.1)

    headers = {"Content-Type": "application/fhir+json"}
    start = asyncio.get_running_loop().time()
    answer = await payer.http.post("/fhir/Claim/$submit", content=dribbling(), headers=headers)
    assert asyncio.get_running_loop().time() - start < 5
    assert answer.status_code == 408
    assert "did not arrive" in outcome(answer)["diagnostics"]
    assert await payer.store.authorizations() == []


async def test_what_is_nested_deeply_inside_is_answered(payer: Any, complete: bytes) -> None:
    def nest(bundle: dict[str, Any]) -> None:
        inner: dict[str, Any] = {"url": "urn:deep", "valueString": "end"}
        for _ in range(24):
            inner = {"url": "urn:deep", "extension": [inner]}
        claim(bundle).setdefault("extension", []).append(inner)

    assert (await payer.fhir("Claim/$submit", changed(complete, nest))).status_code == 200


async def test_references_in_a_circle_end(payer: Any, complete: bytes) -> None:
    def circle(bundle: dict[str, Any]) -> None:
        urls = [one["fullUrl"] for one in bundle["entry"] if one["resource"]["resourceType"] == "Observation"]
        for one in bundle["entry"]:
            if one["resource"]["resourceType"] == "Observation":
                one["resource"]["hasMember"] = [{"reference": url} for url in urls]
            if one["resource"]["resourceType"] == "Organization":
                one["resource"]["partOf"] = {"reference": one["fullUrl"]}

    answer = await asyncio.wait_for(payer.fhir("Claim/$submit", changed(complete, circle)), 30)
    assert answer.status_code == 200, answer.text
    (kept,) = await payer.store.authorizations()
    assert kept.status.is_final


async def test_a_stated_length_over_the_limit_is_refused_unread(payer: Any) -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    headers = {"Content-Type": "application/fhir+json", "Content-Length": str(64 * MIB)}
    answer = await payer.http.post("/fhir/Claim/$submit", content=never(), headers=headers)
    assert answer.status_code == 413


@pytest.mark.requirement("spec-39", "spec-35")
async def test_no_damage_is_an_error_of_ours_and_each_refusal_names_a_place(idle_payer: Any, mutations: Any) -> None:
    """The door alone; tests/proof/proof_pas_mutations.py carries the stories too, of 10,000."""
    dice, statuses = random.Random(20261125), Counter[int]()
    for number in range(DAMAGED):
        bundle = json.read(GOLDEN[number % len(GOLDEN)])
        if number % 2 or mutations.mutate(bundle, dice) is None:
            mutations.damage(bundle, dice)
        body = json.write(bundle)
        body = mutations.damaged_text(body, dice) if number % 20 == 0 else body
        answer = await idle_payer.fhir("Claim/$submit", body)
        statuses[answer.status_code] += 1
        assert answer.status_code < 500, number
        if answer.status_code >= 400:
            issue = outcome(answer)
            assert issue.get("expression") or "line " in issue["diagnostics"], (number, issue)
    assert min(statuses[200], statuses[400]) > DAMAGED / 20


async def test_the_same_bytes_again_are_the_same_authorization_and_the_same_answer(payer: Any, complete: bytes) -> None:
    first, second = [await payer.fhir("Claim/$submit", complete) for _ in range(2)]
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.content == second.content
    assert len(await payer.store.authorizations()) == 1


async def test_the_same_bytes_at_the_same_instant_are_one_authorization(payer: Any, complete: bytes) -> None:
    answers = await asyncio.gather(*(payer.fhir("Claim/$submit", complete) for _ in range(4)))
    assert [one.status_code for one in answers] == [200] * 4
    found = await payer.store.authorizations()
    assert [(one.status.value, one.version) for one in found] == [("certified", 1)]
    assert len({one.content for one in answers}) == 1


async def test_what_is_offered_is_stated_and_valid(payer: Any) -> None:
    answer = await payer.http.get("/fhir/metadata")
    assert answer.headers["content-type"] == "application/fhir+json"
    assert [one for one in validate(json.read(answer.content)) if one.severity == "error"] == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/fhir/Claim", 404),
        ("GET", "/fhir/Claim/$submit", 405),
        ("GET", "/fhir/Subscription/none/$status", 404),
        ("DELETE", "/fhir/Subscription", 405),
    ],
)
async def test_what_is_not_offered_is_an_operation_outcome(payer: Any, method: str, path: str, status: int) -> None:
    answer = await payer.http.request(method, path)
    assert answer.status_code == status
    outcome(answer)


async def test_programs_are_answered_errors_as_json(payer: Any) -> None:
    answer = await payer.http.get("/api/authorizations/none")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "there is no such authorization"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("Subscription", b"{}"),
        ("Subscription", b'{"resourceType":"Subscription","criteria":7,"channel":[]}'),
        ("$submit-attachment", b"{}"),
        ("$submit-attachment", b'{"resourceType":"Parameters","parameter":7}'),
        ("$submit-attachment", b'{"resourceType":"Parameters","parameter":[{"name":"AttachTo","valueCode":7}]}'),
    ],
)
async def test_other_doors_refuse_what_they_do_not_take(payer: Any, path: str, body: bytes) -> None:
    answer = await payer.fhir(path, body)
    assert answer.status_code == 400, answer.text
    outcome(answer)


def update_of(body: bytes, *, known: bool) -> bytes:
    """The same request as an update of itself, which travels along as the prior Claim."""

    def change(bundle: dict[str, Any]) -> None:
        first = bundle["entry"][0]
        prior = copy.deepcopy(first)
        prior["fullUrl"] += "-prior"
        prior["resource"]["id"] += "-prior"
        if not known:
            prior["resource"]["identifier"][0]["value"] = "never-sent"
        first["resource"]["identifier"][0]["value"] += "-2"
        relationship = {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship", "code": "prior"}]
        }
        first["resource"]["related"] = [{"claim": {"reference": prior["fullUrl"]}, "relationship": relationship}]
        bundle["entry"].append(prior)

    return changed(body, change)


async def test_a_refused_update_of_an_unknown_request_is_kept_both_ways(payer: Any, complete: bytes) -> None:
    update = update_of(complete, known=False)
    answers = [await payer.fhir("Claim/$submit", update) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    response = json.read(answers[0].content)["entry"][0]["resource"]
    assert response["outcome"] == "error"
    assert await payer.store.authorizations() == []
    kept = await payer.store.messages(f"refused-{json.content_hash(json.read(update))[:32]}")
    bodies = {one.direction: await payer.store.message_body(one.id) for one in kept}
    assert bodies == {"received": update, "sent": answers[0].content}
    assert await payer.store.unlooked() == []  # no story is asked to carry it


@pytest.mark.requirement("spec-64")
async def test_a_refused_update_of_a_denied_request_is_kept_with_that_request(payer: Any, incomplete: bytes) -> None:
    await payer.fhir("Claim/$submit", incomplete)
    found = (await payer.store.authorizations())[0]
    assert (await decide(payer, found.id, DENIAL)).status_code == 202
    update = update_of(incomplete, known=True)
    answer = await payer.fhir("Claim/$submit", update)
    assert json.read(answer.content)["entry"][0]["resource"]["outcome"] == "error"
    kept = [one for one in await payer.store.messages(found.id) if one.version == 0]
    assert [await payer.store.message_body(one.id) for one in kept] == [update, answer.content]
    assert "update-refused" in [one.what for one in await payer.store.timeline(found.id)]
    assert (await payer.store.get(found.id)).version == 1


DENIAL = {
    "sequence": 1,
    "action": "deny",
    "reason": "MISSING_DOCUMENT",
    "criterion": "R09.C4",
    "narrative": "No ejection fraction was sent.",
}


async def decide(window: Any, authorization_id: str, decision: dict[str, Any]) -> Any:
    return await window.http.post(f"/api/authorizations/{authorization_id}/decisions", content=json.write(decision))


async def test_only_a_named_clinician_with_a_licence_denies(payer: Any, nurse: Any, incomplete: bytes) -> None:
    await payer.fhir("Claim/$submit", incomplete)
    found = (await payer.store.authorizations())[0]
    refused = await decide(nurse, found.id, DENIAL)
    assert refused.status_code == 409
    assert refused.json()["error"]["message"] == "only a named clinician with a licence may deny or reduce"
    assert (await payer.store.get(found.id)).status.value == "pended"
    assert (await decide(payer, found.id, DENIAL)).status_code == 202
    assert (await payer.store.get(found.id)).status.value == "not-certified"
    said = (await payer.store.decisions(found.id))[0]
    assert (said.by.name, said.by.licence) == ("Dr. Morgan Reviewer", "1245319599")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"reason": None}, 409),
        ({"narrative": "  "}, 409),
        ({"reason": "BECAUSE"}, 400),
        ({"action": "reject"}, 400),
        ({"action": ["deny"]}, 400),
        ({"sequence": "one"}, 400),
        ({"sequence": 9}, 400),
        ({"version": "x"}, 400),
        ({"version": 7}, 409),
        ({"action": "modify", "units": "many"}, 400),
        ({"action": "modify", "units": None}, 400),
        ({"action": "modify", "units": "NaN"}, 400),
        ({"action": "modify", "units": 100000}, 400),
        ({"action": "pend"}, 400),
    ],
)
async def test_an_unsound_decision_changes_nothing(
    payer: Any, incomplete: bytes, change: dict[str, Any], status: int
) -> None:
    await payer.fhir("Claim/$submit", incomplete)
    found = (await payer.store.authorizations())[0]
    answer = await decide(payer, found.id, DENIAL | change)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["message"]
    assert await payer.store.get(found.id) == found


@pytest.mark.parametrize("path", ["Claim/$submit", "Claim/$inquire", "$submit-attachment"])
@pytest.mark.requirement("spec-26")
async def test_a_message_that_is_refused_is_kept_with_its_refusal(payer: Any, path: str) -> None:
    body = b'{"resourceType": "Basic"}'
    answers = [await payer.fhir(path, body) for _ in range(2)]
    assert all(400 <= one.status_code < 500 for one in answers)
    kept = await payer.store.messages(f"refused-{sha256(body).hexdigest()[:32]}")
    assert [one.direction for one in kept] == ["received", "sent"]
    assert [await payer.store.message_body(one.id) for one in kept] == [body, answers[0].content]
