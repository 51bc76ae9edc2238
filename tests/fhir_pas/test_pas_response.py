"""The payer's answer, and the practice's reading of it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from prior_auth.domain.authorization import Action, DenialReason, ItemDecision, RequestedInformation
from prior_auth.domain.determination import Overall, ReviewAction
from prior_auth.domain.people import ENGINE, Person, Role
from prior_auth.domain.request import Period
from prior_auth.errors import BadInput
from prior_auth.fhir import json, pas_request, pas_response

Json = dict[str, Any]

DOCTOR = Person("Dr Vera Stone", Role.CLINICIAN, "1245319599")
GRANTED = Period(date(2026, 6, 8), date(2026, 12, 7))
CERTIFIED = ItemDecision(1, Action.CERTIFY, ENGINE, number="AUTH-1", period=GRANTED)
DENIED = ItemDecision(
    1, Action.DENY, DOCTOR, reason=DenialReason.BIOMARKER_CONTRADICTS, narrative="HER2 is negative.", criterion="R09.C2"
)
PENDED = ItemDecision(
    1,
    Action.PEND,
    ENGINE,
    requested=(
        RequestedInformation("89247-1", "ECOG performance status of the last 60 days", "R09.C5"),
        RequestedInformation("10230-1", "LVEF by echocardiography"),
    ),
)
REDUCED = ItemDecision(
    1,
    Action.MODIFY,
    DOCTOR,
    number="AUTH-2",
    units=Decimal(30),
    period=GRANTED,
    reason=DenialReason.QUANTITY_OR_DURATION_EXCEEDED,
    narrative="Thirty units cover the course.",
    criterion="R09.L1",
)
STAMP = pas_response.Stamp("auth-1", 1, datetime(2026, 6, 1, 10, 5, tzinfo=UTC), number="PEND-1")


@pytest.fixture
def answer(world: Any, bundle: Json) -> Any:
    def build(*decisions: ItemDecision, to: Json = bundle) -> Json:
        read = pas_request.read(to)
        built = pas_response.build(to, read, decisions, payer=world.payer, stamp=STAMP)
        found: Json = json.read(json.write(built))
        return found

    return build


def response(bundle: Json) -> Json:
    found: Json = bundle["entry"][0]["resource"]
    return found


def of_kind(bundle: Json, kind: str) -> list[Json]:
    return [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == kind]


def action_code(item: Json) -> str:
    code = item["adjudication"][0]["extension"][0]["extension"][0]["valueCodeableConcept"]["coding"][0]
    assert code["system"] == "https://codesystem.x12.org/005010/306"
    found: str = code["code"]
    return found


@pytest.mark.parametrize(
    ("decision", "code"),
    [(CERTIFIED, "A1"), (DENIED, "A3"), (PENDED, "A4"), (REDUCED, "A6")],
    ids=lambda one: str(one)[-4:],
)
def test_the_decision_is_the_items_review_action_and_the_outcome_is_complete(
    answer: Any, decision: ItemDecision, code: str
) -> None:
    built = response(answer(decision))

    assert action_code(built["item"][0]) == code
    assert built["outcome"] == "complete"


@pytest.mark.requirement("spec-30", "spec-31")
def test_spec_30_the_claim_response_is_first_and_spec_31_each_resource_is_there_once(answer: Any) -> None:
    built = answer(PENDED)
    urls = [one["fullUrl"] for one in built["entry"]]

    assert response(built)["resourceType"] == "ClaimResponse"
    assert len(set(urls)) == len(urls)


@pytest.mark.requirement("spec-33")
def test_spec_33_what_is_echoed_keeps_full_url_and_content(answer: Any, bundle: Json) -> None:
    sent = {one["fullUrl"]: one["resource"] for one in bundle["entry"]}
    echoed = {one["fullUrl"]: one["resource"] for one in answer(CERTIFIED)["entry"] if one["fullUrl"] in sent}

    assert {one["resourceType"] for one in echoed.values()} == {"Patient", "Organization"}
    assert all(sent[url] == resource for url, resource in echoed.items())


def test_the_answer_brings_back_no_evidence(answer: Any) -> None:
    kinds = {one["resource"]["resourceType"] for one in answer(CERTIFIED)["entry"]}

    assert kinds == {"ClaimResponse", "Patient", "Organization"}


@pytest.mark.requirement("spec-34")
def test_spec_34_items_are_traced_by_their_sequence(answer: Any) -> None:
    (item,) = response(answer(CERTIFIED))["item"]

    assert item["itemSequence"] == 1
    assert item["extension"][0]["valueIdentifier"]["value"] == "case-1-1"


def test_everything_the_answer_refers_to_is_in_it_but_the_claim(answer: Any) -> None:
    built = answer(PENDED)
    urls = {one["fullUrl"] for one in built["entry"]}

    def references(value: Any) -> set[str]:
        if isinstance(value, list):
            return set().union(*(references(part) for part in value)) if value else set()
        if not isinstance(value, dict):
            return set()
        own = {value["reference"]} if isinstance(value.get("reference"), str) else set()
        return own.union(*(references(part) for part in value.values()))

    outside = {one for one in references(built) if one not in urls}
    assert outside == {response(built)["request"]["reference"]}


def test_a_certification_carries_number_and_period(answer: Any) -> None:
    built = answer(CERTIFIED)
    (item,) = pas_response.read(built).items

    assert (item.action, item.number, item.period) == (ReviewAction.CERTIFIED, "AUTH-1", GRANTED)
    assert item.issued == date(2026, 6, 1)
    assert response(built)["preAuthRef"] == "AUTH-1"
    assert response(built)["preAuthPeriod"] == {"start": "2026-06-08", "end": "2026-12-07"}


def test_a_denial_names_reason_criterion_narrative_and_who_looked(answer: Any) -> None:
    read = pas_response.read(answer(DENIED))
    (item,) = read.items

    assert item.action is ReviewAction.NOT_CERTIFIED
    assert [(one.code, one.criterion, one.narrative) for one in item.reasons] == [
        ("BIOMARKER_CONTRADICTS", "R09.C2", "HER2 is negative.")
    ]
    assert read.reviewer is not None
    assert (read.reviewer.by_person, read.reviewer.npi) == (True, "1245319599")
    assert (item.number, item.period) == (None, None)
    assert read.overall is Overall.NOT_CERTIFIED


def test_an_engines_certification_says_that_nobody_looked(answer: Any) -> None:
    reviewer = pas_response.read(answer(CERTIFIED)).reviewer

    assert reviewer is not None
    assert not reviewer.by_person


def test_a_pend_asks_precisely(answer: Any) -> None:
    built = answer(PENDED)
    read = pas_response.read(built)

    assert [(one.code.code, one.item, one.criterion, one.text) for one in read.requested] == [
        ("89247-1", 1, "R09.C5", "ECOG performance status of the last 60 days"),
        ("10230-1", 1, None, "LVEF by echocardiography"),
    ]
    assert [one["payload"][0]["contentString"] for one in of_kind(built, "CommunicationRequest")] == [
        "89247-1",
        "10230-1",
    ]
    assert read.items[0].administration_reference == "PEND-1"
    assert read.items[0].notes == ()
    assert read.reply_to == "https://payer.example.org/fhir/$submit-attachment"
    assert not read.is_final


@pytest.mark.requirement("ainfo-4", "ainfo-5", "ainfo-7")
def test_ainfo_4_to_7_one_task_holds_every_code_that_is_asked_for(answer: Any) -> None:
    (task,) = of_kind(answer(PENDED), "Task")

    needed = [one for one in task["input"] if one["type"]["coding"][0]["code"] == "attachments-needed"]
    assert [one["valueCodeableConcept"]["coding"][0]["code"] for one in needed] == ["89247-1", "10230-1"]
    assert [one["extension"][0]["valuePositiveInt"] for one in needed] == [1, 1]
    assert task["code"]["coding"][0]["code"] == "attachment-request-code"


def test_a_pend_that_asks_for_nothing_makes_no_task(answer: Any) -> None:
    built = answer(ItemDecision(1, Action.PEND, ENGINE))

    assert not of_kind(built, "Task")
    assert "communicationRequest" not in response(built)


@pytest.mark.requirement("spec-36", "spec-37")
def test_spec_36_and_37_a_reduction_is_a6_with_the_grant_linked_to_it(answer: Any) -> None:
    built = response(answer(REDUCED))
    (item,), (grant,) = built["item"], built["addItem"]

    assert (action_code(item), action_code(grant)) == ("A6", "A1")
    assert grant["itemSequence"] == [item["itemSequence"]]
    read = pas_response.read(answer(REDUCED))
    granted = read.items[0].grant
    assert granted is not None
    assert (granted.units, granted.period) == (Decimal(30), GRANTED)
    assert (read.items[0].number, read.overall, read.extra) == ("AUTH-2", Overall.MODIFIED, ())


def test_an_item_nobody_has_decided_is_pended(answer: Any) -> None:
    assert pas_response.read(answer()).items[0].action is ReviewAction.PENDED


def test_a_decision_on_what_was_not_asked_is_refused(answer: Any) -> None:
    with pytest.raises(BadInput, match="item 2"):
        answer(ItemDecision(2, Action.CERTIFY, ENGINE, number="X"))


@pytest.mark.requirement("spec-46")
def test_spec_46_a_cancelled_item_is_answered_and_never_certified(answer: Any, bundle: Json) -> None:
    item = bundle["entry"][0]["resource"]["item"][0]
    from prior_auth.fhir import codes

    item["modifierExtension"] = [{"url": codes.CANCELLED_FLAG, "valueBoolean": True}]

    (read,) = pas_response.read(answer(CERTIFIED, to=bundle)).items

    assert (read.sequence, read.action) == (1, ReviewAction.UNDECIDED)


def test_the_answer_finds_its_request(answer: Any, bundle: Json) -> None:
    read = pas_response.read(answer(CERTIFIED))

    assert read.request == bundle["entry"][0]["fullUrl"]
    assert read.claim_identifiers == (("https://oncology.example.org/fhir/trace", "case-1"),)
    assert read.identifiers == (("https://payer.example.org/fhir/response", "auth-1-1"),)
    assert read.created == datetime(2026, 6, 1, 10, 5, tzinfo=UTC)


def test_sender_and_receiver_change_places(answer: Any) -> None:
    stated = response(answer(CERTIFIED))["extension"][0]["extension"]

    assert {one["url"]: one["valueString"] for one in stated} == {
        "applicationSenderCode": "EXPAYER01",
        "applicationReceiverCode": "EXONC",
        "interchangeSenderID": "EXPAYER01",
        "interchangeReceiverID": "EXONC",
    }


def test_the_same_revision_is_the_same_answer(answer: Any) -> None:
    assert json.write(answer(PENDED)) == json.write(answer(PENDED))


@pytest.mark.requirement("spec-38")
def test_a_business_error_decides_nothing_and_says_where(world: Any, bundle: Json) -> None:
    wrong = pas_response.Rejection("T4", "Bundle.entry[0].resource.insurer", "This payer is not here.")

    built = pas_response.rejected(bundle, pas_request.read(bundle), [wrong], payer=world.payer, stamp=STAMP)

    read = pas_response.read(json.read(json.write(built)))
    assert response(built)["outcome"] == "error"
    assert [(one.code, one.path, one.text) for one in read.errors] == [
        ("T4", "Bundle.entry[0].resource.insurer", "This payer is not here.")
    ]
    assert (read.items, read.overall) == ((), Overall.ERROR)


def test_an_answer_to_a_bare_request_can_be_built(answer: Any, bundle: Json) -> None:
    claim = bundle["entry"][0]["resource"]
    for name in ("extension", "careTeam", "diagnosis", "identifier", "type"):
        del claim[name]

    read = pas_response.read(answer(PENDED, to=bundle))

    assert read.items[0].action is ReviewAction.PENDED
    assert read.request == bundle["entry"][0]["fullUrl"]
