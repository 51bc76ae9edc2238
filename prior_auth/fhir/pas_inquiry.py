"""`Claim/$inquire` (PAS 2.2.1) both ways: a question by example, answered with one response Bundle for each match.

An inquiry is for people and for gaps, not for waiting (spec-9, spec-42): its answer holds no requests for information.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.domain.determination import Determination
from prior_auth.domain.request import Period
from prior_auth.errors import BadInput
from prior_auth.fhir import codes, pas_determination
from prior_auth.fhir.bundle import Entry, Index, references
from prior_auth.fhir.codes import Json
from prior_auth.fhir.pas_parties import derived_id
from prior_auth.fhir.pas_people import People, people_of
from prior_auth.fhir.pas_received import (
    codings_of,
    first_claim,
    objects,
    pairs,
    period_of,
    reference_of,
    serviced_of,
)
from prior_auth.fhir.pas_request import Stamp
from prior_auth.fhir.pas_shape import refuse_other_kinds

NOT_APPLICABLE = "not-applicable"  # data-absent-reason: any service (spec-43)
_KEPT_EXTENSIONS = ("serviceItemRequestType", "certificationType")


def build(sent: Mapping[str, Any], *, numbers: Mapping[int, str], stamp: Stamp) -> Json:
    """The question what became of the request `sent` (its Bundle): its patient, payer, practice and items, no evidence.

    `numbers` are administration references by item, where the payer gave them.
    """
    index = Index(sent)
    entry = first_claim(sent)
    claim = entry.resource
    base = str(entry.full_url).rpartition("/Claim/")[0]
    asked: Json = {
        "resourceType": "Claim",
        "id": derived_id("inquiry", base, stamp.submission),
        "meta": {"profile": [f"{codes.PAS}profile-claim-inquiry"]},
        "extension": [one for one in [codes.pas_extension(claim, "TransmissionIdentifiers")] if one is not None],
        "identifier": [codes.identifier(stamp.trace_system or f"{base}/trace", stamp.trace)],
        **{name: claim[name] for name in ("status", "type", "use", "patient")},
        "created": stamp.created.isoformat(timespec="seconds"),
        **{name: claim[name] for name in ("insurer", "provider", "priority", "insurance")},
        "item": [_asked(one, numbers.get(one["sequence"])) for one in claim["item"]],
    }
    entries = {f"{base}/Claim/{asked['id']}": asked} | _reached(asked, entry, index)
    name = derived_id("inquiry-bundle", base, stamp.submission)
    return {
        "resourceType": "Bundle",
        "id": name,
        "meta": {"profile": [f"{codes.PAS}profile-pas-inquiry-request-bundle"]},
        "identifier": codes.identifier(f"{base}/Bundle", name),
        "type": "collection",
        "timestamp": stamp.created.isoformat(timespec="seconds"),
        "entry": [{"fullUrl": url, "resource": resource} for url, resource in entries.items()],
    }


def _asked(item: Mapping[str, Any], number: str | None) -> Json:
    said = [found for name in _KEPT_EXTENSIONS if (found := codes.pas_extension(item, name)) is not None]
    if number is not None:
        said.append(codes.extension("administrationReferenceNumber", valueString=number))
    kept = ("sequence", "category", "productOrService", "servicedDate", "servicedPeriod", "locationCodeableConcept")
    written = {name: item[name] for name in kept if name in item}
    return {"extension": said, **written} if said else written


def _reached(claim: Json, base: Entry, index: Index) -> dict[str, Json]:
    """Everything the question refers to, by any chain, once."""
    found: dict[str, Json] = {}
    waiting: list[tuple[Any, Entry]] = [(claim, base)]
    while waiting:
        value, here = waiting.pop(0)
        for stated in references(value):
            entry = index.entry(stated, base=here)
            if entry is not None and str(entry.full_url) not in found:
                found[str(entry.full_url)] = entry.resource
                waiting.append((entry.resource, entry))
    return found


@dataclass(frozen=True, slots=True)
class AskedItem:
    """What one line of an inquiry narrows the search to; an empty or None field narrows nothing.

    `certified` are days within which the certification was issued, took effect or ends, whichever is stated.
    """

    services: tuple[Coding, ...]
    period: Period | None
    review_action: str | None
    certified: tuple[tuple[str, Period], ...]


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question. `numbers` are authorization and administration reference numbers; `period` is the Claim's."""

    claim: Json
    identifiers: tuple[tuple[str, str], ...]
    people: People
    numbers: frozenset[str]
    items: tuple[AskedItem, ...]
    diagnoses: frozenset[str]
    period: Period | None


def read(bundle: Mapping[str, Any]) -> Inquiry:
    """Read an inquiry Bundle. Raises BadInput, with the element path, on what cannot be processed."""
    refuse_other_kinds(bundle)
    entry = first_claim(bundle)
    index = Index(bundle)
    claim = entry.resource
    for name, kinds in _REQUIRED.items():
        stated = reference_of(claim.get(name))
        found = index.entry(stated, base=entry) if stated is not None else None
        if found is None or found.resource["resourceType"] not in kinds:
            fix = f"refer to {' or '.join(kinds)} in the Bundle"
            raise BadInput(f"no {name}", where=f"{entry.path}.{name}", fix=fix)
    if claim.get("use") != "preauthorization":
        raise BadInput("not a prior authorization", where=f"{entry.path}.use", fix="send use preauthorization")
    items = objects(claim.get("item"))
    diagnoses = [one for part in objects(claim.get("diagnosis")) for one in _codes(part, "diagnosisCodeableConcept")]
    return Inquiry(
        claim=claim,
        identifiers=pairs(claim.get("identifier")),
        people=people_of(bundle),
        numbers=frozenset(number for element in (claim, *items) for number in numbers_of(element)),
        items=tuple(_read_item(one) for one in items),
        diagnoses=frozenset(diagnoses),
        period=_stated(period_of(claim.get("billablePeriod"))),
    )


_REQUIRED = {
    "patient": ("Patient",),
    "insurer": ("Organization",),
    "provider": ("Organization", "PractitionerRole"),
}


def numbers_of(element: Mapping[str, Any]) -> Iterator[str]:
    """The authorization (BB) and administration reference (NT) numbers of a Claim or one of its items."""
    for name in ("authorizationNumber", "administrationReferenceNumber"):
        found = codes.pas_extension(element, name)
        if found is not None and isinstance(found.get("valueString"), str):
            yield found["valueString"]


def _read_item(item: Mapping[str, Any]) -> AskedItem:
    services = codings_of(item.get("productOrService"))
    any_service = any(one.code == NOT_APPLICABLE for one in services)
    action = codes.pas_extension(item, "reviewActionCode")
    return AskedItem(
        services=() if any_service else services,
        period=_stated(serviced_of(item)),
        review_action=next(iter(_codes(action, "valueCodeableConcept")), None) if action is not None else None,
        certified=tuple(_certified(item)),
    )


def _certified(item: Mapping[str, Any]) -> Iterator[tuple[str, Period]]:
    for name in ("Issue", "Effective", "Expiration"):
        found = codes.pas_extension(item, f"itemCertification{name}Date")
        if found is None:
            continue
        day = found.get("valueDate")
        stated = {"start": day, "end": day} if isinstance(day, str) else found.get("valuePeriod")
        if (period := _stated(period_of(stated))) is not None:
            yield name.lower(), period


def _codes(element: Mapping[str, Any], name: str) -> list[str]:
    return [one.code for one in codings_of(element.get(name))]


def _stated(period: Period) -> Period | None:
    return period if period.start is not None or period.end is not None else None


def answer(bundles: Sequence[Json], *, inquiry: str) -> Json:
    """Parameters: one `return` for each matching authorization, none at all where there is none (still a 200)."""
    written: Json = {"resourceType": "Parameters", "id": derived_id("inquiry-answer", inquiry)}
    return written | ({"parameter": [{"name": "return", "resource": one} for one in bundles]} if bundles else {})


def read_answer(resource: Mapping[str, Any]) -> list[tuple[Json, Determination]]:
    """The Bundles of an answer with what they say, newest first.

    Tolerant of other payers: a part of another name (the guide's own example has one), or 2.0.1's single Bundle.
    Raises BadInput on what is neither.
    """
    if resource.get("resourceType") == "Bundle":
        found = list(_one_each(resource))
    elif resource.get("resourceType") == "Parameters":
        parts = objects(resource.get("parameter"))
        found = [one["resource"] for one in parts if isinstance(one.get("resource"), Mapping)]
    else:
        raise BadInput("no answer to an inquiry", where="resourceType", fix="the payer has to answer with Parameters")
    bundles = [dict(one) for one in found if one.get("resourceType") == "Bundle" and _has_response(one)]
    read_ones = [(one, pas_determination.read(one)) for one in bundles]
    return sorted(read_ones, key=lambda one: str(one[1].created or ""), reverse=True)


def _one_each(bundle: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """2.0.1's single Bundle as one for each of its answers."""
    entries = objects(bundle.get("entry"))
    answers = [one for one in entries if _kind(one) == "ClaimResponse"]
    rest = [one for one in entries if _kind(one) != "ClaimResponse"]
    yield from ({**bundle, "entry": [answer, *rest]} for answer in answers)


def _kind(entry: Mapping[str, Any]) -> Any:
    resource = entry.get("resource")
    return resource.get("resourceType") if isinstance(resource, Mapping) else None


def _has_response(bundle: Mapping[str, Any]) -> bool:
    resources = [entry.get("resource") for entry in objects(bundle.get("entry"))]
    return any(isinstance(one, Mapping) and one.get("resourceType") == "ClaimResponse" for one in resources)


def overlap(one: Period, other: Period) -> bool:
    """Whether two periods share a day; an open end reaches for ever."""
    starts = max(one.start or date.min, other.start or date.min)
    return starts <= min(one.end or date.max, other.end or date.max)
