"""The disease in a story's chart: primary and secondary cancers, stage, other conditions, what is said to be absent."""

from __future__ import annotations

from prior_auth.stories import codes
from prior_auth.stories.chart import MCODE_RELATED, NCIT_GRADE, Chart, Fact, category, word
from prior_auth.stories.codes import ICD10, LOINC, MCODE, SNOMED, THO, US_CORE, Json, coding, concept
from prior_auth.stories.days import stated
from prior_auth.stories.observations import Question, observe


def write_primary(chart: Chart, item: str, fact: Fact) -> None:
    disorder, body, icd_by_side = word(fact, "site", codes.PRIMARY)
    side = fact.get("side")
    dialect = fact.get("as", "mcode")
    words = fact.get("says") or f"{disorder['display']}{f', {side}' if side else ''}"
    if dialect == "document":
        chart.document(item, words, fact)
        return
    icd = coding(ICD10, icd_by_side.get(side, icd_by_side[None]))
    code = {
        "mcode": concept(disorder, text=words),
        "uscore": concept(icd, text=words),
        "text": concept(text=words),
        "local": concept(coding(codes.LOCAL, f"DX-{fact['site']}"), text=words),
    }[dialect]
    mcode = dialect == "mcode"
    condition = _condition(chart, item, fact, code, f"{MCODE}mcode-primary-cancer-condition" if mcode else None)
    if mcode:
        condition |= _body_site(body, side)
        if "histology" in fact:
            value = concept(word(fact, "histology", codes.HISTOLOGY))
            url = f"{MCODE}mcode-histology-morphology-behavior"
            condition["extension"] = [{"url": url, "valueCodeableConcept": value}]
    chart.cancers[fact.get("name", fact["site"])] = chart.add(condition)


def _body_site(body: Json, side: str | None) -> Json:
    site = concept(body)
    if side is not None:
        url = f"{MCODE}mcode-laterality-qualifier"
        site = {"extension": [{"url": url, "valueCodeableConcept": concept(codes.SIDE[side])}]} | site
    return {"bodySite": [site]}


def write_secondary(chart: Chart, item: str, fact: Fact) -> None:
    disorder, icd = word(fact, "site", codes.SECONDARY)
    dialect = fact.get("as", "mcode")
    if dialect == "document":
        chart.document(item, fact.get("says", disorder["display"]), fact)
        return
    code = {
        "mcode": concept(disorder),
        "uscore": concept(coding(ICD10, icd), text=disorder["display"]),
        "text": concept(text=fact.get("says", disorder["display"])),
    }[dialect]
    mcode = dialect == "mcode"
    condition = _condition(chart, item, fact, code, f"{MCODE}mcode-secondary-cancer-condition" if mcode else None)
    if mcode and (cancer := chart.cancer(fact)):
        url = "http://hl7.org/fhir/StructureDefinition/condition-related"
        condition["extension"] = [{"url": url, "valueReference": one} for one in cancer]
    chart.add(condition)


def write_condition(chart: Chart, item: str, fact: Fact) -> None:
    """Another condition: autoimmune disease, ILD, pregnancy, what nobody asked about."""
    disorder, icd = word(fact, "condition", codes.CONDITION)
    words = fact.get("says", disorder["display"])
    code = {
        "mcode": concept(disorder, coding(ICD10, icd), text=words),
        "uscore": concept(coding(ICD10, icd), text=words),
        "text": concept(text=words),
    }[fact.get("as", "mcode")]
    chart.add(_condition(chart, item, fact, code, None))


def _condition(chart: Chart, item: str, fact: Fact, code: Json, profile: str | None) -> Json:
    profile = profile or f"{US_CORE}us-core-condition-problems-health-concerns"
    return chart.new("Condition", item, profile, id=fact.get("id")) | {
        "clinicalStatus": concept(coding(f"{THO}condition-clinical", fact.get("clinical", "active"))),
        "verificationStatus": concept(coding(f"{THO}condition-ver-status", fact.get("verified", "confirmed"))),
        "category": [concept(coding(f"{THO}condition-category", "problem-list-item"))],
        "code": code,
        "subject": chart.patient,
        "onsetDateTime": stated(fact["on"]),
        "recordedDate": stated(fact["on"]),
    }


def write_family(chart: Chart, item: str, fact: Fact) -> None:
    """A relative with a cancer of a site."""
    relative = chart.new("FamilyMemberHistory", item, None, id=fact.get("id")) | {
        "status": fact.get("status", "completed"),
        "patient": chart.patient,
        "date": stated(fact["on"]),
        "relationship": concept(word(fact, "relative", codes.RELATIVE)),
        "condition": [{"code": concept(word(fact, "site", codes.PRIMARY)[0])}],
    }
    chart.add(relative)


def write_histology(chart: Chart, item: str, fact: Fact) -> None:
    value = word(fact, "value", codes.HISTOLOGY)
    question = Question(
        coding(LOINC, "31206-6", "Histology and Behavior ICD-O-3 Cancer"),
        "Histology",
        f"{MCODE}mcode-histologic-behavior-and-type",
        related=True,
    )
    observe(chart, item, fact, question, coded=value, words=value["display"])


def write_grade(chart: Chart, item: str, fact: Fact) -> None:
    value = word(fact, "value", codes.GRADE)
    question = Question(NCIT_GRADE, "Histologic grade", f"{MCODE}mcode-histologic-grade", related=True)
    observe(chart, item, fact, question, coded=value, words=value["display"])


def write_stage_group(chart: Chart, item: str, fact: Fact) -> None:
    kind = word({"kind": fact.get("kind", "clinical")}, "kind", codes.STAGE_KIND)
    code = word(fact, "value", codes.STAGE_GROUP)
    value = coding(SNOMED, code, f"American Joint Committee on Cancer stage {fact['value']}")
    question = Question(kind, "Stage group", f"{MCODE}mcode-tnm-stage-group", focus=True, method=codes.AJCC8)
    observe(chart, item, fact, question, coded=value, words=f"Stage {fact['value']}")


def write_tnm(chart: Chart, item: str, fact: Fact) -> None:
    said, axis = str(fact["value"]), item[-1]
    code = word(fact, "value", codes.TNM_VALUE)
    asked = coding(SNOMED, codes.TNM_QUESTION[axis][said[0]], f"{said[0]}{axis} category")
    value = coding(SNOMED, code, f"American Joint Committee on Cancer {said}")
    profile = f"{MCODE}{codes.TNM_PROFILE[axis]}"
    question = Question(asked, f"{axis} category", profile, focus=True, method=codes.AJCC8)
    observe(chart, item, fact, question, coded=value, words=said)


def write_disease_status(chart: Chart, item: str, fact: Fact) -> None:
    value = word(fact, "value", codes.DISEASE_STATUS)
    question = Question(
        coding(LOINC, "97509-4", "Cancer disease progression"),
        "Cancer disease status",
        f"{MCODE}mcode-cancer-disease-status",
        focus=True,
    )
    observe(chart, item, fact, question, coded=value, words=value["display"])


def write_absent(chart: Chart, item: str, fact: Fact) -> None:
    """Conditions that a clinician says are not there."""
    if fact.get("as", "mcode") != "mcode":
        chart.document(item, fact["says"], fact)
        return
    absent = [word({"condition": one}, "condition", codes.CONDITION)[0] for one in fact["conditions"]]
    url = f"{MCODE_RELATED}-absent"
    cancer = chart.cancer(fact)
    chart.add(
        chart.new("Observation", item, f"{MCODE}mcode-comorbidities", id=fact.get("id"))
        | {
            "extension": [{"url": url, "valueCodeableConcept": concept(one)} for one in absent],
            "status": "final",
            "category": category("exam"),
            "code": concept(coding(SNOMED, "398192003", "Comorbid conditions")),
            "subject": chart.patient,
            "effectiveDateTime": stated(fact["on"]),
            "performer": [chart.requester],
        }
        | ({"focus": cancer} if cancer else {})
    )
