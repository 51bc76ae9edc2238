"""The exported view: a Bundle that HL7's validator accepts, of clean charts and of messy ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from prior_auth.errors import BadInput
from prior_auth.evidence.definitions import EvidenceDefinitions
from prior_auth.evidence.gather import gather
from prior_auth.fhir import json
from prior_auth.fhir.bundle import resources
from prior_auth.fhir.mcode import view_bundle

AS_OF = date(2026, 11, 1)
PUBLIC = Path(__file__).parents[1] / "charts" / "public"
OF_TWO_PATIENTS = {"mcode-stu4-eve-anyperson-breast", "mcode-stu4-john-anyperson-all-disease-examples"}
CHARTS = sorted(path.stem for path in PUBLIC.glob("*.json") if not path.stem.endswith(".request"))

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
ICD10, RXNORM = "http://hl7.org/fhir/sid/icd-10-cm", "http://www.nlm.nih.gov/research/umls/rxnorm"
MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"

Official = Callable[..., list[dict[str, Any]]]


def chart_of(name: str) -> list[dict[str, Any]]:
    return resources(json.read((PUBLIC / f"{name}.json").read_bytes()))


def said(errors: list[dict[str, Any]]) -> list[str]:
    return [f"{each['location']}: {each['message']}" for each in errors]


@pytest.mark.parametrize("name", [each for each in CHARTS if each not in OF_TWO_PATIENTS])
def test_the_view_of_a_public_patient_has_no_error(
    name: str, definitions: EvidenceDefinitions, official_errors: Official
) -> None:
    evidence = gather(chart_of(name), as_of=AS_OF, definitions=definitions)

    assert said(official_errors(view_bundle(evidence, AS_OF))) == []


@pytest.mark.parametrize("name", sorted(OF_TWO_PATIENTS))
def test_a_public_file_of_two_patients_is_refused(name: str, definitions: EvidenceDefinitions) -> None:
    with pytest.raises(BadInput):
        gather(chart_of(name), as_of=AS_OF, definitions=definitions)


def coded(system: str, code: str, text: str | None = None) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}], **({"text": text} if text else {})}


def observation(code: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": "final", "code": code, **more}


MESSY: list[dict[str, Any]] = [
    {"resourceType": "Condition", "code": {"text": "Breast cancer, left"}},
    {"resourceType": "Condition", "code": coded(ICD10, "C34.12"), "recordedDate": "2026"},
    {"resourceType": "Condition", "code": coded(ICD10, "C79.51"), "abatementDateTime": "2026-02-01"},
    {"resourceType": "Condition", "code": {"text": "Rheumatoid arthritis"}, "onsetString": "years ago"},
    {"resourceType": "Condition", "code": coded(ICD10, "Z94.0")},
    {"resourceType": "Condition", "code": coded(ICD10, "D46.9")},
    {"resourceType": "Condition", "code": coded(ICD10, "C92.00")},
    {"resourceType": "Condition", "code": {"text": "Stage IIA breast cancer"}},
    {"resourceType": "Condition", "code": {"text": "Prostate cancer metastatic to bone"}, "recordedDate": "2026-02-01"},
    {
        "resourceType": "MedicationAdministration",
        "status": "completed",
        "medicationCodeableConcept": {"text": "FOLFOX"},
    },
    observation({"text": "HER2/neu"}, valueString="IHC 2+"),
    observation({"text": "HER2 FISH"}, valueString="ratio 2.4, 6.1 copies", effectiveDateTime="2026-03"),
    observation({"text": "ER (IHC)"}, valueString="95%", effectivePeriod={"start": "2026-03-01"}),
    observation({"text": "PD-L1 TPS"}, valueString="<1%", effectiveDateTime="2026-03-01T10:00:00Z"),
    observation({"text": "ECOG PS"}, valueString="1", issued="2026-03-01T10:00:00Z"),
    observation({"text": "LVEF (echo)"}, valueString="55-60%", effectiveDateTime="2026-03-01"),
    observation({"text": "Stage group"}, valueString="Stage IV", effectiveDateTime="2026-03-01"),
    observation({"text": "Pathologic TNM"}, valueString="pT2 N1 M0", effectiveDateTime="2026-03-01"),
    observation({"text": "Histology"}, valueString="Adenocarcinoma", effectiveDateTime="2026-03-01"),
    observation({"text": "Tumor grade"}, valueString="Grade 2", effectiveDateTime="2026-03-01"),
    observation({"text": "Disease status"}, valueString="progression", effectiveDateTime="2026-03-01"),
    observation({"text": "EGFR mutation analysis"}, valueString="Not detected", effectiveDateTime="2026-03-01"),
    observation({"text": "Body weight"}, valueQuantity={"value": 160, "unit": "lbs"}, effectiveDateTime="2026-03"),
    observation(
        coded(SNOMED, "398192003"),
        extension=[{"url": f"{MCODE}mcode-related-condition-absent", "valueCodeableConcept": {"text": "lupus"}}],
    ),
    observation(coded(LOINC, "82810-3"), valueCodeableConcept=coded(SNOMED, "60001007")),
    observation(
        coded(LOINC, "53041-0"),
        component=[
            {"code": coded(LOINC, "48018-6"), "valueCodeableConcept": coded("http://www.genenames.org", "3236")},
            {"code": coded(LOINC, "48018-6"), "valueCodeableConcept": coded("http://www.genenames.org", "427")},
        ],
    ),
    {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "medicationCodeableConcept": {}},
    {
        "resourceType": "MedicationRequest",
        "status": "stopped",
        "intent": "order",
        "medicationCodeableConcept": {"text": "carboplatin"},
        "authoredOn": "2026-01",
        "dosageInstruction": [{"text": "AUC 5 every 3 weeks"}],
    },
    {"resourceType": "MedicationStatement", "status": "active", "medicationCodeableConcept": {"text": "letrozole"}},
    {"resourceType": "MedicationDispense", "status": "completed", "medicationCodeableConcept": coded(RXNORM, "72965")},
    {
        "resourceType": "MedicationAdministration",
        "status": "completed",
        "medicationCodeableConcept": {"text": "pertuzumab and trastuzumab"},
        "effectivePeriod": {"start": "2026-01-01", "end": "2026-01-02"},
    },
    {"resourceType": "Procedure", "status": "completed", "code": {"text": "Left mastectomy"}},
    {"resourceType": "Procedure", "status": "in-progress", "code": {"text": "XRT chest wall"}},
    {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "NGS gene panel"}, "conclusion": "EGFR"},
    {"resourceType": "DocumentReference", "status": "current", "type": {"text": "Oncology consult"}, "content": []},
    {"resourceType": "AllergyIntolerance", "code": {"text": "Herceptin"}},
    observation({"text": "Hgb"}, valueString="9.2 g/dL", referenceRange=[{"low": {"value": 12, "unit": "g/dL"}}]),
    observation({"text": "MMR/MSI"}, valueString="pMMR, MSS"),
    observation({"text": "PD-L1 22C3"}, valueString="CPS 15"),
    observation({"text": "Oncotype DX"}, valueString="Recurrence score 18"),
    observation({"text": "Tumor size"}, valueString="2.1 cm"),
    observation({"text": "Gleason score"}, valueString="4+3=7"),
    observation({"text": "Ann Arbor stage"}, valueString="Stage IIB"),
    observation(coded(SNOMED, "1287652008")),
    observation({"text": "Smoking status"}, valueString="Former smoker"),
    observation({"text": "Pack years"}, valueString="30 pack-years"),
    observation(coded(LOINC, "74010-0"), valueDateTime="2015"),
    observation({"text": "Heart V25 (3D plan)"}, valueString="12 cc"),
    observation({"text": "HBsAg"}, valueString="Non-reactive"),
    {"resourceType": "Procedure", "status": "completed", "code": {"text": "XRT"}, "note": [{"text": "50 Gy in 25 fx"}]},
    {"resourceType": "Procedure", "status": "completed", "code": {"text": "PET/CT"}},
    {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": {"text": "IMRT, left breast"},
        "note": [{"text": "42.56 Gy in 16 fractions"}],
    },
    {"resourceType": "FamilyMemberHistory", "status": "completed", "condition": [{"code": coded(ICD10, "C50.919")}]},
]


_DATES = ("effectiveDateTime", "issued", "authoredOn", "performedDateTime", "recordedDate", "date", "whenHandedOver")


def dated(resource: Mapping[str, Any], day: str | None) -> dict[str, Any]:
    """The resource with all its dates known to another precision, or not at all."""
    bare = {key: value for key, value in resource.items() if key not in (*_DATES, "effectivePeriod")}
    element = {"Observation": "effectiveDateTime", "Procedure": "performedDateTime", "Condition": "onsetDateTime"}
    others = {"MedicationRequest": "authoredOn", "DocumentReference": "date", "MedicationDispense": "whenHandedOver"}
    name = {**element, **others}.get(resource["resourceType"], "effectiveDateTime")
    return {**bare, **({name: day} if day and resource["resourceType"] != "AllergyIntolerance" else {})}


@pytest.mark.parametrize("day", ["as stated", None, "2026", "2026-03", "2026-03-01", "2026-03-01T10:00:00-05:00"])
def test_the_view_of_a_messy_chart_has_no_error(gathered: Any, official_errors: Official, day: str | None) -> None:
    evidence = gathered(*(MESSY if day == "as stated" else [dated(each, day) for each in MESSY]))

    assert {"her2.ihc", "her2.ish", "stage.group", "prior.therapy", "request.drug", "surgery", "rt.course"} <= {
        fact.item for fact in evidence.facts
    }
    assert said(official_errors(view_bundle(evidence, AS_OF))) == []


def test_references_of_the_view_lead_to_resources_of_the_view(definitions: EvidenceDefinitions) -> None:
    evidence = gather(chart_of("mcode-stu4-jenny-m-breast-full"), as_of=AS_OF, definitions=definitions)

    bundle = view_bundle(evidence, AS_OF)

    here = {f"{each['resource']['resourceType']}/{each['resource']['id']}" for each in bundle["entry"]}
    assert len(here) == len(bundle["entry"])
    assert {text for text in _references(bundle) if text not in here} == set()


def _references(value: Any) -> set[str]:
    if isinstance(value, Mapping):
        own = {value["reference"]} if isinstance(value.get("reference"), str) else set()
        return own.union(*map(_references, value.values()))
    return set().union(*map(_references, value)) if isinstance(value, list) else set()


def test_the_view_is_the_same_whoever_writes_it(definitions: EvidenceDefinitions) -> None:
    chart = chart_of("mcode-stu4-jenny-m-breast-full")

    once, again = (
        json.write(view_bundle(gather(chart, as_of=AS_OF, definitions=definitions), AS_OF)) for _ in range(2)
    )

    assert once == again
