"""A PAS request Bundle (profile-pas-request-bundle 2.2.1): first requests, and updates as whole new versions.

Pure: identifiers and the instant come in by `Stamp`, so the same arguments give the same Bundle. The order of work is
`problems` (what is lacking, named before anything is sent), then `build`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from prior_auth.domain.parties import PayerIdentity, PracticeIdentity
from prior_auth.domain.request import AuthorizationRequest, RequestItem, Urgency
from prior_auth.errors import BadInput
from prior_auth.fhir import codes, pas_orders, pas_parties
from prior_auth.fhir.bundle import Resource
from prior_auth.fhir.codes import Json, coded, extension
from prior_auth.fhir.pas_evidence import Chart, Gatherer, key_of
from prior_auth.fhir.pas_fit import ROUNDS, Fit
from prior_auth.fhir.pas_problems import Problem, problems
from prior_auth.fhir.pas_received import ReadRequest, read
from prior_auth.fhir.pas_update import Before

__all__ = ["Built", "Problem", "ReadRequest", "Sequences", "Stamp", "build", "cancel", "problems", "read"]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes one submission itself: its own name, the trace number, the instant (aware of its zone).

    `submission` is unique for each version sent (a case's id and version); ids in the Bundle are derived from it.
    `trace_system` is `urn:trnorg:…` of the sender, or any URL of its own.
    """

    submission: str
    trace: str
    created: datetime
    trace_system: str | None = None


@dataclass(frozen=True, slots=True)
class Sequences:
    """Numbers given once and kept for life (spec-34, spec-68): by order, by evidence reference, by diagnosis code."""

    items: Mapping[str, int] = field(default_factory=dict)
    information: Mapping[str, int] = field(default_factory=dict)
    diagnoses: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Built:
    """The Bundle to be sent, and the numbers to hand in with the next version. `claim` is the Claim's fullUrl."""

    bundle: Json
    sequences: Sequences
    claim: str


def build(
    request: AuthorizationRequest,
    chart: Sequence[Resource],
    evidence: Sequence[str],
    *,
    practice: PracticeIdentity,
    payer: PayerIdentity,
    stamp: Stamp,
    sequences: Sequences | None = None,
    prior: Mapping[str, Any] | None = None,
) -> Built:
    """The request Bundle for an order and the evidence of its criteria (`Type/id` each, of this chart).

    With `prior` (the Bundle sent before) it is an update: related to that Claim, which goes along; every item and
    piece of information ever sent is there, marked where it is new, changed or dropped (pas.md 1.12).
    Raises BadInput with the first of `problems`, naming how many there are.
    """
    if found := problems(request, chart, evidence, practice=practice, payer=payer):
        first = found[0]
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        raise BadInput(f"{first.what}{more}", where=first.where, fix=first.fix)
    return _Request(request, chart, evidence, practice, payer, stamp, sequences, prior).built()


def cancel(prior: Mapping[str, Any], *, stamp: Stamp) -> Json:
    """The update that cancels everything `prior` (the Bundle sent before) asks for: PAS wants the items all the same.

    Each item is marked as cancelled, and the Claim says so too, as either alone is read by some payers only.
    """
    before = Before(prior)
    base = before.url.rpartition("/Claim/")[0]
    trace = codes.identifier(stamp.trace_system or f"{base}/trace", stamp.trace)
    created = stamp.created.isoformat(timespec="seconds")
    name = pas_parties.derived_id("claim", base, stamp.submission)
    _, entries = before.cancellation(name=name, trace=trace, created=created)
    return _bundle_of(base, stamp, entries)


class _Request:
    """One Bundle in the making."""

    def __init__(
        self,
        request: AuthorizationRequest,
        chart: Sequence[Resource],
        evidence: Sequence[str],
        practice: PracticeIdentity,
        payer: PayerIdentity,
        stamp: Stamp,
        sequences: Sequences | None,
        prior: Mapping[str, Any] | None,
    ) -> None:
        self.request, self.practice, self.payer, self.stamp = request, practice, payer, stamp
        self.base = practice.base.rstrip("/")
        self.chart = Chart(chart)
        self.evidence = evidence
        self.before = Before(prior) if prior is not None else None
        self.given = sequences or (Sequences(*self.before.numbers(self._services())) if self.before else Sequences())
        self.patient = self.chart.patient(request.patient)
        self.gatherer = Gatherer(self.chart, key_of(self.patient), base=self.base)
        self.fit = Fit()

    def built(self) -> Built:
        parties = self._parties()
        orders = self._orders()
        self.gatherer.want(self.evidence)
        gathered = self.gatherer.gathered()
        of_chart = [key_of(one) for one in (*gathered.clinical, *gathered.support)]
        for _ in range(ROUNDS):
            clinical = [self.fit.shaped(one) for one in gathered.clinical]
            support = [self.fit.shaped(one) for one in gathered.support]
            claim = self._claim(clinical)
            bundle = self._bundle(claim, [*parties, *orders, *clinical, *support])
            if not self.fit.mended(bundle, of_chart):
                return Built(bundle, self._numbers, self._url(claim))
        raise BadInput("the evidence could not be fitted into a valid request", where="Bundle")

    def _url(self, resource: Mapping[str, Any]) -> str:
        return f"{self.base}/{key_of(resource)}"

    # --- who

    def _parties(self) -> list[Json]:
        facts = self.request.coverage
        assert facts is not None
        requestor = pas_parties.requestor(self.practice)
        insurer = pas_parties.insurer(self.payer)
        written = [requestor]
        self.requestor, self.insurer = self._url(requestor), self._url(insurer)
        self.clinicians: dict[str | None, str] = {}
        self.roles: list[str] = []
        for requester in dict.fromkeys(item.requester for item in self.request.items):
            written += self._clinician(requester)
        written.append(insurer)
        return [*written, *self._covered(facts.reference), pas_parties.beneficiary(self.patient, base=self.base)]

    def _clinician(self, requester: str | None) -> list[Json]:
        chart, stated = pas_parties.clinician(self.chart, requester, self.practice)
        person = pas_parties.practitioner(chart, stated, base=self.base)
        assert person is not None
        url = self._url(person)
        self.clinicians[requester] = url
        for reference in (requester, key_of(chart) if chart is not None else None):
            if reference is not None:
                self.gatherer.stand_in(reference, url)
        role = pas_parties.practitioner_role(url, self.requestor, practice=self.practice)
        if self._url(role) in self.roles:
            return []
        self.roles.append(self._url(role))
        return [role, person]

    def _covered(self, reference: str) -> list[Json]:
        facts = self.request.coverage
        chart = self.chart.find(reference)
        assert facts is not None
        assert chart is not None
        holder = pas_parties.subscriber_of(self.chart, chart)
        self.coverage = self.gatherer.full_url(key_of(chart))
        self.gatherer.stand_in(key_of(chart), self.coverage)
        written = pas_parties.coverage(
            chart,
            facts,
            patient=self._url(self.patient),
            subscribed_by=self._url(holder) if holder is not None else None,
            insurer=self.insurer,
        )
        return [written, *([pas_parties.subscriber(holder, base=self.base)] if holder is not None else [])]

    # --- what

    def _orders(self) -> list[Json]:
        found = [(item, self.chart.find(item.order)) for item in self.request.items]
        self.orders = {item.order: self._url(order) for item, order in found if order is not None}
        for item, order in found:
            assert order is not None
            self.gatherer.stand_in(key_of(order), self.orders[item.order])
        return [
            pas_orders.written(self.gatherer.cleaned(order), item, requester=self.clinicians[item.requester])
            for item, order in found
            if order is not None
        ]

    def _claim(self, clinical: Sequence[Json]) -> Json:
        items = numbered(self.given.items, [item.order for item in self.request.items], self._used("item"))
        used = self._used("supportingInfo")
        information = numbered(self.given.information, [key_of(one) for one in clinical], used)
        conditions = [one for one in clinical if one["resourceType"] == "Condition"]
        diagnoses = pas_orders.diagnosis_codes(conditions, gender=self.patient.get("gender"))
        diagnosed = numbered(self.given.diagnoses, list(diagnoses), self._used("diagnosis"))
        self._numbers = Sequences(items, information, diagnosed)
        entries = [self._information(one, information[key_of(one)]) for one in clinical]
        claim = {
            "resourceType": "Claim",
            "id": pas_parties.derived_id("claim", self.base, self.stamp.submission),
            "meta": {"profile": [f"{codes.PAS}profile-claim{'-update' if self.before else ''}"]},
            "extension": self._transmission(),
            "identifier": [codes.identifier(self._trace_system, self.stamp.trace)],
            "status": "active",
            "type": coded(codes.CLAIM_TYPE, "professional"),
            "use": "preauthorization",
            "patient": {"reference": self._url(self.patient)},
            "created": self.stamp.created.isoformat(timespec="seconds"),
            "insurer": {"reference": self.insurer},
            "provider": {"reference": self.requestor},
            "priority": coded(codes.PRIORITY, "stat" if self._is_urgent else "normal"),
            "careTeam": [self._member(number, role) for number, role in enumerate(self.roles, start=1)],
            "supportingInfo": entries,
            "diagnosis": [_diagnosis(diagnosed[code], code, day) for code, day in diagnoses.items()],
            "insurance": [{"sequence": 1, "focal": True, "coverage": {"reference": self.coverage}}],
            "item": [self._item(item, items[item.order]) for item in self.request.items],
        }
        if self.before is not None:
            claim = self.before.marked(claim, {self._url(one): one for one in clinical})
        return {name: value for name, value in claim.items() if value != []}

    def _services(self) -> dict[str, str]:
        found = {item.order: pas_orders.service_of(item) for item in self.request.items}
        return {order: f"{one.system}|{one.code}" for order, one in found.items() if one is not None}

    def _used(self, name: str) -> list[int]:
        return self.before.used(name) if self.before is not None else []

    @property
    def _is_urgent(self) -> bool:
        return self.request.urgency is Urgency.EXPEDITED

    @property
    def _trace_system(self) -> str:
        return self.stamp.trace_system or f"{self.base}/trace"

    def _transmission(self) -> list[Json]:
        sender, receiver = self.practice.sender_code, self.payer.receiver_code
        parts = {
            "applicationSenderCode": sender,
            "applicationReceiverCode": receiver,
            "interchangeSenderID": sender,
            "interchangeReceiverID": receiver,
        }
        written = [{"url": name, "valueString": value} for name, value in parts.items()]
        found = [{"extension": written, "url": extension("TransmissionIdentifiers")["url"]}]
        if self._is_urgent:
            found.append(codes.LEVEL_OF_SERVICE_URGENT)
        return found

    def _member(self, number: int, role: str) -> Json:
        scope = extension("careTeamClaimScope", valueBoolean=True)
        return {"extension": [scope], "sequence": number, "provider": {"reference": role}}

    def _item(self, item: RequestItem, number: int) -> Json:
        service = pas_orders.service_of(item)
        assert service is not None
        trace = self.before.item_trace(number) if self.before is not None else None
        trace = trace or codes.identifier(self._trace_system, f"{self.stamp.trace}-{number}")
        written: Json = {
            "extension": [
                extension("itemTraceNumber", valueIdentifier=trace),
                codes.REQUEST_TYPE_HEALTH_SERVICES,
                codes.CERTIFICATION_RENEWAL if item.renews else codes.CERTIFICATION_INITIAL,
                *([extension("authorizationNumber", valueString=item.renews)] if item.renews else []),
                extension("requestedService", valueReference={"reference": self.orders[item.order]}),
            ],
            "sequence": number,
            "category": pas_orders.service_type(self.chart.find(item.order) or {"resourceType": ""}),
            "productOrService": coded(service.system, service.code),
        }
        days = {"start": item.period.start, "end": item.period.end}
        if stated := {name: day.isoformat() for name, day in days.items() if day is not None}:
            written["servicedPeriod"] = stated
        written["locationCodeableConcept"] = coded(codes.PLACE_OF_SERVICE, str(self.practice.place_of_service))
        if item.units is not None:
            # prof-2: value with unit; a code would have to be X12 673, whose list is licensed.
            written["quantity"] = {"value": item.units, "unit": "billing units"}
        return written

    def _information(self, resource: Mapping[str, Any], number: int) -> Json:
        reference = {"reference": self._url(resource)}
        if self.fit.target(resource) is None:
            # None of the 16 targets (MedicationAdministration, say): the slicing is open, another category carries it.
            category = coded(codes.CLAIM_INFORMATION, "info")
            return {"sequence": number, "category": category, "valueReference": reference}
        kind = {"url": "reportTypeCode", "valueCodeableConcept": coded(codes.REPORT_TYPE, codes.PHYSICIAN_REPORT)}
        method = {
            "url": "transmissionMethod",
            "valueCodeableConcept": coded(codes.TRANSMISSION_METHOD, codes.ELECTRONIC_ONLY),
        }
        about = {"extension": [kind, method], "url": extension("documentInformation")["url"]}
        category = coded(codes.PAS_TEMP, "additionalInformation")
        return {"extension": [about], "sequence": number, "category": category, "valueReference": reference}

    def _bundle(self, claim: Json, others: Sequence[Json]) -> Json:
        entries = {self._url(one): one for one in (claim, *others)}
        if self.before is not None:
            entries = self.before.completed(claim, entries)
        return _bundle_of(self.base, self.stamp, entries)


def _bundle_of(base: str, stamp: Stamp, entries: Mapping[str, Json]) -> Json:
    name = pas_parties.derived_id("bundle", base, stamp.submission)
    return {
        "resourceType": "Bundle",
        "id": name,
        "meta": {"profile": [f"{codes.PAS}profile-pas-request-bundle"]},
        "identifier": codes.identifier(f"{base}/Bundle", name),
        "type": "collection",
        "timestamp": stamp.created.isoformat(timespec="seconds"),
        "entry": [{"fullUrl": url, "resource": resource} for url, resource in entries.items()],
    }


def numbered(given: Mapping[str, int], keys: Sequence[str], used: Iterable[int] = ()) -> dict[str, int]:
    """Every key its number: the one it has, else the next one never used, by dropped entries neither."""
    numbers = dict(given)
    last = max([*numbers.values(), *used], default=0)
    for key in keys:
        if key not in numbers:
            last = numbers[key] = last + 1
    return numbers


def _diagnosis(number: int, code: str, recorded: str | None) -> Json:
    written: Json = {"sequence": number, "diagnosisCodeableConcept": coded(codes.ICD10_CM, code)}
    if recorded is not None:
        written = {"extension": [extension("diagnosisRecordedDate", valueDate=recorded)], **written}
    return written | ({"type": [coded(codes.PAS_TEMP, "principal")]} if number == 1 else {})
