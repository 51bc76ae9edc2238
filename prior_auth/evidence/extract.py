"""An extract: facts of a chart as a table, each with its source; what is not there has its row too, with why."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.domain.evidence import Evidence, Fact, Source, Tier
from prior_auth.errors import RuleError
from prior_auth.evidence.definitions import EvidenceDefinitions

HEADER = ("column", "value", "system", "code", "unit", "date", "tier", "reference", "path", "origin", "why")

Row = Mapping[str, str | None]
Views = Mapping[str, Mapping[str, Any]]  # by reference

_CODED = ("valueCodeableConcept", "medicationCodeableConcept")
_NAMED = ("Condition", "Procedure")  # their code is the fact, where it was read from there


@dataclass(frozen=True, slots=True)
class Extract:
    """`columns` are pairs of a name and an evidence item, in the order of the table."""

    id: str
    title: str
    columns: tuple[tuple[str, str], ...]


def parse(document: Any, *, file: str, definitions: EvidenceDefinitions) -> Extract:
    """Reads `rules/extracts/<id>.yaml`. Raises RuleError."""
    if not isinstance(document, Mapping) or not isinstance(document.get("columns"), list):
        raise RuleError("no extract", where=file, fix="write id, title and a list of columns")
    known = {each.item for each in definitions}
    columns: list[tuple[str, str]] = []
    for one in document["columns"]:
        name, item = (one.get("name"), one.get("item")) if isinstance(one, Mapping) else (None, None)
        if not isinstance(name, str) or item not in known:
            raise RuleError(
                f"the column {name} asks for no evidence item", where=file, fix="see `prior-auth evidence list`"
            )
        columns.append((name, str(item)))
    return Extract(str(document.get("id")), str(document.get("title")), tuple(columns))


def rows(extract: Extract, evidence: Evidence) -> list[Row]:
    """One row for each fact, newest first in its column; one that says why where there is none.

    `value` is the fact as policies see it; `system` and `code` are those of its canonical mCODE resource.
    """
    views = {f"{one['resourceType']}/{one['id']}": one for one in evidence.view}
    return [row for name, item in extract.columns for row in _column(name, item, evidence, views)]


def _column(name: str, item: str, evidence: Evidence, views: Views) -> Iterator[Row]:
    facts = [fact for fact in evidence.facts_of(item) if fact.tier is not Tier.DOCUMENT]
    conflict = any(one.item == item for one in evidence.conflicts)
    for fact in sorted(facts, key=lambda one: one.date or "", reverse=True):
        yield _row(name, fact, _coded(fact, views), "contradicted" if conflict else None)
    unread = [one for one in evidence.unread if one.item == item]
    for one in unread:
        yield _empty(name, f"not read: {one.why}", one.source)
    documents = [fact.source for fact in evidence.facts_of(item) if fact.tier is Tier.DOCUMENT]
    if not facts and not unread:
        for source in documents:
            yield _empty(name, "stands in a document: to be read by a person", source)
        if not documents:
            yield _empty(name, "not found", None)


def _coded(fact: Fact, views: Views) -> Coding | None:
    if isinstance(fact.value, Coding):
        return fact.value
    resource = views.get(fact.view or "", {})
    named = resource.get("resourceType") in _NAMED and ".code" in fact.source.path
    names = [*_CODED, "code"] if named else _CODED
    concept: Mapping[str, Any] = next((resource[name] for name in names if name in resource), {})
    first = next(iter(concept.get("coding") or []), None)
    return Coding(first.get("system", ""), first.get("code", ""), first.get("display")) if first else None


def _row(name: str, fact: Fact, coded: Coding | None, why: str | None) -> Row:
    value = fact.value
    said = (value.display or value.code) if isinstance(value, Coding) else None if value is None else _text(value)
    return {
        **_empty(name, why, fact.source),
        "value": said,
        "system": coded.system if coded else None,
        "code": coded.code if coded else None,
        "unit": fact.unit,
        "date": fact.date,
        "tier": fact.tier.value,
    }


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _empty(name: str, why: str | None, source: Source | None) -> Row:
    return {
        **dict.fromkeys(HEADER),
        "column": name,
        "reference": source.reference if source else None,
        "path": source.path if source else None,
        "origin": source.origin if source else None,
        "why": why,
    }


def as_csv(table: Sequence[Row]) -> str:
    """With a header line; a text that a spreadsheet would take for a formula is quoted as text."""
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADER, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _plain(value) for name, value in row.items()} for row in table)
    return out.getvalue()


def _plain(value: str | None) -> str | None:
    return f"'{value}" if value and value[0] in "=+-@\t\r" and not value[1:].replace(".", "", 1).isdigit() else value
