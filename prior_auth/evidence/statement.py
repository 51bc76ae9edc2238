"""One thing that the chart says about one item, before it is weighed against the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prior_auth.domain.evidence import FactValue, Source, Tier, Unread
from prior_auth.evidence.chart import Entry
from prior_auth.evidence.when import When


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """`view` is the canonical resource without id, meta and subject; statements that share one hold the same object.

    `also` are further items that it answers.

    `question` is the canonical code of the question (clinical or pathologic stage; status or ratio), `focus` the
    reference of the cancer it is about, `method` how it was found out, where stated. Statements that say the same of
    the same thing by the same method contradict each other when their values differ; `single` marks those that can.
    Items that answer one question share a `topic`; an `aspect` (one change of a gene) is contradicted only by the same
    aspect or by the whole, and `claim` is what is compared where it is not the value. `overtaken` as in a Fact.
    """

    item: str
    value: FactValue
    unit: str | None
    entry: Entry
    path: str
    tier: Tier
    when: When
    view: Mapping[str, Any] | None = None
    also: tuple[str, ...] = ()
    question: str = ""
    focus: str | None = None
    method: str | None = None
    single: bool = False
    varies: bool = False
    topic: str | None = None
    aspect: str | None = None
    claim: object = None
    overtaken: bool = False

    @property
    def source(self) -> Source:
        return Source(self.entry.reference, self.path, self.entry.origin)

    @property
    def group(self) -> str | None:
        """Name of the question that it answers, for those that can contradict each other."""
        if not self.single:
            return None
        return "|".join(part for part in (self.item, self.question, self.focus, self.method) if part)


@dataclass(frozen=True, slots=True)
class Harvest:
    """What one way of gathering found."""

    statements: tuple[Statement, ...] = ()
    unread: tuple[Unread, ...] = ()


def unread(item: str, entry: Entry, why: str, *, pending: bool = False) -> Unread:
    return Unread(item, Source(entry.reference, entry.prefix, entry.origin), why, pending)
