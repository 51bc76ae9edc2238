"""Every outside thing, as the rest of the house sees it. Only `bootstrap` joins the real ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from prior_auth.domain.authorization import Authorization, AuthorizationStatus, ItemDecision
from prior_auth.domain.case import Case, CaseStatus
from prior_auth.domain.people import Person
from prior_auth.domain.timeline import Entry, Message

Json = Mapping[str, Any]


class Clock(Protocol):
    def now(self) -> datetime:
        """The instant, aware of its zone."""
        ...


class ChartSource(Protocol):
    async def resources(self) -> list[dict[str, Any]]:
        """Every resource of one patient's chart, lossless JSON.

        Raises BadInput for what is not a chart, TemporaryTransportError or FatalTransportError for a server.
        """
        ...


class PayerTransport(Protocol):
    """How bytes reach a payer. The bytes are those stored; a retry sends the same ones."""

    async def submit(self, body: bytes) -> bytes:
        """POST `Claim/$submit`; the answer's bytes. Raises TemporaryTransportError, FatalTransportError."""
        ...

    async def subscribe(self, subscription: bytes) -> bytes:
        """POST `Subscription`; the created Subscription's bytes."""
        ...

    async def resubscribe(self, subscription_id: str, subscription: bytes) -> bytes:
        """PUT `Subscription/id`: after an error, or with other wishes."""
        ...

    async def subscription_status(self, subscription_id: str) -> bytes:
        """GET `Subscription/id/$status`."""
        ...

    async def events(self, subscription_id: str, *, since: int, until: int) -> bytes:
        """GET `Subscription/id/$events`: these event numbers, both included."""
        ...

    async def inquire(self, body: bytes) -> bytes:
        """POST `Claim/$inquire`; the answer's bytes."""
        ...

    async def attach(self, parameters: bytes, *, url: str | None = None) -> bytes:
        """POST CDex `$submit-attachment` to the address the payer gave; the answer's bytes, perhaps none."""
        ...


class Notifier(Protocol):
    async def deliver(self, endpoint: str, body: bytes, headers: Sequence[str]) -> None:
        """POST a notification to a subscriber. Raises TemporaryTransportError, FatalTransportError."""
        ...


class Ledger(Protocol):
    """What both sides keep of every case or authorization (`owner`): messages byte for byte, and its timeline."""

    def together(self) -> AbstractAsyncContextManager[None]:
        """What is read and written within is one transaction, whole or not at all; nothing slow belongs in it."""
        ...

    async def keep_message(
        self, owner: str, *, direction: str, kind: str, version: int, body: bytes, key: str, at: datetime
    ) -> Message:
        """Store the exact bytes, sealed. The same `key` again returns the first message, unchanged."""
        ...

    async def message_body(self, message_id: str) -> bytes: ...

    async def messages(self, owner: str) -> list[Message]: ...

    async def keep_document(self, owner: str, name: str, document: Any) -> None:
        """Store a JSON document of a case under a name (`assessment`, `wire` …), sealed; replaces the last one."""
        ...

    async def document(self, owner: str, name: str) -> Any | None: ...

    async def documents(self, name: str) -> dict[str, Any]:
        """The document of this name of every owner that has one, by owner: what a list shows."""
        ...

    async def note(
        self, owner: str, what: str, *, by: Person, at: datetime, facts: Mapping[str, str] | None = None, key: str
    ) -> None:
        """Add a timeline entry, once for each `key`."""
        ...

    async def timeline(self, owner: str) -> list[Entry]: ...

    async def look(self, owner: str) -> None:
        """The story is about to read this owner: all that stirred it until now counts as seen.

        Every write that a story may wait for (a message received, evidence added, a document kept by a person, a new
        version, a decision) stirs its owner in the same transaction, so that a lost nudge is found by the sweep.
        """
        ...

    async def stir(self, owner: str) -> None:
        """Say that something else happened which the story should see."""
        ...

    async def setting(self, name: str) -> str | None:
        """A small fact of the installation, such as the subscription's id."""
        ...

    async def set_setting(self, name: str, value: str) -> None: ...

    async def change_clock(
        self, owner: str, name: str, change: Callable[[Any], tuple[Any, datetime | None] | None]
    ) -> None:
        """Change a kept document and the due instant in one step: two events of one moment both count.

        `change` gets the document and gives the new one and its due instant, None where nothing changes; it is not
        asked where there is no such document.
        """
        ...

    async def unlooked(self) -> list[str]:
        """Owners that were stirred since their story last looked."""
        ...


class CaseStore(Ledger, Protocol):
    """The practice's store."""

    async def open(
        self, key: str, *, payer: str | None, plan: str | None, service: str, chart: bytes, request: Json, at: datetime
    ) -> tuple[Case, bool]:
        """Keep a new case, its chart (a Bundle's bytes) and its request (`order`, `payer`), sealed.

        The same business key again returns the first case and False.
        """
        ...

    async def get(self, case_id: str) -> Case:
        """Raises NotFound."""
        ...

    async def cases(self, *, only_open: bool = False) -> list[Case]:
        """Newest change first."""
        ...

    async def request(self, case_id: str) -> Json: ...

    async def chart(self, case_id: str) -> list[dict[str, Any]]:
        """The resources of the chart, and after them what people added."""
        ...

    async def add_evidence(self, case_id: str, resource: Json, *, key: str, by: Person, at: datetime) -> bool:
        """Add a resource that a person stated or attached; False where `key` was there already."""
        ...

    async def additions(self, case_id: str) -> list[str]:
        """The references of what people added, in order."""
        ...

    async def set_status(
        self,
        case_id: str,
        status: CaseStatus,
        *,
        waiting_for: str | None,
        at: datetime,
        due_at: datetime | None = None,
        version: int | None = None,
    ) -> None: ...

    async def case_of_claim(self, claim_identifier: str) -> str | None:
        """The case that sent a Claim under this identifier (`system|value`)."""
        ...

    async def remember_claim(self, case_id: str, claim_identifier: str) -> None: ...

    async def keep_notice(self, subscription: str, event_number: int, body: bytes, *, at: datetime) -> bool:
        """Keep a notification; False where this event of this subscription was kept before."""
        ...

    async def missing_events(self, subscription: str, *, since: int, until: int) -> list[int]:
        """The numbers from `since` to `until`, both included, of which no notification was kept."""
        ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a submission: `fresh` is False for the same bytes or the same content sent again."""

    authorization: Authorization
    version: int
    fresh: bool


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A subscription of one sending system. `headers` are as given in the channel."""

    id: str
    sender: str
    endpoint: str
    headers: tuple[str, ...]
    status: str  # requested | active | error | off
    events: int
    heartbeat: int | None = None  # seconds


@dataclass(frozen=True, slots=True)
class Notification:
    """One event on its way: durable until it has arrived."""

    id: str
    subscription: str
    authorization: str | None
    event_number: int
    body_message: str | None  # None until its bytes are kept
    delivered: bool


class AuthorizationStore(Ledger, Protocol):
    """The payer's store."""

    async def receive(
        self,
        *,
        sender: str,
        bundle_identifier: str,
        claim_identifiers: Sequence[str],
        prior_claim: str | None,
        canonical_hash: str,
        body: bytes,
        plan: str | None,
        service: str,
        at: datetime,
        due_at: datetime | None,
        members: Collection[str] = (),
    ) -> Receipt:
        """Keep a submission, once: the same sender, identifier and canonical body finds the first (pas.md trap 8).

        `prior_claim` of an update leads to its authorization, which gets a new version. Raises NotFound where it leads
        nowhere, Conflict where that authorization was denied or the prior Claim is not its newest.
        """
        ...

    async def of_members(self, members: Collection[str]) -> list[Authorization]:
        """All authorizations of these member or subscriber ids."""
        ...

    async def unlisted(self) -> list[Authorization]:
        """Authorizations that no member leads to."""
        ...

    async def list_members(self, authorization_id: str, members: Collection[str]) -> None:
        """Let these member or subscriber ids lead to the authorization."""
        ...

    async def attach(self, authorization_id: str, *, attachment: bytes, canonical_hash: str, at: datetime) -> Receipt:
        """Keep what came by `$submit-attachment` as a new version, once. Raises NotFound; Conflict once decided."""
        ...

    async def authorization_of_claim(self, sender: str, claim_identifier: str) -> str | None:
        """The authorization that a Claim of this sender and identifier belongs to; of several the newest."""
        ...

    async def keep_refused(self, owner: str, request: bytes, answer: bytes, *, key: str, at: datetime) -> Message:
        """Keep an exchange that changed nothing, both ways, and stir nobody; the answer that was first given.

        `owner` is an authorization, or a name that begins with `refused-` where none is known.
        """
        ...

    async def get(self, authorization_id: str) -> Authorization: ...

    async def spoken_of(self, authorization_ids: Collection[str]) -> set[str]:
        """Those of these on whose newest version a word has been said."""
        ...

    async def authorizations(self, *, only_open: bool = False) -> list[Authorization]: ...

    async def request_body(self, authorization_id: str, version: int) -> bytes: ...

    async def decide(
        self,
        authorization_id: str,
        *,
        version: int,
        decisions: Sequence[ItemDecision],
        waiting_for: str | None,
        at: datetime,
        key: str,
    ) -> Authorization:
        """Keep the payer's word on items of a version as a new revision; the same `key` again changes nothing.

        No decision at all says that it could not be judged: pended, for a person. Every decision passes
        `domain.authorization.permitted`; raises Conflict on an item already decided finally.
        """
        ...

    async def decisions(self, authorization_id: str, version: int | None = None) -> list[ItemDecision]:
        """The word that stands for each item of the newest version (or the one named), by item number."""
        ...

    async def tell(self, authorization_id: str, revision: int) -> None:
        """Remember that the submitter has been given this revision."""
        ...

    async def set_waiting(
        self, authorization_id: str, status: AuthorizationStatus, *, waiting_for: str | None, at: datetime
    ) -> None: ...

    async def speak_again(self, authorization_id: str, *, at: datetime) -> None:
        """Something beside the decisions is to be told: the word that stands has a new revision."""
        ...

    async def subscribe(
        self, *, sender: str, resource: Json, endpoint: str, headers: Sequence[str], heartbeat: int | None = None
    ) -> Subscriber:
        """Keep a subscription; the same sender and endpoint again is the same one."""
        ...

    async def resubscribe(
        self,
        subscription_id: str,
        *,
        sender: str,
        resource: Json,
        endpoint: str,
        headers: Sequence[str],
        heartbeat: int | None = None,
        status: str,
    ) -> Subscriber:
        """Keep what its owner now wants of it. Raises NotFound, Conflict where another one has sender and endpoint."""
        ...

    async def subscription_resource(self, subscription_id: str) -> Json:
        """As its owner wrote it. Raises NotFound."""
        ...

    async def subscriber(self, subscription_id: str) -> Subscriber: ...

    async def subscribers(self, sender: str | None = None) -> list[Subscriber]: ...

    async def set_subscription(self, subscription_id: str, status: str) -> None: ...

    async def handshake(self, subscription_id: str) -> Notification:
        """The notification that opens a subscription: event number 0; the same one every time."""
        ...

    async def next_event(self, subscription_id: str, authorization_id: str, *, key: str) -> Notification:
        """Take the next event number of a subscription, without gaps; the same `key` again returns the first."""
        ...

    async def keep_notification_body(self, notification_id: str, body: bytes, *, at: datetime) -> None:
        """Store the exact bytes to be delivered, once."""
        ...

    async def notification(self, notification_id: str) -> Notification: ...

    async def undelivered(self) -> list[Notification]: ...

    async def events(self, subscription_id: str, *, since: int, until: int) -> list[Notification]:
        """The events of these numbers, both included, whose bytes are kept."""
        ...

    async def untold(self) -> list[str]:
        """Authorizations with a word that the submitter has not been given."""
        ...

    async def mark_delivered(self, notification_id: str, *, at: datetime) -> None: ...


class PracticeOrchestrator(Protocol):
    """The durable story of a case, seen from the practice's windows. Never raises for a service that is away:
    the store already has the fact, and the sweep brings it to the workflow."""

    async def open(self, case_id: str) -> None: ...

    async def nudge(self, case_id: str) -> None:
        """Something in the store changed that the story waits for: evidence, a release, the payer's word."""
        ...


class PayerOrchestrator(Protocol):
    async def open(self, authorization_id: str) -> None: ...

    async def nudge(self, authorization_id: str) -> None:
        """A clinician decided, or a new version came."""
        ...

    async def deliver(self, notification_id: str, *, anew: bool = False) -> None:
        """Carry a notification until it has arrived; `anew` at once, whatever pause an earlier try has come to."""
        ...
