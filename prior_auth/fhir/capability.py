"""What the payer's server says of itself: `GET [base]/metadata`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from prior_auth.fhir import codes
from prior_auth.fhir.codes import Json

_PAS = "http://hl7.org/fhir/us/davinci-pas/"
_QUERIES = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-"
SUBMIT = ("submit", f"{_PAS}OperationDefinition/Claim-submit")
INQUIRE = ("inquire", f"{_PAS}OperationDefinition/Claim-inquiry")
SUBMIT_ATTACHMENT = (
    "submit-attachment",
    "http://hl7.org/fhir/us/davinci-cdex/OperationDefinition/submit-attachment",
)

_SMART: Json = {
    "service": [
        {
            "coding": [
                {"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR"}
            ]
        }
    ],
    "description": "SMART Backend Services; see .well-known/smart-configuration",
}
_OPEN: Json = {"description": "DEVELOPMENT MODE: no caller is asked for a token"}
_DOES = "Prior authorization by Da Vinci PAS"
_RIG = f"TEST RIG: decisions are those that requests ask for. {_DOES}"

Operation = tuple[str, str]


def payer(
    base: str,
    *,
    on: date,
    version: str,
    smart: bool,
    claim: Sequence[Operation] = (SUBMIT, INQUIRE),
    system: Sequence[Operation] = (SUBMIT_ATTACHMENT,),
    subscription: Sequence[str] = ("create", "read", "update", "delete"),
    scripted: bool = False,
    pas: str = "2.2.1",
) -> Json:
    """The CapabilityStatement of a PAS server. Name only what is served: `claim` and `system` operations, the
    interactions of Subscription. PAS asks for `create`, `update` and `delete` (spec-55)."""
    topic = {
        "url": f"{codes.BACKPORT}capabilitystatement-subscriptiontopic-canonical",
        "valueCanonical": codes.PAS_TOPIC,
    }
    resources = [
        {"type": "Claim", "operation": [{"name": name, "definition": url} for name, url in claim]},
        {
            "extension": [topic],
            "type": "Subscription",
            **({"supportedProfile": [f"{codes.PAS}profile-subscription"]} if pas == "2.2.1" else {}),
            "interaction": [{"code": code} for code in subscription],
            "operation": [{"name": name, "definition": f"{_QUERIES}{name}"} for name in ("status", "events")],
        },
    ]
    rest: Json = {"mode": "server", "security": _SMART if smart else _OPEN, "resource": resources}
    if system:
        rest["operation"] = [{"name": name, "definition": url} for name, url in system]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": on.isoformat(),
        "kind": "instance",
        "software": {"name": "prior-auth", "version": version},
        "implementation": {"description": f"{_RIG if scripted else _DOES} {pas}", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [rest],
    }
