"""What a practice asks a payer to authorize."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from prior_auth.domain.coding import Coding


@dataclass(frozen=True, slots=True)
class Period:
    """Calendar days, both ends included; None is open."""

    start: date | None
    end: date | None


class Urgency(StrEnum):
    STANDARD = "standard"
    EXPEDITED = "expedited"


@dataclass(frozen=True, slots=True)
class RequestItem:
    """One service, from one order.

    `order` is the order's reference (`MedicationRequest/…`); `codings` every code it states, `service` the one the
    payer's policies know it by (HCPCS before RxNorm before the rest). `units` is a number of billing units as ordered.
    `renews` is the number of the authorization that this one goes on from.
    """

    order: str
    service: Coding
    codings: tuple[Coding, ...]
    units: Decimal | None
    period: Period
    requester: str | None = None
    renews: str | None = None


@dataclass(frozen=True, slots=True)
class CoverageFacts:
    """What a request needs of a Coverage: who pays, under which plan, for which member. References are the chart's."""

    reference: str
    payer_identifiers: tuple[tuple[str, str], ...]  # (system, value) of the payor
    plan: str | None  # Coverage.class of type `plan`
    member_id: str | None
    period: Period


@dataclass(frozen=True, slots=True)
class Regimen:
    """Orders that were made together. `source` is what joins them (`RequestGroup/…`, `CarePlan/…`, a group identifier),
    `protocol` the canonical URLs of the plans that it follows."""

    source: str
    name: str | None
    orders: tuple[str, ...]
    protocol: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    patient: str
    coverage: CoverageFacts | None
    items: tuple[RequestItem, ...]
    urgency: Urgency = Urgency.STANDARD
    regimens: tuple[Regimen, ...] = ()
