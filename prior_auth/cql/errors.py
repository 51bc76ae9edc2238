"""What can go wrong with a library when it loads, and while it runs."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple

from prior_auth.errors import PriorAuthError, RuleError


class At(NamedTuple):
    """A place in a library's text; lines and columns count from one."""

    library: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.library}:{self.line}:{self.column}"


class CqlError(RuleError):
    """A library that cannot be loaded; `where` is `name:line:column`."""

    def __init__(self, message: str, at: At, fix: str | None = None) -> None:
        super().__init__(message, where=str(at), fix=fix)
        self.at = at


class EvaluationError(PriorAuthError):
    """One define could not be evaluated; the others are not touched. `where` is `name:line:column`."""


class BudgetExceeded(EvaluationError):
    """An evaluation took more steps, depth or memory than its `Budget` allows."""


class MissingParameter(EvaluationError):
    """A parameter without default was not supplied."""


_LONGEST_WORD = 200  # comparing takes the product of both lengths


def nearest(word: str, known: Iterable[str]) -> str | None:
    """`did you mean ...` for a misspelt word, or None when nothing is near."""
    if len(word) > _LONGEST_WORD:
        return None
    found = get_close_matches(word, [one for one in known if len(one) <= _LONGEST_WORD], n=1, cutoff=0.6)
    return f"did you mean `{found[0]}`?" if found else None
