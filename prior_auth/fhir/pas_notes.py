"""The one form of a process note that says more than prose: why not, and what is needed.

`NOT_MEDICALLY_NECESSARY [R14.C3]: …`, `Information needed (LOINC 89247-1) [R11.C6]: …`, and, as PAS has no other place
for it, `Decision deadline extended by 14 days (waiting for information): …`; a payer's X12 reason codes
are licensed, and PAS puts the reason of a denial into the note (FHIR-56288). Other payers' notes stay prose.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from prior_auth.domain.authorization import DenialReason
from prior_auth.domain.legal_clock import Extended

_NEEDED = re.compile(
    r"Information needed \(LOINC (?P<code>\S+)\)(?: \[(?P<criterion>[^\]]+)\])?: (?P<text>.*)", re.DOTALL
)
_REASON = re.compile(rf"(?P<code>{'|'.join(DenialReason)})(?: \[(?P<criterion>[^\]]+)\])?: (?P<text>.*)", re.DOTALL)


_EXTENDED = re.compile(
    r"Decision deadline extended by (?P<days>[1-9][0-9]{0,2}) days"
    r"(?P<waits> \(waiting for information\))?: (?P<text>.*)",
    re.DOTALL,
)


class Note(NamedTuple):
    code: str
    criterion: str | None
    text: str


def reason(code: str, criterion: str | None, narrative: str) -> str:
    return f"{code}{_about(criterion)}: {narrative}"


def needed(code: str, criterion: str | None, text: str) -> str:
    return f"Information needed (LOINC {code}){_about(criterion)}: {text}"


def extended(days: int, why: str, *, waits: bool) -> str:
    return f"Decision deadline extended by {days} days{' (waiting for information)' if waits else ''}: {why}"


def as_extended(text: str) -> Extended | None:
    match = _EXTENDED.fullmatch(text)
    return Extended(int(match["days"]), match["text"], match["waits"] is not None) if match is not None else None


def as_reason(text: str) -> Note | None:
    return _parts(_REASON.fullmatch(text))


def as_needed(text: str) -> Note | None:
    return _parts(_NEEDED.fullmatch(text))


def _about(criterion: str | None) -> str:
    return f" [{criterion}]" if criterion else ""


def _parts(match: re.Match[str] | None) -> Note | None:
    return Note(match["code"], match["criterion"], match["text"]) if match is not None else None
