"""Why each criterion came out as it did: in sentences for people, and as data that prove the outcome by themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from prior_auth.cql.normal import normal
from prior_auth.cql.sentences import CONTENT, MISSING, Finding, findings
from prior_auth.cql.why import Explainer
from prior_auth.domain.assessment import CriterionResult, DataRequirement, ItemAssessment
from prior_auth.domain.criterion import Outcome
from prior_auth.domain.evidence import Evidence, Fact, Tier
from prior_auth.domain.request import AuthorizationRequest
from prior_auth.policy import words
from prior_auth.policy.assess import Rules, hearings
from prior_auth.policy.judge import Hearing
from prior_auth.policy.model import Criterion, Kind
from prior_auth.policy.report import fact_as_json, requirement_as_json

Json = dict[str, Any]

_OUTCOMES = {
    Outcome.MET: "met",
    Outcome.NOT_MET: "not met",
    Outcome.UNKNOWN: "unknown",
    Outcome.NOT_APPLICABLE: "does not apply",
}
_EXCLUDES = {**_OUTCOMES, Outcome.MET: "it excludes", Outcome.NOT_MET: "it does not exclude"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Of one criterion. `data` is plain JSON; docs/rules.md says how it is read."""

    criterion: str
    outcome: Outcome
    sentences: tuple[str, ...]
    data: Json


@dataclass(frozen=True, slots=True)
class ExplainedItem:
    """An assessed order with an explanation for each of its criteria."""

    item: ItemAssessment
    explanations: tuple[Explanation, ...]

    def as_json(self) -> Json:
        told = [one.data | {"sentences": list(one.sentences)} for one in self.explanations]
        return {"request": self.item.item.order, "criteria": told}


def explained(
    request: AuthorizationRequest,
    evidence: Evidence,
    rules: Rules,
    *,
    as_of: date,
    received_on: date | None = None,
    payer: str | None = None,
    plan: str | None = None,
) -> tuple[ExplainedItem, ...]:
    """The same judgement as `assess`, each criterion with its why."""
    heard = hearings(
        request, evidence, rules, as_of=as_of, received_on=received_on, payer=payer, plan=plan, traced=True
    )
    return tuple(explained_item(one.hearing, one.judged()) for one in heard)


def explained_item(hearing: Hearing | None, item: ItemAssessment) -> ExplainedItem:
    """The criteria of the path that the item was judged by; none where there was no hearing or no path."""
    if hearing is None or item.path is None:
        return ExplainedItem(item, ())
    path = next(one for one in hearing.rule.policy.paths if one.id == item.path)
    pairs = zip(path.criteria, item.criteria, strict=True)
    explainer = Explainer(hearing.results)
    return ExplainedItem(item, tuple(explain(hearing, explainer, criterion, result) for criterion, result in pairs))


def explain(hearing: Hearing, explainer: Explainer, criterion: Criterion, result: CriterionResult) -> Explanation:
    """One criterion, as the hearing judged it; `explainer` tells the defines of this hearing, each once."""
    stated = {"test": criterion.test, "evidence": criterion.evidence, "applies": criterion.applies}
    stated |= {"presumed": criterion.presumed}
    names = [one for one in stated.values() if one]
    broken = [one for one in dict.fromkeys(criterion.defines) if hearing.problem(one)]
    told = explainer.explanation(*names, *broken)
    rule = dict(zip((key for key, one in stated.items() if one), told["asked"], strict=False))
    data = {
        "criterion": criterion.id,
        "kind": criterion.kind.value,
        "outcome": result.outcome.value,
        "rule": {
            "evidence": rule["evidence"],
            "test": rule["test"],
            "applies": rule.get("applies"),
            **({"presumed": rule["presumed"]} if criterion.presumed else {}),
            "absence": criterion.absence.value,
            "doubted": hearing.doubted(criterion),
            "awaited": hearing.awaited(criterion, hearing.facts_behind(criterion.evidence, criterion)),
            "broken": told["asked"][len(names) :],
        },
        "thresholds": _thresholds(hearing, criterion, told),
        "parameters": told["parameters"],
        "missing": [requirement_as_json(one) for one in result.missing],
        "facts": _facts(hearing.evidence, told["resources"]),
        "defines": told["defines"],
        "resources": told["resources"],
    }
    return Explanation(criterion.id, result.outcome, tuple(_sentences(hearing, criterion, result, told)), data)


def _thresholds(hearing: Hearing, criterion: Criterion, told: Json) -> Json:
    """The dated values that were used, with where the payer says so."""
    used = told["parameters"]
    named = {name: dated for name, dated in hearing.values.items() if dated is not None}
    return {
        name: {"value": str(hearing.parameters[name]), "reference": dated.reference}
        for name, dated in sorted(named.items())
        if name in used or name == criterion.fresh
    }


def _facts(evidence: Evidence, resources: Mapping[str, Any]) -> Json:
    """For each resource of the view that was met, the facts of the chart that it stands for, with their places."""
    found = {one: [_plain(fact_as_json(fact)) for fact in evidence.facts_behind(one)] for one in sorted(resources)}
    return {one: facts for one, facts in found.items() if facts}


def _plain(fact: Json) -> Json:
    """Numbers as any JSON writer takes them."""
    return {name: normal(value) if isinstance(value, Decimal) else value for name, value in fact.items()}


# --- Sentences --------------------------------------------------------------------------------------------------------


def _sentences(hearing: Hearing, criterion: Criterion, result: CriterionResult, told: Json) -> Iterator[str]:
    said = (_EXCLUDES if criterion.kind is Kind.EXCLUSION else _OUTCOMES)[result.outcome]
    yield f"{criterion.text.rstrip('.')}: {said}."
    if result.problem:
        yield "The rule broke, so a person looks."
        return
    decided = told["asked"][2 if result.outcome is Outcome.NOT_APPLICABLE else 0]
    found = _concerning(findings(told, decided), hearing.evidence, criterion, result)
    yield from _in_words(found, hearing.evidence, criterion)
    yield from _rest(hearing, criterion, result, {one.reference for one in found} - {None})


def _rest(
    hearing: Hearing, criterion: Criterion, result: CriterionResult, named: Collection[str | None]
) -> Iterator[str]:
    """What the findings do not say: evidence that decided nothing, doubts, what is wanted, what is asked."""
    if result.outcome is Outcome.NOT_APPLICABLE:
        yield words.sentence(criterion.applies_why or "")
        return
    documents = [fact for fact in result.evidence if fact.tier is Tier.DOCUMENT]
    facts = [fact for fact in result.evidence if fact.tier is not Tier.DOCUMENT]
    if not named:
        yield words.sentence(f"On record: {words.facts_in_words(facts)}" if facts else hearing.silence(criterion))
    same = {fact.item for fact in facts if fact.view in named}
    beside = [fact for fact in facts if fact.view not in named and fact.item in same]
    told = [f"Also on record: {words.facts_in_words(beside)}" if beside else "", hearing.text(criterion.explain)]
    if result.outcome is Outcome.UNKNOWN:
        told += hearing.doubts(criterion, facts, documents, result.conflict)
    yield from (words.sentence(one) for one in told if one)
    yield from (words.sentence(f"Wanted: {_wanted(need)}") for need in result.missing)
    yield words.sentence(hearing.asked(criterion))


def _concerning(
    found: Sequence[Finding], evidence: Evidence, criterion: Criterion, result: CriterionResult
) -> list[Finding]:
    """Those about what the criterion asks of; what was looked for in vain only where that is all there is to say."""
    own = {fact.view for fact in (*evidence.facts_of(*criterion.items), *result.evidence)} - {None}
    about = [one for one in found if one.reference in own] or [one for one in found if one.kind is CONTENT]
    silent = result.outcome is Outcome.UNKNOWN or not about
    return about + [one for one in found if silent and one.kind is MISSING]


def _in_words(found: Sequence[Finding], evidence: Evidence, criterion: Criterion) -> Iterator[str]:
    """A sentence for each resource, with all that was held against what it says."""
    by_resource: dict[str | None, list[str]] = {}
    for one in found:
        by_resource.setdefault(one.reference, []).append(one.text)
    for reference, texts in by_resource.items():
        if reference is None:
            yield from (words.sentence(text) for text in texts)
            continue
        held = "; ".join(text for text in texts if text != "is there" and not text.startswith("value is "))
        named = _resource(evidence, criterion, reference)
        yield words.sentence(f"{named}: {held}" if held else named)


def _resource(evidence: Evidence, criterion: Criterion, reference: str) -> str:
    """A resource of the view as what the chart says: item, value, day, source."""
    facts = evidence.facts_behind(reference)
    wanted = [fact for fact in facts if fact.item in criterion.items]
    wanted = wanted or [fact for fact in facts if words.is_named(fact.item)] or list(facts)
    return words.facts_in_words(sorted(wanted, key=_longest)[:1]) if wanted else reference


def _longest(fact: Fact) -> int:
    return -len(words.fact_in_words(fact))


def _wanted(need: DataRequirement) -> str:
    codes = f" ({', '.join(dict.fromkeys(one.code for one in need.codes))})" if need.codes else ""
    window = f", not older than {words.window_in_words(need.window)}" if need.window else ""
    return f"{need.what}{codes}{window}, from: {need.who}"
