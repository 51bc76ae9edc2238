"""Notifications to a subscriber: rest-hook of R4 topic subscriptions."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Final

import httpx2

from prior_auth.errors import FatalTransportError
from prior_auth.transports.http import MIME_TYPE, post

TIMEOUT: Final = httpx2.Timeout(15.0, connect=5.0)


class RestHook:
    """Any 2xx is arrival. `headers` of a channel are sent as given (`Authorization: Bearer …`)."""

    def __init__(self, *, client: httpx2.AsyncClient | None = None) -> None:
        self._client = client

    async def deliver(self, endpoint: str, body: bytes, headers: Sequence[str]) -> None:
        sent = {"Content-Type": MIME_TYPE} | dict(_header(one) for one in headers)
        async with AsyncExitStack() as stack:
            client = self._client
            if client is None:
                client = await stack.enter_async_context(httpx2.AsyncClient(timeout=TIMEOUT))
            await post(client, endpoint, body, sent)


def _header(stated: str) -> tuple[str, str]:
    name, colon, value = stated.partition(":")
    if not colon or not name.strip():
        where = "Subscription.channel.header"
        raise FatalTransportError("a channel header that is no 'Name: value'", where=where, fix="subscribe again")
    return name.strip(), value.strip()
