"""The legal clock of one request: when it was received, complete, extended, decided and notified, and when it is due.

The rows that fit on the day of receipt are part of it (house rule 3): a new row changes tomorrow's requests only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from prior_auth.domain.deadline import (
    Begins,
    BenefitKind,
    DeadlineRow,
    Limit,
    Terms,
    Unit,
    later,
    limit,
)
from prior_auth.errors import Conflict


@dataclass(frozen=True, slots=True)
class Moments:
    """Five times that are never mixed. `complete` is the receipt until the payer asks for more, then None until that
    has come; `asked` is when it asked."""

    received: datetime
    complete: datetime | None
    asked: datetime | None = None
    extended: datetime | None = None
    decided: datetime | None = None
    notified: datetime | None = None


@dataclass(frozen=True, slots=True)
class Extended:
    """The payer's message that it needs longer. `waits`: for information that it has asked for."""

    days: int
    reason: str
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """A row that fits, and what it comes to; no limit while its clock has not begun or stands still."""

    row: DeadlineRow
    limit: Limit | None


@dataclass(frozen=True, slots=True)
class LegalClock:
    """`rows` fit on the day of receipt. `unknown` names, in words, what no row says a deadline for."""

    moments: Moments
    terms: Terms | None
    rows: tuple[DeadlineRow, ...] = ()
    unknown: tuple[str, ...] = ()
    extension: Extended | None = None

    @property
    def standings(self) -> tuple[Standing, ...]:
        """Strictest first; of equal ones the verified. Those that do not run come last."""
        found = [Standing(row, self._limit(row)) for row in self.rows]
        running = [(one.limit.at, not one.row.verified, one.row.id, one) for one in found if one.limit]
        still = [one for one in found if one.limit is None]
        return (*(one for *_, one in sorted(running, key=lambda entry: entry[:3])), *still)

    @property
    def won(self) -> Standing | None:
        first = next(iter(self.standings), None)
        return first if first and first.limit else None

    @property
    def lost(self) -> tuple[Standing, ...]:
        return self.standings[1:] if self.won else self.standings

    @property
    def due_at(self) -> datetime | None:
        won = self.won
        return won.limit.at if won and won.limit else None

    @property
    def verified(self) -> bool:
        """Whether all that the due instant rests on was read in its source."""
        won = self.won
        if won is None:
            return False
        row = won.row
        extension = row.extension if self.extension else None
        return row.verified and all(part.verified for part in (row.holidays, extension) if part)

    @property
    def ask_by(self) -> Limit | None:
        """Until when the payer has to say what is missing; None where no row says, or it has said or decided."""
        if self.terms is None or self.moments.decided or self.moments.asked:
            return None
        received, zone = self.moments.received, self.terms.tzinfo
        asks = [limit(row.ask_within, received, zone, row.holidays) for row in self.rows if row.ask_within]
        return min(asks, key=lambda one: one.at, default=None)

    def kept(self, now: datetime) -> bool | None:
        """Whether notice was given in time; None while it still may be, or where no deadline is known."""
        won = self.won
        if won is None or won.limit is None:
            return None
        if self.moments.notified:
            return won.limit.keeps(self.moments.notified)
        return None if won.limit.keeps(now) else False

    def _limit(self, row: DeadlineRow) -> Limit | None:
        assert self.terms is not None
        zone, moments = self.terms.tzinfo, self.moments
        since = moments.received if row.begins is Begins.RECEIPT else moments.complete
        if since is None:
            return None
        found = limit(row.span, since, zone, row.holidays)
        if self.extension is None or row.extension is None:
            return found
        found = later(found, min(self.extension.days, row.extension.days), zone)
        if not (row.extension.stops and self.extension.waits):
            return found
        return self._stopped(row, found)

    def _stopped(self, row: DeadlineRow, found: Limit) -> Limit | None:
        """The limit after a stand-still from the message of extension until what was asked for had come."""
        assert self.terms is not None
        stopped, resumed, zone = self.moments.extended, self.moments.complete, self.terms.tzinfo
        if resumed is None or stopped is None:
            return None
        if row.span.unit is Unit.HOURS:
            return Limit(found.at + (resumed - stopped), None)
        return later(found, (self.terms.day_of(resumed) - self.terms.day_of(stopped)).days, zone)


def started(rows: Sequence[DeadlineRow], terms: Terms, received: datetime) -> LegalClock:
    """The clock of a request that was received at this instant, by the rows in force on that day in the payer's zone.

    What the rows do not cover is named: it has no deadline, and none is guessed.
    """
    on = terms.day_of(received)
    fitting = tuple(row for row in rows if any(row.fits(terms, benefit, on) for benefit in terms.benefits))
    lacking = [one for one in terms.benefits if not any(row.fits(terms, one, on) for row in fitting)]
    return LegalClock(Moments(received, received), terms, fitting, tuple(_no_row(terms, one, on) for one in lacking))


def unknown(received: datetime, why: str) -> LegalClock:
    """A request whose payer or plan is not known: no row can be looked up."""
    return LegalClock(Moments(received, received), None, (), (why,))


def asked(clock: LegalClock, at: datetime) -> LegalClock:
    """The payer asks for more: what begins with a complete request begins anew with the answer."""
    return _moved(clock, replace(clock.moments, asked=at, complete=None))


def completed(clock: LegalClock, at: datetime) -> LegalClock:
    """What was asked for has come. Nothing changes where nothing was asked."""
    return clock if clock.moments.complete else _moved(clock, replace(clock.moments, complete=at))


def told_by(asks: bool, final: bool) -> Callable[[LegalClock, datetime], LegalClock] | None:
    """What a payer's word does to the clock: a question, a last word, or nothing."""
    return asked if asks else decided if final else None


def decided(clock: LegalClock, at: datetime) -> LegalClock:
    return clock if clock.moments.decided else _moved(clock, replace(clock.moments, decided=at))


def notified(clock: LegalClock, at: datetime) -> LegalClock:
    return clock if clock.moments.notified else _moved(clock, replace(clock.moments, notified=at))


def extended(clock: LegalClock, at: datetime, *, days: int, reason: str, waits: bool = False) -> LegalClock:
    """The payer takes longer. Raises Conflict where the row that binds it lets it not, or not for so long.

    `waits`: for information; where the row says so its clock stands still until `completed`.
    """
    won = clock.won
    if won is None or won.limit is None:
        raise Conflict("no deadline runs that could be extended", where="days")
    if clock.extension or clock.moments.decided:
        raise Conflict("it was extended or decided before", where="days", fix="a deadline is extended once")
    if not won.limit.keeps(at):
        raise Conflict("the deadline is past", where="days", fix="an extension comes before it")
    if won.row.extension is None:
        raise Conflict(f"{won.row.reference} allows no extension", where="days", fix="decide in time")
    if not 1 <= days <= won.row.extension.days:
        raise Conflict("not for so long", where="days", fix=f"1 to {won.row.extension.days} days")
    if not reason.strip():
        raise Conflict("an extension needs its reason", where="reason", fix="say why, for the member and the practice")
    moments = replace(clock.moments, extended=at)
    if waits:
        moments = replace(moments, asked=at, complete=None)
    return replace(clock, moments=moments, extension=Extended(days, reason.strip(), waits))


def _moved(clock: LegalClock, moments: Moments) -> LegalClock:
    return replace(clock, moments=moments)


def _no_row(terms: Terms, benefit: BenefitKind, on: date) -> str:
    where = f" in {terms.state}" if terms.state else ""
    words = f"{terms.program.value}{where}, {benefit.value}, {terms.urgency.value}, {terms.channel.value}"
    return f"no row of law is known for {words} received on {on}"
