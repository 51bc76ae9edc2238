"""What of the chart's statements stands: each once, the corrected before the final, and where two contradict.

Rulings 13 of the sample payer: results that count equally (same item, cancer, method and day) and disagree are a
conflict; the engine keeps both and a person looks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from prior_auth.domain.evidence import Tier, Unread
from prior_auth.evidence.claims import agree
from prior_auth.evidence.statement import Statement, unread

INSIGNIFICANT = "insignificant"
# Others refer to them by id.
_KEPT_EACH = frozenset({"request.drug", "request.procedure", "dx.primary", "dx.secondary"})
_CORRECTED = frozenset({"corrected", "amended"})


@dataclass(frozen=True, slots=True)
class Settled:
    """`clashes` are groups of statements of `kept` that contradict each other."""

    kept: tuple[Statement, ...]
    clashes: tuple[tuple[Statement, ...], ...]
    unread: tuple[Unread, ...]


def settle(statements: Iterable[Statement]) -> Settled:
    once = list(_once_each(statements))
    replaced = set(_replaced(once))
    kept = tuple(each for each in once if each not in replaced)
    said = tuple(unread(each.item, each.entry, "a corrected result of the same day replaces it") for each in replaced)
    return Settled(kept, tuple(_clashes(kept)), said)


def _once_each(statements: Iterable[Statement]) -> Iterator[Statement]:
    """The same dated fact from two exports is one fact: it gives the same resource of the view.

    It is told by the same one of its resources in whatever order the exports came.
    """
    alike: dict[tuple[object, ...], list[Statement]] = defaultdict(list)
    for number, each in enumerate(statements):
        what = repr(each.view) if each.view is not None else each.entry.reference
        key = (each.item, each.question, each.when.text, each.value, each.unit, each.focus, each.entry.type, what)
        alone = each.item in _KEPT_EACH or each.when.text is None
        alike[(number,) if alone else key].append(each)
    yield from (min(group, key=_by_source) for group in alike.values())


_SUREST_FIRST = {tier: rank for rank, tier in enumerate(Tier)}


def _by_source(statement: Statement) -> tuple[str, int, str, str]:
    """Of one resource that says it in several ways, the surest."""
    return statement.entry.reference, _SUREST_FIRST[statement.tier], statement.path, statement.entry.origin or ""


def _pairs(statements: Sequence[Statement]) -> Iterator[tuple[Statement, Statement]]:
    """Pairs that answer one question, disagree and count for one day."""
    groups: dict[tuple[str, str, str | None], list[Statement]] = defaultdict(list)
    for each in statements:
        if each.single and each.value is not None:
            groups[each.topic or each.item, each.question, each.focus].append(each)
    for group in groups.values():
        if len({_claim(each) for each in group}) < 2:
            continue
        for one, other in _of_one_day(group):
            if _disagree(one, other) and _one_method(one, other):
                yield one, other


def _of_one_day(group: Sequence[Statement]) -> Iterator[tuple[Statement, Statement]]:
    """Pairs that count for one day. Each exact day is its own heap, so that a long series of results costs little."""
    heaps: dict[object, list[Statement]] = defaultdict(list)
    for each in group:
        days = each.when.days
        heaps[days.earliest if days is not None and days.is_exact else None].append(each)
    vague = heaps.pop(None, [])
    for heap in heaps.values():
        yield from ((one, other) for one, other in combinations(heap, 2) if _one_day(one, other))
    exact = [each for heap in heaps.values() for each in heap]
    for number, one in enumerate(vague):
        yield from ((one, other) for other in (*vague[number + 1 :], *exact) if _one_day(one, other))


def _claim(statement: Statement) -> object:
    return statement.value if statement.claim is None else statement.claim


def _disagree(one: Statement, other: Statement) -> bool:
    if agree(_claim(one), _claim(other)):
        return False
    if one.aspect == other.aspect:
        return True
    whole = one if one.aspect is None else other if other.aspect is None else None
    part = other if whole is one else one
    # No variant of the gene at all: that denies one that matters, not one of uncertain or no significance.
    return whole is not None and _claim(part) != INSIGNIFICANT


def _one_method(one: Statement, other: Statement) -> bool:
    return one.method is None or other.method is None or one.method == other.method


def _one_day(one: Statement, other: Statement) -> bool:
    """What changes with time and bears no date contradicts nothing; what lasts contradicts whenever it was said."""
    if one.when.text is None or other.when.text is None:
        return not one.varies or one.when.text is other.when.text
    return one.when.overlaps(other.when)


def _replaced(statements: Sequence[Statement]) -> Iterator[Statement]:
    for one, other in _pairs(statements):
        if _is_corrected(one) != _is_corrected(other):
            yield other if _is_corrected(one) else one


def _is_corrected(statement: Statement) -> bool:
    return statement.entry.resource.get("status") in _CORRECTED


def _clashes(statements: Sequence[Statement]) -> Iterator[tuple[Statement, ...]]:
    """Clashing pairs that share a statement are one clash."""
    joined: list[list[Statement]] = []
    for one, other in _pairs(statements):
        touching = [group for group in joined if one in group or other in group]
        merged = [each for group in touching for each in group]
        merged += [each for each in (one, other) if each not in merged]
        joined = [group for group in joined if group not in touching] + [merged]
    yield from (tuple(sorted(group, key=lambda each: each.entry.number)) for group in joined)
