"""The whole catalogue over a chart of 5,000 resources: a public patient among years of results.

And over a story's chart filled up with all that charts are full of, small and large: work grows with the chart, and no
faster.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from charts import filled  # a script's own folder is on the path

from prior_auth import stories
from prior_auth.charts.bundle_file import BundleFile
from prior_auth.evidence.gather import gather
from prior_auth.fhir.chart_bundle import chart_resources
from prior_auth.rulebook import evidence_definitions

CHART = Path(__file__).parents[1] / "charts" / "public" / "mcode-stu4-jenny-m-breast-full.json"
SIZE, TARGET = 5_000, 0.5  # resources; seconds
SMALL, STORY = 50, "breast-her2-adjuvant"
AS_OF = date(2026, 11, 1)
_TESTS = ("2951-2", "2823-3", "718-7", "6690-2", "777-3", "2160-0", "1742-6", "8480-6", "8867-4", "29463-7", "33914-3")


def measure() -> Iterator[dict[str, Any]]:
    definitions, chart = evidence_definitions(), _chart()
    gather(chart[:200], as_of=AS_OF, definitions=definitions)
    seconds = min(_timed(chart, definitions) for _ in range(5))
    yield {
        "name": f"{len(definitions.items)} evidence items over {SIZE:,} resources",
        "value": round(seconds, 3),
        "unit": "s",
        "target": f"under {TARGET} s",
        "met": seconds < TARGET,
    }
    story = stories.load(STORY)
    own = chart_resources(story.chart())
    took = []
    for size in (SMALL, SIZE):
        mixed = filled(own, size, story.day)
        took.append(min(_timed(mixed, definitions, story.day) for _ in range(5)))
        name = f"{len(definitions.items)} evidence items over {size:,} resources of all kinds"
        yield {"name": name, "value": round(took[-1], 3), "unit": "s"}
    growth, grown = took[1] / took[0], SIZE // SMALL
    yield {
        "name": f"evidence over {grown} times the resources",
        "value": round(growth, 1),
        "unit": "times the time",
        "target": f"at most {grown}",
        "met": growth <= grown,
    }


def _timed(chart: list[dict[str, Any]], definitions: Any, day: date = AS_OF) -> float:
    begun = time.process_time()
    gather(chart, as_of=day, definitions=definitions)
    return time.process_time() - begun


def _chart() -> list[dict[str, Any]]:
    """Results of sixteen years in units that fit, some that contradict each other, some that cannot be read."""
    resources = BundleFile(CHART).read()
    patient = next(each["id"] for each in resources if each["resourceType"] == "Patient")
    for number in range(SIZE - len(resources)):
        day = f"20{10 + number % 16:02d}-{1 + number % 12:02d}-{1 + number % 28:02d}"
        resources.append(
            {
                "resourceType": "Observation",
                "id": f"result-{number}",
                "status": "final",
                "subject": {"reference": f"Patient/{patient}"},
                "code": {
                    "coding": [{"system": "http://loinc.org", "code": _TESTS[number % len(_TESTS)]}],
                    "text": f"Laboratory test {number % 300}",
                },
                "effectiveDateTime": day,
                "valueQuantity": {"value": Decimal(50 + number % 80) / 10, "unit": "g/dL", "code": "g/dL"},
            }
        )
    return resources
