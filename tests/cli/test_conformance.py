"""`prior-auth conformance`: counts on standard output, exit code 1 for a failed test, 2 for what cannot be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from prior_auth.cli import app, main

RIGHT = '<test name="right"><expression>1 + 1</expression><output{type}>2</output></test>'
WRONG = '<test name="wrong"><expression>1 + 1</expression><output{type}>3</output></test>'
SUITES = {"cql": "", "fhirpath": ' type="integer"'}


def suite(folder: Path, name: str, *tests: str) -> str:
    content = "".join(tests).format(type=SUITES[name])
    file = folder / "Mine.xml"
    file.write_text(f'<tests name="Mine"><group name="G">{content}</group></tests>')
    return str(folder if name == "cql" else file)


@pytest.mark.parametrize("name", SUITES)
def test_counts_are_written_per_file_and_in_all(tmp_path: Path, name: str) -> None:
    done = CliRunner().invoke(app, ["conformance", name, suite(tmp_path, name, RIGHT), "--json"])

    counts = {"passed": 1, "failed": 0, "unsupported": 0, "disputed": 0, "total": 1}
    assert json.loads(done.stdout) == {**counts, "files": {"Mine.xml": counts}}
    assert done.exit_code == 0


@pytest.mark.parametrize("name", SUITES)
def test_a_failed_test_is_exit_code_1_and_named_on_request(tmp_path: Path, name: str) -> None:
    done = CliRunner().invoke(app, ["conformance", name, suite(tmp_path, name, RIGHT, WRONG), "--details"])

    assert done.exit_code == 1
    assert "G/wrong" in done.stdout
    assert "50.0% passed" in done.stdout


def test_the_other_engine_can_be_asked(tmp_path: Path) -> None:
    file = suite(tmp_path, "fhirpath", RIGHT)
    done = CliRunner().invoke(app, ["conformance", "fhirpath", file, "--engine", "fhirpathpy", "--json"])
    assert json.loads(done.stdout)["passed"] == 1


@pytest.mark.parametrize("name", SUITES)
def test_what_cannot_be_read_is_exit_code_2(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["prior-auth", "conformance", name, str(tmp_path / "none"), "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert json.loads(err)["error"] == "BadInput"


def ended(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    monkeypatch.setattr("sys.argv", ["prior-auth", "conformance", *words])
    with pytest.raises(SystemExit) as done:
        main()
    return done.value.code


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("pas-server", "http://127.0.0.1:9/fhir"), "/fhir/metadata"),
        (("pas-server", "http://127.0.0.1:9/fhir", "--client-id", "me"), "--key"),
        (("pas-server", "http://127.0.0.1:9/fhir", "--payer", "EXPAYER01"), "--payer"),
        (("pas-server", "http://127.0.0.1:9/fhir", "--payload", "deny"), "--payload"),
        (("pas-client", "--turns", "approve,maybe"), "--turns"),
        (("pas-client", "--listen", "8799"), "--listen"),
        (("pas-client", "--listen", "127.0.0.1:0", "--client-id", "them"), "--jwks"),
    ],
)
def test_a_pas_judge_that_cannot_judge_is_exit_code_2_and_says_where(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], words: tuple[str, ...], where: str
) -> None:
    assert ended(monkeypatch, *words, "--json") == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert where in json.loads(err.splitlines()[-1])["where"]


def test_a_client_that_never_came_is_not_judged(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "pas-client", "--listen", "127.0.0.1:0", "--wait", "0", "--json") == 2
    stated = json.loads(capfd.readouterr().out)
    assert {one["outcome"] for one in stated["rules"]} == {"not-judged"}


def test_the_judge_shows_the_keys_that_a_server_has_to_register(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["pas-server", "http://127.0.0.1:9/fhir", "--key", str(tmp_path / "judge.jwk"), "--public-keys"]
    done = CliRunner().invoke(app, ["conformance", *words])
    (shown,) = json.loads(done.stdout)["keys"]
    assert shown["kty"] == "EC"
    assert "d" not in shown
