"""A payer over HTTP: what is sent, and what each kind of answer means to a retry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import httpx2
import pytest

from prior_auth.errors import FatalTransportError, TemporaryTransportError
from prior_auth.fhir import json
from prior_auth.ports import Notifier, PayerTransport
from prior_auth.transports.fhir_pas import FhirPas
from prior_auth.transports.http import Refused, retry_after
from prior_auth.transports.rest_hook import RestHook

BASE = "https://payer.example.org/fhir"
BODY = b'{"resourceType":"Bundle", "weight":1.50}'
Answer = Callable[[httpx2.Request], httpx2.Response]


def payer(answer: Answer) -> FhirPas:
    return FhirPas(BASE, client=httpx2.AsyncClient(transport=httpx2.MockTransport(answer)))


def always(status: int, body: bytes = b"", **headers: str) -> Answer:
    return lambda request: httpx2.Response(status, content=body, headers=headers)


def test_it_is_what_the_ports_ask_for() -> None:
    transport: PayerTransport = FhirPas(BASE)
    notifier: Notifier = RestHook()

    assert transport
    assert notifier


@pytest.mark.parametrize("status", [200, 201])
async def test_the_stored_bytes_are_sent_as_they_are_and_the_answer_is_given_as_it_came(status: int) -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(status, content=b'{"resourceType":"Bundle" }')

    assert await payer(answer).submit(BODY) == b'{"resourceType":"Bundle" }'
    (request,) = seen
    assert (request.method, str(request.url)) == ("POST", f"{BASE}/Claim/$submit")
    assert request.content == BODY
    assert request.headers["Content-Type"] == "application/fhir+json"


async def test_a_subscription_and_an_attachment_go_to_their_own_places() -> None:
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(str(request.url))
        return httpx2.Response(201, content=b"{}")

    transport = payer(answer)
    await transport.subscribe(BODY)
    await transport.attach(BODY)
    await transport.attach(BODY, url="https://other.example.org/attachments")

    assert seen == [f"{BASE}/Subscription", f"{BASE}/$submit-attachment", "https://other.example.org/attachments"]


async def test_what_is_asked_of_a_subscription_and_an_inquiry_go_to_their_own_places() -> None:
    seen: list[tuple[str, str, bytes]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append((request.method, str(request.url).removeprefix(BASE), request.content))
        return httpx2.Response(200, content=b"{}")

    transport = payer(answer)
    await transport.inquire(BODY)
    await transport.resubscribe("a/b", BODY)
    await transport.subscription_status("s1")
    await transport.events("s1", since=2, until=5)

    assert seen == [
        ("POST", "/Claim/$inquire", BODY),
        ("PUT", "/Subscription/a%2Fb", BODY),
        ("GET", "/Subscription/s1/$status", b""),
        ("GET", "/Subscription/s1/$events?eventsSinceNumber=2&eventsUntilNumber=5", b""),
    ]


@pytest.mark.requirement("spec-38", "spec-41")
async def test_a_refusal_is_final_and_names_the_outcomes_paths_but_not_its_words() -> None:
    outcome = json.write(
        {
            "resourceType": "OperationOutcome",
            "issue": [
                {
                    "severity": "error",
                    "code": "required",
                    "diagnostics": "Ann Example has no item",
                    "expression": ["Bundle.entry[0].resource.item"],
                }
            ],
        }
    )

    with pytest.raises(Refused) as caught:
        await payer(always(422, outcome)).submit(BODY)

    assert isinstance(caught.value, FatalTransportError)
    assert "422: required at Bundle.entry[0].resource.item" in str(caught.value)
    assert "Example has" not in str(caught.value)
    assert (caught.value.status, caught.value.answer) == (422, outcome)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"resourceType":"OperationOutcome","issue":[{"expression":7}]}']
)
async def test_a_refusal_without_a_readable_outcome_is_final_too(body: bytes) -> None:
    with pytest.raises(Refused):
        await payer(always(400, body)).submit(BODY)


@pytest.mark.parametrize("status", [401, 403])
async def test_not_being_allowed_is_final(status: int) -> None:
    with pytest.raises(Refused, match="not allowed"):
        await payer(always(status)).submit(BODY)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 429])
@pytest.mark.requirement("spec-38")
async def test_a_server_that_is_down_or_busy_is_asked_again(status: int) -> None:
    with pytest.raises(TemporaryTransportError) as caught:
        await payer(always(status, b"<html>", **{"Retry-After": "7"})).submit(BODY)

    assert caught.value.retry_after == 7


@pytest.mark.parametrize("status", [301, 302, 307])
async def test_a_redirect_is_not_followed_with_patient_data(status: int) -> None:
    with pytest.raises(FatalTransportError):
        await payer(always(status, Location="https://elsewhere.example.org")).submit(BODY)


@pytest.mark.parametrize(
    "problem", [httpx2.ReadTimeout, httpx2.ConnectTimeout, httpx2.ConnectError, httpx2.RemoteProtocolError]
)
async def test_silence_and_a_broken_line_are_temporary(problem: type[httpx2.TransportError]) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise problem("broken", request=request)

    with pytest.raises(TemporaryTransportError) as caught:
        await payer(answer).submit(BODY)

    assert caught.value.retry_after is None


async def test_an_address_that_is_none_is_final() -> None:
    with pytest.raises(FatalTransportError):
        await FhirPas("ftp://payer.example.org").submit(BODY)


async def test_nobody_listening_is_temporary() -> None:
    with pytest.raises(TemporaryTransportError):
        await FhirPas("http://127.0.0.1:9").submit(BODY)


async def test_a_notification_carries_the_channels_headers() -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(204)

    hook = RestHook(client=httpx2.AsyncClient(transport=httpx2.MockTransport(answer)))
    await hook.deliver("https://oncology.example.org/notices", BODY, ["Authorization: Bearer a:b", "X-Case : 7 "])

    (request,) = seen
    assert request.headers["Authorization"] == "Bearer a:b"
    assert request.headers["X-Case"] == "7"
    assert request.content == BODY


async def test_a_channel_header_without_a_name_is_final() -> None:
    with pytest.raises(FatalTransportError):
        await RestHook().deliver("https://oncology.example.org/notices", BODY, ["nonsense"])


async def test_a_subscriber_that_is_away_is_notified_again() -> None:
    hook = RestHook(client=httpx2.AsyncClient(transport=httpx2.MockTransport(always(503))))

    with pytest.raises(TemporaryTransportError):
        await hook.deliver("https://oncology.example.org/notices", BODY, [])


@pytest.mark.parametrize(
    ("stated", "seconds"),
    [
        ("12", 12),
        ("Mon, 01 Jun 2026 10:00:30 GMT", 30),
        ("Mon, 01 Jun 2026 09:00:00 GMT", 0),
        ("soon", None),
        (None, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_date(stated: str | None, seconds: float | None) -> None:
    assert retry_after(stated, now=datetime(2026, 6, 1, 10, 0, tzinfo=UTC)) == seconds
