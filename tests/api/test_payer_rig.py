"""A payer that is a test rig: only where its settings say so, loud, and its decisions are in somebody's name."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from prior_auth import bootstrap
from prior_auth.api import rig
from prior_auth.api.payer import payer_app
from prior_auth.conformance.pas import answer_rules, payloads
from prior_auth.domain.parties import Script
from prior_auth.errors import SettingsError
from prior_auth.fhir import json
from prior_auth.fhir.pas_script import Word
from prior_auth.settings import Payer as PayerSettings

SENDER = payloads.Sender("rig", "EXONC", ("http://example.org/payer-id", "EXPAYER01"), datetime.now(UTC))
CODES = {payloads.PRODUCT[word]: word.value for word in (Word.APPROVE, Word.DENY, Word.MODIFY, Word.ASK)}
EXPECTED = {Word.APPROVE: "A1", Word.DENY: "A3", Word.MODIFY: "A6", Word.ASK: "A4"}


@pytest.fixture
async def rigged(companies: Any, tmp_path: Any) -> AsyncIterator[Any]:
    """`rigged(by_code)` -> the client of a test rig."""
    async with companies.payer(tmp_path, url="http://payer.example") as side:

        def opened(script: Script | None) -> httpx2.AsyncClient:
            desk = companies.desk(replace(side, identity=replace(side.identity, script=script)), companies.CLINICIAN)
            transport = httpx2.ASGITransport(app=payer_app(desk), raise_app_exceptions=False)
            return httpx2.AsyncClient(transport=transport, base_url="http://window.example")

        yield opened


async def submitted(http: httpx2.AsyncClient, bundle: Any) -> dict[int, str]:
    headers = {"Content-Type": "application/fhir+json"}
    answer = await http.post("/fhir/Claim/$submit", content=json.write(bundle), headers=headers)
    assert answer.status_code == 200, answer.text
    return answer_rules.actions(json.read(answer.content))


async def test_a_request_gets_what_it_asks_for_by_extension_or_by_code(rigged: Any, companies: Any) -> None:
    words = list(EXPECTED)
    expected = {number: EXPECTED[word] for number, word in enumerate(words, start=1)}
    by_extension = payloads.request(SENDER, "by-extension", words)
    assert await submitted(rigged(Script(companies.CLINICIAN)), by_extension) == expected
    by_code = payloads.request(SENDER, "by-code", words, ask=False)
    assert await submitted(rigged(Script(companies.CLINICIAN, CODES)), by_code) == expected


async def test_a_payer_that_was_not_made_a_rig_does_not_listen(rigged: Any) -> None:
    asked = payloads.request(SENDER, "not-a-rig", [Word.APPROVE, Word.DENY])
    assert set((await submitted(rigged(None), asked)).values()) == {"A4"}


async def test_a_rig_says_so_at_its_start_and_in_its_metadata(
    rigged: Any, companies: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        http = rigged(Script(companies.CLINICIAN))
    assert "TEST RIG" in caplog.text
    stated = json.read((await http.get("/fhir/metadata")).content)
    assert stated["implementation"]["description"].startswith("TEST RIG")
    plain = json.read((await rigged(None).get("/fhir/metadata")).content)
    assert "TEST RIG" not in plain["implementation"]["description"]


def test_a_rig_needs_somebody_in_whose_name_it_denies() -> None:
    off, nameless = PayerSettings(), PayerSettings(scripted_decisions={})
    named = PayerSettings(
        scripted_decisions={"J9355": "deny"}, person_name="Dr Rig", person_role="clinician", person_licence="1245319599"
    )
    assert bootstrap._script(off) is None
    with pytest.raises(SettingsError, match="clinician's name"):
        bootstrap._script(nameless)
    script = bootstrap._script(named)
    assert script is not None
    assert script.by_code == {"J9355": "deny"}


async def test_what_a_script_pended_is_approved_soon_after(
    rigged: Any, companies: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rig, "LATER", 0.0)
    http, asked = rigged(Script(companies.CLINICIAN)), payloads.request(SENDER, "pended", [Word.PEND])
    assert await submitted(http, asked) == {1: "A4"}
    inquiry = payloads.inquiry(SENDER, "of-the-pended")
    headers = {"Content-Type": "application/fhir+json"}
    answer = await http.post("/fhir/Claim/$inquire", content=json.write(inquiry), headers=headers)
    (found,) = json.read(answer.content)["parameter"]
    assert answer_rules.actions(found["resource"]) == {1: "A1"}
