"""One synthetic chart, made to be untidy, and the parties and moments of its request."""

from __future__ import annotations

import os
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from prior_auth.domain.coding import Coding
from prior_auth.domain.parties import Address, PayerIdentity, PracticeIdentity, PractitionerIdentity
from prior_auth.domain.request import AuthorizationRequest, CoverageFacts, Period, RequestItem
from prior_auth.fhir import json, pas_request

Json = dict[str, Any]

SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
THO = "http://terminology.hl7.org/CodeSystem/"
MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
PATIENT = {"reference": "Patient/pat"}


def concept(system: str, code: str, text: str | None = None) -> Json:
    return {"coding": [{"system": system, "code": code}]} | ({"text": text} if text else {})


def observation(identity: str, code: str, *, category: str | None, **rest: Any) -> Json:
    categories = {"category": [concept(THO + "observation-category", category)]} if category else {}
    head = {"resourceType": "Observation", "id": identity, "status": "final", **categories}
    return {**head, "code": concept(LOINC, code), "subject": PATIENT, "effectiveDateTime": "2026-05-20", **rest}


def chart() -> list[Json]:
    positive = concept(SNOMED, "10828004")
    return [
        {
            "resourceType": "Patient",
            "id": "pat",
            "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Ann Example</div>'},
            "extension": [
                {"url": "http://example.org/fhir/StructureDefinition/favourite-colour", "valueString": "blue"}
            ],
            "identifier": [{"value": "no-system"}, {"system": "http://example.org/mrn", "value": "MRN-1"}],
            "name": [{"family": "Example", "given": ["Ann"]}],
            "telecom": [{"value": "no system"}],
            "gender": "female",
            "birthDate": "1961-02-03",
            "maritalStatus": concept(THO + "v3-MaritalStatus", "D"),
        },
        {
            "resourceType": "Coverage",
            "id": "cov",
            "status": "active",
            "subscriberId": "MEMBER-7",
            "beneficiary": PATIENT,
            "relationship": concept(THO + "subscriber-relationship", "self"),
            "class": [{"type": concept(THO + "coverage-class", "plan"), "value": "PLAN-GOLD"}],
            "payor": [{"reference": "Organization/plan"}],
        },
        {"resourceType": "Organization", "id": "plan", "name": "Example Health Plan"},
        {"resourceType": "Organization", "id": "lab", "name": "Example Laboratory"},
        {
            "resourceType": "Practitioner",
            "id": "doc",
            "identifier": [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1245319599"}],
            "name": [{"family": "Reyes", "given": ["Ana"]}],
        },
        {"resourceType": "PractitionerRole", "id": "role", "practitioner": {"reference": "Practitioner/doc"}},
        {
            "resourceType": "Encounter",
            "id": "visit",
            "status": "finished",
            "class": {"system": THO + "v3-ActCode", "code": "AMB"},
            "subject": PATIENT,
            "diagnosis": [{"condition": {"reference": "Condition/planted"}}],
        },
        {
            "resourceType": "Condition",
            "id": "cancer",
            "meta": {
                "profile": [
                    MCODE + "mcode-primary-cancer-condition|4.0.0",
                    "http://example.org/fhir/StructureDefinition/local-cancer",
                ],
                "source": "http://example.org/feed",
            },
            "clinicalStatus": concept(THO + "condition-clinical", "active"),
            "verificationStatus": concept(THO + "condition-ver-status", "confirmed"),
            "category": [concept(THO + "condition-category", "problem-list-item")],
            "code": concept(SNOMED, "254837009"),
            "subject": PATIENT,
            "encounter": {"reference": "Encounter/visit"},
            "recordedDate": "2026-01-10",
            "asserter": {"reference": "Practitioner/doc"},
            "stage": [{"assessment": [{"reference": "Observation/planted"}]}],
        },
        observation(
            "her2",
            "85319-2",
            category="laboratory",
            valueCodeableConcept=positive,
            focus=[{"reference": "Condition/cancer"}],
            specimen={"reference": "Specimen/tissue"},
            performer=[{"reference": "Organization/lab"}],
            hasMember=[{"reference": "Observation/planted"}],
        ),
        observation(
            "ecog",
            "89247-1",
            category="therapy",
            valueInteger=1,
            performer=[{"reference": "PractitionerRole/role"}],
            encounter={"reference": "Encounter/visit"},
        ),
        observation(
            "lvef",
            "10230-1",
            category=None,
            valueQuantity={"value": Decimal("60.0"), "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"},
        ),
        {
            "resourceType": "Specimen",
            "id": "tissue",
            "type": concept(SNOMED, "122548005"),
            "subject": PATIENT,
            "collection": {"collector": {"reference": "Practitioner/other"}, "collectedDateTime": "2026-01-05"},
        },
        {
            "resourceType": "MedicationAdministration",
            "id": "prior",
            "status": "completed",
            "medicationCodeableConcept": concept(RXNORM, "224905"),
            "subject": PATIENT,
            "context": {"reference": "Encounter/visit"},
            "effectiveDateTime": "2026-03-01",
            "performer": [{"actor": {"reference": "Practitioner/other"}}],
            "reasonReference": [{"reference": "Condition/cancer"}],
        },
        {
            "resourceType": "Medication",
            "id": "drug",
            "code": {"coding": [{"system": RXNORM, "code": "224905"}, {"system": HCPCS, "code": "Q5117"}]},
        },
        {
            "resourceType": "MedicationRequest",
            "id": "order",
            "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">order</div>'},
            "status": "active",
            "intent": "order",
            "medicationReference": {"reference": "Medication/drug"},
            "subject": PATIENT,
            "encounter": {"reference": "Encounter/visit"},
            "authoredOn": "2026-05-25",
            "requester": {"reference": "PractitionerRole/role"},
            "reasonReference": [{"reference": "Condition/cancer"}],
            "insurance": [{"reference": "Coverage/cov"}],
            "dosageInstruction": [
                {
                    "timing": {
                        "repeat": {
                            "boundsPeriod": {"start": "2026-06-08", "end": "2026-12-07"},
                            "frequency": 1,
                            "period": 3,
                            "periodUnit": "wk",
                        }
                    }
                }
            ],
        },
        {
            "resourceType": "DocumentReference",
            "id": "report",
            "status": "current",
            "type": concept(LOINC, "11526-1"),
            "category": [
                concept("http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category", "clinical-note")
            ],
            "subject": PATIENT,
            "author": [{"reference": "Practitioner/other"}],
            "content": [{"attachment": {"contentType": "text/plain", "data": "SEVSMiAzKw=="}}],
            "context": {"encounter": [{"reference": "Encounter/visit"}]},
        },
        {"resourceType": "Practitioner", "id": "other", "name": [{"text": "Dr Other"}]},
        {
            "resourceType": "Condition",
            "id": "planted",
            "clinicalStatus": concept(THO + "condition-clinical", "active"),
            "category": [concept(THO + "condition-category", "problem-list-item")],
            "code": concept(SNOMED, "86406008", "PLANTED"),
            "subject": PATIENT,
        },
        observation("planted", "75622-1", category="laboratory", valueString="PLANTED"),
    ]


EVIDENCE = (
    "Condition/cancer",
    "Observation/her2",
    "Observation/ecog",
    "Observation/lvef",
    "MedicationAdministration/prior",
    "DocumentReference/report",
)

REQUEST = AuthorizationRequest(
    patient="Patient/pat",
    coverage=CoverageFacts(
        reference="Coverage/cov",
        payer_identifiers=(("http://example.org/payer-id", "EXPAYER01"),),
        plan="PLAN-GOLD",
        member_id="MEMBER-7",
        period=Period(None, None),
    ),
    items=(
        RequestItem(
            order="MedicationRequest/order",
            service=Coding(HCPCS, "Q5117"),
            codings=(Coding(RXNORM, "224905"), Coding(HCPCS, "Q5117")),
            units=Decimal(42),
            period=Period(date(2026, 6, 8), date(2026, 12, 7)),
            requester="PractitionerRole/role",
        ),
    ),
)

PRACTICE = PracticeIdentity(
    base="https://oncology.example.org/fhir",
    name="Example Oncology",
    npi="1234567893",
    tin="12-3456789",
    phone="555-0100",
    address=Address(("1 Example Street",), "Springfield", "IL", "62701"),
    place_of_service="11",
    sender_code="EXONC",
    practitioners=(PractitionerIdentity("1245319599", "Reyes", ("Ana",)),),
)

PAYER = PayerIdentity(
    base="https://payer.example.org/fhir",
    name="Example Health Plan",
    identifier=("http://example.org/payer-id", "EXPAYER01"),
    receiver_code="EXPAYER01",
)


def at(minute: int) -> datetime:
    return datetime(2026, 6, 1, 10, minute, tzinfo=UTC)


STAMP = pas_request.Stamp(submission="case-1-v1", trace="case-1", created=at(0))


@dataclass(frozen=True)
class World:
    """The chart and everybody around it; `build` takes other resources, evidence or parties."""

    chart: list[Json]
    request: AuthorizationRequest = REQUEST
    evidence: tuple[str, ...] = EVIDENCE
    practice: PracticeIdentity = PRACTICE
    payer: PayerIdentity = PAYER
    stamp: pas_request.Stamp = STAMP

    def changed(self, **fields: Any) -> World:
        return replace(self, **fields)

    def resource(self, reference: str) -> Json:
        return next(one for one in self.chart if f"{one['resourceType']}/{one['id']}" == reference)

    def problems(self) -> list[pas_request.Problem]:
        return pas_request.problems(self.request, self.chart, self.evidence, practice=self.practice, payer=self.payer)

    def build(self, **given: Any) -> pas_request.Built:
        """Built and through JSON, as it would travel."""
        built = pas_request.build(
            self.request,
            self.chart,
            self.evidence,
            practice=self.practice,
            payer=self.payer,
            stamp=self.stamp,
            **given,
        )
        return replace(built, bundle=json.read(json.write(built.bundle)))


@pytest.fixture
def world() -> World:
    return World(chart())


@pytest.fixture
def bundle(world: World) -> Json:
    return world.build().bundle


@pytest.fixture
def item_of(world: World) -> Callable[..., RequestItem]:
    return lambda **fields: replace(world.request.items[0], **fields)


@pytest.fixture
def golden() -> Callable[[str, Json], None]:
    """`golden(name, resource)`: equal to the committed file. PRIOR_AUTH_GOLDEN=write writes it anew."""

    def check(name: str, resource: Json) -> None:
        file = Path(__file__).parents[1] / "golden" / "pas" / f"{name}.json"
        if os.environ.get("PRIOR_AUTH_GOLDEN") == "write":
            file.write_bytes(_indented(resource))
        assert json.read(json.write(deepcopy(resource))) == json.read(file.read_bytes())

    return check


def _indented(resource: Json) -> bytes:
    import msgspec

    return msgspec.json.format(json.write(resource), indent=1) + b"\n"
