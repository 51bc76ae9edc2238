"""What workflows and activities tell each other: ids, counts, coded words and instants, never patient data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Next(StrEnum):
    """What the practice's story does after a judgement."""

    SEND = "send"
    WAIT = "wait"  # for evidence, for a person's release, or for a person's look
    CLOSE = "close"  # nothing to send: not required, or not by PAS


@dataclass(frozen=True, slots=True)
class AssessmentMade:
    """The record of a judgement: the policies by id, version and hash; how much is missing; what comes next."""

    recommendation: str
    policies: tuple[str, ...]
    missing: int
    next: Next
    patience: timedelta  # how long to wait before a person is asked


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request whose exact bytes are stored. `message` is None where something is missing to build it."""

    message: str | None
    version: int
    withdrawn: bool = False  # nobody wants it any more, and nothing was ever sent


@dataclass(frozen=True, slots=True)
class PayerWord:
    """Where a case stands with the payer. `due_at` is the legal instant of the answer, once there is a receipt."""

    sent: bool
    final: bool
    information_requested: bool
    version: int
    due_at: datetime | None
    silence: timedelta
    change: bool = False  # the practice wants something changed that no version carries yet
    gap: str | None = None  # why the payer should be asked by inquiry, where nobody has yet


@dataclass(frozen=True, slots=True)
class Recorded:
    """The final word is on record. `renewal`: what was granted ends some day, and somebody is to be reminded."""

    renewal: bool


@dataclass(frozen=True, slots=True)
class Renewal:
    """When to look again; None where there is nothing more to remind of, and why."""

    at: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class ReviewMade:
    """Where an authorization stands: `final` once every item of its newest version is decided."""

    version: int
    revision: int
    final: bool
    due_at: datetime | None
    silence: timedelta
    grace: timedelta  # how long the synchronous answer may still be on its way


@dataclass(frozen=True, slots=True)
class Notified:
    """Notifications that now have to be delivered, by id."""

    notifications: tuple[str, ...]
