"""`prior-auth deadlines`: what a receipt comes to, by which law, and what has no row."""

from __future__ import annotations

from typing import Any

import pytest
from typer.testing import CliRunner

from prior_auth.cli import app
from prior_auth.errors import BadInput
from prior_auth.fhir import json

AT = "2027-01-05T10:00-06:00"


def asked(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["deadlines", *arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0
    return json.read(done.stdout_bytes)


@pytest.mark.parametrize(
    ("arguments", "row", "due"),
    [
        (["--program", "MA"], "ma-service-standard", "2027-01-13T00:00:00-06:00"),
        (["--program", "MA", "--benefit", "part-b"], "ma-part-b-standard", "2027-01-08T10:00:00-06:00"),
        (["--program", "MA", "--benefit", "Part B", "--urgency", "expedited"], "ma-part-b-expedited",
         "2027-01-06T10:00:00-06:00"),
        (["--program", "QHP"], "claims-procedure-standard", "2027-01-21T00:00:00-06:00"),
        (["--plan", "MCD-HMO"], "medicaid-managed-service-standard", "2027-01-13T00:00:00-06:00"),
        (["--plan", "PLAN-GOLD", "--state", "wa", "--zone", "America/Los_Angeles"], "wa-electronic-standard",
         "2027-01-09T00:00:00-08:00"),
    ],
)  # fmt: skip
def test_a_receipt_comes_to_an_instant_and_its_law(arguments: list[str], row: str, due: str) -> None:
    found = asked(*arguments, "--received", AT)
    assert (found["won"]["id"], found["due"]) == (row, due)


def test_a_receipt_without_an_offset_is_in_the_payers_zone() -> None:
    assert asked("--program", "MA", "--received", "2027-01-05T10:00")["received"] == "2027-01-05T10:00:00-06:00"


def test_a_program_that_no_row_binds_has_a_named_unknown() -> None:
    found = asked("--program", "original-medicare", "--received", AT)
    assert (found["due"], found["won"]) == (None, None)
    assert "original-medicare" in found["unknown"][0]


def test_without_a_program_every_row_is_listed_with_its_citation() -> None:
    rows = asked()["rows"]
    assert len(rows) > 25
    assert all(row["reference"] and row["within"] for row in rows)
    shown = CliRunner().invoke(app, ["deadlines"]).stdout
    assert "ma-part-d-standard" in shown
    assert "[unverified]" in shown


def test_an_unverified_row_says_so() -> None:
    done = CliRunner().invoke(app, ["deadlines", "--program", "MA", "--benefit", "part-d", "--received", AT])
    assert "72 hours, 42 CFR 423.568(b) [unverified]" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (["--program", "nobody"], "--program"),
        (["--program", "MA", "--urgency", "soon"], "--urgency"),
        (["--program", "MA", "--benefit", "dental"], "--benefit"),
        (["--program", "MA", "--channel", "pigeon"], "--channel"),
        (["--program", "MA", "--zone", "Mars/Olympus"], "--zone"),
        (["--program", "MA", "--received", "soon"], "--received"),
        (["--plan", "NONE"], "--plan"),
        (["--plan", "MA-PPO", "--payer", "NOBODY"], "--payer"),
    ],
)
def test_what_is_not_known_is_refused_with_its_option(arguments: list[str], where: str) -> None:
    done = CliRunner().invoke(app, ["deadlines", *arguments])
    assert isinstance(done.exception, BadInput)
    assert done.exception.where == where
