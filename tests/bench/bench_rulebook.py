"""How long a rulebook of 25 policies takes to load: the policies that are here, copied under other ids.

Cold is a new process that imports the product and loads; the part that is loading alone is told beside it. Warm is
asking again in the running process with the rulebook of before in hand (`Rulebook.load(folder, known=...)`): every file
is read and hashed, and a rule is taken over only where all that it was made from still says the same. A third figure is
warm with one policy changed, which is then read and compiled anew. Times are the process's own (CPU), the median of
all rounds: what else the machine does is not ours to measure.
"""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from prior_auth.rulebook import Rulebook, rules_folder

POLICIES, COLD_ROUNDS, WARM_ROUNDS = 25, 5, 9
COLD = """
import time
from prior_auth.rulebook import Rulebook
from pathlib import Path
imported = time.process_time()
assert len(Rulebook.load(Path({folder!r})).rules) == {policies}
print(imported, time.process_time() - imported)
"""


def measure() -> Iterator[dict[str, object]]:
    with tempfile.TemporaryDirectory() as holder:
        folder = rulebook_of(POLICIES, Path(holder))
        starts, loads = zip(*(cold(folder) for _ in range(COLD_ROUNDS)), strict=True)
        whole = statistics.median(start + load for start, load in zip(starts, loads, strict=True))
        yield row(f"load {POLICIES} policies, cold: a new process, imports included", whole, 2)
        yield row(f"load {POLICIES} policies, cold: loading alone", statistics.median(loads))
        known = Rulebook.load(folder)
        took = [timed(folder, known) for _ in range(WARM_ROUNDS)]
        yield row(f"load {POLICIES} policies, warm: nothing changed since", statistics.median(took), 0.2)
        changed = sorted(folder.glob("payers/*/*/policy.cql"))[0]
        took = []
        for number in range(WARM_ROUNDS):
            changed.write_text(f"{changed.read_text()}\n// {number}\n")
            took.append(timed(folder, known))
        yield row(f"load {POLICIES} policies, warm: one of them changed since", statistics.median(took))


def row(name: str, seconds: float, target: float | None = None) -> dict[str, object]:
    goal = {} if target is None else {"target": f"under {target} s", "met": seconds < target}
    return {"name": name, "value": round(seconds, 3), "unit": "s", **goal}


def cold(folder: Path) -> tuple[float, float]:
    """Seconds that a new process takes until all is imported, and then to load."""
    code = COLD.format(folder=str(folder), policies=POLICIES)
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    start, load = map(float, told.split())
    return start, load


def timed(folder: Path, known: Rulebook) -> float:
    start = time.process_time()
    found = Rulebook.load(folder, known=known)
    took = time.process_time() - start
    assert len(found.rules) == POLICIES
    return took


def rulebook_of(count: int, holder: Path) -> Path:
    """A rules folder in which the policies that are here stand again and again, each under its own id and topic."""
    folder = holder / "rules"
    shutil.copytree(rules_folder(), folder)
    policies = sorted(folder.glob("payers/*/*/policy.yaml"))
    for number in range(count - len(policies)):
        original = policies[number % len(policies)].parent
        copy = original.with_name(f"{original.name}-{number}")
        shutil.copytree(original, copy)
        yaml = original.joinpath("policy.yaml").read_text()
        found = re.search(r"^id: (R\d+)$", yaml, flags=re.MULTILINE)
        assert found is not None
        for name in ("policy.yaml", "policy.cql"):
            copy.joinpath(name).write_text(original.joinpath(name).read_text().replace(found[1], f"R{70 + number}"))
    return folder
