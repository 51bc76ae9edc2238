"""`make bench`: every `bench_*.py` beside this file, or those named. Figures are ratios of one run on one machine.

A bench module has `measure() -> Iterator[dict]`; each row has `name` (what was timed), `value` and `unit` (such as
"times faster", "s", "ms"), and where there is one `target` (what the project asks for) and `met`.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(names: list[str]) -> int:
    for file in sorted(HERE.glob("bench_*.py")):
        if names and file.stem.removeprefix("bench_") not in names:
            continue
        module = importlib.import_module(file.stem)  # a script's own folder is on the path
        print(f"{file.stem.removeprefix('bench_')} ...", file=sys.stderr, flush=True)
        for row in module.measure():
            print(json.dumps(row), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
