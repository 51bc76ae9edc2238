"""Signed statements of the practice: a questionnaire's answer or an Observation (rulings 15)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prior_auth.domain.evidence import Tier
from prior_auth.evidence.binding import Binding
from prior_auth.evidence.chart import mapping, sequence
from prior_auth.evidence.definitions import EvidenceDefinition
from prior_auth.evidence.finding import Finder
from prior_auth.evidence.observations import effective, exact_profile, observations
from prior_auth.evidence.standing import Standing, standing
from prior_auth.evidence.statement import Harvest, Statement
from prior_auth.fhir import mcode


def attestations(finder: Finder, definition: EvidenceDefinition, binding: Binding) -> Harvest:
    """Observations of the practice, then the answers of completed questionnaires whose `linkId` names the statement."""
    stated = observations(finder, definition, binding)
    answered = tuple(_answered(finder, definition))
    return Harvest((*stated.statements, *answered), stated.unread)


def _answered(finder: Finder, definition: EvidenceDefinition) -> Iterator[Statement]:
    name = definition.item.partition(".")[2]
    for entry in finder.chart.of_type("QuestionnaireResponse"):
        if standing(entry.resource) is not Standing.COUNTS:
            continue
        for path, item in _items(entry.resource, "QuestionnaireResponse"):
            if str(item.get("linkId", "")) not in (name, definition.item):
                continue
            for index, answer in enumerate(sequence(item.get("answer"))):
                value = mapping(answer).get("valueBoolean")
                if isinstance(value, bool):
                    view = mcode.observation(
                        profile=exact_profile(definition.profile, entry),
                        category="survey",
                        status="final",
                        code=mcode.concept(definition.code),
                        value={"valueBoolean": value},
                        effective=effective(entry),
                    )
                    at = f"{path}.answer[{index}].value"
                    yield Statement(definition.item, value, None, entry, at, Tier.CODE, entry.when, view, single=True)


def _items(resource: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for index, each in enumerate(sequence(resource.get("item"))):
        item = mapping(each)
        here = f"{path}.item[{index}]"
        yield here, item
        yield from _items(item, here)
        for number, answer in enumerate(sequence(item.get("answer"))):
            yield from _items(mapping(answer), f"{here}.answer[{number}]")
