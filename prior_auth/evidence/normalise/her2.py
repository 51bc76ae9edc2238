"""HER2 by immunohistochemistry (score 0 to 3+) and by in situ hybridisation (status, ratio, copies), never mixed.

A text is cut into clauses; a clause that names a method speaks of it, a clause that names none goes on with the method
before it, and an answer before any method is the test's overall answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.evidence.normalise.codes import (
    LNC,
    codings,
    has_code,
    objects,
    only,
    question_words,
    refuse_absent,
    statements,
)
from prior_auth.evidence.normalise.markers import part_of
from prior_auth.evidence.normalise.reading import Normaliser, Reading, Unreadable
from prior_auth.evidence.normalise.status import (
    ANSWERS,
    EQUIVOCAL,
    NEGATIVE,
    POSITIVE,
    STATUS_CODES,
    coded_status,
)
from prior_auth.evidence.normalise.text import COMPARATOR, NUMBER, Lexicon, Token, comparator, fold
from prior_auth.evidence.normalise.units import Measure, quantity

SCORE_STATUS: Mapping[str, str] = {"0": NEGATIVE, "1+": NEGATIVE, "2+": EQUIVOCAL, "3+": POSITIVE}
ISH_STATUS = Coding(LNC, "85318-4", "HER2 gene amplification by in situ hybridisation")
ISH_RATIO = Coding(LNC, "49683-6", "HER2/CEP17 ratio")
ISH_COPIES = Coding(LNC, "74860-8", "HER2 copies per cell")
_ISH_CODES = ("85318-4", "96893-3", "31150-6", "49683-6", "74860-8", "74885-5")
_IHC_CODES = ("85319-2", "72383-3", "18474-7")
_SCORE_UNITS = (None, "1", "{score}", "+")

_ISH_NAME = (
    r"(?:dual[- ]probe |single[- ]probe )?(?:fluorescence |chromogenic |silver |dual )?(?:in[- ]situ hybridi[sz]ation|"
    r"fish|d-?ish|c-?ish|s-?ish|ish)"
)
_RULES: Sequence[tuple[str, str]] = (
    ("ultralow", r"(?:her-?\s?2[- ])?ultra[- ]?low"),
    ("low", r"her-?\s?2[- ]low"),
    (
        "noise",
        r"(?:human epidermal growth factor receptor 2|her-?\s?2(?:\s?/?\s?-?neu)?|erb-?b2|c-?erb-?b-?2)"
        r"(?!\s?[/:]\s?(?:cep|cen|chr)|\s?(?:gene )?(?:copy|copies|signals))",
    ),
    ("ihc", r"by ihc|ihc|immunohistochemi(?:stry|cal)|immune? ?stain(?:ing)?|immunoperoxidase"),
    ("ish", rf"by {_ISH_NAME}|{_ISH_NAME}"),
    (
        "ratio",
        rf"(?:her-?2\s?[/:]\s?(?:cep|cen|chr)[- ]?17|her-?2\s?[/:]\s?chromosome 17|(?:signal )?ratio)"
        rf"(?: signal)?(?: ratio)?"
        rf"\s*(?:is|of|was|:|=)?\s*(?P<comparator>{COMPARATOR})?\s*(?P<number>{NUMBER})",
    ),
    (
        "copies",
        rf"(?:(?:average|mean|avg\.?) )?(?:her-?2 )?(?:gene )?(?:copy number|copies|signals)"
        rf"(?:\s?(?:per|/)\s?(?:cell|nucleus))?"
        rf"\s*(?:is|of|was|:|=)?\s*(?P<comparator>{COMPARATOR})?\s*(?P<number>{NUMBER})(?:\s?(?:copies|signals))?"
        rf"(?:\s?(?:per|/)\s?(?:cell|nucleus))?",
    ),
    (
        "copies",
        rf"(?P<comparator>{COMPARATOR})?\s*(?P<number>{NUMBER}) (?:copies|signals)(?:\s?(?:per|/)\s?(?:cell|nucleus))?",
    ),
    ("pending", r"pending|to follow|not (?:performed|done|tested)|ordered|recommended|sent|awaited|reflex(?:ed)? to"),
    (
        NEGATIVE,
        r"not (?:over-?expressed|amplified|detected)|non-?amplified|un-?amplified|"
        r"no (?:evidence of )?(?:gene )?amplification"
        r"(?: detected| seen| identified)?|no over-?expression|"
        r"(?:gene )?amplification (?:is )?(?:not detected|absent|not identified)|"
        r"negative for (?:gene )?(?:amplification|over-?expression)|negative|neg",
    ),
    (
        POSITIVE,
        r"over-?expressed|over-?expression(?: detected| present)?|amplified|"
        r"(?:gene )?amplification (?:detected|present|identified)|"
        r"positive for (?:gene )?(?:amplification|over-?expression)|positive|pos",
    ),
    (EQUIVOCAL, r"equivocal|borderline"),
    (POSITIVE, r"\+(?![\d+])"),
    (
        "score",
        r"(?:score\s?(?:of|:|=|is)?\s?)?(?P<score>[123]\s?\+|0)\+?(?:\s?out of\s?3\+?|\s?/\s?3(?!\s?\+))?(?!\s?[.%\d])",
    ),
    ("score", r"score\s?(?:of|:|=|is)?\s?(?P<score>[0-3])(?!\s?[.%\d+])"),
    ("score", r"\+(?P<score>[123])(?![\d.%])"),
    ("few", r"(?:<=?\s?)?(?:10|\d)\s?% of (?:the )?(?:invasive )?(?:tumou?r |cancer )?cells"),
    (
        "noise",
        r"(?:clone |antibody )?4b5|herceptest|result|status|interpretation|score|stain(?:ing)?|expression|protein|"
        r"gene|is|was|by|of|(?:>=?|<=?)?\s?\d{1,3}\s?% of (?:the )?(?:invasive )?(?:tumou?r |cancer )?cells|"
        r"strong|intense|complete|circumferential|moderate|membran(?:e|ous)|uniform|"
        r"for|on|the|reflex|(?:per )?asco/cap(?: (?:2013|2018|2023))?(?: guidelines?)?|breast|gastric|"
        r"test(?:ing)?|low(?=$| ?[,;()])|in|group [1-5]|reflexed|invasive|ductal|lobular|mammary|carcinoma|cancer|"
        r"adenocarcinoma",
    ),
    ("weak", r"weak(?:ly)?|faint|barely perceptible|incomplete"),
    ("break", r"[,;.()/&-]|and|but|with"),
)
_WORDS = Lexicon(_RULES)
_OTHER_MARKER = re.compile(
    r"\b(er|pr|pgr|estrogen receptors?|progesterone receptors?|ki-?67|triple[- ]negative|tnbc)\b"
)
_PLUS_MINUS = re.compile(r"\+\s?/\s?[-\u2212\u2013]|\u00b1")
_BARE_RATIO = re.compile(
    rf"(?P<comparator>{COMPARATOR})\s*(?P<number>1\.8|2(?:\.0)?|2\.2)"
)  # thresholds of the ratio only


@dataclass(slots=True)
class _Said:
    """What one text says, by method."""

    answers: dict[str | None, set[str]] = field(default_factory=dict)
    scores: set[str] = field(default_factory=set)
    ratios: list[Measure] = field(default_factory=list)
    copies: list[Measure] = field(default_factory=list)
    pending: set[str | None] = field(default_factory=set)
    weak: bool = False
    few: bool = False  # of the cells, 10 % at most: too few for 3+
    low: bool = False  # called so: 1+, or 2+ without amplification
    ultralow: bool = False  # called so: 0 with some staining of the membrane

    def answer(self, method: str | None) -> str | None:
        return only(self.answers.get(method, set()), "HER2 answer")


def _clauses(tokens: Sequence[Token]) -> list[list[Token]]:
    clauses: list[list[Token]] = [[]]
    for token in tokens:
        if token.kind == "break":
            clauses.append([])
        else:
            clauses[-1].append(token)
    return [clause for clause in clauses if clause]


def _own_part(text: str) -> str:
    """HER2's part of a text that names other markers too; a text of HER2 alone keeps its words."""
    folded = fold(text).replace("her2-low", "her2 low")
    return part_of(folded, "HER2") if _OTHER_MARKER.search(folded) or re.search(r"her-?2-$", folded) else folded


def _read(text: str) -> _Said:
    if _PLUS_MINUS.search(text):
        raise Unreadable("neither plus nor minus")
    said, method = _Said(), None
    for clause in _clauses(_WORDS.read(_own_part(text), "HER2 result")):
        named = {token.kind for token in clause if token.kind in ("ihc", "ish")}
        if len(named) > 1:
            raise Unreadable("one clause names both methods")
        kinds = {token.kind for token in clause}
        if named:
            method = named.pop()
        elif "score" in kinds:
            method = "ihc"
        elif kinds & {"ratio", "copies"}:
            method = "ish"
        _take(said, clause, method)
    return said


def _take(said: _Said, clause: Sequence[Token], method: str | None) -> None:
    for token in clause:
        if token.kind in STATUS_CODES:
            said.answers.setdefault(_method_of(token, method), set()).add(token.kind)
        elif token.kind in ("low", "ultralow"):
            said.answers.setdefault(None, set()).add(NEGATIVE)
            said.low, said.ultralow = said.low or token.kind == "low", said.ultralow or token.kind == "ultralow"
        elif token.kind == "score":
            if method == "ish":
                raise Unreadable("an immunohistochemistry score under in situ hybridisation")
            said.scores.add(_score(token.groups["score"] or ""))
        elif token.kind == "ratio":
            said.ratios.append(_number(token))
        elif token.kind == "copies":
            said.copies.append(_number(token))
        elif token.kind == "pending":
            said.pending.add(method)
        elif token.kind == "weak":
            said.weak = True
        elif token.kind == "few":
            said.few = True


def _method_of(token: Token, method: str | None) -> str | None:
    """Amplification is of the gene, overexpression of the protein, whatever method was named before."""
    if "amplif" in token.text:
        return "ish"
    return "ihc" if "express" in token.text else method


def _score(raw: str) -> str:
    digit = raw.strip(" +")
    return digit if digit == "0" else f"{digit}+"


def _number(token: Token) -> Measure:
    return Measure(token.number(), "1", comparator(token.groups["comparator"]))


def _methods_asked(resource: Mapping[str, Any]) -> set[str]:
    words = fold(question_words(resource))
    if re.search(r"\bngs\b|sequencing|next[- ]gen|\bmrna\b|rt-?pcr|\bserum\b|plasma", words):
        raise Unreadable("neither immunohistochemistry nor in situ hybridisation")
    found = set()
    if has_code(resource, LNC, *_ISH_CODES) or re.search(rf"\b{_ISH_NAME}\b|amplification", words):
        found.add("ish")
    if has_code(resource, LNC, *_IHC_CODES) or re.search(r"\bihc\b|immunohisto|immune stain|immunostain", words):
        found.add("ihc")
    return found


def _said_by(value: Any) -> _Said | None:
    """What the value's words say; None where codes speak and the words are no HER2 result."""
    for words in statements(value)[:1]:
        try:
            return _read(words)
        except Unreadable:
            if not any(each.key in ANSWERS for each in codings(value)):
                raise
    return None


def _against(final: str | None, overall: str | None) -> None:
    if final and overall and final != overall and final != EQUIVOCAL:
        raise Unreadable("the overall answer contradicts the method's")


def ihc(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """Positive, negative or equivocal; the score as text where said. Raises Unreadable on an ISH result."""
    refuse_absent(value)
    if _methods_asked(resource) == {"ish"}:
        raise Unreadable("a result of in situ hybridisation")
    if (isinstance(value, Mapping) and "value" in value) or _is_number(value):
        return (_ihc_reading(_whole_score(value), None),)
    coded, said = coded_status(value), _said_by(value)
    if said is None:
        if coded is None:
            raise Unreadable("neither a known answer nor a text")
        return (_ihc_reading(None, coded),)
    if "ihc" in said.pending and not said.scores:
        raise Unreadable("immunohistochemistry is pending or was not done")
    score = only(said.scores, "HER2 score")
    if said.weak and score is None:
        raise Unreadable("weak staining without a score")
    if said.few and score == "3+":
        raise Unreadable("a score of 3+ in 10 % of the cells at most")
    stated = {answer for answer in (said.answer("ihc"), coded) if answer}
    overall = said.answer(None)
    if score is None and not stated:
        stated = {overall} if overall and not (said.ratios or said.copies or said.answers.get("ish")) else set()
    final = said.answer("ish") or (SCORE_STATUS[score] if score else only(stated, "HER2 answer"))
    _against(final, overall)
    return (_ihc_reading(score, only(stated, "HER2 answer"), _level(said, score)),)


def _level(said: _Said, score: str | None) -> str | None:
    """`ultralow` and `low` where they are said; the score, where it tells more or as much."""
    if said.ultralow and (said.low or score not in (None, "0")):
        raise Unreadable("ultralow is a score of 0 with some staining")
    if said.low and score in ("0", "3+"):
        raise Unreadable("low is a score of 1+, or of 2+ without amplification")
    if said.ultralow or (score == "0" and said.weak and said.few):
        return "ultralow"
    return score or ("low" if said.low else None)


def _whole_score(value: Any) -> str:
    measure = quantity(value)
    if measure.comparator or measure.high is not None or measure.unit not in _SCORE_UNITS:
        raise Unreadable("no immunohistochemistry score")
    if measure.value not in (0, 1, 2, 3):
        raise Unreadable("no immunohistochemistry score: 0 to 3")
    return _score(str(int(measure.value)))


def _ihc_reading(score: str | None, stated: str | None, level: str | None = None) -> Reading:
    answer = SCORE_STATUS[score] if score else stated
    if answer is None:
        raise Unreadable("no immunohistochemistry result is stated")
    if stated and answer != stated:
        raise Unreadable("the score contradicts the answer")
    return Reading(answer, coded=STATUS_CODES[answer], text=level or score)


def ish(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """Status, ratio and copies, each a reading with its own question. Raises Unreadable on an IHC result."""
    if value is None and resource.get("component"):
        return _ish_components(resource)
    refuse_absent(value)
    asked = _methods_asked(resource)
    if asked == {"ihc"}:
        raise Unreadable("a result of immunohistochemistry")
    if (isinstance(value, Mapping) and ("numerator" in value or "value" in value)) or _is_number(value):
        return (_ish_number(resource, value),)
    bare = _BARE_RATIO.fullmatch(fold(value)) if isinstance(value, str) and "ish" in asked else None
    if bare:
        return (_ratio(Measure(Decimal(bare["number"]), "1", comparator(bare["comparator"]))),)
    if isinstance(value, str) and re.fullmatch(rf"(?:{COMPARATOR})?\s*{NUMBER}", fold(value)):
        return (_ish_number_in(resource, value),)
    return _ish_words(value, overall_counts="ish" in asked)


def _ish_words(value: Any, *, overall_counts: bool) -> Sequence[Reading]:
    coded, said = coded_status(value), _said_by(value)
    answers = {coded} if coded and overall_counts else set()
    if said is None:
        return _ish_readings(answers, [], [])
    answers |= said.answers.get("ish", set())
    if not answers and overall_counts and not said.scores:
        answers |= said.answers.get(None, set())
    if said.pending & {"ish", None} and not (answers or said.ratios):
        raise Unreadable("in situ hybridisation is pending or was not done")
    return _ish_readings(answers, said.ratios, said.copies)


def _ish_readings(answers: set[str], ratios: list[Measure], copies: list[Measure]) -> Sequence[Reading]:
    answer = only(answers, "in situ hybridisation answer")
    if len(set(ratios)) > 1 or len(set(copies)) > 1:
        raise Unreadable("the text states a number twice")
    if answer and ratios and copies and not (ratios[0].comparator or copies[0].comparator):
        reckoned = ish_outcome(ratios[0].value, copies[0].value)
        if reckoned and reckoned != answer:
            raise Unreadable("the answer contradicts ratio and copies")
    readings = [Reading(answer, code=ISH_STATUS, coded=STATUS_CODES[answer])] if answer else []
    readings += [_ratio(measure) for measure in ratios[:1]] + [_copies(measure) for measure in copies[:1]]
    if not readings:
        raise Unreadable("no in situ hybridisation result is stated")
    return tuple(readings)


def _ish_components(resource: Mapping[str, Any]) -> Sequence[Reading]:
    readings: list[Reading] = []
    for component in objects(resource["component"]):
        if has_code(component, LNC, *_ISH_CODES):
            value = next((component[key] for key in component if key.startswith("value")), None)
            readings += ish({**component, "resourceType": "Observation"}, value)
    if not readings:
        raise Unreadable("no component is an in situ hybridisation result")
    return tuple(readings)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _ish_number(resource: Mapping[str, Any], value: Any) -> Reading:
    if isinstance(value, Mapping) and "numerator" in value:
        above, below = quantity(value["numerator"]), quantity(value.get("denominator"))
        if not below.value or above.comparator or below.comparator:
            raise Unreadable("a ratio that is no number")
        return _ratio(Measure(above.value / below.value, "1"))
    copies = isinstance(value, Mapping) and "cop" in fold(f"{value.get('code', '')} {value.get('unit', '')}")
    if copies or has_code(resource, LNC, "74860-8") or re.search(r"cop(y|ies)", fold(question_words(resource))):
        plain = {key: each for key, each in value.items() if key not in ("unit", "code")} if copies else value
        return _copies(_unitless(quantity(plain)))
    if has_code(resource, LNC, "49683-6") or "ratio" in fold(question_words(resource)):
        return _ratio(_unitless(quantity(value)))
    raise Unreadable("a number that is called neither ratio nor copies")


def _ish_number_in(resource: Mapping[str, Any], text: str) -> Reading:
    match = re.fullmatch(rf"(?P<comparator>{COMPARATOR})?\s*(?P<number>{NUMBER})", fold(text))
    assert match is not None
    plain = _ish_number(resource, Decimal(match["number"]))
    return Reading(plain.value, plain.unit, plain.code, comparator=comparator(match["comparator"]), text=text)


def _unitless(measure: Measure) -> Measure:
    if measure.unit not in (None, "1") or measure.high is not None:
        raise Unreadable("a number with a unit that is no ratio")
    return measure


def _ratio(measure: Measure) -> Reading:
    if not Decimal("0.1") <= measure.value <= 40:
        raise Unreadable("no plausible ratio")
    return Reading(measure.value, "1", ISH_RATIO, comparator=measure.comparator)


def _copies(measure: Measure) -> Reading:
    if not Decimal("0.5") <= measure.value <= 100:
        raise Unreadable("no plausible number of copies")
    return Reading(measure.value, "1", ISH_COPIES, comparator=measure.comparator)


def ish_outcome(
    ratio: Decimal | None, copies: Decimal | None, ihc_score: str | None = None, *, gastric: bool = False
) -> str | None:
    """Positive, negative or unknown (None), by ratio, copies and IHC score (rulings 22).

    From memory of the 2018 testing guideline, so unverified. `ihc_score` is `0`, `1+`, `2+` or `3+`.
    """
    if ratio is None:
        return None
    if gastric and ratio >= 2:
        return POSITIVE
    if copies is None:
        return None
    if ratio >= 2 and copies >= 4:
        return POSITIVE
    if ratio < 2 and copies < 4:
        return NEGATIVE
    if ratio < 2 and copies >= 6 and ihc_score == "2+":
        return POSITIVE
    return {"3+": POSITIVE, "0": NEGATIVE, "1+": NEGATIVE}.get(ihc_score or "")


HER2_NORMALISERS: Mapping[str, Normaliser] = {"her2.ihc": ihc, "her2.ish": ish}
