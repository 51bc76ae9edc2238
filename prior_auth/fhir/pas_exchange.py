"""Where a practice stands with a payer, read from every message of the exchange, in the order they were kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from prior_auth.domain.determination import Determination
from prior_auth.domain.timeline import Message
from prior_auth.fhir import json, pas_determination

REQUEST, RESPONSE, NOTIFICATION = "request", "response", "notification"
ATTACHMENT, RECEIPT = "attachment", "receipt"
_ANSWERS = (RESPONSE, NOTIFICATION)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Standing:
    """`sent`: the payer has acknowledged the request. `answer` is the newest word, by its own date of creation.

    `information_requested`: the payer waits for something that has not been sent since it asked.
    """

    sent: bool
    version: int
    acknowledged_at: datetime | None
    answer: Determination | None
    answer_message: str | None
    information_requested: bool

    @property
    def final(self) -> bool:
        return self.answer is not None and self.answer.is_final


def standing(kept: Sequence[tuple[Message, bytes]]) -> Standing:
    """Fold the messages of a case. An answer can overtake the reply to the call it answers (pas.md trap 32)."""
    newest: Determination | None = None
    newest_at, message_id, acknowledged = -1, None, None
    for place, (message, body) in enumerate(kept):
        if message.kind not in _ANSWERS:
            continue
        determination = pas_determination.read(json.read(body))
        acknowledged = acknowledged or determination.created or message.at
        if newest is None or _created(determination) >= _created(newest):
            newest, newest_at, message_id = determination, place, message.id
    version = max((message.version for message, _ in kept if message.kind in (*_ANSWERS, RECEIPT)), default=0)
    asks = newest is not None and not newest.is_final and bool(newest.requested)
    return Standing(
        sent=acknowledged is not None,
        version=version,
        acknowledged_at=acknowledged,
        answer=newest,
        answer_message=message_id,
        information_requested=asks and not _answered_after(kept, newest_at),
    )


def _answered_after(kept: Sequence[tuple[Message, bytes]], place: int) -> bool:
    """Whether something was sent after that message came, and has arrived."""
    received = {message.version for message, _ in kept if message.kind == RECEIPT}
    return any(
        message.kind == ATTACHMENT and message.version in received and at > place
        for at, (message, _) in enumerate(kept)
    )


def _created(determination: Determination) -> datetime:
    return determination.created or _LONG_AGO
