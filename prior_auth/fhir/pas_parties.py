"""Who takes part in a PAS request, as PAS profiles want them: patient, coverage, insurer, requestor, clinician.

These are written anew from the chart's own resources with the profiles' elements only: what else a chart knows of a
patient is not needed to decide (minimum necessary; PAS conf-9).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from prior_auth.domain.parties import Address, PayerIdentity, PracticeIdentity, PractitionerIdentity, is_npi
from prior_auth.domain.request import CoverageFacts
from prior_auth.fhir import codes
from prior_auth.fhir.bundle import Resource
from prior_auth.fhir.codes import Json
from prior_auth.fhir.pas_evidence import Chart, key_of

FULL_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def derived_id(*names: str) -> str:
    """A resource id that is always the same for the same names."""
    return str(uuid5(NAMESPACE_URL, "|".join(names)))


def kept(element: Mapping[str, Any], *names: str) -> Json:
    """Those of the named elements that hold something."""
    return {name: element[name] for name in names if element.get(name) not in (None, "", [], {})}


def beneficiary(patient: Mapping[str, Any], *, base: str) -> Json:
    """profile-beneficiary. A chart without a usable identifier gives the EHR's own id, under the EHR's URL."""
    identifiers = _identifiers(patient) or [codes.identifier(f"{base}/Patient", str(patient["id"]))]
    written: Json = {
        "resourceType": "Patient",
        "id": patient["id"],
        "meta": {"profile": [f"{codes.PAS}profile-beneficiary"]},
        "identifier": identifiers,
        "name": _names(patient),
    }
    if telecom := _telecom(patient):
        written["telecom"] = telecom
    return written | kept(patient, "gender", "birthDate") | _addresses(patient)


def subscriber(patient: Mapping[str, Any], *, base: str) -> Json:
    written = beneficiary(patient, base=base)
    return written | {"meta": {"profile": [f"{codes.PAS}profile-subscriber"]}}


def coverage(
    chart: Mapping[str, Any], facts: CoverageFacts, *, patient: str, subscribed_by: str | None, insurer: str
) -> Json:
    """profile-coverage: the member id in slice MB; relationship self with both codings (pas.md trap 24)."""
    member = {"type": codes.coded(codes.IDENTIFIER_TYPE, "MB"), "value": facts.member_id}
    if system := _member_system(chart, facts.member_id):
        member["system"] = system
    written: Json = {
        "resourceType": "Coverage",
        "id": chart["id"],
        "meta": {"profile": [f"{codes.PAS}profile-coverage"]},
        "identifier": [member],
        "status": "active",
        **kept(chart, "type", "subscriberId"),
        "beneficiary": {"reference": patient},
        "relationship": _relationship(chart, is_self=subscribed_by is None),
        **kept(chart, "period"),
        "payor": [{"reference": insurer}],
    }
    if subscribed_by is not None:
        written["subscriber"] = {"reference": subscribed_by}
    if classes := [kept(one, "type", "value", "name") for one in _list(chart, "class") if one.get("value")]:
        written["class"] = classes
    return written


def is_self(chart: Mapping[str, Any]) -> bool:
    """Is the patient the subscriber? By the relationship's code, else by subscriber and beneficiary being one."""
    stated = {one.get("code") for one in _list(chart.get("relationship"), "coding")}
    if stated:
        return bool(stated & {"self", "18"})
    holder = _reference(chart, "subscriber")
    return holder is None or holder == _reference(chart, "beneficiary")


def insurer(payer: PayerIdentity) -> Json:
    system, value = payer.identifier
    identifiers = [codes.identifier(system, value)]
    if payer.npi is not None:
        identifiers.insert(0, codes.identifier(codes.NPI, payer.npi))
    return {
        "resourceType": "Organization",
        "id": derived_id("insurer", system, value),
        "meta": {"profile": [f"{codes.PAS}profile-insurer"]},
        "identifier": identifiers,
        "active": True,
        "type": [codes.ENTITY_PAYER],
        "name": payer.name,
    }


def requestor(practice: PracticeIdentity) -> Json:
    identifiers = [codes.identifier(codes.NPI, str(practice.npi))]
    if practice.tin:
        identifiers.append(codes.identifier(codes.TIN, practice.tin))
    written: Json = {
        "resourceType": "Organization",
        "id": derived_id("requestor", practice.base, str(practice.npi)),
        "meta": {"profile": [f"{codes.PAS}profile-requestor"]},
        "identifier": identifiers,
        "active": True,
        "name": practice.name,
    }
    if practice.phone:
        written["telecom"] = [{"system": "phone", "value": practice.phone}]
    return written | ({"address": [_address(practice.address)]} if practice.address else {})


def practitioner(chart: Mapping[str, Any] | None, stated: PractitionerIdentity | None, *, base: str) -> Json | None:
    """profile-practitioner from the chart's Practitioner, with what settings add; None where NPI or name is lacking."""
    npi = npi_of(chart) if chart is not None else None
    npi = npi or (stated.npi if stated is not None and is_npi(stated.npi) else None)
    names = [one for one in _list(chart, "name") if one.get("family")] if chart is not None else []
    if not names and stated is not None:
        names = [{"family": stated.family} | ({"given": list(stated.given)} if stated.given else {})]
    if npi is None or not names:
        return None
    return {
        "resourceType": "Practitioner",
        "id": chart["id"] if chart is not None else derived_id("practitioner", base, npi),
        "meta": {"profile": [f"{codes.PAS}profile-practitioner"]},
        "identifier": [codes.identifier(codes.NPI, npi)],
        "name": [kept(one, "family", "given", "prefix", "suffix") for one in names[:1]],
    }


def practitioner_role(person: str, organization: str, *, practice: PracticeIdentity) -> Json:
    """profile-practitionerrole: it needs a telecom (invariant pd-1), which is the practice's."""
    return {
        "resourceType": "PractitionerRole",
        "id": derived_id("role", person, organization),
        "meta": {"profile": [f"{codes.PAS}profile-practitionerrole"]},
        "practitioner": {"reference": person},
        "organization": {"reference": organization},
        "telecom": [{"system": "phone", "value": practice.phone}],
    }


def npi_of(resource: Mapping[str, Any]) -> str | None:
    """The first NPI with a right check digit; a wrong one breaks us-core-17 and is of no use to a payer."""
    stated = (one.get("value") for one in _list(resource, "identifier") if one.get("system") == codes.NPI)
    return next((value for value in stated if is_npi(value)), None)


def clinician(
    chart: Chart, requester: str | None, practice: PracticeIdentity
) -> tuple[Resource | None, PractitionerIdentity | None]:
    """The chart's Practitioner behind an order's requester, and what settings say of it (the first one, if nobody)."""
    found = chart.find(requester) if requester is not None else None
    if found is not None and found["resourceType"] == "PractitionerRole":
        named = found.get("practitioner")
        reference = named.get("reference") if isinstance(named, Mapping) else None
        found = chart.find(reference) if isinstance(reference, str) else None
    stated = {one.reference: one for one in practice.practitioners if one.reference is not None}
    if found is not None and found["resourceType"] == "Practitioner":
        return found, stated.get(key_of(found)) or stated.get(str(requester))
    if requester is not None and requester in stated:
        return None, stated[requester]
    return None, next(iter(practice.practitioners), None)


def subscriber_of(chart: Chart, coverage: Mapping[str, Any]) -> Resource | None:
    """The Patient who is the subscriber, where it is not the patient."""
    if is_self(coverage):
        return None
    stated = coverage.get("subscriber")
    reference = stated.get("reference") if isinstance(stated, Mapping) else None
    found = chart.find(reference) if isinstance(reference, str) else None
    return found if found is not None and found["resourceType"] == "Patient" else None


def _identifiers(resource: Mapping[str, Any]) -> list[Json]:
    complete = (one for one in _list(resource, "identifier") if one.get("system") and one.get("value"))
    return [kept(one, "use", "type", "system", "value") for one in complete]


def _names(patient: Mapping[str, Any]) -> list[Json]:
    usable = [one for one in _list(patient, "name") if one.get("family") or one.get("given")]
    return [kept(one, "use", "family", "given", "prefix", "suffix") for one in usable]


def _telecom(resource: Mapping[str, Any]) -> list[Json]:
    usable = (one for one in _list(resource, "telecom") if one.get("system") and one.get("value"))
    return [kept(one, "system", "value", "use") for one in usable]


def _addresses(resource: Mapping[str, Any]) -> Json:
    fields = ("use", "line", "city", "district", "state", "postalCode", "country")
    written = [found for one in _list(resource, "address") if (found := kept(one, *fields))]
    return {"address": written} if written else {}


def _address(address: Address) -> Json:
    return {
        "line": list(address.lines),
        "city": address.city,
        "state": address.state,
        "postalCode": address.postal_code,
        "country": "US",
    }


def _relationship(chart: Mapping[str, Any], *, is_self: bool) -> Json:
    if not is_self:
        return kept(chart["relationship"], "coding", "text")
    return {"coding": [{"system": codes.RELATIONSHIP, "code": "self"}, codes.RELATIONSHIP_SELF]}


def _member_system(chart: Mapping[str, Any], member_id: str | None) -> str | None:
    found = (one for one in _list(chart, "identifier") if one.get("value") == member_id)
    return next((str(one["system"]) for one in found if one.get("system")), None)


def _reference(resource: Mapping[str, Any], name: str) -> str | None:
    stated = resource.get(name)
    found = stated.get("reference") if isinstance(stated, Mapping) else None
    return found if isinstance(found, str) else None


def _list(element: Any, name: str) -> Sequence[Mapping[str, Any]]:
    """The objects of a list element; nothing where the chart has something else there."""
    found = element.get(name) if isinstance(element, Mapping) else None
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
