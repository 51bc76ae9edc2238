"""What goes out says only what is true of itself, however untidy the chart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prior_auth.charts.bundle_file import BundleFile
from prior_auth.domain.coding import Coding
from prior_auth.domain.request import AuthorizationRequest, CoverageFacts, Period, RequestItem
from prior_auth.errors import BadInput
from prior_auth.fhir.validate import has_errors, validate

Json = dict[str, Any]
BASE = "https://oncology.example.org/fhir"
MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"


def entry(bundle: Json, reference: str) -> Json:
    return next(one["resource"] for one in bundle["entry"] if one["fullUrl"] == f"{BASE}/{reference}")


def category(bundle: Json, reference: str) -> str:
    entries = bundle["entry"][0]["resource"]["supportingInfo"]
    (found,) = [one for one in entries if one["valueReference"]["reference"] == f"{BASE}/{reference}"]
    code: str = found["category"]["coding"][0]["code"]
    return code


def claims(resource: Json) -> list[str]:
    return [one.rsplit("/", 1)[-1] for one in resource.get("meta", {}).get("profile", [])]


def test_a_claim_that_the_chart_keeps_is_kept(world: Any) -> None:
    assert "mcode-primary-cancer-condition" in claims(entry(world.build().bundle, "Condition/cancer"))


def test_a_claim_that_the_chart_does_not_keep_is_dropped(world: Any) -> None:
    world.resource("Observation/ecog")["meta"] = {"profile": [f"{MCODE}mcode-karnofsky-performance-status"]}

    bundle = world.build().bundle

    assert claims(entry(bundle, "Observation/ecog")) == ["us-core-observation-clinical-result"]
    assert not has_errors(validate(bundle))


def test_a_claim_that_cutting_made_false_is_dropped(world: Any) -> None:
    size = {
        **world.resource("Observation/ecog"),
        "id": "size",
        "meta": {"profile": [f"{MCODE}mcode-tumor-size"]},
        "code": {"coding": [{"system": "http://loinc.org", "code": "21889-1"}]},
        "specimen": {"reference": "Specimen/elsewhere"},
    }
    del size["valueInteger"]
    size["dataAbsentReason"] = {"text": "not measured"}

    bundle = world.changed(chart=[*world.chart, size], evidence=(*world.evidence, "Observation/size")).build().bundle

    assert "mcode-tumor-size" not in claims(entry(bundle, "Observation/size"))
    assert not has_errors(validate(bundle))


def test_what_does_not_fit_its_target_after_all_travels_under_another_category(world: Any) -> None:
    """A category of US Core's list beside a second one that breaks its slice: found only by the whole judgement."""
    world.resource("Observation/her2")["status"] = "final"
    world.resource("Observation/her2")["valueCodeableConcept"] = {"text": "3+"}
    world.resource("Observation/her2")["effectiveDateTime"] = "2026-05"

    bundle = world.build().bundle

    assert category(bundle, "Observation/her2") in ("additionalInformation", "info")
    assert not has_errors(validate(bundle))


def test_evidence_that_is_no_valid_fhir_is_refused_by_its_path(world: Any) -> None:
    world.resource("Observation/ecog")["status"] = "done"

    with pytest.raises(BadInput) as caught:
        world.build()

    assert caught.value.where is not None
    assert caught.value.where.startswith("Observation/ecog Observation.status")


def test_extensions_of_guides_that_no_payer_knows_stay_at_home(world: Any) -> None:
    world.resource("Observation/ecog")["extension"] = [
        {"url": "http://hospital.example.com/fhir/StructureDefinition/machine", "valueString": "B2"},
        {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"},
    ]

    sent = entry(world.build().bundle, "Observation/ecog")

    assert [one["url"].rsplit("/", 1)[-1] for one in sent["extension"]] == ["data-absent-reason"]


def test_an_extension_that_lost_a_part_goes_whole(world: Any) -> None:
    url = f"{MCODE}mcode-radiotherapy-dose-delivered-to-volume"
    parts = [
        {"url": "volume", "valueReference": {"reference": "BodyStructure/elsewhere"}},
        {"url": "totalDoseDelivered", "valueQuantity": {"value": 50}},
    ]
    course = {
        "resourceType": "Procedure",
        "id": "course",
        "extension": [{"url": url, "extension": parts}],
        "status": "completed",
        "code": {"text": "radiotherapy"},
        "subject": {"reference": "Patient/pat"},
        "performedDateTime": "2026-02-01",
    }

    bundle = world.changed(chart=[*world.chart, course], evidence=("Procedure/course",)).build().bundle

    assert "extension" not in entry(bundle, "Procedure/course")


PUBLIC = Path(__file__).parents[1] / "charts" / "public"
# No name to tell the payer, or two patients: nothing that could be sent.
UNSENDABLE = {
    "derived-evidence-positive-control",
    "grig-stu2-oncology-somatic-panel-report",
    "mcode-stu4-eve-anyperson-breast",
    "mcode-stu4-john-anyperson-all-disease-examples",
}
SENDABLE = sorted(
    one.stem for one in PUBLIC.glob("*.json") if ".request" not in one.name and one.stem not in UNSENDABLE
)
_NOT_EVIDENCE = {
    *("Patient", "Coverage", "Practitioner", "PractitionerRole", "Organization", "Location", "Medication"),
    *("Bundle", "Encounter"),
}


@pytest.fixture
def public_request(world: Any) -> Callable[[str], Json]:
    """A public patient with everything clinical as evidence: the most that could ever be sent."""

    def build(name: str) -> Json:
        chart = [one for one in BundleFile(PUBLIC / f"{name}.json").read() if one["resourceType"] != "Coverage"]
        (patient,) = [f"Patient/{one['id']}" for one in chart if one["resourceType"] == "Patient"]
        chart.append({**world.resource("Coverage/cov"), "beneficiary": {"reference": patient}})
        order = {
            "resourceType": "MedicationRequest",
            "id": "order-of-the-test",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": {"coding": [{"system": HCPCS, "code": "J9271"}]},
            "subject": {"reference": patient},
        }
        item = RequestItem("MedicationRequest/order-of-the-test", Coding(HCPCS, "J9271"), (), None, Period(None, None))
        coverage = CoverageFacts("Coverage/cov", (), None, "MEMBER-7", Period(None, None))
        evidence = tuple(
            f"{one['resourceType']}/{one['id']}" for one in chart if one["resourceType"] not in _NOT_EVIDENCE
        )
        asked = AuthorizationRequest(patient, coverage, (item,))
        built: Json = world.changed(chart=[*chart, order], request=asked, evidence=evidence).build().bundle
        return built

    return build


@pytest.mark.parametrize("name", SENDABLE)
def test_a_public_patient_goes_out_without_error(
    public_request: Callable[[str], Json], official_errors: Callable[..., list[Json]], name: str
) -> None:
    assert official_errors(public_request(name)) == []
