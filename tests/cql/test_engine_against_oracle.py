"""The engine against the reference answers of the differential set and of the target rule, where these are at hand."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from prior_auth.cql import CqlError, Resources, compile_library
from prior_auth.cql.normal import normal
from prior_auth.terminology.valuesets import ValueSet, read_value_set, value_sets

SHARED = Path(os.environ.get("PRIOR_AUTH_SHARED", Path(__file__).parents[3] / "shared"))
ORACLE = SHARED / "tools" / "cql_oracle"
AS_OF = dt.datetime(2026, 1, 15, 12, tzinfo=dt.UTC)

pytestmark = pytest.mark.skipif(not ORACLE.is_dir(), reason="the CQL oracle is not at hand")


def sets_in(folder: Path) -> dict[str, ValueSet]:
    return value_sets(read_value_set(json.loads(f.read_text()), where=f.name) for f in sorted(folder.glob("*.json")))


def resources_of(text: str) -> Resources:
    return Resources([entry["resource"] for entry in json.loads(text, parse_float=Decimal)["entry"]])


def same(ours: Any, theirs: Any) -> bool:
    """As the oracle's own comparison: numbers by value, date-times by instant, errors whatever their text."""
    if isinstance(ours, dict) and "error" in ours:
        return isinstance(theirs, dict) and "error" in theirs
    numbers = [isinstance(one, (int, float)) and not isinstance(one, bool) for one in (ours, theirs)]
    if all(numbers):
        return bool(abs(ours - theirs) <= 1e-8 * max(1, abs(ours), abs(theirs)))
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(same(ours[k], theirs[k]) for k in ours)
    if isinstance(ours, str) and isinstance(theirs, str) and ours != theirs and len(ours) == len(theirs):
        return _instant(ours) is not None and _instant(ours) == _instant(theirs)
    return type(ours) is type(theirs) and bool(ours == theirs)


def _instant(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(text.removeprefix("@")) if text.startswith("@") and "T" in text else None
    except ValueError:
        return None


def test_every_define_of_the_differential_set_equals_the_reference() -> None:
    folder = ORACLE / "differential"
    reference = json.loads((folder / "expected.json").read_text())
    manifest = json.loads((folder / "manifest.json").read_text())
    sets = sets_in(folder / "valuesets")
    compared, different = 0, []
    for name, charts in manifest["libraries"].items():
        library = compile_library((folder / "cql" / f"{name}.cql").read_text(), valuesets=sets, name=name)
        for chart in charts:
            resources = resources_of((folder / manifest["charts"][chart]).read_text())
            results = library.evaluate(resources, now=AS_OF)
            for key, answers in reference["expected"].items():
                if key.startswith(f"{name}.") and chart in answers:
                    result = results[key.split(".", 1)[1]]
                    ours = {"error": str(result.problem)} if result.problem else normal(result.value)
                    compared += 1
                    if not same(ours, answers[chart]):
                        different.append((key, chart, ours, answers[chart]))
    assert different == []
    assert compared == 619


def test_every_invalid_library_is_refused_at_its_line() -> None:
    folder = ORACLE / "differential"
    lines = json.loads((folder / "expected.json").read_text())["invalid"]
    assert len(lines) == 14
    for name, errors in lines.items():
        with pytest.raises(CqlError) as refused:
            compile_library((folder / "invalid" / f"{name}.cql").read_text(), name=name)
        assert refused.value.at.line in {error["line"] for error in errors}, name


@pytest.mark.parametrize("variant", ["eligible", "no-lvef", "no-her2", "her2-negative"])
def test_the_target_rule_is_right(variant: str) -> None:
    folder = ORACLE / "bench"
    expected = json.loads((folder / "expected.json").read_text())["expected"][variant]
    chart = subprocess.run(
        [sys.executable, folder / "chart.py", "200", variant], capture_output=True, text=True, check=True
    ).stdout
    library = compile_library((folder / "TargetRule.cql").read_text(), valuesets=sets_in(folder / "valuesets"))
    results = library.evaluate(resources_of(chart))
    assert {name: normal(results[name].value) for name in expected} == expected
