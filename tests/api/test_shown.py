"""How values, days and people look on a page."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from prior_auth.api import shown, words
from prior_auth.domain.assessment import Cause, Recommendation
from prior_auth.domain.authorization import Action, AuthorizationStatus
from prior_auth.domain.case import CaseStatus
from prior_auth.domain.determination import ReviewAction
from prior_auth.domain.people import ENGINE, Person, Role
from prior_auth.domain.request import Period
from prior_auth.domain.timeline import Entry

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (Decimal("60.50"), "60.50"),
        (Decimal("1.0E-7"), "0.00000010"),
        ({"system": "s", "code": "8140/3", "display": "Adenocarcinoma"}, "Adenocarcinoma"),
        ({"system": "s", "code": "8140/3", "display": None}, "8140/3"),
        (["EGFR", {"code": "ALK"}], "EGFR, ALK"),
    ],
)
def test_a_value_looks_as_people_write_it(value: Any, text: str) -> None:
    assert shown.value(value) == text


def test_a_fact_has_its_name_and_its_unit() -> None:
    assert shown.fact({"item": "lvef", "value": Decimal(60), "unit": "%"}) == "Ejection fraction 60 %"
    assert shown.fact({"item": "ecog", "value": 0, "unit": "1"}) == "ECOG 0"
    assert shown.fact({"item": "not.in-the-list", "value": None, "unit": None}) == "not in the list"


@pytest.mark.parametrize(
    ("rest", "left", "urgency"),
    [
        (timedelta(days=3, hours=5), "3 d 5 h left", "calm"),
        (timedelta(hours=24), "24 h left", "calm"),
        (timedelta(hours=23, minutes=59), "23 h left", "soon"),
        (timedelta(hours=4), "4 h left", "soon"),
        (timedelta(hours=3, minutes=59), "3 h left", "now"),
        (timedelta(0), "0 h left", "now"),
        (timedelta(hours=-2), "late by 2 h", "late"),
    ],
)
def test_time_left_is_told_and_urged(rest: timedelta, left: str, urgency: str) -> None:
    assert (shown.left(NOON + rest, NOON), shown.urgency(NOON + rest, NOON)) == (left, urgency)


def test_an_open_period_says_which_end_is_open() -> None:
    day = date(2026, 3, 2)
    assert shown.period(Period(day, day)) == "2026-03-02 to 2026-03-02"
    assert shown.period(Period(day, None)) == "from 2026-03-02"
    assert shown.period(Period(None, day)) == "until 2026-03-02"
    assert shown.period(Period(None, None)) == shown.period(None) == ""


def test_a_duration_is_in_words_and_an_unusual_one_as_it_is() -> None:
    assert [shown.duration(one) for one in ("P60D", "P24M", "P1Y", "P1DT2H", None)] == [
        "60 days",
        "24 months",
        "1 year",
        "P1DT2H",
        "",
    ]


def test_a_reason_reads_without_its_references_but_keeps_other_brackets() -> None:
    why = "Stage IV on 2026-09-25 (Observation/a-1.b); asked: M1 (or bone/liver)."
    assert shown.without_references(why) == "Stage IV on 2026-09-25; asked: M1 (or bone/liver)."


def test_a_person_is_named_with_role_and_licence() -> None:
    assert shown.person(Person("Dr. A", Role.CLINICIAN, "1245319599")) == "Dr. A, clinician, NPI 1245319599"
    assert shown.person(Person("B", Role.STAFF)) == "B, staff"


def test_a_line_of_a_timeline_is_in_words() -> None:
    def line(what: str) -> str:
        return shown.happened(Entry(NOON, what, ENGINE, {}))

    assert line("sent-request") == "Request sent"
    assert line("decided:deny") == "Decision: deny"
    assert line("task:payer-overdue") == "A person is asked to look: payer overdue"
    assert line("something-new") == "something new"
    assert (
        shown.facts(Entry(NOON, "x", ENGINE, {"message": "m", "asked-for": "1", "code": "c"})) == "asked for 1 · code c"
    )


def test_every_state_and_word_has_its_words() -> None:
    assert set(words.CASE_WORDS) == set(CaseStatus)
    assert set(words.AUTHORIZATION_WORDS) == set(AuthorizationStatus)
    assert {one.value for one in (*Action, *ReviewAction)} <= set(words.SAID)
    assert {one.value for one in Recommendation} == set(words.RECOMMENDED)
    assert {one.value for one in Cause} == set(words.CAUSES)
