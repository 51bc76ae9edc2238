"""Who may call the payer: SMART tokens on every FHIR route, and nobody for another's sender."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from prior_auth.api.auth import needed_for
from prior_auth.api.payer import payer_app
from prior_auth.api.payer_desk import Payer
from prior_auth.errors import FatalTransportError
from prior_auth.fhir import json, pas_inquiry, pas_request, subscription
from prior_auth.smart import keys
from prior_auth.smart.client import Identity, SmartAuth
from prior_auth.smart.clients import Client, Registry
from prior_auth.smart.server import AuthorizationServer, PublishedKeys
from prior_auth.smart.tokens import Tokens
from prior_auth.store.assertions import SqlAssertions

BASE = "http://payer.example/fhir"
KEY, OTHER_KEY = keys.new_key(), keys.new_key("RS384")
FHIR = {"Content-Type": "application/fhir+json"}


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Guarded:
    """A payer that asks for tokens, and ways to call it."""

    app: Any
    registry: Registry

    @asynccontextmanager
    async def calling(self, auth: httpx2.Auth | None) -> AsyncIterator[httpx2.AsyncClient]:
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://payer.example", auth=auth) as http:
            yield http

    def riverside(self, scope: str = "system/Claim.cruds system/Subscription.cruds") -> SmartAuth:
        return SmartAuth(BASE, Identity("riverside", KEY, scope), now)

    def lakeside(self) -> SmartAuth:
        return SmartAuth(BASE, Identity("lakeside", OTHER_KEY, "system/*.cruds"), now)


@pytest.fixture
def guarded(idle_desk: Payer, tmp_path: Path) -> Guarded:
    registry = Registry(tmp_path / "clients.json")
    registry.add(Client("riverside", "Riverside", ("RIVERSIDE01", "1234567893"), jwks=keys.published(KEY)))
    registry.add(Client("lakeside", "Lakeside", ("LAKESIDE01",), ("system/*.cruds",), jwks=keys.published(OTHER_KEY)))

    async def nobody(url: str) -> bytes:
        raise FatalTransportError("not asked here", where=url)

    server = AuthorizationServer(
        base=BASE,
        token_url="http://payer.example/auth/token",
        registry=registry,
        tokens=Tokens(b"t" * 32, BASE),
        keys=PublishedKeys(nobody),
        replay=SqlAssertions(idle_desk.store.database),  # type: ignore[attr-defined]
    )
    return Guarded(payer_app(idle_desk, server), registry)


def wanted(*senders: str) -> bytes:
    return json.write(subscription.subscription(list(senders), endpoint="http://practice.example/fhir/notifications"))


@pytest.mark.requirement("priv-3", "spec-4")
async def test_a_registered_practice_submits_and_one_token_serves_its_calls(guarded: Guarded, complete: bytes) -> None:
    async with guarded.calling(guarded.riverside()) as http:
        first = await http.post("/fhir/Claim/$submit", content=complete, headers=FHIR)
        again = await http.post("/fhir/Claim/$submit", content=complete, headers=FHIR)
    assert (first.status_code, again.status_code) == (200, 200)
    assert json.read(first.content)["resourceType"] == "Bundle"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/fhir/Claim/$submit"),
        ("POST", "/fhir/Claim/$inquire"),
        ("POST", "/fhir/$submit-attachment"),
        ("POST", "/fhir/Claim/$submit-attachment"),
        ("POST", "/fhir/Subscription"),
        ("GET", "/fhir/Subscription/x"),
        ("PUT", "/fhir/Subscription/x"),
        ("DELETE", "/fhir/Subscription/x"),
        ("GET", "/fhir/Subscription/x/$status"),
        ("GET", "/fhir/Subscription/x/$events"),
        ("GET", "/fhir/anything"),
        ("POST", "/fhir/pas-2.0.1/Claim/$submit"),
        ("POST", "/fhir/pas-2.0.1/Claim/$inquire"),
        ("GET", "/fhir/pas-2.0.1/Subscription/x"),
        ("GET", "/fhir/pas-2.0.1/pas-2.0.1/metadata"),
        ("GET", "/fhir/pas-2.0.1"),
        ("GET", "/fhir"),
    ],
)
@pytest.mark.requirement("priv-3", "spec-4")
async def test_nothing_answers_without_a_token(guarded: Guarded, method: str, path: str) -> None:
    async with guarded.calling(None) as http:
        for header in ({}, {"Authorization": "Bearer x.y.z"}):
            answer = await http.request(method, path, content=b"{}", headers={**FHIR, **header})
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            outcome = json.read(answer.content)
            assert (outcome["resourceType"], outcome["issue"][0]["code"]) == ("OperationOutcome", "login")


async def test_what_the_server_is_may_be_read_by_anybody(guarded: Guarded) -> None:
    async with guarded.calling(None) as http:
        metadata = json.read((await http.get("/fhir/metadata")).content)
        found = json.read((await http.get("/fhir/.well-known/smart-configuration")).content)
        older = await http.get("/fhir/pas-2.0.1/.well-known/smart-configuration")
        assert json.read(older.content) == found
        assert (await http.get("/fhir/pas-2.0.1/metadata")).status_code == 200
    assert metadata["rest"][0]["security"]["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"
    assert found["token_endpoint"] == "http://payer.example/auth/token"
    assert set(found["token_endpoint_auth_signing_alg_values_supported"]) == {"ES384", "RS384"}


async def test_the_development_mode_says_what_it_is(payer_desk: Payer, caplog: pytest.LogCaptureFixture) -> None:
    app = payer_app(payer_desk)
    assert "DEVELOPMENT MODE" in caplog.text
    async with Guarded(app, Registry(Path("unused"))).calling(None) as http:
        metadata = json.read((await http.get("/fhir/metadata")).content)
    assert "DEVELOPMENT MODE" in metadata["rest"][0]["security"]["description"]


async def test_a_scope_that_was_not_granted_is_named(guarded: Guarded, complete: bytes) -> None:
    async with guarded.calling(guarded.riverside("system/Claim.s")) as http:
        answer = await http.post("/fhir/Claim/$submit", content=complete, headers=FHIR)
    assert answer.status_code == 403
    issue = json.read(answer.content)["issue"][0]
    assert (issue["code"], "system/Claim.c" in issue["diagnostics"]) == ("forbidden", True)


@pytest.mark.requirement("spec-59")
async def test_nobody_sends_subscribes_or_changes_in_anothers_name(guarded: Guarded, complete: bytes) -> None:
    async with guarded.calling(guarded.riverside()) as http:
        created = await http.post("/fhir/Subscription", content=wanted("RIVERSIDE01"), headers=FHIR)
        assert created.status_code == 201
        id = json.read(created.content)["id"]
    async with guarded.calling(guarded.lakeside()) as http:
        tried = [
            await http.post("/fhir/Claim/$submit", content=complete, headers=FHIR),
            await http.post("/fhir/Subscription", content=wanted("RIVERSIDE01"), headers=FHIR),
            await http.post("/fhir/Subscription", content=wanted("LAKESIDE01", "RIVERSIDE01"), headers=FHIR),
            await http.get(f"/fhir/Subscription/{id}"),
            await http.put(f"/fhir/Subscription/{id}", content=wanted("LAKESIDE01"), headers=FHIR),
            await http.delete(f"/fhir/Subscription/{id}"),
            await http.get(f"/fhir/Subscription/{id}/$status"),
            await http.get(f"/fhir/Subscription/{id}/$events"),
        ]
        own = await http.post("/fhir/Subscription", content=wanted("LAKESIDE01"), headers=FHIR)
    assert [one.status_code for one in tried] == [403] * len(tried)
    assert own.status_code == 201


@pytest.mark.requirement("spec-53")
async def test_naming_anothers_code_beside_its_own_shows_nobody_anothers_request(
    guarded: Guarded, complete: bytes
) -> None:
    async with guarded.calling(guarded.riverside()) as http:
        await http.post("/fhir/Claim/$submit", content=complete, headers=FHIR)
        stamp = pas_request.Stamp("q/1", "q-1", now())
        asked = json.write(pas_inquiry.build(json.read(complete), numbers={}, stamp=stamp))
        own = await http.post("/fhir/Claim/$inquire", content=asked, headers=FHIR)
    assert len(pas_inquiry.read_answer(json.read(own.content))) == 1
    stranger = json.read(asked)
    for one in stranger["entry"]:
        if one["fullUrl"] == stranger["entry"][0]["resource"]["provider"]["reference"]:
            one["resource"]["identifier"] = [{"system": "urn:codes", "value": "LAKESIDE01"}]
    async with guarded.calling(guarded.lakeside()) as http:
        tried = await http.post("/fhir/Claim/$inquire", content=json.write(stranger), headers=FHIR)
    assert tried.status_code == 200
    assert pas_inquiry.read_answer(json.read(tried.content)) == []


async def test_a_client_that_was_taken_out_may_not_call_with_the_token_it_has(guarded: Guarded) -> None:
    async with guarded.calling(guarded.riverside()) as http:
        assert (await http.post("/fhir/Subscription", content=wanted("RIVERSIDE01"), headers=FHIR)).status_code == 201
        guarded.registry.remove("riverside")
        with pytest.raises(FatalTransportError, match="invalid_client"):
            await http.post("/fhir/Subscription", content=wanted("RIVERSIDE01"), headers=FHIR)


async def test_a_token_request_that_fails_says_why_in_oauths_words(guarded: Guarded) -> None:
    async with guarded.calling(None) as http:
        answer = await http.post("/auth/token", data={"grant_type": "password"})
        none = await http.post("/auth/token", content=b"{}", headers={"Content-Type": "application/json"})
    assert (answer.status_code, json.read(answer.content)["error"]) == (400, "unsupported_grant_type")
    assert none.status_code == 400
    assert answer.headers["cache-control"] == "no-store"


async def test_a_token_never_leaves_for_another_server(guarded: Guarded) -> None:
    seen: list[httpx2.Request] = []

    def elsewhere(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(elsewhere), auth=guarded.riverside()) as http:
        await http.get("http://elsewhere.example/fhir/metadata")
    assert [(str(one.url), one.headers.get("authorization")) for one in seen] == [
        ("http://elsewhere.example/fhir/metadata", None)
    ]


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("POST", "/fhir/Claim/$submit", ("Claim", "c")),
        ("POST", "/fhir/Claim/$inquire", ("Claim", "s")),
        ("POST", "/fhir/$submit-attachment", ("Claim", "u")),
        ("PUT", "/fhir/Subscription/1", ("Subscription", "u")),
        ("DELETE", "/fhir/Subscription/1", ("Subscription", "d")),
        ("GET", "/fhir/Subscription/1/$status", ("Subscription", "r")),
        ("GET", "/fhir", ("*", "r")),
    ],
)
def test_each_route_needs_its_own_scope(method: str, path: str, needed: tuple[str, str]) -> None:
    assert needed_for(method, path) == needed
