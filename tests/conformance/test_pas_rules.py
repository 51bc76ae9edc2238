"""Each rule of the judges finds what breaks it, by its path, and nothing in what keeps it."""

from __future__ import annotations

import copy
import importlib.util
import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from prior_auth.conformance.pas import answer_rules, bundle_rules, notice_rules, payloads, update_rules
from prior_auth.conformance.pas.everything import everything, everything_asked
from prior_auth.conformance.pas.verdicts import Outcome, Report
from prior_auth.domain.parties import PayerIdentity, Script
from prior_auth.domain.people import Person, Role
from prior_auth.fhir import codes, json, pas_request, pas_response, pas_script, subscription

Json = dict[str, Any]
Change = Callable[[Json], object]

GOLDEN = Path(__file__).parents[1] / "golden" / "pas"
DAMAGED = 20
AT = datetime(2026, 11, 25, 10, tzinfo=UTC)
SENDER = payloads.Sender("rules", "EXONC", ("http://example.org/payer-id", "EXPAYER01"), AT)


def golden(name: str) -> Json:
    return json.read((GOLDEN / f"{name}.json").read_bytes())


def claim(bundle: Json) -> Json:
    return bundle["entry"][0]["resource"]


def resource(bundle: Json, kind: str) -> Json:
    return next(one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == kind)


def again(bundle: Json, kind: str, **change: Any) -> None:
    """A second entry with the first resource of this kind, changed."""
    held = copy.deepcopy(next(one for one in bundle["entry"] if one["resource"]["resourceType"] == kind))
    held["resource"] |= change
    held["fullUrl"] = held["fullUrl"].rpartition("/")[0] + "/" + held["resource"]["id"]
    bundle["entry"].append(held)


def broken_by(report: Report) -> set[str]:
    return {one.rule.id for one in report.verdicts if one.outcome in (Outcome.FAILED, Outcome.ADVICE)}


def orphan(bundle: Json) -> None:
    claim(bundle)["supportingInfo"].pop()


REQUESTS: dict[str, tuple[str, Change]] = {
    "bundle-profile": ("Bundle.entry[0].resource", lambda b: claim(b)["item"][0].pop("category")),
    "bundle-closed": (
        "Bundle.entry[0].resource.insurer.reference",
        lambda b: claim(b)["insurer"].update(reference="http://elsewhere.example/Organization/1"),
    ),
    "bundle-full-url": (
        "fullUrl",
        lambda b: b["entry"][1].update(fullUrl="urn:uuid:0b0c4b8e-1f1f-11ee-be56-0242ac120002"),
    ),
    "bundle-one-thing": ("Bundle.entry", lambda b: again(b, "Practitioner", id="another")),
    "quantity": ("quantity", lambda b: claim(b)["item"][0].update(quantity={"value": 1})),
    "request-claim-first": ("Bundle.entry[0]", lambda b: b["entry"].append(b["entry"].pop(0))),
    "request-once": ("Bundle.entry", lambda b: b["entry"].append(copy.deepcopy(b["entry"][-1]))),
    "request-pointed": ("Bundle.entry", orphan),
    "request-sequences": ("sequence", lambda b: claim(b)["supportingInfo"][1].update(sequence=1)),
    "request-timing": (
        "timing",
        lambda b: resource(b, "MedicationRequest")["dosageInstruction"][0].update(timing={"code": {"text": "daily"}}),
    ),
}


@pytest.mark.requirement(
    *(
        "prof-1",
        "prof-2",
        "prof-3",
        "spec-12",
        "spec-13",
        "spec-14",
        "spec-15",
        "spec-16",
        "spec-20",
        "spec-22",
        "spec-23",
    )
)
@pytest.mark.parametrize("rule", REQUESTS)
def test_what_breaks_a_rule_of_requests_is_found_by_its_path(rule: str) -> None:
    where, change = REQUESTS[rule]
    request, report = golden("request"), Report("")
    change(request)
    bundle_rules.judge_request(report, "request", request)
    assert rule in broken_by(report)
    found = [one for verdict in report.verdicts if verdict.rule.id == rule for one in verdict.findings]
    assert any(where in one.where for one in found), found


def forgotten(bundle: Json) -> None:
    claim(bundle)["item"].pop()


ANSWERS: dict[str, Change] = {
    "response-echo": lambda b: resource(b, "Patient").update(identifier=[{"system": "urn:other", "value": "1"}]),
    "response-items": lambda b: claim(b)["item"][0].update(itemSequence=9),
    "response-all-items": forgotten,
    "response-modified": lambda b: claim(b).pop("addItem"),
}


@pytest.mark.requirement("spec-33", "spec-34", "spec-36", "spec-37", "spec-46")
@pytest.mark.parametrize("rule", ANSWERS)
def test_what_breaks_a_rule_of_answers_is_found(rule: str) -> None:
    request, answer = golden("request-regimen"), golden("response-modified-and-pended")
    sound, report = Report(""), Report("")
    assert answer_rules.judge_answer(sound, "answer", request, answer)
    ANSWERS[rule](answer)
    answer_rules.judge_answer(report, "answer", request, answer)
    assert rule in broken_by(report)


@pytest.mark.requirement("spec-30", "spec-31")
def test_a_response_that_does_not_start_with_the_claim_response_or_holds_a_thing_twice_is_found() -> None:
    for rule, change in (
        ("response-first", lambda b: b["entry"].append(b["entry"].pop(0))),
        ("response-once", lambda b: b["entry"].append(copy.deepcopy(b["entry"][-1]))),
    ):
        report, answer = Report(""), golden("response-certified")
        change(answer)
        bundle_rules.judge_response(report, "answer", answer)
        assert rule in broken_by(report)


def remove_mark(element: Json) -> None:
    element["extension"] = [one for one in element["extension"] if not one["url"].endswith("infoChanged")]


UPDATES: dict[str, tuple[int, Change]] = {
    "update-prior": (1, lambda b: claim(b).pop("related")),
    "update-no-grandparent": (2, lambda b: None),  # see below: the grandparent is put in
    "update-all": (1, lambda b: claim(b)["item"].pop(0)),
    "update-cancelled": (3, lambda b: claim(b)["item"][1].pop("modifierExtension")),
    "update-cancel-type": (2, lambda b: claim(b)["item"][1]["extension"].remove(codes.CERTIFICATION_CANCEL)),
    "update-marks": (2, lambda b: remove_mark(claim(b)["item"][0])),
    "update-stale-marks": (1, lambda b: payloads.mark(claim(b)["item"][0], "changed")),
}


@pytest.mark.requirement(
    *("prof-4", "prof-5", "prof-6", "prof-7", "prof-8", "prof-9", "prof-10"),
    *("spec-65", "spec-66", "spec-68", "spec-69", "spec-70", "spec-71", "spec-72"),
)
@pytest.mark.parametrize("rule", UPDATES)
def test_what_breaks_a_rule_of_updates_is_found(rule: str) -> None:
    number, change = UPDATES[rule]
    versions = [one for _, one in payloads.versions(SENDER)]
    before, now = versions[number - 1], versions[number]
    assert not broken_by(_judged_update(before, now))
    if rule == "update-no-grandparent":
        now["entry"].append(copy.deepcopy(versions[number - 2]["entry"][0]))
    change(now)
    assert rule in broken_by(_judged_update(before, now))


def _judged_update(before: Json, now: Json) -> Report:
    report = Report("")
    update_rules.judge_update(report, "update", before, now)
    return report


SUBSCRIPTIONS: dict[str, Change] = {
    "subscription-profile": lambda one: one.pop("reason"),
    "subscription-filter": lambda one: one["_criteria"]["extension"][0].update(valueString="orgIdentifier=EXONC"),
    "subscription-channel": lambda one: one["channel"].update(type="websocket"),
}


@pytest.mark.requirement("spec-56", "spec-57", "spec-58", "spec-62")
@pytest.mark.parametrize("rule", SUBSCRIPTIONS)
def test_what_breaks_a_rule_of_subscriptions_is_found(rule: str) -> None:
    wanted = subscription.subscription(["EXONC"], endpoint="https://practice.example/notices")
    assert notice_rules.judge_subscription(Report(""), "subscription", wanted)
    report = Report("")
    SUBSCRIPTIONS[rule](wanted)
    notice_rules.judge_subscription(report, "subscription", wanted)
    assert rule in broken_by(report)


def parameters(notice: Json) -> list[Json]:
    return notice["entry"][0]["resource"]["parameter"]


NOTICES: dict[str, Change] = {
    "notice-status": lambda one: parameters(one).pop(0),
    "notice-entries": lambda one: one["entry"][1].pop("response"),
    "notice-event": lambda one: one["entry"].pop(1),
    "notice-full-resource": lambda one: one["entry"][1].update(resource={"resourceType": "ClaimResponse"}),
}


@pytest.mark.requirement("spec-54", "spec-61", "spec-62")
@pytest.mark.parametrize("rule", NOTICES)
def test_what_breaks_a_rule_of_notifications_is_found(rule: str) -> None:
    notice, report = golden("notification-event"), Report("")
    assert notice_rules.judge_event(Report(""), "event", notice)
    NOTICES[rule](notice)
    notice_rules.judge_event(report, "event", notice)
    assert rule in broken_by(report)


def test_our_own_payloads_keep_every_rule() -> None:
    report = Report("")
    for name, bundle in payloads.versions(SENDER):
        bundle_rules.judge_request(report, name, bundle)
    bundle_rules.judge_request(report, "all words", payloads.request(SENDER, "all", list(payloads.PRODUCT)))
    first, second = everything(SENDER)
    for bundle in (first, second):
        bundle_rules.judge_request(report, "everything", bundle)
    update_rules.judge_update(report, "everything", first, second)
    for bundle in everything_asked(SENDER):
        bundle_rules.judge_request(report, "inquiry", bundle, inquiry=True)
    assert broken_by(report) == set()


def without_slips(value: Any) -> Any:
    """Without the rig's extension, and without those of PAS whose published contexts the guide itself does not keep."""
    if isinstance(value, list):
        return [without_slips(one) for one in value]
    if not isinstance(value, dict):
        return value
    lost = {f"{codes.PAS}{name}" for name in SLIPS.get(kind_of(value), ())} | {pas_script.SCRIPTED}
    kept = {name: without_slips(part) for name, part in value.items() if part is not None}
    for name in ("extension", "modifierExtension"):
        held = [one for one in kept.get(name, ()) if one["url"] not in lost]
        kept = {key: part for key, part in kept.items() if key != name} | ({name: held} if held else {})
    return kept


def kind_of(element: Json) -> str:
    if "repeat" in element:
        return "Timing"
    return (
        "supportingInfo"
        if {"sequence", "category"} <= set(element) and "productOrService" not in element
        else str(element.get("resourceType", "addItem" if isinstance(element.get("itemSequence"), list) else "item"))
    )


SLIPS = {
    "Claim": ("extension-authorizationNumber", "extension-administrationReferenceNumber"),
    "ServiceRequest": ("extension-productOrServiceCodeEnd",),
    "Timing": ("extension-timingcalendarpattern", "extension-timingdeliverypattern"),
    "supportingInfo": ("extension-infoChanged", "modifierextension-infoCancelled"),
    "ClaimResponse": ("extension-itemAuthorizedProvider",),
    "item": ("extension-communicatedDiagnosis",),
    "addItem": (
        *("extension-productOrServiceCodeEnd", "extension-revenueUnitRateLimit", "extension-serviceItemRequestType"),
        "extension-certificationType",
    ),
}


def answered(request: Json) -> Json:
    """The rig's answer to the case that shows everything."""
    script = Script(Person("Dr Rig", Role.CLINICIAN, "1245319599"))
    payer = PayerIdentity("https://payer.example.org/fhir", "The payer", SENDER.payer, script=script)
    read = pas_request.read(request)
    words = pas_script.words(read.claim, read.items, {}, version=1)
    said = [pas_script.decision(one, words[one.sequence], script, str) for one in read.items]
    stamp = pas_response.Stamp("auth-1", 1, AT, "REF-1")
    return json.read(json.write(pas_response.build(request, read, said, payer=payer, stamp=stamp)))


@pytest.mark.requirement("spec-1", "spec-19", "spec-23", "conf-6")
def test_the_official_validator_finds_no_error_where_every_must_support_element_is_shown(official_errors: Any) -> None:
    first, second = everything(SENDER)
    assert official_errors(without_slips(second)) == []
    answer = answered(json.read(json.write(first)))
    assert claim(answer).pop("adjudication")  # reviewActionCode has no context there
    assert official_errors(without_slips(answer)) == []


@pytest.fixture(scope="module")
def mutations() -> Any:
    spec = importlib.util.spec_from_file_location(
        "mutations", Path(__file__).parents[1] / "fhir_validate" / "mutations.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault("mutations", module)
    spec.loader.exec_module(module)
    return module


def test_damage_is_judged_and_never_breaks_a_judge(mutations: Any) -> None:
    dice, regimen, found = random.Random(20261125), golden("request-regimen"), 0
    for number in range(DAMAGED):
        answer, update, notice = golden("response-modified"), golden("update-add-item"), golden("notification-event")
        report = Report("")
        for bundle in (answer, update, notice):
            for _ in range(1 + number % 3):
                mutations.damage(bundle, dice)
        bundle_rules.judge_response(report, "answer", answer)
        answer_rules.judge_answer(report, "answer", regimen, answer)
        answer_rules.numbers(answer)
        update_rules.judge_update(report, "update", regimen, update)
        notice_rules.judge_event(report, "event", notice)
        found += bool(broken_by(report))
    assert found == DAMAGED


def test_the_report_names_rule_requirement_and_path_and_its_exit_code() -> None:
    report, request = Report("http://server.example/fhir"), golden("request")
    assert report.exit_code == 2
    claim(request)["item"][0].pop("category")
    bundle_rules.judge_request(report, "approval", request)
    assert report.exit_code == 1
    lines = "\n".join(report.lines())
    assert "failed     bundle-profile" in lines
    assert "[spec-1, spec-19, spec-23]" in lines
    assert "approval: Bundle.entry[0].resource.item[0].category" in lines or "Bundle.entry[0].resource" in lines
    stated = report.as_json()
    (failed,) = [one for one in stated["rules"] if one["outcome"] == "failed"]
    assert failed["requirements"] == ["spec-1", "spec-19", "spec-23"]
    assert failed["findings"][0]["where"].startswith("Bundle.entry[0].resource")
    assert Report("").counts()["failed"] == 0
