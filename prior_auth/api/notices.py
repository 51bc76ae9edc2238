"""Where a payer's notifications arrive: kept once for each event, matched to their case, then the story is nudged."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response

from prior_auth.api.bodies import fhir_body
from prior_auth.domain.people import ENGINE
from prior_auth.errors import BadInput
from prior_auth.fhir import bundle, json, pas_determination, subscription
from prior_auth.fhir.subscription import Event, Kind
from prior_auth.ports import CaseStore, Clock, PracticeOrchestrator


def add_doors(app: FastAPI, store: CaseStore, stories: PracticeOrchestrator, clock: Clock) -> None:
    @app.post("/fhir/notifications")
    async def notification(request: Request) -> Response:
        """Backport R4: 2xx once it is kept; the same event again changes nothing."""
        notice = subscription.read_notification(json.read(await fhir_body(request)))
        identity = bundle.type_and_id(notice.subscription)
        name = identity[1] if identity else notice.subscription
        if notice.kind is Kind.HANDSHAKE:
            await store.set_setting("subscription-status", "active")
        for event in notice.events:
            await _take(store, stories, clock, name, event)
        return Response(status_code=204)


async def _take(store: CaseStore, stories: PracticeOrchestrator, clock: Clock, name: str, event: Event) -> None:
    if event.response is None:
        raise BadInput(
            "an event without its response Bundle",
            where="Bundle.entry[0].resource.parameter",
            fix="send content full-resource (PAS 2.2.1, spec-62)",
        )
    now = clock.now()
    answer = json.write(event.response)
    determination = pas_determination.read(event.response)
    case_id = None
    for system, value in determination.claim_identifiers:
        case_id = case_id or await store.case_of_claim(f"{system}|{value}")
    await store.keep_notice(name, event.number, answer, at=now)
    if case_id is None:
        raise BadInput(
            "an answer to no request of ours",
            where="ClaimResponse.request",
            fix="refer to the Claim by its identifier or send it along",
        )
    key = f"notification/{name}/{event.number}"
    version = (await store.get(case_id)).version
    # The line of the timeline first: the story may read the message the moment it is kept.
    facts = {"event": str(event.number)}
    await store.note(case_id, "notified", by=ENGINE, at=now, facts=facts, key=key)
    await store.keep_message(
        case_id, direction="received", kind="notification", version=version, body=answer, key=key, at=now
    )
    await stories.nudge(case_id)
