"""The requirements of PAS 2.2.1 by the ids that its package gives them, each in our own words."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Requirement:
    """`level` is SHALL, SHOULD, MAY or their negations; `who` is client, payer or client+payer.

    `who` is the side that can keep it: for the request Bundle the guide itself names the wrong one (pas.md 2).
    """

    id: str
    level: str
    who: str
    words: str


@cache
def requirements() -> Mapping[str, Requirement]:
    """All of them by id, in the order of the page."""
    text = resources.files(__package__).joinpath("requirements.csv").read_text(encoding="utf-8")
    return {row["id"]: Requirement(**row) for row in csv.DictReader(text.splitlines())}
