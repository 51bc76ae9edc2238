"""Surgery, radiotherapy and transplants: Procedures of the view, from whatever code or words the chart has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from prior_auth.domain.coding import Coding
from prior_auth.domain.evidence import Source, Tier, Unread
from prior_auth.evidence.binding import Binding
from prior_auth.evidence.chart import Entry, concept_text, mapping, sequence
from prior_auth.evidence.definitions import EvidenceDefinition
from prior_auth.evidence.finding import Finder, Place
from prior_auth.evidence.intents import intent_extension, intents, preventive_extension, unread_intents
from prior_auth.evidence.normalise import Unreadable
from prior_auth.evidence.normalise.codes import SCT
from prior_auth.evidence.normalise.text import negated
from prior_auth.evidence.radiotherapy import delivered, extensions_of, unread_delivered
from prior_auth.evidence.sites import sided, site_of
from prior_auth.evidence.standing import Standing, standing, why
from prior_auth.evidence.statement import Harvest, Statement
from prior_auth.evidence.surgery import is_of_something_benign, is_preventive, side_of_surgery
from prior_auth.evidence.when import period_of
from prior_auth.fhir import mcode

SURGERY = "surgery"
US_CORE_PROCEDURE = f"{mcode.US_CORE}us-core-procedure"
_SURGICAL = Coding(SCT, "387713003", "Surgical procedure")


def procedures(finder: Finder, definition: EvidenceDefinition, binding: Binding) -> Harvest:
    """One Procedure of the view for each that was done or is under way."""
    statements: list[Statement] = []
    doubts: list[Unread] = []
    known = _of_other_items(finder, definition)
    for place in finder.places(definition.item):
        entry = place.entry
        if entry.reference in known:
            continue
        found = standing(entry.resource)
        if found is Standing.NOTHING or (place.tier is Tier.TEXT and negated(concept_text(entry.resource.get("code")))):
            continue
        if found is not Standing.COUNTS:
            source = Source(entry.reference, entry.prefix, entry.origin)
            doubts.append(Unread(definition.item, source, why(entry.resource, found)))
            continue
        if definition.item == SURGERY and (against := _no_surgery_of_a_cancer(place, binding)) is not None:
            doubts.append(Unread(definition.item, Source(entry.reference, entry.prefix, entry.origin), against))
            continue
        made = _statement(place, definition, binding)
        statements += [made, *intents(made)]
        doubts += unread_intents(entry)
        if definition.item == "rt.course":
            statements += delivered(made)
            doubts += unread_delivered(entry)
    return Harvest(tuple(statements), tuple(doubts))


def _no_surgery_of_a_cancer(place: Place, binding: Binding) -> str | None:
    """Why what is called a surgery is no evidence of one; None where it is."""
    source = place.entry.resource
    try:
        side_of_surgery(source)
    except Unreadable as refusal:
        return str(refusal)
    return None if binding.reasons(place.entry) or not is_of_something_benign(source) else "its reason is no cancer"


_PROCEDURES = frozenset({"surgery", "radiotherapy", "transplant", "scan"})


def _of_other_items(finder: Finder, definition: EvidenceDefinition) -> frozenset[str]:
    """What an operation is already by a name of its own: of a cancer, a transplant. It stands in the view once."""
    if definition.item != "operation":
        return frozenset()
    others = (one.item for one in finder.definitions if one.view in _PROCEDURES and one.item != definition.item)
    return frozenset(place.entry.reference for item in others for place in finder.places(item))


def _statement(place: Place, definition: EvidenceDefinition, binding: Binding) -> Statement:
    entry = place.entry
    reasons = binding.reasons(entry)
    concept = mapping(entry.resource.get("code"))
    return Statement(
        item=definition.item,
        value=named(concept),
        unit=None,
        entry=entry,
        path=f"{entry.type}.code",
        tier=place.tier,
        when=entry.when,
        view=_view(entry, definition, concept, reasons),
        question=definition.code.code if definition.code else "",
        focus=reasons[0] if reasons else None,
    )


def named(concept: Mapping[str, Any]) -> str | None:
    for each in (*sequence(concept.get("coding")), concept):
        for key in ("display", "text", "code"):
            if isinstance(mapping(each).get(key), str):
                return str(each[key])
    return None


def _view(
    entry: Entry, definition: EvidenceDefinition, concept: Mapping[str, Any], reasons: Sequence[str]
) -> dict[str, Any]:
    source = entry.resource
    text = concept.get("text") if isinstance(concept.get("text"), str) else None
    made = mcode.concept(definition.code, sequence(concept.get("coding")), text)
    status = str(source["status"]) if entry.type == "Procedure" else "completed"
    surgery = definition.item == SURGERY
    extensions = [
        *(preventive_extension(source) if surgery and is_preventive(source) else intent_extension(source)),
        *(extensions_of(source) if definition.item == "rt.course" else ()),
    ]
    return {
        "resourceType": "Procedure",
        "profile": _profile(entry, definition),
        **({"extension": extensions} if extensions else {}),
        "status": status,
        **({"category": mcode.concept(_SURGICAL)} if definition.view == "surgery" else {}),
        "code": made,
        **dict(_performed(entry)),
        **_body_sites(source, side_of_surgery(source) if surgery else None, concept),
        **({"reasonReference": [{"reference": each} for each in reasons]} if reasons else {}),
    }


def _body_sites(source: Mapping[str, Any], side: str | None, concept: Mapping[str, Any]) -> dict[str, Any]:
    """As the chart has them; the side that words tell stands in mCODE's qualifier."""
    stated = source.get("bodySite")
    copies = mcode.copied(stated) if isinstance(stated, list) else []
    if side is None:
        return {"bodySite": copies} if copies else {}
    place = site_of({"text": concept_text(concept)})
    return {"bodySite": sided(copies, side, place.group if place else "")}


def _profile(entry: Entry, definition: EvidenceDefinition) -> str | None:
    days = entry.when.days
    if days is not None and not days.is_exact:
        return None  # us-core-7 and the profiles above it ask for a day
    stated = sequence(mapping(entry.resource.get("meta")).get("profile"))
    own = definition.profile or US_CORE_PROCEDURE
    # What a sender without mCODE states of a radiotherapy lacks what the mCODE summary requires.
    return own if own in stated or definition.item != "rt.course" else US_CORE_PROCEDURE


def _performed(entry: Entry) -> Iterator[tuple[str, Any]]:
    if entry.type in ("Procedure", "DiagnosticReport"):
        if entry.when.end or entry.when.element == "Procedure.performedPeriod":
            yield "performedPeriod", period_of(entry.when)
            return
        if entry.when.text:
            yield "performedDateTime", entry.when.text
            return
    yield "_performedDateTime", mcode.absent()
