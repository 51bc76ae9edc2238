"""What an update owes the version before it: all entries for ever, marks of this version only, the prior Claim along.

The versions are compared here; marks are judged by that, never taken at their word.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prior_auth.conformance.pas.bundle_rules import entries_of, first, list_of
from prior_auth.conformance.pas.verdicts import Finding, Report, Rule
from prior_auth.fhir import codes
from prior_auth.fhir.codes import Json

PRIOR = Rule("update-prior", "The version before is related.claim, and in the Bundle", ("spec-65", "prof-4"))
GRANDPARENT = Rule("update-no-grandparent", "What the prior Claim was an update of stays out", ("spec-66",))
ALL = Rule("update-all", "Every item and supportingInfo ever sent is there", ("spec-68", "prof-5", "prof-6"))
CANCELLED = Rule("update-cancelled", "What was cancelled is marked so, for ever", ("spec-69", "prof-8"))
CANCEL_TYPE = Rule("update-cancel-type", "A cancelled item has certificationType 3", ("spec-70", "prof-7"))
MARKS = Rule(
    "update-marks",
    "What differs from the version before is marked added or changed",
    ("spec-71", "spec-72", "prof-9", "prof-10"),
)
STALE = Rule("update-stale-marks", "Nothing that is as before carries a mark", ("spec-71",), is_advice=True)
CANCEL_ALL = Rule("update-cancel-all", "Cancelling all is said on the Claim, certificationType 3")

RULES = (PRIOR, GRANDPARENT, ALL, CANCELLED, CANCEL_TYPE, MARKS, STALE, CANCEL_ALL)
_LISTS = ("item", "supportingInfo")


def judge_update(report: Report, about: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """The rules of an update, given the Bundle that was sent before it."""
    old, new = first(before), first(now)
    report.judge(STALE, about, _stale(old, new))
    return all(
        [
            report.judge(PRIOR, about, _prior(now)),
            report.judge(GRANDPARENT, about, _grandparent(now)),
            report.judge(ALL, about, _missing(old, new)),
            report.judge(CANCELLED, about, _uncancelled(old, new)),
            report.judge(CANCEL_TYPE, about, _cancel_types(new)),
            report.judge(MARKS, about, _marks(old, new)),
        ]
    )


def prior_url(claim: Mapping[str, Any]) -> str | None:
    """The reference to the version before; None of a first request."""
    for one in list_of(claim, "related"):
        stated = one.get("claim")
        if isinstance(stated, dict) and isinstance(stated.get("reference"), str):
            return str(stated["reference"])
    return None


def certification(element: Mapping[str, Any]) -> str | None:
    found = codes.pas_extension(element, "certificationType") or {}
    codings = list_of(found.get("valueCodeableConcept"), "coding")
    return str(codings[0].get("code")) if codings else None


def is_cancelled(element: Mapping[str, Any]) -> bool:
    flags = [one for one in list_of(element, "modifierExtension") if one.get("url") == codes.CANCELLED_FLAG]
    return any(one.get("valueBoolean") is True for one in flags)


def _prior(now: Mapping[str, Any]) -> Iterator[Finding]:
    url = prior_url(first(now))
    if url is None:
        yield Finding("Bundle.entry[0].resource.related", "names no prior Claim")
        return
    held = [one for _, other, one in entries_of(now)[1:] if other == url or other.endswith(f"/{url}")]
    if not any(one.get("resourceType") == "Claim" for one in held):
        yield Finding("Bundle.entry[0].resource.related[0].claim", "the prior Claim is not in the Bundle")


def _grandparent(now: Mapping[str, Any]) -> Iterator[Finding]:
    claims = [(path, url, one) for path, url, one in entries_of(now) if one.get("resourceType") == "Claim"]
    for _, _, claim in claims[1:]:
        older = prior_url(claim)
        for path, url, _ in claims[1:]:
            if older is not None and (url == older or url.endswith(f"/{older}")):
                yield Finding(path, "is what the prior Claim was an update of")


def _by_sequence(claim: Mapping[str, Any], name: str) -> dict[int, Json]:
    return {one["sequence"]: one for one in list_of(claim, name) if isinstance(one.get("sequence"), int)}


def _sequence(element: Mapping[str, Any]) -> int:
    stated = element.get("sequence")
    return stated if isinstance(stated, int) else 0


def _missing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
    for name in _LISTS:
        for gone in _by_sequence(old, name).keys() - _by_sequence(new, name).keys():
            yield Finding(f"Bundle.entry[0].resource.{name}", f"sequence {gone} of the version before is missing")


def _uncancelled(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
    for name in _LISTS:
        before = _by_sequence(old, name)
        for number, one in enumerate(list_of(new, name)):
            was = before.get(_sequence(one))
            path = f"Bundle.entry[0].resource.{name}[{number}]"
            if was is not None and is_cancelled(was) and not is_cancelled(one):
                yield Finding(path, "was cancelled before and is no longer marked so")
            if name == "item" and certification(one) == "3" and not is_cancelled(one):
                yield Finding(path, "certificationType 3 without infoCancelled")


def _cancel_types(new: Mapping[str, Any]) -> Iterator[Finding]:
    for number, one in enumerate(list_of(new, "item")):
        if is_cancelled(one) and certification(one) != "3":
            yield Finding(f"Bundle.entry[0].resource.item[{number}].extension", "cancelled without certificationType 3")


def _marks(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
    for path, one, was in _pairs(old, new):
        demanded = "added" if was is None else "changed" if _plain(was) != _plain(one) else None
        if demanded is not None and _mark(one) != demanded:
            yield Finding(f"{path}.extension", f"infoChanged should be {demanded}, is {_mark(one) or 'missing'}")


def _stale(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Finding]:
    for path, one, was in _pairs(old, new):
        if was is not None and _plain(was) == _plain(one) and _mark(one) is not None:
            yield Finding(f"{path}.extension", "marked, but as in the version before")


def _pairs(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Json, Json | None]]:
    for name in _LISTS:
        before = _by_sequence(old, name)
        for number, one in enumerate(list_of(new, name)):
            yield f"Bundle.entry[0].resource.{name}[{number}]", one, before.get(_sequence(one))


def _mark(element: Mapping[str, Any]) -> str | None:
    found = codes.pas_extension(element, "infoChanged")
    return str(found.get("valueCode")) if found is not None else None


def _plain(element: Mapping[str, Any]) -> Json:
    """Without the mark; a flag that says `not cancelled` says nothing."""
    mark = f"{codes.PAS}extension-infoChanged"
    kept = [one for one in list_of(element, "extension") if one.get("url") != mark]
    flags = [one for one in list_of(element, "modifierExtension") if one.get("valueBoolean") is not False]
    rest = {name: value for name, value in element.items() if name not in ("extension", "modifierExtension")}
    return {**rest, "extension": sorted(kept, key=str), "modifierExtension": flags}


def cancels_all(claim: Mapping[str, Any]) -> Iterator[Finding]:
    if certification(claim) != "3":
        yield Finding("Bundle.entry[0].resource.extension", "the Claim has no certificationType 3")
