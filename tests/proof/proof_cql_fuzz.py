"""Mutated libraries over mutated charts: refused at load with a line, or values of the declared type, or problems.

Libraries: the small one of tests/cql/test_fuzz.py, which uses most of the language, and every rule library and policy
of this repository. In each case the text is damaged (two cases of three), the chart is damaged (two of three), or both.
A case fails on any exception that is no refusal, on a value of another type than declared, on a refusal without line
and column, and on more than `SECONDS`.
"""

from __future__ import annotations

import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "cql"))

import test_fuzz as small  # noqa: E402

from prior_auth.cql import Budget, CqlError, EvaluationError, Library, Resources, compile_library  # noqa: E402
from prior_auth.cql.conversions import tester  # noqa: E402
from prior_auth.cql.normal import normal  # noqa: E402
from prior_auth.fhir import json  # noqa: E402
from prior_auth.terminology.valuesets import ValueSet, read_value_set, value_sets  # noqa: E402

SIZE, CHUNK = 20_000, 200
SECONDS = 20.0  # of processor time; the slowest honest case takes less than one
BUDGET = Budget(steps=20_000)


class TookTooLong(Exception):
    pass


def prove(seed: int, first: int, count: int) -> tuple[Counter[str], list[str]]:
    outcomes: Counter[str] = Counter()
    failures = []
    for number in range(first, first + count):
        dice = random.Random(f"{seed}/{number}")
        try:
            with _at_most(SECONDS):
                outcomes[_outcome(dice)] += 1
        except Exception as problem:
            failures.append(f"{number}: {type(problem).__name__}: {str(problem)[:200]}")
    return outcomes, failures


def _outcome(dice: random.Random) -> str:
    name = dice.choice(sorted(_texts()))
    damaged = dice.choice(["text", "chart", "both"])
    text = small.mutated_text(dice, _texts()[name]) if damaged != "chart" else _texts()[name]
    resources = dice.choice(_charts())
    chart = small.mutated_chart(dice, resources) if damaged != "text" else resources
    try:
        library = _compiled(name, text) if damaged != "chart" else _sound(name)
    except CqlError as refusal:
        return _refused(refusal)
    return _evaluated(library, chart)


def _refused(refusal: CqlError) -> str:
    _, line, column = str(refusal.where).rsplit(":", 2)
    assert min(int(line), int(column)) > 0, "a refusal without its place"
    assert refusal.message, "a refusal without words"
    return "refused at load"


def _evaluated(library: Library, chart: list[dict[str, Any]]) -> str:
    results = library.evaluate(Resources(chart), budget=BUDGET)
    problems = 0
    for name in results:
        result = results[name]
        if result.problem is not None:
            assert result.value is None, f"{name}: a problem and a value"
            assert result.problem.message, f"{name}: a problem without words"
            problems += 1
        elif result.value is not None:
            assert tester(result.type)(result.value), f"{name}: not of the declared type {result.type}"
            problems += not _is_shown(result.value)
    return "ran with named problems" if problems else "ran"


def _is_shown(value: object) -> bool:
    """A value may hold a part of the chart that is malformed and was not read: showing it is then a named problem."""
    try:
        normal(value)
    except EvaluationError:
        return False
    return True


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise TookTooLong(f"more than {seconds} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    start = time.process_time()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    if time.process_time() - start > seconds:
        raise TookTooLong(f"{time.process_time() - start:.0f} s")


@cache
def _texts() -> dict[str, str]:
    files = [*(ROOT / "rules").glob("libraries/*.cql"), *(ROOT / "rules").glob("payers/*/*/policy.cql")]
    return {"Fuzz": small.LIBRARY, **{str(one.relative_to(ROOT)): one.read_text() for one in files}}


@cache
def _libraries() -> dict[str, str]:
    return {Path(name).stem: text for name, text in _texts().items() if "libraries" in name}


@cache
def _sets() -> dict[str, ValueSet]:
    files = sorted((ROOT / "rules" / "codes").glob("*.json"))
    return small.SETS | value_sets(read_value_set(json.read(one.read_bytes()), where=one.name) for one in files)


def _compiled(name: str, text: str) -> Library:
    return compile_library(text, include=_libraries(), valuesets=_sets(), name=name)


@cache
def _sound(name: str) -> Library:
    return _compiled(name, _texts()[name])


@cache
def _charts() -> list[list[dict[str, Any]]]:
    mcode = json.read((ROOT / "tests/fhir_validate/examples/mcode-patient.json").read_bytes())
    request = json.read((ROOT / "tests/golden/pas/request.json").read_bytes())
    return [small.CHART, *([one["resource"] for one in bundle["entry"]] for bundle in (mcode, request))]
