"""Canonical URLs and codes of the guides, and the few shapes that are built from them everywhere.

Only codes that the public guides show are here (Da Vinci PAS 2.2.1 examples and text); the X12 lists are licensed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
PAS_TEMP = "http://hl7.org/fhir/us/davinci-pas/CodeSystem/PASTempCodes"
PAS_TOPIC = "http://hl7.org/fhir/us/davinci-pas/SubscriptionTopic/PASSubscriptionTopic"
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
GENOMICS = "http://hl7.org/fhir/uv/genomics-reporting/StructureDefinition/"
DATA_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

THO = "http://terminology.hl7.org/CodeSystem/"
CLAIM_TYPE = THO + "claim-type"
PRIORITY = THO + "processpriority"
ADJUDICATION = THO + "adjudication"
RELATIONSHIP = THO + "subscriber-relationship"
RELATED_CLAIM = THO + "ex-relatedclaimrelationship"
CLAIM_INFORMATION = THO + "claiminformationcategory"
IDENTIFIER_TYPE = THO + "v2-0203"
COVERAGE_CLASS = THO + "coverage-class"

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
CPT = "http://www.ama-assn.org/go/cpt"
NDC = "http://hl7.org/fhir/sid/ndc"
ICD10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD10_PCS = "http://www.cms.gov/Medicare/Coding/ICD10"
PLACE_OF_SERVICE = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
NPI = "http://hl7.org/fhir/sid/us-npi"
TIN = "http://terminology.hl7.org/NamingSystem/USEIN"

X12 = "https://codesystem.x12.org/005010/"
DECISION_REASON = "https://codesystem.x12.org/external/886"
REVIEW_ACTION = X12 + "306"
CERTIFIED, NOT_CERTIFIED, PENDED, MODIFIED = "A1", "A3", "A4", "A6"
REJECT_REASON = X12 + "901"
QUANTITY_EXCEEDED, PAYER_UNKNOWN = "04", "T4"
FOLLOW_UP = X12 + "889"
CORRECT_AND_RESUBMIT, NO_RESUBMISSION = "C", "N"

# Products and services that PAS can name (ValueSet X12278RequestedServiceType), in the order a payer's list is keyed.
SERVICE_SYSTEMS = (HCPCS, CPT, NDC, ICD10_PCS)


def coded(system: str, code: str) -> Json:
    """A CodeableConcept of one coding, without display: a display that is wrong is worse than none."""
    return {"coding": [{"system": system, "code": code}]}


def extension(name: str, **value: Any) -> Json:
    """A PAS extension: `extension("itemTraceNumber", valueIdentifier=…)`."""
    return {"url": f"{PAS}extension-{name}", **value}


REQUEST_TYPE_HEALTH_SERVICES = extension("serviceItemRequestType", valueCodeableConcept=coded(X12 + "1525", "HS"))
CERTIFICATION_INITIAL = extension("certificationType", valueCodeableConcept=coded(X12 + "1322", "I"))
# Not in the guide's examples: X12's public drafts name it so (pas.md 1.9), and its own list is licensed.
CERTIFICATION_RENEWAL = extension("certificationType", valueCodeableConcept=coded(X12 + "1322", "R"))
CERTIFICATION_CANCEL = extension("certificationType", valueCodeableConcept=coded(X12 + "1322", "3"))
LEVEL_OF_SERVICE_URGENT = extension("levelOfServiceCode", valueCodeableConcept=coded(X12 + "1338", "U"))
SERVICE_TYPE_SURGICAL = coded(X12 + "1365", "2")
SERVICE_TYPE_DIAGNOSTIC = coded(X12 + "1365", "4")
SERVICE_TYPE_MEDICAL_CARE = coded(X12 + "1365", "1")
REPORT_TYPE = X12 + "755"
PHYSICIAN_REPORT = "PY"
TRANSMISSION_METHOD = X12 + "756"
ELECTRONIC_ONLY = "EL"
ENTITY_PAYER = coded(X12 + "98", "PR")
RELATIONSHIP_SELF = {"system": X12 + "1069", "code": "18"}
CANCELLED_FLAG = f"{PAS}modifierextension-infoCancelled"


def identifier(system: str, value: str) -> Json:
    return {"system": system, "value": value}


def extensions_of(element: Mapping[str, Any], url: str) -> list[Mapping[str, Any]]:
    """The extensions with this URL, by its absolute or its short form: PAS mixes both inside one (pas.md trap 15)."""
    tail = url.rsplit("/", 1)[-1]
    names = {url, tail, tail.removeprefix("extension-")}
    found = element.get("extension")
    return [one for one in found if _is_named(one, names)] if isinstance(found, list) else []


def _is_named(one: Any, names: set[str]) -> bool:
    return isinstance(one, Mapping) and isinstance(one.get("url"), str) and one["url"] in names


def pas_extension(element: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """The first PAS extension of this name on an element, or None."""
    return next(iter(extensions_of(element, f"{PAS}extension-{name}")), None)
