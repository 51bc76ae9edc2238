"""PlanDefinitions of a chart: the orders that their ActivityDefinitions describe, once a group instantiates them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_KINDS = ("MedicationRequest", "ServiceRequest")
_WHOLE = ("all", "all-or-none", None)  # selectionBehavior: anything else leaves a choice


@dataclass(frozen=True, slots=True)
class Undrawn:
    """Why an action of a plan cannot become an order: it would have to be chosen or worked out first."""

    why: str


class Plans:
    """The plans and activities of a chart by their canonical URLs."""

    def __init__(self, resources: Sequence[Mapping[str, Any]]) -> None:
        self.plans = list(_of_kind(resources, "PlanDefinition"))
        self.activities = list(_of_kind(resources, "ActivityDefinition"))

    def of(self, group: Mapping[str, Any]) -> Plan | None:
        """The plan that a group instantiates, where the chart holds it. Of several it is not said which is meant."""
        stated = _texts(group.get("instantiatesCanonical"))
        found = [plan for plan in self.plans if any(_is_named(plan, one) for one in stated)]
        return Plan(found[0], self.activities) if len(found) == 1 else None

    def of_detail(self, detail: Mapping[str, Any]) -> Json | Undrawn | None:
        """The order of a CarePlan's activity: its own product or code over that of its ActivityDefinition."""
        named = _texts(detail.get("instantiatesCanonical"))
        activity = next((one for one in self.activities if any(_is_named(one, name) for name in named)), None)
        order = _order(activity) if activity is not None else {"resourceType": detail.get("kind")}
        if isinstance(order, Undrawn) or order is None or order["resourceType"] not in _KINDS:
            return order if isinstance(order, Undrawn) else None
        return _with_detail(order, detail)


@dataclass(frozen=True, slots=True)
class Plan:
    """A PlanDefinition that a group of the chart instantiates."""

    definition: Mapping[str, Any]
    activities: Sequence[Mapping[str, Any]]

    @property
    def actions(self) -> list[Json]:
        """Its actions as a RequestGroup has them: without what only a definition says."""
        return [_as_requested(one) for one in objects(self.definition.get("action"))]

    def drawn(self, action: Mapping[str, Any]) -> Json | Undrawn | None:
        """The order of the plan's action that a group's action stands for; None where it orders nothing."""
        chain = self._chain(action)
        if chain is None:
            return None
        named = chain[-1].get("definitionCanonical")
        if not isinstance(named, str):
            return None
        activity = next((one for one in self._known() if _is_named(one, named)), None)
        if activity is None:
            return Undrawn("the ActivityDefinition is not in the chart")
        order = _order(activity)
        if order is None or isinstance(order, Undrawn):
            return order
        return _open_question(chain) or order

    def _known(self) -> Iterator[Mapping[str, Any]]:
        for one in objects(self.definition.get("contained")):
            if one.get("resourceType") == "ActivityDefinition":
                yield one
        yield from self.activities

    def _chain(self, action: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...] | None:
        """The plan's action of the same id, else of the same title, with those around it."""
        every = list(chains(self.definition.get("action")))
        for name in ("id", "title", "prefix"):
            stated = action.get(name)
            same = [one for one in every if stated and one[-1].get(name) == stated]
            if len(same) == 1:
                return same[0]
        return None


def _open_question(chain: Sequence[Mapping[str, Any]]) -> Undrawn | None:
    if any(one.get("condition") for one in chain):
        return Undrawn("the plan orders it under a condition")
    if any(one.get("selectionBehavior") not in _WHOLE for one in chain):
        return Undrawn("the plan leaves a choice")
    if any(one.get("dynamicValue") or one.get("transform") for one in chain):
        return Undrawn("the plan works a part of it out")
    return None


def _order(activity: Mapping[str, Any]) -> Json | Undrawn | None:
    """An order without patient, as an ActivityDefinition describes it; None where it is another kind of work."""
    kind = activity.get("kind")
    if kind is None and (activity.get("productCodeableConcept") or activity.get("productReference")):
        kind = "MedicationRequest"
    if kind not in _KINDS:
        return None
    if activity.get("dynamicValue") or activity.get("transform"):
        return Undrawn("the ActivityDefinition works a part of it out")
    if activity.get("doNotPerform") is True:
        return None
    order: Json = {"resourceType": kind}
    if isinstance(activity.get("url"), str):
        order["instantiatesCanonical"] = [activity["url"]]
    product = {
        "medicationCodeableConcept": activity.get("productCodeableConcept"),
        "medicationReference": activity.get("productReference"),
        "dosageInstruction": activity.get("dosage"),
        "dispenseRequest": {"quantity": activity["quantity"]} if activity.get("quantity") else None,
    }
    service = {
        "code": activity.get("code"),
        "quantityQuantity": activity.get("quantity"),
        "occurrenceTiming": activity.get("timingTiming"),
        "bodySite": activity.get("bodySite"),
    }
    parts = product if kind == "MedicationRequest" else service
    order |= {name: deepcopy(value) for name, value in parts.items() if value}
    if not {"medicationCodeableConcept", "medicationReference", "code"} & order.keys():
        return Undrawn("the ActivityDefinition names no product")
    return order


def _with_detail(order: Json, detail: Mapping[str, Any]) -> Json | Undrawn:
    """CarePlan.activity.detail: what it states goes before what its definition does."""
    if order["resourceType"] == "ServiceRequest":
        stated = {"code": detail.get("code"), "quantityQuantity": detail.get("quantity")}
        stated["occurrenceTiming"] = detail.get("scheduledTiming")
    else:
        stated = {
            "medicationCodeableConcept": detail.get("productCodeableConcept"),
            "medicationReference": detail.get("productReference"),
            "dispenseRequest": {"quantity": detail["quantity"]} if detail.get("quantity") else None,
        }
        if stated["medicationCodeableConcept"] or stated["medicationReference"]:
            order = {name: one for name, one in order.items() if not name.startswith("medication")}
        if isinstance(detail.get("scheduledTiming"), Mapping) and not order.get("dosageInstruction"):
            stated["dosageInstruction"] = [{"timing": detail["scheduledTiming"]}]
    stated |= {name: detail.get(name) for name in ("reasonReference", "reasonCode")}
    whole = order | {name: deepcopy(value) for name, value in stated.items() if value}
    if not {"medicationCodeableConcept", "medicationReference", "code"} & whole.keys():
        return Undrawn("the activity names no product")
    return whole


_DEFINING = ("definitionCanonical", "definitionUri", "condition", "input", "output", "trigger", "goalId", "transform",
             "dynamicValue", "reason")  # fmt: skip


def _as_requested(action: Mapping[str, Any]) -> Json:
    kept = {name: deepcopy(value) for name, value in action.items() if name not in _DEFINING}
    if inner := objects(action.get("action")):
        kept["action"] = [_as_requested(one) for one in inner]
    return kept


def chains(stated: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Each action of a plan or a group that holds no others, with those around it before it."""
    for one in objects(stated):
        if inner := objects(one.get("action")):
            yield from chains(inner, (*above, one))
        else:
            yield (*above, one)


def _of_kind(resources: Sequence[Mapping[str, Any]], kind: str) -> Iterator[Mapping[str, Any]]:
    for one in resources:
        if one.get("resourceType") == kind:
            yield one
        for inside in objects(one.get("contained")):
            if inside.get("resourceType") == kind:
                yield inside


def _is_named(definition: Mapping[str, Any], canonical: str) -> bool:
    """`url|version`, `url`, or `#id` of what is contained."""
    url, _, version = canonical.partition("|")
    if url.startswith("#"):
        return definition.get("id") == url[1:]
    return definition.get("url") == url and version in ("", definition.get("version"))


def _texts(stated: Any) -> list[str]:
    return [one for one in stated if isinstance(one, str)] if isinstance(stated, list) else []


def objects(stated: Any) -> list[Any]:
    """The objects of a list, whatever else it holds."""
    return [one for one in stated if isinstance(one, Mapping)] if isinstance(stated, list) else []
