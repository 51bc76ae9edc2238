"""What a normaliser gives: one typed value, or an honest refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.domain.evidence import FactValue

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Reading:
    """One typed value read from a resource.

    `unit` is the canonical UCUM code of a number. `code` is the canonical code of the question, where the value
    decides it (a ratio, copies or a status; a clinical or a pathologic stage). `coded` is the canonical code of the
    value. `text` is the score or the raw text kept beside the value. `comparator` is as stated (`<`, `<=`, `>=`, `>`).
    `extra` holds what else was said, by the name its normaliser documents.
    """

    value: FactValue
    unit: str | None = None
    code: Coding | None = None
    coded: Coding | None = None
    text: str | None = None
    comparator: str | None = None
    extra: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)


class Unreadable(ValueError):
    """A value that no grammar knows. The message says what was expected and carries no patient data."""


Normaliser = Callable[[Mapping[str, Any], Any], Sequence[Reading]]
