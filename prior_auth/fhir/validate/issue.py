"""One finding of the validator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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


def has_errors(issues: list[Issue]) -> bool:
    return any(one.severity == "error" for one in issues)
