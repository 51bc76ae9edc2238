"""Every row of law in `rules/deadlines`, in both urgencies, the minute before and after it, and what has no row."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from prior_auth.domain.deadline import BenefitKind, Channel, MonthDay, Program, Terms
from prior_auth.domain.legal_clock import LegalClock, asked, completed, extended, started
from prior_auth.domain.request import Urgency
from prior_auth.errors import Conflict, RuleError
from prior_auth.policy.clock_report import as_json, as_lines, row_line
from prior_auth.policy.deadlines import read_deadlines, read_holidays, recalled, remembered
from prior_auth.rulebook import Rulebook

MA, FFS, MCO = Program.MEDICARE_ADVANTAGE, Program.MEDICAID_FFS, Program.MEDICAID_MANAGED
CHIP, CHIP_MCO = Program.CHIP_FFS, Program.CHIP_MANAGED
QHP, COMMERCIAL, OWN = Program.QHP_FFE, Program.COMMERCIAL, Program.SELF_FUNDED
SERVICE, DRUG, PHARMACY = BenefitKind.SERVICE, BenefitKind.MEDICAL_DRUG, BenefitKind.PHARMACY_DRUG
STANDARD, EXPEDITED = Urgency.STANDARD, Urgency.EXPEDITED
MONDAY = "2027-01-04T10:00-06:00"


def clock(
    rulebook: Rulebook,
    program: Program,
    benefit: BenefitKind = SERVICE,
    urgency: Urgency = STANDARD,
    received: str = MONDAY,
    *,
    state: str | None = None,
    channel: Channel = Channel.ELECTRONIC,
    zone: str = "America/Chicago",
    period: MonthDay | None = None,
) -> LegalClock:
    terms = Terms(program, (benefit,), urgency, channel, state, zone, period)
    return started(rulebook.deadlines, terms, datetime.fromisoformat(received))


@pytest.mark.parametrize(
    ("program", "benefit", "urgency", "row", "due"),
    [
        (MA, SERVICE, STANDARD, "ma-service-standard", "2027-01-12T00:00-06:00"),
        (MA, SERVICE, EXPEDITED, "ma-service-expedited", "2027-01-07T10:00-06:00"),
        (MA, DRUG, STANDARD, "ma-part-b-standard", "2027-01-07T10:00-06:00"),
        (MA, DRUG, EXPEDITED, "ma-part-b-expedited", "2027-01-05T10:00-06:00"),
        (MA, PHARMACY, STANDARD, "ma-part-d-standard", "2027-01-07T10:00-06:00"),
        (MA, PHARMACY, EXPEDITED, "ma-part-d-expedited", "2027-01-05T10:00-06:00"),
        (FFS, SERVICE, STANDARD, "medicaid-ffs-service-standard", "2027-01-12T00:00-06:00"),
        (FFS, SERVICE, EXPEDITED, "medicaid-ffs-service-expedited", "2027-01-07T10:00-06:00"),
        (FFS, DRUG, STANDARD, "medicaid-drug", "2027-01-05T10:00-06:00"),
        (FFS, PHARMACY, EXPEDITED, "medicaid-drug", "2027-01-05T10:00-06:00"),
        (MCO, SERVICE, STANDARD, "medicaid-managed-service-standard", "2027-01-12T00:00-06:00"),
        (MCO, SERVICE, EXPEDITED, "medicaid-managed-service-expedited", "2027-01-07T10:00-06:00"),
        (MCO, DRUG, STANDARD, "medicaid-drug", "2027-01-05T10:00-06:00"),
        (MCO, PHARMACY, EXPEDITED, "medicaid-drug", "2027-01-05T10:00-06:00"),
        (CHIP, SERVICE, STANDARD, "chip-ffs-service-standard", "2027-01-12T00:00-06:00"),
        (CHIP, SERVICE, EXPEDITED, "chip-ffs-service-expedited", "2027-01-07T10:00-06:00"),
        (CHIP_MCO, SERVICE, STANDARD, "chip-managed-service-standard", "2027-01-12T00:00-06:00"),
        (CHIP_MCO, SERVICE, EXPEDITED, "chip-managed-service-expedited", "2027-01-07T10:00-06:00"),
        (CHIP_MCO, DRUG, STANDARD, "chip-managed-drug", "2027-01-05T10:00-06:00"),
        (CHIP_MCO, PHARMACY, EXPEDITED, "chip-managed-drug", "2027-01-05T10:00-06:00"),
        # Outside the clocks of CMS-0057-F: 15 days and 72 hours, drugs as services.
        (QHP, SERVICE, STANDARD, "claims-procedure-standard", "2027-01-20T00:00-06:00"),
        (QHP, SERVICE, EXPEDITED, "claims-procedure-urgent", "2027-01-07T10:00-06:00"),
        (QHP, DRUG, STANDARD, "claims-procedure-standard", "2027-01-20T00:00-06:00"),
        (QHP, PHARMACY, EXPEDITED, "claims-procedure-urgent", "2027-01-07T10:00-06:00"),
        (COMMERCIAL, SERVICE, STANDARD, "claims-procedure-standard", "2027-01-20T00:00-06:00"),
        (COMMERCIAL, DRUG, EXPEDITED, "claims-procedure-urgent", "2027-01-07T10:00-06:00"),
        (OWN, SERVICE, STANDARD, "claims-procedure-standard", "2027-01-20T00:00-06:00"),
        (OWN, DRUG, EXPEDITED, "claims-procedure-urgent", "2027-01-07T10:00-06:00"),
    ],
)
def test_a_federal_row_binds_to_the_minute(
    rulebook: Rulebook, program: Program, benefit: BenefitKind, urgency: Urgency, row: str, due: str
) -> None:
    found = clock(rulebook, program, benefit, urgency)
    assert found.won is not None
    assert found.won.limit is not None
    assert (found.won.row.id, found.due_at, found.unknown) == (row, datetime.fromisoformat(due), ())
    assert found.won.limit.keeps(datetime.fromisoformat(due) - timedelta(minutes=1))
    assert not found.won.limit.keeps(datetime.fromisoformat(due) + timedelta(minutes=1))


@pytest.mark.parametrize("benefit", BenefitKind)
@pytest.mark.parametrize("urgency", Urgency)
def test_original_medicare_has_no_clock_and_the_unknown_is_named(
    rulebook: Rulebook, benefit: BenefitKind, urgency: Urgency
) -> None:
    found = clock(rulebook, Program.ORIGINAL_MEDICARE, benefit, urgency)
    assert (found.due_at, found.rows) == (None, ())
    assert "original-medicare" in found.unknown[0]


@pytest.mark.parametrize("benefit", [DRUG, PHARMACY])
@pytest.mark.parametrize("urgency", Urgency)
def test_a_drug_of_chip_fee_for_service_has_no_clock(
    rulebook: Rulebook, benefit: BenefitKind, urgency: Urgency
) -> None:
    assert clock(rulebook, CHIP, benefit, urgency).due_at is None


@pytest.mark.parametrize(
    ("program", "received", "row"),
    [
        (MA, "2025-12-31T23:59-06:00", "ma-service-standard-until-2025"),
        (MA, "2026-01-01T00:00-06:00", "ma-service-standard"),
        (MA, "2026-01-01T05:59+00:00", "ma-service-standard-until-2025"),  # the payer's day is still 2025
        (MA, "2026-01-01T06:00+00:00", "ma-service-standard"),
        (FFS, "2025-12-31T23:59-06:00", None),
        (FFS, "2026-01-01T00:00-06:00", "medicaid-ffs-service-standard"),
        (CHIP, "2025-12-31T23:59-06:00", None),
        (CHIP, "2026-01-01T00:00-06:00", "chip-ffs-service-standard"),
        (MCO, "2025-12-31T23:59-06:00", "medicaid-managed-service-standard-until-2025"),
        (MCO, "2026-01-01T00:00-06:00", "medicaid-managed-service-standard"),
        (CHIP_MCO, "2025-12-31T23:59-06:00", None),
        (CHIP_MCO, "2026-01-01T00:00-06:00", "chip-managed-service-standard"),
    ],
)
def test_seven_days_bind_what_is_received_from_2026_on(
    rulebook: Rulebook, program: Program, received: str, row: str | None
) -> None:
    won = clock(rulebook, program, received=received).won
    assert (won.row.id if won else None) == row


@pytest.mark.parametrize(
    ("received", "row"),
    [
        ("2026-06-30T23:59-05:00", "medicaid-managed-service-standard-until-2025"),
        ("2026-07-01T00:00-05:00", "medicaid-managed-service-standard"),
    ],
)
def test_managed_care_follows_from_its_rating_period_on(rulebook: Rulebook, received: str, row: str) -> None:
    won = clock(rulebook, MCO, received=received, period=MonthDay(7, 1)).won
    assert won is not None
    assert won.row.id == row


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-03-02T10:00-06:00", "2026-03-10T00:00-05:00"),
        ("2026-10-26T10:00-05:00", "2026-11-03T00:00-06:00"),
        ("2028-02-25T10:00-06:00", "2028-03-04T00:00-06:00"),
        ("2026-12-28T10:00-06:00", "2027-01-05T00:00-06:00"),
        ("2026-11-20T10:00-06:00", "2026-11-28T00:00-06:00"),  # Thanksgiving and a weekend count
    ],
)
def test_seven_calendar_days_of_a_service(rulebook: Rulebook, received: str, due: str) -> None:
    assert clock(rulebook, MA, received=received).due_at == datetime.fromisoformat(due)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-03-07T10:00-06:00", "2026-03-10T11:00-05:00"),
        ("2026-10-31T10:00-05:00", "2026-11-03T09:00-06:00"),
        ("2028-02-28T10:00-06:00", "2028-03-02T10:00-06:00"),
        ("2026-12-30T10:00-06:00", "2027-01-02T10:00-06:00"),
        ("2026-11-25T10:00-06:00", "2026-11-28T10:00-06:00"),
    ],
)
def test_seventy_two_hours_of_a_part_b_drug(rulebook: Rulebook, received: str, due: str) -> None:
    assert clock(rulebook, MA, DRUG, received=received).due_at == datetime.fromisoformat(due)


def in_washington(
    rulebook: Rulebook,
    urgency: Urgency,
    received: str,
    channel: Channel = Channel.ELECTRONIC,
    program: Program = COMMERCIAL,
) -> LegalClock:
    zone = "America/Los_Angeles"
    return clock(rulebook, program, SERVICE, urgency, received, state="WA", channel=channel, zone=zone)


@pytest.mark.parametrize("program", [COMMERCIAL, MCO])
@pytest.mark.parametrize(
    ("urgency", "channel", "received", "row", "last_day", "ask_by"),
    [
        (STANDARD, Channel.ELECTRONIC, "2026-06-01T10:00-07:00", "wa-electronic-standard", "2026-06-04", "2026-06-03"),
        (STANDARD, Channel.OTHER, "2026-06-01T10:00-07:00", "wa-other-standard", "2026-06-06", "2026-06-07"),
        (
            EXPEDITED,
            Channel.ELECTRONIC,
            "2026-06-01T10:00-07:00",
            "wa-electronic-expedited",
            "2026-06-02",
            "2026-06-03",
        ),
        (EXPEDITED, Channel.OTHER, "2026-06-01T10:00-07:00", "wa-other-expedited", "2026-06-03", "2026-06-03"),
        # Thanksgiving and the day after it are left out of the standard electronic clock, and of no other
        (STANDARD, Channel.ELECTRONIC, "2026-11-24T10:00-08:00", "wa-electronic-standard", "2026-11-29", "2026-11-26"),
        (
            EXPEDITED,
            Channel.ELECTRONIC,
            "2026-11-25T10:00-08:00",
            "wa-electronic-expedited",
            "2026-11-26",
            "2026-11-27",
        ),
        (STANDARD, Channel.OTHER, "2026-11-24T10:00-08:00", "wa-other-standard", "2026-11-29", "2026-11-30"),
        # a minute before midnight and at midnight
        (STANDARD, Channel.ELECTRONIC, "2026-06-01T23:59-07:00", "wa-electronic-standard", "2026-06-04", "2026-06-03"),
        (STANDARD, Channel.ELECTRONIC, "2026-06-02T00:00-07:00", "wa-electronic-standard", "2026-06-05", "2026-06-04"),
    ],
)
def test_washington_decides_in_days_from_the_complete_request(
    rulebook: Rulebook,
    program: Program,
    urgency: Urgency,
    channel: Channel,
    received: str,
    row: str,
    last_day: str,
    ask_by: str,
) -> None:
    found = in_washington(rulebook, urgency, received, channel, program)
    assert found.won is not None
    assert found.won.limit is not None
    assert (found.won.row.id, str(found.won.limit.last_day)) == (row, last_day)
    assert found.ask_by is not None
    assert found.ask_by.at.date().isoformat() == ask_by


def test_washingtons_second_start_is_the_answer_and_the_federal_row_runs_on(rulebook: Rulebook) -> None:
    found = in_washington(rulebook, STANDARD, "2026-06-01T10:00-07:00")
    waiting = asked(found, datetime.fromisoformat("2026-06-02T09:00-07:00"))
    assert waiting.won is not None
    assert waiting.won.row.id == "claims-procedure-standard"
    again = completed(waiting, datetime.fromisoformat("2026-06-08T16:00-07:00"))
    assert again.won is not None
    assert again.won.row.id == "wa-electronic-standard"
    assert again.due_at == datetime.fromisoformat("2026-06-12T00:00-07:00")


@pytest.mark.parametrize("state", ["OR", "TX", None])
def test_washingtons_law_binds_in_washington_only(rulebook: Rulebook, state: str | None) -> None:
    won = clock(rulebook, COMMERCIAL, state=state).won
    assert won is not None
    assert won.row.id == "claims-procedure-standard"


@pytest.mark.parametrize("program", [MA, QHP, OWN])
@pytest.mark.parametrize("urgency", Urgency)
def test_washingtons_law_does_not_bind_what_federal_law_takes_from_it(
    rulebook: Rulebook, program: Program, urgency: Urgency
) -> None:
    found = clock(rulebook, program, SERVICE, urgency, state="WA")
    assert [row.states for row in found.rows] == [()]


@pytest.mark.parametrize(
    ("received", "last_day", "row"),
    [
        ("2026-06-01T10:00-05:00", "2026-06-04", "tx-medicaid-managed-standard"),
        ("2026-06-04T10:00-05:00", "2026-06-09", "tx-medicaid-managed-standard"),
        ("2026-06-06T10:00-05:00", "2026-06-10", "tx-medicaid-managed-standard"),
        ("2025-03-31T23:59-05:00", "2025-04-03", "tx-medicaid-managed-standard-until-2025-03"),
        ("2025-04-01T00:00-05:00", "2025-04-04", "tx-medicaid-managed-standard"),
    ],
)
def test_texas_gives_managed_care_three_business_days(
    rulebook: Rulebook, received: str, last_day: str, row: str
) -> None:
    found = clock(rulebook, MCO, received=received, state="TX")
    assert found.won is not None
    assert found.won.limit is not None
    assert (found.won.row.id, str(found.won.limit.last_day)) == (row, last_day)


def test_texas_expedited_is_unverified_and_the_verified_federal_row_is_named(rulebook: Rulebook) -> None:
    found = clock(rulebook, MCO, SERVICE, EXPEDITED, state="TX")
    assert found.won is not None
    assert found.won.row.id == "medicaid-managed-service-expedited"
    assert [one.row.id for one in found.lost] == ["tx-medicaid-managed-expedited"]
    assert any(line.endswith("[unverified]") for line in as_lines(found))


def test_a_part_b_drug_is_not_extended_and_a_service_is_by_fourteen_days(rulebook: Rulebook) -> None:
    at = datetime.fromisoformat(MONDAY)
    with pytest.raises(Conflict, match=r"422\.568\(b\)\(3\) allows no extension"):
        extended(clock(rulebook, MA, DRUG), at, days=1, reason="more evidence")
    found = extended(clock(rulebook, MA), at, days=14, reason="more evidence")
    assert found.due_at == datetime.fromisoformat("2027-01-26T00:00-06:00")


def test_an_extension_that_was_not_read_in_its_source_makes_the_deadline_unverified(rulebook: Rulebook) -> None:
    found = clock(rulebook, FFS)
    assert found.verified
    assert not extended(found, datetime.fromisoformat(MONDAY), days=3, reason="more evidence").verified


def test_each_row_is_found_by_some_request(rulebook: Rulebook) -> None:
    for row in rulebook.deadlines:
        for urgency in row.urgencies:
            state = row.states[0] if row.states else None
            terms = Terms(row.programs[0], row.benefits[:1], urgency, row.channels[0], state, "America/Chicago")
            noon = datetime.combine(row.end or row.start, datetime.min.time(), terms.tzinfo) + timedelta(hours=12)
            assert row in started(rulebook.deadlines, terms, noon).rows, row.id
            assert row.reference in row_line(row)


def test_a_clock_survives_being_kept_and_a_new_row_does_not_reach_it(rulebook: Rulebook) -> None:
    kept = remembered(in_washington(rulebook, STANDARD, "2026-11-24T10:00-08:00"))
    again = recalled(kept)
    assert again == in_washington(rulebook, STANDARD, "2026-11-24T10:00-08:00")
    moved = completed(asked(again, again.moments.received), datetime.fromisoformat("2026-11-25T10:00-08:00"))
    assert moved.due_at == datetime.fromisoformat("2026-12-01T00:00-08:00"), "by the kept row with its kept holidays"


def test_a_report_names_the_row_that_won_those_that_lost_and_the_zone(rulebook: Rulebook) -> None:
    told = as_json(in_washington(rulebook, STANDARD, "2026-06-01T17:00+00:00"))
    assert told["won"]["id"] == "wa-electronic-standard"
    assert [row["id"] for row in told["lost"]] == ["claims-procedure-standard"]
    assert (told["due"], told["last_day"]) == ("2026-06-05T00:00:00-07:00", "2026-06-04")
    assert (told["received"], told["zone"]) == ("2026-06-01T10:00:00-07:00", "America/Los_Angeles")


GOOD = """
rows:
  - id: a
    programs: [commercial]
    benefits: [service]
    urgency: any
    within: 3 calendar days
    from: 2026-01-01
    reference: a law
    verified: false
"""


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("3 calendar days", "3 moons", 7),
        ("3 calendar days", "0 hours", 7),
        ("[commercial]", "[a-program]", 4),
        ("[commercial]", "[]", 4),
        ("urgency: any", "urgency: soon", 6),
        ("verified: false", "verified: perhaps", 10),
        ("reference: a law", "reference: ''", 9),
        ("    reference: a law\n", "", 2),
        ("from: 2026-01-01", "from: 2026-01-01\n    until: 2025-12-31", 2),
        ("from: 2026-01-01", "from: 2026-01-01\n    holidays: nowhere", 9),
        ("from: 2026-01-01", "from: 2026-01-01\n    states: [Wash]", 9),
    ],
)
def test_a_row_that_cannot_be_read_stops_with_its_line(old: str, new: str, line: int) -> None:
    assert read_deadlines(GOOD, file="f.yaml")[0].id == "a"
    with pytest.raises(RuleError) as refused:
        read_deadlines(GOOD.replace(old, new), file="f.yaml")
    assert refused.value.where == f"f.yaml:{line}"


@pytest.mark.parametrize(
    "day",
    [
        "{name: A, month: 2, day: 30}",
        "{name: A, month: 2, day: 29}",
        "{name: A, month: 2}",
        "{name: A, month: 2, nth: 1}",
        "{name: A, month: 2, nth: 1, weekday: washday}",
        "{name: A, month: 13, day: 1}",
    ],
)
def test_a_holiday_that_is_no_day_of_every_year_is_refused(day: str) -> None:
    with pytest.raises(RuleError):
        read_holidays(f"reference: a law\nverified: true\ndays: [{day}]\n", file="h.yaml", id="h")
