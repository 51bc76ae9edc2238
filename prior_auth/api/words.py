"""What states mean for people: a word, a colour, the next step."""

from __future__ import annotations

from prior_auth.domain.authorization import AuthorizationStatus
from prior_auth.domain.case import CaseStatus

CASE_WORDS: dict[CaseStatus, tuple[str, str, str]] = {
    CaseStatus.OPENED: ("Being judged", "grey", "Nothing: the engine is reading the chart."),
    CaseStatus.INCOMPLETE: ("Needs evidence", "amber", "Add what is missing, or send with the gaps."),
    CaseStatus.AWAITING_RELEASE: ("Ready", "amber", "Look it through and release it."),
    CaseStatus.SENDING: ("Being sent", "blue", "Nothing: it is on its way."),
    CaseStatus.PENDED: ("Pended - payer owes", "blue", "Nothing: the payer decides."),
    CaseStatus.INFORMATION_REQUESTED: ("Pended - you owe", "amber", "Add what the payer asks for."),
    CaseStatus.CERTIFIED: ("Approved", "green", "Nothing: note the authorization number."),
    CaseStatus.MODIFIED: ("Partly approved", "green", "Compare what was granted with what was asked."),
    CaseStatus.NOT_CERTIFIED: ("Denied", "red", "Read the reason: correct and request anew, or appeal."),
    CaseStatus.NOT_REQUIRED: ("Not required", "green", "Nothing: this plan asks for no authorization."),
    CaseStatus.NOT_BY_PAS: ("Another way", "grey", "Ask by the pharmacy benefit: this plan does not take it by PAS."),
    CaseStatus.ATTENTION: ("Needs a person", "red", "Read the last lines of the timeline and mend what they name."),
    CaseStatus.WITHDRAWN: ("Withdrawn", "grey", "Nothing."),
}

AUTHORIZATION_WORDS: dict[AuthorizationStatus, tuple[str, str]] = {
    AuthorizationStatus.RECEIVED: ("Received", "grey"),
    AuthorizationStatus.PENDED: ("Pended", "amber"),
    AuthorizationStatus.CERTIFIED: ("Approved", "green"),
    AuthorizationStatus.MODIFIED: ("Approved for less", "green"),
    AuthorizationStatus.NOT_CERTIFIED: ("Denied", "red"),
    AuthorizationStatus.PARTIAL: ("Partly approved", "green"),
}

WAITS: dict[str | None, str] = {
    None: "Nothing: it is decided.",
    "engine": "The engine is judging it.",
    "information": "The practice was asked for information; a clinician may decide meanwhile.",
    "clinician": "A clinician must decide: see the criteria below.",
    "person": "A person must look: see the timeline.",
}

# Kinds of documents a practice attaches and a payer asks for: LOINC codes of pas.md 1.9 and mcode_oncology section 3.
DOCUMENT_KINDS: tuple[tuple[str, str], ...] = (
    ("11488-4", "Consult note"),
    ("11526-1", "Pathology report"),
    ("51969-4", "Molecular or genetics report"),
    ("18748-4", "Imaging report"),
    ("34117-2", "History and physical"),
    ("11506-3", "Progress note"),
    ("18776-5", "Plan of care"),
    ("11502-2", "Laboratory report"),
)
