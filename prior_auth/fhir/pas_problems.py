"""What is lacking before a request can be sent: named with its place and the fix, not found out by the payer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from prior_auth.domain.parties import PayerIdentity, PracticeIdentity, is_npi
from prior_auth.domain.request import AuthorizationRequest, RequestItem
from prior_auth.fhir import pas_orders, pas_parties
from prior_auth.fhir.bundle import Resource
from prior_auth.fhir.pas_evidence import Chart, key_of, subject_of


class Problem(NamedTuple):
    """`where` is a setting's name or a FHIR element path; no patient data in any part."""

    where: str
    what: str
    fix: str


def problems(
    request: AuthorizationRequest,
    chart: Sequence[Resource],
    evidence: Sequence[str],
    *,
    practice: PracticeIdentity,
    payer: PayerIdentity,
) -> list[Problem]:
    """Everything that stands in the way of a valid Bundle, settings first; empty where it can be sent."""
    known = Chart(chart)
    found = [*_of_practice(practice), *_of_payer(payer), *_of_patient(known, request)]
    found += [*_of_coverage(known, request), *_of_items(known, request, practice)]
    return [*found, *_of_evidence(known, request, evidence)]


def _of_practice(practice: PracticeIdentity) -> Iterator[Problem]:
    if not practice.base.startswith(("https://", "http://")):
        yield Problem("practice.base", "the practice's FHIR base is no URL", "set it to an http or https URL")
    if not practice.name.strip():
        yield Problem("practice.name", "the practice has no name", "set the practice's name")
    if not is_npi(practice.npi):
        yield Problem("practice.npi", "the practice has no valid NPI", "set its ten-digit NPI, check digit included")
    if not practice.phone:
        yield Problem(
            "practice.phone", "the practice has no telephone", "set it: PAS wants one for the clinician's role"
        )
    if not practice.place_of_service:
        yield Problem("practice.place_of_service", "no place of service", "set the CMS code, such as 11 for an office")
    if not practice.sender_code:
        yield Problem("practice.sender_code", "no sender id", "set the sending system's id as agreed with the payer")


def _of_payer(payer: PayerIdentity) -> Iterator[Problem]:
    if not payer.name.strip():
        yield Problem("payer.name", "the payer has no name", "set it in payer.yaml")
    if not all(payer.identifier):
        yield Problem("payer.identifier", "the payer has no identifier", "set system and value in payer.yaml")
    if not payer.receiver_code:
        yield Problem("payer.receiver_code", "no receiver id", "set the payer's system id in payer.yaml")


def _of_patient(chart: Chart, request: AuthorizationRequest) -> Iterator[Problem]:
    patient = chart.find(request.patient)
    if patient is None or patient["resourceType"] != "Patient":
        yield Problem("Patient", "the chart has no such Patient", "give the chart that the order is from")
        return
    names = pas_parties.beneficiary(patient, base="")["name"]
    if not names:
        yield Problem("Patient.name", "no family or given name", "complete the name: the payer has to know the member")
    if patient.get("gender") not in ("male", "female", "other", "unknown"):
        yield Problem("Patient.gender", "no administrative gender", "complete it in the chart")
    born = patient.get("birthDate")
    if born is not None and not pas_parties.FULL_DATE.fullmatch(str(born)):
        yield Problem("Patient.birthDate", "not a full date", "complete it to the day")


def _of_coverage(chart: Chart, request: AuthorizationRequest) -> Iterator[Problem]:
    facts = request.coverage
    coverage = chart.find(facts.reference) if facts is not None else None
    if facts is None or coverage is None:
        yield Problem("Coverage", "no coverage", "add the patient's Coverage with this payer")
        return
    if not facts.member_id:
        yield Problem("Coverage.identifier", "no member id", "add the member id (type MB) or subscriberId")
    if pas_parties.is_self(coverage):
        return
    if not pas_parties._list(coverage.get("relationship"), "coding"):
        yield Problem("Coverage.relationship", "not said how the patient relates to the subscriber", "code it")
    holder = pas_parties.subscriber_of(chart, coverage)
    if holder is None:
        yield Problem("Coverage.subscriber", "the subscriber is not in the chart", "add the subscriber as a Patient")
    elif holder.get("gender") is None or not pas_parties.beneficiary(holder, base="")["name"]:
        yield Problem("Coverage.subscriber", "the subscriber lacks name or gender", "complete the subscriber")


def _of_items(chart: Chart, request: AuthorizationRequest, practice: PracticeIdentity) -> Iterator[Problem]:
    if not request.items:
        yield Problem("Claim.item", "nothing is asked for", "name at least one order")
    for item in request.items:
        order = chart.find(item.order)
        if order is None or order["resourceType"] not in pas_orders.PROFILES:
            fix = "order it as MedicationRequest, ServiceRequest or DeviceRequest"
            yield Problem(item.order, "no such order in the chart", fix)
            continue
        yield from _of_order(order, item)
        yield from _of_clinician(chart, item, practice)


def _of_order(order: Mapping[str, Any], item: RequestItem) -> Iterator[Problem]:
    kind = order["resourceType"]
    if order.get("intent") != "order":
        yield Problem(
            f"{kind}.intent", "not an order but a plan or proposal", "PAS takes orders: sign it (intent order)"
        )
    if order.get("status") != "active":
        yield Problem(f"{kind}.status", "the order is not active", "PAS takes active orders: release it in the chart")
    if pas_orders.service_of(item) is None:
        fix = "code the order by HCPCS, CPT or NDC: RxNorm alone is not a code that PAS can name"
        yield Problem("Claim.item.productOrService", "no billable code", fix)
    start, end = item.period.start, item.period.end
    if isinstance(start, date) and isinstance(end, date) and end < start:
        yield Problem("Claim.item.servicedPeriod", "ends before it starts", "mend the order's dates")


def _of_clinician(chart: Chart, item: RequestItem, practice: PracticeIdentity) -> Iterator[Problem]:
    found, stated = pas_parties.clinician(chart, item.requester, practice)
    if pas_parties.practitioner(found, stated, base="") is None:
        who = key_of(found) if found is not None else item.requester or "practice.practitioners"
        fix = "set NPI and family name for this reference in the practice's practitioners"
        yield Problem(who, "the ordering clinician has no valid NPI or no name", fix)


def _of_evidence(chart: Chart, request: AuthorizationRequest, evidence: Sequence[str]) -> Iterator[Problem]:
    for reference in evidence:
        resource = chart.find(reference)
        if resource is None:
            yield Problem(reference, "the evidence is not in the chart", "gather again")
            continue
        subject = subject_of(resource)
        owner = chart.find(subject) if subject is not None else None
        if owner is not None and key_of(owner) != request.patient:
            yield Problem(reference, "the evidence is another patient's", "mend its subject in the chart")
