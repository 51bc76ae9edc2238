"""The must-support census: each must-support element of each profile, seen at least once over a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from prior_auth.conformance.pas.bundle_rules import entries_of
from prior_auth.conformance.pas.verdicts import Finding
from prior_auth.fhir import codes
from prior_auth.fhir.validate.supported import held, must_support

SHARED = ("insurer", "requestor", "beneficiary", "practitioner", "practitionerrole")
IN_REQUESTS = ("pas-request-bundle", "claim-update", "coverage", "encounter", "subscriber", *SHARED)
ORDERS = ("servicerequest", "medicationrequest", "devicerequest", "nutritionorder")  # one of them is enough
IN_RESPONSES = ("pas-response-bundle", "claimresponse", "communicationrequest", "task", *SHARED)
IN_INQUIRIES = ("pas-inquiry-request-bundle", "claim-inquiry", "coverage", "subscriber", *SHARED)
IN_INQUIRY_RESPONSES = ("pas-inquiry-response-bundle", "claiminquiryresponse", "task", *SHARED)

# A first request and an update say the same but for what only one of them has.
_STANDS_FOR = {"claim": "claim-update"}


@dataclass(slots=True)
class Census:
    """What was seen of `profiles` (tails of their URLs), over all Bundles that are `seen`."""

    profiles: tuple[str, ...]
    found: dict[str, set[str]] = field(default_factory=dict)

    def see(self, bundle: Mapping[str, Any]) -> None:
        for resource in (bundle, *(one for _, _, one in entries_of(bundle))):
            for tail in _claimed(resource) & set(self.profiles):
                self.found.setdefault(tail, set()).update(held(resource, _url(tail)))

    def missing(self, tail: str) -> list[str]:
        seen = self.found.get(tail, set())
        return [one for one in must_support(_url(tail)) if one not in seen]

    def findings(self, profiles: Iterable[str] | None = None) -> Iterator[Finding]:
        for tail in profiles if profiles is not None else self.profiles:
            yield from (Finding(one, f"never seen (profile-{tail})") for one in self.missing(tail))

    def as_json(self) -> dict[str, Any]:
        return {
            f"profile-{tail}": {
                "of": len(must_support(_url(tail))),
                "seen": len(must_support(_url(tail))) - len(self.missing(tail)),
                "missing": self.missing(tail),
            }
            for tail in self.profiles
        }


def _url(tail: str) -> str:
    return f"{codes.PAS}profile-{tail}"


def _claimed(resource: Mapping[str, Any]) -> set[str]:
    """The PAS profiles that a resource says it keeps."""
    meta = resource.get("meta")
    claimed = meta.get("profile") if isinstance(meta, Mapping) else None
    named = [one.split("|")[0] for one in claimed if isinstance(one, str)] if isinstance(claimed, list) else []
    tails = {one.removeprefix(f"{codes.PAS}profile-") for one in named if one.startswith(f"{codes.PAS}profile-")}
    return tails | {_STANDS_FOR[one] for one in tails if one in _STANDS_FOR}
