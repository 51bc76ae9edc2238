"""`prior-auth validate`: what it prints and how it ends."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from prior_auth import cli
from prior_auth.fhir import json

EXAMPLES = Path(__file__).parents[1] / "fhir_validate" / "examples"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient"


def validated(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(cli.app, ["validate", *map(str, arguments), "--json"])
    return done.exit_code, json.read(done.stdout)


def test_a_sound_file_ends_with_0_and_what_was_not_checked_is_told() -> None:
    code, told = validated(EXAMPLES / "pas-request.json")
    assert code == 0
    assert list(told) == ["issues"]
    assert {tuple(one) for one in told["issues"]} == {("severity", "path", "rule", "message", "fix")}
    assert {one["severity"] for one in told["issues"]} <= {"information", "warning"}


def test_without_a_profile_a_file_is_judged_by_what_it_claims_else_by_r4(tmp_path: Path) -> None:
    file = tmp_path / "patient.json"
    file.write_text('{"resourceType": "Patient", "gender": "female"}')
    assert validated(file) == (0, {"issues": []})
    assert validated(file, "--profile", US_CORE)[0] == 1

    file.write_text(f'{{"resourceType": "Patient", "meta": {{"profile": ["{US_CORE}"]}}, "gender": "female"}}')
    code, told = validated(file)
    assert code == 1
    assert {one["path"] for one in told["issues"] if one["severity"] == "error"} == {
        "Patient.identifier",
        "Patient.name",
    }


@pytest.mark.parametrize("content", [None, b"", b"[]", b'{"a": 1, "a": 2}', b"\xff"])
def test_what_cannot_be_read_ends_with_2(
    tmp_path: Path, content: bytes | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "resource.json"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setattr(sys, "argv", ["prior-auth", "validate", str(file), "--json"])

    with pytest.raises(SystemExit) as ended:
        cli.main()

    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert json.read(said.err)["where"].startswith(str(file))
