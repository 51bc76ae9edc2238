"""What was found in a chart, where, and how sure the way of finding it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from prior_auth.domain.coding import Coding


class Tier(StrEnum):
    """By what a fact was recognised, surest first. A document is a place to look, never a value."""

    PROFILE = "profile"
    CODE = "code"
    TEXT = "text"
    DOCUMENT = "document"


FactValue = str | bool | int | Decimal | Coding | None


@dataclass(frozen=True, slots=True)
class Source:
    """Where in the chart: `Observation/ecog-1`, `Observation.value`; `origin` names the chart if there are several."""

    reference: str
    path: str
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement of the chart about one evidence item, with its source.

    `value` is typed and in the item's canonical unit (UCUM code in `unit`); `date` is the FHIR date or dateTime it
    holds for, as stated. `view` is the reference of its canonical resource in the mCODE view; a fact of tier
    `document` has none, and no value. `group` names facts that answer the same question about the same thing by the
    same method (item, cancer, method): among those, different values on one day contradict each other. `overtaken`:
    a newer result for the same question is there and not final yet.
    """

    item: str
    value: FactValue
    unit: str | None
    date: str | None
    source: Source
    tier: Tier
    view: str | None
    group: str | None = None
    overtaken: bool = False


@dataclass(frozen=True, slots=True)
class Unread:
    """Something about an item that could not be used, and why: unreadable, a result that is not final."""

    item: str
    source: Source
    why: str
    pending: bool = False  # the result is registered or preliminary: ask again when it is final


@dataclass(frozen=True, slots=True)
class Conflicting:
    """Facts that count equally and disagree (rulings 13)."""

    item: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """What was looked for in vain: how many resources of which types were read for an item."""

    item: str
    resources: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was gathered for one patient.

    `view` is the mCODE view: canonical resources as plain JSON objects, Patient first, the only data policies see.
    """

    patient: str
    facts: tuple[Fact, ...]
    view: tuple[Mapping[str, Any], ...]
    unread: tuple[Unread, ...] = ()
    conflicts: tuple[Conflicting, ...] = ()
    looked: Mapping[str, Looked] = field(default_factory=dict)

    def facts_of(self, *items: str) -> tuple[Fact, ...]:
        return tuple(fact for fact in self.facts if fact.item in items)

    def facts_behind(self, view_reference: str) -> tuple[Fact, ...]:
        """The facts that a resource of the view stands for."""
        return tuple(fact for fact in self.facts if fact.view == view_reference)
