"""The authorization server of a payer that is played: one client, known by its keys, remembered while it runs."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2

from prior_auth.errors import TemporaryTransportError
from prior_auth.smart.clients import Client, Registry
from prior_auth.smart.server import AuthorizationServer, PublishedKeys
from prior_auth.smart.tokens import Tokens


class Remembered:
    """Assertions that were used, for as long as the run lasts."""

    def __init__(self) -> None:
        self._used: set[tuple[str, str]] = set()

    async def first_use(self, client_id: str, assertion_id: str, *, expires_at: datetime, now: datetime) -> bool:  # noqa: ARG002
        fresh = (client_id, assertion_id) not in self._used
        self._used.add((client_id, assertion_id))
        return fresh


async def fetch(url: str) -> bytes:
    """Keys that the client publishes. Raises TemporaryTransportError."""
    try:
        async with httpx2.AsyncClient(timeout=30) as http:
            answer = await http.get(url)
            answer.raise_for_status()
    except (httpx2.TransportError, httpx2.HTTPStatusError) as problem:
        raise TemporaryTransportError(type(problem).__name__, where=url) from None
    return answer.content


def of_one_client(root: str, client_id: str, keys: str | Mapping[str, Any], file: Path) -> AuthorizationServer:
    """`root` is the address without `/fhir`; `keys` are a JWK set or the URL of one; `file` keeps the client."""
    registry = Registry(file)
    client = Client(client_id, client_id, (client_id,))
    registry.add(replace(client, jwks_url=keys) if isinstance(keys, str) else replace(client, jwks=keys))
    return AuthorizationServer(
        base=f"{root}/fhir",
        token_url=f"{root}/auth/token",
        registry=registry,
        tokens=Tokens(secrets.token_bytes(32), f"{root}/fhir"),
        keys=PublishedKeys(fetch),
        replay=Remembered(),
    )
