"""The guides' own examples: none wrongly refused, and the defects that they have are named here."""

import tarfile

import pytest

from prior_auth.fhir import json
from prior_auth.fhir.validate import validate

# By package: how many examples, and which are faulty with what. Of other versions than those shipped: SDC 4 asks
# sdc-2 of Questionnaires that US Core made for SDC 3; CDex means PAS 2.1's extension-paLineNumber.
EXPECTED = {
    "hl7.fhir.us.davinci-pas-2.2.1": (47, {}),
    "hl7.fhir.us.core-7.0.0": (
        214,
        {
            f"Questionnaire-{name}.json": {"invariant:sdc-2"}
            for name in ("AUDIT-C", "TAPS", "exercise-vital-sign", "hunger-vital-sign-example", "phq-9-example")
        }
        | {"Questionnaire-prapare-example.json": {"invariant:sdc-2"}},
    ),
    "hl7.fhir.us.core-6.1.0": (
        183,
        {
            "Questionnaire-prapare-example.json": {"invariant:sdc-2"},
            "Questionnaire-hunger-vital-sign-example.json": {"invariant:sdc-2"},
            "Questionnaire-phq-9-example.json": {"invariant:sdc-2"},
            "Bundle-docref-example-2.json": {"bundle"},  # a fullUrl that ends in another id
            "Bundle-66c8856b-ba11-4876-8aa8-467aad8c11a2.json": {"bundle"},
        },
    ),
    "hl7.fhir.us.davinci-crd-2.2.1": (18, {}),
    "hl7.fhir.us.davinci-dtr-2.2.0": (22, {}),
    "hl7.fhir.us.davinci-hrex-1.2.0": (19, {}),
    "hl7.fhir.uv.subscriptions-backport.r4-1.1.0": (12, {}),
}


@pytest.mark.parametrize("package", EXPECTED)
def test_official_examples_are_refused_only_for_their_own_defects(packages, package):
    count, expected = EXPECTED[package]
    judged, faulty = 0, {}
    with tarfile.open(packages / f"{package}.tgz") as archive:
        for member in archive:
            if "/example/" not in member.name or "/." in member.name or not member.name.endswith(".json"):
                continue
            resource = json.read(archive.extractfile(member).read())
            if "resourceType" not in resource:
                continue
            judged += 1
            issues = validate(resource)
            assert not any(one.rule.startswith("engine") for one in issues)
            if errors := {one.rule for one in issues if one.severity == "error"}:
                faulty[member.name.rsplit("/", 1)[-1]] = errors
    assert judged == count
    assert faulty == expected


def test_public_oncology_patients_are_refused_only_for_their_own_defects(packages):
    folder = packages.parent / "oncology" / "patients"
    faulty, judged = {}, 0
    for file in sorted(folder.glob("*.json")):
        issues = validate(json.read(file.read_bytes()))
        judged += 1
        assert not any(one.rule.startswith("engine") for one in issues)
        if errors := [(one.rule, one.path) for one in issues if one.severity == "error"]:
            faulty[file.name] = errors
    assert judged >= 20
    # `not-applicable` of data-absent-reason, which the M category's maximum value set does not have.
    assert faulty == {"mcode-stu4-jenny-m-breast-full.json": [("binding", "Bundle.entry[32].resource.value")]}
