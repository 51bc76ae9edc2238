"""A regimen is judged order by order, each seeing the others, and has one word as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from prior_auth import stories
from prior_auth.engine import Engine
from prior_auth.fhir.chart_bundle import chart_resources
from prior_auth.rulebook import Rulebook

Json = dict[str, Any]
EACH = ["approve", "not-required", "not-required", "approve"]


@pytest.fixture(scope="module")
def engine(rulebook: Rulebook) -> Engine:
    return Engine(rulebook)


def judged(engine: Engine, bundle: Json, orders: list[str] | None = None) -> Json:
    story = stories.load("breast-tch-regimen")
    return engine.judge(chart_resources(bundle), as_of=story.day, orders=orders).report


def words(report: Json) -> list[str]:
    return [one["recommendation"] for one in report["items"]]


def resource(bundle: Json, kind: str, end: str = "") -> Json:
    found: Json = next(
        one["resource"]
        for one in bundle["entry"]
        if one["resource"]["resourceType"] == kind and one["resource"]["id"].endswith(end)
    )
    return found


def test_each_order_of_a_regimen_has_its_own_word_and_the_whole_has_one(engine: Engine) -> None:
    report = judged(engine, stories.load("breast-tch-regimen").chart())
    assert words(report) == EACH
    (regimen,) = report["regimens"]
    assert (regimen["name"], regimen["recommendation"]) == ("TCH with pegfilgrastim", "approve")
    assert regimen["requests"] == [one["request"] for one in report["items"]]


def test_a_support_drug_is_judged_by_the_days_that_its_group_tells(engine: Engine) -> None:
    bundle = stories.load("breast-tch-regimen").chart()
    support = resource(bundle, "MedicationRequest", "order-4")
    del support["dispenseRequest"]["validityPeriod"]
    support["dosageInstruction"][0]["timing"] = {"repeat": {"count": 6}}
    step_of_it = resource(bundle, "RequestGroup")["action"][0]["action"][3]
    on_time = judged(engine, bundle)["items"][3]
    assert {one["id"]: one["outcome"] for one in on_time["criteria"]}["R07.C5"] == "met"
    step_of_it["relatedAction"][0]["offsetDuration"]["value"] = 0
    same_day = judged(engine, bundle)["items"][3]
    assert {one["id"]: one["outcome"] for one in same_day["criteria"]}["R07.C5"] == "not-met"


def test_without_its_chemotherapy_the_support_drug_is_not_certified(engine: Engine) -> None:
    bundle = stories.load("breast-tch-regimen").chart()
    for end in ("order-2", "order-3"):
        resource(bundle, "MedicationRequest", end)["status"] = "cancelled"
    report = judged(engine, bundle)
    assert words(report) == ["approve", "pend"]
    assert report["regimens"][0]["recommendation"] == "pend"


def test_a_regimen_may_be_named_by_its_group_beside_another_order(engine: Engine) -> None:
    bundle = stories.load("breast-tch-regimen").chart()
    other = resource(bundle, "MedicationRequest", "order-2") | {"id": "other"}
    bundle["entry"].append({"resource": other})
    assert len(judged(engine, bundle)["items"]) == 5
    assert words(judged(engine, bundle, ["RequestGroup/breast-tch-regimen-regimen"])) == EACH


def as_planned(bundle: Json) -> None:
    """The story's orders as a protocol: activities of a plan, which the request group only names."""
    orders = [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == "MedicationRequest"]
    bundle["entry"] = [one for one in bundle["entry"] if one["resource"]["resourceType"] != "MedicationRequest"]
    group = resource(bundle, "RequestGroup")
    group["instantiatesCanonical"] = ["http://example.org/PlanDefinition/tch"]
    steps = group["action"][0]["action"]
    activities: list[Json] = [
        {
            "resourceType": "ActivityDefinition",
            "id": step["id"],
            "url": f"http://example.org/ActivityDefinition/{step['id']}",
            "status": "active",
            "kind": "MedicationRequest",
            "productCodeableConcept": order["medicationCodeableConcept"],
            "dosage": order["dosageInstruction"],
            "quantity": order["dispenseRequest"]["quantity"],
        }
        for step, order in zip(steps, orders, strict=True)
    ]
    plan = {
        "resourceType": "PlanDefinition",
        "id": "tch",
        "url": "http://example.org/PlanDefinition/tch",
        "status": "active",
        "action": [{"id": one["id"], "definitionCanonical": one["url"]} for one in activities],
    }
    for step in steps:
        del step["resource"]
    bundle["entry"] += [{"resource": one} for one in (plan, *activities)]


def test_a_protocol_that_a_group_instantiates_is_judged_as_its_orders_would_be(engine: Engine) -> None:
    story = stories.load("breast-tch-regimen")
    bundle = story.chart()
    written = judged(engine, story.chart())
    as_planned(bundle)
    drawn = judged(engine, bundle)
    assert words(drawn) == EACH
    for one, other in zip(drawn["items"], written["items"], strict=True):
        outcomes = [[(each["id"], each["outcome"]) for each in item["criteria"]] for item in (one, other)]
        assert outcomes[0] == outcomes[1]
        assert (one["units"], one["service"]["code"]) == (other["units"], other["service"]["code"])
    assert [one["request"] for one in drawn["items"]] == [
        f"MedicationRequest/breast-tch-regimen-regimen-step-{number}" for number in (1, 2, 3, 4)
    ]
