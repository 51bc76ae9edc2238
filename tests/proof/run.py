"""`make proof`: the big numbers, seeded and resumable. Every `proof_*.py` beside this file, or those named.

A proof module has `SIZE` (cases in all), `CHUNK` (cases between two savings) and
`prove(seed, first, count) -> tuple[Counter[str], list[str]]`: how often each outcome came up in the cases `first` to
`first + count`, and each failure in one line that names its case. What is done so far lies in `state/`; a finished
proof writes `results/<name>.json`, which is committed. `--seed N` (default 20261125), `--size N` for a smaller run,
`--jobs N` processes (default: one for each processor); what comes out does not depend on them.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent


def run(name: str, module: ModuleType, seed: int, size: int, jobs: int) -> dict[str, Any]:
    """Go on from the state of an interrupted run of the same seed and size; the result when all is done."""
    state = HERE / "state" / f"{name}-{seed}-{size}.json"
    done: dict[str, Any] = {"cases": 0, "outcomes": {}, "failures": []}
    if state.exists():
        done = json.loads(state.read_text())
    firsts = range(done["cases"], size, module.CHUNK)
    with ProcessPoolExecutor(jobs) as pool:
        counts = [min(module.CHUNK, size - one) for one in firsts]
        chunks = pool.map(_chunk, repeat(name), repeat(seed), firsts, counts)
        for first, (outcomes, failures) in zip(firsts, chunks, strict=True):
            done = {
                "cases": min(first + module.CHUNK, size),
                "outcomes": dict(sorted((Counter(done["outcomes"]) + outcomes).items())),
                "failures": done["failures"] + failures,
            }
            state.parent.mkdir(exist_ok=True)
            state.write_text(json.dumps(done))
            print(f"{name}: {done['cases']} of {size}, {len(done['failures'])} failed", file=sys.stderr, flush=True)
    state.unlink(missing_ok=True)
    return {"proof": name, "date": datetime.now(UTC).date().isoformat(), "seed": seed, **done}


def _chunk(name: str, seed: int, first: int, count: int) -> tuple[Counter[str], list[str]]:
    found: tuple[Counter[str], list[str]] = _module(name).prove(seed, first, count)
    return found


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"proof_{name}")  # a script's own folder is on the path


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("names", nargs="*")
    options.add_argument("--seed", type=int, default=20261125)
    options.add_argument("--size", type=int)
    options.add_argument("--jobs", type=int, default=os.cpu_count())
    asked = options.parse_args()
    failed = False
    for file in sorted(HERE.glob("proof_*.py")):
        name = file.stem.removeprefix("proof_")
        if asked.names and name not in asked.names:
            continue
        module = _module(name)
        result = run(name, module, asked.seed, asked.size or module.SIZE, asked.jobs)
        failed |= bool(result["failures"])
        text = json.dumps(result, indent=1)
        if asked.size is None:
            (HERE / "results").mkdir(exist_ok=True)
            (HERE / "results" / f"{name}.json").write_text(text + "\n")
        print(text)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
