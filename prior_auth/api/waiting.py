"""Those who wait for a word share one look at the store, however many they are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress

_LOOK_EVERY = 0.04  # seconds; a look costs about a millisecond, however many wait

Look = Callable[[Collection[str]], Awaitable[Collection[str]]]


class Waiting:
    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], str] = {}
        self._looking: asyncio.Task[None] | None = None

    async def until(self, id: str, look: Look, *, seconds: float) -> None:
        """Return when `look` names this id, or when the time is up. Raises what the look raises."""
        named: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[named] = id
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look(look))
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(named, seconds)
        finally:
            self._waiting.pop(named, None)

    async def _look(self, look: Look) -> None:
        """Look steadily for as long as anybody waits; what breaks is told to each of them."""
        while self._waiting:
            try:
                found = set(await look(set(self._waiting.values())))
            except Exception as problem:
                for named in [one for one in self._waiting if not one.done()]:
                    named.set_exception(problem)
                return
            for named in [one for one, id in self._waiting.items() if id in found and not one.done()]:
                named.set_result(None)
            await asyncio.sleep(_LOOK_EVERY)
