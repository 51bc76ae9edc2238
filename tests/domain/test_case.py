"""What the practice does next: only what is approved goes by itself, and only where the practice wants that."""

from __future__ import annotations

import pytest

from prior_auth.domain.assessment import Cause, Recommendation
from prior_auth.domain.case import CaseStatus, Step, next_step

GOES = Step(CaseStatus.SENDING, None, True)
FOR_RELEASE = Step(CaseStatus.AWAITING_RELEASE, "release", False)
FOR_EVIDENCE = Step(CaseStatus.INCOMPLETE, "evidence", False)


def step(
    recommendation: Recommendation,
    cause: Cause | None = None,
    *,
    by_pas: bool = True,
    automatic: bool = True,
    released: str | None = None,
) -> Step:
    return next_step(recommendation, cause, by_pas=by_pas, automatic=automatic, released=released)


def test_what_is_approved_goes_by_itself() -> None:
    assert step(Recommendation.APPROVE) == GOES


def test_where_a_person_releases_nothing_goes_before_that() -> None:
    assert step(Recommendation.APPROVE, automatic=False) == FOR_RELEASE
    assert step(Recommendation.APPROVE, automatic=False, released="complete") == GOES


def test_a_gap_goes_only_when_a_person_lets_it_go_with_its_gaps() -> None:
    assert step(Recommendation.PEND) == FOR_EVIDENCE
    assert step(Recommendation.PEND, released="complete") == FOR_EVIDENCE
    assert step(Recommendation.PEND, released="with-gaps") == GOES


@pytest.mark.parametrize("automatic", [True, False])
def test_a_referral_goes_only_by_a_persons_word(automatic: bool) -> None:
    assert step(Recommendation.REFER, Cause.NOT_MET, automatic=automatic) == FOR_RELEASE
    assert step(Recommendation.REFER, Cause.NOT_MET, automatic=automatic, released="complete") == GOES


def test_an_unknown_payer_is_a_persons_matter_whatever_was_released() -> None:
    found = step(Recommendation.REFER, Cause.UNKNOWN_PAYER, released="complete")
    assert found == Step(CaseStatus.ATTENTION, "person", False)


def test_what_the_plan_takes_another_way_or_does_not_ask_for_is_never_sent() -> None:
    assert step(Recommendation.APPROVE, by_pas=False, released="complete") == Step(CaseStatus.NOT_BY_PAS, None, False)
    assert step(Recommendation.NOT_REQUIRED) == Step(CaseStatus.NOT_REQUIRED, None, False)
