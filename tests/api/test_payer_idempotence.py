"""What comes twice, at once, or under a name that was used before (pas.md section 6, traps 8 and 9)."""

from __future__ import annotations

import asyncio
import copy
import json as plain
from typing import Any

from prior_auth.fhir import json, pas_request, pas_response

Json = dict[str, Any]


def claim(bundle: Json) -> Json:
    found: Json = bundle["entry"][0]["resource"]
    return found


def update(body: bytes, *, name: str, units: int | None = None) -> bytes:
    """An update of this request, under a name of its own."""
    bundle = json.read(body)
    first = bundle["entry"][0]
    prior = copy.deepcopy(first)
    base, _, identity = first["fullUrl"].rpartition("/")
    first["fullUrl"], first["resource"]["id"] = f"{base}/{name}", name
    first["resource"]["identifier"][0]["value"] = f"{identity}-{name}"
    bundle["identifier"]["value"] = f"bundle-{name}"
    relation = "http://terminology.hl7.org/CodeSystem/ex-relatedclaimrelationship"
    first["resource"]["related"] = [
        {"claim": {"reference": prior["fullUrl"]}, "relationship": {"coding": [{"system": relation, "code": "prior"}]}}
    ]
    if units is not None:
        first["resource"]["item"][0]["quantity"]["value"] = units
    bundle["entry"].append(prior)
    return json.write(bundle)


async def submit(payer: Any, body: bytes) -> Json:
    answer = await payer.fhir("Claim/$submit", body)
    assert answer.status_code == 200, answer.text
    found: Json = json.read(answer.content)
    return claim(found)


async def test_the_same_content_written_otherwise_is_the_same_submission(idle_payer: Any, incomplete: bytes) -> None:
    spaced = plain.dumps(plain.loads(incomplete), indent=2, sort_keys=True).encode()
    first, second = [await submit(idle_payer, body) for body in (incomplete, spaced)]
    assert first["identifier"] == second["identifier"]
    assert [one.version for one in await idle_payer.store.authorizations()] == [1]


async def test_trap_8_the_same_identifier_with_another_body_is_another_request(
    idle_payer: Any, incomplete: bytes
) -> None:
    other = json.read(incomplete)
    claim(other)["item"][0]["quantity"]["value"] = 7
    await submit(idle_payer, incomplete)
    await submit(idle_payer, json.write(other))
    await submit(idle_payer, incomplete)
    assert [one.version for one in await idle_payer.store.authorizations()] == [1, 1]


async def test_an_update_twice_and_at_the_same_instant_is_one_version(idle_payer: Any, incomplete: bytes) -> None:
    await submit(idle_payer, incomplete)
    body = update(incomplete, name="v2", units=7)
    answers = await asyncio.gather(*(submit(idle_payer, body) for _ in range(3)))
    answers.append(await submit(idle_payer, body))
    assert {plain.dumps(one["identifier"]) for one in answers} == {plain.dumps(answers[0]["identifier"])}
    assert [one.version for one in await idle_payer.store.authorizations()] == [2]


async def test_two_updates_of_one_version_at_the_same_instant_are_not_both_taken(
    idle_payer: Any, incomplete: bytes
) -> None:
    await submit(idle_payer, incomplete)
    bodies = [update(incomplete, name=f"v2-{units}", units=units) for units in (7, 8)]
    answers = await asyncio.gather(*(submit(idle_payer, body) for body in bodies))
    assert sorted(one["outcome"] for one in answers) == ["complete", "error"]
    refused = next(one for one in answers if one["outcome"] == "error")
    assert "newest version" in refused["processNote"][0]["text"]
    assert [one.version for one in await idle_payer.store.authorizations()] == [2]


async def test_an_update_under_a_used_name_with_another_body_is_refused_as_business(
    idle_payer: Any, incomplete: bytes
) -> None:
    await submit(idle_payer, incomplete)
    await submit(idle_payer, update(incomplete, name="v2", units=7))
    again = await submit(idle_payer, update(incomplete, name="v2", units=8))
    assert (again["outcome"], "item" in again) == ("error", False)
    found = (await idle_payer.store.authorizations())[0]
    kept = pas_request.read(json.read(await idle_payer.store.request_body(found.id, 2)))
    assert kept.items[0].item.units == 7


async def test_the_order_of_arrival_of_the_two_halves_of_a_lost_answer_does_not_matter(
    idle_payer: Any, incomplete: bytes
) -> None:
    """The answer was lost, the sender sends again and then goes on with its update: one authorization, two versions."""
    first = await submit(idle_payer, incomplete)
    again = await submit(idle_payer, incomplete)
    second = await submit(idle_payer, update(incomplete, name="v2", units=7))
    late = await submit(idle_payer, incomplete)
    assert first["identifier"] == again["identifier"]
    assert second["outcome"] == late["outcome"] == "complete"
    found = await idle_payer.store.authorizations()
    assert [one.version for one in found] == [2]


async def test_a_version_that_was_overtaken_is_answered_as_it_was(payer: Any, complete: bytes) -> None:
    first = await payer.fhir("Claim/$submit", complete)
    bundle = json.read(update(complete, name="v2"))
    second = copy.deepcopy(claim(bundle)["item"][0])
    claim(bundle)["item"].append({**second, "sequence": 2})
    answer = await submit(payer, json.write(bundle))
    assert [one["itemSequence"] for one in answer["item"]] == [1, 2]
    said = pas_response.read({"resourceType": "Bundle", "entry": [{"resource": answer}]}).items
    assert [one.action.value for one in said] == ["certified", "pended"]  # two items share one order: a person's
    late = await payer.fhir("Claim/$submit", complete)
    assert (late.status_code, late.content) == (200, first.content)
