"""The orders of a request as PAS profiles want them, and the codes of diagnoses and services.

What a profile does not take (a Timing bounded by a Period, a ServiceRequest's occurrence as a Period) is said by
`Claim.item.servicedPeriod`, and put back by `as_ordered` when a payer reads the request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.domain.request import Period, RequestItem
from prior_auth.fhir import codes
from prior_auth.fhir.codes import Json

PROFILES: Mapping[str, str] = {
    "MedicationRequest": f"{codes.PAS}profile-medicationrequest",
    "ServiceRequest": f"{codes.PAS}profile-servicerequest",
    "DeviceRequest": f"{codes.PAS}profile-devicerequest",
}


# What a ServiceRequest's category says, as charts code it: SNOMED CT, US Core's and HL7's own.
_SURGICAL = frozenset({"387713003", "surgery"})
_DIAGNOSTIC = frozenset({"363679005", "108252007", "103693007", "imaging", "laboratory"})


def service_type(order: Mapping[str, Any]) -> Json:
    """The kind of service (X12 1365) of an order: of those the guide shows, medical care where none is said."""
    categories = order.get("category") if order["resourceType"] == "ServiceRequest" else None
    stated = [one for one in categories or [] if isinstance(one, Mapping)] if isinstance(categories, list) else []
    said = {one.get("code") for concept in stated for one in concept.get("coding", []) if isinstance(one, Mapping)}
    if said & _SURGICAL:
        return codes.SERVICE_TYPE_SURGICAL
    return codes.SERVICE_TYPE_DIAGNOSTIC if said & _DIAGNOSTIC else codes.SERVICE_TYPE_MEDICAL_CARE


def service_of(item: RequestItem) -> Coding | None:
    """The code by which PAS can name what is asked: HCPCS, CPT, NDC, ICD-10-PCS, in this order."""
    stated = (item.service, *item.codings)
    by_rank = (one for system in codes.SERVICE_SYSTEMS for one in stated if one.system == system)
    return next(by_rank, None)


def written(order: Mapping[str, Any], item: RequestItem, *, requester: str) -> Json:
    """A cleaned order in its PAS profile. `requester` is the fullUrl of the clinician (us-core-21 wants one)."""
    kind = order["resourceType"]
    result = {**order, "meta": {"profile": [PROFILES[kind]]}, "requester": {"reference": requester}}
    if kind == "MedicationRequest":
        return result | _with_timing(order)
    for name in ("occurrenceDateTime", "occurrencePeriod"):
        result.pop(name, None)
    name = "code" if kind == "ServiceRequest" else "codeCodeableConcept"
    service = service_of(item)
    if service is not None:
        result[name] = _with_coding(order.get(name) or {}, service)
    if isinstance(order.get("quantityQuantity"), Mapping):
        # prof-3: a code would have to be X12's, so the unit is words.
        quantity = order["quantityQuantity"]
        unit = quantity.get("unit") or quantity.get("code") or "units"
        result["quantityQuantity"] = {"value": quantity.get("value"), "unit": unit}
    return result


def as_ordered(order: Mapping[str, Any], period: Period) -> Json:
    """An order of a received request with its period put back where charts have it."""
    days = _period(period)
    if not days:
        return dict(order)
    if order["resourceType"] != "MedicationRequest":
        stated = any(name.startswith("occurrence") for name in order)
        return dict(order) if stated else {**order, "occurrencePeriod": days}
    dosages = [_bounded(one, days) for one in order.get("dosageInstruction", [])]
    return {**order, "dosageInstruction": dosages} if dosages else dict(order)


def diagnosis_codes(conditions: Iterable[Mapping[str, Any]], *, gender: str | None) -> dict[str, str | None]:
    """ICD-10-CM code -> the day it was recorded, if stated to the day; the chart's own codes, else by our table."""
    found: dict[str, str | None] = {}
    for condition in conditions:
        stated = [one for one in (condition.get("code") or {}).get("coding", []) if isinstance(one, Mapping)]
        code = next((str(one["code"]) for one in stated if _is(one, codes.ICD10_CM)), None)
        if code is None:
            snomed = (str(one["code"]) for one in stated if _is(one, codes.SNOMED))
            code = next((known for one in snomed if (known := _ICD10_CM.get(one))), None)
        if code == _FEMALE_BREAST and gender == "male":
            code = _MALE_BREAST
        if code is not None:
            found.setdefault(code, _day(condition.get("recordedDate")))
    return found


def _is(coding: Mapping[str, Any], system: str) -> bool:
    return coding.get("system") == system and bool(coding.get("code"))


def _day(stated: Any) -> str | None:
    return stated[:10] if isinstance(stated, str) and len(stated) >= 10 else None


def _with_coding(concept: Mapping[str, Any], service: Coding) -> Json:
    stated = concept.get("coding", [])
    if any(one.get("system") == service.system and one.get("code") == service.code for one in stated):
        return dict(concept)
    return {**concept, "coding": [{"system": service.system, "code": service.code}, *stated]}


def _with_timing(order: Mapping[str, Any]) -> Json:
    dosages = order.get("dosageInstruction")
    return {"dosageInstruction": [_timed(one) for one in dosages]} if dosages else {}


def _timed(dosage: Mapping[str, Any]) -> Json:
    """profile-datatype-timing: bounds only as a Duration, and prof-1 of the page."""
    timing = dosage.get("timing")
    if not isinstance(timing, Mapping):
        return dict(dosage)
    repeat = timing.get("repeat")
    repeat = dict(repeat) if isinstance(repeat, Mapping) else {}
    bounds = repeat.pop("boundsPeriod", None)
    repeat.pop("boundsRange", None)
    if isinstance(bounds, Mapping) and (days := _length(bounds)) is not None:
        repeat["boundsDuration"] = {"value": days, "unit": "day", "system": "http://unitsofmeasure.org", "code": "d"}
    kept = {name: value for name, value in timing.items() if name != "repeat"} | ({"repeat": repeat} if repeat else {})
    if "count" in repeat or {"frequency", "period", "periodUnit"} <= set(repeat):
        return {**dosage, "timing": kept}
    without = {name: value for name, value in dosage.items() if name != "timing"}
    words = _words(timing)
    return without | ({"text": words} if words and not dosage.get("text") else {})


def _words(timing: Mapping[str, Any]) -> str | None:
    code = timing.get("code")
    if not isinstance(code, Mapping):
        return None
    first = next((one for one in code.get("coding", []) if isinstance(one, Mapping)), {})
    return code.get("text") or first.get("display") or first.get("code")


def _length(bounds: Mapping[str, Any]) -> int | None:
    start, end = _day(bounds.get("start")), _day(bounds.get("end"))
    return (date.fromisoformat(end) - date.fromisoformat(start)).days + 1 if start and end else None


def _bounded(dosage: Mapping[str, Any], days: Json) -> Json:
    timing = dosage.get("timing")
    if not isinstance(timing, Mapping) or not isinstance(timing.get("repeat"), Mapping):
        return dict(dosage)
    repeat = {name: value for name, value in timing["repeat"].items() if name != "boundsDuration"}
    return {**dosage, "timing": {**timing, "repeat": {**repeat, "boundsPeriod": days}}}


def _period(period: Period) -> Json:
    stated = {"start": period.start, "end": period.end}
    return {name: day.isoformat() for name, day in stated.items() if day is not None}


_FEMALE_BREAST, _MALE_BREAST = "C50.919", "C50.929"

# A chart that codes its diagnoses in SNOMED CT only: side and site not said, so the unspecified ICD-10-CM code of each.
# Our own reading of both systems' public browsers; what is not here is left out of Claim.diagnosis.
_ICD10_CM: Mapping[str, str] = {
    "254837009": _FEMALE_BREAST,  # breast
    "254637007": "C34.90",  # non-small cell, lung
    "254632001": "C34.90",  # small cell, lung
    "363358000": "C34.90",  # lung
    "363349007": "C16.9",  # stomach
    "363406005": "C18.9",  # colon
    "363443007": "C56.9",  # ovary
    "399068003": "C61",  # prostate
    "363418001": "C25.9",  # pancreas
    "94222008": "C79.51",  # bone, secondary
    "94225005": "C79.31",  # brain, secondary
    "94381002": "C78.7",  # liver, secondary
    "94391008": "C78.00",  # lung, secondary
    "94392001": "C77.9",  # lymph node, secondary
}
