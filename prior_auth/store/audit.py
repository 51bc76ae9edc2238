"""Compares both sides' stores: nothing lost, nothing sent twice, no orphan, both sides of one mind.

For whoever runs both sides (the demo, tests): it needs both databases and both key files, and changes neither.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Table, select

from prior_auth.domain.authorization import AuthorizationStatus
from prior_auth.domain.case import CaseStatus
from prior_auth.errors import BadInput
from prior_auth.fhir import json
from prior_auth.fhir.pas_exchange import ATTACHMENT, NOTIFICATION, RECEIPT, REQUEST, RESPONSE
from prior_auth.fhir.subscription import read_notification
from prior_auth.store import tables
from prior_auth.store.cases import SqlCases
from prior_auth.store.database import Database, digest
from prior_auth.store.ledger import RECEIVED, SENT
from prior_auth.store.seal import SealBroken

_ASKING = (REQUEST, ATTACHMENT)
_ANSWER_TO = {REQUEST: RESPONSE, ATTACHMENT: RECEIPT}
_AGREE = {
    AuthorizationStatus.CERTIFIED: CaseStatus.CERTIFIED,
    AuthorizationStatus.MODIFIED: CaseStatus.MODIFIED,
    AuthorizationStatus.PARTIAL: CaseStatus.MODIFIED,
    AuthorizationStatus.NOT_CERTIFIED: CaseStatus.NOT_CERTIFIED,
    AuthorizationStatus.CANCELLED: CaseStatus.WITHDRAWN,
}
_DECIDED = frozenset(_AGREE.values())
_REFUSED = "refused-"  # owners of exchanges that changed nothing and belong to no authorization


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` is a word from a closed list; `where` is the id of a case, an authorization, a message or an event."""

    kind: str
    where: str
    what: str


@dataclass(slots=True)
class AuditReport:
    """`findings` are faults. `on_the_way` is what has not arrived yet, or waits for a person: no fault by itself.

    `resent` counts repeated deliveries that the payer recognised; `unread` answers that a later one overtook.
    """

    cases: int = 0
    authorizations: int = 0
    requests: int = 0
    answers: int = 0
    notifications: int = 0
    resent: int = 0
    unread: int = 0
    findings: list[Finding] = field(default_factory=list)
    on_the_way: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.findings


@dataclass(frozen=True, slots=True)
class _Message:
    id: str
    owner: str
    direction: str
    kind: str
    version: int
    sha256: str


@dataclass(slots=True)
class _Books:
    """One side's rows at one instant. `refused` are messages that the other side's server would not take."""

    messages: list[_Message]
    told: set[str]  # owners that have a timeline
    stirred: set[str]
    rows: dict[str, list[Any]]
    broken: list[str] = field(default_factory=list)
    responses: dict[str, str] = field(default_factory=dict)  # notification message -> sha256 of the response inside
    refused: set[str] = field(default_factory=set)

    def of(self, direction: str, *kinds: str) -> list[_Message]:
        return [one for one in self.messages if one.direction == direction and one.kind in kinds]


async def compare(practice: Database, payer: Database) -> AuditReport:
    """Read both stores and compare them. Raises nothing for what it finds: that is in the report."""
    ours = await _books(practice, (tables.case, tables.notice))
    theirs = await _books(payer, (tables.authorization, tables.submission, tables.subscription, tables.notification))
    await _add_refusals(practice, ours)
    report = AuditReport(cases=len(ours.rows["practice_case"]), authorizations=len(theirs.rows["payer_authorization"]))
    report.requests = len(ours.of(SENT, *_ASKING))
    report.answers = len(theirs.of(SENT, *_ANSWER_TO.values()))
    report.notifications = sum(1 for row in theirs.rows["payer_notification"] if row.event_number)
    report.resent = sum(row.resent for row in theirs.rows["payer_submission"])
    for check in (_within, _requests, _answers, _notifications, _states):
        check(ours, theirs, report)
    return report


# -- reading -----------------------------------------------------------------------------------------------------------


async def _books(database: Database, own: Sequence[Table]) -> _Books:
    async with database.read() as connection:
        rows = {table.name: list(await connection.execute(select(*_clear(table)))) for table in own}
        kept = list(await connection.execute(select(*_clear(tables.message)).order_by(tables.message.c.serial)))
        told = set(await connection.scalars(select(tables.timeline.c.owner).distinct()))
        news = tables.news.c
        stirred = set(await connection.scalars(select(news.owner).where(news.stirred > news.seen)))
        messages = [_Message(row.id, row.owner, row.direction, row.kind, row.version, row.sha256) for row in kept]
        books = _Books(messages, told, stirred, rows)
        for message in messages:
            sealed = await connection.scalar(select(tables.message.c.sealed).where(tables.message.c.id == message.id))
            _open(database, message, sealed or b"", books)
    return books


def _clear(table: Table) -> list[Any]:
    return [column for column in table.c if column.name not in ("sealed", "chart", "request")]


def _open(database: Database, message: _Message, sealed: bytes, books: _Books) -> None:
    """Every message has to open and to be the one that was hashed."""
    try:
        body = database.keys.open(sealed, "message", message.id)
    except SealBroken:
        books.broken.append(message.id)
        return
    if hashlib.sha256(body).hexdigest() != message.sha256:
        books.broken.append(message.id)
    elif message.direction == SENT and message.kind == NOTIFICATION:
        try:
            events = read_notification(json.read(body)).events
        except BadInput:
            books.broken.append(message.id)
            return
        for event in events:
            if event.response is not None:
                books.responses[message.id] = hashlib.sha256(json.write(event.response)).hexdigest()


async def _add_refusals(practice: Database, ours: _Books) -> None:
    ledger = SqlCases(practice)
    for row in ours.rows["practice_case"]:
        ours.refused.update(await ledger.document(row.id, "refused") or ())


# -- checking ----------------------------------------------------------------------------------------------------------


def _within(ours: _Books, theirs: _Books, report: AuditReport) -> None:
    """What each side's own books must show."""
    cases = {row.id for row in ours.rows["practice_case"]}
    authorizations = {row.id for row in theirs.rows["payer_authorization"]}
    subscriptions = {row.id for row in theirs.rows["payer_subscription"]}
    for message_id in [*ours.broken, *theirs.broken]:
        report.findings.append(Finding("damaged", message_id, "does not open, or is not what was hashed"))
    for case_id in cases - ours.told:
        report.findings.append(Finding("case-without-story", case_id, "nothing on its timeline"))
    for authorization_id in authorizations - theirs.told:
        report.findings.append(Finding("authorization-without-story", authorization_id, "nothing on its timeline"))
    for books, owners in ((ours, cases), (theirs, authorizations | subscriptions)):
        for message in books.messages:
            if message.owner not in owners and not message.owner.startswith(_REFUSED):
                report.findings.append(Finding("orphan", message.id, "a message of no case or authorization"))
    _submissions(theirs, report)
    _events(theirs, report)


def _submissions(theirs: _Books, report: AuditReport) -> None:
    received = {message.id: message for message in theirs.of(RECEIVED, *_ASKING)}
    versions: dict[str, list[int]] = defaultdict(list)
    for row in theirs.rows["payer_submission"]:
        versions[row.authorization_id].append(row.version)
        if row.message_id not in received:
            report.findings.append(
                Finding("submission-without-message", row.authorization_id, f"version {row.version}")
            )
    for row in theirs.rows["payer_authorization"]:
        if sorted(versions[row.id]) != list(range(1, row.version + 1)):
            found = f"{len(versions[row.id])} submissions for {row.version} versions"
            report.findings.append(Finding("authorization-without-submission", row.id, found))


def _events(theirs: _Books, report: AuditReport) -> None:
    numbers: dict[str, list[int]] = defaultdict(list)
    for row in theirs.rows["payer_notification"]:
        if row.event_number:
            numbers[row.subscription_id].append(row.event_number)
    for row in theirs.rows["payer_subscription"]:
        if sorted(numbers[row.id]) != list(range(1, row.events + 1)):
            report.findings.append(Finding("event-gap", row.id, f"{len(numbers[row.id])} events, counted {row.events}"))


def _requests(ours: _Books, theirs: _Books, report: AuditReport) -> None:
    """Each thing sent is received once, and nothing is received that was not sent."""
    sent, received = ours.of(SENT, *_ASKING), theirs.of(RECEIVED, *_ASKING)
    arrived = Counter(message.sha256 for message in received)
    answered = {(one.owner, one.kind, one.version) for one in ours.of(RECEIVED, *_ANSWER_TO.values())}
    for message in sent:
        if arrived[message.sha256] > 1:
            report.findings.append(Finding("received-twice", message.id, f"{arrived[message.sha256]} times"))
        if arrived[message.sha256] == 0 and message.id not in ours.refused:
            is_answered = (message.owner, _ANSWER_TO[message.kind], message.version) in answered
            found = Finding("lost" if is_answered else "not-sent-yet", message.id, f"{message.kind} of {message.owner}")
            (report.findings if is_answered else report.on_the_way).append(found)
    _twice(sent, ours.refused, report)
    known = {message.sha256 for message in sent}
    for message in received:
        if message.sha256 not in known:
            report.findings.append(Finding("orphan", message.id, f"a {message.kind} that no case sent"))


def _twice(sent: Iterable[_Message], refused: set[str], report: AuditReport) -> None:
    steps = Counter((one.owner, one.kind, one.version) for one in sent if one.id not in refused)
    for (owner, kind, version), times in steps.items():
        if times > 1:
            report.findings.append(Finding("sent-twice", owner, f"{kind} {version}, in {times} forms"))


def _answers(ours: _Books, theirs: _Books, report: AuditReport) -> None:
    """Each answer arrives once, unless a later one to the same call overtook it; and none comes from nowhere."""
    pairs = _pairs(ours, theirs)
    arrived = Counter((one.kind, one.sha256) for one in ours.of(RECEIVED, *_ANSWER_TO.values()))
    heard = {(one.owner, one.kind, one.version) for one in ours.of(RECEIVED, *_ANSWER_TO.values())}
    for message in theirs.of(SENT, *_ANSWER_TO.values()):
        times = arrived[message.kind, message.sha256]
        if times > 1:
            report.findings.append(Finding("answered-twice", message.id, f"{times} times"))
        if times == 0:
            case_id = pairs.get(message.owner)
            if case_id and any(owner == case_id and kind == message.kind for owner, kind, _ in heard):
                report.unread += 1
            else:
                report.on_the_way.append(Finding("answer-not-arrived", message.id, f"of {message.owner}"))
    said = {(one.kind, one.sha256) for one in theirs.of(SENT, *_ANSWER_TO.values())}
    for message in ours.of(RECEIVED, *_ANSWER_TO.values()):
        if (message.kind, message.sha256) not in said:
            report.findings.append(Finding("orphan", message.id, f"a {message.kind} that the payer did not send"))


def _notifications(ours: _Books, theirs: _Books, report: AuditReport) -> None:
    """Each event delivered was kept once by the practice, with the response that the payer put in it."""
    notices = {row.key: row for row in ours.rows["practice_notice"]}
    placed = {one.sha256 for one in ours.of(RECEIVED, NOTIFICATION)}
    known = set()
    for row in theirs.rows["payer_notification"]:
        if not row.event_number:
            continue
        key = digest(row.subscription_id, str(row.event_number))
        known.add(key)
        notice = notices.get(key)
        if notice is None:
            found = Finding("lost" if row.delivered else "not-delivered-yet", row.id, f"event {row.event_number}")
            (report.findings if row.delivered else report.on_the_way).append(found)
        elif notice.sha256 != theirs.responses.get(row.body_message or ""):
            report.findings.append(Finding("changed", row.id, "not the response that the payer sent"))
    for key, row in notices.items():
        if key not in known:
            report.findings.append(Finding("orphan", f"event {row.event_number}", "a notice the payer did not send"))
        elif row.sha256 not in placed:
            report.findings.append(Finding("orphan", f"event {row.event_number}", "a notice of no case"))


def _pairs(ours: _Books, theirs: _Books) -> dict[str, str]:
    """Authorization -> case, by the bytes of what was sent and received."""
    owner_of = {message.sha256: message.owner for message in ours.of(SENT, REQUEST)}
    return {
        message.owner: owner_of[message.sha256]
        for message in theirs.of(RECEIVED, REQUEST)
        if message.sha256 in owner_of
    }


def _states(ours: _Books, theirs: _Books, report: AuditReport) -> None:
    """Both sides say the same of a request, once the payer's word has arrived."""
    cases = {row.id: row for row in ours.rows["practice_case"]}
    pairs = _pairs(ours, theirs)
    for row in theirs.rows["payer_authorization"]:
        case = cases.get(pairs.get(row.id, ""))
        if case is not None:
            _agreement(case, row, list(_under_way(case, row, ours, theirs)), report)
    asked = set(pairs.values())
    for row in cases.values():
        status = CaseStatus(row.status)
        if status in _DECIDED and status is not CaseStatus.WITHDRAWN and row.id not in asked:
            report.findings.append(Finding("decided-without-payer", row.id, f"{row.status}, and the payer has nothing"))


def _agreement(case: Any, authorization: Any, under_way: list[str], report: AuditReport) -> None:
    theirs, ours = AuthorizationStatus(authorization.status), CaseStatus(case.status)
    agree = ours is _AGREE[theirs] if theirs.is_final else ours not in _DECIDED
    if agree:
        return
    what = f"practice {ours}, payer {theirs}"
    if ours is CaseStatus.ATTENTION:
        report.on_the_way.append(Finding("needs-a-person", case.id, what))
    elif under_way and ours not in _DECIDED:
        report.on_the_way.append(Finding("word-on-the-way", case.id, f"{what}: {', '.join(under_way)}"))
    else:
        report.findings.append(Finding("states-disagree", case.id, what))


def _under_way(case: Any, authorization: Any, ours: _Books, theirs: _Books) -> Iterator[str]:
    """Why the practice may not know the payer's word yet."""
    if authorization.told < authorization.revision:
        yield "not told yet"
    if any(row.authorization_id == authorization.id and not row.delivered for row in theirs.rows["payer_notification"]):
        yield "a notification is not delivered yet"
    if case.id in ours.stirred:
        yield "the practice has not looked yet"
    if not any(message.owner == case.id for message in ours.of(RECEIVED, RESPONSE, NOTIFICATION)):
        yield "the answer has not arrived yet"
