"""`prior-auth evidence`: the catalogue, and what one chart answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from prior_auth.cli import app
from prior_auth.errors import BadInput
from prior_auth.fhir import json

LOINC, ICD10 = "http://loinc.org", "http://hl7.org/fhir/sid/icd-10-cm"
CATALOGUE = {f"E{number:02d}" for number in range(1, 74)}


def run(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["evidence", *arguments], catch_exceptions=False)


def answer(*arguments: str) -> Any:
    return json.read(run(*arguments, "--json").stdout_bytes)


def observation(id: str, code: str, value: Any, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2026-05-20",
        **value,
        **more,
    }


@pytest.fixture(scope="module")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    entries: list[Any] = [
        {"resourceType": "Patient", "id": "p", "birthDate": "1970-05-01", "gender": "female"},
        {
            "resourceType": "Condition",
            "id": "cancer",
            "code": {"coding": [{"system": ICD10, "code": "C50.412"}]},
            "subject": {"reference": "Patient/p"},
        },
        observation("anc", "26499-4", {"valueQuantity": {"value": 3900, "unit": "/uL"}}),
        observation("lvef-1", "10230-1", {"valueQuantity": {"value": 58, "unit": "%"}}),
        observation("lvef-2", "10230-1", {"valueQuantity": {"value": 40, "unit": "%"}}),
        observation("her2", "85319-2", {"valueString": "see report"}),
        observation("ecog", "89247-1", {"valueInteger": 1}, status="preliminary"),
        {
            "resourceType": "DocumentReference",
            "id": "note",
            "status": "current",
            "type": {"coding": [{"system": LOINC, "code": "11488-4"}]},
            "subject": {"reference": "Patient/p"},
            "date": "2026-05-01T10:00:00Z",
            "content": [{"attachment": {"contentType": "application/pdf", "url": "Binary/1"}}],
        },
    ]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in entries]}
    file = tmp_path_factory.mktemp("chart") / "chart.json"
    file.write_bytes(json.write(bundle))
    return file


@pytest.fixture(scope="module")
def items(chart: Path) -> dict[str, Any]:
    told = answer(str(chart), "--as-of", "2026-06-30")
    assert (told["as_of"], told["patient"]) == ("2026-06-30", "Patient/p")
    return {each["item"]: each for each in told["items"]}


def test_the_list_holds_every_number_of_the_catalogue_with_question_supplier_and_tiers() -> None:
    listed = answer("list")["items"]

    assert {each["id"] for each in listed} >= CATALOGUE
    for each in listed:
        assert each["question"].endswith("?"), each["item"]
        assert each["who"], each["item"]
        assert each["tiers"], each["item"]


def test_the_list_names_codes_words_and_documents_of_an_item() -> None:
    her2 = next(each for each in answer("list")["items"] if each["item"] == "her2.ihc")

    assert her2["tiers"] == ["profile", "code", "text", "document"]
    assert {"system": LOINC, "code": "85319-2"} in her2["find"][0]["codes"]
    assert her2["documents"] == ["pathology"]
    assert her2["view"]["code"]["code"] == "85319-2"


def test_a_found_fact_has_value_unit_day_source_and_tier(items: dict[str, Any]) -> None:
    anc = items["lab.anc"]

    assert anc["state"] == "found"
    (fact,) = anc["facts"]
    assert (str(fact["value"]), fact["unit"], fact["date"]) == ("3.900", "10*3/uL", "2026-05-20")
    assert (fact["reference"], fact["path"], fact["tier"]) == ("Observation/anc", "Observation.value", "code")


def test_a_conflict_names_both(items: dict[str, Any]) -> None:
    assert items["lvef"]["state"] == "conflict"
    assert [[each["reference"] for each in one] for one in items["lvef"]["conflicts"]] == [
        ["Observation/lvef-1", "Observation/lvef-2"]
    ]


def test_what_is_unread_says_why_and_whether_it_is_pending(items: dict[str, Any]) -> None:
    assert [items[each]["state"] for each in ("her2.ihc", "ecog")] == ["unread", "unread"]
    assert [items[each]["unread"][0]["pending"] for each in ("her2.ihc", "ecog")] == [False, True]
    assert items["her2.ihc"]["unread"][0]["why"]


def test_a_document_is_a_place_to_look(items: dict[str, Any]) -> None:
    status = items["disease-status"]

    assert status["state"] == "document"
    assert [(each["value"], each["reference"]) for each in status["facts"]] == [(None, "DocumentReference/note")]


def test_what_was_looked_for_in_vain_says_in_what_and_whom_to_ask(items: dict[str, Any]) -> None:
    psa = items["psa"]

    assert (psa["state"], psa["looked"], psa["who"]) == ("silent", {"Observation": 5}, "laboratory")
    assert psa["ask"][0]["code"] == "2857-1"


def test_people_read_the_same(chart: Path) -> None:
    said = run(str(chart), "--as-of", "2026-06-30").stdout

    assert "3.900 10*3/uL  2026-05-20  Observation/anc Observation.value  (code)" in said
    assert "looked for in vain in 5 Observation" in said
    assert "unread: Observation/her2" in said


def test_people_read_the_catalogue() -> None:
    assert "E46      oncotype" in run("list").stdout


def test_a_chart_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadInput):
        run("nothing-here.json")
