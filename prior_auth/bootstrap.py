"""Joins the real parts: settings, stores, rules, transports, stories, windows. Knows everything, on purpose."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from prior_auth.api.pages import initials
from prior_auth.api.payer import payer_app
from prior_auth.api.payer_desk import Payer
from prior_auth.api.practice import practice_app
from prior_auth.api.practice_desk import Opening, Practice
from prior_auth.domain.legal_clock import LegalClock
from prior_auth.domain.parties import Address, PayerIdentity, PracticeIdentity
from prior_auth.domain.request import AuthorizationRequest
from prior_auth.engine import Engine
from prior_auth.errors import BadInput
from prior_auth.fhir import json
from prior_auth.fhir.chart_bundle import chart_resources
from prior_auth.fhir.pas_request import ReadRequest
from prior_auth.rulebook import Rulebook
from prior_auth.settings import Payer as PayerSettings
from prior_auth.settings import Practice as PracticeSettings
from prior_auth.settings import Rules, Temporal, read
from prior_auth.store.audit import AuditReport, compare
from prior_auth.store.authorizations import SqlAuthorizations
from prior_auth.store.cases import SqlCases
from prior_auth.store.database import Database, sqlite_url
from prior_auth.store.seal import KeyRing
from prior_auth.store.tables import Side
from prior_auth.transports.fhir_pas import FhirPas
from prior_auth.transports.rest_hook import RestHook
from workflows.client import PayerStories, PracticeStories, Stories
from workflows.options import Patience
from workflows.payer_activities import PayerActivities
from workflows.practice_activities import PracticeActivities


class SystemClock:
    """`Clock` made real."""

    def now(self) -> datetime:
        return datetime.now(UTC)


CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class PracticeSide:
    """The practice's parts, joined."""

    settings: PracticeSettings
    engine: Engine
    store: SqlCases
    transport: FhirPas
    practice: PracticeIdentity
    key: bytes  # seals workflow payloads
    notification_url: str

    def activities(self) -> PracticeActivities:
        return PracticeActivities(
            store=self.store,
            engine=self.engine,
            transport=self.transport,
            practice=self.practice,
            payer_base=self.settings.payer_url,
            clock=CLOCK,
            patience=Patience(self.settings.wait_for_evidence, self.settings.silence),
            automatic=self.settings.release == "automatic",
        )

    def app(self, temporal: Temporal) -> FastAPI:
        stories = PracticeStories(Stories(temporal.address, "practice", self.key), self.store)
        app = practice_app(Practice(self.store, stories, CLOCK, self.settings.person, Intake(self.engine).opening))
        app.add_middleware(
            TrustedHostMiddleware, allowed_hosts=self.settings.called(self.practice.base, self.notification_url)
        )
        return app


@dataclass(frozen=True, slots=True)
class PayerSide:
    """The payer's parts, joined."""

    settings: PayerSettings
    engine: Engine
    store: SqlAuthorizations
    identity: PayerIdentity
    key: bytes

    def activities(self) -> PayerActivities:
        return PayerActivities(
            store=self.store,
            engine=self.engine,
            notifier=RestHook(),
            identity=self.identity,
            payer_id=self.settings.payer_id,
            clock=CLOCK,
            patience=Patience(timedelta(days=7), timedelta(days=3)),
        )

    def app(self, temporal: Temporal) -> FastAPI:
        stories = PayerStories(Stories(temporal.address, "payer", self.key), self.store)
        app = payer_app(
            Payer(
                self.store,
                stories,
                CLOCK,
                self.settings.person,
                self.identity,
                self.settings.answer_within,
                self._clock,
            )
        )
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=self.settings.called(self.identity.base))
        return app

    def _clock(self, request: ReadRequest, received_at: datetime) -> LegalClock:
        return self.engine.clock(request.request, self.settings.payer_id, received_at)


@dataclass(frozen=True, slots=True)
class Intake:
    """Reads what a chart and an order come to when a request is opened."""

    engine: Engine

    def opening(self, bundle: Mapping[str, Any], order: str | None, payer: str | None) -> Opening:
        """Raises BadInput for what is no chart of one patient with one open order (or the one that is named)."""
        resources = chart_resources(bundle)
        today = CLOCK.now().date()
        request = self.engine.read_request(resources, as_of=today, orders=[order] if order else None)
        if len(request.items) > 1:
            found = ", ".join(item.order for item in request.items)
            raise BadInput("the chart holds several open orders", where="order", fix=f"name one of {found}")
        self.engine.judge(resources, as_of=today, orders=[item.order for item in request.items], payer=payer)
        return self._opening(resources, request, payer)

    def _opening(
        self, resources: Sequence[dict[str, Any]], request: AuthorizationRequest, payer: str | None
    ) -> Opening:
        item = request.items[0]
        patient = next(one for one in resources if one["resourceType"] == "Patient")
        payer_id, plan = self.engine.payer_and_plan(payer, request)
        named = [patient.get("identifier") or patient["id"], item.order, payer_id]
        return Opening(
            key=sha256(json.write(named)).hexdigest(),
            payer=payer_id,
            plan=plan,
            service=item.service.code,
            request={"orders": [item.order], "payer": payer},
            card={"patient": initials(patient), "service": item.service.display or item.service.code},
        )


@asynccontextmanager
async def practice_side() -> AsyncIterator[PracticeSide]:
    """Open the practice's store and rules; close the store at the end."""
    found = read(PracticeSettings)
    keys = KeyRing.load_or_create(_key_file(found, "practice"))
    database = await Database.open(_database(found, "practice"), Side.PRACTICE, keys)
    try:
        yield PracticeSide(
            settings=found,
            engine=_engine(),
            store=SqlCases(database),
            transport=FhirPas(found.payer_url),
            practice=_practice(found),
            key=keys.derived("workflow payloads"),
            notification_url=found.notification_url or f"http://{found.host}:{found.port}/fhir/notifications",
        )
    finally:
        await database.close()


@asynccontextmanager
async def payer_side() -> AsyncIterator[PayerSide]:
    """Open the payer's store and rules; close the store at the end."""
    found = read(PayerSettings)
    keys = KeyRing.load_or_create(_key_file(found, "payer"))
    engine = _engine()
    identity = engine.identity(found.payer_id, base=found.public_url or f"http://{found.host}:{found.port}/fhir")
    database = await Database.open(_database(found, "payer"), Side.PAYER, keys)
    try:
        yield PayerSide(found, engine, SqlAuthorizations(database), identity, keys.derived("workflow payloads"))
    finally:
        await database.close()


def _engine() -> Engine:
    return Engine(Rulebook.load(read(Rules).rules))


def _key_file(found: PracticeSettings | PayerSettings, side: str) -> Path:
    found.data.mkdir(parents=True, exist_ok=True)
    return found.key_file or found.data / f"{side}.key"


def _database(found: PracticeSettings | PayerSettings, side: str) -> str:
    return found.database or sqlite_url(found.data / f"{side}.db")


def _practice(found: PracticeSettings) -> PracticeIdentity:
    """Who the practice is on the wire; what is lacking is named before anything is sent, not here."""
    address = Address((found.address_line,), found.city, found.state, found.postal_code) if found.address_line else None
    return PracticeIdentity(
        base=found.public_url or f"http://{found.host}:{found.port}/fhir",
        name=found.organization,
        npi=found.npi or None,
        tin=found.tax_id or None,
        phone=found.phone or None,
        address=address,
        place_of_service=found.place_of_service or None,
        sender_code=found.sender_code or None,
    )


async def compared(data: Path) -> AuditReport:
    """Both sides' stores in a folder of `up`, read only and compared: the one place that opens both."""
    practice = await _kept(data / "practice", "practice", Side.PRACTICE)
    try:
        payer = await _kept(data / "payer", "payer", Side.PAYER)
        try:
            return await compare(practice, payer)
        finally:
            await payer.close()
    finally:
        await practice.close()


async def _kept(folder: Path, name: str, side: Side) -> Database:
    file = folder / f"{name}.db"
    if not file.exists():
        raise BadInput("no store is here", where=str(file), fix="name the --data folder of prior-auth up or demo")
    return await Database.open(sqlite_url(file), side, KeyRing.load(folder / f"{name}.key"), read_only=True)
