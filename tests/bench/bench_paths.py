"""Every FHIRPath expression of the evidence catalogue over a chart of 5,000 resources: our engine and fhirpathpy.

The chart is the public patients' resources again and again. Each expression is asked of every resource of its type,
which is more than gathering does: that asks the index first. Times are of this thread's own work.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import yaml

from prior_auth import paths
from prior_auth.charts.bundle_file import BundleFile
from prior_auth.evidence.definitions import EvidenceDefinitions

SIZE = 5_000
RULES = Path(__file__).parents[2] / "rules" / "evidence"
PUBLIC = Path(__file__).parents[1] / "charts" / "public"
TARGET = 0.5  # seconds

_Chart = Mapping[str, Sequence[dict[str, Any]]]


def measure() -> Iterator[dict[str, object]]:
    expressions, resources = sorted(catalogue()), chart()
    asked = sum(len(resources[kind]) for kind, _ in expressions)
    what = f"{len(expressions)} expressions over {SIZE} resources, {asked} evaluations"
    took = {engine: min(_seconds(expressions, resources, engine) for _ in range(3)) for engine in paths.ENGINES}
    own, other = took[paths.OWN], took[paths.LIBRARY]
    yield {
        "name": f"own: {what}",
        "value": round(own, 3),
        "unit": "s",
        "target": f"under {TARGET} s",
        "met": own < TARGET,
    }
    yield {"name": f"fhirpathpy: {what}", "value": round(other, 3), "unit": "s"}
    yield {"name": f"own against fhirpathpy: {what}", "value": round(other / own, 1), "unit": "times faster"}


def catalogue() -> set[tuple[str, str]]:
    files = {path.name: yaml.safe_load(path.read_text()) for path in sorted(RULES.glob("*.yaml"))}
    searches = [search for definition in EvidenceDefinitions.parse(files) for search in definition.searches]
    wheres = {(search.resource, search.where.text) for search in searches if search.where is not None}
    return wheres | {(search.resource, value.read.text) for search in searches for value in search.values}


def chart() -> _Chart:
    found = [resource for file in sorted(PUBLIC.glob("*.json")) for resource in BundleFile(file).read()]
    by_type: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for resource in islice(cycle(found), SIZE):
        by_type[resource["resourceType"]].append(resource)
    return by_type


def _seconds(expressions: Sequence[tuple[str, str]], resources: _Chart, engine: str) -> float:
    evaluators = [(paths.compile(text, kind, engine=engine), kind) for kind, text in expressions]
    start = time.thread_time()
    for ask, kind in evaluators:
        for resource in resources[kind]:
            ask(resource)
    return time.thread_time() - start
