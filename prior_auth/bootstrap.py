"""Joins the real parts: settings, stores, rules, transports, stories, windows. Knows everything, on purpose."""

from __future__ import annotations

import ssl
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware

from prior_auth.api.pages import initials
from prior_auth.api.payer import payer_app
from prior_auth.api.payer_desk import Payer
from prior_auth.api.practice import practice_app
from prior_auth.api.practice_desk import Opening, Practice
from prior_auth.charts.code_map import codes_in
from prior_auth.domain.authorization import DenialReason
from prior_auth.domain.legal_clock import LegalClock
from prior_auth.domain.parties import Address, PayerIdentity, PracticeIdentity, Script
from prior_auth.domain.request import AuthorizationRequest
from prior_auth.engine import Engine
from prior_auth.errors import BadInput, SettingsError
from prior_auth.fhir import json
from prior_auth.fhir.chart_bundle import chart_resources
from prior_auth.fhir.pas_request import ReadRequest
from prior_auth.fhir.regimens import are_one_regimen
from prior_auth.r4 import folder
from prior_auth.rulebook import Rulebook
from prior_auth.settings import Payer as PayerSettings
from prior_auth.settings import Practice as PracticeSettings
from prior_auth.settings import Rules, Temporal, read
from prior_auth.smart.client import Identity, SmartAuth
from prior_auth.smart.clients import Registry
from prior_auth.smart.keys import Key, load_or_create, published
from prior_auth.smart.server import AuthorizationServer, PublishedKeys
from prior_auth.smart.tokens import Tokens
from prior_auth.store.assertions import SqlAssertions
from prior_auth.store.audit import AuditReport, compare
from prior_auth.store.authorizations import SqlAuthorizations
from prior_auth.store.cases import SqlCases
from prior_auth.store.database import Database, sqlite_url
from prior_auth.store.seal import KeyRing
from prior_auth.store.tables import Side
from prior_auth.transports import fhir_pas, rest_hook
from prior_auth.transports.fhir_pas import FhirPas
from prior_auth.transports.http import fetch
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
    notification_secret: str = ""  # the payer sends it along (Subscription.channel.header)
    signing_key: Key | None = None  # where the payer knows us by a client id

    def activities(self) -> PracticeActivities:
        return PracticeActivities(
            store=self.store,
            engine=self.engine,
            transport=self.transport,
            practice=self.practice,
            payer_base=self.settings.payer_url,
            clock=CLOCK,
            patience=Patience(self.settings.wait_for_evidence, self.settings.silence, self.settings.renew_before),
            automatic=self.settings.release == "automatic",
            payer_pas=self.settings.payer_pas,
        )

    def app(self, temporal: Temporal) -> FastAPI:
        stories = PracticeStories(Stories(temporal.address, "practice", self.key), self.store)
        window = Practice(
            self.store,
            stories,
            CLOCK,
            self.settings.person,
            Intake(self.engine).opening,
            notification_secret=self.notification_secret,
            jwks=published(self.signing_key) if self.signing_key else None,
            codes=codes_in(self.settings.codes) if self.settings.codes is not None else None,
        )
        app = practice_app(window)
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
    notifier: RestHook
    authorization: AuthorizationServer | None = None

    def activities(self) -> PayerActivities:
        return PayerActivities(
            store=self.store,
            engine=self.engine,
            notifier=self.notifier,
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
                self.settings.retention,
            ),
            self.authorization,
        )
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=self.settings.called(self.identity.base))
        return app

    def _clock(self, request: ReadRequest, received_at: datetime) -> LegalClock:
        return self.engine.clock(request.request, self.settings.payer_id, received_at)


@dataclass(frozen=True, slots=True)
class Intake:
    """Reads what a chart and an order come to when a request is opened."""

    engine: Engine

    def opening(self, bundle: Mapping[str, Any], orders: Sequence[str], payer: str | None) -> Opening:
        """Raises BadInput for what is no chart of one patient with one open order, one regimen, or those named."""
        resources = chart_resources(bundle)
        today = CLOCK.now().date()
        request = self.engine.read_request(resources, as_of=today, orders=list(orders) or None)
        asked = [item.order for item in request.items]
        if len(asked) > 1 and not orders and not are_one_regimen(resources, asked):
            fix = f"name one of {', '.join(asked)}, or all that belong to one regimen"
            raise BadInput("the chart holds several open orders", where="order", fix=fix)
        self.engine.judge(resources, as_of=today, orders=asked, payer=payer)
        return self._opening(resources, request, payer)

    def _opening(
        self, resources: Sequence[dict[str, Any]], request: AuthorizationRequest, payer: str | None
    ) -> Opening:
        item = request.items[0]
        patient = next(one for one in resources if one["resourceType"] == "Patient")
        payer_id, plan = self.engine.payer_and_plan(payer, request)
        orders = [one.order for one in request.items]
        named = [patient.get("identifier") or patient["id"], *sorted(orders), payer_id]
        more = f" and {len(orders) - 1} more" if len(orders) > 1 else ""
        return Opening(
            key=sha256(json.write(named)).hexdigest(),
            payer=payer_id,
            plan=plan,
            service=item.service.code,
            request={"orders": orders, "payer": payer},
            card={"patient": initials(patient), "service": f"{item.service.display or item.service.code}{more}"},
            services={one.order: one.service.code for one in request.items},
        )


@asynccontextmanager
async def practice_side() -> AsyncIterator[PracticeSide]:
    """Open the practice's store and rules; close the store at the end."""
    found = read(PracticeSettings)
    _refuse_open_wires(found)
    keys = KeyRing.load_or_create(_key_file(found, "practice"))
    signing_key = _signing_key(found) if found.client_id else None
    async with AsyncExitStack() as stack:
        database = await Database.open(_database(found, "practice"), Side.PRACTICE, keys)
        stack.push_async_callback(database.close)
        auth = None
        if signing_key is not None:
            auth = SmartAuth(found.payer_url, Identity(found.client_id, signing_key, found.scope), CLOCK.now)
        http = await stack.enter_async_context(_caller(found, fhir_pas.TIMEOUT, auth))
        yield PracticeSide(
            settings=found,
            engine=_engine(),
            store=SqlCases(database),
            transport=FhirPas(found.payer_url, client=http),
            practice=_practice(found),
            key=keys.derived("workflow payloads"),
            notification_url=found.notification_url or f"{_root(found)}/fhir/notifications",
            notification_secret=urlsafe_b64encode(keys.derived("notifications")).decode().rstrip("="),
            signing_key=signing_key,
        )


@asynccontextmanager
async def payer_side() -> AsyncIterator[PayerSide]:
    """Open the payer's store and rules; close the store at the end."""
    found = read(PayerSettings)
    keys = KeyRing.load_or_create(_key_file(found, "payer"))
    engine = _engine()
    base = found.public_url or f"{_root(found)}/fhir"
    async with AsyncExitStack() as stack:
        database = await Database.open(_database(found, "payer"), Side.PAYER, keys)
        stack.push_async_callback(database.close)
        http = await stack.enter_async_context(_caller(found, rest_hook.TIMEOUT))
        authorization = None
        if found.authentication == "required":
            authorization = AuthorizationServer(
                base=base,
                token_url=f"{base.removesuffix('/fhir')}/auth/token",
                registry=Registry(found.clients),
                tokens=Tokens(keys.derived("access tokens"), base),
                keys=PublishedKeys(partial(fetch, http)),
                replay=SqlAssertions(database),
            )
        yield PayerSide(
            settings=found,
            engine=engine,
            store=SqlAuthorizations(database),
            identity=replace(
                engine.identity(found.payer_id, base=base),
                reason_codes=_reason_codes(found),
                reject_code=found.reject_code or None,
                script=_script(found),
            ),
            key=keys.derived("workflow payloads"),
            notifier=RestHook(client=http),
            authorization=authorization,
        )


def _root(found: PracticeSettings | PayerSettings) -> str:
    """Where a window is reached if no setting says otherwise."""
    return f"{'https' if found.tls_certificate else 'http'}://{found.host}:{found.port}"


def _caller(
    found: PracticeSettings | PayerSettings, timeout: httpx2.Timeout, auth: httpx2.Auth | None = None
) -> httpx2.AsyncClient:
    """Calls the other company, believing whom the settings say."""
    try:
        believed = ssl.create_default_context(cafile=str(found.tls_authorities)) if found.tls_authorities else True
    except OSError as problem:
        name = str(found.tls_authorities)
        raise SettingsError("no certificates can be read", where=name, fix="name a PEM file") from problem
    return httpx2.AsyncClient(timeout=timeout, auth=auth, verify=believed)


def _signing_key(found: PracticeSettings) -> Key:
    return load_or_create(found.signing_key or found.data / "practice-signing.jwk")


def _refuse_open_wires(found: PracticeSettings) -> None:
    """Patients' data leave this machine by https only, unless somebody answers for the wire."""
    url = httpx2.URL(found.payer_url)
    if url.scheme != "https" and url.host not in ("127.0.0.1", "localhost", "::1") and not found.plain_http:
        raise SettingsError(
            "the payer's address is not https",
            where="PRIOR_AUTH_PRACTICE_PAYER_URL",
            fix="use https, or set PRIOR_AUTH_PRACTICE_PLAIN_HTTP=true on a network of your own",
        )


def _script(found: PayerSettings) -> Script | None:
    """A test rig's, where it is asked for. Raises SettingsError where nobody is named who may deny and reduce."""
    if found.scripted_decisions is None:
        return None
    if not found.person.may_decide_adversely:
        raise SettingsError(
            "a test rig's denials and reductions are in a clinician's name",
            where="PRIOR_AUTH_PAYER_SCRIPTED_DECISIONS",
            fix="set PRIOR_AUTH_PAYER_PERSON_NAME, _PERSON_ROLE=clinician and _PERSON_LICENCE",
        )
    return Script(found.person, found.scripted_decisions)


def _reason_codes(found: PayerSettings) -> dict[str, str]:
    """The payer's own table. Raises SettingsError for a reason that is none of ours."""
    if unknown := set(found.reason_codes) - {one.value for one in DenialReason}:
        where = "PRIOR_AUTH_PAYER_REASON_CODES"
        raise SettingsError(f"{min(unknown)} is no reason", where=where, fix=f"use {', '.join(DenialReason)}")
    return found.reason_codes


def _engine() -> Engine:
    stated = read(Rules)
    if stated.packages is not None:
        folder.load(stated.packages)
    return Engine(Rulebook.load(stated.rules))


def _key_file(found: PracticeSettings | PayerSettings, side: str) -> Path:
    found.data.mkdir(parents=True, exist_ok=True)
    return found.key_file or found.data / f"{side}.key"


def _database(found: PracticeSettings | PayerSettings, side: str) -> str:
    return found.database or sqlite_url(found.data / f"{side}.db")


def _practice(found: PracticeSettings) -> PracticeIdentity:
    """Who the practice is on the wire; what is lacking is named before anything is sent, not here."""
    address = Address((found.address_line,), found.city, found.state, found.postal_code) if found.address_line else None
    return PracticeIdentity(
        base=found.public_url or f"{_root(found)}/fhir",
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
