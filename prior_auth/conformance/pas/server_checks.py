"""What single answers of a server owe, whatever was asked: status, kind, what they must name."""

from __future__ import annotations

from collections.abc import Iterator

from prior_auth.conformance.pas.bundle_rules import broken, list_of, object_of
from prior_auth.conformance.pas.verdicts import Finding
from prior_auth.conformance.pas.wire import Answered
from prior_auth.fhir import codes
from prior_auth.fhir.codes import Json

_TOO_LONG = 15.0


def offered(answer: Answered) -> Iterator[Finding]:
    stated = answer.resource or {}
    if stated.get("resourceType") != "CapabilityStatement":
        yield Finding("GET metadata", f"no CapabilityStatement, but {answer.status}")
        return
    yield from broken(stated, "http://hl7.org/fhir/StructureDefinition/CapabilityStatement")
    resources = [one for rest in list_of(stated, "rest") for one in list_of(rest, "resource")]
    by_type = {str(one.get("type")): one for one in resources}
    can = {str(one.get("code")) for one in list_of(by_type.get("Subscription"), "interaction")}
    for lacking in sorted({"create", "update", "delete"} - can):
        yield Finding("CapabilityStatement.rest.resource", f"Subscription cannot {lacking}")
    definitions = {str(one.get("definition")) for one in list_of(by_type.get("Claim"), "operation")}
    for name in ("Claim-submit", "Claim-inquiry"):
        if not any(one.split("|")[0].endswith(f"davinci-pas/OperationDefinition/{name}") for one in definitions):
            yield Finding("CapabilityStatement.rest.resource.operation", f"{name} is not offered")


def created(answer: Answered) -> Iterator[Finding]:
    if answer.status != 201:
        yield Finding("POST Subscription", f"was answered {answer.status}{said(answer)}, not 201")
        return
    held = answer.resource or {}
    channel = held.get("channel")
    if held.get("resourceType") != "Subscription" or not isinstance(channel, dict):
        yield Finding("body", "is no Subscription")
        return
    if held.get("status") != "requested":
        yield Finding("Subscription.status", f"is {held.get('status')}, not requested")
    if channel.get("type") != "rest-hook":
        yield Finding("Subscription.channel.type", f"is {channel.get('type')}, not rest-hook")


def refused(answer: Answered) -> Iterator[Finding]:
    if not 400 <= answer.status < 500:
        yield Finding("POST Subscription", f"was answered {answer.status}, not 4xx")


def accepted(answer: Answered) -> Iterator[Finding]:
    if answer.status not in (200, 201):
        yield Finding("POST Claim/$submit", f"was answered {answer.status}{said(answer)}")
    elif answer.bundle() is None:
        yield Finding("body", "is no Bundle")
    elif "json" not in answer.kind:
        yield Finding("header Content-Type", "is not JSON")


def slow(answer: Answered) -> Iterator[Finding]:
    if answer.seconds > _TOO_LONG:
        yield Finding("POST Claim/$submit", f"took {answer.seconds:.1f} seconds")


def said(answer: Answered) -> str:
    """The codes and paths of an OperationOutcome, without its words."""
    issues = list_of(answer.resource, "issue")
    told = [f"{one.get('code')} at {one.get('expression') or '?'}" for one in issues[:3]]
    return f" ({'; '.join(told)})" if told else ""


def parameters(answer: Answered) -> Iterator[Finding]:
    if answer.status != 200:
        yield Finding("POST Claim/$inquire", f"was answered {answer.status}{said(answer)}")
        return
    held = answer.resource or {}
    if held.get("resourceType") != "Parameters":
        yield Finding("body", f"is {held.get('resourceType') or 'no FHIR'}, not Parameters")
        return
    for number, one in enumerate(list_of(held, "parameter")):
        resource = one.get("resource")
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if kind != "OperationOutcome" and (one.get("name") != "return" or kind != "Bundle"):
            yield Finding(f"Parameters.parameter[{number}]", "is no `return` with a Bundle")


def refers(response: Json) -> Iterator[Finding]:
    stated = object_of(response, "request")
    absent = codes.extensions_of(stated, codes.DATA_ABSENT)
    if not absent and not ({"reference", "identifier"} & set(stated)):
        yield Finding("Bundle.entry[0].resource.request", "refers to no Claim and does not say why")


def one_outcome(answer: Answered) -> Iterator[Finding]:
    if not 400 <= answer.status < 500:
        yield Finding("status", f"is {answer.status}, not 4xx")
    held = answer.resource or {}
    if held.get("resourceType") != "OperationOutcome":
        yield Finding("body", f"is {held.get('resourceType') or 'no FHIR'}, not one OperationOutcome")
        return
    yield from broken(held, "http://hl7.org/fhir/StructureDefinition/OperationOutcome")
