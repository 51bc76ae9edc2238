"""From a definition to the places of the chart that answer it, surest way first.

Codes and profiles are looked up in the index. The text of a code is read only of what no item has claimed by code, so
that `HER2 by FISH` with its LOINC code is never taken for an IHC because of its name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prior_auth.domain.evidence import Source, Tier, Unread
from prior_auth.evidence.chart import Chart, Entry, mapping, sequence
from prior_auth.evidence.contradicted import contradicted
from prior_auth.evidence.definitions import EvidenceDefinition, EvidenceDefinitions, Search
from prior_auth.evidence.normalise import NORMALISERS, Reading, Unreadable
from prior_auth.evidence.standing import Standing, standing, why
from prior_auth.paths import PathError

Key = tuple[str, int | None]  # a resource, or one component of it


@dataclass(frozen=True, slots=True)
class Answer:
    """Where an item was found, and what its normaliser read there. `path` is the chart's element path."""

    definition: EvidenceDefinition
    entry: Entry
    path: str
    tier: Tier
    value: Any
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """An entry that a search selects, not yet read."""

    entry: Entry
    search: Search
    tier: Tier


class Finder:
    """Places of all items, found once: first by code for all, then by text among the rest."""

    def __init__(self, chart: Chart, definitions: EvidenceDefinitions) -> None:
        self.chart, self.definitions = chart, definitions
        self._places: dict[str, dict[Key, Place]] = defaultdict(dict)
        claimed: set[Key] = set()
        for definition in definitions:
            for search in definition.searches:
                if search.text is None:
                    self._claim(definition, search, self._by_code(search), None if search.shares else claimed)
        for definition in definitions:
            others = claimed - set(self._places[definition.item])
            for search in definition.searches:
                if search.text is not None:
                    found = (each for each in self._by_text(search) if _key(each) not in others)
                    self._claim(definition, search, found, None)

    def places(self, item: str) -> Sequence[Place]:
        return sorted(self._places[item].values(), key=lambda place: place.entry.number)

    def _claim(
        self, definition: EvidenceDefinition, search: Search, found: Iterable[Entry], claimed: set[Key] | None
    ) -> None:
        places = self._places[definition.item]
        for entry in found:
            if search.where is not None and search.where.truth(entry.resource) is not True:
                continue
            tier = search.tier
            if tier is Tier.CODE and definition.profile in sequence(mapping(entry.resource.get("meta")).get("profile")):
                tier = Tier.PROFILE
            places.setdefault(_key(entry), Place(entry, search, tier))
            if claimed is not None:
                claimed.add(_key(entry))

    def _by_code(self, search: Search) -> Iterator[Entry]:
        for system, code in search.codes:
            yield from self.chart.coded(search.resource, system, code)
        for profile in search.profiles:
            yield from self.chart.profiled(search.resource, profile)

    def _by_text(self, search: Search) -> Iterator[Entry]:
        assert search.text is not None
        for text, entries in self.chart.texts(search.resource).items():
            if search.text.search(text) and not (search.unless is not None and search.unless.search(text)):
                yield from entries


def _key(entry: Entry) -> Key:
    return entry.reference, entry.component


def read(place: Place, definition: EvidenceDefinition) -> Answer | Unread | None:
    """What the place says: the first of its values that the normaliser can read. None where it says nothing."""
    entry, resource = place.entry, place.entry.resource
    counts = standing(resource)
    if counts is Standing.NOTHING:
        return None
    source = Source(entry.reference, entry.prefix, entry.origin)
    if counts is not Standing.COUNTS:
        return Unread(definition.item, source, why(resource, counts), pending=counts is Standing.PENDING)
    refusals: list[str] = []
    for value in place.search.values:
        try:
            found = value.read(resource)
        except PathError as problem:
            refusals.append(problem.message)
            continue
        for content, path in found:
            try:
                readings = tuple(NORMALISERS[definition.read](resource, content)) if definition.read else ()
            except Unreadable as refusal:
                refusals.append(str(refusal))
                continue
            if (against := contradicted(definition, resource, readings)) is not None:
                return Unread(definition.item, source, against)
            tier = max(place.tier, value.tier or place.tier, key=_SUREST.index)
            return Answer(definition, entry, entry.path(path or entry.type), tier, content, readings)
    if refusals:
        return Unread(definition.item, source, refusals[0])
    if _says_it_elsewhere(resource):
        return None
    return Unread(definition.item, source, "it states no value")


_SUREST = [Tier.PROFILE, Tier.CODE, Tier.TEXT, Tier.DOCUMENT]


def _says_it_elsewhere(resource: Mapping[str, Any]) -> bool:
    """A panel's values are in its members and components, a report's in its results."""
    return any(resource.get(element) for element in ("hasMember", "component", "result"))
