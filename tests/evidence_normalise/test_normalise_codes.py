"""Code systems by any address, and the codings and words of a value."""

import pytest

from prior_auth.evidence.normalise import NORMALISERS
from prior_auth.evidence.normalise.codes import codings, statements, system_of

SCT, ICD = "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10-cm"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"


@pytest.mark.parametrize(
    ("stated", "canonical"),
    [
        ("http://snomed.info/sct", SCT),
        ("https://snomed.info/sct/", SCT),
        ("http://snomed.info/sct/731000124108", SCT),
        ("urn:oid:2.16.840.1.113883.6.96", SCT),
        ("SNOMED CT", SCT),
        ("urn:oid:2.16.840.1.113883.6.90", ICD),
        ("ICD-10-CM", ICD),
        ("http://hl7.org/fhir/sid/icd-10", ICD),
        ("https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", HCPCS),
        ("https://bluebutton.cms.gov/resources/codesystem/hcpcs", HCPCS),
        ("http://www.genenames.org/geneId", "http://www.genenames.org"),
        ("http://www.sequenceontology.org/", "http://www.sequenceontology.org"),
        ("http://hospital.example.org/codes", "http://hospital.example.org/codes"),
        (None, ""),
        (7, ""),
        (" ", ""),
    ],
)
def test_a_code_system_has_one_address(stated, canonical):
    assert system_of(stated) == canonical


def test_a_loinc_answer_without_its_system_is_still_one():
    assert [each.system for each in codings({"coding": [{"code": "LA6576-8"}]})] == ["http://loinc.org"]
    assert [each.system for each in codings({"coding": [{"code": "254837009"}]})] == [""]


def test_words_of_a_concept_are_its_text_then_its_displays():
    concept = {
        "text": "Positive (3+)",
        "coding": [{"code": "x", "display": "Positive"}, {"code": "y", "display": "Positive"}],
    }
    assert statements(concept) == ("Positive (3+)", "Positive")
    assert statements({"coding": None}) == statements(" ") == statements(None) == ()


def test_a_diagnosis_is_read_whatever_its_system_is_called():
    for system in ("ICD-10-CM", "urn:oid:2.16.840.1.113883.6.90", ICD):
        assert NORMALISERS["diagnosis"]({}, {"coding": [{"system": system, "code": "C50.912"}]})[0].value == "breast"
