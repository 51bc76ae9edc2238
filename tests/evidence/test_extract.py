"""A chart's facts as a registry's table: each with its source, and what is not there with why."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from prior_auth import stories
from prior_auth.cli import app
from prior_auth.errors import BadInput, RuleError
from prior_auth.evidence.extract import HEADER, as_csv, parse
from prior_auth.fhir import json
from prior_auth.rulebook import evidence_definitions

DAY = date(2026, 6, 1)


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("extract") / "clinic.json"
    file.write_bytes(json.write(stories.load("breast-her2-adjuvant").chart(on=DAY)))
    return file


def extract(*arguments: str) -> str:
    ran = CliRunner().invoke(app, ["extract", *arguments, "--as-of", DAY.isoformat()])
    if ran.exception is not None and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    assert ran.exit_code == 0
    return ran.stdout


def test_every_column_has_a_row_and_every_value_a_source(chart: Path) -> None:
    table = json.read(extract(str(chart), "--json"))
    rows = table["rows"]
    assert {row["column"] for row in rows} >= {
        "Primary cancer",
        "T category",
        "HER2 by immunohistochemistry",
        "Gleason score",
    }
    valued = [row for row in rows if row["value"] is not None]
    assert len(valued) > 8
    assert all(row["reference"] and row["path"] and row["tier"] for row in valued)
    assert [row["why"] for row in rows if row["column"] == "Gleason score"] == ["not found"]
    her2 = next(row for row in rows if row["column"] == "HER2 by immunohistochemistry")
    assert her2["reference"].startswith("Observation/")


def test_the_table_is_csv_by_default(chart: Path) -> None:
    lines = list(csv.DictReader(extract(str(chart)).splitlines()))
    assert tuple(lines[0]) == HEADER
    codes = {line["column"]: line["code"] for line in lines}
    assert (codes["Primary cancer"], codes["Laterality"], codes["Stage group"]) == ("254837009", "", "1222769001")


def test_a_value_that_a_spreadsheet_would_run_is_text() -> None:
    row = dict.fromkeys(HEADER)
    texts = [as_csv([{**row, "value": value}]).splitlines()[1] for value in ("=1+1", "-12.5", "@x", "T1c")]
    assert [line.split(",")[1] for line in texts] == ["'=1+1", "-12.5", "'@x", "T1c"]


def test_an_extract_that_is_not_there_is_named(chart: Path) -> None:
    with pytest.raises(BadInput, match="cancer-registry"):
        extract(str(chart), "--kind", "other")


@pytest.mark.parametrize("document", [None, {}, {"columns": [{"name": "x", "item": "no.such"}]}, {"columns": ["x"]}])
def test_a_broken_definition_is_named_with_its_file(document: object) -> None:
    with pytest.raises(RuleError, match=r"mine\.yaml"):
        parse(document, file="mine.yaml", definitions=evidence_definitions())
