"""A RequestGroup, a CarePlan or a plan that one of them instantiates says what is ordered together, and when."""

from __future__ import annotations

import copy
from datetime import date
from typing import Any

import pytest

from prior_auth.errors import BadInput
from prior_auth.fhir.chart_bundle import chart_resources
from prior_auth.fhir.orders import authorization_request
from prior_auth.fhir.regimens import are_one_regimen, named_orders, regimens

Json = dict[str, Any]
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
PLAN = "http://example.org/PlanDefinition/tch"
SUBJECT = {"reference": "Patient/p"}
DAY = date(2026, 9, 15)


def drug(id: str, **more: Any) -> Json:
    product = {"coding": [{"system": RXNORM, "code": "72962"}], "text": "docetaxel"}
    head = {"resourceType": "MedicationRequest", "id": id, "status": "active", "intent": "order", "subject": SUBJECT}
    return {**head, "medicationCodeableConcept": product, **more}


def group(*actions: Json, **more: Any) -> Json:
    head = {"resourceType": "RequestGroup", "id": "g", "status": "active", "intent": "order", "subject": SUBJECT}
    return {**head, "action": list(actions), **more}


def step(order: str, **more: Any) -> Json:
    return {
        "id": order.strip("#"),
        "resource": {"reference": order if "#" in order else f"MedicationRequest/{order}"},
        **more,
    }


def chart(*resources: Json) -> list[Json]:
    people = {"resourceType": "Patient", "id": "p"}
    return chart_resources(
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in (people, *resources)]}
    )


def asked(*resources: Json) -> list[str]:
    return [item.order for item in authorization_request(chart(*resources), as_of=DAY).items]


def order(id: str, *resources: Json) -> Json:
    return next(one for one in chart(*resources) if one["id"] == id)


# --- Orders that a group holds


def test_orders_contained_in_a_group_are_orders_of_the_chart() -> None:
    medication = {"resourceType": "Medication", "id": "m", "code": {"text": "carboplatin"}}
    second = {**drug("b"), "medicationReference": {"reference": "#m"}}
    del second["medicationCodeableConcept"], second["subject"]
    held = group(step("#a"), step("#b"), contained=[drug("a"), second, medication], authoredOn="2026-09-14")
    assert asked(held) == ["MedicationRequest/g-a", "MedicationRequest/g-b"]
    found = order("g-b", held)
    assert (found["subject"], found["authoredOn"], found["contained"]) == (SUBJECT, "2026-09-14", [medication])
    assert authorization_request(chart(held), as_of=DAY).items[1].service.display == "carboplatin"


@pytest.mark.parametrize(
    "unasked", [{"status": "revoked"}, {"status": "completed"}, {"intent": "proposal"}, {"intent": "plan"}]
)
def test_a_group_that_is_not_an_open_order_asks_for_nothing(unasked: Json) -> None:
    held = group(step("#a"), contained=[drug("a")], **unasked)
    with pytest.raises(BadInput, match="no order"):
        asked(held)


def test_a_care_plan_may_contain_the_group_and_its_orders() -> None:
    inner = group(step("#a"), step("#b"))
    plan = {"resourceType": "CarePlan", "id": "c", "status": "active", "intent": "order", "subject": SUBJECT}
    plan |= {"activity": [{"reference": {"reference": "#g"}}], "contained": [inner, drug("a"), drug("b")]}
    assert asked(plan) == ["MedicationRequest/c-a", "MedicationRequest/c-b"]
    (found,) = regimens(chart(plan))
    assert (found.source, len(found.orders)) == ("RequestGroup/c-g", 2)


def test_a_chart_without_such_groups_stays_as_it_came() -> None:
    whole = [
        {"resourceType": "Patient", "id": "p"},
        drug("a"),
        {"resourceType": "PlanDefinition", "id": "x", "url": PLAN},
    ]
    assert chart(*copy.deepcopy(whole[1:])) == whole


def test_an_order_that_the_group_refers_to_has_to_be_there() -> None:
    held = group(step("a"), step("gone"))
    with pytest.raises(BadInput, match="not whole") as refused:
        asked(drug("a"), held)
    assert refused.value.where == "RequestGroup/g.action (gone)"
    named = authorization_request(chart(drug("a"), held), as_of=DAY, order="MedicationRequest/a")
    assert [one.order for one in named.items] == ["MedicationRequest/a"]


# --- Days and cycles

CYCLE = {"frequency": 1, "period": 21, "periodUnit": "d", "count": 6}
FIRST = {"timingDateTime": "2026-09-21"}


def after(days: Any, relationship: str = "after-start", **more: Any) -> Json:
    offset = {"offsetDuration": {"value": days, "unit": "day", "code": "d"}} if days is not None else {}
    return {"relatedAction": [{"actionId": "a", "relationship": relationship, **offset, **more}]}


def start_of(found: Json) -> str | None:
    dosages = found.get("dosageInstruction") or [{}]
    bounds: Json = dosages[0].get("timing", {}).get("repeat", {}).get("boundsPeriod", {})
    return bounds.get("start")


@pytest.mark.parametrize(
    ("related", "day"),
    [
        (after(1), "2026-09-22"),
        (
            after(24)
            | {"relatedAction": [{**after(1)["relatedAction"][0], "offsetDuration": {"value": 24, "unit": "h"}}]},
            "2026-09-22",
        ),
        (after(1, "after-end"), "2026-09-22"),  # of a moment: it ends on its day
        (after(None, "concurrent-with-start"), "2026-09-21"),
        (after(None), None),
        (after(1, "before-start"), None),
        (after(None, offsetRange={"low": {"value": 1}}), None),
        ({"relatedAction": [{"actionId": "elsewhere", "relationship": "after-start"}]}, None),
    ],
)
def test_a_day_is_counted_from_another_action_where_that_is_certain(related: Json, day: str | None) -> None:
    found = order("b", drug("a"), drug("b"), group(step("a", **FIRST), step("b", **related)))
    assert start_of(found) == day


def test_what_ends_nobody_knows_when_gives_no_day() -> None:
    begun = {"timingPeriod": {"start": "2026-09-21"}}
    assert (
        start_of(order("b", drug("a"), drug("b"), group(step("a", **begun), step("b", **after(1, "after-end")))))
        is None
    )


def test_a_day_may_be_counted_from_what_the_other_order_says_itself() -> None:
    stated = drug("a", dispenseRequest={"validityPeriod": {"start": "2026-09-21"}})
    assert start_of(order("b", stated, drug("b"), group(step("a"), step("b", **after(1))))) == "2026-09-22"


def test_actions_that_wait_for_each_other_have_no_day() -> None:
    circle = {
        "relatedAction": [{"actionId": "b", "relationship": "after-start", "offsetDuration": {"value": 1, "code": "d"}}]
    }
    assert start_of(order("b", drug("a"), drug("b"), group(step("a", **circle), step("b", **after(1))))) is None


def test_the_cycle_around_an_action_is_that_of_an_order_which_states_none() -> None:
    own = drug("b", dosageInstruction=[{"timing": {"repeat": {"frequency": 1, "period": 7, "periodUnit": "d"}}}])
    around = {"timingTiming": {"repeat": CYCLE}, "action": [step("a"), step("b"), step("c")]}
    several = drug("c", dosageInstruction=[{"sequence": 1}, {"sequence": 2}])
    charted = (drug("a"), own, several, group(around))
    assert order("a", *charted)["dosageInstruction"] == [{"timing": {"repeat": CYCLE}}]
    assert order("b", *charted)["dosageInstruction"] == own["dosageInstruction"]
    assert order("c", *charted) == several


def test_a_day_that_an_order_states_goes_before_the_groups() -> None:
    stated = drug("a", dispenseRequest={"validityPeriod": {"start": "2026-10-01"}})
    assert order("a", stated, group(step("a", **FIRST))) == stated


# --- Plans


def activity(**more: Any) -> Json:
    product = {"coding": [{"system": RXNORM, "code": "72962"}], "text": "docetaxel"}
    head = {"resourceType": "ActivityDefinition", "id": "ad", "url": "http://example.org/docetaxel", "status": "active"}
    dosage = [{"text": "75 mg/m2", "doseAndRate": [{"doseQuantity": {"value": 75, "unit": "mg/m2"}}]}]
    return {**head, "kind": "MedicationRequest", "productCodeableConcept": product, "dosage": dosage, **more}


def plan(**more: Any) -> Json:
    action = {"id": "docetaxel", "title": "Docetaxel", "definitionCanonical": "http://example.org/docetaxel", **more}
    head = {"resourceType": "PlanDefinition", "id": "plan", "url": PLAN, "version": "2", "status": "active"}
    return {**head, "title": "TCH", "action": [action]}


def instance(*actions: Json) -> Json:
    return group(*actions, instantiatesCanonical=[f"{PLAN}|2"], authoredOn="2026-09-14")


def test_a_plan_that_nobody_instantiates_orders_nothing() -> None:
    assert asked(plan(), activity(), drug("a")) == ["MedicationRequest/a"]


def test_an_action_without_an_order_is_what_its_plan_describes() -> None:
    held = (plan(), activity(), instance({"id": "docetaxel", **FIRST}))
    assert asked(*held) == ["MedicationRequest/g-docetaxel"]
    found = order("g-docetaxel", *held)
    assert (found["status"], found["intent"], found["subject"]) == ("active", "order", SUBJECT)
    assert found["instantiatesCanonical"] == ["http://example.org/docetaxel"]
    assert found["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["unit"] == "mg/m2"
    assert start_of(found) == "2026-09-21"


def test_a_group_without_actions_follows_its_whole_plan() -> None:
    assert asked(plan(), activity(), instance()) == ["MedicationRequest/g-docetaxel"]


def test_an_order_that_an_action_refers_to_stands_for_what_the_plan_describes() -> None:
    assert asked(plan(), activity(), drug("a"), instance({**step("a"), "id": "docetaxel"})) == ["MedicationRequest/a"]


@pytest.mark.parametrize(
    ("told", "defined", "why"),
    [
        ({"condition": [{"kind": "applicability"}]}, activity(), "under a condition"),
        ({"selectionBehavior": "exactly-one"}, activity(), "leaves a choice"),
        ({"dynamicValue": [{"path": "dosage"}]}, activity(), "works a part of it out"),
        ({}, activity(dynamicValue=[{"path": "dosage"}]), "works a part of it out"),
        ({}, activity(url="http://example.org/other"), "not in the chart"),
        ({}, activity(productCodeableConcept=None), "names no product"),
    ],
)
def test_what_a_plan_leaves_open_is_refused_and_never_guessed(told: Json, defined: Json, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        asked(plan(**told), defined, drug("a"), instance({"id": "docetaxel"}))


def test_another_version_of_the_plan_is_not_the_plan() -> None:
    assert asked(plan() | {"version": "3"}, activity(), drug("a"), instance({"id": "docetaxel"})) == [
        "MedicationRequest/a"
    ]


def test_work_that_is_no_order_is_left_out() -> None:
    assert asked(plan(), activity(kind="Task"), drug("a"), instance({"id": "docetaxel"})) == ["MedicationRequest/a"]


@pytest.mark.parametrize(("intent", "orders"), [("order", ["MedicationRequest/c-1"]), ("plan", [])])
def test_an_activity_of_a_care_plan_is_an_order_where_the_care_plan_is_one(intent: str, orders: list[str]) -> None:
    detail = {
        "kind": "MedicationRequest",
        "status": "not-started",
        "instantiatesCanonical": ["http://example.org/docetaxel"],
    }
    care = {"resourceType": "CarePlan", "id": "c", "status": "active", "intent": intent, "subject": SUBJECT}
    assert (
        asked(activity(), care | {"activity": [{"detail": detail}]}, drug("a"))
        == ["MedicationRequest/a", *orders][::-1]
    )


# --- What belongs together


def test_orders_under_one_group_identifier_or_care_plan_are_one_regimen() -> None:
    grouped = {"groupIdentifier": {"system": "urn:x", "value": "7"}}
    based = {"basedOn": [{"reference": "CarePlan/c"}]}
    care = {
        "resourceType": "CarePlan",
        "id": "c",
        "status": "active",
        "intent": "plan",
        "title": "TCH",
        "subject": SUBJECT,
    }
    held = chart(drug("a", **grouped), drug("b", **grouped), drug("d", **based), drug("e", **based), care)
    found = {one.source: (one.name, len(one.orders)) for one in regimens(held)}
    assert found == {"CarePlan/c": ("TCH", 2), "group identifier 7": (None, 2)}
    assert are_one_regimen(held, ["MedicationRequest/a", "MedicationRequest/b"])
    assert not are_one_regimen(held, ["MedicationRequest/a", "MedicationRequest/d"])


def test_groups_that_share_an_order_are_one_regimen_and_closed_orders_are_of_none() -> None:
    grouped = {"groupIdentifier": {"system": "urn:x", "value": "7"}}
    held = chart(
        drug("a"),
        drug("b", **grouped),
        drug("d", **grouped),
        drug("z", status="completed", **grouped),
        group(step("a"), step("b")),
    )
    (found,) = regimens(held)
    assert found.source == "RequestGroup/g"
    assert found.orders == ("MedicationRequest/a", "MedicationRequest/b", "MedicationRequest/d")


def test_a_group_stands_for_its_orders_where_it_is_named() -> None:
    held = chart(drug("a"), drug("b"), drug("c"), group(step("a"), step("b")))
    assert named_orders(held, ["RequestGroup/g", "MedicationRequest/c"]) == [
        "MedicationRequest/a",
        "MedicationRequest/b",
        "MedicationRequest/c",
    ]


@pytest.mark.parametrize(("priority", "urgency"), [("stat", "expedited"), ("routine", "standard")])
def test_an_urgent_group_makes_its_orders_urgent(priority: str, urgency: str) -> None:
    held = chart(drug("a"), drug("b"), group(step("a"), priority=priority))
    assert authorization_request(held, as_of=DAY, order="MedicationRequest/a").urgency == urgency
    assert authorization_request(held, as_of=DAY, order="MedicationRequest/b").urgency == "standard"
