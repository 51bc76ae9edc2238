"""Subscriptions and what comes by them: R4 topic subscriptions (Backport) as PAS narrows them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from prior_auth.conformance.pas.bundle_rules import broken, entries_of, first, list_of, object_of
from prior_auth.conformance.pas.verdicts import Finding, Report, Rule
from prior_auth.fhir import codes
from prior_auth.fhir.codes import Json

SUBSCRIPTION = Rule("subscription-profile", "The Subscription keeps the PAS profile", ("spec-57",))
FILTER = Rule("subscription-filter", "It filters by org-identifier, the sending system", ("spec-58",))
CHANNEL = Rule("subscription-channel", "Its channel is rest-hook, its content full-resource", ("spec-56", "spec-62"))

STATUS = Rule("notice-status", "A notification starts with its status: type, subscription, topic, counts", ("spec-54",))
ENTRIES = Rule("notice-entries", "Each entry of a notification has request and response", ("spec-54",))
EVENT = Rule("notice-event", "An event is numbered and its focus is in the notification", ("spec-54", "spec-60"))
FULL = Rule("notice-full-resource", "The focus is a whole PAS Response Bundle", ("spec-61", "spec-62"))

OF_A_SUBSCRIPTION = (SUBSCRIPTION, FILTER, CHANNEL)
OF_A_NOTICE = (STATUS, ENTRIES, EVENT, FULL)
_FILTER = re.compile(r"org-identifier=\S+")


def judge_subscription(report: Report, about: str, resource: Mapping[str, Any]) -> bool:
    return all(
        [
            report.judge(SUBSCRIPTION, about, broken(resource, f"{codes.PAS}profile-subscription")),
            report.judge(FILTER, about, _filters(resource)),
            report.judge(CHANNEL, about, _channel(resource)),
        ]
    )


def _filters(resource: Mapping[str, Any]) -> Iterator[Finding]:
    at = "Subscription.criteria.extension"
    found = codes.extensions_of(object_of(resource, "_criteria"), f"{codes.BACKPORT}backport-filter-criteria")
    if not found:
        yield Finding(at, "no filter by sending system")
    for one in found:
        if not _FILTER.fullmatch(str(one.get("valueString", "")).rpartition("?")[2]):
            yield Finding(at, "a filter that is not org-identifier=<id>")


def _channel(resource: Mapping[str, Any]) -> Iterator[Finding]:
    channel = object_of(resource, "channel")
    if channel.get("type") != "rest-hook":
        yield Finding("Subscription.channel.type", "is not rest-hook")
    content = codes.extensions_of(object_of(channel, "_payload"), f"{codes.BACKPORT}backport-payload-content")
    if [one.get("valueCode") for one in content] != ["full-resource"]:
        yield Finding("Subscription.channel.payload.extension", "the content is not full-resource")


def judge_handshake(report: Report, about: str, notice: Mapping[str, Any]) -> bool:
    return all(
        [
            report.judge(STATUS, about, _status(notice, "handshake")),
            report.judge(ENTRIES, about, _entries(notice)),
        ]
    )


def judge_event(report: Report, about: str, notice: Mapping[str, Any]) -> bool:
    return all(
        [
            report.judge(STATUS, about, _status(notice, "event-notification")),
            report.judge(ENTRIES, about, _entries(notice)),
            report.judge(EVENT, about, _events(notice)),
            report.judge(FULL, about, _full(notice)),
        ]
    )


def kind_of(notice: Mapping[str, Any]) -> str | None:
    found = _values(first(notice), "type")
    return found if isinstance(found, str) else None


def responses(notice: Mapping[str, Any]) -> list[Json]:
    """The PAS Response Bundles that events point to."""
    known = {url: one for _, url, one in entries_of(notice)}
    return [known[focus] for focus in _foci(notice) if focus in known and known[focus].get("resourceType") == "Bundle"]


def _parameters(resource: Mapping[str, Any], name: str) -> list[Json]:
    return [one for one in list_of(resource, "parameter") if one.get("name") == name]


def _values(resource: Mapping[str, Any], name: str) -> Any:
    for one in _parameters(resource, name):
        return next((value for key, value in one.items() if key.startswith("value")), None)
    return None


def _status(notice: Mapping[str, Any], kind: str) -> Iterator[Finding]:
    status, at = first(notice), "Bundle.entry[0].resource.parameter"
    if notice.get("type") != "history":
        yield Finding("Bundle.type", "is not history")
    if status.get("resourceType") != "Parameters":
        yield Finding("Bundle.entry[0]", "is no Parameters with the status")
        return
    yield from broken(notice, f"{codes.BACKPORT}backport-subscription-notification-r4")
    if (found := _values(status, "type")) != kind:
        yield Finding(at, f"type is {found}, not {kind}")
    if _values(status, "topic") != codes.PAS_TOPIC:
        yield Finding(at, "the topic is not that of PAS")
    if not isinstance(object_of({"value": _values(status, "subscription")}, "value").get("reference"), str):
        yield Finding(at, "names no subscription")
    if not isinstance(_values(status, "events-since-subscription-start"), str):
        yield Finding(at, "lacks events-since-subscription-start, a string in R4")


def _entries(notice: Mapping[str, Any]) -> Iterator[Finding]:
    for number, one in enumerate(list_of(notice, "entry")):
        lacking = [name for name in ("request", "response") if name not in one]
        if lacking:
            yield Finding(f"Bundle.entry[{number}]", f"lacks {' and '.join(lacking)}")


def _events(notice: Mapping[str, Any]) -> Iterator[Finding]:
    at = "Bundle.entry[0].resource.parameter"
    events = _parameters(first(notice), "notification-event")
    if not events:
        yield Finding(at, "holds no notification-event")
    for one in events:
        parts = {str(part.get("name")): part for part in list_of(one, "part")}
        if not isinstance(parts.get("event-number", {}).get("valueString"), str):
            yield Finding(at, "an event without event-number")
    known = {url for _, url, _ in entries_of(notice)}
    if not _foci(notice) or not set(_foci(notice)) <= known:
        yield Finding(at, "an event whose focus is not in the notification")


def _foci(notice: Mapping[str, Any]) -> list[str]:
    found = []
    for one in _parameters(first(notice), "notification-event"):
        for part in list_of(one, "part"):
            reference = object_of(part, "valueReference").get("reference")
            found += [reference] if part.get("name") == "focus" and isinstance(reference, str) else []
    return found


def _full(notice: Mapping[str, Any]) -> Iterator[Finding]:
    nested = responses(notice)
    if not nested:
        yield Finding("Bundle.entry", "no focus is a Bundle")
    for one in nested:
        if one.get("type") != "collection" or first(one).get("resourceType") != "ClaimResponse":
            yield Finding("Bundle.entry.resource", "the focus is no collection that starts with a ClaimResponse")
