"""Rules of a Bundle as a whole that its invariants leave to prose or that no FHIRPath engine need be asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prior_auth.fhir import bundle
from prior_auth.fhir.validate.issue import Issue

_REQUESTS = frozenset({"batch", "transaction", "history"})
_RESPONSES = frozenset({"batch-response", "transaction-response", "history"})

# Judged here, so not again as expressions.
KEYS = frozenset({f"bdl-{number}" for number in range(1, 13)})


def check(resource: Mapping[str, Any], path: str) -> Iterator[Issue]:
    """bdl-1 to bdl-12, a fullUrl for every resource, fullUrls that agree with ids and stand once."""
    told = resource.get("type")
    kind = told if isinstance(told, str) else ""
    held = resource.get("entry")
    entries = [one for one in held if isinstance(one, Mapping)] if isinstance(held, list) else []
    if "total" in resource and kind not in ("searchset", "history"):
        yield _broken("bdl-1", f"{path}.total", "total only in a searchset or history", "remove total")
    for number, one in enumerate(entries):
        yield from _entry(one, kind, f"{path}.entry[{number}]")
    yield from _duplicates(entries, kind, path)
    if kind == "document":
        yield from _document(resource, entries, path)
    if kind == "message" and _first_type(entries) != "MessageHeader":
        yield _broken("bdl-12", f"{path}.entry", "a message starts with a MessageHeader", "put it first")


def _entry(entry: Mapping[str, Any], kind: str, at: str) -> Iterator[Issue]:
    if "search" in entry and kind != "searchset":
        yield _broken("bdl-2", f"{at}.search", "search only in a searchset", "remove search")
    if ("request" in entry) != (kind in _REQUESTS):
        yield _broken("bdl-3", f"{at}.request", "request in every entry of a transaction, batch or history only")
    if ("response" in entry) != (kind in _RESPONSES):
        yield _broken("bdl-4", f"{at}.response", "response in every entry of a response or history only")
    if not {"resource", "request", "response"} & set(entry):
        yield _broken("bdl-5", at, "an entry has a resource, a request or a response", "add the resource")
    url, held = entry.get("fullUrl"), entry.get("resource")
    if isinstance(url, str):
        yield from _full_url(url, held, at)
    elif isinstance(held, Mapping) and not kind.startswith(("batch", "transaction")):
        message = "an entry without fullUrl: nothing can refer to it"
        yield Issue("error", f"{at}.fullUrl", "bundle", message, "write the resource's URL or a urn:uuid")


def _full_url(url: str, held: Any, at: str) -> Iterator[Issue]:
    where = f"{at}.fullUrl"
    if "/_history/" in url:
        yield _broken("bdl-8", where, "a fullUrl names no version", "leave /_history off")
    if not url.startswith(("urn:uuid:", "urn:oid:")) and "://" not in url:
        yield Issue("error", where, "bundle", "a fullUrl is absolute", "write it as http(s)://…/Type/id or urn:uuid:…")
    named = bundle.type_and_id(url) if url.startswith(("http://", "https://")) else None
    if named is not None and isinstance(held, Mapping) and named[0] == held.get("resourceType"):
        if "id" not in held:
            yield Issue("error", where, "bundle", "ends in an id, the resource has none", "give it that id")
        elif isinstance(held["id"], str) and named[1] != held["id"]:
            yield Issue("error", where, "bundle", "ends in another id than the resource has", "make them the same")


def _duplicates(entries: list[Mapping[str, Any]], kind: str, path: str) -> Iterator[Issue]:
    if kind == "history":
        return
    seen: dict[tuple[str, Any], int] = {}
    for number, one in enumerate(entries):
        url, held = one.get("fullUrl"), one.get("resource")
        meta = held.get("meta") if isinstance(held, Mapping) else None
        version = meta.get("versionId") if isinstance(meta, Mapping) else None
        if not isinstance(url, str):
            continue
        first = seen.setdefault((url, str(version)), number)
        if first != number:
            message = f"the same fullUrl as entry[{first}]"
            yield _broken("bdl-7", f"{path}.entry[{number}].fullUrl", message, "give each resource its own")


def _document(resource: Mapping[str, Any], entries: list[Mapping[str, Any]], path: str) -> Iterator[Issue]:
    identifier = resource.get("identifier")
    if not (isinstance(identifier, Mapping) and "system" in identifier and "value" in identifier):
        yield _broken("bdl-9", f"{path}.identifier", "a document has an identifier with system and value", "add it")
    if "timestamp" not in resource:
        yield _broken("bdl-10", f"{path}.timestamp", "a document has a timestamp", "add it")
    if _first_type(entries) != "Composition":
        yield _broken("bdl-11", f"{path}.entry", "a document starts with a Composition", "put it first")


def _first_type(entries: list[Mapping[str, Any]]) -> Any:
    held = entries[0].get("resource") if entries else None
    return held.get("resourceType") if isinstance(held, Mapping) else None


def _broken(key: str, path: str, message: str, fix: str | None = None) -> Issue:
    return Issue("error", path, f"invariant:{key}", message, fix)
