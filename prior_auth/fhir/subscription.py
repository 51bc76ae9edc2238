"""Subscriptions to a payer's answers: R4 topic subscriptions (Backport 1.1.0) as PAS 2.2.1 narrows them.

One subscription for each sending system; rest-hook and full-resource only. A notification is a history Bundle whose
first entry is the status (Parameters) and whose focus is the nested PAS response Bundle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from prior_auth.errors import BadInput
from prior_auth.fhir import codes
from prior_auth.fhir.bundle import Index
from prior_auth.fhir.codes import Json
from prior_auth.fhir.pas_parties import derived_id
from prior_auth.fhir.pas_received import objects

MIME_TYPE = "application/fhir+json"
# Text, profile and conformance kit spell it so; the topic resource and the example say orgIdentifier (pas.md 1.13).
_FILTER = "org-identifier"
_FILTERS = (_FILTER, "orgIdentifier")
_CONTENT = f"{codes.BACKPORT}backport-payload-content"


class Content(StrEnum):
    """What an event carries. 2.2.1 has the whole answer only; 2.0.1 may have the id alone, and the rest is inquired."""

    FULL = "full-resource"
    ID_ONLY = "id-only"


def subscription(
    senders: Sequence[str],
    *,
    endpoint: str,
    headers: Sequence[str] = (),
    end: str | None = None,
    heartbeat: int | None = None,
    content: Content = Content.FULL,
) -> Json:
    """What a practice POSTs: all answers to requests of these sending systems, to `endpoint`, with these headers.

    `heartbeat` is how many seconds may pass without any notification before the payer sends an empty one.
    """
    channel: Json = {
        "type": "rest-hook",
        "endpoint": endpoint,
        "payload": MIME_TYPE,
        "_payload": {"extension": [{"url": _CONTENT, "valueCode": content.value}]},
    }
    if headers:
        channel["header"] = list(headers)
    if heartbeat is not None:
        channel["extension"] = [{"url": f"{codes.BACKPORT}backport-heartbeat-period", "valueUnsignedInt": heartbeat}]
    filtered = {"url": f"{codes.BACKPORT}backport-filter-criteria", "valueString": f"{_FILTER}={','.join(senders)}"}
    return {
        "resourceType": "Subscription",
        "meta": {"profile": [f"{codes.PAS}profile-subscription"]},
        "status": "requested",
        **({"end": end} if end is not None else {}),
        "reason": "Answers to prior authorization requests of this sending system",
        "criteria": codes.PAS_TOPIC,
        "_criteria": {"extension": [filtered]},
        "channel": channel,
    }


@dataclass(frozen=True, slots=True)
class ReadSubscription:
    """What the payer needs of a Subscription. `senders` are ids, plain or as `system|value`.

    `heartbeat` is a number of seconds; `off` says that its owner wants it to be silent.
    """

    senders: tuple[str, ...]
    endpoint: str
    headers: tuple[str, ...]
    heartbeat: int | None = None
    off: bool = False
    content: Content = Content.FULL


def read_subscription(
    resource: Mapping[str, Any], *, contents: Sequence[Content] = (Content.FULL,)
) -> ReadSubscription:
    """Read what a client asks for. Raises BadInput, with the element path, on what PAS does not allow.

    `contents` are those of the version that is spoken.
    """
    if resource.get("resourceType") != "Subscription":
        raise BadInput("not a Subscription", where="resourceType", fix="POST a Subscription")
    if resource.get("criteria") != codes.PAS_TOPIC:
        raise BadInput("another topic", where="Subscription.criteria", fix=f"use {codes.PAS_TOPIC}")
    channel = resource.get("channel")
    channel = channel if isinstance(channel, Mapping) else {}
    if channel.get("type") != "rest-hook":
        raise BadInput("PAS takes rest-hook only", where="Subscription.channel.type", fix="use rest-hook")
    endpoint = channel.get("endpoint")
    if not isinstance(endpoint, str) or not endpoint.startswith(("https://", "http://")):
        raise BadInput("no URL to notify", where="Subscription.channel.endpoint", fix="give an http or https URL")
    if channel.get("payload") != MIME_TYPE:
        raise BadInput("only JSON is sent", where="Subscription.channel.payload", fix=f"use {MIME_TYPE}")
    content = next((one for one in contents if _stated_content(channel) == [one.value]), None)
    if content is None:
        where, offered = "Subscription.channel.payload.extension", " or ".join(contents)
        raise BadInput(f"PAS takes {offered} only", where=where, fix=f"set backport-payload-content to {offered}")
    headers = channel.get("header") or []
    periods = _extended(channel, "backport-heartbeat-period", "valueUnsignedInt")
    heartbeat = next((one for one in periods if isinstance(one, int) and not isinstance(one, bool) and one > 0), None)
    stated = tuple(one for one in headers if isinstance(one, str)) if isinstance(headers, list) else ()
    is_off = resource.get("status") == "off"
    return ReadSubscription(_senders(resource), endpoint, stated, heartbeat, is_off, content)


def content_of(resource: Mapping[str, Any]) -> Content:
    """What a subscription that was taken wants its events to carry."""
    channel = resource.get("channel")
    return Content.ID_ONLY if _stated_content(channel or {}) == [Content.ID_ONLY.value] else Content.FULL


def _stated_content(channel: Mapping[str, Any]) -> list[Any]:
    return _extended(channel.get("_payload"), "backport-payload-content", "valueCode")


def _senders(resource: Mapping[str, Any]) -> tuple[str, ...]:
    found: list[str] = []
    for text in _extended(resource.get("_criteria"), "backport-filter-criteria", "valueString"):
        name, _, values = str(text).rpartition("?")[2].partition("=")
        if name in _FILTERS:
            found += [value.strip() for value in values.split(",") if value.strip()]
    if not found:
        where = "Subscription.criteria.extension"
        raise BadInput("no filter by sending system", where=where, fix=f"add the filter {_FILTER}=<id of the sender>")
    return tuple(dict.fromkeys(found))


def version_setting(subscription_id: str) -> str:
    """Where the payer keeps in which version of PAS a subscription is told."""
    return f"subscription-pas/{subscription_id}"


def accepted(resource: Mapping[str, Any], *, subscription_id: str, status: str = "requested") -> Json:
    """The Subscription as the payer's server holds it, with its id and status."""
    rest = {name: value for name, value in resource.items() if name not in ("resourceType", "id", "status")}
    return {"resourceType": "Subscription", "id": subscription_id, **rest, "status": status}


class Kind(StrEnum):
    HANDSHAKE = "handshake"
    HEARTBEAT = "heartbeat"
    EVENT = "event-notification"
    QUERY_STATUS = "query-status"
    QUERY_EVENT = "query-event"


@dataclass(frozen=True, slots=True)
class Event:
    """`response` is the PAS response Bundle that the event is about; None where the notification lacks it.

    `focus` is the reference by which it is meant, which is all that an id-only notification has.
    """

    number: int
    timestamp: str | None
    response: Json | None
    focus: str | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """What came to the endpoint. `subscription` is the reference as sent, `total` the events since the start."""

    kind: Kind
    subscription: str
    status: str
    total: int | None
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose notification: the payer's base URL, the subscription and its status."""

    base: str
    subscription: str
    status: str

    @property
    def url(self) -> str:
        return f"{self.base.rstrip('/')}/Subscription/{self.subscription}"


def handshake(sender: Sender, *, at: datetime) -> Json:
    """The first notification; a 2xx makes the subscription active."""
    return _notification(sender, Kind.HANDSHAKE, 0, at, f"{Kind.HANDSHAKE}", [])


def heartbeat(sender: Sender, *, total: int, at: datetime) -> Json:
    return _notification(sender, Kind.HEARTBEAT, total, at, f"{Kind.HEARTBEAT}-{at.isoformat()}", [])


def event(sender: Sender, response: Mapping[str, Any], *, number: int, at: datetime) -> Json:
    """A new answer: event `number` of this subscription, with the PAS response Bundle as its focus (spec-61)."""
    part, entry = _focused(sender, response, number, at.isoformat(timespec="seconds"))
    written = _notification(sender, Kind.EVENT, number, at, f"event-{number}", [part])
    return {**written, "entry": [*written["entry"], entry]}


def event_of_201(sender: Sender, response: Mapping[str, Any], *, number: int, at: datetime, content: Content) -> Json:
    """As 2.0.1 tells it: the focus is the ClaimResponse, with all that it refers to, or named by its id alone."""
    said = at.isoformat(timespec="seconds")
    focus = str(response["entry"][0]["fullUrl"])
    parts = [
        {"name": "event-number", "valueString": str(number)},
        {"name": "timestamp", "valueInstant": said},
        {"name": "focus", "valueReference": {"reference": focus}},
    ]
    part = {"name": "notification-event", "part": parts}
    written = _notification(sender, Kind.EVENT, number, at, f"event-{number}", [part])
    told = response["entry"] if content is Content.FULL else []
    entries = [
        {**one, "request": {"method": "POST", "url": one["resource"]["resourceType"]}, "response": {"status": "201"}}
        for one in told
    ]
    return {**written, "entry": [*written["entry"], *entries]}


def events_of(sender: Sender, events: Sequence[Event], *, total: int, at: datetime) -> Json:
    """The answer to `$events`: past events as they were first told, by which a subscriber fills a gap."""
    told = [_focused(sender, one.response, one.number, one.timestamp) for one in events if one.response is not None]
    name = f"{Kind.QUERY_EVENT}-{at.isoformat()}"
    written = _notification(sender, Kind.QUERY_EVENT, total, at, name, [part for part, _ in told])
    return {**written, "entry": [*written["entry"], *(entry for _, entry in told)]}


def _focused(sender: Sender, response: Mapping[str, Any], number: int, timestamp: str | None) -> tuple[Json, Json]:
    focus = f"{sender.base.rstrip('/')}/Bundle/{response['id']}"
    parts: list[Json] = [{"name": "event-number", "valueString": str(number)}]
    if timestamp is not None:
        parts.append({"name": "timestamp", "valueInstant": timestamp})
    parts.append({"name": "focus", "valueReference": {"reference": focus}})
    entry = {
        "fullUrl": focus,
        "resource": dict(response),
        "request": {"method": "POST", "url": "Bundle"},
        "response": {"status": "201"},
    }
    return {"name": "notification-event", "part": parts}, entry


def status_of(sender: Sender, *, total: int, at: datetime) -> Json:
    """The answer to `$status`: a searchset Bundle of one status."""
    status = _status(sender, Kind.QUERY_STATUS, total, f"query-{at.isoformat()}", [])
    entry = {"fullUrl": f"urn:uuid:{status['id']}", "resource": status, "search": {"mode": "match"}}
    return {
        "resourceType": "Bundle",
        "id": derived_id(sender.url, "status", at.isoformat()),
        "type": "searchset",
        "timestamp": at.isoformat(timespec="seconds"),
        "total": 1,
        "entry": [entry],
    }


def _notification(sender: Sender, kind: Kind, total: int, at: datetime, name: str, events: list[Json]) -> Json:
    status = _status(sender, kind, total, name, events)
    entry = {
        "fullUrl": f"{sender.base.rstrip('/')}/Parameters/{status['id']}",
        "resource": status,
        "request": {"method": "GET", "url": f"{sender.url}/$status"},
        "response": {"status": "200"},
    }
    return {
        "resourceType": "Bundle",
        "id": derived_id(sender.url, "notification", name),
        "meta": {"profile": [f"{codes.BACKPORT}backport-subscription-notification-r4"]},
        "type": "history",
        "timestamp": at.isoformat(timespec="seconds"),
        "entry": [entry],
    }


def _status(sender: Sender, kind: Kind, total: int, name: str, events: list[Json]) -> Json:
    # R4 has no integer64: counts and event numbers are strings (pas.md trap 30).
    return {
        "resourceType": "Parameters",
        "id": derived_id(sender.url, "status", name),
        "meta": {"profile": [f"{codes.BACKPORT}backport-subscription-status-r4"]},
        "parameter": [
            {"name": "subscription", "valueReference": {"reference": sender.url}},
            {"name": "topic", "valueCanonical": codes.PAS_TOPIC},
            {"name": "status", "valueCode": sender.status},
            {"name": "type", "valueCode": kind.value},
            {"name": "events-since-subscription-start", "valueString": str(total)},
            *events,
        ],
    }


def read_status(bundle: Mapping[str, Any]) -> tuple[str, int | None]:
    """The status and the number of events, from the answer to `$status`. Raises BadInput where it holds none."""
    found = [one.resource for one in Index(bundle).entries if one.resource["resourceType"] == "Parameters"]
    parameters = objects(found[0].get("parameter")) if found else []
    status = _first(parameters, "status").get("valueCode")
    if not isinstance(status, str):
        raise BadInput("no status of the subscription", where="Bundle.entry[0].resource.parameter", fix="add status")
    return status, _count(_first(parameters, "events-since-subscription-start"))


def read_notification(bundle: Mapping[str, Any]) -> Notification:
    """Read what a payer posted, whether a focus is the response Bundle (2.2.1) or its ClaimResponse (2.0.1).

    Raises BadInput on what is no notification, or an event without a number: it could not be told from another.
    """
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") not in ("history", "subscription-notification"):
        raise BadInput("not a notification", where="Bundle.type", fix="POST a history Bundle (Backport R4)")
    index = Index(bundle)
    status = index.entries[0].resource
    if status["resourceType"] != "Parameters":
        where = "Bundle.entry[0].resource"
        raise BadInput("the first entry is no subscription status", where=where, fix="put the Parameters first")
    parameters = objects(status.get("parameter"))
    subject = _first(parameters, "subscription")
    reference = (subject.get("valueReference") or {}).get("reference")
    if not isinstance(reference, str):
        where = "Bundle.entry[0].resource.parameter"
        raise BadInput("no subscription is named", where=where, fix="add the parameter subscription")
    stated = _first(parameters, "type").get("valueCode")
    if stated not in set(Kind):
        raise BadInput("no notification type", where="Bundle.entry[0].resource.parameter", fix="add the parameter type")
    events = [one for one in parameters if one.get("name") == "notification-event"]
    return Notification(
        kind=Kind(stated),
        subscription=reference,
        status=str(_first(parameters, "status").get("valueCode", "active")),
        total=_count(_first(parameters, "events-since-subscription-start")),
        events=tuple(_event(one, index, bundle) for one in events),
    )


def _event(parameter: Mapping[str, Any], index: Index, bundle: Mapping[str, Any]) -> Event:
    parts = objects(parameter.get("part"))
    number = _count(_first(parts, "event-number"))
    if number is None:
        raise BadInput(
            "an event without its number", where="Bundle.entry[0].resource.parameter", fix="add event-number"
        )
    focus = (_first(parts, "focus").get("valueReference") or {}).get("reference")
    found = index.resolve(focus, base=index.entries[0]) if isinstance(focus, str) else None
    if found is not None and found["resourceType"] == "ClaimResponse":
        others = [one for one in objects(bundle.get("entry")) if one.get("resource") is not found][1:]
        found = {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"fullUrl": focus, "resource": found}, *others],
        }
    timestamp, named = _first(parts, "timestamp").get("valueInstant"), focus if isinstance(focus, str) else None
    return Event(number, timestamp, found, named)


def _first(parameters: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next((one for one in parameters if one.get("name") == name), {})


def _count(parameter: Mapping[str, Any]) -> int | None:
    for name in ("valueString", "valueUnsignedInt", "valueInteger"):
        stated = parameter.get(name)
        if isinstance(stated, int) and not isinstance(stated, bool):
            return stated
        if isinstance(stated, str) and stated.isascii() and stated.isdigit():
            return int(stated)
    return None


def _extended(element: Any, name: str, value: str) -> list[Any]:
    found = codes.extensions_of(element, f"{codes.BACKPORT}{name}") if isinstance(element, Mapping) else []
    return [one[value] for one in found if value in one]
