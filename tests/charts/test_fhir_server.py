"""The client against a server in the same process, which answers as told; real servers are in tests/integration."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from prior_auth.charts.fhir_http import seconds
from prior_auth.charts.fhir_server import SEARCHED, FhirServer
from prior_auth.errors import BadInput, FatalTransportError, TemporaryTransportError, TransportError
from prior_auth.fhir import json

BASE = "http://ehr.example/fhir"
Handler = Callable[[httpx2.Request], httpx2.Response | None]


def answer(body: Any, status: int = 200, **headers: str) -> httpx2.Response:
    return httpx2.Response(status, content=json.write(body), headers=headers)


def searchset(*resources: dict[str, Any], following: str | None = None, **more: Any) -> httpx2.Response:
    links = [{"relation": "next", "url": following}] if following else []
    entries = [{"resource": one, "search": {"mode": "match"}} for one in resources]
    return answer({"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries} | more)


def of_p(kind: str, id: str, **elements: Any) -> dict[str, Any]:
    return {"resourceType": kind, "id": id, "subject": {"reference": "Patient/p"}} | elements


class Ehr:
    """Answers by path; what it was not told is 404 (a read) or empty (a search). Remembers what was asked."""

    def __init__(self, *, types: tuple[str, ...] | None = None) -> None:
        self.told: dict[str, Any] = {"Patient/p": answer({"resourceType": "Patient", "id": "p"})}
        self.asked: list[str] = []
        self.types = types

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.removeprefix("/fhir/")
        page = request.url.params.get("page")
        key = f"{path}?page={page}" if page else path
        self.asked.append(key)
        if key == "metadata" and key not in self.told:
            return self._metadata()
        told = self.told.get(key)
        if isinstance(told, Exception):
            raise told
        if told is not None:
            return httpx2.Response(told.status_code, content=told.content, headers=told.headers)
        return answer({"resourceType": "OperationOutcome"}, 404) if "/" in path else searchset()

    def _metadata(self) -> httpx2.Response:
        if self.types is None:
            return answer({"resourceType": "OperationOutcome"}, 404)
        offers = [{"type": kind, "searchParam": [{"name": "patient"}]} for kind in self.types]
        return answer({"resourceType": "CapabilityStatement", "rest": [{"mode": "server", "resource": offers}]})

    async def read(self) -> list[dict[str, Any]]:
        return await self.source().resources()

    def source(self) -> FhirServer:
        return FhirServer(BASE, "p", client=httpx2.AsyncClient(transport=httpx2.MockTransport(self)))


async def refused_by(ehr: Ehr, error: type[TransportError]) -> TransportError:
    with pytest.raises(error) as refused:
        await ehr.read()
    assert "Patient/p" not in str(refused.value)
    assert "patient=p" not in str(refused.value)
    return refused.value


async def test_every_page_of_every_type_is_read() -> None:
    ehr = Ehr()
    ehr.told["Observation"] = searchset(of_p("Observation", "a"), following=f"{BASE}/Observation?page=2")
    ehr.told["Observation?page=2"] = searchset(of_p("Observation", "b"), following="Observation?page=3")
    ehr.told["Observation?page=3"] = searchset(of_p("Observation", "c"))
    ehr.told["Coverage"] = searchset({"resourceType": "Coverage", "id": "k", "beneficiary": {"reference": "Patient/p"}})

    read = await ehr.read()

    assert [one["id"] for one in read] == ["p", "a", "b", "c", "k"]
    assert set(SEARCHED) <= set(ehr.asked)


async def test_numbers_keep_their_digits() -> None:
    ehr = Ehr()
    body = b'{"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"Observation","id":"w",'
    body += b'"subject":{"reference":"Patient/p"},"valueQuantity":{"value":72.50}}}]}'
    ehr.told["Observation"] = httpx2.Response(200, content=body)
    assert str((await ehr.read())[1]["valueQuantity"]["value"]) == "72.50"


async def test_what_resources_refer_to_is_read_too_and_theirs() -> None:
    ehr = Ehr()
    ehr.told["MedicationRequest"] = searchset(
        of_p(
            "MedicationRequest",
            "m",
            medicationReference={"reference": "Medication/drug"},
            requester={"reference": f"{BASE}/PractitionerRole/role"},
            encounter={"reference": "Encounter/not-wanted"},
            performer={"reference": "http://elsewhere.example/fhir/Practitioner/x"},
            recorder={"reference": "Practitioner/gone"},
        )
    )
    ehr.told["Medication/drug"] = answer({"resourceType": "Medication", "id": "drug"})
    ehr.told["PractitionerRole/role"] = answer(
        {"resourceType": "PractitionerRole", "id": "role", "organization": {"reference": "Organization/o"}}
    )
    ehr.told["Organization/o"] = answer({"resourceType": "Organization", "id": "o"})

    read = await ehr.read()

    assert [one["resourceType"] for one in read] == [
        *("Patient", "MedicationRequest", "Medication", "PractitionerRole", "Organization")
    ]
    assert "Encounter/not-wanted" not in ehr.asked
    assert ehr.asked.count("Practitioner/gone") == 1


async def test_a_result_without_subject_is_found_through_its_report() -> None:
    ehr = Ehr()
    result = [{"reference": "Observation/variant"}, {"reference": "Observation/of-another"}]
    ehr.told["DiagnosticReport"] = searchset(of_p("DiagnosticReport", "r", result=result))
    ehr.told["Observation/variant"] = answer({"resourceType": "Observation", "id": "variant"})
    ehr.told["Observation/of-another"] = answer(
        {"resourceType": "Observation", "id": "of-another", "subject": {"reference": "Patient/q"}}
    )
    assert [one["id"] for one in await ehr.read()] == ["p", "r", "variant"]


async def test_a_resource_that_comes_twice_is_held_once() -> None:
    ehr = Ehr()
    ehr.told["Observation"] = searchset(of_p("Observation", "a"), of_p("Observation", "a"))
    assert [one["id"] for one in await ehr.read()] == ["p", "a"]


@pytest.mark.parametrize("following", ["http://other.example/fhir/Observation?page=2", "https://ehr.example/fhir/x"])
async def test_a_next_page_at_another_place_is_not_followed(following: str) -> None:
    ehr = Ehr()
    ehr.told["Observation"] = searchset(of_p("Observation", "a"), following=following)
    refused = await refused_by(ehr, FatalTransportError)
    assert "another place" in refused.message
    assert refused.where == f"{BASE}/Observation"


async def test_pages_that_lead_back_are_not_walked_for_ever() -> None:
    ehr = Ehr()
    ehr.told["Observation"] = searchset(following=f"{BASE}/Observation?page=2")
    ehr.told["Observation?page=2"] = searchset(following=f"{BASE}/Observation?page=2")
    assert "do not end" in (await refused_by(ehr, FatalTransportError)).message


@pytest.mark.parametrize("severity", ["warning", "error"])
async def test_a_server_that_did_not_search_as_asked_is_not_believed(severity: str) -> None:
    ehr = Ehr()
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "not-supported"}]}
    entries = [
        {"resource": of_p("Observation", "a"), "search": {"mode": "match"}},
        {"resource": outcome, "search": {"mode": "outcome"}},
    ]
    ehr.told["Observation"] = searchset(entry=entries)
    assert "not-supported" in (await refused_by(ehr, FatalTransportError)).message


async def test_a_remark_for_information_is_no_obstacle() -> None:
    ehr = Ehr()
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "informational"}]}
    ehr.told["Observation"] = searchset(entry=[{"resource": outcome, "search": {"mode": "outcome"}}])
    assert [one["id"] for one in await ehr.read()] == ["p"]


async def test_another_patients_resources_are_never_taken_for_this_ones() -> None:
    ehr = Ehr()
    other = {"resourceType": "Observation", "id": "x", "subject": {"reference": "Patient/q"}}
    ehr.told["Observation"] = searchset(of_p("Observation", "a"), other)
    assert "another patient" in (await refused_by(ehr, FatalTransportError)).message


async def test_types_that_the_server_does_not_offer_are_named_and_not_asked_for() -> None:
    ehr = Ehr(types=("Patient", "Condition", "Observation", "MedicationRequest", "Procedure", "Coverage"))
    ehr.told["Observation"] = searchset(of_p("Observation", "a"))
    source = ehr.source()
    assert [one["id"] for one in await source.resources()] == ["p", "a"]
    assert "MedicationAdministration" in source.not_offered
    assert "MedicationAdministration" not in ehr.asked


async def test_a_server_without_conditions_is_refused_because_silence_would_look_like_health() -> None:
    ehr = Ehr(types=("Patient", "Observation", "MedicationRequest", "Procedure"))
    assert "no search of Condition" in (await refused_by(ehr, FatalTransportError)).message


async def test_a_patient_that_is_not_there_is_said_so() -> None:
    ehr = Ehr()
    del ehr.told["Patient/p"]
    assert "does not know this patient" in (await refused_by(ehr, FatalTransportError)).message


@pytest.mark.parametrize(("status", "message"), [(401, "who asks"), (403, "may not be read"), (400, "refused (400")])
async def test_what_may_not_be_read_goes_to_a_person(status: int, message: str) -> None:
    ehr = Ehr()
    ehr.told["Condition"] = answer({"resourceType": "OperationOutcome", "issue": [{"code": "forbidden"}]}, status)
    assert message in (await refused_by(ehr, FatalTransportError)).message


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_busy_server_is_asked_again_later(status: int) -> None:
    ehr = Ehr()
    ehr.told["Condition"] = answer({"resourceType": "OperationOutcome"}, status, **{"Retry-After": "7"})
    refused = await refused_by(ehr, TemporaryTransportError)
    assert isinstance(refused, TemporaryTransportError)
    assert refused.retry_after == 7


@pytest.mark.parametrize("problem", [httpx2.ConnectError("no"), httpx2.ReadTimeout("late"), httpx2.ReadError("cut")])
async def test_a_server_that_is_away_is_asked_again_later(problem: Exception) -> None:
    ehr = Ehr()
    ehr.told["Condition"] = problem
    assert "does not answer" in (await refused_by(ehr, TemporaryTransportError)).message


@pytest.mark.parametrize(
    "told",
    [
        httpx2.Response(200, content=b"<html>sign in</html>"),
        answer({"resourceType": "Patient", "id": "p"}),
        answer({"resourceType": "Bundle", "type": "collection"}),
        answer({"resourceType": "Bundle", "type": "searchset", "entry": ["x"]}),
        answer({"resourceType": "Bundle", "type": "searchset", "entry": [{"fullUrl": "x"}]}),
        answer({"resourceType": "Bundle", "type": "searchset", "entry": {}}),
        httpx2.Response(302, headers={"Location": "http://other.example/"}),
    ],
)
async def test_an_answer_that_is_no_searchset_goes_to_a_person(told: httpx2.Response) -> None:
    ehr = Ehr()
    ehr.told["Condition"] = told
    await refused_by(ehr, FatalTransportError)


async def test_the_client_given_is_used_and_left_open() -> None:
    ehr = Ehr()
    client = httpx2.AsyncClient(transport=httpx2.MockTransport(ehr), headers={"Authorization": "Bearer t"})
    await FhirServer(f"{BASE}/", "Patient/p", client=client).resources()
    assert not client.is_closed


@pytest.mark.parametrize(
    ("base", "patient"), [("ehr.example", "p"), ("ftp://ehr.example", "p"), (BASE, "a b"), (BASE, "")]
)
async def test_a_server_or_patient_that_cannot_be_is_bad_input(base: str, patient: str) -> None:
    with pytest.raises(BadInput):
        await FhirServer(base, patient, client=httpx2.AsyncClient(transport=httpx2.MockTransport(Ehr()))).resources()


def test_retry_after_is_read_in_both_its_forms() -> None:
    now = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
    assert seconds("120") == 120
    assert seconds("Wed, 25 Nov 2026 12:01:30 GMT", now=now) == 90
    assert seconds("Wed, 25 Nov 2026 11:00:00 GMT", now=now) == 0
    assert seconds("soon") is None
    assert seconds(None) is None
