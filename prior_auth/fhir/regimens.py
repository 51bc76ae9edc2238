"""Which open orders of a chart belong together: a RequestGroup's, a CarePlan's, those under one group identifier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prior_auth.domain.request import Regimen
from prior_auth.fhir.order_groups import OPEN, ORDERS, is_asked_for, members

_IDENTIFIER = {
    "MedicationRequest": "groupIdentifier",
    "DeviceRequest": "groupIdentifier",
    "ServiceRequest": "requisition",
}


def is_open_order(resource: Mapping[str, Any]) -> bool:
    """An order not yet carried out nor given up, that asks for something to be done."""
    return (
        resource.get("resourceType") in ORDERS
        and resource.get("status") in OPEN
        and resource.get("doNotPerform") is not True
    )


def regimens(resources: Sequence[Mapping[str, Any]]) -> tuple[Regimen, ...]:
    """Two open orders or more that were ordered together, in the chart's order; groups that share one are one.

    `resources` are a chart's, with the orders of its groups (`order_groups.with_group_orders`).
    """
    orders = [_key(one) for one in resources if is_open_order(one)]
    found: list[Regimen] = []
    for one in _groups(resources):
        held = tuple(order for order in orders if order in one.orders)
        touching = [other for other in found if set(other.orders) & set(held)]
        first = touching[0] if touching else one
        whole = {*held, *(order for other in touching for order in other.orders)}
        merged = Regimen(first.source, first.name, tuple(order for order in orders if order in whole), first.protocol)
        found = [other for other in found if other not in touching] + [merged]
    return tuple(one for one in found if len(one.orders) > 1)


def are_one_regimen(resources: Sequence[Mapping[str, Any]], orders: Sequence[str]) -> bool:
    """Whether these orders of a chart were ordered together."""
    return any(set(orders) <= set(one.orders) for one in regimens(resources))


def named_orders(resources: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """`RequestGroup/…` or `CarePlan/…` among the names stands for its open orders; all else for itself."""
    known = {one.source: one.orders for one in _groups(resources)}
    open_orders = {_key(one) for one in resources if is_open_order(one)}
    found = [order for name in names for order in known.get(name, (name,)) if name not in known or order in open_orders]
    return list(dict.fromkeys(found))


def _groups(resources: Sequence[Mapping[str, Any]]) -> Iterator[Regimen]:
    """Request groups first: they are closest to a regimen, and name it best."""
    by_kind: dict[str, list[Mapping[str, Any]]] = {"RequestGroup": [], "CarePlan": []}
    for one in resources:
        by_kind.get(str(one.get("resourceType")), []).append(one)
    requested = {_key(one): members(one) for one in by_kind["RequestGroup"] if is_asked_for(one)}
    for one in by_kind["RequestGroup"]:
        if _key(one) in requested:
            yield Regimen(_key(one), _name(one, resources), requested[_key(one)], _protocol(one))
    for one in by_kind["CarePlan"]:
        if one.get("status") in OPEN:
            yield Regimen(_key(one), _name(one, resources), _of_care_plan(one, resources, requested), _protocol(one))
    yield from _identified(resources)


def _of_care_plan(
    plan: Mapping[str, Any], resources: Sequence[Mapping[str, Any]], requested: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """Its activities, those of its request groups, and the orders that say they are based on it."""
    stated = [order for one in members(plan) for order in requested.get(one, (one,))]
    based = [
        _key(one)
        for one in resources
        if is_open_order(one) and any(_local(each) == _key(plan) for each in _list(one.get("basedOn")))
    ]
    return tuple(dict.fromkeys([*stated, *based]))


def _identified(resources: Sequence[Mapping[str, Any]]) -> Iterator[Regimen]:
    """Orders under one group identifier; its value is the practice's own and says nothing of the patient."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in resources:
        if is_open_order(one):
            stated = one.get(_IDENTIFIER[str(one["resourceType"])])
            if isinstance(stated, Mapping) and str(stated.get("value") or "").strip():
                key = (str(stated.get("system", "")), str(stated["value"]).strip())
                found.setdefault(key, []).append(_key(one))
    for (_, value), orders in found.items():
        yield Regimen(f"group identifier {value}", None, tuple(orders), ())


def _name(group: Mapping[str, Any], resources: Sequence[Mapping[str, Any]]) -> str | None:
    """The group's own title, else that of the plan which it instantiates."""
    code = group.get("code")
    own = group.get("title") or (code.get("text") if isinstance(code, Mapping) else None)
    titles = (
        one.get("title") or one.get("name")
        for one in resources
        if one.get("resourceType") == "PlanDefinition"
        and one.get("url") in [url.partition("|")[0] for url in _protocol(group)]
    )
    stated = own or next(titles, None)
    return stated if isinstance(stated, str) else None


def _protocol(group: Mapping[str, Any]) -> tuple[str, ...]:
    stated = group.get("instantiatesCanonical")
    return tuple(one for one in stated if isinstance(one, str)) if isinstance(stated, list) else ()


def _local(reference: Any) -> str | None:
    stated = reference.get("reference") if isinstance(reference, Mapping) else None
    return "/".join(stated.split("/")[-2:]) if isinstance(stated, str) else None


def _key(resource: Mapping[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource.get('id', '')}"


def _list(stated: Any) -> list[Any]:
    return stated if isinstance(stated, list) else []
