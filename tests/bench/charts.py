"""Charts for timing: a story's, filled up with what charts are full of, much of it what the catalogue asks for."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

SEED = 20261125

LOINC, RXNORM, SNOMED = "http://loinc.org", "http://www.nlm.nih.gov/research/umls/rxnorm", "http://snomed.info/sct"
HL7 = "http://terminology.hl7.org/CodeSystem/"
# code, name, unit, lowest, highest
VALUES = [
    ("718-7", "Hemoglobin", "g/dL", 9, 15), ("777-3", "Platelets", "10*3/uL", 90, 400),
    ("2160-0", "Creatinine", "mg/dL", 0.5, 1.6), ("1742-6", "Alanine aminotransferase", "U/L", 8, 90),
    ("1975-2", "Bilirubin", "mg/dL", 0.2, 1.8), ("2951-2", "Sodium", "mmol/L", 132, 146),
    ("2823-3", "Potassium", "mmol/L", 3.2, 5.2), ("29463-7", "Body weight", "kg", 55, 90),
    ("8867-4", "Heart rate", "/min", 55, 110), ("8310-5", "Body temperature", "Cel", 36, 38.5),
    ("751-8", "Neutrophils", "10*3/uL", 1, 8),
]  # fmt: skip
DRUGS = [("29046", "lisinopril"), ("6809", "metformin"), ("26225", "ondansetron"), ("161", "acetaminophen"),
         ("3264", "dexamethasone"), ("72962", "docetaxel")]  # fmt: skip
PROBLEMS = [("38341003", "Hypertension"), ("44054006", "Type 2 diabetes"), ("422587007", "Nausea"),
            ("84229001", "Fatigue"), ("271737000", "Anemia")]  # fmt: skip

Resource = dict[str, Any]


def filled(own: list[Resource], size: int, day: date) -> list[Resource]:
    """The story's resources among others, in seeded disorder."""
    chance = random.Random(f"{SEED}/{size}")
    subject = {"reference": next(f"Patient/{one['id']}" for one in own if one["resourceType"] == "Patient")}
    kinds = chance.choices([value, drug, encounter, note, problem], [70, 10, 10, 6, 4], k=size - len(own))
    found = [*own, *(make(f"filler-{n}", subject, day, chance) for n, make in enumerate(kinds))]
    chance.shuffle(found)
    return found


def value(id: str, subject: Resource, day: date, chance: random.Random) -> Resource:
    code, name, unit, low, high = chance.choice(VALUES)
    quantity = {"value": Decimal(f"{chance.uniform(low, high):.1f}"), "unit": unit, "code": unit}
    return {
        "resourceType": "Observation", "id": id, "status": "final", "subject": subject,
        "code": concept(LOINC, code, name),
        "category": [concept(f"{HL7}observation-category", "laboratory", "Laboratory")],
        "effectiveDateTime": before(day, chance), "valueQuantity": quantity | {"system": "http://unitsofmeasure.org"},
    }  # fmt: skip


def drug(id: str, subject: Resource, day: date, chance: random.Random) -> Resource:
    return {
        "resourceType": "MedicationRequest", "id": id, "status": chance.choice(["completed", "stopped"]),
        "intent": "order", "subject": subject, "medicationCodeableConcept": concept(RXNORM, *chance.choice(DRUGS)),
        "authoredOn": before(day, chance),
    }  # fmt: skip


def encounter(id: str, subject: Resource, day: date, chance: random.Random) -> Resource:
    kind = {"system": f"{HL7}v3-ActCode", "code": chance.choice(["AMB", "EMER", "IMP"])}
    period = {"start": before(day, chance)}
    return {
        "resourceType": "Encounter", "id": id, "status": "finished", "subject": subject, "class": kind,
        "period": period,
    }  # fmt: skip


def note(id: str, subject: Resource, day: date, chance: random.Random) -> Resource:
    return {
        "resourceType": "DocumentReference", "id": id, "status": "current", "subject": subject,
        "type": concept(LOINC, "11506-3", "Progress note"), "date": f"{before(day, chance)}T10:00:00Z",
        "content": [{"attachment": {"contentType": "text/plain", "url": f"Binary/{id}"}}],
    }  # fmt: skip


def problem(id: str, subject: Resource, day: date, chance: random.Random) -> Resource:
    return {
        "resourceType": "Condition", "id": id, "subject": subject, "code": concept(SNOMED, *chance.choice(PROBLEMS)),
        "clinicalStatus": concept(f"{HL7}condition-clinical", chance.choice(["active", "resolved"]), ""),
        "verificationStatus": concept(f"{HL7}condition-ver-status", "confirmed", ""),
        "recordedDate": before(day, chance),
    }  # fmt: skip


def concept(system: str, code: str, text: str) -> Resource:
    return {"coding": [{"system": system, "code": code}], **({"text": text} if text else {})}


def before(day: date, chance: random.Random) -> str:
    return (day - timedelta(days=chance.randint(1, 2500))).isoformat()
