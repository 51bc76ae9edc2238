"""Relatives with cancer, as FamilyMemberHistory, or as a Condition that says so (`Z80.3`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prior_auth.domain.evidence import Tier, Unread
from prior_auth.evidence.binding import Binding
from prior_auth.evidence.chart import Entry, concept_text, mapping, sequence
from prior_auth.evidence.conditions import US_CORE_PROBLEM
from prior_auth.evidence.definitions import EvidenceDefinition
from prior_auth.evidence.finding import Finder, Place
from prior_auth.evidence.normalise import NORMALISERS, Unreadable
from prior_auth.evidence.normalise.text import doubtful, negated
from prior_auth.evidence.procedures import named
from prior_auth.evidence.standing import Standing, standing, why
from prior_auth.evidence.statement import Harvest, Statement, unread
from prior_auth.fhir import mcode

_ONSETS = ("onsetAge", "onsetRange", "onsetString")


def family(finder: Finder, definition: EvidenceDefinition, _binding: Binding) -> Harvest:
    """One fact for each cancer of each relative."""
    statements: list[Statement] = []
    doubts: list[Unread] = []
    for entry in finder.chart.of_type("FamilyMemberHistory"):
        found = standing(entry.resource)
        if found is Standing.COUNTS:
            statements.extend(_relative(entry, definition))
        elif found is not Standing.NOTHING:
            doubts.append(unread(definition.item, entry, why(entry.resource, found)))
    for place in finder.places(definition.item):
        statements.extend(_condition(place, definition))
    return Harvest(tuple(statements), tuple(doubts))


def _relative(entry: Entry, definition: EvidenceDefinition) -> Iterator[Statement]:
    source = entry.resource
    cancers = [
        (index, each, site)
        for index, each in enumerate(sequence(source.get("condition")))
        if (site := _cancer(mapping(each).get("code"))) is not None
    ]
    if not cancers:
        return
    view = {
        "resourceType": "FamilyMemberHistory",
        "profile": None,
        "status": source["status"],
        **({"date": entry.when.text} if entry.when.text else {}),
        "relationship": mcode.copied(source.get("relationship")) or {"text": "not stated"},
        **({"sex": mcode.copied(source["sex"])} if isinstance(source.get("sex"), Mapping) else {}),
        "condition": [_of_relative(each) for _, each, _ in cancers],
    }
    for index, each, site in cancers:
        yield Statement(
            item=definition.item,
            value=site,
            unit=None,
            entry=entry,
            path=f"FamilyMemberHistory.condition[{index}].code",
            tier=Tier.CODE if mapping(each.get("code")).get("coding") else Tier.TEXT,
            when=entry.when,
            view=view,
        )


def _of_relative(condition: Mapping[str, Any]) -> dict[str, Any]:
    onset = next(({key: condition[key]} for key in _ONSETS if condition.get(key)), {})
    return {"code": mcode.copied(condition["code"]), **mcode.copied(onset)}


def _cancer(concept: Any) -> str | None:
    """The site of a relative's cancer; the diagnosis alone counts, whoever's it is. None of anything else."""
    try:
        reading = NORMALISERS["diagnosis"]({}, concept)[0]
    except (Unreadable, IndexError):
        return None
    return str(reading.value or "unspecified") if reading.extra.get("kind") in ("primary", "secondary") else None


def _condition(place: Place, definition: EvidenceDefinition) -> Iterator[Statement]:
    entry, concept = place.entry, mapping(place.entry.resource.get("code"))
    words = concept_text(concept)
    if standing(entry.resource) is not Standing.COUNTS or (
        place.tier is Tier.TEXT and (negated(words) or doubtful(words))
    ):
        return
    text = concept.get("text") if isinstance(concept.get("text"), str) else None
    yield Statement(
        item=definition.item,
        value=named(concept),
        unit=None,
        entry=entry,
        path="Condition.code",
        tier=place.tier,
        when=entry.when,
        view=mcode.condition(
            profile=US_CORE_PROBLEM,
            code=mcode.concept(definition.code, sequence(concept.get("coding")), text),
            source=entry.resource,
        ),
    )
