"""What a payer has said of a request, item by item, as the practice reads it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from prior_auth.domain.coding import Coding
from prior_auth.domain.legal_clock import Extended
from prior_auth.domain.request import Period


class ReviewAction(StrEnum):
    """The payer's word on an item. An item may come back without one: that is undecided, never approved."""

    CERTIFIED = "certified"
    MODIFIED = "modified"
    NOT_CERTIFIED = "not-certified"
    PENDED = "pended"
    CANCELLED = "cancelled"
    UNDECIDED = "undecided"

    @property
    def is_final(self) -> bool:
        return self not in (ReviewAction.PENDED, ReviewAction.UNDECIDED)


class Overall(StrEnum):
    """One word over all items."""

    PENDED = "pended"
    CERTIFIED = "certified"
    MODIFIED = "modified"
    NOT_CERTIFIED = "not-certified"
    PARTIAL = "partial"
    CANCELLED = "cancelled"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an item was not certified as asked: `code` is the payer's word for it, `criterion` the rule's id."""

    code: str | None
    criterion: str | None
    narrative: str


@dataclass(frozen=True, slots=True)
class RequestedInformation:
    """What the payer asks for: a code (LOINC as a rule), words for people, and the item it is for (None: all)."""

    code: Coding
    text: str
    item: int | None = None
    criterion: str | None = None
    tracking: tuple[str, str] | None = None  # (system, value) of the payer's CommunicationRequest


@dataclass(frozen=True, slots=True)
class Grant:
    """What was granted where it is not what was asked."""

    service: Coding | None
    units: Decimal | None
    period: Period | None


@dataclass(frozen=True, slots=True)
class ItemDetermination:
    """`number` is the authorization number, `administration_reference` the one of a request still under review."""

    sequence: int
    action: ReviewAction
    number: str | None = None
    administration_reference: str | None = None
    issued: date | None = None
    period: Period | None = None
    grant: Grant | None = None
    reasons: tuple[Reason, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reviewer:
    by_person: bool
    npi: str | None = None


@dataclass(frozen=True, slots=True)
class ProcessingError:
    """A business error in an accepted exchange: X12 901 code as sent, and where in the request, if said."""

    code: str | None
    path: str | None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """A slip of the payer's answer that a person has to clear up: where it is, and what is odd. No patient data."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Determination:
    """One answer of a payer. `request` and `claim_identifiers` say which Claim it answers, as far as the answer does.

    `created` orders answers that cross each other on the way. `extra` are grants for no item that was asked.
    `reply_to` is the URL to which requested information goes (CDex), where the payer says it. `doubts` are for a
    person. `extension`: the payer says that it takes longer.
    """

    created: datetime | None
    identifiers: tuple[tuple[str, str], ...]
    request: str | None
    claim_identifiers: tuple[tuple[str, str], ...]
    items: tuple[ItemDetermination, ...]
    requested: tuple[RequestedInformation, ...] = ()
    reviewer: Reviewer | None = None
    errors: tuple[ProcessingError, ...] = ()
    extra: tuple[ItemDetermination, ...] = ()
    reply_to: str | None = None
    doubts: tuple[Doubt, ...] = ()
    extension: Extended | None = None

    @property
    def overall(self) -> Overall:
        if not self.items:
            return Overall.ERROR if self.errors else Overall.PENDED
        said = {item.action for item in self.items if item.action is not ReviewAction.CANCELLED}
        if not said:
            return Overall.CANCELLED
        if any(not action.is_final for action in said):
            return Overall.PENDED
        return _OVERALL[said.pop()] if len(said) == 1 else Overall.PARTIAL

    @property
    def is_final(self) -> bool:
        return self.overall is not Overall.PENDED

    @property
    def granted_until(self) -> date | None:
        """The first day on which something granted ends; None where nothing was, or no end was stated."""
        granted = (ReviewAction.CERTIFIED, ReviewAction.MODIFIED)
        ends = [one.period.end for one in self.items if one.action in granted and one.period is not None]
        return min((one for one in ends if one is not None), default=None)

    @property
    def refuses(self) -> bool:
        """It decides nothing and says why: an exchange that failed as business."""
        return not self.items and bool(self.errors)

    def without(self, cancelled: Collection[int]) -> Determination:
        """With these items as cancelled, whatever a payer says of what its requester no longer wants (pas.md 1.12)."""
        if not cancelled:
            return self
        items = tuple(
            replace(one, action=ReviewAction.CANCELLED) if one.sequence in cancelled else one for one in self.items
        )
        is_over = all(one.action is ReviewAction.CANCELLED for one in items)
        return replace(self, items=items, doubts=() if is_over else self.doubts)


_OVERALL = {
    ReviewAction.CERTIFIED: Overall.CERTIFIED,
    ReviewAction.MODIFIED: Overall.MODIFIED,
    ReviewAction.NOT_CERTIFIED: Overall.NOT_CERTIFIED,
}
