"""`prior-auth rules`: what each command prints, and its exit code."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from prior_auth.cli import app
from prior_auth.errors import BadInput
from prior_auth.fhir import json
from prior_auth.rulebook import Rulebook, rules_folder

TOPIC = Path("payers/example-health-plan/olaparib")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our rules with the olaparib policy alone, with three cases of which one is told wrong."""
    root = tmp_path_factory.mktemp("rules") / "rules"
    shutil.copytree(rules_folder(), root)
    for other in (root / TOPIC).parent.glob("*/policy.yaml"):
        if other.parent.name != TOPIC.name:
            shutil.rmtree(other.parent)
    cases = yaml.safe_load((root / TOPIC / "tests.yaml").read_text("utf-8"))[:3]
    cases[2]["expect"]["R14.C1"] = "met"
    (root / TOPIC / "tests.yaml").write_text(yaml.safe_dump(cases), "utf-8")
    return root


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(app, ["rules", *map(str, arguments)], catch_exceptions=False)


def answer(*arguments: Any) -> tuple[int, Any]:
    done = run(*arguments, "--json")
    return done.exit_code, json.read(done.stdout_bytes)


def test_a_case_told_wrong_fails_the_tests_with_its_line(folder: Path) -> None:
    done = run("test", "R14", "--rules", folder)
    assert done.exit_code == 1
    assert "ok      Germline BRCA2, chemotherapy and endocrine therapy before" in done.stdout
    assert (
        "FAILED  Nothing of stage or metastasis is unknown  (rules/payers/example-health-plan/olaparib/tests.yaml:"
        in (done.stdout)
    )
    assert "R14.C1: expected met, is unknown" in done.stdout
    assert done.stdout.endswith("passed 2, failed 1\n")


def test_the_tests_as_data(folder: Path) -> None:
    code, found = answer("test", "olaparib", "--rules", folder)
    assert (code, found["passed"], found["failed"]) == (1, 2, 1)
    assert [one["passed"] for one in found["cases"]] == [True, True, False]


def test_what_the_cases_leave_unseen_is_a_gap(folder: Path) -> None:
    done = run("coverage", "R14", "--rules", folder)
    assert done.exit_code == 1
    assert "NEVER not-met, unknown" in done.stdout
    code, found = answer("coverage", "R14", "--rules", folder)
    assert code == 1
    assert found["gaps"] == sum(len(one["lacking"]) for one in found["seen"]) > 10


def linted(rules: Path) -> tuple[int, list[dict[str, str]]]:
    """The exit code and what is found in policies; that others' shared definitions are idle here is no news."""
    code, found = answer("lint", "--rules", rules)
    return code, [one for one in found["findings"] if one["where"].startswith("rules/payers")]


def test_a_policy_without_fault_lints_clean(folder: Path) -> None:
    assert linted(folder) == (0, [])


def test_a_shared_definition_that_no_policy_uses_is_listed(folder: Path) -> None:
    code, found = answer("lint", "--rules", folder)
    assert code == 0
    assert "no policy uses `At Most` of Markers" in {one["message"] for one in found["findings"]}


def test_a_warning_is_listed_and_an_error_refuses(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "rules")
    cql = tmp_path / "rules" / TOPIC / "policy.cql"
    whole = cql.read_text("utf-8")
    cql.write_text(f'{whole}\ndefine "Spare": 1\n', "utf-8")
    code, found = linted(tmp_path / "rules")
    assert (code, [one["severity"] for one in found]) == (0, ["warning"])
    assert found[0]["where"].endswith(f"policy.cql:{whole.count(chr(10)) + 2}:1")
    cql.write_text(f'{whole}\ndefine "Spare": Today()\n', "utf-8")
    code, found = linted(tmp_path / "rules")
    assert (code, {one["severity"] for one in found}) == (1, {"error", "warning"})
    cql.write_text(f"{whole}\ndefine Spare: 1 +\n", "utf-8")
    code, found = linted(tmp_path / "rules")
    assert (code, [one["rule"] for one in found]) == (1, ["load"])


def test_a_policy_is_shown_as_a_clinician_reads_it(folder: Path) -> None:
    text = run("show", "R14", "--on", "2026-09-15", "--rules", folder).stdout
    assert text.startswith("R14 Olaparib")
    assert "[L] " in text
    assert "unverified" in text
    for part in (
        "Path B:",
        "Source: ",
        "Counts: ",
        "How old: ",
        "Silence: ",
        "Asked for: ",
        "Condition: not asked where",
    ):
        assert part in text
    assert all(len(line) <= 110 for line in text.splitlines())


def test_a_shown_window_is_in_days_and_a_value_in_force() -> None:
    code, told = answer("show", "R09", "--on", "2026-09-15")
    criteria = {one["id"]: one for one in told["paths"][0]["criteria"]}
    assert code == 0
    assert criteria["R09.C4"]["counts"] == "an ejection fraction of at least 50 %, since 90 days back"
    assert criteria["R09.X2"]["how_old"].startswith("the last 300 days")


def test_a_policy_that_is_not_there_is_bad_input(folder: Path) -> None:
    with pytest.raises(BadInput, match="no policy R99") as refused:
        run("show", "R99", "--rules", folder)
    assert "R14 (olaparib)" in str(refused.value.fix)


def test_a_new_policy_loads_lints_clean_and_is_in_force_for_nobody(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "rules")
    rules = tmp_path / "rules"
    done = run("new", "example-health-plan", "rituximab", "--rules", rules)
    written = rules / "payers/example-health-plan/rituximab"
    assert done.exit_code == 0
    assert sorted(one.name for one in written.iterdir()) == ["policy.cql", "policy.yaml", "tests.yaml"]
    assert linted(rules) == (0, [])
    policy = next(one.policy for one in Rulebook.load(rules).rules if one.policy.topic == "rituximab")
    assert policy.id == "R15"
    assert not policy.holds_on(policy.start.replace(year=2098))
    assert run("coverage", "R15", "--rules", rules).exit_code == 1
    assert all("FILL IN" in (written / name).read_text("utf-8") for name in ("policy.cql", "policy.yaml", "tests.yaml"))


def test_a_new_policys_tests_run_once_it_is_filled_in(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "rules")
    rules = tmp_path / "rules"
    run("new", "EXPAYER01", "trastuzumab", "--rules", rules)
    written = rules / "payers/example-health-plan/trastuzumab"
    yaml_file, tests = written / "policy.yaml", written / "tests.yaml"
    filled = yaml_file.read_text("utf-8").replace("2099-01-01", "2020-01-01")
    yaml_file.write_text(filled.replace("ingredients: []", "ingredients: [trastuzumab]"), "utf-8")
    example = [
        line.removeprefix("# ") for line in tests.read_text("utf-8").splitlines() if line[:4] in ("# - ", "#   ")
    ]
    tests.write_text("\n".join(example) + "\n", "utf-8")
    code, found = answer("test", "R15", "--rules", rules)
    assert (found["cases"][0]["faults"], code) == ([], 0)


@pytest.mark.parametrize(("payer", "topic"), [("nobody", "x"), ("EXPAYER01", "olaparib"), ("EXPAYER01", "../x")])
def test_a_new_policy_needs_a_payer_and_a_free_topic(payer: str, topic: str, folder: Path) -> None:
    with pytest.raises(BadInput):
        run("new", payer, topic, "--rules", folder)
