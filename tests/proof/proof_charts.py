"""100,000 charts by declared story, judged by the real engine: what must be true of each, whatever it says.

1. Nothing unattended denies or reduces: the engine recommends one of four words, on the wire it certifies all that was
   asked or pends, and what it may put there is refused as soon as it is a denial or a reduction; it approves only where
   no criterion fails or is unknown.
2. Without any evidence of what a criterion asks for, it is unknown, unless absence is presumed; and taking all evidence
   of one item away turns nothing into met that was not.
3. A resource that has nothing to do with it changes nothing. 4. Nor does the order of entries, but the order of lists.
5. The same chart is judged the same twice.
6. The chart is valid FHIR, but for what a near miss declares.

The first is asked of every chart; the others, which need charts judged anew, of every tenth.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from charts_generator import Drawn, Resource, draw, rulebook, shuffled, unrelated

from prior_auth.domain.assessment import CriterionResult, ItemAssessment, Recommendation
from prior_auth.domain.authorization import Action, DenialReason, engine_word, permitted
from prior_auth.domain.criterion import Outcome
from prior_auth.engine import Engine, Judgement
from prior_auth.errors import BadInput, Conflict
from prior_auth.fhir.validate import validate
from prior_auth.policy.assess import hearings
from prior_auth.policy.judge import Hearing
from prior_auth.policy.model import Absence, Criterion, Kind

SIZE, CHUNK = 100_000, 500
_EVERY = 10
BASE = "http://ehr.example.org/fhir"


def prove(seed: int, first: int, count: int) -> tuple[Counter[str], list[str]]:
    outcomes: Counter[str] = Counter()
    failures = []
    for number in range(first, first + count):
        try:
            found, faults = proven(seed, number)
        except Exception as problem:
            found, faults = Counter(broke=1), [f"{type(problem).__name__}: {str(problem)[:300]}"]
        outcomes += found
        failures += [f"seed {seed} case {number}: {fault}" for fault in faults]
    return outcomes, failures


def proven(seed: int, number: int) -> tuple[Counter[str], list[str]]:
    """How a case came out, and which property it breaks."""
    drawn, dice = draw(seed, number), random.Random(f"{seed}/{number}/properties")
    try:
        judged = _judge(drawn, drawn.resources)
    except BadInput as refused:
        return Counter({f"refused: {refused.message}": 1}), []
    outcomes = Counter(f"{one.recommendation.value} {one.cause or ''}".strip() for one in judged.assessment.items)
    faults = [*_nothing_adverse(judged)]
    if number % _EVERY == 0:
        faults += _order_and_strangers(dice, drawn, judged)
        faults += _without(dice, drawn, judged, outcomes)
        faults += _invalid(drawn.resources) if dice.random() < _VALIDATED else ()
    told = f"{drawn.name} [{'; '.join(drawn.steps)}]"
    return outcomes, [f"{told}: {fault}" for fault in faults]


@cache
def engine() -> Engine:
    return Engine(rulebook())


# --- 1 ----------------------------------------------------------------------------------------------------------------


def _nothing_adverse(judged: Judgement) -> Iterator[str]:
    for sequence, item in enumerate(judged.assessment.items, start=1):
        yield from _word_of(item, sequence)
        if item.recommendation is Recommendation.APPROVE:
            yield from (
                f"approved, and {one.id} is {one.outcome.value}" for one in item.criteria if _stands_against(one)
            )


def _word_of(item: ItemAssessment, sequence: int) -> Iterator[str]:
    """What the engine would say on the wire, and what it could not."""
    word = permitted(engine_word(item, sequence, "AUTH-1"))
    certifies = item.recommendation in (Recommendation.APPROVE, Recommendation.NOT_REQUIRED)
    if word.action is not (Action.CERTIFY if certifies else Action.PEND):
        yield f"{item.recommendation.value} would go out as {word.action.value}"
    if certifies and (word.units, word.period) != (item.item.units, item.item.period):
        yield "certified is not what was asked"
    if word.by.may_decide_adversely:
        yield "the engine may decide adversely"
    for action in (Action.DENY, Action.MODIFY):
        adverse = replace(word, action=action, reason=DenialReason.STAGE_NOT_COVERED, narrative="a reason")
        try:
            permitted(adverse)
        except Conflict:
            continue
        yield f"the engine was let {action.value}"


def _stands_against(one: CriterionResult) -> bool:
    wanted = Outcome.NOT_MET if _kind_of(one.id) is Kind.EXCLUSION else Outcome.MET
    return one.outcome not in (wanted, Outcome.NOT_APPLICABLE) or one.problem is not None


@cache
def _kind_of(criterion_id: str) -> Kind:
    return next(one.kind for rule in rulebook().rules for one in rule.policy.criteria if one.id == criterion_id)


# --- 6 ----------------------------------------------------------------------------------------------------------------

_VALIDATED = 0.5  # of those charts: validation takes as long as all the rest
# What near misses declare: part of a day, an end before the start, a status or a reason that does not fit what it is
# of, a wrong unit, a result of a cancer that only a document tells of.
_DECLARED = frozenset(
    f"invariant:{name}" for name in ("us-core-1", "vs-1", "con-5", "per-1", "termination-reason-invariant")
)
_DECLARED_WORDS = re.compile(r"ucum|observation-smoking-status-status|^focus: at least 1 required")


def _invalid(resources: Sequence[Resource]) -> Iterator[str]:
    entries = [{"fullUrl": f"{BASE}/{one['resourceType']}/{one['id']}", "resource": one} for one in resources]
    for issue in validate({"resourceType": "Bundle", "type": "collection", "entry": entries}):
        declared = issue.rule in _DECLARED or _DECLARED_WORDS.search(issue.message)
        if issue.severity in ("error", "fatal") and not declared:
            yield f"the chart is not valid: {issue.path} {issue.rule} {issue.message}"


# --- 3, 4, 5 ----------------------------------------------------------------------------------------------------------


def _order_and_strangers(dice: random.Random, drawn: Drawn, judged: Judgement) -> Iterator[str]:
    """The same twice; then shuffled among strangers, both at once, and one by one where that is not the same."""
    report = _comparable(judged.report)
    if dice.random() < 0.2 and _judge(drawn, drawn.resources).report != judged.report:
        yield "the same chart was judged otherwise the second time"
    both = shuffled(dice, [*drawn.resources, *unrelated(dice, drawn.resources)])
    if _comparable(_judge(drawn, both).report) == report:
        return
    for what, resources in (
        ("shuffled", shuffled(dice, drawn.resources)),
        ("with strangers", [*drawn.resources, *unrelated(dice, drawn.resources)]),
        ("shuffled with strangers", both),
    ):
        other = _comparable(_judge(drawn, resources).report)
        if other != report:
            yield f"{what}: {_difference(report, other)}"


def _comparable(report: Any) -> Any:
    """Lists in an order of their own; how many resources were read in vain is not a part of the judgement."""
    if isinstance(report, Mapping):
        return {key: _comparable(value) for key, value in report.items()}
    if isinstance(report, list):
        return sorted((_comparable(one) for one in report), key=repr)
    return _SILENCE.sub("", report) if isinstance(report, str) else report


_SILENCE = re.compile(
    r"(?:no record found in \d+ resources?|nothing on record speaks of it|what is on record has no bearing on this)"
)


def _difference(one: Any, other: Any, where: str = "report") -> str:
    """The first place where two reports differ."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in one:
            if one[key] != other.get(key):
                return _difference(one[key], other.get(key), f"{where}.{key}")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (here, there) in enumerate(zip(one, other, strict=True)):
            if here != there:
                return _difference(here, there, f"{where}[{number}]")
    return f"{where}: {str(one)[:300]} / {str(other)[:300]}"


def _judge(drawn: Drawn, resources: Sequence[Resource]) -> Judgement:
    return engine().judge(resources, as_of=drawn.as_of, orders={drawn.story.order})


# --- 2 ----------------------------------------------------------------------------------------------------------------

# Criteria that the order alone may meet, and why.
_COMPANIONS = "the orders of the drugs that go with it, where no other cancer is there that they could be for"
_NO_DOSE = "where no dose for this cancer is on record the order says how much it asks for, and for how long"
_ORDER_SPEAKS = {
    "R11.C8": _NO_DOSE,
    "R12.C7": _NO_DOSE,
    "R12.C9": _COMPANIONS,
    "R13.C4": _COMPANIONS,
    "R14.L1": _NO_DOSE,
    "R15.C4": _COMPANIONS,
    "R19.C5": "where no plan is on record the order says how many fractions, and no more are certified",
}
_STAYS = ("Patient", "Coverage", "Organization", "Practitioner", "PractitionerRole")


@dataclass(frozen=True, slots=True)
class _Heard:
    """Every criterion of every path of the first order's policy, with its outcome."""

    hearing: Hearing
    results: Mapping[Criterion, CriterionResult]


def _heard(judged: Judgement, drawn: Drawn) -> _Heard | None:
    first = hearings(judged.request, judged.evidence, rulebook(), as_of=drawn.as_of)[0]
    if first.hearing is None or first.rule is None:
        return None
    return _Heard(first.hearing, {one: first.hearing.judge(one) for one in first.rule.policy.criteria})


def _without(dice: random.Random, drawn: Drawn, judged: Judgement, outcomes: Counter[str]) -> Iterator[str]:
    """All evidence of one item, or of all items of one criterion, taken away."""
    before = _heard(judged, drawn)
    if before is None:
        return
    criterion = dice.choice(tuple(before.results))
    items = criterion.items if dice.random() < 0.5 else (dice.choice(criterion.items),)
    left = _taken(drawn, judged, items)
    if len(left) == len(drawn.resources):
        return
    after = _heard(_judge(drawn, left), drawn)
    if after is None:
        yield f"without {', '.join(items)} no policy is found"
        return
    outcomes["evidence taken away"] += 1
    for one, result in after.results.items():
        yield from _honest(one, before, result, after, items)


def _honest(
    one: Criterion, before: _Heard, result: CriterionResult, after: _Heard, items: Collection[str]
) -> Iterator[str]:
    if result.problem:
        yield f"without {', '.join(items)} {one.id} broke: {result.problem}"
    if one.absence is Absence.PRESUMED_ABSENT:
        return
    good = Outcome.NOT_MET if one.kind is Kind.EXCLUSION else Outcome.MET
    silent = not any(fact.item in one.items for fact in after.hearing.evidence.facts)
    if silent and result.outcome not in (Outcome.UNKNOWN, Outcome.NOT_APPLICABLE):
        yield f"{one.id} ({one.test}) is {result.outcome.value} without {', '.join(one.items)}: {result.why}"
    was = before.results[one]
    turned = result.outcome is good and was.outcome in (Outcome.MET, Outcome.NOT_MET, Outcome.UNKNOWN)
    if turned and was.outcome is not good and not _stands_on_the_chart(one, result):
        yield (
            f"without {', '.join(items)} {one.id} ({one.test}) is {good.value}, was {was.outcome.value}: "
            f"{was.why} / {result.why}"
        )


def _stands_on_the_chart(one: Criterion, result: CriterionResult) -> bool:
    """Whether it is met by what the chart still says: what was taken away contradicted that, or was newer."""
    if one.id in _ORDER_SPEAKS:
        return True
    return any(
        fact.item in one.items and not fact.item.startswith(("request.", "patient.")) for fact in result.evidence
    )


def _taken(drawn: Drawn, judged: Judgement, items: Collection[str]) -> list[Resource]:
    """The chart without every resource that says, or could not say, anything of these items; orders and people stay."""
    evidence = judged.evidence
    sources = [fact.source for fact in evidence.facts_of(*items)]
    sources += [one.source for one in evidence.unread if one.item in items]
    orders = {item.order for item in judged.request.items}
    gone = {source.reference for source in sources} - orders
    return [
        one
        for one in drawn.resources
        if one["resourceType"] in _STAYS or f"{one['resourceType']}/{one['id']}" not in gone
    ]
