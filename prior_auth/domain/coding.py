"""A code in a code system, as FHIR's Coding."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Coding:
    system: str
    code: str
    display: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What equality of meaning rests on; the display is for people."""
        return (self.system, self.code)
