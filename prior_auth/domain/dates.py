"""Dates as charts state them: to the day, the month or the year, and what that leaves open."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date

_FHIR_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T.*)?)?)?")


@dataclass(frozen=True, slots=True)
class PartialDate:
    """Every day a stated date can mean: `2026-03` is 2026-03-01 to 2026-03-31. `text` is as the chart has it."""

    text: str
    earliest: date
    latest: date

    @classmethod
    def parse(cls, text: str) -> PartialDate:
        """Read a FHIR date or dateTime (the day as written, in the zone it was written in).

        Raises ValueError where it is none.
        """
        match = _FHIR_DATE.fullmatch(text)
        if match is None:
            raise ValueError(f"not a FHIR date: {text!r}")
        year, month, day = (int(part) if part else None for part in match.groups())
        assert year is not None
        if month is None:
            return cls(text, date(year, 1, 1), date(year, 12, 31))
        if day is None:
            return cls(text, date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1]))
        exact = date(year, month, day)
        return cls(text, exact, exact)

    @property
    def is_exact(self) -> bool:
        return self.earliest == self.latest
