"""Every error this product raises on purpose: what was wrong, where, and how to mend it."""

from __future__ import annotations


class PriorAuthError(Exception):
    """Root of the family. `where` is a FHIR element path, a `file:line` or a URL; `fix` says what to do next.

    Messages carry no patient data: they end up in logs and in workflow histories.
    """

    def __init__(self, message: str, *, where: str | None = None, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f" ({self.fix})" if self.fix else ""
        return f"{place}{self.message}{advice}"


class BadInput(PriorAuthError):
    """What came in cannot be used: a file, a Bundle, a request body, a form. Never retried."""


class NotFound(PriorAuthError):
    """A case, an authorization or a resource that is not here."""


class Conflict(PriorAuthError):
    """What is asked does not fit the state a thing is in, such as a decision on a request already decided."""


class Unauthorized(PriorAuthError):
    """Nobody knows who calls."""


class Forbidden(PriorAuthError):
    """Who calls is known, and may not do this, or not for this sender."""


class RuleError(PriorAuthError):
    """A rule file cannot be loaded. Stops the start-up; `where` is `file:line`."""


class SettingsError(PriorAuthError):
    """A setting is missing or wrong."""


class TransportError(PriorAuthError):
    """A call to another system failed."""


class TemporaryTransportError(TransportError):
    """Retried: down, overloaded, timed out. `retry_after` in seconds, where the other side said so."""

    def __init__(
        self, message: str, *, where: str | None = None, fix: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, where=where, fix=fix)
        self.retry_after = retry_after


class FatalTransportError(TransportError):
    """Not retried, a person looks: refused, unreadable, not found."""
