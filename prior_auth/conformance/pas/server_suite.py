"""The judge of a PAS server: what the Inferno Da Vinci PAS 2.2.1 server suite asks for, and what it leaves out.

Rules are restated from the guide and from the meaning of the suite's tests; requests are synthetic (`payloads`). A
decision can only be judged where the server can be brought to it: a test rig that listens to what a request asks for
(`fhir/pas_script.py`), or payloads of one's own that it is known to approve, deny, pend or modify.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prior_auth.conformance.pas import (
    answer_rules,
    bundle_rules,
    census,
    everything,
    notice_rules,
    odd_messages,
    payloads,
    smart_rules,
)
from prior_auth.conformance.pas import server_checks as checks
from prior_auth.conformance.pas.answer_rules import decided
from prior_auth.conformance.pas.bundle_rules import first, list_of, object_of
from prior_auth.conformance.pas.census import Census
from prior_auth.conformance.pas.listener import Answer, Call, Listener
from prior_auth.conformance.pas.odd_messages import Oddity
from prior_auth.conformance.pas.payloads import Sender
from prior_auth.conformance.pas.verdicts import Finding, Report, Rule
from prior_auth.conformance.pas.wire import Server, read
from prior_auth.fhir import codes, json, subscription
from prior_auth.fhir.codes import Json
from prior_auth.fhir.pas_script import Word
from prior_auth.smart.client import Identity

OFFERED = Rule("capability", "metadata states Subscription create, update, delete and both operations", ("spec-55",))
ACCEPTED = Rule("submit-accepted", "A sound request is answered 200 or 201 with a Bundle", ("spec-39", "use-1"))
IN_TIME = Rule("submit-in-time", "The answer comes within 15 seconds", ("spec-7",), is_advice=True)
APPROVED = Rule("decision-approved", "What is approved has A1")
DENIED = Rule("decision-denied", "What is denied has A3")
PENDED = Rule("decision-pended", "What is pended has A4")
REDUCED = Rule("decision-modified", "What is granted otherwise has A6", ("spec-36",))
CREATED = Rule("subscription-created", "A Subscription is answered 201, rest-hook and requested", ("spec-54",))
SHAKEN = Rule("subscription-handshake", "A handshake comes, with the headers of the channel", ("spec-54",))
OTHERS = Rule("subscription-only-rest-hook", "Other channels and contents are refused", ("spec-56", "spec-62"))
DELETED = Rule("subscription-deleted", "A Subscription can be changed and deleted", ("spec-55",))
NOTIFIED = Rule("pend-notified", "What was pended is told by a notification when it is decided", ("spec-51", "spec-60"))
FINAL = Rule("pend-final", "The notification brings a final decision", ("spec-51",))
INQUIRED = Rule("inquiry-accepted", "An inquiry is answered 200 with Parameters of `return` Bundles")
NONE_FOUND = Rule("inquiry-none", "An inquiry that fits nothing is answered without a part")
REFERRED = Rule("inquiry-request", "An inquiry answer refers to a Claim, or says why not", ("spec-44",))
ANY_SERVICE = Rule("inquiry-any-service", "`not-applicable` as product is any service", ("spec-43",))
INQUIRED_ALL = Rule("inquiry-all-items", "An inquiry answers every item of what it finds", ("spec-46",))
OTHERS_SEE = Rule(
    "inquiry-access", "Who neither sent, ordered nor renders sees nothing by the member alone", ("spec-53",)
)
BY_NUMBER = Rule("inquiry-by-number", "The number of a pend finds what became of it", ("spec-47",))
REFUSED = Rule("refusal", "What cannot be processed is 4xx with one OperationOutcome", ("spec-35", "spec-39"))
OPTIONAL = Rule("optional-omitted", "Leaving out an optional element is never a 4xx", ("conf-14",))
MINIMAL = Rule("only-supported", "Nothing is wanted that is neither mandatory nor must-support", ("conf-11", "conf-12"))
TOLERANT = Rule(
    "unknown-ignored", "Unknown elements do not hinder; a flag that is false is no cancellation", ("spec-25",)
)
SUPPORTED = Rule("must-support-taken", "A request with every must-support element is answered", ("conf-4", "conf-5"))
SHOWN = Rule("must-support-shown", "Every must-support element of a response is seen", ("conf-6",))
INQUIRY_SHOWN = Rule("must-support-inquired", "Every must-support element of an inquiry response is seen", ("conf-6",))
RESENT = Rule("resend", "The same request sent twice is answered alike, not decided twice", is_advice=True)

RULES = (
    *(OFFERED, ACCEPTED, IN_TIME, APPROVED, DENIED, PENDED, REDUCED, CREATED, SHAKEN, OTHERS, DELETED, NOTIFIED, FINAL),
    *(
        INQUIRED,
        NONE_FOUND,
        REFERRED,
        ANY_SERVICE,
        INQUIRED_ALL,
        OTHERS_SEE,
        BY_NUMBER,
        REFUSED,
        OPTIONAL,
        MINIMAL,
        TOLERANT,
    ),
    *(SUPPORTED, SHOWN, INQUIRY_SHOWN, RESENT),
    *bundle_rules.RESPONSE,
    *answer_rules.RULES,
    *notice_rules.OF_A_NOTICE,
    *smart_rules.OF_A_SERVER,
)

_DECISIONS = {
    Word.APPROVE: (APPROVED, codes.CERTIFIED),
    Word.DENY: (DENIED, codes.NOT_CERTIFIED),
    Word.MODIFY: (REDUCED, codes.MODIFIED),
    Word.PEND: (PENDED, codes.PENDED),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """`own` are Bundles of the tester by decision, in place of ours; `wait` is how long a notification may take."""

    sender: Sender
    token: str
    wait: float = 60.0
    own: Mapping[Word, Json] = field(default_factory=dict)
    identity: Identity | None = None


def run(server: Server, listener: Listener, plan: Plan) -> Report:
    """Judge the server. Raises TemporaryTransportError where nobody answers there."""
    report = Report(server.base)
    judge = _Run(server, listener, plan, report)
    judge.capability()
    smart_rules.judge_server(report, server, plan.identity)
    judge.subscription()
    judge.decisions()
    judge.updates()
    judge.everything()
    judge.inquiries()
    judge.refusals()
    judge.tolerance()
    judge.ended()
    return report


def take(call: Call) -> Answer:  # noqa: ARG001
    """What the listener says to every notification."""
    return Answer(200)


class _Run:
    """One run, step by step; what a step learns the next may use."""

    def __init__(self, server: Server, listener: Listener, plan: Plan, report: Report) -> None:
        self.server, self.listener, self.plan, self.report = server, listener, plan, report
        self.sender = plan.sender
        self.answers, self.inquired = Census(census.IN_RESPONSES), Census(census.IN_INQUIRY_RESPONSES)
        self.subscription_id: str | None = None
        self.pend_numbers: list[str] = []

    # --- what is offered

    def capability(self) -> None:
        answer = self.server.call("GET", "metadata", token=False)
        self.report.judge(OFFERED, "metadata", checks.offered(answer))

    def subscription(self) -> None:
        wanted = self._wish()
        if not notice_rules.judge_subscription(Report(""), "own", wanted):
            raise AssertionError("our own Subscription breaks the rules")
        before = len(self.listener.calls)
        answer = self.server.post("Subscription", wanted)
        if self.report.judge(CREATED, "POST Subscription", checks.created(answer)) and answer.resource is not None:
            self.subscription_id = str(answer.resource.get("id", "")) or None
            self._handshake(before)
        for name, broken_one in odd_messages.other_subscriptions(wanted):
            refused = self.server.post("Subscription", broken_one)
            self.report.judge(OTHERS, name, checks.refused(refused))

    def _wish(self) -> Json:
        endpoint = f"{self.listener.url}/notices"
        return subscription.subscription([self.sender.code], endpoint=endpoint, headers=[self._header()])

    def _header(self) -> str:
        return f"Authorization: Bearer {self.plan.token}"

    def _handshake(self, before: int) -> None:
        found = self.listener.wait(self._is_notice("handshake"), seconds=self.plan.wait, after=before)
        if found is None:
            late = f"none came within {self.plan.wait:g} seconds"
            self.report.judge(SHAKEN, "handshake", [Finding("POST channel.endpoint", late)])
            return
        bearer = found.headers.get("authorization") == f"Bearer {self.plan.token}"
        lacking = Finding("header Authorization", "is not the one that channel.header asks for")
        self.report.judge(SHAKEN, "handshake", [] if bearer else [lacking])
        notice_rules.judge_handshake(self.report, "handshake", read(found.body) or {})

    def _is_notice(self, kind: str) -> Any:
        return lambda call: call.method == "POST" and notice_rules.kind_of(read(call.body) or {}) == kind

    def ended(self) -> None:
        if self.subscription_id is None:
            self.report.cannot(DELETED, "Subscription", "there is none")
            return
        place = f"Subscription/{self.subscription_id}"
        changed = self.server.call("PUT", place, json.write({**self._wish(), "id": self.subscription_id}))
        gone = self.server.call("DELETE", place)
        found = [
            Finding(name, f"was answered {answer.status}")
            for name, answer in (("PUT Subscription", changed), ("DELETE Subscription", gone))
            if not answer.is_success
        ]
        self.report.judge(DELETED, "Subscription", found)

    # --- requests

    def _submit(self, about: str, request: Json) -> Json | None:
        """Send a request and judge the answer by all that holds for any; the answer, where it is a Bundle."""
        answer = self.server.post("Claim/$submit", request)
        self.report.judge(IN_TIME, about, checks.slow(answer))
        if not self.report.judge(ACCEPTED, about, checks.accepted(answer)):
            return None
        response = answer.bundle()
        assert response is not None
        bundle_rules.judge_response(self.report, about, response)
        answer_rules.judge_answer(self.report, about, request, response)
        self.answers.see(response)
        return response

    def decisions(self) -> None:
        for word, (rule, code) in _DECISIONS.items():
            request = self.plan.own.get(word) or payloads.request(self.sender, word.value, [word])
            before = len(self.listener.calls)
            response = self._submit(word.value, request)
            if response is None:
                self.report.cannot(rule, word.value, "the request was not answered by a Bundle")
                continue
            is_so = self.report.judge(rule, word.value, decided(response, code))
            if word is Word.APPROVE:
                self._again(request, response)
            if word is Word.PEND:
                self.pend_numbers = answer_rules.numbers(response)
                self._told(before, is_pended=is_so)

    def _again(self, request: Json, response: Json) -> None:
        second = self.server.post("Claim/$submit", request).bundle() or {}
        same = answer_rules.numbers(response) == answer_rules.numbers(second)
        other = Finding("ClaimResponse.item", "other numbers than the first time")
        self.report.judge(RESENT, "the same again", [] if same else [other])

    def _told(self, before: int, *, is_pended: bool) -> None:
        if not is_pended or self.subscription_id is None:
            why = "nothing is pended" if not is_pended else "there is no subscription"
            for rule in (NOTIFIED, FINAL):
                self.report.cannot(rule, "notification", why)
            return
        found = self.listener.wait(self._is_notice("event-notification"), seconds=self.plan.wait, after=before)
        late = Finding("POST channel.endpoint", f"none came within {self.plan.wait:g} seconds")
        if not self.report.judge(NOTIFIED, "notification", [] if found else [late]) or found is None:
            return
        notice = read(found.body) or {}
        notice_rules.judge_event(self.report, "notification", notice)
        told = notice_rules.responses(notice)
        for one in told:
            bundle_rules.judge_response(self.report, "notification", one)
            self.answers.see(one)
        open_still = [one for one in told if codes.PENDED in answer_rules.actions(one).values()]
        self.report.judge(
            FINAL, "notification", [Finding("ClaimResponse.item", "is pended still")] if open_still else []
        )

    def updates(self) -> None:
        for name, request in payloads.versions(self.sender):
            self._submit(f"update: {name}", request)

    def everything(self) -> None:
        for name, request in zip(("first", "update"), everything.everything(self.sender), strict=True):
            answer = self._submit(f"everything: {name}", request)
            wrong = Finding("POST Claim/$submit", "a must-support element hindered it")
            self.report.judge(SUPPORTED, f"everything: {name}", [] if answer is not None else [wrong])
        self.report.judge(SHOWN, "all responses", self.answers.findings())
        self.report.census |= self.answers.as_json()

    # --- inquiries

    def _inquire(self, about: str, inquiry: Json) -> list[Json] | None:
        answer = self.server.post("Claim/$inquire", inquiry)
        if not self.report.judge(INQUIRED, about, checks.parameters(answer)) or answer.resource is None:
            return None
        found = [object_of(one, "resource") for one in list_of(answer.resource, "parameter") if "resource" in one]
        for one in found:
            bundle_rules.judge_response(self.report, about, one, inquiry=True)
            self.report.judge(REFERRED, about, checks.refers(first(one)))
            self.inquired.see(one)
        return found

    def inquiries(self) -> None:
        approved = payloads.request(self.sender, Word.APPROVE.value, [Word.APPROVE])
        item = first(approved)["item"][0]
        of_one = self._inquire("inquiry: one service", payloads.inquiry(self.sender, "one", item_of=item))
        self._answers_all(of_one, len(payloads.PRODUCT))
        of_any = self._inquire("inquiry: any service", payloads.inquiry(self.sender, "any"))
        fewer = Finding("Parameters.parameter", "finds less than an inquiry for one service")
        if of_one is not None and of_any is not None:
            is_kept = len(of_any) >= max(1, len(of_one))
            self.report.judge(ANY_SERVICE, "inquiry: any service", [] if is_kept else [fewer])
        self._of_nobody()
        self._by_others()
        self._by_number()
        for name, asked in zip(("days", "periods"), everything.everything_asked(self.sender), strict=True):
            self._inquire(f"inquiry: everything by {name}", asked)
        self.report.judge(INQUIRY_SHOWN, "all inquiry responses", self.inquired.findings())
        self.report.census |= {f"{name} (inquiry)": seen for name, seen in self.inquired.as_json().items()}

    def _answers_all(self, found: list[Json] | None, most: int) -> None:
        if not found:
            self.report.cannot(INQUIRED_ALL, "inquiry: one service", "it found nothing")
            return
        empty = [
            Finding("ClaimResponse.item", "no item is answered") for one in found if not list_of(first(one), "item")
        ]
        many = [Finding("ClaimResponse.item", "more items than were asked for") for one in found if _items(one) > most]
        self.report.judge(INQUIRED_ALL, "inquiry: one service", [*empty, *many])

    def _of_nobody(self) -> None:
        nobody = Sender(f"{self.sender.run}-nobody", self.sender.code, self.sender.payer, self.sender.at)
        found = self._inquire("inquiry: unknown member", payloads.inquiry(nobody, "nobody"))
        if found is not None:
            wrong = Finding("Parameters.parameter", "an unknown member has authorizations")
            self.report.judge(NONE_FOUND, "inquiry: unknown member", [wrong] if found else [])

    def _by_others(self) -> None:
        """The member is named, but not by anybody who has to do with the request: refused, or answered by nothing."""
        answer = self.server.post("Claim/$inquire", odd_messages.of_another(self.sender))
        held = list_of(answer.resource, "parameter")
        shown = [one for one in held if object_of(one, "resource").get("resourceType") == "Bundle"]
        wrong = Finding("Parameters.parameter", f"shows {len(shown)} authorizations to another organization")
        refused = Finding("POST Claim/$inquire", f"was answered {answer.status}{checks.said(answer)}")
        is_answer = answer.status in (200, 403)
        self.report.judge(OTHERS_SEE, "inquiry: of another", [wrong] if shown else [] if is_answer else [refused])

    def _by_number(self) -> None:
        if not self.pend_numbers:
            self.report.cannot(BY_NUMBER, "inquiry: by number", "the pend came without a number")
            return
        asked = payloads.inquiry(self.sender, "by-number", number=self.pend_numbers[0])
        found = self._inquire("inquiry: by number", asked)
        if found is not None:
            wrong = Finding("Parameters.parameter", f"{len(found)} authorizations have the number of the pend")
            self.report.judge(BY_NUMBER, "inquiry: by number", [] if len(found) == 1 else [wrong])

    # --- what is wrong, and what only looks so

    def refusals(self) -> None:
        sound = payloads.request(self.sender, "refused", [Word.APPROVE])
        for name, request in odd_messages.unprocessable(sound):
            self.report.judge(
                REFUSED, f"$submit: {name}", checks.one_outcome(self.server.post("Claim/$submit", request))
            )
        empty = {**payloads.inquiry(self.sender, "refused-inquiry"), "entry": []}
        for name, inquiry in (("no entries", empty), ("no JSON", b"<Bundle/>")):
            self.report.judge(
                REFUSED, f"$inquire: {name}", checks.one_outcome(self.server.post("Claim/$inquire", inquiry))
            )

    def tolerance(self) -> None:
        rules = {Oddity.BARE: OPTIONAL, Oddity.MINIMAL: MINIMAL, Oddity.UNKNOWN: TOLERANT}
        for name, oddity, request in odd_messages.odd(self.sender):
            answer = self.server.post("Claim/$submit", request)
            hindered = Finding("POST Claim/$submit", f"was answered {answer.status}{checks.said(answer)}")
            self.report.judge(rules[oddity], name, [] if answer.is_success else [hindered])


def _items(bundle: Json) -> int:
    return len(list_of(first(bundle), "item"))
