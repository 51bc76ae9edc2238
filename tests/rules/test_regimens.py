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
