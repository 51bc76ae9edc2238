"""Requests to judge a server by: one synthetic patient, and what a test rig is asked to decide.

Everything is made up. `Sender.run` makes the names of one run its own, so that a server that remembers earlier runs
takes none for a repetition.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from prior_auth.fhir import codes, pas_script
from prior_auth.fhir.codes import Json, coded, extension, identifier
from prior_auth.fhir.pas_script import Word

BASE = "https://conformance.prior-auth.example/fhir"
PRODUCT = {  # HCPCS codes by which a rig without the extension can tell what is wanted
    Word.APPROVE: "J9355",
    Word.DENY: "J9271",
    Word.PEND: "E1223",
    Word.MODIFY: "J9045",
    Word.ASK: "J0897",
}
_CLASS = f"{codes.THO}coverage-class"
NPI, ORDERING_NPI, OTHER_NPI = "1234567893", "1245319599", "1679576722"
CLINIC = "Conformance Clinic"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: `run` is unique, `code` the sending system's id, `payer` the insurer's identifier (system, value)."""

    run: str
    code: str
    payer: tuple[str, str]
    at: datetime

    def url(self, kind: str, name: str) -> str:
        return f"{BASE}/{kind}/{self.id(name)}"

    def id(self, name: str) -> str:
        """A version 4 looking id, always the same of one run and name."""
        made = uuid5(NAMESPACE_URL, f"{BASE}/{self.run}/{name}")
        return str(UUID(int=made.int, version=4))

    def reference(self, kind: str, name: str) -> Json:
        return {"reference": self.url(kind, name)}

    def day(self, after: int) -> str:
        return (self.at + timedelta(days=after)).date().isoformat()


def profiled(sender: Sender, kind: str, name: str, profile: str, /, **rest: Any) -> Json:
    meta = {"profile": [f"{codes.PAS}profile-{profile}"]}
    return {"resourceType": kind, "id": sender.id(name), "meta": meta, **rest}


def request(sender: Sender, name: str, words: Sequence[Word], *, ask: bool = True) -> Json:
    """A first request with an item for each word. `ask` puts the rig's extension on each item."""
    items = [item(sender, name, number, word, ask=ask) for number, word in enumerate(words, start=1)]
    orders = [order(sender, name, number, word) for number, word in enumerate(words, start=1)]
    return bundle(sender, name, [claim(sender, name, items), *orders, *envelope(sender), condition(sender)])


def bundle(sender: Sender, name: str, resources: Sequence[Json], *, profile: str = "pas-request-bundle") -> Json:
    entries = [{"fullUrl": f"{BASE}/{one['resourceType']}/{one['id']}", "resource": one} for one in resources]
    return {
        "resourceType": "Bundle",
        "id": sender.id(f"{name}/bundle"),
        "meta": {"profile": [f"{codes.PAS}profile-{profile}"]},
        "identifier": identifier(f"{BASE}/Bundle", sender.id(f"{name}/bundle")),
        "type": "collection",
        "timestamp": instant(sender),
        "entry": entries,
    }


def instant(sender: Sender) -> str:
    return sender.at.isoformat(timespec="seconds")


def _asks(sender: Sender, name: str) -> Json:
    """What a request and an inquiry say alike: who asks whom, about whom, and by which coverage."""
    return {
        "extension": [transmission(sender)],
        "identifier": [identifier(f"{BASE}/trace", sender.id(f"{name}/trace"))],
        "status": "active",
        "type": coded(codes.CLAIM_TYPE, "professional"),
        "use": "preauthorization",
        "patient": sender.reference("Patient", "patient"),
        "created": instant(sender),
        "insurer": sender.reference("Organization", "insurer"),
        "provider": sender.reference("Organization", "requestor"),
        "priority": coded(codes.PRIORITY, "normal"),
        "insurance": [{"sequence": 1, "focal": True, "coverage": sender.reference("Coverage", "coverage")}],
    }


def claim(sender: Sender, name: str, items: Sequence[Json]) -> Json:
    scope = extension("careTeamClaimScope", valueBoolean=True)
    ordering = {"extension": [scope], "sequence": 1, "provider": sender.reference("PractitionerRole", "role")}
    return profiled(
        sender,
        "Claim",
        f"{name}/claim",
        "claim",
        **_asks(sender, name),
        careTeam=[ordering],
        supportingInfo=[additional(1, sender.reference("Condition", "condition"))],
        diagnosis=[{"sequence": 1, "diagnosisCodeableConcept": coded(codes.ICD10_CM, "C50.911")}],
        item=list(items),
    )


def transmission(sender: Sender) -> Json:
    parts = {
        "applicationSenderCode": sender.code,
        "applicationReceiverCode": sender.payer[1],
        "interchangeSenderID": sender.code,
        "interchangeReceiverID": sender.payer[1],
    }
    written = [{"url": url, "valueString": value} for url, value in parts.items()]
    return {"extension": written, "url": extension("TransmissionIdentifiers")["url"]}


def additional(sequence: int, reference: Json) -> Json:
    parts = [
        {"url": "reportTypeCode", "valueCodeableConcept": coded(codes.REPORT_TYPE, codes.PHYSICIAN_REPORT)},
        {"url": "transmissionMethod", "valueCodeableConcept": coded(codes.TRANSMISSION_METHOD, codes.ELECTRONIC_ONLY)},
    ]
    return {
        "extension": [{"extension": parts, "url": extension("documentInformation")["url"]}],
        "sequence": sequence,
        "category": coded(codes.PAS_TEMP, "additionalInformation"),
        "valueReference": reference,
    }


def item(sender: Sender, name: str, sequence: int, word: Word, *, ask: bool = True) -> Json:
    trace = identifier(f"{BASE}/item-trace", sender.id(f"{name}/item/{sequence}"))
    extensions = [
        extension("itemTraceNumber", valueIdentifier=trace),
        codes.REQUEST_TYPE_HEALTH_SERVICES,
        codes.CERTIFICATION_INITIAL,
        extension("requestedService", valueReference=sender.reference("ServiceRequest", f"{name}/order/{sequence}")),
    ]
    return {
        "extension": [*extensions, *([pas_script.asking(word)] if ask else [])],
        "sequence": sequence,
        "category": codes.SERVICE_TYPE_MEDICAL_CARE,
        "productOrService": coded(codes.HCPCS, PRODUCT[word]),
        "servicedPeriod": {"start": sender.day(14), "end": sender.day(104)},
        "locationCodeableConcept": coded(codes.PLACE_OF_SERVICE, "11"),
        "quantity": {"value": 12, "unit": "billing units"},
    }


def order(sender: Sender, name: str, sequence: int, word: Word) -> Json:
    return profiled(
        sender,
        "ServiceRequest",
        f"{name}/order/{sequence}",
        "servicerequest",
        status="active",
        intent="order",
        code=coded(codes.HCPCS, PRODUCT[word]),
        quantityQuantity={"value": 12, "unit": "billing units"},
        subject=sender.reference("Patient", "patient"),
        authoredOn=sender.day(0),
        requester=sender.reference("PractitionerRole", "role"),
    )


def envelope(sender: Sender) -> list[Json]:
    """The people and organizations of every request."""
    return [patient(sender), coverage(sender), insurer(sender), requestor(sender), role(sender), practitioner(sender)]


def patient(sender: Sender) -> Json:
    return profiled(
        sender,
        "Patient",
        "patient",
        "beneficiary",
        identifier=[identifier(f"{BASE}/mrn", f"MRN-{sender.run}")],
        name=[{"family": "Conformance", "given": ["Test"]}],
        gender="female",
        birthDate="1961-02-03",
    )


def coverage(sender: Sender) -> Json:
    member = {"type": coded(codes.IDENTIFIER_TYPE, "MB"), **identifier(f"{BASE}/member", f"MEMBER-{sender.run}")}
    relationship = {"coding": [{"system": codes.RELATIONSHIP, "code": "self"}, codes.RELATIONSHIP_SELF]}
    return profiled(
        sender,
        "Coverage",
        "coverage",
        "coverage",
        identifier=[member],
        status="active",
        subscriberId=f"MEMBER-{sender.run}",
        beneficiary=sender.reference("Patient", "patient"),
        relationship=relationship,
        payor=[sender.reference("Organization", "insurer")],
    )


def insurer(sender: Sender) -> Json:
    named = identifier(*sender.payer)
    return profiled(sender, "Organization", "insurer", "insurer", identifier=[named], active=True, name="The payer")


def requestor(sender: Sender) -> Json:
    return profiled(
        sender,
        "Organization",
        "requestor",
        "requestor",
        identifier=[identifier(codes.NPI, NPI)],
        active=True,
        name=CLINIC,
    )


def role(sender: Sender) -> Json:
    return profiled(
        sender,
        "PractitionerRole",
        "role",
        "practitionerrole",
        practitioner=sender.reference("Practitioner", "practitioner"),
        organization=sender.reference("Organization", "requestor"),
        telecom=[{"system": "phone", "value": "555-0100"}],
    )


def practitioner(sender: Sender) -> Json:
    return profiled(
        sender,
        "Practitioner",
        "practitioner",
        "practitioner",
        identifier=[identifier(codes.NPI, ORDERING_NPI)],
        name=[{"family": "Order", "given": ["Ing"]}],
    )


def condition(sender: Sender) -> Json:
    return {
        "resourceType": "Condition",
        "id": sender.id("condition"),
        "clinicalStatus": coded(f"{codes.THO}condition-clinical", "active"),
        "verificationStatus": coded(f"{codes.THO}condition-ver-status", "confirmed"),
        "category": [coded(f"{codes.THO}condition-category", "problem-list-item")],
        "code": coded(codes.SNOMED, "254837009"),
        "subject": sender.reference("Patient", "patient"),
    }


# --- updates


def update(sender: Sender, name: str, prior: Json) -> Json:
    """A version after `prior` that wants the same; callers change its Claim (`entry[0].resource`) and add entries."""
    before = prior["entry"][0]
    new = deepcopy(before["resource"])
    new["id"], new["meta"] = sender.id(f"{name}/claim"), {"profile": [f"{codes.PAS}profile-claim-update"]}
    relation = coded(codes.RELATED_CLAIM, "prior")
    new["related"] = [{"claim": {"reference": before["fullUrl"]}, "relationship": relation}]
    new["identifier"] = [identifier(f"{BASE}/trace", sender.id(f"{name}/trace"))]
    for one in (*new["item"], *new["supportingInfo"]):
        one["extension"] = [part for part in one.get("extension", []) if not part["url"].endswith("-infoChanged")]
        if not one["extension"]:
            del one["extension"]
    rest = [one["resource"] for one in prior["entry"][1:] if one["resource"]["resourceType"] != "Claim"]
    return bundle(sender, name, [new, deepcopy(before["resource"]), *deepcopy(rest)])


def mark(element: Json, how: str) -> None:
    """Say what this version does to an entry: `added` or `changed`."""
    element.setdefault("extension", []).append(extension("infoChanged", valueCode=how))


def cancel(element: Json) -> None:
    """An item that is no longer wanted; marked changed by the caller where this version does it."""
    kind = codes.CERTIFICATION_CANCEL
    element["extension"] = [kind if one["url"] == kind["url"] else one for one in element["extension"]]
    element["modifierExtension"] = [{"url": codes.CANCELLED_FLAG, "valueBoolean": True}]


def versions(sender: Sender) -> list[tuple[str, Json]]:
    """A request and its three updates: an item more, one revised and one cancelled, all cancelled."""
    first = request(sender, "version-1", [Word.APPROVE])
    added = update(sender, "version-2", first)
    more = item(sender, "version-1", 2, Word.APPROVE)
    mark(more, "added")
    added["entry"][0]["resource"]["item"].append(more)
    new_order = order(sender, "version-1", 2, Word.APPROVE)
    added["entry"].append({"fullUrl": f"{BASE}/ServiceRequest/{new_order['id']}", "resource": new_order})
    revised = update(sender, "version-3", added)
    one, two = revised["entry"][0]["resource"]["item"]
    one["servicedPeriod"] = {"start": sender.day(44), "end": sender.day(134)}
    mark(one, "changed")
    cancel(two)
    mark(two, "changed")
    ended = update(sender, "version-4", revised)
    ended["entry"][0]["resource"]["extension"].append(codes.CERTIFICATION_CANCEL)
    cancel(ended["entry"][0]["resource"]["item"][0])
    mark(ended["entry"][0]["resource"]["item"][0], "changed")
    return [("initial", first), ("add an item", added), ("modify and cancel", revised), ("cancel all", ended)]


# --- inquiries


def inquiry(sender: Sender, name: str, *, item_of: Json | None = None, number: str | None = None) -> Json:
    """What became of this member's requests: of any service, or of `item_of`'s; narrowed by a reference number."""
    asked = profiled(
        sender,
        "Claim",
        f"{name}/claim",
        "claim-inquiry",
        **_asks(sender, name),
    )
    if number is not None:
        asked["extension"].append(extension("administrationReferenceNumber", valueString=number))
    product = item_of["productOrService"] if item_of else coded(f"{codes.THO}data-absent-reason", "not-applicable")
    asked["item"] = [{"sequence": 1, "productOrService": product}]
    parties = [patient(sender), coverage(sender), insurer(sender), requestor(sender)]
    return bundle(sender, name, [asked, *parties], profile="pas-inquiry-request-bundle")
