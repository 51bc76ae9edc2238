"""Topic subscriptions: what each side says and how the other reads it."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from prior_auth.errors import BadInput
from prior_auth.fhir import subscription

Json = dict[str, Any]
AT = datetime(2026, 6, 1, 10, 5, tzinfo=UTC)
SENDER = subscription.Sender("https://payer.example.org/fhir", "sub-1", "active")
RESPONSE = {
    "resourceType": "Bundle",
    "id": "answer-1",
    "type": "collection",
    "entry": [
        {"fullUrl": "https://payer.example.org/fhir/ClaimResponse/r", "resource": {"resourceType": "ClaimResponse"}}
    ],
}


@pytest.fixture
def wanted() -> Json:
    return subscription.subscription(
        ["EXONC", "EXONC2"], endpoint="https://oncology.example.org/notices", headers=["Authorization: Bearer t"]
    )


def filter_of(resource: Json) -> Json:
    found: Json = resource["_criteria"]["extension"][0]
    return found


@pytest.mark.requirement("spec-57", "spec-58", "spec-62")
def test_spec_57_58_62_what_a_practice_asks_for(wanted: Json) -> None:
    assert wanted["criteria"] == "http://hl7.org/fhir/us/davinci-pas/SubscriptionTopic/PASSubscriptionTopic"
    assert filter_of(wanted)["valueString"] == "org-identifier=EXONC,EXONC2"
    assert wanted["channel"]["type"] == "rest-hook"
    assert wanted["channel"]["_payload"]["extension"][0]["valueCode"] == "full-resource"
    assert wanted["status"] == "requested"


def test_a_payer_reads_senders_endpoint_and_headers(wanted: Json) -> None:
    read = subscription.read_subscription(wanted)

    assert read.senders == ("EXONC", "EXONC2")
    assert (read.endpoint, read.headers) == ("https://oncology.example.org/notices", ("Authorization: Bearer t",))


@pytest.mark.parametrize("text", ["orgIdentifier=EXONC", "org-identifier=EXONC", "ClaimResponse?org-identifier=EXONC"])
def test_trap_29_both_spellings_of_the_filter_are_read(wanted: Json, text: str) -> None:
    filter_of(wanted)["valueString"] = text

    assert subscription.read_subscription(wanted).senders == ("EXONC",)


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("criteria",), "http://example.org/topic", "Subscription.criteria"),
        (("channel", "type"), "websocket", "Subscription.channel.type"),
        (("channel", "endpoint"), "mailto:a@example.org", "Subscription.channel.endpoint"),
        (("channel", "endpoint"), None, "Subscription.channel.endpoint"),
        (("channel", "payload"), "application/fhir+xml", "Subscription.channel.payload"),
        (("channel", "_payload"), None, "Subscription.channel.payload.extension"),
        (("_criteria",), None, "Subscription.criteria.extension"),
        (("resourceType",), "Claim", "resourceType"),
    ],
)
@pytest.mark.requirement("spec-56", "spec-62")
def test_spec_56_and_62_what_pas_does_not_allow_is_refused_by_path(
    wanted: Json, path: tuple[str, ...], value: Any, where: str
) -> None:
    *parents, last = path
    holder = wanted
    for name in parents:
        holder = holder[name]
    holder[last] = value

    with pytest.raises(BadInput) as caught:
        subscription.read_subscription(wanted)

    assert caught.value.where == where


@pytest.mark.requirement("spec-62")
def test_an_id_only_subscription_is_refused(wanted: Json) -> None:
    wanted["channel"]["_payload"]["extension"][0]["valueCode"] = "id-only"

    with pytest.raises(BadInput, match="full-resource"):
        subscription.read_subscription(wanted)


def test_what_was_created_has_its_id_and_awaits_the_handshake(wanted: Json) -> None:
    created = subscription.accepted(wanted, subscription_id="sub-1")

    assert (created["id"], created["status"]) == ("sub-1", "requested")
    assert created["channel"] == wanted["channel"]


@pytest.mark.parametrize(
    "bundle",
    [
        subscription.handshake(SENDER, at=AT),
        subscription.heartbeat(SENDER, total=3, at=AT),
        subscription.event(SENDER, RESPONSE, number=4, at=AT),
    ],
    ids=["handshake", "heartbeat", "event"],
)
@pytest.mark.requirement("spec-54")
def test_every_entry_of_a_notification_has_request_and_response(bundle: Json) -> None:
    assert bundle["type"] == "history"
    assert all({"fullUrl", "resource", "request", "response"} <= set(entry) for entry in bundle["entry"])
    assert bundle["entry"][0]["request"]["url"].endswith("Subscription/sub-1/$status")


def test_a_handshake_counts_no_events() -> None:
    read = subscription.read_notification(subscription.handshake(SENDER, at=AT))

    assert (read.kind, read.total, read.events) == (subscription.Kind.HANDSHAKE, 0, ())
    assert read.subscription == "https://payer.example.org/fhir/Subscription/sub-1"


@pytest.mark.requirement("spec-61")
def test_spec_61_an_event_holds_the_whole_answer() -> None:
    notification = subscription.event(SENDER, RESPONSE, number=4, at=AT)

    read = subscription.read_notification(notification)

    (event,) = read.events
    assert (read.kind, read.total, event.number) == (subscription.Kind.EVENT, 4, 4)
    assert event.response == RESPONSE


def test_trap_30_counts_and_numbers_are_strings_on_the_wire() -> None:
    parameters = subscription.event(SENDER, RESPONSE, number=4, at=AT)["entry"][0]["resource"]["parameter"]
    by_name = {one["name"]: one for one in parameters}

    assert by_name["events-since-subscription-start"]["valueString"] == "4"
    assert by_name["notification-event"]["part"][0]["valueString"] == "4"


def test_the_same_event_is_the_same_notification() -> None:
    assert subscription.event(SENDER, RESPONSE, number=4, at=AT) == subscription.event(
        SENDER, RESPONSE, number=4, at=AT
    )


def test_trap_31_a_focus_on_the_claim_response_is_read() -> None:
    old = deepcopy(subscription.event(SENDER, RESPONSE, number=4, at=AT))
    old["entry"][1] = {**RESPONSE["entry"][0], "request": {"method": "POST", "url": "x"}}
    event = old["entry"][0]["resource"]["parameter"][-1]
    event["part"][2]["valueReference"]["reference"] = RESPONSE["entry"][0]["fullUrl"]

    (read,) = subscription.read_notification(old).events

    assert read.response["entry"][0]["resource"]["resourceType"] == "ClaimResponse"


def test_an_event_without_its_focus_is_read_as_a_gap() -> None:
    bare = subscription.event(SENDER, RESPONSE, number=4, at=AT)
    del bare["entry"][1]

    focus = "https://payer.example.org/fhir/Bundle/answer-1"
    event = subscription.Event(4, "2026-06-01T10:05:00+00:00", None, focus)
    assert subscription.read_notification(bare).events == (event,)


def test_a_notification_without_status_parameter_is_read() -> None:
    """The guide's own example lacks it."""
    loose = subscription.event(SENDER, RESPONSE, number=4, at=AT)
    parameters = loose["entry"][0]["resource"]["parameter"]
    loose["entry"][0]["resource"]["parameter"] = [one for one in parameters if one["name"] != "status"]

    assert subscription.read_notification(loose).status == "active"


@pytest.mark.parametrize("name", ["subscription", "type"])
def test_a_notification_that_names_no_subscription_or_type_is_refused(name: str) -> None:
    bad = subscription.handshake(SENDER, at=AT)
    parameters = bad["entry"][0]["resource"]["parameter"]
    bad["entry"][0]["resource"]["parameter"] = [one for one in parameters if one["name"] != name]

    with pytest.raises(BadInput, match=name):
        subscription.read_notification(bad)


@pytest.mark.parametrize(
    "body",
    [{"resourceType": "ClaimResponse"}, {**RESPONSE}, {"resourceType": "Bundle", "type": "history", "entry": []}],
)
def test_what_is_no_notification_is_refused(body: Json) -> None:
    with pytest.raises(BadInput):
        subscription.read_notification(body)


def test_the_status_of_a_subscription_can_be_asked_for() -> None:
    status = subscription.status_of(SENDER, total=4, at=AT)

    assert status["type"] == "searchset"
    assert status["entry"][0]["resource"]["resourceType"] == "Parameters"
