"""The judge of PAS clients plays a payer for our practice, over loopback and with tokens, and judges what came."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from prior_auth import stories
from prior_auth.conformance.pas import client_suite, guard, listener
from prior_auth.conformance.pas.payer_play import Play, Turn
from prior_auth.conformance.pas.verdicts import Outcome, Report
from prior_auth.fhir import json, subscription
from prior_auth.smart.client import Identity, SmartAuth
from prior_auth.smart.keys import new_key, published
from prior_auth.transports.fhir_pas import FhirPas

STORIES = {
    Turn.APPROVE: "breast-her2-adjuvant",
    Turn.DENY: "nsclc-pet",
    Turn.MODIFY: "breast-imrt",
    Turn.PEND: "breast-neutropenia-pegfilgrastim",
    Turn.ASK: "breast-bone-denosumab",
    Turn.EVERYTHING: "breast-recurrence-score",
    Turn.ERROR: "nsclc-anemia",
    Turn.REFUSE: "lung-screening",
}
CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
NOTE = {
    "resourceType": "DocumentReference",
    "id": "consult",
    "status": "current",
    "type": {"coding": [{"system": "http://loinc.org", "code": "11488-4"}]},
    "category": [{"coding": [{"system": CATEGORY, "code": "clinical-note"}]}],
    "content": [{"attachment": {"contentType": "text/plain", "data": "VGVzdA=="}}],
}


@dataclass(frozen=True, slots=True)
class Ran:
    play: Play
    report: Report
    statuses: dict[Turn, str]


@asynccontextmanager
async def app_of(companies: Any, folder: Path, url: str, payer: str, identity: Identity) -> AsyncIterator[Any]:
    auth = SmartAuth(payer, identity, lambda: datetime.now(UTC))
    async with (
        companies.practice(folder, url=url, payer_url=payer) as side,
        httpx2.AsyncClient(auth=auth, timeout=60) as http,
    ):
        transport = FhirPas(payer, client=http)
        wanted = subscription.subscription([side.settings.sender_code], endpoint=side.notification_url)
        await transport.subscribe(json.write(wanted))
        yield companies.app_of_practice(replace(side, transport=transport))


@pytest.fixture(scope="module")
def ran(companies: Any, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """One whole run: a request for each turn, then a revision and a cancellation of the first."""
    folder, key = tmp_path_factory.mktemp("client"), new_key()
    listening = socket.create_server(("127.0.0.1", 0))
    url, servers = f"http://127.0.0.1:{listening.getsockname()[1]}", []
    play = Play("", tuple(STORIES), later=0.2)
    with listener.listening(play.handle) as heard:
        play.base = f"{heard.url}/fhir"
        play.guard = guard.of_one_client(heard.url, "ours", published(key), folder / "clients.json")
        identity = Identity("ours", key, "system/Claim.cruds system/Subscription.cruds")
        thread = companies._serving(listening, servers, lambda: app_of(companies, folder, url, play.base, identity))
        try:
            statuses = drive(companies, url, play)
        finally:
            for one in servers:
                one.should_exit = True
            thread.join(timeout=10)
    return Ran(play, client_suite.judge(play), statuses)


def drive(companies: Any, url: str, play: Play) -> dict[Turn, str]:
    """What a person at the practice does."""
    cases: dict[Turn, str] = {}
    with httpx2.Client(base_url=url, timeout=120) as http:
        for turn, story in STORIES.items():
            order = stories.load(story).order
            answer = http.post("/api/cases", params={"order": order}, content=companies.chart(story))
            assert "id" in answer.json(), (turn, answer.text)
            cases[turn] = answer.json()["id"]
            if len(play.chains) < len(cases):
                http.post(f"/api/cases/{cases[turn]}/release?how=complete").raise_for_status()
        http.post(f"/api/cases/{cases[Turn.ASK]}/evidence", content=json.write(note(companies))).raise_for_status()
        first = f"/api/cases/{cases[Turn.APPROVE]}/changes"
        order = resource(companies, STORIES[Turn.APPROVE], stories.load(STORIES[Turn.APPROVE]).order)
        order["dispenseRequest"]["quantity"]["value"] -= 10
        http.post(first, content=json.write({"orders": [order]})).raise_for_status()
        http.post(first, content=json.write({"cancel": True})).raise_for_status()
        until = time.monotonic() + 20
        while not play.is_over and time.monotonic() < until:
            time.sleep(0.05)
        shown = {turn: f"/api/cases/{case}" for turn, case in cases.items()}
        while "certified" not in {http.get(shown[turn]).json()["status"] for turn in (Turn.PEND, Turn.ASK)}:
            assert time.monotonic() < until
            time.sleep(0.05)
        return {turn: http.get(path).json()["status"] for turn, path in shown.items()}


def resource(companies: Any, story: str, reference: str) -> dict[str, Any]:
    held = [one["resource"] for one in json.read(companies.chart(story))["entry"]]
    return next(one for one in held if reference in (f"{one['resourceType']}/{one['id']}", one["resourceType"]))


def note(companies: Any) -> dict[str, Any]:
    patient = resource(companies, STORIES[Turn.ASK], "Patient")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {**NOTE, "subject": {"reference": f"Patient/{patient['id']}"}, "date": now}


@pytest.mark.requirement(
    *(
        "spec-4",
        "spec-8",
        "spec-9",
        "spec-11",
        "spec-12",
        "spec-13",
        "spec-14",
        "spec-15",
        "spec-16",
        "spec-17",
        "spec-18",
    ),
    *("spec-19", "spec-20", "spec-22", "spec-23", "spec-42", "spec-57", "spec-58", "spec-62", "spec-63", "spec-65"),
    *("spec-67", "spec-68", "spec-69", "spec-70", "spec-71", "spec-72", "priv-3", "prof-1", "prof-2", "prof-3"),
)
def test_our_client_keeps_every_rule(ran: Ran) -> None:
    assert [line for line in ran.report.lines() if line.startswith(("failed", "advice"))] == []
    assert ran.report.exit_code == 0
    judged = {rule.id: outcome for rule, outcome, _ in ran.report.rules()}
    assert set(judged) == {one.id for one in client_suite.RULES}
    unseen = {"client-resend", "client-must-support", "client-shows"}  # the workflow resends; people see
    assert {name for name, outcome in judged.items() if outcome is Outcome.NOT_JUDGED} == unseen


@pytest.mark.requirement("conf-7", "conf-8", "use-4", "spec-38")
def test_our_client_understands_each_word_and_survives_every_must_support_element(ran: Ran) -> None:
    assert ran.statuses == {
        Turn.APPROVE: "withdrawn",
        Turn.DENY: "not-certified",
        Turn.MODIFY: "modified",
        Turn.PEND: "certified",
        Turn.ASK: "certified",
        Turn.EVERYTHING: "modified",
        Turn.ERROR: "attention",
        Turn.REFUSE: "attention",
    }


def test_tokens_are_asked_for_and_every_call_carries_one(ran: Ran) -> None:
    assert ran.play.tokens >= 1
    assert ran.play.unsigned == []
    assert ran.report.outcome("smart-client") is Outcome.PASSED
