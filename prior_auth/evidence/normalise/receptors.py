"""Estrogen and progesterone receptor: answer, percent of cells, Allred score; positive from 1 % of cells on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from prior_auth.evidence.normalise.codes import LNC, codings, has_code, only, question_words, refuse_absent, statements
from prior_auth.evidence.normalise.markers import part_of
from prior_auth.evidence.normalise.reading import Normaliser, Reading, Unreadable
from prior_auth.evidence.normalise.status import ANSWERS, NEGATIVE, POSITIVE, STATUS_CODES, STATUS_WORDS, coded_status
from prior_auth.evidence.normalise.text import COMPARATOR, NUMBER, Lexicon, Token, comparator
from prior_auth.evidence.normalise.units import Measure, quantity

_PERCENT_CODES = {"ER": ("85329-1", "14228-1"), "PR": ("85325-9", "14230-7")}

_WORDS = Lexicon(
    (
        ("allred", r"(?:allred(?: score)?\s?[:=]?\s?(?:of |is )?)(?P<number>[0-8])(?:\s?(?:/|out of|of)\s?8)?"),
        ("allred", r"(?P<number>[0-8])\s?/\s?8"),
        ("other", rf"h-?\s?score\s?[:=]?\s?(?:of |is )?{NUMBER}"),
        (
            "percent",
            rf"(?P<comparator>{COMPARATOR})?\s*(?P<number>{NUMBER})\s?(?:%\s?)?(?:(?:-|to)\s?(?P<high>{NUMBER})\s?)?"
            r"(?:%|percent)",
        ),
        (NEGATIVE, r"negative|neg|not detected|no (?:staining|expression)|absent"),
        ("negated", r"not"),
        (POSITIVE, r"(?:low|weak|weakly|strong|strongly|moderately|diffusely) ?-?(?:positive|pos)|positive|pos"),
        *STATUS_WORDS,
        ("intensity", r"\(?[1-3]\s?\+\s?\)?(?: intensity| staining)?"),
        ("plus", r"\(\s?\+{1,3}\s?\)|\+{1,3}"),
        ("minus", r"\(\s?-\s?\)"),
        (
            "noise",
            r"allred|by ihc|ihc|immunohistochemistry|clone sp1|sp1|1d5|6f11|result|status|expression|score|intensity|"
            r"interpretation|stain(?:ing)?|strong|moderate|weak|low|diffuse|nuclear|nuclei|tumou?r|cells?|invasive|of|in|with|"
            r"is|was|by|the|per asco/cap|asco/cap|(?:proportion|intensity) score\s?[:=]?\s?[0-5]|[,;.()/-]",
        ),
    )
)


def _said(text: str, marker: str) -> tuple[set[str], list[Measure], str | None]:
    tokens = _WORDS.read(part_of(text, marker), f"{marker} result")
    if any(token.kind == "negated" for token in tokens):
        raise Unreadable("a negation")
    answers = {token.kind for token in tokens if token.kind in STATUS_CODES}
    answers |= {POSITIVE for token in tokens if token.kind == "plus"} | {
        NEGATIVE for token in tokens if token.kind == "minus"
    }
    percents = [_percent(token) for token in tokens if token.kind == "percent"]
    allred = {int(token.number()) for token in tokens if token.kind == "allred"}
    answers |= {NEGATIVE if score <= 2 else POSITIVE for score in allred}
    return answers, percents, only({str(score) for score in allred}, "Allred score")


def _percent(token: Token) -> Measure:
    high = token.groups["high"]
    return Measure(token.number(), "%", comparator(token.groups["comparator"]), Decimal(high) if high else None)


def percent_status(measure: Measure) -> str:
    """Positive from 1 % of cells on. Raises Unreadable where the statement lies on both sides of 1 %."""
    if not 0 <= measure.value <= 100:
        raise Unreadable("no percent of cells")
    if measure.high is not None:
        ends = {measure.value >= 1, measure.high >= 1}
        if len(ends) > 1:
            raise Unreadable("a range on both sides of 1 %")
        return POSITIVE if measure.value >= 1 else NEGATIVE
    if measure.comparator in ("<", "<="):
        if measure.value < 1 or (measure.value == 1 and measure.comparator == "<"):
            return NEGATIVE
        raise Unreadable("a bound on both sides of 1 %")
    if measure.comparator in (">", ">=") and measure.value < 1:
        raise Unreadable("a bound on both sides of 1 %")
    return POSITIVE if measure.value >= 1 else NEGATIVE


def receptor(marker: str) -> Normaliser:
    """The normaliser of one receptor, `ER` or `PR`."""

    def read(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
        refuse_absent(value)
        if _is_number(value):
            return (_reading({percent_status(measure := _cells(resource, value, marker))}, [measure], None, None),)
        coded = coded_status(value)
        answers: set[str] = {coded} if coded else set()
        percents: list[Measure] = []
        allred = None
        for words in statements(value)[:1]:
            try:
                said, percents, allred = _said(words, marker)
                answers |= said
            except Unreadable:
                if not any(each.key in ANSWERS for each in codings(value)):
                    raise
        answers |= {percent_status(measure) for measure in percents}
        return (_reading(answers, percents, allred, next(iter(statements(value)), None)),)

    return read


def _is_number(value: Any) -> bool:
    return (isinstance(value, Mapping) and ("value" in value or "low" in value)) or isinstance(
        value, int | float | Decimal
    )


def _cells(resource: Mapping[str, Any], value: Any, marker: str) -> Measure:
    measure = quantity(value)
    asks_percent = has_code(resource, LNC, *_PERCENT_CODES[marker]) or "%" in question_words(resource)
    if measure.unit != "%" and not (measure.unit is None and asks_percent):
        raise Unreadable("a number that is no percent of cells")
    return measure


def _reading(answers: set[str], percents: Sequence[Measure], allred: str | None, text: str | None) -> Reading:
    answer = only(answers, "receptor's answer")
    if answer is None:
        raise Unreadable("neither positive, negative nor equivocal")
    if len(set(percents)) > 1:
        raise Unreadable("the text states a percent twice")
    extra: dict[str, Any] = {"allred": int(allred)} if allred else {}
    if percents:
        extra |= {"percent": percents[0].value, "percent_comparator": percents[0].comparator}
    return Reading(answer, coded=STATUS_CODES[answer], text=text, extra=extra)


RECEPTOR_NORMALISERS: Mapping[str, Normaliser] = {"er.status": receptor("ER"), "pr.status": receptor("PR")}
