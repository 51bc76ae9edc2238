"""`prior-auth assess --explain`: the same report, and how each criterion came out so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
from typer.testing import CliRunner

from prior_auth import stories
from prior_auth.cli import app
from prior_auth.fhir import json as fhir_json
from prior_auth.policy.report import schema
from prior_auth.rule_tools.recompute import outcome


def test_the_data_of_every_criterion_prove_what_the_report_says(tmp_path: Path) -> None:
    story, file = stories.load("nsclc-first-line"), tmp_path / "chart.json"
    file.write_bytes(fhir_json.write(story.chart()))
    arguments = ["assess", str(file), "--as-of", story.day.isoformat(), "--json", "--explain"]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    told: dict[str, Any] = json.loads(done.stdout)
    (item,), (explained,) = told["items"], told.pop("explanations")
    jsonschema.validate(told, schema())  # one key more, the others stay
    assert explained["request"] == item["request"]
    proven = {one["criterion"]: outcome(one) for one in explained["criteria"]}
    assert proven == {one["id"]: one["outcome"] for one in item["criteria"]}
    assert [one["missing"] for one in explained["criteria"]] == [one["missing"] for one in item["criteria"]]
