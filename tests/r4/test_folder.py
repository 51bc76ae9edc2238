"""Packages of a folder stand beside the shipped ones. What is loaded stays loaded: the URLs are of these tests only."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from prior_auth import bootstrap
from prior_auth.cli import app
from prior_auth.errors import BadInput
from prior_auth.r4 import folder

OURS = "http://guides.example.org/StructureDefinition/named-patient"
KINDS = "http://guides.example.org/ValueSet/kinds"


def profile(version: str, **more: Any) -> dict[str, Any]:
    kind = {"strength": "required", "valueSet": KINDS}
    elements = [
        {"id": "Patient", "path": "Patient", "min": 0, "max": "*"},
        {"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1, "max": "1", "type": [{"code": "date"}]},
        {"id": "Patient.maritalStatus", "path": "Patient.maritalStatus", "min": 0, "max": "1",
         "type": [{"code": "CodeableConcept"}], "binding": kind},
    ]  # fmt: skip
    base = "http://hl7.org/fhir/StructureDefinition/Patient"
    return {
        "resourceType": "StructureDefinition", "url": OURS, "version": version, "type": "Patient", "kind": "resource",
        "derivation": "constraint", "baseDefinition": base, "snapshot": {"element": elements}, **more,
    }  # fmt: skip


def value_set() -> dict[str, Any]:
    """Of a code system that is shipped, whole."""
    include = [{"system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor"}]
    return {"resourceType": "ValueSet", "url": KINDS, "version": "1", "compose": {"include": include}}


def write(file: Path, *resources: dict[str, Any]) -> None:
    with tarfile.open(file, "w:gz") as archive:
        for number, one in enumerate(resources):
            data = json.dumps(one).encode()
            entry = tarfile.TarInfo(f"package/{number}.json")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def validated(patient: Path, *more: str) -> dict[str, str]:
    """Element path and rule of each error, as the command tells them."""
    answer = CliRunner().invoke(app, ["validate", str(patient), "--json", *more])
    assert answer.exit_code == 1, answer.output
    return {one["path"]: one["rule"] for one in json.loads(answer.output)["issues"] if one["severity"] == "error"}


def test_a_file_is_judged_by_a_profile_of_a_package_in_a_folder(tmp_path: Path) -> None:
    patient = tmp_path / "patient.json"
    married = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "none"}]}
    patient.write_text(json.dumps({"resourceType": "Patient", "active": True, "maritalStatus": married}))
    write(tmp_path / "org.example.guide-2.0.0.tgz", profile("2.0.0"), value_set())

    without = validated(patient, "--profile", OURS)
    with_it = validated(patient, "--profile", OURS, "--packages", str(tmp_path))

    assert without["Patient"] == "not-checked"
    assert "Patient" not in with_it
    assert with_it["Patient.birthDate"] == "cardinality"
    assert with_it["Patient.maritalStatus"] == "binding"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("org.example.guide-1.0.0.tgz", b"no archive", "not a FHIR package"),
        ("org.example.guide-1.0.0.tgz", [profile("1.0.0", snapshot={})], "without element"),
        ("guide.tgz", [profile("1.0.0")], "no version"),
    ],
)
def test_what_is_no_package_is_named(tmp_path: Path, name: str, content: Any, words: str) -> None:
    file = tmp_path / name
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        write(file, *content)
    with pytest.raises(BadInput, match=words) as caught:
        folder.load(tmp_path)
    assert caught.value.where == str(file)


def test_a_folder_without_packages_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no FHIR packages"):
        folder.load(tmp_path)


def test_the_services_load_the_folder_of_their_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRIOR_AUTH_PACKAGES", str(tmp_path))
    with pytest.raises(BadInput, match="no FHIR packages"):
        bootstrap._engine()
