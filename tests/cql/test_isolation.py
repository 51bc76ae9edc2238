"""The same library over the same chart gives the same answer: in threads, in processes, in any order."""

from __future__ import annotations

import copy
import json
import os
import pkgutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import prior_auth.cql
from prior_auth.cql import Resources, compile_library
from prior_auth.cql.normal import normal
from prior_auth.terminology import ucum
from prior_auth.terminology.valuesets import ValueSet

LIBRARY = """library Shared version '1'
using FHIR version '4.0.1'
include FHIRHelpers version '4.0.1'
codesystem "LOINC": 'http://loinc.org'
valueset "Set": 'http://example.org/set'
parameter AsOf DateTime default @2026-01-15T12:00:00.0Z
context Patient
define function Level(o FHIR.Observation): (o.value as FHIR.Quantity)
define "Recent": [Observation: "Set"] O
  where O.status in { 'final', 'amended' } and (O.effective as FHIR.dateTime) in Interval[AsOf - 30 days, AsOf]
  sort by (effective as FHIR.dateTime).value desc, id.value
define "Ids": "Recent" R return R.id.value
define "High": "Recent" R where Level(R) > 0.05 'g' return R.id.value
define "Texts": distinct ("Recent" R return all Upper(R.status) + '/' + ToString(Level(R).value.value))
define "Pairs": Count(from "Recent" A, "Recent" B where Level(A) < Level(B) return all 1)
define "Words": [Observation] O where Matches(O.id.value, '^o-[0-9]*7$') return O.id.value
"""
SETS = {"http://example.org/set": ValueSet("http://example.org/set", None, frozenset({("http://loinc.org", "1-8")}))}
SIZES = (0, 1, 2, 7, 13, 20)


def chart(size: int) -> list[dict[str, Any]]:
    coding = {"system": "http://loinc.org", "code": "1-8"}
    return [
        {
            "resourceType": "Observation", "id": f"o-{n}", "status": ("final", "amended", "cancelled")[n % 3],
            "code": {"coding": [coding]}, "effectiveDateTime": f"2026-01-{1 + (n * 7 + size) % 28:02}",
            "valueQuantity": {"value": (n * 37 + size) % 100, "unit": "mg", "code": ("mg", "g", "{odd}")[n % 11 // 5]},
        }
        for n in range(size)
    ]  # fmt: skip


def answers(size: int) -> str:
    """Every value, the references and the steps of one evaluation, as text."""
    results = LOADED.evaluate(Resources(chart(size)))
    told = {name: [normal(results[name].value), str(results[name].problem)] for name in results}
    return json.dumps([told, results.steps], default=str)


LOADED = compile_library(LIBRARY, valuesets=SETS, name="Shared.cql")


def test_threads_give_what_one_thread_gives() -> None:
    alone = [answers(size) for size in SIZES]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(answers, SIZES * 10))
    assert together == alone * 10


def test_processes_give_the_same_whatever_their_hashes() -> None:
    """A set's order differs from process to process; no answer may."""
    code = "import test_isolation as here; [print(here.answers(size)) for size in here.SIZES]"
    alone = [answers(size) for size in SIZES]
    for seed in ("1", "2"):
        paths = [str(Path(prior_auth.cql.__file__).parents[2]), str(Path(__file__).parent)]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(paths)}
        command = [sys.executable, "-c", code]
        told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
        assert told.splitlines() == alone


def modules() -> list[ModuleType]:
    found = pkgutil.walk_packages(prior_auth.cql.__path__, "prior_auth.cql.")
    return [import_module(one.name) for one in found]


def test_an_evaluation_leaves_nothing_behind() -> None:
    """Tables are made when a module is imported; nothing is put into them or taken out of them later."""
    tables = {
        (module.__name__, name): value
        for module in modules()
        for name, value in vars(module).items()
        if isinstance(value, (dict, list, set)) and not name.startswith("__")
    }
    assert tables
    before = {key: copy.copy(value) for key, value in tables.items()}
    compile_library(LIBRARY.replace("Shared", "Other"), valuesets=SETS).evaluate(Resources(chart(20)))["Texts"]
    answers(13)
    assert tables == before


def test_a_chart_is_not_changed_and_no_answer_is_shared() -> None:
    resources = chart(9)
    as_sent = copy.deepcopy(resources)
    library = compile_library("define A: { 1, 2 } define B: { Tuple { a: { 3 } } }")
    first = library.evaluate(Resources([]))["B"].value
    first[0]["a"] = "changed by who asked"
    assert library.evaluate(Resources([]))["B"].value[0]["a"] in ([3], (3,))
    assert isinstance(library.evaluate(Resources([]))["A"].value, tuple)  # the same for all, so nobody can change it
    LOADED.evaluate(Resources(resources))["Pairs"]
    assert resources == as_sent


def test_what_a_chart_calls_a_unit_is_not_remembered() -> None:
    before = ucum._unit.cache_info().currsize
    for text in ("Jane Example", "{Jane Example}", "mg{Jane}", "see note", "12 Oak Street"):
        ucum.parse(text)
    known = {"mg", "1", ""}
    assert ucum._unit.cache_info().currsize - before <= len(known)
