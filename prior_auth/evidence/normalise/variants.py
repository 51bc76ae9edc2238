"""Genomic variants of an Observation: present or absent, gene, change, source class, significance.

A reading's `extra` holds: `gene` and `genes` (HGNC codings), `protein` (`p.Leu858Arg`), `coding_change` and
`genomic_change` (as stated), `source` (`germline`, `somatic`), `significance`, `egfr` (hgvs.egfr_class), `sensitizing`,
`fusion`, `method` (`ihc` where stated). Absence is of a whole gene: that one change was not found is unreadable here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.evidence.normalise.codes import (
    LNC,
    SCT,
    codings,
    has_code,
    objects,
    only,
    question_words,
    refuse_absent,
    statements,
)
from prior_auth.evidence.normalise.genes import gene, genes_of
from prior_auth.evidence.normalise.hgvs import egfr_class, egfr_protein_of_coding, is_sensitizing, protein
from prior_auth.evidence.normalise.reading import Normaliser, Reading, Unreadable
from prior_auth.evidence.normalise.significance import significance_of, source_of
from prior_auth.evidence.normalise.text import fold
from prior_auth.evidence.normalise.variant_text import Asked, Finding, asked_in, findings_in

PRESENT = Coding(LNC, "LA9633-4", "Present")
ABSENT = Coding(LNC, "LA9634-2", "Absent")
_PRESENT_CODES = {
    (LNC, "LA9633-4"),
    (LNC, "LA6576-8"),
    (LNC, "LA11882-0"),
    (SCT, "10828004"),
    (SCT, "52101004"),
    (SCT, "260373001"),
}
_ABSENT_CODES = {
    (LNC, "LA9634-2"),
    (LNC, "LA6577-6"),
    (LNC, "LA11883-8"),
    (SCT, "260385009"),
    (SCT, "2667000"),
    (SCT, "260415000"),
}
_UNDECIDED = {(LNC, "LA18198-4"), (LNC, "LA11884-6"), (LNC, "LA9663-1"), (LNC, "LA13538-6"), (SCT, "280414007")}

# Tests of one gene by their own LOINC code.
_GENE_TESTS: Mapping[str, str] = {"21636-6": "BRCA1", "38530-2": "BRCA2", "21702-6": "KRAS", "79210-1": "FLT3"}
_FUSION_TESTS: Mapping[str, tuple[str, str | None]] = {"78205-2": ("ALK", None), "47303-3": ("ALK", "ihc")}
_CHANGE_TESTS: Mapping[str, tuple[str, str]] = {"55766-0": ("EGFR", "p.Leu858Arg")}
_CHANGE_COMPONENTS = ("48005-3", "48004-6", "81290-9", "81252-9")
_FUSION_TERMS = {"SO:0001565", "SO:1000044", "SO:0002062", "SO:0001882"}
_EXPRESSION = re.compile(r"\bihc\b|immunohisto|expression|\bag\b|protein|amplification|copy number")


def answer_of(value: Any) -> str | None:
    """`present` or `absent` by code, None where no code says. Raises Unreadable at no call and indeterminate."""
    refuse_absent(value)
    keys = {each.key for each in codings(value)}
    if keys & _UNDECIDED:
        raise Unreadable("neither present nor absent: no call, indeterminate or not tested")
    found = {"present" for _ in keys & _PRESENT_CODES} | {"absent" for _ in keys & _ABSENT_CODES}
    return only(found, "answer")


def _components(resource: Mapping[str, Any], *codes: str) -> Iterator[Any]:
    for component in objects(resource.get("component")):
        if any(each.code in codes for each in codings(component.get("code"))):
            value = next((component[key] for key in component if key.startswith("value")), None)
            if value is not None:
                yield value


def variant(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """The variant of an Observation, by components, by the test's own code, or by text."""
    if any(True for _ in _components(resource, "48018-6")):
        return _by_components(resource, value)
    test = _single_test(resource, value)
    return test or _by_text(resource, value)


# --- by components ----------------------------------------------------------------------------------------------------


def _by_components(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    answer = answer_of(value) or _worded_answer(value)
    found = genes_of(list(_components(resource, "48018-6")))
    if not found:
        raise Unreadable("no gene whose code and name agree")
    details = _details(resource, found)
    if answer == "present":
        return (_present(found, details),)
    if any(True for _ in _components(resource, *_CHANGE_COMPONENTS)):
        raise Unreadable("one change of the gene is absent, which says nothing of the others")
    return tuple(_absent(each, {"source": details["source"], "method": None}) for each in found)


def _worded_answer(value: Any) -> str:
    words = {fold(each) for each in statements(value)}
    found = {"present" for _ in words & {"present", "detected", "positive"}}
    found |= {"absent" for _ in words & {"absent", "not detected", "negative", "wild type"}}
    answer = only(found, "answer")
    if answer is None:
        raise Unreadable("neither present nor absent")
    return answer


def _details(resource: Mapping[str, Any], genes: Sequence[Coding]) -> dict[str, Any]:
    change = _protein_change(resource)
    coding = _stated(resource, "48004-6")
    if change is None and coding and genes[0].display == "EGFR":
        change = egfr_protein_of_coding(coding)
    sources = {found for found in map(source_of, _components(resource, "48002-0")) if found}
    meanings = {found for found in map(significance_of, _components(resource, "53037-8")) if found}
    return {
        "protein": change,
        "coding_change": coding,
        "genomic_change": _stated(resource, "81290-9"),
        "source": only(sources, "source class"),
        "significance": only(meanings, "significance"),
        "fusion": _is_fusion(resource),
        "method": None,
    }


def _stated(resource: Mapping[str, Any], code: str) -> str | None:
    for value in _components(resource, code):
        for each in (*(coding.code for coding in codings(value)), *statements(value)):
            return each
    return None


def _protein_change(resource: Mapping[str, Any]) -> str | None:
    stated = [each for value in _components(resource, "48005-3") for each in _forms(value)]
    found = {change for change in map(protein, stated) if change}
    if not found:  # ClinVar's name of a variant ends in its protein change
        names = [words for value in _components(resource, "81252-9") for words in statements(value)]
        found = {change for name in names for change in map(protein, re.findall(r"\((p\.[^()]+)\)", name)) if change}
    return only(found, "protein change")


def _forms(value: Any) -> tuple[str, ...]:
    return (*(coding.code for coding in codings(value)), *statements(value))


def _is_fusion(resource: Mapping[str, Any]) -> bool:
    values = list(_components(resource, "48019-4", "48006-1", "molecular-consequence"))
    if any(coding.code in _FUSION_TERMS for value in values for coding in codings(value)):
        return True
    return any(
        re.search(r"fusion|translocation|rearrange", fold(words)) for value in values for words in statements(value)
    )


def _present(genes: Sequence[Coding], details: Mapping[str, Any]) -> Reading:
    extra = {"gene": genes[0], "genes": tuple(genes), **details}
    symbols = [each.display for each in genes]
    if "EGFR" in symbols and "egfr" not in extra:
        extra["egfr"] = egfr_class(extra["protein"]) if extra.get("protein") else None
    extra.setdefault("egfr", None)
    extra["sensitizing"] = is_sensitizing(extra["egfr"])
    return Reading("present", coded=PRESENT, text=details.get("text"), extra=extra)


def _absent(gene_: Coding, details: Mapping[str, Any]) -> Reading:
    return Reading(
        "absent", coded=ABSENT, text=details.get("text"), extra={"gene": gene_, "genes": (gene_,), **details}
    )


# --- by the test's own code -------------------------------------------------------------------------------------------


def _single_test(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    """A test of one gene, one fusion or one change, answered by code or by one plain word."""
    answer = answer_of(value) or _plain_answer(value)
    if answer is None:
        return ()
    for code, symbol in _GENE_TESTS.items():
        if has_code(resource, LNC, code):
            return (_tested(symbol, answer, {"method": None}),)
    for code, (symbol, method) in _FUSION_TESTS.items():
        if has_code(resource, LNC, code):
            return (_tested(symbol, answer, {"fusion": True, "method": method}),)
    for code, (symbol, change) in _CHANGE_TESTS.items():
        if has_code(resource, LNC, code):
            if answer == "absent":
                raise Unreadable("one change of the gene is absent, which says nothing of the others")
            return (_tested(symbol, answer, {"protein": change, "method": None}),)
    return _asked_by_text(resource, answer)


def _plain_answer(value: Any) -> str | None:
    try:
        return _worded_answer(value)
    except Unreadable:
        return None


def _tested(symbol: str, answer: str, details: Mapping[str, Any]) -> Reading:
    plain = {"protein": None, "coding_change": None, "genomic_change": None, "source": None, "significance": None}
    whole = {**plain, "fusion": False, **details}
    return _present([gene(symbol)], whole) if answer == "present" else _absent(gene(symbol), whole)


def _asked_by_text(resource: Mapping[str, Any], answer: str) -> Sequence[Reading]:
    """`EGFR mutation analysis`: `Not detected`. The question names gene and kind of change, the value just answers."""
    asked = asked_in(question_words(resource))
    if asked is None:
        return ()
    if answer == "absent" and asked.change_said:
        raise Unreadable("one change of the gene is absent, which says nothing of the others")
    return _readings([asked.answered(answer)], None)


# --- by text ----------------------------------------------------------------------------------------------------------


def _by_text(resource: Mapping[str, Any], value: Any) -> Sequence[Reading]:
    said = statements(value)
    if not said:
        raise Unreadable("neither components, a known test nor a text")
    asked = _asked_by_code(resource) or asked_in(question_words(resource))
    if asked is None and _EXPRESSION.search(fold(question_words(resource))):
        raise Unreadable("a test of expression or copies, not of variants")
    readings = _readings(findings_in(said[0], asked), said[0])
    coded = answer_of(value)
    if coded and any(reading.value != coded for reading in readings):
        raise Unreadable("code and text contradict each other")
    return readings


def _asked_by_code(resource: Mapping[str, Any]) -> Asked | None:
    """What a test of the tables above asks for, for an answer in words."""
    for code, symbol in _GENE_TESTS.items():
        if has_code(resource, LNC, code):
            return Asked((symbol,))
    for code, (symbol, method) in _FUSION_TESTS.items():
        if has_code(resource, LNC, code):
            return Asked((symbol,), fusion=True, method=method)
    for code, (symbol, _) in _CHANGE_TESTS.items():
        if has_code(resource, LNC, code):
            return Asked((symbol,), change_said=True)
    return None


def _readings(findings: Sequence[Finding], text: str | None) -> Sequence[Reading]:
    readings: list[Reading] = []
    for finding in findings:
        found = [gene(symbol) for symbol in finding.genes]
        details: dict[str, Any] = {
            "protein": finding.protein,
            "coding_change": finding.coding,
            "genomic_change": None,
            "source": finding.source,
            "significance": finding.significance,
            "fusion": finding.fusion,
            "method": finding.method,
            "text": text,
        }
        if finding.egfr:
            details["egfr"] = finding.egfr
        readings += [_present(found, details)] if finding.present else [_absent(each, details) for each in found]
    return tuple(readings)


VARIANT_NORMALISERS: Mapping[str, Normaliser] = {"variant": variant}
