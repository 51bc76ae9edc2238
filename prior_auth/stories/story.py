"""A story: a patient and an order in words, as YAML; its chart as FHIR, on the day it is told for or any other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

import yaml

from prior_auth.errors import BadInput
from prior_auth.stories.chart import Chart
from prior_auth.stories.days import moved
from prior_auth.stories.facts import check_facts, write_facts
from prior_auth.stories.people import write_people

BASE = "http://example.org/fhir/"

Facts = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Expected:
    """How the story ends: the recommendation, the path, and the criteria worth naming (`{"R11.C6": "unknown"}`)."""

    recommendation: str
    path: str | None
    cause: str | None
    criteria: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Story:
    """`day` is the day of judgement it is told for. `later` is evidence that arrives after the chart was first read.

    `expected` is how it is judged as it stands, `expected_later` once `later` has arrived.
    """

    name: str
    title: str
    told: str
    day: date
    plan: str | None
    patient: Mapping[str, Any]
    facts: Facts
    later: Facts
    expected: Expected
    expected_later: Expected | None

    @property
    def order(self) -> str:
        """The reference of its first order."""
        kind = "ServiceRequest" if "service" in self.facts["order"][0] else "MedicationRequest"
        return f"{kind}/{self.name}-order"

    def chart(
        self,
        change: Mapping[str, Any] | None = None,
        remove: Collection[str] = (),
        add: Mapping[str, Any] | None = None,
        *,
        on: date | None = None,
        later: bool = False,
        plan: str | None = None,
    ) -> dict[str, Any]:
        """The chart as a FHIR Bundle of type collection.

        `change` gives items other values (`{"ecog": {"value": 3}}` keeps the date that was told), or whole new lists;
        `remove` drops items; `add` adds facts; all in the story's own days. `on` then moves every day so that the
        story is told for that one. `later` adds what arrives later, `plan` puts the patient under another plan of the
        payer. Raises BadInput on an item it does not know.
        """
        facts = self._facts(change or {}, remove, add or {})
        if later:
            facts = _added(facts, self.later)
        return {
            "resourceType": "Bundle",
            "id": f"{self.name}-chart",
            "type": "collection",
            "entry": [
                {"fullUrl": f"{BASE}{one['resourceType']}/{one['id']}", "resource": one}
                for one in self._written(facts, on or self.day, plan or self.plan)
            ],
        }

    def but(
        self,
        change: Mapping[str, Any] | None = None,
        remove: Collection[str] = (),
        add: Mapping[str, Any] | None = None,
        patient: Mapping[str, Any] | None = None,
    ) -> Story:
        """A near miss of it: the same story but for this (operands as of `chart`); how it ends is not told again."""
        return replace(
            self,
            facts=self._facts(change or {}, remove, add or {}),
            patient={**self.patient, **(patient or {})},
        )

    def arriving(self, *, on: date | None = None) -> list[dict[str, Any]]:
        """The resources that arrive later."""
        before = {entry["fullUrl"] for entry in self.chart(on=on)["entry"]}
        return [entry["resource"] for entry in self.chart(on=on, later=True)["entry"] if entry["fullUrl"] not in before]

    def _facts(self, change: Mapping[str, Any], remove: Collection[str], add: Mapping[str, Any]) -> Facts:
        facts = deepcopy(self.facts)
        for item in {*change, *remove} - set(facts):
            raise BadInput(f"the story tells no {item}", where=self.name, fix="use add, or name an item it tells")
        for item in remove:
            del facts[item]
        for item, told in change.items():
            facts[item] = _changed(facts[item], _plain(told), f"{self.name}: {item}")
        facts = _added(facts, _as_facts(add))
        check_facts(facts, self.name)
        return facts

    def _written(self, facts: Facts, on: date, plan: str | None) -> list[dict[str, Any]]:
        by = on - self.day
        chart = Chart(self.name)
        write_people(chart, moved(dict(self.patient), by), plan, on.year)
        write_facts(chart, moved(facts, by))
        return chart.resources


def names() -> list[str]:
    """Every story, in alphabetical order."""
    folder = resources.files("prior_auth.stories")
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


@cache
def load(name: str) -> Story:
    """Read a story. Raises BadInput where there is none of that name, or it is not told well."""
    if name not in names():
        raise BadInput(f"no story {name!r}", fix=f"one of {', '.join(names())}")
    text = resources.files("prior_auth.stories").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    told = _plain(yaml.safe_load(text))
    return _based(name, told) if "based_on" in told else _told(name, told)


def _told(name: str, told: dict[str, Any]) -> Story:
    facts, later = _as_facts(told["facts"]), _as_facts(told.get("later", {}))
    check_facts(facts, f"{name}.yaml")
    check_facts(later, f"{name}.yaml")
    return Story(
        name=name,
        title=told["title"],
        told=told["told"],
        day=told["day"],
        plan=told.get("plan"),
        patient=told["patient"],
        facts=facts,
        later=later,
        expected=_expected(told["expect"]),
        expected_later=_expected(told["expect_later"]) if "expect_later" in told else None,
    )


def _based(name: str, told: dict[str, Any]) -> Story:
    """A near miss: another story's patient, but for what `change`, `remove` and `add` say."""
    other = load(told["based_on"])
    facts = other._facts(told.get("change", {}), told.get("remove", ()), told.get("add", {}))
    return Story(
        name=name,
        title=told["title"],
        told=told["told"],
        day=told.get("day", other.day),
        plan=told.get("plan", other.plan),
        patient={**other.patient, **told.get("patient", {})},
        facts=facts,
        later=_as_facts(told.get("later", {})),
        expected=_expected(told["expect"]),
        expected_later=_expected(told["expect_later"]) if "expect_later" in told else None,
    )


def _expected(told: Mapping[str, Any]) -> Expected:
    return Expected(told["recommendation"], told.get("path"), told.get("cause"), told.get("criteria", {}))


def _plain(told: Any) -> Any:
    """YAML 1.1 reads the key `on` as true: give it its name back."""
    if isinstance(told, Mapping):
        return {("on" if key is True else key): _plain(value) for key, value in told.items()}
    if isinstance(told, list):
        return [_plain(one) for one in told]
    return told


def _as_facts(told: Mapping[str, Any]) -> Facts:
    return {item: _listed(_plain(fact)) for item, fact in told.items()}


def _listed(told: Any) -> list[dict[str, Any]]:
    return list(told) if isinstance(told, list) else [told]


def _added(facts: Facts, more: Facts) -> Facts:
    return facts | {item: [*facts.get(item, []), *told] for item, told in more.items()}


def _changed(facts: list[dict[str, Any]], told: Any, where: str) -> list[dict[str, Any]]:
    if isinstance(told, list):
        return told
    if len(facts) != 1:
        raise BadInput("one change for several facts", where=where, fix="give the whole list")
    return [{key: value for key, value in {**facts[0], **told}.items() if value is not None}]
