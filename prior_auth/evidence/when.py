"""The day a resource speaks of, as the chart states it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from prior_auth.domain.dates import PartialDate
from prior_auth.fhir.mcode import FHIR_DATE

# In order of preference. `issued` and `recordedDate` are when it was written down: better than nothing, never before.
_ELEMENTS: Mapping[str, tuple[str, ...]] = {
    "Observation": ("effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued"),
    "DiagnosticReport": ("effectiveDateTime", "effectivePeriod", "issued"),
    "Condition": ("onsetDateTime", "onsetPeriod", "recordedDate"),
    "Procedure": ("performedDateTime", "performedPeriod"),
    "MedicationAdministration": ("effectiveDateTime", "effectivePeriod"),
    "MedicationStatement": ("effectiveDateTime", "effectivePeriod", "dateAsserted"),
    "MedicationDispense": ("whenHandedOver", "whenPrepared"),
    "MedicationRequest": ("authoredOn",),
    "ServiceRequest": ("authoredOn",),
    "DeviceRequest": ("authoredOn",),
    "AllergyIntolerance": ("recordedDate", "onsetDateTime"),
    "DocumentReference": ("date",),
    "QuestionnaireResponse": ("authored",),
    "FamilyMemberHistory": ("date",),
}


@dataclass(frozen=True, slots=True)
class When:
    """`text` is a FHIR date or dateTime (of a period: its start), `end` of a period's end; `element` says where."""

    text: str | None
    end: str | None = None
    element: str | None = None

    @property
    def days(self) -> PartialDate | None:
        return parsed(self.text)

    def after(self, day: date) -> bool:
        """Whether every day it can mean lies after `day`."""
        days = self.days
        return days is not None and days.earliest > day

    def overlaps(self, other: When) -> bool:
        """Whether both can mean one day. Two different times of one day do not: the later is newer."""
        mine, theirs = self.days, other.days
        if mine is None or theirs is None:
            return False
        if self.has_time and other.has_time:
            return self.text == other.text
        return mine.earliest <= theirs.latest and theirs.earliest <= mine.latest

    @property
    def has_time(self) -> bool:
        return self.text is not None and "T" in self.text

    @property
    def is_exact(self) -> bool:
        days = self.days
        return days is not None and days.is_exact


UNDATED = When(None)


def period_of(when: When) -> dict[str, str]:
    """As a FHIR Period."""
    return {key: text for key, text in (("start", when.text), ("end", when.end)) if text}


@lru_cache(maxsize=8192)
def parsed(text: str | None) -> PartialDate | None:
    try:
        return PartialDate.parse(text) if text else None
    except ValueError:
        return None


def when_of(resource: Mapping[str, Any]) -> When:
    """From the first of the type's date elements that holds a FHIR date; UNDATED where none does."""
    kind = resource.get("resourceType", "")
    for element in _ELEMENTS.get(kind, ()):
        value = resource.get(element)
        start, end = (value.get("start"), value.get("end")) if isinstance(value, Mapping) else (value, None)
        first, last = _stated(start), _stated(end)
        if first or last:
            return When(first or last, last if first else None, f"{kind}.{element}")
    return UNDATED


def _stated(value: object) -> str | None:
    """A FHIR date or dateTime; of one whose time is written wrongly (without its zone), the day."""
    if not isinstance(value, str) or parsed(value) is None:
        return None
    return value if FHIR_DATE.fullmatch(value) else value[:10]
