"""The judge of a PAS client: what the Inferno Da Vinci PAS 2.2.1 client suite asks for, and what it leaves out.

The payer is played (`payer_play`); the client is driven by whoever tests it. What only eyes can see (that the user is
shown a decision or an error) is not judged here: the report says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prior_auth.conformance.pas import bundle_rules, census, notice_rules, smart_rules, update_rules
from prior_auth.conformance.pas.bundle_rules import entries_of, first, list_of, object_of
from prior_auth.conformance.pas.census import Census
from prior_auth.conformance.pas.payer_play import Chain, Play, Turn
from prior_auth.conformance.pas.verdicts import Finding, Report, Rule
from prior_auth.errors import BadInput
from prior_auth.fhir import codes, json
from prior_auth.fhir.codes import Json

SUBSCRIBED = Rule("client-subscribed", "The client learns of decisions by a subscription", ("spec-8",))
OWN_FILTER = Rule("client-own-filter", "The Subscription filters on an id that the requests name", ("spec-58",))
HANDSHAKE = Rule("client-handshake", "A handshake is answered 2xx", ("spec-54",))
EVENTS = Rule("client-events", "A notification with the whole answer is answered 2xx", ("conf-7", "conf-8", "spec-8"))
IS_JSON = Rule("client-json", "Requests are JSON Bundles, not wrapped in Parameters", ("spec-11",))
GUIDS = Rule("client-guids", "A GUID means one resource over all submissions", ("spec-17",))
NO_RESEND = Rule("client-no-resend", "What was refused with 4xx is not sent again", ("spec-38",))
RESENT = Rule("client-resend", "What met a 5xx is sent again unchanged", ("spec-38",), is_advice=True)
NO_POLLING = Rule("client-no-polling", "Nobody polls by inquiry", ("spec-9", "spec-42"), is_advice=True)
UPDATED = Rule("client-updates", "A changed need is sent as an update", ("spec-63",), is_advice=True)
TRACKED = Rule("client-attachment", "An attachment names the request for information it answers", ("ainfo-4",))
MUST_SUPPORT = Rule("client-must-support", "Every must-support element of a request is seen")
SHOWN = Rule("client-shows", "The user is shown decisions and errors", ("use-4", "spec-40", "spec-41"))

RULES = (
    *(SUBSCRIBED, OWN_FILTER, HANDSHAKE, EVENTS, IS_JSON, GUIDS, NO_RESEND, RESENT, NO_POLLING, UPDATED, TRACKED),
    *(MUST_SUPPORT, SHOWN),
    *bundle_rules.REQUEST,
    *update_rules.RULES,
    *notice_rules.OF_A_SUBSCRIPTION,
    smart_rules.SIGNED_IN,
)
_MOST_INQUIRIES = 2  # of one authorization: a gap, and a person who wants to know


def judge(play: Play, *, with_census: bool = False) -> Report:
    """What the client did, judged. `with_census` wants every must-support element in its requests."""
    report = Report(play.base)
    if not play.bodies:
        for rule in RULES:
            report.cannot(rule, "everything", "nothing came")
        return report
    _signed_in(report, play)
    _subscriptions(report, play)
    _requests(report, play)
    _updates(report, play)
    _errors(report, play)
    _attachments(report, play)
    _census(report, play, with_census)
    report.cannot(SHOWN, "the client's screens", "only a person can see them")
    return report


def _signed_in(report: Report, play: Play) -> None:
    if play.guard is None:
        why = "no client id was given: any caller is served, as in a development mode"
        report.cannot(smart_rules.SIGNED_IN, "SMART Backend Services", why)
        return
    found = [Finding(one, "carried no good token, or got none") for one in play.unsigned]
    if not play.tokens:
        found.append(Finding("POST token", "no token was ever asked for with a good assertion"))
    report.judge(smart_rules.SIGNED_IN, "all calls", found)


def _subscriptions(report: Report, play: Play) -> None:
    none = Finding("POST Subscription", "there never was one")
    report.judge(SUBSCRIBED, "subscriptions", [] if play.subscriptions else [none])
    for number, one in enumerate(play.subscriptions, start=1):
        notice_rules.judge_subscription(report, f"subscription {number}", one.resource)
    senders = {name for chain in play.chains for name in _senders(chain.versions[0])}
    filters = {name for one in play.subscriptions for name in one.wanted.senders}
    if filters and senders:
        other = Finding("Subscription.criteria.extension", "no request names an id that a filter has")
        report.judge(OWN_FILTER, "subscriptions", [] if filters & senders else [other])
    else:
        report.cannot(OWN_FILTER, "subscriptions", "it needs a subscription and a request")
    for rule, kind in ((HANDSHAKE, "handshake"), (EVENTS, "event")):
        sent = [one for one in play.sent if one.kind == kind]
        if not sent:
            report.cannot(rule, kind, "none was sent")
        for notice in sent:
            wrong = Finding(f"{kind} {notice.chain or ''}".strip(), f"was answered {notice.status or 'by nobody'}")
            report.judge(rule, kind, [] if 200 <= notice.status < 300 else [wrong])


def _senders(bundle: Json) -> set[str]:
    """All ids by which a request names its sender."""
    claim = first(bundle)
    stated = codes.pas_extension(claim, "TransmissionIdentifiers") or {}
    named = {str(one.get("valueString")) for one in list_of(stated, "extension") if "Sender" in str(one.get("url"))}
    for _, url, resource in entries_of(bundle):
        if url == object_of(claim, "provider").get("reference"):
            for one in list_of(resource, "identifier"):
                named |= {str(one.get("value")), f"{one.get('system')}|{one.get('value')}"}
    return named


def _requests(report: Report, play: Play) -> None:
    if not play.chains:
        for rule in (*bundle_rules.REQUEST, IS_JSON, GUIDS):
            report.cannot(rule, "requests", "none came")
        return
    for chain in play.chains:
        for number, sent in enumerate(chain.versions, start=1):
            bundle_rules.judge_request(report, _named(chain, number), sent)
    for number, (_, asked) in enumerate(play.inquiries, start=1):
        bundle_rules.judge_request(report, f"inquiry {number}", asked, inquiry=True)
    unread = [(path, status) for path, body, status in play.bodies if path.endswith("$submit") and not _is_json(body)]
    report.judge(IS_JSON, "requests", [Finding(path, f"no JSON Bundle, answered {status}") for path, status in unread])
    report.judge(GUIDS, "requests", _guids(play))


def _named(chain: Chain, number: int) -> str:
    return chain.name if number == 1 else f"{chain.name}, version {number}"


def _is_json(body: bytes) -> bool:
    try:
        return json.read(body).get("resourceType") == "Bundle"
    except BadInput:
        return False


def _guids(play: Play) -> Iterator[Finding]:
    seen: dict[str, tuple[object, object]] = {}
    for chain in play.chains:
        for sent in chain.versions:
            for path, url, resource in entries_of(sent):
                what = (resource.get("resourceType"), resource.get("id"))
                if url.startswith("urn:uuid:") and seen.setdefault(url, what) != what:
                    yield Finding(f"{chain.name}: {path}.fullUrl", "named another resource in an earlier submission")


def _updates(report: Report, play: Play) -> None:
    changed = [chain for chain in play.chains if len(chain.versions) > 1]
    if not changed:
        for rule in (*update_rules.RULES, UPDATED):
            report.cannot(rule, "updates", "none came: change and cancel what was asked for")
        return
    report.judge(UPDATED, "updates", [])
    for chain in changed:
        pairs = zip(chain.versions, chain.versions[1:], strict=False)
        for number, (before, now) in enumerate(pairs, start=2):
            update_rules.judge_update(report, _named(chain, number), before, now)
            if _cancels_all(now):
                report.judge(update_rules.CANCEL_ALL, _named(chain, number), update_rules.cancels_all(first(now)))
    if not any(_cancels_all(chain.newest) for chain in changed):
        report.cannot(update_rules.CANCEL_ALL, "updates", "nothing was cancelled as a whole")


def _cancels_all(bundle: Json) -> bool:
    items = list_of(first(bundle), "item")
    return bool(items) and all(update_rules.is_cancelled(one) for one in items)


def _errors(report: Report, play: Play) -> None:
    _refused(report, play)
    _down(report, play)
    counts = Counter(json.content_hash(_patient(asked)) for _, asked in play.inquiries)
    most = max(1, len(play.chains)) * _MOST_INQUIRIES
    polled = [Finding("POST Claim/$inquire", f"{count} inquiries") for count in counts.values() if count > most]
    report.judge(NO_POLLING, "inquiries", polled)


def _patient(bundle: Json) -> Json:
    return {"patient": first(bundle).get("patient")}


def _refused(report: Report, play: Play) -> None:
    refused = [chain for chain in play.chains if chain.turn is Turn.REFUSE]
    if not refused:
        report.cannot(NO_RESEND, "refused request", "none was refused")
    for chain in refused:
        wanted = json.content_hash(chain.versions[0])
        same = sum(_hash(body) == wanted for path, body, _ in play.bodies if path.endswith("$submit"))
        again = Finding("POST Claim/$submit", f"the same body came {same} times")
        report.judge(NO_RESEND, chain.name, [again] if same > 1 else [])


def _down(report: Report, play: Play) -> None:
    down = [chain for chain in play.chains if chain.turn is Turn.DOWN]
    if not down:
        report.cannot(RESENT, "request met by 503", "none was")
    for chain in down:
        never = Finding("POST Claim/$submit", "was not sent again after a 503")
        report.judge(RESENT, chain.name, [] if chain.answers and chain.answers[0] else [never])


def _hash(body: bytes) -> str | None:
    try:
        return json.content_hash(json.read(body))
    except BadInput:
        return None


def _attachments(report: Report, play: Play) -> None:
    asked = [chain for chain in play.chains if chain.turn is Turn.ASK]
    if not asked:
        report.cannot(TRACKED, "attachments", "nothing was asked for")
    for chain in asked:
        lost = Finding("POST $submit-attachment", "none came with the identifier of the answer that asked")
        report.judge(TRACKED, chain.name, [] if chain.decided else [lost])


def _census(report: Report, play: Play, wanted: bool) -> None:
    seen = Census((*census.IN_REQUESTS, *census.ORDERS))
    for chain in play.chains:
        for sent in chain.versions:
            seen.see(sent)
    report.census = seen.as_json()
    missing = list(seen.findings(census.IN_REQUESTS))
    if not any(not seen.missing(one) for one in census.ORDERS):
        nearest = min(census.ORDERS, key=lambda one: len(seen.missing(one)))
        missing += seen.findings([nearest])
    if wanted:
        report.judge(MUST_SUPPORT, "all requests", missing)
    else:
        report.cannot(MUST_SUPPORT, "all requests", f"not asked for (--must-support); {len(missing)} were not seen")
