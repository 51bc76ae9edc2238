"""Scores of a tumor's genome: mutational burden, microsatellite instability and mismatch repair, recurrence scores."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.evidence.normalise.codes import (
    FINDING,
    LNC,
    VALUE,
    codings,
    only,
    question_words,
    refuse_absent,
    statements,
)
from prior_auth.evidence.normalise.reading import Normaliser, Reading, Unreadable
from prior_auth.evidence.normalise.status import NEGATIVE, POSITIVE, STATUS_CODES, coded_status
from prior_auth.evidence.normalise.text import COMPARATOR, NUMBER, Lexicon, comparator, fold
from prior_auth.evidence.normalise.units import TMB, Measure, in_window, quantity

# --- tumor mutational burden ----------------------------------------------------------------------------------

_PER_MEGABASE = r"(?:mut(?:ation)?s?|variants?)?\s?(?:/|per)\s?(?:mb|mega-?\s?bases?(?: pairs?)?)"
_TMB = Lexicon(
    (
        ("value", rf"(?P<comparator>{COMPARATOR})?\s*(?P<number>{NUMBER})\s?{_PER_MEGABASE}"),
        (
            "noise",
            r"tmb|tumou?r mutation(?:al)? (?:burden|load)|mutation(?:al)? burden|high|low|intermediate|tmb-?[hl]|is|of|"
            r"score|result|status|[,;.()/-]",
        ),
    )
)


def tmb(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """Mutations in a megabase. "TMB high" without a number is unreadable: laboratories set different limits."""
    refuse_absent(value)
    said = statements(value) if not isinstance(value, Mapping) or "value" not in value else ()
    if said:
        tokens = _TMB.read(said[0], "tumor mutational burden")
        if len(tokens) != 1:
            raise Unreadable("the text does not state one mutational burden")
        found = Measure(tokens[0].number(), TMB.unit, comparator(tokens[0].groups["comparator"]))
    else:
        found = quantity(value)
    if found.unit != TMB.unit or found.high is not None:
        raise Unreadable("a mutational burden is in mutations a megabase")
    text = next(iter(said), None)
    return (Reading(in_window(found.value, TMB), TMB.unit, text=text, comparator=found.comparator),)


# --- microsatellite instability, mismatch repair ---------------------------------------------------------------

MSI_QUESTION = Coding(LNC, "81695-9", "Microsatellite instability [Interpretation] in Cancer specimen Qualitative")
MMR_QUESTION = Coding(FINDING, "mmr", "Mismatch repair proteins")
MSI_ANSWERS: Mapping[str, Coding] = {
    "msi-high": Coding(LNC, "LA26203-2", "MSI-H"),
    "msi-low": Coding(LNC, "LA26202-4", "MSI-L"),
    "msi-stable": Coding(LNC, "LA14122-8", "Stable"),
    "msi-indeterminate": Coding(LNC, "LA11884-6", "Indeterminate"),
    "mmr-deficient": Coding(VALUE, "mmr-deficient", "Mismatch repair deficient"),
    "mmr-proficient": Coding(VALUE, "mmr-proficient", "Mismatch repair proficient"),
}
_MSI_CODES = {coding.key: name for name, coding in MSI_ANSWERS.items()}
_PROTEINS = r"(?:mlh-?1|msh-?2|msh-?6|pms-?2)"
_ALL = rf"{_PROTEINS}(?:\s?(?:,|/|and|&|, and)\s?{_PROTEINS})*"
_MSI = Lexicon(
    (
        ("mmr-proficient", rf"no loss of (?:nuclear )?(?:expression|staining)(?: of (?:mmr proteins|{_ALL}))?"),
        ("mmr-deficient", rf"loss of (?:nuclear )?(?:expression |staining )?(?:of )?{_ALL}(?: expression)?"),
        ("msi-high", r"msi-?\s?h(?:igh)?|(?:microsatellite )?instability[- ]\(?high\)?|high[- ]frequency msi"),
        ("msi-low", r"msi-?\s?l(?:ow)?|(?:microsatellite )?instability[- ]\(?low\)?"),
        (
            "msi-stable",
            r"mss|msi-?\s?s(?:table)?|microsatellite[- ]stable|no (?:evidence of )?microsatellite instability|stable|"
            r"not detected",
        ),
        ("msi-indeterminate", r"indeterminate|inconclusive|cannot be determined"),
        ("mmr-deficient", r"dmmr|mmr-?\s?d(?:eficien(?:t|cy))?|(?:mismatch[- ]repair )?deficien(?:t|cy)"),
        (
            "mmr-proficient",
            r"pmmr|mmr-?\s?p(?:roficient)?|(?:mismatch[- ]repair )?proficient|(?:intact|retained|preserved)"
            rf"(?: nuclear)?(?: expression| staining)?(?: of {_ALL})?",
        ),
        ("high", r"high"),
        ("low", r"low"),
        (
            "noise",
            rf"microsatellite(?: instability)?|msi|mismatch[- ]repair|mmr|status|result|proteins?|{_ALL}|by|pcr|ngs|"
            r"ihc|immunohistochemistry|tumou?r|is|all|four|4|of|and|or|nuclear|expression|normal|[,;.()/+-]",
        ),
    )
)


def msi(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """One reading for instability, one for repair, as far as the value tells; they are two tests."""
    refuse_absent(value)
    found = {_MSI_CODES[each.key] for each in codings(value) if each.key in _MSI_CODES}
    text = next(iter(statements(value)), None)
    if text is not None:
        try:
            found |= {_named(token.kind, resource) for token in _MSI.read(text, "microsatellite status")}
        except Unreadable:
            if not found:
                raise
    readings = [_msi_reading(found, kind, text) for kind in ("msi", "mmr")]
    if not any(readings):
        raise Unreadable("neither a microsatellite status nor one of mismatch repair")
    return tuple(each for each in readings if each is not None)


def _named(kind: str, resource: Mapping[str, Any]) -> str:
    """A bare "high" answers the question for instability only."""
    if kind not in ("high", "low"):
        return kind
    if re.search(r"microsatellite|\bmsi\b", fold(question_words(resource))) is None:
        raise Unreadable("high or low, and not of what")
    return f"msi-{kind}"


def _msi_reading(found: set[str], kind: str, text: str | None) -> Reading | None:
    said = sorted(each for each in found if each.startswith(kind))
    if len(said) > 1:
        raise Unreadable("the status contradicts itself")
    if not said:
        return None
    question = MSI_QUESTION if kind == "msi" else MMR_QUESTION
    return Reading(said[0], code=question, coded=MSI_ANSWERS[said[0]], text=text)


# --- homologous recombination deficiency ---------------------------------------------------------------------------

_HRD = Lexicon(
    (
        (NEGATIVE, r"(?:hrd|hr)[- ]?(?:negative|proficient)|negative|not detected"),
        (POSITIVE, r"(?:hrd|hr)[- ]?(?:positive|deficient)|positive|detected"),
        (
            "noise",
            r"homologous recombination(?: deficien(?:cy|t)| proficien(?:cy|t))?|hrd|genomic instability|gis|"
            rf"status|score|result|is|of|{NUMBER}|[,;.()/-]",
        ),
    )
)


def hrd(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """Positive or negative as the laboratory says. A score alone is unread: each assay has a limit of its own."""
    refuse_absent(value)
    text = next(iter(statements(value)), None)
    found = {answer for answer in (coded_status(value),) if answer}
    if text is not None and not found:
        found = {token.kind for token in _HRD.read(text, "homologous recombination status")}
    answer = only(found, "answer")
    if answer not in (POSITIVE, NEGATIVE):
        raise Unreadable("neither positive nor negative")
    return (Reading(answer, coded=STATUS_CODES[answer], text=text),)


# --- recurrence score ------------------------------------------------------------------------------------------

_SCORE = Lexicon(
    (
        ("value", rf"(?P<number>{NUMBER})(?:\s?/\s?100)?"),
        (
            "noise",
            r"oncotype(?: dx)?|breast|recurrence score|score|rs|result|is|of|high|low|intermediate|risk|(?:low|high|"
            r"intermediate)[- ]risk|category|[,;.()-]",
        ),
    )
)


def recurrence_score(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """The 21-gene recurrence score, a whole number from 0 to 100."""
    refuse_absent(value)
    said = statements(value) if not isinstance(value, Mapping) or "value" not in value else ()
    if said:
        tokens = _SCORE.read(said[0], "recurrence score")
        if len(tokens) != 1:
            raise Unreadable("the text does not state one recurrence score")
        score = tokens[0].number()
    else:
        measure = quantity(value)
        if measure.unit not in (None, "1") or measure.comparator or measure.high is not None:
            raise Unreadable("a recurrence score has no unit")
        score = measure.value
    if not 0 <= score <= 100 or score != score.to_integral_value():
        raise Unreadable("no recurrence score: 0 to 100")
    return (Reading(Decimal(int(score)), "1", text=next(iter(said), None)),)


GENOMIC_SCORE_NORMALISERS: Mapping[str, Normaliser] = {
    "tmb": tmb,
    "msi": msi,
    "hrd": hrd,
    "recurrence-score": recurrence_score,
}
