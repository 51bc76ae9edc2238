"""Genomics of a story's chart: variants with their significance, what was negative, what was studied, the report."""

from __future__ import annotations

from prior_auth.stories import codes
from prior_auth.stories.chart import Chart, Fact, category, word
from prior_auth.stories.codes import GENOMICS, HGNC, HGVS, LOINC, MCODE, THO, US_CORE, Json, coding, concept
from prior_auth.stories.days import stated

_PRESENT = concept(coding(LOINC, "LA9633-4", "Present"))
_ABSENT = concept(coding(LOINC, "LA9634-2", "Absent"))
_VARIANT = coding(LOINC, "69548-6", "Genetic variant assessment")


def write_variant(chart: Chart, item: str, fact: Fact) -> None:
    """A variant found, and in mCODE a second Observation with its significance, joined by derivedFrom."""
    dialect = fact.get("as", "mcode")
    if dialect in ("text", "document"):
        _in_words(chart, item, fact, dialect)
        return
    mcode = dialect == "mcode"
    profile = f"{MCODE}mcode-genomic-variant" if mcode else f"{US_CORE}us-core-observation-lab"
    components = [_gene(fact["gene"])]
    for key, code in (("protein", "48005-3"), ("cdna", "48004-6")):
        if key in fact:
            components.append(_component(code, coding(HGVS, fact[key], fact[key])))
    if "source" in fact:
        components.append(_component("48002-0", word(fact, "source", codes.VARIANT_SOURCE)))
    significance = word(fact, "significance", codes.SIGNIFICANCE) if "significance" in fact else None
    if significance and not mcode:
        components.append(_component("53037-8", significance))
    variant = _observation(chart, item, fact, profile, _VARIANT)
    reference = chart.add(variant | {"valueCodeableConcept": _PRESENT, "component": components})
    if significance and mcode:
        _implication(chart, item, fact, reference, significance)


def _in_words(chart: Chart, item: str, fact: Fact, dialect: str) -> None:
    parts = [str(fact["gene"]), *(str(fact[key]) for key in ("protein", "cdna") if key in fact)]
    also = [str(fact[key]) for key in ("source", "significance") if key in fact]
    words = str(fact.get("says", " ".join(parts) + f" detected ({', '.join(also)})"))
    if dialect == "document":
        chart.document(item, words, fact, type_=coding(LOINC, "51969-4", "Genetic analysis report"))
        return
    observation = _observation(chart, item, fact, None, None)
    chart.add(observation | {"code": concept(text=f"{fact['gene']} mutation analysis"), "valueString": words})


def _implication(chart: Chart, item: str, fact: Fact, variant: str, significance: Json) -> None:
    code = coding("http://hl7.org/fhir/uv/genomics-reporting/CodeSystem/tbd-codes-cs", "diagnostic-implication")
    implication = _observation(chart, f"{item}.significance", fact, f"{GENOMICS}diagnostic-implication", code)
    component = _component("53037-8", significance)
    chart.add(implication | {"derivedFrom": [{"reference": variant}], "component": [component]})


def write_negative(chart: Chart, item: str, fact: Fact) -> None:
    """Genes in which nothing was found, in one Observation, as laboratories report pertinent negatives."""
    genes = [str(gene) for gene in fact["genes"]]
    dialect = fact.get("as", "mcode")
    if dialect == "document":
        chart.document(item, str(fact.get("says", f"{', '.join(genes)}: no variant detected")), fact)
        return
    if dialect == "text":
        for gene in genes:
            observation = _observation(chart, item, fact, None, None)
            chart.add(observation | {"code": concept(text=f"{gene} mutation analysis"), "valueString": "Not detected"})
        return
    profile = f"{MCODE}mcode-genomic-variant" if dialect == "mcode" else f"{US_CORE}us-core-observation-lab"
    variant = _observation(chart, item, fact, profile, _VARIANT)
    components = [_gene(gene) for gene in genes]
    if "source" in fact:
        components.append(_component("48002-0", word(fact, "source", codes.VARIANT_SOURCE)))
    chart.add(variant | {"valueCodeableConcept": _ABSENT, "component": components})


def write_studied(chart: Chart, item: str, fact: Fact) -> None:
    code = coding(LOINC, "53041-0", "DNA region of interest panel")
    region = _observation(chart, item, fact, f"{MCODE}mcode-genomic-region-studied", code)
    # The profile allows one component only, so laboratories put all genes into it, as the guide's own example does.
    genes = [_hgnc(str(gene)) for gene in fact["genes"]]
    chart.add(region | {"component": [_component("48018-6", *genes)]})


def write_report(chart: Chart, item: str, fact: Fact) -> None:
    """The report over all genomic Observations of the chart that bear its date. Told last."""
    day = stated(fact["on"])
    genomic = {"69548-6", "53041-0"}
    results = [
        {"reference": f"Observation/{one['id']}"}
        for one in chart.resources
        if one["resourceType"] == "Observation"
        and one["effectiveDateTime"] == day
        and any(code["code"] in genomic for code in one["code"].get("coding", ()))
    ]
    report = chart.new("DiagnosticReport", item, f"{MCODE}mcode-genomics-report", id=fact.get("id")) | {
        "status": fact.get("status", "final"),
        "category": [concept(coding(f"{THO}v2-0074", "GE", "Genetics"))],
        "code": concept(coding(LOINC, "51969-4", "Genetic analysis report")),
        "subject": chart.patient,
        "effectiveDateTime": day,
        "performer": [chart.requester],
    }
    if len(day) == len("2026-01-01"):  # an instant is of a day
        report["issued"] = f"{day}T12:00:00Z"
    chart.add(report | ({"result": results} if results else {}))


def _observation(chart: Chart, item: str, fact: Fact, profile: str | None, code: Json | None) -> Json:
    id = None if item.endswith("significance") else fact.get("id")
    return chart.new("Observation", item, profile, id=id) | {
        "status": fact.get("status", "final"),
        "category": category("laboratory"),
        "code": concept(code) if code else {},
        "subject": chart.patient,
        "effectiveDateTime": stated(fact["on"]),
        "performer": [chart.requester],
    }


def _gene(gene: str) -> Json:
    return _component("48018-6", _hgnc(gene))


def _hgnc(gene: str) -> Json:
    return coding(HGNC, word({"gene": gene}, "gene", codes.GENE), gene)


def _component(code: str, *values: Json) -> Json:
    return {"code": concept(coding(LOINC, code)), "valueCodeableConcept": concept(*values)}
