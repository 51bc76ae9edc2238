"""What holds for any PAS Bundle: its profile, closed references, fullUrls, each thing once; and for requests alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from prior_auth.conformance.pas.verdicts import Finding, Report, Rule
from prior_auth.fhir import codes
from prior_auth.fhir.codes import Json
from prior_auth.fhir.validate import Issue, validate

_UUID4 = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_REST = re.compile(r"https?://[^\s?#]+/[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}")
_LONGEST = 300
_ENVELOPE = frozenset(
    {"Patient", "Coverage", "Organization", "Practitioner", "PractitionerRole", "Encounter", "Location", "Claim"}
    | {
        "ServiceRequest",
        "MedicationRequest",
        "DeviceRequest",
        "NutritionOrder",
        "Medication",
        "RelatedPerson",
        "Endpoint",
    }
)

PROFILE = Rule(
    "bundle-profile", "The Bundle and all it refers to keep their profiles", ("spec-1", "spec-19", "spec-23")
)
CLOSED = Rule("bundle-closed", "Each reference leads to one entry of the Bundle", ("spec-13", "spec-18", "spec-67"))
FULL_URL = Rule("bundle-full-url", "A fullUrl is a REST URL or urn:uuid with a version 4 UUID", ("spec-16",))
ONE_THING = Rule("bundle-one-thing", "One instance for each real-world thing", ("spec-15", "spec-32"), is_advice=True)
QUANTITY = Rule("quantity", "A PAS Quantity has a value, and a unit or a code of X12 673", ("prof-2", "prof-3"))

CLAIM_FIRST = Rule("request-claim-first", "The first entry is the Claim", ("spec-12",))
ONCE = Rule("request-once", "Each resource stands once in a request", ("spec-14",))
POINTED = Rule("request-pointed", "Each clinical resource is pointed to by a supportingInfo", ("spec-20",))
SEQUENCES = Rule("request-sequences", "Sequences of supportingInfo are unique", ("spec-22",))
TIMING = Rule("request-timing", "A PAS Timing has a count, a frequency, or an X12 pattern", ("prof-1",))

RESPONSE_FIRST = Rule("response-first", "The first entry is the ClaimResponse", ("spec-30",))
RESPONSE_ONCE = Rule("response-once", "Each resource stands once in a response", ("spec-31",))

COMMON = (PROFILE, CLOSED, FULL_URL, ONE_THING, QUANTITY)
REQUEST = (*COMMON, CLAIM_FIRST, ONCE, POINTED, SEQUENCES, TIMING)
RESPONSE = (*COMMON, RESPONSE_FIRST, RESPONSE_ONCE)


def judge_request(report: Report, about: str, bundle: Mapping[str, Any], *, inquiry: bool = False) -> bool:
    """All rules of a request or inquiry Bundle. Whether it keeps every SHALL."""
    tail = "profile-pas-inquiry-request-bundle" if inquiry else "profile-pas-request-bundle"
    entries = entries_of(bundle)
    kept = [
        *_judge_common(report, about, bundle, tail),
        report.judge(CLAIM_FIRST, about, _first_is(entries, "Claim")),
        report.judge(ONCE, about, _once(entries)),
        report.judge(SEQUENCES, about, _sequences(first(bundle))),
        report.judge(TIMING, about, _timings(bundle, "Bundle")),
    ]
    if not inquiry:
        kept.append(report.judge(POINTED, about, _pointed(entries)))
    return all(kept)


def judge_response(report: Report, about: str, bundle: Mapping[str, Any], *, inquiry: bool = False) -> bool:
    """All rules of the Bundle that answers a request or an inquiry. Whether it keeps every SHALL."""
    tail = "profile-pas-inquiry-response-bundle" if inquiry else "profile-pas-response-bundle"
    entries = entries_of(bundle)
    kept = [
        *_judge_common(report, about, bundle, tail),
        report.judge(RESPONSE_FIRST, about, _first_is(entries, "ClaimResponse")),
        report.judge(RESPONSE_ONCE, about, _once(entries)),
    ]
    return all(kept)


def _judge_common(report: Report, about: str, bundle: Mapping[str, Any], tail: str) -> list[bool]:
    entries = entries_of(bundle)
    report.judge(ONE_THING, about, _one_thing(entries))
    return [
        report.judge(PROFILE, about, broken(bundle, f"{codes.PAS}{tail}")),
        report.judge(CLOSED, about, _closed(entries)),
        report.judge(FULL_URL, about, _full_urls(bundle)),
        report.judge(QUANTITY, about, _quantities(bundle, "Bundle")),
    ]


def broken(resource: Mapping[str, Any], profile: str) -> Iterator[Finding]:
    """The errors of our validator, but for the extensions whose published context the guide itself breaks."""
    found = [one for one in validate(resource, profiles=(profile,)) if one.severity == "error"]
    found = [one for one in found if not _is_slip_of_the_guide(one)]
    causes = [one for one in found if not one.message.startswith("does not keep the profile")]
    for one in causes or found:  # what merely follows from a cause is not told again at each reference to it
        yield Finding(one.path, f"{one.message[:_LONGEST]} [{one.rule}]")


def _is_slip_of_the_guide(issue: Issue) -> bool:
    """PAS uses its extensions where their own contexts do not allow them: the profile counts, not the context."""
    return issue.rule == "extension" and issue.message.startswith(codes.PAS) and " is not meant for " in issue.message


def entries_of(bundle: Mapping[str, Any]) -> list[tuple[str, str, Json]]:
    """Path, fullUrl and resource of each entry that has a resource of a named type."""
    listed = bundle.get("entry")
    found = []
    for number, entry in enumerate(listed if isinstance(listed, list) else ()):
        held = object_of(entry, "resource")
        if isinstance(held.get("resourceType"), str):
            found.append((f"Bundle.entry[{number}]", str(entry.get("fullUrl", "")), held))
    return found


def first(bundle: Mapping[str, Any]) -> Json:
    """The resource of the first entry; empty where there is none."""
    entries = entries_of(bundle)
    return entries[0][2] if entries else {}


def resources_of(bundle: Mapping[str, Any], kind: str) -> list[Json]:
    return [resource for _, _, resource in entries_of(bundle) if resource.get("resourceType") == kind]


def object_of(element: Any, name: str) -> Json:
    """An element that is an object; empty where it is missing or anything else."""
    found = element.get(name) if isinstance(element, Mapping) else None
    return found if isinstance(found, dict) else {}


def list_of(element: Any, name: str) -> list[Json]:
    """The objects of a list element, whatever else stands in it."""
    found = element.get(name) if isinstance(element, Mapping) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _first_is(entries: list[tuple[str, str, Json]], kind: str) -> Iterator[Finding]:
    found = entries[0][2].get("resourceType") if entries else None
    if found != kind:
        yield Finding("Bundle.entry[0]", f"the first entry is no {kind} but {found or 'missing'}")


def _once(entries: list[tuple[str, str, Json]]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for path, url, resource in entries:
        for name in {url, f"{resource.get('resourceType')}/{resource.get('id')}" if resource.get("id") else url}:
            if (before := seen.setdefault(name, path)) != path and not _is_elsewhere(url, before, entries):
                yield Finding(path, f"stands at {before} already")
                break


def _is_elsewhere(url: str, before: str, entries: list[tuple[str, str, Json]]) -> bool:
    """The same type and id at another server is another resource."""
    other = next(one for path, one, _ in entries if path == before)
    return url != other and _base(url) != _base(other)


def _one_thing(entries: list[tuple[str, str, Json]]) -> Iterator[Finding]:
    seen: dict[tuple[str, str], str] = {}
    for path, _, resource in entries:
        if resource.get("resourceType") not in ("Practitioner", "Patient", "Location"):
            continue
        for one in list_of(resource, "identifier"):
            if one.get("system") and one.get("value"):
                key = (str(resource["resourceType"]), f"{one['system']}|{one['value']}")
                if (before := seen.setdefault(key, path)) != path:
                    yield Finding(path, f"has an identifier of {before}")


def _closed(entries: list[tuple[str, str, Json]]) -> Iterator[Finding]:
    known = [url for _, url, _ in entries]
    for number, (path, url, resource) in enumerate(entries):
        for where, reference in _references(resource, f"{path}.resource"):
            if reference.startswith("#") or _is_exempt(resource, where, number):
                continue
            meant = reference if ":" in reference.split("/")[0] else f"{_base(url)}{reference}"
            count = known.count(meant.split("/_history/")[0])
            if count != 1:
                yield Finding(where, "leads to no entry" if count == 0 else f"leads to {count} entries")


def _is_exempt(resource: Mapping[str, Any], where: str, number: int) -> bool:
    """The Claim need not come back (1.4); what a prior Claim was an update of stays out (spec-66)."""
    kind = resource.get("resourceType")
    if kind == "ClaimResponse":
        return where.endswith(".request.reference")
    if kind == "Task":
        return ".reasonReference" in where
    return kind == "Claim" and number > 0 and ".related[" in where


def _references(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if isinstance(stated := value.get("reference"), str):
            yield f"{path}.reference", stated
        for name, part in value.items():
            yield from _references(part, f"{path}.{name}")
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _references(part, f"{path}[{number}]")


def _base(url: str) -> str:
    """`https://server/fhir/` of a REST URL; nothing for a urn."""
    return "/".join(url.split("/")[:-2]) + "/" if urlsplit(url).scheme in ("http", "https") else ""


def _full_urls(bundle: Mapping[str, Any]) -> Iterator[Finding]:
    for number, entry in enumerate(list_of(bundle, "entry")):
        url = entry.get("fullUrl")
        if not isinstance(url, str) or not (_UUID4.fullmatch(url) or _REST.fullmatch(url)):
            yield Finding(f"Bundle.entry[{number}].fullUrl", "neither a REST URL nor urn:uuid with a version 4 UUID")


def _pointed(entries: list[tuple[str, str, Json]]) -> Iterator[Finding]:
    """Clinical resources: all that is no part of the envelope (people, insurance, orders, place)."""
    claims = [resource for _, _, resource in entries if resource.get("resourceType") == "Claim"]
    information = [one for claim in claims for one in list_of(claim, "supportingInfo")]
    pointed = {str(object_of(one, "valueReference").get("reference")) for one in information}
    base = _base(entries[0][1]) if entries else ""
    for path, url, resource in entries:
        if resource.get("resourceType") not in _ENVELOPE and not {url, url.removeprefix(base)} & pointed:
            yield Finding(path, f"no supportingInfo points to this {resource.get('resourceType')}")


def _sequences(claim: Mapping[str, Any]) -> Iterator[Finding]:
    seen: set[str] = set()
    for number, one in enumerate(list_of(claim, "supportingInfo")):
        if (sequence := str(one.get("sequence"))) in seen:
            yield Finding(f"Bundle.entry[0].resource.supportingInfo[{number}].sequence", "stands twice")
        seen.add(sequence)


def _quantities(value: Any, path: str) -> Iterator[Finding]:
    """Where PAS puts its Quantity: Claim and answer items, and ServiceRequest.quantity."""
    for at, kind, element in _elements(value, path):
        if kind in ("Claim", "ClaimResponse", "ServiceRequest") and at.rsplit(".", 1)[-1] in (
            "quantity",
            "quantityQuantity",
        ):
            yield from _quantity(element, at)


def _quantity(element: Mapping[str, Any], at: str) -> Iterator[Finding]:
    if "value" not in element or not ("unit" in element or "code" in element):
        yield Finding(at, "lacks its value, or both unit and code")
    if "code" in element and element.get("system") != f"{codes.X12}673":
        yield Finding(f"{at}.code", "is no code of X12 673")


def _timings(value: Any, path: str) -> Iterator[Finding]:
    patterns = {f"{codes.PAS}extension-timing{one}pattern" for one in ("calendar", "delivery")}
    for at, kind, element in _elements(value, path):
        if kind not in ("ServiceRequest", "MedicationRequest", "DeviceRequest"):
            continue
        if at.rsplit(".", 1)[-1] not in ("occurrenceTiming", "timing"):
            continue
        repeat = element.get("repeat") if isinstance(element.get("repeat"), dict) else {}
        has_pattern = any(one.get("url") in patterns for one in list_of(element, "extension"))
        has_rate = isinstance(repeat, dict) and {"frequency", "period", "periodUnit"} <= set(repeat)
        if not (has_pattern or has_rate or (isinstance(repeat, dict) and "count" in repeat)):
            yield Finding(at, "has no count, no frequency with period, and no X12 pattern")


def _elements(value: Any, path: str, kind: str = "") -> Iterator[tuple[str, str, Json]]:
    """Every object with its path and the type of the resource it stands in."""
    if isinstance(value, dict):
        kind = str(value.get("resourceType", kind))
        yield path, kind, value
        for name, part in value.items():
            yield from _elements(part, f"{path}.{name}", kind)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _elements(part, f"{path}[{number}]", kind)
