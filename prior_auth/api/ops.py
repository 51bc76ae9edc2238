"""The operators' window of either side: states, what each thing waits for, and every message as it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fastapi import FastAPI, Request, Response

from prior_auth.api import pages, problems
from prior_auth.domain.authorization import Authorization
from prior_auth.domain.case import Case
from prior_auth.ports import Ledger


def operations_page(request: Request, rows: Sequence[tuple[str, Case | Authorization, str]], now: datetime) -> Response:
    """`rows` are (state, thing, link). Ids and states only: nothing here is patient data."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for state, thing, link in rows:
        due = None if thing.status.is_final else thing.due_at
        groups[state].append(
            {
                "id": thing.id,
                "link": link,
                "waiting_for": thing.waiting_for,
                "since": thing.changed_at,
                "until": due,
                "left": pages.left(due, now),
                "urgency": pages.urgency(due, now),
                "version": thing.version,
            }
        )
    figures = [(state, len(found)) for state, found in groups.items()]
    return pages.page("operations.html", request, groups=sorted(groups.items()), figures=figures)


def add_message_door(app: FastAPI, ledger: Ledger) -> None:
    @app.get("/messages/{message_id}", include_in_schema=False)
    async def message(message_id: str) -> Response:
        return problems.fhir_answer(await ledger.message_body(message_id))
