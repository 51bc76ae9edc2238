"""A request, its update and an inquiry that hold every must-support element of their profiles: the census case.

No real request looks like this. Codes are those of the guide's examples, or of the kit's public payloads.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from prior_auth.conformance.pas.payloads import (
    BASE,
    CLINIC,
    NPI,
    PRODUCT,
    Sender,
    additional,
    bundle,
    condition,
    coverage,
    inquiry,
    instant,
    mark,
    patient,
    practitioner,
    profiled,
    request,
    role,
    update,
)
from prior_auth.fhir import codes, pas_script
from prior_auth.fhir.codes import CPT, HCPCS, PAS_TEMP, THO, X12, Json, coded, extension, identifier
from prior_auth.fhir.pas_script import Word

WORDS = (Word.APPROVE, Word.MODIFY, Word.ASK)
_CRD_COVERAGE = "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information"
_ENCOUNTER = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Claim.encounter"
_NUBC = "https://www.nubc.org/CodeSystem/"
_STATE = coded("https://www.usps.com/", "MA")
_NAME = "everything"


def everything(sender: Sender) -> tuple[Json, Json]:
    """The first request and its update: dates as days in one, as periods in the other."""
    first = request(sender, _NAME, WORDS)
    claim = first["entry"][0]["resource"]
    _fill_claim(sender, claim)
    orders = [_service(sender), _drug(sender), _device(sender)]
    made = bundle(sender, _NAME, [claim, *orders, *_around(sender), _document(sender)])
    return made, _updated(sender, made)


def _around(sender: Sender) -> list[Json]:
    people = [_patient(sender), _subscriber(sender), _role(sender), _clinician(sender)]
    organizations = [_coverage(sender), _second_coverage(sender), _insurer(sender), _requestor(sender)]
    return [*people, *organizations, _endpoint(sender), _encounter(sender), _location(sender), condition(sender)]


def _updated(sender: Sender, first: Json) -> Json:
    made = update(sender, f"{_NAME}-2", first)
    claim = made["entry"][0]["resource"]
    event, admission, *_, message = claim["supportingInfo"]
    for one in (event, admission):
        del one["timingDate"]
        one["timingPeriod"] = {"start": sender.day(14), "end": sender.day(16)}
        mark(one, "changed")
    message["modifierExtension"] = [{"url": codes.CANCELLED_FLAG, "valueBoolean": True}]
    mark(message, "changed")
    claim["item"][1]["modifierExtension"] = [{"url": codes.CANCELLED_FLAG, "valueBoolean": False}]
    claim["item"][0]["quantity"] = {"value": 10, "unit": "billing units"}
    mark(claim["item"][0], "changed")
    return made


def everything_asked(sender: Sender) -> tuple[Json, Json]:
    """Two inquiries that hold every must-support element of their profile: by days, and by periods."""
    rich = everything(sender)
    return _asked(sender, "by-day", rich[0]), _asked(sender, "by-period", rich[1])


def _asked(sender: Sender, name: str, rich: Json) -> Json:
    made = inquiry(sender, f"{_NAME}-{name}")
    claim, filled = made["entry"][0]["resource"], deepcopy(rich["entry"][0]["resource"])
    claim.update({key: filled[key] for key in ("careTeam", "diagnosis", "insurance", "accident")})
    claim["identifier"][0]["extension"] = _departments()
    claim["extension"] = [one for one in filled["extension"] if one["url"] != pas_script.SCRIPTED]
    for one in claim["diagnosis"]:
        del one["extension"]
    claim["billablePeriod"] = {"start": sender.day(0), "end": sender.day(365)}
    kept = [one for one in filled["supportingInfo"] if "valueReference" not in one and "modifierExtension" not in one]
    claim["supportingInfo"] = [_unmarked(one) for one in kept]
    claim["supportingInfo"].append(_about(7, "freeFormMessage", valueString="A conformance test."))
    any_service = coded(f"{THO}data-absent-reason", "not-applicable")
    items = [_asked_item(sender, one) for one in filled["item"]]
    claim["item"] = [*items, {"sequence": len(items) + 1, "productOrService": any_service}]
    return bundle(sender, f"{_NAME}-{name}", [claim, *_around(sender)], profile="pas-inquiry-request-bundle")


def _unmarked(element: Json) -> Json:
    kept = [one for one in element.get("extension", []) if not one["url"].endswith("infoChanged")]
    rest = {name: value for name, value in element.items() if name not in ("extension", "modifierExtension")}
    return {**rest, "extension": kept} if kept else rest


def _asked_item(sender: Sender, item: Json) -> Json:
    """What an inquiry may say of an item: the payer's word and its days too, but not how it is to be carried out."""
    dropped = ("epsdtIndicator", "nursingHome", "revenueUnitRateLimit", "requestedService", pas_script.SCRIPTED)
    plain = _unmarked(item)
    kept = [one for one in plain["extension"] if not any(name in one["url"] for name in dropped)]
    named = ("Issue", "Expiration", "Effective")
    days = [extension(f"itemCertification{name}Date", valueDate=sender.day(0)) for name in named]
    action = extension("reviewActionCode", valueCodeableConcept=coded(codes.REVIEW_ACTION, codes.CERTIFIED))
    return {
        **{name: value for name, value in plain.items() if name != "unitPrice"},
        "extension": [*kept, *days, action],
    }


def _fill_claim(sender: Sender, claim: Json) -> None:
    parts = [
        {"url": "category", "valueCodeableConcept": coded(f"{X12}1136", "07")},
        {"url": "indicator", "valueBoolean": True},
        {"url": "code", "valueCodeableConcept": coded(f"{X12}1321", "09")},
    ]
    home = [
        {"url": "prognosis", "valueCodeableConcept": coded(f"{X12}923", "1")},
        {"url": "date", "valueDate": sender.day(14)},
    ]
    claim["extension"] += [
        codes.LEVEL_OF_SERVICE_URGENT,
        {"extension": parts, "url": extension("conditionCode")["url"]},
        {"extension": home, "url": extension("homeHealthCareInformation")["url"]},
        extension("authorizationNumber", valueString=f"EARLIER-{sender.run}"),
        extension("administrationReferenceNumber", valueString=f"PEND-{sender.run}"),
        {"url": _ENCOUNTER, "valueReference": sender.reference("Encounter", "encounter")},
        codes.CERTIFICATION_INITIAL,
        pas_script.asking(Word.EVERYTHING),
    ]
    claim["identifier"][0]["extension"] = _departments()
    claim["careTeam"] = [_member(sender, 1, True), _member(sender, 2, False)]
    claim["supportingInfo"] = [
        _about(1, "patientEvent", timingDate=sender.day(14)),
        _about(2, "admissionDates", timingDate=sender.day(14)),
        _about(3, "dischargeDates", timingDate=sender.day(16)),
        additional(4, sender.reference("Condition", "condition")),
        additional(5, sender.reference("DocumentReference", "document")),
        _about(6, "freeFormMessage", valueString="A conformance test."),
    ]
    diagnosis = claim["diagnosis"][0]
    diagnosis["extension"] = [extension("diagnosisRecordedDate", valueDate=sender.day(-30))]
    diagnosis["type"] = [coded(PAS_TEMP, "principal")]
    claim["insurance"].append({"sequence": 2, "focal": True, "coverage": sender.reference("Coverage", "second")})
    claim["accident"] = {
        "date": sender.day(-60),
        "type": coded(f"{THO}ex-claimaccidenttype", "auto"),
        "locationAddress": {"state": "MA", "country": "US"},
    }
    for one, kind in zip(claim["item"], ("ServiceRequest", "MedicationRequest", "DeviceRequest"), strict=True):
        _fill_item(sender, one, kind)


def _departments() -> list[Json]:
    return [
        extension("identifierSubDepartment", valueString="Oncology"),
        extension("identifierJurisdiction", valueCodeableConcept=_STATE),
    ]


def _member(sender: Sender, sequence: int, overall: bool) -> Json:
    return {
        "extension": [extension("careTeamClaimScope", valueBoolean=overall)],
        "sequence": sequence,
        "provider": sender.reference("PractitionerRole", "role"),
        "role": coded(f"{X12}98", "P3"),
        "qualification": coded("http://nucc.org/provider-taxonomy", "207RX0202X"),
    }


def _about(sequence: int, category: str, **value: Any) -> Json:
    return {"sequence": sequence, "category": coded(PAS_TEMP, category), **value}


def _fill_item(sender: Sender, item: Json, kind: str) -> None:
    name = f"{_NAME}/order/{item['sequence']}"
    kept = [one for one in item["extension"] if not one["url"].endswith("requestedService")]
    item["extension"] = [
        *kept,
        extension("requestedService", valueReference=sender.reference(kind, name)),
        extension("authorizationNumber", valueString=f"EARLIER-{sender.run}-{item['sequence']}"),
        extension("administrationReferenceNumber", valueString=f"PEND-{sender.run}-{item['sequence']}"),
        extension("productOrServiceCodeEnd", valueCodeableConcept=coded(HCPCS, "J9999")),
        extension("epsdtIndicator", valueBoolean=False),
        extension("nursingHomeResidentialStatus", valueCodeableConcept=coded(f"{X12}1345", "2")),
        extension("nursingHomeLevelOfCare", valueCodeableConcept=coded(f"{X12}1337", "2")),
        extension("revenueUnitRateLimit", valueDecimal=100),
    ]
    item |= {
        "careTeamSequence": [2],
        "diagnosisSequence": [1],
        "informationSequence": [1],
        "revenue": coded(f"{_NUBC}RevenueCodes", "0300"),
        "modifier": [coded(CPT, "25")],
        "unitPrice": {"value": 100, "currency": "USD"},
    }
    if item["sequence"] == 3:
        del item["servicedPeriod"]
        item["servicedDate"] = sender.day(14)


# --- orders


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


def _order(sender: Sender, kind: str, number: int, profile: str, **rest: Any) -> Json:
    return profiled(
        sender,
        kind,
        f"{_NAME}/order/{number}",
        profile,
        status="active",
        intent="order",
        subject=sender.reference("Patient", "patient"),
        authoredOn=sender.day(0),
        requester=sender.reference("PractitionerRole", "role"),
        **rest,
    )


def _service(sender: Sender) -> Json:
    end = extension("productOrServiceCodeEnd", valueCodeableConcept=coded(HCPCS, "J9999"))
    return _order(
        sender,
        "ServiceRequest",
        1,
        "servicerequest",
        extension=[end, _covered(sender)],
        code=coded(HCPCS, PRODUCT[Word.APPROVE]),
        quantityQuantity={"value": 12, "unit": "visits", "system": f"{X12}673", "code": "VS"},
        occurrenceTiming=_weekly(),
    )


def _drug(sender: Sender) -> Json:
    amount = {"value": 440, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
    category = coded(f"{THO}medicationrequest-category", "outpatient")
    return _order(
        sender,
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


def _device(sender: Sender) -> Json:
    return _order(
        sender,
        "DeviceRequest",
        3,
        "devicerequest",
        extension=[_covered(sender)],
        codeCodeableConcept=coded(HCPCS, "E1223"),
        occurrenceTiming=_weekly(),
    )


# --- people, organizations, places


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


def _document(sender: Sender) -> Json:
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
