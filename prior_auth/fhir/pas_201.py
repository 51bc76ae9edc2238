"""PAS 2.0.1 on the wire: what is built is 2.2.1, and this is the one place that knows how the older guide differs.

Only shapes change, no word of what is asked or decided: what 2.0.1 has no place for is left out (sender and receiver
codes, report types, who reviewed), and what it has elsewhere is put there. The readers take both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from prior_auth.domain.parties import PayerIdentity
from prior_auth.errors import BadInput
from prior_auth.fhir import codes
from prior_auth.fhir.bundle import references
from prior_auth.fhir.codes import Json, extension
from prior_auth.fhir.pas_parties import derived_id
from prior_auth.fhir.pas_received import objects

VERSION = "2.0.1"
PATH = "pas-2.0.1"  # under our own base: each version has a base of its own (conf-1)

_NEW = {
    f"{codes.PAS}extension-{name}"
    for name in (
        *("TransmissionIdentifiers", "documentInformation", "claimResponseReviewer", "admissionDates", "dischargeDate"),
        *("authorizedProviderType", "itemCategory", "revenueCode"),
    )
}
# Defined in both, but for items only in 2.0.1.
_OF_ITEMS = {f"{codes.PAS}extension-{name}" for name in ("authorizationNumber", "administrationReferenceNumber")}
_NEW_PROFILES = {f"{codes.PAS}profile-{name}" for name in ("documentreference", "subscription", "quantity")}
_US_CORE = "http://hl7.org/fhir/us/core/"  # claimed of 7.0.0; 2.0.1 rests on 3.1.1, of which nothing is claimed
_LINE = f"{codes.PAS}extension-serviceLineNumber"


def of(identity: PayerIdentity) -> PayerIdentity:
    """The same payer at its base of 2.0.1."""
    return replace(identity, base=f"{identity.base.rstrip('/')}/{PATH}", pas=VERSION)


def shaped(resource: Mapping[str, Any]) -> Json:
    """A Bundle, Parameters or resource of 2.2.1 as 2.0.1 has it; what is 2.0.1 already stays as it is."""
    written = _without_new(resource)
    if written.get("resourceType") == "Bundle":
        return _bundle(written)
    change = _OF_KIND.get(str(written.get("resourceType")))
    return change(written) if change is not None else written


def inquiry_answer(parameters: Mapping[str, Any], *, at: str) -> Json:
    """2.0.1 answers an inquiry by one Bundle: every ClaimResponse first, then what they refer to, each once.

    No match is an OperationOutcome in it, as a Bundle of that profile may not be empty.
    """
    found = [shaped(one["resource"]) for one in objects(parameters.get("parameter"))]
    entries = {entry["fullUrl"]: entry for bundle in found for entry in bundle["entry"]}
    ordered = sorted(entries.values(), key=lambda one: one["resource"]["resourceType"] != "ClaimResponse")
    return {
        "resourceType": "Bundle",
        "id": str(parameters["id"]),
        "meta": {"profile": [f"{codes.PAS}profile-pas-inquiry-response-bundle"]},
        "type": "collection",
        "timestamp": at,
        "entry": ordered or [_nothing_found(str(parameters["id"]))],
    }


def _nothing_found(inquiry: str) -> Json:
    issue = {"severity": "information", "code": "not-found", "diagnostics": "no authorization matches"}
    outcome = {"resourceType": "OperationOutcome", "id": derived_id("no-match", inquiry), "issue": [issue]}
    return {"fullUrl": f"urn:uuid:{outcome['id']}", "resource": outcome}


def _bundle(bundle: Json) -> Json:
    entries = [{**one, "resource": shaped(one["resource"])} for one in objects(bundle.get("entry"))]
    if not entries or entries[0]["resource"].get("resourceType") != "Claim":
        return {**bundle, "entry": entries}
    return {**bundle, "entry": _one_claim(entries)}


def _one_claim(entries: Sequence[Json]) -> list[Json]:
    """A 2.0.1 request holds one Claim: an update names the one before by its identifier and leaves it out."""
    first, priors = entries[0], [one for one in entries[1:] if one["resource"]["resourceType"] == "Claim"]
    if not priors:
        return list(entries)
    identifiers = {one["fullUrl"]: (one["resource"].get("identifier") or [None])[0] for one in priors}
    claim = {**first["resource"], "related": [_by_identifier(one, identifiers) for one in first["resource"]["related"]]}
    rest = [one for one in entries[1:] if one["fullUrl"] not in identifiers]
    wanted = _reached([claim], rest)
    only_theirs = _reached([one["resource"] for one in priors], rest) - wanted
    return [{**first, "resource": claim}, *(one for one in rest if one["fullUrl"] not in only_theirs)]


def _by_identifier(related: Json, identifiers: Mapping[str, Any]) -> Json:
    url = related["claim"]["reference"]
    if not identifiers.get(url):
        raise BadInput("the Claim before has no identifier", where="Claim.related[0].claim", fix="give it one")
    return {**related, "claim": {"type": "Claim", "identifier": identifiers[url]}}


def _reached(roots: Sequence[Json], entries: Sequence[Json]) -> set[str]:
    resources = {one["fullUrl"]: one["resource"] for one in entries}
    waiting, seen = [url for one in roots for url in references(one)], set[str]()
    while waiting:
        url = waiting.pop()
        if url in resources and url not in seen:
            seen.add(url)
            waiting += references(resources[url])
    return seen


def _without_new(value: Any, name: str = "") -> Any:
    if isinstance(value, Mapping):
        shown = {key: _without_new(part, key) for key, part in value.items()}
        return {key: part for key, part in shown.items() if part not in ([], {})}
    if isinstance(value, list):
        kept = [one for one in value if not (name == "extension" and one.get("url") in _NEW)]
        if name == "profile":
            kept = [one for one in kept if one not in _NEW_PROFILES and not str(one).startswith(_US_CORE)]
        return [_without_new(one, "") for one in kept]
    return value


def _claim(claim: Json) -> Json:
    said = [one for one in claim.get("extension", []) if one["url"] not in _OF_ITEMS]
    rest = {name: value for name, value in claim.items() if name != "extension"}
    return {**rest, "extension": said} if said else rest


def _response(response: Json) -> Json:
    """What is granted of a modified item stands in the item; `addItem` has no profile in 2.0.1.

    An error's words stand in the process notes alone: its element is one string here, for X12's place.
    """
    if "error" in response:
        response = {**response, "error": [_error(one) for one in response["error"]]}
    granted = {number: one for one in response.get("addItem", []) for number in one["itemSequence"]}
    if not granted:
        return response
    items = [_with_grant(one, granted.get(one["itemSequence"])) for one in response["item"]]
    return {name: value for name, value in {**response, "item": items}.items() if name != "addItem"}


def _with_grant(item: Json, added: Json | None) -> Json:
    if added is None:
        return item
    parts = [{"url": "productOrServiceCode", "valueCodeableConcept": added["productOrService"]}]
    if "quantity" in added:
        parts.append({"url": "quantity", "valueQuantity": added["quantity"]})
    detail = {"url": extension("itemAuthorizedDetail")["url"], "extension": parts}
    said = [one for one in item.get("extension", []) if one["url"] != detail["url"]]
    number = [one for part in _actions(added) for one in part["extension"] if one["url"] == "number"]
    written: Json = {**item, "extension": [*said, *added.get("extension", []), detail]}
    written["adjudication"] = [_numbered(one, number) for one in item["adjudication"]]
    return written


def _error(error: Json) -> Json:
    url = extension("errorElement")["url"]
    said = [one for one in error.get("extension", []) if one["url"] != url]
    for element in [one for one in error.get("extension", []) if one["url"] == url]:
        places = [part["valueString"] for part in element.get("extension", []) if part["url"] == "error"]
        said += [{"url": url, "valueString": place} for place in places]
    rest = {name: value for name, value in error.items() if name != "extension"}
    return {"extension": said, **rest} if said else rest


def _actions(element: Json) -> list[Json]:
    found = (codes.pas_extension(one, "reviewAction") for one in element["adjudication"])
    return [dict(one) for one in found if one is not None]


def _numbered(adjudication: Json, number: Sequence[Json]) -> Json:
    url = extension("reviewAction")["url"]
    said = [
        {**one, "extension": [*one["extension"], *number]} if one["url"] == url else one
        for one in adjudication.get("extension", [])
    ]
    return {**adjudication, "extension": said}


def _communication(request: Json) -> Json:
    line = [one for one in request.get("extension", []) if one["url"] == _LINE]
    rest = {name: value for name, value in request.items() if name != "extension"}
    payload = [{"extension": [*line, *one.get("extension", [])], **one} for one in request.get("payload", [])]
    return {**rest, "payload": payload} if line else request


def _task(task: Json) -> Json:
    return {**task, "input": [_of_line(one) for one in task.get("input", [])]}


def _of_line(part: Json) -> Json:
    if "extension" not in part:
        return part
    lines = [one["valuePositiveInt"] for one in part["extension"] if one["url"] == _LINE]
    rest = [one for one in part["extension"] if one["url"] != _LINE]
    said = [{"url": f"{codes.PAS}extension-paLineNumber", "valueInteger": line} for line in lines]
    return {**part, "extension": [*said, *rest]}


_OF_KIND: Mapping[str, Callable[[Json], Json]] = {
    "Claim": _claim,
    "ClaimResponse": _response,
    "CommunicationRequest": _communication,
    "Task": _task,
}
