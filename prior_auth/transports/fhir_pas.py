"""A payer reached by FHIR: Da Vinci PAS over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Final

import httpx2

from prior_auth.transports.http import MIME_TYPE, post

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

    async def _post(self, url: str, body: bytes) -> bytes:
        headers: Mapping[str, str] = {"Content-Type": MIME_TYPE, "Accept": MIME_TYPE}
        async with AsyncExitStack() as stack:
            client = self._client
            if client is None:
                client = await stack.enter_async_context(httpx2.AsyncClient(timeout=TIMEOUT))
            return await post(client, url, body, headers)
