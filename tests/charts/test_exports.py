"""Charts as systems export them: `$everything`, its pages, NDJSON, a bulk export of many patients."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from prior_auth.charts.bundle_file import BundleFile
from prior_auth.charts.named import Named
from prior_auth.errors import BadInput
from prior_auth.evidence.gather import gather
from prior_auth.fhir import json
from prior_auth.fhir.bulk import of_patient
from prior_auth.rulebook import evidence_definitions

PUBLIC = Path(__file__).parent / "public" / "mcode-stu4-jenny-m-breast-full.json"
AS_OF = date(2026, 11, 1)


@pytest.fixture(scope="module")
def jenny() -> list[dict[str, Any]]:
    return BundleFile(PUBLIC).read()


def searchset(resources: list[dict[str, Any]], *links: str) -> dict[str, Any]:
    entries = [
        {"fullUrl": f"https://ehr.example.org/fhir/{each['resourceType']}/{each['id']}", "resource": each,
         "search": {"mode": "match"}}
        for each in resources
    ]  # fmt: skip
    named = [{"relation": each, "url": "https://ehr.example.org/fhir"} for each in ("self", *links)]
    return {"resourceType": "Bundle", "type": "searchset", "link": named, "entry": entries}


def exported(folder: Path, resources: list[dict[str, Any]]) -> Path:
    """A bulk export: one NDJSON file for each type."""
    folder.mkdir()
    for kind in sorted({each["resourceType"] for each in resources}):
        lines = [json.write(each) for each in resources if each["resourceType"] == kind]
        (folder / f"{kind}.ndjson").write_bytes(b"\n".join(lines) + b"\n")
    (folder / "Immunization.ndjson").write_bytes(b"")  # servers write empty files too
    (folder / "manifest.json").write_text("{}")
    return folder


DEFINITIONS = cache(evidence_definitions)


def told(resources: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    evidence = gather(resources, as_of=AS_OF, definitions=DEFINITIONS())
    return {(fact.item, repr(fact.value), fact.unit, fact.date, fact.tier, fact.source) for fact in evidence.facts}


def test_everything_ndjson_and_a_bulk_export_tell_the_same_as_the_bundle(
    jenny: list[dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "everything.json").write_bytes(json.write(searchset(jenny)))
    (tmp_path / "chart.ndjson").write_bytes(b"\n".join(map(json.write, jenny)))
    folder = exported(tmp_path / "export", jenny)

    expected = told(jenny)
    for path in (tmp_path / "everything.json", tmp_path / "chart.ndjson", folder):
        assert told(BundleFile(path).read()) == expected, path.name


def test_one_page_of_everything_is_refused(jenny: list[dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "page.json").write_bytes(json.write(searchset(jenny[:5], "next")))

    with pytest.raises(BadInput) as refused:
        BundleFile(tmp_path / "page.json").read()

    assert refused.value.where == "Bundle.link"


OTHER = [
    {"resourceType": "Patient", "id": "other", "birthDate": "1950-01-01"},
    {"resourceType": "Observation", "id": "theirs", "status": "final", "subject": {"reference": "Patient/other"},
     "code": {"coding": [{"system": "http://loinc.org", "code": "89247-1"}]}, "valueInteger": 3,
     "effectiveDateTime": "2026-10-01"},
    {"resourceType": "Group", "id": "all", "type": "person", "actual": True,
     "member": [{"entity": {"reference": "Patient/other"}}]},
]  # fmt: skip


def test_a_patient_is_picked_from_an_export_of_many_with_nothing_of_the_others(
    jenny: list[dict[str, Any]], tmp_path: Path
) -> None:
    folder = exported(tmp_path / "export", [*OTHER, *jenny])

    with pytest.raises(BadInput):
        gather(BundleFile(folder).read(), as_of=AS_OF, definitions=DEFINITIONS())
    mine = BundleFile(folder / "Patient" / "cancer-patient-jenny-m").read()

    assert told(mine) == told(jenny)
    assert not {"other", "theirs", "all"} & {each["id"] for each in mine}


def test_an_export_is_called_by_its_folder_and_not_by_the_patients_id(tmp_path: Path) -> None:
    assert Named.read(f"{tmp_path}/lakeside/Patient/17").origin == "lakeside"


def test_a_drug_that_an_order_refers_to_comes_along_and_anothers_result_does_not() -> None:
    order = {
        "resourceType": "MedicationRequest",
        "id": "order",
        "subject": {"reference": "Patient/p"},
        "medicationReference": {"reference": "https://ehr.example.org/fhir/Medication/drug"},
        "supportingInformation": [{"reference": "Observation/theirs"}],
    }
    drug = {"resourceType": "Medication", "id": "drug", "manufacturer": {"reference": "Organization/maker"}}
    maker = {"resourceType": "Organization", "id": "maker"}
    stranger = {"resourceType": "Organization", "id": "stranger"}

    found = of_patient([*OTHER, {"resourceType": "Patient", "id": "p"}, stranger, maker, drug, order], "p")

    assert [each["id"] for each in found] == ["p", "maker", "drug", "order"]


def test_a_patient_who_is_not_in_the_export_is_refused(jenny: list[dict[str, Any]]) -> None:
    with pytest.raises(BadInput):
        of_patient(jenny, "somebody")
