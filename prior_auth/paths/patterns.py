"""Regular expressions that end: a pattern looks only forward, and one that could run long is matched in linear time."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from prior_auth.paths.linear import Machine, machine
from prior_auth.paths.problem import PathError

MAX_PATTERN = 500
MAX_SUBJECT = 100_000
MAX_WORK = 200_000  # tries of `re` at worst, some milliseconds

_ENDLESS = re.compile(r"[*+]|\{\d*,\}")
_COUNTED = re.compile(r"\?|\{(\d*),?(\d*)\}")
_BACK_OR_AROUND = re.compile(r"\\[1-9]|\(\?[^:]")
_REPEATED_GROUP = re.compile(r"\)(?:[*+]|\{)")
_ONE = re.compile(r"\\[^1-9]|\[(?:\\.|[^\]\\])*\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that may be used. A dot means any character, line ends too.

    `re` may try `factor` times the text's length to the power of `power`, at worst; 0 where no power bounds it.
    """

    quick: re.Pattern[str]
    sure: Machine
    factor: int
    power: int

    def is_in(self, text: str) -> bool:
        """Whether it matches somewhere. PathError for a text that is too long to look through."""
        _check_length(text)
        return self.quick.search(text) is not None if self._is_short(text) else self.sure.is_in(text)

    def is_all(self, text: str) -> bool:
        """Whether it matches the whole text."""
        _check_length(text)
        return self.quick.fullmatch(text) is not None if self._is_short(text) else self.sure.is_all(text)

    def replaced(self, text: str, put: Callable[[re.Match[str]], str]) -> str:
        """Each match replaced. PathError where finding them could take too long."""
        _check_length(text)
        if not self._is_short(text):
            raise PathError("the pattern repeats too often for so long a text", fix="use fewer `*` and `+`")
        return self.quick.sub(put, text)

    def _is_short(self, text: str) -> bool:
        return self.power > 0 and self.factor * (len(text) + 1) ** self.power <= MAX_WORK


@lru_cache(maxsize=512)
def pattern(text: str) -> Pattern:
    """A pattern that a rule may use; PathError for any other."""
    plain = _ONE.sub("x", text)
    if len(text) > MAX_PATTERN or _BACK_OR_AROUND.search(plain) or _repeats_a_repetition(plain):
        raise PathError(
            "a pattern that is too long, repeats a repetition, looks around or refers back",
            fix="write a simpler pattern",
        )
    return published(text)


@lru_cache(maxsize=512)
def published(text: str) -> Pattern:
    """A pattern of a published definition, which may repeat a repetition: what `re` could try for ever is not asked."""
    plain = _ONE.sub("x", text)
    try:
        quick = re.compile(text, re.DOTALL)
    except (re.error, OverflowError):
        raise PathError("not a regular expression") from None
    is_nested = _repeats_a_repetition(plain) or _REPEATED_GROUP.search(plain) is not None
    power = 0 if is_nested else len(_ENDLESS.findall(plain)) + 1
    return Pattern(quick, machine(text), _choices(_ENDLESS.sub("", plain)), power)


def _choices(plain: str) -> int:
    """In how many ways the counted repetitions may be taken."""
    return math.prod(int(match[2] or match[1] or 1) + 1 for match in _COUNTED.finditer(plain))


def _check_length(text: str) -> None:
    if len(text) > MAX_SUBJECT:
        raise PathError(f"a text of more than {MAX_SUBJECT} characters cannot be looked through by a pattern")


def _repeats_a_repetition(plain: str) -> bool:
    """Whether a group that repeats something is itself repeated; `plain` has no classes or escapes."""
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
            if at and plain[at - 1] in "*+}":
                return True
            open_groups[-1] = True
    return False
