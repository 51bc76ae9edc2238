"""Orders that a RequestGroup or CarePlan holds, or takes from a plan, as orders of the chart like any other.

A group is asked for where it is open and itself an order (`RequestGroup.intent`, `CarePlan.intent`). Then its contained
orders stand as resources of their own, what its actions say of days and cycles goes to orders that say nothing of them,
and an action without a resource becomes the order that its PlanDefinition's ActivityDefinition describes. A
PlanDefinition that no group of the chart instantiates orders nothing: it is a protocol, not this patient's treatment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import date
from hashlib import sha256
from typing import Any

from prior_auth.fhir.order_timing import Timed, first_day, timed
from prior_auth.fhir.plans import Plans, Undrawn, chains, objects

Resource = dict[str, Any]
Json = dict[str, Any]

ORDERS = ("MedicationRequest", "ServiceRequest", "DeviceRequest")
OPEN = ("active", "draft", "on-hold")
GROUPS = ("RequestGroup", "CarePlan")
_ORDERING = ("order", "original-order", "reflex-order", "filler-order", "instance-order")
_UNDONE = ("not-started", "scheduled", "in-progress", "on-hold")  # CarePlan.activity.detail.status
_LONGEST_ID = 64


def is_asked_for(group: Mapping[str, Any]) -> bool:
    """Whether a RequestGroup or CarePlan is open and an order: a proposal, a plan or an option asks for nothing yet."""
    return group.get("resourceType") in GROUPS and group.get("status") in OPEN and group.get("intent") in _ORDERING


def with_group_orders(resources: Sequence[Mapping[str, Any]]) -> list[Resource]:
    """The chart with the orders of its groups among its resources; as it came where it has no such group."""
    chart = [dict(one) for one in resources]
    if not any(is_asked_for(one) for one in chart):
        return chart
    chart = [part for one in chart for part in (_lifted(one) if is_asked_for(one) else [one])]
    plans = Plans(chart)
    orders = {_key(one): one for one in chart if one["resourceType"] in ORDERS}
    found: list[Resource] = []
    told: dict[str, Timed] = {}
    for one in chart:
        made = _Group(one, plans, orders) if is_asked_for(one) else None
        found += [made.resource, *made.orders] if made else [one]
        told |= made.told if made else {}
    return [timed(one, told[key]) if (key := _key(one)) in told else one for one in found]


def actions(group: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every action of a RequestGroup or PlanDefinition that holds no others, in order."""
    for chain in chains(group.get("action")):
        yield chain[-1]


def members(group: Mapping[str, Any]) -> tuple[str, ...]:
    """The references of what a group holds, as `Type/id`, in its order."""
    if group.get("resourceType") == "CarePlan":
        return tuple(_references(one.get("reference") for one in objects(group.get("activity"))))
    return tuple(_references(one.get("resource") for one in actions(group)))


# --- Contained orders -------------------------------------------------------------------------------------------------


def _lifted(group: Resource) -> list[Resource]:
    """The group, then its contained orders and groups as resources; what they share stays contained in each."""
    inside = [one for one in objects(group.get("contained")) if isinstance(one.get("id"), str)]
    moving = [one for one in inside if one.get("resourceType") in (*ORDERS, "RequestGroup")]
    if not moving:
        return [group]
    names = {f"#{one['id']}": _key(one | {"id": _name(group, one["id"])}) for one in moving}
    staying = [one for one in inside if one not in moving]
    freed = [
        {**_given(group, one["resourceType"]), **one, "id": _name(group, one["id"])}
        | ({"contained": staying} if staying else {})
        for one in moving
    ]
    kept = {key: value for key, value in group.items() if key != "contained"}
    whole = [kept | ({"contained": staying} if staying else {}), *freed]
    return [_renamed(one, names) for one in whole]


def _name(group: Mapping[str, Any], part: str) -> str:
    """An id for what has none outside its group: the same each time the chart is read."""
    name = f"{group.get('id', 'group')}-{part}"
    return name if len(name) <= _LONGEST_ID else sha256(name.encode()).hexdigest()[:32]


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        whole = {key: _renamed(part, names) for key, part in value.items()}
        if isinstance(value.get("reference"), str):
            whole["reference"] = names.get(value["reference"], value["reference"])
        return whole
    return [_renamed(part, names) for part in value] if isinstance(value, list) else value


def _given(group: Mapping[str, Any], kind: str) -> Json:
    """What an order has of its group where it does not say otherwise."""
    reasons = [one for one in objects(group.get("reasonReference", group.get("addresses"))) if _is_of(one, _REASONS)]
    author = group.get("author") if _is_of(group.get("author"), _REQUESTERS) else None
    given = {"subject": group.get("subject"), "authoredOn": group.get("authoredOn", group.get("created"))}
    if kind == "RequestGroup":
        return {name: value for name, value in (given | {"author": author}).items() if value}
    given |= {"requester": author, "reasonReference": reasons, "reasonCode": group.get("reasonCode")}
    given["requisition" if kind == "ServiceRequest" else "groupIdentifier"] = group.get("groupIdentifier")
    return {name: value for name, value in given.items() if value}


_REASONS = ("Condition", "Observation")
_REQUESTERS = ("Practitioner", "PractitionerRole", "Organization", "Device")


def _is_of(reference: Any, kinds: Sequence[str]) -> bool:
    named = next(_references([reference]), "")
    return named.partition("/")[0] in kinds


# --- Actions without an order -----------------------------------------------------------------------------------------


class _Group:
    """A group that is asked for: `orders` are those that were drawn from its plan, `told` what it says of days."""

    def __init__(self, group: Resource, plans: Plans, held: Mapping[str, Resource]) -> None:
        self.resource, self.held = deepcopy(group), held
        self.orders: list[Resource] = []
        self.told: dict[str, Timed] = {}
        self.plans = plans
        if group["resourceType"] == "CarePlan":
            self._draw_activities()
        else:
            self._draw_actions()

    def _draw_actions(self) -> None:
        plan = self.plans.of(self.resource)
        if plan is not None and not objects(self.resource.get("action")):
            self.resource["action"] = deepcopy(plan.actions)
        every = list(chains(self.resource.get("action")))
        for number, chain in enumerate(every, start=1):
            if not isinstance(chain[-1].get("resource"), Mapping) and plan is not None:
                self._draw(chain[-1], str(chain[-1].get("id") or number), plan.drawn(chain[-1]))
        days = Timed.of_actions(every, self._first_day)
        for chain in every:
            for reference in _references([chain[-1].get("resource")]):
                self.told[reference] = days[id(chain[-1])]

    def _first_day(self, action: Mapping[str, Any]) -> date | None:
        """What the order of an action says itself."""
        drawn = {_key(one): one for one in self.orders}
        named = (drawn.get(one) or self.held.get(one) for one in _references([action.get("resource")]))
        return next((first_day(order) for order in named if order is not None), None)

    def _draw_activities(self) -> None:
        for number, activity in enumerate(objects(self.resource.get("activity")), start=1):
            detail = activity.get("detail")
            if isinstance(detail, dict) and detail.get("status") in _UNDONE and not detail.get("doNotPerform"):
                drawn = self.plans.of_detail(detail)
                self._draw(activity, str(activity.get("id") or number), drawn, name="reference")
                if "reference" in activity:
                    del activity["detail"]  # cpl-3: one of both

    def _draw(self, action: Any, part: str, drawn: Json | Undrawn | None, name: str = "resource") -> None:
        """Nothing where the plan orders nothing there; what it cannot be drawn from stays without a resource."""
        if drawn is None or isinstance(drawn, Undrawn):
            return
        kind = str(drawn["resourceType"])
        head = {"resourceType": kind, "id": _name(self.resource, part), "status": self.resource["status"]}
        order = {**head, "intent": "order", **_given(self.resource, kind), **drawn}
        self.orders.append(order)
        action[name] = {"reference": _key(order)}


def undrawn(resources: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """What a group that is asked for wants ordered and the chart does not hold: where, and why it is not there.

    `resources` as of `with_group_orders`.
    """
    plans = Plans(resources)
    held = {_key(one) for one in resources if one.get("id")}
    for group in (one for one in resources if is_asked_for(one)):
        plan = plans.of(group)
        for action in actions(group):
            where = f"{_key(group)}.action ({action.get('title') or action.get('id') or 'untitled'})"
            stated = next(_references([action.get("resource")]), None)
            if stated is not None and stated.partition("/")[0] in ORDERS and stated not in held:
                yield where, "the order that it refers to is not in the chart"
            elif stated is None and plan is not None and isinstance(drawn := plan.drawn(action), Undrawn):
                yield where, drawn.why


# --- Small parts ------------------------------------------------------------------------------------------------------


def _references(stated: Any) -> Iterator[str]:
    for one in stated:
        reference = one.get("reference") if isinstance(one, Mapping) else None
        if isinstance(reference, str):
            yield "/".join(reference.partition("/_history/")[0].split("/")[-2:])


def _key(resource: Mapping[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource.get('id', '')}"
