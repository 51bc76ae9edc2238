from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from prior_auth import stories
from prior_auth.charts.bundle_file import BundleFile
from prior_auth.errors import BadInput
from prior_auth.fhir import json


def written(folder: Path, bundle: Any, name: str = "chart.json") -> Path:
    path = folder / name
    path.write_bytes(bundle if isinstance(bundle, bytes) else json.write(bundle))
    return path


def bundle(*entries: dict[str, Any], kind: str = "collection") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


PATIENT = {"resourceType": "Patient", "id": "p"}


async def test_a_chart_is_read_with_every_digit(tmp_path: Path) -> None:
    weight = {"resourceType": "Observation", "id": "w", "valueQuantity": {"value": Decimal("72.50")}}
    read = await BundleFile(written(tmp_path, bundle({"resource": PATIENT}, {"resource": weight}))).resources()
    assert str(read[1]["valueQuantity"]["value"]) == "72.50"


@pytest.mark.parametrize("kind", ["collection", "searchset", "transaction", "batch", "document", "message"])
async def test_every_kind_of_bundle_that_carries_a_chart_is_read(tmp_path: Path, kind: str) -> None:
    given = bundle({"resource": PATIENT, "request": {"method": "PUT", "url": "Patient/p"}}, kind=kind)
    assert await BundleFile(written(tmp_path, given)).resources() == [PATIENT]


async def test_a_chart_as_told_is_read_as_told(tmp_path: Path) -> None:
    chart = stories.load("nsclc-first-line").chart()
    read = await BundleFile(written(tmp_path, chart)).resources()
    assert read == [entry["resource"] for entry in chart["entry"]]


async def test_one_resource_a_line_is_a_chart(tmp_path: Path) -> None:
    lines = b"\n".join([json.write(PATIENT), b"", json.write({"resourceType": "Observation", "id": "o"})])
    read = await BundleFile(written(tmp_path, lines, "chart.ndjson")).resources()
    assert [one["id"] for one in read] == ["p", "o"]


async def test_references_by_full_url_become_references_by_type_and_id(tmp_path: Path) -> None:
    patient = "urn:uuid:3f1b2c9e-0c3e-4d5b-9a57-0f6a3f9c0001"
    given = bundle(
        {"fullUrl": patient, "resource": {"resourceType": "Patient", "active": True}},
        {
            "fullUrl": "http://a.example/fhir/Observation/o",
            "resource": {
                "resourceType": "Observation",
                "id": "o",
                "subject": {"reference": patient},
                "focus": [{"reference": "http://a.example/fhir/Condition/c"}, {"reference": "#inside"}],
                "performer": [{"reference": "http://elsewhere.example/fhir/Condition/c"}],
            },
        },
        {"fullUrl": "http://a.example/fhir/Condition/c", "resource": {"resourceType": "Condition", "id": "c"}},
        kind="transaction",
    )
    read = await BundleFile(written(tmp_path, given)).resources()

    assert read[0] == {"resourceType": "Patient", "id": "3f1b2c9e-0c3e-4d5b-9a57-0f6a3f9c0001", "active": True}
    assert read[1]["subject"] == {"reference": "Patient/3f1b2c9e-0c3e-4d5b-9a57-0f6a3f9c0001"}
    assert read[1]["focus"] == [{"reference": "Condition/c"}, {"reference": "#inside"}]
    assert read[1]["performer"] == [{"reference": "http://elsewhere.example/fhir/Condition/c"}]


async def test_a_servers_remarks_on_a_search_are_no_part_of_the_chart(tmp_path: Path) -> None:
    remark = {"search": {"mode": "outcome"}, "resource": {"resourceType": "OperationOutcome", "issue": []}}
    given = bundle({"resource": PATIENT}, remark, kind="searchset")
    assert await BundleFile(written(tmp_path, given)).resources() == [PATIENT]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"<Bundle/>", "XML, not JSON"),
        (b'{"resourceType": "Bundle", "entry": [', "not JSON"),
        (b"[]", "not a JSON object"),
        (b'{"resourceType": "Patient", "id": "p"}', "Patient is not a Bundle"),
        (b'{"id": "p"}', "this is not a Bundle"),
        (b'{"resourceType": "Bundle", "type": "collection"}', "a Bundle without entries"),
        (
            b'{"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "urn:uuid:1"}]}',
            "without a resource",
        ),
        (b'{"resourceType": "Bundle", "type": "collection", "entry": ["Patient/1"]}', "an entry that is no object"),
        (b'{"resourceType": "Bundle", "type": "history", "entry": [{"resource": {}}]}', "a Bundle of type history"),
        (b'{"resourceType": "Bundle", "type": "batch-response", "entry": []}', "a Bundle of type batch-response"),
        (b'{"resourceType": "Bundle", "resourceType": "Bundle"}', "stands twice"),
        (b"\xff\xfe{}", "not UTF-8"),
    ],
)
async def test_what_is_no_chart_is_refused_with_what_to_do(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(BadInput) as refused:
        await BundleFile(written(tmp_path, content)).resources()
    assert message in str(refused.value)
    assert refused.value.where
    assert refused.value.fix


async def test_a_bad_line_of_ndjson_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        await BundleFile(written(tmp_path, json.write(PATIENT) + b"\n{", "chart.ndjson")).resources()
    assert "chart.ndjson record 2" in str(refused.value)


async def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(BadInput) as refused:
            await BundleFile(path).resources()
        assert "cannot be read" in str(refused.value)
