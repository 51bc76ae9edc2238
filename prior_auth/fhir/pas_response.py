"""A PAS response Bundle (profile-pas-response-bundle 2.2.1): the payer's word on every item of a request.

The decision is not in `outcome` but in each item's review action. What is echoed keeps the request's fullUrl (spec-33).
Notes carry what the licensed X12 reason codes would: our coded reason, the criterion and the narrative, in one form
that `pas_determination.read` takes apart again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from prior_auth.domain.authorization import Action, ItemDecision, RequestedInformation
from prior_auth.domain.legal_clock import Extended
from prior_auth.domain.parties import PayerIdentity
from prior_auth.domain.people import Role
from prior_auth.domain.request import Period
from prior_auth.errors import BadInput
from prior_auth.fhir import codes, pas_201, pas_everything, pas_notes, pas_script
from prior_auth.fhir.bundle import Entry, Index
from prior_auth.fhir.codes import Json, coded, extension
from prior_auth.fhir.pas_determination import read
from prior_auth.fhir.pas_parties import derived_id
from prior_auth.fhir.pas_received import ReadItem, ReadRequest, objects

__all__ = ["Rejection", "Stamp", "build", "inquired", "read", "rejected"]

_CODE = {
    Action.CERTIFY: codes.CERTIFIED,
    Action.DENY: codes.NOT_CERTIFIED,
    Action.PEND: codes.PENDED,
    Action.MODIFY: codes.MODIFIED,
}


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes one answer itself: the authorization's id, its revision, the instant (aware of its zone).

    `number` is the reference of a request under review (REF-NT), given from the first pend on. `extended` is what the
    payer has said of its deadline.
    """

    authorization: str
    revision: int
    created: datetime
    number: str | None = None
    extended: Extended | None = None


@dataclass(frozen=True, slots=True)
class Rejection:
    """A business error of an accepted exchange: an X12 901 code and the FHIRPath from the request Bundle.

    `code` is None where the public part of that list has no fitting one: then the payer's own is sent, or, where it has
    given none, the words alone, as a note (an error without a code is not valid).
    """

    code: str | None
    path: str | None
    text: str
    follow_up: str = codes.CORRECT_AND_RESUBMIT


def build(
    bundle: Mapping[str, Any],
    request: ReadRequest,
    decisions: Sequence[ItemDecision],
    *,
    payer: PayerIdentity,
    stamp: Stamp,
) -> Json:
    """The answer to `bundle` (which `request` was read from): all items, cancelled ones too (spec-46).

    An item without a decision is pended. Raises BadInput on a decision for an item that was not asked for.
    """
    return _Answer(bundle, request, _of_items(request, decisions), payer, stamp).built()


def inquired(
    bundle: Mapping[str, Any],
    request: ReadRequest,
    decisions: Sequence[ItemDecision],
    *,
    payer: PayerIdentity,
    stamp: Stamp,
) -> Json:
    """The same word as an inquiry gives it: no requests for information, and beside each item what was asked for.

    The Claim need not come along then (spec-45): service, quantity and days stand in the answer itself.
    """
    return _Inquired(bundle, request, _of_items(request, decisions), payer, stamp).built()


def _of_items(request: ReadRequest, decisions: Sequence[ItemDecision]) -> dict[int, ItemDecision]:
    unknown = {one.sequence for one in decisions} - {one.sequence for one in request.items}
    if unknown:
        raise BadInput(f"a decision on item {min(unknown)}, which the request lacks", where="ClaimResponse.item")
    return {one.sequence: one for one in decisions}


def rejected(
    bundle: Mapping[str, Any],
    request: ReadRequest,
    rejections: Sequence[Rejection],
    *,
    payer: PayerIdentity,
    stamp: Stamp,
) -> Json:
    """A 2xx answer that decides nothing: `outcome` error, with what was wrong and where (pas.md 1.3)."""
    answer = _Answer(bundle, request, {}, payer, stamp)
    notes = [{"number": number, "text": one.text} for number, one in enumerate(rejections, start=1)]
    response = {
        **answer.header("error"),
        "processNote": notes,
        "error": [
            _error(one, code, number)
            for number, one in enumerate(rejections, start=1)
            if (code := one.code or payer.reject_code) is not None
        ],
    }
    return answer.bundle_of(_filled(response), [])


class _Answer:
    """One answer in the making."""

    response_profile = f"{codes.PAS}profile-claimresponse"
    bundle_profile = f"{codes.PAS}profile-pas-response-bundle"
    asks_for_information = True

    def __init__(
        self,
        bundle: Mapping[str, Any],
        request: ReadRequest,
        decisions: Mapping[int, ItemDecision],
        payer: PayerIdentity,
        stamp: Stamp,
    ) -> None:
        self.request, self.decisions, self.payer, self.stamp = request, decisions, payer, stamp
        self.base = payer.base.rstrip("/")
        self.index = Index(bundle)
        self.claim_entry = self.index.entries[0]
        self.notes: list[str] = []

    def built(self) -> Json:
        items = [self._item(one) for one in self.request.items]
        grants = [self._grant(one) for one in self.request.items if self._is_modified(one)]
        if (more := self.stamp.extended) is not None:
            self._note(pas_notes.extended(more.days, more.reason, waits=more.waits))
        wanted = [self._communication(number, one) for number, one in self._wanted()]
        response = {
            **self.header("complete"),
            "preAuthPeriod": _days(self._whole_period()),
            "preAuthRef": next((one.number for one in self.decisions.values() if one.number), None),
            "item": items,
            "addItem": grants,
            "processNote": [{"number": number, "text": text} for number, text in enumerate(self.notes, start=1)],
            "communicationRequest": [{"reference": self._url(one)} for one in wanted],
        }
        tasks = [self._task(wanted)] if wanted else []
        written = _filled(response)
        if self.payer.script is not None and pas_script.asks_everything(self.claim_entry.resource):
            wanted, tasks = self._show_everything(written, wanted)
        return self.bundle_of(written, [*wanted, *tasks])

    def _show_everything(self, response: Json, wanted: list[Json]) -> tuple[list[Json], list[Json]]:
        """A test rig's case: every element that PAS wants a payer to be able to return."""
        claim, day = self.claim_entry.resource, self.stamp.created.date().isoformat()
        if self.asks_for_information and not wanted:
            wanted = [self._communication(self.request.items[0].sequence, pas_script.CONSULT_NOTE)]
            response["communicationRequest"] = [{"reference": self._url(wanted[0])}]
        pas_everything.communications(wanted, claim)
        pas_everything.show(response, claim, day)
        return wanted, pas_everything.tasks(self._task(wanted), day)

    def header(self, outcome: str) -> Json:
        claim = self.claim_entry.resource
        requester = self._pointed("provider")
        written = {
            "resourceType": "ClaimResponse",
            "id": self._id("response"),
            "meta": {"profile": [self.response_profile]},
            "extension": [self._transmission(), *self._reviewer()],
            "identifier": [
                codes.identifier(f"{self.base}/response", f"{self.stamp.authorization}-{self.stamp.revision}")
            ],
            "status": "active",
            "type": claim.get("type") or coded(codes.CLAIM_TYPE, "professional"),
            "use": "preauthorization",
            "patient": {"reference": self._pointed("patient").full_url},
            "created": self.stamp.created.isoformat(timespec="seconds"),
            "insurer": {"reference": self._pointed("insurer").full_url},
            "requestor": {"reference": requester.full_url},
            "request": {"reference": self.request.claim_url, "type": "Claim", **self._claim_identifier()},
            "outcome": outcome,
        }
        written["extension"] = [one for one in written["extension"] if one]
        return _filled(written)

    def bundle_of(self, response: Json, own: Sequence[Json]) -> Json:
        """ClaimResponse first, then what it refers to: the request's own entries as they came, and ours."""
        entries: dict[str, Json] = {self._url(one): one for one in (response, *own)}
        for written in (response, *own):
            self._echo(written, None, entries)
        name = self._id("bundle")
        bundle = {
            "resourceType": "Bundle",
            "id": name,
            "meta": {"profile": [self.bundle_profile]},
            "identifier": codes.identifier(f"{self.base}/Bundle", name),
            "type": "collection",
            "timestamp": self.stamp.created.isoformat(timespec="seconds"),
            "entry": [{"fullUrl": url, "resource": resource} for url, resource in entries.items()],
        }
        return pas_201.shaped(bundle) if self.payer.pas == pas_201.VERSION else bundle

    # --- items

    def _item(self, asked: ReadItem) -> Json:
        decision = self.decisions.get(asked.sequence)
        if asked.cancelled:
            # No code is agreed for a cancelled item (pas.md 1.12): answered, and not certified.
            return _filled(self._traced(asked, [], [], [self._note("Cancelled by the requester.")]))
        if decision is None:
            return self._pended(asked, None)
        if decision.action is Action.PEND:
            return self._pended(asked, decision)
        details = self._issued(decision) if decision.action is Action.CERTIFY else []
        number = decision.number if decision.action is Action.CERTIFY else None
        action = _action(_CODE[decision.action], number, self._reason_code(decision))
        return self._traced(asked, details, [action], self._why(decision))

    def _reason_code(self, decision: ItemDecision) -> str | None:
        """The payer's own code for the reason, where it gave us its table."""
        return self.payer.reason_codes.get(decision.reason.value) if decision.reason is not None else None

    def _pended(self, asked: ReadItem, decision: ItemDecision | None) -> Json:
        details = []
        if self.stamp.number is not None:
            details.append(extension("administrationReferenceNumber", valueString=self.stamp.number))
        notes = self._why(decision) if decision is not None else []
        return self._traced(asked, details, [_action(codes.PENDED, None)], notes)

    def _grant(self, asked: ReadItem) -> Json:
        """What is granted of a modified item: an addItem linked by itemSequence, with its own A1 (spec-37)."""
        decision = self.decisions[asked.sequence]
        period = decision.period or asked.item.period
        units = decision.units if decision.units is not None else asked.item.units
        service = asked.item.service
        written = {
            "extension": self._issued(decision),
            "itemSequence": [asked.sequence],
            "productOrService": coded(service.system, service.code),
            "servicedPeriod": _days(period),
            "quantity": {"value": units, "unit": "billing units"} if units is not None else None,
            "adjudication": [_adjudication([_action(codes.CERTIFIED, decision.number)])],
        }
        return _filled(written)

    def _is_modified(self, asked: ReadItem) -> bool:
        decision = self.decisions.get(asked.sequence)
        return not asked.cancelled and decision is not None and decision.action is Action.MODIFY

    def _issued(self, decision: ItemDecision) -> list[Json]:
        written = [extension("itemPreAuthIssueDate", valueDate=self.stamp.created.date().isoformat())]
        if (days := _days(decision.period)) is not None:
            written.append(extension("itemPreAuthPeriod", valuePeriod=days))
        return written

    def _traced(self, asked: ReadItem, details: list[Json], actions: list[Json], notes: list[int]) -> Json:
        traces = [
            extension("itemTraceNumber", valueIdentifier=_filled(codes.identifier(system, value)))
            for system, value in asked.traces
        ]
        renews = asked.item.renews
        earlier = [extension("authorizationNumber", valueString=renews)] if renews else []  # the previous one
        written = {
            "extension": [*traces, *self._asked_for(asked), *earlier, *details],
            "itemSequence": asked.sequence,
            "noteNumber": notes,
            "adjudication": [_adjudication(actions)],
        }
        return _filled(written)

    def _asked_for(self, asked: ReadItem) -> list[Json]:  # noqa: ARG002
        """What an item repeats of the request; the submitter has its own Claim."""
        return []

    def _why(self, decision: ItemDecision) -> list[int]:
        notes = []
        if decision.reason is not None:
            notes.append(pas_notes.reason(decision.reason.value, decision.criterion, decision.narrative or ""))
        elif decision.narrative:
            notes.append(decision.narrative)
        notes += [pas_notes.needed(one.code, one.criterion, one.text) for one in decision.requested]
        return [self._note(text) for text in notes]

    def _note(self, text: str) -> int:
        if text not in self.notes:
            self.notes.append(text)
        return self.notes.index(text) + 1

    def _whole_period(self) -> Period | None:
        """From the first to the last day granted; None where nothing is, or nothing of its days is said."""
        granted = [
            one for one in self.decisions.values() if one.action in (Action.CERTIFY, Action.MODIFY) and one.period
        ]
        starts = [one.period.start for one in granted if one.period and one.period.start]
        ends = [one.period.end for one in granted if one.period and one.period.end]
        return Period(min(starts, default=None), max(ends, default=None)) if granted else None

    # --- information wanted

    def _wanted(self) -> list[tuple[int, RequestedInformation]]:
        open_items = [one.sequence for one in self.request.items if not one.cancelled]
        pended = [self.decisions[number] for number in open_items if number in self.decisions]
        return [(one.sequence, wanted) for one in pended if one.action is Action.PEND for wanted in one.requested]

    def _communication(self, sequence: int, wanted: RequestedInformation) -> Json:
        identity = self._id("wanted", str(sequence), wanted.code, wanted.criterion or "")
        return {
            "resourceType": "CommunicationRequest",
            "id": identity,
            "meta": {"profile": [f"{codes.PAS}profile-communicationrequest"]},
            "extension": [extension("serviceLineNumber", valuePositiveInt=sequence)],
            "identifier": [codes.identifier(f"{self.base}/information-request", identity)],
            "status": "active",
            "category": [coded(codes.REPORT_TYPE, codes.PHYSICIAN_REPORT)],
            "medium": [coded(codes.PAS_TEMP, "CDEX")],
            "payload": [{"contentString": wanted.code}],
            "requester": {"reference": self._pointed("insurer").full_url},
            "sender": {"reference": self._pointed("provider").full_url},
        }

    def _task(self, wanted: Sequence[Json]) -> Json:
        """The work order a provider makes of the requests (ainfo-4), ready-made: one kind, one Task (ainfo-7)."""
        address = self.payer.attachments_url or f"{self.base}/$submit-attachment"
        payer_url = {"type": coded(codes.PAS_TEMP, "payer-url"), "valueUrl": address}
        return {
            "resourceType": "Task",
            "id": self._id("task"),
            "meta": {"profile": [f"{codes.PAS}profile-task"]},
            "identifier": [
                codes.identifier(f"{self.base}/response", f"{self.stamp.authorization}-{self.stamp.revision}")
            ],
            "status": "requested",
            "intent": "order",
            "code": coded(codes.PAS_TEMP, "attachment-request-code"),
            "for": {"reference": self._pointed("patient").full_url},
            "requester": {"identifier": codes.identifier(*self.payer.identifier)},
            "owner": {"identifier": self._owner()},
            "reasonCode": coded(codes.PAS_TEMP, "priorAuthorization"),
            "reasonReference": {"type": "Claim", **self._claim_identifier()},
            "input": [payer_url, *(_needed(one) for one in wanted)],
        }

    def _owner(self) -> Json:
        stated = objects(self._pointed("provider").resource.get("identifier"))
        complete = [dict(one) for one in stated if one.get("system") and one.get("value")]
        return complete[0] if complete else codes.identifier(f"{self.base}/sender", self.request.sender or "unknown")

    # --- common parts

    def _id(self, *names: str) -> str:
        return derived_id(self.base, self.stamp.authorization, str(self.stamp.revision), *names)

    def _url(self, resource: Mapping[str, Any]) -> str:
        return f"{self.base}/{resource['resourceType']}/{resource['id']}"

    def _pointed(self, name: str) -> Entry:
        found = self.index.entry(self.claim_entry.resource[name]["reference"], base=self.claim_entry)
        assert found is not None
        return found

    def _claim_identifier(self) -> Json:
        stated = objects(self.claim_entry.resource.get("identifier"))
        return {"identifier": stated[0]} if stated else {}

    def _transmission(self) -> Json:
        """The request's ids with sender and receiver changed over."""
        stated = codes.pas_extension(self.claim_entry.resource, "TransmissionIdentifiers")
        found = objects(stated.get("extension")) if stated is not None else []
        opposite = {
            "applicationSenderCode": "applicationReceiverCode",
            "applicationReceiverCode": "applicationSenderCode",
            "interchangeSenderID": "interchangeReceiverID",
            "interchangeReceiverID": "interchangeSenderID",
        }
        said = {one["url"]: one.get("valueString") for one in found if one.get("url") in opposite}
        written = [{"url": other, "valueString": said[name]} for name, other in opposite.items() if said.get(name)]
        return {"extension": written, "url": extension("TransmissionIdentifiers")["url"]} if written else {}

    def _reviewer(self) -> list[Json]:
        """Whether a person looked; an adverse decision always has one (PAS 2.2)."""
        if not self.decisions:
            return []
        people = [one.by for one in self.decisions.values() if one.by.role is not Role.ENGINE]
        parts: list[Json] = [{"url": "wasHumanReviewedFlag", "valueBoolean": bool(people)}]
        licence = next((one.licence for one in people if one.licence), None)
        if licence is not None:
            parts.append({"url": "reviewerNPI", "valueIdentifier": codes.identifier(codes.NPI, licence)})
        return [{"extension": parts, "url": extension("claimResponseReviewer")["url"]}]

    def _echo(self, value: Any, base: Entry | None, entries: dict[str, Json]) -> None:
        """Add what is referred to, from the request; the Claim need not come back."""
        if isinstance(value, list):
            for part in value:
                self._echo(part, base, entries)
        elif isinstance(value, dict):
            stated = value.get("reference")
            found = self.index.entry(stated, base=base) if isinstance(stated, str) else None
            if found is not None and found.full_url not in entries and found.resource["resourceType"] != "Claim":
                entries[str(found.full_url)] = found.resource
                self._echo(found.resource, found, entries)
            for part in value.values():
                self._echo(part, base, entries)


class _Inquired(_Answer):
    response_profile = f"{codes.PAS}profile-claiminquiryresponse"
    bundle_profile = f"{codes.PAS}profile-pas-inquiry-response-bundle"
    asks_for_information = False

    def _id(self, *names: str) -> str:
        return super()._id(*names, "inquiry") if names == ("bundle",) else super()._id(*names)

    def _wanted(self) -> list[tuple[int, RequestedInformation]]:
        return []

    def _asked_for(self, asked: ReadItem) -> list[Json]:
        service = asked.item.service
        detail: list[Json] = []
        if service.code:
            detail.append({"url": "productOrServiceCode", "valueCodeableConcept": coded(service.system, service.code)})
        if asked.item.units is not None:
            quantity = {"value": asked.item.units, "unit": "billing units"}
            detail.append({"url": "quantity", "valueQuantity": quantity})
        written: list[Json] = []
        if (days := _days(asked.item.period)) is not None:
            written.append(extension("itemRequestedServiceDate", valuePeriod=days))
        return [*written, *([{"extension": detail, **extension("itemAuthorizedDetail")}] if detail else [])]


def _needed(communication: Mapping[str, Any]) -> Json:
    return {
        "extension": communication["extension"],
        "type": coded(codes.PAS_TEMP, "attachments-needed"),
        "valueCodeableConcept": coded(codes.LOINC, communication["payload"][0]["contentString"]),
    }


def _action(code: str, number: str | None, reason: str | None = None) -> Json:
    parts: list[Json] = [extension("reviewActionCode", valueCodeableConcept=coded(codes.REVIEW_ACTION, code))]
    if number is not None:
        parts.append({"url": "number", "valueString": number})
    if reason is not None:
        parts.append({"url": "reasonCode", "valueCodeableConcept": coded(codes.DECISION_REASON, reason)})
    return {"extension": parts, "url": extension("reviewAction")["url"]}


def _adjudication(actions: list[Json]) -> Json:
    return _filled({"extension": actions, "category": coded(codes.ADJUDICATION, "submitted")})


def _error(rejection: Rejection, code: str, note: int) -> Json:
    parts = [{"extension": [{"url": "processNote", "valuePositiveInt": note}], "url": extension("errorElement")["url"]}]
    if rejection.path is not None:
        parts.append(extension("errorPath", valueString=rejection.path))
    follow_up = coded(codes.FOLLOW_UP, rejection.follow_up)
    parts.append(extension("errorFollowupAction", valueCodeableConcept=follow_up))
    return {"extension": parts, "code": coded(codes.REJECT_REASON, code)}


def _days(period: Period | None) -> Json | None:
    if period is None:
        return None
    stated: Mapping[str, date | None] = {"start": period.start, "end": period.end}
    written = {name: day.isoformat() for name, day in stated.items() if day is not None}
    return written or None


def _filled(element: Mapping[str, Any]) -> Json:
    """Without what holds nothing: FHIR has no empty elements."""
    return {name: value for name, value in element.items() if value not in (None, "", [], {})}
