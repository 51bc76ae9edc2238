"""A sample of `make proof`: what must be true of every chart, and that the checks see what they are there for."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from prior_auth.domain.assessment import Recommendation

PROOF = Path(__file__).parents[1] / "proof"
SEED, SAMPLE, PARTS = 6, 2_000, 10


def _loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, PROOF / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


generator = _loaded("charts_generator")
charts = _loaded("proof_charts")


@pytest.mark.parametrize("part", range(PARTS))
def test_charts_with_near_misses_keep_every_property(part: int) -> None:
    size = SAMPLE // PARTS
    outcomes, failures = charts.prove(SEED, part * size, size)

    assert failures == []
    assert {"approve", "pend", "refer not-met", "evidence taken away"} <= set(outcomes)


def test_a_case_is_drawn_the_same_again() -> None:
    assert generator.draw(SEED, 3) == generator.draw(SEED, 3)
    assert generator.draw(SEED, 3) != generator.draw(SEED + 1, 3)


def _approved() -> Any:
    story = generator.stories.load("breast-her2-adjuvant")
    drawn = generator.Drawn(story.name, story, story.day, (), tuple(generator.chart_resources(story.chart())))
    return drawn, charts._judge(drawn, drawn.resources)


def test_an_approval_that_something_stands_against_is_seen() -> None:
    _, judged = _approved()
    item = judged.assessment.items[0]
    assert item.recommendation is Recommendation.APPROVE
    assert list(charts._nothing_adverse(judged)) == []

    for outcome in (charts.Outcome.UNKNOWN, charts.Outcome.NOT_MET):
        wrong = replace(item, criteria=(replace(item.criteria[0], outcome=outcome), *item.criteria[1:]))
        assessment = replace(judged.assessment, items=(wrong,))
        assert list(charts._nothing_adverse(replace(judged, assessment=assessment))) != []


def test_a_met_without_evidence_is_seen() -> None:
    drawn, judged = _approved()
    before = charts._heard(judged, drawn)
    one = next(one for one in before.results if one.id == "R09.C4")
    left = charts._taken(drawn, judged, one.items)
    after = charts._heard(charts._judge(drawn, left), drawn)

    assert len(left) < len(drawn.resources)
    assert list(charts._honest(one, before, after.results[one], after, one.items)) == []
    assert list(charts._honest(one, before, before.results[one], after, one.items)) != []


def test_a_report_that_differs_in_more_than_order_is_seen() -> None:
    report = {"why": "no record found in 3 resources", "criteria": [{"id": "a"}, {"id": "b"}]}
    same = {"why": "no record found in 4 resources", "criteria": [{"id": "b"}, {"id": "a"}]}
    other = {"why": "no record found in 3 resources", "criteria": [{"id": "a"}, {"id": "c"}]}

    assert charts._comparable(report) == charts._comparable(same)
    assert charts._comparable(report) != charts._comparable(other)
