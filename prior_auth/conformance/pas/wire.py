"""Calling the server under test: what was answered, how fast, and with which credentials."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

from prior_auth.errors import BadInput, TemporaryTransportError
from prior_auth.fhir import json
from prior_auth.fhir.codes import Json

MIME_TYPE = "application/fhir+json"


@dataclass(frozen=True, slots=True)
class Answered:
    """`resource` is None where the body is no JSON object."""

    status: int
    resource: Json | None
    seconds: float
    kind: str = ""

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    def bundle(self) -> Json | None:
        held = self.resource
        return held if held is not None and held.get("resourceType") == "Bundle" else None


@dataclass(frozen=True, slots=True)
class Server:
    """`http` carries the credentials, `open` none."""

    base: str
    http: httpx2.Client
    open: httpx2.Client

    def post(self, path: str, resource: Mapping[str, Any] | bytes, *, token: bool = True) -> Answered:
        body = resource if isinstance(resource, bytes) else json.write(resource)
        return self.call("POST", path, body, token=token)

    def call(self, method: str, path: str, body: bytes | None = None, *, token: bool = True) -> Answered:
        """Raises TemporaryTransportError where nobody answers."""
        headers = {"Accept": MIME_TYPE} | ({"Content-Type": MIME_TYPE} if body is not None else {})
        client, start = self.http if token else self.open, time.monotonic()
        try:
            answer = client.request(method, f"{self.base}/{path}", content=body, headers=headers)
        except httpx2.TransportError as problem:
            kind = type(problem).__name__
            raise TemporaryTransportError(f"not reached: {kind}", where=f"{self.base}/{path}") from None
        return Answered(
            answer.status_code, read(answer.content), time.monotonic() - start, answer.headers.get("content-type", "")
        )


def read(body: bytes) -> Json | None:
    try:
        return json.read(body)
    except BadInput:
        return None
