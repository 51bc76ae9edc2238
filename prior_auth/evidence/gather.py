"""From a chart to the evidence of one patient: facts with their sources, and the mCODE view that policies see."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from prior_auth.domain.evidence import Conflicting, Evidence, Fact, Looked, Tier, Unread
from prior_auth.evidence import person
from prior_auth.evidence.attested import attestations
from prior_auth.evidence.binding import Binding
from prior_auth.evidence.cancers import cancers_of
from prior_auth.evidence.chart import Chart, chart_of
from prior_auth.evidence.conditions import absent_comorbidities, allergies, comorbidities, pregnancy
from prior_auth.evidence.conflicts import settle
from prior_auth.evidence.definitions import EvidenceDefinition, EvidenceDefinitions
from prior_auth.evidence.documents import documents
from prior_auth.evidence.family import family
from prior_auth.evidence.finding import Finder
from prior_auth.evidence.insurance import coverages
from prior_auth.evidence.lines import ITEM, lines
from prior_auth.evidence.observations import SHAPES, observations
from prior_auth.evidence.orders import service_orders
from prior_auth.evidence.parts import Parts
from prior_auth.evidence.pending import overtaken
from prior_auth.evidence.procedures import procedures
from prior_auth.evidence.prose import told_only_in_prose
from prior_auth.evidence.radiotherapy import planned
from prior_auth.evidence.reports import reports
from prior_auth.evidence.staging import from_diagnoses
from prior_auth.evidence.statement import Harvest, Statement
from prior_auth.evidence.therapy import MEDICATIONS, therapy
from prior_auth.evidence.variants import genes_studied, variants
from prior_auth.evidence.viewing import view_of


def gather(resources: Sequence[Mapping[str, Any]], *, as_of: date, definitions: EvidenceDefinitions) -> Evidence:
    """All evidence of a chart as of a day.

    Raises BadInput where the chart has no patient or more than one, or a resource is none.
    """
    chart = chart_of(resources, as_of)
    finder = Finder(chart, definitions)
    cancers = cancers_of(finder)
    binding = Binding(chart, cancers.cancers, cancers.aliases, cancers.views)
    harvests = [person.harvest(chart), cancers.harvest, therapy(chart, binding)]
    harvests += [_WAYS[each.view](finder, each, binding) for each in definitions if each.view in _WAYS]
    observed = [statement for harvest in harvests for statement in harvest.statements]
    harvests.append(from_diagnoses(finder, binding, observed))
    if ITEM in definitions:
        harvests.append(lines(definitions[ITEM], binding, observed))
    return _evidence(chart, definitions, harvests, binding)


Way = Callable[[Finder, EvidenceDefinition, Binding], Harvest]
_WAYS: Mapping[str, Way] = {
    **dict.fromkeys(SHAPES, observations),
    "variant": variants,
    "genes-studied": genes_studied,
    "comorbidity": comorbidities,
    "comorbidity-absent": absent_comorbidities,
    "pregnancy": pregnancy,
    "allergy": allergies,
    "surgery": procedures,
    "radiotherapy": procedures,
    "transplant": procedures,
    "scan": procedures,
    "document": reports,
    "report": reports,
    "attestation": attestations,
    "service-order": service_orders,
    "planned": planned,
    "family": family,
    "coverage": coverages,
}


def _evidence(
    chart: Chart, definitions: EvidenceDefinitions, harvests: Sequence[Harvest], binding: Binding
) -> Evidence:
    parts = Parts(definitions)
    settled = settle(parts.named(each) for harvest in harvests for each in harvest.statements)
    unread = [each for harvest in harvests for each in harvest.unread]
    kept = overtaken(settled.kept, unread, chart.entries, binding)
    read_about = documents(chart, definitions, settled.kept)
    facts, view = view_of([*kept, *read_about], chart.patient_reference)
    alike: dict[_Kind, list[tuple[int, Fact]]] = defaultdict(list)
    for number, fact in enumerate(facts):
        alike[fact.item, fact.group].append((number, fact))
    return Evidence(
        patient=chart.patient_reference,
        facts=facts,
        view=view,
        unread=tuple(
            _each_once(
                parts.unread(
                    [
                        *unread,
                        *settled.unread,
                        *told_only_in_prose(chart, definitions, settled.kept),
                    ]
                )
            )
        ),
        conflicts=tuple(each for clash in settled.clashes for each in parts.conflicts(clash, _conflict(clash, alike))),
        looked=_looked(chart, definitions, facts),
    )


_Kind = tuple[str, str | None]  # item and group: what can contradict each other


def _conflict(clash: Sequence[Statement], alike: Mapping[_Kind, Sequence[tuple[int, Fact]]]) -> Conflicting:
    """The facts of a clash, in their order; only those of its kinds are looked through."""
    wanted = {(each.item, each.source, each.value, each.group) for each in clash}
    kinds = dict.fromkeys((each.item, each.group) for each in clash)
    found = [one for kind in kinds for one in alike.get(kind, ()) if _key(one[1]) in wanted]
    return Conflicting(clash[0].item, tuple(fact for _, fact in sorted(found, key=lambda one: one[0])))


def _key(fact: Fact) -> tuple[object, ...]:
    return fact.item, fact.source, fact.value, fact.group


def _each_once(unread: Iterable[Unread]) -> Iterable[Unread]:
    return dict.fromkeys(unread)


# Items without a search of their own are found by the module of their view.
_READ_FOR: Mapping[str, Sequence[str]] = {
    "cancer": ("Condition",),
    "therapy": MEDICATIONS,
    "allergy": ("AllergyIntolerance",),
    "variant-negative": ("Observation",),
    "service-order": ("ServiceRequest",),
    "comorbidity-present": ("Observation",),
    "coverage": ("Coverage",),
    "lines": MEDICATIONS,
    "planned": ("ServiceRequest",),
    "treatment-detail": ("Procedure", "ServiceRequest", *MEDICATIONS),
}


def _looked(chart: Chart, definitions: EvidenceDefinitions, facts: Iterable[Fact]) -> Mapping[str, Looked]:
    """How many resources were read for the items that no fact but a document's answers."""
    answered = {fact.item for fact in facts if fact.tier is not Tier.DOCUMENT}
    counts = Counter(entry.type for entry in chart.entries)
    looked: dict[str, Looked] = {}
    for definition in definitions:
        if definition.item not in answered:
            kinds = [kind for each in _asked(definition, definitions) for kind in _kinds(each)]
            looked[definition.item] = Looked(definition.item, {kind: counts[kind] for kind in kinds})
    return looked


def _asked(definition: EvidenceDefinition, definitions: EvidenceDefinitions) -> list[EvidenceDefinition]:
    """The item, or those that it is a part of."""
    if definition.part is None:
        return [definition]
    return [each for parent in definition.part.of for each in _asked(definitions[parent], definitions)]


def _kinds(definition: EvidenceDefinition) -> Sequence[str]:
    return [search.resource for search in definition.searches] or _READ_FOR.get(definition.view, ())
