"""The golden set's second half: every request type, every update, inquiries, mixed decisions, refusals, past events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from prior_auth.domain.authorization import Action, DenialReason, ItemDecision, RequestedInformation
from prior_auth.domain.coding import Coding
from prior_auth.domain.legal_clock import Extended
from prior_auth.domain.people import ENGINE, Person, Role
from prior_auth.domain.request import Period, RequestItem
from prior_auth.errors import BadInput
from prior_auth.fhir import codes, json, outcome, pas_inquiry, pas_request, pas_response, subscription
from prior_auth.fhir.validate import check_structure, validate

Json = dict[str, Any]
Validate = Callable[..., list[Json]]

AT = datetime(2026, 6, 1, 10, 5, tzinfo=UTC)
DOCTOR = Person("Dr Vera Stone", Role.CLINICIAN, "1245319599")
COURSE = Period(date(2026, 6, 8), date(2026, 12, 7))
SENDER = subscription.Sender("https://payer.example.org/fhir", "sub-1", "active")
PATIENT, ROLE = {"reference": "Patient/pat"}, {"reference": "PractitionerRole/role"}
SHORT = ("Condition/cancer", "Observation/her2")


def concept(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def service(identity: str, category: Json, code: Json, **rest: Any) -> Json:
    return {
        "resourceType": "ServiceRequest",
        "id": identity,
        "status": "active",
        "intent": "order",
        "category": [category],
        "code": code,
        "subject": PATIENT,
        "authoredOn": "2026-05-25",
        "requester": ROLE,
        "reasonReference": [{"reference": "Condition/cancer"}],
        **rest,
    }


IMAGING = service("pet", concept(codes.SNOMED, "363679005"), concept(codes.CPT, "78815"))
RADIOTHERAPY = service("imrt", concept(codes.SNOMED, "108290001"), concept(codes.CPT, "77385"))
LABORATORY = service("panel", concept(codes.SNOMED, "108252007"), concept(codes.CPT, "81455"))
DEVICE = {
    "resourceType": "DeviceRequest",
    "id": "pump",
    "status": "active",
    "intent": "order",
    "codeCodeableConcept": concept(codes.HCPCS, "E0781"),
    "subject": PATIENT,
    "authoredOn": "2026-05-25",
    "requester": ROLE,
}


def drug(identity: str, rxnorm: str) -> Json:
    return {
        "resourceType": "MedicationRequest",
        "id": identity,
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": concept(codes.RXNORM, rxnorm),
        "subject": PATIENT,
        "authoredOn": "2026-05-25",
        "requester": ROLE,
        "reasonReference": [{"reference": "Condition/cancer"}],
    }


def item(order: Json, system: str, code: str, units: int | None = 1, **more: Any) -> RequestItem:
    coding = Coding(system, code)
    reference = f"{order['resourceType']}/{order['id']}"
    amount = Decimal(units) if units is not None else None
    return RequestItem(reference, coding, (coding,), amount, COURSE, "PractitionerRole/role", **more)


SECOND = drug("second", "40048")
OF_SECOND = item(SECOND, codes.HCPCS, "J9045", 12)


def asking(world: Any, *items: RequestItem, orders: tuple[Json, ...] = (), evidence: tuple[str, ...] = SHORT) -> Any:
    return world.changed(chart=[*world.chart, *orders], request=replace(world.request, items=items), evidence=evidence)


def of(order: Json, system: str, code: str, units: int | None = 1) -> Callable[[Any], Json]:
    return lambda world: asking(world, item(order, system, code, units), orders=(order,)).build().bundle


def first(world: Any) -> Json:
    return asking(world, *world.request.items).build().bundle


def regimen(world: Any) -> Json:
    return asking(world, *world.request.items, OF_SECOND, orders=(SECOND,)).build().bundle


def ndc(world: Any) -> Json:
    order = drug("oral", "1721468")
    return of(order, codes.NDC, "00078059251", 30)(world)


def renewal(world: Any) -> Json:
    return asking(world, replace(world.request.items[0], renews="AUTH-0001")).build().bundle


def update(world: Any, prior: Json, *items: RequestItem, orders: tuple[Json, ...] = (), number: int = 2) -> Json:
    stamp = replace(world.stamp, submission=f"case-1-v{number}", trace=f"case-1-{number}")
    return asking(world, *items, orders=orders).changed(stamp=stamp).build(prior=prior).bundle


def added(world: Any) -> Json:
    return update(world, first(world), *world.request.items, OF_SECOND, orders=(SECOND,))


def modified(world: Any) -> Json:
    return update(world, first(world), replace(world.request.items[0], units=Decimal(21)))


def one_cancelled(world: Any) -> Json:
    return update(world, regimen(world), *world.request.items)


def a_third_version(world: Any) -> Json:
    """Of an update: its own prior stays out, what was cancelled stays cancelled, and marks are of this version only."""
    less = replace(world.request.items[0], units=Decimal(21))
    return update(world, one_cancelled(world), less, number=3)


def all_cancelled(world: Any) -> Json:
    stamp = replace(world.stamp, submission="case-1-v2", trace="case-1-2")
    return pas_request.cancel(first(world), stamp=stamp)


def decided(sequence: int, action: Action, **more: Any) -> ItemDecision:
    by = DOCTOR if action in (Action.DENY, Action.MODIFY) else ENGINE
    if action in (Action.CERTIFY, Action.MODIFY):
        more = {"number": f"AUTH-{sequence}", "period": COURSE, **more}
    return ItemDecision(sequence, action, by, **more)


DENIED = decided(
    2,
    Action.DENY,
    reason=DenialReason.STEP_THERAPY_NOT_TRIED,
    narrative="The preferred product was not tried.",
    criterion="R14.C3",
)
LESS = decided(
    1,
    Action.MODIFY,
    units=Decimal(30),
    reason=DenialReason.QUANTITY_OR_DURATION_EXCEEDED,
    narrative="Thirty units cover the course.",
)
ASKED = decided(2, Action.PEND, requested=(RequestedInformation("89247-1", "ECOG of the last 60 days", "R09.C5"),))


def answer(sent: Json, world: Any, *decisions: ItemDecision, revision: int = 1, **payer: Any) -> Json:
    stamp = pas_response.Stamp("auth-1", revision, AT, number="PEND-1")
    identity = replace(world.payer, **payer)
    return pas_response.build(sent, pas_request.read(sent), decisions, payer=identity, stamp=stamp)


def taking_longer(world: Any) -> Json:
    sent = first(world)
    longer = Extended(10, "A second opinion is sought.", waits=True)
    stamp = pas_response.Stamp("auth-1", 2, AT, number="PEND-1", extended=longer)
    return pas_response.build(sent, pas_request.read(sent), [PENDED], payer=world.payer, stamp=stamp)


def refused(world: Any, **payer: Any) -> Json:
    sent = modified(world)
    where = "Bundle.entry[0].resource.related[0].claim"
    wrong = pas_response.Rejection(None, where, "a denied request cannot be updated", codes.NO_RESUBMISSION)
    stamp = pas_response.Stamp("auth-1", 2, AT)
    return pas_response.rejected(
        sent, pas_request.read(sent), [wrong], payer=replace(world.payer, **payer), stamp=stamp
    )


def question(world: Any, number: str | None = None) -> Json:
    stamp = pas_request.Stamp("case-1/inquiry/1", "case-1-i1", AT)
    return pas_inquiry.build(first(world), numbers={1: number} if number else {}, stamp=stamp)


def told(world: Any, *found: tuple[Json, tuple[ItemDecision, ...]]) -> Json:
    written = []
    for number, (sent, decisions) in enumerate(found, start=1):
        stamp = pas_response.Stamp(f"auth-{number}", 1, AT, number=f"PEND-{number}")
        read = pas_request.read(sent)
        written.append(pas_response.inquired(sent, read, decisions, payer=world.payer, stamp=stamp))
    return pas_inquiry.answer(written, inquiry="case-1-i1")


def past_events(world: Any) -> Json:
    pended, certified = [answer(first(world), world, one, revision=n) for n, one in ((1, PENDED), (2, CERTIFIED))]
    told_at = AT.isoformat()
    events = [subscription.Event(4, told_at, pended), subscription.Event(5, told_at, certified)]
    return subscription.events_of(SENDER, events, total=5, at=AT)


def unsound(world: Any) -> Json:
    sent = first(world)
    sent["entry"][0]["resource"]["created"] = "yesterday"
    return outcome.from_issues([one for one in check_structure(sent) if one.severity == "error"])


PENDED = decided(1, Action.PEND)
CERTIFIED = decided(1, Action.CERTIFY)

EMITTED: dict[str, Callable[[Any], Json]] = {
    "request-imaging": of(IMAGING, codes.CPT, "78815"),
    "request-radiotherapy": of(RADIOTHERAPY, codes.CPT, "77385", 28),
    "request-laboratory": of(LABORATORY, codes.CPT, "81455"),
    "request-device": of(DEVICE, codes.HCPCS, "E0781"),
    "request-drug-by-ndc": ndc,
    "request-regimen": regimen,
    "request-renewal": renewal,
    "update-add-item": added,
    "update-modify-item": modified,
    "update-cancel-item": one_cancelled,
    "update-of-an-update": a_third_version,
    "update-cancel-all": all_cancelled,
    "inquiry": question,
    "inquiry-by-number": lambda world: question(world, number="PEND-1"),
    "inquiry-answer": lambda world: told(world, (first(world), (CERTIFIED,))),
    "inquiry-answer-pended": lambda world: told(world, (regimen(world), (CERTIFIED, ASKED))),
    "inquiry-answer-several": lambda world: told(world, (first(world), (CERTIFIED,)), (regimen(world), (LESS, DENIED))),
    "inquiry-answer-none": lambda world: told(world),
    "response-renewed": lambda world: answer(renewal(world), world, CERTIFIED),
    "response-partial": lambda world: answer(regimen(world), world, CERTIFIED, DENIED),
    "response-modified-and-pended": lambda world: answer(regimen(world), world, LESS, ASKED),
    "response-pended-for-a-clinician": lambda world: answer(first(world), world, PENDED),
    "response-to-an-added-item": lambda world: answer(added(world), world, CERTIFIED, replace(PENDED, sequence=2)),
    "response-to-a-cancelled-item": lambda world: answer(
        one_cancelled(world), world, CERTIFIED, decided(2, Action.CANCEL)
    ),
    "response-to-a-cancellation": lambda world: answer(all_cancelled(world), world, decided(1, Action.CANCEL)),
    "response-denied-with-the-payers-code": lambda world: answer(
        regimen(world), world, CERTIFIED, DENIED, reason_codes={"STEP_THERAPY_NOT_TRIED": "OS"}
    ),
    "response-taking-longer": taking_longer,
    "response-update-refused": refused,
    "response-update-refused-with-the-payers-code": lambda world: refused(world, reject_code="33"),
    "outcome-not-processable": lambda _: outcome.from_error(
        BadInput("no patient", where="Bundle.entry[0].resource.patient", fix="refer to Patient in the Bundle")
    ),
    "outcome-not-sound": unsound,
    "subscription-with-heartbeat": lambda _: subscription.subscription(
        ["EXONC", "EXONC2"], endpoint="https://oncology.example.org/notices", heartbeat=600
    ),
    "subscription-events": past_events,
    "notification-event-pended": lambda world: subscription.event(
        SENDER, answer(regimen(world), world, CERTIFIED, ASKED), number=4, at=AT
    ),
}


@pytest.mark.parametrize("name", EMITTED)
@pytest.mark.requirement("spec-1", "spec-19", "spec-23")
def test_what_goes_out_is_as_committed_and_valid(world: Any, golden: Callable[[str, Json], None], name: str) -> None:
    resource = json.read(json.write(EMITTED[name](world)))
    golden(name, resource)
    assert "PLANTED" not in str(resource)  # what no criterion needs stays in the chart (house rule 13)
    assert [one for one in validate(resource) if one.severity == "error"] == []


# One of each kind; `make proof` judges them all.
JUDGED = ("request-device", "request-regimen", "update-of-an-update", "update-cancel-all", "inquiry-by-number",
          "inquiry-answer-several", "response-modified-and-pended", "subscription-events")  # fmt: skip


@pytest.mark.parametrize("name", JUDGED)
@pytest.mark.requirement("spec-1", "spec-19", "spec-23")
def test_the_official_validator_finds_no_error_in_it(world: Any, official_errors: Validate, name: str) -> None:
    assert official_errors(EMITTED[name](world)) == []
