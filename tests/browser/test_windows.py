"""What people do at the three windows, in a real browser."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from prior_auth.fhir import json

ACCESS = Path(__file__).with_name("access.js").read_text()
TODAY = datetime.now(UTC).date().isoformat()


def said(page: Any) -> str:
    """The words of the page, as they are read."""
    return re.sub(r"\s+", " ", page.locator("main").inner_text())


def open_request(page: Any, practice: str, chart: bytes) -> None:
    """Start from a chart file, as a coordinator does."""
    page.goto(practice)
    page.get_by_role("link", name="New request").click()
    file = {"name": "chart.json", "mimeType": "application/json", "buffer": chart}
    page.get_by_label("Chart file").set_input_files(file)
    page.get_by_role("button", name="Open the request").click()


def add_value(page: Any, what: str, value: str) -> None:
    form = page.get_by_role("form", name="A value")
    form.get_by_label("What").select_option(label=what)
    form.get_by_label("Value, as the report states it").fill(value)
    form.get_by_label("Date of the result").fill(TODAY)
    form.get_by_role("button", name="Add the value").click()


def row_of(page: Any, criterion: str) -> Any:
    return page.get_by_role("row").filter(has_text=criterion)


def choose(page: Any, action: str, **fields: str) -> None:
    page.get_by_label(action, exact=True).check()
    for label, value in fields.items():
        field = page.get_by_label(re.compile(f"^{label}", re.IGNORECASE))
        if field.evaluate("one => one.tagName") == "SELECT":
            field.select_option(value)
        else:
            field.fill(value)
    page.get_by_role("button", name="Record the decision").click()


def test_a_complete_request_is_certified_and_its_number_is_shown(person: Any, urls: Any, companies: Any) -> None:
    open_request(person, urls.practice, companies.chart("breast-her2-adjuvant"))
    words = said(person)
    assert "Approved" in words
    assert re.search(r"AUTH-[0-9A-F]{8}-1", words)
    assert re.search(r"Valid \d{4}-\d\d-\d\d to \d{4}-\d\d-\d\d", words)
    person.get_by_role("link", name="Worklist").first.click()
    assert "trastuzumab" in said(person)


def test_what_is_missing_is_named_added_and_then_certified(person: Any, urls: Any, companies: Any) -> None:
    open_request(person, urls.practice, companies.chart("nsclc-first-line-gap"))
    next_step = person.get_by_role("region", name="Next step")
    assert "PD-L1 tumor proportion score" in next_step.inner_text()
    assert "ECOG performance status" in next_step.inner_text()
    assert "✓ met" in row_of(person, "R11.C1").inner_text()
    assert "Histology" in row_of(person, "R11.C1").inner_text()
    stale = row_of(person, "R11.C6").inner_text()
    assert "? missing" in stale
    assert "Not older than 60 days." in stale
    assert "Nothing yet." in said(person)  # nothing has been sent
    add_value(person, "PD-L1 tumor proportion score", "60 %")
    assert "✓ met" in row_of(person, "R11.C3").inner_text()
    add_value(person, "ECOG performance status", "1")
    words = said(person)
    assert "Approved" in words
    assert "Value added by Pat Coordinator" in words


def test_the_payer_asks_the_practice_attaches_and_it_is_certified(person: Any, urls: Any, companies: Any) -> None:
    open_request(person, urls.practice, companies.chart("breast-her2-gap"))
    person.get_by_role("button", name="Send with the gaps").click()
    next_step = person.get_by_role("region", name="Next step").inner_text()
    assert "The payer asks for:" in next_step
    assert "ejection fraction" in next_step
    add_value(person, "Left ventricular ejection fraction", "60 %")
    words = said(person)
    assert "Approved" in words
    assert "Information sent" in words
    person.goto(urls.payer)
    person.get_by_role("table").get_by_role("link").first.click()
    assert "Information received" in said(person)
    assert "version 2" in said(person)


def test_a_document_is_attached_as_it_is(person: Any, urls: Any, companies: Any) -> None:
    open_request(person, urls.practice, companies.chart("breast-her2-gap"))
    form = person.get_by_role("form", name="A document")
    form.get_by_label("Kind").select_option(label="Imaging report")
    content = {"name": "echo.txt", "mimeType": "text/plain", "buffer": b"Echocardiogram: preserved function."}
    form.get_by_label("File").set_input_files(content)
    form.get_by_label("Date of the document").fill(TODAY)
    form.get_by_role("button", name="Attach the document").click()
    assert "Document attached by Pat Coordinator code 18748-4" in said(person)
    assert "Needs evidence" in said(person)  # no text of a document makes a value by itself


def test_a_named_clinician_denies_with_reason_and_the_practice_reads_why(
    person: Any, urls: Any, companies: Any
) -> None:
    open_request(person, urls.practice, companies.chart("breast-brca-vus"))
    case = person.url
    person.get_by_role("button", name="Release and send").click()
    person.goto(urls.payer)
    assert "A clinician must decide" in said(person)
    assert "olaparib" in said(person)
    person.get_by_role("table").get_by_role("link").first.click()
    desk = person.url
    assert "✗ not met" in row_of(person, "R14.C3").inner_text()
    assert "uncertain" in row_of(person, "R14.C3").inner_text()

    choose(person, "Deny", Criterion="R14.C3")
    assert "A denial or reduction needs a coded reason and a narrative" in said(person)
    person.get_by_role("link", name="Back to the request").click()
    assert person.url == desk
    choose(person, "Deny", Criterion="R14.C3", Reason="BIOMARKER_CONTRADICTS")
    assert "needs a coded reason and a narrative" in said(person)

    person.goto(desk)
    why = "The variant is of uncertain significance."
    choose(person, "Deny", Criterion="R14.C3", Reason="BIOMARKER_CONTRADICTS", Narrative=why)
    assert "Denied item 1, by Dr. Morgan Reviewer (NPI 1245319599)" in said(person)
    person.goto(case)
    answer = person.get_by_role("region", name="The payer's answer").inner_text()
    assert "Denied" in answer
    assert why in answer
    assert "R14.C3" in answer
    assert "BIOMARKER_CONTRADICTS" in answer
    assert "NPI 1245319599" in answer


def test_a_denial_without_a_licence_is_refused_and_says_so(person: Any, urls: Any, companies: Any) -> None:
    open_request(person, urls.practice, companies.chart("breast-brca-vus"))
    person.get_by_role("button", name="Release and send").click()
    person.goto(urls.nurse)
    assert "Working as Sam Intake, staff" in person.locator("header").inner_text()
    person.get_by_role("table").get_by_role("link").first.click()
    assert "A denial or a reduction needs a clinician with a licence" in said(person)
    desk = person.url
    choose(person, "Deny", Criterion="R14.C3", Reason="BIOMARKER_CONTRADICTS", Narrative="No.")
    assert "Only a named clinician with a licence may deny or reduce" in said(person)
    assert "Nothing was changed" in said(person)
    person.goto(desk)
    assert "Pended" in said(person)


def test_a_clinician_asks_for_information_and_the_practice_is_told(person: Any, urls: Any, companies: Any) -> None:
    open_request(person, urls.practice, companies.chart("breast-brca-vus"))
    case = person.url
    person.get_by_role("button", name="Release and send").click()
    person.goto(urls.payer)
    assert "Working as Dr. Morgan Reviewer, clinician, NPI 1245319599" in person.locator("header").inner_text()
    person.get_by_role("table").get_by_role("link").first.click()
    choose(person, "Pend and ask for information")
    assert "Nothing is asked for" in said(person)
    person.get_by_role("link", name="Back to the request").click()
    wanted = "Send the reclassified report of the BRCA2 variant."
    choose(person, "Pend and ask for information", Ask="51969-4", Narrative=wanted)
    person.goto(case)
    assert "Pended - you owe" in said(person)
    assert wanted in person.get_by_role("region", name="Next step").inner_text()


def test_operators_see_states_and_waits_and_no_patient(person: Any, urls: Any, companies: Any) -> None:
    charts = [companies.chart(story) for story in ("breast-her2-adjuvant", "breast-her2-gap", "breast-brca-vus")]
    for chart in charts:
        open_request(person, urls.practice, chart)
    person.get_by_role("button", name="Release and send").click()
    patients = [_patient(chart) for chart in charts]
    for window in (urls.practice, urls.payer):
        person.goto(f"{window}/operations")
        words = person.content()
        for patient in patients:
            for secret in patient:
                assert secret not in words
    assert "certified" in said(person)
    assert "A clinician of the payer" in said(person)
    assert "UTC" in said(person)
    person.goto(f"{urls.practice}/operations")
    assert "The practice: evidence" in said(person)
    assert "The payer" in said(person)
    person.get_by_role("table").get_by_role("link").first.click()
    assert "/cases/" in person.url


def _patient(chart: bytes) -> list[str]:
    """What names a patient."""
    patient = next(one["resource"] for one in json.read(chart)["entry"] if one["resource"]["resourceType"] == "Patient")
    name = patient["name"][0]
    return [name["family"], *name["given"], patient["birthDate"], patient["identifier"][0]["value"]]


def _two_patients(chart: bytes) -> bytes:
    bundle = json.read(chart)
    bundle["entry"].append({"resource": {"resourceType": "Patient", "id": "another"}})
    return json.write(bundle)


def _no_order(chart: bytes) -> bytes:
    bundle = json.read(chart)
    bundle["entry"] = [one for one in bundle["entry"] if "Request" not in one["resource"]["resourceType"]]
    return json.write(bundle)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda _: b'{"resourceType": "Bundle",\n "entry": [}', "line 2, column"),
        (_two_patients, "patient"),
        (_no_order, "order"),
    ],
    ids=["broken-file", "two-patients", "no-order"],
)
def test_a_chart_that_cannot_be_judged_is_explained_and_opens_nothing(
    person: Any, urls: Any, companies: Any, spoil: Any, words: str
) -> None:
    open_request(person, urls.practice, spoil(companies.chart("breast-her2-adjuvant")))
    alert = person.get_by_role("alert").inner_text()
    assert words in alert
    assert "What to do" in alert
    assert "Nothing was changed" in alert
    person.goto(urls.practice)
    assert "No request yet" in said(person)


def test_what_keeps_a_request_from_being_sent_is_said_on_its_page(person: Any, urls: Any, companies: Any) -> None:
    bundle = json.read(companies.chart("breast-her2-adjuvant"))
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] == "Coverage":
            entry["resource"].pop("subscriberId", None)
            entry["resource"].pop("identifier", None)
    open_request(person, urls.practice, json.write(bundle))
    next_step = person.get_by_role("region", name="Next step").inner_text()
    assert "Needs a person" in said(person)
    assert "It cannot be sent yet:" in next_step
    assert "Coverage" in next_step
    assert "Nothing yet." in said(person)


def test_a_value_of_tomorrows_tomorrow_is_refused(person: Any, urls: Any, companies: Any) -> None:
    open_request(person, urls.practice, companies.chart("breast-her2-gap"))
    form = person.get_by_role("form", name="A value")
    form.get_by_label("Value, as the report states it").fill("60 %")
    form.get_by_label("Date of the result").fill("2999-01-01")
    form.get_by_role("button", name="Add the value").click()
    assert "A date in the future" in said(person)
    person.get_by_role("link", name="Back to the request").click()
    assert "Value added" not in said(person)


def test_every_page_can_be_used_by_everyone_and_fits_a_phone(person: Any, urls: Any, companies: Any) -> None:
    for story in ("breast-her2-gap", "breast-her2-adjuvant", "breast-brca-vus"):
        open_request(person, urls.practice, companies.chart(story))
    person.get_by_role("button", name="Release and send").click()
    message = person.get_by_role("region", name="Messages").last.get_by_role("link").first.get_attribute("href")
    pages = [f"{urls.practice}{message}"]
    for window in (urls.practice, urls.payer):
        person.goto(window)
        pages += [f"{window}{one.get_attribute('href')}" for one in person.locator("table a").all()]
        pages += [window, f"{window}/operations", f"{window}/nowhere"]
    pages += [f"{urls.practice}/requests/new"]
    assert len(pages) >= 12
    for page in pages:
        for width in (1280, 390):
            person.set_viewport_size({"width": width, "height": 900})
            person.goto(page)
            assert person.evaluate(ACCESS) == [], page
            assert person.evaluate("document.documentElement.scrollWidth") <= width, page
            words = said(person)
            for repr_of in ("datetime.", "Decimal(", "None", "{'", "True", "Period("):
                assert repr_of not in words, (page, repr_of)


def test_a_keyboard_reaches_the_content_first_and_sees_where_it_is(person: Any, urls: Any) -> None:
    person.goto(urls.practice)
    person.keyboard.press("Tab")
    assert person.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert person.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    assert person.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    person.keyboard.press("Enter")
    assert person.evaluate("document.activeElement.id") == "main"
    person.keyboard.press("Tab")
    assert person.evaluate("document.querySelector('main').contains(document.activeElement)")


def test_nothing_comes_from_elsewhere_and_nothing_runs_inline(person: Any, urls: Any, companies: Any) -> None:
    asked: list[str] = []
    person.on("request", lambda one: asked.append(one.url))
    open_request(person, urls.practice, companies.chart("breast-her2-gap"))
    assert asked
    assert all(one.startswith(urls.practice) for one in asked)
    policy = person.goto(urls.practice).headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert person.evaluate("document.querySelectorAll('[style], [onclick], script:not([src]), style').length") == 0


def test_the_worklist_renews_itself_while_nobody_works_in_it(person: Any, urls: Any, companies: Any) -> None:
    person.clock.install()
    person.goto(urls.practice)
    assert "No request yet" in said(person)
    other = person.context.new_page()
    open_request(other, urls.practice, companies.chart("breast-her2-gap"))
    other.close()
    person.clock.fast_forward(16_000)
    person.get_by_text("Needs evidence").first.wait_for()
    assert "trastuzumab" in said(person)
