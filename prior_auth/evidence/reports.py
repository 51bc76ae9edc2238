"""Reports and notes that are there, as DiagnosticReports of the view: that one exists, and of what day."""

from __future__ import annotations

from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.domain.evidence import Source, Tier, Unread
from prior_auth.evidence.binding import Binding
from prior_auth.evidence.chart import Entry, code_concept, mapping, sequence
from prior_auth.evidence.definitions import EvidenceDefinition
from prior_auth.evidence.finding import Finder
from prior_auth.evidence.observations import exact_profile
from prior_auth.evidence.procedures import named
from prior_auth.evidence.standing import Standing, standing, why
from prior_auth.evidence.statement import Harvest, Statement
from prior_auth.fhir import mcode

_V2_0074 = "http://terminology.hl7.org/CodeSystem/v2-0074"
_NOTE_CATEGORY = {"11526-1": Coding("http://loinc.org", "LP7839-6", "Pathology")}


def reports(finder: Finder, definition: EvidenceDefinition, _binding: Binding) -> Harvest:
    statements: list[Statement] = []
    doubts: list[Unread] = []
    for place in finder.places(definition.item):
        entry = place.entry
        found = standing(entry.resource)
        if found is Standing.NOTHING:
            continue
        if found is not Standing.COUNTS:
            source = Source(entry.reference, entry.prefix, entry.origin)
            doubts.append(Unread(definition.item, source, why(entry.resource, found), found is Standing.PENDING))
            continue
        statements.append(_statement(entry, definition, place.tier))
    return Harvest(tuple(statements), tuple(doubts))


def _statement(entry: Entry, definition: EvidenceDefinition, tier: Tier) -> Statement:
    concept = code_concept(entry.resource)
    return Statement(
        item=definition.item,
        value=named(concept),
        unit=None,
        entry=entry,
        path=f"{entry.type}.{'type' if entry.type == 'DocumentReference' else 'code'}",
        tier=tier,
        when=entry.when,
        view=_view(entry, definition),
    )


def _view(entry: Entry, definition: EvidenceDefinition) -> dict[str, Any]:
    concept = code_concept(entry.resource)
    assert definition.code is not None
    status = str(entry.resource["status"]) if entry.type == "DiagnosticReport" else "final"
    category = (
        Coding(_V2_0074, "GE", "Genetics")
        if definition.item == "genomics-report"
        else _NOTE_CATEGORY.get(definition.code.code)
    )
    return {
        "resourceType": "DiagnosticReport",
        "profile": exact_profile(definition.profile, entry) if entry.when.text else None,  # us-core-10
        "status": status,
        "category": [mcode.concept(category, text=None if category else definition.code.display)],
        "code": mcode.concept(definition.code, sequence(mapping(concept).get("coding"))),
        **({"effectiveDateTime": entry.when.text} if entry.when.text else {}),
    }
