"""TLS and the secret of a subscription: whom each company believes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx2
import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI

from prior_auth.bootstrap import payer_side, practice_side
from prior_auth.errors import SettingsError, TemporaryTransportError
from prior_auth.fhir import json, subscription
from prior_auth.fhir.subscription import Sender
from prior_auth.settings import Temporal
from prior_auth.smart.clients import Client, Registry

AT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def pem(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that nobody signed but itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "payer")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = tmp_path / "payer.pem", tmp_path / "payer.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return certificate, secret


@contextmanager
def served(app: FastAPI, certificate: Path, key: Path) -> Iterator[str]:
    config = uvicorn.Config(app, port=0, log_level="error", ssl_certfile=certificate, ssl_keyfile=key)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.02)
    try:
        yield f"https://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)


@pytest.mark.requirement("spec-8", "spec-4")
async def test_a_practice_subscribes_by_https_and_token_and_believes_only_whom_it_is_told_to(
    tmp_path: Path, pem: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRIOR_AUTH_PAYER_DATA", str(tmp_path / "payer"))
    monkeypatch.setenv("PRIOR_AUTH_PAYER_TLS_CERTIFICATE", str(pem[0]))
    monkeypatch.setenv("PRIOR_AUTH_PRACTICE_DATA", str(tmp_path / "practice"))
    monkeypatch.setenv("PRIOR_AUTH_PRACTICE_CLIENT_ID", "riverside")
    wanted = json.write(subscription.subscription(["RIVERSIDE01"], endpoint="http://127.0.0.1:9/fhir/notifications"))
    async with payer_side() as payer:
        app = payer.app(Temporal(address="127.0.0.1:9"))
        assert payer.authorization is not None
        with served(app, *pem) as url:
            base = f"{url}/fhir"
            # The payer is known by the port that it got only now.
            object.__setattr__(payer.authorization, "token_url", f"{url}/auth/token")
            monkeypatch.setenv("PRIOR_AUTH_PRACTICE_PAYER_URL", base)
            async with practice_side() as stranger:
                with pytest.raises(TemporaryTransportError):
                    await stranger.transport.subscribe(wanted)
            monkeypatch.setenv("PRIOR_AUTH_PRACTICE_TLS_AUTHORITIES", str(pem[0]))
            async with practice_side() as practice:
                assert practice.signing_key is not None
                published = {"keys": [practice.signing_key.as_dict(private=False)]}
                Registry(tmp_path / "payer" / "clients.json").add(
                    Client("riverside", "Riverside", ("RIVERSIDE01",), jwks=published)
                )
                answer = httpx2.get(f"{base}/Subscription/x", verify=False)
                assert answer.status_code == 401
                created = json.read(await practice.transport.subscribe(wanted))
                assert (created["resourceType"], created["status"]) == ("Subscription", "requested")


@pytest.mark.parametrize("url", ["http://payer.example.org/fhir", "http://10.0.0.7:8702/fhir"])
async def test_a_payer_elsewhere_is_called_by_https_unless_somebody_answers_for_the_wire(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("PRIOR_AUTH_PRACTICE_DATA", str(tmp_path))
    monkeypatch.setenv("PRIOR_AUTH_PRACTICE_PAYER_URL", url)
    with pytest.raises(SettingsError, match="not https"):
        async with practice_side():
            pass
    monkeypatch.setenv("PRIOR_AUTH_PRACTICE_PLAIN_HTTP", "true")
    async with practice_side() as side:
        assert side.settings.payer_url == url


async def test_a_notification_without_the_subscriptions_secret_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRIOR_AUTH_PRACTICE_DATA", str(tmp_path))
    handshake = json.write(subscription.handshake(Sender("http://payer.example/fhir", "s1", "requested"), at=AT))
    async with practice_side() as side:
        app = side.app(Temporal())
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            for secret, status in (("", 401), ("Bearer wrong", 401), (f"Bearer {side.notification_secret}", 204)):
                headers = {"Content-Type": "application/fhir+json", "Authorization": secret}
                answer = await http.post("/fhir/notifications", content=handshake, headers=headers)
                assert answer.status_code == status, secret
