"""The answer to a request for information, sent by the practice and joined to the request by the payer."""

from __future__ import annotations

from typing import Any

import pytest

from prior_auth.domain.coding import Coding
from prior_auth.domain.determination import RequestedInformation
from prior_auth.errors import BadInput
from prior_auth.fhir import cdex, json, pas_request

Json = dict[str, Any]
BASE = "https://oncology.example.org/fhir"
TRACKING = ("https://payer.example.org/fhir/response", "auth-1-1")
ECOG = RequestedInformation(Coding("http://loinc.org", "89247-1"), "ECOG", item=1)


@pytest.fixture
def sent(world: Any) -> Json:
    """A request without ECOG and without the document."""
    evidence = tuple(one for one in world.evidence if one not in ("Observation/ecog", "DocumentReference/report"))
    built: Json = world.changed(evidence=evidence).build().bundle
    return built


def attachment(world: Any, sent: Json, *answers: cdex.Answer, **given: Any) -> Json:
    fields = {"tracking": TRACKING, "administration_reference": "PEND-1", "member_id": "MEMBER-7", **given}
    built = cdex.build(sent, world.chart, answers, practice=world.practice, payer=world.payer, **fields)
    return json.read(json.write(built))


def contents(parameters: Json) -> list[Json]:
    parts = [one["part"] for one in parameters["parameter"] if one["name"] == "Attachment"]
    return [part["resource"] for one in parts for part in one if part["name"] == "Content"]


@pytest.mark.requirement("ainfo-4")
def test_what_was_asked_for_goes_with_its_code_and_line(world: Any, sent: Json) -> None:
    read = cdex.read(attachment(world, sent, cdex.Answer("Observation/ecog", ECOG)))

    (one,) = read.attachments
    assert (one.lines, one.code, one.content["id"]) == (("1",), "89247-1", "ecog")
    assert (read.tracking, read.member_id, read.final) == (TRACKING, "MEMBER-7", True)
    assert read.administration_reference == ("http://example.org/payer-id", "PEND-1")
    assert read.organization == ("http://hl7.org/fhir/sid/us-npi", "1234567893")


def test_what_was_sent_before_is_referred_to_and_not_sent_again(world: Any, sent: Json) -> None:
    world.resource("Observation/ecog")["focus"] = [{"reference": "Condition/cancer"}]

    (ecog,) = contents(attachment(world, sent, cdex.Answer("Observation/ecog", ECOG)))

    assert ecog["focus"] == [{"reference": f"{BASE}/Condition/cancer"}]
    assert ecog["subject"] == {"reference": f"{BASE}/Patient/pat"}
    assert ecog["performer"] == [{"reference": f"{BASE}/Practitioner/doc"}]


def test_nothing_else_of_the_chart_leaves(world: Any, sent: Json) -> None:
    text = json.write(attachment(world, sent, cdex.Answer("DocumentReference/report", None))).decode()

    assert not any(trace in text for trace in ("planted", "PLANTED", "Encounter", "her2"))


def test_evidence_brings_along_what_gives_it_meaning(world: Any, sent: Json) -> None:
    second = {**world.resource("Condition/cancer"), "id": "second", "code": {"text": "second cancer"}}
    world.resource("Observation/ecog")["focus"] = [{"reference": "Condition/second"}]

    attached = contents(
        attachment(world.changed(chart=[*world.chart, second]), sent, cdex.Answer("Observation/ecog", ECOG))
    )

    assert [one["id"] for one in attached] == ["ecog", "second"]


def test_the_payer_reads_the_request_as_if_it_had_been_sent_complete(world: Any, sent: Json) -> None:
    answers = (cdex.Answer("Observation/ecog", ECOG), cdex.Answer("DocumentReference/report", None))

    whole = cdex.completed(sent, cdex.read(attachment(world, sent, *answers)))

    read = pas_request.read(whole)
    complete = pas_request.read(world.build().bundle)
    assert sorted(read.evidence) == sorted(complete.evidence)
    by_id = {f"{one['resourceType']}/{one['id']}": one for one in read.resources}
    assert by_id == {f"{one['resourceType']}/{one['id']}": one for one in complete.resources}
    assert read.claim_url == pas_request.read(sent).claim_url


def test_what_was_received_first_is_left_as_it_was(world: Any, sent: Json) -> None:
    before = json.write(sent)

    cdex.completed(sent, cdex.read(attachment(world, sent, cdex.Answer("Observation/ecog", ECOG))))

    assert json.write(sent) == before


def test_the_same_attachment_again_changes_nothing(world: Any, sent: Json) -> None:
    submission = cdex.read(attachment(world, sent, cdex.Answer("Observation/ecog", ECOG)))

    once = cdex.completed(sent, submission)

    assert json.write(cdex.completed(once, submission)) == json.write(once)


def test_a_newer_version_of_what_was_sent_takes_its_place(world: Any) -> None:
    sent = world.build().bundle
    world.resource("Observation/ecog")["valueInteger"] = 0

    whole = cdex.completed(sent, cdex.read(attachment(world, sent, cdex.Answer("Observation/ecog", ECOG))))

    (ecog,) = [one["resource"] for one in whole["entry"] if one["resource"]["id"] == "ecog"]
    assert ecog["valueInteger"] == 0
    assert len(whole["entry"]) == len(sent["entry"])


def test_another_systems_document_without_id_and_with_loose_references_is_joined(sent: Json) -> None:
    document = {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": {"reference": "Patient/their-own-number"},
        "content": [{"attachment": {"contentType": "application/pdf", "data": "AAAA"}}],
    }
    parameters = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "TrackingId", "valueIdentifier": {"system": TRACKING[0], "value": TRACKING[1]}},
            {"name": "AttachTo", "valueCode": "preauthorization"},
            {"name": "MemberId", "valueIdentifier": {"value": "MEMBER-7"}},
            {"name": "Attachment", "part": [{"name": "Content", "resource": document}]},
        ],
    }

    read = pas_request.read(cdex.completed(sent, cdex.read(parameters)))

    assert [one for one in read.evidence if one.startswith("DocumentReference/")]


@pytest.mark.parametrize("name", ["TrackingId", "MemberId", "AttachTo", "Attachment"])
def test_an_attachment_that_cannot_be_tied_to_a_request_is_refused(world: Any, sent: Json, name: str) -> None:
    parameters = attachment(world, sent, cdex.Answer("Observation/ecog", ECOG))
    parameters["parameter"] = [one for one in parameters["parameter"] if one["name"] != name]

    with pytest.raises(BadInput) as caught:
        cdex.read(parameters)

    assert caught.value.where == "Parameters.parameter"


def test_what_is_wrong_with_a_parameter_is_told_at_its_place(world: Any, sent: Json) -> None:
    parameters = attachment(world, sent, cdex.Answer("Observation/ecog", ECOG))
    number = [one["name"] for one in parameters["parameter"]].index("TrackingId")
    parameters["parameter"][number]["valueIdentifier"] = {"system": 7}

    with pytest.raises(BadInput) as caught:
        cdex.read(parameters)

    assert caught.value.where == f"Parameters.parameter[{number}]"


def test_an_answer_of_nothing_is_refused(world: Any, sent: Json) -> None:
    with pytest.raises(BadInput, match="nothing to send"):
        attachment(world, sent)


def test_evidence_that_is_not_in_the_chart_is_refused(world: Any, sent: Json) -> None:
    with pytest.raises(BadInput, match="not in the chart"):
        attachment(world, sent, cdex.Answer("Observation/none", ECOG))
