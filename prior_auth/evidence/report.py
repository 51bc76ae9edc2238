"""Evidence as programs and people read it: what can be asked of a chart, and what one chart answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.domain.evidence import Evidence, Fact, FactValue, Source, Tier, Unread
from prior_auth.evidence.chart import code_concept, mapping, sequence
from prior_auth.evidence.definitions import EvidenceDefinition, EvidenceDefinitions, Search
from prior_auth.evidence.normalise.codes import is_standard
from prior_auth.evidence.procedures import named

_TIERS = [tier.value for tier in Tier]


def catalogue(definitions: EvidenceDefinitions) -> list[dict[str, Any]]:
    """Every item by its number in the catalogue; items without one come last."""
    return [_defined(each, definitions) for each in sorted(definitions, key=_by_number)]


def _by_number(definition: EvidenceDefinition) -> tuple[bool, str, str]:
    return not definition.id.startswith("E"), definition.id, definition.item


def _defined(definition: EvidenceDefinition, definitions: EvidenceDefinitions) -> dict[str, Any]:
    document, part = definition.document, definition.part
    return {
        "item": definition.item,
        "id": definition.id,
        "question": definition.question,
        "who": definition.who,
        "tiers": tiers_of(definition, definitions),
        "part_of": list(part.of) if part else [],
        "find": [_search(each) for each in definition.searches],
        "documents": list(document.kinds) if document else [],
        "ask": [_coding(each) for each in definition.ask],
        "view": {"code": _coding(definition.code) if definition.code else None, "profile": definition.profile},
        "file": definition.file,
    }


def tiers_of(definition: EvidenceDefinition, definitions: EvidenceDefinitions) -> list[str]:
    """By what it can be recognised, surest first; a part by what its whole is."""
    found = {search.tier for search in definition.searches}
    found |= {value.tier for search in definition.searches for value in search.values if value.tier}
    if definition.profile and Tier.CODE in found:
        found.add(Tier.PROFILE)
    if definition.document:
        found.add(Tier.DOCUMENT)
    names = {tier.value for tier in found}
    for parent in definition.part.of if definition.part else ():
        names |= set(tiers_of(definitions[parent], definitions))
    if not definition.searches and not definition.part:
        names |= {Tier.CODE.value, Tier.TEXT.value}  # found by the module of its view, by code or by words
    return [tier for tier in _TIERS if tier in names]


def _search(search: Search) -> dict[str, Any]:
    return {
        "resource": search.resource,
        "tier": search.tier.value,
        "codes": [{"system": system, "code": code} for system, code in search.codes],
        "profiles": list(search.profiles),
        **({"text": search.text.pattern} if search.text else {}),
        **({"unless": search.unless.pattern} if search.unless else {}),
    }


# --- of one chart -----------------------------------------------------------------------------------------------


def answers(evidence: Evidence, definitions: EvidenceDefinitions) -> list[dict[str, Any]]:
    """For each item: its state, its facts, what of it is unread or contradicts itself, and what was looked for in vain.

    `state` is `found`, `conflict`, `unread`, `document` (only prose that a person must read) or `silent`.
    """
    unread: dict[str, list[Unread]] = {}
    for each in evidence.unread:
        unread.setdefault(each.item, []).append(each)
    facts: dict[str, list[Fact]] = {}
    for fact in evidence.facts:
        facts.setdefault(fact.item, []).append(fact)
    return [
        _answer(each, evidence, facts.get(each.item, ()), unread.get(each.item, ()))
        for each in sorted(definitions, key=_by_number)
    ]


def _answer(
    definition: EvidenceDefinition, evidence: Evidence, facts: Sequence[Fact], unread: Sequence[Unread]
) -> dict[str, Any]:
    conflicts = [each for each in evidence.conflicts if each.item == definition.item]
    looked = evidence.looked.get(definition.item)
    return {
        "item": definition.item,
        "id": definition.id,
        "question": definition.question,
        "state": _state(facts, unread, bool(conflicts)),
        "facts": [_fact(each) for each in facts],
        "unread": [{**_source(each.source), "why": each.why, "pending": each.pending} for each in unread],
        "conflicts": [[_fact(fact) for fact in each.facts] for each in conflicts],
        "looked": dict(looked.resources) if looked is not None else {},
        **({} if facts else {"who": definition.who, "ask": [_coding(each) for each in definition.ask]}),
    }


def _state(facts: Sequence[Fact], unread: Sequence[Unread], conflict: bool) -> str:
    if conflict:
        return "conflict"
    if any(fact.tier is not Tier.DOCUMENT for fact in facts):
        return "found"
    return "unread" if unread else "document" if facts else "silent"


def _fact(fact: Fact) -> dict[str, Any]:
    return {
        "value": _value(fact.value),
        "unit": fact.unit,
        "date": fact.date,
        "tier": fact.tier.value,
        **_source(fact.source),
        "view": fact.view,
    }


def _source(source: Source) -> dict[str, Any]:
    return {key: value for key, value in asdict(source).items() if value is not None}


def _value(value: FactValue) -> Any:
    return _coding(value) if isinstance(value, Coding) else value


def _coding(coding: Coding) -> dict[str, Any]:
    return {key: value for key, value in asdict(coding).items() if value is not None}


def local_codes(resources: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Codes that no standard code stands beside, most frequent first: what a map of local codes could tell."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for resource in resources:
        concept = code_concept(resource) if resource.get("resourceType") in _CODED else {}
        codings = [mapping(each) for each in sequence(concept.get("coding"))]
        if codings and not any(is_standard(each.get("system")) for each in codings):
            counts.update(
                (str(each.get("system", "")), str(each.get("code", "")), named(concept) or "") for each in codings
            )
    return [
        {"system": system, "code": code, "name": name, "count": count}
        for (system, code, name), count in counts.most_common()
    ]


_CODED = frozenset(
    {"Observation", "Condition", "Procedure", "DiagnosticReport", "DocumentReference", "MedicationRequest",
     "MedicationAdministration", "MedicationStatement", "MedicationDispense", "ServiceRequest", "AllergyIntolerance"}
)  # fmt: skip


# --- for people -------------------------------------------------------------------------------------------------


def catalogue_lines(items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in items:
        yield f"{each['id']:<8} {each['item']:<28} {each['question']}"
        yield f"{'':<8} {'':<28} by {', '.join(each['tiers'])}; from the {each['who']}"


def answer_lines(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What was found, then what was not; nothing is left out."""
    for each in sorted(found, key=lambda one: one["state"] == "silent"):
        yield f"{each['id']:<8} {each['item']:<28} {each['state']}"
        yield from (f"{'':<8}   {line}" for line in _details(each))


def _details(answer: Mapping[str, Any]) -> Iterator[str]:
    for fact in answer["facts"]:
        said = "to be read" if fact["tier"] == Tier.DOCUMENT.value else _in_words(fact)
        yield f"{said}  {fact['date'] or 'undated'}  {fact['reference']} {fact['path']}  ({fact['tier']})"
    for each in answer["unread"]:
        yield f"unread: {each['reference']} {each['path']}: {each['why']}"
    if answer["state"] == "silent":
        read = ", ".join(f"{count} {kind}" for kind, count in answer["looked"].items()) or "nothing to read"
        yield f"looked for in vain in {read}"


def _in_words(fact: Mapping[str, Any]) -> str:
    value = fact["value"]
    said = value.get("display") or value["code"] if isinstance(value, Mapping) else value
    return f"{said} {fact['unit']}" if fact["unit"] and fact["unit"] != "1" else str(said)


def local_lines(codes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for each in codes:
        yield f"local code {each['system']}|{each['code']} {each['name']}: {each['count']} times, in no map"
