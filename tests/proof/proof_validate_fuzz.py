"""Damaged Bundles and resources before the validator: findings or none, never an exception, in bounded time.

What is damaged: the committed examples and every golden PAS message, one to six changes each, of any kind. A case also
fails where a finding does not say where, or is longer than `LONGEST`, and where a second judgement, made of one in
ten, differs.
"""

from __future__ import annotations

import copy
import random
import sys
import time
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "fhir_validate"))

from mutations import damage  # noqa: E402

from prior_auth.errors import BadInput  # noqa: E402
from prior_auth.fhir import json  # noqa: E402
from prior_auth.fhir.validate import Issue, check_structure, has_errors, validate  # noqa: E402

SIZE, CHUNK = 20_000, 500
SECONDS = 2.0  # of processor time, for both judgements; the typical case takes 0.02
LONGEST = 2_000


def prove(seed: int, first: int, count: int) -> tuple[Counter[str], list[str]]:
    outcomes: Counter[str] = Counter()
    failures = []
    for number in range(first, first + count):
        dice = random.Random(f"{seed}/{number}")
        try:
            outcomes[_outcome(dice)] += 1
        except Exception as problem:
            failures.append(f"{number}: {type(problem).__name__}: {str(problem)[:200]}")
    return outcomes, failures


def _outcome(dice: random.Random) -> str:
    resource = copy.deepcopy(dice.choice(_resources()))
    damage(resource, dice)
    try:
        resource = json.read(json.write(resource))
    except BadInput:
        return "refused when read"
    start = time.process_time()
    found = validate(resource)
    if dice.random() < 0.1:
        assert validate(resource) == found, "judged otherwise the second time"
    took = time.process_time() - start
    assert took < SECONDS, f"{took:.1f} s"
    for one in (*found, *check_structure(resource)):
        _is_told_well(one)
    return "errors" if has_errors(found) else "no errors"


def _is_told_well(one: Issue) -> None:
    assert one.path[:1].isupper(), f"a path that opens with no type: {one.path[:80]}"
    assert one.message, f"no message at {one.path[:80]}"
    assert max(map(len, (one.path, one.message, one.fix or ""))) <= LONGEST, f"too long at {one.path[:80]}"


@cache
def _resources() -> list[dict[str, Any]]:
    folders = ("tests/fhir_validate/examples", "tests/golden/pas")
    files = [file for folder in folders for file in sorted((ROOT / folder).glob("*.json"))]
    return [json.read(file.read_bytes()) for file in files]
