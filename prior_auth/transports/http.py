"""POSTing stored FHIR bytes and reading the status as PAS means it: 4xx never again, 5xx and silence again (1.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from prior_auth.errors import BadInput, FatalTransportError, TemporaryTransportError
from prior_auth.fhir import json
from prior_auth.fhir.pas_received import objects

MIME_TYPE = "application/fhir+json"
MAX_ANSWER = 32 * 1024 * 1024
# Not the sender's fault though 4xx: took too long, too early, too many.
_AGAIN = frozenset({408, 425, 429})


class Refused(FatalTransportError):
    """4xx: the body must not be sent again. `answer` is what came back (an OperationOutcome, as a rule), to be stored
    sealed: its words may name the patient, so they are not in the message."""

    def __init__(self, message: str, *, where: str, fix: str, status: int, answer: bytes) -> None:
        super().__init__(message, where=where, fix=fix)
        self.status = status
        self.answer = answer


async def post(client: httpx2.AsyncClient, url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """POST the bytes as they are; the answer's bytes. Raises Refused, FatalTransportError, TemporaryTransportError."""
    return await call(client, "POST", url, body, headers)


async def fetch(client: httpx2.AsyncClient, url: str) -> bytes:
    """GET a public JSON document, such as another company's keys. Raises as `post`."""
    return await call(client, "GET", url, None, {"Accept": "application/json"})


async def call(
    client: httpx2.AsyncClient, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
) -> bytes:
    """One exchange; the answer's bytes. Raises Refused, FatalTransportError, TemporaryTransportError."""
    try:
        async with client.stream(method, url, content=body, headers=headers) as answer:
            content = await _content(answer, url)
    except httpx2.TimeoutException:
        raise TemporaryTransportError("no answer in time", where=url, fix="the same bytes are sent again") from None
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol):
        raise FatalTransportError("not a URL that can be called", where=url, fix="correct the address") from None
    except httpx2.TransportError as problem:
        kind = type(problem).__name__
        raise TemporaryTransportError(f"not reached: {kind}", where=url, fix="the same bytes are sent again") from None
    if answer.is_success:
        return content
    raise _problem(answer, content, url)


async def _content(answer: httpx2.Response, url: str) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in answer.aiter_bytes():
        size += len(part)
        if size > MAX_ANSWER:
            raise FatalTransportError(f"an answer of more than {MAX_ANSWER} bytes", where=url)
        parts.append(part)
    return b"".join(parts)


def _problem(answer: httpx2.Response, content: bytes, url: str) -> Exception:
    status = answer.status_code
    if status >= 500 or status in _AGAIN:
        wait = retry_after(answer.headers.get("Retry-After"), now=datetime.now(UTC))
        fix = "the same bytes are sent again"
        return TemporaryTransportError(f"the server answered {status}", where=url, fix=fix, retry_after=wait)
    if status in (401, 403):
        message = f"the server answered {status}: not allowed"
        return Refused(message, where=url, fix="check how this side signs in", status=status, answer=content)
    if 400 <= status < 500:
        message = f"refused with {status}{_said(content)}"
        return Refused(message, where=url, fix="mend the request; never resend it", status=status, answer=content)
    return FatalTransportError(f"the server answered {status}", where=url, fix="check the address")


def _said(content: bytes) -> str:
    """The codes and element paths of an OperationOutcome: `: required at Bundle.entry[0].resource.item`."""
    try:
        outcome: Mapping[str, Any] = json.read(content)
    except BadInput:
        return ""
    issues = objects(outcome.get("issue")) if outcome.get("resourceType") == "OperationOutcome" else []
    return "".join(f": {_words(issue)}" for issue in issues[:3])


def _words(issue: Mapping[str, Any]) -> str:
    stated = issue.get("expression") or issue.get("location")
    paths = [one for one in stated if isinstance(one, str)] if isinstance(stated, list) else []
    return f"{issue.get('code', 'invalid')}{' at ' + ', '.join(paths[:5]) if paths else ''}"


def retry_after(stated: str | None, *, now: datetime) -> float | None:
    """Seconds to wait, from seconds or an HTTP date; None for neither."""
    if stated is None:
        return None
    if stated.strip().isdecimal():
        return float(stated)
    try:
        until = parsedate_to_datetime(stated)
    except ValueError:
        return None
    until = until if until.tzinfo is not None else until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())
