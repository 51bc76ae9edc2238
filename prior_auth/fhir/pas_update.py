"""What an update owes to the version before it: everything that ever was, and marks on what is new, changed, dropped.

PAS 2.2.1: spec-63 to spec-72, prof-4 to prof-10. Marks are against the immediately prior version only; a dropped entry
keeps `infoCancelled` for ever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prior_auth.errors import BadInput
from prior_auth.fhir import codes
from prior_auth.fhir.bundle import type_and_id
from prior_auth.fhir.codes import Json, coded, extension

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

    def numbers(self) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
        """The sequences of items by order, of information by resource, of diagnoses by code."""
        information = {_local(_target(one)): one["sequence"] for one in self.claim.get("supportingInfo", [])}
        diagnoses = {_code(one): one["sequence"] for one in self.claim.get("diagnosis", [])}
        return {_local(_order(one)): one["sequence"] for one in self.claim["item"]}, information, diagnoses

    def item_trace(self, number: int) -> Json | None:
        """The trace number the item was given when it was new."""
        item = next((one for one in self.claim["item"] if one["sequence"] == number), None)
        trace = codes.pas_extension(item, "itemTraceNumber") if item is not None else None
        return dict(trace["valueIdentifier"]) if trace is not None else None

    def marked(self, claim: Json, clinical: Mapping[str, Json]) -> Json:
        """The Claim with its relation and marks. `clinical` are this version's resources by fullUrl."""
        related = {"claim": {"reference": self.url}, "relationship": coded(codes.RELATED_CLAIM, "prior")}
        return {
            **claim,
            "related": [related],
            "supportingInfo": self._entries("supportingInfo", claim, clinical),
            "item": self._entries("item", claim, clinical),
        }

    def completed(self, claim: Json, entries: Mapping[str, Json]) -> dict[str, Json]:
        """This version's entries and, from the one before, its Claim and all that either Claim still refers to.

        The Claim that the prior one was itself an update of stays out (spec-66).
        """
        prior = {name: value for name, value in self.claim.items() if name != "related"}
        complete = dict(entries)
        waiting = [*_references(claim), *_references(prior)]
        while waiting:
            url = waiting.pop(0)
            if url in complete or url == self.url or url not in self._resources:
                continue
            complete[url] = self._resources[url]
            waiting += _references(complete[url])
        return {**complete, self.url: self.claim}

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


def _dropped(then: Json) -> Json:
    if any(
        one.get("url") == codes.CANCELLED_FLAG and one.get("valueBoolean") for one in then.get("modifierExtension", [])
    ):
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


def _code(diagnosis: Mapping[str, Any]) -> str:
    return str(diagnosis["diagnosisCodeableConcept"]["coding"][0]["code"])


def _local(url: str) -> str:
    found = type_and_id(url)
    return "/".join(found) if found is not None else url


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)
