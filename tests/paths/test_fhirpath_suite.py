"""The official FHIRPath R4 suite: the pass rate of no group of a file may fall below the committed floor."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from prior_auth import paths
from prior_auth.conformance import fhirpath_suite
from prior_auth.conformance.counts import DISPUTED, FAILED, OUTCOMES, PASSED
from prior_auth.errors import BadInput

SHARED = Path(os.environ.get("PRIOR_AUTH_SHARED", Path(__file__).parents[3] / "shared"))
SUITE = SHARED / "suites" / "fhirpath" / "tests-fhir-r4.xml"
FLOOR = json.loads(Path(__file__).with_name("fhirpath_suite_floor.json").read_text())


@pytest.mark.skipif(not SUITE.is_file(), reason="the official FHIRPath suite is not at hand")
def test_no_group_of_the_suite_falls_below_its_floor() -> None:
    counted = fhirpath_suite.run_groups(SUITE)
    floor = FLOOR[SUITE.name]
    assert counted.keys() == floor.keys()
    fallen = {group: (counts, floor[group]) for group, counts in counted.items() if counts[PASSED] < floor[group]}
    assert fallen == {}
    total, passed, failed = (sum(counts[one] for counts in counted.values()) for one in ("total", PASSED, FAILED))
    assert failed == 0
    assert passed / total >= 0.98


@pytest.mark.skipif(not SUITE.is_file(), reason="the official FHIRPath suite is not at hand")
def test_every_dispute_is_of_a_test_that_does_not_pass() -> None:
    disputes = json.loads(fhirpath_suite.DISPUTES.read_text())
    assert {one.case.key for one in fhirpath_suite.verdicts(SUITE) if one.outcome == DISPUTED} == disputes.keys()


PATIENT = {"resourceType": "Patient", "birthDate": "1980-05-06", "name": [{"given": ["A", "B"]}], "active": True}


def suite(folder: Path, *tests: str) -> Path:
    folder.joinpath("input").mkdir(exist_ok=True)
    folder.joinpath("input", "p.json").write_text(json.dumps(PATIENT))
    file = folder / "mine.xml"
    file.write_text(f'<tests name="Mine"><group name="G">{"".join(tests)}</group></tests>')
    return file


def a_test(expression: str, *outputs: str, attributes: str = 'inputfile="p.xml"', invalid: str = "") -> str:
    return f'<test name="t" {attributes}><expression {invalid}>{expression}</expression>{"".join(outputs)}</test>'


def output(kind: str, text: str) -> str:
    return f'<output type="{kind}">{text}</output>' if kind else f"<output>{text}</output>"


def outcome(folder: Path, *parts: str, **more: str) -> str:
    (verdict,) = fhirpath_suite.verdicts(suite(folder, a_test(*parts, **more)))
    return verdict.outcome


@pytest.mark.parametrize(
    ("expression", "outputs", "passes"),
    [
        ("1 + 1", [("integer", "2")], True),
        ("1 + 1", [("integer", "3")], False),
        ("1 + 1", [("string", "2")], False),
        ("1 + 1", [], False),
        ("'true'", [("boolean", "true")], False),
        ("active", [("boolean", "true")], True),
        ("1.0", [("integer", "1")], False),
        ("1.50", [("decimal", "1.5")], True),
        ("name.given", [("string", "A"), ("string", "B")], True),
        ("name.given", [("string", "B"), ("string", "A")], False),
        ("name.family", [], True),
        ("birthDate", [("date", "@1980-05-06")], True),
        ("birthDate", [("date", "@1980-05")], False),
        ("@2026-01-01T10:00:00Z", [("dateTime", "@2026-01-01T11:00:00+01:00")], False),
        ("2 'mg'", [("Quantity", "2.0 'mg'")], True),
        ("2 'mg'", [("Quantity", "2 'g'")], False),
        ("@T10:30", [("", "@T10:30")], True),
    ],
)
def test_an_output_is_the_value_in_its_type_and_order(
    tmp_path: Path, expression: str, outputs: list[tuple[str, str]], passes: bool
) -> None:
    found = outcome(tmp_path, expression, *(output(*one) for one in outputs))
    assert found == ("passed" if passes else "failed")


def test_an_expected_error_passes_only_where_there_is_one(tmp_path: Path) -> None:
    assert outcome(tmp_path, "name.gven", invalid='invalid="semantic"') == "passed"
    assert outcome(tmp_path, "name.given.single()", invalid='invalid="execution"') == "passed"
    assert outcome(tmp_path, "name.given", invalid='invalid="semantic"') == "failed"
    assert outcome(tmp_path, "name.gven") == "failed"


def test_what_an_engine_does_not_have_is_unsupported_never_passed(tmp_path: Path) -> None:
    assert outcome(tmp_path, "name.frobnicate()", invalid='invalid="semantic"') == "unsupported"
    (verdict,) = fhirpath_suite.verdicts(suite(tmp_path, a_test("1.lowBoundary()")), engine=paths.LIBRARY)
    assert verdict.outcome == "unsupported"


def test_a_condition_counts_as_true_where_it_gives_a_value(tmp_path: Path) -> None:
    attributes = 'inputfile="p.xml" predicate="true"'
    assert outcome(tmp_path, "birthDate", output("boolean", "true"), attributes=attributes) == "passed"
    assert outcome(tmp_path, "deceased", output("boolean", "true"), attributes=attributes) == "failed"


def test_the_counts_of_a_file_add_up(tmp_path: Path) -> None:
    counted: dict[str, Any] = fhirpath_suite.run(
        suite(tmp_path, a_test("1", output("integer", "1")), a_test("1"), a_test("1.foo()"))
    )
    assert counted["files"] == {
        "mine.xml": {"passed": 1, "failed": 1, "unsupported": 1, "disputed": 0, "total": 3},
    }
    assert counted["total"] == sum(counted[one] for one in OUTCOMES) == 3


@pytest.mark.parametrize("content", ["<tests>", "<tests/>"])
def test_a_file_that_is_no_suite_is_bad_input(tmp_path: Path, content: str) -> None:
    (tmp_path / "mine.xml").write_text(content)
    with pytest.raises(BadInput):
        fhirpath_suite.run(tmp_path / "mine.xml")


def test_a_file_or_a_resource_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        fhirpath_suite.run(tmp_path / "none.xml")
    with pytest.raises(BadInput, match=r"q\.json"):
        fhirpath_suite.run(suite(tmp_path, a_test("1", attributes='inputfile="q.xml"')))
