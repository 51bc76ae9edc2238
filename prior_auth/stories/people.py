"""The people and organizations of a story: patient, oncologist, practice, payer, coverage. All invented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prior_auth.stories.chart import Chart
from prior_auth.stories.codes import MCODE, THO, US_CORE, Json, coding, concept
from prior_auth.stories.days import stated

NPI = "http://hl7.org/fhir/sid/us-npi"
PAYER = ("http://example.org/payer-id", "EXPAYER01")
PLAN_NAME = {"PLAN-GOLD": "Gold (commercial)", "MA-PPO": "Medicare Advantage PPO", "MCD-HMO": "Medicaid managed care"}


def npi(nine_digits: str) -> str:
    """A National Provider Identifier with its check digit: Luhn over the digits after the prefix 80840."""
    total = 0
    for place, digit in enumerate(reversed("80840" + nine_digits)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return f"{nine_digits}{-total % 10}"


def write_people(chart: Chart, patient: Mapping[str, Any], plan: str | None, year: int) -> None:
    """Everyone a request needs. `plan` None: a chart without Coverage. `year` is the year the plan runs in."""
    chart.add(_patient(chart, patient))
    chart.add(_practitioner(chart))
    chart.add(_role(chart))
    chart.add(_practice(chart))
    if plan is not None:
        chart.add(_payer(chart))
        chart.add(_coverage(chart, patient, plan, year))


def _patient(chart: Chart, told: Mapping[str, Any]) -> Json:
    return chart.new("Patient", "patient", f"{MCODE}mcode-cancer-patient", id=chart.name) | {
        "identifier": [
            {
                "type": concept(coding(f"{THO}v2-0203", "MR", "Medical record number")),
                "system": "http://example.org/mrn",
                "value": f"MRN-{told['member']}",
            }
        ],
        "active": True,
        "name": [{"use": "official", "family": told["family"], "given": [told["given"]]}],
        "telecom": [{"system": "phone", "value": "555-0100", "use": "home"}],
        "gender": told["sex"],
        "birthDate": stated(told["born"]),
        "address": [_address("12 Elm Street")],
        "generalPractitioner": [chart.oncologist],
    }


def _practitioner(chart: Chart) -> Json:
    id = f"{chart.name}-practitioner"
    return chart.new("Practitioner", "practitioner", f"{US_CORE}us-core-practitioner", id=id) | {
        "identifier": [{"system": NPI, "value": npi("123456789")}],
        "active": True,
        "name": [{"use": "official", "family": "Lindqvist", "given": ["Maya"], "prefix": ["Dr."]}],
        "telecom": [{"system": "phone", "value": "555-0110", "use": "work"}],
        "address": [_address("400 Clinic Way")],
    }


def _role(chart: Chart) -> Json:
    id = f"{chart.name}-oncologist"
    return chart.new("PractitionerRole", "oncologist", f"{US_CORE}us-core-practitionerrole", id=id) | {
        "active": True,
        "practitioner": {"reference": f"Practitioner/{chart.name}-practitioner"},
        "organization": {"reference": f"Organization/{chart.name}-practice"},
        "code": [concept(coding("http://nucc.org/provider-taxonomy", "207RX0202X", "Medical Oncology Physician"))],
        "specialty": [concept(coding("http://nucc.org/provider-taxonomy", "207RX0202X", "Medical Oncology Physician"))],
        "telecom": [{"system": "phone", "value": "555-0110", "use": "work"}],
    }


def _practice(chart: Chart) -> Json:
    id = f"{chart.name}-practice"
    return chart.new("Organization", "practice", f"{US_CORE}us-core-organization", id=id) | {
        "identifier": [{"system": NPI, "value": npi("198765432")}],
        "active": True,
        "type": [concept(coding(f"{THO}organization-type", "prov", "Healthcare Provider"))],
        "name": "Example Oncology Associates",
        "telecom": [{"system": "phone", "value": "555-0111"}],
        "address": [_address("400 Clinic Way")],
    }


def _payer(chart: Chart) -> Json:
    id = f"{chart.name}-payer"
    payer_id = concept(coding("http://hl7.org/fhir/us/carin-bb/CodeSystem/C4BBIdentifierType", "payerid", "Payer ID"))
    return chart.new("Organization", "payer", f"{US_CORE}us-core-organization", id=id) | {
        "identifier": [{"type": payer_id, "system": PAYER[0], "value": PAYER[1]}],
        "active": True,
        "type": [concept(coding(f"{THO}organization-type", "pay", "Payer"))],
        "name": "Example Health Plan",
        "telecom": [{"system": "phone", "value": "555-0120"}],
        "address": [_address("1 Payer Plaza")],
    }


def _coverage(chart: Chart, patient: Mapping[str, Any], plan: str, year: int) -> Json:
    id = f"{chart.name}-coverage"
    member = concept(coding(f"{THO}v2-0203", "MB", "Member Number"))
    return chart.new("Coverage", "coverage", f"{US_CORE}us-core-coverage", id=id) | {
        "identifier": [{"type": member, "system": "http://example.org/member-id", "value": patient["member"]}],
        "status": "active",
        "type": concept(coding(f"{THO}v3-ActCode", "HIP", "health insurance plan policy")),
        "subscriber": chart.patient,
        "subscriberId": patient["member"],
        "beneficiary": chart.patient,
        "relationship": concept(coding(f"{THO}subscriber-relationship", "self", "Self")),
        "period": {"start": f"{year}-01-01", "end": f"{year}-12-31"},
        "payor": [{"reference": f"Organization/{chart.name}-payer"}],
        "class": [
            _class("group", f"GROUP-{plan}", "Example employer or program"),
            _class("plan", plan, PLAN_NAME.get(plan, plan)),
        ],
    }


def _class(kind: str, value: str, name: str) -> Json:
    return {"type": concept(coding(f"{THO}coverage-class", kind)), "value": value, "name": name}


def _address(line: str) -> Json:
    return {"line": [line], "city": "Springfield", "state": "MA", "postalCode": "01101", "country": "US"}
