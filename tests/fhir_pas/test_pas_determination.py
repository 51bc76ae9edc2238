"""Answers of other payers, with the slips that are known (pas.md section 6)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from prior_auth.domain.determination import Overall, ReviewAction
from prior_auth.errors import BadInput
from prior_auth.fhir import pas_response

Json = dict[str, Any]
PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"


def review(code: str | None, *, number: str | None = None, short: bool = False) -> Json:
    prefix = "" if short else f"{PAS}extension-"
    parts: list[Json] = []
    if code is not None:
        concept = {"coding": [{"system": "https://codesystem.x12.org/005010/306", "code": code}]}
        parts.append({"url": f"{prefix}reviewActionCode", "valueCodeableConcept": concept})
    if number is not None:
        parts.append({"url": f"{prefix}number" if not short else "number", "valueString": number})
    return {"extension": [{"url": f"{prefix}reviewAction", "extension": parts}], "category": {"text": "submitted"}}


def item(sequence: int, code: str | None, **rest: Any) -> Json:
    return {"itemSequence": sequence, "adjudication": [review(code)] if code else [{"category": {}}], **rest}


def answer(*items: Json, **rest: Any) -> Json:
    response = {"resourceType": "ClaimResponse", "id": "r", "use": "preauthorization", "item": list(items), **rest}
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "urn:uuid:1", "resource": response}]}


@pytest.mark.parametrize(
    ("codes", "overall"),
    [
        (["A1"], Overall.CERTIFIED),
        (["A1", "A1"], Overall.CERTIFIED),
        (["A3"], Overall.NOT_CERTIFIED),
        (["A1", "A3"], Overall.PARTIAL),
        (["A6", "A1"], Overall.PARTIAL),
        (["A1", "A4"], Overall.PENDED),
        (["A3", "A4"], Overall.PENDED),
        (["C"], Overall.CANCELLED),
        (["A1", "C"], Overall.CERTIFIED),
        (["A2"], Overall.MODIFIED),
        (["CT"], Overall.PENDED),
        ([None], Overall.PENDED),
        ([None, "A1"], Overall.PENDED),
    ],
)
def test_trap_16_the_overall_state_is_a_fold_over_the_items(codes: list[str | None], overall: Overall) -> None:
    items = [item(number, code) for number, code in enumerate(codes, start=1)]

    assert pas_response.read(answer(*items)).overall is overall


def test_trap_13_the_outcome_is_not_read_as_a_decision() -> None:
    read = pas_response.read(answer(item(1, "A4"), outcome="complete"))

    assert read.overall is Overall.PENDED


def test_trap_14_an_item_without_review_action_is_undecided_and_not_approved() -> None:
    read = pas_response.read(answer(item(1, None), outcome="complete", preAuthRef="AUTH"))

    assert read.items[0].action is ReviewAction.UNDECIDED
    assert (read.items[0].number, read.is_final) == (None, False)


@pytest.mark.parametrize("short", [True, False])
def test_trap_15_short_and_absolute_urls_are_read(short: bool) -> None:
    line = {"itemSequence": 1, "adjudication": [review("A1", number="AUTH0001", short=short)]}

    (read,) = pas_response.read(answer(line)).items

    assert read.action is ReviewAction.CERTIFIED
    if short:
        assert read.number == "AUTH0001"


def test_the_guides_own_mix_of_urls_is_read() -> None:
    mixed = review("A1")
    mixed["extension"][0]["extension"].insert(0, {"url": "number", "valueString": "AUTH0001"})

    (read,) = pas_response.read(answer({"itemSequence": 1, "adjudication": [mixed]})).items

    assert (read.action, read.number) == (ReviewAction.CERTIFIED, "AUTH0001")


def test_the_headers_word_counts_where_the_item_has_none() -> None:
    read = pas_response.read(answer(item(1, None), item(2, "A3"), adjudication=[review("A1")]))

    assert [one.action for one in read.items] == [ReviewAction.CERTIFIED, ReviewAction.NOT_CERTIFIED]


def test_trap_11_an_extra_grant_is_shown_and_does_not_crash() -> None:
    extra = {
        "itemSequence": [9],
        "productOrService": {"coding": [{"system": "s", "code": "c"}]},
        "adjudication": [review("A1")],
    }

    read = pas_response.read(answer(item(1, "A1"), addItem=[extra]))

    assert [(one.sequence, one.action) for one in read.extra] == [(9, ReviewAction.CERTIFIED)]
    assert [one.sequence for one in read.items] == [1]


def test_an_add_item_alone_makes_its_item_modified() -> None:
    grant = {
        "itemSequence": [1],
        "productOrService": {"coding": [{"system": "s", "code": "c"}]},
        "quantity": {"value": Decimal("10")},
        "adjudication": [review("A1")],
    }

    (read,) = pas_response.read(answer(item(1, None), addItem=[grant])).items

    assert read.action is ReviewAction.MODIFIED
    assert read.grant is not None
    assert read.grant.units == Decimal(10)


def test_trap_17_a6_without_a_grant_is_modified_without_details() -> None:
    (read,) = pas_response.read(answer(item(1, "A6"))).items

    assert (read.action, read.grant) == (ReviewAction.MODIFIED, None)


def test_trap_12_the_number_is_found_in_each_of_its_homes() -> None:
    earlier = {"extension": [{"url": f"{PAS}extension-authorizationNumber", "valueString": "BB-1"}]}

    assert pas_response.read(answer(item(1, "A1", **earlier))).items[0].number == "BB-1"
    assert pas_response.read(answer(item(1, "A1"), preAuthRef="REF-1")).items[0].number == "REF-1"
    assert pas_response.read(answer(item(1, "A4"), preAuthRef="REF-1")).items[0].number is None


def test_a_line_number_on_the_payload_is_read() -> None:
    """PAS 2.0.1 had it there."""
    line = {"url": f"{PAS}extension-serviceLineNumber", "valuePositiveInt": 2}
    request = {"resourceType": "CommunicationRequest", "payload": [{"contentString": "18776-5", "extension": [line]}]}
    bundle = answer(item(1, "A4"), communicationRequest=[{"reference": "urn:uuid:2"}])
    bundle["entry"].append({"fullUrl": "urn:uuid:2", "resource": request})

    (asked,) = pas_response.read(bundle).requested

    assert (asked.code.code, asked.item, asked.text) == ("18776-5", 2, "LOINC 18776-5")


def test_other_payers_notes_stay_prose() -> None:
    line = item(1, "A3", noteNumber=[1])
    reason = {
        "url": "reasonCode",
        "valueCodeableConcept": {"coding": [{"system": "x12", "code": "0V"}], "text": "see note"},
    }
    line["adjudication"][0]["extension"][0]["extension"].append(reason)

    (read,) = pas_response.read(answer(line, processNote=[{"number": 1, "text": "Call us."}])).items

    assert read.notes == ("Call us.",)
    assert [(one.code, one.narrative) for one in read.reasons] == [("0V", "see note")]


@pytest.mark.parametrize("text", ["Needed: more", "PLEASE CALL: now", "A: b"])
def test_a_note_with_a_colon_is_not_taken_for_a_reason_of_ours(text: str) -> None:
    read = pas_response.read(answer(item(1, "A3", noteNumber=[1]), processNote=[{"number": 1, "text": text}]))

    assert read.items[0].notes == (text,)


def test_a_claim_response_that_is_not_first_is_found() -> None:
    bundle = answer(item(1, "A1"))
    bundle["entry"].insert(0, {"fullUrl": "urn:uuid:9", "resource": {"resourceType": "Patient"}})

    assert pas_response.read(bundle).overall is Overall.CERTIFIED


@pytest.mark.parametrize(
    "body",
    [
        {"resourceType": "OperationOutcome", "issue": []},
        {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {"resourceType": "Patient"}}]},
    ],
)
def test_an_answer_without_claim_response_is_refused(body: Json) -> None:
    with pytest.raises(BadInput):
        pas_response.read(body)


@pytest.mark.requirement("conf-8")
def test_broken_parts_do_not_break_the_reading() -> None:
    """conf-8: nothing that is present may cause a crash."""
    broken = answer(
        {
            "itemSequence": 1,
            "adjudication": [None, {"extension": [None, {"url": 3}]}],
            "noteNumber": [7],
            "extension": "x",
        },
        {"itemSequence": None},
        processNote=[{"text": "no number"}, None],
        error=[{"code": None}],
        communicationRequest=[{"reference": None}, "x"],
        created="yesterday",
        identifier={"value": "not a list"},
        request=None,
        addItem=[{"itemSequence": "one"}],
    )

    read = pas_response.read(broken)

    assert [one.sequence for one in read.items] == [1]
    assert read.created is None
