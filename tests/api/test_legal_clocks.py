"""The legal clock at the windows: started once at the receipt, moved by what happens, shown with its law."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from prior_auth.api.payer import payer_app
from prior_auth.domain.deadline import DeadlineRow, Program
from prior_auth.domain.legal_clock import LegalClock, started, unknown
from prior_auth.fhir import json, subscription
from prior_auth.transports.fhir_pas import FhirPas


@dataclass(frozen=True, slots=True)
class Window:
    http: httpx2.AsyncClient
    store: Any

    async def fhir(self, path: str, body: bytes) -> httpx2.Response:
        headers = {"Content-Type": "application/fhir+json"}
        return await self.http.post(f"/fhir/{path}", content=body, headers=headers)


def window(desk: Any) -> Window:
    transport = httpx2.ASGITransport(app=payer_app(desk))
    return Window(httpx2.AsyncClient(transport=transport, base_url="http://window.example"), desk.store)


def bound(
    companies: Any, program: Program, change: Callable[[DeadlineRow], DeadlineRow] = lambda row: row
) -> Callable[[Any, datetime], LegalClock]:
    """The clock of a receipt by the rows of a program."""
    rows = [change(row) for row in companies.engine().rulebook.deadlines]

    def at(request: Any, received: datetime) -> LegalClock:
        terms = companies.engine().clock(request.request, "EXPAYER01", received).terms
        assert terms is not None
        return started(rows, replace(terms, program=program), received)

    return at


@pytest.fixture
async def gold(payer_desk: Any, companies: Any) -> AsyncIterator[Window]:
    """The payer's window, what it gets being of a commercial plan."""
    opened = window(replace(payer_desk, legal_clock=bound(companies, Program.COMMERCIAL)))
    async with opened.http:
        yield opened


async def submitted(payer: Any, body: bytes) -> str:
    answer = await payer.fhir("Claim/$submit", body)
    assert answer.status_code in (200, 201), answer.text
    return str((await payer.store.authorizations())[0].id)


async def clock(payer: Any, authorization_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await payer.http.get(f"/api/authorizations/{authorization_id}/clock")).json()
    return found


async def extension(payer: Any, authorization_id: str, **stated: Any) -> Any:
    return await payer.http.post(f"/api/authorizations/{authorization_id}/extension", content=json.write(stated))


async def test_the_law_that_binds_is_in_the_queue_and_on_the_page(payer: Any, incomplete: bytes) -> None:
    found = await submitted(payer, incomplete)
    law = "42 CFR 422.568(b)(3): 72 hours"
    assert law in (await payer.http.get("/")).text
    page = (await payer.http.get(f"/requests/{found}")).text
    assert law in page
    assert "Legal clock" in page


async def test_what_the_engine_asks_for_is_a_time_of_its_own(payer: Any, incomplete: bytes) -> None:
    found = await clock(payer, await submitted(payer, incomplete))
    assert found["won"]["id"] == "ma-part-b-standard"
    assert found["received"] <= found["asked"]
    assert (found["complete"], found["decided"], found["notified"]) == (None, None, None)


async def test_a_certified_request_was_decided_and_then_notified(payer: Any, complete: bytes) -> None:
    found = await clock(payer, await submitted(payer, complete))
    assert found["received"] == found["complete"]
    assert found["received"] <= found["decided"] <= found["notified"]
    assert (found["asked"], found["in_time"]) == (None, True)


async def test_a_resend_leaves_the_clock_of_the_receipt(payer: Any, incomplete: bytes) -> None:
    found = await submitted(payer, incomplete)
    before = await clock(payer, found)
    await payer.fhir("Claim/$submit", incomplete)
    assert await clock(payer, found) == before


async def test_an_extension_moves_the_deadline_and_is_on_the_timeline(gold: Any, incomplete: bytes) -> None:
    found = await submitted(gold, incomplete)
    before = (await gold.store.get(found)).due_at
    answer = await extension(gold, found, days=10, reason="an outside reviewer is asked")
    assert answer.status_code == 202, answer.text
    assert datetime.fromisoformat(answer.json()["due"]) == (await gold.store.get(found)).due_at
    after = (await gold.store.get(found)).due_at
    assert timedelta(days=10) - timedelta(hours=1) <= after - before <= timedelta(days=10) + timedelta(hours=1)
    assert "extended" in [one.what for one in await gold.store.timeline(found)]
    assert "Deadline extended" in (await gold.http.get(f"/requests/{found}")).text
    assert (await extension(gold, found, days=1, reason="again")).status_code == 409


async def test_the_desk_extends_by_its_form(gold: Any, incomplete: bytes) -> None:
    found = await submitted(gold, incomplete)
    assert "by at most 15 days" in (await gold.http.get(f"/requests/{found}")).text
    form = {"days": "3", "reason": "an outside reviewer is asked"}
    answer = await gold.http.post(f"/requests/{found}/extension", data=form)
    assert answer.status_code == 303, answer.text
    page = (await gold.http.get(f"/requests/{found}")).text
    assert "extended by 3 days: an outside reviewer is asked" in page
    assert "Extend the deadline" not in page


async def test_an_extension_that_waits_for_information_stops_the_clock(gold: Any, incomplete: bytes) -> None:
    found = await submitted(gold, incomplete)
    await extension(gold, found, days=15, reason="a report is missing", waits=True)
    assert (await gold.store.get(found)).due_at is None
    assert "not running" in (await gold.http.get(f"/requests/{found}")).text


UNSOUND: list[tuple[dict[str, Any], int]] = [
    ({"days": 16, "reason": "long"}, 409),
    ({"days": 0, "reason": "none"}, 409),
    ({"days": 5, "reason": " "}, 409),
    ({"days": 5}, 409),
    ({"days": "many", "reason": "why"}, 400),
    ({"reason": "why"}, 400),
]


async def test_an_unsound_extension_changes_nothing(gold: Any, incomplete: bytes) -> None:
    found = await submitted(gold, incomplete)
    before = await clock(gold, found)
    for stated, status in UNSOUND:
        answer = await extension(gold, found, **stated)
        assert answer.status_code == status, stated
        assert answer.json()["error"]["message"]
    assert await clock(gold, found) == before


async def test_a_part_b_drug_is_not_extended(payer: Any, incomplete: bytes) -> None:
    answer = await extension(payer, await submitted(payer, incomplete), days=1, reason="why")
    assert answer.status_code == 409
    assert "allows no extension" in answer.json()["error"]["message"]


async def test_an_unknown_authorization_has_no_clock_to_extend(payer: Any) -> None:
    assert (await extension(payer, "none", days=1, reason="why")).status_code == 404


async def test_a_row_that_was_not_read_is_shown_as_unverified(
    payer_desk: Any, companies: Any, incomplete: bytes
) -> None:
    doubted = bound(companies, Program.COMMERCIAL, lambda row: replace(row, verified=False))
    opened = window(replace(payer_desk, legal_clock=doubted))
    async with opened.http:
        found = await submitted(opened, incomplete)
        assert "(unverified)" in (await opened.http.get("/")).text
        assert "(unverified)" in (await opened.http.get(f"/requests/{found}")).text


async def test_where_no_row_fits_the_page_says_so(payer_desk: Any, companies: Any, incomplete: bytes) -> None:
    opened = window(replace(payer_desk, legal_clock=bound(companies, Program.ORIGINAL_MEDICARE)))
    async with opened.http:
        found = await submitted(opened, incomplete)
        assert (await opened.store.get(found)).due_at is None
        page = (await opened.http.get(f"/requests/{found}")).text
        assert "No legal deadline: no row of law is known for original-medicare" in page


async def test_a_plan_that_the_payer_does_not_have_says_so(payer_desk: Any, incomplete: bytes) -> None:
    why = "the plan is not among the payer's plans"
    opened = window(replace(payer_desk, legal_clock=lambda _, received: unknown(received, why)))
    async with opened.http:
        found = await clock(opened, await submitted(opened, incomplete))
        assert (found["due"], found["unknown"]) == (None, [why])


async def test_the_practice_computes_its_clock_once_from_the_acknowledgement(joined: Any, companies: Any) -> None:
    chart = companies.chart("breast-her2-adjuvant")
    case_id = (await joined.http.post("/api/cases", content=chart)).json()["id"]
    await joined.http.post(f"/api/cases/{case_id}/release")
    kept = await joined.store.document(case_id, "clock")
    assert kept is not None
    page = (await joined.http.get(f"/cases/{case_id}")).text
    assert "Legal clock" in page
    assert "29 CFR 2560.503-1(f)(2)(iii)(A)" in page


@pytest.fixture
async def told(payer_desk: Any, companies: Any, tmp_path: Any) -> AsyncIterator[tuple[Any, Any, str]]:
    """A practice and its payer, both under the clock of a commercial plan: a request with a gap, which is pended."""
    at_law = bound(companies, Program.COMMERCIAL)
    payer = window(replace(payer_desk, legal_clock=at_law))
    base = "http://window.example/fhir"
    side = companies.practice(tmp_path, url="http://practice.example", payer_url=base)
    async with payer.http, side as opened:
        engine = Bound(opened.engine, at_law)
        opened = replace(opened, engine=engine, transport=FhirPas(base, client=payer.http))
        transport = httpx2.ASGITransport(app=companies.app_of_practice(opened))
        async with httpx2.AsyncClient(transport=transport, base_url="http://window.example") as http:
            payer_desk.stories.hands.notifier = Carrying(http)
            filtered = subscription.subscription(["RIVERSIDE01"], endpoint="http://window.example/fhir/notifications")
            await payer.fhir("Subscription", json.write(filtered))
            chart = companies.chart("breast-her2-gap")
            case_id = (await http.post("/api/cases", content=chart)).json()["id"]
            await http.post(f"/api/cases/{case_id}/release?how=with-gaps")
            yield Window(http, opened.store), payer, case_id


class Bound:
    """The engine with another law."""

    def __init__(self, engine: Any, at_law: Any) -> None:
        self._engine, self._at_law = engine, at_law

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def clock(self, request: Any, _payer: Any, received: datetime) -> LegalClock:
        return self._at_law(Asked(request), received)


@dataclass(frozen=True, slots=True)
class Asked:
    request: Any


class Carrying:
    """`Notifier` to the practice's window."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http

    async def deliver(self, endpoint: str, body: bytes, _headers: Any) -> None:
        answer = await self.http.post(endpoint, content=body, headers={"Content-Type": "application/fhir+json"})
        answer.raise_for_status()


def moments(kept: dict[str, Any]) -> dict[str, bool]:
    return {name: bool(kept["moments"][name]) for name in ("complete", "asked", "extended", "decided", "notified")}


async def test_an_extension_of_the_payer_moves_the_practices_clock_and_its_times_are_kept_apart(
    told: tuple[Any, Any, str],
) -> None:
    practice, payer, case_id = told
    before, first = (await practice.store.get(case_id)).due_at, await practice.store.document(case_id, "clock")
    assert moments(first) == {"complete": False, "asked": True, "extended": False, "decided": False, "notified": False}
    found = (await payer.store.authorizations())[0]
    assert (await extension(payer, found.id, days=10, reason="A second opinion is sought.")).status_code == 202
    case, clock = await practice.store.get(case_id), await practice.store.document(case_id, "clock")
    assert case.due_at == before + timedelta(days=10) == (await payer.store.get(found.id)).due_at
    assert clock["extension"]["days"] == 10
    assert case.status.value == "information-requested"  # what was asked for is still asked for
    assert "extended by 10 days: A second opinion is sought." in (await practice.http.get(f"/cases/{case_id}")).text
    approval = {"sequence": 1, "action": "certify"}
    await payer.http.post(f"/api/authorizations/{found.id}/decisions", content=json.write(approval))
    last = await practice.store.document(case_id, "clock")
    assert moments(last) == {"complete": False, "asked": True, "extended": True, "decided": True, "notified": True}
    assert last["moments"]["received"] == first["moments"]["received"]


async def test_an_extension_that_waits_for_information_stops_the_practices_clock_too(
    told: tuple[Any, Any, str],
) -> None:
    practice, payer, case_id = told
    found = (await payer.store.authorizations())[0]
    stated = {"days": 15, "reason": "The report is awaited.", "waits": True}
    assert (await extension(payer, found.id, **stated)).status_code == 202
    assert (await practice.store.get(case_id)).due_at is None


async def test_a_person_who_was_told_of_an_extension_states_it_within_the_law(told: tuple[Any, Any, str]) -> None:
    practice, _, case_id = told
    before = (await practice.store.get(case_id)).due_at
    path = f"/api/cases/{case_id}/extension"
    too_long = await practice.http.post(path, content=json.write({"days": 16, "reason": "By letter."}))
    assert too_long.status_code == 409
    assert (await practice.store.get(case_id)).due_at == before
    taken = await practice.http.post(path, content=json.write({"days": 15, "reason": "By letter."}))
    assert taken.status_code == 202
    assert (await practice.store.get(case_id)).due_at == before + timedelta(days=15)
    again = await practice.http.post(path, content=json.write({"days": 5, "reason": "Once more."}))
    assert again.status_code == 409
