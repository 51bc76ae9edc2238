"""Charts by declared story: a story or a policy case, a handful of near misses, then what happens to exports.

Case `number` of `seed` is always the same one. The near misses change what is told (values at their thresholds, days at
their limits, another cancer, another unit, another dialect), so that what the chart says is known without reading it;
what happens to the export (duplicates, shuffled entries, resources of nobody's business) changes nothing that is told.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

from prior_auth import stories
from prior_auth.errors import BadInput
from prior_auth.fhir.chart_bundle import chart_resources
from prior_auth.rule_tools.cases import read_cases
from prior_auth.rulebook import Rulebook
from prior_auth.stories import codes

Resource = dict[str, Any]
Told = dict[str, Any]
PLANS = ("PLAN-GOLD", "MA-PPO", "MCD-HMO")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart with what it was told from. `steps` are the near misses, in words; `story` holds what they left."""

    name: str
    story: stories.Story
    as_of: date
    steps: tuple[str, ...]
    resources: tuple[Resource, ...]


def draw(seed: int, number: int) -> Drawn:
    """The chart of a case. It has one patient and at least one open order, as those it is drawn from."""
    dice = random.Random(f"{seed}/{number}")
    name, story, as_of, plan = dice.choice(beginnings())
    if dice.random() < 0.1:
        plan = dice.choice(PLANS)
    steps = []
    for _ in range(dice.choice((0, 1, 1, 2, 2, 3, 4, 6))):
        said, changed = _near_miss(dice, story, as_of)
        if _can_be_told(changed):
            story = changed
            steps.append(said)
    resources = chart_resources(story.chart(plan=plan))
    if dice.random() < 0.2:
        resources += duplicated(dice, resources)
        steps.append("duplicated resources")
    return Drawn(name, story, as_of, tuple(steps), tuple(resources))


@cache
def rulebook() -> Rulebook:
    return Rulebook.load()


@cache
def beginnings() -> tuple[tuple[str, stories.Story, date, str | None], ...]:
    """Every story, and every case of every policy: its name, what it tells, its day and its plan."""
    told = [(story.name, story, story.day, story.plan) for story in map(stories.load, stories.names())]
    for rule in rulebook().rules:
        for case in read_cases(rule):
            parts = (case.told.get("change"), case.told.get("remove", ()), case.told.get("add"))
            told.append((case.name, case.story.but(*parts), case.as_of, case.told.get("plan")))
    return tuple(told)


def _can_be_told(story: stories.Story) -> bool:
    """Not every writer knows every dialect, and a part of a day is no day of an order."""
    try:
        story.chart()
    except (BadInput, ValueError):
        return False
    return True


# --- Near misses ------------------------------------------------------------------------------------------------------

Change = Callable[[random.Random, stories.Story, date], tuple[str, stories.Story]]
_DONE = ("prior.therapy", "surgery", "rt.course", "transplant", "service")  # what has no status of a result
_KEEPS = ("order",)  # a chart without an order is none that is judged


def _near_miss(dice: random.Random, story: stories.Story, as_of: date) -> tuple[str, stories.Story]:
    return dice.choices(tuple(_CHANGES), tuple(_CHANGES.values()))[0](dice, story, as_of)


def _one(dice: random.Random, story: stories.Story, *items: str) -> tuple[str, int, Told]:
    """One fact that is told, of these items if it tells any of them: its item, its number, and what is told."""
    known = [item for item in story.facts if story.facts[item] and (not items or item in items)]
    item = dice.choice(known or [item for item in story.facts if story.facts[item]])
    number = dice.randrange(len(story.facts[item]))
    return item, number, dict(story.facts[item][number])


def _with(story: stories.Story, item: str, number: int, fact: Told) -> stories.Story:
    facts = [*story.facts[item]]
    facts[number] = fact
    return story.but(change={item: facts})


def _value(dice: random.Random, story: stories.Story, as_of: date) -> tuple[str, stories.Story]:
    item, number, fact = _one(dice, story, *_VALUES)
    if item not in _VALUES:
        return f"{item} as it is", story
    fact.pop("says", None)
    fact["value"] = dice.choice(_VALUES[item])
    return f"{item} is {fact['value']}", _with(story, item, number, fact)


def _added(dice: random.Random, story: stories.Story, as_of: date) -> tuple[str, stories.Story]:
    """A second result, or one of what was not asked: newer, older, or of the same day."""
    item = dice.choice([one for one in _VALUES if one in story.facts] * 3 + list(_VALUES))
    fact = {"value": dice.choice(_VALUES[item]), "on": _day(dice, as_of)}
    if item.startswith("stage.group"):
        fact["kind"] = dice.choice(("clinical", "pathologic"))
    return f"another {item}: {fact['value']} of {fact['on']}", story.but(add={item: [fact]})


def _dated(dice: random.Random, story: stories.Story, as_of: date) -> tuple[str, stories.Story]:
    item, number, fact = _one(dice, story)
    keys = [key for key in ("on", "from", "to") if key in fact] or ["on"]
    key = dice.choice(keys)
    fact[key] = _day(dice, as_of)
    if "from" in fact and "to" in fact and str(fact["to"]) < str(fact["from"]):
        fact["to"] = fact["from"]
    return f"{item} {key} {fact[key]}", _with(story, item, number, fact)


_BACK = (0, 1, 10, 14, 15, 30, 31, 55, 60, 61, 90, 91, 92, 120, 183, 184, 270, 334, 335, 365, 366, 731, 1100, -1, -40)


def _day(dice: random.Random, as_of: date) -> str:
    """A day at a limit on either side, now and then one in the future, or only a month or a year."""
    day = (as_of - timedelta(days=dice.choice(_BACK))).isoformat()
    return day[: dice.choice((10,) * 8 + (7, 4))]


def _of_another(dice: random.Random, story: stories.Story, as_of: date) -> tuple[str, stories.Story]:
    """Another primary cancer; and something that was of the first one is the other's."""
    if "dx.primary" not in story.facts:
        return "no cancer", story
    first = story.facts["dx.primary"][0]
    site = dice.choice(tuple(codes.PRIMARY))
    other: Told = {"site": site, "name": "the other", "on": _day(dice, as_of)}
    if site == first.get("site") and "side" in first:
        other["side"] = "right" if first["side"] == "left" else "left"
    changed = story.but(add={"dx.primary": [other]}) if not _named(story, "the other") else story
    told = [item for item in _BOUND if item in changed.facts]
    if not told or dice.random() < 0.2:
        return f"another primary: {site}", changed
    item = dice.choice(told)
    return f"another primary: {site}, and {item} is of it", changed.but(
        change={item: [{**fact, "of": "the other"} for fact in changed.facts[item]]}
    )


def _named(story: stories.Story, name: str) -> bool:
    return any(one.get("name") == name for one in story.facts["dx.primary"])


def _side(dice: random.Random, story: stories.Story, as_of: date) -> tuple[str, stories.Story]:
    item, number, fact = _one(dice, story, "dx.primary")
    if item != "dx.primary":
        return "no cancer", story
    side = dice.choice(("left", "right", "both", None))
    changed = {key: value for key, value in (fact | {"side": side}).items() if value is not None}
    return f"side {side}", _with(story, item, number, changed)


def _primary(dice: random.Random, story: stories.Story, as_of: date) -> tuple[str, stories.Story]:
    item, number, fact = _one(dice, story, "dx.primary")
    if item != "dx.primary":
        return "no cancer", story
    fact |= dice.choice(
        (
            {"site": dice.choice(tuple(codes.PRIMARY))},
            {"verified": dice.choice(("unconfirmed", "provisional", "differential", "refuted", "entered-in-error"))},
            {"clinical": dice.choice(("remission", "resolved", "inactive", "recurrence"))},
        )
    )
    return f"dx.primary {fact}", _with(story, item, number, fact)


def _unit(dice: random.Random, story: stories.Story, as_of: date) -> tuple[str, stories.Story]:
    measured = [item for item in _VALUES if any(" " in str(fact.get("value")) for fact in story.facts.get(item, ()))]
    item, number, fact = _one(dice, story, *measured)
    amount = str(fact.get("value", "")).partition(" ")[0]
    if item not in measured or not amount:
        return f"{item} as it is", story
    fact["value"] = f"{amount} {dice.choice(('mL', '%', 'g/L', 'mg/dL', 'mmol/L', 'kg', '1', 'furlong'))}"
    return f"{item} is {fact['value']}", _with(story, item, number, fact)


def _variant(dice: random.Random, story: stories.Story, as_of: date) -> tuple[str, stories.Story]:
    fact: Told = {"gene": dice.choice(("EGFR", "ALK", "KRAS", "BRCA1", "BRCA2", "ERBB2")), "on": _day(dice, as_of)}
    if story.facts.get("variant"):
        fact = dict(dice.choice(story.facts["variant"])) | dice.choice(({}, {"gene": fact["gene"]}))
    fact |= dice.choice(
        (
            {"significance": dice.choice(tuple(codes.SIGNIFICANCE))},
            {"source": dice.choice(tuple(codes.VARIANT_SOURCE))},
            {"protein": "p.Ala767_Val769dup"},
            {"protein": "p.Leu858Arg"},
            {"gene": dice.choice(tuple(codes.GENE))},
        )
    )
    if "variant" in story.facts and dice.random() < 0.7:
        return f"variant {fact}", story.but(change={"variant": [fact]})
    return f"another variant {fact}", story.but(add={"variant": [fact]})


def _dialect(dice: random.Random, story: stories.Story, as_of: date) -> tuple[str, stories.Story]:
    item, number, fact = _one(dice, story, *(item for item in story.facts if item not in _KEEPS))
    if item in _KEEPS:
        return "order as it is", story
    fact["as"] = dice.choice(("uscore", "text", "local", "document", "mcode"))
    return f"{item} as {fact['as']}", _with(story, item, number, fact)


def _status(dice: random.Random, story: stories.Story, as_of: date) -> tuple[str, stories.Story]:
    item, number, fact = _one(dice, story, *(item for item in story.facts if item not in _KEEPS))
    if item in _KEEPS:
        return "order as it is", story
    fact["status"] = dice.choice(("entered-in-error", "entered-in-error", "preliminary", "registered", "cancelled"))
    if item in _DONE:
        fact["status"] = "entered-in-error"
    if "condition" in fact:
        fact["verified"] = dice.choice(("entered-in-error", "refuted", "unconfirmed"))
    return f"{item} is {fact['status']}", _with(story, item, number, fact)


def _removed(dice: random.Random, story: stories.Story, as_of: date) -> tuple[str, stories.Story]:
    known = [item for item in story.facts if item not in (*_KEEPS, "dx.primary")]
    if not known:
        return "nothing to remove", story
    item = dice.choice(known)
    return f"no {item}", story.but(remove=[item])


def _borrowed(dice: random.Random, story: stories.Story, as_of: date) -> tuple[str, stories.Story]:
    """Something that is told of another patient, told of this one too."""
    other = stories.load(dice.choice(stories.names()))
    item = dice.choice([one for one in other.facts if one not in (*_KEEPS, "dx.primary")])
    facts = [{key: value for key, value in fact.items() if key not in ("of", "id")} for fact in other.facts[item]]
    return f"{item} of {other.name}", story.but(add={item: facts})


def _given(dice: random.Random, story: stories.Story, as_of: date) -> tuple[str, stories.Story]:
    fact = {"drug": dice.choice(tuple(codes.DRUG)), "from": _day(dice, as_of)}
    fact |= dice.choice(({}, {"as": "order"}, {"status": "stopped", "reason": dice.choice(tuple(codes.STOP_REASON))}))
    return f"{fact['drug']} from {fact['from']}", story.but(add={"prior.therapy": [fact]})


def _ill(dice: random.Random, story: stories.Story, as_of: date) -> tuple[str, stories.Story]:
    name, condition = dice.choice(_ILLNESSES)
    fact = {"condition": condition, "on": _day(dice, as_of), "as": dice.choice(("mcode", "uscore"))}
    return f"{condition} since {fact['on']}", story.but(add={name: [fact]})


def _person(dice: random.Random, story: stories.Story, as_of: date) -> tuple[str, stories.Story]:
    years, days = dice.choice((17, 18, 49, 50, 77, 78)), dice.choice((-10, -1, 0, 1, 10))
    born = (date(as_of.year - years, as_of.month, min(as_of.day, 28)) + timedelta(days=days)).isoformat()
    told = dice.choice(({"sex": "male"}, {"sex": "female"}, {"born": born}, {"born": born[:7]}, {"born": born[:4]}))
    return f"patient {told}", story.but(patient=told)


def _ordered(dice: random.Random, story: stories.Story, as_of: date) -> tuple[str, stories.Story]:
    fact = dict(story.facts["order"][0])
    day = (as_of + timedelta(days=dice.choice((-30, -1, 0, 1, 30, 90)))).isoformat()
    number, _, unit = str(fact.get("units", 1)).partition(" ")
    more = max(1, int(int(number) * dice.choice((0.5, 0.9, 1.1, 1.11, 2))) + dice.choice((0, 1)))
    units = f"{more} {unit}" if unit else more
    changes: list[Told] = [{"start": day}, {"units": units}]
    if "dose" in fact:
        amount, _, measure = str(fact["dose"]).partition(" ")
        changes.append({"dose": f"{int(float(amount) * dice.choice((0.5, 1.1, 1.2, 2))) or 1} {measure}"})
    if "end" in fact:
        changes.append({"end": (as_of + timedelta(days=dice.choice((30, 90, 365, 366, 400, 800)))).isoformat()})
    fact |= dice.choice(changes)
    return f"order {fact}", _with(story, "order", 0, fact)


def _attested(dice: random.Random, story: stories.Story, as_of: date) -> tuple[str, stories.Story]:
    statement = dice.choice(_STATEMENTS)
    fact = {"statement": statement, "value": dice.random() < 0.5, "on": _day(dice, as_of)}
    return f"attested {statement}: {fact['value']}", story.but(add={"attestation": [fact]})


_CHANGES: Mapping[Change, int] = {
    _value: 6,
    _added: 4,
    _dated: 5,
    _of_another: 3,
    _side: 1,
    _primary: 2,
    _unit: 2,
    _variant: 2,
    _dialect: 4,
    _status: 3,
    _removed: 3,
    _borrowed: 3,
    _given: 2,
    _ill: 2,
    _person: 1,
    _ordered: 2,
    _attested: 1,
}
_STATEMENTS = (
    *("first-line", "endocrine-not-appropriate", "no-prior-chemotherapy", "not-resectable-nor-chemoradiation"),
    *("asymptomatic", "shared-decision", "treatment-options-report", "unresectable", "bisphosphonate-failed"),
)
_ILLNESSES = (
    *(("autoimmune", "crohn-disease"), ("ild", "ild"), ("mds-aml", "mds"), ("mds-aml", "aml")),
    *(("pregnancy", "pregnancy"), ("hypertension", "hypertension"), ("comorbidity", "heart-failure")),
    *(("comorbidity", "hypocalcemia"), ("comorbidity", "hypercalcemia"), ("comorbidity", "giant-cell-tumor")),
    *(("comorbidity", "red-cell-aplasia"), ("comorbidity", "bleeding"), ("comorbidity", "hemolytic-anemia")),
)
_BOUND = (
    *("her2.ihc", "her2.ish", "er.status", "pr.status", "pdl1.tps", "stage.group", "stage.T", "stage.N", "stage.M"),
    *("surgery", "prior.therapy", "disease-status", "histology", "variant", "oncotype", "rt.course", "dx.secondary"),
)
_GRADES = tuple(value for value in codes.TNM_VALUE)
_VALUES: Mapping[str, Sequence[str | int]] = {
    "histology": tuple(codes.HISTOLOGY),
    "histologic-grade": tuple(codes.GRADE),
    "stage.group": tuple(codes.STAGE_GROUP),
    "stage.T": tuple(value for value in _GRADES if "T" in value),
    "stage.N": tuple(value for value in _GRADES if "N" in value),
    "stage.M": tuple(value for value in _GRADES if "M" in value),
    "disease-status": tuple(codes.DISEASE_STATUS),
    "ecog": (0, 1, 2, 3, 4),
    "karnofsky": (40, 50, 60, 70, 80, 90, 100),
    "lvef": ("39 %", "40 %", "49 %", "49.9 %", "50 %", "54 %", "55 %", "62 %", "<50 %", ">50 %"),
    "weight": ("44 kg", "60 kg", "72 kg", "90 kg", "159 [lb_av]", "7200 g"),
    "er.status": ("positive", "negative", "equivocal"),
    "pr.status": ("positive", "negative", "equivocal"),
    "her2.ihc": ("0", "1+", "2+", "3+"),
    "her2.ish": ("positive", "negative", "equivocal"),
    "pdl1.tps": ("0 %", "0.9 %", "1 %", "49 %", "50 %", "70 %", "<1 %", ">50 %", "0.5 1"),
    "oncotype": (10, 25, 26),
    "lab.hemoglobin": ("9.9 g/dL", "10 g/dL", "10.0 g/dL", "11 g/dL", "99 g/L", "100 g/L", "6.2 mmol/L", "<10 g/dL"),
    "lab.ferritin": ("10 ng/mL", "29 ng/mL", "100 ng/mL", "101 ug/L", "800 ng/mL"),
    "lab.tsat": ("15 %", "19 %", "20 %", "21 %", "50 %"),
    "lab.b12": ("150 pg/mL", "200 pg/mL", "400 pg/mL"),
    "lab.calcium": ("8.4 mg/dL", "8.5 mg/dL", "2.12 mmol/L", "2.13 mmol/L", "12 mg/dL"),
    "lab.calcium-corrected": ("8.4 mg/dL", "8.5 mg/dL", "2.12 mmol/L", "12 mg/dL"),
    "lab.albumin": ("2.0 g/dL", "4.0 g/dL", "40 g/L"),
    "lab.creatinine-clearance": ("34 mL/min", "35 mL/min", "36 mL/min"),
    "smoking": tuple(codes.SMOKING),
    "smoking.pack-years": (19, 20, 21, 40),
    "smoking.quit-date": ("2011-09-14", "2011-09-15", "2011-09", "2011", "2020-01"),
    "dvh.heart": ("9 cm3", "9.9 cm3", "10 cm3", "10.1 cm3", "14 cm3"),
    "dvh.hot-spot": ("0 cm3", "2 cm3", "105 %", "110 %"),
    "breast-volume": ("400 cm3", "500 cm3", "501 cm3", "1200 cm3"),
    "rt.plan.fractions": (15, 16, 25, 28, 33),
}

# --- What happens to exports ------------------------------------------------------------------------------------------


def duplicated(dice: random.Random, resources: Sequence[Resource]) -> list[Resource]:
    """Some results come a second time under another id; nothing refers to the copies."""
    kinds = ("Observation", "Procedure", "DocumentReference", "MedicationAdministration")
    held = [one for one in resources if one["resourceType"] in kinds]
    chosen = dice.sample(held, min(len(held), dice.randrange(1, 4)))
    return [copy.deepcopy(one) | {"id": f"{one['id'][:58]}-again"} for one in chosen]


def shuffled(dice: random.Random, resources: Sequence[Resource]) -> list[Resource]:
    return dice.sample(list(resources), len(resources))


def unrelated(dice: random.Random, resources: Sequence[Resource]) -> list[Resource]:
    """Resources of this patient that no rule has any business with."""
    patient = next(one for one in resources if one["resourceType"] == "Patient")
    subject = {"reference": f"Patient/{patient['id']}"}
    sodium = codes.concept(codes.coding(codes.LOINC, "2951-2", "Sodium"))
    flu = codes.concept(codes.coding("http://hl7.org/fhir/sid/cvx", "140", "Influenza, seasonal"))
    skin = codes.concept(codes.CONDITION["actinic-keratosis"][0])
    made: list[Resource] = [
        {
            "resourceType": "Observation",
            "status": "final",
            "code": sodium,
            "subject": subject,
            "effectiveDateTime": "2026-03-01",
            "valueQuantity": {"value": 140, "unit": "mmol/L", "system": codes.UCUM, "code": "mmol/L"},
        },
        {
            "resourceType": "Immunization",
            "status": "completed",
            "vaccineCode": flu,
            "patient": subject,
            "occurrenceDateTime": "2025-10-01",
        },
        {"resourceType": "Condition", "code": skin, "subject": subject, "recordedDate": "2021-05-01"},
        {
            "resourceType": "Appointment",
            "status": "booked",
            "participant": [{"actor": subject, "status": "accepted"}],
        },
        {"resourceType": "Basic", "code": {"text": "A form of the front desk"}, "subject": subject},
        {
            "resourceType": "Procedure",
            "status": "completed",
            "code": codes.concept(codes.coding(codes.SNOMED, "80146002", "Appendectomy")),
            "subject": subject,
            "performedDateTime": "1999-04-02",
        },
    ]
    chosen = dice.sample(made, dice.randrange(1, len(made) + 1))
    return [one | {"id": f"unrelated-{number}"} for number, one in enumerate(chosen)]
