import copy
import random

import pytest

from prior_auth.fhir.validate import check_structure, report, validate
from prior_auth.r4 import tables

US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
HL7 = "http://terminology.hl7.org/CodeSystem/"
PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"


def errors(issues):
    return [one for one in issues if one.severity == "error"]


@pytest.mark.parametrize("name", ["pas-request", "pas-response", "us-core-patient", "mcode-patient"])
def test_official_examples_have_no_errors(example, name):
    assert errors(validate(example(name))) == []


def test_licensed_lists_are_named_as_not_checked_not_as_wrong(example):
    issues = validate(example("pas-request"))
    assert any(one.rule == "not-checked" and "x12.org" in one.message for one in issues)
    assert all(one.severity == "information" for one in issues if one.rule == "not-checked")


def test_every_invariant_that_is_asked_is_judged(example):
    for name in ("pas-request", "pas-response", "us-core-patient", "mcode-patient"):
        assert not any(one.rule.startswith("engine") for one in validate(example(name)))


def test_a_profile_can_be_asked_for_without_being_claimed(example):
    patient = example("us-core-patient")
    del patient["meta"]
    del patient["identifier"]

    assert errors(validate(patient)) == []
    found = errors(validate(patient, profiles=[f"{US_CORE}us-core-patient|7.0.0"]))
    assert [one.path for one in found] == ["Patient.identifier"]


def test_asking_for_an_unknown_profile_is_an_error(example):
    found = errors(validate(example("us-core-patient"), profiles=["http://example.org/StructureDefinition/odd"]))
    assert [one.rule for one in found] == ["not-checked"]


def test_claiming_an_unknown_profile_is_a_warning(example):
    patient = example("us-core-patient")
    patient["meta"] = {"profile": ["http://example.org/StructureDefinition/odd"]}
    found = [one for one in validate(patient) if one.rule == "not-checked" and one.severity == "warning"]
    assert [one.path for one in found] == ["Patient"]


def test_a_version_that_is_not_shipped_is_judged_by_the_newest():
    assert tables.structure(f"{US_CORE}us-core-patient|6.1.0").version == "6.1.0"
    assert tables.structure(f"{US_CORE}us-core-patient|9.9.9").version == "7.0.0"
    assert tables.structure(f"{US_CORE}us-core-patient").version == "7.0.0"


def test_references_in_a_nested_bundle_are_resolved_there(example):
    response = example("pas-response")
    outer = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": "urn:uuid:0b1f9a1e-1111-4111-8111-111111111111", "resource": response}],
    }
    assert errors(validate(outer)) == []

    inner = copy.deepcopy(outer)
    role = next(
        one["resource"]
        for one in inner["entry"][0]["resource"]["entry"]
        if one["resource"]["resourceType"] == "Patient"
    )
    del role["identifier"]
    assert any(one.path == "Bundle.entry[0].resource.entry[0].resource.patient" for one in errors(validate(inner)))


def test_mcode_patterns_are_kept_or_told(example):
    bundle = example("mcode-patient")
    ecog = next(one["resource"] for one in bundle["entry"] if one["resource"]["id"].startswith("ecog"))
    ecog["code"]["coding"][0]["code"] = "89243-0"
    assert any(one.rule == "fixed" and one.path.endswith(".code") for one in errors(validate(bundle)))


def test_structure_alone_takes_unknown_elements_as_warnings():
    patient = {"resourceType": "Patient", "surname": "x", "gender": "man", "active": "yes"}
    found = {(one.severity, one.path) for one in check_structure(patient)}
    assert found == {("warning", "Patient.surname"), ("error", "Patient.active")}


def test_what_is_no_resource_is_an_error_not_a_crash():
    assert [one.rule for one in validate({})] == ["structure"]
    assert [one.rule for one in validate({"resourceType": 3})] == ["structure"]
    assert [one.rule for one in validate({"resourceType": "Resource"})] == ["structure"]


@pytest.mark.parametrize(
    ("url", "rules"), [("http://[", set()), ("//nowhere", {"extension"}), ("x y", {"primitive", "extension"})]
)
def test_a_url_that_is_none_is_an_error_not_a_crash(url, rules):
    found = errors(validate({"resourceType": "Patient", "extension": [{"url": url, "valueString": "x"}]}))
    assert {one.rule for one in found} == rules


@pytest.mark.parametrize("name", ["pas-request", "pas-response", "mcode-patient"])
def test_damaged_input_gives_findings_never_an_exception(example, mutations, name):
    dice = random.Random(name)
    for _ in range(40):
        resource = example(name)
        mutations.damage(resource, dice)
        for one in validate(resource):
            assert one.path[:1].isupper()
            assert max(len(one.path), len(one.message), len(one.fix or "")) < 2_000


def test_the_report_is_data_with_an_exit_code():
    made = report('{"resourceType": "Patient", "gender": "man"}')
    assert made.exit_code == 1
    (issue,) = made.as_json()["issues"]
    assert list(issue) == ["severity", "path", "rule", "message", "fix"]
    assert issue["path"] == "Patient.gender"
    assert "female" in issue["fix"]
    assert report('{"resourceType": "Patient", "active": true}').exit_code == 0


def test_paths_of_lists_choices_and_contained_resources_are_element_paths():
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "contained": [{"resourceType": "Patient", "id": "p", "gender": "x"}],
        "subject": {"reference": "#p"},
        "valueQuantity": {"value": "7"},
        "component": [{"code": {"text": "y"}}, {"valueString": 1}],
    }
    paths = {one.path for one in errors(validate(observation))}
    assert paths == {
        "Observation.contained[0].gender",
        "Observation.value.value",
        "Observation.component[1].code",
        "Observation.component[1].value",
    }


def test_what_a_contained_resource_breaks_is_told_at_its_own_path():
    observation = {
        "resourceType": "Observation",
        "meta": {"profile": [f"{US_CORE}us-core-observation-clinical-result"]},
        "status": "final",
        "code": {"text": "x"},
        "category": [{"coding": [{"system": f"{HL7}observation-category", "code": "laboratory"}]}],
        "contained": [
            {"resourceType": "Organization", "id": "o", "active": True, "name": "x"},
            {"resourceType": "Patient", "id": "p", "gender": "male", "name": [{"family": "x"}]},
        ],
        "performer": [{"reference": "#o"}],
        "subject": {"reference": "#p"},
        "hasMember": [{"reference": "#"}],
    }
    (found,) = errors(validate(observation))
    assert (found.path, found.rule) == ("Observation.subject", "reference")
    assert "Observation.contained[1].identifier" in found.message


def test_text_of_white_space_only_is_a_warning_as_r4_says_should():
    found = validate({"resourceType": "Patient", "name": [{"family": " "}], "language": " "})
    told = {(one.severity, one.path, one.rule) for one in found}
    assert told == {("warning", "Patient.name[0].family", "primitive"), ("error", "Patient.language", "primitive")}


def test_primitive_extensions_count_as_present_and_are_judged():
    patient = {
        "resourceType": "Patient",
        "_birthDate": {
            "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
        },
        "name": [{"given": ["A", None], "_given": [None, {"extension": [{"url": "x"}]}]}],
    }
    found = errors(validate(patient))
    assert {one.path for one in found} == {"Patient.name[0].given[1].extension[0]"} | {
        "Patient.name[0].given[1].extension[0].url"
    }


def test_a_vital_sign_keeps_its_profile_without_claiming_it():
    weight = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": "Patient/1"},
        "effectiveDateTime": "2026-01-02",
        "valueQuantity": {"value": 70, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    }
    assert [one.path for one in errors(validate(weight))] == ["Observation.category", "Observation.category"]

    vital = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}
    categorized = weight | {"category": [{"coding": [vital]}]}
    assert errors(validate(categorized)) == []
    del categorized["valueQuantity"]
    assert [one.rule for one in errors(validate(categorized))] == ["invariant:vs-2"]
