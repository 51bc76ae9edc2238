"""Profiles that a chart claims are kept where they are kept to: what a Bundle says of itself has to be true.

A chart's claim may have been wrong from the start, or made wrong by what is cut. The Bundle is judged whole, as
references are judged by what they lead to, and mended in steps: first without the resource's own claims, then without
the profile that makes it `AdditionalInformation`; what still fails is not valid FHIR R4 and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from prior_auth.errors import BadInput
from prior_auth.fhir import codes
from prior_auth.fhir.codes import Json
from prior_auth.fhir.pas_evidence import key_of, target_profile
from prior_auth.fhir.validate import Issue, validate

ROUNDS = 6

_ENTRY = re.compile(r"Bundle\.entry\[(\d+)\]\.resource(.*)", re.DOTALL)
_INFORMATION = re.compile(r"\.supportingInfo\[(\d+)\]\.value")


class Fit:
    """What the rounds have found out about the resources of one Bundle."""

    def __init__(self) -> None:
        self._without_claims: set[str] = set()
        self._no_target: set[str] = set()

    def target(self, resource: Mapping[str, Any]) -> str | None:
        """The profile by which it is AdditionalInformation; None where it travels under another category."""
        return None if key_of(resource) in self._no_target else target_profile(resource)

    def shaped(self, resource: Json) -> Json:
        """The resource with the profiles it keeps, and the one that is meant here (pas.md trap 40)."""
        meta = resource.get("meta", {})
        claims = [] if key_of(resource) in self._without_claims else meta.get("profile", [])
        profile = self.target(resource)
        profiles = [*claims, *([profile] if profile is not None and profile not in claims else [])]
        kept = {name: value for name, value in meta.items() if name != "profile"}
        written = ({"profile": profiles} if profiles else {}) | kept
        rest = {name: value for name, value in resource.items() if name != "meta"}
        return {"resourceType": rest.pop("resourceType"), **({"meta": written} if written else {}), **rest}

    def mended(self, bundle: Json, charts: Iterable[str]) -> bool:
        """Judge a Bundle; True where something was learnt of the resources in `charts` (`Type/id`), so that it has to
        be built again. Raises BadInput on an error that is not theirs or cannot be mended."""
        found = [one for one in validate(bundle) if one.severity == "error" and not _is_the_guides_own(one)]
        known = set(charts)
        # What is wrong with a resource is wrong with all that refers to it: the cause is looked for first.
        causes = {key: issue for issue in reversed(found) if (key := _resource_of(issue, bundle)) in known}
        misfits = {key: issue for issue in reversed(found) if (key := _pointed_by(issue, bundle)) in known}
        for key, issue in causes.items():
            self._learn(key, issue)
        if not causes:
            self._no_target |= set(misfits)
        if found and not causes and not misfits:
            first = found[0]
            raise BadInput(f"the request would not be valid: {first.message}", where=first.path, fix=first.fix)
        return bool(found)

    def _learn(self, key: str, issue: Issue) -> None:
        if key not in self._without_claims:
            self._without_claims.add(key)
        elif key not in self._no_target:
            self._no_target.add(key)
        else:
            inside = _ENTRY.fullmatch(issue.path)
            where = f"{key} {key.split('/', 1)[0]}{inside[2] if inside is not None else ''}"
            fix = issue.fix or "correct it in the chart"
            raise BadInput(f"not valid FHIR R4: {issue.message}", where=where, fix=fix)


def _resource_of(issue: Issue, bundle: Json) -> str | None:
    """The entry an issue is about, as `Type/id`."""
    match = _ENTRY.fullmatch(issue.path)
    return key_of(bundle["entry"][int(match[1])]["resource"]) if match is not None else None


def _pointed_by(issue: Issue, bundle: Json) -> str | None:
    """The resource that a Claim's supportingInfo points to, where it is not what is wanted there."""
    match = _ENTRY.fullmatch(issue.path)
    line = _INFORMATION.match(match[2]) if match is not None else None
    if match is None or line is None:
        return None
    claim = bundle["entry"][int(match[1])]["resource"]
    reference: str = claim["supportingInfo"][int(line[1])]["valueReference"]["reference"]
    return "/".join(reference.split("/")[-2:])


def _is_the_guides_own(issue: Issue) -> bool:
    """Marks on supportingInfo: demanded by the text of 2.2.1, not allowed there by the extensions' contexts."""
    marks = (f"{codes.PAS}extension-infoChanged", codes.CANCELLED_FLAG)
    return issue.rule.endswith("extension") and any(mark in issue.message for mark in marks)
