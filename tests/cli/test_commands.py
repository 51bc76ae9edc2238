"""`prior-auth assess`, `view` and `validate` as a program calls them: shapes, exit codes, errors on standard error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from prior_auth import stories
from prior_auth.fhir import json
from prior_auth.policy.report import schema

PUBLIC = Path(__file__).resolve().parents[1] / "charts" / "public"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "prior_auth", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=120, check=False)


def written(folder: Path, name: str, **changes: Any) -> tuple[Path, str]:
    story = stories.load(name)
    file = folder / f"{name}.json"
    file.write_bytes(json.write(story.chart(**changes)))
    return file, story.day.isoformat()


def refused(done: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    assert (done.returncode, done.stdout) == (2, b"")
    return json.read(done.stderr)


@pytest.mark.parametrize("name", ["breast-her2-adjuvant", "nsclc-first-line-gap", "breast-brca-vus"])
def test_the_report_keeps_its_schema_and_ends_as_the_story_says(tmp_path: Path, name: str) -> None:
    file, day = written(tmp_path, name)
    done = run("assess", file, "--as-of", day, "--json")
    assert done.returncode == 0, done.stderr
    report = json.read(done.stdout)
    jsonschema.validate(_plain(report), schema())
    (item,) = report["items"]
    assert set(item) >= {
        "request", "service", "units", "period", "policy", "path", "recommendation", "cause", "proposal", "criteria",
    }  # fmt: skip
    expected = stories.load(name).expected
    assert (item["recommendation"], item["path"], item["cause"]) == (
        expected.recommendation,
        expected.path,
        expected.cause,
    )


def test_a_payer_that_nobody_knows_is_referred_and_never_approved(tmp_path: Path) -> None:
    file, day = written(tmp_path, "breast-her2-adjuvant")
    report = json.read(run("assess", file, "--as-of", day, "--payer", "NOBODY", "--json").stdout)
    (item,) = report["items"]
    found = (item["recommendation"], item["cause"], item["policy"], item["path"], item["criteria"])
    assert found == ("refer", "unknown-payer", None, None, [])


def test_an_unknown_order_is_bad_input_with_the_known_ones_named(tmp_path: Path) -> None:
    file, day = written(tmp_path, "breast-her2-adjuvant")
    error = refused(run("assess", file, "--as-of", day, "--order", "MedicationRequest/none", "--json"))
    assert error["where"] == "--order"
    assert "MedicationRequest/breast-her2-adjuvant-order" in error["fix"]


def test_a_chart_without_an_open_order_is_bad_input(tmp_path: Path) -> None:
    file, day = written(tmp_path, "breast-her2-adjuvant", remove=["order"])
    assert refused(run("assess", file, "--as-of", day, "--json"))["error"] == "BadInput"


@pytest.mark.parametrize("command", ["assess", "view"])
def test_two_patients_are_refused(command: str) -> None:
    file = PUBLIC / "mcode-stu4-eve-anyperson-breast.json"
    done = run(command, file, "--as-of", "2026-01-01")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"2 patients" in done.stderr


def test_the_view_is_a_collection_of_one_patient_without_a_name(tmp_path: Path) -> None:
    file, day = written(tmp_path, "breast-her2-adjuvant")
    done = run("view", file, "--as-of", day)
    bundle = json.read(done.stdout)
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert (bundle["type"], kinds[0], kinds.count("Patient")) == ("collection", "Patient", 1)
    family = stories.load("breast-her2-adjuvant").patient["family"]
    assert str(family).encode() not in done.stdout


def test_the_terminal_report_names_each_criterion_and_what_is_missing(tmp_path: Path) -> None:
    file, day = written(tmp_path, "nsclc-first-line-gap")
    text = run("assess", file, "--as-of", day).stdout.decode()
    assert "R11.C6   UNKNOWN" in text
    assert "89247-1" in text


def _plain(value: Any) -> Any:
    """Decimals as the numbers that a schema knows."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value if isinstance(value, str | bool | int) or value is None else float(value)
