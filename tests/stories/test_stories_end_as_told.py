from __future__ import annotations

from datetime import date, timedelta

import pytest

from prior_auth import stories
from prior_auth.domain.assessment import ItemAssessment
from prior_auth.evidence.gather import gather
from prior_auth.fhir.chart_bundle import chart_resources
from prior_auth.fhir.orders import authorization_request
from prior_auth.policy.assess import assess
from prior_auth.rulebook import Rulebook
from prior_auth.stories.story import Expected

WITH_LATER = [name for name in stories.names() if stories.load(name).expected_later]


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    return Rulebook.load()


def judged(name: str, rulebook: Rulebook, *, on: date | None = None, later: bool = False) -> ItemAssessment:
    story = stories.load(name)
    as_of = on or story.day
    resources = chart_resources(story.chart(on=as_of, later=later))
    evidence = gather(resources, as_of=as_of, definitions=rulebook.definitions)
    request = authorization_request(resources, as_of=as_of, order=None, billing_units=rulebook.billing_units)
    assessment = assess(request, evidence, rulebook, as_of=as_of, payer=None)
    (found,) = (item for item in assessment.items if item.item.order == story.order)
    return found


def assert_ends(item: ItemAssessment, expected: Expected) -> None:
    outcomes = {one.id: one.outcome.value for one in item.criteria}
    cause = item.cause.value if item.cause else None
    assert (item.recommendation.value, cause) == (expected.recommendation, expected.cause)
    assert item.path == expected.path
    assert expected.criteria.items() <= outcomes.items()
    if expected.recommendation == "approve":
        assert set(outcomes.values()) <= {"met", "not-met", "not-applicable"}
        assert all(outcome == "not-met" for id, outcome in outcomes.items() if ".X" in id)


@pytest.mark.parametrize("name", stories.names())
def test_a_story_ends_as_told(name: str, rulebook: Rulebook) -> None:
    assert_ends(judged(name, rulebook), stories.load(name).expected)


@pytest.mark.parametrize("name", WITH_LATER)
def test_a_story_ends_as_told_once_the_evidence_has_arrived(name: str, rulebook: Rulebook) -> None:
    expected = stories.load(name).expected_later
    assert expected is not None
    assert_ends(judged(name, rulebook, later=True), expected)


@pytest.mark.parametrize("days", [1, 71, 200, 400])
@pytest.mark.parametrize("name", ["breast-her2-adjuvant", "nsclc-first-line-gap", "breast-brca-vus"])
def test_a_story_ends_the_same_on_another_day(name: str, days: int, rulebook: Rulebook) -> None:
    story = stories.load(name)
    assert_ends(judged(name, rulebook, on=story.day + timedelta(days=days)), story.expected)


@pytest.mark.parametrize("name", ["breast-her2-adjuvant", "nsclc-first-line", "breast-brca-vus"])
def test_what_is_nobodys_business_is_no_evidence(name: str, rulebook: Rulebook) -> None:
    shown = {fact.source.reference for one in judged(name, rulebook).criteria for fact in one.evidence}
    assert shown
    assert not [reference for reference in shown if reference.endswith("-unrelated")]
