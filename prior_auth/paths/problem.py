"""What is wrong with an expression, and where in it."""

from __future__ import annotations

from prior_auth.errors import RuleError


class PathError(RuleError):
    """A FHIRPath expression that cannot be used: not well formed, an unknown element or function, or too much of it.

    Also raised where a well-formed one does not fit the data; then the message names the kind of problem, never the
    data. `column` counts from 1, where the parser knows it.
    """

    def __init__(self, message: str, *, column: int | None = None, where: str | None = None, fix: str | None = None):
        super().__init__(message, where=where, fix=fix)
        self.column = column


class Unsupported(PathError):
    """A function or construct that the engine does not have, or does not allow."""
