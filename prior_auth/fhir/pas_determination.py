"""A PAS response Bundle as the practice reads it: tolerant of the known slips of payers (pas.md section 6).

Reading order of a decision: the item's review action, then an addItem linked to it, then the header's, then none; an
item without one is undecided, never approved. Short and absolute extension URLs are both read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.domain.determination import (
    Determination,
    Grant,
    ItemDetermination,
    ProcessingError,
    Reason,
    RequestedInformation,
    ReviewAction,
    Reviewer,
)
from prior_auth.domain.request import Period
from prior_auth.errors import BadInput
from prior_auth.fhir import codes, pas_doubts, pas_notes
from prior_auth.fhir.bundle import Entry, Index
from prior_auth.fhir.pas_received import objects, pairs
from prior_auth.fhir.pas_shape import readable

# X12 306. A2 comes from X12 payers: certified in part, so modified; C and the rest are in no public HL7 list.
_ACTIONS: Mapping[str, ReviewAction] = {
    "A1": ReviewAction.CERTIFIED,
    "A2": ReviewAction.MODIFIED,
    "A3": ReviewAction.NOT_CERTIFIED,
    "A4": ReviewAction.PENDED,
    "A6": ReviewAction.MODIFIED,
    "C": ReviewAction.CANCELLED,
}


def read(bundle: Mapping[str, Any]) -> Determination:
    """Read a response Bundle, from `$submit` or out of a notification.

    Raises BadInput where there is no ClaimResponse or it is not about a prior authorization.
    """
    if bundle.get("resourceType") != "Bundle":
        raise BadInput("not a Bundle", where="resourceType", fix="the payer has to answer with a PAS response Bundle")
    index = Index(readable(bundle))
    answers = [entry for entry in index.entries if entry.resource["resourceType"] == "ClaimResponse"]
    if not answers:
        raise BadInput("no ClaimResponse", where="Bundle.entry[0]", fix="the payer has to put the ClaimResponse first")
    response = answers[0].resource
    if response.get("use", "preauthorization") != "preauthorization":
        raise BadInput("not about a prior authorization", where=f"{answers[0].path}.use")
    determination = _Reader(index, answers[0]).determination()
    return pas_doubts.told(determination, response, answers=len(answers), came_along=index)


class _Reader:
    def __init__(self, index: Index, entry: Entry) -> None:
        self.index = index
        self.entry = entry
        self.response = entry.resource
        notes = objects(self.response.get("processNote"))
        self.notes = {number: str(one.get("text", "")) for one in notes for number in _numbers(one.get("number"))}
        self.added = objects(self.response.get("addItem"))

    def determination(self) -> Determination:
        items = tuple(self._item(one) for one in objects(self.response.get("item")) if _sequence(one) is not None)
        known = {one.sequence for one in items}
        request = self.response.get("request")
        request = request if isinstance(request, Mapping) else {}
        return Determination(
            created=_instant(self.response.get("created")),
            identifiers=pairs(self.response.get("identifier")),
            request=reference if isinstance(reference := request.get("reference"), str) else None,
            claim_identifiers=self._claim_identifiers(request),
            items=items,
            requested=tuple(self._requested()),
            reviewer=self._reviewer(),
            errors=self._errors(),
            extra=tuple(self._extra(one) for one in self.added if not (set(_linked(one)) & known)),
            reply_to=self._reply_to(),
            extension=next((one for text in self.notes.values() if (one := pas_notes.as_extended(text))), None),
        )

    def _claim_identifiers(self, request: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        reference = request.get("reference")
        found = self.index.entry(reference, base=self.entry) if isinstance(reference, str) else None
        echoed = pairs(found.resource.get("identifier")) if found is not None else ()
        return tuple(dict.fromkeys([*pairs([request.get("identifier")]), *echoed]))

    def _item(self, item: Mapping[str, Any]) -> ItemDetermination:
        sequence = _sequence(item)
        assert sequence is not None
        granted = next((one for one in self.added if sequence in _linked(one)), None)
        code, number = _review(item)
        if code is None and granted is not None:
            code, number = codes.MODIFIED, None
        if code is None:
            code, number = _review(self.response)
        action = _ACTIONS.get(code or "", ReviewAction.UNDECIDED)
        shown = granted if action is ReviewAction.MODIFIED and granted is not None else item
        texts = [self.notes[one] for one in _numbers(item.get("noteNumber")) if one in self.notes]
        reasons = [found for text in texts if (found := pas_notes.as_reason(text)) is not None]
        plain = [text for text in texts if pas_notes.as_reason(text) is None and pas_notes.as_needed(text) is None]
        return ItemDetermination(
            sequence=sequence,
            action=action,
            number=number or _review(shown)[1] or _number_elsewhere(item, self.response, action),
            administration_reference=_string(item, "administrationReferenceNumber"),
            issued=_day(_value(shown, "itemPreAuthIssueDate", "valueDate")),
            period=_granted_period(shown, self.response, action),
            grant=_granted(item, granted) if action is ReviewAction.MODIFIED else None,
            reasons=tuple(Reason(one.code, one.criterion, one.text) for one in reasons) + _coded_reasons(item),
            notes=tuple(plain),
        )

    def _extra(self, added: Mapping[str, Any]) -> ItemDetermination:
        """A grant that answers no item of the answer: shown, and never a crash (pas.md trap 11)."""
        code, number = _review(added)
        linked = _linked(added)
        return ItemDetermination(
            sequence=linked[0] if linked else 0,
            action=_ACTIONS.get(code or "", ReviewAction.UNDECIDED),
            number=number,
            period=_granted_period(added, {}, ReviewAction.CERTIFIED),
            grant=_grant(added),
        )

    def _requested(self) -> list[RequestedInformation]:
        needed = [found for text in self.notes.values() if (found := pas_notes.as_needed(text)) is not None]
        asked: list[RequestedInformation] = []
        # Whatever came along is asked for, also where the reference to it leads nowhere (a slip that is known).
        for entry in self.index.entries:
            if entry.resource["resourceType"] == "CommunicationRequest":
                asked += _asked(entry.resource, needed)
        return asked

    def _reply_to(self) -> str | None:
        """The `payer-url` of a Task that came along."""
        tasks = [entry.resource for entry in self.index.entries if entry.resource["resourceType"] == "Task"]
        inputs = [one for task in tasks for one in objects(task.get("input"))]
        urls = [one for one in inputs if any(part.get("code") == "payer-url" for part in _codings(one.get("type")))]
        return next((str(one["valueUrl"]) for one in urls if one.get("valueUrl")), None)

    def _reviewer(self) -> Reviewer | None:
        stated = codes.pas_extension(self.response, "claimResponseReviewer")
        if stated is None:
            return None
        flags = codes.extensions_of(stated, "wasHumanReviewedFlag")
        npis = codes.extensions_of(stated, "reviewerNPI")
        npi = next((str(one["valueIdentifier"]["value"]) for one in npis if _identified(one)), None)
        return Reviewer(by_person=any(one.get("valueBoolean") is True for one in flags), npi=npi)

    def _errors(self) -> tuple[ProcessingError, ...]:
        """What was wrong; an answer that decides nothing and only calls itself an error says it by its notes."""
        stated = tuple(self._error(one) for one in objects(self.response.get("error")))
        if stated or self.response.get("outcome") != "error" or objects(self.response.get("item")):
            return stated
        return tuple(ProcessingError(None, None, text) for text in self.notes.values()) or (
            ProcessingError(None, None),
        )

    def _error(self, error: Mapping[str, Any]) -> ProcessingError:
        element = codes.pas_extension(error, "errorElement")
        text = None
        if element is not None:
            numbers = codes.extensions_of(element, "processNote")
            stated = [one for part in numbers for one in _numbers(part.get("valuePositiveInt"))]
            text = next((self.notes[one] for one in stated if one in self.notes), None)
            place = codes.extensions_of(element, "error")
            text = text or next((str(one["valueString"]) for one in place if one.get("valueString")), None)
        codes_stated = [one.get("code") for one in _codings(error.get("code"))]
        return ProcessingError(next(iter(codes_stated), None), _string(error, "errorPath"), text)


def _review(element: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The review action's code and number of an item, an addItem or the header."""
    for adjudication in objects(element.get("adjudication")):
        action = codes.pas_extension(adjudication, "reviewAction")
        if action is None:
            continue
        found = codes.extensions_of(action, f"{codes.PAS}extension-reviewActionCode") or codes.extensions_of(
            action, "code"
        )
        stated = [one.get("code") for part in found for one in _codings(part.get("valueCodeableConcept"))]
        numbers = [one.get("valueString") for one in codes.extensions_of(action, "number")]
        return next((code for code in stated if code), None), next((number for number in numbers if number), None)
    return None, None


def _number_elsewhere(item: Mapping[str, Any], response: Mapping[str, Any], action: ReviewAction) -> str | None:
    """Other homes of an authorization number: REF-BB on the item, then preAuthRef (pas.md trap 12)."""
    if action not in (ReviewAction.CERTIFIED, ReviewAction.MODIFIED):
        return None
    header = response.get("preAuthRef")
    return _string(item, "authorizationNumber") or (header if isinstance(header, str) else None)


def _granted_period(element: Mapping[str, Any], response: Mapping[str, Any], action: ReviewAction) -> Period | None:
    if action not in (ReviewAction.CERTIFIED, ReviewAction.MODIFIED):
        return None
    stated = _value(element, "itemPreAuthPeriod", "valuePeriod") or response.get("preAuthPeriod")
    return _period(stated) if isinstance(stated, Mapping) else None


def _granted(item: Mapping[str, Any], added: Mapping[str, Any] | None) -> Grant | None:
    """What a modified item comes to: its `addItem`, or, as in 2.0.1, the authorized detail of the item itself."""
    if added is not None:
        return _grant(added)
    detail = codes.pas_extension(item, "itemAuthorizedDetail")
    if detail is None:
        return None
    services = codes.extensions_of(detail, "productOrServiceCode")
    quantities = codes.extensions_of(detail, "quantity")
    service = next((one["valueCodeableConcept"] for one in services if "valueCodeableConcept" in one), None)
    quantity = next((one["valueQuantity"] for one in quantities if "valueQuantity" in one), None)
    grant = _grant({"productOrService": service, "quantity": quantity})
    return replace(grant, period=_granted_period(item, {}, ReviewAction.MODIFIED))


def _grant(added: Mapping[str, Any]) -> Grant:
    first = next(iter(_codings(added.get("productOrService"))), None)
    service = Coding(str(first.get("system", "")), str(first["code"])) if first and first.get("code") else None
    quantity = added.get("quantity")
    value = quantity.get("value") if isinstance(quantity, Mapping) else None
    units = Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
    serviced = added.get("servicedPeriod")
    day = _day(added.get("servicedDate"))
    period = _period(serviced) if isinstance(serviced, Mapping) else (Period(day, day) if day is not None else None)
    return Grant(service, units, period)


def _coded_reasons(item: Mapping[str, Any]) -> tuple[Reason, ...]:
    """The payer's own reason codes, as they came: their list is licensed, so the code stays opaque."""
    found: list[Reason] = []
    for adjudication in objects(item.get("adjudication")):
        action = codes.pas_extension(adjudication, "reviewAction")
        for part in codes.extensions_of(action or {}, "reasonCode"):
            concept = part.get("valueCodeableConcept")
            words = str(concept.get("text", "")) if isinstance(concept, Mapping) else ""
            found += [
                Reason(str(one["code"]), None, words or str(one.get("display", "")))
                for one in _codings(concept)
                if one.get("code")
            ]
    return tuple(found)


def _asked(request: Mapping[str, Any], needed: Sequence[pas_notes.Note]) -> list[RequestedInformation]:
    line = _line(request)
    tracking = next(iter(pairs(request.get("identifier"))), None)
    found = []
    for payload in objects(request.get("payload")):
        code = payload.get("contentString")
        if not isinstance(code, str):
            continue
        number = line if line is not None else _line(payload)  # 2.0.1 has it on the payload
        about = next((one for one in needed if one.code == code), None)
        text = about.text if about is not None else f"LOINC {code}"
        criterion = about.criterion if about is not None else None
        found.append(RequestedInformation(Coding(codes.LOINC, code), text, number, criterion, tracking))
    return found


def _line(element: Mapping[str, Any]) -> int | None:
    found = codes.pas_extension(element, "serviceLineNumber")
    number = found.get("valuePositiveInt") if found is not None else None
    return number if isinstance(number, int) else None


def _linked(added: Mapping[str, Any]) -> list[int]:
    return _numbers(added.get("itemSequence"))


def _sequence(item: Mapping[str, Any]) -> int | None:
    return next(iter(_numbers(item.get("itemSequence"))), None)


def _numbers(stated: Any) -> list[int]:
    """Whole numbers, of a list or alone."""
    given = stated if isinstance(stated, list) else [stated]
    return [one for one in given if isinstance(one, int) and not isinstance(one, bool)]


def _codings(concept: Any) -> list[Mapping[str, Any]]:
    return objects(concept.get("coding")) if isinstance(concept, Mapping) else []


def _value(element: Mapping[str, Any], name: str, value: str) -> Any:
    found = codes.pas_extension(element, name)
    return found.get(value) if found is not None else None


def _string(element: Mapping[str, Any], name: str) -> str | None:
    found = _value(element, name, "valueString")
    return found if isinstance(found, str) else None


def _identified(part: Mapping[str, Any]) -> bool:
    identifier = part.get("valueIdentifier")
    return isinstance(identifier, Mapping) and bool(identifier.get("value"))


def _period(stated: Mapping[str, Any]) -> Period:
    return Period(_day(stated.get("start")), _day(stated.get("end")))


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if isinstance(text, str) else None
    except ValueError:
        return None


def _instant(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
