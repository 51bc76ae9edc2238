"""Cancer drugs of a chart: what was given, what was only ordered, and the orders that wait to be judged.

An administration, a dispense or a statement that it was taken is therapy received. A completed or stopped order is an
order; an active one is what is asked for. No order alone shows that a drug was ever given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.domain.evidence import FactValue, Source, Tier, Unread
from prior_auth.evidence.binding import Binding
from prior_auth.evidence.chart import Chart, Entry, code_concept, concept_text, is_order, mapping, sequence
from prior_auth.evidence.definitions import MCODE
from prior_auth.evidence.dosage import dosages
from prior_auth.evidence.intents import intent_extension, intents, unread_intents
from prior_auth.evidence.normalise import NORMALISERS, Reading, Unreadable
from prior_auth.evidence.normalise.text import negated
from prior_auth.evidence.standing import Standing, standing, why
from prior_auth.evidence.statement import Harvest, Statement, unread
from prior_auth.evidence.when import period_of
from prior_auth.fhir import mcode

ADMINISTRATION = f"{MCODE}mcode-cancer-related-medication-administration"
REQUEST = f"{MCODE}mcode-cancer-related-medication-request"

_GIVEN = ("MedicationAdministration", "MedicationDispense", "MedicationStatement")
MEDICATIONS = (*_GIVEN, "MedicationRequest")
_STATUS_GIVEN = {"active": "in-progress", "in-progress": "in-progress", "stopped": "stopped", "on-hold": "on-hold"}
_KEPT_OF_ORDER = ("statusReason", "priority", "substitution", "courseOfTherapyType")
_KEPT_OF_DISPENSE = (
    "initialFill", "dispenseInterval", "validityPeriod", "numberOfRepeatsAllowed", "quantity", "expectedSupplyDuration",
)  # fmt: skip
_REGIMEN = re.compile(
    r"\b(?:chemo(?:therapy|immunotherapy|radiation|radiotherapy)?|immunotherapy|folfox\d?|folfiri\w*|folfirinox|capox|"
    r"xelox|capeox|tchp?|tcbhp|dd ?ac|ac[- ]?t|ac x ?\d|cmf|fec|r-?chop|abvd|beacopp|dcf|flot|ecf|carbo|taxol|"
    r"gem[- ]?cis)\b"
)
_TOPICAL = re.compile(r"\b(?:cream|ointment|topical|lotion|ophthalmic|eye drops?)\b")
_ORDERS = frozenset({"order", "plan", "proposal", "original-order", "instance-order", "filler-order"})
_ENDED = frozenset({"stopped", "completed", "on-hold"})
_INTENTS = frozenset({*_ORDERS, "reflex-order", "option"})


def therapy(chart: Chart, binding: Binding) -> Harvest:
    """Facts of `prior.therapy` and `request.drug`."""
    statements: list[Statement] = []
    doubts: list[Unread] = []
    known: dict[str, tuple[Reading, ...]] = {}  # charts name few drugs many times
    for entry in chart.of_type(*MEDICATIONS):
        found = standing(entry.resource)
        if found is Standing.NOTHING:
            continue
        concept = code_concept(entry.resource, chart.resolve)
        if (name := repr(concept)) not in known:
            known[name] = _drugs(concept)
        drugs = known[name]
        if not drugs and not _for_cancer(entry, concept, binding):
            continue
        if found is not Standing.COUNTS:
            doubts.append(unread("prior.therapy", entry, why(entry.resource, found)))
            continue
        if _TOPICAL.search(concept_text(concept)) and not is_order(entry.resource):
            doubts.append(unread("prior.therapy", entry, "a drug for the skin or the eye treats no cancer elsewhere"))
            continue
        ways = _ordered if entry.type == "MedicationRequest" else _given
        statements.extend(ways(entry, concept, drugs, binding))
        doubts += [*unread_intents(entry), *_unread_reasons(entry)]
    return Harvest(tuple(statements), tuple(doubts))


def _drugs(concept: Mapping[str, Any]) -> tuple[Reading, ...]:
    try:
        return tuple(NORMALISERS["drug"]({}, concept))
    except Unreadable:
        return ()


def _for_cancer(entry: Entry, concept: Mapping[str, Any], binding: Binding) -> bool:
    """A drug that the table does not know is cancer therapy where the chart says so: what it is for, a regimen."""
    profiles = sequence(mapping(entry.resource.get("meta")).get("profile"))
    if any(isinstance(each, str) and each.partition("|")[0] in (ADMINISTRATION, REQUEST) for each in profiles):
        return True
    if entry.type == "MedicationRequest" and is_order(entry.resource):
        return True  # whatever is asked for is judged
    if any(reason in binding.aliases for reason in binding.reasons(entry)):
        return True
    words = concept_text(concept)
    return _REGIMEN.search(words) is not None and not negated(words)


def _tier(entry: Entry, concept: Mapping[str, Any]) -> Tier:
    profiles = sequence(mapping(entry.resource.get("meta")).get("profile"))
    if ADMINISTRATION in profiles or REQUEST in profiles:
        return Tier.PROFILE
    return Tier.CODE if concept.get("coding") else Tier.TEXT


def _named(concept: Mapping[str, Any]) -> FactValue:
    for each in (concept, *sequence(concept.get("coding"))):
        for key in ("text", "display", "code"):
            if isinstance(mapping(each).get(key), str):
                return str(each[key])
    return None


def _medication(concept: Mapping[str, Any], drugs: Sequence[Reading]) -> dict[str, Any]:
    """The ingredient first, then every code that the chart states."""
    ingredients = [mcode.coding(each.coded) for each in drugs if each.coded is not None]
    first, rest = (drugs[0].coded if drugs else None), ingredients[1:]
    text = concept.get("text") if isinstance(concept.get("text"), str) else None
    made = mcode.concept(first, [*rest, *sequence(concept.get("coding"))], text)
    return made or {"text": "not stated"}


def _reasons(entry: Entry, binding: Binding) -> dict[str, Any]:
    found = binding.reasons(entry)
    return {"reasonReference": [{"reference": each} for each in found]} if found else {}


def _ordered(
    entry: Entry, concept: Mapping[str, Any], drugs: Sequence[Reading], binding: Binding
) -> Iterator[Statement]:
    source = entry.resource
    asked = is_order(source)
    if not asked and str(source.get("intent", "order")) not in _ORDERS:
        return
    view = {
        "resourceType": "MedicationRequest",
        "profile": REQUEST,
        **({"extension": intent} if (intent := intent_extension(source)) else {}),
        "status": source["status"],
        "intent": source.get("intent") if str(source.get("intent")) in _INTENTS else "order",
        "medicationCodeableConcept": _medication(concept, drugs),
        "requester": {"display": "as in the source"} if source.get("requester") else mcode.absent(),
        **{key: mcode.copied(source[key]) for key in _KEPT_OF_ORDER if source.get(key)},
        **({"authoredOn": entry.when.text} if entry.when.text else {}),
        **_how_much(source),
        **_reasons(entry, binding),
    }
    made = [
        _statement("request.drug" if asked else "prior.therapy", entry, concept, each, view, binding)
        for each in drugs or (None,)
    ]
    yield from (*made, *intents(made[0]), *_stop_reasons(made[0]))


def _how_much(source: Mapping[str, Any]) -> dict[str, Any]:
    """Dose, supply and what the prescriber wrote beside them; who wrote and who dispenses stays in the chart."""
    dispense = mapping(source.get("dispenseRequest"))
    made = {
        "dosageInstruction": mcode.copied(dosages(source.get("dosageInstruction"))),
        "dispenseRequest": mcode.copied({key: dispense[key] for key in _KEPT_OF_DISPENSE if key in dispense}),
        "note": [{"text": each["text"]} for each in sequence(source.get("note")) if mapping(each).get("text")],
    }
    return {key: content for key, content in made.items() if content}


def _given(entry: Entry, concept: Mapping[str, Any], drugs: Sequence[Reading], binding: Binding) -> Iterator[Statement]:
    source = entry.resource
    status_reason = [mcode.copied(each) for each in sequence(source.get("statusReason")) if isinstance(each, Mapping)]
    view = {
        "resourceType": "MedicationAdministration",
        "profile": ADMINISTRATION,
        **({"extension": intent} if (intent := intent_extension(source)) else {}),
        "status": _STATUS_GIVEN.get(str(source.get("status")), "completed"),
        **({"statusReason": status_reason} if status_reason else {}),
        "medicationCodeableConcept": _medication(concept, drugs),
        **_effective(entry),
        **(
            {"dosage": mcode.copied(source["dosage"])}
            if entry.type == "MedicationAdministration" and source.get("dosage")
            else {}
        ),
        **_reasons(entry, binding),
    }
    made = [_statement("prior.therapy", entry, concept, each, view, binding) for each in drugs or (None,)]
    yield from (*made, *intents(made[0]), *_stop_reasons(made[0]))


def _unread_reasons(entry: Entry) -> Iterator[Unread]:
    """Reasons to stop that are stated and not known."""
    for place, concept in _reasons_to_stop(entry.resource):
        if not _stop_reason(concept):
            source = Source(entry.reference, f"{entry.type}.{place}", entry.origin)
            yield Unread("stop-reason", source, "no reason to stop that is known")


def _reasons_to_stop(source: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Where they stand, and what they are; only of what has come to an end or a halt."""
    stated = source.get("statusReason")
    if source.get("status") in _ENDED:
        for index, concept in enumerate(sequence(stated)):
            yield f"statusReason[{index}]" if isinstance(stated, list) else "statusReason", concept


def _stop_reason(concept: Any) -> Sequence[Reading]:
    try:
        return NORMALISERS["stop-reason"]({}, concept)
    except Unreadable:
        return ()


def _stop_reasons(treatment: Statement) -> Iterator[Statement]:
    """Why a therapy was stopped, where a code or words that are known say so."""
    for place, concept in _reasons_to_stop(treatment.entry.resource):
        for each in _stop_reason(concept):
            yield Statement(
                item="stop-reason",
                value=each.value,
                unit=None,
                entry=treatment.entry,
                path=f"{treatment.entry.type}.{place}",
                tier=Tier.CODE if mapping(concept).get("coding") else Tier.TEXT,
                when=treatment.when,
                view=treatment.view,
                focus=treatment.focus,
            )


def _effective(entry: Entry) -> dict[str, Any]:
    if entry.when.end:
        return {"effectivePeriod": period_of(entry.when)}
    if entry.when.text:
        return {"effectiveDateTime": entry.when.text}
    return {"_effectiveDateTime": mcode.absent()}


def _statement(
    item: str,
    entry: Entry,
    concept: Mapping[str, Any],
    reading: Reading | None,
    view: Mapping[str, Any],
    binding: Binding,
) -> Statement:
    reasons = binding.reasons(entry)
    return Statement(
        item=item,
        value=reading.value if reading is not None else _named(concept),
        unit=None,
        entry=entry,
        path=f"{entry.type}.medication",
        tier=_tier(entry, concept),
        when=entry.when,
        view=view,
        question=reading.coded.code if reading is not None and isinstance(reading.coded, Coding) else "",
        focus=reasons[0] if reasons else None,
    )
