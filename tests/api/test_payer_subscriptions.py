"""Subscriptions at the payer's door: heard, changed, ended, in error and back, and no event number ever lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from prior_auth.errors import TemporaryTransportError
from prior_auth.fhir import json, pas_request, pas_response, subscription
from prior_auth.fhir.validate import validate
from workflows.heartbeats import Heartbeats

Json = dict[str, Any]
SENDER = "EXONC01"
ENDPOINT = "https://practice.example/fhir/notifications"


class Recorder:
    """`Notifier` that remembers, or is away."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, subscription.Notification]] = []
        self.away = False

    async def deliver(self, endpoint: str, body: bytes, headers: Any) -> None:
        if self.away:
            raise TemporaryTransportError("away")
        self.sent.append((endpoint, subscription.read_notification(json.read(body))))

    @property
    def told(self) -> list[tuple[str, int | None]]:
        return [(one.kind.value, one.total) for _, one in self.sent]


@pytest.fixture
def recorder(payer_desk: Any) -> Recorder:
    found = Recorder()
    payer_desk.stories.hands.notifier = found
    return found


def wanted(*senders: str, endpoint: str = ENDPOINT, **more: Any) -> Json:
    return subscription.subscription(senders, endpoint=endpoint, **more)


def sender_of(body: bytes) -> str:
    return str(pas_request.read(json.read(body)).sender)


async def subscribed(payer: Any, *senders: str, **more: Any) -> str:
    answer = await payer.fhir("Subscription", json.write(wanted(*senders, **more)))
    assert answer.status_code == 201, answer.text
    assert json.read(answer.content)["status"] == "requested"
    return str(json.read(answer.content)["id"])


async def put(payer: Any, name: str, resource: Json) -> Any:
    headers = {"Content-Type": "application/fhir+json"}
    return await payer.http.put(f"/fhir/Subscription/{name}", content=json.write(resource), headers=headers)


async def got(payer: Any, path: str) -> Json:
    answer = await payer.http.get(f"/fhir/Subscription/{path}")
    assert answer.status_code == 200, answer.text
    found: Json = json.read(answer.content)
    assert [one for one in validate(found) if one.severity == "error"] == []
    return found


async def decided(payer: Any, body: bytes) -> str:
    """Pended, then approved at the desk: one word that only a notification can tell."""
    await payer.fhir("Claim/$submit", body)
    found = (await payer.store.authorizations())[0]
    approval = json.write({"sequence": 1, "action": "certify"})
    assert (await payer.http.post(f"/api/authorizations/{found.id}/decisions", content=approval)).status_code == 202
    return str(found.id)


@pytest.mark.requirement("spec-54")
async def test_a_subscription_is_requested_shaken_hands_on_and_active(payer: Any, recorder: Recorder) -> None:
    name = await subscribed(payer, SENDER, heartbeat=600)
    assert recorder.told == [("handshake", 0)]
    assert (await got(payer, name))["status"] == "active"
    assert subscription.read_status(await got(payer, f"{name}/$status")) == ("active", 0)
    assert (await payer.store.subscriber(name)).heartbeat == 600


@pytest.mark.requirement("spec-51", "spec-60")
async def test_a_word_is_told_to_whoever_filters_on_any_id_of_the_sender(
    payer: Any, recorder: Recorder, incomplete: bytes
) -> None:
    await subscribed(payer, sender_of(incomplete))
    await subscribed(payer, "1234567893", endpoint="https://another.example/hook")
    await subscribed(payer, "SOMEBODY-ELSE", endpoint="https://third.example/hook")
    await decided(payer, incomplete)
    events = [(endpoint, one.total) for endpoint, one in recorder.sent if one.events]
    assert sorted(events) == [("https://another.example/hook", 1), (ENDPOINT, 1)]


async def test_an_update_moves_the_endpoint_and_its_events_go_on(
    payer: Any, recorder: Recorder, incomplete: bytes
) -> None:
    sender = sender_of(incomplete)
    name = await subscribed(payer, sender)
    answer = await put(payer, name, {**wanted(sender, endpoint="https://new.example/hook"), "id": name})
    assert (answer.status_code, json.read(answer.content)["status"]) == (200, "requested")
    await decided(payer, incomplete)
    assert [(endpoint, one.kind.value) for endpoint, one in recorder.sent][1:] == [
        ("https://new.example/hook", "handshake"),
        ("https://new.example/hook", "event-notification"),
    ]


async def test_an_update_that_would_double_another_is_a_conflict(payer: Any, recorder: Recorder) -> None:
    await subscribed(payer, SENDER)
    name = await subscribed(payer, SENDER, endpoint="https://other.example/hook")
    assert (await put(payer, name, wanted(SENDER))).status_code == 409
    assert (await put(payer, "none", wanted(SENDER, endpoint="https://x.example"))).status_code == 404
    assert (await put(payer, name, {**wanted(SENDER), "id": "another"})).status_code == 400


async def test_a_deleted_subscription_is_silent_and_can_be_asked_for_again(
    payer_desk: Any, payer: Any, recorder: Recorder, incomplete: bytes
) -> None:
    sender = sender_of(incomplete)
    name = await subscribed(payer, sender)
    for _ in range(2):
        assert (await payer.http.delete(f"/fhir/Subscription/{name}")).status_code == 204
    assert (await payer.http.get(f"/fhir/Subscription/{name}")).status_code == 404
    authorization = await decided(payer, incomplete)
    assert recorder.told == [("handshake", 0)]
    assert await subscribed(payer, sender) == name
    assert authorization in await payer.store.unlooked()
    await payer_desk.stories.nudge(authorization)  # what the sweep does then
    assert recorder.told[1:] == [("handshake", 0), ("event-notification", 1)]


async def test_events_in_error_are_counted_and_told_once_it_is_heard_again(
    payer_desk: Any, payer: Any, recorder: Recorder, incomplete: bytes
) -> None:
    sender = sender_of(incomplete)
    name = await subscribed(payer, sender)
    await payer.store.set_subscription(name, "error")
    await decided(payer, incomplete)
    assert recorder.told == [("handshake", 0)]
    assert subscription.read_status(await got(payer, f"{name}/$status")) == ("error", 1)
    assert await payer.store.undelivered() == []

    await put(payer, name, wanted(sender))
    for one in await payer.store.undelivered():  # what the sweep carries
        await payer_desk.stories.deliver(one.id)
    assert recorder.told[1:] == [("handshake", 0), ("event-notification", 1)]


async def test_past_events_are_given_by_number_as_they_were_told(
    payer: Any, recorder: Recorder, incomplete: bytes
) -> None:
    name = await subscribed(payer, sender_of(incomplete))
    await decided(payer, incomplete)
    answer = subscription.read_notification(await got(payer, f"{name}/$events?eventsSinceNumber=1"))
    told = recorder.sent[-1][1]
    assert (answer.kind.value, answer.total) == ("query-event", 1)
    assert answer.events == told.events
    assert pas_response.read(answer.events[0].response or {}).overall.value == "certified"
    assert subscription.read_notification(await got(payer, f"{name}/$events?eventsSinceNumber=2")).events == ()


@pytest.mark.parametrize("query", ["eventsSinceNumber=x", "eventsUntilNumber=-1", "eventsSinceNumber=%D9%A1"])
async def test_an_event_number_that_is_none_is_refused(payer: Any, recorder: Recorder, query: str) -> None:
    name = await subscribed(payer, SENDER)
    answer = await payer.http.get(f"/fhir/Subscription/{name}/$events?{query}")
    assert answer.status_code == 400
    assert json.read(answer.content)["resourceType"] == "OperationOutcome"


@pytest.mark.requirement("spec-55")
async def test_spec_55_what_is_offered_for_subscriptions_is_stated(payer: Any) -> None:
    stated = json.read((await payer.http.get("/fhir/metadata")).content)["rest"][0]["resource"][1]
    assert {one["code"] for one in stated["interaction"]} >= {"create", "update", "delete"}
    assert {one["name"] for one in stated["operation"]} == {"status", "events"}


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


async def test_who_asked_for_heartbeats_gets_them_in_time_and_nobody_else_does(payer: Any, recorder: Recorder) -> None:
    await subscribed(payer, SENDER, heartbeat=600)
    await subscribed(payer, SENDER, endpoint="https://other.example/hook")
    silent = await subscribed(payer, SENDER, endpoint="https://silent.example/hook", heartbeat=600)
    await payer.store.set_subscription(silent, "error")
    recorder.sent.clear()
    clock = Clock()
    beats = Heartbeats(payer.store, recorder, "https://payer.example/fhir", clock)
    for minutes in (0, 5, 5):
        clock.at += timedelta(minutes=minutes)
        await beats.beat()
    assert [(endpoint, one.kind.value) for endpoint, one in recorder.sent] == [(ENDPOINT, "heartbeat")] * 2
    recorder.away = True
    clock.at += timedelta(minutes=10)
    await beats.beat()  # one that does not arrive is nothing: the subscriber's watchdog asks
