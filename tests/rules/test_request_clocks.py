"""Which clock a request gets: by its plan, its order and its policy; each plan of the sample payer another."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from prior_auth import stories
from prior_auth.domain.deadline import BenefitKind
from prior_auth.domain.legal_clock import LegalClock
from prior_auth.domain.request import AuthorizationRequest, Urgency
from prior_auth.engine import Engine
from prior_auth.fhir.chart_bundle import chart_resources
from prior_auth.rulebook import Rulebook

RECEIVED = datetime(2027, 1, 4, 16, 0, tzinfo=UTC)


def request(engine: Engine, story: str, plan: str | None = None, **changes: Any) -> AuthorizationRequest:
    told = stories.load(story)
    chart = chart_resources(told.chart(plan=plan))
    return replace(engine.read_request(chart, as_of=told.day, orders=[told.order]), **changes)


@pytest.fixture
def engine(rulebook: Rulebook) -> Engine:
    return Engine(rulebook)


def row(clock: LegalClock) -> str | None:
    return clock.won.row.id if clock.won else None


@pytest.mark.parametrize(
    ("story", "plan", "urgency", "expected", "due"),
    [
        ("breast-her2-adjuvant", "PLAN-GOLD", "standard", "claims-procedure-standard", "2027-01-20T00:00-06:00"),
        ("breast-her2-adjuvant", "PLAN-GOLD", "expedited", "claims-procedure-urgent", "2027-01-07T10:00-06:00"),
        ("breast-her2-adjuvant", "MA-PPO", "standard", "ma-part-b-standard", "2027-01-07T10:00-06:00"),
        ("breast-her2-adjuvant", "MA-PPO", "expedited", "ma-part-b-expedited", "2027-01-05T10:00-06:00"),
        ("breast-her2-adjuvant", "MCD-HMO", "standard", "medicaid-drug", "2027-01-05T10:00-06:00"),
        ("breast-brca-olaparib", "MA-PPO", "standard", "ma-part-d-standard", "2027-01-07T10:00-06:00"),
        ("breast-brca-olaparib", "PLAN-GOLD", "standard", "claims-procedure-standard", "2027-01-20T00:00-06:00"),
        ("lung-screening", "PLAN-GOLD", "standard", "claims-procedure-standard", "2027-01-20T00:00-06:00"),
        ("lung-screening", "MA-PPO", "standard", "ma-service-standard", "2027-01-12T00:00-06:00"),
        ("lung-screening", "MA-PPO", "expedited", "ma-service-expedited", "2027-01-07T10:00-06:00"),
        ("lung-screening", "MCD-HMO", "standard", "medicaid-managed-service-standard", "2027-01-12T00:00-06:00"),
    ],
)
def test_each_plan_and_kind_of_order_has_its_clock(
    engine: Engine, story: str, plan: str, urgency: str, expected: str, due: str
) -> None:
    found = engine.clock(request(engine, story, plan, urgency=Urgency(urgency)), None, RECEIVED)
    assert (row(found), found.due_at) == (expected, datetime.fromisoformat(due))


def test_a_drug_that_is_ordered_as_a_service_is_a_drug(engine: Engine) -> None:
    drug = request(engine, "breast-her2-adjuvant", "MA-PPO")
    as_service = replace(drug.items[0], order="ServiceRequest/1")
    found = engine.clock(replace(drug, items=(as_service,)), None, RECEIVED)
    assert found.terms is not None
    assert found.terms.benefits == (BenefitKind.MEDICAL_DRUG,)


def test_a_request_of_a_scan_and_a_drug_has_the_stricter_clock(engine: Engine) -> None:
    scan, drug = request(engine, "lung-screening", "MA-PPO"), request(engine, "breast-her2-adjuvant", "MA-PPO")
    found = engine.clock(replace(scan, items=(*scan.items, *drug.items)), None, RECEIVED)
    assert row(found) == "ma-part-b-standard"
    assert [one.row.id for one in found.lost] == ["ma-service-standard"]


def test_a_plan_that_the_payer_does_not_have_has_no_clock(engine: Engine) -> None:
    found = engine.clock(request(engine, "lung-screening", "ANOTHER-PLAN"), None, RECEIVED)
    assert (found.due_at, found.unknown) == (None, ("the plan is not among the payer's plans",))


def test_a_payer_that_nobody_knows_has_no_clock(engine: Engine) -> None:
    found = engine.clock(request(engine, "lung-screening"), "NOBODY", RECEIVED)
    assert (found.due_at, found.unknown) == (None, ("the payer is not in the rulebook",))


def test_a_plan_that_is_not_stated_is_the_payers_usual_one(engine: Engine) -> None:
    scan = request(engine, "lung-screening")
    assert scan.coverage is not None
    unstated = replace(scan, coverage=replace(scan.coverage, plan=None))
    assert row(engine.clock(unstated, None, RECEIVED)) == "claims-procedure-standard"
