"""Regimens in a story's chart: the RequestGroup that joins the orders told before it, with cycle and days."""

from __future__ import annotations

from prior_auth.errors import BadInput
from prior_auth.stories.chart import Chart, Fact, quantity
from prior_auth.stories.codes import Json
from prior_auth.stories.days import stated


def write_regimen(chart: Chart, item: str, fact: Fact) -> None:
    """A RequestGroup over the story's open orders; `days` is the day of the cycle of each, in the order told."""
    drugs = [one for one in chart.resources if one["resourceType"] == "MedicationRequest"]
    orders = [one for one in drugs if one["status"] == "active"]
    days = [int(one) for one in fact["days"]]
    if len(days) != len(orders):
        raise BadInput(f"{len(days)} days for {len(orders)} orders", where="regimen.days", fix="tell one for each")
    number, _, unit = str(fact["cycle"]).partition(" ")
    repeat = {"count": int(fact["times"]), "frequency": 1, "period": int(number), "periodUnit": unit}
    dated = enumerate(zip(orders, days, strict=True), start=1)
    steps = [_step(place, order, day, fact) for place, (order, day) in dated]
    group = chart.new("RequestGroup", item, id=fact.get("id")) | {
        "status": "active",
        "intent": "order",
        "code": {"text": fact["title"]},
        "subject": chart.patient,
        "authoredOn": stated(fact["on"]),
        "author": chart.requester,
        "action": [
            {
                "title": f"Cycle of {fact['cycle']}",
                "timingTiming": {"repeat": {"boundsPeriod": {"start": stated(fact["start"])}, **repeat}},
                "groupingBehavior": "logical-group",
                "selectionBehavior": "all",
                "action": steps,
            }
        ],
    }
    if cancer := chart.cancer(fact):
        group["reasonReference"] = cancer
    chart.add(group)


def _step(place: int, order: Json, day: int, fact: Fact) -> Json:
    """The first day is told as a day, a later one as so many days after the first step began."""
    step: Json = {"id": f"step-{place}", "title": order["medicationCodeableConcept"]["text"]}
    if day == 1:
        step["timingDateTime"] = stated(fact["start"])
    else:
        offset = quantity(f"{day - 1} d")
        step["relatedAction"] = [
            {"actionId": "step-1", "relationship": "after-start", "offsetDuration": offset | {"unit": "day"}}
        ]
    return step | {"resource": {"reference": f"{order['resourceType']}/{order['id']}"}}
