"""A legal clock as plain data, for the command line, programs and pages: when, by which law, and what lost."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prior_auth.domain.deadline import DeadlineRow, Limit
from prior_auth.domain.legal_clock import LegalClock, Standing


def as_json(clock: LegalClock) -> dict[str, Any]:
    """Instants are in the payer's zone, where that is known. `due` of a span of days is the midnight after
    `last_day`; both are None where no deadline is known, and `unknown` says why. `in_time` is of the notice given."""
    moments, terms, extension = clock.moments, clock.terms, clock.extension
    won = clock.won
    limit = won.limit if won else None
    return {
        "due": _at(clock, limit.at if limit else None),
        "last_day": limit.last_day.isoformat() if limit and limit.last_day else None,
        "verified": clock.verified,
        "won": _standing(clock, won) if won else None,
        "lost": [_standing(clock, one) for one in clock.lost],
        "unknown": list(clock.unknown),
        "in_time": clock.kept(moments.notified) if moments.notified else None,
        "ask_by": _limit(clock, clock.ask_by),
        "received": _at(clock, moments.received),
        "complete": _at(clock, moments.complete),
        "asked": _at(clock, moments.asked),
        "extended": _at(clock, moments.extended),
        "decided": _at(clock, moments.decided),
        "notified": _at(clock, moments.notified),
        "extension": (
            {"days": extension.days, "reason": extension.reason, "waits": extension.waits} if extension else None
        ),
        "program": terms.program.value if terms else None,
        "benefits": [one.value for one in terms.benefits] if terms else [],
        "urgency": terms.urgency.value if terms else None,
        "channel": terms.channel.value if terms else None,
        "state": terms.state if terms else None,
        "zone": terms.zone if terms else None,
    }


def row_as_json(row: DeadlineRow) -> dict[str, Any]:
    """One row of law as it stands in the rulebook."""
    extension = row.extension
    return {
        "id": row.id,
        "within": str(row.span),
        "begins": row.begins.value,
        "reference": row.reference,
        "verified": row.verified,
        "programs": [one.value for one in row.programs],
        "benefits": [one.value for one in row.benefits],
        "urgency": [one.value for one in row.urgencies],
        "channel": [one.value for one in row.channels],
        "states": list(row.states),
        "from": row.start.isoformat(),
        "until": row.end.isoformat() if row.end else None,
        "by_rating_period": row.by_rating_period,
        "holidays": row.holidays.reference if row.holidays else None,
        "ask_within": str(row.ask_within) if row.ask_within else None,
        "extension": (
            {"days": extension.days, "reference": extension.reference, "verified": extension.verified}
            if extension
            else None
        ),
        "remark": row.remark,
    }


def _standing(clock: LegalClock, standing: Standing) -> dict[str, Any]:
    limit = standing.limit
    return {
        "due": _at(clock, limit.at if limit else None),
        "last_day": limit.last_day.isoformat() if limit and limit.last_day else None,
        **row_as_json(standing.row),
    }


def _limit(clock: LegalClock, limit: Limit | None) -> str | None:
    return _at(clock, limit.at) if limit else None


def _at(clock: LegalClock, at: datetime | None) -> str | None:
    if at is None:
        return None
    return (at.astimezone(clock.terms.tzinfo) if clock.terms else at).isoformat()


def as_lines(clock: LegalClock) -> list[str]:
    """The clock as a person reads it in a terminal."""
    report = as_json(clock)
    won = report["won"]
    lines = [f"received {report['received']}"]
    if won:
        end = f", the end of {won['last_day']}" if won["last_day"] else ""
        lines.append(f"due      {won['due']}{end}")
        lines.append(f"by       {_law(won)}{'' if report['verified'] else ' [unverified]'}")
        lines += [f"         {won['remark']}"] if won["remark"] else []
    elif clock.rows:
        lines.append("due      not known yet: the clock begins when the request is complete")
    if report["ask_by"]:
        lines.append(f"ask by   {report['ask_by']} for what is missing")
    lines += [f"lost     {one['due'] or 'not running'} {_law(one)}{_mark(one)}" for one in report["lost"]]
    return lines + [f"unknown  {why}" for why in report["unknown"]]


def row_line(row: DeadlineRow) -> str:
    """One row of law in a line."""
    told = row_as_json(row)
    where = f" in {', '.join(row.states)}" if row.states else ""
    whom = f"{', '.join(told['programs'])}{where}: {', '.join(told['benefits'])}, {', '.join(told['urgency'])}"
    until = f" until {told['until']}" if told["until"] else ""
    return f"{row.id}: {whom}: {_law(told)}, from {told['from']}{until}{_mark(told)}"


def _law(row: dict[str, Any]) -> str:
    start = " from the complete request" if row["begins"] == "complete" else ""
    return f"{row['within']}{start}, {row['reference']}"


def _mark(row: dict[str, Any]) -> str:
    return "" if row["verified"] else " [unverified]"
