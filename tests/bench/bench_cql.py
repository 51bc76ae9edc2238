"""The target rule of the reference benchmark: our verdict and our why against cql-execution, in one run.

Both engines get the same charts, already read from JSON, and give the values of all 13 defines; the index over the
chart is built anew for every evaluation. A chart is timed half before and half after the reference engine's turn, so
that a machine busy with other things slows both; `load` tells how busy it was. Times are medians by the wall clock; on
a busy machine the ratio by each engine's own time (CPU; of Node's process with its helper threads) says more.
Where the reference tools (PRIOR_AUTH_SHARED) or Node are not here, the rows say so and hold absolute figures only: a
policy of ours over the view of charts of the same sizes is always timed.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from charts import filled  # a script's own folder is on the path

from prior_auth import stories
from prior_auth.cql import Library, Resources, compile_library
from prior_auth.cql.normal import normal
from prior_auth.cql.why import explanation
from prior_auth.engine import JUDGING
from prior_auth.evidence.gather import gather
from prior_auth.fhir import json as fhir_json
from prior_auth.fhir.chart_bundle import chart_resources
from prior_auth.fhir.orders import authorization_request
from prior_auth.policy.assess import assess
from prior_auth.rulebook import Rulebook
from prior_auth.terminology.valuesets import read_value_set, value_sets

ROOT = Path(__file__).parents[2]
ORACLE = Path(os.environ.get("PRIOR_AUTH_SHARED", ROOT.parent / "shared")) / "tools" / "cql_oracle"
SIZES = {200: (100, 200), 5000: (200, 60)}  # resources: how many times faster a verdict must be, rounds of ours
# The reference engine takes two turns; what the second takes more is the time of the evaluations that it has more.
THEIR_ROUNDS, THEIR_WARMUP = {200: (10, 90), 5000: (3, 13)}, 5
WHY_TARGET, WHY_SHARE = 40, 3  # why is slower: a third of the rounds
STORY = "breast-her2-adjuvant"
AS_OF = "2026-01-15T12:00:00.000+00:00"

Resource = dict[str, Any]


def measure() -> Iterator[dict[str, object]]:
    if ORACLE.is_dir():
        yield from target_rule_rows()
    else:
        yield {"name": "target rule", "value": None, "unit": "", "note": f"{ORACLE} is not here"}
    yield from policy_rows()


def target_rule_rows() -> Iterator[dict[str, object]]:
    library = target_rule()
    for size, (target, rounds) in SIZES.items():
        text = chart(size)
        resources = [entry["resource"] for entry in fhir_json.read(text.encode())["entry"]]
        check(library, resources)
        ways = {"verdict": (verdict, target, rounds), "full why": (why, WHY_TARGET, rounds // WHY_SHARE)}
        calls = {name: functools.partial(way, library, resources) for name, (way, _, _) in ways.items()}
        took = {name: timed(calls[name], rounds // 2) for name, (_, _, rounds) in ways.items()}
        theirs = reference(text, *THEIR_ROUNDS[size])
        for name, (_, wanted, rounds) in ways.items():
            ours = median(took[name] + timed(calls[name], rounds // 2))
            yield from rows(f"{name} of the target rule, {size} resources", ours, theirs, wanted)


def policy_rows() -> Iterator[dict[str, object]]:
    """The sample policy for trastuzumab over what was gathered from charts of these sizes."""
    rulebook, story = Rulebook.load(), stories.load(STORY)
    own = chart_resources(story.chart())
    for size in SIZES:
        resources = filled(own, size, story.day)
        evidence = gather(resources, as_of=story.day, definitions=rulebook.definitions)
        request = authorization_request(resources, as_of=story.day, order=story.order)
        judged = functools.partial(assess, request, evidence, rulebook, as_of=story.day, budget=JUDGING)
        took = median(timed(judged, 20)).own
        name = f"assess {story.order} by its policy, {len(evidence.view)} resources in the view of {size}"
        yield {"name": name, "value": round(took, 2), "unit": "ms"}


class Took(NamedTuple):
    """Milliseconds by the wall clock, and of the engine's own time."""

    wall: float
    own: float


def rows(name: str, ours: Took, theirs: tuple[str, Took] | None, target: int) -> Iterator[dict[str, object]]:
    yield {"name": name, "value": round(ours.wall, 3), "unit": "ms", "own_time": round(ours.own, 3)}
    if theirs is None:
        yield {"name": f"{name}, against cql-execution", "value": None, "unit": "", "note": "Node is not here"}
        return
    engine, took = theirs
    ratio = took.wall / ours.wall
    yield {
        "name": f"{name}, against {engine} ({took.wall:.1f} ms)", "value": round(ratio, 1), "unit": "times faster",
        "target": f"at least {target}", "met": ratio >= target, "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    yield {
        "name": f"{name}, against {engine} by own time ({took.own:.1f} ms)", "value": round(took.own / ours.own, 1),
        "unit": "times faster",
    }  # fmt: skip


def verdict(library: Library, resources: list[Resource]) -> object:
    results = library.evaluate(Resources(resources))
    return [results[name].value for name in results]


def why(library: Library, resources: list[Resource]) -> object:
    results = library.evaluate(Resources(resources), traced=True)
    return explanation(results, *results)


def timed(call: Callable[[], object], rounds: int) -> list[Took]:
    for _ in range(5):
        call()
    took = []
    for _ in range(rounds):
        wall, own = time.perf_counter(), time.thread_time()
        call()
        took.append(Took((time.perf_counter() - wall) * 1000, (time.thread_time() - own) * 1000))
    return took


def median(took: list[Took]) -> Took:
    return Took(*(statistics.median(column) for column in zip(*took, strict=True)))


def target_rule() -> Library:
    folder = ORACLE / "bench"
    sets = value_sets(
        read_value_set(json.loads(file.read_text()), where=file.name) for file in sorted(folder.glob("valuesets/*"))
    )
    return compile_library((folder / "TargetRule.cql").read_text(), valuesets=sets, name="TargetRule.cql")


def chart(size: int) -> str:
    """An eligible patient's chart of that many resources, by the reference benchmark's own generator."""
    file = ORACLE / "bench" / "chart.py"
    spec = importlib.util.spec_from_file_location("reference_chart", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return json.dumps(module.chart(size, "eligible"))


def check(library: Library, resources: list[Resource]) -> None:
    """No figure for a wrong answer."""
    expected = json.loads((ORACLE / "bench" / "expected.json").read_text())["expected"]["eligible"]
    results = library.evaluate(Resources(resources))
    assert {name: normal(results[name].value) for name in results} == expected


def reference(chart: str, few: int, many: int) -> tuple[str, Took] | None:
    """The reference engine's name and what an evaluation takes it; None where Node is not here."""
    if shutil.which("node") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "chart.json"
        file.write_text(chart)
        _, before = turn(file, few)
        told, after = turn(file, many)
    own = (after - before) / (many - few) * 1000
    return told["engine"], Took(told["evaluations"][0]["median_ms"], own)


def turn(file: Path, rounds: int) -> tuple[dict[str, Any], float]:
    """What the reference engine tells of so many evaluations, and the seconds of its process's own time."""
    bench = ORACLE / "bench"
    command = [
        str(ORACLE / "run"), "bench", str(bench / "TargetRule.cql"), str(file), "--valuesets", str(bench / "valuesets"),
        "--as-of", AS_OF, "-n", str(rounds), "--warmup", str(THEIR_WARMUP),
    ]  # fmt: skip
    start = resource.getrusage(resource.RUSAGE_CHILDREN)
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    return json.loads(told), end.ru_utime - start.ru_utime + end.ru_stime - start.ru_stime
