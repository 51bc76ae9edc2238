"""The judge of PAS servers judges ours: a test rig that asks for tokens, over loopback; and it finds what is broken."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from prior_auth.api import rig
from prior_auth.api.payer import payer_app
from prior_auth.conformance.pas import listener, payloads, server_suite
from prior_auth.conformance.pas.verdicts import Outcome, Report
from prior_auth.conformance.pas.wire import Server
from prior_auth.domain.parties import Script
from prior_auth.smart.client import Identity, SmartAuth
from prior_auth.smart.clients import Client, Registry
from prior_auth.smart.keys import Key, new_key, published
from prior_auth.smart.server import AuthorizationServer, PublishedKeys
from prior_auth.smart.tokens import Tokens
from prior_auth.store.assertions import SqlAssertions

SENDER = "CONFORMANCE"


async def no_keys_elsewhere(url: str) -> bytes:
    raise AssertionError(f"nobody asks {url}")


@asynccontextmanager
async def rig_app(companies: Any, folder: Path, url: str, key: Key) -> AsyncIterator[Any]:
    registry = Registry(folder / "clients.json")
    registry.add(Client("judge", "judge", (SENDER, payloads.NPI), jwks=published(key)))
    async with companies.payer(folder, url=url) as side:
        guard = AuthorizationServer(
            base=f"{url}/fhir",
            token_url=f"{url}/auth/token",
            registry=registry,
            tokens=Tokens(b"t" * 32, f"{url}/fhir"),
            keys=PublishedKeys(no_keys_elsewhere),
            replay=SqlAssertions(side.store.database),
        )
        identity = replace(side.identity, script=Script(companies.CLINICIAN))
        yield payer_app(companies.desk(replace(side, identity=identity), companies.CLINICIAN), guard)


@pytest.fixture(scope="module")
def report(companies: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Report]:
    """One whole run over our server."""
    folder, key = tmp_path_factory.mktemp("rig"), new_key()
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    identity = Identity("judge", key, "system/Claim.cruds system/Subscription.cruds")
    sender = payloads.Sender("ci", SENDER, ("http://example.org/payer-id", "EXPAYER01"), datetime.now(UTC))
    plan = server_suite.Plan(sender, "the-secret-of-the-listener", wait=20.0, identity=identity)
    servers: list[Any] = []
    before, rig.LATER = rig.LATER, 0.2
    thread = companies._serving(listening, servers, lambda: rig_app(companies, folder, url, key))
    auth = SmartAuth(f"{url}/fhir", identity, lambda: datetime.now(UTC))
    try:
        with (
            listener.listening(server_suite.take) as heard,
            httpx2.Client(auth=auth, timeout=60) as http,
            httpx2.Client(timeout=60) as without,
        ):
            yield server_suite.run(Server(f"{url}/fhir", http, without), heard, plan)
    finally:
        rig.LATER = before
        for one in servers:
            one.should_exit = True
        thread.join(timeout=10)


@pytest.mark.requirement(
    *("spec-4", "spec-7", "spec-30", "spec-31", "spec-32", "spec-39", "spec-51", "spec-54", "spec-60", "spec-61"),
    *("conf-11", "conf-12", "conf-14", "priv-3", "spec-53", "prof-2", "prof-3", "use-1"),
)
def test_our_server_keeps_every_rule(report: Report) -> None:
    assert [line for line in report.lines() if line.startswith(("failed", "advice", "not-judged"))] == []
    assert report.exit_code == 0
    assert {one.id for one in server_suite.RULES} == {rule.id for rule, _, _ in report.rules()}


@pytest.mark.requirement("conf-4", "conf-5", "conf-6")
def test_our_server_takes_and_shows_every_must_support_element(report: Report) -> None:
    assert report.outcome("must-support-taken") is Outcome.PASSED
    assert {name: seen["missing"] for name, seen in report.census.items() if seen["missing"]} == {}
    assert report.census["profile-claimresponse"]["of"] == 72


GARBAGE = {
    "no JSON": listener.Answer(200, b"<html>", "text/html"),
    "odd Bundle": listener.Answer(
        200, b'{"resourceType":"Bundle","entry":[{"resource":{"resourceType":7}}],"issue":"x"}'
    ),
    "down": listener.Answer(503),
    "leaky": listener.Answer(
        200, b'{"resourceType":"Parameters","parameter":[{"name":"return","resource":{"resourceType":"Bundle"}}]}'
    ),
}


@pytest.mark.parametrize("name", GARBAGE)
def test_a_server_that_answers_garbage_is_judged_to_the_end(name: str) -> None:
    sender = payloads.Sender("garbage", SENDER, ("http://example.org/payer-id", "EXPAYER01"), datetime.now(UTC))
    plan = server_suite.Plan(sender, "secret", wait=0.0)
    with (
        listener.listening(lambda _: GARBAGE[name]) as server,
        listener.listening(server_suite.take) as heard,
        httpx2.Client(timeout=10) as http,
    ):
        report = server_suite.run(Server(server.url, http, http), heard, plan)
    assert report.exit_code == 1
    failed = {rule.id for rule, outcome, _ in report.rules() if outcome is Outcome.FAILED}
    assert {"capability", "subscription-created", "must-support-shown", "refusal"} <= failed
    assert ({"inquiry-access", "inquiry-none"} <= failed) == (name == "leaky")
