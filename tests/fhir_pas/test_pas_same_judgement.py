"""The payer's engine, on what was sent, says what the practice's said on the whole chart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from prior_auth import stories
from prior_auth.domain.assessment import Assessment, differing
from prior_auth.engine import Engine
from prior_auth.fhir import pas_request
from prior_auth.rulebook import Rulebook


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(Rulebook.load())


def rests_on(assessment: Assessment) -> list[str]:
    sources = [fact.source.reference for item in assessment.items for one in item.criteria for fact in one.evidence]
    return [one for one in dict.fromkeys(sources) if not one.startswith("Patient/")]


@pytest.mark.parametrize("name", stories.names())
def test_a_story_is_judged_alike_from_its_request(world: Any, engine: Engine, name: str) -> None:
    story = stories.load(name)
    chart = [entry["resource"] for entry in story.chart(later=bool(story.later))["entry"]]
    ours = engine.judge(chart, as_of=story.day)
    evidence = rests_on(ours.assessment)
    asking = replace(world, chart=chart, request=ours.request, evidence=tuple(evidence))
    unsendable = {one.where for one in asking.problems()} & {"Claim.item.productOrService", "Patient.birthDate"}
    if unsendable:
        pytest.skip(f"it cannot be sent by PAS as it is, and is said so before: {', '.join(unsendable)}")

    bundle = asking.build().bundle
    for _ in range(3):
        read = pas_request.read(bundle)
        theirs = engine.judge(list(read.resources), as_of=story.day, orders=[one.item.order for one in read.items])
        doubtful = differing(ours.assessment, theirs.assessment)
        evidence += [one for one in engine.asked_about(ours, doubtful) if one not in evidence]
        bundle = replace(asking, evidence=tuple(evidence)).build().bundle

    assert doubtful == ()
    assert [(one.recommendation, one.cause, one.path) for one in theirs.assessment.items] == [
        (one.recommendation, one.cause, one.path) for one in ours.assessment.items
    ]
    assert [one.item.units for one in theirs.assessment.items] == [one.item.units for one in ours.assessment.items]
    assert f"{name}-unrelated" not in str(bundle)
