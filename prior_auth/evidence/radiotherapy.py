"""Radiotherapy in numbers: what was delivered, by volume, and what an open order plans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from prior_auth.domain.evidence import Source, Tier, Unread
from prior_auth.evidence.binding import Binding
from prior_auth.evidence.chart import Entry, is_order, mapping, sequence
from prior_auth.evidence.definitions import MCODE, EvidenceDefinition
from prior_auth.evidence.finding import Answer, Finder
from prior_auth.evidence.normalise import NORMALISERS, Reading, Unreadable
from prior_auth.evidence.normalise.radiotherapy import TECHNIQUES, delivered_in, planned_in, techniques_in
from prior_auth.evidence.observations import observations, statement
from prior_auth.evidence.statement import Harvest, Statement
from prior_auth.fhir import mcode

MODALITY = f"{MCODE}mcode-radiotherapy-modality-and-technique"
DELIVERED = f"{MCODE}mcode-radiotherapy-dose-delivered-to-volume"
SESSIONS = f"{MCODE}mcode-radiotherapy-sessions"
_CODEX = "http://hl7.org/fhir/us/codex-radiation-therapy/StructureDefinition/codexrt-radiotherapy-"
_PLANNED_VOLUMES = (f"{_CODEX}dose-planned-to-volume", f"{_CODEX}dose-prescribed-to-volume")
_PLANNED_FRACTIONS = (f"{_CODEX}fractions-planned", f"{_CODEX}fractions-prescribed")
_REIRRADIATION = f"{_CODEX}course-involves-reirradiation"
_PARTS = frozenset({f"{MCODE}mcode-radiotherapy-modality", f"{MCODE}mcode-radiotherapy-technique"})


@dataclass(frozen=True, slots=True)
class _Stated:
    """A number or technique, where it stands, and how sure that is."""

    item: str
    reading: Reading
    path: str
    tier: Tier = Tier.CODE


# --- delivered ------------------------------------------------------------------------------------------------


def extensions_of(source: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Technique, sessions and doses of a course in mCODE's form, without what other guides nest into them."""
    sessions = [
        {"url": SESSIONS, "valueUnsignedInt": each["valueUnsignedInt"]}
        for _, each in _extensions(source, SESSIONS)
        if isinstance(each.get("valueUnsignedInt"), int)
    ]
    modalities = [{"extension": parts, "url": MODALITY} for _, parts in _modalities(source)]
    coded = [made for _, each in _extensions(source, DELIVERED) if (made := _delivered(each)) is not None]
    return [*modalities, *sessions, *(coded or _delivered_in_words(source))]


def delivered(course: Statement) -> Iterator[Statement]:
    """Facts of `rt.technique`, `rt.dose` and `rt.fractions`; they share the course's resource."""
    for each in (*_techniques(course.entry.resource), *_doses(course.entry.resource)):
        yield Statement(
            item=each.item,
            value=each.reading.value,
            unit=each.reading.unit,
            entry=course.entry,
            path=each.path,
            tier=each.tier if course.tier is not Tier.TEXT else Tier.TEXT,
            when=course.when,
            view=course.view,
            focus=course.focus,
        )


def unread_delivered(entry: Entry) -> Iterator[Unread]:
    """What a course states of technique, dose and fractions and nobody can read."""
    source = entry.resource
    for path, parts in _modalities(source):
        if any(_read("rt.technique", part["valueCodeableConcept"]) is None for part in parts):
            yield Unread("rt.technique", Source(entry.reference, path, entry.origin), "a technique that is not known")
    for path, volume in _extensions(source, DELIVERED):
        parts_of = _parts_of(volume)
        numbers = _dose_and_fractions(parts_of, "totalDoseDelivered", "fractionsDelivered")
        stated = (("rt.dose", "totalDoseDelivered"), ("rt.fractions", "fractionsDelivered"))
        for (item, part), number in zip(stated, numbers, strict=True):
            if part in parts_of and number is None:
                yield Unread(
                    item, Source(entry.reference, path, entry.origin), "no number with its unit that is possible"
                )


def _extensions(source: Mapping[str, Any], *urls: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    kind = source.get("resourceType", "Procedure")
    for index, each in enumerate(sequence(source.get("extension"))):
        if mapping(each).get("url") in urls:
            yield f"{kind}.extension[{index}]", each


def _modalities(source: Mapping[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for path, each in _extensions(source, MODALITY):
        inner = [
            {"url": part["url"], "valueCodeableConcept": part["valueCodeableConcept"]}
            for part in sequence(each.get("extension"))
            if str(mapping(part).get("url")) in _PARTS and isinstance(part.get("valueCodeableConcept"), Mapping)
        ]
        if inner:
            yield path, inner


def _techniques(source: Mapping[str, Any]) -> Iterator[_Stated]:
    for path, parts in _modalities(source):
        for part in parts:
            if (reading := _read("rt.technique", part["valueCodeableConcept"])) is not None:
                yield _Stated("rt.technique", reading, path)


def _parts_of(volume: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    return {str(mapping(each).get("url")): mapping(each) for each in sequence(volume.get("extension"))}


def _delivered(volume: Mapping[str, Any]) -> dict[str, Any] | None:
    """The dose of one volume; the volume itself stays in the chart, its name goes along."""
    parts = _parts_of(volume)
    where = mapping(mapping(parts.get("volume")).get("valueReference")).get("display")
    made: list[dict[str, Any]] = [
        {"url": "volume", "valueReference": {"display": where if isinstance(where, str) else "as in the source"}}
    ]
    dose, fractions = _dose_and_fractions(parts, "totalDoseDelivered", "fractionsDelivered")
    if dose is not None:
        made.append({"url": "totalDoseDelivered", "valueQuantity": mcode.quantity(dose, "cGy")})
    if fractions is not None:
        made.append({"url": "fractionsDelivered", "valueUnsignedInt": fractions})
    return {"extension": made, "url": DELIVERED} if len(made) > 1 else None


def _dose_and_fractions(
    parts: Mapping[str, Mapping[str, Any]], dose: str, fractions: str
) -> tuple[Decimal | None, int | None]:
    amount = _read("rt.dose", mapping(parts.get(dose)).get("valueQuantity"))
    stated = mapping(parts.get(fractions))
    count = _read("rt.fractions", stated.get("valueUnsignedInt", stated.get("valuePositiveInt")))
    return (
        amount.value if amount is not None and isinstance(amount.value, Decimal) else None,
        count.value if count is not None and isinstance(count.value, int) else None,
    )


def _doses(source: Mapping[str, Any]) -> Iterator[_Stated]:
    found = False
    for path, each in _extensions(source, DELIVERED):
        found = True
        dose, fractions = _dose_and_fractions(_parts_of(each), "totalDoseDelivered", "fractionsDelivered")
        yield from _numbers("rt.", dose, fractions, path, Tier.CODE)
    if not found:
        for path, text in _notes(source):
            if (stated := delivered_in(text)) is not None:
                yield from _numbers("rt.", stated.dose, stated.fractions, path, Tier.TEXT)
                return


def _delivered_in_words(source: Mapping[str, Any]) -> list[dict[str, Any]]:
    for _, text in _notes(source):
        if (stated := delivered_in(text)) is not None:
            parts: dict[str, dict[str, Any]] = {
                "totalDoseDelivered": {"valueQuantity": mcode.quantity(stated.dose, "cGy")} if stated.dose else {},
                "fractionsDelivered": {"valueUnsignedInt": stated.fractions} if stated.fractions else {},
            }
            made = _delivered({"extension": [{"url": url, **value} for url, value in parts.items() if value]})
            return [made] if made is not None else []
    return []


def _notes(source: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    kind = source.get("resourceType", "Procedure")
    for index, note in enumerate(sequence(source.get("note"))):
        if isinstance(mapping(note).get("text"), str):
            yield f"{kind}.note[{index}].text", note["text"]
    for index, detail in enumerate(sequence(source.get("orderDetail"))):
        if isinstance(mapping(detail).get("text"), str):
            yield f"{kind}.orderDetail[{index}].text", detail["text"]
    text = mapping(source.get("code")).get("text")
    if isinstance(text, str):
        yield f"{kind}.code.text", text


def _numbers(prefix: str, dose: Decimal | None, fractions: int | None, path: str, tier: Tier) -> Iterator[_Stated]:
    if dose is not None:
        yield _Stated(f"{prefix}dose", Reading(dose, "cGy"), path, tier)
    if fractions is not None:
        yield _Stated(f"{prefix}fractions", Reading(fractions), path, tier)


def _read(normaliser: str, value: Any) -> Reading | None:
    if value is None:
        return None
    try:
        return NORMALISERS[normaliser]({}, value)[0]
    except Unreadable:
        return None


# --- planned --------------------------------------------------------------------------------------------------


def planned(finder: Finder, definition: EvidenceDefinition, binding: Binding) -> Harvest:
    """Observations that state it, and what open orders of radiotherapy say, each with the order it is based on."""
    found = observations(finder, definition, binding)
    of_orders = [
        _of_order(entry, definition, each, binding)
        for entry in finder.chart.of_type("ServiceRequest")
        if is_order(entry.resource)
        for each in _planned(entry.resource)
        if each.item == definition.item
    ]
    return Harvest((*found.statements, *of_orders), found.unread)


def _planned(source: Mapping[str, Any]) -> Iterator[_Stated]:
    numbers = [*_planned_numbers(source)]
    coded_techniques = [_Stated("rt.plan.technique", each.reading, each.path) for each in _techniques(source)]
    for path, text in _notes(source):
        if not numbers and (stated := planned_in(text)) is not None:
            numbers += _numbers("rt.plan.", stated.dose, stated.fractions, path, Tier.TEXT)
        named = techniques_in(text)
        if not coded_techniques and len(named) == 1:  # "IMRT, because the 3D plan …" leaves a person to read it
            technique = Reading(min(named), coded=TECHNIQUES[min(named)])
            coded_techniques.append(_Stated("rt.plan.technique", technique, path, Tier.TEXT))
    yield from numbers
    yield from coded_techniques
    for path, each in _extensions(source, _REIRRADIATION):
        if isinstance(each.get("valueBoolean"), bool):
            yield _Stated("rt.plan.reirradiation", Reading(each["valueBoolean"]), path)


def _planned_numbers(source: Mapping[str, Any]) -> Iterator[_Stated]:
    for path, each in _extensions(source, *_PLANNED_FRACTIONS):
        count = _read("rt.fractions", each.get("valuePositiveInt", each.get("valueUnsignedInt")))
        if count is not None:
            yield _Stated("rt.plan.fractions", count, path)
    for path, each in _extensions(source, *_PLANNED_VOLUMES):
        dose, fractions = _dose_and_fractions(_parts_of(each), "totalDose", "fractions")
        yield from _numbers("rt.plan.", dose, fractions, path, Tier.CODE)


def _of_order(entry: Entry, definition: EvidenceDefinition, stated: _Stated, binding: Binding) -> Statement:
    reasons: Sequence[str] = binding.reasons(entry)
    answer = Answer(definition, entry, stated.path, stated.tier, stated.reading.value, (stated.reading,))
    made = statement(answer, stated.reading, binding, focus=reasons[0] if reasons else None)
    assert made.view is not None
    view = {**made.view, "basedOn": [{"reference": entry.reference}]}
    return Statement(
        item=made.item,
        value=made.value,
        unit=made.unit,
        entry=entry,
        path=stated.path,
        tier=stated.tier,
        when=entry.when,
        view=view,
        focus=made.focus,
    )
