"""Who did something: a named person, or the engine itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    STAFF = "staff"
    CLINICIAN = "clinician"
    OPERATOR = "operator"
    ENGINE = "engine"


@dataclass(frozen=True, slots=True)
class Person:
    """`licence` is the NPI of a clinician. The engine is a person in this one sense: the timeline can name it."""

    name: str
    role: Role
    licence: str | None = None

    @property
    def may_decide_adversely(self) -> bool:
        """Only a named, licensed clinician denies or reduces (house rule 8)."""
        return self.role is Role.CLINICIAN and bool(self.name.strip()) and bool(self.licence)


ENGINE = Person("prior-auth engine", Role.ENGINE)
