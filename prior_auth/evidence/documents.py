"""Documents in whose prose a fact may stand: places to look, never values.

A document of plain text counts only where it mentions the item; one that cannot be read here (PDF, a link) counts by
its kind, the newest ten of them for one item. It is shown where nothing structured is at least as new.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prior_auth.domain.evidence import Tier
from prior_auth.evidence.chart import Chart, Entry, mapping, sequence
from prior_auth.evidence.definitions import DocumentKind, EvidenceDefinitions
from prior_auth.evidence.standing import Standing, standing
from prior_auth.evidence.statement import Statement

_TYPES = ("DocumentReference", "DiagnosticReport")
_MAX_TEXT = 200_000
_MOST_UNREADABLE = 10  # for one item


def documents(chart: Chart, definitions: EvidenceDefinitions, statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """Statements of tier document, without value and view."""
    newest = _newest(statements)
    kinds = {name: tuple(_of_kind(chart, kind)) for name, kind in definitions.documents.items()}
    prose = {entry.reference: prose_of(entry.resource) for entries in kinds.values() for entry in entries}
    found: list[Statement] = []
    for definition in definitions:
        if definition.document is None:
            continue
        entries = dict.fromkeys(entry for kind in definition.document.kinds for entry in kinds[kind])
        news = [each for each in entries if _is_news(each, newest.get(definition.item))]
        shown = _newest_unreadable(news, prose)
        for entry in news:
            text = prose[entry.reference]
            if entry.reference in shown if text is None else definition.document.mentions.search(text):
                path = f"{entry.type}.{_element(entry.resource)}"
                found.append(Statement(definition.item, None, None, entry, path, Tier.DOCUMENT, entry.when))
    return tuple(found)


def _newest_unreadable(entries: Sequence[Entry], prose: Mapping[str, str | None]) -> frozenset[str]:
    """Of what cannot be read here, the newest few: each of them might say anything, and a person starts with these."""
    unreadable = [each for each in entries if prose[each.reference] is None]
    unreadable.sort(key=lambda each: each.when.text or "", reverse=True)
    return frozenset(each.reference for each in unreadable[:_MOST_UNREADABLE])


def _element(resource: Mapping[str, Any]) -> str:
    """Where the prose stands."""
    if resource["resourceType"] == "DocumentReference":
        return "content"
    return "presentedForm" if resource.get("presentedForm") else "conclusion"


def _of_kind(chart: Chart, kind: DocumentKind) -> Iterator[Entry]:
    seen: set[str] = set()
    for type_ in _TYPES:
        coded = [entry for system, code in kind.codes for entry in chart.coded(type_, system, code)]
        named = [
            entry
            for text, entries in chart.texts(type_).items()
            if kind.text is not None and kind.text.search(text)
            for entry in entries
        ]
        for entry in (*coded, *named):
            if entry.reference not in seen and standing(entry.resource) is Standing.COUNTS and _has_prose(entry):
                seen.add(entry.reference)
                yield entry


def _has_prose(entry: Entry) -> bool:
    return entry.type == "DocumentReference" or any(
        entry.resource.get(each) for each in ("presentedForm", "conclusion")
    )


def prose_of(resource: Mapping[str, Any]) -> str | None:
    """What can be read here; None where some of it cannot."""
    read: list[str] = [resource["conclusion"]] if isinstance(resource.get("conclusion"), str) else []
    attachments = [mapping(each).get("attachment") for each in sequence(resource.get("content"))]
    for attachment in (*attachments, *sequence(resource.get("presentedForm"))):
        if (text := _text(mapping(attachment))) is None:
            return None
        read.append(text)
    return "\n".join(read)


def _text(attachment: Mapping[str, Any]) -> str | None:
    content = attachment.get("data")
    if not str(attachment.get("contentType", "")).startswith(("text/plain", "text/html")) or not isinstance(
        content, str
    ):
        return None
    try:
        return base64.b64decode(content)[:_MAX_TEXT].decode("utf-8", errors="replace")
    except (binascii.Error, ValueError):
        return None


def _newest(statements: Sequence[Statement]) -> Mapping[str, str]:
    newest: dict[str, str] = {}
    for each in statements:
        for item in (each.item, *each.also):
            newest[item] = max(newest.get(item, ""), each.when.text or "")
    return newest


def _is_news(entry: Entry, newest: str | None) -> bool:
    return newest is None or (newest != "" and entry.when.text is not None and entry.when.text[:10] > newest[:10])
