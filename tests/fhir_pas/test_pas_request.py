"""The request Bundle, rule by rule of PAS 2.2.1 (requirement ids as in its tables)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from prior_auth.domain.coding import Coding
from prior_auth.domain.parties import is_npi
from prior_auth.domain.request import Period, RequestItem, Urgency
from prior_auth.errors import BadInput
from prior_auth.fhir import json

Json = dict[str, Any]
BASE = "https://oncology.example.org/fhir"
NDC = "http://hl7.org/fhir/sid/ndc"


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def entries(bundle: Json) -> dict[str, Json]:
    return {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}


def claim(bundle: Json) -> Json:
    found: Json = bundle["entry"][0]["resource"]
    return found


def only(bundle: Json, kind: str) -> Json:
    (found,) = [one for one in entries(bundle).values() if one["resourceType"] == kind]
    return found


def extension(element: Json, name: str) -> Json:
    (found,) = [one for one in element["extension"] if one["url"].endswith(f"/extension-{name}")]
    return found


@pytest.mark.requirement("spec-12")
def test_spec_12_the_claim_is_the_first_entry(bundle: Json) -> None:
    assert claim(bundle)["resourceType"] == "Claim"
    assert claim(bundle)["meta"]["profile"] == ["http://hl7.org/fhir/us/davinci-pas/StructureDefinition/profile-claim"]


@pytest.mark.requirement("spec-13", "spec-18")
def test_spec_13_and_18_all_that_is_referred_to_is_in_the_bundle(bundle: Json) -> None:
    known = entries(bundle)

    assert set(references(bundle)) <= set(known)
    assert f"{BASE}/Medication/drug" in known
    assert f"{BASE}/Specimen/tissue" in known


@pytest.mark.requirement("spec-14")
def test_spec_14_each_resource_is_there_once(bundle: Json) -> None:
    resources = [(one["resourceType"], one["id"]) for one in entries(bundle).values()]

    assert len(entries(bundle)) == len(bundle["entry"])
    assert len(set(resources)) == len(resources)


@pytest.mark.requirement("spec-15")
def test_spec_15_one_clinician_who_ordered_and_examined_is_one_practitioner(bundle: Json) -> None:
    practitioner = only(bundle, "Practitioner")
    ecog = entries(bundle)[f"{BASE}/Observation/ecog"]

    assert only(bundle, "MedicationRequest")["requester"] == {"reference": f"{BASE}/Practitioner/doc"}
    assert ecog["performer"] == [{"reference": f"{BASE}/Practitioner/doc"}]
    assert practitioner["id"] == "doc"


@pytest.mark.requirement("spec-16")
def test_spec_16_full_urls_are_the_practices_rest_urls_and_references_are_equal_to_them(bundle: Json) -> None:
    for url, resource in entries(bundle).items():
        assert url == f"{BASE}/{resource['resourceType']}/{resource['id']}"
        assert re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", resource["id"])


@pytest.mark.requirement("spec-1", "spec-19")
def test_spec_19_and_trap_40_each_profile_that_is_meant_is_named(bundle: Json) -> None:
    core = "http://hl7.org/fhir/us/core/StructureDefinition/"
    known = entries(bundle)

    assert known[f"{BASE}/Observation/her2"]["meta"]["profile"] == [f"{core}us-core-observation-clinical-result"]
    assert known[f"{BASE}/Condition/cancer"]["meta"]["profile"] == [
        "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-primary-cancer-condition",
        f"{core}us-core-condition-problems-health-concerns",
    ]


@pytest.mark.requirement("spec-20")
def test_spec_20_every_clinical_resource_is_pointed_to_by_one_supporting_info(bundle: Json) -> None:
    administrative = {"Claim", "Patient", "Coverage", "Organization", "Practitioner", "PractitionerRole", "Medication"}
    clinical = [url for url, one in entries(bundle).items() if one["resourceType"] not in administrative]
    pointed = [one["valueReference"]["reference"] for one in claim(bundle)["supportingInfo"]]
    requested = [extension(one, "requestedService")["valueReference"]["reference"] for one in claim(bundle)["item"]]

    assert sorted(pointed + requested) == sorted(clinical)


@pytest.mark.requirement("spec-22")
def test_spec_22_sequences_are_unique(bundle: Json) -> None:
    numbers = [one["sequence"] for one in claim(bundle)["supportingInfo"]]

    assert numbers == list(range(1, len(numbers) + 1))


def test_what_is_a_target_is_additional_information_and_the_rest_has_another_category(bundle: Json) -> None:
    category = {
        one["valueReference"]["reference"].removeprefix(f"{BASE}/"): one["category"]["coding"][0]["code"]
        for one in claim(bundle)["supportingInfo"]
    }

    assert category["Observation/her2"] == "additionalInformation"
    assert category["DocumentReference/report"] == "additionalInformation"
    assert category["MedicationAdministration/prior"] == "info"
    assert category["Observation/lvef"] == "info"  # no category in the chart: fits none of US Core's profiles


def test_additional_information_says_its_kind_of_report(bundle: Json) -> None:
    for entry in claim(bundle)["supportingInfo"]:
        if entry["category"]["coding"][0]["code"] == "additionalInformation":
            kind = extension(entry, "documentInformation")["extension"][0]
            assert kind["url"] == "reportTypeCode"
            assert kind["valueCodeableConcept"]["coding"][0]["code"] == "PY"


@pytest.mark.requirement("spec-24")
def test_spec_24_nothing_else_of_the_chart_leaves(bundle: Json) -> None:
    sent = json.write(bundle).decode()

    for trace in ("PLANTED", "planted", "86406008", "75622-1", "Encounter", "favourite-colour", "maritalStatus", "div"):
        assert trace not in sent


def test_a_resource_that_only_evidence_of_another_kind_refers_to_does_not_leave(world: Any) -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "id": "panel",
        "status": "final",
        "code": {"text": "panel"},
        "subject": {"reference": "Patient/pat"},
        "result": [{"reference": "Observation/her2"}, {"reference": "Observation/planted"}],
    }

    built = world.changed(chart=[*world.chart, report], evidence=(*world.evidence, "DiagnosticReport/panel")).build()

    sent = entries(built.bundle)[f"{BASE}/DiagnosticReport/panel"]
    assert sent["result"] == [{"reference": f"{BASE}/Observation/her2"}]


def test_people_who_did_it_are_named_and_not_sent(bundle: Json) -> None:
    known = entries(bundle)

    assert known[f"{BASE}/DocumentReference/report"]["author"] == [{"type": "Practitioner", "display": "Dr Other"}]
    assert known[f"{BASE}/Observation/her2"]["performer"] == [{"type": "Organization", "display": "Example Laboratory"}]
    assert "performer" not in known[f"{BASE}/MedicationAdministration/prior"]


def test_a_stage_that_pointed_only_to_what_is_cut_goes_with_it(bundle: Json) -> None:
    assert "stage" not in entries(bundle)[f"{BASE}/Condition/cancer"]


def test_a_reference_that_leads_out_of_the_chart_is_cut(world: Any) -> None:
    world.resource("Observation/ecog")["derivedFrom"] = [{"reference": "Observation/elsewhere"}]

    assert "derivedFrom" not in entries(world.build().bundle)[f"{BASE}/Observation/ecog"]


def test_references_by_uuid_and_by_absolute_url_are_understood(world: Any) -> None:
    identity = "0b0f1a8e-3b1e-4b63-9d3e-0d5a4e4e7a11"
    world.resource("Condition/cancer")["id"] = identity
    world.resource("Observation/her2")["focus"] = [{"reference": f"urn:uuid:{identity}"}]
    world.resource("MedicationAdministration/prior")["reasonReference"] = [
        {"reference": f"http://old.example.org/fhir/Condition/{identity}"}
    ]
    world.resource("MedicationRequest/order")["reasonReference"] = [{"reference": f"Condition/{identity}/_history/2"}]
    evidence = (f"Condition/{identity}", *world.evidence[1:])

    known = entries(world.changed(evidence=evidence).build().bundle)

    expected = [{"reference": f"{BASE}/Condition/{identity}"}]
    assert known[f"{BASE}/Observation/her2"]["focus"] == expected
    assert known[f"{BASE}/MedicationAdministration/prior"]["reasonReference"] == expected
    assert known[f"{BASE}/MedicationRequest/order"]["reasonReference"] == expected


@pytest.mark.requirement("conf-9")
def test_the_patient_is_written_with_the_profiles_elements_only(bundle: Json) -> None:
    assert only(bundle, "Patient") == {
        "resourceType": "Patient",
        "id": "pat",
        "meta": {"profile": ["http://hl7.org/fhir/us/davinci-pas/StructureDefinition/profile-beneficiary"]},
        "identifier": [{"system": "http://example.org/mrn", "value": "MRN-1"}],
        "name": [{"family": "Example", "given": ["Ann"]}],
        "gender": "female",
        "birthDate": "1961-02-03",
    }


def test_trap_24_relationship_self_has_both_codings(bundle: Json) -> None:
    coverage = only(bundle, "Coverage")

    assert [one["code"] for one in coverage["relationship"]["coding"]] == ["self", "18"]
    assert coverage["identifier"][0]["type"]["coding"][0]["code"] == "MB"
    assert coverage["identifier"][0]["value"] == "MEMBER-7"
    assert "subscriber" not in coverage


def test_a_subscriber_other_than_the_patient_goes_along(world: Any) -> None:
    parent = {
        "resourceType": "Patient",
        "id": "parent",
        "name": [{"family": "Example", "given": ["Bea"]}],
        "gender": "female",
    }
    coverage = world.resource("Coverage/cov")
    coverage["relationship"] = {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/subscriber-relationship", "code": "child"}]
    }
    coverage["subscriber"] = {"reference": "Patient/parent"}

    known = entries(world.changed(chart=[*world.chart, parent]).build().bundle)

    assert known[f"{BASE}/Coverage/cov"]["subscriber"] == {"reference": f"{BASE}/Patient/parent"}
    assert known[f"{BASE}/Patient/parent"]["meta"]["profile"][0].endswith("profile-subscriber")


def test_the_item_says_what_for_how_much_when_and_where(bundle: Json) -> None:
    (item,) = claim(bundle)["item"]

    assert item["productOrService"]["coding"] == [
        {"system": "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "code": "Q5117"}
    ]
    assert item["quantity"] == {"value": 42, "unit": "billing units"}  # prof-2: a value and a unit
    assert item["servicedPeriod"] == {"start": "2026-06-08", "end": "2026-12-07"}  # FullDateRule
    assert item["locationCodeableConcept"]["coding"][0]["code"] == "11"
    assert extension(item, "serviceItemRequestType")["valueCodeableConcept"]["coding"][0]["code"] == "HS"
    assert extension(item, "certificationType")["valueCodeableConcept"]["coding"][0]["code"] == "I"
    assert extension(item, "itemTraceNumber")["valueIdentifier"]["value"] == "case-1-1"


def test_a_drug_coded_by_ndc_is_asked_for_by_ndc(world: Any, item_of: Callable[..., RequestItem]) -> None:
    item = item_of(service=Coding(NDC, "00310067912"), codings=(Coding(NDC, "00310067912"),))

    built = world.changed(request=replace(world.request, items=(item,))).build()

    assert claim(built.bundle)["item"][0]["productOrService"]["coding"][0]["system"] == NDC


def test_units_keep_their_digits(world: Any, item_of: Callable[..., RequestItem]) -> None:
    built = world.changed(request=replace(world.request, items=(item_of(units=Decimal("1.50")),))).build()

    assert b'"value":1.50' in json.write(built.bundle)


@pytest.mark.requirement("prof-1")
def test_prof_1_a_timing_is_bounded_by_a_duration(bundle: Json) -> None:
    repeat = only(bundle, "MedicationRequest")["dosageInstruction"][0]["timing"]["repeat"]

    assert "boundsPeriod" not in repeat
    assert repeat["boundsDuration"]["value"] == 183
    assert (repeat["frequency"], repeat["period"], repeat["periodUnit"]) == (1, 3, "wk")


@pytest.mark.requirement("prof-1")
def test_prof_1_a_timing_by_code_only_becomes_words(world: Any) -> None:
    world.resource("MedicationRequest/order")["dosageInstruction"] = [
        {"timing": {"code": {"text": "every three weeks"}}}
    ]

    order = only(world.build().bundle, "MedicationRequest")

    assert order["dosageInstruction"] == [{"text": "every three weeks"}]


def test_an_urgent_request_says_so(world: Any) -> None:
    urgent = claim(world.changed(request=replace(world.request, urgency=Urgency.EXPEDITED)).build().bundle)

    assert extension(urgent, "levelOfServiceCode")["valueCodeableConcept"]["coding"][0]["code"] == "U"
    assert urgent["priority"]["coding"][0]["code"] == "stat"


def test_a_standard_request_states_no_level_of_service(bundle: Json) -> None:
    assert not [one for one in claim(bundle)["extension"] if "levelOfService" in one["url"]]


def test_the_sender_is_named_where_a_subscription_looks_for_it(bundle: Json) -> None:
    parts = {one["url"]: one["valueString"] for one in extension(claim(bundle), "TransmissionIdentifiers")["extension"]}

    assert parts["interchangeSenderID"] == parts["applicationSenderCode"] == "EXONC"
    assert parts["interchangeReceiverID"] == parts["applicationReceiverCode"] == "EXPAYER01"


def test_a_diagnosis_in_snomed_only_is_mapped(bundle: Json) -> None:
    (diagnosis,) = claim(bundle)["diagnosis"]

    assert diagnosis["diagnosisCodeableConcept"]["coding"] == [
        {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "C50.919"}
    ]
    assert extension(diagnosis, "diagnosisRecordedDate")["valueDate"] == "2026-01-10"


def test_a_mans_breast_cancer_has_a_mans_code(world: Any) -> None:
    world.resource("Patient/pat")["gender"] = "male"

    (diagnosis,) = claim(world.build().bundle)["diagnosis"]

    assert diagnosis["diagnosisCodeableConcept"]["coding"][0]["code"] == "C50.929"


def test_the_charts_own_icd_code_wins(world: Any) -> None:
    world.resource("Condition/cancer")["code"]["coding"].append(
        {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "C50.411"}
    )

    (diagnosis,) = claim(world.build().bundle)["diagnosis"]

    assert diagnosis["diagnosisCodeableConcept"]["coding"][0]["code"] == "C50.411"


def test_a_diagnosis_that_cannot_be_mapped_is_left_out(world: Any) -> None:
    world.resource("Condition/cancer")["code"] = {"text": "breast ca"}

    assert "diagnosis" not in claim(world.build().bundle)


def test_the_same_arguments_give_the_same_bytes(world: Any) -> None:
    assert json.write(world.build().bundle) == json.write(world.build().bundle)


@pytest.mark.requirement("spec-17")
def test_spec_17_another_submission_has_other_ids_for_bundle_and_claim(world: Any) -> None:
    first = world.build().bundle
    second = world.changed(stamp=replace(world.stamp, submission="case-2-v1")).build().bundle

    assert first["identifier"] != second["identifier"]
    assert first["entry"][0]["fullUrl"] != second["entry"][0]["fullUrl"]


def test_numbers_once_given_are_kept_when_evidence_comes_and_goes(world: Any) -> None:
    first = world.build()
    evidence = ("Observation/ecog", "Condition/cancer", "MedicationAdministration/prior")

    second = world.changed(evidence=evidence).build(sequences=first.sequences)

    numbers = {one["valueReference"]["reference"]: one["sequence"] for one in claim(second.bundle)["supportingInfo"]}
    before = {one["valueReference"]["reference"]: one["sequence"] for one in claim(first.bundle)["supportingInfo"]}
    assert numbers == {url: before[url] for url in numbers}


def test_the_chart_is_left_as_it_was(world: Any) -> None:
    before = json.write(world.chart)

    world.build()

    assert json.write(world.chart) == before


LACKS = {
    "practice.npi": {"practice": {"npi": "1234567890"}},
    "practice.place_of_service": {"practice": {"place_of_service": None}},
    "practice.sender_code": {"practice": {"sender_code": ""}},
    "practice.phone": {"practice": {"phone": None}},
    "practice.name": {"practice": {"name": " "}},
    "practice.base": {"practice": {"base": "oncology"}},
    "payer.receiver_code": {"payer": {"receiver_code": None}},
    "payer.identifier": {"payer": {"identifier": ("", "X")}},
}


@pytest.mark.parametrize("where", LACKS)
def test_a_missing_setting_is_named_before_sending(world: Any, where: str) -> None:
    ((who, fields),) = LACKS[where].items()

    lacking = world.changed(**{who: replace(getattr(world, who), **fields)})

    assert [problem.where for problem in lacking.problems()] == [where]
    with pytest.raises(BadInput) as caught:
        lacking.build()
    assert caught.value.where == where


def test_a_missing_member_id_is_named_before_sending(world: Any) -> None:
    request = replace(world.request, coverage=replace(world.request.coverage, member_id=None))

    assert [one.where for one in world.changed(request=request).problems()] == ["Coverage.identifier"]


def test_no_coverage_is_named_before_sending(world: Any) -> None:
    assert [one.where for one in world.changed(request=replace(world.request, coverage=None)).problems()] == [
        "Coverage"
    ]


def test_a_draft_order_is_named_before_sending(world: Any) -> None:
    world.resource("MedicationRequest/order")["status"] = "draft"

    assert [one.where for one in world.problems()] == ["MedicationRequest.status"]


def test_a_drug_by_rxnorm_only_is_named_before_sending(world: Any, item_of: Callable[..., RequestItem]) -> None:
    rxnorm = Coding("http://www.nlm.nih.gov/research/umls/rxnorm", "224905")
    request = replace(world.request, items=(item_of(service=rxnorm, codings=(rxnorm,)),))

    assert [one.where for one in world.changed(request=request).problems()] == ["Claim.item.productOrService"]


def test_a_clinician_without_npi_is_named_and_settings_can_supply_it(world: Any) -> None:
    world.resource("Practitioner/doc")["identifier"] = [{"system": "http://example.org/staff", "value": "17"}]

    assert [one.where for one in world.problems()] == ["Practitioner/doc"]

    known = replace(world.practice.practitioners[0], reference="Practitioner/doc")
    supplied = world.changed(practice=replace(world.practice, practitioners=(known,)))
    assert supplied.problems() == []
    assert only(supplied.build().bundle, "Practitioner")["identifier"][0]["value"] == "1245319599"


def test_an_order_by_nobody_is_the_practices_first_clinician(world: Any, item_of: Callable[..., RequestItem]) -> None:
    del world.resource("MedicationRequest/order")["requester"]

    built = world.changed(request=replace(world.request, items=(item_of(requester=None),))).build()

    (practitioner,) = [one for one in entries(built.bundle).values() if one["resourceType"] == "Practitioner"]
    assert practitioner["name"][0]["family"] == "Reyes"
    assert only(built.bundle, "MedicationRequest")["requester"]["reference"].endswith(practitioner["id"])


def test_evidence_of_another_patient_is_named_before_sending(world: Any) -> None:
    world.resource("Observation/ecog")["subject"] = {"reference": "Patient/other"}
    other = {"resourceType": "Patient", "id": "other"}

    foreign = world.changed(chart=[*world.chart, other])

    assert [one.where for one in foreign.problems()] == ["Observation/ecog"]


def test_evidence_that_refers_to_another_patients_resource_is_refused(world: Any) -> None:
    other = {"resourceType": "Patient", "id": "other"}
    theirs = {**world.resource("Condition/cancer"), "id": "theirs", "subject": {"reference": "Patient/other"}}
    world.resource("Observation/her2")["focus"] = [{"reference": "Condition/theirs"}]

    with pytest.raises(BadInput, match="another patient"):
        world.changed(chart=[*world.chart, other, theirs]).build()


@pytest.mark.requirement("spec-21")
def test_spec_21_a_document_behind_a_link_of_the_chart_is_put_inline(world: Any) -> None:
    world.resource("DocumentReference/report")["content"] = [{"attachment": {"url": "Binary/1"}}]
    binary = {"resourceType": "Binary", "id": "1", "contentType": "text/plain", "data": "SEVSMiAzKw=="}

    bundle = world.changed(chart=[*world.chart, binary]).build().bundle

    document = only(bundle, "DocumentReference")
    assert document["content"] == [{"attachment": {"contentType": "text/plain", "data": "SEVSMiAzKw=="}}]
    assert "Binary" not in json.write(bundle).decode()


def test_a_document_that_is_only_a_link_is_told_of_under_another_category(world: Any) -> None:
    world.resource("DocumentReference/report")["content"] = [{"attachment": {"url": "https://example.org/Binary/1"}}]

    (entry,) = [
        one for one in claim(world.build().bundle)["supportingInfo"] if "Document" in one["valueReference"]["reference"]
    ]

    assert entry["category"]["coding"][0]["code"] == "info"


def test_dates_that_run_backwards_are_named_before_sending(world: Any, item_of: Callable[..., RequestItem]) -> None:
    from datetime import date

    item = item_of(period=Period(date(2026, 6, 8), date(2026, 6, 7)))

    found = world.changed(request=replace(world.request, items=(item,))).problems()

    assert [one.where for one in found] == ["Claim.item.servicedPeriod"]


def test_problems_name_no_patient_data(world: Any) -> None:
    world.resource("Patient/pat").update(birthDate="1961", gender="f")
    bare = replace(world.practice, npi=None, phone=None)

    words = " ".join(" ".join(one) for one in world.changed(practice=bare).problems())

    assert not any(secret in words for secret in ("Example", "1961", "MEMBER-7", "MRN-1"))


@pytest.mark.parametrize("number", ["1234567890", "123456789", "12345678931", "abcdefghij", "", None])
def test_trap_27_an_npi_with_a_wrong_check_digit_is_none(number: str | None) -> None:
    assert not is_npi(number)
    assert is_npi("1234567893")
