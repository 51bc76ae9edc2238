"""Gene variants: found or not found, with the significance that another Observation gives them.

`Present` does not mean pathogenic: the significance sits in the variant's own component, or in an implication that is
derived from it (Genomics Reporting: `derivedFrom`), or that it lists as its member.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.domain.evidence import Tier, Unread
from prior_auth.evidence.binding import Binding
from prior_auth.evidence.chart import Chart, Entry, codings_of, concept_text, local, mapping, reference_text, sequence
from prior_auth.evidence.conflicts import INSIGNIFICANT
from prior_auth.evidence.definitions import MCODE, EvidenceDefinition
from prior_auth.evidence.finding import Answer, Finder, read
from prior_auth.evidence.normalise import NORMALISERS, Reading, Unreadable
from prior_auth.evidence.normalise.codes import HGVS, LNC
from prior_auth.evidence.normalise.significance import SIGNIFICANCE_CODES, SOURCE_CODES, significance_of
from prior_auth.evidence.normalise.text import negated
from prior_auth.evidence.observations import effective, exact_profile
from prior_auth.evidence.standing import Standing, standing
from prior_auth.evidence.statement import Harvest, Statement, unread
from prior_auth.fhir import mcode

PROFILE = f"{MCODE}mcode-genomic-variant"
_VARIANT = Coding(LNC, "69548-6", "Genetic variant assessment")
_GENE, _PROTEIN, _CODING = "48018-6", "48005-3", "48004-6"
_SOURCE_CLASS, _SIGNIFICANCE = "48002-0", "53037-8"
_NEGLIGIBLE = frozenset({"uncertain", "likely-benign", "benign"})


def variants(finder: Finder, definition: EvidenceDefinition, binding: Binding) -> Harvest:
    """Facts of `variant.present` and `variant.negative-genes`."""
    meanings = _meanings(finder.chart)
    statements: list[Statement] = []
    doubts: list[Unread] = []
    for place in finder.places(definition.item):
        answer = read(place, definition)
        if isinstance(answer, Unread):
            if not _is_implication(place.entry):
                doubts.append(answer)
        elif answer is not None:
            for reading in answer.readings:
                try:
                    found = _statement(answer, reading, meanings, binding)
                    statements += [found, *_significances(found, meanings)]
                except Unreadable as refusal:
                    doubts.append(unread(definition.item, place.entry, str(refusal)))
    return Harvest(tuple(statements), tuple(doubts))


def _is_implication(entry: Entry) -> bool:
    return bool(entry.resource.get("derivedFrom"))


@dataclass(frozen=True, slots=True)
class _Implication:
    """What an Observation says a variant means."""

    entry: Entry
    meaning: str


Meanings = Mapping[str, Sequence[_Implication]]


def _meanings(chart: Chart) -> Meanings:
    """What implications say of each variant, by its reference."""
    said: dict[str, list[_Implication]] = defaultdict(list)
    implied: dict[str, _Implication] = {}
    for entry in chart.of_type("Observation"):
        if standing(entry.resource) is not Standing.COUNTS:
            continue
        for value in _stated_significance(entry.resource):
            try:
                meaning = significance_of(value)
            except Unreadable:
                continue
            if meaning is not None:
                implied[entry.reference] = _Implication(entry, meaning)
                for reference in sequence(entry.resource.get("derivedFrom")):
                    if (text := reference_text(reference)) is not None:
                        said[local(text)].append(implied[entry.reference])
    for entry in chart.of_type("Observation"):
        for reference in sequence(entry.resource.get("hasMember")):
            text = reference_text(reference)
            if text is not None and local(text) in implied:
                said[entry.reference].append(implied[local(text)])
    return said


def _significances(variant: Statement, meanings: Meanings) -> Iterator[Statement]:
    """What gave a variant its meaning is evidence of its own: without it the variant says less to its reader."""
    if variant.item != "variant.present":
        return
    for implication in meanings.get(variant.entry.reference, ()):
        if implication.entry.reference != variant.entry.reference:
            yield Statement(
                item="variant.significance",
                value=implication.meaning,
                unit=None,
                entry=implication.entry,
                path=f"{implication.entry.prefix}.component",
                tier=Tier.CODE,
                when=implication.entry.when,
                view=variant.view,
                focus=variant.focus,
            )


def _stated_significance(resource: Mapping[str, Any]) -> Iterator[Any]:
    parts = [resource, *sequence(resource.get("component"))]
    for part in parts:
        if (LNC, _SIGNIFICANCE) in set(codings_of(mapping(part).get("code"))):
            for key in ("valueCodeableConcept", "valueString"):
                if key in part:
                    yield part[key]


def _statement(answer: Answer, reading: Reading, meanings: Meanings, binding: Binding) -> Statement:
    entry, extra = answer.entry, _with_source_of_question(answer.entry, reading.extra)
    present = reading.value == "present"
    gene: Coding = extra["gene"]
    meaning = _meaning(entry, reading, meanings) if present else None
    change = extra.get("protein") or extra.get("egfr") or extra.get("coding_change")
    focus = binding.focus(entry)
    value = " ".join(part for part in (_genes(extra), change, meaning) if part)
    return Statement(
        item="variant.present" if present else "variant.negative-genes",
        value=value,
        unit=None,
        entry=entry,
        path=answer.path,
        tier=answer.tier,
        when=entry.when,
        view=_view(entry, reading.coded, extra, meaning, focus),
        question=gene.code,
        focus=focus,
        method=extra.get("method") or extra.get("source"),
        single=True,
        topic="variant",
        aspect=(change or "") if present else None,
        claim=("present" if meaning not in _NEGLIGIBLE else INSIGNIFICANT) if present else "absent",
    )


def _with_source_of_question(entry: Entry, extra: Mapping[str, Any]) -> Mapping[str, Any]:
    """`Germline genetic testing` says where the variant comes from, where its result does not."""
    words = concept_text(entry.resource.get("code"))
    if extra.get("source") or "germline" not in words or re.search(r"somatic|tumou?r", words) or negated(words):
        return extra
    return {**extra, "source": "germline"}


def _genes(extra: Mapping[str, Any]) -> str:
    genes: Sequence[Coding] = extra.get("genes") or (extra["gene"],)
    names = "-".join(each.display or each.code for each in genes)
    return f"{names} fusion" if extra.get("fusion") and len(genes) > 1 else names


def _meaning(entry: Entry, reading: Reading, meanings: Meanings) -> str | None:
    own = reading.extra.get("significance")
    said = {one.meaning for one in meanings.get(entry.reference, ())} | ({own} if own else set())
    if len(said) <= 1:
        return next(iter(said), None)
    if said == {"pathogenic", "likely-pathogenic"}:
        return "likely-pathogenic"
    raise Unreadable("its significance is stated in two ways that contradict each other")


def _view(
    entry: Entry, answer: Coding | None, extra: Mapping[str, Any], meaning: str | None, focus: str | None
) -> mcode.Resource:
    method = entry.resource.get("method") or ({"text": extra["method"]} if extra.get("method") else None)
    return mcode.observation(
        profile=exact_profile(PROFILE, entry),
        category="laboratory",
        status=str(entry.resource.get("status", "final")),
        code=mcode.concept(_VARIANT, sequence(mapping(entry.resource.get("code")).get("coding"))),
        value={"valueCodeableConcept": mcode.concept(answer)},
        effective=effective(entry),
        focus=[{"reference": focus}] if focus else (),
        method=method,
        component=list(_components(extra, meaning)),
    )


def _components(extra: Mapping[str, Any], meaning: str | None) -> Iterator[dict[str, Any]]:
    for gene in extra.get("genes") or (extra["gene"],):
        yield _component(_GENE, mcode.concept(gene))
    if change := extra.get("protein"):
        yield _component(_PROTEIN, mcode.concept(Coding(HGVS, change), text=extra.get("egfr")))
    elif extra.get("egfr"):
        yield _component(_PROTEIN, {"text": extra["egfr"]})
    if change := extra.get("coding_change"):
        yield _component(_CODING, mcode.concept(Coding(HGVS, change)))
    if source := extra.get("source"):
        yield _component(_SOURCE_CLASS, mcode.concept(SOURCE_CODES[source]))
    if extra.get("fusion"):
        yield {
            "code": mcode.concept(Coding(LNC, "48019-4", "DNA change type")),
            "valueCodeableConcept": mcode.concept(
                Coding("http://www.sequenceontology.org/", "SO:0001565", "gene_fusion")
            ),
        }
    if meaning is not None:
        yield _component(_SIGNIFICANCE, mcode.concept(SIGNIFICANCE_CODES[meaning]))


def _component(code: str, value: Mapping[str, Any]) -> dict[str, Any]:
    return {"code": mcode.concept(Coding(LNC, code)), "valueCodeableConcept": dict(value)}


def genes_studied(finder: Finder, definition: EvidenceDefinition, binding: Binding) -> Harvest:
    """One resource for each panel, one fact for each gene."""
    statements: list[Statement] = []
    doubts: list[Unread] = []
    for place in finder.places(definition.item):
        answer = read(place, definition)
        if isinstance(answer, Unread):
            doubts.append(answer)
        elif answer is not None:
            statements.extend(_panel(answer, _all_readings(place.entry, answer, definition), binding))
    return Harvest(tuple(statements), tuple(doubts))


def _all_readings(entry: Entry, answer: Answer, definition: EvidenceDefinition) -> Sequence[Reading]:
    """Genes of all components, not only of the first that can be read."""
    readings: dict[str, Reading] = {}
    for component in sequence(entry.resource.get("component")):
        if (LNC, _GENE) not in set(codings_of(mapping(component).get("code"))):
            continue
        value = next((component[key] for key in component if key.startswith("value")), None)
        try:
            found = NORMALISERS[definition.read or "genes"](entry.resource, value)
        except Unreadable:
            continue
        readings.update({str(each.value): each for each in found})
    return list(readings.values()) or answer.readings


def _panel(answer: Answer, readings: Sequence[Reading], binding: Binding) -> Iterator[Statement]:
    entry, definition = answer.entry, answer.definition
    focus = binding.focus(entry)
    genes = [each.coded for each in readings if each.coded is not None]  # the profile allows one component for all
    view = mcode.observation(
        profile=exact_profile(definition.profile, entry),
        category="laboratory",
        status=str(entry.resource.get("status", "final")),
        code=mcode.concept(definition.code),
        value={},
        effective=effective(entry),
        focus=[{"reference": focus}] if focus else (),
        component=[_component(_GENE, mcode.concept(None, map(mcode.coding, genes)))] if genes else (),
    )
    for each in readings:
        yield Statement(
            item=definition.item,
            value=each.value,
            unit=None,
            entry=entry,
            path=answer.path,
            tier=answer.tier,
            when=entry.when,
            view=view,
            question=each.coded.code if each.coded else "",
            focus=focus,
        )
