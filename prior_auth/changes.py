"""What a practice wants changed in a request: kept with its case, carried by the next version that goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

CHANGE, CARRIED = "change", "carried"  # documents of a case


class ChangeStore(Protocol):
    """What of a store a change needs."""

    async def document(self, owner: str, name: str) -> Any | None: ...

    async def keep_document(self, owner: str, name: str, document: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Change:
    """All that was ever wished, together. `number` counts the wishes; references are the chart's (`Type/id`).

    What is wished of an order itself (units, days) is in the order: its newest form replaces the one before.
    """

    number: int = 0
    cancel_all: bool = False
    cancelled: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    def orders(self, asked: Sequence[str]) -> list[str]:
        """The orders that are asked for now, in their first order."""
        return [one for one in dict.fromkeys([*asked, *self.added]) if one not in self.cancelled]

    def wished(
        self,
        *,
        cancel_all: bool = False,
        cancelled: Iterable[str] = (),
        added: Iterable[str] = (),
        dropped: Iterable[str] = (),
    ) -> Change:
        """One more wish. An order that is asked for again is no longer cancelled, and the other way round."""
        gone, come = tuple(cancelled), tuple(added)
        return replace(
            self,
            number=self.number + 1,
            cancel_all=self.cancel_all or cancel_all,
            cancelled=tuple(dict.fromkeys([*(one for one in self.cancelled if one not in come), *gone])),
            added=tuple(dict.fromkeys([*(one for one in self.added if one not in gone), *come])),
            dropped=tuple(dict.fromkeys([*self.dropped, *dropped])),
        )


async def wanted(store: ChangeStore, case_id: str) -> Change:
    """What is wished of this case; `number` 0 where nothing is."""
    found: Mapping[str, Any] | None = await store.document(case_id, CHANGE)
    if found is None:
        return Change()
    lists = {name: tuple(found[name]) for name in ("cancelled", "added", "dropped")}
    return Change(found["number"], found["cancel_all"], **lists)


async def keep(store: ChangeStore, case_id: str, change: Change) -> None:
    await store.keep_document(case_id, CHANGE, asdict(change))


async def carry(store: ChangeStore, case_id: str, version: int, change: Change) -> None:
    """The version that is about to be stored carries this wish."""
    carried: Mapping[str, int] = await store.document(case_id, CARRIED) or {}
    await store.keep_document(case_id, CARRIED, {**carried, str(version): change.number})


async def carried_by(store: ChangeStore, case_id: str, versions: Iterable[int]) -> int:
    """The newest wish that one of these versions carries."""
    carried: Mapping[str, int] = await store.document(case_id, CARRIED) or {}
    return max((carried.get(str(version), 0) for version in versions), default=0)
