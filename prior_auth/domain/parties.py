"""Who asks and who is asked: what a practice and a payer are on the wire, from settings and `payer.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from prior_auth.domain.people import Person


@dataclass(frozen=True, slots=True)
class Address:
    """A US postal address; `state` is the two-letter code."""

    lines: tuple[str, ...]
    city: str
    state: str
    postal_code: str


@dataclass(frozen=True, slots=True)
class PractitionerIdentity:
    """A clinician who orders. `reference` is the chart's reference it supplies an NPI for (`Practitioner/…`)."""

    npi: str | None
    family: str
    given: tuple[str, ...] = ()
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class PracticeIdentity:
    """The requesting practice.

    `base` is the URL of its FHIR resources (`https://practice.example/fhir`), the root of every fullUrl it sends.
    `sender_code` is the sending system's id (X12 ISA06 and GS02), the one that its subscription filters on.
    `place_of_service` is a CMS place-of-service code. The first of `practitioners` stands in where an order names none.
    """

    base: str
    name: str
    npi: str | None = None
    tin: str | None = None
    phone: str | None = None
    address: Address | None = None
    place_of_service: str | None = None
    sender_code: str | None = None
    practitioners: tuple[PractitionerIdentity, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """A test rig's: decisions are those that requests ask for (`fhir/pas_script.py`), in the name of `by`.

    `by_code` gives the word by an item's product code, where the request itself does not say it.
    """

    by: Person
    by_code: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PayerIdentity:
    """The payer. `identifier` is (system, value) as the Coverage's payor states it; `npi` where it has one.

    `attachments_url` is where it takes CDex attachments; None is `$submit-attachment` under `base`. `reason_codes` are
    its own X12 codes for our coded reasons, `reject_code` the one for a submission it does not take: these lists are
    licensed, so none is sent where the payer gives none. `script` is a test rig's. `pas` is the version it speaks here.
    """

    base: str
    name: str
    identifier: tuple[str, str]
    receiver_code: str | None = None
    npi: str | None = None
    attachments_url: str | None = None
    reason_codes: Mapping[str, str] = field(default_factory=dict)
    reject_code: str | None = None
    script: Script | None = None
    pas: str = "2.2.1"


# The NPI's check digit is Luhn's, over the number behind this prefix (45 CFR 162.406, CMS NPI final rule).
_NPI_PREFIX = "80840"


def is_npi(text: str | None) -> bool:
    """Ten digits whose last is the check digit."""
    if text is None or len(text) != 10 or not (text.isascii() and text.isdigit()):
        return False
    total = 0
    for place, digit in enumerate(reversed(_NPI_PREFIX + text)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
