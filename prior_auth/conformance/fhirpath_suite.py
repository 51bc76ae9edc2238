"""Runs the official FHIRPath suite for R4 (one XML file of expressions and outputs, with its resources) and counts.

Every expression goes through the door of `prior_auth.paths`, its element names checked against the type of the
resource it is asked of. Resources are JSON files beside the suite or in its folder `input`.
"""

from __future__ import annotations

import datetime as dt
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prior_auth import paths
from prior_auth.conformance import expected
from prior_auth.conformance.counts import DISPUTED, FAILED, PASSED, UNSUPPORTED, counted, summed
from prior_auth.errors import BadInput
from prior_auth.fhir import json as fhir_json
from prior_auth.fhir.validate import has_errors, validate
from prior_auth.r4 import model, tables

NOW = dt.datetime(2026, 1, 15, 12, tzinfo=dt.UTC)
DISPUTES = Path(__file__).with_name("fhirpath_disputes.json")
_BASE = "http://hl7.org/fhir/StructureDefinition/"
_NO_RESOURCE = {"resourceType": "Parameters"}  # for the tests that ask of nothing


@dataclass(frozen=True, slots=True)
class Case:
    """One test. `invalid` says that an error is expected, `is_condition` that the result counts as true or false."""

    group: str
    name: str
    expression: str
    outputs: tuple[expected.Output, ...]
    invalid: str | None
    resource: str | None
    is_condition: bool
    is_ordered: bool

    @property
    def key(self) -> str:
        return f"{self.group}/{self.name}"


@dataclass(frozen=True, slots=True)
class Verdict:
    case: Case
    outcome: str
    detail: str


def run(file: Path, *, engine: str = paths.OWN, progress: Callable[[str], None] | None = None) -> dict[str, Any]:
    """`{"passed","failed","unsupported","disputed","total","files":{name: the same five}}`.

    BadInput where the file is no suite, or a resource that it asks of is not there.
    """
    counts = counted(verdict.outcome for verdict in verdicts(file, engine=engine))
    if progress is not None:
        progress(f"{file.name}: {counts[PASSED]} of {counts['total']}")
    return summed({file.name: counts})


def run_groups(file: Path, *, engine: str = paths.OWN) -> dict[str, dict[str, int]]:
    """The same five counts for each group of tests."""
    outcomes: dict[str, list[str]] = {}
    for verdict in verdicts(file, engine=engine):
        outcomes.setdefault(verdict.case.group, []).append(verdict.outcome)
    return {group: counted(found) for group, found in outcomes.items()}


def verdicts(file: Path, *, engine: str = paths.OWN) -> Iterator[Verdict]:
    """Each test of the suite, judged. Raises BadInput, before the first."""
    disputes: Mapping[str, str] = json.loads(DISPUTES.read_text(encoding="utf-8"))
    for case, resource in asked(file):
        outcome, detail = judged(case, resource, engine)
        if outcome == FAILED and case.key in disputes:
            outcome, detail = DISPUTED, disputes[case.key]
        yield Verdict(case, outcome, detail)


def cases(file: Path) -> list[Case]:
    """The tests in order. BadInput where the file cannot be read, is no XML, or holds no test."""
    try:
        root = ET.parse(file).getroot()
    except OSError as problem:
        raise BadInput(problem.strerror or "cannot be read", where=str(file), fix="name a file that is there") from None
    except ET.ParseError as problem:
        raise BadInput(f"this is no XML: {problem}", where=str(file)) from None
    found = [_case(group.get("name", ""), test) for group in root.iter("group") for test in group.iter("test")]
    if not found:
        raise BadInput("there is no test here", where=str(file), fix="name the XML file of the FHIRPath suite")
    return found


def _case(group: str, test: ET.Element) -> Case:
    expression = test.find("expression")
    text = (expression.text or "").strip() if expression is not None else ""
    invalid = expression.get("invalid") if expression is not None else None
    return Case(
        group,
        test.get("name", ""),
        text,
        tuple(expected.Output(one.get("type"), one.text or "") for one in test.findall("output")),
        None if invalid == "false" else invalid,
        test.get("inputfile"),
        is_condition=test.get("predicate") == "true",
        is_ordered=test.get("ordered") != "false",
    )


def asked(file: Path) -> list[tuple[Case, dict[str, Any]]]:
    """The tests with the resources that they ask of. BadInput where one is not there."""
    found = cases(file)
    resources = {name: _read(file, name) for name in sorted({one.resource for one in found if one.resource})}
    return [(case, resources[case.resource] if case.resource else _NO_RESOURCE) for case in found]


def _read(file: Path, name: str) -> dict[str, Any]:
    stem = Path(name).with_suffix(".json").name
    for path in (file.parent / "input" / stem, file.parent / stem):
        if path.is_file():
            resource: dict[str, Any] = fhir_json.read(path.read_bytes(), name=str(path))
            return resource
    raise BadInput(
        f"the resource {stem} is not there", where=str(file), fix="put it in the folder input beside the suite"
    )


def judged(case: Case, resource: dict[str, Any], engine: str = paths.OWN) -> tuple[str, str]:
    """The outcome, and what was found where it is not passed."""
    kind = resource["resourceType"] if case.resource else None
    try:
        ask = paths.compile(case.expression, kind, engine=engine, clock=True)
        found = ask(resource, now=NOW, conforms=_conforms)
        values = [one.value for one in found] if not case.is_condition else [ask.truth(resource) is True]
    except paths.Unsupported as refusal:
        return UNSUPPORTED, refusal.message
    except paths.PathError as problem:
        return (PASSED, "") if case.invalid else (FAILED, f"expected {_shown(case)}, found the error: {problem}")
    if case.invalid:
        return FAILED, f"expected an error, found {values!r}"
    if expected.agree(values, case.outputs, is_ordered=case.is_ordered):
        return PASSED, ""
    return FAILED, f"expected {_shown(case)}, found {values!r}"


def _shown(case: Case) -> str:
    return repr([one.text for one in case.outputs])


def _conforms(resource: Mapping[str, Any], url: str) -> bool | None:
    """Whether a resource keeps a profile; None of a profile that is not shipped."""
    name = url.removeprefix(_BASE)
    if url.startswith(_BASE) and model.is_resource(name):
        return model.is_subtype(str(resource.get("resourceType")), name) and not has_errors(validate(resource))
    return not has_errors(validate(resource, profiles=[url])) if tables.structure(url) is not None else None
