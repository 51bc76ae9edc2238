"""Every evidence item through FHIR resources: found by code and by text, and not found where it must not be."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
CPT = "http://www.ama-assn.org/go/cpt"
HGNC = "http://www.genenames.org"
MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition/"

POSITIVE = {"coding": [{"system": SNOMED, "code": "10828004"}]}
NEGATIVE = {"coding": [{"system": SNOMED, "code": "260385009"}]}


def concept(system: str, *codes: str, text: str | None = None) -> dict[str, Any]:
    coded = {"coding": [{"system": system, "code": code} for code in codes]} if codes else {}
    return {**coded, **({"text": text} if text else {})}


def observation(code: Mapping[str, Any] | str, value: Any = None, **more: Any) -> dict[str, Any]:
    """An Observation of May 2026; `value` is typed by what it is."""
    said = {"text": code} if isinstance(code, str) else code
    kinds = ((bool, "valueBoolean"), (int, "valueInteger"), (str, "valueString"))
    typed = next((element for kind, element in kinds if isinstance(value, kind)), None)
    if isinstance(value, Mapping):
        typed = "valueQuantity" if "value" in value else "valueCodeableConcept"
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": said,
        "effectiveDateTime": "2026-05-20",
        **({typed: value} if typed else {}),
        **more,
    }


def condition(code: Mapping[str, Any] | str, **more: Any) -> dict[str, Any]:
    said = {"text": code} if isinstance(code, str) else code
    return {"resourceType": "Condition", "code": said, "recordedDate": "2026-01-10", **more}


def quantity(value: float, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}


def component(code: str, value: Mapping[str, Any]) -> dict[str, Any]:
    return {"code": concept(LOINC, code), "valueCodeableConcept": value}


BY_CODE = [
    ("her2.ihc", observation(concept(LOINC, "85319-2"), POSITIVE), "positive", None),
    ("her2.ihc", observation(concept(LOINC, "48676-1"), concept(LOINC, "LA6577-6")), "negative", None),
    ("her2.ish", observation(concept(LOINC, "85318-4"), POSITIVE), "positive", None),
    ("her2.ish", observation(concept(LOINC, "49683-6"), quantity(2.4, "1")), Decimal("2.4"), "1"),
    ("er.status", observation(concept(LOINC, "85337-4"), concept(LOINC, "LA6576-8")), "positive", None),
    ("er.status", observation(concept(LOINC, "85329-1"), quantity(95, "%")), "positive", None),
    ("pr.status", observation(concept(LOINC, "85339-0"), NEGATIVE), "negative", None),
    ("pdl1.tps", observation(concept(LOINC, "83053-9"), quantity(60, "%")), Decimal(60), "%"),
    ("lvef", observation(concept(LOINC, "10230-1"), quantity(58, "%")), Decimal(58), "%"),
    ("ecog", observation(concept(LOINC, "89247-1"), 0), 0, None),
    ("ecog", observation(concept(LOINC, "89247-1"), concept(LOINC, "LA9623-5")), 1, None),
    ("karnofsky", observation(concept(LOINC, "89243-0"), 90), 90, None),
    (
        "lansky",
        observation(concept("http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl", "C38144"), 80),
        80,
        None,
    ),
    ("weight", observation(concept(LOINC, "29463-7"), quantity(72, "kg")), Decimal(72), "kg"),
    ("height", observation(concept(LOINC, "8302-2"), quantity(165, "cm")), Decimal(165), "cm"),
    ("stage.group", observation(concept(SNOMED, "399537006"), concept(SNOMED, "1222837003")), "IV", None),
    ("stage.T", observation(concept(SNOMED, "399504009"), concept(SNOMED, "1228929004")), "T2", None),
    ("stage.N", observation(concept(LOINC, "21906-3"), concept("http://cancerstaging.org", "cN1")), "N1", None),
    ("stage.M", observation(concept(LOINC, "21907-1"), concept(SNOMED, "55440008")), "M1", None),
    ("disease-status", observation(concept(LOINC, "97509-4"), concept(SNOMED, "271299001")), "worsened", None),
    (
        "histology",
        observation(concept(LOINC, "31206-6"), concept("http://terminology.hl7.org/CodeSystem/icd-o-3", "8140/3")),
        "8140/3",
        None,
    ),
    (
        "histologic-grade",
        observation(
            concept("http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl", "C18000"), concept(SNOMED, "1155707008")
        ),
        "high",
        None,
    ),
]


@pytest.mark.parametrize(("item", "resource", "value", "unit"), BY_CODE)
def test_a_coded_value_is_a_fact_of_tier_code_with_its_source_and_path(
    gathered: Any, item: str, resource: Mapping[str, Any], value: Any, unit: str | None
) -> None:
    evidence = gathered(resource)

    (fact,) = evidence.facts_of(item)
    assert (fact.value, fact.unit) == (value, unit)
    assert fact.tier == "code"
    assert fact.source.reference == "Observation/r0"
    assert fact.source.path == "Observation.value"
    assert fact.date == "2026-05-20"
    assert fact.view == "Observation/r0"


BY_TEXT = [
    ("her2.ihc", observation("HER2/neu", "IHC 1+, negative"), "negative"),
    ("her2.ihc", observation("HER-2 (IHC)", "3+"), "positive"),
    ("her2.ish", observation("HER2 FISH", "Amplified"), "positive"),
    ("er.status", observation("ER (IHC)", "Positive, 95%"), "positive"),
    ("pr.status", observation("PR (IHC)", "Neg (<1%)"), "negative"),
    ("pdl1.tps", observation("PD-L1 TPS", "60%"), Decimal(60)),
    ("lvef", observation("LVEF (echo)", "55-60%"), Decimal(55)),
    ("ecog", observation("ECOG PS", "0"), 0),
    ("ecog", observation("ECOG performance status", "1 - restricted in strenuous activity"), 1),
    ("karnofsky", observation("Karnofsky", "80"), 80),
    ("lansky", observation("Lansky play performance", "90"), 90),
    ("stage.group", observation("Stage group", "Stage IIA"), "IIA"),
    ("stage.N", observation("Pathologic TNM", "pT2 N1 M0"), "N1"),
]


@pytest.mark.parametrize(("item", "resource", "value"), BY_TEXT)
def test_a_value_in_words_under_a_local_name_is_a_fact_of_tier_text(
    gathered: Any, item: str, resource: Mapping[str, Any], value: Any
) -> None:
    (fact,) = gathered(resource).facts_of(item)

    assert fact.value == value
    assert fact.tier == "text"


def test_a_profiled_resource_is_of_tier_profile(gathered: Any) -> None:
    profile = {"meta": {"profile": [f"{MCODE}mcode-ecog-performance-status"]}}

    (fact,) = gathered(observation(concept(LOINC, "89247-1"), 1, **profile)).facts_of("ecog")

    assert fact.tier == "profile"


ITEMS = sorted({item for item, *_ in BY_CODE})
A_CODED = {item: resource for item, resource, *_ in BY_CODE}


@pytest.mark.parametrize("item", ITEMS)
def test_a_silent_chart_has_no_fact_and_says_how_much_was_read(gathered: Any, item: str) -> None:
    evidence = gathered(observation(concept(LOINC, "2339-0"), quantity(90, "mg/dL")))

    assert evidence.facts_of(item) == ()
    assert evidence.looked[item].resources == {"Observation": 1}


@pytest.mark.parametrize("item", ITEMS)
@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_what_is_entered_in_error_is_not_there(gathered: Any, item: str, status: str) -> None:
    evidence = gathered({**A_CODED[item], "status": status})

    assert evidence.facts_of(item) == ()
    assert not [each for each in evidence.unread if each.item == item]


@pytest.mark.parametrize("item", ITEMS)
@pytest.mark.parametrize("status", ["preliminary", "registered"])
def test_a_result_that_is_not_final_is_pending(gathered: Any, item: str, status: str) -> None:
    evidence = gathered({**A_CODED[item], "status": status})

    assert evidence.facts_of(item) == ()
    assert [each.pending for each in evidence.unread if each.item == item] == [True]


@pytest.mark.parametrize("item", ITEMS)
def test_a_result_of_a_later_day_does_not_count_yet(gathered: Any, item: str) -> None:
    assert gathered({**A_CODED[item], "effectiveDateTime": "2026-07-01"}).facts_of(item) == ()


@pytest.mark.parametrize("item", ITEMS)
def test_a_result_of_the_day_itself_counts(gathered: Any, item: str) -> None:
    assert len(gathered({**A_CODED[item], "effectiveDateTime": "2026-06-30"}).facts_of(item)) == 1


@pytest.mark.parametrize("item", ITEMS)
def test_another_patients_result_is_not_this_ones(gathered: Any, item: str) -> None:
    assert gathered({**A_CODED[item], "subject": {"reference": "Patient/other"}}).facts_of(item) == ()


@pytest.mark.parametrize("item", ITEMS)
def test_a_value_said_to_be_absent_is_unread_and_no_fact(gathered: Any, item: str) -> None:
    bare = {key: value for key, value in A_CODED[item].items() if not key.startswith("value")}
    reason = concept("http://terminology.hl7.org/CodeSystem/data-absent-reason", "unknown")

    evidence = gathered({**bare, "dataAbsentReason": reason})

    assert evidence.facts_of(item) == ()
    assert [each.pending for each in evidence.unread if each.item == item] == [False]


@pytest.mark.parametrize(
    ("item", "resource"),
    [
        ("her2.ihc", observation(concept(LOINC, "85319-2"), "see report")),
        ("ecog", observation(concept(LOINC, "89247-1"), 9)),
        ("lvef", observation(concept(LOINC, "10230-1"), quantity(580, "%"))),
        ("pdl1.tps", observation(concept(LOINC, "83053-9"), "insufficient tissue")),
        ("stage.group", observation(concept(SNOMED, "399537006"), "cannot be assessed")),
        ("weight", observation(concept(LOINC, "29463-7"), quantity(72, "mg"))),
    ],
)
def test_what_cannot_be_read_is_named_and_never_guessed(gathered: Any, item: str, resource: Mapping[str, Any]) -> None:
    evidence = gathered(resource)

    assert evidence.facts_of(item) == ()
    (unread,) = [each for each in evidence.unread if each.item == item]
    assert unread.source.reference == "Observation/r0"
    assert unread.why


DOCUMENTED = [
    ("her2.ihc", "11526-1", "HER2 (IHC) score 3+."),
    ("pdl1.tps", "11526-1", "PD-L1 tumor proportion score 60%."),
    ("ecog", "11488-4", "ECOG 1 today."),
    ("lvef", "34552-0", "Ejection fraction 58%."),
    ("stage.group", "11488-4", "Stage IV disease."),
]


def document(code: str, prose: str, **more: Any) -> dict[str, Any]:
    import base64

    data = base64.b64encode(prose.encode()).decode()
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": concept(LOINC, code),
        "date": "2026-05-20T10:00:00Z",
        "content": [{"attachment": {"contentType": "text/plain", "data": data}}],
        **more,
    }


@pytest.mark.parametrize(("item", "code", "prose"), DOCUMENTED)
def test_prose_is_a_place_to_look_and_no_value(gathered: Any, item: str, code: str, prose: str) -> None:
    (fact,) = gathered(document(code, prose)).facts_of(item)

    assert (fact.tier, fact.value, fact.view) == ("document", None, None)
    assert fact.source.reference == "DocumentReference/r0"


@pytest.mark.parametrize(("item", "code", "prose"), DOCUMENTED)
def test_prose_that_does_not_speak_of_it_is_no_place_to_look(gathered: Any, item: str, code: str, prose: str) -> None:
    assert gathered(document(code, "Nothing to report.")).facts_of(item) == ()


@pytest.mark.parametrize(("item", "code", "prose"), DOCUMENTED)
def test_a_superseded_document_is_none(gathered: Any, item: str, code: str, prose: str) -> None:
    assert gathered(document(code, prose, status="superseded")).facts_of(item) == ()


def test_a_document_that_cannot_be_read_here_counts_by_its_kind(gathered: Any) -> None:
    pdf = document("11526-1", "", content=[{"attachment": {"contentType": "application/pdf", "url": "Binary/1"}}])

    assert [fact.tier for fact in gathered(pdf).facts_of("her2.ihc")] == ["document"]


def test_of_many_documents_that_cannot_be_read_the_newest_ten_are_places_to_look(gathered: Any) -> None:
    linked = [{"attachment": {"contentType": "application/pdf", "url": "Binary/1"}}]
    pdfs = [document("11526-1", "", content=linked, date=f"2026-05-{day:02d}T10:00:00Z") for day in range(1, 21)]
    written = document("11526-1", "HER2 (IHC) score 3+.", date="2026-01-01T10:00:00Z")

    facts = gathered(*pdfs, written).facts_of("her2.ihc")

    days = sorted(str(fact.date)[:10] for fact in facts)
    assert days == ["2026-01-01", *(f"2026-05-{day:02d}" for day in range(11, 21))]


def test_a_document_older_than_the_coded_value_is_not_shown(gathered: Any) -> None:
    coded = observation(concept(LOINC, "85319-2"), POSITIVE)

    facts = gathered(coded, document("11526-1", "HER2 3+", date="2026-05-01T00:00:00Z")).facts_of("her2.ihc")

    assert [fact.tier for fact in facts] == ["code"]


CONFLICTING = [
    ("her2.ihc", POSITIVE, NEGATIVE, concept(LOINC, "85319-2")),
    ("er.status", POSITIVE, NEGATIVE, concept(LOINC, "85337-4")),
    ("pdl1.tps", quantity(60, "%"), quantity(0, "%"), concept(LOINC, "83053-9")),
    ("lvef", quantity(58, "%"), quantity(40, "%"), concept(LOINC, "10230-1")),
    ("ecog", 0, 3, concept(LOINC, "89247-1")),
    ("stage.M", concept(SNOMED, "1229901006"), concept(SNOMED, "1229903009"), concept(SNOMED, "399387003")),
]


@pytest.mark.parametrize(("item", "one", "other", "code"), CONFLICTING)
def test_two_results_of_one_day_that_disagree_are_a_conflict(
    gathered: Any, item: str, one: Any, other: Any, code: Mapping[str, Any]
) -> None:
    evidence = gathered(observation(code, one), observation(code, other))

    (conflict,) = [each for each in evidence.conflicts if each.item == item]
    assert {fact.source.reference for fact in conflict.facts} == {"Observation/r0", "Observation/r1"}
    assert len({fact.group for fact in conflict.facts}) == 1


@pytest.mark.parametrize(("item", "one", "other", "code"), CONFLICTING)
def test_results_of_different_days_are_no_conflict(
    gathered: Any, item: str, one: Any, other: Any, code: Mapping[str, Any]
) -> None:
    evidence = gathered(observation(code, one), observation(code, other, effectiveDateTime="2026-05-21"))

    assert evidence.conflicts == ()
    assert len(evidence.facts_of(item)) == 2


@pytest.mark.parametrize(("item", "one", "other", "code"), CONFLICTING)
def test_a_corrected_result_replaces_the_final_one_of_its_day(
    gathered: Any, item: str, one: Any, other: Any, code: Mapping[str, Any]
) -> None:
    evidence = gathered(observation(code, one), observation(code, other, status="corrected"))

    assert evidence.conflicts == ()
    assert [fact.source.reference for fact in evidence.facts_of(item)] == ["Observation/r1"]
    assert "Observation/r0" in {each.source.reference for each in evidence.unread}


def test_the_same_fact_from_two_exports_is_one(gathered: Any) -> None:
    twice = observation(concept(LOINC, "85319-2"), POSITIVE)

    assert len(gathered(twice, twice).facts_of("her2.ihc")) == 1


def test_results_by_different_methods_may_differ(gathered: Any) -> None:
    code = concept(LOINC, "10230-1")
    echo = observation(code, quantity(58, "%"), method=concept(SNOMED, "40701008"))
    muga = observation(code, quantity(49, "%"), method=concept(SNOMED, "78369009"))

    assert gathered(echo, muga).conflicts == ()


def test_a_component_of_a_panel_answers_like_an_observation(gathered: Any) -> None:
    panel = observation(
        "Breast markers",
        component=[component("85337-4", POSITIVE), component("85319-2", NEGATIVE)],
    )

    evidence = gathered(panel)

    (er,), (her2,) = evidence.facts_of("er.status"), evidence.facts_of("her2.ihc")
    assert (er.value, er.source.path) == ("positive", "Observation.component[0].value")
    assert (her2.value, her2.source.path) == ("negative", "Observation.component[1].value")
    assert er.view != her2.view


def test_an_ecog_in_a_panel_component_is_found(gathered: Any) -> None:
    panel = observation(concept(LOINC, "89262-0"), component=[{"code": concept(LOINC, "89247-1"), "valueInteger": 1}])

    assert [fact.value for fact in gathered(panel).facts_of("ecog")] == [1]


def test_words_that_tell_of_both_her2_tests_answer_both(gathered: Any) -> None:
    evidence = gathered(observation("HER2", "IHC 2+, FISH amplified (ratio 2.5)"))

    assert [fact.value for fact in evidence.facts_of("her2.ihc")] == ["equivocal"]
    assert [fact.value for fact in evidence.facts_of("her2.ish")] == ["positive", Decimal("2.5")]
    assert evidence.unread == ()


def test_her2_words_about_one_test_leave_the_other_silent(gathered: Any) -> None:
    fish, ihc = gathered(observation("HER2", "FISH positive")), gathered(observation("HER2", "IHC 3+"))

    assert (fish.facts_of("her2.ihc"), fish.unread) == ((), ())
    assert (ihc.facts_of("her2.ish"), ihc.unread) == ((), ())


def test_a_stage_in_words_states_its_categories_too(gathered: Any) -> None:
    evidence = gathered(observation("Clinical stage", "cT2 N1 M1, stage IVA"))

    stated = {fact.item: fact.value for fact in evidence.facts if fact.item.startswith("stage.")}
    assert stated == {"stage.group": "IVA", "stage.T": "T2", "stage.N": "N1", "stage.M": "M1"}
    assert gathered(observation("Clinical stage", "Stage IIA")).unread == ()


def test_clinical_and_pathologic_stage_are_two_questions_by_their_names_too(gathered: Any) -> None:
    evidence = gathered(observation("Clinical stage", "Stage IIA"), observation("Pathologic stage", "Stage IIB"))

    assert evidence.conflicts == ()
    codes = [each["code"]["coding"][0]["code"] for each in evidence.view if each["resourceType"] == "Observation"]
    assert codes == ["399537006", "399588009"]


def test_a_panel_in_words_is_a_fact_for_each_gene(gathered: Any) -> None:
    evidence = gathered(observation("NGS panel result", "EGFR negative, ALK negative, KRAS G12C detected"))

    assert {fact.value for fact in evidence.facts_of("variant.negative-genes")} == {"EGFR", "ALK"}
    assert [fact.value for fact in evidence.facts_of("variant.present")] == ["KRAS p.Gly12Cys"]


def test_a_tps_in_the_note_of_a_coded_report_is_of_tier_text(gathered: Any) -> None:
    noted = observation(concept(LOINC, "85147-7"), POSITIVE, note=[{"text": "5% tumor proportion score"}])

    (fact,) = gathered(noted).facts_of("pdl1.tps")

    assert (fact.value, fact.tier, fact.source.path) == (Decimal(5), "text", "Observation.note[0].text")


@pytest.mark.parametrize(
    ("resource", "not_this"),
    [
        (observation("HER2 FISH", "Amplified"), "her2.ihc"),
        (observation(concept(LOINC, "39004-7", text="EGFR Ag"), POSITIVE), "variant.present"),
        (observation(concept(LOINC, "33914-3", text="eGFR/1.73 sq M"), quantity(80, "mL/min")), "variant.present"),
        (observation("PD-L1 CPS", "CPS 12"), "pdl1.tps"),
        (observation("Right ventricular ejection fraction", "45%"), "lvef"),
        (observation("Ideal body weight", quantity(55, "kg")), "weight"),
        (observation("PR interval", quantity(160, "ms")), "pr.status"),
        (observation("ER visit reason", "positive"), "er.status"),
        (observation("CKD stage", "Stage 3"), "stage.group"),
        (observation("Karnofsky performance status", "80"), "ecog"),
    ],
)
def test_what_only_sounds_like_an_item_is_not_taken_for_it(
    gathered: Any, resource: Mapping[str, Any], not_this: str
) -> None:
    assert gathered(resource).facts_of(not_this) == ()


# --- diagnoses and other conditions -------------------------------------------------------------------------

DIAGNOSES = [
    (condition(concept(SNOMED, "254837009")), {"dx.primary", "dx.onset", "dx.breast"}),
    (condition(concept(ICD10, "C50.912")), {"dx.primary", "dx.onset", "dx.breast"}),
    (condition("Breast cancer, left"), {"dx.primary", "dx.onset", "dx.breast"}),
    (condition(concept(SNOMED, "254637007")), {"dx.primary", "dx.onset", "dx.nsclc"}),
    (condition(concept(ICD10, "C34.12")), {"dx.primary", "dx.onset"}),
    (condition(concept(ICD10, "C61")), {"dx.primary", "dx.onset", "dx.prostate"}),
    (condition("Prostate cancer"), {"dx.primary", "dx.onset", "dx.prostate"}),
    (condition(concept(ICD10, "C79.51")), {"dx.secondary", "dx.bone-metastasis"}),
    (condition(concept(ICD10, "C79.31")), {"dx.secondary", "dx.brain-metastasis"}),
    (condition(concept(SNOMED, "94225005")), {"dx.secondary", "dx.brain-metastasis"}),
    (condition("Metastasis to bone"), {"dx.secondary", "dx.bone-metastasis"}),
    (condition("Osseous metastatic disease"), {"dx.secondary", "dx.bone-metastasis"}),
    (condition(concept(ICD10, "C78.7")), {"dx.secondary"}),
]


@pytest.mark.parametrize(("resource", "items"), DIAGNOSES)
def test_a_diagnosis_is_found(gathered: Any, resource: Mapping[str, Any], items: set[str]) -> None:
    evidence = gathered(resource)

    assert {fact.item for fact in evidence.facts if fact.item.startswith("dx.")} == items
    assert {fact.view for fact in evidence.facts if fact.item.startswith("dx.")} == {"Condition/r0"}


@pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
@pytest.mark.parametrize(("resource", "items"), DIAGNOSES)
def test_a_refuted_diagnosis_is_none(gathered: Any, resource: Mapping[str, Any], items: set[str], status: str) -> None:
    system = "http://terminology.hl7.org/CodeSystem/condition-ver-status"

    evidence = gathered({**resource, "verificationStatus": concept(system, status)})

    assert not [fact for fact in evidence.facts if fact.item.startswith("dx.")]


@pytest.mark.parametrize("status", ["provisional", "differential", "unconfirmed"])
def test_a_suspected_diagnosis_is_unread_and_no_fact(gathered: Any, status: str) -> None:
    system = "http://terminology.hl7.org/CodeSystem/condition-ver-status"

    evidence = gathered(condition(concept(ICD10, "C50.912"), verificationStatus=concept(system, status)))

    assert evidence.facts_of("dx.primary") == ()
    assert [each.item for each in evidence.unread] == ["dx.primary"]


@pytest.mark.parametrize(
    "resource",
    [
        condition("Family history of breast cancer"),
        condition("No evidence of breast cancer"),
        condition("Rule out lung cancer"),
        condition("Screening for breast cancer"),
        condition(concept(ICD10, "Z85.3", text="Personal history of malignant neoplasm of breast")),
        condition(concept(ICD10, "Z80.3", text="Family history of malignant neoplasm of breast")),
        condition("Benign neoplasm of breast"),
    ],
)
def test_histories_suspicions_and_denials_are_no_cancer(gathered: Any, resource: Mapping[str, Any]) -> None:
    assert not [fact for fact in gathered(resource).facts if fact.item.startswith("dx.")]


def test_one_cancer_recorded_many_times_is_one_condition_with_all_its_sources(gathered: Any) -> None:
    evidence = gathered(
        condition(concept(ICD10, "C50.912"), recordedDate="2026-01-10"),
        condition(concept(SNOMED, "254837009"), onsetDateTime="2026-01-02"),
        condition(concept(ICD10, "C50.919")),
    )

    facts = evidence.facts_of("dx.breast")
    assert len(facts) == 3
    assert len({fact.view for fact in facts}) == 1
    assert len([each for each in evidence.view if each["resourceType"] == "Condition"]) == 1


def test_cancers_of_both_sides_stay_two(gathered: Any) -> None:
    evidence = gathered(condition(concept(ICD10, "C50.912")), condition(concept(ICD10, "C50.911")))

    assert len({fact.view for fact in evidence.facts_of("dx.breast")}) == 2


@pytest.mark.parametrize(
    ("item", "resource"),
    [
        ("autoimmune", condition(concept(ICD10, "M06.9"))),
        ("autoimmune", condition("Rheumatoid arthritis")),
        ("ild", condition(concept(ICD10, "J84.10"))),
        ("mds-aml", condition(concept(ICD10, "D46.9"))),
        ("mds-aml", condition(concept(SNOMED, "91861009"))),
        ("pregnancy", condition(concept(ICD10, "Z33.1"))),
        ("pregnancy", observation(concept(LOINC, "82810-3"), concept(SNOMED, "77386006"))),
    ],
)
def test_a_condition_beside_the_cancer_is_found(gathered: Any, item: str, resource: Mapping[str, Any]) -> None:
    assert len(gathered(resource).facts_of(item)) == 1


def test_explicit_absence_is_a_fact_of_its_own(gathered: Any) -> None:
    absent = observation(
        concept(SNOMED, "398192003"),
        extension=[
            {"url": f"{MCODE}mcode-related-condition-absent", "valueCodeableConcept": concept(SNOMED, "85828009")}
        ],
    )

    evidence = gathered(absent)

    assert [fact.value for fact in evidence.facts_of("comorbidity.absent")] == ["autoimmune"]
    assert evidence.facts_of("autoimmune") == ()


# --- genes --------------------------------------------------------------------------------------------------

PRESENT, ABSENT = concept(LOINC, "LA9633-4"), concept(LOINC, "LA9634-2")


def variant(gene: str, answer: Mapping[str, Any], *more: Mapping[str, Any], **other: Any) -> dict[str, Any]:
    parts = [component("48018-6", concept(HGNC, gene)), *more]
    return observation(concept(LOINC, "69548-6"), answer, component=parts, **other)


def significance(code: str, of: str) -> dict[str, Any]:
    implication = concept("http://hl7.org/fhir/uv/genomics-reporting/CodeSystem/tbd-codes-cs", "diagnostic-implication")
    return observation(
        implication,
        component=[component("53037-8", concept(LOINC, code))],
        derivedFrom=[{"reference": f"Observation/{of}"}],
    )


def test_a_variant_takes_its_significance_from_what_is_derived_from_it(gathered: Any) -> None:
    germline = component("48002-0", concept(LOINC, "LA6683-2"))

    evidence = gathered(variant("HGNC:1100", PRESENT, germline), significance("LA26333-7", "r0"))

    (fact,) = evidence.facts_of("variant.present")
    assert fact.value == "BRCA1 uncertain"
    (view,) = [each for each in evidence.view if each["id"] == "r0"]
    said = {each["code"]["coding"][0]["code"]: each["valueCodeableConcept"] for each in view["component"]}
    assert said["53037-8"]["coding"][0]["code"] == "LA26333-7"
    assert said["48002-0"]["coding"][0]["code"] == "LA6683-2"


def test_a_germline_test_finds_germline_variants(gathered: Any) -> None:
    evidence = gathered(observation("Germline genetic testing", "Pathogenic variant in BRCA2, c.5946delT"))

    (view,) = [each for each in evidence.view if each["id"] == "r0"]
    said = {each["code"]["coding"][0]["code"]: each["valueCodeableConcept"] for each in view["component"]}
    assert said["48002-0"]["coding"][0]["code"] == "LA6683-2"


def test_a_variant_without_significance_has_none(gathered: Any) -> None:
    evidence = gathered(variant("HGNC:1100", PRESENT))

    (view,) = [each for each in evidence.view if each["id"] == "r0"]
    assert "53037-8" not in {each["code"]["coding"][0]["code"] for each in view["component"]}


def test_a_significance_entered_in_error_does_not_count(gathered: Any) -> None:
    evidence = gathered(variant("HGNC:1100", PRESENT), {**significance("LA6668-3", "r0"), "status": "entered-in-error"})

    assert [fact.value for fact in evidence.facts_of("variant.present")] == ["BRCA1"]


def test_contradicting_significances_leave_the_variant_unread(gathered: Any, definitions: Any) -> None:
    evidence = gathered(variant("HGNC:1100", PRESENT), significance("LA6668-3", "r0"), significance("LA26333-7", "r0"))

    assert evidence.facts_of("variant.present") == ()
    assert [each.item for each in evidence.unread if "part" not in definitions[each.item].view] == ["variant.present"]


def test_genes_of_one_negative_observation_are_a_fact_each(gathered: Any) -> None:
    several = variant("HGNC:3236", ABSENT, component("48018-6", concept(HGNC, "HGNC:427")))

    evidence = gathered(several)

    assert {fact.value for fact in evidence.facts_of("variant.negative-genes")} == {"EGFR", "ALK"}
    assert len({fact.view for fact in evidence.facts_of("variant.negative-genes")}) == 2
    assert evidence.facts_of("variant.present") == ()


def test_present_and_absent_of_one_gene_on_one_day_are_a_conflict(gathered: Any) -> None:
    evidence = gathered(variant("HGNC:3236", PRESENT), variant("HGNC:3236", ABSENT))

    assert {each.item for each in evidence.conflicts} == {"variant.present", "variant.EGFR.present"}


def test_a_variant_of_uncertain_significance_does_not_contradict_a_negative_report(gathered: Any) -> None:
    evidence = gathered(variant("HGNC:1100", PRESENT), variant("HGNC:1100", ABSENT), significance("LA26333-7", "r0"))

    assert evidence.conflicts == ()


@pytest.mark.parametrize(
    ("resource", "gene"),
    [
        (observation(concept(LOINC, "78205-2"), NEGATIVE), "ALK"),
        (observation("EGFR mutation analysis", "Not detected"), "EGFR"),
        (observation("ALK FISH", "negative"), "ALK"),
    ],
)
def test_a_test_of_one_gene_answers_too(gathered: Any, resource: Mapping[str, Any], gene: str) -> None:
    assert [fact.value for fact in gathered(resource).facts_of("variant.negative-genes")] == [gene]


def test_a_gene_studied_is_neither_positive_nor_negative(gathered: Any) -> None:
    panel = observation(
        concept(LOINC, "53041-0"),
        component=[
            {
                "code": concept(LOINC, "48018-6"),
                "valueCodeableConcept": {
                    "coding": [
                        {"system": HGNC, "code": "1100", "display": "BRCA1"},
                        {"system": HGNC, "code": "HGNC:3236", "display": "EGFR"},
                    ]
                },
            }
        ],
    )

    evidence = gathered(panel)

    assert {fact.value for fact in evidence.facts_of("genes.studied")} == {"BRCA1", "EGFR"}
    assert evidence.facts_of("variant.negative-genes") == ()


# --- procedures, reports, statements ------------------------------------------------------------------------


def procedure(code: Mapping[str, Any] | str, **more: Any) -> dict[str, Any]:
    said = {"text": code} if isinstance(code, str) else code
    return {"resourceType": "Procedure", "status": "completed", "code": said, "performedDateTime": "2026-02-01", **more}


@pytest.mark.parametrize(
    ("item", "resource"),
    [
        ("surgery", procedure(concept(SNOMED, "392021009"))),
        ("surgery", procedure(concept(CPT, "19303"))),
        ("surgery", procedure(concept("http://www.cms.gov/Medicare/Coding/ICD10", "0HTT0ZZ"))),
        ("surgery", procedure("Left modified radical mastectomy")),
        ("rt.course", procedure(concept(SNOMED, "1217123003"))),
        ("rt.course", procedure("XRT left chest wall 50 Gy/25 fx")),
        ("transplant", procedure(concept(SNOMED, "70536003"))),
        ("transplant", condition(concept(ICD10, "Z94.0"))),
    ],
)
def test_a_procedure_is_found_by_any_of_its_code_systems(gathered: Any, item: str, resource: Mapping[str, Any]) -> None:
    evidence = gathered(resource)

    (fact,) = evidence.facts_of(item)
    assert fact.view is not None
    assert fact.view.startswith("Procedure/")


@pytest.mark.parametrize("status", ["not-done", "entered-in-error", "preparation"])
def test_a_procedure_that_was_not_done_is_none(gathered: Any, status: str) -> None:
    assert gathered(procedure(concept(CPT, "19303"), status=status)).facts_of("surgery") == ()


def test_a_pathology_report_and_a_clinic_note_are_facts_with_a_date(gathered: Any) -> None:
    evidence = gathered(document("11526-1", "…"), document("11488-4", "…"))

    assert [fact.date for fact in evidence.facts_of("doc.path-report", "doc.clinic-note")] == [
        "2026-05-20T10:00:00Z"
    ] * 2


def test_an_attestation_in_a_questionnaire_is_found(gathered: Any) -> None:
    answered = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "authored": "2026-06-01",
        "item": [{"linkId": "1", "item": [{"linkId": "first-line", "answer": [{"valueBoolean": True}]}]}],
    }

    (fact,) = gathered(answered).facts_of("attestation.first-line")

    assert (fact.value, fact.source.path) == (True, "QuestionnaireResponse.item[0].item[0].answer[0].value")
