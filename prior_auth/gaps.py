"""When a practice asks a payer by inquiry: once for each gap in what it was told, and never by habit (spec-9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

GAP, ASKED = "gap", "asked"  # documents of a case

MISSED = "missed-events"  # event numbers that never came
TOLD = "told-by-id"  # a notification that names the answer and does not bring it (2.0.1)
SILENT = "subscription-error"  # the subscription had fallen silent
OVERDUE = "overdue"  # the legal deadline passed
PERSON = "person"  # somebody wants to know


class GapStore(Protocol):
    """What of a store a gap needs."""

    async def document(self, owner: str, name: str) -> Any | None: ...

    async def keep_document(self, owner: str, name: str, document: Any) -> None: ...

    async def stir(self, owner: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Gap:
    """`name` is the same for the same gap, so that the question about it is built and sent as one."""

    why: str
    name: str


async def found(store: GapStore, case_id: str, why: str, *, at: datetime) -> None:
    """There is a gap: the case's story will ask."""
    await store.keep_document(case_id, GAP, {"why": why, "at": at.isoformat()})
    await store.stir(case_id)


async def unasked(store: GapStore, case_id: str, *, due_at: datetime | None, now: datetime) -> Gap | None:
    """The gap that nobody has asked about yet, a deadline that passed included."""
    asked: list[str] = await store.document(case_id, ASKED) or []
    gaps = []
    if (noted := await store.document(case_id, GAP)) is not None:
        gaps.append(Gap(noted["why"], noted["at"]))
    if due_at is not None and due_at <= now:
        gaps.append(Gap(OVERDUE, due_at.isoformat()))
    return next((one for one in gaps if one.name not in asked), None)


async def answered(store: GapStore, case_id: str, gap: Gap) -> None:
    """The payer has answered, whatever it said: this gap is not asked about again."""
    asked: list[str] = await store.document(case_id, ASKED) or []
    if gap.name not in asked:
        await store.keep_document(case_id, ASKED, [*asked, gap.name])
