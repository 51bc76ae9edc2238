"""What only the prose of a document tells, about items that silence would answer.

Where absence may be presumed (earlier therapy, autoimmune disease, transplant …) a chart is not silent if a note tells
of it: the item is then unread, so that the criterion is unknown and a person looks (rulings 12 and 14). Only text that
can be read here counts; a sentence that denies, warns or plans tells of nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from prior_auth.domain.evidence import Source, Unread
from prior_auth.evidence.chart import Chart, Entry
from prior_auth.evidence.definitions import EvidenceDefinitions
from prior_auth.evidence.documents import prose_of
from prior_auth.evidence.normalise import Unreadable
from prior_auth.evidence.normalise.drugs import named_in, of_regimens
from prior_auth.evidence.standing import Standing, standing
from prior_auth.evidence.statement import Statement

PRIOR_THERAPY, REQUEST = "prior.therapy", "request.drug"
PRESUMABLE = (
    "autoimmune",
    "ild",
    "mds-aml",
    "pregnancy",
    "transplant",
    "hemoptysis",
    "perforation",
    "hypertension",
    "operation",
    "infection",
    "cell-therapy",
    "cns-disease",
    "rt.plan.reirradiation",
)
_OPERATION = ("operation", "surgery")  # what a document tells of as the first may stand in the chart as either
_SAME_OPERATION = timedelta(days=60)  # a note of so long after the last coded one tells of another: a choice of ours
WHY = "only the prose of a document tells of it: a person reads it, and states it coded"

_SENTENCES = re.compile(r"[.;!?](?:\s|$)|\n+")
_DENIED_BEFORE = re.compile(
    r"\b(?:no|not|non|never|without|denie[sd]|negative for|free of|ruled? out|absence of|absent|family history|mother|"
    r"father|sister|brother|aunt|uncle|risk|possible|screen\w*|counsel\w*)\b.{0,80}$"
)
_DENIED_AFTER = re.compile(r"^.{0,30}\b(?:resolved|inactive|in remission|ruled out|negative|none|absent|denied)\b")
_WARNED = re.compile(r"\b(?:discuss\w*|adverse|side effects?|toxicit\w*|monitor\w*|watch\w*|avoid\w*)\b")

# That something was given: such words tell it whatever else the sentence says; the weaker ones only without a plan.
_PAST = re.compile(
    r"(?<!will be )(?<!to be )\b(?:received|completed|treated with|progress(?:ed|ion|ing)|failed|failure of|refractory|"
    r"relapsed|status post|s/p|previous(?:ly)?|prior|stopped|discontinued)\b"
)
_PERHAPS_PAST = re.compile(r"\b(?:after|following|post|history of|cycles? of|since)\b")
_PLANNED = re.compile(
    r"\b(?:will|plan\w*|propos\w*|recommend\w*|consider\w*|start\w*|initiat\w*|intend\w*|candidate)\b"
)
_SOME_THERAPY = re.compile(r"\b(?:chemo(?:therapy)?|immunotherapy|systemic therapy|targeted therapy)\b(?![- ]naive)")


def told_only_in_prose(
    chart: Chart, definitions: EvidenceDefinitions, statements: Sequence[Statement]
) -> tuple[Unread, ...]:
    """Presumable items that a document tells of and nothing structured does."""
    structured = {item for each in statements for item in (each.item, *each.also)}
    given, asked = _drugs(statements, PRIOR_THERAPY), _drugs(statements, REQUEST)
    mentions = {
        item: definitions[item].document.mentions  # type: ignore[union-attr]
        for item in PRESUMABLE
        if item in definitions and definitions[item].document is not None
        if item in _OPERATION or item not in structured
    }
    operated = _newest(statements, _OPERATION)
    found: list[Unread] = []
    for entry, sentences in _read(chart):
        for item, mention in mentions.items():
            if item in _OPERATION and _is_covered(entry, operated):
                continue
            if any(_tells(mention, sentence) for sentence in sentences):
                found.append(_unread(item, entry))
        if any(_tells_of_therapy(sentence, given, asked) for sentence in sentences):
            found.append(_unread(PRIOR_THERAPY, entry))
    return tuple(found)


def _newest(statements: Sequence[Statement], items: Sequence[str]) -> date | None:
    """The last day of any of them; date.max where one bears no day."""
    found = [each.when.days for each in statements if each.item in items or not set(items).isdisjoint(each.also)]
    return max((date.max if days is None else days.latest for days in found), default=None)


def _is_covered(entry: Entry, operated: date | None) -> bool:
    """Whether the coded operations may be those that a document tells of."""
    told = entry.when.days
    if operated is None or told is None:
        return operated is not None
    return operated == date.max or told.earliest <= operated + _SAME_OPERATION


def _read(chart: Chart) -> Iterator[tuple[Entry, list[str]]]:
    for entry in chart.of_type("DocumentReference", "DiagnosticReport"):
        if standing(entry.resource) is Standing.COUNTS and (prose := prose_of(entry.resource)):
            yield entry, [part.strip().lower() for part in _SENTENCES.split(prose) if part.strip()]


def _drugs(statements: Sequence[Statement], item: str) -> frozenset[str]:
    return frozenset(str(each.value) for each in statements if each.item == item)


def _tells(mention: re.Pattern[str], sentence: str) -> bool:
    if _WARNED.search(sentence):
        return False
    return any(
        not _DENIED_BEFORE.search(sentence[: match.start()]) and not _DENIED_AFTER.search(sentence[match.end() :])
        for match in mention.finditer(sentence)
    )


def _tells_of_therapy(sentence: str, given: frozenset[str], asked: frozenset[str]) -> bool:
    """Whether a cancer drug was given that the chart does not hold, or some therapy where it holds none."""
    past = bool(_PAST.search(sentence))
    if not past and (not _PERHAPS_PAST.search(sentence) or _PLANNED.search(sentence)):
        return False
    if not given and _tells(_SOME_THERAPY, sentence):
        return True
    try:
        drugs = [*(ingredient for ingredient, _ in named_in(sentence)), *of_regimens(sentence)]
        named = {ingredient.name for ingredient in drugs if ingredient.is_anticancer}
    except Unreadable:
        return False
    return bool(named - given - (frozenset() if past else asked))


def _unread(item: str, entry: Entry) -> Unread:
    path = f"{entry.type}.{'content' if entry.type == 'DocumentReference' else 'presentedForm'}"
    return Unread(item, Source(entry.reference, path, entry.origin), WHY)
