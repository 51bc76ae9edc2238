"""Orders and Coverage of a chart -> what is asked of a payer: an AuthorizationRequest."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.domain.dates import PartialDate
from prior_auth.domain.request import AuthorizationRequest, CoverageFacts, Period, RequestItem, Urgency
from prior_auth.errors import BadInput
from prior_auth.fhir import codes
from prior_auth.fhir.bundle import Index, type_and_id
from prior_auth.fhir.order_groups import is_asked_for, members, undrawn
from prior_auth.fhir.regimens import is_open_order, regimens

Resource = Mapping[str, Any]
BillingUnits = Callable[[Sequence[Coding], Decimal, "str | None"], "Decimal | None"]

_BY_RANK = (codes.HCPCS, codes.CPT, codes.RXNORM)
_SAME_SYSTEM = {
    "https://bluebutton.cms.gov/resources/codesystem/hcpcs": codes.HCPCS,
    "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets": codes.HCPCS,
    "http://terminology.hl7.org/CodeSystem/HCPCS": codes.HCPCS,
    "urn:oid:2.16.840.1.113883.6.285": codes.HCPCS,
    "urn:oid:2.16.840.1.113883.6.14": codes.HCPCS,
    "urn:oid:2.16.840.1.113883.6.88": codes.RXNORM,
    "urn:oid:2.16.840.1.113883.6.69": codes.NDC,
    "urn:oid:2.16.840.1.113883.6.12": codes.CPT,
}


def authorization_request(
    resources: Sequence[Resource], *, as_of: date, order: str | None = None, billing_units: BillingUnits | None = None
) -> AuthorizationRequest:
    """The open orders of a chart, in its order, with the Coverage in force on the day of judgement or of service.

    `order` (`Type/id`) names the one to ask for. `billing_units` turns an ordered amount and its unit into billing
    units. Raises BadInput where there is no patient, no open order, not the one that is named, or where a group wants
    something ordered that the chart does not hold.
    """
    chart = _Chart(resources)
    orders = chart.orders(order)
    items = tuple(_item(chart, one, billing_units or _as_counted) for one in orders)
    coverage = chart.coverage(orders, {as_of, *(one.period.start or as_of for one in items)})
    urgent = any(one.get("priority") in _URGENT for one in [*orders, *_groups_of(resources, orders)])
    urgency = Urgency.EXPEDITED if urgent else Urgency.STANDARD
    asked = {one.order for one in items}
    whole = tuple(one for one in regimens(resources) if set(one.orders) <= asked)
    return AuthorizationRequest(chart.patient, coverage, items, urgency, whole)


_URGENT = ("urgent", "asap", "stat")


def _groups_of(resources: Sequence[Resource], orders: Sequence[Resource]) -> Iterator[Resource]:
    """The groups that ask for one of the orders: what is urgent of them is urgent of their orders."""
    asked = {reference_of(one) for one in orders}
    for one in resources:
        if is_asked_for(one) and asked & set(members(one)):
            yield one


def reference_of(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource.get('id', '')}"


class _Chart:
    """One patient's resources, with their references."""

    def __init__(self, resources: Sequence[Resource]) -> None:
        self.resources = resources
        self.index = Index(resources) if resources else Index.of_entries([])

    @property
    def patient(self) -> str:
        found = next((one for one in self.resources if one.get("resourceType") == "Patient"), None)
        if found is None:
            raise BadInput("the chart has no Patient", where="Bundle.entry", fix="put the Patient into the Bundle")
        return reference_of(found)

    def orders(self, named: str | None) -> list[Resource]:
        open_orders = [one for one in self.resources if is_open_order(one)]
        if named is not None:
            wanted = [one for one in open_orders if _is_named(one, named)]
            if not wanted:
                raise BadInput(
                    "no active, draft or on-hold order has this reference",
                    where="--order",
                    fix=f"known: {', '.join(map(reference_of, open_orders)) or 'none'}",
                )
            return wanted[:1]
        if not open_orders:
            raise BadInput(
                "the chart holds no order that is active, draft or on-hold",
                where="Bundle.entry",
                fix="add the MedicationRequest, ServiceRequest or DeviceRequest to be judged",
            )
        for where, why in undrawn(self.resources):
            raise BadInput(
                f"a regimen is not whole: {why}", where=where, fix="put the order into the chart, or name one"
            )
        return open_orders

    def resolve(self, reference: Any, container: Resource) -> Resource | None:
        stated = reference.get("reference") if isinstance(reference, Mapping) else None
        return self.index.resolve(stated, container=container) if isinstance(stated, str) else None

    # --- Coverage ---------------------------------------------------------------------------------------------------

    def coverage(self, orders: Sequence[Resource], days: Collection[date]) -> CoverageFacts | None:
        """The orders' own insurance first, then any of the chart; only one that is active and in force on a day."""
        named = [
            found
            for order in orders
            for one in _list(order.get("insurance"))
            if (found := self.resolve(one, order)) is not None
        ]
        others = [one for one in self.resources if one.get("resourceType") == "Coverage"]
        for one in [*named, *others]:
            if (
                one.get("resourceType") != "Coverage"
                or one.get("status", "active") != "active"
                or not self._is_ours(one)
            ):
                continue
            facts = self._coverage_facts(one)
            if any(_holds(facts.period, day) for day in days):
                return facts
        return None

    def _is_ours(self, coverage: Resource) -> bool:
        """False where the Coverage states another beneficiary, a relative or nobody of this chart."""
        stated = coverage.get("beneficiary")
        reference = stated.get("reference") if isinstance(stated, Mapping) else None
        if not isinstance(reference, str):
            return True
        found = self.resolve(stated, coverage)
        named = type_and_id(reference)
        told = reference_of(found) if found is not None else "/".join(named) if named else reference
        return told == self.patient

    def _coverage_facts(self, coverage: Resource) -> CoverageFacts:
        payers: list[tuple[str, str]] = []
        for payor in _list(coverage.get("payor")):
            payers += _identifiers([payor.get("identifier")])
            organization = self.resolve(payor, coverage)
            payers += _identifiers(_list(organization.get("identifier"))) if organization else []
        plans = [one for one in _list(coverage.get("class")) if "plan" in _codes(one.get("type"))]
        members = [one for one in _list(coverage.get("identifier")) if "MB" in _codes(one.get("type"))]
        member = next((one["value"] for one in members if one.get("value")), coverage.get("subscriberId"))
        return CoverageFacts(
            reference=reference_of(coverage),
            payer_identifiers=tuple(dict.fromkeys(payers)),
            plan=next((str(one["value"]).strip() for one in plans if one.get("value")), None),
            member_id=member if isinstance(member, str) else None,
            period=_period(coverage.get("period")),
        )


def _is_named(order: Resource, named: str) -> bool:
    reference = reference_of(order)
    return named in (reference, str(order.get("id"))) or named.endswith(f"/{reference}")


def _item(chart: _Chart, order: Resource, billing_units: BillingUnits) -> RequestItem:
    concept = _concept(chart, order)
    codings = tuple(_codings(concept))
    requester = order.get("requester")
    return RequestItem(
        order=reference_of(order),
        service=_service(codings, concept),
        codings=codings,
        units=_units(order, codings, billing_units),
        period=_ordered_period(order),
        requester=requester.get("reference") if isinstance(requester, Mapping) else None,
    )


def _concept(chart: _Chart, order: Resource) -> Resource:
    """What is ordered: a CodeableConcept, or the code of the Medication or Device that the order refers to."""
    for name in ("medicationCodeableConcept", "code", "codeCodeableConcept"):
        if isinstance(order.get(name), Mapping):
            return dict(order[name])
    for name in ("medicationReference", "codeReference"):
        reference = order.get(name)
        target = chart.resolve(reference, order)
        stated = (target.get("code") or target.get("type")) if target else None
        if isinstance(stated, Mapping):
            return dict(stated)
        if isinstance(reference, Mapping) and reference.get("display"):
            return {"text": reference["display"]}
    return {}


def _codings(concept: Resource) -> Iterator[Coding]:
    for one in _list(concept.get("coding")):
        if isinstance(one.get("code"), str):
            system = str(one.get("system", ""))
            display = one.get("display")
            yield Coding(_SAME_SYSTEM.get(system, system), one["code"], display if isinstance(display, str) else None)


def _service(codings: Sequence[Coding], concept: Resource) -> Coding:
    """The code that policies know first: HCPCS, CPT, RxNorm, then the rest as stated; else the words alone."""
    text = concept.get("text")
    words = text if isinstance(text, str) else None
    for system in _BY_RANK:
        for one in codings:
            if one.system == system:
                return Coding(one.system, one.code, one.display or words)
    if codings:
        return Coding(codings[0].system, codings[0].code, codings[0].display or words)
    return Coding("", "", words)


def _units(order: Resource, codings: Sequence[Coding], billing_units: BillingUnits) -> Decimal | None:
    dispense = order.get("dispenseRequest")
    stated = dispense.get("quantity") if isinstance(dispense, Mapping) else order.get("quantityQuantity")
    value = stated.get("value") if isinstance(stated, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, Decimal | int):
        return None
    unit = stated.get("code") or stated.get("unit") if isinstance(stated, Mapping) else None
    return billing_units(codings, Decimal(value), str(unit) if unit is not None else None)


def _as_counted(_codings: Sequence[Coding], amount: Decimal, unit: str | None) -> Decimal | None:
    return amount if unit in (None, "1", "{unit}", "{tbl}") else None


def _ordered_period(order: Resource) -> Period:
    """The days of service that the order states: its validity, the bounds of its timing, or its occurrence."""
    dispense = order.get("dispenseRequest")
    stated: list[Any] = [dispense.get("validityPeriod") if isinstance(dispense, Mapping) else None]
    timings = [one.get("timing") for one in _list(order.get("dosageInstruction"))] + [order.get("occurrenceTiming")]
    for timing in timings:
        repeat = timing.get("repeat") if isinstance(timing, Mapping) else None
        stated.append(repeat.get("boundsPeriod") if isinstance(repeat, Mapping) else None)
    stated.append(order.get("occurrencePeriod"))
    for one in stated:
        if isinstance(one, Mapping) and (one.get("start") or one.get("end")):
            return _period(one)
    day = order.get("occurrenceDateTime")
    return _period({"start": day, "end": day}) if day else Period(None, None)


def _period(stated: Any) -> Period:
    """Days as written; a month or a year is taken whole. What cannot be read is open."""
    period = stated if isinstance(stated, Mapping) else {}
    start, end = _partial(period.get("start")), _partial(period.get("end"))
    return Period(start.earliest if start else None, end.latest if end else None)


def _partial(stated: Any) -> PartialDate | None:
    try:
        return PartialDate.parse(stated) if isinstance(stated, str) else None
    except ValueError:
        return None


def _holds(period: Period, on: date) -> bool:
    return (period.start is None or period.start <= on) and (period.end is None or on <= period.end)


def _identifiers(stated: Sequence[Any]) -> list[tuple[str, str]]:
    return [
        (str(one.get("system", "")), str(one["value"]).strip())
        for one in stated
        if isinstance(one, Mapping) and one.get("value")
    ]


def _codes(concept: Any) -> list[str]:
    return [str(one.get("code")) for one in _list(concept.get("coding"))] if isinstance(concept, Mapping) else []


def _list(stated: Any) -> list[Mapping[str, Any]]:
    found = stated if isinstance(stated, list) else [stated]
    return [one for one in found if isinstance(one, Mapping)]
