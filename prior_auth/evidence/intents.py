"""What a treatment, or the order of one, says it is for: mCODE's intent, kept in the resource of the view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prior_auth.domain.evidence import Source, Tier, Unread
from prior_auth.evidence.chart import Entry, mapping, sequence
from prior_auth.evidence.normalise import NORMALISERS, Unreadable
from prior_auth.evidence.statement import Statement
from prior_auth.fhir import mcode

ITEM = "treatment-intent"
INTENT = f"{mcode.MCODE}mcode-procedure-intent"


def intent_extension(source: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The extension in its canonical form; none where its value is not known."""
    return [
        {"url": INTENT, "valueCodeableConcept": mcode.concept(reading.coded, sequence(concept.get("coding")))}
        for _, concept in _stated(source)
        for reading in _read(concept)
    ]


def preventive_extension(source: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The intent of what its words or its reason call preventive, whatever else is stated."""
    reading = _read({"text": "preventive"})[0]
    same = [each for each in intent_extension(source) if mcode.concept(reading.coded) == each["valueCodeableConcept"]]
    return same or [{"url": INTENT, "valueCodeableConcept": mcode.concept(reading.coded)}]


def intents(treatment: Statement) -> Iterator[Statement]:
    """Facts of `treatment-intent` that share the resource of the treatment."""
    entry: Entry = treatment.entry
    for path, concept in _stated(entry.resource):
        for reading in _read(concept):
            yield Statement(
                item=ITEM,
                value=reading.value,
                unit=None,
                entry=entry,
                path=path,
                tier=Tier.CODE if concept.get("coding") else Tier.TEXT,
                when=entry.when,
                view=treatment.view,
                focus=treatment.focus,
            )


def unread_intents(entry: Entry) -> Iterator[Unread]:
    """Intents that are stated and not known."""
    for path, concept in _stated(entry.resource):
        if not _read(concept):
            yield Unread(ITEM, Source(entry.reference, path, entry.origin), "no intent that is known")


def _stated(source: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for index, each in enumerate(sequence(source.get("extension"))):
        if mapping(each).get("url") == INTENT:
            yield f"{source['resourceType']}.extension[{index}].value", mapping(each.get("valueCodeableConcept"))


def _read(concept: Mapping[str, Any]) -> tuple[Any, ...]:
    try:
        return tuple(NORMALISERS[ITEM]({}, concept))
    except Unreadable:
        return ()
