"""SMART Backend Services, from both sides: what a server must ask for, and what a client must show."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import httpx2

from prior_auth.conformance.pas.verdicts import Finding, Report, Rule
from prior_auth.conformance.pas.wire import Answered, Server, read
from prior_auth.fhir.codes import Json
from prior_auth.smart import assertion
from prior_auth.smart.client import Identity
from prior_auth.smart.keys import new_key

DISCOVERY = Rule(
    "smart-discovery", "The discovery document names the token endpoint and private_key_jwt", ("spec-4", "priv-3")
)
CLOSED = Rule("smart-closed", "Nothing of PAS is answered without a good token", ("spec-4", "priv-3"))
ASSERTION = Rule(
    "smart-assertion", "Only a fresh assertion of a known key for this server gets a token", ("spec-4", "priv-3")
)
SIGNED_IN = Rule("smart-client", "Each call carries a token got by a signed assertion", ("spec-4", "priv-3"))

OF_A_SERVER = (DISCOVERY, CLOSED, ASSERTION)
_PATHS = ("Claim/$submit", "Claim/$inquire", "Subscription")
_NO_CREDENTIALS = "no client id was given: the server is judged in its development mode"


def judge_server(report: Report, server: Server, identity: Identity | None) -> None:
    if identity is None:
        for rule in OF_A_SERVER:
            report.cannot(rule, "SMART Backend Services", _NO_CREDENTIALS)
        return
    found = server.call("GET", ".well-known/smart-configuration", token=False)
    report.judge(DISCOVERY, "smart-configuration", _discovered(found))
    for path in _PATHS:
        report.judge(CLOSED, path, _closed(server, path))
    url = (found.resource or {}).get("token_endpoint")
    if isinstance(url, str):
        report.judge(ASSERTION, "token endpoint", _assertions(server, url, identity))
    else:
        report.cannot(ASSERTION, "token endpoint", "the discovery document names none")


def _discovered(answer: Answered) -> Iterator[Finding]:
    stated: Json = answer.resource or {}
    if not answer.is_success:
        yield Finding(".well-known/smart-configuration", f"was answered {answer.status}")
    if not isinstance(stated.get("token_endpoint"), str):
        yield Finding("token_endpoint", "is missing")
    if "private_key_jwt" not in (stated.get("token_endpoint_auth_methods_supported") or ()):
        yield Finding("token_endpoint_auth_methods_supported", "lacks private_key_jwt")
    if not {"RS384", "ES384"} & set(stated.get("token_endpoint_auth_signing_alg_values_supported") or ()):
        yield Finding("token_endpoint_auth_signing_alg_values_supported", "lacks both RS384 and ES384")
    if "client_credentials" not in (stated.get("grant_types_supported") or ()):
        yield Finding("grant_types_supported", "lacks client_credentials")


def _closed(server: Server, path: str) -> Iterator[Finding]:
    answer = server.post(path, {"resourceType": "Bundle", "type": "collection"}, token=False)
    if answer.status not in (401, 403):
        yield Finding(f"POST {path}", f"without a token was answered {answer.status}, not 401")
    forged = {"Authorization": f"Bearer {secrets.token_urlsafe(24)}", "Content-Type": "application/fhir+json"}
    status = server.open.post(f"{server.base}/{path}", content=b"{}", headers=forged).status_code
    if status not in (401, 403):
        yield Finding(f"POST {path}", f"with a made-up token was answered {status}, not 401")


def _assertions(server: Server, url: str, identity: Identity) -> Iterator[Finding]:
    good = _signed(identity, url)
    if (status := _asked(server, url, identity, good)) != 200:
        yield Finding("token", f"a good assertion was answered {status}")
    bad = {
        "an assertion used before": good,
        "an assertion for another audience": _signed(identity, "https://elsewhere.example/token"),
        "an assertion of another key": _signed(replace(identity, key=new_key()), url),
        "an assertion of an unknown client": _signed(
            replace(identity, client_id=f"nobody-{secrets.token_hex(4)}"), url
        ),
        "no assertion": "",
    }
    for name, one in bad.items():
        if (status := _asked(server, url, identity, one)) not in (400, 401):
            yield Finding("token", f"{name} was answered {status}")


def _signed(identity: Identity, audience: str) -> str:
    id = secrets.token_urlsafe(24)
    return assertion.make(identity.client_id, audience, identity.key, now=datetime.now(UTC), id=id)


def _asked(server: Server, url: str, identity: Identity, signed: str) -> int:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": assertion.TYPE,
        "client_assertion": signed,
        "scope": identity.scope,
    }
    try:
        answer = server.open.post(url, data=form)
    except httpx2.TransportError:
        return 0
    held = read(answer.content) or {}
    return answer.status_code if answer.status_code != 200 or "access_token" in held else 0
