"""The official CQL suite: the pass rate of no file may fall below the committed floor."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from prior_auth.conformance import cql_suite
from prior_auth.conformance.counts import OUTCOMES
from prior_auth.errors import BadInput

SHARED = Path(os.environ.get("PRIOR_AUTH_SHARED", Path(__file__).parents[3] / "shared"))
SUITE = SHARED / "suites" / "cql"
FLOOR = Path(__file__).with_name("cql_suite_floor.json")


@pytest.mark.skipif(not SUITE.is_dir(), reason="the official CQL suite is not at hand")
def test_no_file_of_the_suite_falls_below_its_floor() -> None:
    counted = cql_suite.run(SUITE)
    floor = json.loads(FLOOR.read_text())
    assert counted["files"].keys() == floor.keys()
    fallen = {
        name: (counts, floor[name]) for name, counts in counted["files"].items() if counts["passed"] < floor[name]
    }
    assert fallen == {}
    assert counted["failed"] == 0
    assert counted["total"] == sum(counted[name] for name in OUTCOMES)


def suite(folder: Path, *tests: str) -> Path:
    folder.joinpath("Mine.xml").write_text(f'<tests name="Mine"><group name="G">{"".join(tests)}</group></tests>')
    return folder


def test_the_runner_tells_right_from_wrong_and_from_what_is_not_supported(tmp_path: Path) -> None:
    folder = suite(
        tmp_path,
        '<test name="right"><expression>1 + 1</expression><output>2</output></test>',
        '<test name="wrong"><expression>1 + 1</expression><output>3</output></test>',
        '<test name="null is not false"><expression>null and true</expression><output>false</output></test>',
        '<test name="an error wanted"><expression invalid="true">1 + \'a\'</expression></test>',
        '<test name="an error missing"><expression invalid="true">1 + 1</expression></test>',
        '<test name="refused"><expression>(null).descendents()</expression><output>null</output></test>',
    )
    counted = cql_suite.run(folder)
    assert counted["files"]["Mine.xml"] == {"passed": 2, "failed": 3, "unsupported": 1, "disputed": 0, "total": 6}


def test_a_folder_without_tests_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no test file"):
        cql_suite.run(tmp_path)


def test_a_file_that_is_no_xml_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "Broken.xml").write_text("<tests>")
    with pytest.raises(BadInput, match="no XML"):
        cql_suite.run(tmp_path)
