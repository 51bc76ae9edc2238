"""Which cancer a statement of the chart is about: as the chart says, by the surest of the ways it can say so.

`focus`, the related-condition extension, `reasonReference`, a Condition that names the result as its stage or evidence,
the group that has it as a member; then site and side, where they fit exactly one cancer. Where the chart says nothing,
nothing is said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prior_auth.evidence.chart import Chart, Entry, codings_of, local, mapping, reference_text, sequence
from prior_auth.evidence.sites import Site, site_of
from prior_auth.fhir.mcode import RELATED_CONDITION


@dataclass(frozen=True, slots=True)
class Cancer:
    """A cancer of the view. `reference` is its Condition, `group` the organ, `side` `left`, `right` or not said."""

    reference: str
    primary: bool
    site: str
    group: str
    side: str | None
    codes: frozenset[tuple[str, str]]


class Binding:
    """Answers for one chart.

    `aliases` leads from each Condition that says a cancer to the one that stands in the view, `views` to its resource.
    """

    def __init__(
        self,
        chart: Chart,
        cancers: Sequence[Cancer],
        aliases: Mapping[str, str],
        views: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self.chart, self.cancers, self.aliases, self.views = chart, cancers, aliases, views
        self._named_by = _named_by(chart, aliases)

    @property
    def only_cancer(self) -> str | None:
        """The one primary cancer of the chart, where there is one."""
        primaries = [each.reference for each in self.cancers if each.primary]
        return primaries[0] if len(primaries) == 1 else None

    def focus(self, entry: Entry) -> str | None:
        """The reference of the Condition that a result is about."""
        for reference in _stated(entry.resource):
            about = self.of(reference)
            if about.startswith("Condition/") or "/" not in about:
                return about
        if (named := self._named_by.get(entry.reference)) is not None:
            return named
        return self._by_concept(entry) or self._by_site(entry)

    def of(self, reference: str) -> str:
        """The view's reference for a Condition that the chart names; one that is not here stays as it was said."""
        key = local(reference)
        if key in self.aliases:
            return self.aliases[key]
        target = self.chart.resolve(reference)
        named = f"{target['resourceType']}/{target['id']}" if target is not None else key
        return self.aliases.get(named, named if "/" in named else reference)

    def reasons(self, entry: Entry) -> list[str]:
        """The Conditions that a treatment is for: its reasonReference, else the cancer that its reasonCode names."""
        stated = [
            self.of(text)
            for each in sequence(entry.resource.get("reasonReference"))
            if (text := reference_text(each)) is not None
        ]
        if stated:
            return stated
        found = [each for each in map(self._cancer_of_concept, sequence(entry.resource.get("reasonCode"))) if each]
        return list(dict.fromkeys(found))

    def _by_concept(self, entry: Entry) -> str | None:
        """By a related-condition extension that holds a code and no reference."""
        for extension in sequence(entry.resource.get("extension")):
            if mapping(extension).get("url") == RELATED_CONDITION:
                found = self._cancer_of_concept(extension.get("valueCodeableConcept"))
                if found:
                    return found
        return None

    def _cancer_of_concept(self, concept: Any) -> str | None:
        codes = frozenset(codings_of(concept))
        same = [each.reference for each in self.cancers if codes & each.codes]
        if len(same) == 1:
            return same[0]
        return self._at(site_of(concept))

    def _by_site(self, entry: Entry) -> str | None:
        """Only where a chart of several cancers needs it, and only by the place that the result itself names."""
        if len(self.cancers) < 2:
            return None
        concepts = [*sequence(entry.resource.get("bodySite"))]
        specimen = self.chart.resolve(entry.resource.get("specimen"), entry.resource)
        if specimen is not None:
            concepts += sequence(mapping(specimen.get("collection")).get("bodySite"))
        for each in concepts:
            if (found := self._at(site_of(each))) is not None:
                return found
        return None

    def _at(self, site: Site | None) -> str | None:
        if site is None:
            return None
        fitting = [
            each.reference
            for each in self.cancers
            if each.primary and each.group == site.group and (site.side is None or each.side in (None, site.side))
        ]
        return fitting[0] if len(fitting) == 1 else None


def _stated(resource: Mapping[str, Any]) -> Iterator[str]:
    for each in sequence(resource.get("focus")):
        text = reference_text(each)
        if text is not None:
            yield text
    for extension in sequence(resource.get("extension")):
        if mapping(extension).get("url") == RELATED_CONDITION:
            text = reference_text(extension.get("valueReference"))
            if text is not None:
                yield text


def _named_by(chart: Chart, aliases: Mapping[str, str]) -> Mapping[str, str]:
    """Results that others bind: a Condition's stage or evidence, the members of a bound group or report."""
    named: dict[str, str] = {}
    for entry in chart.of_type("Condition"):
        target = aliases.get(entry.reference)
        if target is None:
            continue
        for part, element in (("stage", "assessment"), ("evidence", "detail")):
            for each in sequence(entry.resource.get(part)):
                for reference in sequence(mapping(each).get(element)):
                    if (text := reference_text(reference)) is not None:
                        named.setdefault(local(text), target)
    members: dict[str, set[str]] = defaultdict(set)
    for entry in chart.of_type("Observation"):
        focus = next(_stated(entry.resource), None)
        about = aliases.get(local(focus)) if focus else named.get(entry.reference)
        if about is None:
            continue
        for reference in sequence(entry.resource.get("hasMember")):
            if (text := reference_text(reference)) is not None:
                members[local(text)].add(about)
    for reference, cancers in members.items():
        if len(cancers) == 1:
            named.setdefault(reference, next(iter(cancers)))
    return named
