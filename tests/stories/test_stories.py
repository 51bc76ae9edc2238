from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from prior_auth import stories
from prior_auth.errors import BadInput
from prior_auth.fhir import json
from prior_auth.fhir.bundle import references
from prior_auth.stories.chart import quantity
from prior_auth.stories.people import npi

DEMO = ["breast-her2-adjuvant", "nsclc-first-line-gap", "breast-her2-gap", "breast-brca-vus"]


def resources(bundle: dict[str, Any], kind: str | None = None) -> list[dict[str, Any]]:
    found = [entry["resource"] for entry in bundle["entry"]]
    return [one for one in found if kind in (None, one["resourceType"])]


def about(bundle: dict[str, Any], slug: str) -> list[dict[str, Any]]:
    return [one for one in resources(bundle) if re.search(rf"-{slug}(-\d+)?$", one["id"])]


def days(value: Any) -> list[str]:
    return re.findall(r'"(\d{4}-\d\d-\d\d)', json.write(value).decode())


@pytest.mark.parametrize("name", stories.names())
def test_a_chart_is_whole(name: str) -> None:
    bundle = stories.load(name).chart(later=True)

    held = [f"{one['resourceType']}/{one['id']}" for one in resources(bundle)]
    assert len(held) == len(set(held))
    assert set(references(bundle)) <= set(held)
    assert all(len(one["id"]) <= 64 for one in resources(bundle))
    assert stories.load(name).order in held
    assert {"Patient", "Condition", "Coverage", "Practitioner", "Organization"} <= {
        reference.split("/")[0] for reference in held
    }


@pytest.mark.parametrize("name", stories.names())
def test_a_chart_is_the_same_each_time(name: str) -> None:
    assert json.write(stories.load(name).chart()) == json.write(stories.load(name).chart())


@pytest.mark.parametrize("name", stories.names())
def test_a_chart_is_valid_mcode_by_the_official_validator(name: str, official_errors: Any) -> None:
    assert official_errors(stories.load(name).chart(later=True)) == []


@pytest.mark.parametrize("name", DEMO)
def test_the_demo_charts_hold_something_that_is_nobodys_business(name: str) -> None:
    bundle = stories.load(name).chart()
    unrelated = about(bundle, "unrelated")
    assert unrelated
    assert f"Condition/{unrelated[0]['id']}" not in set(references(bundle))


def test_the_payer_and_its_plan_are_those_of_the_sample_payer() -> None:
    bundle = stories.load("nsclc-first-line").chart()
    coverage = resources(bundle, "Coverage")[0]
    payer = next(one for one in resources(bundle, "Organization") if one["id"].endswith("payer"))

    assert [(one["system"], one["value"]) for one in payer["identifier"]] == [
        ("http://example.org/payer-id", "EXPAYER01")
    ]
    assert [one["value"] for one in coverage["class"] if one["type"]["coding"][0]["code"] == "plan"] == ["MA-PPO"]
    assert coverage["payor"] == [{"reference": f"Organization/{payer['id']}"}]


def test_a_patient_can_be_under_another_plan() -> None:
    coverage = resources(stories.load("nsclc-first-line").chart(plan="MCD-HMO"), "Coverage")[0]
    assert "MCD-HMO" in [one["value"] for one in coverage["class"]]


def test_a_change_keeps_what_it_does_not_name() -> None:
    ecog = about(stories.load("nsclc-first-line").chart(change={"ecog": {"value": 3}}), "ecog")[0]
    assert ecog["valueInteger"] == 3
    assert ecog["effectiveDateTime"] == "2026-09-01"


def test_a_change_read_by_yaml_1_1_keeps_its_day() -> None:
    told = {"ecog": {"value": 1, True: date(2026, 4, 30)}}
    assert about(stories.load("nsclc-first-line").chart(change=told), "ecog")[0]["effectiveDateTime"] == "2026-04-30"


def test_what_is_removed_is_not_in_the_chart() -> None:
    story = stories.load("nsclc-first-line")
    assert about(story.chart(), "pdl1-tps")
    assert not about(story.chart(remove=["pdl1.tps"]), "pdl1-tps")


def test_what_is_added_stands_beside_what_was_told() -> None:
    bundle = stories.load("nsclc-first-line").chart(add={"ecog": {"value": 2, "on": "2026-08"}})
    assert [one["effectiveDateTime"] for one in about(bundle, "ecog")] == ["2026-09-01", "2026-08"]


def test_what_arrives_later_is_told_apart() -> None:
    story = stories.load("nsclc-first-line-gap")
    assert sorted(one["id"].removeprefix(f"{story.name}-") for one in story.arriving()) == ["ecog-2", "pdl1-tps"]
    assert not about(story.chart(), "pdl1-tps")


@pytest.mark.parametrize("name", stories.names())
def test_on_another_day_every_date_moves_with_it(name: str) -> None:
    story = stories.load(name)
    told = [date.fromisoformat(day) for day in days(resources(story.chart())) if not day.endswith(("-01-01", "-12-31"))]
    by = timedelta(days=71)
    moved = [
        date.fromisoformat(day)
        for day in days(resources(story.chart(on=story.day + by)))
        if not day.endswith(("-01-01", "-12-31"))
    ]
    assert moved == [day + by for day in told]


def test_a_month_stays_a_month_when_it_moves() -> None:
    story = stories.load("nsclc-first-line")
    bundle = story.chart(change={"ecog": {"on": "2026-08"}}, on=story.day + timedelta(days=31))
    assert about(bundle, "ecog")[0]["effectiveDateTime"] == "2026-09"


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("mcode", {"valueInteger": 2}),
        ("uscore", {"valueCodeableConcept": {"coding": [{"system": "http://loinc.org", "code": "LA9624-3"}]}}),
        ("text", {"valueString": "2"}),
        ("local", {"valueString": "2"}),
    ],
)
def test_a_fact_is_told_in_its_dialect(dialect: str, expected: dict[str, Any]) -> None:
    ecog = about(stories.load("nsclc-first-line").chart(change={"ecog": {"value": 2, "as": dialect}}), "ecog")[0]
    assert expected.items() <= ecog.items()
    assert ("profile" in ecog.get("meta", {})) == (dialect in ("mcode", "uscore"))


def test_a_fact_in_a_document_is_only_in_a_document() -> None:
    bundle = stories.load("nsclc-first-line").chart(change={"ecog": {"as": "document"}})
    assert [one["resourceType"] for one in about(bundle, "ecog")] == ["DocumentReference"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"change": {"karnofsky": {"value": 90}}}, "tells no karnofsky"),
        ({"remove": ["karnofsky"]}, "tells no karnofsky"),
        ({"add": {"ecogg": {"value": 1, "on": "2026-09-01"}}}, "no evidence item 'ecogg'"),
        ({"change": {"ecog": {"valeu": 1}}}, "ecog knows no 'valeu'"),
        ({"change": {"stage.group": {"value": "V"}}}, "value 'V' is not known"),
        ({"change": {"ecog": {"as": "latin"}}}, "no dialect 'latin'"),
        ({"add": {"ecog": {"value": 1}}}, "'on' is not told"),
        ({"change": {"pdl1.tps": {"of": "stomach"}}}, "no cancer 'stomach'"),
        ({"change": {"weight": {"value": "heavy"}}}, "no quantity"),
    ],
)
def test_a_story_told_wrongly_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput) as refused:
        stories.load("nsclc-first-line").chart(**arguments)
    assert message in str(refused.value)
    assert "nsclc-first-line" in str(refused.value)


def test_an_unknown_story_is_named() -> None:
    with pytest.raises(BadInput) as refused:
        stories.load("no-such")
    assert "breast-her2-adjuvant" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("60 %", {"value": 60, "unit": "%"}),
        ("<1 %", {"value": 1, "comparator": "<", "unit": "%"}),
        ("72.50 kg", {"value": Decimal("72.50"), "unit": "kg"}),
    ],
)
def test_a_quantity_keeps_its_digits(text: str, expected: dict[str, Any]) -> None:
    assert expected.items() <= quantity(text).items()
    assert str(quantity(text)["value"]) == str(expected["value"])


def test_npis_carry_the_published_check_digit() -> None:
    assert npi("123456789") == "1234567893"  # the example of the NPI standard's own text
