"""A site's own codes: a ConceptMap puts standard codes beside them, in assess, view and evidence alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from prior_auth.charts.code_map import codes_in
from prior_auth.cli import app
from prior_auth.errors import BadInput
from prior_auth.fhir import json
from prior_auth.fhir.local_codes import read_codes

SITE, LOINC, SNOMED = "https://hospital.example.org/flowsheet", "http://loinc.org", "http://snomed.info/sct"


def concept_map(equivalence: str = "equivalent", source: str = SITE) -> dict[str, Any]:
    targets = [{"code": "89247-1", "display": "ECOG", "equivalence": equivalence}]
    elements = [{"code": "PS-ECOG", "target": targets}]
    return {"resourceType": "ConceptMap", "group": [{"source": source, "target": LOINC, "element": elements}]}


def ecog(code: str = "PS-ECOG", system: str = SITE) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "ecog",
        "status": "final",
        "code": {"coding": [{**({"system": system} if system else {}), "code": code}]},
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2026-05-20",
        "valueInteger": 1,
    }


def codings(resource: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each.get("system", ""), each["code"]) for each in resource["code"]["coding"]]


@pytest.mark.parametrize("equivalence", ["equal", "equivalent", "wider", "subsumes"])
def test_the_standard_code_is_added_and_the_local_one_stays(equivalence: str) -> None:
    (mapped,) = read_codes(concept_map(equivalence)).added_to([ecog()])

    assert codings(mapped) == [(SITE, "PS-ECOG"), (LOINC, "89247-1")]


@pytest.mark.parametrize("equivalence", ["narrower", "specializes", "inexact", "relatedto", "unmatched", "disjoint"])
def test_a_target_that_would_assert_too_much_maps_nothing(equivalence: str) -> None:
    with pytest.raises(BadInput):
        read_codes(concept_map(equivalence))


def test_codes_without_a_system_are_mapped_by_a_group_without_source() -> None:
    without = concept_map()
    without["group"][0].pop("source")

    (mapped,) = read_codes(without).added_to([ecog(system="")])

    assert codings(mapped)[1] == (LOINC, "89247-1")


def test_a_code_that_the_map_does_not_know_is_never_guessed_and_the_resource_is_left_as_it_was() -> None:
    others = [ecog("PS-ECOG-OLD"), ecog(system="https://another.example.org")]

    assert all(new is old for new, old in zip(read_codes(concept_map()).added_to(others), others, strict=True))


def test_mapping_twice_adds_once_and_changes_nothing_that_was_given() -> None:
    codes, given = read_codes(concept_map()), ecog()
    before = json.write(given)

    once = codes.added_to([given])

    assert codes.added_to(once) == once
    assert json.write(given) == before


def test_values_and_components_are_mapped_too() -> None:
    codes = read_codes(
        {
            "resourceType": "ConceptMap",
            "group": [
                {
                    "source": SITE,
                    "target": SNOMED,
                    "element": [{"code": "POS", "target": [{"code": "10828004", "equivalence": "equal"}]}],
                }
            ],
        }
    )
    value = {"coding": [{"system": SITE, "code": "POS"}]}

    (mapped,) = codes.added_to([{**ecog(), "component": [{"valueCodeableConcept": value}]}])

    assert mapped["component"][0]["valueCodeableConcept"]["coding"][1]["code"] == "10828004"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"resourceType": "ValueSet"}, "resourceType"),
        ({"group": []}, "ConceptMap.group"),
        ({"group": {}}, "ConceptMap.group"),
        ({"group": [{"source": SITE}]}, "ConceptMap.group[0].target"),
        ({"group": [{"target": LOINC, "element": [{"target": []}]}]}, "ConceptMap.group[0].element[0].code"),
        (
            {"group": [{"target": LOINC, "element": [{"code": "A", "target": [{"code": "1"}]}]}]},
            "ConceptMap.group[0].element[0].target[0].equivalence",
        ),
    ],
)
def test_what_is_no_map_is_refused_with_its_place(change: dict[str, Any], where: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_codes({**concept_map(), **change})

    assert refused.value.where == where


def test_a_map_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        codes_in(tmp_path / "nothing.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    patient = {"resourceType": "Patient", "id": "p", "birthDate": "1970-05-01"}
    entries = [{"resource": each} for each in (patient, ecog(), {**ecog("FLO-XYZ"), "id": "other"})]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    (tmp_path / "chart.json").write_bytes(json.write(bundle))
    (tmp_path / "codes.json").write_bytes(json.write(concept_map()))
    return tmp_path


def run(*arguments: str) -> Any:
    done = CliRunner().invoke(app, [*arguments, "--as-of", "2026-06-30"], catch_exceptions=False)
    return json.read(done.stdout_bytes)


def test_with_the_map_the_chart_answers_and_without_it_names_its_local_codes(folder: Path) -> None:
    chart, codes = str(folder / "chart.json"), str(folder / "codes.json")

    bare, mapped = run("evidence", chart, "--json"), run("evidence", chart, "--codes", codes, "--json")

    def state(told: Any) -> str:
        return next(each["state"] for each in told["items"] if each["item"] == "ecog")

    assert (state(bare), state(mapped)) == ("silent", "found")
    assert [each["code"] for each in bare["local_codes"]] == ["PS-ECOG", "FLO-XYZ"]
    assert [each["code"] for each in mapped["local_codes"]] == ["FLO-XYZ"]


def test_the_view_has_the_standard_code_first_and_the_local_one_after_it(folder: Path) -> None:
    bundle = run("view", str(folder / "chart.json"), "--codes", str(folder / "codes.json"))

    (found,) = [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == "Observation"]
    assert codings(found) == [(LOINC, "89247-1"), (SITE, "PS-ECOG")]
