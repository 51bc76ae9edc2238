"""The payer's side of a request and its life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from prior_auth.domain.assessment import DataRequirement, ItemAssessment, Recommendation
from prior_auth.domain.people import ENGINE, Person
from prior_auth.domain.request import Period
from prior_auth.errors import Conflict

_CONSULT_NOTE = "11488-4"  # LOINC: what can state anything that has no code of its own


class AuthorizationStatus(StrEnum):
    RECEIVED = "received"
    PENDED = "pended"
    CERTIFIED = "certified"
    MODIFIED = "modified"
    NOT_CERTIFIED = "not-certified"
    PARTIAL = "partial"
    CANCELLED = "cancelled"  # by the requester

    @property
    def is_final(self) -> bool:
        return self not in (AuthorizationStatus.RECEIVED, AuthorizationStatus.PENDED)


class Action(StrEnum):
    """What a payer says of an item, in words; the wire codes are X12 306 (`fhir/codes.py`)."""

    CERTIFY = "certify"
    MODIFY = "modify"
    DENY = "deny"
    PEND = "pend"
    CANCEL = "cancel"  # the requester's own wish, taken note of: nobody decides it


class DenialReason(StrEnum):
    """Why not: our own enumeration (`mcode_oncology` section 3). X12 reason codes come from the payer's own table."""

    MISSING_DOCUMENT = "MISSING_DOCUMENT"
    ILLEGIBLE_OR_OLD_RECORD = "ILLEGIBLE_OR_OLD_RECORD"
    NOT_MEDICALLY_NECESSARY = "NOT_MEDICALLY_NECESSARY"
    OFF_LABEL_NOT_COMPENDIA = "OFF_LABEL_NOT_COMPENDIA"
    BIOMARKER_NOT_DOCUMENTED = "BIOMARKER_NOT_DOCUMENTED"
    BIOMARKER_CONTRADICTS = "BIOMARKER_CONTRADICTS"
    STEP_THERAPY_NOT_TRIED = "STEP_THERAPY_NOT_TRIED"
    NON_PREFERRED_PRODUCT = "NON_PREFERRED_PRODUCT"
    STAGE_NOT_COVERED = "STAGE_NOT_COVERED"
    LINE_NOT_COVERED = "LINE_NOT_COVERED"
    QUANTITY_OR_DURATION_EXCEEDED = "QUANTITY_OR_DURATION_EXCEEDED"
    DUPLICATE_OR_TOO_SOON = "DUPLICATE_OR_TOO_SOON"
    EXPERIMENTAL = "EXPERIMENTAL"
    SITE_OF_CARE = "SITE_OF_CARE"
    OUT_OF_NETWORK = "OUT_OF_NETWORK"
    NOT_ELIGIBLE_ON_DATE = "NOT_ELIGIBLE_ON_DATE"
    CODE_INVALID_FOR_DATE = "CODE_INVALID_FOR_DATE"


@dataclass(frozen=True, slots=True)
class RequestedInformation:
    """What the payer asks for on a pend: a LOINC code, words for people, and the criterion it would decide."""

    code: str
    text: str
    criterion: str | None = None


@dataclass(frozen=True, slots=True)
class ItemDecision:
    """The payer's word on one item. `number` is the authorization number of a certification."""

    sequence: int
    action: Action
    by: Person
    number: str | None = None
    period: Period | None = None
    units: Decimal | None = None
    reason: DenialReason | None = None
    narrative: str | None = None
    criterion: str | None = None
    requested: tuple[RequestedInformation, ...] = ()


def permitted(decision: ItemDecision) -> ItemDecision:
    """Return the decision, or raise Conflict: nothing unattended denies or reduces, and a denial says why (rule 8)."""
    if decision.action in (Action.DENY, Action.MODIFY):
        if not decision.by.may_decide_adversely:
            raise Conflict(
                "only a named clinician with a licence may deny or reduce",
                fix="set the person's name, role clinician and licence (NPI) in the payer's settings",
            )
        if decision.reason is None or not (decision.narrative or "").strip():
            raise Conflict("a denial or reduction needs a coded reason and a narrative", fix="state both")
    if decision.action is Action.MODIFY and decision.units is None and decision.period is None:
        raise Conflict("a reduction needs the units or the period that are granted", fix="state either")
    return decision


def engine_word(item: ItemAssessment, sequence: int, number: str) -> ItemDecision:
    """What the engine may say of an item by itself: it certifies, or it pends and says for what.

    A referral is pended on the wire, whatever its cause (rule 8); information is asked for by LOINC code.
    """
    if item.recommendation in (Recommendation.APPROVE, Recommendation.NOT_REQUIRED):
        period = item.item.period
        return ItemDecision(sequence, Action.CERTIFY, ENGINE, number=number, period=period, units=item.item.units)
    wanted = item.missing if item.recommendation is Recommendation.PEND else ()
    named = {criterion.id: criterion.missing for criterion in item.criteria}
    requested = tuple(
        RequestedInformation(_loinc(one), one.what, criterion)
        for criterion, missing in named.items()
        for one in missing
        if one in wanted
    )
    return ItemDecision(sequence, Action.PEND, ENGINE, requested=requested)


def waits_for(decisions: tuple[ItemDecision, ...]) -> str | None:
    """Who has the next move while something is pended: the practice where all that is open was asked for."""
    pended = [decision for decision in decisions if decision.action is Action.PEND]
    if not pended:
        return None
    return "information" if all(decision.requested for decision in pended) else "clinician"


def _loinc(requirement: DataRequirement) -> str:
    codes = (coding.code for coding in requirement.codes if coding.system == "http://loinc.org")
    return next(codes, _CONSULT_NOTE)


def folded(decisions: tuple[ItemDecision, ...]) -> AuthorizationStatus:
    """One word over all items not cancelled: any pend keeps it pended; a mix is partial."""
    every = {decision.action for decision in decisions}
    if every == {Action.CANCEL}:
        return AuthorizationStatus.CANCELLED
    actions = every - {Action.CANCEL}
    if not actions or Action.PEND in actions:
        return AuthorizationStatus.PENDED
    if actions == {Action.CERTIFY}:
        return AuthorizationStatus.CERTIFIED
    if actions == {Action.DENY}:
        return AuthorizationStatus.NOT_CERTIFIED
    return AuthorizationStatus.MODIFIED if actions == {Action.MODIFY} else AuthorizationStatus.PARTIAL


@dataclass(frozen=True, slots=True)
class Authorization:
    """What of an authorization is not patient data.

    `version` counts the Claims received for it; `revision` the payer's words on it; `told` is the last revision the
    submitter has been given, in an answer or a notification. `sender` is the sending system's code.
    """

    id: str
    key: str
    sender: str
    status: AuthorizationStatus
    waiting_for: str | None
    plan: str | None
    service: str
    received_at: datetime
    changed_at: datetime
    due_at: datetime | None
    version: int
    revision: int
    told: int

    @property
    def reference(self) -> str:
        """The administration reference of a request under review (REF-NT)."""
        return f"REF-{self._short}"

    def number(self, sequence: int) -> str:
        """The number that a certification of an item is known by, the same however often it is asked for."""
        return f"AUTH-{self._short}-{sequence}"

    @property
    def _short(self) -> str:
        return self.id[:8].upper()
