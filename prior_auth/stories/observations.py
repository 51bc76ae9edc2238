"""Observations of a story's chart, in whatever dialect the story tells them: performance, heart, body, markers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prior_auth.errors import BadInput
from prior_auth.stories import codes
from prior_auth.stories.chart import MCODE_RELATED, Chart, Fact, category, quantity, word
from prior_auth.stories.codes import LOCAL, LOINC, MCODE, US_CORE, Json, coding, concept
from prior_auth.stories.days import stated

FINDING = "urn:prior-auth:finding"  # where no guide has a code
_CLINICAL_RESULT = f"{US_CORE}us-core-observation-clinical-result"
_LAB = f"{US_CORE}us-core-observation-lab"

# In whose report a result of a category stands.
_REPORT: Mapping[str, Json] = {
    "laboratory": coding(LOINC, "11526-1", "Pathology study"),
    "imaging": coding(LOINC, "18748-4", "Diagnostic imaging study"),
    **dict.fromkeys(("exam", "survey", "vital-signs"), coding(LOINC, "11488-4", "Consult note")),
}


@dataclass(frozen=True, slots=True)
class Question:
    """What an observation asks: its code, its words, its mCODE profile; whether it points to the cancer, and how.

    `plain` is the code that a chart without mCODE uses for it, `profile` None where mCODE has none.
    """

    code: Json
    words: str
    profile: str | None
    category: str = "laboratory"
    focus: bool = False
    related: bool = False
    method: Json | None = None
    plain: Json | None = None
    plain_profile: str | None = None
    local: str | None = None


def observe(
    chart: Chart,
    item: str,
    fact: Fact,
    asked: Question,
    *,
    words: str,
    coded: Json | None = None,
    value: Json | None = None,
    plain: Json | None = None,
) -> None:
    """Write one answer in the fact's dialect (`as`).

    `value` is the value[x] of mCODE (`coded` is short for a CodeableConcept), `plain` that of a chart that knows US
    Core only, `words` what a person types.
    """
    dialect = fact.get("as", "mcode")
    said = str(fact.get("says", words))
    canonical = value if value is not None else {"valueCodeableConcept": concept(coded or {}, text=fact.get("text"))}
    if dialect == "document":
        chart.document(item, f"{asked.words}: {said}", fact, type_=_REPORT[asked.category])
    elif dialect == "mcode":
        head = chart.new(
            "Observation", item, asked.profile or asked.plain_profile or _CLINICAL_RESULT, id=fact.get("id")
        )
        resource = head | _asked(chart, fact, asked, concept(asked.code, text=asked.words)) | canonical
        chart.add(resource | _bound(chart, fact, asked))
    elif dialect == "uscore":
        profile = asked.plain_profile or (_LAB if asked.category == "laboratory" else _CLINICAL_RESULT)
        head = chart.new("Observation", item, profile, id=fact.get("id"))
        chart.add(head | _asked(chart, fact, asked, concept(asked.plain or asked.code)) | (plain or canonical))
    elif dialect == "text":
        head = chart.new("Observation", item, id=fact.get("id"))
        chart.add(head | _asked(chart, fact, asked, concept(text=asked.words)) | {"valueString": said})
    elif dialect == "local":
        head = chart.new("Observation", item, id=fact.get("id"))
        code = concept(coding(LOCAL, asked.local or f"LOC-{item.upper()}"), text=asked.words)
        chart.add(head | _asked(chart, fact, asked, code) | {"valueString": said})
    else:
        raise BadInput(f"no dialect {dialect!r}", where=item, fix="one of mcode, uscore, text, local, document")


def _asked(chart: Chart, fact: Fact, asked: Question, code: Json) -> Json:
    head: Json = {
        "status": fact.get("status", "final"),
        "category": category(asked.category),
        "code": code,
        "subject": chart.patient,
        "effectiveDateTime": stated(fact["on"]),
        "performer": [chart.requester],
    }
    return head | ({"note": [{"text": fact["note"]}]} if "note" in fact else {})


def _bound(chart: Chart, fact: Fact, asked: Question) -> Json:
    bound: Json = {"method": concept(asked.method)} if asked.method else {}
    cancer = chart.cancer(fact)
    if asked.focus and cancer:
        bound["focus"] = cancer
    if asked.related and cancer:
        bound["extension"] = [{"url": MCODE_RELATED, "valueReference": one} for one in cancer]
    return bound


def write_ecog(chart: Chart, item: str, fact: Fact) -> None:
    score = int(fact["value"])
    answer = coding(LOINC, codes.ECOG_ANSWER[score])
    asked = Question(
        coding(LOINC, "89247-1", "ECOG Performance Status score"),
        "ECOG performance status",
        f"{MCODE}mcode-ecog-performance-status",
        category="survey",
        local="PS-ECOG",
    )
    value = {"valueInteger": score, "interpretation": [concept(answer)]}
    observe(chart, item, fact, asked, words=str(score), value=value, plain={"valueCodeableConcept": concept(answer)})


def write_karnofsky(chart: Chart, item: str, fact: Fact) -> None:
    asked = Question(
        coding(LOINC, "89243-0", "Karnofsky Performance Status score"),
        "Karnofsky performance status",
        f"{MCODE}mcode-karnofsky-performance-status",
        category="survey",
    )
    observe(chart, item, fact, asked, words=str(fact["value"]), value={"valueInteger": int(fact["value"])})


_MEASURE: Mapping[str, tuple[str, str, str, str | None, str]] = {
    # item: LOINC, display, words, US Core profile, category
    "lvef": ("10230-1", "Left ventricular Ejection fraction", "LVEF (echo)", None, "imaging"),
    "weight": ("29463-7", "Body weight", "Body weight", f"{US_CORE}us-core-body-weight", "vital-signs"),
    "height": ("8302-2", "Body height", "Body height", f"{US_CORE}us-core-body-height", "vital-signs"),
    "bsa": ("8277-6", "Body surface area", "Body surface area", f"{MCODE}mcode-body-surface-area", "vital-signs"),
    "qtc": ("8636-3", "Q-T interval corrected", "QTc", None, "exam"),
}


def write_measure(chart: Chart, item: str, fact: Fact) -> None:
    code, display, words, profile, kind = _MEASURE[item]
    asked = Question(coding(LOINC, code, display), words, None, category=kind, plain_profile=profile)
    observe(chart, item, fact, asked, words=str(fact["value"]), value={"valueQuantity": quantity(fact["value"])})


_RECEPTOR: Mapping[str, tuple[str, str, str, str]] = {
    # item: LOINC by IHC, display, LOINC of charts without mCODE, words
    "er.status": ("85337-4", "Estrogen receptor Ag [Presence] in Breast cancer specimen", "16112-5", "ER (IHC)"),
    "pr.status": ("85339-0", "Progesterone receptor Ag [Presence] in Breast cancer specimen", "16113-3", "PR (IHC)"),
}

# Cells of 100 that bear the receptor, by immune stain.
_RECEPTOR_CELLS: Mapping[str, str] = {"er.status": "85329-1", "pr.status": "85325-9"}


def write_receptor(chart: Chart, item: str, fact: Fact) -> None:
    """`value` is a word, or the percent of cells."""
    code, display, plain, words = _RECEPTOR[item]
    if str(fact["value"]).endswith("%"):
        percent = _marker(coding(LOINC, _RECEPTOR_CELLS[item]), f"{words}, percent of cells")
        observe(chart, item, fact, percent, words=str(fact["value"]), value={"valueQuantity": quantity(fact["value"])})
        return
    asked = _marker(coding(LOINC, code, display), words, coding(LOINC, plain))
    observe(chart, item, fact, asked, words=str(fact["value"]).title(), **_finding(word(fact, "value", codes.FINDING)))


def write_her2_ihc(chart: Chart, item: str, fact: Fact) -> None:
    """`value` is the score; its finding follows from it (0 and 1+ negative, 2+ equivocal, 3+ positive)."""
    score = str(fact["value"])
    finding = word({"value": score}, "value", codes.HER2_IHC_FINDING)
    asked = _marker(
        coding(LOINC, "85319-2", "HER2 [Presence] in Breast cancer specimen by Immune stain"),
        "HER2 (IHC)",
        coding(LOINC, "48676-1", "HER2 [Interpretation] in Tissue"),
    )
    both = _finding(codes.FINDING[finding], text=score)
    observe(chart, item, fact, asked, words=f"IHC {score}, {finding}", **both)


def write_her2_ish(chart: Chart, item: str, fact: Fact) -> None:
    """`value` is the laboratory's word (positive: amplified), or `ratio` and `copies` as counted."""
    if "value" in fact:
        asked = _marker(
            coding(LOINC, "85318-4", "ERBB2 gene duplication [Presence] in Breast cancer specimen by FISH"), "HER2 FISH"
        )
        words = {"positive": "Amplified", "negative": "Not amplified"}.get(fact["value"], str(fact["value"]))
        observe(chart, item, fact, asked, words=words, **_finding(word(fact, "value", codes.FINDING)))
    for key, code, words in (
        ("ratio", "49683-6", "HER2/CEP17 ratio by FISH"),
        ("copies", "74860-8", "HER2 gene copy number by FISH"),
    ):
        if key in fact:
            asked = _marker(coding(LOINC, code), words)
            value = {"valueQuantity": quantity(fact[key])}
            observe(chart, f"{item}.{key}", fact, asked, words=str(fact[key]), value=value)


def write_pdl1(chart: Chart, item: str, fact: Fact) -> None:
    asked = _marker(
        coding(LOINC, "83053-9", "Cells.programmed cell death ligand 1/100 viable tumor cells"),
        "PD-L1 tumor proportion score",
        coding(LOINC, "83052-1"),
    )
    observe(chart, item, fact, asked, words=f"TPS {fact['value']}", value={"valueQuantity": quantity(fact["value"])})


def write_cps(chart: Chart, item: str, fact: Fact) -> None:
    asked = _marker(coding(FINDING, "pdl1.cps", "PD-L1 combined positive score"), "PD-L1 combined positive score (CPS)")
    observe(chart, item, fact, asked, words=f"CPS {fact['value']}", value={"valueQuantity": quantity(fact["value"])})


def write_tmb(chart: Chart, item: str, fact: Fact) -> None:
    asked = _marker(coding(LOINC, "94076-7", "Mutations/Megabase [# Ratio] in Tumor"), "Tumor mutational burden")
    value = {"valueQuantity": quantity(fact["value"], "1/1000000{Base}")}
    observe(chart, item, fact, asked, words=f"{fact['value']} mut/Mb", value=value)


def write_msi(chart: Chart, item: str, fact: Fact) -> None:
    answer = word(fact, "value", codes.MSI)
    asked = _marker(coding(LOINC, "81695-9", "Microsatellite instability"), "Microsatellite instability")
    observe(chart, item, fact, asked, coded=answer, words=str(answer["display"]))


def write_tumor_size(chart: Chart, item: str, fact: Fact) -> None:
    """As a chart without mCODE's BodyStructure states it."""
    asked = Question(coding(LOINC, "33728-7", "Size.maximum dimension in Tumor"), "Largest dimension of tumor", None)
    observe(chart, item, fact, asked, words=str(fact["value"]), value={"valueQuantity": quantity(fact["value"])})


def write_hrd(chart: Chart, item: str, fact: Fact) -> None:
    asked = _marker(
        coding(FINDING, "hrd", "Homologous recombination deficiency"), "Homologous recombination deficiency"
    )
    observe(chart, item, fact, asked, words=str(fact["value"]), **_finding(word(fact, "value", codes.FINDING)))


def write_oncotype(chart: Chart, item: str, fact: Fact) -> None:
    code = coding("http://www.ncbi.nlm.nih.gov/gtr", "509910", "Oncotype DX Breast Recurrence Score Assay")
    asked = _marker(code, "Oncotype DX recurrence score")
    observe(chart, item, fact, asked, words=f"{fact['value']}", value={"valueQuantity": quantity(fact["value"])})


_STATUS: Mapping[str, tuple[str, str, bool]] = {
    # item: LOINC, words, whether it is a test of the tumor
    "cd20": ("10438-0", "CD20 by immune stain", True),
    "hbv.hbsag": ("5196-1", "Hepatitis B surface antigen", False),
    "hbv.anti-hbc": ("16933-4", "Hepatitis B core antibody", False),
}


def write_status(chart: Chart, item: str, fact: Fact) -> None:
    """`value` is positive, negative or equivocal."""
    code, words, of_tumor = _STATUS[item]
    plain = Question(coding(LOINC, code), words, None, plain_profile=_LAB)
    asked = _marker(coding(LOINC, code), words) if of_tumor else plain
    observe(chart, item, fact, asked, words=str(fact["value"]).title(), **_finding(word(fact, "value", codes.FINDING)))


def write_attestation(chart: Chart, item: str, fact: Fact) -> None:
    """A signed statement of the requester (rulings 15)."""
    statement = str(fact["statement"])
    code = concept(coding(codes.ATTESTATION, statement), text=f"Attested by the requester: {statement}")
    asked = Question(code["coding"][0], code["text"], None, category="exam")
    value = {"valueBoolean": bool(fact.get("value", True))}
    observe(chart, f"{item}.{statement}", fact, asked, words=statement, value=value)


def _marker(code: Json, words: str, plain: Json | None = None) -> Question:
    return Question(code, words, f"{MCODE}mcode-tumor-marker-test", related=True, plain=plain)


def _finding(finding: Json, text: str | None = None) -> dict[str, Any]:
    """A finding as mCODE's value set has it, and as a laboratory of LOINC answers says it."""
    answer = codes.FINDING_LOINC[finding["display"].lower()]
    return {
        "value": {"valueCodeableConcept": concept(finding, text=text)},
        "plain": {"valueCodeableConcept": concept(answer, text=text)},
    }
