"""What is wrong with an expression, and where in it."""

from __future__ import annotations

from prior_auth.errors import RuleError


class PathError(RuleError):
    """A FHIRPath expression that cannot be used: not well formed, an unknown element or function, or too much of it.

    `column` counts from 1, where the parser knows it.
    """

    def __init__(self, message: str, *, column: int | None = None, where: str | None = None, fix: str | None = None):
        super().__init__(message, where=where, fix=fix)
        self.column = column
