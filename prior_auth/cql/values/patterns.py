"""Regular expressions that cannot run away: how many ways a matcher may have to try is bounded before it starts.

Python's matcher goes back and tries again wherever a pattern leaves a choice: how often to repeat, which branch to
take. The number of ways through a pattern, at each of the text's positions, is what a match can cost.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from re import _compiler as compiler  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from prior_auth.cql.errors import BudgetExceeded, EvaluationError

MAX_PATTERN = 500
MAX_WORK = 100_000_000  # about a second of Python's matcher at worst
_ALWAYS_ONE = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN", "AT"})
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})

_Item = tuple[Any, Any]  # an opcode of Python's own parser with its operands
_Longest = Callable[[Sequence[_Item]], int]  # how often something can be repeated at most


class Pattern:
    """A pattern that has been read. EvaluationError for what is none, BudgetExceeded for what is not allowed in one."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_PATTERN:
            raise BudgetExceeded(f"a pattern may have {MAX_PATTERN} characters")
        try:
            self._compiled = re.compile(text)
            self._parsed = parser.parse(text)
        except (re.error, OverflowError) as problem:
            raise EvaluationError("the pattern is no regular expression", fix=str(problem)) from problem
        except RecursionError:
            raise BudgetExceeded("the pattern is nested too deep") from None
        _ways(self._parsed, lambda _: 1)

    def on(self, text: str) -> re.Pattern[str]:
        """The compiled pattern, to be used on this text. BudgetExceeded where that could take too long."""
        size = len(text) + 1
        if size * _ways(self._parsed, lambda _: size) <= MAX_WORK:
            return self._compiled
        # `[0-9]+` goes no further than the longest number in this text, a dot no further than its longest line.
        if size * _ways(self._parsed, lambda body: self._longest_row(body, text)) <= MAX_WORK:
            return self._compiled
        raise BudgetExceeded("the pattern repeats too often for so long a text", fix="use fewer `*` and `+`")

    def _longest_row(self, body: Sequence[_Item], text: str) -> int:
        """Of characters that a repeat of one character can take; of anything else, the whole text."""
        if len(body) != 1 or str(body[0][0]) not in _ALWAYS_ONE:
            return len(text) + 1
        state = self._parsed.state
        row = parser.SubPattern(
            state, [(parser.MAX_REPEAT, (1, parser.MAXREPEAT, parser.SubPattern(state, list(body))))]
        )
        found = compiler.compile(row, self._compiled.flags).finditer(text)
        return max((match.end() - match.start() for match in found), default=0) + 1


def _ways(items: Iterable[_Item], longest: _Longest) -> float:
    """In how many ways the items, one after another, may match from one position of a text."""
    found = 1.0
    for code, operands in items:
        found *= _ways_of(str(code), operands, longest)
    return found


def _ways_of(code: str, operands: Any, longest: _Longest) -> float:
    if code in _ALWAYS_ONE:
        return 1
    if code == "SUBPATTERN":
        return _ways(operands[3], longest)
    if code == "BRANCH":
        branches = operands[1]
        ways = [_ways(one, longest) for one in branches]
        return max(ways) if _are_exclusive(branches) else sum(ways)
    if code in _REPEATS:
        least, most, body = operands
        most = min(int(most), longest(body))
        within, counts = _ways(body, longest), max(most - int(least), 0) + 1
        return counts * _power(within, most)
    raise BudgetExceeded("look-around, back-references and conditions are not allowed in a pattern")


def _power(base: float, exponent: int) -> float:
    try:
        return base**exponent
    except OverflowError:
        return float("inf")


def _are_exclusive(branches: Iterable[Iterable[_Item]]) -> bool:
    """Whether no two branches can begin with the same character."""
    seen: set[str] = set()
    for branch in branches:
        first = _first(branch)
        if first is None or seen & first:
            return False
        seen |= first
    return True


def _first(items: Iterable[_Item]) -> set[str] | None:
    """The characters that a match can begin with, in lower case; None where they cannot be told."""
    for code, operands in items:
        match str(code):
            case "LITERAL":
                return {chr(operands).lower()}
            case "IN" if all(str(one) == "LITERAL" for one, _ in operands):
                return {chr(value).lower() for _, value in operands}
            case "SUBPATTERN":
                return _first(operands[3])
            case "MAX_REPEAT" | "MIN_REPEAT" if operands[0] > 0:
                return _first(operands[2])
        return None
    return None
