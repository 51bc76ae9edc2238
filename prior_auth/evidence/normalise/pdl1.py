"""PD-L1: tumor proportion score (TPS, percent of tumor cells) kept apart from combined positive score (CPS)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from prior_auth.evidence.normalise.codes import (
    FINDING,
    LNC,
    codings,
    has_code,
    objects,
    question_words,
    refuse_absent,
    statements,
)
from prior_auth.evidence.normalise.reading import Normaliser, Reading, Unreadable
from prior_auth.evidence.normalise.text import (
    COMPARATOR,
    NUMBER,
    Lexicon,
    comparator,
    doubtful,
    fold,
    negated,
    of_family,
)
from prior_auth.evidence.normalise.units import Measure, quantity

_NUMBER = (
    rf"(?P<comparator>{COMPARATOR})?\s*(?P<number>{NUMBER})\s?(?P<percent1>%|percent)?"
    rf"(?:\s?(?:-|to)\s?(?P<high>{NUMBER}))?\s*(?P<percent>%|percent)?"
)
_TPS_NAME = r"tps|tumou?r proportion score|tumou?r cell(?:s)?(?: proportion)?(?: score)?|tc"
_CPS_NAME = r"cps|combined positive score"
_WORDS = Lexicon(
    (
        ("cps", _CPS_NAME),
        ("ic", r"immune cells?|ic"),
        ("tps", _TPS_NAME),
        (
            "noise",
            r"(?:clone |assay |antibody )*(?:22c3|28-8|sp263|sp142|73-10)(?: pharmdx| clone| assay| antibody)*|"
            r"dako|ventana|"
            r"pharmdx|pd-?\s?l1|programmed death[- ]ligand 1|cd274|ihc|immunohistochemistry|immunostain|by|"
            r"no (?:pd-?\s?l1 )?expression|~|approximately|about|"
            r"(?:high|low|strong|weak|partial|complete|membran(?:e|ous)) expression|expression|"
            r"partial|complete|or|membranous|stain(?:ing)?|viable|high|low|result|status|score|interpretation|is|of|with|"
            r"in|the|and|positive|negative|strongly|weakly|detected|not detected|[,;.()/-]",
        ),
        ("value", _NUMBER),
    )
)
# "A TPS of 1 % or more is considered positive" speaks of the test, not of the patient.
_ABOUT_THE_TEST = re.compile(
    r"\b(considered|defined|threshold|cut-?off|reference|eligible|eligibility|indicat(es?|ed|ion)|if|when|approved|"
    r"scoring|scored as|denotes|means|interpretive)\b"
)
_TPS_FIRST = re.compile(
    rf"\b(?:{_TPS_NAME})\b(?: score)?\s?(?:\((?:tps)\)\s?)?(?:is|of|was|:|=|-)?\s*{_NUMBER}(?![\d.])"
)
_TPS_LAST = re.compile(rf"(?<![\d.]){_NUMBER}\s*(?:\(?(?:{_TPS_NAME})\b\)?)")
_CPS_FIRST = re.compile(rf"\b(?:{_CPS_NAME})\b\s?(?:\(cps\)\s?)?(?:score\s?)?(?:is|of|was|:|=|-)?\s*{_NUMBER}(?![\d.])")


def _measure(groups: Mapping[str, str | None]) -> Measure:
    high = groups["high"]
    unit = "%" if groups["percent"] or groups["percent1"] else None
    low, end = Decimal(groups["number"] or ""), Decimal(high) if high else None
    if end is not None and (end < low or groups["comparator"]):
        raise Unreadable("a range whose ends do not fit")
    return Measure(low, unit, comparator(groups["comparator"]), end)


def _by_words(text: str) -> tuple[dict[str, Measure], Measure | None]:
    """Scores by name, and a number without a name. Raises Unreadable at any word outside the grammar."""
    named: dict[str, Measure] = {}
    bare: list[Measure] = []
    name: str | None = None
    for token in _WORDS.read(text, "PD-L1 score"):
        if token.kind != "value":
            if bare and name is None and token.kind not in named:
                named[token.kind] = bare.pop()  # "60% TPS"
            else:
                name = token.kind
            continue
        measure = _measure(token.groups)
        if name is None:
            bare.append(measure)
        elif named.setdefault(name, measure) != measure:
            raise Unreadable("the text states a score twice")
        name = None
    if len(bare) > 1:
        raise Unreadable("several numbers without a name")
    return named, bare[0] if bare else None


def _by_search(text: str, *patterns: re.Pattern[str]) -> Measure:
    """The one score a longer text names; a text that speaks of thresholds or doubts is not searched."""
    folded = fold(text)
    if _ABOUT_THE_TEST.search(folded) or doubtful(folded):
        raise Unreadable("the text speaks of the test's thresholds or is in doubt")
    found = {_measure(match.groupdict()) for pattern in patterns for match in pattern.finditer(folded)}
    sentences = [each for each in re.split(r"[.;](?:\s|$)", folded) if any(one.search(each) for one in patterns)]
    if any(negated(each) or of_family(each) for each in sentences):
        raise Unreadable("the text denies, or speaks of the family")
    if len(found) != 1 or len(re.findall(rf"{NUMBER}\s?(?:%|percent)", folded)) > 1:
        raise Unreadable("the text does not state one score")
    return found.pop()


def _words_beside(resource: Mapping[str, Any], value: Any) -> str:
    """All that stands beside the number: question, method, interpretation, notes, the unit as it is written."""
    notes = (note["text"] for note in objects(resource.get("note")) if isinstance(note.get("text"), str))
    interpreted = (words for each in objects(resource.get("interpretation")) for words in statements(each))
    unit = value.get("unit") if isinstance(value, Mapping) else None
    return fold(" | ".join((question_words(resource), *notes, *interpreted, unit if isinstance(unit, str) else "")))


def _is_called_cps(resource: Mapping[str, Any], value: Any) -> bool:
    beside = _words_beside(resource, value)
    return has_code(resource, FINDING, "pdl1.cps") or re.search(rf"\b(?:{_CPS_NAME})\b", beside) is not None


def _is_called_tps(resource: Mapping[str, Any], value: Any) -> bool:
    beside = _words_beside(resource, value)
    return has_code(resource, LNC, "83053-9") or re.search(r"\b(?:tps|tumou?r proportion)\b", beside) is not None


def _notes_state(resource: Mapping[str, Any], name: str, measure: Measure) -> bool:
    """Whether a note gives the number this very name: `TPS 60 %, CPS 65` beside 60."""
    for note in objects(resource.get("note")):
        try:
            named, _ = _by_words(str(note.get("text", "")))
        except Unreadable:
            continue
        if name in named and named[name].value == measure.value:
            return True
    return False


def _asks_for_tps(resource: Mapping[str, Any]) -> bool:
    words = fold(question_words(resource))
    return (
        has_code(resource, LNC, "83053-9")
        or re.search(r"\b(tps|tumou?r proportion|tumou?r cells?)\b", words) is not None
    )


def _only_immune_cells(resource: Mapping[str, Any]) -> bool:
    """Clone SP142 is read on tumor cells and on immune cells: a percent without either word is neither's."""
    if has_code(resource, LNC, "83057-0", "85149-3") or "sp142" in fold(question_words(resource)):
        return not _asks_for_tps(resource)
    return False


def _tps_in(resource: Mapping[str, Any], text: str) -> Measure:
    try:
        named, bare = _by_words(text)
    except Unreadable:
        return _by_search(text, _TPS_FIRST, _TPS_LAST)
    if "tps" in named:
        return named["tps"]
    if bare is None or _is_called_cps(resource, text) or "cps" in named or "ic" in named:
        raise Unreadable("the text states no tumor proportion score")
    if bare.unit is None and not _asks_for_tps(resource):
        raise Unreadable("a number that is neither called TPS nor a percent")
    if _only_immune_cells(resource):
        raise Unreadable("a percent of clone SP142 without the cells it counts")
    return bare


def _tps_quantity(resource: Mapping[str, Any], value: Any) -> Measure:
    measure = quantity(value)
    if _is_called_cps(resource, value) and not _notes_state(resource, "tps", measure):
        raise Unreadable("called a combined positive score, not a tumor proportion score")
    if measure.unit != "%" and not (measure.unit is None and _asks_for_tps(resource)):
        raise Unreadable("a tumor proportion score is in percent")
    if _only_immune_cells(resource):
        raise Unreadable("a percent of clone SP142 without the cells it counts")
    return measure


_CLONES: Mapping[str, str] = {
    "83052-1": "22C3",
    "83054-7": "22C3",
    "85147-7": "22C3",
    "83055-4": "28-8",
    "83056-2": "28-8",
    "85148-5": "28-8",
    "83057-0": "SP142",
    "85149-3": "SP142",
}


def _clone(resource: Mapping[str, Any], text: str | None) -> str | None:
    """The antibody clone, by the test's code or by the one that words name."""
    coded = {
        _CLONES[each.code] for each in codings(resource.get("code")) if each.system == LNC and each.code in _CLONES
    }
    worded = set(re.findall(r"22c3|28-8|sp263|sp142|73-10", fold(f"{question_words(resource)} {text or ''}")))
    found = coded | {clone.upper() for clone in worded}
    return found.pop() if len(found) == 1 else None


def _score(resource: Mapping[str, Any], measure: Measure, unit: str, most: int, text: str | None) -> Sequence[Reading]:
    if not 0 <= measure.value <= most or (measure.high is not None and measure.high > most):
        raise Unreadable(f"no such score: 0 to {most}")
    if measure.high is not None and measure.value < 1 <= measure.high:
        raise Unreadable("a range on both sides of 1")
    extra: dict[str, Any] = {"high": measure.high} if measure.high is not None else {}
    if clone := _clone(resource, text):
        extra["clone"] = clone
    return (Reading(measure.value, unit, text=text, comparator=measure.comparator, extra=extra),)


def tps(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """Percent of tumor cells; a range gives its low end. "Positive" without a number is unreadable."""
    refuse_absent(value)
    said = statements(value) if not _is_quantity(value) else ()
    measure = _tps_in(resource, said[0]) if said else _tps_quantity(resource, value)
    return _score(resource, measure, "%", 100, next(iter(said), None))


def cps(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """Combined positive score, a number from 0 to 100 without unit."""
    refuse_absent(value)
    said = statements(value) if not _is_quantity(value) else ()
    if not said:
        measure = quantity(value)
        if not _is_called_cps(resource, value) or measure.unit not in (None, "1"):
            raise Unreadable("not called a combined positive score")
        if _is_called_tps(resource, value) and not _notes_state(resource, "cps", measure):
            raise Unreadable("called a tumor proportion score too: which of the two it is stays open")
        return _score(resource, measure, "1", 100, None)
    try:
        named, bare = _by_words(said[0])
    except Unreadable:
        return _score(resource, _by_search(said[0], _CPS_FIRST), "1", 100, said[0])
    is_cps = _is_called_cps(resource, said[0]) and not _is_called_tps(resource, said[0])
    stated = named.get("cps") or (bare if is_cps and not named else None)
    if stated is None or stated.unit is not None:
        raise Unreadable("the text states no combined positive score")
    return _score(resource, stated, "1", 100, said[0])


_IC_NAME = r"immune cells?|ic"


def ic(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """Percent of the tumor area that PD-L1 positive immune cells cover; the scores IC0 to IC3 alone are unreadable."""
    refuse_absent(value)
    said = statements(value) if not _is_quantity(value) else ()
    named_so = re.search(rf"\b(?:{_IC_NAME})\b", fold(question_words(resource))) is not None
    asked = named_so or has_code(resource, FINDING, "pdl1.ic")
    if said:
        named, bare = _by_words(said[0])
        stated = named.get("ic") or (bare if asked and not named else None)
    else:
        stated = quantity(value) if asked else None
    if stated is None or stated.unit != "%":
        raise Unreadable("the text states no percent of immune cells")
    return _score(resource, stated, "%", 100, next(iter(said), None))


def _is_quantity(value: Any) -> bool:
    return isinstance(value, Mapping) and ("value" in value or "low" in value)


PDL1_NORMALISERS: Mapping[str, Normaliser] = {"pdl1.tps": tps, "pdl1.cps": cps, "pdl1.ic": ic}
