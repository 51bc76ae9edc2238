"""ELM runs as the text does that it was made from; what is not supported is refused with its name and place."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from prior_auth.cql import CqlError, Library, Resources, Result, compile_elm
from prior_auth.cql.normal import normal
from prior_auth.cql.why import explanation
from prior_auth.fhir import json as fhir_json
from prior_auth.terminology.valuesets import ValueSet, read_value_set, value_sets

SHARED = Path(os.environ.get("PRIOR_AUTH_SHARED", Path(__file__).parents[3] / "shared"))
DIFFERENTIAL = SHARED / "tools" / "cql_oracle" / "differential"
ELM = Path(__file__).with_name("elm")
AS_OF = dt.datetime(2026, 1, 15, 12, tzinfo=dt.UTC)
SYSTEM, FHIR = "{urn:hl7-org:elm-types:r1}", "{http://hl7.org/fhir}"


def elm_of(name: str) -> Any:
    return fhir_json.read(gzip.decompress((ELM / f"{name}.json.gz").read_bytes()))


@pytest.mark.skipif(not DIFFERENTIAL.is_dir(), reason="the differential set is not at hand")
def test_every_define_of_the_differential_set_equals_the_reference_from_elm_too() -> None:
    reference = json.loads((DIFFERENTIAL / "expected.json").read_text())
    manifest = json.loads((DIFFERENTIAL / "manifest.json").read_text())
    files = sorted((DIFFERENTIAL / "valuesets").glob("*.json"))
    sets = value_sets(read_value_set(json.loads(one.read_text()), where=one.name) for one in files)
    compared, different = 0, []
    for name, charts in manifest["libraries"].items():
        library = compile_elm(elm_of(name), valuesets=sets, name=name)
        for chart in charts:
            bundle = fhir_json.read((DIFFERENTIAL / manifest["charts"][chart]).read_bytes())
            results = library.evaluate(Resources([one["resource"] for one in bundle["entry"]]), now=AS_OF)
            for key, answers in reference["expected"].items():
                if key.startswith(f"{name}.") and chart in answers:
                    compared += 1
                    ours = _shown(results[key.split(".", 1)[1]])
                    if ours != (theirs := _comparable(answers[chart])):
                        different.append((key, chart, ours, theirs))
    assert different == []
    assert compared == 619


def _shown(result: Result) -> Any:
    return _comparable({"error": ""} if result.problem else normal(result.value))


def _comparable(value: Any) -> Any:
    """Numbers to six digits, date-times as instants, errors whatever their text."""
    if isinstance(value, dict):
        return "error" if "error" in value else {key: _comparable(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_comparable(one) for one in value]
    if isinstance(value, str) and value.startswith("@") and len(value) == 30:
        return dt.datetime.fromisoformat(value[1:])
    return round(float(value), 6) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else value


def library(*statements: dict[str, Any], **sections: Any) -> dict[str, Any]:
    usings = [
        {"localIdentifier": "System", "uri": "urn:hl7-org:elm-types:r1"},
        {"localIdentifier": "FHIR", "uri": "http://hl7.org/fhir", "version": "4.0.1"},
    ]
    found = {"identifier": {"id": "Test"}, "usings": {"def": usings}, "statements": {"def": list(statements)}}
    return {"library": found | {key: {"def": value} for key, value in sections.items()}}


def define(expression: dict[str, Any], name: str = "It", **fields: Any) -> dict[str, Any]:
    return {"name": name, "context": "Patient", "accessLevel": "Public", "expression": expression, **fields}


def number(value: int) -> dict[str, Any]:
    return {"type": "Literal", "valueType": f"{SYSTEM}Integer", "value": str(value)}


def value_of(*statements: dict[str, Any], resources: tuple[dict[str, Any], ...] = (), **sections: Any) -> Any:
    result = compile_elm(library(*statements, **sections)).evaluate(Resources(resources))["It"]
    assert result.problem is None
    return normal(result.value)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an operator that the engine lacks": ({"type": "Descendents", "source": {"type": "Null"}}, "Descendents"),
    "an operator that ELM lacks": ({"type": "Tail", "operand": number(1)}, "Tail"),
    "a field that would be passed over": ({"type": "Sum", "source": {"type": "List"}, "path": "x"}, "`path`"),
    "a date range of a retrieve": (
        {"type": "Retrieve", "dataType": f"{FHIR}Observation", "dateProperty": "issued"},
        "`dateProperty`",
    ),
    "a profile": (
        {
            "type": "Retrieve",
            "dataType": f"{FHIR}Observation",
            "templateId": "http://example.org/StructureDefinition/x",
        },
        "http://example.org/StructureDefinition/x",
    ),
    "a retrieve in another context": (
        {"type": "Retrieve", "dataType": f"{FHIR}Observation", "context": {"type": "Null"}},
        "`context`",
    ),
    "an unknown alias": ({"type": "AliasRef", "name": "O"}, "`O`"),
    "an unknown define": ({"type": "ExpressionRef", "name": "Its"}, "`Its`"),
    "an unknown function": ({"type": "FunctionRef", "name": "Abs", "operand": [number(1)]}, "`Abs`"),
    "a library that is not included": ({"type": "ExpressionRef", "name": "It", "libraryName": "Other"}, "`Other`"),
    "a type of another model": ({"type": "Null", "valueType": "{urn:healthit-gov:qdm:v5_6}Patient"}, "no known model"),
    "an unknown type": ({"type": "Null", "valueType": f"{FHIR}Observations"}, "`Observations`"),
    "an unknown element": (
        {"type": "Property", "path": "birthday", "source": {"type": "ExpressionRef", "name": "Patient"}},
        "`birthday`",
    ),
    "a number that is none": ({"type": "Literal", "valueType": f"{SYSTEM}Integer", "value": "1.5"}, "no Integer"),
    "too few operands": ({"type": "And", "operand": [{"type": "Null"}]}, "number of operands"),
    "operands of the wrong type": ({"type": "Not", "operand": number(1)}, "`not`"),
    "no object": ({"type": "Not", "operand": "true"}, "operand"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_supported_is_refused_at_its_place(what: str) -> None:
    expression, named = REFUSED[what]
    with pytest.raises(CqlError) as refused:
        compile_elm(library(define({**expression, "locator": "7:3-7:9", "localId": "12"})), name="rule.json")
    assert refused.value.where == "rule.json:7:3"
    assert named in refused.value.message


def test_a_refusal_names_the_local_id() -> None:
    with pytest.raises(CqlError, match=r"Descendents \(localId 12\) is not supported"):
        compile_elm(library(define({"type": "Descendents", "localId": "12"})))


def test_other_contexts_and_external_functions_and_other_models_are_refused() -> None:
    function = {"type": "FunctionDef", "name": "f", "external": True, "operand": []}
    with pytest.raises(CqlError, match="context Practitioner"):
        compile_elm(library(define(number(1), context="Practitioner")))
    with pytest.raises(CqlError, match="`external`"):
        compile_elm(library(function))
    with pytest.raises(CqlError, match="the model QDM"):
        compile_elm(library(usings=[{"localIdentifier": "QDM", "uri": "urn:healthit-gov:qdm:v5_6", "version": "5.6"}]))


def test_statements_without_a_context_run_where_they_ask_no_chart() -> None:
    plain = define(number(1), context="Unfiltered")
    retrieve = {"type": "Retrieve", "dataType": f"{FHIR}Observation"}
    assert compile_elm(library(plain)).evaluate(Resources([]))["It"].value == 1
    for others in ([define(retrieve, "Other", context="Unfiltered")], [define(number(2), "Other")]):
        with pytest.raises(CqlError, match="context Unfiltered"):
            compile_elm(library(plain, *others))


def test_a_document_with_errors_of_the_translator_is_refused_at_their_line() -> None:
    error = {
        "type": "CqlToElmError",
        "errorSeverity": "error",
        "startLine": 4,
        "startChar": 2,
        "message": "no such name",
    }
    document = library(define({"type": "Null"}))
    document["library"]["annotation"] = [error]
    with pytest.raises(CqlError, match="no such name") as refused:
        compile_elm(document, name="rule.json")
    assert refused.value.where == "rule.json:4:2"


def test_an_alias_called_as_a_define_does_not_stand_for_it() -> None:
    rows = {"type": "List", "element": [number(1), number(2)]}
    one = {"type": "Add", "operand": [{"type": "AliasRef", "name": "Base"}, {"type": "ExpressionRef", "name": "Base"}]}
    query = {"type": "Query", "source": [{"alias": "Base", "expression": rows}], "return": {"expression": one}}
    assert value_of(define(number(10), "Base"), define(query)) == [11, 12]


def test_rows_of_two_sources_keep_the_names_of_their_aliases() -> None:
    source = [{"alias": alias, "expression": {"type": "List", "element": [number(1)]}} for alias in ("Base", "B")]
    found = value_of(define(number(10), "Base"), define({"type": "Query", "source": source}))
    assert found == [{"tuple": {"Base": 1, "B": 1}}]


def test_a_sort_goes_by_the_rows_own_element() -> None:
    elements = [{"type": "Tuple", "element": [{"name": "a", "value": number(one)}]} for one in (2, 3, 1)]
    source = [{"alias": "a", "expression": {"type": "List", "element": elements}}]
    sort = {"by": [{"type": "ByColumn", "path": "a", "direction": "desc"}]}
    found = value_of(define({"type": "Query", "source": source, "sort": sort}))
    assert [one["tuple"]["a"] for one in found] == [3, 2, 1]


def test_the_least_integer_and_a_conversion_of_an_interval_are_read() -> None:
    least = {"type": "Negate", "operand": number(2147483648)}
    assert value_of(define(least)) == -2147483648
    open_low = {"type": "Interval", "low": number(1), "high": number(3), "lowClosed": False}
    bounds = {
        side: {"type": "ToDecimal", "operand": {"type": "Property", "path": side, "source": open_low}}
        for side in ("low", "high")
    }
    closed = {
        f"{side}Expression": {"type": "Property", "path": side, "source": open_low}
        for side in ("lowClosed", "highClosed")
    }
    found = value_of(define({"type": "Interval", **bounds, **closed}))
    assert found == {"low": 1, "high": 3, "lowClosed": False, "highClosed": True}


def test_helpers_backbone_types_and_paths_of_several_steps_are_read() -> None:
    observation = {
        "resourceType": "Observation", "id": "o", "component": [{"code": {"text": "x"}, "valueInteger": 3}],
    }  # fmt: skip
    first = {"type": "First", "source": {"type": "Property", "path": "component", "scope": "O"}}
    component = {"type": "As", "asType": f"{FHIR}Observation.Component", "operand": first}
    text = {"type": "Property", "path": "code.text", "source": component}
    query = {
        "type": "Query",
        "source": [{"alias": "O", "expression": {"type": "Retrieve", "dataType": f"{FHIR}Observation"}}],
        "return": {"expression": {"type": "FunctionRef", "libraryName": "H", "name": "ToString", "operand": [text]}},
    }
    helpers = [{"localIdentifier": "H", "path": "FHIRHelpers", "version": "4.0.1"}]
    assert value_of(define(query), resources=(observation,), includes=helpers) == ["x"]


def test_the_clock_is_seen_in_elm_too() -> None:
    asks = compile_elm(library(define({"type": "Today", "locator": "3:1-3:7"})), name="rule.json")
    assert [str(one) for one in asks.clock] == ["rule.json:3:1"]


def test_a_library_from_text_may_be_included() -> None:
    includes = [{"localIdentifier": "C", "path": "Common"}]
    document = library(define({"type": "ExpressionRef", "libraryName": "C", "name": "Limit"}), includes=includes)
    found: Library = compile_elm(document, include={"Common": "library Common define Limit: 5"})
    assert found.evaluate(Resources([]))["It"].value == 5


def test_an_evaluation_of_elm_is_explained_like_one_of_text() -> None:
    documents = library(define(number(5), "Limit"), define({"type": "ExpressionRef", "name": "Limit"}))
    results = compile_elm(documents).evaluate(Resources([]), traced=True)
    assert explanation(results, "It")["defines"].keys() == {"Test.It", "Test.Limit"}


def test_mutated_documents_are_refused_or_run() -> None:
    """Never anything but a CqlError at load, never a fault of the engine in evaluation."""
    random, refused = Random(20261125), 0
    for _ in range(120):
        document = elm_of(random.choice(["Intervals", "Lists", "Functions"]))
        statements = document["library"]["statements"]["def"]
        functions = [one for one in statements if one.get("type") == "FunctionDef"]
        defines = [one for one in statements if one.get("type") != "FunctionDef"]
        document["library"]["statements"]["def"] = [*functions, *random.sample(defines, 3)]
        _mutate(document["library"], random)
        try:
            results = compile_elm(document, valuesets=_any_set(document)).evaluate(Resources([]), now=AS_OF)
        except CqlError:
            refused += 1
            continue
        problems = [str(one.problem) for one in results.values() if one.problem]
        assert not [one for one in problems if "the engine failed" in one]
    assert 20 < refused < 110


def _any_set(document: Any) -> dict[str, ValueSet]:
    declared = document["library"].get("valueSets")
    found = declared.get("def") if isinstance(declared, dict) else None
    urls = [one.get("id") for one in found or () if isinstance(one, dict)]
    return {one: ValueSet(one, "1", frozenset({("x", "y")})) for one in urls if isinstance(one, str)}


def _mutate(document: Any, random: Random) -> None:
    """Another value, or none, in one place."""
    places = [*_places(document)]
    holder, key = random.choice(places)
    if isinstance(holder, dict) and random.random() < 0.3:
        del holder[key]
    elif random.random() < 0.4:
        other, at = random.choice(places)
        holder[key] = json.loads(json.dumps(other[at], default=str))
    else:
        holder[key] = random.choice([None, [], {}, "", 0, -1, True, "x", {"type": "Null"}, number(1), [{}]])


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    for key, one in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(one, dict | list):
            yield from _places(one)
