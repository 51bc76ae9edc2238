"""Requests as the payer reads them: precise refusals, tolerance for other senders' habits."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from prior_auth.domain.request import Period, Urgency
from prior_auth.errors import BadInput
from prior_auth.fhir import codes, json, outcome, pas_request

Json = dict[str, Any]


def entry(bundle: Json, kind: str) -> Json:
    return next(one for one in bundle["entry"] if one["resource"]["resourceType"] == kind)


def refused(bundle: Json) -> BadInput:
    with pytest.raises(BadInput) as caught:
        pas_request.read(bundle)
    return caught.value


def test_what_was_asked_is_read_back(world: Any, bundle: Json) -> None:
    read = pas_request.read(bundle)
    (item,) = read.items

    assert read.request.patient == "Patient/pat"
    assert read.request.urgency is Urgency.STANDARD
    assert (item.sequence, item.item.order, item.item.service.code) == (1, "MedicationRequest/order", "Q5117")
    assert (item.item.units, item.item.period) == (Decimal(42), Period(date(2026, 6, 8), date(2026, 12, 7)))
    assert item.item.requester == "Practitioner/doc"
    assert read.request.coverage.payer_identifiers == (("http://example.org/payer-id", "EXPAYER01"),)
    assert (read.request.coverage.plan, read.request.coverage.member_id) == ("PLAN-GOLD", "MEMBER-7")
    assert read.evidence[: len(world.evidence)] == world.evidence
    assert read.claim_identifiers == ((f"{world.practice.base}/trace", "case-1"),)
    assert read.prior_claim is None


def test_the_chart_in_the_request_is_local_and_holds_the_order_as_it_was_written(world: Any, bundle: Json) -> None:
    resources = {f"{one['resourceType']}/{one['id']}": one for one in pas_request.read(bundle).resources}

    order = resources["MedicationRequest/order"]
    assert order["dosageInstruction"] == world.resource("MedicationRequest/order")["dosageInstruction"]
    assert order["medicationReference"] == {"reference": "Medication/drug"}
    assert resources["Observation/her2"]["focus"] == [{"reference": "Condition/cancer"}]
    assert "Claim" not in {one.split("/")[0] for one in resources}


def test_senders_are_all_ids_that_a_subscription_may_name(bundle: Json) -> None:
    read = pas_request.read(bundle)

    assert read.sender == "EXONC"
    assert {"EXONC", "1234567893", "http://hl7.org/fhir/sid/us-npi|1234567893"} <= set(read.senders)


def test_a_body_that_is_no_bundle_is_refused(bundle: Json) -> None:
    assert refused({"resourceType": "Parameters", "parameter": []}).where == "resourceType"
    assert refused({**bundle, "type": "transaction"}).where == "Bundle.type"


def test_an_empty_bundle_is_refused(bundle: Json) -> None:
    assert refused({**bundle, "entry": []}).where == "Bundle.entry"


@pytest.mark.requirement("spec-12")
def test_trap_1_only_the_first_entry_is_the_request(bundle: Json) -> None:
    bundle["entry"].append(bundle["entry"].pop(0))

    assert refused(bundle).where == "Bundle.entry[0]"


def test_another_use_is_refused(bundle: Json) -> None:
    bundle["entry"][0]["resource"]["use"] = "claim"

    assert refused(bundle).where == "Bundle.entry[0].resource.use"


def test_a_claim_without_items_is_refused(bundle: Json) -> None:
    del bundle["entry"][0]["resource"]["item"]

    assert refused(bundle).where == "Bundle.entry[0].resource.item"


@pytest.mark.requirement("spec-13")
def test_spec_13_a_reference_out_of_the_bundle_is_refused_with_its_path(bundle: Json) -> None:
    bundle["entry"] = [one for one in bundle["entry"] if one["resource"]["resourceType"] != "Specimen"]
    number = next(n for n, one in enumerate(bundle["entry"]) if one["resource"]["id"] == "her2")

    # The Claim's supportingInfo points to it too, and is reached first.
    assert refused(bundle).where.startswith("Bundle.entry[0].resource.supportingInfo[")

    claim = bundle["entry"][0]["resource"]
    claim["supportingInfo"] = [
        one for one in claim["supportingInfo"] if "Specimen" not in one["valueReference"]["reference"]
    ]
    assert refused(bundle).where == f"Bundle.entry[{number}].resource.specimen.reference"


@pytest.mark.requirement("spec-14")
def test_spec_14_a_resource_that_stands_twice_is_refused(bundle: Json) -> None:
    bundle["entry"].append(deepcopy(bundle["entry"][3]))

    assert refused(bundle).where == f"Bundle.entry[{len(bundle['entry']) - 1}].fullUrl"


@pytest.mark.requirement("spec-22")
def test_spec_22_a_sequence_that_stands_twice_is_refused(bundle: Json) -> None:
    bundle["entry"][0]["resource"]["supportingInfo"][1]["sequence"] = 1

    assert refused(bundle).where == "Bundle.entry[0].resource.supportingInfo"


def test_a_foreign_patient_is_refused(bundle: Json) -> None:
    other = {"resourceType": "Patient", "id": "other"}
    bundle["entry"].append({"fullUrl": "https://oncology.example.org/fhir/Patient/other", "resource": other})
    number = next(n for n, one in enumerate(bundle["entry"]) if one["resource"]["id"] == "ecog")
    bundle["entry"][number]["resource"]["subject"] = {"reference": "https://oncology.example.org/fhir/Patient/other"}

    assert refused(bundle).where == f"Bundle.entry[{number}].resource.subject"


@pytest.mark.requirement("spec-35")
def test_spec_35_a_refusal_becomes_one_operation_outcome(bundle: Json) -> None:
    answer = outcome.from_error(refused({**bundle, "entry": []}))

    assert answer["resourceType"] == "OperationOutcome"
    assert answer["issue"][0]["expression"] == ["Bundle.entry"]


@pytest.mark.parametrize("name", ["quantity", "servicedPeriod", "locationCodeableConcept", "extension"])
@pytest.mark.requirement("conf-14")
def test_conf_14_an_omitted_element_of_an_item_is_never_refused(bundle: Json, name: str) -> None:
    del bundle["entry"][0]["resource"]["item"][0][name]

    assert pas_request.read(bundle).items[0].item.service.code == "Q5117"


@pytest.mark.parametrize("name", ["careTeam", "diagnosis", "supportingInfo", "extension", "priority", "identifier"])
@pytest.mark.requirement("conf-14")
def test_conf_14_an_omitted_element_of_the_claim_is_never_refused(bundle: Json, name: str) -> None:
    del bundle["entry"][0]["resource"][name]
    if name == "supportingInfo":
        bundle["entry"] = [one for one in bundle["entry"] if one["resource"]["resourceType"] != "Specimen"]
        bundle["entry"] = [one for one in bundle["entry"] if one["resource"].get("id") != "her2"]

    assert pas_request.read(bundle).items[0].sequence == 1


@pytest.mark.requirement("spec-25")
def test_spec_25_unknown_elements_are_passed_over(bundle: Json) -> None:
    bundle["entry"][0]["resource"]["favourite"] = {"colour": "blue"}

    assert pas_request.read(bundle).items


def test_trap_3_relative_references_are_resolved_against_the_entry(bundle: Json) -> None:
    relative = json.read(
        json.write(bundle).replace(b'"reference":"https://oncology.example.org/fhir/', b'"reference":"')
    )

    assert pas_request.read(relative).request == pas_request.read(bundle).request


def test_uuid_full_urls_are_read(bundle: Json) -> None:
    """Other senders name entries by urn:uuid; ids are then made, and the chart is the same."""
    text = json.write(bundle)
    for number, one in enumerate(bundle["entry"]):
        uuid = f"urn:uuid:00000000-0000-4000-8000-{number:012d}"
        text = text.replace(b'"' + one["fullUrl"].encode() + b'"', b'"' + uuid.encode() + b'"')
    renamed = json.read(text)
    for one in renamed["entry"]:
        del one["resource"]["id"]

    read = pas_request.read(renamed)

    her2 = next(one for one in read.resources if one.get("focus"))
    cancer = next(one for one in read.resources if one["resourceType"] == "Condition")
    assert her2["focus"] == [{"reference": f"Condition/{cancer['id']}"}]
    assert len({(one["resourceType"], one["id"]) for one in read.resources}) == len(read.resources)


def test_trap_19_info_cancelled_false_is_no_cancel(bundle: Json) -> None:
    flag = {"url": codes.CANCELLED_FLAG, "valueBoolean": False}
    bundle["entry"][0]["resource"]["item"][0]["modifierExtension"] = [flag]

    assert not pas_request.read(bundle).items[0].cancelled


def test_trap_21_cancelling_all_is_said_on_the_claim(bundle: Json) -> None:
    bundle["entry"][0]["resource"]["extension"].append(codes.CERTIFICATION_CANCEL)

    assert pas_request.read(bundle).cancelled


def test_an_urgent_request_is_read_as_expedited(bundle: Json) -> None:
    bundle["entry"][0]["resource"]["extension"].append(codes.LEVEL_OF_SERVICE_URGENT)

    assert pas_request.read(bundle).request.urgency is Urgency.EXPEDITED


def test_an_item_without_its_order_keeps_its_code(bundle: Json) -> None:
    item = bundle["entry"][0]["resource"]["item"][0]
    item["extension"] = [one for one in item["extension"] if "requestedService" not in one["url"]]

    (read,) = pas_request.read(bundle).items

    assert read.item.order.startswith("Claim/")
    assert read.item.service.code == "Q5117"


def test_refusals_name_no_patient_data(bundle: Json) -> None:
    entry(bundle, "Observation")["resource"]["subject"] = {"reference": "Patient/Jane-Secret-1960"}

    assert "Secret" not in str(refused(bundle))
