"""How facts, days and people look on a page: never as a program writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from prior_auth.api.words import FACTS, HAPPENED, ITEMS
from prior_auth.domain.legal_clock import LegalClock
from prior_auth.domain.people import Person
from prior_auth.domain.request import Period
from prior_auth.domain.timeline import Entry

_REFERENCE = re.compile(r" \([A-Z][A-Za-z]+/[A-Za-z0-9.\-]{1,64}\)")


def left(due_at: datetime | None, now: datetime) -> str:
    """The time left to a deadline, as people say it."""
    if due_at is None:
        return ""
    rest = due_at - now
    late = rest < timedelta(0)
    hours = int(abs(rest) / timedelta(hours=1))
    words = f"{hours // 24} d {hours % 24} h" if hours >= 48 else f"{hours} h"
    return f"late by {words}" if late else f"{words} left"


def urgency(due_at: datetime | None, now: datetime) -> str:
    """Calm over 24 hours, soon under 24, now under 4; `late` after the instant."""
    if due_at is None:
        return "none"
    hours = (due_at - now) / timedelta(hours=1)
    if hours < 0:
        return "late"
    return "now" if hours < 4 else "soon" if hours < 24 else "calm"


def law(clock: LegalClock | None) -> str:
    """The law that a due instant rests on, marked where it was not read in its source; else why there is none."""
    if clock is None:
        return ""
    if clock.won is None:
        waiting = "the clock begins when what was asked for is there" if clock.rows else ""
        return waiting or "; ".join(clock.unknown)
    doubt = "" if clock.verified else " (unverified)"
    return f"{clock.won.row.reference}: {clock.won.row.span}{doubt}"


def moment(at: datetime | None) -> str:
    """An instant to the minute, with its zone."""
    return at.strftime("%Y-%m-%d %H:%M %Z") if at else ""


def period(days: Period | None) -> str:
    if days is None:
        return ""
    if days.start and days.end:
        return f"{days.start} to {days.end}"
    return f"from {days.start}" if days.start else f"until {days.end}" if days.end else ""


def value(stated: Any) -> str:
    """A value of evidence: a coded one by its name, a truth as yes or no, a number with all its digits."""
    match stated:
        case None:
            return ""
        case bool():
            return "yes" if stated else "no"
        case Mapping():
            return str(stated.get("display") or stated.get("text") or stated.get("code") or "recorded")
        case list() | tuple():
            return ", ".join(value(one) for one in stated)
        case Decimal() if "E" in str(stated):
            return format(stated, "f")
        case date():
            return stated.isoformat()
    return str(stated)


def fact(found: Mapping[str, Any]) -> str:
    """One piece of evidence in a line: what it is, its value, its unit."""
    words = [ITEMS.get(found["item"], found["item"].replace(".", " ").replace("-", " "))]
    if shown := value(found["value"]):
        words.append(shown)
        if found.get("unit") and found["unit"] not in ("1", "{score}"):
            words.append(found["unit"])
    return " ".join(words)


def without_references(why: str) -> str:
    """A reason as a sentence: its sources stand beside it, under evidence."""
    return _REFERENCE.sub("", why)


def person(who: Person) -> str:
    return f"{who.name}, {who.role.value}{f', NPI {who.licence}' if who.licence else ''}"


def happened(entry: Entry) -> str:
    """What a line of a timeline says happened."""
    head, _, rest = entry.what.partition(":")
    words = HAPPENED.get(entry.what) or HAPPENED.get(head)
    if words is None:
        return entry.what.replace("-", " ")
    return f"{words}: {rest.replace('-', ' ')}" if rest and entry.what not in HAPPENED else words


def facts(entry: Entry) -> str:
    """The facts of a line in one; a message is a link of its own."""
    told = [f"{FACTS.get(name, name)} {stated}" for name, stated in entry.facts.items() if name != "message"]
    return " · ".join(told)


def duration(stated: str | None) -> str:
    """An ISO 8601 duration of days, months or years in words."""
    if not stated or not stated.startswith("P") or not stated[1:-1].isdigit():
        return stated or ""
    unit = {"D": "day", "W": "week", "M": "month", "Y": "year"}.get(stated[-1])
    return f"{stated[1:-1]} {unit}{'' if stated == f'P1{stated[-1]}' else 's'}" if unit else stated


def instant(stated: str) -> str:
    """An instant of a report, with its own zone's offset."""
    return datetime.fromisoformat(stated).strftime("%Y-%m-%d %H:%M %Z")


FILTERS = {
    "moment": moment,
    "instant": instant,
    "period": period,
    "fact": fact,
    "without_references": without_references,
    "value": value,
    "person": person,
    "happened": happened,
    "facts": facts,
    "duration": duration,
}
