"""Reads `rules/deadlines`: how long a payer has to answer, by law, and the holidays that a law leaves out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, model_validator

from prior_auth.domain.deadline import (
    Begins,
    BenefitKind,
    Channel,
    DeadlineRow,
    Extension,
    Program,
    Span,
    Unit,
)
from prior_auth.domain.holidays import Holiday, HolidayCalendar
from prior_auth.domain.legal_clock import LegalClock
from prior_auth.domain.request import Urgency
from prior_auth.errors import RuleError
from prior_auth.policy.files import read_shape
from prior_auth.policy.yaml_lines import line_of

_SPAN = re.compile(r"([1-9]\d{0,2}) (hour|calendar day|business day)s?")
_UNITS = {"hour": Unit.HOURS, "calendar day": Unit.DAYS, "business day": Unit.BUSINESS_DAYS}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _span(stated: Any) -> Any:
    found = _SPAN.fullmatch(stated) if isinstance(stated, str) else None
    if found is None:
        raise ValueError("write it as `72 hours`, `7 calendar days` or `3 business days`")
    return Span(int(found[1]), _UNITS[found[2]])


Within = Annotated[Span, BeforeValidator(_span)]
Words = Annotated[str, Field(min_length=1)]
State = Annotated[str, Field(pattern="^[A-Z]{2}$")]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class _Extension(_Shape):
    days: Annotated[int, Field(gt=0)]
    reference: Words
    verified: bool
    stops: bool = False


class _Row(_Shape):
    id: Words
    programs: Annotated[list[Program], Field(min_length=1)]
    benefits: Annotated[list[BenefitKind], Field(min_length=1)]
    urgency: Urgency | Literal["any"]
    channel: Channel | Literal["any"] = "any"
    states: list[State] = []
    within: Within
    begins: Begins = Begins.RECEIPT
    start: date = Field(alias="from")
    end: date | None = Field(None, alias="until")
    by_rating_period: bool = False
    holidays: str | None = None
    extension: _Extension | None = None
    ask_within: Within | None = None
    reference: Words
    verified: bool
    remark: str | None = None

    @model_validator(mode="after")
    def sound(self) -> _Row:
        if self.end and self.end < self.start:
            raise ValueError("it ends before it begins")
        if self.holidays and self.within.unit is Unit.HOURS:
            raise ValueError("hours run through holidays")
        return self


class _Rows(_Shape):
    rows: list[_Row]


class _Holiday(_Shape):
    name: Words
    month: Annotated[int, Field(ge=1, le=12)]
    day: Annotated[int, Field(ge=1, le=31)] | None = None
    nth: Literal[1, 2, 3, 4, -1] | None = None
    weekday: str | None = None
    plus: int = 0
    start: date | None = Field(None, alias="from")

    @model_validator(mode="after")
    def one_rule(self) -> _Holiday:
        if (self.day is None) == (self.nth is None) or (self.nth is None) != (self.weekday is None):
            raise ValueError("a holiday has either `day`, or `nth` and `weekday`")
        if self.weekday is not None and self.weekday not in _WEEKDAYS:
            raise ValueError(f"no weekday {self.weekday}")
        if self.day is not None:
            date(2001, self.month, self.day)  # no leap year: a holiday is in every year
        return self


class _Calendar(_Shape):
    days: Annotated[list[_Holiday], Field(min_length=1)]
    reference: Words
    verified: bool


def read_holidays(text: str, *, file: str, id: str) -> HolidayCalendar:
    """One calendar. RuleError with `file:line`."""
    content, _ = read_shape(_Calendar, text, file)
    days = tuple(
        Holiday(
            name=one.name,
            month=one.month,
            day=one.day,
            nth=one.nth,
            weekday=_WEEKDAYS.index(one.weekday) if one.weekday else None,
            plus=one.plus,
            start=one.start,
        )
        for one in content.days
    )
    return HolidayCalendar(id, days, content.reference, content.verified)


def read_deadlines(
    text: str, *, file: str, calendars: Mapping[str, HolidayCalendar] | None = None
) -> tuple[DeadlineRow, ...]:
    """The rows of one file. RuleError with `file:line`."""
    content, lines = read_shape(_Rows, text, file)
    known = calendars or {}
    for index, row in enumerate(content.rows):
        if row.holidays is not None and row.holidays not in known:
            line = line_of(lines, ["rows", index, "holidays"])
            raise RuleError(f"no calendar {row.holidays}", where=f"{file}:{line}", fix=f"known: {', '.join(known)}")
    return tuple(_row(one, known) for one in content.rows)


def _row(row: _Row, calendars: Mapping[str, HolidayCalendar]) -> DeadlineRow:
    extension = row.extension
    return DeadlineRow(
        id=row.id,
        programs=tuple(row.programs),
        benefits=tuple(row.benefits),
        urgencies=tuple(Urgency) if row.urgency == "any" else (row.urgency,),
        channels=tuple(Channel) if row.channel == "any" else (row.channel,),
        states=tuple(row.states),
        span=row.within,
        start=row.start,
        end=row.end,
        reference=row.reference,
        verified=row.verified,
        begins=row.begins,
        by_rating_period=row.by_rating_period,
        holidays=calendars[row.holidays] if row.holidays else None,
        extension=(
            Extension(extension.days, extension.reference, extension.verified, extension.stops) if extension else None
        ),
        ask_within=row.ask_within,
        remark=row.remark,
    )


_CLOCK: TypeAdapter[LegalClock] = TypeAdapter(LegalClock)


def remembered(clock: LegalClock) -> dict[str, Any]:
    """A clock with its rows as JSON: what a request is judged by stays what it was on the day of receipt."""
    kept: dict[str, Any] = _CLOCK.dump_python(clock, mode="json")
    return kept


def recalled(kept: Mapping[str, Any]) -> LegalClock:
    return _CLOCK.validate_python(kept)
