"""What a RequestGroup's actions say of days and cycles, put to the orders that say nothing of them themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from prior_auth.fhir.plans import objects

Json = dict[str, Any]
Chain = Sequence[Mapping[str, Any]]

_CYCLE = ("frequency", "period", "periodUnit", "count")
_DAYS = {"d": 1, "day": 1, "days": 1, "wk": 7, "week": 7, "weeks": 7}
_FirstDay = Callable[[Mapping[str, Any]], "date | None"]


@dataclass(frozen=True, slots=True)
class Timed:
    """The first day, if it is certain, and the parts of `Timing.repeat` that make the cycle."""

    start: date | None
    cycle: Mapping[str, Any]

    @classmethod
    def of_actions(cls, chains: Sequence[Chain], first_day: _FirstDay) -> Mapping[int, Timed]:
        """By the identity of each innermost action. A cycle around it is its own, unless it has one.

        `first_day` is the day that the order of an action states itself.
        """
        days = _Days({str(chain[-1]["id"]): chain[-1] for chain in chains if chain[-1].get("id")}, first_day)
        return {id(chain[-1]): cls(days.start(chain[-1], frozenset()), _cycle(chain)) for chain in chains}


def timed(order: Mapping[str, Any], told: Timed) -> Json:
    """The order with the group's day and cycle where it states none. Two instructions are left alone."""
    if order.get("resourceType") == "MedicationRequest":
        return _medication(dict(order), told)
    if any(name.startswith("occurrence") for name in order) or not (told.start or told.cycle):
        return dict(order)
    if not told.cycle and told.start is not None:
        return {**order, "occurrencePeriod": {"start": told.start.isoformat()}}
    return {**order, "occurrenceTiming": {"repeat": {**_bounds(told.start), **told.cycle}}}


def _medication(order: Json, told: Timed) -> Json:
    dosages = [one for one in order.get("dosageInstruction", []) if isinstance(one, Mapping)]
    if len(dosages) > 1:
        return order
    dosage = dict(dosages[0]) if dosages else {}
    timing = dict(dosage.get("timing") or {})
    repeat = dict(timing.get("repeat") or {})
    cycle = told.cycle if not ({"code", "event"} & timing.keys() or set(_CYCLE) & repeat.keys()) else {}
    bounds = {} if _states_days(order, repeat) else _bounds(told.start)
    if not (cycle or bounds):
        return order
    timing["repeat"] = {**repeat, **bounds, **cycle}
    return {**order, "dosageInstruction": [{**dosage, "timing": timing}]}


def _states_days(order: Mapping[str, Any], repeat: Mapping[str, Any]) -> bool:
    dispense = order.get("dispenseRequest")
    valid = dispense.get("validityPeriod") if isinstance(dispense, Mapping) else None
    return bool(valid) or any(name.startswith("bounds") for name in repeat)


def _bounds(start: date | None) -> Json:
    return {"boundsPeriod": {"start": start.isoformat()}} if start is not None else {}


def _cycle(chain: Chain) -> Json:
    """The innermost `Timing.repeat` with a period; an action that says its own day only is in the cycle around it."""
    for action in reversed(chain):
        repeat = _repeat(action)
        if "period" in repeat and "periodUnit" in repeat:
            return {"frequency": 1} | {name: repeat[name] for name in _CYCLE if name in repeat}
    return {}


def first_day(order: Mapping[str, Any]) -> date | None:
    """The day on which an order itself says that it begins."""
    dispense = order.get("dispenseRequest")
    periods = [dispense.get("validityPeriod") if isinstance(dispense, Mapping) else None, order.get("occurrencePeriod")]
    timings = [one.get("timing") for one in objects(order.get("dosageInstruction"))] + [order.get("occurrenceTiming")]
    periods += [_repeat({"timingTiming": one}).get("boundsPeriod") for one in timings]
    stated = [one.get("start") for one in periods if isinstance(one, Mapping)] + [order.get("occurrenceDateTime")]
    return next((day for one in stated if isinstance(one, str) and (day := _day(one)) is not None), None)


@dataclass(frozen=True, slots=True)
class _Days:
    by_id: Mapping[str, Mapping[str, Any]]
    first_day: _FirstDay

    def start(self, action: Mapping[str, Any], seen: frozenset[str]) -> date | None:
        """The day stated, its order's, or so many days from another action's; None where none of it is certain."""
        for stated in _stated(action):
            return _day(stated)
        if (day := self.first_day(action)) is not None:
            return day
        seen = seen | {str(action.get("id"))}
        found = {self.related(one, seen) for one in objects(action.get("relatedAction"))}
        return next(iter(found)) if len(found) == 1 else None

    def related(self, relation: Mapping[str, Any], seen: frozenset[str]) -> date | None:
        """An exact offset in whole days from a start; from an end where the other is a moment of one day."""
        named, kind = str(relation.get("actionId")), relation.get("relationship")
        if named in seen or named not in self.by_id:
            return None
        other = self.by_id[named]
        from_start = kind in ("after-start", "concurrent-with-start")
        if not from_start and not (kind == "after-end" and "timingDateTime" in other):
            return None
        day, days = self.start(other, seen), _offset(relation)
        return day + timedelta(days=days) if day is not None and days is not None else None


def _offset(relation: Mapping[str, Any]) -> int | None:
    if "offsetRange" in relation:
        return None
    stated = relation.get("offsetDuration")
    if stated is None:
        return 0 if relation.get("relationship") == "concurrent-with-start" else None
    value = stated.get("value") if isinstance(stated, Mapping) else None
    unit = str(stated.get("code") or stated.get("unit")) if isinstance(stated, Mapping) else ""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    if unit in ("h", "hour", "hours") and value % 24 == 0:
        return int(value) // 24
    return int(value) * _DAYS[unit] if unit in _DAYS and value == int(value) else None


def _stated(action: Mapping[str, Any]) -> Iterator[str]:
    period = action.get("timingPeriod")
    bounds = _repeat(action).get("boundsPeriod")
    timing = action.get("timingTiming")
    events = timing.get("event") if isinstance(timing, Mapping) else None
    for one in (
        action.get("timingDateTime"),
        period.get("start") if isinstance(period, Mapping) else None,
        bounds.get("start") if isinstance(bounds, Mapping) else None,
        min((each for each in events if isinstance(each, str)), default=None) if isinstance(events, list) else None,
    ):
        if isinstance(one, str):
            yield one


def _day(stated: str) -> date | None:
    """A day known to the day; a month or a year is none."""
    try:
        return date.fromisoformat(stated[:10])
    except ValueError:
        return None


def _repeat(action: Mapping[str, Any]) -> Mapping[str, Any]:
    timing = action.get("timingTiming")
    repeat = timing.get("repeat") if isinstance(timing, Mapping) else None
    return repeat if isinstance(repeat, Mapping) else {}
