"""A number known only to lie between two bounds, such as the days between two months."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Uncertain:
    """From `low` to `high`, both included."""

    low: int
    high: int


def between(low: int, high: int) -> int | Uncertain:
    """One number where the bounds agree."""
    return low if low == high else Uncertain(low, high)
