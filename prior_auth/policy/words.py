"""Facts, dates and thresholds in plain words, for the `why` of an outcome."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.domain.evidence import Fact, FactValue, Looked, Tier, Unread

_CALLED = {
    "dx.primary": "diagnosis",
    "dx.secondary": "metastasis",
    "stage.group": "stage",
    "stage.T": "T category",
    "stage.N": "N category",
    "stage.M": "M category",
    "ecog": "ECOG",
    "karnofsky": "Karnofsky",
    "lvef": "ejection fraction",
    "er.status": "ER",
    "pr.status": "PR",
    "her2.ihc": "HER2 IHC",
    "her2.ish": "HER2 ISH",
    "pdl1.tps": "PD-L1 TPS",
    "pdl1.cps": "PD-L1 CPS",
    "pdl1.ic": "PD-L1 immune cells",
    "msi": "MSI or MMR",
    "tmb": "TMB",
    "psa": "PSA",
    "bsa": "body surface area",
    "oncotype": "recurrence score",
    "gleason": "Gleason grade group",
    "lab.anc": "ANC",
    "lab.alt": "ALT",
    "lab.ast": "AST",
    "lab.egfr": "glomerular filtration rate",
    "lab.tsat": "transferrin saturation",
    "lab.b12": "vitamin B12",
    "hbv.hbsag": "HBsAg",
    "hbv.anti-hbc": "anti-HBc",
    "dx.onset": "diagnosed",
    "dx.bone-metastasis": "metastasis",
    "dx.brain-metastasis": "metastasis",
    "rt.course": "radiotherapy",
    "rt.plan.fractions": "planned fractions",
    "rt.plan.dose": "planned dose",
    "rt.plan.technique": "planned technique",
    "dvh.heart": "heart V25",
    "dvh.hot-spot": "maximum dose",
    "pet.scan": "PET scan",
    "smoking.pack-years": "smoked",
    "family-history": "relative's cancer:",
    "stop-reason": "stopped:",
    "treatment-intent": "intent",
    "variant.present": "variant",
    "variant.negative-genes": "no variant in",
    "genes.studied": "gene studied",
    "genomics-report": "genomics report",
    "prior.therapy": "earlier therapy",
    "request.drug": "order for",
    "request.procedure": "order for",
    "allergy.drug": "intolerance of",
    "comorbidity.absent": "stated absent:",
    "doc.path-report": "pathology report",
    "doc.clinic-note": "consult note",
    "histologic-grade": "grade",
    "disease-status": "disease status",
    "mds-aml": "diagnosis",
}
_SHOWN = 6


def called(item: str) -> str:
    return _CALLED.get(item, item.removeprefix("attestation.").removeprefix("lab.").replace(".", " ").replace("-", " "))


def is_named(item: str) -> bool:
    """Whether the item has a name of its own among people."""
    return item in _CALLED


def fact_in_words(fact: Fact) -> str:
    """`ECOG 1 on 2026-09-01 (Observation/ecog-1)`."""
    value = value_in_words(fact.value)
    unit = f" {fact.unit.strip('{}')}" if fact.unit and fact.unit != "1" else ""
    day = f" on {fact.date[:10]}" if fact.date else ", undated"
    spoken = value and not fact.item.startswith("doc.")
    what = f"{called(fact.item)} {value}{unit}" if spoken else called(fact.item)
    seen = " in a document only" if fact.tier is Tier.DOCUMENT else ""
    return f"{what}{seen}{day} ({fact.source.reference})"


def value_in_words(value: FactValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Coding):
        return value.display or value.code
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return "" if value is None else str(value)


def facts_in_words(facts: Sequence[Fact]) -> str:
    """The first of them, each once, and how many more there are."""
    words = list(dict.fromkeys(fact_in_words(fact) for fact in facts))
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return "; ".join(words[:_SHOWN]) + more


def order_in_words(order: Mapping[str, Any]) -> str:
    """`Ordered: 300 mg, 2 in 1 d; 120 tablets; until 2027-03-20`: the numbers of an order that can be read."""
    dispense = _object(order.get("dispenseRequest"))
    last = _object(dispense.get("validityPeriod")).get("end")
    told = [_dose_in_words(one) for one in _objects(order.get("dosageInstruction"))]
    told += [_amount(dispense.get("quantity")), f"until {last[:10]}" if isinstance(last, str) else ""]
    stated = [one for one in dict.fromkeys(told) if one]
    return f"Ordered: {'; '.join(stated)}" if stated else ""


def _dose_in_words(dosage: Mapping[str, Any]) -> str:
    doses = [_amount(one.get("doseQuantity")) for one in _objects(dosage.get("doseAndRate"))]
    repeat = _object(_object(dosage.get("timing")).get("repeat"))
    often = "once" if repeat.get("count") == 1 else ""
    if "period" in repeat:
        often = f"{repeat.get('frequency', 1)} in {repeat['period']} {repeat.get('periodUnit', '')}"
    return ", ".join(one for one in (*doses, often) if one)


def _amount(quantity: Any) -> str:
    found = _object(quantity)
    number = found.get("value")
    if isinstance(number, bool) or not isinstance(number, (int, Decimal)):
        return ""
    return f"{value_in_words(Decimal(number))} {found.get('unit') or found.get('code') or ''}".strip()


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def window_in_words(duration: str) -> str:
    """An ISO 8601 duration of one part: `P60D` is `60 days`."""
    number, unit = duration[1:-1], _UNITS.get(duration[-1:])
    if unit is None or not number.isdigit():
        return duration
    return f"{number} {unit}" if number == "1" else f"{number} {unit}s"


_UNITS = {"D": "day", "W": "week", "M": "month", "Y": "year"}


def looked_in_words(looked: Iterable[Looked], *, is_on_record: bool = False) -> str:
    """`no record found in 41 resources`: how much was read in vain; that what is on record says nothing here."""
    by_type: dict[str, int] = {}
    for one in looked:
        by_type |= one.resources
    number = sum(by_type.values())
    resources = "1 resource" if number == 1 else f"{number} resources"
    if by_type:
        return f"no record found in {resources}"
    return "what is on record has no bearing on this" if is_on_record else "nothing on record speaks of it"


def unread_in_words(unread: Sequence[Unread]) -> str:
    return "; ".join(f"{called(one.item)} in {one.source.reference} is not used: {one.why}" for one in unread[:_SHOWN])


def sentence(*parts: str) -> str:
    """Parts as sentences, each with its capital and its full stop."""
    told = [part.strip().rstrip(".") for part in parts if part and part.strip()]
    return " ".join(f"{part[0].upper()}{part[1:]}." for part in told)
