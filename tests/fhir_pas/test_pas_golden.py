"""Every Bundle we emit, committed as it goes out, judged by HL7's own validator and by fhir.resources."""

from __future__ import annotations

import json as standard_json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from prior_auth.domain.authorization import Action, DenialReason, ItemDecision, RequestedInformation
from prior_auth.domain.people import ENGINE, Person, Role
from prior_auth.domain.request import Period, Urgency
from prior_auth.fhir import capability, cdex, json, pas_request, pas_response, subscription

Json = dict[str, Any]
Validate = Callable[..., list[Json]]

AT = datetime(2026, 6, 1, 10, 5, tzinfo=UTC)
DOCTOR = Person("Dr Vera Stone", Role.CLINICIAN, "1245319599")
GRANTED = Period(date(2026, 6, 8), date(2026, 12, 7))
DECISIONS = {
    "certified": ItemDecision(1, Action.CERTIFY, ENGINE, number="AUTH-1", period=GRANTED),
    "not-certified": ItemDecision(
        1,
        Action.DENY,
        DOCTOR,
        reason=DenialReason.BIOMARKER_CONTRADICTS,
        narrative="HER2 is negative.",
        criterion="R09.C2",
    ),
    "pended": ItemDecision(
        1, Action.PEND, ENGINE, requested=(RequestedInformation("89247-1", "ECOG of the last 60 days", "R09.C5"),)
    ),
    "modified": ItemDecision(
        1,
        Action.MODIFY,
        DOCTOR,
        number="AUTH-2",
        units=Decimal(30),
        period=GRANTED,
        reason=DenialReason.QUANTITY_OR_DURATION_EXCEEDED,
        narrative="Thirty units cover the course.",
    ),
}
SENDER = subscription.Sender("https://payer.example.org/fhir", "sub-1", "active")
WITHOUT_ECOG = ("Condition/cancer", "Observation/her2", "Observation/lvef", "MedicationAdministration/prior")


def request(world: Any) -> Json:
    built: Json = world.build().bundle
    return built


def short_request(world: Any) -> Json:
    built: Json = world.changed(evidence=WITHOUT_ECOG).build().bundle
    return built


def answer(world: Any, kind: str) -> Json:
    sent = short_request(world)
    stamp = pas_response.Stamp("auth-1", 1, AT, number="PEND-1")
    return pas_response.build(sent, pas_request.read(sent), [DECISIONS[kind]], payer=world.payer, stamp=stamp)


def rejection(world: Any) -> Json:
    sent = short_request(world)
    wrong = pas_response.Rejection("T4", "Bundle.entry[0].resource.insurer", "This payer is not here.")
    stamp = pas_response.Stamp("auth-1", 1, AT)
    return pas_response.rejected(sent, pas_request.read(sent), [wrong], payer=world.payer, stamp=stamp)


def attachment(world: Any) -> Json:
    asked = pas_response.read(json.read(json.write(answer(world, "pended"))))
    return cdex.build(
        short_request(world),
        world.chart,
        [cdex.Answer("Observation/ecog", asked.requested[0]), cdex.Answer("DocumentReference/report", None)],
        tracking=asked.identifiers[0],
        administration_reference="PEND-1",
        member_id="MEMBER-7",
        practice=world.practice,
        payer=world.payer,
    )


def joined(world: Any) -> Json:
    return cdex.completed(short_request(world), cdex.read(attachment(world)))


def update(world: Any) -> Json:
    stamp = replace(world.stamp, submission="case-1-v2", trace="case-1-2")
    built: Json = world.changed(stamp=stamp).build(prior=short_request(world)).bundle
    return built


def child_of_a_subscriber(world: Any) -> Json:
    parent = {
        "resourceType": "Patient",
        "id": "parent",
        "name": [{"family": "Example", "given": ["Bea"]}],
        "gender": "female",
    }
    system = "http://terminology.hl7.org/CodeSystem/subscriber-relationship"
    world.resource("Coverage/cov")["relationship"] = {"coding": [{"system": system, "code": "child"}]}
    world.resource("Coverage/cov")["subscriber"] = {"reference": "Patient/parent"}
    urgent = replace(world.request, urgency=Urgency.EXPEDITED)
    return request(world.changed(chart=[*world.chart, parent], request=urgent))


def a_wish() -> Json:
    return subscription.subscription(["EXONC"], endpoint="https://oncology.example.org/notices", headers=["X: y"])


EMITTED: dict[str, Callable[[Any], Json]] = {
    "request": request,
    "request-urgent-subscriber": child_of_a_subscriber,
    "response-certified": lambda world: answer(world, "certified"),
    "response-not-certified": lambda world: answer(world, "not-certified"),
    "response-pended": lambda world: answer(world, "pended"),
    "response-modified": lambda world: answer(world, "modified"),
    "response-error": rejection,
    "attachment": attachment,
    "request-with-attachment": joined,
    "subscription": lambda world: a_wish(),
    "subscription-created": lambda world: subscription.accepted(a_wish(), subscription_id="sub-1"),
    "notification-handshake": lambda world: subscription.handshake(replace(SENDER, status="requested"), at=AT),
    "notification-heartbeat": lambda world: subscription.heartbeat(SENDER, total=4, at=AT),
    "notification-event": lambda world: subscription.event(SENDER, answer(world, "certified"), number=5, at=AT),
    "subscription-status": lambda world: subscription.status_of(SENDER, total=5, at=AT),
    "capability": lambda world: capability.payer(SENDER.base, on=date(2026, 6, 1), version="0.1.0", smart=True),
}


@pytest.mark.parametrize("name", [*EMITTED, "update"])
def test_what_goes_out_is_as_committed(world: Any, golden: Callable[[str, Json], None], name: str) -> None:
    golden(name, EMITTED.get(name, update)(world))


@pytest.mark.parametrize("name", EMITTED)
@pytest.mark.requirement("spec-1", "spec-19", "spec-23", "use-1")
def test_the_official_validator_finds_no_error(world: Any, official_errors: Validate, name: str) -> None:
    assert official_errors(EMITTED[name](world)) == []


def test_an_update_has_no_error_but_the_mark_that_its_own_text_demands(world: Any, official_errors: Validate) -> None:
    """infoChanged on a new supportingInfo: spec-72 demands it, the extension's context in 2.2.1 does not allow it."""
    built = update(world)
    marked = [one for one in built["entry"][0]["resource"]["supportingInfo"] if _mark(one)]
    assert marked
    assert official_errors(built)

    for one in marked:
        one["extension"] = [part for part in one["extension"] if "infoChanged" not in part["url"]]
        if not one["extension"]:
            del one["extension"]
    assert official_errors(built) == []


def _mark(entry: Json) -> bool:
    return any("infoChanged" in one["url"] for one in entry.get("extension", []))


@pytest.mark.parametrize("name", [*EMITTED, "update"])
def test_the_typed_models_take_what_goes_out(world: Any, name: str) -> None:
    """The second judge: fhir.resources' R4B models, which know R4's structure and required elements."""
    models = pytest.importorskip("fhir.resources.R4B")
    resource = standard_json.loads(json.write(EMITTED.get(name, update)(world)))

    model = models.get_fhir_model_class(resource["resourceType"])
    model.model_validate(resource)
