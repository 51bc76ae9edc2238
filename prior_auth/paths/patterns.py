"""Regular expressions that end: a pattern that repeats a repetition, looks around or refers back is refused."""

from __future__ import annotations

import re
from functools import lru_cache

from prior_auth.paths.problem import PathError

MAX_PATTERN = 500
MAX_SUBJECT = 20_000

_UNREADABLE = re.compile(r"\\[1-9]|\(\?[<!=P(]")
_ONE = re.compile(r"\\[^1-9]|\[(?:\\.|[^\]\\])*\]", re.DOTALL)


@lru_cache(maxsize=512)
def pattern(text: str) -> re.Pattern[str]:
    """A pattern that may be used; PathError for any other. A dot means any character, line ends too."""
    plain = _ONE.sub("x", text)
    if len(text) > MAX_PATTERN or _UNREADABLE.search(plain) or _repeats_a_repetition(plain):
        raise PathError(
            "a pattern that is too long, repeats a repetition, looks around or refers back",
            fix="write a simpler pattern",
        )
    return compiled(text)


@lru_cache(maxsize=512)
def compiled(text: str) -> re.Pattern[str]:
    """Any pattern: for expressions of published definitions only."""
    try:
        return re.compile(text, re.DOTALL)
    except re.error:
        raise PathError("not a regular expression") from None


def subject(text: str) -> str:
    """PathError for a text that is too long to look through."""
    if len(text) > MAX_SUBJECT:
        raise PathError(f"a text of more than {MAX_SUBJECT} characters cannot be looked through by a pattern")
    return text


def _repeats_a_repetition(plain: str) -> bool:
    """Whether a group that repeats something without bound is itself repeated; `plain` has no classes or escapes."""
    open_groups: list[bool] = [False]
    for at, character in enumerate(plain):
        following = plain[at + 1 : at + 2]
        if character == "(":
            open_groups.append(False)
        elif character == ")" and len(open_groups) > 1:
            repeats = open_groups.pop()
            if repeats and following in ("*", "+", "{"):
                return True
            open_groups[-1] = open_groups[-1] or repeats
        elif character in "*+{":
            if at and plain[at - 1] in "*+}" and character != "+":
                return True
            open_groups[-1] = True
    return False
