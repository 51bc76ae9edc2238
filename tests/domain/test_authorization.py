"""House rule 8: nothing unattended denies or reduces; what an engine may say, and who may say more."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from prior_auth.domain.assessment import (
    Cause,
    CriterionResult,
    DataRequirement,
    ItemAssessment,
    Recommendation,
)
from prior_auth.domain.authorization import (
    Action,
    AuthorizationStatus,
    DenialReason,
    ItemDecision,
    engine_word,
    folded,
    permitted,
    waits_for,
)
from prior_auth.domain.coding import Coding
from prior_auth.domain.criterion import Outcome
from prior_auth.domain.people import ENGINE, Person, Role
from prior_auth.domain.request import Period, RequestItem
from prior_auth.errors import Conflict

CLINICIAN = Person("Dr. Morgan", Role.CLINICIAN, "1245319599")
DENIAL = ItemDecision(
    1, Action.DENY, CLINICIAN, reason=DenialReason.BIOMARKER_CONTRADICTS, narrative="of uncertain significance"
)
REDUCTION = replace(DENIAL, action=Action.MODIFY, units=Decimal(10))
ITEM = RequestItem(
    "MedicationRequest/1", Coding("s", "c"), (Coding("s", "c"),), Decimal(58), Period(date(2026, 9, 1), None)
)
ECOG = DataRequirement("ecog", "ECOG", (Coding("http://loinc.org", "89247-1"),), "P60D", "practice")


def assessed(recommendation: Recommendation, cause: Cause | None = None, *missing: DataRequirement) -> ItemAssessment:
    criterion = CriterionResult("R11.C6", "ECOG", Outcome.UNKNOWN if missing else Outcome.MET, "why", missing=missing)
    return ItemAssessment(ITEM, None, "M1", recommendation, cause, "why", (criterion,))


@pytest.mark.parametrize("decision", [DENIAL, REDUCTION], ids=["denial", "reduction"])
def test_a_named_licensed_clinician_may_deny_or_reduce(decision: ItemDecision) -> None:
    assert permitted(decision) is decision


@pytest.mark.parametrize("decision", [DENIAL, REDUCTION], ids=["denial", "reduction"])
@pytest.mark.parametrize(
    "person",
    [
        ENGINE,
        Person("Pat", Role.STAFF, "1245319599"),
        Person("Dr. Morgan", Role.CLINICIAN, None),
        Person(" ", Role.CLINICIAN, "1245319599"),
        Person("Operator", Role.OPERATOR, "1245319599"),
    ],
    ids=["engine", "staff", "no licence", "no name", "operator"],
)
def test_nobody_else_may(decision: ItemDecision, person: Person) -> None:
    with pytest.raises(Conflict, match="clinician"):
        permitted(replace(decision, by=person))


@pytest.mark.parametrize("change", [{"reason": None}, {"narrative": None}, {"narrative": "  "}])
def test_a_denial_without_reason_or_narrative_is_refused(change: dict[str, None]) -> None:
    with pytest.raises(Conflict, match="reason"):
        permitted(replace(DENIAL, **change))


def test_a_reduction_says_what_is_granted() -> None:
    with pytest.raises(Conflict, match="granted"):
        permitted(replace(REDUCTION, units=None, period=None))


@pytest.mark.parametrize("recommendation", list(Recommendation))
@pytest.mark.parametrize("cause", [None, *Cause])
def test_the_engine_only_certifies_or_pends(recommendation: Recommendation, cause: Cause | None) -> None:
    decision = engine_word(assessed(recommendation, cause), 1, "AUTH-1")
    certifies = recommendation in (Recommendation.APPROVE, Recommendation.NOT_REQUIRED)
    assert decision.action is (Action.CERTIFY if certifies else Action.PEND)
    assert decision.number == ("AUTH-1" if certifies else None)


def test_a_pend_asks_by_loinc_code_for_what_is_missing() -> None:
    (asked,) = engine_word(assessed(Recommendation.PEND, None, ECOG), 1, "AUTH-1").requested
    assert (asked.code, asked.criterion) == ("89247-1", "R11.C6")


def test_a_referral_asks_the_practice_for_nothing_and_waits_for_a_clinician() -> None:
    decision = engine_word(assessed(Recommendation.REFER, Cause.NOT_MET, ECOG), 1, "AUTH-1")
    assert decision.requested == ()
    assert waits_for((decision,)) == "clinician"


def test_what_was_asked_for_waits_for_information() -> None:
    assert waits_for((engine_word(assessed(Recommendation.PEND, None, ECOG), 1, "AUTH-1"),)) == "information"


@pytest.mark.parametrize(
    ("actions", "status"),
    [
        ((), AuthorizationStatus.PENDED),
        ((Action.CERTIFY, Action.PEND), AuthorizationStatus.PENDED),
        ((Action.CERTIFY, Action.CERTIFY), AuthorizationStatus.CERTIFIED),
        ((Action.DENY,), AuthorizationStatus.NOT_CERTIFIED),
        ((Action.MODIFY,), AuthorizationStatus.MODIFIED),
        ((Action.CERTIFY, Action.DENY), AuthorizationStatus.PARTIAL),
    ],
)
def test_items_fold_into_one_word(actions: tuple[Action, ...], status: AuthorizationStatus) -> None:
    said = tuple(replace(DENIAL, sequence=number, action=action) for number, action in enumerate(actions, start=1))
    assert folded(said) is status
