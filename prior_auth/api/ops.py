"""The operators' window of either side: every case or authorization by state, with what it waits for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from fastapi import Request, Response

from prior_auth.api import pages, shown
from prior_auth.api.words import OWES
from prior_auth.domain.authorization import Authorization
from prior_auth.domain.case import Case


def operations_page(request: Request, rows: Sequence[tuple[Case | Authorization, str]], now: datetime) -> Response:
    """`rows` are (thing, link). Ids and states only: nothing here is patient data."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for thing, link in rows:
        due = None if thing.status.is_final else thing.due_at
        groups[thing.status.value].append(
            {
                "id": thing.id,
                "link": link,
                "waits": "Nothing: it has ended" if thing.status.is_final else OWES.get(thing.waiting_for, ""),
                "since": thing.changed_at,
                "until": due,
                "left": shown.left(due, now),
                "urgency": shown.urgency(due, now),
                "version": thing.version,
            }
        )
    open_first = sorted(groups.items(), key=lambda group: (group[0] in _ENDED, group[0]))
    return pages.page("operations.html", request, groups=open_first)


_ENDED = {"certified", "modified", "partial", "not-certified", "not-required", "not-by-pas", "withdrawn"}
