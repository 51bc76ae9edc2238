"""Writes the golden explanations anew: `python tests/rules/write_explanations.py`, then read the difference.

`tests/golden/explanations/verdicts.yaml` says which verdicts are golden and what their sentences must name; this fills
in outcome and sentences. `data.jsonl` holds the data of each, a line for each verdict in the same order.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from prior_auth.policy.explain import ExplainedItem, Explanation, explained_item
from prior_auth.policy.judge import Hearing
from prior_auth.rule_tools.cases import Judged, judged, read_cases
from prior_auth.rulebook import Rulebook

FOLDER = Path(__file__).parents[1] / "golden" / "explanations"
VERDICTS, DATA = FOLDER / "verdicts.yaml", FOLDER / "data.jsonl"

Verdict = dict[str, Any]


def verdicts() -> list[Verdict]:
    found: list[Verdict] = yaml.safe_load(VERDICTS.read_text("utf-8"))
    return found


def data() -> Iterator[dict[str, Any]]:
    """What was committed, in the order of the verdicts."""
    for line in DATA.read_text("utf-8").splitlines():
        yield json.loads(line)


def explained(found: Judged) -> ExplainedItem:
    """The criteria of the path that a case was judged by, each with its why."""
    plain = found.hearing
    traced = Hearing(plain.rule, plain.evidence, plain.item, plain.plan, plain.day, traced=True)
    return explained_item(traced, found.item)


def explanation_of(verdict: Verdict, found: Judged) -> Explanation:
    return next(one for one in explained(found).explanations if one.criterion == verdict["criterion"])


def main() -> int:
    rulebook = Rulebook.load()
    cases = {case.name: case for rule in rulebook.rules for case in read_cases(rule)}
    told, lines = [], []
    for verdict in verdicts():
        found = explanation_of(verdict, judged(cases[verdict["case"]], rulebook))
        told.append(verdict | {"outcome": found.outcome.value, "sentences": list(found.sentences)})
        lines.append(json.dumps(found.data, ensure_ascii=False, separators=(",", ":")))
    VERDICTS.write_text(yaml.safe_dump(told, allow_unicode=True, sort_keys=False, width=10_000), encoding="utf-8")
    DATA.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
