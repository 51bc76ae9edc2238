"""ECOG, Karnofsky and Lansky performance status: integers, LOINC answers, SNOMED CT findings, text, components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prior_auth.evidence.normalise.codes import LNC, SCT, codings, has_code, objects, refuse_absent, statements
from prior_auth.evidence.normalise.reading import Normaliser, Reading, Unreadable
from prior_auth.evidence.normalise.text import Lexicon
from prior_auth.evidence.normalise.units import quantity

ECOG_ANSWERS: Mapping[tuple[str, str], int] = {
    (LNC, "LA9622-7"): 0,
    (LNC, "LA9623-5"): 1,
    (LNC, "LA9624-3"): 2,
    (LNC, "LA9625-0"): 3,
    (LNC, "LA9626-8"): 4,
    (LNC, "LA9627-6"): 5,
    (SCT, "425389002"): 0,
    (SCT, "422512005"): 1,
    (SCT, "422894000"): 2,
    (SCT, "423053003"): 3,
    (SCT, "423237006"): 4,
    (SCT, "423409001"): 5,
}
_ECOG_LOINC = ("89247-1", "89262-0")
_KARNOFSKY_LOINC = ("89243-0",)

# Words of the scale's own grade descriptions; with them "1 - restricted in strenuous activity" is still one grade.
_GRADE_WORDS = (
    r"fully active|active|able|unable|to carry (?:on|out)|carry|all|any|pre-?disease|performance|without restriction|"
    r"restricted|in|physically|physical|strenuous|activity|activities|but|ambulatory|and|to|of|a|an|or|the|light|"
    r"sedentary nature|nature|e\.g\.?|house ?work|office work|work|capable|self-?care|only|limited|up|about|more|less|"
    r"(?:>|<|greater than|less than|more than)?\s?50\s?%|than|waking hours|hours|completely|totally|disabled|cannot|"
    r"on|confined|bed|chair|asymptomatic|symptomatic|dead|normal|bedbound|day|during|out|no symptoms"
)
_ECOG = Lexicon(
    (
        ("other", r"(?:kps|karnofsky)(?: performance)?(?: status| score)?\s?[:=]?\s?(?:is |of )?\d+\s?%?"),
        (
            "noise",
            r"ecog(?:/who|/zubrod)?|who|zubrod|eastern cooperative oncology group|performance status|ps|score|grade|"
            r"status|is|of|[,;.()/-]",
        ),
        ("grade", r"(?:ecog|ps)?(?P<number>[0-5])"),
        ("noise", _GRADE_WORDS),
    )
)
_KARNOFSKY = Lexicon(
    (
        ("other", r"(?:ecog)(?: performance)?(?: status| score)?\s?[:=]?\s?(?:ps )?[0-5]"),
        ("noise", r"karnofsky|kps|performance status|performance|status|score|scale|is|of|[,;.()/-]"),
        ("grade", r"(?P<number>100|[1-9]?0)\s?%?"),
    )
)

_LANSKY = Lexicon(
    (
        ("noise", r"lansky|play[- ]performance|performance status|performance|status|score|scale|is|of|[,;.()/-]"),
        ("grade", r"(?P<number>100|[1-9]?0)\s?%?"),
    )
)


def _integer(value: Any) -> int:
    measure = quantity(value)
    if measure.comparator or measure.high is not None or measure.unit not in (None, "1", "%"):
        raise Unreadable("no plain score")
    if measure.value != measure.value.to_integral_value():
        raise Unreadable("no whole score")
    return int(measure.value)


def _grade_in(text: str, lexicon: Lexicon, what: str) -> int:
    tokens = [token for token in lexicon.read(text, what) if token.kind == "grade"]
    if len(tokens) != 1:
        raise Unreadable(f"the text does not state one {what}")
    return int(tokens[0].number())


def _one_grade(value: Any, answers: Mapping[tuple[str, str], int], lexicon: Lexicon, what: str) -> int:
    refuse_absent(value)
    if not isinstance(value, str) and not codings(value) and not statements(value):
        return _integer(value)
    coded = {answers[each.key] for each in codings(value) if each.key in answers}
    if len(coded) > 1:
        raise Unreadable("the score's coding contradicts itself")
    if coded:
        return coded.pop()
    said = {_grade_in(words, lexicon, what) for words in statements(value)[:1]}
    if len(said) != 1:
        raise Unreadable(f"neither a known answer nor a text with the {what}")
    return said.pop()


def _value_or_component(resource: Mapping[str, Any], value: Any, codes: Sequence[str]) -> Any:
    """A panel keeps its score in a component."""
    if value is not None:
        return value
    for component in objects(resource.get("component")):
        if has_code(component, LNC, *codes):
            return next((component[key] for key in component if key.startswith("value")), None)
    raise Unreadable("no score is stated")


def ecog(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    stated = _value_or_component(resource, value, _ECOG_LOINC)
    grade = _one_grade(stated, ECOG_ANSWERS, _ECOG, "ECOG grade")
    if not 0 <= grade <= 5:
        raise Unreadable("no ECOG grade: 0 to 5")
    return (Reading(grade, text=next(iter(statements(stated)), None)),)


def karnofsky(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    stated = _value_or_component(resource, value, _KARNOFSKY_LOINC)
    score = _one_grade(stated, {}, _KARNOFSKY, "Karnofsky score")
    if not 0 <= score <= 100 or score % 10:
        raise Unreadable("no Karnofsky score: 0 to 100 in tens")
    return (Reading(score, text=next(iter(statements(stated)), None)),)


def lansky(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """The play-performance scale of children: 0 to 100 in tens."""
    stated = _value_or_component(resource, value, ())
    score = _one_grade(stated, {}, _LANSKY, "Lansky score")
    if not 0 <= score <= 100 or score % 10:
        raise Unreadable("no Lansky score: 0 to 100 in tens")
    return (Reading(score, text=next(iter(statements(stated)), None)),)


PERFORMANCE_NORMALISERS: Mapping[str, Normaliser] = {"ecog": ecog, "karnofsky": karnofsky, "lansky": lansky}
