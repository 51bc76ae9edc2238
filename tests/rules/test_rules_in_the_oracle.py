"""Policies run unchanged in the reference engine over exported views, and come to the same."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from prior_auth.cql import Library, Resources, Result, compile_elm
from prior_auth.cql.normal import normal
from prior_auth.fhir import json as fhir_json
from prior_auth.fhir.mcode import view_bundle
from prior_auth.policy.model import Policy
from prior_auth.policy.rule import Rule
from prior_auth.rulebook import rules_folder

SHARED = Path(os.environ.get("PRIOR_AUTH_SHARED", Path(__file__).parents[3] / "shared"))
ORACLE = SHARED / "tools" / "cql_oracle"

pytestmark = [
    pytest.mark.skipif(not ORACLE.is_dir(), reason="the CQL oracle is not at hand"),
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
]


# `whole` takes every case (more than an hour), `stories` one of each story (minutes); otherwise a few of some policies.
MODE = os.environ.get("PRIOR_AUTH_ORACLE", "")


def _chosen(cases: Sequence[Any], first: int, *parts: float) -> Sequence[Any]:
    """Of every fourth policy from the `first` the cases that stand at these parts of its list, or more by MODE."""
    if MODE == "whole":
        return cases
    if MODE == "stories":
        return list({(case.policy, case.told["story"]): case for case in reversed(cases)}.values())
    by_policy: dict[str, list[Any]] = {}
    for case in cases:
        by_policy.setdefault(case.policy, []).append(case)
    return [group[int(part * len(group))] for group in list(by_policy.values())[first::4] for part in parts]


def test_evidence_and_tests_of_the_cases_equal_the_reference(every_case: Any, judge: Any, tmp_path: Path) -> None:
    cases = _chosen(every_case, 0, 0, 0.3, 0.6)
    runs: dict[str, dict[str, Any]] = {}
    ours: dict[str, Any] = {}
    for number, case in enumerate(cases):
        found = judge(case)
        bundle, parameters = tmp_path / f"{number}.json", tmp_path / f"{number}.parameters.json"
        bundle.write_bytes(fhir_json.write(view_bundle(found.evidence, case.as_of)))
        parameters.write_text(json.dumps({name: _parameter(one) for name, one in found.hearing.parameters.items()}))
        defines = _defines(found.rule.policy)
        library = _library_of(found.rule.policy)
        run = runs.setdefault(case.policy, {"library": str(library), "defines": defines, "charts": []})
        run["charts"].append({"id": case.name, "bundle": str(bundle), "parameters": str(parameters)})
        ours[case.name] = {name: found.hearing.results[name] for name in defines}
    theirs = _asked(
        {
            "include": [str(rules_folder() / "libraries")],
            "valuesets": str(rules_folder() / "codes"),
            "runs": list(runs.values()),
        }
    )
    different = [
        (name, define, mine, reference)
        for name, results in ours.items()
        for define, result in results.items()
        if (mine := _ours(result)) != (reference := _comparable(theirs[name][define]))
    ]
    assert different == []
    assert sum(map(len, ours.values())) > 20 * len(cases)


def test_policies_come_to_the_same_from_elm(every_case: Any, judge: Any) -> None:
    cases = _chosen(every_case, 2, 0.3)
    rules = {case.policy: judge(case).rule for case in cases}
    translated = _asked(
        {
            "include": [str(rules_folder() / "libraries")],
            "libraries": {id: str(_library_of(rule.policy)) for id, rule in rules.items()},
        },
        script="translate.mjs",
    )
    libraries = {id: _from_elm(translated[id], rules[id]) for id in rules}
    compared, different = 0, []
    for case in cases:
        hearing = judge(case).hearing
        again = libraries[case.policy].evaluate(Resources(hearing.evidence.view), hearing.parameters)
        for define, result in again.items():
            compared += 1
            if _plain(result) != _plain(hearing.results[define]):
                different.append((case.name, define, _plain(result), _plain(hearing.results[define])))
    assert different == []
    assert compared > 50 * len(cases)


def _plain(result: Result) -> Any:
    return {"error": True} if result.problem else normal(result.value)


def _from_elm(documents: list[Any], rule: Rule) -> Library:
    included = {one["library"]["identifier"]["id"]: one for one in documents[1:]}
    return compile_elm(documents[0], include=included, valuesets=rule.library.value_sets, name=rule.policy.id)


def _library_of(policy: Policy) -> Path:
    return rules_folder().parent / policy.file.replace("policy.yaml", "policy.cql")


def _defines(policy: Policy) -> list[str]:
    """What criteria and paths lean on."""
    named = [define for one in policy.criteria for define in one.defines]
    return list(dict.fromkeys([*named, *(one.fits for one in policy.paths), *(one.fits for one in policy.unwritten)]))


def _ours(result: Result) -> Any:
    return {"error": True} if result.problem else _comparable(normal(result.value))


def _asked(question: Any, script: str = "oracle.mjs") -> Any:
    environment = {**os.environ, "TZ": "UTC", "CQL_ORACLE_MODULES": str(_modules())}
    done = subprocess.run(
        ["node", "--stack-size=4000", str(Path(__file__).with_name(script)), str(ORACLE)],
        input=json.dumps(question),
        capture_output=True,
        text=True,
        env=environment,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def _modules() -> Path:
    """The oracle's node modules; its own first use installs them."""
    ready = subprocess.run([str(ORACLE / "run"), "versions"], capture_output=True, text=True, timeout=300, check=False)
    if ready.returncode != 0:
        pytest.skip(f"the oracle's node modules cannot be installed: {ready.stderr[-200:]}")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "cql-oracle"
    return max((one.parent for one in cache.glob("node-*/.complete")), key=lambda folder: folder.stat().st_mtime)


def _parameter(value: Any) -> Any:
    if isinstance(value, date):
        return f"@{value.isoformat()}"
    return float(value) if isinstance(value, Decimal) else value


def _comparable(value: Any) -> Any:
    """Numbers by value, errors whatever their text, resources by reference; a date-time by its day and digits."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return round(float(value), 6)
    if isinstance(value, list):
        return [_comparable(one) for one in value]
    if "error" in value:
        return {"error": True}
    return {key: _comparable(one) for key, one in value.items()}
