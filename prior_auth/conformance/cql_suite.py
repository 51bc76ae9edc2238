"""Runs the official CQL test suite (XML files of expressions and outputs) and counts, per file and in all."""

from __future__ import annotations

import datetime as dt
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prior_auth.conformance.counts import DISPUTED, FAILED, PASSED, UNSUPPORTED, counted, summed
from prior_auth.cql import CqlError, EvaluationError, Resources, Result, compile_library
from prior_auth.cql.values.compare import equal, equivalent
from prior_auth.cql.values.core import Interval
from prior_auth.cql.values.uncertain import Uncertain
from prior_auth.errors import BadInput

NOW = dt.datetime(2026, 1, 15, 12, tzinfo=dt.UTC)
DISPUTES = Path(__file__).with_name("cql_disputes.json")


@dataclass(frozen=True, slots=True)
class Case:
    """One test; `output` is CQL for what it should give, None where it should fail (`invalid`)."""

    file: str
    group: str
    name: str
    expression: str
    output: str | None
    invalid: str | None

    @property
    def key(self) -> str:
        return f"{self.file}/{self.group}/{self.name}"


@dataclass(frozen=True, slots=True)
class Verdict:
    case: Case
    outcome: str
    detail: str


def run(directory: Path, *, progress: Callable[[str], None] | None = None) -> dict[str, Any]:
    """`{"passed","failed","unsupported","disputed","total","files":{name: the same five}}`.

    BadInput where the folder holds no test file.
    """
    files: dict[str, dict[str, int]] = {}
    for path in test_files(directory):
        counts = files[path.name] = counted(verdict.outcome for verdict in verdicts(path))
        if progress is not None:
            progress(f"{path.name}: {counts[PASSED]} of {counts['total']}")
    return summed(files)


def test_files(directory: Path) -> list[Path]:
    found = sorted(directory.glob("*.xml"))
    if not found:
        raise BadInput(
            "there is no test file (*.xml) here", where=str(directory), fix="name the folder of the CQL suite"
        )
    return found


def verdicts(path: Path) -> Iterator[Verdict]:
    """Each test of a file, judged."""
    disputes: Mapping[str, str] = json.loads(DISPUTES.read_text(encoding="utf-8"))
    for case in cases(path):
        outcome, detail = judged(case)
        if outcome == FAILED and case.key in disputes:
            outcome, detail = DISPUTED, disputes[case.key]
        yield Verdict(case, outcome, detail)


def cases(path: Path) -> Iterator[Case]:
    """The tests of a file in order. BadInput where it is no XML."""
    try:
        root = ET.parse(path).getroot()
    except ET.ParseError as problem:
        raise BadInput(f"this is no XML: {problem}", where=str(path)) from problem
    for group in root.iter():
        if _tag(group) != "group":
            continue
        for test in group:
            if _tag(test) == "test":
                yield _case(path.stem, group.get("name", ""), test)


def _tag(element: ET.Element) -> str:
    return element.tag.rsplit("}", 1)[-1] if isinstance(element.tag, str) else ""


def _case(file: str, group: str, test: ET.Element) -> Case:
    parts = {_tag(child): child for child in test}
    expression, output = parts["expression"], parts.get("output")
    invalid = expression.get("invalid")
    wanted = None if output is None else (output.text or "").strip()
    return Case(
        file,
        group,
        test.get("name", ""),
        (expression.text or "").strip(),
        wanted,
        None if invalid == "false" else invalid,
    )


def judged(case: Case) -> tuple[str, str]:
    """The outcome, and what was found where it is not passed."""
    found = _evaluated(case.expression)
    if isinstance(found, CqlError) and "not supported" in found.message:
        return UNSUPPORTED, str(found)
    broken = isinstance(found, CqlError) or found.problem is not None
    if case.invalid is not None or case.output is None:
        return (PASSED, "") if broken else (FAILED, f"expected an error, found {_shown(found)}")
    if broken:
        return FAILED, f"expected {case.output}, found {_shown(found)}"
    wanted = _evaluated(case.output)
    if isinstance(wanted, CqlError) or wanted.problem is not None:
        return FAILED, f"the output {case.output} cannot be read: {_shown(wanted)}"
    assert isinstance(found, Result)
    if agree(found.value, wanted.value):
        return PASSED, ""
    return FAILED, f"expected {case.output}, found {_shown(found)}"


def _evaluated(expression: str) -> Result | CqlError:
    try:
        library = compile_library(f'define "It": {expression}', name="test")
        return library.evaluate(Resources([]), now=NOW)["It"]
    except CqlError as error:
        return error


def _shown(found: Result | CqlError | EvaluationError) -> str:
    if isinstance(found, Result):
        return repr(found.value) if found.problem is None else f"problem: {found.problem}"
    return f"refusal: {found}"


def agree(found: Any, wanted: Any) -> bool:
    """Equal, or equivalent; an uncertain number is written as an interval in the suite."""
    if isinstance(found, Uncertain) and isinstance(wanted, Interval):
        return (found.low, found.high) == (wanted.low, wanted.high)
    if found is None or wanted is None:
        return found is None and wanted is None
    if type(found) is bool or type(wanted) is bool:
        return found is wanted
    return equal(found, wanted) is True or equivalent(found, wanted)
