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
    CaseStatus.ATTENTION: ("Needs a person", "red", "Mend what is named here, or in the last lines of the timeline."),
    CaseStatus.WITHDRAWN: ("Withdrawn", "grey", "Nothing."),
}

AUTHORIZATION_WORDS: dict[AuthorizationStatus, tuple[str, str]] = {
    AuthorizationStatus.RECEIVED: ("Received", "grey"),
    AuthorizationStatus.PENDED: ("Pended", "amber"),
    AuthorizationStatus.CERTIFIED: ("Approved", "green"),
    AuthorizationStatus.MODIFIED: ("Approved for less", "green"),
    AuthorizationStatus.NOT_CERTIFIED: ("Denied", "red"),
    AuthorizationStatus.PARTIAL: ("Partly approved", "green"),
    AuthorizationStatus.CANCELLED: ("Cancelled by the practice", "grey"),
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

OWES: dict[str | None, str] = {
    None: "The engine",
    "engine": "The engine",
    "evidence": "The practice: evidence",
    "release": "The practice: a release",
    "information": "The practice: information",
    "payer": "The payer",
    "clinician": "A clinician of the payer",
    "person": "A person: see the timeline",
}

RECOMMENDED: dict[str, tuple[str, str]] = {
    "approve": ("all criteria are met", "green"),
    "pend": ("something is missing", "amber"),
    "refer": ("a clinician must decide", "red"),
    "not-required": ("no authorization is needed", "grey"),
}

CAUSES: dict[str, str] = {
    "not-met": "a criterion is not met",
    "exclusion": "an exclusion applies",
    "reduce": "more is asked for than the policy allows",
    "conflict": "the evidence contradicts itself",
    "document-only": "only a document states it",
    "policy": "no policy of this payer covers it",
    "unknown-payer": "the payer is not known here",
    "rule-problem": "a rule could not be evaluated",
}

SAID: dict[str, tuple[str, str]] = {
    "certify": ("Approved", "green"),
    "certified": ("Approved", "green"),
    "modify": ("Approved for less", "green"),
    "modified": ("Approved for less", "green"),
    "deny": ("Denied", "red"),
    "not-certified": ("Denied", "red"),
    "pend": ("Pended", "amber"),
    "pended": ("Pended", "amber"),
    "cancel": ("Cancelled", "grey"),
    "cancelled": ("Cancelled", "grey"),
    "undecided": ("Undecided", "grey"),
}

HAPPENED: dict[str, str] = {
    "opened": "Request opened",
    "assessed": "Judged by the policy",
    "released": "Released",
    "evidence-added": "Result added",
    "value-added": "Value added",
    "document-added": "Document attached",
    "sent-request": "Request sent",
    "renewed": "Renewal asked for",
    "renewal-of": "A renewal",
    "sent-update": "Change sent",
    "change-wished": "Change wished",
    "withdrawn": "Withdrawn before it was sent",
    "sent-attachment": "Information sent",
    "payer-answered": "Answer of the payer",
    "determined": "Final word recorded",
    "received": "Request received",
    "invalid": "Does not keep its profiles",
    "attached": "Information received",
    "engine-said": "Word of the engine",
    "decided": "Decision",
    "extended": "Deadline extended",
    "decided:certify": "Decision: approve",
    "notification-queued": "Notification written",
    "notified": "Notification arrived",
    "update-refused": "An update was refused",
    "inquired": "Asked about by inquiry",
    "asked-to-inquire": "The payer is to be asked",
    "task": "A person is asked to look",
    "not-judged": "Could not be judged",
    "not-sendable": "Could not be made ready to send",
    "not-valid": "Not valid to send",
    "refused-by-payer": "Refused by the payer's server",
}

FACTS: dict[str, str] = {
    "asked-for": "asked for",
    "clock": "legal clock",
    "how": "as",
    "word": "word",
    "items": "items",
}

# Short names of evidence, as clinicians say them; others are shown by their item's name.
ITEMS: dict[str, str] = {
    "dx.primary": "Primary cancer",
    "dx.breast": "Breast cancer",
    "dx.nsclc": "Lung cancer",
    "dx.secondary": "Metastasis",
    "histology": "Histology",
    "histologic-grade": "Grade",
    "stage.group": "Stage",
    "stage.T": "Tumor",
    "stage.N": "Nodes",
    "stage.M": "Metastases",
    "ecog": "ECOG",
    "karnofsky": "Karnofsky",
    "lvef": "Ejection fraction",
    "er.status": "Estrogen receptor",
    "pr.status": "Progesterone receptor",
    "her2.ihc": "HER2 IHC",
    "her2.ish": "HER2 ISH",
    "pdl1.tps": "PD-L1 TPS",
    "variant.present": "Variant",
    "variant.negative-genes": "No variant in",
    "genes.studied": "Genes studied",
    "genomics-report": "Genomics report",
    "prior.therapy": "Earlier therapy",
    "request.drug": "Order",
    "allergy.drug": "Allergy",
    "surgery": "Surgery",
    "rt.course": "Radiotherapy",
    "comorbidity.absent": "Stated absent:",
    "autoimmune": "Autoimmune disease",
    "ild": "Interstitial lung disease",
    "mds-aml": "MDS or AML",
    "pregnancy": "Pregnancy",
    "transplant": "Transplant",
    "weight": "Weight",
    "height": "Height",
    "patient.birthDate": "Date of birth",
    "patient.sex": "Sex",
    "doc.path-report": "Document:",
    "doc.clinic-note": "Document:",
    "attestation.first-line": "First line:",
    "disease-status": "Disease status",
}
