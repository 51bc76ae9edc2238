"""What an update owes to the version before it: everything that ever was, and marks on what is new, changed, dropped.

PAS 2.2.1: spec-63 to spec-72, prof-4 to prof-10. Marks are against the immediately prior version only; a dropped entry
keeps `infoCancelled` for ever.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from prior_auth.errors import BadInput
from prior_auth.fhir import codes
from prior_auth.fhir.bundle import references, type_and_id
from prior_auth.fhir.codes import Json, coded, extension
from prior_auth.fhir.pas_received import is_cancelled

_CHANGED_URL = extension("infoChanged")["url"]


class Before:
    """The Bundle of the version sent before."""

    def __init__(self, bundle: Mapping[str, Any]) -> None:
        entries = bundle.get("entry") or []
        self._resources: dict[str, Json] = {entry["fullUrl"]: entry["resource"] for entry in entries}
        first = entries[0]["resource"] if entries else {}
        if first.get("resourceType") != "Claim":
            raise BadInput("no request to update", where="Bundle.entry[0]", fix="give the Bundle that was sent before")
        self.claim: Json = first
        self.url: str = entries[0]["fullUrl"]

    def numbers(self, services: Mapping[str, str]) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
        """The sequences of items by order, of information by resource, of diagnoses by code.

        `services` are the codes of the orders now. An item that was dropped keeps its number to itself, and so does one
        whose order now asks for something else: only days and quantity are revised in place (pas.md 1.12).
        """
        entries = self.claim.get("supportingInfo", [])
        information = {_local(_target(one)): one["sequence"] for one in entries if not is_cancelled(one)}
        diagnoses = {_code(one): one["sequence"] for one in self.claim.get("diagnosis", [])}
        items = {
            order: one["sequence"]
            for one in self.claim["item"]
            if not is_cancelled(one)
            and (order := _local(_order(one)))
            and services.get(order, _service(one)) == _service(one)
        }
        return items, information, diagnoses

    def used(self, name: str) -> list[int]:
        """Every number ever given to entries of `item`, `supportingInfo` or `diagnosis`."""
        return [one["sequence"] for one in self.claim.get(name, [])]

    def information(self) -> list[str]:
        """The references (`Type/id`) of what the version before rested on, dropped ones left out."""
        entries = self.claim.get("supportingInfo", [])
        return [_local(_target(one)) for one in entries if not is_cancelled(one)]

    def cancellation(self, *, name: str, trace: Json, created: str) -> tuple[Json, dict[str, Json]]:
        """The Claim that wants nothing any more, and its entries: everything as it was, each item dropped.

        From what was sent alone: a cancellation must not fail because a chart has changed.
        """
        items = [_dropped(one) for one in self.claim["item"]]
        kept = {part: value for part, value in self.claim.items() if part not in ("related", "extension", "meta")}
        said = [one for one in self.claim.get("extension", []) if one["url"] != codes.CERTIFICATION_CANCEL["url"]]
        claim: Json = {
            **kept,
            "id": name,
            "meta": {"profile": [f"{codes.PAS}profile-claim-update"]},
            "extension": [*said, codes.CERTIFICATION_CANCEL],
            "identifier": [trace],
            "created": created,
            "related": [self._related()],
            "item": items,
        }
        entries = self.claim.get("supportingInfo", [])
        if unmarked := [_unmarked(one, keep_cancelled=True) for one in entries]:
            claim["supportingInfo"] = unmarked
        url = f"{self.url.rpartition('/')[0]}/{name}"
        return claim, self.completed(claim, {url: claim})

    def item_trace(self, number: int) -> Json | None:
        """The trace number the item was given when it was new."""
        item = next((one for one in self.claim["item"] if one["sequence"] == number), None)
        trace = codes.pas_extension(item, "itemTraceNumber") if item is not None else None
        return dict(trace["valueIdentifier"]) if trace is not None else None

    def marked(self, claim: Json, clinical: Mapping[str, Json]) -> Json:
        """The Claim with its relation and marks. `clinical` are this version's resources by fullUrl."""
        return {
            **claim,
            "related": [self._related()],
            "supportingInfo": self._entries("supportingInfo", claim, clinical),
            "item": self._entries("item", claim, clinical),
        }

    def completed(self, claim: Json, entries: Mapping[str, Json]) -> dict[str, Json]:
        """This version's entries and, from the one before, its Claim and all that either Claim still refers to.

        The Claim that the prior one was itself an update of stays out (spec-66).
        """
        prior = {name: value for name, value in self.claim.items() if name != "related"}
        complete = dict(entries)
        waiting = [*references(claim), *references(prior)]
        while waiting:
            url = waiting.pop(0)
            if url in complete or url == self.url or url not in self._resources:
                continue
            complete[url] = self._resources[url]
            waiting += references(complete[url])
        return {**complete, self.url: self.claim}

    def _related(self) -> Json:
        return {"claim": {"reference": self.url}, "relationship": coded(codes.RELATED_CLAIM, "prior")}

    def _entries(self, name: str, claim: Json, clinical: Mapping[str, Json]) -> list[Json]:
        now = {one["sequence"]: one for one in claim.get(name, [])}
        then = {one["sequence"]: one for one in self.claim.get(name, [])}
        written = [self._compared(one, then.get(number), clinical) for number, one in now.items()]
        written += [_dropped(one) for number, one in then.items() if number not in now]
        return sorted(written, key=lambda one: int(one["sequence"]))

    def _compared(self, now: Json, then: Json | None, clinical: Mapping[str, Json]) -> Json:
        if then is None:
            return _marked(now, "added")
        same_resource = clinical.get(_target(now), {}) == self._resources.get(_target(now), {})
        if _unmarked(then) == now and (_target(now) not in clinical or same_resource):
            return now
        return _marked(now, "changed")


def is_demanded_mark(bundle: Mapping[str, Any], path: str) -> bool:
    """Whether a finding at this path is about the one thing that the guide both demands and forbids.

    spec-69 and spec-72 want infoCancelled and infoChanged on supportingInfo; the extensions' published context in 2.2.1
    names Claim.item only (docs/pas.md).
    """
    found = _MARK.fullmatch(path)
    if found is None:
        return False
    entry = bundle["entry"][0]["resource"]["supportingInfo"][int(found["entry"])]
    return entry[found["kind"]][int(found["place"])].get("url") in (_CHANGED_URL, codes.CANCELLED_FLAG)


_MARK = re.compile(
    r"Bundle\.entry\[0\]\.resource\.supportingInfo\[(?P<entry>\d+)\]"
    r"\.(?P<kind>extension|modifierExtension)\[(?P<place>\d+)\]"
)


def _dropped(then: Json) -> Json:
    if is_cancelled(then):
        return _unmarked(then, keep_cancelled=True)
    kept = _unmarked(then)
    if "productOrService" in kept:
        certification = codes.CERTIFICATION_CANCEL
        others = [one for one in kept["extension"] if one["url"] != certification["url"]]
        kept["extension"] = [*others, certification]
    flag = {"url": codes.CANCELLED_FLAG, "valueBoolean": True}
    return _marked({**kept, "modifierExtension": [flag]}, "changed")


def _marked(entry: Json, mode: str) -> Json:
    mark = extension("infoChanged", valueCode=mode)
    return {"extension": [*entry.get("extension", []), mark], **{k: v for k, v in entry.items() if k != "extension"}}


def _unmarked(entry: Json, *, keep_cancelled: bool = False) -> Json:
    plain = {name: value for name, value in entry.items() if keep_cancelled or name != "modifierExtension"}
    if left := [one for one in plain.pop("extension", []) if one["url"] != _CHANGED_URL]:
        plain = {"extension": left, **plain}
    return plain


def _target(entry: Mapping[str, Any]) -> str:
    return str((entry.get("valueReference") or {}).get("reference", ""))


def _order(item: Mapping[str, Any]) -> str:
    service = codes.pas_extension(item, "requestedService")
    return str(service["valueReference"]["reference"]) if service is not None else ""


def _service(item: Mapping[str, Any]) -> str:
    first = item["productOrService"]["coding"][0]
    return f"{first.get('system')}|{first.get('code')}"


def _code(diagnosis: Mapping[str, Any]) -> str:
    return str(diagnosis["diagnosisCodeableConcept"]["coding"][0]["code"])


def _local(url: str) -> str:
    found = type_and_id(url)
    return "/".join(found) if found is not None else url
