"""What a judge says: rules, what broke them and where, and the report of a whole run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """`advice` is a SHOULD that was not kept; `not-judged` says why nobody can tell."""

    PASSED = "passed"
    FAILED = "failed"
    ADVICE = "advice"
    NOT_JUDGED = "not-judged"


@dataclass(frozen=True, slots=True)
class Rule:
    """`requirements` are ids of the guide; one without any comes from R4, the Backport guide or the operation itself.

    `is_advice`: a SHOULD, so breaking it fails nothing.
    """

    id: str
    words: str
    requirements: tuple[str, ...] = ()
    is_advice: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """`where` is the element path, or the call, that breaks the rule."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule over one message (`about`)."""

    rule: Rule
    about: str
    outcome: Outcome
    findings: tuple[Finding, ...] = ()
    why: str | None = None


@dataclass(slots=True)
class Report:
    """All verdicts of one run, in order; what the run saw of the must-support elements by profile (`census`).

    What it did not see is in `as_json`, and in the findings where a rule asks for it.
    """

    target: str
    verdicts: list[Verdict] = field(default_factory=list)
    census: dict[str, dict[str, Any]] = field(default_factory=dict)

    def judge(self, rule: Rule, about: str, findings: Iterable[Finding]) -> bool:
        """Record the verdict; whether the rule is kept."""
        found = tuple(findings)
        broken = Outcome.ADVICE if rule.is_advice else Outcome.FAILED
        self.verdicts.append(Verdict(rule, about, broken if found else Outcome.PASSED, found))
        return not found

    def cannot(self, rule: Rule, about: str, why: str) -> None:
        self.verdicts.append(Verdict(rule, about, Outcome.NOT_JUDGED, (), why))

    def outcome(self, rule_id: str) -> Outcome | None:
        """Of one rule over all messages: failed if it failed once. None where it never came up."""
        found = {one.outcome for one in self.verdicts if one.rule.id == rule_id}
        ranked = (Outcome.FAILED, Outcome.ADVICE, Outcome.PASSED, Outcome.NOT_JUDGED)
        return next((one for one in ranked if one in found), None)

    @property
    def exit_code(self) -> int:
        """1 where a rule is broken; 2 where nothing could be judged at all."""
        outcomes = {one.outcome for one in self.verdicts}
        if Outcome.FAILED in outcomes:
            return 1
        return 0 if Outcome.PASSED in outcomes else 2

    def rules(self) -> Iterator[tuple[Rule, Outcome, list[Verdict]]]:
        """Each rule once, in the order of its first verdict."""
        by_id: dict[str, list[Verdict]] = {}
        for one in self.verdicts:
            by_id.setdefault(one.rule.id, []).append(one)
        for rule_id, verdicts in by_id.items():
            outcome = self.outcome(rule_id)
            assert outcome is not None
            yield verdicts[0].rule, outcome, verdicts

    def counts(self) -> Mapping[str, int]:
        every = [outcome for _, outcome, _ in self.rules()]
        return {one.value: every.count(one) for one in Outcome}

    def as_json(self) -> dict[str, Any]:
        return {
            "target": self.target,
            "counts": dict(self.counts()),
            "rules": [_rule(rule, outcome, verdicts) for rule, outcome, verdicts in self.rules()],
            "census": self.census,
        }

    def lines(self) -> Iterator[str]:
        """For people: one line a rule, and below it what broke it and where."""
        whys = {one.why for one in self.verdicts}
        if self.exit_code == 2 and len(whys) == 1:
            yield f"not judged: {whys.pop()}"
            return
        for rule, outcome, verdicts in self.rules():
            ids = f" [{', '.join(rule.requirements)}]" if rule.requirements else ""
            yield f"{outcome.value:<10} {rule.id:<22} {rule.words}{ids}"
            for one in verdicts:
                yield from (f"           - {one.about}: {found.where}: {found.what}" for found in one.findings)
            reasons = dict.fromkeys(one.why for one in verdicts if one.why and outcome is Outcome.NOT_JUDGED)
            yield from (f"           - {why}" for why in reasons)
        for profile, seen in self.census.items():
            yield f"must-support {profile}: {seen['seen']} of {seen['of']} seen"
        yield ", ".join(f"{count} {name}" for name, count in self.counts().items())


def _rule(rule: Rule, outcome: Outcome, verdicts: list[Verdict]) -> dict[str, Any]:
    return {
        "id": rule.id,
        "words": rule.words,
        "requirements": list(rule.requirements),
        "outcome": outcome.value,
        "judged": sum(one.outcome is not Outcome.NOT_JUDGED for one in verdicts),
        "findings": [
            {"about": one.about, "where": found.where, "what": found.what} for one in verdicts for found in one.findings
        ],
        "why": list(dict.fromkeys(one.why for one in verdicts if one.why)),
    }
