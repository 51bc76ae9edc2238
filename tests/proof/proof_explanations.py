"""Every criterion of every path of every policy case: explained, and its outcome worked out anew from the data alone.

The first round over the cases takes their views as they are; later rounds damage them (resources lost, elements changed
or of another kind). In each, the traced evaluation must give the plain one's values and problems, the checker the
outcome that the judgement gives, and the sentences and the outline must be made.
"""

from __future__ import annotations

import dataclasses
import random
import sys
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "cql"))

import test_fuzz as small  # noqa: E402

from prior_auth.cql.outline import outline  # noqa: E402
from prior_auth.cql.why import Explainer  # noqa: E402
from prior_auth.policy.explain import explain  # noqa: E402
from prior_auth.policy.judge import Hearing  # noqa: E402
from prior_auth.rule_tools.cases import Case, Judged, judged, read_cases  # noqa: E402
from prior_auth.rule_tools.recompute import Recheck  # noqa: E402
from prior_auth.rulebook import Rulebook  # noqa: E402

SIZE, CHUNK = 1_000, 50

Codes = Mapping[str, frozenset[tuple[str, str]]]


def prove(seed: int, first: int, count: int) -> tuple[Counter[str], list[str]]:
    outcomes: Counter[str] = Counter()
    failures = []
    for number in range(first, first + count):
        case = _cases()[number % len(_cases())]
        try:
            damaged = random.Random(f"{seed}/{number}") if number >= len(_cases()) else None
            outcomes += _proven(_judged(case), damaged)
        except Exception as problem:
            failures.append(f"{number} {case.name}: {type(problem).__name__}: {str(problem)[:200]}")
    return outcomes, failures


def _proven(found: Judged, dice: random.Random | None) -> Counter[str]:
    evidence = found.evidence
    if dice is not None:
        view = small.mutated_chart(dice, [dict(one) for one in evidence.view])
        evidence = dataclasses.replace(evidence, view=tuple(view))
    given = (found.rule, evidence, found.item.item, found.hearing.plan, found.hearing.day)
    plain, traced = Hearing(*given), Hearing(*given, traced=True)
    explainer, known, outcomes = Explainer(traced.results), dict[str, object](), Counter[str]()
    for criterion in found.rule.policy.criteria:
        result = plain.judge(criterion)
        assert traced.judge(criterion) == result, f"{criterion.id}: the traced judgement is another"
        told = explain(traced, explainer, criterion, result)
        proven = Recheck(told.data, _codes(), known).outcome()
        assert proven == result.outcome.value, f"{criterion.id}: {proven}, not {result.outcome.value}"
        assert outline(told.data, told.data["rule"]["test"]), criterion.id
        outcomes["rule problem" if result.problem else result.outcome.value] += 1
    return outcomes


@cache
def _rulebook() -> Rulebook:
    return Rulebook.load()


@cache
def _cases() -> tuple[Case, ...]:
    return tuple(case for rule in _rulebook().rules for case in read_cases(rule))


@cache
def _judged(case: Case) -> Judged:
    return judged(case, _rulebook())


@cache
def _codes() -> Codes:
    used = (one for rule in _rulebook().rules for one in rule.library.value_sets.values())
    return {one.url: frozenset((str(system), str(code)) for system, code in one.codes) for one in used}
