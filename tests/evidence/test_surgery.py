"""Side and purpose of a surgery, as codes and words tell them."""

from __future__ import annotations

from typing import Any

import pytest

from prior_auth.evidence.normalise import Unreadable
from prior_auth.evidence.surgery import is_of_something_benign, is_preventive, side_of_surgery


def surgery(name: str = "Mastectomy", *, note: str = "", places: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"resourceType": "Procedure", "code": {"text": name}, **more}
    if places:
        told["bodySite"] = [{"text": each} for each in places]
    return told | ({"note": [{"text": note}]} if note else {})


def pcs(code: str) -> dict[str, Any]:
    return surgery(code={"coding": [{"system": "http://www.cms.gov/Medicare/Coding/ICD10", "code": code}]})


@pytest.mark.parametrize(
    ("told", "side"),
    [
        (surgery(), None),
        (surgery("Mastectomy (right)"), "right"),
        (surgery("R breast lumpectomy"), "right"),
        (surgery("Lumpectomy of left breast (procedure)"), "left"),
        (surgery("Bilateral mastectomy"), "bilateral"),
        (surgery("Right and left mastectomy"), "bilateral"),
        (surgery(places=("Left breast", "Right breast")), "bilateral"),
        (surgery(places=("Lt breast",)), "left"),
        (surgery(note="Right-handed. Lumpectomy of the left breast."), "left"),
        (surgery(note="Lies on her right side."), None),
        (surgery("Left lumpectomy", note="Right breast normal in MRI."), "left"),
        (pcs("0HTT0ZZ"), "right"),
        (pcs("0HBU0ZZ"), "left"),
        (pcs("0HTV0ZZ"), "bilateral"),
        (pcs("0BTG0ZZ"), "left"),
    ],
)
def test_a_side_is_read_from_codes_names_places_and_notes(told: dict[str, Any], side: str | None) -> None:
    assert side_of_surgery(told) == side


@pytest.mark.parametrize(
    "told",
    [
        surgery("Left lumpectomy", places=("Right breast",)),
        surgery("Lumpectomy", places=("Right breast",), note="Left lumpectomy."),
        surgery("Left mastectomy and right lumpectomy"),
    ],
)
def test_sides_that_contradict_each_other_are_unread(told: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        side_of_surgery(told)


@pytest.mark.parametrize(
    ("told", "preventive"),
    [
        (surgery("Prophylactic mastectomy, right breast"), True),
        (surgery("Contralateral mastectomy"), True),
        (surgery(note="Risk-reducing simple mastectomy after counselling."), True),
        (surgery(reasonCode=[{"text": "Prophylaxis"}]), True),
        (surgery(reasonCode=[{"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "Z40.01"}]}]), True),
        (surgery(note="Lumpectomy under prophylactic antibiotics."), False),
        (surgery("Left mastectomy", note="DVT prophylaxis given."), False),
    ],
)
def test_a_surgery_to_prevent_a_cancer_is_told_from_one_that_removes_it(told: dict[str, Any], preventive: bool) -> None:
    assert is_preventive(told) is preventive


def test_the_side_of_the_reason_counts_where_nothing_else_tells_one() -> None:
    right = [{"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "C50.411"}]}]
    assert side_of_surgery(surgery("Lumpectomy", reasonCode=right)) == "right"
    assert side_of_surgery(surgery("Left lumpectomy", reasonCode=right)) == "left"


def test_a_benign_reason_is_no_cancer() -> None:
    icd = "http://hl7.org/fhir/sid/icd-10-cm"
    assert is_of_something_benign(surgery(reasonCode=[{"coding": [{"system": icd, "code": "D24.2"}]}]))
    assert not is_of_something_benign(surgery(reasonCode=[{"coding": [{"system": icd, "code": "C50.912"}]}]))
    assert not is_of_something_benign(surgery())
    assert is_of_something_benign(surgery("Lumpectomy for fibroadenoma"))
    assert is_of_something_benign(surgery(reasonCode=[{"text": "Gynecomastia"}]))
