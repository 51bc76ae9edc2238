"""Coverage that the chart states: that there is one, of what plan, from when to when."""

from __future__ import annotations

from typing import Any

from prior_auth.domain.evidence import Tier
from prior_auth.evidence.binding import Binding
from prior_auth.evidence.chart import Entry, codings_of, mapping, sequence
from prior_auth.evidence.definitions import EvidenceDefinition
from prior_auth.evidence.finding import Finder
from prior_auth.evidence.statement import Harvest, Statement
from prior_auth.evidence.when import When, parsed


def coverages(finder: Finder, definition: EvidenceDefinition, _binding: Binding) -> Harvest:
    """Active coverages. Which of them pays on the day of service is the request's matter, not the evidence's."""
    active = [each for each in finder.chart.of_type("Coverage") if each.resource.get("status", "active") == "active"]
    return Harvest(tuple(_statement(each, definition) for each in active))


def _statement(entry: Entry, definition: EvidenceDefinition) -> Statement:
    return Statement(
        item=definition.item,
        value=_plan(entry.resource),
        unit=None,
        entry=entry,
        path="Coverage.class" if entry.resource.get("class") else "Coverage",
        tier=Tier.CODE,
        when=_period(mapping(entry.resource.get("period"))),
    )


def _plan(coverage: Any) -> str:
    for each in sequence(coverage.get("class")):
        if "plan" in {code for _, code in codings_of(mapping(each).get("type"))} and isinstance(each.get("value"), str):
            return str(each["value"])
    return "active"


def _period(period: Any) -> When:
    start, end = period.get("start"), period.get("end")
    usable = isinstance(start, str) and parsed(start) is not None
    return When(start if usable else None, end if usable and isinstance(end, str) else None, "Coverage.period")
