"""A practice that may have missed something asks its payer once, and takes up the answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from prior_auth import gaps
from prior_auth.fhir import json
from prior_auth.fhir.pas_exchange import INQUIRED, INQUIRY

APPROVAL = {"sequence": 1, "action": "certify"}


async def pended(joined: Any, companies: Any) -> str:
    """A case that was sent with its gap and waits for the payer."""
    answer = await joined.http.post("/api/cases", content=companies.chart("breast-her2-gap"))
    case_id = str(answer.json()["id"])
    await joined.http.post(f"/api/cases/{case_id}/release?how=with-gaps")
    assert (await joined.store.get(case_id)).version == 1
    return case_id


async def decided_in_silence(payer: Any) -> None:
    """The payer's word, of which no notification tells: nobody has subscribed."""
    found = (await payer.store.authorizations())[0]
    await payer.http.post(f"/api/authorizations/{found.id}/decisions", content=json.write(APPROVAL))


async def kinds(joined: Any, case_id: str) -> list[str]:
    return [one.kind for one in await joined.store.messages(case_id) if one.kind in (INQUIRY, INQUIRED)]


async def test_a_person_who_asks_learns_what_no_notification_told(joined: Any, payer: Any, companies: Any) -> None:
    case_id = await pended(joined, companies)
    await decided_in_silence(payer)
    assert (await joined.http.post(f"/api/cases/{case_id}/inquiry")).status_code == 202
    case = await joined.store.get(case_id)
    assert case.status.value == "certified"
    determined = [one for one in await joined.store.timeline(case_id) if one.what == "determined"]
    assert determined[0].facts["item-1"].startswith("AUTH-")
    assert await kinds(joined, case_id) == [INQUIRY, INQUIRED]


@pytest.mark.requirement("spec-9", "spec-42")
async def test_missed_events_are_asked_about_once_and_a_pend_keeps_what_was_asked_for(
    joined: Any, payer: Any, companies: Any
) -> None:
    case_id = await pended(joined, companies)
    before = await joined.store.get(case_id)
    await gaps.found(joined.store, case_id, gaps.MISSED, at=datetime.now(UTC))
    for _ in range(3):
        await joined.http.post(f"/api/cases/{case_id}/release?how=complete&version=9")  # any nudge
    assert await kinds(joined, case_id) == [INQUIRY, INQUIRED]
    case = await joined.store.get(case_id)
    assert case.status == before.status
    asked = [one for one in await joined.store.timeline(case_id) if one.what == "inquired"]
    assert [one.facts for one in asked] == [{"why": "missed-events", "word": "pended"}]


async def test_nothing_is_asked_before_anything_was_sent(joined: Any, companies: Any) -> None:
    answer = await joined.http.post("/api/cases", content=companies.chart("breast-her2-gap"))
    refused = await joined.http.post(f"/api/cases/{answer.json()['id']}/inquiry")
    assert refused.status_code == 409


async def test_a_deadline_that_passed_is_a_gap_once(joined: Any) -> None:
    now = datetime.now(UTC)
    due_at = now - timedelta(hours=1)
    gap = await gaps.unasked(joined.store, "case", due_at=due_at, now=now)
    assert gap is not None
    assert gap.why == gaps.OVERDUE
    await gaps.answered(joined.store, "case", gap)
    assert await gaps.unasked(joined.store, "case", due_at=due_at, now=now) is None
    assert await gaps.unasked(joined.store, "case", due_at=now + timedelta(hours=1), now=now) is None
