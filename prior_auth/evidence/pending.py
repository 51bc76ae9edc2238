"""Results that a newer one of the same question overtakes which is not final yet (rulings 11 of the sample payer)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from prior_auth.domain.evidence import Unread
from prior_auth.evidence.binding import Binding
from prior_auth.evidence.chart import Entry, codings_of, mapping, sequence
from prior_auth.evidence.normalise.codes import LNC
from prior_auth.evidence.statement import Statement
from prior_auth.evidence.when import When

_GENE = (LNC, "48018-6")


@dataclass(frozen=True, slots=True)
class _Awaited:
    """A result that is not final. No `genes`: of none, or not said of which."""

    entry: Entry
    focus: str | None
    genes: frozenset[str]


def overtaken(
    statements: Sequence[Statement], unread: Sequence[Unread], entries: Sequence[Entry], binding: Binding
) -> list[Statement]:
    """The statements, those marked that a pending result of their question follows; a pending one without a day may."""
    awaited = _awaited(unread, entries, binding)
    if not awaited:
        return list(statements)
    asked: dict[tuple[str, str], list[Statement]] = defaultdict(list)
    for each in statements:
        if each.single and each.item in awaited:
            asked[each.item, each.question].append(each)
    late = {id(each) for (item, _), group in asked.items() for one in awaited[item] for each in _late(one, group)}
    return [replace(each, overtaken=True) if id(each) in late else each for each in statements]


def _awaited(unread: Sequence[Unread], entries: Sequence[Entry], binding: Binding) -> Mapping[str, Sequence[_Awaited]]:
    wanted = {(one.source.reference, one.source.path, one.source.origin) for one in unread if one.pending}
    if not wanted:
        return {}
    by_source = {key: each for each in entries if (key := (each.reference, each.prefix, each.origin)) in wanted}
    found: dict[str, list[_Awaited]] = defaultdict(list)
    for one in unread:
        entry = by_source.get((one.source.reference, one.source.path, one.source.origin)) if one.pending else None
        if entry is not None:
            waits = _Awaited(entry, binding.focus(entry), frozenset(_genes(entry)))
            for item in _ITEMS.get(one.item, (one.item,)):
                found[item].append(waits)
    return found


# One question asked of genes has two items for its answers.
_ITEMS: Mapping[str, Sequence[str]] = {"variant.present": ("variant.present", "variant.negative-genes")}


def _genes(entry: Entry) -> Iterator[str]:
    for component in sequence(entry.resource.get("component")):
        if _GENE in set(codings_of(mapping(component).get("code"))):
            yield from (code for _, code in codings_of(mapping(component).get("valueCodeableConcept")))


def _late(waits: _Awaited, group: Sequence[Statement]) -> Sequence[Statement]:
    """Answers to one question that are all older than what is awaited; none where one of them is not."""
    about = [each for each in group if _is_about(waits, each)]
    return about if all(_follows(waits.entry.when, each.when) for each in about) else ()


def _is_about(waits: _Awaited, statement: Statement) -> bool:
    if waits.focus and statement.focus and waits.focus != statement.focus:
        return False
    return not waits.genes or statement.topic != "variant" or statement.question in waits.genes


def _follows(newer: When, older: When) -> bool:
    theirs, mine = newer.days, older.days
    if theirs is None or mine is None or theirs.latest > mine.earliest:
        return True
    return theirs == mine and newer.has_time and older.has_time and str(newer.text) > str(older.text)
