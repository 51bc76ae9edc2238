"""Updates: everything that ever was is there, marked against the version before (spec-63 to spec-72)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from prior_auth.domain.coding import Coding
from prior_auth.errors import BadInput
from prior_auth.fhir import codes, json, pas_changes, pas_request, pas_update
from prior_auth.fhir.validate import validate

Json = dict[str, Any]
BASE = "https://oncology.example.org/fhir"


def claim(bundle: Json) -> Json:
    found: Json = bundle["entry"][0]["resource"]
    return found


def urls(bundle: Json) -> list[str]:
    return [entry["fullUrl"] for entry in bundle["entry"]]


def mark(entry: Json) -> str | None:
    return next((one["valueCode"] for one in entry.get("extension", []) if one["url"].endswith("infoChanged")), None)


def is_cancelled(entry: Json) -> bool:
    return any(one["valueBoolean"] for one in entry.get("modifierExtension", []))


def information(bundle: Json) -> dict[str, Json]:
    return {one["valueReference"]["reference"].removeprefix(f"{BASE}/"): one for one in claim(bundle)["supportingInfo"]}


def version(world: Any, number: int, **fields: Any) -> Any:
    stamp = replace(world.stamp, submission=f"case-1-v{number}", trace=f"case-1-{number}")
    return world.changed(stamp=stamp, **fields)


@pytest.fixture
def first(world: Any) -> Json:
    evidence = tuple(one for one in world.evidence if one not in ("Observation/ecog", "DocumentReference/report"))
    built: Json = world.changed(evidence=evidence).build().bundle
    return built


@pytest.mark.requirement("spec-65", "prof-4")
def test_spec_65_the_prior_claim_is_related_and_in_the_bundle(world: Any, first: Json) -> None:
    update = version(world, 2).build(prior=first).bundle
    (related,) = claim(update)["related"]

    assert claim(update)["meta"]["profile"][0].endswith("profile-claim-update")
    assert related["relationship"]["coding"][0]["code"] == "prior"
    assert related["claim"]["reference"] == first["entry"][0]["fullUrl"]
    assert urls(update).count(first["entry"][0]["fullUrl"]) == 1


@pytest.mark.requirement("spec-66")
def test_spec_66_the_prior_claims_own_prior_is_left_out(world: Any, first: Json) -> None:
    second = version(world, 2).build(prior=first).bundle
    third = version(world, 3).build(prior=second).bundle

    assert second["entry"][0]["fullUrl"] in urls(third)
    assert first["entry"][0]["fullUrl"] not in urls(third)
    assert pas_request.read(third).prior_claim == second["entry"][0]["fullUrl"]


@pytest.mark.requirement("spec-68", "prof-5", "prof-6")
def test_spec_68_sequences_are_kept_and_new_ones_follow(world: Any, first: Json) -> None:
    before, now = information(first), information(version(world, 2).build(prior=first).bundle)

    assert {name: one["sequence"] for name, one in now.items() if name in before} == {
        name: one["sequence"] for name, one in before.items()
    }
    assert min(now["Observation/ecog"]["sequence"], now["DocumentReference/report"]["sequence"]) > len(before)


@pytest.mark.requirement("spec-72", "prof-10")
def test_spec_72_what_is_new_is_marked_added_and_the_rest_is_unmarked(world: Any, first: Json) -> None:
    update = version(world, 2).build(prior=first).bundle

    marks = {name: mark(one) for name, one in information(update).items()}
    assert marks.pop("Observation/ecog") == "added"
    assert marks.pop("DocumentReference/report") == "added"
    assert set(marks.values()) == {None}
    assert [mark(one) for one in claim(update)["item"]] == [None]


@pytest.mark.requirement("spec-71", "prof-9")
def test_spec_71_marks_are_against_the_version_before_only(world: Any, first: Json) -> None:
    second = version(world, 2).build(prior=first).bundle
    third = version(world, 3).build(prior=second).bundle

    assert {mark(one) for one in information(third).values()} == {None}


@pytest.mark.requirement("spec-71", "prof-9")
def test_spec_71_evidence_that_changed_in_the_chart_is_marked_changed(world: Any, first: Json) -> None:
    world.resource("Observation/lvef")["valueQuantity"]["value"] = 55

    marks = {name: mark(one) for name, one in information(version(world, 2).build(prior=first).bundle).items()}

    assert marks["Observation/lvef"] == "changed"
    assert marks["Observation/her2"] is None


@pytest.mark.requirement("spec-69", "prof-8")
def test_spec_69_dropped_evidence_stays_and_is_cancelled_for_ever(world: Any, first: Json) -> None:
    evidence = tuple(one for one in world.evidence if one != "Observation/lvef")
    second = version(world, 2, evidence=evidence).build(prior=first).bundle
    third = version(world, 3, evidence=evidence).build(prior=second).bundle

    dropped, later = information(second)["Observation/lvef"], information(third)["Observation/lvef"]
    assert (is_cancelled(dropped), mark(dropped)) == (True, "changed")
    assert (is_cancelled(later), mark(later)) == (True, None)
    assert f"{BASE}/Observation/lvef" in urls(third)


def test_a_reader_does_not_use_what_was_dropped(world: Any, first: Json) -> None:
    evidence = tuple(one for one in world.evidence if one != "Observation/lvef")

    read = pas_request.read(version(world, 2, evidence=evidence).build(prior=first).bundle)

    assert "Observation/lvef" not in read.evidence
    assert "lvef" not in [one["id"] for one in read.resources]


@pytest.mark.requirement("spec-70", "prof-7")
def test_spec_70_a_dropped_item_is_cancelled_with_certification_type_3(world: Any) -> None:
    second_order = {**world.resource("MedicationRequest/order"), "id": "second"}
    both = (world.request.items[0], replace(world.request.items[0], order="MedicationRequest/second"))
    wider = world.changed(chart=[*world.chart, second_order], request=replace(world.request, items=both))

    update = version(world, 2).build(prior=wider.build().bundle).bundle

    kept, dropped = claim(update)["item"]
    types = [
        one["valueCodeableConcept"]["coding"][0]["code"]
        for one in dropped["extension"]
        if "certificationType" in one["url"]
    ]
    assert (kept["sequence"], dropped["sequence"]) == (1, 2)
    assert (is_cancelled(kept), mark(kept)) == (False, None)
    assert (is_cancelled(dropped), mark(dropped), types) == (True, "changed", ["3"])
    read = pas_request.read(update)
    assert [(one.sequence, one.cancelled) for one in read.items] == [(1, False), (2, True)]
    assert [one.order for one in read.request.items] == ["MedicationRequest/order"]


@pytest.mark.requirement("spec-67", "spec-14")
def test_spec_67_and_14_an_update_is_closed_and_holds_each_resource_once(world: Any, first: Json) -> None:
    evidence = ("Condition/cancer",)

    update = version(world, 2, evidence=evidence).build(prior=first).bundle

    assert len(set(urls(update))) == len(urls(update))
    assert pas_request.read(update).evidence == ("Condition/cancer",)


def test_an_items_trace_number_stays_that_of_the_first_request(world: Any, first: Json) -> None:
    read = pas_request.read(version(world, 2).build(prior=first).bundle)

    assert read.items[0].traces[0][1] == "case-1-1"
    assert read.claim_identifiers[0][1] == "case-1-2"


def test_an_update_of_something_else_is_refused(world: Any) -> None:
    with pytest.raises(BadInput, match="no request to update"):
        version(world, 2).build(prior={"resourceType": "Bundle", "entry": []})


def test_trap_10_a_dropped_number_is_never_used_again(world: Any, first: Json) -> None:
    other = replace(world.request.items[0], order="MedicationRequest/other")
    second_order = {**world.resource("MedicationRequest/order"), "id": "other"}
    both = version(world, 2, chart=[*world.chart, second_order])
    both = both.changed(request=replace(world.request, items=(*world.request.items, other)))
    with_both = both.build(prior=first).bundle
    without = version(world, 3).build(prior=with_both).bundle
    again = both.changed(stamp=version(world, 4).stamp).build(prior=without).bundle

    numbers = [(one.sequence, one.cancelled) for one in pas_request.read(again).items]
    assert numbers == [(1, False), (2, True), (3, False)]


def test_an_order_that_now_asks_for_something_else_is_dropped_and_added_anew(world: Any, first: Json) -> None:
    changed = replace(world.request.items[0], service=Coding(codes.HCPCS, "J9271"), codings=())
    update = version(world, 2, request=replace(world.request, items=(changed,))).build(prior=first).bundle

    read = pas_request.read(update)
    assert [(one.sequence, one.cancelled, one.item.service.code) for one in read.items] == [
        (1, True, "Q5117"),
        (2, False, "J9271"),
    ]


@pytest.mark.requirement("prof-7")
def test_prof_7_and_3_4_2_08_cancelling_all_keeps_every_entry_and_says_so_twice(world: Any, first: Json) -> None:
    update = json.read(json.write(pas_request.cancel(first, stamp=version(world, 2).stamp)))

    assert [one for one in validate(update) if one.severity == "error"] == []
    read = pas_request.read(update)
    assert read.cancelled
    assert [(one.sequence, one.cancelled, one.change) for one in read.items] == [(1, True, "changed")]
    assert read.request.items == ()
    before = pas_request.read(first)
    assert len(read.claim["supportingInfo"]) == len(before.claim["supportingInfo"])
    assert read.claim["status"] == "active"
    assert read.prior_claim == before.claim_url
    assert set(urls(first)) < set(urls(update))


def test_what_differs_is_found_by_comparison_whatever_the_marks_say(world: Any, first: Json) -> None:
    same = pas_request.read(version(world, 2).build(prior=first).bundle)
    fewer = replace(world.request.items[0], units=Decimal(21))
    less = pas_request.read(version(world, 2, request=replace(world.request, items=(fewer,))).build(prior=first).bundle)
    gone = pas_request.read(pas_request.cancel(first, stamp=version(world, 2).stamp))
    before = pas_request.read(first)

    assert pas_changes.between(before, same) == pas_changes.Changes(
        frozenset({1}), frozenset(), frozenset(), frozenset(), information_dropped=False
    )
    assert pas_changes.between(before, less).revised == {1}
    assert pas_changes.between(before, gone).cancelled == {1}
    assert pas_changes.between(gone, gone).unchanged == {1}
    short = pas_request.read(version(world, 2, evidence=("Condition/cancer",)).build(prior=first).bundle)
    assert pas_changes.between(before, short).information_dropped


def test_only_the_mark_that_its_guide_forbids_is_passed_over(world: Any, first: Json) -> None:
    update = version(world, 2, evidence=("Condition/cancer",)).build(prior=first).bundle
    found = [one.path for one in validate(update) if one.severity == "error"]
    assert found
    assert all(pas_update.is_demanded_mark(update, one) for one in found)
    place = "Bundle.entry[0].resource.supportingInfo[0].extension[0]"
    assert not pas_update.is_demanded_mark(update, place)
    assert not pas_update.is_demanded_mark(update, "Bundle.entry[0].resource.item[0].extension[0]")
