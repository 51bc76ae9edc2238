"""What real exports do, item by item: other code systems, words only, several cancers, repetitions, broken links."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Any

import pytest

from prior_auth.fhir.mcode import view_bundle
from prior_auth.fhir.validate import validate

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
ICD10, RXNORM = "http://hl7.org/fhir/sid/icd-10-cm", "http://www.nlm.nih.gov/research/umls/rxnorm"
NEGATIVE, POSITIVE = "260385009", "10828004"


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def condition(code: Any, **more: Any) -> dict[str, Any]:
    about = {"text": code} if isinstance(code, str) else code
    return {"resourceType": "Condition", "code": about, "recordedDate": "2026-01-10", **more}


def observation(code: Any, value: Any, **more: Any) -> dict[str, Any]:
    about = {"text": code} if isinstance(code, str) else code
    typed = {"valueString": value} if isinstance(value, str) else {"valueCodeableConcept": value}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": about,
        "effectiveDateTime": "2026-05-20",
        **typed,
        **more,
    }


def her2(value: str, **more: Any) -> dict[str, Any]:
    return observation(concept(LOINC, "85319-2"), concept(SNOMED, value), **more)


WORDS_ONLY = [
    condition("Malignant neoplasm of left breast"),
    observation("ER", "Positive, 95%"),
    observation("HER2 (IHC)", "1+"),
    observation("PD-L1 22C3", "CPS 15"),
    observation("ANC", "3900 /uL"),
    observation("Smoking status", "Never smoker"),
    {"resourceType": "MedicationStatement", "status": "completed", "medicationCodeableConcept": {"text": "Taxol"}},
    {"resourceType": "Procedure", "status": "completed", "code": {"text": "Lumpectomy, left"}},
]


def test_a_chart_of_words_answers_and_every_fact_says_that_it_is_of_words(gathered: Any) -> None:
    evidence = gathered(*WORDS_ONLY)

    of_words = {fact.item for fact in evidence.facts if fact.tier == "text"}
    assert of_words >= {
        "dx.breast", "laterality", "er.status", "her2.ihc", "pdl1.cps", "lab.anc", "smoking", "prior.therapy",
        "prior.any-chemo", "surgery",
    }  # fmt: skip
    assert {fact.item for fact in evidence.facts if fact.tier in ("code", "profile")} <= {
        "patient.birthDate", "patient.sex",
    }  # fmt: skip
    found = validate(view_bundle(evidence, date(2026, 6, 30)))
    assert [each for each in found if each.severity == "error"] == []


def test_icd_10_cm_alone_tells_site_side_and_spread_and_no_histology(gathered: Any) -> None:
    evidence = gathered(
        *(condition(concept(ICD10, code)) for code in ("C34.12", "C79.51", "C79.31", "M06.9", "Z80.3", "D70.1"))
    )

    items = {fact.item for fact in evidence.facts if not fact.item.startswith("patient.")}
    assert items == {
        "dx.primary", "dx.onset", "laterality", "dx.secondary", "dx.bone-metastasis", "dx.brain-metastasis",
        "metastatic", "autoimmune", "comorbidity.present", "family-history", "neutropenia",
    }  # fmt: skip
    assert evidence.facts_of("dx.nsclc", "histology") == ()  # C34 does not tell non-small cell from small cell


def test_a_result_of_one_of_two_cancers_is_bound_to_that_one(gathered: Any) -> None:
    left, right = (condition(concept(ICD10, code), id=code) for code in ("C50.412", "C50.411"))

    evidence = gathered(
        left,
        right,
        her2(POSITIVE, focus=[{"reference": "Condition/C50.411"}]),
        her2(NEGATIVE, focus=[{"reference": "Condition/C50.412"}]),
    )

    focused = {
        one["valueCodeableConcept"]["coding"][0]["code"]: one["focus"][0]["reference"]
        for one in evidence.view
        if one["resourceType"] == "Observation"
    }
    assert focused == {POSITIVE: "Condition/C50.411", NEGATIVE: "Condition/C50.412"}
    assert evidence.conflicts == ()
    assert {fact.value for fact in evidence.facts_of("laterality")} == {"left", "right"}


def test_the_same_result_from_two_interfaces_is_one_fact_and_one_that_differs_is_a_conflict(gathered: Any) -> None:
    evidence = gathered(her2(POSITIVE), her2(POSITIVE))
    contradicted = gathered(her2(POSITIVE), her2(NEGATIVE))

    assert len(evidence.facts_of("her2.ihc")) == 1
    assert [each.item for each in contradicted.conflicts] == ["her2.ihc"]


DANGLING = {"reference": "Condition/not-here"}


@pytest.mark.parametrize(
    ("item", "resource"),
    [
        ("her2.ihc", her2(POSITIVE, focus=[DANGLING], specimen={"reference": "Specimen/not-here"})),
        ("request.procedure", {"resourceType": "ServiceRequest", "status": "active", "intent": "order",
                               "code": {"text": "PET/CT"}, "reasonReference": [DANGLING]}),
        ("prior.therapy", {"resourceType": "MedicationAdministration", "status": "completed",
                           "medicationReference": {"reference": "Medication/not-here", "display": "carboplatin"},
                           "reasonReference": [DANGLING]}),
        ("surgery", {"resourceType": "Procedure", "status": "completed", "code": {"text": "Mastectomy"},
                     "reasonReference": [DANGLING]}),
    ],
)  # fmt: skip
def test_a_reference_that_leads_nowhere_is_kept_as_said_and_breaks_nothing(
    gathered: Any, item: str, resource: Any
) -> None:
    evidence = gathered(resource, condition(concept(ICD10, "C50.412"), id="here"))

    (fact,) = evidence.facts_of(item)
    (view,) = [each for each in evidence.view if f"{each['resourceType']}/{each['id']}" == fact.view]
    about = view.get("focus") or view.get("reasonReference")
    assert about == [DANGLING]


def test_a_variant_of_another_gene_or_of_the_germline_is_not_the_one_asked_for(gathered: Any) -> None:
    def variant(gene: str, source: str) -> dict[str, Any]:
        parts = [("48018-6", concept("http://www.genenames.org", gene)), ("48002-0", concept(LOINC, source))]
        components = [{"code": concept(LOINC, code), "valueCodeableConcept": value} for code, value in parts]
        return observation(concept(LOINC, "69548-6"), concept(LOINC, "LA9633-4"), component=components)

    kras, brca = variant("HGNC:6407", "LA6684-0"), variant("HGNC:1100", "LA6684-0")

    evidence = gathered(kras, brca)

    assert len(evidence.facts_of("variant.present")) == 2
    assert evidence.facts_of("variant.EGFR.present", "variant.ALK.present", "variant.BRCA.germline") == ()


def test_a_chart_that_says_nothing_says_no_to_nothing(gathered: Any, definitions: Any) -> None:
    evidence = gathered()

    answered = {fact.item for fact in evidence.facts}
    assert answered == {"patient.birthDate", "patient.sex"}
    assert set(evidence.looked) == {each.item for each in definitions} - answered
    assert evidence.unread == ()


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_a_charts_resources_changes_nothing_that_is_found(gathered: Any, seed: int) -> None:
    chart = [
        {**each, "id": f"given-{number}"}
        for number, each in enumerate(
            [
                *WORDS_ONLY,
                her2(POSITIVE),
                her2(NEGATIVE),
                condition(concept(ICD10, "C50.411")),
                condition(concept(ICD10, "C79.51")),
                observation("Hgb", "9.2 g/dL"),
                observation("Heart V25 (3D plan)", "12 cc"),
            ]
        )
    ]
    shuffled = Random(seed).sample(chart, len(chart))

    one, other = gathered(*chart), gathered(*shuffled)

    assert _told(one) == _told(other)


def _told(evidence: Any) -> tuple[set[Any], ...]:
    facts = {(each.item, repr(each.value), each.date, each.tier, each.source.reference) for each in evidence.facts}
    conflicts = {(each.item, frozenset(fact.source.reference for fact in each.facts)) for each in evidence.conflicts}
    return facts, conflicts, set(evidence.unread)
