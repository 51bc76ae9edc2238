"""A payer reached by FHIR: Da Vinci PAS over HTTP."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Final
from urllib.parse import quote

import httpx2

from prior_auth.transports.http import MIME_TYPE, call

# The payer's synchronous word may take 15 seconds by PAS (spec-7); a busy one somewhat more.
TIMEOUT: Final = httpx2.Timeout(30.0, connect=5.0)


class FhirPas:
    """`base_url` is the payer's PAS base for this version (conf-1).

    The bytes given are those stored: they are sent as they are, each time. `client` carries what the payer asks of
    callers (a token, a certificate); without one, an own client is opened and closed for each call.
    """

    def __init__(self, base_url: str, *, client: httpx2.AsyncClient | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self._client = client

    async def submit(self, body: bytes) -> bytes:
        """POST `Claim/$submit`; the response Bundle's bytes."""
        return await self._post(f"{self.base_url}/Claim/$submit", body)

    async def inquire(self, body: bytes) -> bytes:
        """POST `Claim/$inquire`; Parameters with a response Bundle for each match."""
        return await self._post(f"{self.base_url}/Claim/$inquire", body)

    async def subscribe(self, subscription: bytes) -> bytes:
        """POST `Subscription`; the created Subscription's bytes."""
        return await self._post(f"{self.base_url}/Subscription", subscription)

    async def attach(self, parameters: bytes, *, url: str | None = None) -> bytes:
        """POST `$submit-attachment` to the address the payer gave, else under its base; the answer may be empty."""
        return await self._post(url or f"{self.base_url}/$submit-attachment", parameters)

    async def resubscribe(self, subscription_id: str, subscription: bytes) -> bytes:
        """PUT `Subscription/id`; the Subscription's bytes as the payer now holds it."""
        return await self._call("PUT", self._subscription(subscription_id), subscription)

    async def subscription_status(self, subscription_id: str) -> bytes:
        """GET `Subscription/id/$status`."""
        return await self._call("GET", f"{self._subscription(subscription_id)}/$status")

    async def events(self, subscription_id: str, *, since: int, until: int) -> bytes:
        """GET `Subscription/id/$events`, these numbers included; a payer need not offer it."""
        asked = f"eventsSinceNumber={since}&eventsUntilNumber={until}"
        return await self._call("GET", f"{self._subscription(subscription_id)}/$events?{asked}")

    def _subscription(self, subscription_id: str) -> str:
        return f"{self.base_url}/Subscription/{quote(subscription_id, safe='')}"

    async def _post(self, url: str, body: bytes) -> bytes:
        return await self._call("POST", url, body)

    async def _call(self, method: str, url: str, body: bytes | None = None) -> bytes:
        headers: dict[str, str] = {"Accept": MIME_TYPE} | ({"Content-Type": MIME_TYPE} if body is not None else {})
        async with AsyncExitStack() as stack:
            client = self._client
            if client is None:
                client = await stack.enter_async_context(httpx2.AsyncClient(timeout=TIMEOUT))
            return await call(client, method, url, body, headers)
