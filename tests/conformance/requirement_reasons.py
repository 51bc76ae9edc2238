"""What `docs/conformance.md` says before its table, and why some requirements have no test."""

from __future__ import annotations

INTRODUCTION = """\
# Conformance

Written by `tests/conformance/requirement_page.py`; a test holds it to the marks in the tests. Ids are those of the
PAS 2.2.1 package. Levels and words are as the package has them and as we understand them.

## Judge any server

    prior-auth conformance pas-server https://payer.example/fhir --sender OURCODE --client-id judge --key judge.jwk

sends synthetic requests, updates, inquiries and broken messages, receives notifications at `--listen` (`--public-url`
where the server reaches it by another name), and judges what comes back: one line a rule, with the requirement's id
and the path of what breaks it; `--json` for programs. Exit code 0: every SHALL is kept, 1: a rule is broken, 2:
nothing could be judged (nobody answers there, an option is wrong). Broken SHOULDs are advice. Without `--client-id`
no token is asked for (a server in its development mode). With it the server registers the public part of `--key`
(`--public-keys` writes it) for the sender code and for NPI 1234567893.

A decision can only be judged where it can be had. Each item of a request carries the extension
`urn:prior-auth:scripted-decision` (`valueCode`: approve, deny, modify, pend, ask; on the Claim everything) and its
own HCPCS code: J9355 is to be approved, J9271 denied, J9045 modified, E1223 pended and approved soon after, J0897
asked about. A server that listens to neither is given requests that it is known to decide so: `--payload deny=FILE`.

Our own payer listens where `PRIOR_AUTH_PAYER_SCRIPTED_DECISIONS` makes it a test rig: `{}` for the extension, or a
JSON object from product codes to these words. It is off otherwise, needs a named clinician in the settings in whose
name it denies, and says TEST RIG in its log at each start and in `metadata`.

## Judge any client

    prior-auth conformance pas-client --listen 127.0.0.1:8799 --client-id theirs --jwks theirs.json

plays the payer. Point the client at `http://127.0.0.1:8799/fhir`, let it subscribe, then send new requests: they are
approved, denied, modified, pended (decided by a notification), asked about (decided once the attachment has come),
answered with every must-support element, with a business error, with a 400, and with a 503 once, in the order of
`--turns`. Then change and cancel what was approved. After `--wait` seconds of silence, or Ctrl-C, all that came is
judged. `--must-support` wants every must-support element of the request profiles too. What only eyes can see (that
people are shown decisions and errors) is named as not judged.

Both are restated from the guide and from the meaning of the public Inferno suites' tests, and judge what those leave
out too: fullUrls and identifiers that are echoed, the final word of a notification, inquiries by number, SMART. They
use the validator of this package: extensions are judged by the profiles that use them, not by their published
contexts, which the guide itself does not keep; X12's licensed lists are not judged.

## Our own requests do not show everything

`tests/conformance` lets both judges judge both of ours: our server keeps all rules and shows every must-support
element. Our client keeps all rules, but its requests do not hold every must-support element, because an oncology
request has no use for them: accidents, admissions, encounters, home health, nursing homes, EPSDT, subscribers that
are somebody else (only where they are), prices. `--must-support` says so.

## Requirements
"""

_X12 = "Concerns the X12 side of an intermediary; all is FHIR here."
_ATTEST = "A statement about how a product is run or made, not about a message: to be attested."
_MAY = "A permission; nothing can break it."
_DIRECTORY = "No endpoint discovery is defined; which endpoints a payer runs is for it to attest."

REASONS = {
    "ainfo-1": _ATTEST,
    "ainfo-2": _MAY,
    "ainfo-3": "Our payer asks by LOINC codes of documents, never by the questionnaire code 102089-0.",
    "ainfo-6": "Our payer asks by LOINC codes of documents, never by the questionnaire code 102089-0.",
    "conf-2": _DIRECTORY,
    "conf-3": _DIRECTORY,
    "conf-10": _MAY,
    "conf-13": _MAY,
    "conf-15": _ATTEST,
    "conf-16": _ATTEST,
    "metric-1": "Not built: the timeline and the kept messages hold what the measures need, but nothing computes them.",
    "metric-2": "Not built as PASMetricData; times, outcomes and messages of each exchange are kept in the store.",
    "priv-2": _ATTEST,
    "prof-ben-1": _X12,
    "prof-sub-1": _X12,
    "spec-2": _ATTEST,
    "spec-3": "CRD and DTR are no part of the PAS messages judged here.",
    "spec-5": _DIRECTORY,
    "spec-6": _DIRECTORY,
    "spec-10": _MAY,
    "spec-27": _MAY,
    "spec-28": _X12,
    "spec-29": _X12,
    "spec-40": "What a person is shown; our payer sends no such OperationOutcome.",
    "spec-49": _MAY,
    "spec-50": "Nothing is withheld but what spec-53 does not let another see, and that is not told.",
    "use-2": _X12,
    "use-3": _X12,
    "use-6": _ATTEST,
}
