from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from prior_auth.domain.case import Case, CaseStatus
from prior_auth.domain.people import ENGINE, Person, Role
from prior_auth.errors import BadInput, Conflict, NotFound
from prior_auth.ports import CaseStore
from prior_auth.store.cases import SqlCases

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NURSE = Person("Nora Nurse", Role.STAFF)
CHART = (
    b'{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"p"}},'
    b'{"resource":{"resourceType":"Observation","id":"w","valueQuantity":{"value":70.10}}}]}'
)
REQUEST = {"order": "MedicationRequest/m1", "payer": "sample"}
ECOG = {"resourceType": "Observation", "id": "ecog-1", "valueInteger": 1}


async def open_case(store: CaseStore, key: str = "p|m1") -> tuple[Case, bool]:
    return await store.open(key, payer="sample", plan="GOLD", service="Q5112", chart=CHART, request=REQUEST, at=NOON)


async def test_a_new_case_is_open_and_holds_what_it_was_given(cases: SqlCases) -> None:
    case, fresh = await open_case(cases)
    assert fresh
    assert await cases.get(case.id) == case
    assert (case.status, case.version, case.due_at, case.payer) == (CaseStatus.OPENED, 0, None, "sample")
    assert await cases.request(case.id) == REQUEST
    assert [resource["id"] for resource in await cases.chart(case.id)] == ["p", "w"]
    assert await cases.unlooked() == [case.id], "a case whose story was never started is found by the sweep"


async def test_the_second_press_finds_the_first_case(cases: SqlCases) -> None:
    first, _ = await open_case(cases)
    second, fresh = await open_case(cases)
    other, other_fresh = await open_case(cases, "p|m2")
    assert second == first
    assert not fresh
    assert other_fresh
    assert other.id != first.id
    assert len(await cases.cases()) == 2


async def test_a_chart_keeps_the_digits_of_its_decimals(cases: SqlCases) -> None:
    case, _ = await open_case(cases)
    weight = (await cases.chart(case.id))[1]["valueQuantity"]["value"]
    assert str(weight) == "70.10"
    assert isinstance(weight, Decimal)


@pytest.mark.parametrize("chart", [b"{", b'{"resourceType":"Bundle","entry":[{"resource":{}}]}'])
async def test_an_unreadable_chart_opens_nothing(cases: SqlCases, chart: bytes) -> None:
    with pytest.raises(BadInput):
        await cases.open("k", payer=None, plan=None, service="Q5112", chart=chart, request={}, at=NOON)
    assert await cases.cases() == []


async def test_evidence_added_comes_after_the_chart_once_for_each_key(cases: SqlCases) -> None:
    case, _ = await open_case(cases)
    await cases.look(case.id)
    assert await cases.add_evidence(case.id, ECOG, key="form-1", by=NURSE, at=NOON)
    assert await cases.unlooked() == [case.id]
    await cases.look(case.id)
    assert not await cases.add_evidence(case.id, {**ECOG, "id": "other"}, key="form-1", by=NURSE, at=NOON)
    assert await cases.unlooked() == []
    assert [resource["id"] for resource in await cases.chart(case.id)] == ["p", "w", "ecog-1"]
    assert await cases.additions(case.id) == ["Observation/ecog-1"]


async def test_a_status_keeps_the_deadline_and_version_it_does_not_name(cases: SqlCases) -> None:
    case, _ = await open_case(cases)
    due = NOON + timedelta(days=7)
    await cases.set_status(case.id, CaseStatus.PENDED, waiting_for="payer", at=NOON, due_at=due, version=1)
    await cases.set_status(case.id, CaseStatus.INFORMATION_REQUESTED, waiting_for="evidence", at=NOON)
    changed = await cases.get(case.id)
    assert (changed.status, changed.waiting_for) == (CaseStatus.INFORMATION_REQUESTED, "evidence")
    assert (changed.due_at, changed.version) == (due, 1)


async def test_the_worklist_shows_the_newest_change_first_and_can_leave_out_what_is_done(cases: SqlCases) -> None:
    first, _ = await open_case(cases, "1")
    second, _ = await open_case(cases, "2")
    await cases.set_status(first.id, CaseStatus.CERTIFIED, waiting_for=None, at=NOON + timedelta(hours=1))
    assert [case.id for case in await cases.cases()] == [first.id, second.id]
    assert [case.id for case in await cases.cases(only_open=True)] == [second.id]


async def test_instants_come_back_in_utc_whatever_zone_they_were_given_in(cases: SqlCases) -> None:
    case, _ = await open_case(cases)
    there = NOON.astimezone(timezone(timedelta(hours=-5)))
    await cases.set_status(case.id, CaseStatus.PENDED, waiting_for="payer", at=there, due_at=there)
    due = (await cases.get(case.id)).due_at
    assert due == NOON
    assert due.tzinfo is UTC


async def test_an_instant_without_a_zone_is_refused(cases: SqlCases) -> None:
    case, _ = await open_case(cases)
    with pytest.raises(Exception, match="without a zone"):
        await cases.set_status(case.id, CaseStatus.PENDED, waiting_for=None, at=NOON.replace(tzinfo=None))
    assert (await cases.get(case.id)).status is CaseStatus.OPENED


async def test_a_claim_identifier_leads_to_its_case_and_never_to_two(cases: SqlCases) -> None:
    first, _ = await open_case(cases, "1")
    second, _ = await open_case(cases, "2")
    await cases.remember_claim(first.id, "urn:us|C1")
    await cases.remember_claim(first.id, "urn:us|C1")
    with pytest.raises(Conflict):
        await cases.remember_claim(second.id, "urn:us|C1")
    assert await cases.case_of_claim("urn:us|C1") == first.id
    assert await cases.case_of_claim("urn:us|C2") is None


async def test_a_notice_is_kept_once_for_each_event_of_each_subscription(cases: SqlCases) -> None:
    assert await cases.keep_notice("sub", 1, b"notice", at=NOON)
    assert not await cases.keep_notice("sub", 1, b"notice", at=NOON)
    assert await cases.keep_notice("sub", 2, b"notice", at=NOON)
    assert await cases.keep_notice("other", 1, b"notice", at=NOON)


async def test_settings_can_be_set_and_changed(cases: SqlCases) -> None:
    assert await cases.setting("subscription") is None
    await cases.set_setting("subscription", "one")
    await cases.set_setting("subscription", "two")
    assert await cases.setting("subscription") == "two"


async def test_what_is_not_there_is_said_so(cases: SqlCases) -> None:
    with pytest.raises(NotFound):
        await cases.get("nobody")
    with pytest.raises(NotFound):
        await cases.request("nobody")
    with pytest.raises(NotFound):
        await cases.chart("nobody")
    with pytest.raises(NotFound):
        await cases.set_status("nobody", CaseStatus.PENDED, waiting_for=None, at=NOON)
    with pytest.raises(NotFound):
        await cases.add_evidence("nobody", ECOG, key="k", by=ENGINE, at=NOON)
    with pytest.raises(NotFound):
        await cases.remember_claim("nobody", "urn:us|C1")
    with pytest.raises(NotFound):
        await cases.message_body("nothing")


def test_the_store_is_the_port(cases: SqlCases) -> None:
    store: CaseStore = cases  # mypy judges this line
    request: Mapping[str, Any] = REQUEST
    assert store is cases
    assert request
