"""The part of a combined statement that speaks of one marker: `ER+/PR-/HER2-`, `ER 95%, PR negative`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from prior_auth.evidence.normalise.reading import Unreadable
from prior_auth.evidence.normalise.text import fold

_NAMES: Mapping[str, str] = {
    "ER": r"(?:o?estrogen receptors?(?: alpha)?|er)",
    "PR": r"(?:progesterone receptors?|pgr|pr)",
    "HER2": r"(?:her-?\s?2(?:\s?/?\s?-?neu)?|(?:c-?)?erb-?b-?2|human epidermal growth factor receptor 2)",
    "Ki67": r"(?:ki-?\s?67)",
}
_MARK = re.compile("|".join(f"(?P<{name}>(?<![a-z0-9]){pattern}(?![a-z0-9]))" for name, pattern in _NAMES.items()))
_TRIPLE_NEGATIVE = re.compile(r"(?:triple[- ]negative|tnbc)(?: breast (?:cancer|carcinoma))?")
_HORMONE_NEGATIVE = re.compile(r"(?:hormone receptor|hr)(?:[- ]negative|-)")
_LEAD = re.compile(r"[\s,;:/().-]|breast|carcinoma|cancer|invasive|ductal|lobular")
_SIGN = re.compile(r"-(?=$|[\s/,;)])(?!\s*(?:pos|neg|equiv|\d|<|>))")


def part_of(text: str, marker: str) -> str:
    """What a text says of `ER`, `PR` or `HER2`, without the marker's names; the whole text where it names no marker.

    Raises Unreadable where it speaks of other markers only, or leaves open whose an answer is.
    """
    folded = fold(text)
    if _TRIPLE_NEGATIVE.fullmatch(folded) or (marker != "HER2" and _HORMONE_NEGATIVE.fullmatch(folded)):
        return "negative"
    marks = list(_MARK.finditer(folded))
    if not marks:
        return folded
    pieces = [_piece(folded, marks, place) for place in range(len(marks))]
    own = [place for place, mark in enumerate(marks) if mark.lastgroup == marker]
    lead = folded[: marks[0].start()]
    if len(own) == len(marks):
        return " ".join([lead, *pieces])
    if not own:
        raise Unreadable("the text speaks of another marker")
    if _LEAD.sub("", lead):
        raise Unreadable("it is open which marker an answer belongs to")
    if own != list(range(own[0], own[-1] + 1)):
        raise Unreadable("the text speaks of the marker twice")
    return " ".join(pieces[place] for place in own)


def _piece(folded: str, marks: list[re.Match[str]], place: int) -> str:
    """What follows a name up to the next. `ER-` is negative, `ER - positive` and `ER-positive` are not."""
    end = marks[place + 1].start() if place + 1 < len(marks) else len(folded)
    rest = folded[marks[place].end() : end]
    sign = _SIGN.match(rest)
    return f"negative {rest[sign.end() :]}" if sign else rest
