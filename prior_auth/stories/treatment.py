"""Treatment in a story's chart: the orders to be judged, drugs given before, allergies, surgery, radiotherapy."""

from __future__ import annotations

from typing import Any

from prior_auth.errors import BadInput
from prior_auth.stories import codes
from prior_auth.stories.chart import Chart, Fact, quantity, word
from prior_auth.stories.codes import HCPCS, LOCAL, MCODE, NDC, SNOMED, THO, UCUM, US_CORE, Json, coding, concept
from prior_auth.stories.days import stated

_CODEX = "http://hl7.org/fhir/us/codex-radiation-therapy/StructureDefinition/codexrt-radiotherapy-"
_REIRRADIATION = f"{_CODEX}course-involves-reirradiation"
_DAYS_PER = {"d": "d", "wk": "wk", "mo": "mo"}


def write_order(chart: Chart, item: str, fact: Fact) -> None:
    """An order. `coded_by` says which codes it bears (`rxnorm`, `hcpcs`, `ndc`; all it has unless told)."""
    if "service" in fact:
        chart.add(_service_order(chart, item, fact))
        return
    order = chart.new("MedicationRequest", item, f"{MCODE}mcode-cancer-related-medication-request", id=fact.get("id"))
    order |= {
        "status": fact.get("status", "active"),
        "intent": "order",
        "category": [concept(coding(f"{THO}medicationrequest-category", fact.get("setting", "outpatient")))],
        "medicationCodeableConcept": _product(fact),
        "subject": chart.patient,
        "authoredOn": stated(fact.get("on", fact["start"])),
        "requester": chart.requester,
        "insurance": [chart.coverage],
        "dosageInstruction": _dosages(fact),
        "dispenseRequest": _dispense(fact),
    }
    if cancer := chart.cancer(fact):
        order["reasonReference"] = cancer
    if "note" in fact:
        order["note"] = [{"text": fact["note"]}]
    if not fact.get("insured", True):
        del order["insurance"]
    chart.add(order)


def _detail(told: str) -> Json:
    """A modifier of two letters is a code of HCPCS; else it is what a person writes."""
    return concept(coding(HCPCS, told)) if len(told) == 2 and told.isupper() else concept(text=told)


def _service_order(chart: Chart, item: str, fact: Fact) -> Json:
    code, words = word(fact, "service", codes.SERVICE)
    order = chart.new("ServiceRequest", item, f"{US_CORE}us-core-servicerequest", id=fact.get("id")) | {
        "status": fact.get("status", "active"),
        "intent": "order",
        "category": [concept(coding(SNOMED, "363679005", "Imaging"))],
        "code": concept(code, text=fact.get("says", words)),
        "subject": chart.patient,
        "occurrencePeriod": _period(fact),
        "authoredOn": stated(fact.get("on", fact["start"])),
        "requester": chart.requester,
    }
    if "again" in fact:
        order["extension"] = [{"url": _REIRRADIATION, "valueBoolean": bool(fact["again"])}]
    if "detail" in fact:
        order["orderDetail"] = [_detail(str(fact["detail"]))]
    if "units" in fact:
        order["quantityQuantity"] = quantity(str(fact["units"]))
    if fact.get("insured", True):
        order["insurance"] = [chart.coverage]
    if cancer := chart.cancer(fact):
        order["reasonReference"] = cancer
    if "note" in fact:
        order["note"] = [{"text": fact["note"]}]
    return order


def _product(fact: Fact) -> Json:
    drug = str(fact["drug"])
    known = {
        "rxnorm": codes.DRUG.get(drug),
        "hcpcs": coding(HCPCS, str(fact["hcpcs"])) if "hcpcs" in fact else None,
        "ndc": coding(NDC, str(fact["ndc"])) if "ndc" in fact else None,
        "local": coding(LOCAL, f"RX-{drug.upper()}"),
    }
    wanted = fact.get("coded_by", ["rxnorm", "hcpcs", "ndc"])
    chosen = [code for kind in wanted if (code := known[kind])]
    return concept(*chosen, text=fact.get("says", drug))


def _dosages(fact: Fact) -> list[Json]:
    """The first dose, and `then` what follows; each with dose, interval, number of doses."""
    steps: list[Any] = [fact, *([fact["then"]] if "then" in fact else [])]
    return [_dosage(fact, step, number if len(steps) > 1 else None) for number, step in enumerate(steps, start=1)]


def _dosage(fact: Fact, step: Fact, sequence: int | None) -> Json:
    repeat: Json = {"boundsPeriod": _period(fact)}
    if "times" in step:
        repeat["count"] = int(step["times"])
    if "every" in step:
        repeat |= _interval(step)
    words = step.get("says") or f"{step['dose']}" + (f" every {step['every']}" if "every" in step else "")
    oral = fact.get("route") == "oral"
    route = coding(SNOMED, "26643006", "Oral route") if oral else coding(SNOMED, "47625008", "Intravenous route")
    dosage: Json = {"sequence": sequence} if sequence else {}
    return dosage | {
        "text": words,
        "timing": {"repeat": repeat},
        "route": concept(route),
        "doseAndRate": [{"doseQuantity": quantity(step["dose"])}],
    }


def _interval(step: Fact) -> Json:
    interval, _, unit = str(step["every"]).partition(" ")
    if unit not in _DAYS_PER:
        raise BadInput(f"no interval: {step['every']!r}", where="order.every", fix="write '21 d' or '3 wk'")
    return {"frequency": int(step.get("daily", 1)), "period": int(interval), "periodUnit": unit}


def _dispense(fact: Fact) -> Json:
    dispense: Json = {"validityPeriod": _period(fact)}
    if "units" in fact:
        number, _, unit = str(fact["units"]).partition(" ")
        code = {"": "1", "tablets": "{tbl}"}.get(unit, unit)
        dispense["quantity"] = quantity(number) | {"unit": unit or "billing unit", "system": UCUM, "code": code}
    if "supply" in fact:
        dispense["expectedSupplyDuration"] = quantity(fact["supply"])
    if "refills" in fact:
        dispense["numberOfRepeatsAllowed"] = int(fact["refills"])
    return dispense


def _period(fact: Fact) -> Json:
    return {"start": stated(fact["start"])} | ({"end": stated(fact["end"])} if "end" in fact else {})


def write_therapy(chart: Chart, item: str, fact: Fact) -> None:
    """A drug given before: as mCODE an administration; as `order` or US Core a request; `text` uncoded; a document."""
    dialect = fact.get("as", "mcode")
    if dialect == "document":
        words = f"Received {fact['drug']} from {stated(fact['from'])}."
        chart.document(item, str(fact.get("says", words)), {**fact, "on": fact.get("to", fact["from"])})
        return
    if dialect == "mcode":
        chart.add(_administration(chart, item, fact))
    else:
        chart.add(_earlier_request(chart, item, fact, dialect))


def _administration(chart: Chart, item: str, fact: Fact) -> Json:
    profile = f"{MCODE}mcode-cancer-related-medication-administration"
    given = chart.new("MedicationAdministration", item, profile, id=fact.get("id")) | {
        "status": fact.get("status", "completed"),
        "medicationCodeableConcept": concept(word(fact, "drug", codes.DRUG), text=fact.get("says")),
        "subject": chart.patient,
    }
    if cancer := chart.cancer(fact):
        given["reasonReference"] = cancer
    if "reason" in fact:
        given["statusReason"] = [concept(word(fact, "reason", codes.STOP_REASON))]
    if "to" in fact:
        return given | {"effectivePeriod": {"start": stated(fact["from"]), "end": stated(fact["to"])}}
    return given | {"effectiveDateTime": stated(fact["from"])}


def _earlier_request(chart: Chart, item: str, fact: Fact, dialect: str) -> Json:
    profile = f"{MCODE}mcode-cancer-related-medication-request" if dialect == "order" else None
    if dialect == "uscore":
        profile = f"{US_CORE}us-core-medicationrequest"
    text = str(fact.get("says", fact["drug"]))
    billed = [coding(HCPCS, str(fact["hcpcs"]))] if "hcpcs" in fact else []
    product = concept(text=text) if dialect == "text" else concept(word(fact, "drug", codes.DRUG), *billed, text=text)
    request = chart.new("MedicationRequest", item, profile, id=fact.get("id")) | {
        "status": fact.get("status", "completed"),
        "intent": "order",
        "medicationCodeableConcept": product,
        "subject": chart.patient,
        "authoredOn": stated(fact["from"]),
        "requester": chart.requester,
    }
    if "to" in fact or "every" in fact:
        repeat: Json = {"boundsPeriod": _span(fact)} | (_interval(fact) if "every" in fact else {})
        dose = {"doseAndRate": [{"doseQuantity": quantity(fact["dose"])}]} if "dose" in fact else {}
        request["dosageInstruction"] = [{"text": text, "timing": {"repeat": repeat}} | dose]
    if "reason" in fact:
        request["statusReason"] = concept(word(fact, "reason", codes.STOP_REASON))
    return request


def write_allergy(chart: Chart, item: str, fact: Fact) -> None:
    allergy = chart.new("AllergyIntolerance", item, f"{US_CORE}us-core-allergyintolerance", id=fact.get("id"))
    chart.add(
        allergy
        | {
            "clinicalStatus": concept(coding(f"{THO}allergyintolerance-clinical", "active")),
            "verificationStatus": concept(coding(f"{THO}allergyintolerance-verification", "confirmed")),
            "code": concept(word(fact, "drug", codes.DRUG), text=fact.get("says")),
            "patient": chart.patient,
            "recordedDate": stated(fact["on"]),
        }
    )


def write_surgery(chart: Chart, item: str, fact: Fact) -> None:
    if fact.get("as", "mcode") == "document":
        chart.document(item, str(fact["says"]), fact)
        return
    mcode = fact.get("as", "mcode") == "mcode"
    name = "mcode-cancer-related-surgical-procedure" if mcode else "us-core-procedure"
    code = concept(word(fact, "procedure", codes.SURGERY), text=fact.get("says"))
    profile = f"{MCODE if mcode else US_CORE}{name}"
    told: Json = {"bodySite": [concept(text=fact["place"])]} if "place" in fact else {}
    if "note" in fact:
        told["note"] = [{"text": fact["note"]}]
    done = _procedure(chart, item, fact, profile, code, reason=mcode)
    chart.add(done | told)


def write_radiotherapy(chart: Chart, item: str, fact: Fact) -> None:
    course = concept(coding(SNOMED, "1217123003", "Radiotherapy course of treatment"))
    chart.add(_procedure(chart, item, fact, f"{MCODE}mcode-radiotherapy-course-summary", course, reason=True))


def write_service(chart: Chart, item: str, fact: Fact) -> None:
    """A scan or a visit that was done, by its code."""
    code, words = word(fact, "service", codes.SERVICE)
    profile = f"{US_CORE}us-core-procedure"
    chart.add(_procedure(chart, item, fact, profile, concept(code, text=fact.get("says", words)), reason=False))


def write_transplant(chart: Chart, item: str, fact: Fact) -> None:
    code = concept(coding(SNOMED, "77465005", "Transplantation"), text=fact.get("says"))
    chart.add(_procedure(chart, item, fact, f"{US_CORE}us-core-procedure", code, reason=False))


def _procedure(chart: Chart, item: str, fact: Fact, profile: str, code: Json, *, reason: bool) -> Json:
    when: Json = {"performedDateTime": stated(fact["on"])} if "on" in fact else {"performedPeriod": _span(fact)}
    done = chart.new("Procedure", item, profile, id=fact.get("id")) | {
        "status": fact.get("status", "completed"),
        "code": code,
        "subject": chart.patient,
    }
    cancer = chart.cancer(fact) if reason else []
    return done | when | ({"reasonReference": cancer} if cancer else {})


def _span(fact: Fact) -> Json:
    return {"start": stated(fact["from"])} | ({"end": stated(fact["to"])} if "to" in fact else {})
