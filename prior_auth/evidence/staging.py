"""What a diagnosis says beside itself: its histology, its stage. Results of their own outrank it (rulings 13)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from prior_auth.domain.evidence import Tier
from prior_auth.evidence.binding import Binding
from prior_auth.evidence.chart import Entry, codings_of, concept_text, mapping, sequence
from prior_auth.evidence.definitions import MCODE, EvidenceDefinition
from prior_auth.evidence.finding import Answer, Finder
from prior_auth.evidence.normalise import NORMALISERS, Reading, Unreadable
from prior_auth.evidence.observations import statement
from prior_auth.evidence.statement import Harvest, Statement

HISTOLOGY = f"{MCODE}mcode-histology-morphology-behavior"
_STAGED = ("stage.group", "stage.T", "stage.N", "stage.M")


def from_diagnoses(finder: Finder, binding: Binding, observed: Sequence[Statement]) -> Harvest:
    """Histology of a Condition and its stages, by `Condition.stage` or its words, where no result says them."""
    found: list[Statement] = []
    for entry in finder.chart.of_type("Condition"):
        if entry.reference in binding.aliases:
            found += _histology(finder, binding, entry)
            found += _stages(finder, binding, entry)
    said = {
        (each.item, focus)
        for each in observed
        for focus in (each.focus, binding.only_cancer if each.focus is None else None)
    }
    anywhere = {each.item for each in observed if each.focus is None}
    return Harvest(
        tuple(
            each
            for each in found
            if each.item == "histology" or ((each.item, each.focus) not in said and each.item not in anywhere)
        )
    )


def _histology(finder: Finder, binding: Binding, entry: Entry) -> Iterator[Statement]:
    for index, extension in enumerate(sequence(entry.resource.get("extension"))):
        if mapping(extension).get("url") == HISTOLOGY:
            path = f"Condition.extension[{index}].value"
            concept = extension.get("valueCodeableConcept")
            yield from _read(finder.definitions["histology"], entry, concept, path, Tier.CODE, binding)
    yield from _read(
        finder.definitions["histology"], entry, entry.resource.get("code"), "Condition.code", Tier.TEXT, binding
    )


def _stages(finder: Finder, binding: Binding, entry: Entry) -> Iterator[Statement]:
    for index, stage in enumerate(sequence(entry.resource.get("stage"))):
        concept = mapping(stage).get("summary")
        tier = Tier.CODE if any(True for _ in codings_of(concept)) else Tier.TEXT
        for item in _STAGED:
            path = f"Condition.stage[{index}].summary"
            yield from _read(finder.definitions[item], _typed(entry, stage), concept, path, tier, binding)
    text = mapping(entry.resource.get("code")).get("text")
    if isinstance(text, str) and "stage" in concept_text(entry.resource.get("code")):
        for item in _STAGED:
            yield from _read(finder.definitions[item], entry, text, "Condition.code.text", Tier.TEXT, binding)


def _typed(entry: Entry, stage: Any) -> Entry:
    """The Condition as the resource of one stage: its type tells clinical from pathologic."""
    return Entry(
        {**entry.resource, "stage": [stage]}, entry.type, entry.reference, entry.number, entry.when, entry.prefix
    )


def _read(
    definition: EvidenceDefinition, entry: Entry, value: Any, path: str, tier: Tier, binding: Binding
) -> Iterator[Statement]:
    readings: Sequence[Reading] = ()
    if value is not None and definition.read is not None:
        try:
            readings = NORMALISERS[definition.read](entry.resource, value)
        except Unreadable:
            return
    answer = Answer(definition, entry, path, tier, value, tuple(readings))
    for reading in readings:
        yield statement(answer, reading, binding, focus=binding.aliases[entry.reference])
