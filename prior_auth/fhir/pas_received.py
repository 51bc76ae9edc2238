"""A PAS request as the payer reads it: tolerant of what other senders do, exact about what cannot be processed.

What is refused here is a 4xx with one OperationOutcome; an omitted optional element never is (conf-14): the payer's
rules find evidence missing and pend.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from prior_auth.domain.coding import Coding
from prior_auth.domain.request import AuthorizationRequest, CoverageFacts, Period, RequestItem, Urgency
from prior_auth.errors import BadInput
from prior_auth.fhir import codes, pas_orders
from prior_auth.fhir.bundle import Entry, Index, Resource, type_and_id
from prior_auth.fhir.codes import Json
from prior_auth.fhir.pas_shape import refuse_other_kinds

Pair = tuple[str, str]

_ALL_GONE = "3"  # certificationType of an item, or of a Claim: then it cancels every item (pas.md 1.12)
_URI = "urn:ietf:rfc:3986"  # FHIR's system of identifiers that are URLs: a Claim without identifier is still one


@dataclass(frozen=True, slots=True)
class ReadItem:
    """One line of the Claim. `change` is the sender's mark (`added`, `changed`), to be shown, not relied on."""

    sequence: int
    item: RequestItem
    cancelled: bool
    change: str | None
    traces: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What a payer needs of a request. References are `Type/id` of `resources`, which are ready to be gathered.

    `senders` are all ids by which the sending system may have subscribed (pas.md 1.13). `request` holds the items not
    cancelled, in order; `resources` the patient, the coverage, the orders asked for and the evidence, no Claim.
    """

    bundle_identifier: Pair
    claim: Json
    claim_url: str
    claim_identifiers: tuple[Pair, ...]
    request: AuthorizationRequest
    items: tuple[ReadItem, ...]
    cancelled: bool
    evidence: tuple[str, ...]
    resources: tuple[Resource, ...]
    sender: str | None
    senders: tuple[str, ...]
    prior_claim: str | None
    prior_claim_identifiers: tuple[Pair, ...]


def read(bundle: Mapping[str, Any]) -> ReadRequest:
    """Read a request Bundle. Raises BadInput, `where` the element path, on what cannot be processed."""
    refuse_other_kinds(bundle)
    return _Reader(bundle).read()


class _Reader:
    def __init__(self, bundle: Mapping[str, Any]) -> None:
        self.bundle = bundle
        self.claim_entry = first_claim(bundle)
        self.index = Index(bundle)
        self.claim = self.claim_entry.resource
        self.locals = _local_names(self.index)

    def read(self) -> ReadRequest:
        self._check_claim()
        self._check_unique()
        self._check_closed()
        patient = self._required("patient", "Patient")
        self._required("insurer", "Organization")
        self._required("provider", "Organization", "PractitionerRole")
        self._check_patient(patient)
        items = tuple(self._items())
        prior = self._prior()
        request = AuthorizationRequest(
            patient=self._local(patient),
            coverage=self._coverage(),
            items=tuple(one.item for one in items if not one.cancelled),
            urgency=self._urgency(),
        )
        senders = self._senders()
        return ReadRequest(
            bundle_identifier=self._bundle_identifier(),
            claim=self.claim,
            claim_url=str(self.claim_entry.full_url),
            claim_identifiers=pairs(self.claim.get("identifier")) or ((_URI, str(self.claim_entry.full_url)),),
            request=request,
            items=items,
            cancelled=_certification(self.claim) == _ALL_GONE,
            evidence=tuple(self._evidence()),
            resources=tuple(self._resources(request, items)),
            sender=next(iter(senders), None),
            senders=senders,
            prior_claim=prior,
            prior_claim_identifiers=self._prior_identifiers(prior),
        )

    # --- what cannot be processed

    def _check_claim(self) -> None:
        if self.claim.get("use") != "preauthorization":
            raise BadInput("not a prior authorization", where=self._at("use"), fix="send use preauthorization")
        if not objects(self.claim.get("item")):
            raise BadInput("a Claim without items", where=self._at("item"), fix="send at least one item")
        for name in ("item", "supportingInfo"):
            numbers = [one.get("sequence") for one in objects(self.claim.get(name))]
            if any(not isinstance(number, int) or isinstance(number, bool) or number < 1 for number in numbers):
                raise BadInput("a sequence that is no positive number", where=self._at(name), fix="number the entries")
            if len(set(numbers)) != len(numbers):
                raise BadInput("a sequence stands twice", where=self._at(name), fix="number the entries uniquely")

    def _check_unique(self) -> None:
        seen: set[str] = set()
        for entry in self.index.entries:
            where = entry.path.removesuffix(".resource") + ".fullUrl"
            if entry.full_url is None:
                raise BadInput("an entry without fullUrl", where=where, fix="give every entry its fullUrl")
            if entry.full_url in seen:
                raise BadInput("a resource stands twice", where=where, fix="send each resource once (spec-14)")
            seen.add(entry.full_url)

    def _check_closed(self) -> None:
        """Everything that can be reached from the Claim is here; a prior Claim's own prior is not (spec-66)."""
        waiting, seen = [self.claim_entry], {self.claim_entry.full_url}
        while waiting:
            entry = waiting.pop(0)
            is_prior = entry is not self.claim_entry and entry.resource["resourceType"] == "Claim"
            for path, reference in references(entry.resource, entry.path):
                if reference.startswith("#") or (is_prior and ".related[" in path):
                    continue
                found = self.index.entry(reference, base=entry)
                if found is None:
                    raise BadInput("refers to a resource that is not in the Bundle", where=path, fix="send it along")
                if found.full_url not in seen:
                    seen.add(found.full_url)
                    waiting.append(found)

    def _check_patient(self, patient: Entry) -> None:
        for entry in self.index.entries:
            if entry.resource["resourceType"] in ("Coverage", "Claim"):
                continue
            for name in ("subject", "patient"):
                stated = reference_of(entry.resource.get(name))
                found = self.index.entry(stated, base=entry) if stated is not None else None
                if found is not None and found.resource["resourceType"] == "Patient" and found is not patient:
                    message = "a resource of another patient than the Claim's"
                    raise BadInput(message, where=f"{entry.path}.{name}", fix="send one patient's resources only")

    def _required(self, name: str, *kinds: str) -> Entry:
        stated = reference_of(self.claim.get(name))
        found = self.index.entry(stated, base=self.claim_entry) if stated is not None else None
        if found is None or found.resource["resourceType"] not in kinds:
            fix = f"refer to {' or '.join(kinds)} in the Bundle"
            raise BadInput(f"no {name}", where=self._at(name), fix=fix)
        return found

    def _at(self, name: str) -> str:
        return f"{self.claim_entry.path}.{name}"

    # --- what was said

    def _bundle_identifier(self) -> Pair:
        found = pairs([self.bundle.get("identifier")])
        if not found:
            raise BadInput("the Bundle has no identifier", where="Bundle.identifier", fix="give it system and value")
        return found[0]

    def _urgency(self) -> Urgency:
        level = codes.pas_extension(self.claim, "levelOfServiceCode")
        urgent = level is not None and "U" in _codes(level.get("valueCodeableConcept"))
        return Urgency.EXPEDITED if urgent or "stat" in _codes(self.claim.get("priority")) else Urgency.STANDARD

    def _senders(self) -> tuple[str, ...]:
        """interchangeSenderID (ISA06), applicationSenderCode, then the requestor's identifiers."""
        found: list[str] = []
        if (identifiers := codes.pas_extension(self.claim, "TransmissionIdentifiers")) is not None:
            for name in ("interchangeSenderID", "applicationSenderCode"):
                parts = codes.extensions_of(identifiers, name)
                found += [str(one["valueString"]) for one in parts if one.get("valueString")]
        provider = self._required("provider", "Organization", "PractitionerRole")
        organization = reference_of(provider.resource.get("organization"))
        for entry in (provider, self.index.entry(organization, base=provider) if organization else None):
            if entry is not None and entry.resource["resourceType"] == "Organization":
                for system, value in pairs(entry.resource.get("identifier")):
                    found += [value, f"{system}|{value}"]
        return tuple(dict.fromkeys(found))

    def _items(self) -> Iterator[ReadItem]:
        requester = self._requester()
        for item in objects(self.claim.get("item")):
            order = self._order(item)
            codings = codings_of(item.get("productOrService"))
            stated = (*codings, *(_order_codings(order.resource) if order is not None else ()))
            ordered_by = reference_of(order.resource.get("requester")) if order is not None else None
            by = self.index.entry(ordered_by, base=order) if ordered_by is not None else None
            asked = RequestItem(
                order=self._local(order) if order is not None else f"Claim/{self.claim.get('id', 'unknown')}",
                service=stated[0] if stated else Coding("", ""),
                codings=tuple(dict.fromkeys(stated)),
                units=_number(item.get("quantity")),
                period=serviced_of(item),
                requester=self._local(by) if by is not None else requester,
                renews=_text(codes.pas_extension(item, "authorizationNumber")),
            )
            traces = [
                one.get("valueIdentifier") for one in codes.extensions_of(item, f"{codes.PAS}extension-itemTraceNumber")
            ]
            change = codes.pas_extension(item, "infoChanged")
            yield ReadItem(
                sequence=item["sequence"],
                item=asked,
                cancelled=_ALL_GONE in (_certification(item), _certification(self.claim)) or is_cancelled(item),
                change=str(change.get("valueCode")) if change is not None else None,
                traces=pairs(traces),
            )

    def _order(self, item: Mapping[str, Any]) -> Entry | None:
        service = codes.pas_extension(item, "requestedService")
        stated = reference_of(service.get("valueReference")) if service is not None else None
        return self.index.entry(stated, base=self.claim_entry) if stated is not None else None

    def _requester(self) -> str | None:
        for member in objects(self.claim.get("careTeam")):
            stated = reference_of(member.get("provider"))
            found = self.index.entry(stated, base=self.claim_entry) if stated is not None else None
            person = reference_of(found.resource.get("practitioner")) if found is not None else None
            named = self.index.entry(person, base=found) if person is not None else found
            if named is not None:
                return self._local(named)
        return None

    def _coverage(self) -> CoverageFacts | None:
        for insurance in objects(self.claim.get("insurance")):
            stated = reference_of(insurance.get("coverage"))
            found = self.index.entry(stated, base=self.claim_entry) if stated is not None else None
            if found is not None and found.resource["resourceType"] == "Coverage":
                return self._coverage_facts(found)
        return None

    def _coverage_facts(self, entry: Entry) -> CoverageFacts:
        coverage = entry.resource
        payers: list[Pair] = []
        for payor in objects(coverage.get("payor")):
            payers += pairs([payor.get("identifier")])
            stated = reference_of(payor)
            found = self.index.entry(stated, base=entry) if stated is not None else None
            payers += pairs(found.resource.get("identifier")) if found is not None else ()
        plans = [one for one in objects(coverage.get("class")) if "plan" in _codes(one.get("type"))]
        members = [one for one in objects(coverage.get("identifier")) if "MB" in _codes(one.get("type"))]
        member = next((str(one["value"]) for one in members if one.get("value")), coverage.get("subscriberId"))
        return CoverageFacts(
            reference=self._local(entry),
            payer_identifiers=tuple(dict.fromkeys(payers)),
            plan=next((str(one["value"]) for one in plans if one.get("value")), None),
            member_id=member if isinstance(member, str) else None,
            period=period_of(coverage.get("period")),
        )

    def _evidence(self) -> Iterator[str]:
        for one in objects(self.claim.get("supportingInfo")):
            stated = reference_of(one.get("valueReference"))
            found = self.index.entry(stated, base=self.claim_entry) if stated is not None else None
            if found is not None and not is_cancelled(one):
                yield self._local(found)

    def _prior(self) -> str | None:
        for related in objects(self.claim.get("related")):
            stated = reference_of(related.get("claim"))
            if stated is not None:
                found = self.index.entry(stated, base=self.claim_entry)
                return str(found.full_url) if found is not None else stated
            if named := self._prior_named():
                return "|".join(named[0])
        return None

    def _prior_named(self) -> tuple[Pair, ...]:
        """By its identifier alone, as a 2.0.1 Bundle with its one Claim has to."""
        claims = [one.get("claim") for one in objects(self.claim.get("related"))]
        return pairs([one.get("identifier") for one in claims if isinstance(one, Mapping)])

    def _prior_identifiers(self, prior: str | None) -> tuple[Pair, ...]:
        found = self.index.by_full_url(prior) if prior is not None else None
        return pairs(found.resource.get("identifier")) if found is not None else self._prior_named()

    # --- the chart in it

    def _resources(self, request: AuthorizationRequest, items: Sequence[ReadItem]) -> Iterator[Resource]:
        asked = {one.order: one for one in request.items}
        dropped = {one.item.order for one in items if one.cancelled} - set(asked)
        dropped |= set(self._dropped_information()) - set(self._evidence())
        for entry in self.index.entries:
            name = self._local(entry)
            kind = entry.resource["resourceType"]
            if kind == "Claim" or name in dropped or (kind == "Patient" and name != request.patient):
                continue
            resource = self._relative(entry)
            yield pas_orders.as_ordered(resource, asked[name].period) if name in asked else resource

    def _dropped_information(self) -> Iterator[str]:
        for one in objects(self.claim.get("supportingInfo")):
            stated = reference_of(one.get("valueReference"))
            found = self.index.entry(stated, base=self.claim_entry) if stated is not None else None
            if found is not None and is_cancelled(one):
                yield self._local(found)

    def _relative(self, entry: Entry) -> Resource:
        kind, identity = self._local(entry).split("/", 1)
        written = self._with_relative(entry.resource, entry)
        return {"resourceType": kind, "id": identity} | {
            name: value for name, value in written.items() if name not in ("resourceType", "id")
        }

    def _with_relative(self, value: Any, base: Entry) -> Any:
        if isinstance(value, list):
            return [self._with_relative(part, base) for part in value]
        if not isinstance(value, dict):
            return value
        written = {name: self._with_relative(part, base) for name, part in value.items()}
        stated = value.get("reference")
        if isinstance(stated, str) and (found := self.index.entry(stated, base=base)) is not None:
            written["reference"] = self._local(found)
        return written

    def _local(self, entry: Entry) -> str:
        return self.locals[entry.path]


def first_claim(bundle: Mapping[str, Any]) -> Entry:
    """The Claim a request or inquiry is about. Raises BadInput where the Bundle does not begin with one."""
    if bundle.get("resourceType") != "Bundle":
        raise BadInput("not a Bundle", where="resourceType", fix="POST the request Bundle itself, without Parameters")
    if bundle.get("type") != "collection":
        raise BadInput("not a collection", where="Bundle.type", fix="send a Bundle of type collection")
    first = Index(bundle).entries[0]
    if first.path != "Bundle.entry[0].resource" or first.resource["resourceType"] != "Claim":
        # Position decides: in an update there are two Claims (pas.md trap 1).
        raise BadInput("the first entry is no Claim", where="Bundle.entry[0]", fix="put the Claim first (spec-12)")
    return first


def _local_names(index: Index) -> dict[str, str]:
    """`Type/id` for each entry by its path; made up from the fullUrl where there is no id or it is taken."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for entry in index.entries:
        kind, identity = entry.resource["resourceType"], entry.resource.get("id")
        named = type_and_id(entry.full_url or "")
        name = f"{kind}/{identity or (named[1] if named else '')}"
        if name in taken or name.endswith("/"):
            name = f"{kind}/{uuid5(NAMESPACE_URL, entry.full_url or entry.path)}"
        taken.add(name)
        names[entry.path] = name
    return names


def references(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every Reference.reference below, with its element path."""
    if isinstance(value, Mapping):
        if isinstance(value.get("reference"), str):
            yield f"{path}.reference", value["reference"]
        for name, part in value.items():
            yield from references(part, f"{path}.{name}")
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from references(part, f"{path}[{number}]")


def objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def pairs(identifiers: Any) -> tuple[Pair, ...]:
    """(system, value) of Identifiers that have a value; the system may be empty."""
    stated = (one for one in objects(identifiers) if isinstance(one.get("value"), str))
    return tuple((str(one.get("system", "")), str(one["value"])) for one in stated)


def is_cancelled(entry: Mapping[str, Any]) -> bool:
    """`infoCancelled` true; false is not a cancel (pas.md trap 19)."""
    marks = objects(entry.get("modifierExtension")) + objects(entry.get("extension"))
    return any(one.get("url") == codes.CANCELLED_FLAG and one.get("valueBoolean") is True for one in marks)


def _certification(element: Mapping[str, Any]) -> str | None:
    found = codes.pas_extension(element, "certificationType")
    return next(iter(_codes(found.get("valueCodeableConcept"))), None) if found is not None else None


def _text(extension: Mapping[str, Any] | None) -> str | None:
    stated = extension.get("valueString") if extension is not None else None
    return stated if isinstance(stated, str) else None


def reference_of(value: Any) -> str | None:
    """What a Reference refers to, as written."""
    stated = value.get("reference") if isinstance(value, Mapping) else None
    return stated if isinstance(stated, str) else None


def _codes(concept: Any) -> list[str]:
    found = objects(concept.get("coding")) if isinstance(concept, Mapping) else []
    return [str(one["code"]) for one in found if one.get("code")]


def codings_of(concept: Any) -> tuple[Coding, ...]:
    """Those of a CodeableConcept that have system and code."""
    found = objects(concept.get("coding")) if isinstance(concept, Mapping) else []
    complete = (one for one in found if one.get("system") and one.get("code"))
    return tuple(Coding(str(one["system"]), str(one["code"]), one.get("display")) for one in complete)


def _order_codings(order: Mapping[str, Any]) -> tuple[Coding, ...]:
    return next((found for name in ("medicationCodeableConcept", "code", "codeCodeableConcept")
                 if (found := codings_of(order.get(name)))), ())  # fmt: skip


def _number(quantity: Any) -> Decimal | None:
    value = quantity.get("value") if isinstance(quantity, Mapping) else None
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def serviced_of(item: Mapping[str, Any]) -> Period:
    """The days of service of an item."""
    day = _day(item.get("servicedDate"))
    return Period(day, day) if day is not None else period_of(item.get("servicedPeriod"))


def period_of(value: Any) -> Period:
    """A Period to the day; what cannot be read is open."""
    stated = value if isinstance(value, Mapping) else {}
    return Period(_day(stated.get("start")), _day(stated.get("end")))


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if isinstance(text, str) else None
    except ValueError:
        return None
