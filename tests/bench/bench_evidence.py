"""How long it takes to gather the evidence of a chart: every item of the catalogue, over 50 and over 5,000 resources.

The chart is a story's, filled up with what charts are full of: laboratory values, vital signs, orders, encounters,
notes and problems of many days, most of them what the catalogue asks for, so that each must be read and not only passed
over. Times are the thread's own, the median of all rounds.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from prior_auth import stories
from prior_auth.evidence.gather import gather
from prior_auth.fhir.chart_bundle import chart_resources
from prior_auth.rulebook import Rulebook

SMALL, LARGE = 50, 5000
SEED, ROUNDS = 20261125, 9
STORY = "breast-her2-adjuvant"
TARGET = 0.5

LOINC, RXNORM, SNOMED = "http://loinc.org", "http://www.nlm.nih.gov/research/umls/rxnorm", "http://snomed.info/sct"
HL7 = "http://terminology.hl7.org/CodeSystem/"
# code, name, unit, lowest, highest
VALUES = [
    ("718-7", "Hemoglobin", "g/dL", 9, 15), ("777-3", "Platelets", "10*3/uL", 90, 400),
    ("2160-0", "Creatinine", "mg/dL", 0.5, 1.6), ("1742-6", "Alanine aminotransferase", "U/L", 8, 90),
    ("1975-2", "Bilirubin", "mg/dL", 0.2, 1.8), ("2951-2", "Sodium", "mmol/L", 132, 146),
    ("2823-3", "Potassium", "mmol/L", 3.2, 5.2), ("29463-7", "Body weight", "kg", 55, 90),
    ("8867-4", "Heart rate", "/min", 55, 110), ("8310-5", "Body temperature", "Cel", 36, 38.5),
    ("10230-1", "Left ventricular ejection fraction", "%", 45, 65), ("751-8", "Neutrophils", "10*3/uL", 1, 8),
]  # fmt: skip
DRUGS = [("29046", "lisinopril"), ("6809", "metformin"), ("26225", "ondansetron"), ("161", "acetaminophen"),
         ("3264", "dexamethasone"), ("72962", "docetaxel")]  # fmt: skip
PROBLEMS = [("38341003", "Hypertension"), ("44054006", "Type 2 diabetes"), ("422587007", "Nausea"),
            ("84229001", "Fatigue"), ("271737000", "Anemia")]  # fmt: skip

Resource = dict[str, Any]


def measure() -> Iterator[dict[str, object]]:
    rulebook = Rulebook.load()
    story = stories.load(STORY)
    own = chart_resources(story.chart())
    facts: dict[int, int] = {}
    took: dict[int, float] = {}
    for size in (SMALL, LARGE):
        resources = filled(own, size, story.day)
        gathered = gather(resources, as_of=story.day, definitions=rulebook.definitions)
        facts[size] = len(gathered.facts)
        took[size] = timed(lambda chart=resources: gather(chart, as_of=story.day, definitions=rulebook.definitions))
    items = len(list(rulebook.definitions))
    for size in (SMALL, LARGE):
        goal = {"target": f"under {TARGET} s", "met": took[size] < TARGET} if size == LARGE else {}
        name = f"gather {items} items of evidence from {size} resources ({facts[size]} facts)"
        yield {"name": name, "value": round(took[size], 4), "unit": "s", **goal}
    ratio, growth = LARGE / SMALL, took[LARGE] / took[SMALL]
    yield {
        "name": f"gather: {ratio:.0f} times the resources", "value": round(growth, 1), "unit": "times the time",
        "target": f"at most {ratio:.0f}", "met": growth <= ratio,
    }  # fmt: skip


def timed(call: Callable[[], object]) -> float:
    call()
    took = []
    for _ in range(ROUNDS):
        start = time.thread_time()
        call()
        took.append(time.thread_time() - start)
    return statistics.median(took)


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
