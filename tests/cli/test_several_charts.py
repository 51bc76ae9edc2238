"""One patient's evidence from two systems, at the command line."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from prior_auth import stories
from prior_auth.charts.named import Named
from prior_auth.cli import app
from prior_auth.errors import BadInput
from prior_auth.fhir import json

DAY = date(2026, 6, 1)
Write = Callable[[str, list[dict[str, Any]]], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str, resources: list[dict[str, Any]]) -> str:
        entries = [{"resource": one} for one in resources]
        file = tmp_path / f"{name}.json"
        file.write_bytes(json.write({"resourceType": "Bundle", "type": "collection", "entry": entries}))
        return str(file)

    return written


@pytest.fixture
def parted(write: Write) -> tuple[str, str]:
    """A complete chart, its HER2 results at the laboratory's own system only."""
    resources = [entry["resource"] for entry in stories.load("breast-her2-adjuvant").chart(on=DAY)["entry"]]
    her2 = [one for one in resources if one["resourceType"] == "Observation" and "HER2" in str(one["code"])]
    assert her2
    patient = next(one for one in resources if one["resourceType"] == "Patient")
    there = copy.deepcopy([{**patient, "name": [{"text": "spelled otherwise"}]}, *her2])
    return write("clinic", [one for one in resources if one not in her2]), write("laboratory", there)


def assess(*arguments: str) -> dict[str, Any]:
    ran = CliRunner().invoke(app, ["assess", *arguments, "--as-of", DAY.isoformat(), "--json"])
    assert ran.exit_code == 0, ran.output
    found: dict[str, Any] = json.read(ran.stdout)["items"][0]
    return found


def test_what_one_system_lacks_the_other_has_and_each_fact_says_whose_it_is(parted: tuple[str, str]) -> None:
    clinic, laboratory = parted
    assert assess(clinic)["recommendation"] == "pend"
    found = assess(clinic, "--also", f"Laboratory={laboratory}")
    assert found["recommendation"] == "approve"
    origins = {one["item"]: one["origin"] for criterion in found["criteria"] for one in criterion["evidence"]}
    assert origins["her2.ihc"] == "Laboratory"
    assert origins["dx.primary"] == "clinic"


def test_one_chart_names_no_origin(parted: tuple[str, str]) -> None:
    facts = [one for criterion in assess(parted[0])["criteria"] for one in criterion["evidence"]]
    assert facts
    assert not [one for one in facts if "origin" in one]


def test_the_view_of_both_holds_what_either_says(parted: tuple[str, str]) -> None:
    ran = CliRunner().invoke(app, ["view", parted[0], "--also", parted[1], "--as-of", DAY.isoformat()])
    assert ran.exit_code == 0
    assert "HER2" in ran.stdout


def test_somebody_elses_chart_is_refused(write: Write, parted: tuple[str, str]) -> None:
    stranger = write(
        "stranger", [{"resourceType": "Patient", "id": "x", "identifier": [{"system": "u", "value": "9"}]}]
    )
    ran = CliRunner().invoke(app, ["assess", parted[0], "--also", stranger])
    assert isinstance(ran.exception, BadInput)
    assert ran.exception.where == "Patient.identifier"


@pytest.mark.parametrize(
    ("stated", "origin", "place"),
    [
        ("folder/chart.json", "chart", "folder/chart.json"),
        ("Lakeside=folder/chart.json", "Lakeside", "folder/chart.json"),
        ("https://ehr.example.org/fhir/Patient/7", "ehr.example.org", "https://ehr.example.org/fhir/Patient/7"),
        ("A b=https://x.org/fhir/Patient/7", "A b", "https://x.org/fhir/Patient/7"),
        ("https://x.org/fhir/Patient/7?a=b", "x.org", "https://x.org/fhir/Patient/7?a=b"),
    ],
)
def test_a_chart_is_named_as_a_person_would(stated: str, origin: str, place: str) -> None:
    assert Named.read(stated) == Named(origin, place)


def test_an_address_without_a_patient_is_named() -> None:
    ran = CliRunner().invoke(app, ["assess", "https://127.0.0.1:9/fhir"])
    assert isinstance(ran.exception, BadInput)
    assert "Patient/id" in str(ran.exception)
