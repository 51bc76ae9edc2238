"""Orders of services that wait to be judged: scans, radiotherapy, tests, procedures, as ServiceRequests of the view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prior_auth.domain.evidence import Tier, Unread
from prior_auth.evidence.binding import Binding
from prior_auth.evidence.chart import Entry, code_concept, is_order, mapping, sequence
from prior_auth.evidence.definitions import EvidenceDefinition
from prior_auth.evidence.finding import Finder
from prior_auth.evidence.intents import intent_extension, intents, unread_intents
from prior_auth.evidence.procedures import named
from prior_auth.evidence.standing import Standing, standing, why
from prior_auth.evidence.statement import Harvest, Statement, unread
from prior_auth.fhir import mcode

_COPIED = (
    "orderDetail", "quantityQuantity", "quantityRange", "quantityRatio", "occurrenceDateTime", "occurrencePeriod",
    "occurrenceTiming", "bodySite",
)  # fmt: skip
_INTENTS = frozenset(
    {"proposal", "plan", "directive", "order", "original-order", "reflex-order", "filler-order", "instance-order",
     "option"}
)  # fmt: skip
_PRIORITIES = frozenset({"routine", "urgent", "asap", "stat"})


def service_orders(finder: Finder, definition: EvidenceDefinition, binding: Binding) -> Harvest:
    """Open orders of services. One that was carried out or given up is no request, and no proof that it was done."""
    statements: list[Statement] = []
    doubts: list[Unread] = []
    for entry in finder.chart.of_type("ServiceRequest"):
        found = standing(entry.resource)
        if found is Standing.DOUBTFUL:
            doubts.append(unread(definition.item, entry, why(entry.resource, found)))
        elif found is Standing.COUNTS and is_order(entry.resource):
            made = _statement(entry, definition, binding)
            statements += [made, *intents(made)]
            doubts += unread_intents(entry)
    return Harvest(tuple(statements), tuple(doubts))


def _statement(entry: Entry, definition: EvidenceDefinition, binding: Binding) -> Statement:
    concept = code_concept(entry.resource)
    reasons = binding.reasons(entry)
    return Statement(
        item=definition.item,
        value=named(concept),
        unit=None,
        entry=entry,
        path="ServiceRequest.code",
        tier=Tier.CODE if concept.get("coding") else Tier.TEXT,
        when=entry.when,
        view=_view(entry, definition, concept, reasons),
        focus=reasons[0] if reasons else None,
    )


def _view(
    entry: Entry, definition: EvidenceDefinition, concept: Mapping[str, Any], reasons: list[str]
) -> mcode.Resource:
    source = entry.resource
    text = concept.get("text") if isinstance(concept.get("text"), str) else None
    code = mcode.concept(None, sequence(concept.get("coding")), text) or {"text": "not stated"}
    extensions = intent_extension(source)
    notes = [{"text": each["text"]} for each in sequence(source.get("note")) if mapping(each).get("text")]
    return {
        "resourceType": "ServiceRequest",
        "profile": definition.profile,
        **({"extension": extensions} if extensions else {}),
        "status": source["status"],
        "intent": source["intent"] if str(source.get("intent")) in _INTENTS else "order",
        **({"priority": source["priority"]} if str(source.get("priority")) in _PRIORITIES else {}),
        "code": code,
        **{key: mcode.copied(source[key]) for key in _COPIED if source.get(key)},
        **({"authoredOn": entry.when.text} if entry.when.text else {}),
        **({"requester": {"display": "as in the source"}} if source.get("requester") else {}),
        **({"reasonReference": [{"reference": each} for each in reasons]} if reasons else {}),
        **({"note": notes} if notes else {}),
    }
