"""What the cases of a policy leave unseen: an outcome of a criterion or path, a side of a day that decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from prior_auth.domain.trial import Eligibility
from prior_auth.policy.model import Criterion, Path, Policy
from prior_auth.rule_tools.cases import Case, Judged
from prior_auth.rule_tools.windows import windows

OUTCOMES = ("met", "not-met", "unknown")
# What a recommendation, or a trial's eligibility, says of the path that was chosen.
_OF_PATH = {
    "approve": "met", "pend": "unknown", "refer": "not-met",
    Eligibility.BY_THE_RECORD: "met", Eligibility.CANNOT_BE_SAID: "unknown", Eligibility.NOT_ELIGIBLE: "not-met",
}  # fmt: skip
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that the cases should show. `wanted` are its outcomes or days, `seen` those that some case expects."""

    what: str
    wanted: tuple[str, ...]
    seen: tuple[str, ...]

    @property
    def lacking(self) -> tuple[str, ...]:
        return tuple(one for one in self.wanted if one not in self.seen)


def coverage(policy: Policy, cql: str, runs: Sequence[tuple[Case, Judged]]) -> tuple[Seen, ...]:
    """Each criterion, each path, each window of days and each day on which a value or a code changes.

    An outcome counts where a case expects it, not where it merely comes about. `cql` is the policy's own library.
    """
    return (
        *_criteria(policy, runs),
        *_paths(policy, runs),
        *_windows(policy, cql, runs),
        *_changes(policy, runs),
    )


def _criteria(policy: Policy, runs: Sequence[tuple[Case, Judged]]) -> Iterator[Seen]:
    for criterion in policy.criteria:
        paths = [one.id for one in policy.paths if criterion in one.criteria]
        seen = {outcome for case, found in runs for outcome in _expected(criterion, paths, case, found)}
        where = "" if len(paths) == len(policy.paths) else f" (path {', '.join(paths)})"
        wanted = tuple(one for one in OUTCOMES if one not in criterion.never)
        if criterion.applies:
            wanted += ("not-applicable",)
        yield Seen(f"{criterion.id}{where}", wanted, tuple(sorted(seen)))


def _expected(criterion: Criterion, paths: Sequence[str], case: Case, found: Judged) -> Iterator[str]:
    chosen = case.expected.get("path", found.item.path)
    for path, expected in {chosen: case.expected, **case.on_path}.items():
        if path in paths and criterion.id in expected:
            yield expected[criterion.id]


def _paths(policy: Policy, runs: Sequence[tuple[Case, Judged]]) -> Iterator[Seen]:
    for path in policy.paths:
        seen = {
            _OF_PATH[word]
            for case, found in runs
            if (word := case.expected.get("recommendation", case.expected.get("eligibility"))) in _OF_PATH
            and found.item.path == path.id
        }
        yield Seen(f"path {path.id}", _wanted_of(path, policy), tuple(sorted(seen)))


def _wanted_of(path: Path, policy: Policy) -> tuple[str, ...]:
    """A path on which a person always looks is never met as a whole."""
    never = policy.always_refer or any("met" in one.never for one in path.criteria)
    return tuple(one for one in OUTCOMES if not (never and one == "met"))


# --- Days -------------------------------------------------------------------------------------------------------------


def _windows(policy: Policy, cql: str, runs: Sequence[tuple[Case, Judged]]) -> Iterator[Seen]:
    """A fact of the first day that counts, and one of the day before, for each window of days and what looks at it."""
    for value, criteria in windows(policy, cql).items():
        items = {item for one in criteria for item in one.items}
        seen = {side for _, found in runs for side in _sides(value, items, found)}
        yield Seen(f"{value} ({', '.join(dict.fromkeys(one.id for one in criteria))})", _SIDES, tuple(sorted(seen)))


_SIDES = ("its first day", "the day before")


def _sides(value: str, items: set[str], found: Judged) -> Iterator[str]:
    first = found.hearing.parameters.get(value)
    if not isinstance(first, date):
        return
    days = {fact.date[:10] for fact in found.evidence.facts_of(*items) if fact.date}
    if first.isoformat() in days:
        yield _SIDES[0]
    if (first - _DAY).isoformat() in days:
        yield _SIDES[1]


def _changes(policy: Policy, runs: Sequence[tuple[Case, Judged]]) -> Iterator[Seen]:
    """The days on which a value, the policy or a code begins or ends: judged on that day and on the one before."""
    judged_on = {case.as_of for case, _ in runs}
    asked_for = {(coding.key, case.as_of) for case, found in runs for coding in found.item.item.codings}
    for value, rows in policy.values.items():
        for start in sorted(rows)[1:]:
            yield _both(f"{value} from {start}", start, judged_on)
    if policy.end is not None:
        yield _both(f"{policy.id} ends {policy.end}", policy.end + _DAY, judged_on)
    for one in policy.services:
        days = {day for key, day in asked_for if key == one.coding.key}
        if one.start is not None:
            yield _both(f"{one.coding.code} from {one.start}", one.start, days)
        if one.end is not None:
            yield _both(f"{one.coding.code} until {one.end}", one.end + _DAY, days)


def _both(what: str, first: date, days: set[date]) -> Seen:
    wanted = (first.isoformat(), (first - _DAY).isoformat())
    return Seen(what, wanted, tuple(one for one in wanted if date.fromisoformat(one) in days))
