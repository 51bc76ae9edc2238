"""A chart is the same from a file and from real FHIR servers, for every public patient and every story."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from prior_auth import stories
from prior_auth.charts.bundle_file import BundleFile
from prior_auth.charts.fhir_server import FhirServer
from prior_auth.domain.evidence import Evidence
from prior_auth.errors import FatalTransportError
from prior_auth.evidence.gather import gather
from prior_auth.fhir import json
from prior_auth.fhir.chart_bundle import chart_resources
from prior_auth.rulebook import Rulebook

pytestmark = pytest.mark.xdist_group("ehr")

AS_OF = date(2026, 9, 15)
PATIENTS = Path(__file__).resolve().parents[1] / "charts" / "public"
TWO_PATIENTS = ("mcode-stu4-eve-anyperson-breast", "mcode-stu4-john-anyperson-all-disease-examples")
PUBLIC = sorted(path.stem for path in PATIENTS.glob("*.json") if "." not in path.stem and path.stem not in TWO_PATIENTS)
# What no search by patient and no reference leads to, and no evidence is in.
UNREACHABLE = {"Device", "Location", "Practitioner", "Organization", "BodyStructure", "Specimen"}


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    return Rulebook.load()


def renamed(bundle: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The chart under ids of its own, so that all can live on one server."""
    resources = chart_resources(bundle)
    names = {f"{one['resourceType']}/{one['id']}": f"{prefix}-{n}" for n, one in enumerate(resources)}

    def mended(value: Any) -> Any:
        if isinstance(value, dict):
            whole = {key: mended(part) for key, part in value.items()}
            if (target := whole.get("reference")) in names:
                whole["reference"] = f"{target.split('/')[0]}/{names[target]}"
            return whole
        return [mended(part) for part in value] if isinstance(value, list) else value

    entries = [{"resource": mended(one) | {"id": f"{prefix}-{n}"}} for n, one in enumerate(resources)]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def as_transaction(bundle: dict[str, Any]) -> dict[str, Any]:
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in (entry["resource"] for entry in bundle["entry"])
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


async def load(base: str, bundle: dict[str, Any]) -> str:
    """Write a chart to the server; the patient's id."""
    async with httpx2.AsyncClient(timeout=120) as client:
        headers = {"Content-Type": "application/fhir+json"}
        answer = await client.post(base, content=json.write(as_transaction(bundle)), headers=headers)
    assert answer.status_code == 200, answer.text[:500]
    return next(one["id"] for one in chart_resources(bundle) if one["resourceType"] == "Patient")


def plain(value: Any) -> Any:
    """Without what a server adds; profiles in any order; numbers by value, since one server keeps them as floats."""
    if isinstance(value, dict):
        kept = {key: plain(part) for key, part in value.items()}
        if "meta" in kept:
            profiles = sorted(kept.pop("meta").get("profile", []))
            kept |= {"meta": {"profile": profiles}} if profiles else {}
        return kept
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return float(value)
    return value


def by_reference(resources: list[dict[str, Any]]) -> dict[str, Any]:
    return {f"{one['resourceType']}/{one['id']}": plain(one) for one in resources}


def unread(evidence: Evidence) -> set[tuple[str, str, str]]:
    return {(one.item, one.source.reference, one.why) for one in evidence.unread}


def facts(evidence: Evidence) -> set[tuple[Any, ...]]:
    """Without `meta.source`, which a server puts where a file has none."""
    return {
        (
            fact.item,
            plain(fact.value) if isinstance(fact.value, int | Decimal) else fact.value,
            *(fact.unit, fact.date, fact.source.reference, fact.source.path, fact.tier, fact.view, fact.group),
        )
        for fact in evidence.facts
    }


@pytest.mark.parametrize("name", PUBLIC)
async def test_a_public_patient_is_the_same_from_file_and_server(
    name: str, ehr: str, rulebook: Rulebook, tmp_path: Path
) -> None:
    bundle = renamed(json.read((PATIENTS / f"{name}.json").read_bytes()), f"public-{PUBLIC.index(name)}")
    path = tmp_path / "chart.json"
    path.write_bytes(json.write(bundle))
    server = FhirServer(ehr, await load(ehr, bundle))

    from_file = await BundleFile(path).resources()
    from_server = await server.resources()

    assert_same_chart(by_reference(from_server), by_reference(from_file), set(server.not_offered))
    # A type that the server does not have (its statement says so, and the reading names it) can be no evidence there.
    could_be_had = [one for one in from_file if one["resourceType"] not in server.not_offered]
    assert_same_evidence(
        gather(from_server, as_of=AS_OF, definitions=rulebook.definitions),
        gather(could_be_had, as_of=AS_OF, definitions=rulebook.definitions),
    )


def assert_same_chart(from_server: dict[str, Any], from_file: dict[str, Any], not_offered: set[str]) -> None:
    assert set(from_server) <= set(from_file)
    assert {key.split("/")[0] for key in set(from_file) - set(from_server)} <= UNREACHABLE | not_offered
    for key, resource in from_server.items():
        assert resource == from_file[key], key


def assert_same_evidence(from_server: Evidence, from_file: Evidence) -> None:
    assert facts(from_server) == facts(from_file)
    assert unread(from_server) == unread(from_file)
    assert [one.item for one in from_server.conflicts] == [one.item for one in from_file.conflicts]
    assert by_reference(list(map(dict, from_server.view))) == by_reference(list(map(dict, from_file.view)))


@pytest.mark.parametrize("name", ["breast-her2-adjuvant", "nsclc-messy", "breast-brca-vus"])
async def test_a_story_is_whole_on_a_server(name: str, ehr: str) -> None:
    bundle = stories.load(name).chart()
    read = by_reference(await FhirServer(ehr, await load(ehr, bundle)).resources())
    assert read == by_reference(chart_resources(bundle))


async def test_more_than_a_page_is_read(ehr: str) -> None:
    told = {"value": 1, "on": "2026-09-01"}
    bundle = stories.load("nsclc-first-line").chart(add={"ecog": [told] * 210})
    bundle = renamed(bundle, f"pages-{len(bundle['entry'])}")
    read = await FhirServer(ehr, await load(ehr, bundle)).resources()
    expected = [one for one in chart_resources(bundle) if one["resourceType"] == "Observation"]
    assert len([one for one in read if one["resourceType"] == "Observation"]) == len(expected) > 210


async def test_two_patients_on_one_server_are_kept_apart(ehr: str) -> None:
    first = await load(ehr, renamed(stories.load("breast-her2-adjuvant").chart(), "apart-1"))
    await load(ehr, renamed(stories.load("breast-her2-male").chart(), "apart-2"))
    read = await FhirServer(ehr, first).resources()
    assert all(one["id"].startswith("apart-1-") for one in read)


async def test_an_unknown_patient_is_said_so(ehr: str) -> None:
    with pytest.raises(FatalTransportError) as refused:
        await FhirServer(ehr, "nobody-of-that-name").resources()
    assert "does not know this patient" in str(refused.value)


async def test_a_decimal_comes_back_with_its_digits(hapi: str) -> None:
    bundle = renamed(stories.load("breast-her2-adjuvant").chart(change={"weight": {"value": "72.50 kg"}}), "digits")
    read = await FhirServer(hapi, await load(hapi, bundle)).resources()
    values = [str(one["valueQuantity"]["value"]) for one in read if "valueQuantity" in one]
    assert "72.50" in values
