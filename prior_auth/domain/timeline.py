"""One line of a case's story, for people and for audit: coded facts only, no patient data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from prior_auth.domain.people import Person


@dataclass(frozen=True, slots=True)
class Entry:
    """`what` is a word from a closed list (`opened`, `assessed`, `sent` …); `facts` are codes, counts and ids."""

    at: datetime
    what: str
    by: Person
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Message:
    """One Bundle or Parameters sent or received, kept byte for byte. `sha256` is of the exact bytes."""

    id: str
    owner: str  # the case or authorization it belongs to
    direction: str  # "sent" | "received"
    kind: str  # "request", "response", "notification" …
    version: int
    sha256: str
    at: datetime
