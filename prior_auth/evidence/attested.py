"""Signed statements of the practice: a questionnaire's answer or an Observation (rulings 15)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prior_auth.domain.evidence import Source, Tier, Unread
from prior_auth.evidence.binding import Binding
from prior_auth.evidence.chart import codings_of, mapping, sequence
from prior_auth.evidence.definitions import EvidenceDefinition
from prior_auth.evidence.finding import Finder, read
from prior_auth.evidence.normalise import Reading
from prior_auth.evidence.observations import effective, exact_profile, statement
from prior_auth.evidence.standing import Standing, standing
from prior_auth.evidence.statement import Harvest, Statement
from prior_auth.fhir import mcode


def attestations(finder: Finder, definition: EvidenceDefinition, binding: Binding) -> Harvest:
    """Observations of the practice, then the answers of completed questionnaires whose `linkId` names the statement."""
    statements: list[Statement] = []
    unread: list[Unread] = []
    for place in finder.places(definition.item):
        answer = read(place, definition)
        if isinstance(answer, Unread):
            unread.append(answer)
        elif answer is not None and (said := _yes_or_no(answer.value)) is not None:
            statements.append(statement(answer, Reading(said), binding))
        elif answer is not None:
            source = Source(place.entry.reference, answer.path, place.entry.origin)
            unread.append(Unread(definition.item, source, "it says neither yes nor no"))
    return Harvest((*statements, *_answered(finder, definition)), tuple(unread))


_YES_NO = {"yes": True, "true": True, "no": False, "false": False}
_YES_NO_CODES = {"LA33-6": True, "LA32-8": False, "373066001": True, "373067005": False, "Y": True, "N": False}


def _yes_or_no(value: Any) -> bool | None:
    """A boolean; a coded or a written yes or no."""
    if isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        said = {_YES_NO_CODES[code] for _, code in codings_of(value) if code in _YES_NO_CODES}
        return said.pop() if len(said) == 1 else _yes_or_no(value.get("text"))
    return _YES_NO.get(value.strip().lower()) if isinstance(value, str) else None


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
