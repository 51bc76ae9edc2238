"""A request, its update and an inquiry that hold every must-support element of their profiles: the census case.

No real request looks like this. Codes are those of the guide's examples, or of the kit's public payloads.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from prior_auth.conformance.pas.everything_around import around, document, orders
from prior_auth.conformance.pas.payloads import (
    Sender,
    additional,
    bundle,
    inquiry,
    mark,
    request,
    update,
)
from prior_auth.fhir import codes, pas_script
from prior_auth.fhir.codes import CPT, HCPCS, PAS_TEMP, THO, X12, Json, coded, extension
from prior_auth.fhir.pas_script import Word

WORDS = (Word.APPROVE, Word.MODIFY, Word.ASK)
_ENCOUNTER = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Claim.encounter"
_NUBC = "https://www.nubc.org/CodeSystem/"
_STATE = coded("https://www.usps.com/", "MA")
_NAME = "everything"


def everything(sender: Sender) -> tuple[Json, Json]:
    """The first request and its update: dates as days in one, as periods in the other."""
    first = request(sender, _NAME, WORDS)
    claim = first["entry"][0]["resource"]
    _fill_claim(sender, claim)
    made = bundle(sender, _NAME, [claim, *orders(sender, _NAME), *around(sender), document(sender)])
    return made, _updated(sender, made)


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
    return bundle(sender, f"{_NAME}-{name}", [claim, *around(sender)], profile="pas-inquiry-request-bundle")


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
