"""What an explanation of a define holds, kind by kind, and what its sentences say."""

from __future__ import annotations

import datetime as dt
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from prior_auth.cql import Budget, Resources, compile_library
from prior_auth.cql.outline import outline
from prior_auth.cql.sentences import sentences
from prior_auth.cql.why import explanation
from prior_auth.rule_tools.recompute import Recheck
from prior_auth.terminology.valuesets import read_value_set, value_sets

LOINC = "http://loinc.org"
HEAD = """
library Why
using FHIR version '4.0.1'
include FHIRHelpers version '4.0.1' called FHIRHelpers
codesystem "LOINC": 'http://loinc.org'
code "LVEF": '10230-1' from "LOINC"
code "ECOG": '89247-1' from "LOINC"
parameter Since Date default @2026-01-01
context Patient
"""


def lvef(ident: str, value: Any, on: str, unit: str = "%", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": ident, "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "10230-1"}], "text": "Ejection fraction"},
        "effectiveDateTime": on, "valueQuantity": {"value": Decimal(str(value)), "unit": unit, "code": unit, **more},
    }  # fmt: skip


CHART = [
    {"resourceType": "Patient", "id": "p", "birthDate": "1970-01-01"},
    lvef("new", 60, "2026-01-10"),
    lvef("old", 48, "2025-06-01"),
]


def explained(body: str, chart: list[dict[str, Any]] = CHART, define: str = "X") -> dict[str, Any]:
    results = compile_library(HEAD + body, name="why.cql").evaluate(Resources(chart), traced=True)
    told = explanation(results, define)
    Recheck({"defines": told["defines"]}, {}).define(f"Why.{define}")
    return json.loads(json.dumps(told))  # plain JSON, nothing else


def tree(body: str, chart: list[dict[str, Any]] = CHART) -> dict[str, Any]:
    return explained(f"define X: {body}", chart)["defines"]["Why.X"]["tree"]


def test_both_sides_of_a_comparison_have_value_unit_resource_and_path() -> None:
    found = tree("(First([Observation: \"LVEF\"] O sort by id.value).value as FHIR.Quantity) >= 50 '%'")
    assert found["operator"] == ">="
    assert found["value"] is True
    assert found["left"]["value"] == {"value": 60, "unit": "%"}
    assert (found["left"]["reference"], found["left"]["path"]) == ("Observation/new", "Observation.valueQuantity")
    assert found["right"] == {"kind": "literal", "value": {"value": 50, "unit": "%"}}


def test_a_comparison_of_dates_states_its_precision_and_what_is_known() -> None:
    chart = [lvef("month", 60, "2026-01")]
    found = tree('exists ([Observation: "LVEF"] O where date from (O.effective as FHIR.dateTime) >= Since)', chart)
    where = found["of"]["rows"][0]["where"]
    assert where["value"] is None
    assert where["left"]["operands"][0]["value"] == "@2026-01T"
    assert where["left"]["operands"][0]["path"] == "Observation.effectiveDateTime"
    assert where["right"] == {"kind": "parameter", "name": "Since", "value": "@2026-01-01"}
    by_month = tree("@2026-01-10 same month as @2026-01-30")
    assert (by_month["precision"], by_month["value"]) == ("month", True)


def test_and_tells_the_operands_that_decided() -> None:
    decided = tree("1 = 1 and 2 = 1 and 3 = 1")
    assert [one["left"]["value"] for one in decided["operands"]] == [2]
    assert (decided["others"], decided["not_needed"], decided["value"]) == ([True], 1, False)
    unknown = tree("1 = 1 and null = 1 and 3 = 3")
    assert [one["value"] for one in unknown["operands"]] == [None]
    assert (unknown["others"], unknown.get("not_needed"), unknown["value"]) == ([True, True], None, None)


def test_or_tells_the_operand_that_decided_or_those_that_are_null() -> None:
    assert [one["left"]["value"] for one in tree("1 = 2 or 2 = 2 or 3 = 3")["operands"]] == [2]
    assert [one["value"] for one in tree("1 = 2 or null = 2")["operands"]] == [None]


def test_a_retrieve_tells_what_it_selects_by_and_what_came_back() -> None:
    found = tree('exists [Observation: "ECOG"]')
    assert found["value"] is False
    assert found["of"] == {
        "kind": "retrieve", "type": "Observation", "path": "code", "name": "ECOG",
        "codes": [{"system": LOINC, "code": "89247-1"}], "value": [],
    }  # fmt: skip


@pytest.mark.parametrize("chart", [CHART, []])
def test_a_retrieve_tells_the_days_asked_for_also_where_nothing_came_back(chart: list[dict[str, Any]]) -> None:
    days = "date from (O.effective as FHIR.dateTime) during Interval[Since - 30 days, Since]"
    found = tree(f"[Observation: \"LVEF\"] O where O.status.value = 'final' and {days}", chart)
    assert found["sources"][0]["window"] == {
        "path": "effective", "low": "@2025-12-02", "lowClosed": True, "high": "@2026-01-01", "highClosed": True,
    }  # fmt: skip


def test_a_window_of_two_conditions_is_one_and_what_differs_by_row_is_none() -> None:
    day = "date from (O.effective as FHIR.dateTime)"
    found = tree(f'[Observation: "LVEF"] O where {day} > Since and {day} <= @2026-02-01')
    assert found["sources"][0]["window"] == {
        "path": "effective", "low": "@2026-01-01", "lowClosed": False, "high": "@2026-02-01", "highClosed": True,
    }  # fmt: skip
    assert "window" not in tree(f'[Observation: "LVEF"] O where {day} > O.issued')["sources"][0]
    told = sentences(explained(f'define X: exists ([Observation: "ECOG"] O where {day} >= Since)'))
    assert told == ["Nothing is found: Observation “ECOG” (89247-1), from 2026-01-01."]


def test_two_retrieves_that_find_nothing_keep_their_own_codes() -> None:
    told = tree('[Observation: "ECOG"] union [Observation: code in { Code \'1\' from "LOINC" }]')
    assert [one["codes"][0]["code"] for one in told["operands"]] == ["89247-1", "1"]


def test_a_row_tells_which_condition_removed_which_resource() -> None:
    body = "[Observation: \"LVEF\"] O where O.status.value = 'final' and O.effective as FHIR.dateTime >= @2026-01-01T"
    rows = {one["of"][0]["reference"]: one for one in tree(body)["rows"]}
    assert {name: one["kept"] for name, one in rows.items()} == {"Observation/new": True, "Observation/old": False}
    removed_by = rows["Observation/old"]["where"]["operands"]
    assert [one["left"]["path"] for one in removed_by] == ["Observation.effectiveDateTime"]
    assert rows["Observation/old"]["where"]["others"] == [True]


def test_elements_of_lists_have_their_place() -> None:
    found = tree("exists ((First([Observation: \"LVEF\"]).code.coding) C where C.code.value = '10230-1')")
    where = found["of"]["rows"][0]["where"]
    assert where["left"]["path"] == "Observation.code.coding[0].code"
    assert where["left"]["reference"] == "Observation/new"


def test_a_quantity_with_a_comparator_keeps_it() -> None:
    chart = [lvef("below", 50, "2026-01-10", comparator="<")]
    told = tree('(First([Observation: "LVEF"]).value as FHIR.Quantity) is null', chart)
    assert told["of"]["value"] == {
        "fhir": "Quantity", "reference": "Observation/below", "path": "Observation.valueQuantity",
        "comparator": "<", "value": 50, "unit": "%",
    }  # fmt: skip


def test_defines_and_functions_are_told_once_and_by_name() -> None:
    told = explained(
        'define "Newest": Last([Observation: "LVEF"] O sort by (effective as FHIR.dateTime).value)\n'
        'define function "At Least"(o FHIR.Observation, least Integer):\n'
        "  (o.value as FHIR.Quantity).value.value >= least\n"
        'define X: "At Least"("Newest", 50) and exists "Newest".code.coding'
    )
    call = told["defines"]["Why.X"]["tree"]["operands"][0]
    assert (call["function"], call["arguments"]["o"]["name"]) == ("At Least", "Why.Newest")
    assert call["arguments"]["least"] == {"kind": "literal", "value": 50}
    assert (call["body"]["left"]["reference"], call["body"]["left"]["unit"]) == ("Observation/new", "%")
    assert set(told["defines"]) == {"Why.X", "Why.Newest"}
    assert told["resources"]["Observation/new"] == {
        "type": "Observation", "name": "Ejection fraction", "date": "2026-01-10"
    }  # fmt: skip


def test_a_case_tells_the_condition_that_was_taken_and_those_before_it() -> None:
    found = tree("case when 1 = 2 then 'a' when 2 = 2 then 'b' else 'c' end")
    assert ([one["value"] for one in found["conditions"]], found["taken"]) == ([False, True], True)
    otherwise = tree("case 3 when 1 then 'a' when null then 'b' else 'c' end")
    assert ([one["value"] for one in otherwise["conditions"]], otherwise["taken"]) == ([False, None], False)
    assert otherwise["value"] == "c"


def test_with_and_without_tell_the_rows_they_tried() -> None:
    later = "B.effective as FHIR.dateTime > O.effective as FHIR.dateTime"
    body = f'[Observation: "LVEF"] O {{}} [Observation: "LVEF"] B such that {later}'
    for word, kept in (("with", ["Observation/old"]), ("without", ["Observation/new"])):
        found = tree(body.format(word))
        assert [row["of"][0]["reference"] for row in found["rows"] if row["kept"]] == kept
        assert [one["kind"] for one in found["rows"][0]["inclusions"]] == [word]


def test_rows_over_several_sources_and_lets_are_told() -> None:
    found = tree("from ({1, 2}) A, ({2, 3}) B let sum: A + B where A = B return sum")
    assert [row["kept"] for row in found["rows"]] == [False, False, True, False]
    assert found["rows"][2]["lets"]["sum"]["value"] == found["rows"][2]["gives"]["value"] == 4


def test_a_membership_tells_the_codes_that_matched_and_the_version() -> None:
    url = "urn:test:set"
    compose = {"include": [{"system": LOINC, "concept": [{"code": "10230-1"}]}]}
    set_ = {"resourceType": "ValueSet", "url": url, "version": "7", "status": "active", "compose": compose}
    sets = value_sets([read_value_set(set_, where="set.json")])
    body = f"valueset \"Fractions\": '{url}'\ncontext Patient\n"
    body += 'define X: exists ([Observation] O where O.code in "Fractions")'
    library = compile_library(HEAD.replace("context Patient\n", "") + body, name="why.cql", valuesets=sets)
    told = explanation(library.evaluate(Resources(CHART), traced=True), "X")
    where = told["defines"]["Why.X"]["tree"]["of"]["rows"][0]["where"]
    assert where["value_set"] == {"name": "Fractions", "url": url, "version": "7"}
    assert where["matched"] == [{"system": LOINC, "code": "10230-1"}]
    Recheck({"defines": told["defines"]}, {url: frozenset({(LOINC, "10230-1")})}).define("Why.X")


def test_a_define_that_breaks_has_its_problem_and_no_tree() -> None:
    told = explained("define Broken: singleton from { 1, 2 }\ndefine X: 1 = 1 or Broken = 1", define="X")
    assert told["defines"]["Why.X"]["value"] is True
    broken = explanation(
        compile_library(HEAD + "define X: singleton from { 1, 2 }", name="why.cql").evaluate(
            Resources([]), traced=True
        ),
        "X",
    )
    assert broken["defines"]["Why.X"]["tree"] is None
    assert "why.cql:" in broken["defines"]["Why.X"]["problem"]
    assert sentences(broken)[0].startswith("The rule broke")


def test_a_plain_evaluation_cannot_be_explained() -> None:
    results = compile_library(HEAD + "define X: true", name="why.cql").evaluate(Resources([]))
    with pytest.raises(ValueError, match="traced=True"):
        explanation(results, "X")


def test_tracing_takes_the_same_steps_and_ends_on_the_same_budget() -> None:
    library = compile_library(HEAD + "define X: Sum((expand Interval[1, 2000]) I return all 1)", name="why.cql")
    plain, traced = (library.evaluate(Resources([]), traced=one) for one in (False, True))
    assert plain["X"].value == traced["X"].value
    assert plain.steps == traced.steps
    short = library.evaluate(Resources([]), traced=True, budget=Budget(steps=50))
    assert "more than 50 steps" in str(short["X"].problem)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            "(First([Observation: \"LVEF\"] O sort by id.value).value as FHIR.Quantity) >= 50 '%'",
            "Ejection fraction of 2026-01-10 (Observation/new): 60 % is at least 50 %.",
        ),
        (
            "(Last([Observation: \"LVEF\"] O sort by id.value).value as FHIR.Quantity) >= 50 '%'",
            "Ejection fraction of 2025-06-01 (Observation/old): 48 % is less than 50 %.",
        ),
        ('exists [Observation: "ECOG"]', "Nothing is found: Observation “ECOG” (89247-1)."),
        (
            "exists ([Observation: \"LVEF\"] O where O.effective as FHIR.dateTime > @2026-06-01T)",
            "Ejection fraction of 2026-01-10 (Observation/new): its day 2026-01-10 is not after 2026-06-01.",
        ),
        ("First([Observation: \"LVEF\"]).code ~ \"LVEF\"", "Ejection fraction of 2026-01-10 (Observation/new): "
         "Ejection fraction counts as “LVEF”."),
    ],
)  # fmt: skip
def test_sentences_name_value_day_resource_and_threshold(body: str, said: str) -> None:
    assert said in sentences(explained(f"define X: {body}"))


def test_the_outline_shows_each_step_with_its_value() -> None:
    lines = outline(explained("define X: exists ([Observation: \"LVEF\"] O where O.id.value = 'new')"))
    assert lines[:4] == [
        "“X” = yes",
        "  exists = yes",
        "    list = Observation/new, 1 of 2 kept",
        "      looked for Observation “LVEF” (10230-1): Observation/new, Observation/old",
    ]
    assert "      left out: Observation/old" in lines


ORACLE = Path(os.environ.get("PRIOR_AUTH_SHARED", Path(__file__).parents[3] / "shared")) / "tools" / "cql_oracle"


@pytest.mark.skipif(not ORACLE.is_dir(), reason="the CQL oracle is not at hand")
def test_every_define_of_the_differential_set_is_explained_and_proven_by_its_data() -> None:
    folder = ORACLE / "differential"
    manifest = json.loads((folder / "manifest.json").read_text())
    read = [read_value_set(json.loads(f.read_text()), where=f.name) for f in sorted((folder / "valuesets").glob("*"))]
    sets, codes = value_sets(read), {one.url: frozenset(one.codes) for one in read}
    now, proven = dt.datetime(2026, 1, 15, 12, tzinfo=dt.UTC), 0
    for name, charts in manifest["libraries"].items():
        library = compile_library((folder / "cql" / f"{name}.cql").read_text(), valuesets=sets, name=name)
        for chart in charts:
            bundle = json.loads((folder / manifest["charts"][chart]).read_text(), parse_float=Decimal)
            resources = [entry["resource"] for entry in bundle["entry"]]
            results = library.evaluate(Resources(resources), now=now, traced=True)
            for define in results:
                told = explanation(results, define)
                assert sentences(told) is not None
                Recheck({"defines": told["defines"]}, codes).define(told["asked"][0])
                proven += 1
    assert proven == 619
