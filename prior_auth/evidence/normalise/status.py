"""Positive, negative, equivocal: the answers that every marker shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.evidence.normalise.codes import LNC, SCT, codings, only, refuse_absent, statements
from prior_auth.evidence.normalise.reading import Reading, Unreadable
from prior_auth.evidence.normalise.text import Lexicon, Token

POSITIVE, NEGATIVE, EQUIVOCAL = "positive", "negative", "equivocal"

STATUS_CODES: Mapping[str, Coding] = {
    POSITIVE: Coding(SCT, "10828004", "Positive"),
    NEGATIVE: Coding(SCT, "260385009", "Negative"),
    EQUIVOCAL: Coding(SCT, "280414007", "Equivocal"),
}

# Answers as charts code them. LA6576-8 … of the tumor marker tests, LA9633-4/-2 of variants, the rest seen in exports.
ANSWERS: Mapping[tuple[str, str], str] = {
    (SCT, "10828004"): POSITIVE,
    (SCT, "260385009"): NEGATIVE,
    (SCT, "280414007"): EQUIVOCAL,
    (SCT, "42425007"): EQUIVOCAL,
    (SCT, "260373001"): POSITIVE,  # detected
    (SCT, "260415000"): NEGATIVE,  # not detected
    (LNC, "LA6576-8"): POSITIVE,
    (LNC, "LA6577-6"): NEGATIVE,
    (LNC, "LA11885-3"): EQUIVOCAL,
    (LNC, "LA9633-4"): POSITIVE,
    (LNC, "LA9634-2"): NEGATIVE,
    (LNC, "LA11882-0"): POSITIVE,  # detected
    (LNC, "LA11883-8"): NEGATIVE,  # not detected
    ("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "POS"): POSITIVE,
    ("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "NEG"): NEGATIVE,
    ("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "DET"): POSITIVE,
    ("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "ND"): NEGATIVE,
    ("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "E"): EQUIVOCAL,
}

STATUS_WORDS: Sequence[tuple[str, str]] = (
    (NEGATIVE, r"not detected|undetected|none detected|non-?reactive|negative|neg|not positive for expression"),
    (EQUIVOCAL, r"equivocal|borderline"),
    (POSITIVE, r"positive|pos|detected|reactive"),
)
_PLAIN = Lexicon((*STATUS_WORDS, ("noise", r"result|status|interpretation|[,.;()-]")))


def statuses(tokens: Sequence[Token]) -> set[str]:
    return {token.kind for token in tokens if token.kind in STATUS_CODES}


def coded_status(value: Any) -> str | None:
    """The answer by code. Raises Unreadable where codes contradict or say that there is no value."""
    refuse_absent(value)
    return only({ANSWERS[each.key] for each in codings(value) if each.key in ANSWERS}, "answer's coding")


def status(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """Positive, negative or equivocal, by code or by a text that says just that."""
    found = {answer for answer in (coded_status(value), *_worded(value)) if answer}
    answer = only(found, "answer")
    if answer is None:
        raise Unreadable("neither positive, negative nor equivocal")
    return (Reading(answer, coded=STATUS_CODES[answer], text=next(iter(statements(value)), None)),)


def _worded(value: Any) -> set[str]:
    found: set[str] = set()
    for words in statements(value):
        try:
            found |= statuses(_PLAIN.read(words, "answer"))
        except Unreadable:
            if not codings(value) or coded_status(value) is None:
                raise
    return found
