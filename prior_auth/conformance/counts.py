"""What a suite run counts: passed, failed, unsupported, disputed, and their sum, for each part and in all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

PASSED, FAILED, UNSUPPORTED, DISPUTED = "passed", "failed", "unsupported", "disputed"
OUTCOMES = (PASSED, FAILED, UNSUPPORTED, DISPUTED)


def counted(outcomes: Iterable[str]) -> dict[str, int]:
    """The four counts and their total."""
    counts = dict.fromkeys(OUTCOMES, 0)
    for outcome in outcomes:
        counts[outcome] += 1
    return {**counts, "total": sum(counts.values())}


def summed(files: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """`{"passed","failed","unsupported","disputed","total","files":{name: the same five}}`."""
    whole = {name: sum(one[name] for one in files.values()) for name in (*OUTCOMES, "total")}
    return {**whole, "files": dict(files)}
