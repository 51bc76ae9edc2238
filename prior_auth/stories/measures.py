"""Laboratory values and smoking in a story's chart."""

from __future__ import annotations

from collections.abc import Mapping

from prior_auth.stories import codes
from prior_auth.stories.chart import Chart, Fact, quantity, word
from prior_auth.stories.codes import LOINC, SNOMED, US_CORE, Json, coding
from prior_auth.stories.days import stated
from prior_auth.stories.observations import Question, observe

_LAB = f"{US_CORE}us-core-observation-lab"
_SMOKING = f"{US_CORE}us-core-smokingstatus"

FINDING = "urn:prior-auth:finding"

LABS: Mapping[str, tuple[str, str]] = {
    # item: LOINC, words
    "lab.hemoglobin": ("718-7", "Hemoglobin"),
    "lab.anc": ("751-8", "Absolute neutrophil count"),
    "lab.platelets": ("777-3", "Platelets"),
    "lab.bilirubin": ("1975-2", "Total bilirubin"),
    "lab.ferritin": ("2276-4", "Ferritin"),
    "lab.tsat": ("2502-3", "Transferrin saturation"),
    "lab.b12": ("2132-9", "Vitamin B12"),
    "lab.calcium": ("17861-6", "Calcium"),
    "lab.calcium-corrected": ("46099-8", "Corrected calcium"),
    "lab.albumin": ("1751-7", "Albumin"),
    "lab.creatinine": ("2160-0", "Creatinine"),
    "lab.alt": ("1742-6", "ALT"),
    "lab.ast": ("1920-8", "AST"),
    "lab.potassium": ("2823-3", "Potassium"),
    "lab.testosterone": ("2986-8", "Testosterone"),
    "lab.creatinine-clearance": ("2164-2", "Creatinine clearance"),
}


def write_lab(chart: Chart, item: str, fact: Fact) -> None:
    """`normal` is the upper end of the laboratory's range."""
    code, words = LABS[item]
    asked = Question(coding(LOINC, code), words, None, plain_profile=_LAB)
    value: Json = {"valueQuantity": quantity(fact["value"])}
    if "normal" in fact:
        value["referenceRange"] = [{"high": quantity(fact["normal"])}]
    observe(chart, item, fact, asked, words=str(fact["value"]), value=value)


def write_smoking(chart: Chart, item: str, fact: Fact) -> None:
    answer = word(fact, "value", codes.SMOKING)
    code = coding(LOINC, "72166-2", "Tobacco smoking status")
    asked = Question(code, "Smoking status", None, category="social-history", plain_profile=_SMOKING)
    observe(chart, item, fact, asked, coded=answer, words=answer["display"])


def write_pack_years(chart: Chart, item: str, fact: Fact) -> None:
    code = coding(SNOMED, "401201003", "Cigarette pack-years")
    asked = Question(code, "Pack-years", None, category="social-history", plain_profile=_SMOKING)
    value = {"valueQuantity": quantity(fact["value"], "{PackYears}")}
    observe(chart, item, fact, asked, words=f"{fact['value']} pack-years", value=value)


PLANNED: Mapping[str, str] = {
    "dvh.heart": "Heart volume that receives 25 Gy",
    "dvh.hot-spot": "Hot spot",
    "breast-volume": "Breast volume",
    "rt.plan.fractions": "Planned fractions",
}


def write_planned(chart: Chart, item: str, fact: Fact) -> None:
    """A number of a radiotherapy plan; `plan` is the technique it is of."""
    method = word(fact, "plan", codes.PLAN) if "plan" in fact else None
    asked = Question(coding(FINDING, item), PLANNED[item], None, category="imaging", method=method)
    number = fact["value"]
    value = {"valueInteger": number} if isinstance(number, int) else {"valueQuantity": quantity(number)}
    observe(chart, item, fact, asked, words=str(number), value=value)


def write_quit_date(chart: Chart, item: str, fact: Fact) -> None:
    """`value` is the day, month or year of the last cigarette."""
    code = coding(LOINC, "74010-0", "Date quit tobacco smoking")
    profile = f"{US_CORE}us-core-simple-observation"
    asked = Question(code, "Date quit smoking", None, category="social-history", plain_profile=profile)
    day = stated(fact["value"])
    observe(chart, item, fact, asked, words=day, value={"valueDateTime": day})
