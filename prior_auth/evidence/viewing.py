"""The view and the facts that point into it: ids, provenance, order."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from prior_auth.domain.evidence import Fact
from prior_auth.evidence.statement import Statement
from prior_auth.fhir import mcode


def view_of(statements: Sequence[Statement], subject: str) -> tuple[tuple[Fact, ...], tuple[Mapping[str, Any], ...]]:
    """Facts in the order of the chart, and each view resource once, Patient first."""
    shared: dict[int, list[Statement]] = defaultdict(list)
    for each in statements:
        if each.view is not None:
            shared[id(each.view)].append(each)
    ids = _ids([group[0] for group in shared.values()])
    view = [_published(group, ids[key], subject) for key, group in shared.items()]
    facts = [fact for each in statements for fact in _facts(each, ids)]
    view.sort(key=lambda resource: resource["resourceType"] != "Patient")
    return tuple(facts), tuple(view)


def _ids(firsts: Sequence[Statement]) -> dict[int, str]:
    """The source's own id where one resource of its type came of it, else numbered."""
    of_source: dict[str, list[Statement]] = defaultdict(list)
    for each in firsts:
        of_source[each.entry.reference].append(each)
    ids: dict[int, str] = {}
    taken: set[tuple[str, str]] = set()
    for group in of_source.values():
        same = [each for each in group if _type(each) == each.entry.type]
        # What others refer to keeps its id, whatever else its words tell: a cancer, an order.
        own = same[0] if len(same) == 1 or (same and _type(same[0]) in ("Condition", "MedicationRequest")) else None
        number = 0
        for each in group:
            if each is own:
                identity = each.entry.id
            else:
                number += 1
                identity = _numbered(each.entry.id, number)
            while (_type(each), identity) in taken:
                number += 1
                identity = _numbered(each.entry.id, number)
            taken.add((_type(each), identity))
            ids[id(each.view)] = identity
    return ids


def _type(statement: Statement) -> str:
    assert statement.view is not None
    return str(statement.view["resourceType"])


def _numbered(identity: str, number: int) -> str:
    suffix = f"-{number}"
    if len(identity) + len(suffix) <= 64:
        return identity + suffix
    return hashlib.sha256(identity.encode()).hexdigest()[:32] + suffix


def _published(group: Sequence[Statement], identity: str, subject: str) -> mcode.Resource:
    first = group[0]
    assert first.view is not None
    items = dict.fromkeys(item for each in group for item in (each.item, *each.also))
    tags = [(mcode.TIER, first.tier.value), *((mcode.ITEM, item) for item in items)]
    return mcode.published(first.view, id=identity, source=first.entry.reference, subject=subject, tags=tags)


def _facts(statement: Statement, ids: Mapping[int, str]) -> list[Fact]:
    view = f"{_type(statement)}/{ids[id(statement.view)]}" if statement.view is not None else None
    return [
        Fact(
            item=item,
            value=statement.value,
            unit=statement.unit,
            date=statement.when.text,
            source=statement.source,
            tier=statement.tier,
            view=view,
            group=statement.group,
            overtaken=statement.overtaken,
        )
        for item in (statement.item, *statement.also)
    ]
