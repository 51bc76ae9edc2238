"""Items that are a part of others, what a diagnosis says beside itself, and orders of services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from prior_auth.errors import RuleError
from prior_auth.evidence.definitions import EvidenceDefinitions

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
ICD10, CPT = "http://hl7.org/fhir/sid/icd-10-cm", "http://www.ama-assn.org/go/cpt"
RXNORM, HGNC = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://www.genenames.org"
LATERALITY = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-laterality-qualifier"
ASSERTED = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"


def concept(system: str, *codes: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code} for code in codes]}


def condition(code: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Condition", "code": code, **more}


def given(code: str, name: str) -> dict[str, Any]:
    return {
        "resourceType": "MedicationAdministration",
        "status": "completed",
        "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": code, "display": name}]},
        "effectiveDateTime": "2026-02-16",
    }


def variant(gene: str, *components: tuple[str, Mapping[str, Any]]) -> dict[str, Any]:
    parts = [("48018-6", concept(HGNC, gene)), *components]
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(LOINC, "69548-6"),
        "effectiveDateTime": "2026-03-01",
        "valueCodeableConcept": concept(LOINC, "LA9633-4"),
        "component": [{"code": concept(LOINC, code), "valueCodeableConcept": value} for code, value in parts],
    }


EGFR = variant("HGNC:3236", ("48005-3", concept("http://varnomen.hgvs.org", "p.Leu858Arg")))
GERMLINE, SOMATIC = concept(LOINC, "LA6683-2"), concept(LOINC, "LA6684-0")
CARBOPLATIN, LETROZOLE = given("40048", "carboplatin"), given("72965", "letrozole")

PARTS = [
    ("dx.bone-metastasis", condition(concept(ICD10, "C79.51")), condition(concept(ICD10, "C78.7"))),
    ("dx.brain-metastasis", condition(concept(SNOMED, "94225005")), condition(concept(ICD10, "C79.51"))),
    ("metastatic", condition(concept(ICD10, "C78.7")), condition(concept(ICD10, "C77.3"))),
    ("prior.platinum", CARBOPLATIN, LETROZOLE),
    ("prior.any-chemo", CARBOPLATIN, LETROZOLE),
    ("prior.endocrine", LETROZOLE, CARBOPLATIN),
    ("prior.trastuzumab", given("1298944", "pertuzumab"), CARBOPLATIN),
    ("variant.EGFR.present", EGFR, variant("HGNC:6407")),
    ("variant.EGFR.pHGVS", EGFR, variant("HGNC:3236")),
    ("variant.ALK.present", variant("HGNC:427"), EGFR),
    ("variant.BRCA.germline", variant("HGNC:1100", ("48002-0", GERMLINE)), variant("HGNC:1100", ("48002-0", SOMATIC))),
]


@pytest.mark.parametrize(("item", "one", "other"), PARTS, ids=[item for item, *_ in PARTS])
def test_a_part_is_found_where_its_whole_is_of_its_kind(gathered: Any, item: str, one: Any, other: Any) -> None:
    evidence = gathered(one)

    (fact,) = evidence.facts_of(item)
    assert fact.view in {f"{each['resourceType']}/{each['id']}" for each in evidence.view}
    assert gathered(other).facts_of(item) == ()


@pytest.mark.parametrize(("item", "one", "other"), PARTS, ids=[item for item, *_ in PARTS])
def test_a_part_that_is_entered_in_error_is_not_there(gathered: Any, item: str, one: Any, other: Any) -> None:
    wrong: dict[str, Any] = {"status": "entered-in-error"}
    if one["resourceType"] == "Condition":
        system = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
        wrong = {"verificationStatus": concept(system, "entered-in-error")}

    assert gathered({**one, **wrong}).facts_of(item) == ()


def test_what_is_unread_of_the_whole_is_unread_of_its_parts(gathered: Any) -> None:
    evidence = gathered({**variant("HGNC:1100"), "status": "preliminary"})

    unread = {each.item for each in evidence.unread if each.pending}
    assert {"variant.present", "variant.BRCA.germline", "variant.EGFR.present"} <= unread


def test_a_silent_chart_says_what_was_read_for_a_part(gathered: Any) -> None:
    looked = gathered(variant("HGNC:427")).looked

    assert looked["variant.EGFR.present"].resources == {"Observation": 1}
    assert looked["prior.platinum"].resources == dict.fromkeys(looked["prior.therapy"].resources, 0)


def test_extent_is_told_by_what_speaks_for_it_and_against_it(gathered: Any) -> None:
    m0 = {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(SNOMED, "399387003"),
        "valueCodeableConcept": concept(SNOMED, "1229901006"),
        "effectiveDateTime": "2026-01-01",
    }

    facts = gathered(m0, condition(concept(ICD10, "C79.51"))).facts_of("metastatic")

    assert {fact.value for fact in facts} == {"M0", "bone"}


def test_a_part_of_an_item_that_nobody_knows_is_refused() -> None:
    file = {"item": "x", "id": "E0", "question": "What?", "who": "practice", "view": "part", "part": {"of": "y"}}

    with pytest.raises(RuleError):
        EvidenceDefinitions.parse({"rules/evidence/x.yaml": file})


# --- what a diagnosis says beside itself --------------------------------------------------------------------


def sided(code: str) -> dict[str, Any]:
    extension = {"url": LATERALITY, "valueCodeableConcept": concept(SNOMED, code)}
    return condition(concept(SNOMED, "254837009"), bodySite=[{"extension": [extension], "text": "breast"}])


SIDES = [
    (sided("7771000"), "left"),
    (sided("24028007"), "right"),
    (sided("51440002"), "bilateral"),
    (condition(concept(ICD10, "C50.412")), "left"),
    (condition(concept(ICD10, "C50.911")), "right"),
    (condition({"text": "Right breast cancer"}), "right"),
    (condition({"text": "Bilateral breast cancer"}), "bilateral"),
]


@pytest.mark.parametrize(("resource", "side"), SIDES)
def test_laterality_is_read_from_the_qualifier_the_code_and_the_words(gathered: Any, resource: Any, side: str) -> None:
    assert [fact.value for fact in gathered(resource).facts_of("laterality")] == [side]


@pytest.mark.parametrize(
    "resource", [condition(concept(ICD10, "C50.919")), condition(concept(ICD10, "Z85.3")), condition({"text": "Cough"})]
)
def test_a_side_that_is_not_said_is_none(gathered: Any, resource: Any) -> None:
    assert gathered(resource).facts_of("laterality") == ()


ONSETS = [
    ({"onsetDateTime": "2026-01-02", "recordedDate": "2026-02-01"}, "2026-01-02", "Condition.onsetDateTime"),
    ({"recordedDate": "2026-02-01"}, "2026-02-01", "Condition.recordedDate"),
    (
        {"recordedDate": "2026-02-01", "extension": [{"url": ASSERTED, "valueDateTime": "2026-01-20"}]},
        "2026-01-20",
        "Condition.extension[0].value",
    ),
]


@pytest.mark.parametrize(("dates", "day", "path"), ONSETS)
def test_the_day_of_diagnosis_is_the_onset_the_assertion_or_the_record(
    gathered: Any, dates: Mapping[str, Any], day: str, path: str
) -> None:
    (fact,) = gathered(condition(concept(ICD10, "C50.912"), **dates)).facts_of("dx.onset")

    assert (fact.value, fact.source.path) == (day, path)


@pytest.mark.parametrize("onset", [{"onsetString": "two years ago"}, {"onsetAge": {"value": 50, "unit": "a"}}])
def test_a_diagnosis_of_another_day_than_its_record_does_not_take_the_records_day(gathered: Any, onset: Any) -> None:
    dated = condition(concept(ICD10, "C50.912"), recordedDate="2026-02-01", **onset)

    assert gathered(dated).facts_of("dx.onset") == ()


def test_a_side_that_code_and_body_site_state_differently_is_a_conflict(gathered: Any) -> None:
    evidence = gathered(condition(concept(ICD10, "C50.411"), bodySite=[{"text": "left breast"}]))

    assert {fact.value for fact in evidence.facts_of("laterality")} == {"left", "right"}
    assert [each.item for each in evidence.conflicts] == ["laterality"]


def test_an_undated_diagnosis_has_no_day(gathered: Any) -> None:
    assert gathered(condition(concept(ICD10, "C50.912"))).facts_of("dx.onset") == ()


# --- orders of services --------------------------------------------------------------------------------------


def order(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": concept(CPT, "78815"),
        "authoredOn": "2026-06-20",
        **more,
    }


def test_an_open_order_of_a_service_is_asked_for_with_all_that_it_states(gathered: Any) -> None:
    stated = {
        "quantityQuantity": {"value": 1},
        "orderDetail": [{"text": "PS"}],
        "occurrenceDateTime": "2026-07-10",
        "reasonReference": [{"reference": "Condition/cancer"}],
    }

    evidence = gathered(order(**stated, id="pet"), {**condition(concept(ICD10, "C34.12")), "id": "cancer"})

    (fact,) = evidence.facts_of("request.procedure")
    assert (fact.value, fact.tier, fact.view) == ("78815", "code", "ServiceRequest/pet")
    (view,) = [each for each in evidence.view if each["resourceType"] == "ServiceRequest"]
    assert {key: view[key] for key in stated} == stated
    assert view["code"] == concept(CPT, "78815")


def test_an_order_in_words_is_of_tier_text(gathered: Any) -> None:
    (fact,) = gathered(order(code={"text": "PET/CT skull base to mid-thigh"})).facts_of("request.procedure")

    assert (fact.value, fact.tier) == ("PET/CT skull base to mid-thigh", "text")


@pytest.mark.parametrize(
    "more", [{"status": "completed"}, {"status": "revoked"}, {"status": "entered-in-error"}, {"doNotPerform": True}]
)
def test_an_order_that_is_carried_out_or_given_up_is_no_request(gathered: Any, more: Mapping[str, Any]) -> None:
    assert gathered(order(**more)).facts_of("request.procedure") == ()


def test_an_order_of_unknown_status_is_unread(gathered: Any) -> None:
    evidence = gathered(order(status="unknown"))

    assert evidence.facts_of("request.procedure") == ()
    assert [each.item for each in evidence.unread] == ["request.procedure"]
