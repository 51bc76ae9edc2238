"""Four cancer patients' requests, carried through by both companies, as people at their windows would."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import httpx2

from prior_auth import stories
from prior_auth.errors import PriorAuthError, TemporaryTransportError
from prior_auth.fhir import json

# Whom the two companies are in the demo; in life these are settings (docs/settings.md). All of it is synthetic.
ENVIRONMENT = {
    "PRIOR_AUTH_PRACTICE_ORGANIZATION": "Riverside Oncology (synthetic)",
    "PRIOR_AUTH_PRACTICE_NPI": "1234567893",
    "PRIOR_AUTH_PRACTICE_TAX_ID": "12-3456789",
    "PRIOR_AUTH_PRACTICE_ADDRESS_LINE": "100 Example Street",
    "PRIOR_AUTH_PRACTICE_CITY": "Springfield",
    "PRIOR_AUTH_PRACTICE_STATE": "IL",
    "PRIOR_AUTH_PRACTICE_POSTAL_CODE": "62701",
    "PRIOR_AUTH_PRACTICE_PHONE": "555-0100",
    "PRIOR_AUTH_PRACTICE_PLACE_OF_SERVICE": "11",
    "PRIOR_AUTH_PRACTICE_SENDER_CODE": "RIVERSIDE01",
    "PRIOR_AUTH_PRACTICE_PERSON_NAME": "Pat Coordinator",
    "PRIOR_AUTH_PRACTICE_PERSON_ROLE": "staff",
    "PRIOR_AUTH_PAYER_PERSON_NAME": "Dr. Morgan Reviewer",
    "PRIOR_AUTH_PAYER_PERSON_ROLE": "clinician",
    "PRIOR_AUTH_PAYER_PERSON_LICENCE": "1245319599",
}
_PATIENCE = 90.0  # seconds for one step of a story
_LOOK_EVERY = 0.2

Say = Callable[[str], None]


class Window:
    """One company's window, as its people use it. What is away for a moment is asked again."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._http = httpx2.Client(base_url=self.url, timeout=30)

    def get(self, path: str) -> dict[str, Any]:
        return self._ask("GET", path, None)

    def post(self, path: str, body: Any = None) -> dict[str, Any]:
        return self._ask("POST", path, json.write(body) if body is not None else b"")

    def _ask(self, method: str, path: str, content: bytes | None) -> dict[str, Any]:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                answer = self._http.request(method, path, content=content, headers={"Content-Type": "application/json"})
            except httpx2.TransportError as error:  # being started again: every step may be repeated
                if time.monotonic() > until:
                    raise TemporaryTransportError("nothing answers", where=self.url, fix="see the logs") from error
                time.sleep(_LOOK_EVERY)
                continue
            if answer.status_code >= 400:
                raise PriorAuthError(f"{method} {path} answered {answer.status_code}", where=self.url, fix=answer.text)
            return json.read(answer.content)


@dataclass(slots=True)
class Telling:
    """One story being carried out: what was seen of its case so far."""

    practice: Window
    payer: Window
    story: stories.Story
    day: date
    say: Say
    case: str = ""
    shown: int = 0
    seen: dict[str, Any] = field(default_factory=dict)

    def open(self) -> None:
        self.say(f"The practice opens the request: {self.story.title}.")
        opened = self.practice.post(f"/api/cases?order={self.story.order}", self.story.chart(on=self.day))
        self.case = opened["id"]

    def until(self, *statuses: str) -> str:
        """Show the timeline as it grows, until the case has one of these words; its word when the time is up."""
        until = time.monotonic() + _PATIENCE
        while True:
            self.look()
            if self.seen["status"] in statuses or time.monotonic() > until:
                return str(self.seen["status"])
            time.sleep(_LOOK_EVERY)

    def look(self) -> None:
        self.seen = self.practice.get(f"/api/cases/{self.case}")
        for entry in self.seen["timeline"][self.shown :]:
            facts = ", ".join(f"{name} {value}" for name, value in entry.items() if name not in _PLAIN)
            self.say(f"  {entry['at'][11:19]}  {entry['what']:<22} {entry['by']}{f'  ({facts})' if facts else ''}")
        self.shown = len(self.seen["timeline"])

    def missing(self) -> list[str]:
        items = (self.seen.get("assessment") or {}).get("items", [])
        return [
            f"{criterion['id']}: {one['what']}"
            for item in items
            for criterion in item["criteria"]
            for one in criterion["missing"]
        ]

    def evidence_arrives(self) -> None:
        arriving = self.story.arriving(on=self.day)
        self.say(f"  {len(arriving)} results arrive and are added.")
        for resource in arriving:
            self.practice.post(f"/api/cases/{self.case}/evidence", resource)

    def release(self, how: str) -> None:
        self.practice.post(f"/api/cases/{self.case}/release?how={how}")

    def clinician_denies(self, criterion: str, reason: str, narrative: str) -> None:
        """At the payer's desk: the request that waits for a clinician."""
        until = time.monotonic() + _PATIENCE
        while not (waiting := self._waiting_for_clinician()):
            self.look()
            if self.seen["status"] == "not-certified":  # decided meanwhile, by another run of this story
                return
            if time.monotonic() > until:
                raise PriorAuthError("no request waits for a clinician", where=self.payer.url, fix="see the queue")
            time.sleep(_LOOK_EVERY)
        for authorization in waiting:
            decision = {
                "sequence": 1,
                "version": authorization["version"],
                "action": "deny",
                "reason": reason,
                "criterion": criterion,
                "narrative": narrative,
            }
            self.payer.post(f"/api/authorizations/{authorization['id']}/decisions", decision)

    def _waiting_for_clinician(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.payer.get("/api/authorizations")["authorizations"]
        return [one for one in found if one["waiting_for"] == "clinician"]


_PLAIN = {"at", "what", "by", "role"}


@dataclass(frozen=True, slots=True)
class Told:
    """A story, how it is carried out, and the word it ends with."""

    name: str
    ends: str
    carry: Callable[[Telling], str]


def _certified_at_once(telling: Telling) -> str:
    telling.open()
    return telling.until("certified", "attention", "incomplete", "awaiting-release")


def _completed_before_sending(telling: Telling) -> str:
    telling.open()
    if telling.until("incomplete", "certified", "attention") == "incomplete":
        telling.say("  Nothing was sent. The practice is told exactly what is missing:")
        for line in telling.missing():
            telling.say(f"    - {line}")
        telling.evidence_arrives()
    return telling.until("certified", "attention")


def _gap_answered(telling: Telling) -> str:
    telling.open()
    if telling.until("incomplete", "information-requested", "certified", "attention") == "incomplete":
        telling.say("  The practice sends it with the gap:")
        for line in telling.missing():
            telling.say(f"    - {line}")
        telling.release("with-gaps")
    if telling.until("information-requested", "certified", "attention") == "information-requested":
        telling.say("  The payer pends it and asks for exactly that.")
        telling.evidence_arrives()
    return telling.until("certified", "attention")


def _denied_by_a_clinician(telling: Telling) -> str:
    telling.open()
    if telling.until("awaiting-release", "pended", "not-certified", "attention") == "awaiting-release":
        telling.say("  The engine refers it and a person at the practice sends it all the same.")
        telling.release("complete")
    if telling.until("pended", "not-certified", "attention") == "pended":
        telling.say("  The payer's engine cannot deny; a named clinician does, at the desk.")
        telling.clinician_denies(
            "R14.C3",
            "BIOMARKER_CONTRADICTS",
            "The BRCA2 variant on record is of uncertain significance; the policy asks for a pathogenic or likely "
            "pathogenic germline variant. A reclassified report would be reviewed at once.",
        )
    return telling.until("not-certified", "attention")


TOLD: Sequence[Told] = (
    Told("breast-her2-adjuvant", "certified", _certified_at_once),
    Told("nsclc-first-line-gap", "certified", _completed_before_sending),
    Told("breast-her2-gap", "certified", _gap_answered),
    Told("breast-brca-vus", "not-certified", _denied_by_a_clinician),
)


def carry_all(practice_url: str, payer_url: str, *, day: date, say: Say) -> list[dict[str, Any]]:
    """Carry every story through. Each result: id, state, timeline, policies, and whether it ended as told."""
    practice, payer = Window(practice_url), Window(payer_url)
    return [carry(told, Telling(practice, payer, stories.load(told.name), day, say)) for told in TOLD]


def carry(told: Told, telling: Telling) -> dict[str, Any]:
    """One story from its chart to its end; what `carry_all` says of each."""
    telling.say(f"\n{telling.story.title}")
    state = told.carry(telling)
    telling.look()
    as_told = state == told.ends
    telling.say(f"  -> {state}{'' if as_told else f', but it should be {told.ends}'}")
    items = (telling.seen.get("assessment") or {}).get("items", [])
    return {
        "id": told.name,
        "state": state,
        "timeline": telling.seen["timeline"],
        "policies": [item["policy"] for item in items if item["policy"]],
        "as_told": as_told,
    }
