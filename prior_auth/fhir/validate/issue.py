"""One finding of the validator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MAX_WORD = 200

Severity = Literal["error", "warning", "information"]


@dataclass(frozen=True, slots=True)
class Issue:
    """`path` is a FHIRPath element path (`Bundle.entry[4].resource.gender`), `rule` the kind, perhaps with a key.

    Rules: `structure`, `unknown`, `empty`, `primitive`, `cardinality`, `choice`, `type`, `fixed`, `binding`, `code`,
    `slicing`, `extension`, `modifier-extension`, `reference`, `profile`, `narrative`, `bundle`, `invariant:<key>`;
    `not-checked` says what could not be judged and why, `engine:<key>` that an invariant could not be evaluated.
    Messages hold codes and element names, never names, dates or free text of a patient.
    """

    severity: Severity
    path: str
    rule: str
    message: str
    fix: str | None = None


def brief(word: object) -> str:
    """A code, URL or type name of the input as messages show it: anything may stand there, of any length."""
    text = str(word)
    return text if len(text) <= MAX_WORD else f"{text[:MAX_WORD]}…"


def has_errors(issues: list[Issue]) -> bool:
    return any(one.severity == "error" for one in issues)
