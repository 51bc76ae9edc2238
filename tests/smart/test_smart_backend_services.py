"""SMART Backend Services: what a client says of itself, what a server believes, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from prior_auth.errors import BadInput, FatalTransportError, NotFound, SettingsError, TemporaryTransportError
from prior_auth.smart import assertion, keys
from prior_auth.smart.clients import Client, Registry
from prior_auth.smart.oauth import OAuthError
from prior_auth.smart.scopes import granted, permits
from prior_auth.smart.server import AuthorizationServer, PublishedKeys
from prior_auth.smart.tokens import LIFE, Tokens

NOW = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)
BASE = "https://payer.example.org/fhir"
TOKEN_URL = "https://payer.example.org/auth/token"
KEYS = {algorithm: keys.new_key(algorithm) for algorithm in keys.ALGORITHMS}
ES384 = KEYS["ES384"]


class Seen:
    """A replay guard that lasts as long as the test."""

    def __init__(self) -> None:
        self.used: set[tuple[str, str]] = set()

    async def first_use(self, client_id: str, assertion_id: str, *, expires_at: datetime, now: datetime) -> bool:
        fresh = (client_id, assertion_id) not in self.used
        self.used.add((client_id, assertion_id))
        return fresh


async def unreachable(url: str) -> bytes:
    raise FatalTransportError("nobody is there", where=url)


def client(**changes: Any) -> Client:
    plain: dict[str, Any] = {
        "id": "riverside",
        "name": "Riverside",
        "organizations": ("1234567893",),
        "jwks": keys.published(*KEYS.values()),
    }
    return Client(**(plain | changes))


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    made = Registry(tmp_path / "clients.json")
    made.add(client())
    return made


@pytest.fixture
def server(registry: Registry) -> AuthorizationServer:
    return AuthorizationServer(BASE, TOKEN_URL, registry, Tokens(b"s" * 32, BASE), PublishedKeys(unreachable), Seen())


def form(signed: str, scope: str = "system/Claim.cruds") -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": assertion.TYPE,
        "client_assertion": signed,
        "scope": scope,
    }


def signed(key: keys.Key = ES384, *, id: str = "1", at: datetime = NOW, client_id: str = "riverside") -> str:
    return assertion.make(client_id, TOKEN_URL, key, now=at, id=id)


def claimed(changes: Mapping[str, Any], key: Any = ES384, algorithm: str = "ES384") -> str:
    """An assertion with some claims changed; one that is None is left out."""
    seconds = int(NOW.timestamp())
    plain = {"iss": "riverside", "sub": "riverside", "aud": TOKEN_URL, "jti": "1", "exp": seconds + 200}
    claims = {name: value for name, value in (plain | dict(changes)).items() if value is not None}
    return jwt.encode({"alg": algorithm, "kid": key.kid}, claims, key, algorithms=[algorithm])


@pytest.mark.parametrize("algorithm", keys.ALGORITHMS)
async def test_a_registered_client_gets_a_short_token_for_what_it_asks(
    server: AuthorizationServer, algorithm: str
) -> None:
    answer = await server.token(form(signed(KEYS[algorithm]), "system/Claim.c system/Patient.r"), now=NOW)
    assert (answer["token_type"], answer["expires_in"], answer["scope"]) == ("bearer", 300, "system/Claim.c")
    found = server.bearer(f"Bearer {answer['access_token']}", now=NOW + timedelta(minutes=4))
    assert found is not None
    who, grant = found
    assert (who.id, grant.permits(("Claim", "c")), grant.permits(("Claim", "r"))) == ("riverside", True, False)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"aud": BASE}, "aud is not this token endpoint"),
        ({"aud": None}, "aud is not this token endpoint"),
        ({"sub": "another"}, "iss and sub are not the client id"),
        ({"exp": int(NOW.timestamp()) - 31}, "is over"),
        ({"exp": None}, "is over"),
        ({"exp": int(NOW.timestamp()) + 331}, "more than five minutes"),
        ({"exp": "tomorrow"}, "exp is no time"),
        ({"exp": True}, "exp is no time"),
        ({"nbf": int(NOW.timestamp()) + 60}, "nbf lies ahead"),
        ({"iat": int(NOW.timestamp()) + 60}, "iat lies ahead"),
        ({"jti": None}, "no jti"),
        ({"jti": "x" * 256}, "no jti"),
        ({"iss": "unknown", "sub": "unknown"}, "no such client"),
        ({"iss": None}, "names no client"),
    ],
)
async def test_an_assertion_that_does_not_say_what_it_must_is_refused(
    server: AuthorizationServer, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(OAuthError, match=said) as refused:
        await server.token(form(claimed(changes)), now=NOW)
    assert (refused.value.code, refused.value.status) == ("invalid_client", 401)


@pytest.mark.parametrize(
    "changes", [{"exp": int(NOW.timestamp()) - 29}, {"iat": int(NOW.timestamp()) + 29}, {"aud": [BASE, TOKEN_URL]}]
)
async def test_two_clocks_may_differ_by_half_a_minute_and_aud_may_be_a_list(
    server: AuthorizationServer, changes: dict[str, Any]
) -> None:
    assert (await server.token(form(claimed(changes)), now=NOW))["token_type"] == "bearer"


async def test_an_assertion_is_good_for_one_token(server: AuthorizationServer) -> None:
    once = signed(id="same")
    await server.token(form(once), now=NOW)
    with pytest.raises(OAuthError, match="used before"):
        await server.token(form(once), now=NOW + timedelta(seconds=10))
    assert await server.token(form(signed(id="next")), now=NOW)


async def test_a_foreign_key_a_secret_and_no_signature_at_all_are_refused(server: AuthorizationServer) -> None:
    public = json.dumps(ES384.as_dict(private=False)).encode()
    forged = [
        claimed({}, keys.new_key()),
        claimed({}, OctKey.import_key(public, {"kid": str(ES384.kid)}), "HS256"),
        ".".join(["eyJhbGciOiJub25lIn0", signed().split(".")[1], ""]),
        signed()[:-4] + "AAAA",
    ]
    for one in forged:
        with pytest.raises(OAuthError) as refused:
            await server.token(form(one), now=NOW)
        assert refused.value.code == "invalid_client"


@pytest.mark.parametrize("stated", ["", "a.b", "..", "e30.e30.e30", "x" * 9000, "bnVsbA.bnVsbA.x"])
async def test_what_is_no_assertion_is_refused(server: AuthorizationServer, stated: str) -> None:
    with pytest.raises(OAuthError) as refused:
        await server.token(form(stated), now=NOW)
    assert refused.value.code == "invalid_client"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"client_assertion_type": "basic"}, "invalid_request"),
        ({"scope": "system/Patient.r"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "patient/Claim.c"}, "invalid_scope"),
    ],
)
async def test_a_request_of_another_kind_is_refused_by_oauths_words(
    server: AuthorizationServer, changes: dict[str, str], code: str
) -> None:
    with pytest.raises(OAuthError) as refused:
        await server.token(form(signed()) | changes, now=NOW)
    assert (refused.value.code, refused.value.status) == (code, 400)


async def test_a_token_is_over_after_five_minutes_and_ends_with_its_client(
    server: AuthorizationServer, registry: Registry
) -> None:
    token = (await server.token(form(signed()), now=NOW))["access_token"]
    assert server.bearer(f"bearer {token}", now=NOW + LIFE - timedelta(seconds=1))
    assert server.bearer(f"Bearer {token}", now=NOW + LIFE) is None
    registry.remove("riverside")
    assert server.bearer(f"Bearer {token}", now=NOW) is None


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer x", "Basic dXNlcjpwYXNz", "Bearer a.b.c"])
def test_nobody_is_known_by_another_header(server: AuthorizationServer, header: str | None) -> None:
    assert server.bearer(header, now=NOW) is None


def test_a_token_of_another_server_or_secret_is_none_here() -> None:
    token = Tokens(b"s" * 32, "https://other.example.org/fhir").issue("riverside", ("system/*.cruds",), now=NOW)
    assert Tokens(b"s" * 32, BASE).read(token, now=NOW) is None
    assert Tokens(b"t" * 32, "https://other.example.org/fhir").read(token, now=NOW) is None


async def test_keys_at_a_url_are_asked_for_again_when_a_client_has_a_new_one_but_not_for_every_guess() -> None:
    published, asked = [keys.published(ES384)], []

    async def fetch(url: str) -> bytes:
        asked.append(url)
        return json.dumps(published[0]).encode()

    known = PublishedKeys(fetch)
    who = client(jwks=None, jwks_url="https://riverside.example.org/jwks.json")
    new = keys.new_key()
    assert [key.kid for key in await known.of(who, str(ES384.kid), NOW)] == [ES384.kid]
    published[0] = keys.published(ES384, new)
    await known.of(who, str(new.kid), NOW + timedelta(seconds=59))
    assert len(asked) == 1
    found = await known.of(who, str(new.kid), NOW + timedelta(seconds=61))
    assert ([key.kid for key in found], len(asked)) == ([ES384.kid, new.kid], 2)
    await known.of(who, str(new.kid), NOW + timedelta(hours=2))
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("problem", "status"),
    [(FatalTransportError("gone"), 401), (TemporaryTransportError("away"), 503), (None, 401)],
)
async def test_a_client_whose_keys_cannot_be_had_is_refused_or_told_to_come_again(
    server: AuthorizationServer, registry: Registry, problem: Exception | None, status: int
) -> None:
    async def fetch(url: str) -> bytes:
        if problem is not None:
            raise problem
        return b"<html>"

    registry.add(client(jwks=None, jwks_url="https://riverside.example.org/jwks.json"))
    with pytest.raises(OAuthError, match="cannot be had") as refused:
        await replace(server, keys=PublishedKeys(fetch)).token(form(signed()), now=NOW)
    assert refused.value.status == status


@pytest.mark.parametrize(
    ("scopes", "needed", "answer"),
    [
        (["system/Claim.c"], ("Claim", "c"), True),
        (["system/Claim.c"], ("Claim", "r"), False),
        (["system/Claim.write"], ("Claim", "u"), True),
        (["system/*.read"], ("ClaimResponse", "s"), True),
        (["system/*.read"], ("Claim", "c"), False),
        (["system/Claim.*"], ("Claim", "d"), True),
        (["user/Claim.cruds"], ("Claim", "c"), False),
        (["system/Claim.src"], ("Claim", "c"), False),
        ([], ("Claim", "c"), False),
    ],
)
def test_a_scope_permits_what_it_says(scopes: list[str], needed: tuple[str, str], answer: bool) -> None:
    assert permits(scopes, needed) is answer


def test_only_scopes_that_are_registered_in_full_are_granted() -> None:
    assert granted("system/Claim.rs system/*.cruds system/Claim.rs bad", ["system/Claim.cruds"]) == ("system/Claim.rs",)


def test_a_client_acts_for_its_own_senders_only() -> None:
    who = client(organizations=("1234567893", "urn:oid:1.2|A"))
    assert who.acts_for("1234567893")
    assert who.acts_for("http://hl7.org/fhir/sid/us-npi|1234567893")
    assert who.acts_for("urn:oid:1.2|A")
    assert not who.acts_for("A")
    assert not who.acts_for("urn:oid:1.3|A")


def test_registered_clients_are_read_again_when_the_file_changes(tmp_path: Path) -> None:
    first, second = Registry(tmp_path / "clients.json"), Registry(tmp_path / "clients.json")
    assert first.all() == []
    second.add(client())
    assert first.get("riverside") == client()
    second.add(client(name="Renamed", organizations=("1", "2")))
    assert [(one.name, one.organizations) for one in first.all()] == [("Renamed", ("1", "2"))]
    second.remove("riverside")
    assert first.all() == []
    with pytest.raises(NotFound):
        first.remove("riverside")


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "a b"},
        {"organizations": ()},
        {"scopes": ("patient/Claim.c",)},
        {"jwks": None},
        {"jwks": {"keys": []}},
        {"jwks": None, "jwks_url": "ftp://example.org"},
    ],
)
def test_a_client_that_could_never_call_is_not_registered(tmp_path: Path, changes: dict[str, Any]) -> None:
    registry = Registry(tmp_path / "clients.json")
    with pytest.raises(BadInput):
        registry.add(client(**changes))
    assert registry.all() == []


@pytest.mark.parametrize("content", ["", "[]", '{"clients": []}', '{"clients": {"x": {}}}', '{"clients": {"x": 1}}'])
def test_a_broken_file_of_clients_is_named_and_lets_nobody_in(tmp_path: Path, content: str) -> None:
    file = tmp_path / "clients.json"
    file.write_text(content)
    with pytest.raises(SettingsError) as told:
        Registry(file).get("x")
    assert str(file) in str(told.value)


def test_a_private_key_is_made_once_kept_from_others_and_published_without_its_secret(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "practice.jwk"
    made = keys.load_or_create(file)
    assert keys.load_or_create(file).kid == made.kid
    assert file.stat().st_mode & 0o077 == 0
    shown = keys.published(made)["keys"][0]
    assert ("d" in shown, shown["kid"], shown["alg"]) == (False, made.kid, "ES384")
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="others may read"):
        keys.load(file)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", json.dumps(ES384.as_dict(private=False)).encode(), b'{"kty":"oct","k":"AAAA"}']
)
def test_a_file_that_is_no_private_signing_key_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key.jwk"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(SettingsError) as told:
        keys.load(file)
    assert str(file) in str(told.value)
