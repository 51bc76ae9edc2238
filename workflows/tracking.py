"""Waiting: for news or for a deadline, whichever is first."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow

from workflows.options import OURS, Options


class Watched:
    """A story that is nudged when the store has news for it. Which news, it reads from the store."""

    def __init__(self) -> None:
        self.nudges = 0
        self.seen = 0
        self.waiting_for: str | None = None
        self.until: datetime | None = None

    async def ask(self, activity: Callable[..., Coroutine[Any, Any, Any]], *args: Any, options: Options = OURS) -> Any:
        """Execute an activity by its method reference, with named options."""
        return await workflow.execute_activity_method(activity, args=list(args), **options)

    async def here(self, activity: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> Any:
        """A step on our own store, done by the worker that has the story: a third of the service's work for it."""
        if not workflow.patched("own-steps-are-local-2026-11"):
            return await self.ask(activity, *args)
        return await workflow.execute_local_activity_method(activity, args=list(args), **OURS)

    def look(self) -> None:
        """Begin to read the store: nudges until now are answered by what is read next."""
        self.seen = self.nudges

    async def news(self, *, waiting_for: str, until: datetime | None = None, patience: timedelta) -> bool:
        """Wait for a nudge; False where the deadline (an instant, else `patience` from now) came first."""
        self.waiting_for = waiting_for
        self.until = until if until and until > workflow.now() else workflow.now() + patience
        try:
            await workflow.wait_condition(lambda: self.nudges > self.seen, timeout=self.until - workflow.now())
        except TimeoutError:
            return False
        finally:
            self.waiting_for = self.until = None
        return True
