"""Strings; patterns are bounded, see `prior_auth.cql.values.patterns`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from prior_auth.cql.errors import EvaluationError
from prior_auth.cql.operators.registry import operator


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


@operator("SplitOnMatches", "String, String -> List<String>", run=True)
def split_on_matches(run: Any, text: str, pattern: str) -> list[str]:
    found = run.pattern(pattern).on(text).split(text)
    run.look()
    return list(run.sized(found))


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


@operator("Matches", "String, String -> Boolean", run=True)
def matches(run: Any, text: str, pattern: str) -> bool:
    found = run.pattern(_searched(pattern)).on(text).search(text) is not None
    run.look()
    return found


def _searched(pattern: str) -> str:
    """Without `.*` at its ends, which says nothing where any part of the text may match, and costs much."""
    pattern = pattern[2:] if re.match(r"\.\*(?![?+*{])", pattern) else pattern
    return pattern[:-2] if re.search(r"(?<!\\)(\\\\)*\.\*$", pattern) else pattern


@operator("ReplaceMatches", "String, String, String -> String", run=True)
def replace_matches(run: Any, text: str, pattern: str, replacement: str) -> str:
    template = re.sub(r"\\(?=\\|\$)|\$(\d)", lambda m: f"\x00{m[1]}\x01" if m[1] else "\x02", replacement)
    template = template.replace("\\", "\\\\").replace("\x02\\\\", "\\\\").replace("\x02", "")
    template = re.sub("\x00(\\d)\x01", r"\\g<\1>", template)
    compiled = run.pattern(pattern).on(text)
    if any(int(group) > compiled.groups for group in re.findall(r"\\g<(\d)>", template)):
        raise EvaluationError("the replacement names a group that the pattern lacks")
    grown = 0

    def replaced(match: re.Match[str]) -> str:
        nonlocal grown
        run.step()
        found = match.expand(template)
        grown += len(found)
        run.text_length(grown)
        return found

    found = compiled.sub(replaced, text)
    run.look()
    return str(run.sized_text(found))
