"""Which writer turns which fact of a story into resources, and in which order a chart is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from prior_auth.errors import BadInput
from prior_auth.stories import disease, genomics, measures, observations, regimens, treatment
from prior_auth.stories.chart import Chart, Fact
from prior_auth.stories.codes import LOINC, coding

Write = Callable[[Chart, str, Fact], None]
_COMMON = frozenset({"as", "on", "of", "id", "status", "says", "note"})
_DOCUMENT = {
    "doc.path-report": coding(LOINC, "11526-1", "Pathology study"),
    "doc.clinic-note": coding(LOINC, "11488-4", "Consult note"),
    "doc.plan-comparison": coding(LOINC, "18776-5", "Plan of care note"),
}
_NAMED = {"doc.plan-comparison": "Plan comparison, protons and photons"}


@dataclass(frozen=True, slots=True)
class Writer:
    write: Write
    keys: frozenset[str]


def write_document(chart: Chart, item: str, fact: Fact) -> None:
    chart.document(item, str(fact["says"]), fact, type_=_DOCUMENT[item], named=_NAMED.get(item))


def _writer(write: Write, *keys: str) -> Writer:
    return Writer(write, frozenset(keys))


_CONDITION = _writer(disease.write_condition, "condition", "clinical", "verified")
_VALUE = ("value", "text")

# In the order of writing: cancers before what refers to them, the report after its results.
WRITERS: Mapping[str, Writer] = {
    "dx.primary": _writer(disease.write_primary, "site", "side", "name", "histology", "clinical", "verified"),
    "dx.secondary": _writer(disease.write_secondary, "site", "clinical", "verified"),
    "family-history": _writer(disease.write_family, "relative", "site"),
    "histology": _writer(disease.write_histology, *_VALUE),
    "histologic-grade": _writer(disease.write_grade, *_VALUE),
    "stage.group": _writer(disease.write_stage_group, *_VALUE, "kind"),
    "stage.T": _writer(disease.write_tnm, *_VALUE),
    "stage.N": _writer(disease.write_tnm, *_VALUE),
    "stage.M": _writer(disease.write_tnm, *_VALUE),
    "disease-status": _writer(disease.write_disease_status, *_VALUE),
    "comorbidity.absent": _writer(disease.write_absent, "conditions"),
    "autoimmune": _CONDITION,
    "ild": _CONDITION,
    "mds-aml": _CONDITION,
    "pregnancy": _CONDITION,
    "hypertension": _CONDITION,
    "longqt": _CONDITION,
    "infection": _CONDITION,
    "hemoptysis": _CONDITION,
    "perforation": _CONDITION,
    "comorbidity": _CONDITION,
    "unrelated": _CONDITION,
    "ecog": _writer(observations.write_ecog, *_VALUE),
    "karnofsky": _writer(observations.write_karnofsky, *_VALUE),
    "lvef": _writer(observations.write_measure, *_VALUE),
    "weight": _writer(observations.write_measure, *_VALUE),
    "height": _writer(observations.write_measure, *_VALUE),
    "qtc": _writer(observations.write_measure, *_VALUE),
    "bsa": _writer(observations.write_measure, *_VALUE),
    **{item: _writer(observations.write_status, *_VALUE) for item in ("cd20", "hbv.hbsag", "hbv.anti-hbc")},
    **{item: _writer(measures.write_lab, *_VALUE, "normal") for item in measures.LABS},
    "smoking": _writer(measures.write_smoking, *_VALUE),
    "smoking.pack-years": _writer(measures.write_pack_years, *_VALUE),
    "smoking.quit-date": _writer(measures.write_quit_date, *_VALUE),
    **{item: _writer(measures.write_planned, *_VALUE, "plan") for item in measures.PLANNED},
    "er.status": _writer(observations.write_receptor, *_VALUE),
    "pr.status": _writer(observations.write_receptor, *_VALUE),
    "her2.ihc": _writer(observations.write_her2_ihc, *_VALUE),
    "her2.ish": _writer(observations.write_her2_ish, *_VALUE, "ratio", "copies"),
    "pdl1.tps": _writer(observations.write_pdl1, *_VALUE),
    "pdl1.cps": _writer(observations.write_cps, *_VALUE),
    "msi": _writer(observations.write_msi, *_VALUE),
    "tmb": _writer(observations.write_tmb, *_VALUE),
    "tumor-size": _writer(observations.write_tumor_size, *_VALUE),
    "hrd": _writer(observations.write_hrd, *_VALUE),
    "oncotype": _writer(observations.write_oncotype, *_VALUE),
    "variant": _writer(genomics.write_variant, "gene", "protein", "cdna", "source", "significance"),
    "variant.negative-genes": _writer(genomics.write_negative, "genes", "source"),
    "genes.studied": _writer(genomics.write_studied, "genes"),
    "genomics-report": _writer(genomics.write_report),
    "prior.therapy": _writer(
        treatment.write_therapy, "drug", "hcpcs", "from", "to", "reason", "every", "dose", "daily"
    ),
    "allergy.drug": _writer(treatment.write_allergy, "drug"),
    "surgery": _writer(treatment.write_surgery, "procedure", "place", "from", "to"),
    "operation": _writer(treatment.write_surgery, "procedure", "place", "from", "to"),
    "rt.course": _writer(treatment.write_radiotherapy, "from", "to"),
    "service": _writer(treatment.write_service, "service", "from", "to"),
    "transplant": _writer(treatment.write_transplant, "from", "to"),
    "doc.path-report": _writer(write_document),
    "doc.clinic-note": _writer(write_document),
    "doc.plan-comparison": _writer(write_document),
    "attestation": _writer(observations.write_attestation, "statement", "value"),
    "order": _writer(
        treatment.write_order,
        *(
            "service",
            "detail",
            "again",
            "drug",
            "hcpcs",
            "ndc",
            "coded_by",
            "dose",
            "every",
            "daily",
            "times",
            "then",
            "route",
            "units",
        ),
        *("supply", "refills", "start", "end", "setting", "insured"),
    ),
    "regimen": _writer(regimens.write_regimen, "title", "cycle", "times", "days", "start"),
}


def write_facts(chart: Chart, facts: Mapping[str, Sequence[Fact]]) -> None:
    """Write every fact, item by item. Raises BadInput, its `where` the story and the item."""
    for item, writer in WRITERS.items():
        for number, fact in enumerate(facts.get(item, ())):
            where = f"{chart.name}: {item}" + (f"[{number}]" if number else "")
            try:
                writer.write(chart, item, fact)
            except BadInput as problem:
                raise BadInput(problem.message, where=where, fix=problem.fix) from problem
            except KeyError as missing:
                raise BadInput(f"{missing} is not told", where=where, fix="tell it in the story") from missing


def check_facts(facts: Mapping[str, Sequence[Fact]], where: str) -> None:
    """Refuse an item or a key that no writer knows: a typing error would silently tell another story."""
    for item, told in facts.items():
        writer = WRITERS.get(item)
        if writer is None:
            raise BadInput(f"no evidence item {item!r}", where=where, fix=f"one of {', '.join(WRITERS)}")
        for fact in told:
            unknown = set(fact) - writer.keys - _COMMON
            if unknown:
                known = ", ".join(sorted(writer.keys | _COMMON))
                raise BadInput(f"{item} knows no {sorted(unknown)[0]!r}", where=where, fix=f"one of {known}")
