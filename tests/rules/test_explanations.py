"""What explanations say, that they prove the outcome by themselves, and that the checker of this is no yes-man."""

from __future__ import annotations

import copy
import importlib.util
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from prior_auth.domain.criterion import Outcome
from prior_auth.domain.evidence import Tier
from prior_auth.policy.terminal import explained_lines
from prior_auth.policy.words import value_in_words
from prior_auth.rule_tools.recompute import Recheck, outcome
from prior_auth.rule_tools.recompute_values import Disagreement
from prior_auth.rulebook import Rulebook

_SPEC = importlib.util.spec_from_file_location("write_explanations", Path(__file__).with_name("write_explanations.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
goldens = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(goldens)

VERDICTS = goldens.verdicts()
NAMES = [f"{one['case']}, {one['criterion']}" for one in VERDICTS]
Codes = Mapping[str, frozenset[tuple[str, str]]]


@pytest.fixture(scope="session")
def code_sets(rulebook: Rulebook) -> Codes:
    """The codes of the published value sets, by url: memberships are checked against them, not against the engine."""
    used = (one for rule in rulebook.every_rule for one in rule.library.value_sets.values())
    return {one.url: frozenset((str(system), str(code)) for system, code in one.codes) for one in used}


@pytest.fixture(scope="session")
def committed() -> list[dict[str, Any]]:
    return list(goldens.data())


@pytest.mark.parametrize("verdict", VERDICTS, ids=NAMES)
def test_the_sentences_of_a_golden_verdict_stay(verdict: dict[str, Any], every_case: Any, judge: Any) -> None:
    case = next(one for one in every_case if one.name == verdict["case"])
    found = goldens.explanation_of(verdict, judge(case))
    assert (found.outcome.value, list(found.sentences)) == (verdict["outcome"], verdict["sentences"]), (
        "if they should change: python tests/rules/write_explanations.py, and read what changed"
    )


@pytest.mark.parametrize("verdict", VERDICTS, ids=NAMES)
def test_a_golden_verdict_names_value_date_resource_and_threshold(verdict: dict[str, Any]) -> None:
    text = " ".join(verdict["sentences"])
    assert [name for name, words in verdict["names"].items() if words not in text] == []
    has_evidence = verdict["names"].keys() == {"value", "date", "resource", "threshold"}
    assert has_evidence or {"looked_for", "threshold"} <= verdict["names"].keys()


def test_goldens_are_of_each_policy_and_outcome() -> None:
    assert len(VERDICTS) >= 30
    assert {one["case"][:3] for one in VERDICTS} == {"R09", "R11", "R14"}
    assert {one["outcome"] for one in VERDICTS} == {one.value for one in Outcome}
    without_evidence = [one for one in VERDICTS if "value" not in one["names"]]
    assert len(without_evidence) <= 2


def test_the_data_of_each_golden_verdict_prove_it(committed: list[dict[str, Any]], code_sets: Codes) -> None:
    told = [(one["criterion"], outcome(one, code_sets)) for one in committed]
    assert told == [(one["criterion"], one["outcome"]) for one in VERDICTS]


def test_data_that_state_another_value_than_they_prove_are_found_out(
    committed: list[dict[str, Any]], code_sets: Codes
) -> None:
    caught = 0
    for one in committed:
        places = list(_places(one["defines"]))
        for place in places[:: 1 + len(places) // 5]:
            forged = copy.deepcopy(one)
            node = _at(forged["defines"], place)
            node["value"] = not node["value"]
            with pytest.raises(Disagreement):
                outcome(forged, code_sets)
            caught += 1
    assert caught > 100


def test_another_value_of_the_chart_is_another_verdict(committed: list[dict[str, Any]], code_sets: Codes) -> None:
    forged = json.loads(json.dumps(committed[0]).replace('"value": 70', '"value": 0.5'))  # TPS
    with pytest.raises(Disagreement, match="False is not True"):
        outcome(forged, code_sets)


def test_the_data_alone_prove_every_criterion(every_case: Any, judge: Any, code_sets: Codes) -> None:
    """And where it is unknown, what is wanted in the data is what the assessment says is missing.

    Of every twelfth case, on the path it was judged by; `make proof` takes all cases, all paths and damaged views.
    """
    for case in every_case[::12]:
        found = judge(case)
        known: dict[str, Any] = {}
        told = goldens.explained(found).explanations
        assert [one.outcome for one in told] == [one.outcome for one in found.item.criteria]
        for one, result in zip(told, found.item.criteria, strict=True):
            assert Recheck(one.data, code_sets, known).outcome() == one.outcome.value, (case.name, one.criterion)
            assert [need["item"] for need in one.data["missing"]] == [need.item for need in result.missing]
            said = " ".join(one.sentences)
            assert all(need.what in said and need.who in said for need in result.missing), (case.name, one.criterion)
            if result.missing and not one.data["rule"]["broken"]:
                assert all(_is_looked_for(need, one.data, code_sets) for need in one.data["missing"]), one.criterion


def test_people_read_sentences_and_the_steps_of_the_rule(every_case: Any, judge: Any) -> None:
    case = next(one for one in every_case if one.name == "R11: First line, everything documented")
    text = "\n".join(explained_lines([goldens.explained(judge(case))]))
    assert "PD-L1 TPS 70 % on 2026-08-12 (Observation/nsclc-first-line-pdl1-tps): 70 % is at least 1 %." in text
    assert "“Does Proportion Score Reach” = yes" in text
    assert "70 % [Observation/nsclc-first-line-pdl1-tps Observation.valueQuantity.value] >= 1 = yes" in text


def test_the_reason_names_value_day_resource_and_what_is_asked_wherever_there_is_evidence(
    case: Any, judge: Any
) -> None:
    for one in judge(case).item.criteria:
        shown = one.evidence[:6]  # the rest is counted
        for fact in shown:
            assert fact.source.reference in one.why, one.id
            assert not fact.date or fact.date[:10] in one.why, one.id
            is_document = fact.tier is Tier.DOCUMENT or fact.item.startswith("doc.")  # named as what it is
            assert is_document or value_in_words(fact.value) in one.why, one.id
        if shown and one.outcome is not Outcome.NOT_APPLICABLE:
            assert "Asked: " in one.why or "Excluded unless: " in one.why, one.id


def _is_looked_for(need: dict[str, Any], data: dict[str, Any], code_sets: Codes) -> bool:
    """What is wanted is what the rule retrieves: by one of its codes, or among all resources of a type."""
    made = list(_retrieves(data["defines"]))
    by_set = [code_sets[one["value_set"]["url"]] for one in made if "value_set" in one]
    codes = {code for one in by_set for _, code in one} | {
        code["code"] for one in made for code in one.get("codes", ())
    }
    return any("path" not in one for one in made) or bool(codes & {code["code"] for code in need["codes"]})


def _retrieves(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("kind") == "retrieve":
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for inner in node:
            yield from _retrieves(inner)


_LOGIC = ("and", "or", "not", "is", "exists", "compare", "in_value_set")


def _places(node: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a node stands whose Boolean value follows from the nodes below it."""
    if isinstance(node, dict):
        if node.get("kind") in _LOGIC and isinstance(node["value"], bool):
            yield place
        for name, inner in node.items():
            yield from _places(inner, (*place, name))
    elif isinstance(node, list):
        for index, inner in enumerate(node):
            yield from _places(inner, (*place, index))


def _at(node: Any, place: tuple[Any, ...]) -> Any:
    for step in place:
        node = node[step]
    return node
