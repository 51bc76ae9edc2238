"""Mutated libraries and mutated charts: refused or a problem, never a crash, a hang or another exception."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest

from prior_auth.cql import Budget, CqlError, Resources, compile_library
from prior_auth.cql.normal import normal
from prior_auth.terminology.valuesets import ValueSet

LIBRARY = """library Fuzz version '1'
using FHIR version '4.0.1'
include FHIRHelpers version '4.0.1' called FHIRHelpers
codesystem "LOINC": 'http://loinc.org'
valueset "Set": 'http://example.org/set'
code "LVEF": '10230-1' from "LOINC"
parameter AsOf Date default @2026-01-15
context Patient
define function Level(o FHIR.Observation): (o.value as FHIR.Quantity)
define "Recent": Last([Observation: "LVEF"] O
  where O.status in { 'final', 'amended' } and (O.effective as FHIR.dateTime) 90 days or less on or before AsOf
  sort by (effective as FHIR.dateTime).value)
define "High": Level("Recent") >= 50 '%'
define "Coded": [Observation] O let c: O.code where exists (c.coding K where K in "Set") return Tuple { id: O.id, c: c }
define "Pairs": from [Observation] A, [Observation] B where A.effective before B.effective as FHIR.dateTime return 1
define "Age": AgeInYearsAt(AsOf)
define "Span": Interval[AsOf - 2 months, AsOf) overlaps Interval[@2026-01, @2026-02]
define "Text": case when Matches(Patient.gender, 'f.*') then Upper(Patient.gender) else Combine({ 'a', null }, '-') end
define "Sum": Sum([Observation] O return all Level(O).value.value) + Count({ 1, 2 } union { 3 }) / 2
"""
SETS = {
    "http://example.org/set": ValueSet("http://example.org/set", None, frozenset({("http://loinc.org", "10230-1")}))
}
CHART: list[dict[str, Any]] = [
    {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1968-04-12"},
    *(
        {
            "resourceType": "Observation", "id": f"o{n}", "status": "final", "effectiveDateTime": f"2026-01-0{n}",
            "code": {"coding": [{"system": "http://loinc.org", "code": "10230-1", "display": "LVEF"}]},
            "valueQuantity": {"value": 50 + n, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"},
            "component": [{"code": {"text": "x"}, "valueString": "y"}],
        }
        for n in range(1, 5)
    ),
]  # fmt: skip
SCRAPS = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    '"',
    "'",
    ",",
    ".",
    ":",
    "and",
    "not",
    "null",
    "5",
    "@2026",
    "Interval[",
    "in",
    "-",
]


def mutated_text(random_: random.Random, text: str = LIBRARY) -> str:
    words = text.split(" ")
    for _ in range(random_.randint(1, 3)):
        place = random_.randrange(len(words))
        kind = random_.randrange(4)
        if kind == 0:
            del words[place]
        elif kind == 1:
            words.insert(place, random_.choice(SCRAPS))
        elif kind == 2:
            words[place] = random_.choice(words)
        else:
            word = words[place]
            cut = random_.randint(0, len(word))
            words[place] = word[:cut] + random_.choice(SCRAPS) + word[cut:]
    return " ".join(words)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        yield (*path, name)
        yield from places(child, (*path, name))


def mutated_chart(random_: random.Random, resources: list[dict[str, Any]] = CHART) -> list[dict[str, Any]]:
    chart = copy.deepcopy(resources)
    for _ in range(random_.randint(1, 4)):
        found = [path for path in places(chart) if len(path) > 1 and path[-1] != "resourceType"]
        path = random_.choice(found)
        holder: Any = chart
        for step in path[:-1]:
            holder = holder[step]
        odd = [None, 5, -1.5, "", "x", "2026-13-45", True, [], {}, [None], {"value": "x"}, ["x"], [[]]]
        holder[path[-1]] = random_.choice(odd)
    return chart


@pytest.mark.parametrize("seed", range(8))
def test_a_mutated_library_is_refused_or_runs(seed: int) -> None:
    random_ = random.Random(seed)
    for _ in range(60):
        text = mutated_text(random_)
        try:
            library = compile_library(text, valuesets=SETS, name="Fuzz.cql")
        except CqlError:
            continue
        results = library.evaluate(Resources(CHART), budget=Budget(steps=20_000))
        for name in results:
            assert results[name].problem is not None or normal(results[name].value) is not NotImplemented


@pytest.mark.parametrize("seed", range(4))
def test_a_mutated_chart_gives_values_or_problems(seed: int) -> None:
    random_ = random.Random(seed)
    library = compile_library(LIBRARY, valuesets=SETS, name="Fuzz.cql")
    for _ in range(150):
        results = library.evaluate(Resources(mutated_chart(random_)))
        for name in results:
            result = results[name]
            assert result.problem is None or result.value is None
            assert result.problem is not None or name not in ("High", "Span") or result.value in (True, False, None)
