"""Whole charts: whose they are, which cancer a result is about, how the view is tied to its sources."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from prior_auth.errors import BadInput
from prior_auth.evidence.definitions import EvidenceDefinitions
from prior_auth.evidence.gather import gather

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"
PATIENT = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1970-05-01"}


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def cancer(id: str, code: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "id": id, "code": concept(ICD10, code), **more}


def her2(id: str = "her2", answer: str = "10828004", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": concept(LOINC, "85319-2"),
        "effectiveDateTime": "2026-05-20",
        "valueCodeableConcept": concept(SNOMED, answer),
        **more,
    }


LEFT, RIGHT, LUNG = cancer("left", "C50.912"), cancer("right", "C50.911"), cancer("lung", "C34.12")


def focus_of(evidence: Any, id: str = "her2") -> str | None:
    (view,) = [each for each in evidence.view if each["id"] == id]
    found: str | None = view["focus"][0]["reference"] if "focus" in view else None
    return found


def test_a_chart_without_a_patient_is_refused(gathered: Any) -> None:
    with pytest.raises(BadInput) as refused:
        gathered(her2(), patient=None)
    assert refused.value.where == "Patient"


def test_a_chart_of_two_patients_is_refused(gathered: Any) -> None:
    with pytest.raises(BadInput):
        gathered({"resourceType": "Patient", "id": "q", "birthDate": "1970-05-01"})


def test_one_patient_sent_twice_is_one(gathered: Any) -> None:
    assert gathered(PATIENT, her2()).patient == "Patient/p"


def test_one_patient_id_with_two_birth_dates_is_refused(gathered: Any) -> None:
    with pytest.raises(BadInput) as refused:
        gathered({**PATIENT, "birthDate": "1971-05-01"})
    assert "1971" not in str(refused.value)


def test_a_resource_without_a_type_is_refused(definitions: EvidenceDefinitions) -> None:
    with pytest.raises(BadInput):
        gather([PATIENT, {"id": "x"}], as_of=date(2026, 6, 30), definitions=definitions)


def test_the_newest_version_of_a_resource_counts(gathered: Any) -> None:
    old = her2(meta={"lastUpdated": "2026-05-20T00:00:00Z"})
    new = her2(answer="260385009", meta={"lastUpdated": "2026-05-25T00:00:00Z"})

    assert [fact.value for fact in gathered(new, old).facts_of("her2.ihc")] == ["negative"]


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/p"},
        {"reference": "http://ehr.example.org/fhir/Patient/p"},
        {"reference": "Patient/p/_history/3"},
        {"reference": "urn:uuid:p"},
        {"display": "the patient"},
    ],
)
def test_every_way_to_name_the_patient_is_understood(gathered: Any, subject: dict[str, str]) -> None:
    assert len(gathered(her2(subject=subject)).facts_of("her2.ihc")) == 1


def test_a_result_is_bound_by_its_focus(gathered: Any) -> None:
    evidence = gathered(LEFT, RIGHT, her2(focus=[{"reference": "Condition/right"}]))

    assert focus_of(evidence) == "Condition/right"


def test_a_result_is_bound_by_the_related_condition_extension(gathered: Any) -> None:
    related = {"url": f"{MCODE}mcode-related-condition", "valueReference": {"reference": "Condition/right"}}

    assert focus_of(gathered(LEFT, RIGHT, her2(extension=[related]))) == "Condition/right"


def test_a_result_that_a_condition_names_as_evidence_is_bound_to_it(gathered: Any) -> None:
    named = {**RIGHT, "evidence": [{"detail": [{"reference": "Observation/her2"}]}]}

    assert focus_of(gathered(LEFT, named, her2())) == "Condition/right"


def test_members_of_a_bound_stage_group_are_bound_with_it(gathered: Any) -> None:
    nodes = {
        "resourceType": "Observation",
        "id": "n",
        "status": "final",
        "code": concept(SNOMED, "399534004"),
        "valueCodeableConcept": concept(SNOMED, "1229967007"),
    }
    group = {
        "resourceType": "Observation",
        "id": "g",
        "status": "final",
        "code": concept(SNOMED, "399537006"),
        "valueCodeableConcept": concept(SNOMED, "1222769001"),
        "focus": [{"reference": "Condition/left"}],
        "hasMember": [{"reference": "Observation/n"}],
    }

    assert focus_of(gathered(LEFT, RIGHT, nodes, group), "n") == "Condition/left"


def test_site_and_side_of_the_specimen_bind_where_there_are_several_cancers(gathered: Any) -> None:
    specimen = {
        "resourceType": "Specimen",
        "id": "s",
        "collection": {"bodySite": concept(SNOMED, "73056007")},
    }

    evidence = gathered(LEFT, RIGHT, specimen, her2(specimen={"reference": "Specimen/s"}))

    assert focus_of(evidence) == "Condition/right"


def test_nothing_binds_where_the_chart_says_nothing(gathered: Any) -> None:
    assert focus_of(gathered(LEFT, LUNG, her2())) is None


def test_a_focus_on_what_is_not_here_is_kept_as_said(gathered: Any) -> None:
    assert focus_of(gathered(LEFT, her2(focus=[{"reference": "Condition/elsewhere"}]))) == "Condition/elsewhere"


def test_a_focus_on_a_duplicate_leads_to_the_condition_of_the_view(gathered: Any) -> None:
    again = cancer("again", "C50.919")

    assert focus_of(gathered(LEFT, again, her2(focus=[{"reference": "Condition/again"}]))) == "Condition/left"


def test_results_of_two_cancers_are_no_conflict(gathered: Any) -> None:
    evidence = gathered(
        LEFT,
        RIGHT,
        her2("a", "10828004", focus=[{"reference": "Condition/left"}]),
        her2("b", "260385009", focus=[{"reference": "Condition/right"}]),
    )

    assert evidence.conflicts == ()


def test_a_stage_of_the_condition_yields_to_a_result(gathered: Any) -> None:
    staged = {**LEFT, "stage": [{"summary": concept(SNOMED, "1222806003")}]}
    result = {
        "resourceType": "Observation",
        "id": "g",
        "status": "final",
        "code": concept(SNOMED, "399537006"),
        "valueCodeableConcept": concept(SNOMED, "1222769001"),
        "focus": [{"reference": "Condition/left"}],
    }

    assert [fact.value for fact in gathered(staged).facts_of("stage.group")] == ["IIIC"]
    assert [fact.value for fact in gathered(staged, result).facts_of("stage.group")] == ["IIB"]


def test_a_metastasis_names_its_primary(gathered: Any) -> None:
    related = {
        "url": "http://hl7.org/fhir/StructureDefinition/condition-related",
        "valueReference": {"reference": "Condition/left"},
    }

    evidence = gathered(LEFT, cancer("mets", "C79.51", extension=[related]))

    (view,) = [each for each in evidence.view if each["id"] == "mets"]
    assert view["extension"] == [related]
    assert view["code"]["coding"][0]["code"] == "94222008"


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("NSCLC metastatic to brain and liver", ["94225005", "94381002"]),
        ("Metastatic breast cancer", ["128462008"]),
        ("Breast cancer with bone metastases", ["94222008"]),
        ("Non-metastatic breast cancer", []),
        ("Breast cancer, no metastases", []),
        ("Breast cancer", []),
    ],
)
def test_metastases_that_a_diagnosis_names_in_words_are_conditions_of_their_own(
    gathered: Any, text: str, places: list[str]
) -> None:
    named = {"resourceType": "Condition", "id": "said", "code": {"text": text}, "recordedDate": "2026-02-01"}

    evidence = gathered(named, her2(focus=[{"reference": "Condition/said"}]))

    secondary = [each for each in evidence.view if "secondary" in str(each["meta"].get("profile"))]
    assert [each["code"]["coding"][0]["code"] for each in secondary] == places
    for each in secondary:
        assert each["extension"][0]["valueReference"] == {"reference": "Condition/said"}
    if evidence.facts_of("dx.primary"):
        assert evidence.facts_of("dx.primary")[0].view == "Condition/said"
        assert focus_of(evidence) == "Condition/said"


def test_every_view_resource_names_source_tier_item_and_the_patient(gathered: Any) -> None:
    evidence = gathered(LEFT, her2())

    assert evidence.view[0]["resourceType"] == "Patient"
    for resource in evidence.view:
        meta = resource["meta"]
        assert meta["source"] == f"{resource['resourceType']}/{resource['id']}"
        assert {tag["system"] for tag in meta["tag"]} == {"urn:prior-auth:tier", "urn:prior-auth:item"}
        if resource["resourceType"] != "Patient":
            assert resource["subject"] == {"reference": "Patient/p"}


def test_the_view_holds_no_name(gathered: Any) -> None:
    evidence = gathered(patient={**PATIENT, "name": [{"family": "Secret"}], "address": [{"city": "Secret"}]})

    assert "Secret" not in repr(evidence.view)


def test_a_date_known_to_the_month_keeps_its_precision(gathered: Any) -> None:
    evidence = gathered(her2(effectiveDateTime="2026-05"))

    assert [fact.date for fact in evidence.facts_of("her2.ihc")] == ["2026-05"]


def test_an_undated_marker_contradicts_a_dated_one(gathered: Any) -> None:
    undated = her2("b", "260385009")
    del undated["effectiveDateTime"]

    assert len(gathered(her2("a"), undated).conflicts) == 1


def test_gathering_twice_gives_the_same_evidence(gathered: Any) -> None:
    chart = (LEFT, RIGHT, her2())

    assert gathered(*chart) == gathered(*chart)
