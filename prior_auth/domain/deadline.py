"""How long a payer has to answer: dated rows of law, what they are looked up by, and the instant each comes to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo

from prior_auth.domain.holidays import HolidayCalendar
from prior_auth.domain.request import Urgency


class Program(StrEnum):
    """Whose law binds a plan. `COMMERCIAL` is sold under a state's law, `SELF_FUNDED` an employer's own."""

    MEDICARE_ADVANTAGE = "medicare-advantage"
    MEDICAID_FFS = "medicaid-ffs"
    MEDICAID_MANAGED = "medicaid-managed"
    CHIP_FFS = "chip-ffs"
    CHIP_MANAGED = "chip-managed"
    QHP_FFE = "qhp-ffe"
    COMMERCIAL = "commercial"
    SELF_FUNDED = "self-funded"
    ORIGINAL_MEDICARE = "original-medicare"


class BenefitKind(StrEnum):
    """What is asked for, as the clocks tell it apart. A medical drug of a Medicare plan is a Part B drug."""

    SERVICE = "service"
    MEDICAL_DRUG = "medical-drug"
    PHARMACY_DRUG = "pharmacy-drug"


class Channel(StrEnum):
    """How the request came: by an electronic process that the plan offers, or by fax, mail or phone."""

    ELECTRONIC = "electronic"
    OTHER = "other"


class Begins(StrEnum):
    """What starts a row's clock: the receipt, or the receipt of a request with all that is needed to decide."""

    RECEIPT = "receipt"
    COMPLETE = "complete"


class Unit(StrEnum):
    HOURS = "hours"
    DAYS = "days"
    BUSINESS_DAYS = "business-days"


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time as a law counts it: elapsed hours, or days that end with the last of them.

    The day it begins on is not counted. Business days leave out Saturday and Sunday; holidays count like any other
    day unless the row names a calendar.
    """

    amount: int
    unit: Unit

    def __str__(self) -> str:
        name = {Unit.HOURS: "hour", Unit.DAYS: "calendar day", Unit.BUSINESS_DAYS: "business day"}[self.unit]
        return f"{self.amount} {name}{'' if self.amount == 1 else 's'}"

    def last_day(self, first: date, holidays: HolidayCalendar | None = None) -> date:
        day, left = first, self.amount
        while left:
            day += timedelta(days=1)
            left -= self._counts(day, holidays)
        return day

    def _counts(self, day: date, holidays: HolidayCalendar | None) -> bool:
        if self.unit is Unit.BUSINESS_DAYS and day.weekday() >= 5:
            return False
        return holidays is None or not holidays.has(day)


@dataclass(frozen=True, slots=True)
class Extension:
    """What a row lets a payer add, once and with a reason. `stops`: until what was asked for is there (29 CFR
    2560.503-1(f)(4))."""

    days: int
    reference: str
    verified: bool
    stops: bool = False


@dataclass(frozen=True, slots=True)
class DeadlineRow:
    """One row of law. Empty `states` is everywhere; `end` is its last day.

    `by_rating_period`: in force from a managed care plan's first rating period that begins on `start` or later.
    `ask_within`: how soon, from the receipt, the payer has to say what is missing.
    """

    id: str
    programs: tuple[Program, ...]
    benefits: tuple[BenefitKind, ...]
    urgencies: tuple[Urgency, ...]
    channels: tuple[Channel, ...]
    states: tuple[str, ...]
    span: Span
    start: date
    end: date | None
    reference: str
    verified: bool
    begins: Begins = Begins.RECEIPT
    by_rating_period: bool = False
    holidays: HolidayCalendar | None = None
    extension: Extension | None = None
    ask_within: Span | None = None
    remark: str | None = None

    def fits(self, terms: Terms, benefit: BenefitKind, on: date) -> bool:
        return (
            terms.program in self.programs
            and benefit in self.benefits
            and terms.urgency in self.urgencies
            and terms.channel in self.channels
            and (not self.states or terms.state in self.states)
            and self.in_force(on, terms.rating_period)
        )

    def in_force(self, on: date, rating_period: MonthDay | None) -> bool:
        start, end = self.start, self.end
        if self.by_rating_period and rating_period:
            start = rating_period.first_from(start)
            end = rating_period.first_from(end + timedelta(days=1)) - timedelta(days=1) if end else None
        return start <= on and (end is None or on <= end)


@dataclass(frozen=True, slots=True)
class MonthDay:
    """A day of every year: when a managed care contract's rating period begins."""

    month: int
    day: int

    def first_from(self, day: date) -> date:
        this_year = date(day.year, self.month, self.day)
        return this_year if this_year >= day else date(day.year + 1, self.month, self.day)


@dataclass(frozen=True, slots=True)
class Terms:
    """What rows are looked up by. `zone` is the payer's (an IANA name): its calendar days are the ones counted.

    `state` (two letters) is where a state's law binds the plan; None where nobody has said.
    """

    program: Program
    benefits: tuple[BenefitKind, ...]
    urgency: Urgency
    channel: Channel
    state: str | None
    zone: str
    rating_period: MonthDay | None = None

    @property
    def tzinfo(self) -> tzinfo:
        return ZoneInfo(self.zone)

    def day_of(self, at: datetime) -> date:
        return at.astimezone(self.tzinfo).date()


@dataclass(frozen=True, slots=True)
class Limit:
    """The instant that a span comes to. A span of days ends with its `last_day`: the instant is the midnight after."""

    at: datetime
    last_day: date | None

    def keeps(self, at: datetime) -> bool:
        """Whether something at that instant is in time."""
        return at < self.at if self.last_day else at <= self.at


def limit(span: Span, since: datetime, zone: tzinfo, holidays: HolidayCalendar | None = None) -> Limit:
    """Hours run as elapsed time, whatever the clocks on the wall do; days as calendar days of the zone."""
    if span.unit is Unit.HOURS:
        return Limit((since.astimezone(UTC) + timedelta(hours=span.amount)).astimezone(zone), None)
    return until_end_of(span.last_day(since.astimezone(zone).date(), holidays), zone)


def until_end_of(day: date, zone: tzinfo) -> Limit:
    return Limit(datetime.combine(day + timedelta(days=1), time.min, zone), day)


def later(found: Limit, days: int, zone: tzinfo) -> Limit:
    """A limit some calendar days on: at the same time of the day in the zone, or with the end of that day."""
    if found.last_day:
        return until_end_of(found.last_day + timedelta(days=days), zone)
    wall = found.at.astimezone(zone).replace(tzinfo=None) + timedelta(days=days)
    # Through UTC: a time that the clocks leave out becomes the hour after it.
    return Limit(wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone), None)
