"""The orders, people, organizations and places of the census case, each with every must-support element."""

from __future__ import annotations

from typing import Any

from prior_auth.conformance.pas.payloads import (
    BASE,
    CLINIC,
    NPI,
    PRODUCT,
    Sender,
    condition,
    coverage,
    instant,
    patient,
    practitioner,
    profiled,
    role,
)
from prior_auth.fhir import codes
from prior_auth.fhir.codes import HCPCS, THO, X12, Json, coded, extension, identifier
from prior_auth.fhir.pas_script import Word

_CRD_COVERAGE = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"
_NUBC = "https://www.nubc.org/CodeSystem/"


def orders(sender: Sender, name: str) -> list[Json]:
    """An order of each of three kinds, for the items of the request `name`."""
    return [_service(sender, name), _drug(sender, name), _device(sender, name)]


def around(sender: Sender) -> list[Json]:
    """Whom and what every request of this case refers to: people, insurance, organizations, places."""
    people = [_patient(sender), _subscriber(sender), _role(sender), _clinician(sender)]
    organizations = [_coverage(sender), _second_coverage(sender), _insurer(sender), _requestor(sender)]
    return [*people, *organizations, _endpoint(sender), _encounter(sender), _location(sender), condition(sender)]


def _covered(sender: Sender) -> Json:
    parts: list[Json] = [
        {"url": "coverage", "valueReference": sender.reference("Coverage", "coverage")},
        {"url": "covered", "valueCode": "covered"},
        {"url": "pa-needed", "valueCode": "auth-needed"},
        {"url": "date", "valueDate": sender.day(0)},
        {"url": "coverage-assertion-id", "valueString": sender.id("assertion")},
    ]
    return {"extension": parts, "url": _CRD_COVERAGE}


def _weekly() -> Json:
    return {
        "extension": [
            extension("timingcalendarpattern", valueCodeableConcept=coded(f"{X12}678", "L")),
            extension("timingdeliverypattern", valueCodeableConcept=coded(f"{X12}679", "D")),
        ],
        "repeat": {
            "boundsDuration": {"value": 12, "unit": "week", "system": "http://unitsofmeasure.org", "code": "wk"},
            "count": 12,
            "frequency": 1,
            "period": 1,
            "periodUnit": "wk",
        },
    }


def _order(sender: Sender, name: str, kind: str, number: int, profile: str, **rest: Any) -> Json:
    return profiled(
        sender,
        kind,
        f"{name}/order/{number}",
        profile,
        status="active",
        intent="order",
        subject=sender.reference("Patient", "patient"),
        authoredOn=sender.day(0),
        requester=sender.reference("PractitionerRole", "role"),
        **rest,
    )


def _service(sender: Sender, name: str) -> Json:
    end = extension("productOrServiceCodeEnd", valueCodeableConcept=coded(HCPCS, "J9999"))
    return _order(
        sender,
        name,
        "ServiceRequest",
        1,
        "servicerequest",
        extension=[end, _covered(sender)],
        code=coded(HCPCS, PRODUCT[Word.APPROVE]),
        quantityQuantity={"value": 12, "unit": "visits", "system": f"{X12}673", "code": "VS"},
        occurrenceTiming=_weekly(),
    )


def _drug(sender: Sender, name: str) -> Json:
    amount = {"value": 440, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
    category = coded(f"{THO}medicationrequest-category", "outpatient")
    return _order(
        sender,
        name,
        "MedicationRequest",
        2,
        "medicationrequest",
        extension=[_covered(sender)],
        category=[category],
        reportedBoolean=False,
        medicationCodeableConcept=coded(codes.RXNORM, "40048"),
        encounter=sender.reference("Encounter", "encounter"),
        dosageInstruction=[{"text": "Once a week.", "timing": _weekly(), "doseAndRate": [{"doseQuantity": amount}]}],
        dispenseRequest={"numberOfRepeatsAllowed": 2, "quantity": amount},
    )


def _device(sender: Sender, name: str) -> Json:
    return _order(
        sender,
        name,
        "DeviceRequest",
        3,
        "devicerequest",
        extension=[_covered(sender)],
        codeCodeableConcept=coded(HCPCS, "E1223"),
        occurrenceTiming=_weekly(),
    )


def _address() -> Json:
    return {
        "line": ["1 Example Street"],
        "city": "Boston",
        "district": "Suffolk",
        "state": "MA",
        "postalCode": "02101-1234",
        "country": "US",
    }


def _telecom(**rest: Any) -> list[Json]:
    return [{"system": "phone", "value": "555-0100", **rest}]


def _person(one: Json) -> Json:
    one["name"] = [{"family": "Conformance", "given": ["Test"], "prefix": ["Ms"], "suffix": ["III"]}]
    english = coded("urn:ietf:bcp:47", "en")
    return {**one, "telecom": _telecom(use="home"), "address": [_address()], "communication": [{"language": english}]}


def _patient(sender: Sender) -> Json:
    return {**_person(patient(sender)), "multipleBirthInteger": 1}


def _subscriber(sender: Sender) -> Json:
    return _person(
        profiled(
            sender,
            "Patient",
            "subscriber",
            "subscriber",
            identifier=[identifier(f"{BASE}/mrn", f"MRN-{sender.run}-S")],
            gender="male",
            birthDate="1939-04-05",
        )
    )


def _coverage(sender: Sender) -> Json:
    more = {
        "type": coded(f"{THO}v3-ActCode", "EHCPOL"),
        "period": {"start": sender.day(-300), "end": sender.day(65)},
        "class": [
            {"type": coded(codes.COVERAGE_CLASS, kind), "value": f"{kind}-1", "name": f"The {kind}"}
            for kind in ("group", "plan")
        ],
    }
    return {**coverage(sender), **more}


def _second_coverage(sender: Sender) -> Json:
    made = {**coverage(sender), "id": sender.id("second")}
    member = {"type": coded(codes.IDENTIFIER_TYPE, "MB"), **identifier(f"{BASE}/member", f"MEMBER-{sender.run}-S")}
    made["identifier"], made["subscriberId"] = [member], f"MEMBER-{sender.run}-S"
    made["relationship"] = coded(codes.RELATIONSHIP, "child")
    made["subscriber"] = sender.reference("Patient", "subscriber")
    return made


def _organization(sender: Sender, name: str, profile: str, kind: str, /, **rest: Any) -> Json:
    return profiled(
        sender,
        "Organization",
        name,
        profile,
        active=True,
        type=[coded(f"{X12}98", kind)],
        telecom=_telecom(),
        address=[{key: value for key, value in _address().items() if key != "district"}],
        **rest,
    )


def _insurer(sender: Sender) -> Json:
    payer_id = coded("http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBIdentifierType", "payerid")
    named: list[Json] = [
        {"type": payer_id, **identifier(*sender.payer)},
        identifier(codes.NPI, "1093817462"),
        identifier(codes.TIN, "12-3456780"),
    ]
    return _organization(sender, "insurer", "insurer", "PR", identifier=named, name="The payer")


def _requestor(sender: Sender) -> Json:
    payer_id = coded("http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBIdentifierType", "payerid")
    named: list[Json] = [
        identifier(codes.NPI, NPI),
        identifier(codes.TIN, "12-3456789"),
        {"type": payer_id, **identifier(f"{BASE}/provider", f"PROVIDER-{sender.run}")},
    ]
    contact = {"name": {"text": "The desk"}, "telecom": _telecom()}
    return _organization(sender, "requestor", "requestor", "X3", identifier=named, name=CLINIC, contact=[contact])


def _role(sender: Sender) -> Json:
    more = {
        "code": [coded("http://nucc.org/provider-taxonomy", "207RX0202X")],
        "specialty": [coded("http://nucc.org/provider-taxonomy", "207RX0202X")],
        "location": [sender.reference("Location", "location")],
        "endpoint": [sender.reference("Endpoint", "endpoint")],
    }
    return {**role(sender), **more}


def _clinician(sender: Sender) -> Json:
    address = {key: value for key, value in _address().items() if key != "district"}
    return {**practitioner(sender), "telecom": _telecom(), "address": [address]}


def _endpoint(sender: Sender) -> Json:
    return {
        "resourceType": "Endpoint",
        "id": sender.id("endpoint"),
        "status": "active",
        "connectionType": {"system": f"{THO}endpoint-connection-type", "code": "hl7-fhir-rest"},
        "payloadType": [coded(f"{THO}endpoint-payload-type", "any")],
        "address": BASE,
    }


def _location(sender: Sender) -> Json:
    return profiled(
        sender,
        "Location",
        "location",
        "location",
        identifier=[identifier(f"{BASE}/location", "L-1")],
        status="active",
        name="The clinic",
        type=[coded(f"{THO}v3-RoleCode", "ONCL")],
        telecom=_telecom(),
        address={key: value for key, value in _address().items() if key != "district"},
        managingOrganization=sender.reference("Organization", "requestor"),
    )


def _encounter(sender: Sender) -> Json:
    referrer = {"coding": [{"system": f"{THO}v3-ParticipationType", "code": "REF"}]}
    days = {"start": sender.day(14), "end": sender.day(16)}
    made = profiled(
        sender,
        "Encounter",
        "encounter",
        "encounter",
        extension=[
            extension("patientStatus", valueCodeableConcept=coded(f"{_NUBC}PatDischargeStatus", "30")),
            extension("nursingHomeResidentialStatus", valueCodeableConcept=coded(f"{X12}1345", "2")),
        ],
        identifier=[identifier(f"{BASE}/encounter", sender.id("encounter"))],
        status="planned",
        type=[coded(f"{_NUBC}PriorityTypeOfAdmitOrVisit", "2")],
        subject=sender.reference("Patient", "patient"),
        participant=[
            {"type": [referrer], "period": days, "individual": sender.reference("Practitioner", "practitioner")}
        ],
        period=days,
        reasonCode=[coded(codes.SNOMED, "254837009")],
        reasonReference=[sender.reference("Condition", "condition")],
        hospitalization={
            "admitSource": coded(f"{_NUBC}PointOfOrigin", "5"),
            "dischargeDisposition": coded(f"{THO}discharge-disposition", "home"),
        },
        location=[{"location": sender.reference("Location", "location")}],
        serviceProvider=sender.reference("Organization", "requestor"),
        **{"class": {"system": f"{THO}v3-ActCode", "code": "AMB"}},
    )
    made["meta"]["lastUpdated"] = instant(sender)
    return made


def document(sender: Sender) -> Json:
    note = coded("http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category", "clinical-note")
    days = {"start": sender.day(-30), "end": sender.day(-29)}
    return profiled(
        sender,
        "DocumentReference",
        "document",
        "documentreference",
        identifier=[identifier(f"{BASE}/document", sender.id("document"))],
        status="current",
        type=coded(codes.LOINC, "11526-1"),
        category=[note],
        subject=sender.reference("Patient", "patient"),
        date=instant(sender),
        author=[sender.reference("Practitioner", "practitioner")],
        content=[
            {
                "attachment": {"contentType": "text/plain", "data": "VGVzdA=="},
                "format": {
                    "system": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode",
                    "code": "urn:ihe:iti:xds:2017:mimeTypeSufficient",
                },
            }
        ],
        context={"encounter": [sender.reference("Encounter", "encounter")], "period": days},
    )
