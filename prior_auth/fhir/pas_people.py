"""Who a PAS Bundle is about and who it is from, by numbers: what access and search rest on (spec-52, spec-53)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prior_auth.domain.parties import is_npi
from prior_auth.fhir import codes
from prior_auth.fhir.bundle import Entry, Index
from prior_auth.fhir.pas_received import codings_of, first_claim, objects, pairs, reference_of

_ORDERS = ("MedicationRequest", "ServiceRequest", "DeviceRequest", "NutritionOrder")


@dataclass(frozen=True, slots=True)
class People:
    """`members` are member and subscriber ids; `senders` the ids of the sending system; `organizations` identifiers
    of the requesting organization as `system|value`; `clinicians` NPIs of those who order or render; `payers` as
    `system|value`."""

    members: frozenset[str]
    senders: frozenset[str]
    organizations: frozenset[str]
    clinicians: frozenset[str]
    payers: frozenset[str]

    def same_submitter(self, other: People) -> bool:
        return bool(self.senders & other.senders or self.organizations & other.organizations)

    def may_read(self, other: People) -> bool:
        """The submitter; anybody else who names the member and who orders or renders (spec-53)."""
        if not self.members & other.members:
            return False
        return self.same_submitter(other) or bool(self.clinicians & other.clinicians)


def people_of(bundle: Mapping[str, Any]) -> People:
    """Of a request or inquiry Bundle, by its first Claim."""
    return _Reader(bundle).people()


class _Reader:
    def __init__(self, bundle: Mapping[str, Any]) -> None:
        self.index = Index(bundle)
        self.entry = first_claim(bundle)
        self.claim = self.entry.resource

    def people(self) -> People:
        provider = self._pointed(self.claim.get("provider"), self.entry)
        return People(
            members=frozenset(self._members()),
            senders=frozenset(self._senders()),
            organizations=frozenset(_full(self._organization(provider))),
            clinicians=frozenset(self._clinicians(provider)),
            payers=frozenset(_full(self._pointed(self.claim.get("insurer"), self.entry))),
        )

    def _members(self) -> Iterator[str]:
        """From the Coverage, where the profile has it, and from the Patient, where the inquiry's text has it."""
        for insurance in objects(self.claim.get("insurance")):
            coverage = self._pointed(insurance.get("coverage"), self.entry)
            if coverage is not None:
                yield from _member_ids(coverage.resource)
                if isinstance(number := coverage.resource.get("subscriberId"), str):
                    yield number
        patient = self._pointed(self.claim.get("patient"), self.entry)
        if patient is not None:
            yield from _member_ids(patient.resource)

    def _senders(self) -> Iterator[str]:
        stated = codes.pas_extension(self.claim, "TransmissionIdentifiers")
        for name in ("interchangeSenderID", "applicationSenderCode"):
            for one in codes.extensions_of(stated, name) if stated is not None else []:
                if isinstance(one.get("valueString"), str):
                    yield one["valueString"]

    def _clinicians(self, provider: Entry | None) -> Iterator[str]:
        named = [provider, *(self._pointed(one.get("provider"), self.entry) for one in self._team())]
        for item in objects(self.claim.get("item")):
            service = codes.pas_extension(item, "requestedService")
            order = self._pointed(service.get("valueReference"), self.entry) if service is not None else None
            if order is not None and order.resource["resourceType"] in _ORDERS:
                named.append(self._pointed(order.resource.get("requester"), order))
        for entry in named:
            yield from self._npis(entry)

    def _team(self) -> list[Mapping[str, Any]]:
        return objects(self.claim.get("careTeam"))

    def _npis(self, entry: Entry | None) -> Iterator[str]:
        if entry is None:
            return
        person = entry
        if entry.resource["resourceType"] == "PractitionerRole":
            yield from self._npis(self._pointed(entry.resource.get("practitioner"), entry))
        yield from (
            value for system, value in pairs(person.resource.get("identifier")) if system == codes.NPI and is_npi(value)
        )

    def _organization(self, provider: Entry | None) -> Entry | None:
        if provider is not None and provider.resource["resourceType"] == "PractitionerRole":
            return self._pointed(provider.resource.get("organization"), provider)
        return provider

    def _pointed(self, value: Any, base: Entry) -> Entry | None:
        stated = reference_of(value)
        return self.index.entry(stated, base=base) if stated is not None else None


def _member_ids(resource: Mapping[str, Any]) -> Iterator[str]:
    for one in objects(resource.get("identifier")):
        if "MB" in [coding.code for coding in codings_of(one.get("type"))] and isinstance(one.get("value"), str):
            yield one["value"]


def _full(entry: Entry | None) -> list[str]:
    return [f"{system}|{value}" for system, value in pairs(entry.resource.get("identifier"))] if entry else []
