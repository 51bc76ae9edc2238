"""One criterion: its evidence, its test, and what silence means; the outcome with its reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from prior_auth.cql import Budget, Resources, Results
from prior_auth.domain.assessment import CriterionResult, DataRequirement, Proposal
from prior_auth.domain.criterion import Outcome
from prior_auth.domain.dates import PartialDate
from prior_auth.domain.evidence import Evidence, Fact, Tier
from prior_auth.domain.request import Period, RequestItem
from prior_auth.policy import words
from prior_auth.policy.dates import back
from prior_auth.policy.model import Absence, Criterion, Dated, Duration, Kind, Need, in_force
from prior_auth.policy.rule import Rule


@dataclass(frozen=True, slots=True)
class Day:
    """The days of a judgement; never mixed. The policy and its dated values are those of `received_on`."""

    as_of: date
    received_on: date
    service_on: date


class Hearing:
    """A rule on its way through one patient's evidence, for one order. Each define is worked out once."""

    def __init__(
        self,
        rule: Rule,
        evidence: Evidence,
        item: RequestItem,
        plan: str,
        day: Day,
        *,
        traced: bool = False,
        budget: Budget | None = None,
    ) -> None:
        """`traced` remembers how each define came to its value, for `policy/explain.py`; the values are the same."""
        self.rule, self.evidence, self.item, self.plan, self.day = rule, evidence, item, plan, day
        self.values: Mapping[str, Dated | None] = {
            name: in_force(rows, day.received_on) for name, rows in rule.policy.values.items()
        }
        given = {
            "AsOf": day.as_of,
            "ServiceOn": day.service_on,
            "Plan": plan,
            "OrderId": self._order_in_view(),
            **{name: self._parameter(dated) for name, dated in self.values.items()},
        }
        self.parameters = {name: value for name, value in given.items() if name in rule.library.parameters}
        self.results: Results = rule.library.evaluate(
            Resources(evidence.view), self.parameters, traced=traced, budget=budget
        )

    def _order_in_view(self) -> str:
        """The order's id in the view: its own, unless the view had to number it."""
        asked = self.evidence.facts_of("request.drug", "request.procedure")
        facts = (one for one in asked if one.source.reference == self.item.order)
        view = next((one.view for one in facts if one.view), self.item.order)
        return view.partition("/")[2]

    def _parameter(self, dated: Dated | None) -> date | Decimal | None:
        """A duration becomes the first day that counts; a number stays one."""
        if dated is None:
            return None
        return back(self.day.as_of, dated.value) if isinstance(dated.value, Duration) else dated.value

    def problem(self, *defines: str | None) -> str | None:
        """What broke in any of these defines. Nothing of the patient is in it."""
        for name in defines:
            if name and (found := self.results[name].problem) is not None:
                return f"{name}: {found}"
        return None

    def truth(self, define: str) -> bool | None:
        """A three-valued answer; a define that breaks gives none."""
        value = self.results[define].value
        return value if isinstance(value, bool) else None

    def text(self, define: str | None) -> str:
        value = self.results[define].value if define else None
        return value if isinstance(value, str) else ""

    def judge(self, criterion: Criterion) -> CriterionResult:
        """The outcome of one criterion."""
        if broken := self.problem(*criterion.defines):
            said = words.sentence("The rule broke, so this is unknown and a person looks")
            return CriterionResult(criterion.id, criterion.text, Outcome.UNKNOWN, said, problem=broken)
        if criterion.applies and self.truth(criterion.applies) is False and not self._may_apply(criterion):
            facts = self.facts_behind(criterion.applies, criterion)
            said = words.facts_in_words(facts or self._facts_read(criterion.applies, criterion))
            why = words.sentence(criterion.applies_why or "Its condition does not hold", said)
            return CriterionResult(criterion.id, criterion.text, Outcome.NOT_APPLICABLE, why, facts)
        return self._weigh(criterion)

    def _may_apply(self, criterion: Criterion) -> bool:
        """Whether that it does not is only presumed from silence, and a record that nobody could read breaks it."""
        return criterion.absence is Absence.PRESUMED_ABSENT and self.doubted(criterion)

    def _weigh(self, criterion: Criterion) -> CriterionResult:
        facts = self.facts_behind(criterion.evidence, criterion)
        found = bool(self.results[criterion.presumed or criterion.evidence].references)
        outcome = self._outcome(criterion, found, self.doubted(criterion), self.awaited(criterion, facts))
        documents = self._documents(criterion) if outcome is Outcome.UNKNOWN else ()
        conflict = outcome is Outcome.UNKNOWN and self._conflicts(criterion, facts)
        return CriterionResult(
            id=criterion.id,
            text=criterion.text,
            outcome=outcome,
            why=self._why(criterion, outcome, facts, documents, conflict),
            evidence=(*facts, *documents),
            missing=self._missing(criterion) if outcome is Outcome.UNKNOWN else (),
            conflict=conflict,
            document_only=bool(documents) and not found and criterion.document_only,
            person=outcome is Outcome.UNKNOWN and criterion.person is not None and self.truth(criterion.person) is True,
        )

    def doubted(self, criterion: Criterion) -> bool:
        """Whether a record that could not be read forbids to presume that there is none."""
        return any(one.item in criterion.items and one.item in criterion.doubted_by for one in self.evidence.unread)

    def awaited(self, criterion: Criterion, facts: Sequence[Fact]) -> bool:
        """Whether a result that is not final yet follows the `facts` behind it (rulings 11)."""
        return any(fact.overtaken and fact.item in criterion.items for fact in facts)

    def _outcome(self, criterion: Criterion, found: bool, doubted: bool, awaited: bool) -> Outcome:
        """House rule 10: without evidence the absence policy answers, never the test alone."""
        if awaited or (criterion.applies and self.truth(criterion.applies) is None):
            return Outcome.UNKNOWN
        if not found and (criterion.absence is not Absence.PRESUMED_ABSENT or doubted):
            return Outcome.UNKNOWN
        answer = self.truth(criterion.test)
        if answer is None:
            return Outcome.UNKNOWN
        return Outcome.MET if answer else Outcome.NOT_MET

    def facts_behind(self, define: str, criterion: Criterion) -> tuple[Fact, ...]:
        """The facts of the criterion's items that the define's resources stand for, newest first."""
        behind = [fact for one in self.results[define].references for fact in self.evidence.facts_behind(one)]
        wanted = [fact for fact in behind if fact.item in criterion.items] or behind
        return tuple(sorted(dict.fromkeys(wanted), key=_newest_first))

    def _facts_read(self, define: str, criterion: Criterion) -> tuple[Fact, ...]:
        """The facts of the criterion's items that were retrieved for the define, newest first."""
        read = [reference for made in self.results[define].retrieves for reference in made.references]
        facts = [fact for one in read for fact in self.evidence.facts_behind(one) if fact.item in criterion.items]
        return tuple(sorted(dict.fromkeys(facts), key=_newest_first))

    def _documents(self, criterion: Criterion) -> tuple[Fact, ...]:
        told = [fact for fact in self.evidence.facts_of(*criterion.items) if fact.tier is Tier.DOCUMENT]
        return tuple(sorted(told, key=_newest_first))

    def _conflicts(self, criterion: Criterion, facts: Sequence[Fact]) -> bool:
        """Facts that count equally contradict each other, and the outcome turns on them."""
        seen = {fact.view for fact in facts}
        return any(
            one.item in criterion.items and sum(fact.view in seen for fact in one.facts) > 1
            for one in self.evidence.conflicts
        )

    # --- Why --------------------------------------------------------------------------------------------------------

    def _why(
        self,
        criterion: Criterion,
        outcome: Outcome,
        facts: Sequence[Fact],
        documents: Sequence[Fact],
        conflict: bool,
    ) -> str:
        seen = words.facts_in_words(facts) if facts else self.silence(criterion)
        ordered = self._ordered(facts) if criterion.kind is Kind.LIMIT else ""
        doubts = self.doubts(criterion, facts, documents, conflict) if outcome is Outcome.UNKNOWN else ()
        return words.sentence(seen, ordered, *doubts, self.text(criterion.explain), self.asked(criterion))

    def doubts(
        self, criterion: Criterion, facts: Sequence[Fact], documents: Sequence[Fact], conflict: bool
    ) -> tuple[str, ...]:
        """What keeps a criterion unknown besides its test: age, contradiction, what only a person can read."""
        unread = [one for one in self.evidence.unread if one.item in criterion.items]
        unread.sort(key=lambda one: (one.source.reference, one.item))
        return (
            self._stale(criterion, facts),
            "Results that count equally contradict each other" if conflict else "",
            f"To be read by a person: {words.facts_in_words(documents)}" if documents else "",
            words.unread_in_words(unread),
        )

    def _ordered(self, facts: Sequence[Fact]) -> str:
        """Dose, interval, amount and days of the order that a limit is about."""
        views = {fact.view for fact in facts if fact.item == "request.drug"}
        orders = (one for one in self.evidence.view if f"{one['resourceType']}/{one['id']}" in views)
        return "; ".join(words.order_in_words(one) for one in orders)

    def silence(self, criterion: Criterion) -> str:
        """What was read in vain for the criterion."""
        asked = [item for item in criterion.items if not item.startswith("attestation.")]
        looked = [self.evidence.looked[item] for item in asked if item in self.evidence.looked]
        held = any(fact.tier is not Tier.DOCUMENT for fact in self.evidence.facts_of(*asked))
        what = " or ".join(dict.fromkeys(words.called(item).rstrip(":") for item in asked))
        return f"{what.rstrip(':') or 'A statement'}: {words.looked_in_words(looked, is_on_record=held)}"

    def _stale(self, criterion: Criterion, facts: Sequence[Fact]) -> str:
        since = self.parameters.get(criterion.fresh) if criterion.fresh else None
        if not isinstance(since, date) or not facts:
            return ""
        newest = facts[0]
        if newest.date is None:
            return f"Without a day it cannot be said to be of {since} or later"
        try:
            stated = PartialDate.parse(newest.date)
        except ValueError:
            return ""
        if stated.latest < since:
            return f"That is older than {since}, the first day that counts"
        if stated.earliest < since or stated.latest > self.day.as_of:
            return f"Its date leaves open whether it is of {since} to {self.day.as_of}"
        return ""

    def asked(self, criterion: Criterion) -> str:
        """What the payer asks, with the values in force."""
        text = criterion.asks
        for name, value in self.parameters.items():
            text = text.replace(f"{{{name}}}", str(value))
        lead = "Excluded unless" if criterion.kind is Kind.EXCLUSION else "Asked"
        return f"{lead}: {text}"

    def _missing(self, criterion: Criterion) -> tuple[DataRequirement, ...]:
        """What would settle it; where no `when` holds, everything the criterion can ask for."""
        wanted = [need for need in criterion.needs if need.when is None or self.truth(need.when) is True]
        return tuple(dict.fromkeys(self._requirement(need) for need in wanted or criterion.needs))

    def _requirement(self, need: Need) -> DataRequirement:
        dated = self.values.get(need.window) if need.window else None
        window = dated.value.text if dated and isinstance(dated.value, Duration) else None
        return DataRequirement(need.item, need.what, need.codes, window, need.who)

    # --- Reduction --------------------------------------------------------------------------------------------------

    def proposal(self, criterion: Criterion) -> Proposal | None:
        """What would be within the limit, for a clinician to order; the engine never does."""
        reduction = criterion.reduction
        if reduction is None:
            return None
        allowed = self.results[reduction.units].value
        units = allowed if isinstance(allowed, Decimal) else None
        ordered = self.item.units
        if units is not None and ordered is not None:
            units = min(units, ordered)
        start = self.item.period.start or self.day.service_on
        end = _as_day(self.results[reduction.until].value) or self.item.period.end
        return Proposal(units, Period(start, end), words.sentence(f"Within the limit: {reduction.why}"))


def _as_day(value: object) -> date | None:
    """A CQL Date that is known to the day."""
    try:
        return date.fromisoformat(str(value)) if value is not None else None
    except ValueError:
        return None


def _newest_first(fact: Fact) -> tuple[int, str, str, str]:
    digits = "".join(character for character in (fact.date or "")[:10] if character.isdigit())
    return -int(digits.ljust(8, "0") or 0), fact.source.reference, fact.item, str(fact.value)
