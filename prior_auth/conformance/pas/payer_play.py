"""A payer that is played: it answers a client under test by a script, notifies it, and keeps all that came.

What it says is built by the same functions as our payer's answers, so that a client is given sound ones only.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import httpx2

from prior_auth.conformance.pas import update_rules
from prior_auth.conformance.pas.bundle_rules import entries_of, first, list_of, object_of, resources_of
from prior_auth.conformance.pas.listener import Answer, Call
from prior_auth.domain.authorization import Action, DenialReason, ItemDecision, RequestedInformation
from prior_auth.domain.parties import PayerIdentity, Script
from prior_auth.domain.people import ENGINE, Person, Role
from prior_auth.errors import BadInput, PriorAuthError
from prior_auth.fhir import (
    capability,
    cdex,
    json,
    outcome,
    pas_inquiry,
    pas_people,
    pas_request,
    pas_response,
    pas_script,
    subscription,
)
from prior_auth.fhir.codes import Json
from prior_auth.fhir.pas_received import ReadItem, ReadRequest
from prior_auth.smart.oauth import OAuthError
from prior_auth.smart.server import AuthorizationServer


class Turn(StrEnum):
    """What happens to a first request: `pend` is decided by a notification, `ask` after an attachment.

    `error` is a business rejection (2xx), `refuse` a 400, `down` a 503 once, `everything` all must-support elements.
    """

    APPROVE = "approve"
    DENY = "deny"
    MODIFY = "modify"
    PEND = "pend"
    ASK = "ask"
    EVERYTHING = "everything"
    ERROR = "error"
    REFUSE = "refuse"
    DOWN = "down"


TURNS = tuple(Turn)
DOCTOR = Person("Dr Conformance Play", Role.CLINICIAN, "1245319599")
_WANTED = RequestedInformation("11488-4", "Consult note")


@dataclass(slots=True)
class Chain:
    """One authorization: the request as it came at first and each update; what was answered, in the same order."""

    name: str
    turn: Turn
    versions: list[Json] = field(default_factory=list)
    answers: list[Json] = field(default_factory=list)
    decided: bool = False

    @property
    def newest(self) -> Json:
        return self.versions[-1]


@dataclass(frozen=True, slots=True)
class Sent:
    """A notification that we sent and what the client said: its status, 0 for nobody there."""

    kind: str
    chain: str | None
    status: int


@dataclass(frozen=True, slots=True)
class Subscribed:
    id: str
    resource: Json
    wanted: subscription.ReadSubscription


@dataclass(slots=True)
class Play:
    """`base` is the FHIR base that the client knows. `guard` asks for tokens; without one any caller is served."""

    base: str
    turns: Sequence[Turn]
    guard: AuthorizationServer | None = None
    later: float = 2.0  # seconds until a notification
    chains: list[Chain] = field(default_factory=list)
    subscriptions: list[Subscribed] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    inquiries: list[tuple[float, Json]] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    bodies: list[tuple[str, bytes, int]] = field(default_factory=list)  # path, body, status, in order
    unsigned: list[str] = field(default_factory=list)  # calls without a good token, token requests that failed
    tokens: int = 0
    events: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def handle(self, call: Call) -> Answer:
        """One call of the client. Never raises: what breaks is an answer too."""
        path = call.path.partition("?")[0]
        with self._lock:
            try:
                answer = self._answered(call, path)
            except PriorAuthError as problem:
                answer = _fhir(outcome.from_error(problem), 400)
            if call.body:
                self.bodies.append((path, call.body, answer.status))
            return answer

    @property
    def is_over(self) -> bool:
        """Every turn was taken, and every notification that was due has gone."""
        due = [one for one in self.chains if one.turn in (Turn.PEND, Turn.ASK)]
        return len(self.chains) >= len(self.turns) and all(one.decided for one in due)

    def _answered(self, call: Call, path: str) -> Answer:
        root = "/" + self.base.split("/", 3)[3] if self.base.count("/") > 2 else ""
        if path == "/auth/token":
            return self._token(call)
        if path == f"{root}/metadata":
            stated = capability.payer(
                self.base, on=datetime.now(UTC).date(), version="play", smart=self.guard is not None
            )
            return _fhir(stated)
        if path == f"{root}/.well-known/smart-configuration" and self.guard is not None:
            return Answer(200, json.write(self.guard.discovery()), "application/json")
        if (
            self.guard is not None
            and self.guard.bearer(call.headers.get("authorization"), now=datetime.now(UTC)) is None
        ):
            self.unsigned.append(f"{call.method} {path}")
            return _fhir({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "login"}]}, 401)
        return self._routed(call, path.removeprefix(root).strip("/"))

    def _routed(self, call: Call, path: str) -> Answer:
        doors: Mapping[str, Callable[[Json], Answer]] = {
            "Claim/$submit": self._submit,
            "Claim/$inquire": self._inquire,
            "$submit-attachment": self._attach,
            "Claim/$submit-attachment": self._attach,
            "Subscription": self._subscribe,
        }
        if call.method == "POST" and path in doors:
            return doors[path](json.read(call.body))
        kind, _, rest = path.partition("/")
        found = next(
            (one for one in self.subscriptions if kind == "Subscription" and rest.split("/")[0] == one.id), None
        )
        if found is None:
            return _fhir(
                {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-found"}]}, 404
            )
        return self._of_subscription(call, found, rest)

    # --- tokens

    def _token(self, call: Call) -> Answer:
        if self.guard is None:
            return Answer(404, b"{}", "application/json")
        form = dict(parse_qsl(call.body.decode("utf-8", "replace")))
        try:
            granted = asyncio.run(self.guard.token(form, now=datetime.now(UTC)))
        except OAuthError as refused:
            self.unsigned.append(f"token request: {refused.code}: {refused.message}")
            return Answer(refused.status, json.write({"error": refused.code}), "application/json")
        self.tokens += 1
        return Answer(200, json.write(granted), "application/json")

    # --- requests

    def _submit(self, bundle: Json) -> Answer:
        read = pas_request.read(bundle)
        same = next((one for one in self.chains if any(_same(bundle, sent) for sent in one.versions)), None)
        if same is not None:
            return self._again(same, bundle)
        prior = update_rules.prior_url(first(bundle))
        chain = next((one for one in self.chains if prior is not None and _is_of(prior, one)), None)
        if chain is None:
            turn = self.turns[len(self.chains)] if len(self.chains) < len(self.turns) else Turn.APPROVE
            chain = Chain(f"request {len(self.chains) + 1} ({turn.value})", turn)
            self.chains.append(chain)
        chain.versions.append(bundle)
        if chain.turn is Turn.DOWN and len(chain.versions) == 1:
            chain.answers.append({})
            return Answer(503)
        return self._said(chain, bundle, read)

    def _again(self, chain: Chain, bundle: Json) -> Answer:
        """The same content: the stored answer, but for what was down before."""
        number = next(number for number, sent in enumerate(chain.versions) if _same(bundle, sent))
        if chain.turn is Turn.DOWN and not chain.answers[number]:
            chain.answers.pop(number)
            return self._said(chain, bundle, pas_request.read(bundle))
        held = chain.answers[number]
        return _fhir(held, 400 if held.get("resourceType") == "OperationOutcome" else 200)

    def _said(self, chain: Chain, bundle: Json, read: ReadRequest) -> Answer:
        is_update = len(chain.versions) > 1
        if chain.turn is Turn.REFUSE and not is_update:
            refused = BadInput("refused for the test", where="Bundle.entry[0].resource", fix="tell technical staff")
            chain.answers.append(outcome.from_error(refused))
            return _fhir(chain.answers[-1], 400)
        turn = Turn.APPROVE if is_update else chain.turn
        answer = self._rejected(chain, bundle, read) if turn is Turn.ERROR else self._built(chain, bundle, read, turn)
        chain.answers.append(answer)
        if turn is Turn.PEND:
            self._soon(partial(self._decide, chain))
        return _fhir(answer)

    def _payer(self, bundle: Json) -> PayerIdentity:
        """We are whomever the request calls its insurer."""
        insurer = _pointed(bundle, "insurer")
        named = list_of(insurer, "identifier") or [{}]
        identifier = (str(named[0].get("system", "urn:conformance")), str(named[0].get("value", "PLAY")))
        return PayerIdentity(self.base, str(insurer.get("name", "The payer")), identifier, script=Script(DOCTOR))

    def _built(self, chain: Chain, bundle: Json, read: ReadRequest, turn: Turn) -> Json:
        asked = deepcopy(bundle)
        if turn is Turn.EVERYTHING:
            first(asked).setdefault("extension", []).append(pas_script.asking(pas_script.Word.EVERYTHING))
        decisions = [_decision(one, turn, number) for number, one in enumerate(read.items) if not one.cancelled]
        stamp = self._stamp(chain)
        return pas_response.build(asked, read, decisions, payer=self._payer(bundle), stamp=stamp)

    def _rejected(self, chain: Chain, bundle: Json, read: ReadRequest) -> Json:
        wrong = pas_response.Rejection("04", "Bundle.entry[0].resource.item[0].quantity", "More than is authorized.")
        return pas_response.rejected(bundle, read, [wrong], payer=self._payer(bundle), stamp=self._stamp(chain))

    def _stamp(self, chain: Chain) -> pas_response.Stamp:
        number = self.chains.index(chain) + 1
        revision = len(chain.versions) + (1 if chain.decided else 0)
        return pas_response.Stamp(f"play-{number}", revision, datetime.now(UTC), f"REF-PLAY-{number}")

    def _inquire(self, bundle: Json) -> Answer:
        inquiry = pas_inquiry.read(bundle)
        self.inquiries.append((time.monotonic(), bundle))
        found = [one for one in self.chains if one.answers and _is_bundle(one.answers[-1])]
        found = [one for one in found if pas_people.people_of(one.newest).may_read(inquiry.people)]
        answers = []
        for chain in found:
            read = pas_request.read(chain.newest)
            turn = Turn.APPROVE if chain.decided or len(chain.versions) > 1 else chain.turn
            decisions = [_decision(one, turn, number) for number, one in enumerate(read.items) if not one.cancelled]
            payer, stamp = self._payer(chain.newest), self._stamp(chain)
            answers.append(pas_response.inquired(chain.newest, read, decisions, payer=payer, stamp=stamp))
        return _fhir(pas_inquiry.answer(answers, inquiry=json.content_hash(bundle)))

    def _attach(self, parameters: Json) -> Answer:
        self.attachments.append(parameters)
        tracking = cdex.read(parameters).tracking
        waiting = [one for one in self.chains if one.turn is Turn.ASK and tracking in _response_ids(one)]
        for chain in waiting:
            if not chain.decided:
                self._soon(partial(self._decide, chain))
        issue = {"severity": "information", "code": "informational"}
        return _fhir({"resourceType": "OperationOutcome", "issue": [issue]})

    # --- subscriptions

    def _subscribe(self, resource: Json) -> Answer:
        wanted = subscription.read_subscription(resource)
        made = Subscribed(f"play-{len(self.subscriptions) + 1}", resource, wanted)
        self.subscriptions.append(made)
        self._soon(lambda: self._tell(made, "handshake", None), after=0.0)
        return _fhir(subscription.accepted(resource, subscription_id=made.id), 201)

    def _of_subscription(self, call: Call, found: Subscribed, rest: str) -> Answer:
        if rest.endswith("/$status"):
            sender = subscription.Sender(self.base, found.id, "active")
            return _fhir(subscription.status_of(sender, total=self.events, at=datetime.now(UTC)))
        if call.method == "DELETE":
            self.subscriptions.remove(found)
            return Answer(204)
        if call.method == "PUT":
            resource = json.read(call.body)
            wanted = subscription.read_subscription(resource)
            self.subscriptions[self.subscriptions.index(found)] = Subscribed(found.id, resource, wanted)
            return _fhir(subscription.accepted(resource, subscription_id=found.id))
        return _fhir(subscription.accepted(found.resource, subscription_id=found.id, status="active"))

    # --- notifications

    def _soon(self, told: Callable[[], None], *, after: float | None = None) -> None:
        timer = threading.Timer(self.later if after is None else after, told)
        timer.daemon = True
        timer.start()

    def _decide(self, chain: Chain) -> None:
        """The final word of what was pended, by a notification."""
        with self._lock:
            chain.decided = True
            read = pas_request.read(chain.newest)
            response = self._built(chain, chain.newest, read, Turn.APPROVE)
            chain.answers.append(response)
            self.events += 1
            listening = list(self.subscriptions)
        for one in listening:
            self._tell(one, "event", response, chain.name)

    def _tell(self, to: Subscribed, kind: str, response: Json | None, chain: str | None = None) -> None:
        at = datetime.now(UTC)
        sender = subscription.Sender(self.base, to.id, "requested" if response is None else "active")
        notice = (
            subscription.handshake(sender, at=at)
            if response is None
            else subscription.event(sender, response, number=self.events, at=at)
        )
        headers = {"Content-Type": subscription.MIME_TYPE}
        headers |= {name.strip(): value.strip() for name, _, value in (one.partition(":") for one in to.wanted.headers)}
        try:
            status = httpx2.post(
                to.wanted.endpoint, content=json.write(notice), headers=headers, timeout=30
            ).status_code
        except (httpx2.TransportError, httpx2.InvalidURL, ValueError):  # a header or an address that is none
            status = 0
        self.sent.append(Sent(kind, chain, status))


def _decision(asked: ReadItem, turn: Turn, number: int) -> ItemDecision:
    """What the turn says of an item. `everything` reduces the first, asks about the second, approves the others."""
    if turn is Turn.EVERYTHING:
        turn = (Turn.MODIFY, Turn.ASK)[number] if number < 2 else Turn.APPROVE
    sequence, period = asked.sequence, asked.item.period
    if turn is Turn.DENY:
        return ItemDecision(
            sequence, Action.DENY, DOCTOR, reason=DenialReason.NOT_MEDICALLY_NECESSARY, narrative="Denied for the test."
        )
    if turn is Turn.MODIFY:
        return ItemDecision(
            sequence,
            Action.MODIFY,
            DOCTOR,
            number=f"AUTH-PLAY-{sequence}",
            period=period,
            units=asked.item.units / 2 if asked.item.units else Decimal(1),
            reason=DenialReason.QUANTITY_OR_DURATION_EXCEEDED,
            narrative="Reduced for the test.",
        )
    if turn in (Turn.PEND, Turn.ASK):
        return ItemDecision(sequence, Action.PEND, ENGINE, requested=(_WANTED,) if turn is Turn.ASK else ())
    return ItemDecision(sequence, Action.CERTIFY, ENGINE, number=f"AUTH-PLAY-{sequence}", period=period)


def _fhir(resource: Mapping[str, Any], status: int = 200) -> Answer:
    return Answer(status, json.write(resource))


def _same(one: Json, other: Json) -> bool:
    return json.content_hash(one) == json.content_hash(other)


def _is_bundle(resource: Json) -> bool:
    return resource.get("resourceType") == "Bundle"


def _is_of(prior: str, chain: Chain) -> bool:
    """Whether the prior Claim of an update is one of this chain's."""
    urls = {entries_of(sent)[0][1] for sent in chain.versions}
    return prior in urls or any(url.endswith(f"/{prior}") for url in urls)


def _pointed(bundle: Json, name: str) -> Json:
    stated = object_of(first(bundle), name).get("reference")
    found = [one for _, url, one in entries_of(bundle) if url == stated]
    return found[0] if found else (resources_of(bundle, "Organization") or [{}])[0]


def _response_ids(chain: Chain) -> set[tuple[str, str]]:
    stated = [one for answer in chain.answers for one in list_of(first(answer), "identifier")]
    return {(str(one.get("system")), str(one.get("value"))) for one in stated}
