"""The answer to a payer's request for information: CDex 2.1.0 `$submit-attachment`.

PAS sends what it asks for in the response and takes the answer by CDex (pas.md 1.15). An update with the new evidence
would do as well in meaning, but its obligatory mark on a new supportingInfo (`infoChanged`, spec-72) is not allowed
there by the extension's own published context: no such Bundle is valid in 2.2.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prior_auth.domain.determination import RequestedInformation
from prior_auth.domain.parties import PayerIdentity, PracticeIdentity
from prior_auth.errors import BadInput
from prior_auth.fhir import codes
from prior_auth.fhir.bundle import Index, Resource, type_and_id
from prior_auth.fhir.codes import Json, coded
from prior_auth.fhir.pas_evidence import Chart, Gatherer, key_of
from prior_auth.fhir.pas_fit import ROUNDS, Fit
from prior_auth.fhir.pas_parties import derived_id
from prior_auth.fhir.pas_received import objects, pairs

Pair = tuple[str, str]

PROFILE = "http://hl7.org/fhir/us/davinci-cdex/StructureDefinition/cdex-parameters-submit-attachment"


@dataclass(frozen=True, slots=True)
class Answer:
    """One piece of evidence (`Type/id` of the chart) and the request it answers, if it was asked for by code."""

    evidence: str
    to: RequestedInformation | None


def build(
    sent: Mapping[str, Any],
    chart: Sequence[Resource],
    answers: Sequence[Answer],
    *,
    tracking: Pair,
    administration_reference: str | None,
    member_id: str,
    practice: PracticeIdentity,
    payer: PayerIdentity,
    final: bool = True,
) -> Json:
    """Parameters for `$submit-attachment`. `sent` is the request Bundle: what it holds is referred to, not sent again.

    `tracking` is the identifier of the response that asked. Evidence that refers to a resource not sent before takes
    it along. Raises BadInput on evidence that the chart lacks or that is another patient's.
    """
    if not answers:
        raise BadInput("nothing to send", where="Parameters.parameter", fix="name at least one piece of evidence")
    known = Chart(chart)
    patient = next(one for one in Index(sent).entries if one.resource["resourceType"] == "Patient").resource
    gatherer = Gatherer(known, key_of(patient), base=practice.base.rstrip("/"))
    wanted = {key_of(found) for one in answers if (found := known.find(one.evidence)) is not None}
    for entry in Index(sent).entries:
        if entry.resource["resourceType"] != "Claim" and key_of(entry.resource) not in wanted:
            gatherer.stand_in(key_of(entry.resource), str(entry.full_url))
    gatherer.want([one.evidence for one in answers])
    gathered = gatherer.gathered()
    asked = {key_of(found): one.to for one in answers if (found := known.find(one.evidence)) is not None}
    resources = _fitted(sent, [*gathered.clinical, *gathered.support], gatherer)
    parameters = [
        _identified("TrackingId", *tracking),
        *(
            [_identified("AdminRefNumber", payer.identifier[0], administration_reference)]
            if administration_reference
            else []
        ),
        {"name": "AttachTo", "valueCode": "preauthorization"},
        _identified("PayerId", *payer.identifier),
        _identified("OrganizationId", codes.NPI, str(practice.npi)),
        {"name": "MemberId", "valueIdentifier": {"value": member_id}},
        *(_attachment(one, asked.get(key_of(one))) for one in resources),
        {"name": "Final", "valueBoolean": final},
    ]
    return {
        "resourceType": "Parameters",
        "id": derived_id("attachment", practice.base, *tracking, *(key_of(one) for one in resources)),
        "meta": {"profile": [PROFILE]},
        "parameter": parameters,
    }


@dataclass(frozen=True, slots=True)
class Attachment:
    """`lines` are item sequences, none for the whole request; `code` the LOINC code that was asked for."""

    lines: tuple[str, ...]
    code: str | None
    content: Resource


@dataclass(frozen=True, slots=True)
class Submission:
    """What came by `$submit-attachment`. `tracking` and `administration_reference` lead to the authorization."""

    tracking: Pair
    administration_reference: Pair | None
    member_id: str
    organization: Pair | None
    attachments: tuple[Attachment, ...]
    final: bool


def read(parameters: Mapping[str, Any]) -> Submission:
    """Read what a provider sent. Raises BadInput, with the element path, on what cannot be tied to a request."""
    if parameters.get("resourceType") != "Parameters":
        raise BadInput("not Parameters", where="resourceType", fix="POST the Parameters of $submit-attachment")
    given = objects(parameters.get("parameter"))
    use = next((one.get("valueCode") for one in given if one.get("name") == "AttachTo"), None)
    if use != "preauthorization":
        where = place(parameters, "AttachTo")
        raise BadInput("not for a prior authorization", where=where, fix="set AttachTo to preauthorization")
    tracking, member = _pair(given, "TrackingId"), _pair(given, "MemberId")
    for name, found in (("TrackingId", tracking), ("MemberId", member)):
        if found is None:
            raise BadInput(f"no {name}", where=place(parameters, name), fix="add it as an Identifier")
    assert tracking is not None
    assert member is not None
    attachments = [
        _read(one, f"Parameters.parameter[{number}]")
        for number, one in enumerate(given)
        if one.get("name") == "Attachment"
    ]
    if not attachments:
        raise BadInput("no attachment", where=place(parameters, "Attachment"), fix="add at least one")
    return Submission(
        tracking=tracking,
        administration_reference=_pair(given, "AdminRefNumber"),
        member_id=member[1],
        organization=_pair(given, "OrganizationId"),
        attachments=tuple(attachments),
        final=all(one.get("valueBoolean") is not False for one in given if one.get("name") == "Final"),
    )


def place(parameters: Mapping[str, Any], name: str) -> str:
    """Where a parameter stands, as an element path; where it is absent, where it should."""
    given = objects(parameters.get("parameter"))
    found = (f"Parameters.parameter[{number}]" for number, one in enumerate(given) if one.get("name") == name)
    return next(found, "Parameters.parameter")


def completed(request: Mapping[str, Any], submission: Submission) -> Json:
    """The request Bundle with what was attached, for the payer's own rules: as if it had been sent at first.

    Each attachment becomes an entry and a supportingInfo under the next number never used; one that is there already
    (same type and id) is replaced. References that lead nowhere are taken out, not refused: a sender may attach
    a document of its own records. Never sent to anyone.
    """
    entries = [dict(entry) for entry in request["entry"]]
    claim_url = str(entries[0]["fullUrl"])
    base = claim_url.rpartition("/Claim/")[0]
    places = {entry["fullUrl"]: number for number, entry in enumerate(entries)}
    information = list(entries[0]["resource"].get("supportingInfo", []))
    pointed = {(one.get("valueReference") or {}).get("reference") for one in information}
    number = max((one["sequence"] for one in information), default=0)
    added: list[str] = []
    for position, attachment in enumerate(submission.attachments):
        resource = _with_id(attachment.content, submission, position)
        url = f"{base}/{key_of(resource)}" if base else f"urn:uuid:{derived_id(claim_url, key_of(resource))}"
        added.append(url)
        if url in places:
            entries[places[url]] = {**entries[places[url]], "resource": resource}
            continue
        places[url] = len(entries)
        entries.append({"fullUrl": url, "resource": resource})
        if url not in pointed and resource["resourceType"] != "Medication":
            number += 1
            category = coded(codes.CLAIM_INFORMATION, "info")
            information.append({"sequence": number, "category": category, "valueReference": {"reference": url}})
    bundle = {**request, "entry": entries}
    index = Index(bundle)
    for url in added:
        entry = entries[places[url]]
        entry["resource"] = _closed(entry["resource"], index, url)
    entries[0]["resource"] = {**entries[0]["resource"], "supportingInfo": information}
    return bundle


def _fitted(sent: Mapping[str, Any], resources: Sequence[Json], gatherer: Gatherer) -> list[Json]:
    """The resources with the profiles they keep, judged beside what was sent before."""
    fit = Fit()
    keys = [key_of(one) for one in resources]
    before = [one for one in sent["entry"] if key_of(one["resource"]) not in keys]
    for _ in range(ROUNDS):
        shaped = [fit.shaped(one) for one in resources]
        new = [{"fullUrl": gatherer.full_url(key_of(one)), "resource": one} for one in shaped]
        whole = {"resourceType": "Bundle", "type": "collection", "entry": [*before[1:], *new]}
        if not fit.mended(whole, keys):
            return shaped
    raise BadInput("the evidence could not be fitted into a valid attachment", where="Parameters")


def _identified(name: str, system: str, value: str) -> Json:
    return {"name": name, "valueIdentifier": codes.identifier(system, value)}


def _attachment(resource: Json, to: RequestedInformation | None) -> Json:
    parts: list[Json] = []
    if to is not None and to.item is not None:
        parts.append({"name": "LineItem", "valueString": str(to.item)})
    if to is not None:
        parts.append({"name": "Code", "valueCodeableConcept": coded(to.code.system, to.code.code)})
    return {"name": "Attachment", "part": [*parts, {"name": "Content", "resource": resource}]}


def _pair(given: Sequence[Mapping[str, Any]], name: str) -> Pair | None:
    return next(
        (found[0] for one in given if one.get("name") == name and (found := pairs([one.get("valueIdentifier")]))), None
    )


def _read(parameter: Mapping[str, Any], where: str) -> Attachment:
    parts = objects(parameter.get("part"))
    content = next((one.get("resource") for one in parts if one.get("name") == "Content"), None)
    if not isinstance(content, dict) or not isinstance(content.get("resourceType"), str):
        fix = "put the resource into Content.resource"
        raise BadInput("an attachment without its content", where=f"{where}.part", fix=fix)
    lines = tuple(str(one["valueString"]) for one in parts if one.get("name") == "LineItem" and one.get("valueString"))
    concepts = [one.get("valueCodeableConcept") for one in parts if one.get("name") == "Code"]
    found = [part.get("code") for one in concepts if isinstance(one, Mapping) for part in objects(one.get("coding"))]
    return Attachment(lines, next((code for code in found if code), None), content)


def _with_id(resource: Resource, submission: Submission, position: int) -> Resource:
    if isinstance(resource.get("id"), str):
        return resource
    return {**resource, "id": derived_id(*submission.tracking, str(position))}


def _closed(value: Any, index: Index, url: str) -> Any:
    """Without the references that lead out of the Bundle; an identifier or display beside one stays."""
    if isinstance(value, list):
        return [_closed(part, index, url) for part in value]
    if not isinstance(value, dict):
        return value
    written = {name: _closed(part, index, url) for name, part in value.items()}
    stated = value.get("reference")
    if isinstance(stated, str) and not stated.startswith("#"):
        found = index.entry(stated, base=index.by_full_url(url))
        if found is None:
            named = type_and_id(stated)
            written.pop("reference")
            return written or ({"type": named[0]} if named is not None else {"display": "not sent"})
        written["reference"] = found.full_url
    return written
