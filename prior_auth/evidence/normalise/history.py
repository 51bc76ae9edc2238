"""What a history holds: smoking, metastatic disease of the past; and stages outside TNM, by their own scales."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.evidence.normalise.codes import (
    LNC,
    SCT,
    VALUE,
    codings,
    has_code,
    only,
    question_words,
    refuse_absent,
    statements,
)
from prior_auth.evidence.normalise.reading import Normaliser, Reading, Unreadable
from prior_auth.evidence.normalise.text import Lexicon, doubtful, fold, negated, of_family
from prior_auth.evidence.normalise.units import PACK_YEARS, exact, measured
from prior_auth.fhir.mcode import FHIR_DATE

# --- smoking ----------------------------------------------------------------------------------------------------

SMOKING: Mapping[str, Coding] = {
    "current": Coding(SCT, "77176002", "Smoker"),
    "former": Coding(SCT, "8517006", "Ex-smoker"),
    "never": Coding(SCT, "266919005", "Never smoked tobacco"),
}
_SMOKING_CODES = {
    **{coding.key: name for name, coding in SMOKING.items()},
    **{
        (SCT, code): "current"
        for code in ("449868002", "428041000124106", "428071000124103", "428061000124105", "65568007", "230059006")
    },
    (LNC, "LA18976-3"): "current",  # every day
    (LNC, "LA18977-1"): "current",  # some days
    (LNC, "LA15920-4"): "former",
    (LNC, "LA18978-9"): "never",
}
_SMOKING_WORDS = (
    ("never", r"never[- ]smok(?:er|ed)|never|non-?smoker|lifelong non-?smoker"),
    ("former", r"former(?: smoker)?|ex-?smoker|quit(?: smoking)?|past smoker|previous smoker"),
    ("current", r"current(?: (?:every|some) days?)?(?: smoker)?|active smoker|smoker|smokes"),
)


def smoking(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """Current, former or never, by code or by the words that begin the text."""
    refuse_absent(value)
    found = {_SMOKING_CODES[each.key] for each in codings(value) if each.key in _SMOKING_CODES}
    text = next(iter(statements(value)), None)
    if not found and text is not None:
        folded = fold(text)
        if doubtful(folded) or of_family(folded):
            raise Unreadable("the text doubts, or speaks of the family")
        found = {name for name, words in _SMOKING_WORDS[:1] if re.match(rf"(?:{words})\b", folded)} or {
            name for name, words in _SMOKING_WORDS[1:] if re.match(rf"(?:{words})\b", folded)
        }
    answer = only(found, "smoking status")
    if answer is None:
        raise Unreadable("neither current, former nor never")
    return (Reading(answer, coded=SMOKING[answer], text=text),)


_PACK_YEARS = exact(measured(PACK_YEARS))


def pack_years(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """Pack-years; a bare number answers a question that asks for them."""
    if isinstance(value, str):
        value = re.sub(r"pack[- ]?(?:years?|yrs?)", "pack-years", value.lower())
    elif isinstance(value, Mapping) and "value" in value:
        # A pack-year has no UCUM code of its own: some write 1, some nothing.
        stated = [each for each in (value.get("unit"), value.get("code")) if each not in (None, "", "1")]
        value = {"value": value["value"], "unit": stated[0] if stated else PACK_YEARS.unit} | (
            {"comparator": value["comparator"]} if value.get("comparator") else {}
        )
    return _PACK_YEARS(resource, value)


def quit_date(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """The date on which smoking ended, as precise as it is stated."""
    text = value if isinstance(value, str) else None
    if text is None or FHIR_DATE.fullmatch(text.strip()) is None:
        raise Unreadable("no date")
    return (Reading(text.strip(), extra={"date": True}),)


# --- metastatic disease of the past -----------------------------------------------------------------------------


def history_metastatic(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """In mCODE a value of false reverses the meaning, and a missing one means true."""
    refuse_absent(value)
    if isinstance(value, bool):
        return (Reading(value),)
    if isinstance(value, Mapping) and codings(value):  # the code alone: no value was stated
        return (Reading(True),)
    raise Unreadable("neither true nor false")


# --- lymphoma and prostate --------------------------------------------------------------------------------------

_ANN_ARBOR = Lexicon(
    (
        ("stage", r"(?P<level>iv|iii|ii|i|[1-4])(?:-(?=[abesx]))?(?P<modifier>[abesx]{0,3})(?![a-z])"),
        (
            "noise",
            r"ann[- ]arbor|lugano|cotswolds?|lymphoma|hodgkin'?s?|non-?hodgkin'?s?|clinical|pathologic(?:al)?|stage|"
            r"staging|classification|system|finding|bulky|disease|modified|by|of|[,;.()-]",
        ),
    )
)
_ROMAN = {"1": "I", "2": "II", "3": "III", "4": "IV"}


def stage_lymphoma(_: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """Ann Arbor or Lugano stage with its letters: `IIB`, `IVSE`; by its words, no list of its codes is at hand."""
    refuse_absent(value)
    found: dict[str, str] = {}
    for words in statements(value):
        tokens = _ANN_ARBOR.read(words, "lymphoma stage")
        if len(tokens) != 1:
            raise Unreadable("the text does not state one stage")
        level = str(tokens[0].groups["level"])
        found.setdefault(_ROMAN.get(level, level.upper()) + str(tokens[0].groups["modifier"]).upper(), words)
    stage = only(set(found), "stage")
    if stage is None:
        raise Unreadable("no stage of lymphoma in words")
    return (Reading(stage, coded=Coding(VALUE, f"lymphoma-stage-{stage}", f"Stage {stage}"), text=found[stage]),)


GRADE_GROUPS: Mapping[int | None, Coding] = {
    number: Coding(SCT, code, f"Gleason grade group {number}")
    for number, code in enumerate(("860742008", "860743003", "860744009", "860745005", "860746006"), start=1)
}
_BY_GRADE_CODE = {coding.key: number for number, coding in GRADE_GROUPS.items()}
_GRADE_GROUP = re.compile(r"(?:isup |grade |gleason )(?:grade )?group\s?(?:\(?isup\)?)?\s?[:=]?\s?(?P<group>[1-5])\b")
_PATTERNS = re.compile(r"(?<!\d)(?P<one>[1-5])\s?\+\s?(?P<two>[1-5])(?!\d)")
_SUM = re.compile(r"gleason (?:score|sum)?\s?(?:of |is )?[:=]?\s?(?P<sum>[6-9]|10)\b(?!\s?\+)")


def gleason(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """The grade group 1 to 5, as stated or from the patterns: 3+4 is 2, 4+3 is 3. A bare score of 7 is either."""
    refuse_absent(value)
    if isinstance(value, bool) or not (statements(value) or codings(value) or isinstance(value, int)):
        raise Unreadable("no grade group that is known")
    text = str(value) if isinstance(value, int) else " | ".join(statements(value))
    asked = re.search(r"grade group|isup", fold(question_words(resource))) or has_code(resource, LNC, "94734-1")
    # A number alone answers what was asked: a grade group, else a score.
    folded = f"{'grade group' if asked else 'gleason score'} {fold(text)}"
    if negated(folded) or doubtful(folded):
        raise Unreadable("the text denies or doubts")
    coded: set[int | None] = {_BY_GRADE_CODE[each.key] for each in codings(value) if each.key in _BY_GRADE_CODE}
    groups = coded | {int(each["group"]) for each in _GRADE_GROUP.finditer(folded)}
    groups |= {_group_of(int(each["one"]), int(each["two"])) for each in _PATTERNS.finditer(folded)}
    if not groups:
        groups = {_GROUP_OF_SUM[int(each["sum"])] for each in _SUM.finditer(folded)}
    if len(groups) != 1 or None in groups:
        raise Unreadable("the text does not tell one grade group")
    group = groups.pop()
    return (Reading(group, coded=GRADE_GROUPS[group], text=text),)


_GROUP_OF_SUM: Mapping[int, int | None] = {6: 1, 7: None, 8: 4, 9: 5, 10: 5}


def _group_of(one: int, two: int) -> int | None:
    if (one, two) in ((3, 4), (4, 3)):
        return 2 if one == 3 else 3
    return 1 if one + two <= 6 else _GROUP_OF_SUM.get(one + two)


HISTORY_NORMALISERS: Mapping[str, Normaliser] = {
    "smoking": smoking,
    "pack-years": pack_years,
    "quit-date": quit_date,
    "history-metastatic": history_metastatic,
    "stage.lymphoma": stage_lymphoma,
    "gleason": gleason,
}
