"""PAS 2.0.1: every golden Bundle of 2.2.1 in the older shape, sound R4, and read as the same request or decision.

The official validator judges all of them with the package of 2.0.1 in `make proof ARGS=pas_201`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prior_auth.fhir import json, pas_201, pas_determination, pas_inquiry, pas_request
from prior_auth.fhir.validate import check_structure

FOLDER = Path(__file__).parents[1] / "golden" / "pas"
REQUESTS = sorted(one.stem for one in FOLDER.glob("request*.json"))
UPDATES = sorted(one.stem for one in FOLDER.glob("update*.json"))
RESPONSES = sorted(one.stem for one in FOLDER.glob("response*.json"))
ABSENT = (
    "TransmissionIdentifiers",
    "documentInformation",
    "claimResponseReviewer",
    "addItem",
    "us/core/StructureDefinition",
)


def golden(name: str) -> dict[str, Any]:
    return json.read((FOLDER / f"{name}.json").read_bytes())


def older(name: str) -> dict[str, Any]:
    return pas_201.shaped(golden(name))


@pytest.mark.parametrize("name", [*REQUESTS, *UPDATES, *RESPONSES])
def test_the_older_shape_is_sound_holds_nothing_newer_and_is_its_own_shape(name: str) -> None:
    shaped = older(name)
    assert check_structure(shaped) == []
    written = json.write(shaped).decode()
    assert [one for one in ABSENT if one in written] == []
    assert pas_201.shaped(shaped) == shaped


@pytest.mark.parametrize("name", [*REQUESTS, *UPDATES])
def test_a_request_in_the_older_shape_is_read_as_the_same_request(name: str) -> None:
    before, after = pas_request.read(golden(name)), pas_request.read(older(name))
    assert after.request == before.request
    assert after.items == before.items
    assert after.evidence == before.evidence
    assert after.prior_claim_identifiers == before.prior_claim_identifiers
    assert set(after.senders) <= set(before.senders)  # the sender's own codes have no place there
    assert after.senders


@pytest.mark.parametrize("name", UPDATES)
def test_an_update_holds_one_claim_and_names_the_one_before_by_its_identifier(name: str) -> None:
    entries = older(name)["entry"]
    assert [one["resource"]["resourceType"] for one in entries].count("Claim") == 1
    related = entries[0]["resource"]["related"][0]["claim"]
    assert "reference" not in related
    assert related["identifier"]["value"]


@pytest.mark.parametrize("name", RESPONSES)
def test_an_answer_in_the_older_shape_is_read_as_the_same_decision(name: str) -> None:
    before, after = pas_determination.read(golden(name)), pas_determination.read(older(name))
    asked = {one["itemSequence"] for one in older(name)["entry"][0]["resource"].get("item", [])}
    assert after.overall == before.overall
    assert after.requested == before.requested
    for one, other in zip(after.items, before.items, strict=True):
        grant = other.grant and replace(other.grant, period=other.period)
        assert one == replace(other, grant=grant)
    assert len(after.items) == len(asked)


def test_an_inquiry_is_answered_by_one_bundle_that_is_read_as_all_its_answers() -> None:
    parameters = golden("inquiry-answer-several")
    bundle = pas_201.inquiry_answer(parameters, at="2026-06-01T10:05:00+00:00")
    assert check_structure(bundle) == []
    kinds = [one["resource"]["resourceType"] for one in bundle["entry"]]
    assert kinds[:2] == ["ClaimResponse", "ClaimResponse"]
    assert len({one["fullUrl"] for one in bundle["entry"]}) == len(bundle["entry"])
    before = sorted(one.identifiers for _, one in pas_inquiry.read_answer(parameters))
    assert sorted(one.identifiers for _, one in pas_inquiry.read_answer(bundle)) == before


def test_an_inquiry_without_a_match_is_a_bundle_that_says_so_and_is_read_as_none() -> None:
    bundle = pas_201.inquiry_answer(golden("inquiry-answer-none"), at="2026-06-01T10:05:00+00:00")
    assert bundle["entry"][0]["resource"]["resourceType"] == "OperationOutcome"
    assert pas_inquiry.read_answer(bundle) == []
