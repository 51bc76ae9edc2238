"""Where a practice stands with a payer, read from every message of the exchange, in the order they were kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from prior_auth.domain.determination import Determination
from prior_auth.domain.timeline import Message
from prior_auth.errors import BadInput
from prior_auth.fhir import json, pas_determination, pas_inquiry, pas_received
from prior_auth.fhir.pas_received import pairs

REQUEST, RESPONSE, NOTIFICATION = "request", "response", "notification"
ATTACHMENT, RECEIPT = "attachment", "receipt"
INQUIRY, INQUIRED = "inquiry", "inquiry-answer"
_ANSWERS = (RESPONSE, NOTIFICATION)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Standing:
    """`sent`: the payer has acknowledged the request. `answer` is the newest word, by its own date of creation.

    `information_requested`: the payer waits for something that has not been sent since it asked. `refused` is the
    message in which it would not take an update: the word before that one stands. `claim` is the version of the last
    Claim that it took, 0 before there is one.
    """

    sent: bool
    version: int
    acknowledged_at: datetime | None
    answer: Determination | None
    answer_message: str | None
    information_requested: bool
    refused: str | None = None
    claim: int = 0

    @property
    def final(self) -> bool:
        return self.answer is not None and self.answer.is_final


def standing(kept: Sequence[tuple[Message, bytes]]) -> Standing:
    """Fold the messages of a case. An answer can overtake the reply to the call it answers (pas.md trap 32)."""
    newest: Determination | None = None
    newest_at, message_id, acknowledged, version = -1, None, None, 0
    claims = _claims(kept)
    refused: dict[int, str] = {}
    for place, (message, body) in enumerate(kept):
        if message.kind == RECEIPT:
            version = max(version, message.version)
        if message.kind not in _ANSWERS:
            continue
        determination = pas_determination.read(json.read(body))
        acknowledged = acknowledged or determination.created or message.at
        version = max(version, _version(message, determination, claims))
        if determination.refuses and newest is not None:
            refused[message.version] = message.id
            continue
        if newest is None or _created(determination) >= _created(newest):
            newest, newest_at, message_id = determination, place, message.id
    if (asked := _inquired(kept)) is not None and (newest is None or _created(asked[0]) >= _created(newest)):
        newest, message_id = _with_inquired(newest, message_id, *asked)
    taken = set(range(version + 1)) - set(refused)
    if newest is not None:
        newest = newest.without(_cancelled(kept, taken))
    asks = newest is not None and not newest.is_final and bool(newest.requested)
    return Standing(
        sent=acknowledged is not None,
        version=version,
        acknowledged_at=acknowledged,
        answer=newest,
        answer_message=message_id,
        information_requested=asks and not _answered_after(kept, newest_at),
        refused=next(reversed(refused.values()), None),
        claim=max((one.version for one, _ in kept if one.kind == REQUEST and one.version in taken), default=0),
    )


def _cancelled(kept: Sequence[tuple[Message, bytes]], arrived: Collection[int]) -> frozenset[int]:
    """The items that the last Claim which the payer took wants no longer."""
    sent = [body for message, body in kept if message.kind == REQUEST and message.version in arrived]
    if not sent:
        return frozenset()
    return frozenset(one.sequence for one in pas_received.read(json.read(sent[-1])).items if one.cancelled)


def claims_sent(kept: Sequence[tuple[Message, bytes]]) -> frozenset[tuple[str, str]]:
    """The identifiers of every Claim that was sent."""
    return frozenset(pair for identifiers in _claims(kept).values() for pair in identifiers)


def _claims(kept: Sequence[tuple[Message, bytes]]) -> dict[int, tuple[tuple[str, str], ...]]:
    """The identifiers of the Claims by the version they went with."""
    sent = [(message.version, json.read(body)) for message, body in kept if message.kind == REQUEST]
    return {version: pairs(one["entry"][0]["resource"].get("identifier")) for version, one in sent}


def _version(message: Message, answer: Determination, claims: Mapping[int, tuple[tuple[str, str], ...]]) -> int:
    """The version an answer acknowledges; a notification's, by its Claim, as it may come while the next one goes."""
    if message.kind == RESPONSE:
        return message.version
    said = set(answer.claim_identifiers)
    return next((version for version, identifiers in claims.items() if said & set(identifiers)), message.version)


def of_claims(answer: bytes, claims: frozenset[tuple[str, str]]) -> Determination | None:
    """What an inquiry's answer says of these Claims: of several matches the newest; None where it has no word."""
    try:
        found = pas_inquiry.read_answer(json.read(answer))
    except BadInput:
        return None  # refused when it came (`PracticeActivities.inquire`); kept, and no word of the payer
    return next((one for _, one in found if claims & set(one.claim_identifiers)), None)


def _inquired(kept: Sequence[tuple[Message, bytes]]) -> tuple[Determination, str] | None:
    claims = claims_sent(kept)
    answers = [(message.id, body) for message, body in kept if message.kind == INQUIRED]
    found = [(one, name) for name, body in answers if (one := of_claims(body, claims)) is not None]
    return max(found, key=lambda one: _created(one[0]), default=None)


def _with_inquired(
    full: Determination | None, message: str | None, asked: Determination, asked_in: str
) -> tuple[Determination, str | None]:
    """An inquiry's answer holds no requests for information: while it is pended, those of the last full one stand."""
    if full is not None and _words(asked) == _words(full):
        return full, message
    if full is None or asked.is_final:
        return asked, asked_in
    return replace(full, items=asked.items, created=asked.created), asked_in


def _words(answer: Determination) -> list[tuple[object, ...]]:
    """What an answer decides: the day it was issued on is no decision."""
    return [(one.sequence, one.action, one.number, one.period, one.grant) for one in answer.items]


def _answered_after(kept: Sequence[tuple[Message, bytes]], place: int) -> bool:
    """Whether something was sent after that message came, and has arrived."""
    received = {message.version for message, _ in kept if message.kind == RECEIPT}
    return any(
        message.kind == ATTACHMENT and message.version in received and at > place
        for at, (message, _) in enumerate(kept)
    )


def _created(determination: Determination) -> datetime:
    return determination.created or _LONG_AGO
