"""A question by example, what it finds, and its answer."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from prior_auth.domain.authorization import Action, ItemDecision, RequestedInformation
from prior_auth.domain.parties import PayerIdentity
from prior_auth.domain.people import ENGINE
from prior_auth.domain.request import Period
from prior_auth.errors import BadInput
from prior_auth.fhir import codes, json, pas_inquiry, pas_match, pas_people, pas_request, pas_response
from prior_auth.fhir.validate import validate

Json = dict[str, Any]
AT = datetime(2026, 6, 9, 8, 0, tzinfo=UTC)
STAMP = pas_request.Stamp("case-1/inquiry/1", "case-1-i1", AT)
GRANTED = Period(date(2026, 6, 8), date(2026, 12, 7))
PAYER = PayerIdentity("https://payer.example.org/fhir", "Example Health Plan", ("http://example.org/payer-id", "X"))
CERTIFIED = ItemDecision(1, Action.CERTIFY, ENGINE, number="AUTH-1", period=GRANTED)
PENDED = ItemDecision(1, Action.PEND, ENGINE, requested=(RequestedInformation("89247-1", "ECOG", "R09.C5"),))


@pytest.fixture
def inquiry(bundle: Json) -> Json:
    return json.read(json.write(pas_inquiry.build(bundle, numbers={1: "REF-1"}, stamp=STAMP)))


def known(bundle: Json, *decisions: ItemDecision, numbers: tuple[str, ...] = ("REF-1", "AUTH-1")) -> pas_match.Known:
    return pas_match.Known(
        request=pas_request.read(bundle),
        people=pas_people.people_of(bundle),
        decisions=decisions,
        numbers=frozenset(numbers),
        decided_on=date(2026, 6, 2),
    )


def found(inquiry: Json, bundle: Json, *decisions: ItemDecision, **more: Any) -> bool:
    return pas_match.matches(pas_inquiry.read(inquiry), known(bundle, *decisions, **more))


def claim(bundle: Json) -> Json:
    return bundle["entry"][0]["resource"]


def only(bundle: Json, kind: str) -> Json:
    return next(one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == kind)


def answered(bundle: Json, *decisions: ItemDecision) -> Json:
    stamp = pas_response.Stamp("auth-1", 3, AT, number="REF-1")
    one = pas_response.inquired(bundle, pas_request.read(bundle), decisions, payer=PAYER, stamp=stamp)
    return json.read(json.write(pas_inquiry.answer([one], inquiry="i1")))


def test_a_question_is_valid_closed_and_holds_no_evidence(inquiry: Json, bundle: Json) -> None:
    assert [one for one in validate(inquiry) if one.severity == "error"] == []
    kinds = [one["resource"]["resourceType"] for one in inquiry["entry"]]
    assert kinds[0] == "Claim"
    assert set(kinds) == {"Claim", "Patient", "Coverage", "Organization"}
    assert inquiry["identifier"] != bundle["identifier"]


def test_the_submitters_question_finds_its_request(inquiry: Json, bundle: Json) -> None:
    read = pas_inquiry.read(inquiry)
    assert read.people.members == {"MEMBER-7"}
    assert read.numbers == {"REF-1"}
    assert found(inquiry, bundle, CERTIFIED)


def test_another_member_is_never_found(inquiry: Json, bundle: Json) -> None:
    only(inquiry, "Coverage")["identifier"][0]["value"] = "MEMBER-8"
    only(inquiry, "Coverage")["subscriberId"] = "MEMBER-8"
    assert not found(inquiry, bundle, CERTIFIED)


def test_a_question_without_a_member_finds_nothing(inquiry: Json, bundle: Json) -> None:
    only(inquiry, "Coverage").pop("identifier")
    only(inquiry, "Coverage").pop("subscriberId")
    assert pas_inquiry.read(inquiry).people.members == frozenset()
    assert not found(inquiry, bundle, CERTIFIED)


def stranger(inquiry: Json) -> Json:
    """The same question from an organization and a system that sent nothing."""
    claim(inquiry)["extension"] = []
    for one in inquiry["entry"]:
        if one["fullUrl"] == claim(inquiry)["provider"]["reference"]:
            one["resource"]["identifier"] = [{"system": codes.NPI, "value": "1932102084"}]
    return inquiry


@pytest.mark.requirement("spec-52", "spec-53")
def test_spec_53_others_need_the_member_and_who_orders(inquiry: Json, bundle: Json) -> None:
    assert not found(stranger(inquiry), bundle, CERTIFIED)

    doctor = {
        "resourceType": "Practitioner",
        "id": "doc",
        "identifier": [{"system": codes.NPI, "value": "1245319599"}],
        "name": [{"family": "Reyes"}],
    }
    url = "https://elsewhere.example.org/fhir/Practitioner/doc"
    claim(inquiry)["careTeam"] = [{"sequence": 1, "provider": {"reference": url}}]
    inquiry["entry"].append({"fullUrl": url, "resource": doctor})
    assert found(inquiry, bundle, CERTIFIED)

    doctor["identifier"][0]["value"] = "1932102084"
    assert not found(inquiry, bundle, CERTIFIED)


def test_a_number_narrows_and_a_wrong_one_finds_nothing(inquiry: Json, bundle: Json) -> None:
    assert found(inquiry, bundle, CERTIFIED, numbers=("AUTH-9", "REF-1"))
    assert not found(inquiry, bundle, CERTIFIED, numbers=("AUTH-9",))


@pytest.mark.parametrize(
    ("codings", "finds"),
    [
        ([{"system": codes.HCPCS, "code": "Q5117"}], True),
        ([{"system": codes.HCPCS, "code": "J9271"}], False),
        ([{"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "not-applicable"}], True),
    ],
)
@pytest.mark.requirement("spec-43")
def test_spec_43_a_service_narrows_and_not_applicable_means_any(
    inquiry: Json, bundle: Json, codings: list[Json], finds: bool
) -> None:
    claim(inquiry)["item"][0]["productOrService"] = {"coding": codings}
    assert found(inquiry, bundle, CERTIFIED) is finds


def test_days_review_action_and_certification_dates_narrow(inquiry: Json, bundle: Json) -> None:
    item = claim(inquiry)["item"][0]

    item["servicedPeriod"] = {"start": "2027-01-01", "end": "2027-02-01"}
    assert not found(inquiry, bundle, CERTIFIED)
    del item["servicedPeriod"]

    said = codes.extension("reviewActionCode", valueCodeableConcept=codes.coded(codes.REVIEW_ACTION, "A4"))
    item["extension"].append(said)
    assert found(inquiry, bundle, PENDED)
    assert not found(inquiry, bundle, CERTIFIED)
    item["extension"].remove(said)

    ends = codes.extension("itemCertificationExpirationDate", valuePeriod={"start": "2026-12-01", "end": "2026-12-31"})
    item["extension"].append(ends)
    assert found(inquiry, bundle, CERTIFIED)
    assert not found(inquiry, bundle, PENDED)


@pytest.mark.parametrize(
    ("system", "value", "finds"),
    [
        ("http://example.org/payer-id", "EXPAYER01", True),
        ("http://example.org/payer-id", "ANOTHER", False),
        (codes.NPI, "1932102084", True),
    ],
)
def test_another_payer_is_one_with_another_number_of_the_same_kind(
    inquiry: Json, bundle: Json, system: str, value: str, finds: bool
) -> None:
    for one in inquiry["entry"]:
        if one["fullUrl"] == claim(inquiry)["insurer"]["reference"]:
            one["resource"]["identifier"] = [{"system": system, "value": value}]
    assert found(inquiry, bundle, CERTIFIED) is finds


def test_diagnoses_are_alternatives(inquiry: Json, bundle: Json) -> None:
    other = {"sequence": 1, "diagnosisCodeableConcept": codes.coded(codes.ICD10_CM, "C61")}
    claim(inquiry)["diagnosis"] = [other]
    assert not found(inquiry, bundle, CERTIFIED)
    claim(inquiry)["diagnosis"] = [other, {**deepcopy(claim(bundle)["diagnosis"][0]), "sequence": 2}]
    assert found(inquiry, bundle, CERTIFIED)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda b: b["entry"].pop(0), "Bundle.entry[0]"),
        (lambda b: claim(b).pop("patient"), "Bundle.entry[0].resource.patient"),
        (lambda b: claim(b).update(use="claim"), "Bundle.entry[0].resource.use"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_path(inquiry: Json, change: Any, where: str) -> None:
    change(inquiry)
    with pytest.raises(BadInput) as refused:
        pas_inquiry.read(inquiry)
    assert refused.value.where == where


@pytest.mark.requirement("spec-44", "spec-45")
def test_an_answer_is_valid_and_says_beside_each_item_what_was_asked(bundle: Json) -> None:
    answer = answered(bundle, CERTIFIED)
    assert [one for one in validate(answer) if one.severity == "error"] == []
    one = answer["parameter"][0]
    assert one["name"] == "return"
    item = claim(one["resource"])["item"][0]
    stated = {part["url"].rsplit("-", 1)[-1]: part for part in item["extension"]}
    assert stated["itemRequestedServiceDate"]["valuePeriod"] == {"start": "2026-06-08", "end": "2026-12-07"}
    detail = {part["url"]: part for part in stated["itemAuthorizedDetail"]["extension"]}
    assert detail["quantity"]["valueQuantity"]["value"] == Decimal(42)


def test_the_answer_to_a_pend_holds_no_request_for_information(bundle: Json) -> None:
    answer = answered(bundle, PENDED)
    assert [one for one in validate(answer) if one.severity == "error"] == []
    kinds = {one["resource"]["resourceType"] for one in answer["parameter"][0]["resource"]["entry"]}
    assert not kinds & {"CommunicationRequest", "Task"}
    ((_, determination),) = pas_inquiry.read_answer(answer)
    assert determination.items[0].administration_reference == "REF-1"
    assert determination.requested == ()


def test_no_match_is_parameters_without_a_part() -> None:
    answer = pas_inquiry.answer([], inquiry="i1")
    assert "parameter" not in answer
    assert pas_inquiry.read_answer(answer) == []


def test_answers_are_read_newest_first_whatever_their_parts_are_called(bundle: Json) -> None:
    old = claim(answered(bundle, PENDED)["parameter"][0]["resource"])
    newer = answered(bundle, CERTIFIED)
    older = deepcopy(newer["parameter"][0])
    older["resource"]["entry"][0]["resource"] = {**old, "created": "2026-06-01T08:00:00+00:00"}
    newer["parameter"] = [older, {**newer["parameter"][0], "name": "responseBundle"}]
    assert [one.overall.value for _, one in pas_inquiry.read_answer(newer)] == ["certified", "pended"]
    single = newer["parameter"][1]["resource"]
    assert len(pas_inquiry.read_answer(single)) == 1
    with pytest.raises(BadInput):
        pas_inquiry.read_answer({"resourceType": "OperationOutcome"})


def test_a_second_question_is_another_bundle(bundle: Json) -> None:
    first = pas_inquiry.build(bundle, numbers={}, stamp=STAMP)
    second = pas_inquiry.build(bundle, numbers={}, stamp=replace(STAMP, submission="case-1/inquiry/2"))
    assert first["identifier"] != second["identifier"]
