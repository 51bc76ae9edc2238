"""Where a payer's notifications arrive: kept once for each event, matched to their case, then the story is nudged."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from hmac import compare_digest

from fastapi import FastAPI, Request, Response

from prior_auth import gaps
from prior_auth.api.bodies import fhir_body
from prior_auth.domain.people import ENGINE
from prior_auth.errors import BadInput, Unauthorized
from prior_auth.fhir import bundle, json, pas_determination, subscription
from prior_auth.fhir.subscription import Event, Kind, Notification
from prior_auth.ports import CaseStore, Clock, PracticeOrchestrator


def add_doors(app: FastAPI, store: CaseStore, stories: PracticeOrchestrator, clock: Clock, *, secret: str) -> None:
    """`secret` is what our Subscription asks the payer to send along; with none, anybody's notifications are taken."""
    inbox = Inbox(store, stories, clock)
    expected = f"Bearer {secret}".encode()

    @app.post("/fhir/notifications")
    async def notification(request: Request) -> Response:
        """Backport R4: 2xx once it is kept; the same event again changes nothing."""
        stated = request.headers.get("authorization", "").encode()
        if secret and not compare_digest(stated, expected):
            raise Unauthorized("not the secret of our subscription", fix="send the channel's header as it was given")
        await inbox.take(subscription.read_notification(json.read(await fhir_body(request))))
        return Response(status_code=204)


@dataclass(frozen=True, slots=True)
class Inbox:
    """What came through a subscription (by its id), and what is known to be missing."""

    store: CaseStore
    stories: PracticeOrchestrator
    clock: Clock

    async def take(self, notice: Notification) -> None:
        """Keep what a notification brings. Raises BadInput for an event that cannot be placed."""
        identity = bundle.type_and_id(notice.subscription)
        name = identity[1] if identity else notice.subscription
        await self.store.set_setting(f"heard/{name}", self.clock.now().isoformat())
        await self.count(name, max([notice.total or 0, *(one.number for one in notice.events)]))
        if notice.kind is Kind.HANDSHAKE:
            await self.store.set_setting("subscription-status", "active")
        for event in notice.events:
            await self._take(name, event)

    async def take_events(self, name: str, notice: Notification, wanted: Collection[int]) -> None:
        """Keep the wanted ones of what `$events` answered; one that is of no case of ours is kept and passed over."""
        for event in notice.events:
            if event.number in wanted:
                try:
                    await self._take(name, event)
                except BadInput:
                    continue  # kept as a notice, so it is not missing any more; its payer has to place it

    async def heard(self, name: str) -> datetime | None:
        """When anything last came through this subscription."""
        stated = await self.store.setting(f"heard/{name}")
        return datetime.fromisoformat(stated) if stated else None

    async def count(self, name: str, total: int | None) -> None:
        """Remember that the payer has counted so many events."""
        if total is not None and total > await self._number(f"events/{name}"):
            await self.store.set_setting(f"events/{name}", str(total))

    async def missing(self, name: str) -> list[int]:
        """The numbers of events that were counted and never came, in order."""
        complete, total = await self._number(f"complete/{name}"), await self._number(f"events/{name}")
        if total <= complete:
            return []
        found = await self.store.missing_events(name, since=complete + 1, until=total)
        reached = found[0] - 1 if found else total
        if reached > complete:
            await self.store.set_setting(f"complete/{name}", str(reached))
        return found

    async def forget_missing(self, name: str) -> None:
        """What never came was asked about otherwise: from here on only later numbers count as missing."""
        await self.store.set_setting(f"complete/{name}", str(await self._number(f"events/{name}")))

    async def _number(self, name: str) -> int:
        return int(await self.store.setting(name) or 0)

    async def _take(self, name: str, event: Event) -> None:
        if event.response is None and event.focus is not None:
            await self._named_only(name, event)
            return
        if event.response is None:
            raise BadInput(
                "an event without its response Bundle",
                where="Bundle.entry[0].resource.parameter",
                fix="send content full-resource (PAS 2.2.1, spec-62)",
            )
        now = self.clock.now()
        answer = json.write(event.response)
        determination = pas_determination.read(event.response)
        case_id = None
        for system, value in determination.claim_identifiers:
            case_id = case_id or await self.store.case_of_claim(f"{system}|{value}")
        await self.store.keep_notice(name, event.number, answer, at=now)
        if case_id is None and not determination.claim_identifiers:
            await self._ask_about_open()  # it does not say whose it is: open requests are asked about
            return
        if case_id is None:
            raise BadInput(
                "an answer to no request of ours",
                where="ClaimResponse.request",
                fix="refer to the Claim by its identifier or send it along",
            )
        key = f"notification/{name}/{event.number}"
        version = (await self.store.get(case_id)).version
        # The line of the timeline first: the story may read the message the moment it is kept.
        facts = {"event": str(event.number)}
        await self.store.note(case_id, "notified", by=ENGINE, at=now, facts=facts, key=key)
        await self.store.keep_message(
            case_id, direction="received", kind="notification", version=version, body=answer, key=key, at=now
        )
        await self.stories.nudge(case_id)

    async def _named_only(self, name: str, event: Event) -> None:
        """An answer that is named and not brought, as in 2.0.1: open requests are asked about to find whose it is."""
        kept = json.write({"focus": event.focus})
        if await self.store.keep_notice(name, event.number, kept, at=self.clock.now()):
            await self._ask_about_open()

    async def _ask_about_open(self) -> None:
        now = self.clock.now()
        for case in await self.store.cases(only_open=True):
            if case.version:
                await gaps.found(self.store, case.id, gaps.TOLD, at=now)
                await self.stories.nudge(case.id)
