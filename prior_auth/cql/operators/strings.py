"""Strings; patterns are bounded, see `_pattern`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from prior_auth.cql.errors import BudgetExceeded, EvaluationError
from prior_auth.cql.operators.registry import operator

MAX_PATTERN = 500
MAX_WORK = 200_000_000
_REPEAT = re.compile(r"[*+]|\{\d*,\d*\}")
_NESTED = re.compile(r"[+*}]\)?[+*{]|\([^()]*[+*}][^()]*\)[+*{]|\\[1-9]|\(\?[<!=P(]")


@operator("Add", "String, String -> String", run=True)
def concatenate(run: Any, left: str, right: str) -> str:
    return str(run.sized_text(left + right))


@operator("Ampersand", "String, String -> String", nulls=True, run=True)
def join(run: Any, left: str | None, right: str | None) -> str:
    return str(run.sized_text((left or "") + (right or "")))


@operator("Combine", "List<String> -> String", run=True)
def combine(run: Any, parts: Sequence[str | None]) -> str | None:
    return combine_with(run, parts, "")


@operator("Combine", "List<String>, String -> String", run=True)
def combine_with(run: Any, parts: Sequence[str | None], separator: str) -> str | None:
    known = [part for part in parts if part is not None]
    run.text_length(sum(map(len, known)) + len(separator) * len(known))
    return separator.join(known) if known else None


@operator("Split", "String, String -> List<String>", nulls=True)
def split(text: str | None, separator: str | None) -> list[str] | None:
    if text is None:
        return None
    return text.split(separator) if separator else [text]


@operator("SplitOnMatches", "String, String -> List<String>")
def split_on_matches(text: str, pattern: str) -> list[str]:
    return _pattern(pattern, text).split(text)


@operator("Length", "String -> Integer")
def length(text: str) -> int:
    return len(text)


@operator("Upper", "String -> String")
def upper(text: str) -> str:
    return text.upper()


@operator("Lower", "String -> String")
def lower(text: str) -> str:
    return text.lower()


@operator("Indexer", "String, Integer -> String")
def character(text: str, index: int) -> str | None:
    return text[index] if 0 <= index < len(text) else None


@operator("PositionOf", "String, String -> Integer")
def position_of(part: str, text: str) -> int:
    return text.find(part)


@operator("LastPositionOf", "String, String -> Integer")
def last_position_of(part: str, text: str) -> int:
    return text.rfind(part)


@operator("Substring", "String, Integer -> String")
def substring(text: str, start: int) -> str | None:
    return text[start:] if start == 0 or 0 < start < len(text) else None


@operator("Substring", "String, Integer, Integer -> String")
def substring_of_length(text: str, start: int, count: int) -> str | None:
    return text[start : start + max(count, 0)] if 0 <= start < len(text) else None


@operator("StartsWith", "String, String -> Boolean")
def starts_with(text: str, beginning: str) -> bool:
    return text.startswith(beginning)


@operator("EndsWith", "String, String -> Boolean")
def ends_with(text: str, ending: str) -> bool:
    return text.endswith(ending)


@operator("Matches", "String, String -> Boolean")
def matches(text: str, pattern: str) -> bool:
    return _pattern(_searched(pattern), text).search(text) is not None


def _searched(pattern: str) -> str:
    """Without `.*` at its ends, which says nothing where any part of the text may match, and costs much."""
    pattern = pattern[2:] if re.match(r"\.\*(?![?+*{])", pattern) else pattern
    return pattern[:-2] if re.search(r"(?<!\\)(\\\\)*\.\*$", pattern) else pattern


@operator("ReplaceMatches", "String, String, String -> String", run=True)
def replace_matches(run: Any, text: str, pattern: str, replacement: str) -> str:
    template = re.sub(r"\\(?=\\|\$)|\$(\d)", lambda m: f"\x00{m[1]}\x01" if m[1] else "\x02", replacement)
    template = template.replace("\\", "\\\\").replace("\x02\\\\", "\\\\").replace("\x02", "")
    template = re.sub("\x00(\\d)\x01", r"\\g<\1>", template)
    try:
        return str(run.sized_text(_pattern(pattern, text).sub(template, text)))
    except (re.error, IndexError) as problem:
        raise EvaluationError("the replacement names a group that the pattern lacks") from problem


def _pattern(pattern: str, text: str) -> re.Pattern[str]:
    """The compiled pattern. EvaluationError for a wrong one, BudgetExceeded for one that could run away."""
    if len(pattern) > MAX_PATTERN:
        raise BudgetExceeded(f"a pattern may have {MAX_PATTERN} characters")
    plain = re.sub(r"\\[^1-9]|\[(?:\\.|[^\]])*\]", "x", pattern)
    if _NESTED.search(plain):
        raise BudgetExceeded("a repeat within a repeat, a look-around or a back-reference is not allowed in a pattern")
    repeats = len(_REPEAT.findall(plain))
    if (len(text) + 1) ** (repeats + 1) > MAX_WORK:
        raise BudgetExceeded("the pattern repeats too often for so long a text", fix="use fewer `*` and `+`")
    try:
        return re.compile(pattern)
    except re.error as problem:
        raise EvaluationError("the pattern is no regular expression", fix=str(problem)) from problem
