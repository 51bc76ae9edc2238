"""Messages that are wrong, and messages that only look so: what a server refuses, and what it has to bear."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from enum import Enum, auto

from prior_auth.conformance.pas import payloads
from prior_auth.conformance.pas.bundle_rules import first, resources_of
from prior_auth.conformance.pas.payloads import Sender
from prior_auth.fhir import codes
from prior_auth.fhir.codes import Json
from prior_auth.fhir.pas_script import Word


class Oddity(Enum):
    """What a server has to bear: something optional left out, all but what is demanded, something unknown."""

    BARE = auto()
    MINIMAL = auto()
    UNKNOWN = auto()


def other_subscriptions(wanted: Json) -> Iterator[tuple[str, Json]]:
    websocket = copy.deepcopy(wanted)
    websocket["channel"]["type"] = "websocket"
    yield "websocket", websocket
    id_only = copy.deepcopy(wanted)
    id_only["channel"]["_payload"]["extension"][0]["valueCode"] = "id-only"
    yield "id-only", id_only


def of_another(sender: Sender) -> Json:
    """The same member, asked about by an organization that has no part in it."""
    another = Sender(sender.run, f"{sender.code}-ANOTHER", sender.payer, sender.at)
    asked = payloads.inquiry(another, "another")
    requestor = next(one for one in resources_of(asked, "Organization") if one["name"] == payloads.CLINIC)
    requestor["identifier"] = [codes.identifier(codes.NPI, payloads.OTHER_NPI)]
    return asked


def unprocessable(sound: Json) -> Iterator[tuple[str, Json | bytes]]:
    yield "no entries", {**sound, "entry": []}
    yield "no JSON", b"<Bundle/>"
    yield "no Bundle", first(sound)
    yield "the Claim is not first", {**sound, "entry": sound["entry"][::-1]}
    open_one = copy.deepcopy(sound)
    first(open_one)["patient"] = {"reference": f"{payloads.BASE}/Patient/nobody"}
    yield "a reference that leads nowhere", open_one


def odd(sender: Sender) -> Iterator[tuple[str, Oddity, Json]]:
    for name in ("careTeam", "supportingInfo", "diagnosis", "extension"):
        bare = payloads.request(sender, f"without-{name}", [Word.APPROVE])
        first(bare).pop(name)
        if name == "supportingInfo":
            bare["entry"] = [one for one in bare["entry"] if one["resource"]["resourceType"] != "Condition"]
        yield f"without {name}", Oddity.BARE, bare
    for name in ("servicedPeriod", "quantity"):
        bare = payloads.request(sender, f"without-{name}", [Word.APPROVE])
        first(bare)["item"][0].pop(name)
        yield f"without {name}", Oddity.BARE, bare
    minimal = payloads.request(sender, "only-supported", [Word.APPROVE])
    for name in ("authoredOn", "requester"):
        resources_of(minimal, "ServiceRequest")[0].pop(name)
    yield "mandatory and must-support elements only", Oddity.MINIMAL, minimal
    unknown = payloads.request(sender, "unknown", [Word.APPROVE])
    first(unknown)["extension"].append({"url": "http://example.org/fhir/unknown", "valueString": "x"})
    resources_of(unknown, "Patient")[0]["extension"] = [{"url": "http://example.org/unknown", "valueCode": "x"}]
    yield "unknown extensions", Oddity.UNKNOWN, unknown
    false = payloads.request(sender, "flag-false", [Word.APPROVE])
    first(false)["item"][0]["modifierExtension"] = [{"url": codes.CANCELLED_FLAG, "valueBoolean": False}]
    yield "infoCancelled that is false", Oddity.UNKNOWN, false
