"""The codes that a policy judges by: known, whole, of a named version, and on the record of each decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from prior_auth import stories
from prior_auth.errors import RuleError
from prior_auth.evidence.gather import gather
from prior_auth.fhir import json
from prior_auth.fhir.chart_bundle import chart_resources
from prior_auth.fhir.orders import authorization_request
from prior_auth.policy.assess import assess
from prior_auth.policy.report import as_json
from prior_auth.policy.rule import Rule, join
from prior_auth.rulebook import Rulebook, rules_folder
from prior_auth.terminology.valuesets import ValueSet, read_value_set, value_sets

TOPIC = rules_folder() / "payers/example-health-plan/olaparib"


@pytest.fixture(scope="module")
def sets() -> Mapping[str, ValueSet]:
    files = sorted((rules_folder() / "codes").glob("*.json"))
    return value_sets(read_value_set(json.read(one.read_bytes()), where=one.name) for one in files)


@pytest.fixture(scope="module")
def before(rulebook: Rulebook) -> Rule:
    return next(one for one in rulebook.rules if TOPIC.name in one.policy.file)


@pytest.fixture
def joined(before: Rule) -> Any:
    texts = [(TOPIC / name).read_text("utf-8") for name in ("policy.yaml", "policy.cql")]
    libraries = {one.stem: one.read_text("utf-8") for one in (rules_folder() / "libraries").glob("*.cql")}

    def join_with(sets: Mapping[str, ValueSet]) -> Rule:
        return join(before.policy, yaml=texts[0], cql=texts[1], file="policy.cql", libraries=libraries, sets=sets)

    return join_with


def changed(sets: Mapping[str, ValueSet], url: str, **parts: Any) -> dict[str, ValueSet]:
    return {key: replace(one, **parts) if one.url == url else one for key, one in sets.items()}


def test_every_decision_names_the_version_of_every_set_it_used(rulebook: Rulebook) -> None:
    chart = chart_resources(stories.load("breast-her2-adjuvant").chart())
    day = stories.load("breast-her2-adjuvant").day
    evidence = gather(chart, as_of=day, definitions=rulebook.definitions)
    request = authorization_request(chart, as_of=day, billing_units=rulebook.billing_units)
    assessment = assess(request, evidence, rulebook, as_of=day)
    rule = next(one for one in rulebook.rules if one.id == assessment.items[0].policy)
    used = {one.url: one.version for one in rule.library.value_sets.values()}
    assert used
    assert all(used.values())
    assert as_json(assessment)["valuesets"] == used


def test_another_version_or_other_codes_are_another_policy_on_the_record(joined: Any, sets: Any, before: Rule) -> None:
    url = next(iter(before.valuesets))
    newer = joined(changed(sets, url, version="9"))
    wider = joined(changed(sets, url, codes=sets[url].codes | {("http://example.org", "x")}))
    assert newer.valuesets[url] == "9"
    assert joined(sets).hash == before.hash
    assert len({before.hash, newer.hash, wider.hash}) == 3


def test_an_unknown_an_empty_and_an_unversioned_set_stop_the_load(joined: Any, sets: Any, before: Rule) -> None:
    url = next(iter(before.valuesets))
    without = {key: one for key, one in sets.items() if one.url != url}
    for wrong in (without, changed(sets, url, codes=frozenset()), changed(sets, url, version=None)):
        with pytest.raises(RuleError) as caught:
            joined(wrong)
        assert caught.value.where
        assert url in str(caught.value)
