"""The known slips of other payers (docs/pas.md): understood, or named to a person; none is ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prior_auth.domain.determination import ReviewAction as Word
from prior_auth.fhir import json, pas_determination
from prior_auth.fhir.bundle import Index

Json = dict[str, Any]
PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "pas").glob("response*.json"))


def item(number: Any, code: str | None, display: str | None = None, **rest: Any) -> Json:
    if code is None:
        return {"itemSequence": number, "adjudication": [{"category": {}}], **rest}
    coding = {"code": code} | ({"display": display} if display else {})
    parts = [{"url": f"{PAS}extension-reviewActionCode", "valueCodeableConcept": {"coding": [coding]}}]
    action = {"url": f"{PAS}extension-reviewAction", "extension": parts}
    return {"itemSequence": number, "adjudication": [{"category": {}, "extension": [action]}], **rest}


def answer(*items: Json, others: tuple[Json, ...] = (), **rest: Any) -> Json:
    response = {"resourceType": "ClaimResponse", "id": "r", "use": "preauthorization", "item": list(items), **rest}
    entries = [{"fullUrl": "urn:uuid:1", "resource": response}, *({"resource": one} for one in others)]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def asking(code: str) -> Json:
    return {"resourceType": "CommunicationRequest", "id": "c", "payload": [{"contentString": code}]}


GRANT = {"itemSequence": [1], "productOrService": {"coding": [{"code": "J9355"}]}, "adjudication": []}
ANOTHER = answer()["entry"][0]["resource"]
SLIPS: dict[str, tuple[Json, list[Word], str | None]] = {
    # what came · what the items are · what a person is told (None: it is understood)
    "A2 is called not certified": (answer(item(1, "A2", "Not Certified")), [Word.UNDECIDED], "labelled"),
    "A3 is called not required": (answer(item(1, "A3", "Not Required")), [Word.UNDECIDED], "labelled"),
    "A1 is called denied": (answer(item(1, "A1", "Denied")), [Word.UNDECIDED], "labelled"),
    "A2 as X12 has it": (answer(item(1, "A2", "Certified - partial")), [Word.MODIFIED], "is granted is not said"),
    "A3 as X12 has it": (answer(item(1, "A3", "Not Certified")), [Word.NOT_CERTIFIED], None),
    "a denial calls itself an error": (answer(item(1, "A3"), outcome="error"), [Word.NOT_CERTIFIED], None),
    "a grant calls itself an error": (answer(item(1, "A1"), outcome="error"), [Word.CERTIFIED], "an error while"),
    "an error without items": (answer(outcome="error"), [], None),
    "a pend is queued": (answer(item(1, "A4"), outcome="queued"), [Word.PENDED], None),
    "complete without a word": (answer(item(1, None), outcome="complete"), [Word.UNDECIDED], "decides nothing"),
    "complete without items": (answer(outcome="complete"), [], "answers no item"),
    "an unknown code": (answer(item(1, "NA")), [Word.UNDECIDED], "not known here"),
    "A6 without what is granted": (answer(item(1, "A6")), [Word.MODIFIED], "is granted is not said"),
    "A6 with its addItem": (answer(item(1, "A6"), addItem=[GRANT]), [Word.MODIFIED], None),
    "an item without its number": (answer(item(None, "A1"), item(2, "A1")), [Word.CERTIFIED], "names no item"),
    "an item number in words": (answer(item("one", "A3"), item(2, "A1")), [Word.CERTIFIED], "names no item"),
    "an item number in a list": (answer(item([1], "A1")), [Word.CERTIFIED], None),
    "an item decided twice": (answer(item(1, "A1"), item(1, "A3")), [Word.UNDECIDED] * 2, "decided twice"),
    "two answers at once": (answer(item(1, "A1"), others=(ANOTHER,)), [Word.CERTIFIED], "2 answers"),
    "a request that leads nowhere": (
        answer(item(1, "A4"), communicationRequest=[{"reference": "CommunicationRequest/gone"}]),
        [Word.PENDED],
        "did not come along",
    ),
    "no identifier of the request": (answer(item(1, "A1")), [Word.CERTIFIED], None),
}


@pytest.mark.parametrize("name", SLIPS)
def test_a_known_slip_is_understood_or_named_and_never_read_as_another_decision(name: str) -> None:
    came, words, told = SLIPS[name]
    read = pas_determination.read(json.read(json.write(came)))
    assert [one.action for one in read.items] == words
    found = " ".join(f"{one.where} {one.what}" for one in read.doubts)
    assert told in found if told else found == ""


@pytest.mark.parametrize("reference", ["CommunicationRequest/c", "urn:uuid:gone", "CommunicationRequests/c", None])
def test_what_is_asked_for_is_found_whatever_its_reference_and_full_url(reference: str | None) -> None:
    stated = {"communicationRequest": [{"reference": reference} if reference else {"display": "see there"}]}
    read = pas_determination.read(answer(item(1, "A4"), others=(asking("11526-1"),), **stated))
    assert [one.code.code for one in read.requested] == ["11526-1"]
    assert read.doubts == ()


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_none_of_these_slips_is_ours(file: Path) -> None:
    bundle = json.read(file.read_bytes())
    response = bundle["entry"][0]["resource"]
    undecided = [one.sequence for one in pas_determination.read(bundle).items if one.action is Word.UNDECIDED]
    read = pas_determination.read(bundle).without(undecided)  # as its requester knows them: it cancelled them
    assert not undecided or "cancel" in file.stem
    assert read.doubts == ()
    assert response["outcome"] in ("complete", "error")
    assert (response["outcome"] == "error") is (read.items == ())
    assert read.claim_identifiers
    assert read.identifiers
    text = json.write(response).decode()
    assert [code for code in ("A2", "CT", "NA") if f'"code":"{code}"' in text] == []
    index = Index(bundle)
    assert all(entry.full_url for entry in index.entries)
    named = [one["reference"] for one in response.get("communicationRequest", [])]
    assert all(index.by_full_url(one) is not None for one in named)
