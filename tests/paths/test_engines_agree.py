"""Our engine and fhirpathpy give the same values at the same element paths; each difference is listed with its reason.

`engine_differences.json` names, for the expressions of the catalogue and for the tests of the official suite, those on
which the two differ. What fhirpathpy refuses to compile is no difference.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from prior_auth import paths, stories
from prior_auth.charts.bundle_file import BundleFile
from prior_auth.conformance import fhirpath_suite
from prior_auth.evidence.definitions import EvidenceDefinitions

RULES = Path(__file__).parents[2] / "rules" / "evidence"
PUBLIC = Path(__file__).parents[1] / "charts" / "public"
SHARED = Path(os.environ.get("PRIOR_AUTH_SHARED", Path(__file__).parents[3] / "shared"))
SUITE = SHARED / "suites" / "fhirpath" / "tests-fhir-r4.xml"
DIFFERENCES = json.loads(Path(__file__).with_name("engine_differences.json").read_text())


def catalogue() -> set[tuple[str, str]]:
    """(resource type, expression) of every search and value of rules/evidence."""
    files = {path.name: yaml.safe_load(path.read_text()) for path in sorted(RULES.glob("*.yaml"))}
    searches = [search for definition in EvidenceDefinitions.parse(files) for search in definition.searches]
    wheres = {(search.resource, search.where.text) for search in searches if search.where is not None}
    return wheres | {(search.resource, value.read.text) for search in searches for value in search.values}


def charts() -> list[dict[str, Any]]:
    """The resources of every public patient and of every story."""
    found: list[dict[str, Any]] = []
    for file in sorted(PUBLIC.glob("*.json")):
        found += BundleFile(file).read()
    for name in stories.names():
        found += [entry["resource"] for entry in stories.load(name).chart()["entry"]]
    return found


def answer(text: str, kind: str | None, engine: str, resource: dict[str, Any], **context: Any) -> str:
    """The values with their Python types, and the paths; or that there is an error."""
    try:
        return repr(paths.compile(text, kind, engine=engine, clock=True)(resource, **context))
    except paths.Unsupported:
        raise
    except paths.PathError:
        return "error"


def test_the_engines_agree_on_the_catalogue_over_all_public_patients_and_stories() -> None:
    expressions, resources = catalogue(), charts()
    differing, asked, answered = set(), 0, 0
    for kind, text in sorted(expressions):
        for resource in resources:
            if resource["resourceType"] == kind:
                own, other = (answer(text, kind, engine, resource) for engine in paths.ENGINES)
                asked += 1
                answered += own != "[]"
                if own != other:
                    differing.add(text)
    assert differing == DIFFERENCES["catalogue"].keys()
    assert asked > 3000
    assert answered > 500


@pytest.mark.skipif(not SUITE.is_file(), reason="the official FHIRPath suite is not at hand")
def test_the_engines_differ_on_the_suite_only_where_the_reason_is_written_down() -> None:
    differing = set()
    for case, resource in fhirpath_suite.asked(SUITE):
        kind = resource["resourceType"] if case.resource else None
        try:
            own, other = (
                answer(case.expression, kind, engine, resource, now=fhirpath_suite.NOW) for engine in paths.ENGINES
            )
        except paths.Unsupported:
            continue
        if own != other:
            differing.add(case.key)
    assert differing == DIFFERENCES["suite"].keys()
