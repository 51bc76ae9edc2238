"""The cancers of a chart: which Conditions are one, how they stand in the view, what else they state.

One cancer is often recorded many times (problem list, encounters, claims, an outside export). Those of one organ and
one side, not told apart by their course, are one Condition of the view; all of them stay as sources.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from prior_auth.domain.evidence import Tier, Unread
from prior_auth.evidence.binding import Cancer
from prior_auth.evidence.chart import Entry, codings_of, concept_text, mapping, reference_text, sequence
from prior_auth.evidence.definitions import MCODE, EvidenceDefinition
from prior_auth.evidence.finding import Answer, Finder, read
from prior_auth.evidence.normalise import Reading
from prior_auth.evidence.normalise.condition_text import cancers_in
from prior_auth.evidence.normalise.reading import Unreadable
from prior_auth.evidence.normalise.text import doubtful
from prior_auth.evidence.sites import LEFT, RIGHT, group_of, side_of, side_or_both, sided, structure_of
from prior_auth.evidence.spread import spread_in
from prior_auth.evidence.standing import Standing, standing
from prior_auth.evidence.statement import Harvest, Statement
from prior_auth.evidence.statement import unread as not_read
from prior_auth.evidence.when import parsed
from prior_auth.fhir import mcode

PRIMARY_PROFILE = f"{MCODE}mcode-primary-cancer-condition"
SECONDARY_PROFILE = f"{MCODE}mcode-secondary-cancer-condition"
CONDITION_RELATED = "http://hl7.org/fhir/StructureDefinition/condition-related"

_ITEM_OF_SITE = {"breast": "dx.breast", "nsclc": "dx.nsclc", "prostate": "dx.prostate"}
_COURSE, _RECORDED = ("clinicalStatus", "verificationStatus", "recordedDate"), "Condition.recordedDate"
_UNSPECIFIED, _OTHER = "unspecified", "other"
_OVER = frozenset({"resolved", "remission", "inactive"})


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One Condition that says a cancer."""

    answer: Answer
    reading: Reading
    primary: bool
    site: str
    side: str | None

    @property
    def entry(self) -> Entry:
        return self.answer.entry


@dataclass(frozen=True, slots=True)
class Cancers:
    """`aliases` leads from every Condition that says a cancer to the one of the view."""

    cancers: tuple[Cancer, ...]
    aliases: Mapping[str, str]
    harvest: Harvest

    @property
    def views(self) -> Mapping[str, Mapping[str, Any]]:
        """The resource of the view for each Condition that says a cancer."""
        return {each.entry.reference: each.view for each in self.harvest.statements if each.view is not None}


def cancers_of(finder: Finder) -> Cancers:
    """All cancers of the chart. Histories (`Z85.3`) and what is only suspected are none."""
    diagnoses, unread = _diagnoses(finder)
    cancers: list[Cancer] = []
    aliases: dict[str, str] = {}
    groups = _grouped(diagnoses)
    for group in groups:
        best = min(group, key=_rank)
        for each in group:
            aliases[each.entry.reference] = best.entry.reference
    statements: list[Statement] = []
    for group in groups:
        best = min(group, key=_rank)
        cancers.append(_cancer(best, group))
        statements.extend(_statements(best, group, aliases))
    return Cancers(tuple(cancers), aliases, Harvest(tuple(statements), tuple(unread)))


def _diagnoses(finder: Finder) -> tuple[list[Diagnosis], list[Unread]]:
    found: dict[str, Diagnosis] = {}
    unread: dict[str, Unread] = {}
    for item in ("dx.primary", "dx.secondary"):
        definition = finder.definitions[item]
        for place in finder.places(item):
            reference = place.entry.reference
            if reference in found:
                continue
            answer = read(place, definition)
            if isinstance(answer, Answer):
                diagnosis = _diagnosis(answer)
                if diagnosis is not None and not diagnosis.primary and _is_denied(place.entry):
                    unread.setdefault(reference, not_read(item, place.entry, "its words deny or doubt its code"))
                elif diagnosis is not None:
                    found[reference] = diagnosis
            elif (
                answer is not None
                and place.tier is Tier.PROFILE
                and standing(place.entry.resource) is Standing.COUNTS
                and not doubtful(concept_text(place.entry.resource.get("code")))
            ):
                found[reference] = _as_profiled(place.entry, definition)
            elif answer is not None and (place.tier is not Tier.TEXT or _is_suspected(place.entry)):
                unread.setdefault(reference, answer)
    return list(found.values()), [each for reference, each in unread.items() if reference not in found]


def _is_denied(entry: Entry) -> bool:
    """`No evidence of brain metastases` under the code of brain metastases."""
    text = mapping(entry.resource.get("code")).get("text")
    try:
        cancers_in(text if isinstance(text, str) else "")
    except Unreadable:
        return True
    return False


def _is_suspected(entry: Entry) -> bool:
    return standing(entry.resource) is Standing.DOUBTFUL


def _as_profiled(entry: Entry, definition: EvidenceDefinition) -> Diagnosis:
    """A cancer of a kind that the normaliser does not know is one all the same where its profile says so."""
    primary = definition.item == "dx.primary"
    reading = Reading(_OTHER, extra={"kind": "primary" if primary else "secondary"})
    answer = Answer(definition, entry, "Condition.code", Tier.PROFILE, entry.resource.get("code"), (reading,))
    return Diagnosis(answer, reading, primary, _OTHER, _side(entry))


def _diagnosis(answer: Answer) -> Diagnosis | None:
    reading = answer.readings[0] if answer.readings else None
    kind = reading.extra.get("kind") if reading is not None else None
    if reading is None or kind not in ("primary", "secondary"):
        return None
    site = str(reading.value or _UNSPECIFIED)
    stated = reading.extra.get("laterality")
    side = stated if stated in (LEFT, RIGHT) else _side(answer.entry)
    return Diagnosis(answer, reading, kind == "primary", site, side)


def _side(entry: Entry) -> str | None:
    for concept in (*sequence(entry.resource.get("bodySite")), entry.resource.get("code")):
        if (side := side_of(concept)) is not None:
            return side
    return None


def _grouped(diagnoses: Sequence[Diagnosis]) -> list[list[Diagnosis]]:
    """Diagnoses that are one cancer, in chart order."""
    by_organ: dict[tuple[bool, str], list[Diagnosis]] = defaultdict(list)
    for each in diagnoses:
        by_organ[each.primary, group_of(each.site)].append(each)
    _place_unspecified(by_organ)
    groups = [group for same in by_organ.values() for group in _by_side(same)]
    return sorted(groups, key=lambda group: min(each.entry.number for each in group))


def _place_unspecified(by_organ: dict[tuple[bool, str], list[Diagnosis]]) -> None:
    """A mere "cancer" beside one cancer of a known place is that one."""
    for primary in (True, False):
        places = [key for key in by_organ if key[0] is primary and key[1] != _UNSPECIFIED]
        if len(places) == 1 and (primary, _UNSPECIFIED) in by_organ:
            by_organ[places[0]] += by_organ.pop((primary, _UNSPECIFIED))


def _by_side(diagnoses: Sequence[Diagnosis]) -> Iterator[list[Diagnosis]]:
    exact = {each.site for each in diagnoses if each.site not in (group_of(each.site), _UNSPECIFIED)}
    if len(exact) > 1:  # a small cell and a non-small cell lung cancer are two
        for site in sorted({each.site for each in diagnoses}):
            yield from _by_side([each for each in diagnoses if each.site == site])
        return
    sides: dict[str | None, list[Diagnosis]] = defaultdict(list)
    for each in diagnoses:
        sides[each.side].append(each)
    named = [side for side in sides if side is not None]
    if len(named) == 1 and None in sides:  # the side not said is the one side that is
        sides[named[0]] += sides.pop(None)
    for same in sides.values():
        yield from _by_course(same)


def _by_course(diagnoses: Sequence[Diagnosis]) -> Iterator[list[Diagnosis]]:
    """A cancer that is over and one that is not are two, unless the former is only an encounter's or claim's record."""
    listed = [each for each in diagnoses if not _of_encounter(each.entry)]
    over = [each for each in listed if _is_over(each.entry)]
    if not over or len(over) == len(listed):
        yield list(diagnoses)
        return
    yield [each for each in diagnoses if each not in over]
    yield over


def _of_encounter(entry: Entry) -> bool:
    codes = {code for category in sequence(entry.resource.get("category")) for _, code in codings_of(category)}
    return "encounter-diagnosis" in codes


def _is_over(entry: Entry) -> bool:
    return any(code in _OVER for _, code in codings_of(entry.resource.get("clinicalStatus")))


def _rank(diagnosis: Diagnosis) -> tuple[Any, ...]:
    """The one that says most stands in the view."""
    tiers = [Tier.PROFILE, Tier.CODE, Tier.TEXT]
    return (
        tiers.index(diagnosis.answer.tier),
        diagnosis.site == _UNSPECIFIED,
        diagnosis.site == group_of(diagnosis.site),  # the type of a lung cancer is worth more than its mere place
        _of_encounter(diagnosis.entry),
        diagnosis.side is None,
        diagnosis.entry.when.text is None,
        diagnosis.entry.number,
    )


def _cancer(best: Diagnosis, group: Sequence[Diagnosis]) -> Cancer:
    codes = frozenset(pair for each in group for pair in codings_of(each.entry.resource.get("code")))
    return Cancer(best.entry.reference, best.primary, best.site, group_of(best.site), best.side, codes)


def _statements(best: Diagnosis, group: Sequence[Diagnosis], aliases: Mapping[str, str]) -> Iterator[Statement]:
    view = _condition(best, group, aliases)
    for each in (best, *(other for other in group if other is not best)):
        item = "dx.primary" if each.primary else "dx.secondary"
        sited = _ITEM_OF_SITE.get(best.site) if each.primary else None
        yield Statement(
            item=item,
            value=each.site,
            unit=None,
            entry=each.entry,
            path=each.answer.path,
            tier=each.answer.tier,
            when=each.entry.when,
            view=view,
            also=(sited,) if sited else (),
            question="primary" if each.primary else "secondary",
            focus=best.entry.reference,
        )
    if best.primary:
        yield from _sides_and_onsets(best, group, view)
    yield from _spread(best, group, aliases)


def _sides_and_onsets(best: Diagnosis, group: Sequence[Diagnosis], view: mcode.Resource) -> Iterator[Statement]:
    """What the diagnoses say of a primary's side, and of the day it was diagnosed."""
    for each in group:
        entry = each.entry
        stated = [("laterality", *side) for side in _sides(each)] + [("dx.onset", *_diagnosed(entry))]
        for item, value, place in stated:
            if value is not None:
                yield Statement(
                    item=item,
                    value=value,
                    unit=None,
                    entry=entry,
                    path=place,
                    tier=each.answer.tier,
                    when=entry.when,
                    view=view,
                    focus=best.entry.reference,
                    single=item == "laterality",
                )


def _sides(diagnosis: Diagnosis) -> list[tuple[str | None, str]]:
    """The side by the diagnosis itself and by its body site; where the two differ, a person looks."""
    resource = diagnosis.entry.resource
    coded = diagnosis.reading.extra.get("laterality")
    by_code = side_or_both({"code": resource.get("code")}) or (str(coded) if coded else None)
    by_site = side_or_both({"bodySite": resource.get("bodySite")})
    if by_code is None and by_site is None:
        return [(diagnosis.side, "Condition.code")]
    stated = [(by_code, "Condition.code"), (by_site, "Condition.bodySite")]
    return stated if by_code and by_site and by_code != by_site else stated[1:] if by_site else stated[:1]


def _diagnosed(entry: Entry) -> tuple[str | None, str]:
    """The onset, the day it was asserted, or the one on which it was written down; none where words tell of another."""
    if entry.when.text is not None and entry.when.element != _RECORDED:
        return entry.when.text, str(entry.when.element)
    for index, extension in enumerate(sequence(entry.resource.get("extension"))):
        day = mapping(extension).get("valueDateTime") if mapping(extension).get("url") == mcode.ASSERTED else None
        if isinstance(day, str) and mcode.FHIR_DATE.fullmatch(day) and parsed(day) is not None:
            return day, f"Condition.extension[{index}].value"
    if any(key.startswith("onset") for key in entry.resource):  # "two years ago", an age: not the day of the record
        return None, _RECORDED
    return entry.when.text, _RECORDED


def _spread(best: Diagnosis, group: Sequence[Diagnosis], aliases: Mapping[str, str]) -> Iterator[Statement]:
    """Metastases that the words of a diagnosis name and its code does not."""
    told = set() if best.primary else {each.site for each in group}
    for each in group:
        for site, code in spread_in(each.entry.resource.get("code")).items():
            if site in told:
                continue
            told.add(site)
            source = {key: each.entry.resource[key] for key in _COURSE if key in each.entry.resource}
            of = {"url": CONDITION_RELATED, "valueReference": {"reference": best.entry.reference}}
            yield Statement(
                item="dx.secondary",
                value=site,
                unit=None,
                entry=each.entry,
                path="Condition.code",
                tier=Tier.TEXT,
                when=replace(each.entry.when, text=None) if each.entry.when.element != _RECORDED else each.entry.when,
                view=mcode.condition(
                    profile=SECONDARY_PROFILE,
                    code=mcode.concept(code),
                    source=source,
                    extension=[of] if best.primary else _related(best.entry, aliases),
                ),
                question="secondary",
                focus=best.entry.reference,
            )


def _condition(best: Diagnosis, group: Sequence[Diagnosis], aliases: Mapping[str, str]) -> mcode.Resource:
    source = dict(best.entry.resource)
    if (sites := _body_sites(source, best)) is not None:
        source["bodySite"] = sites
    codings = [
        coding for each in (best, *group) for coding in sequence(mapping(each.entry.resource.get("code")).get("coding"))
    ]
    text = mapping(source.get("code")).get("text")
    return mcode.condition(
        profile=PRIMARY_PROFILE if best.primary else SECONDARY_PROFILE,
        code=mcode.concept(best.reading.coded, codings, text if isinstance(text, str) else None),
        source=_with_onset(source, group),
        extension=_asserted(best, group) if best.primary else _related(best.entry, aliases),
    )


def _asserted(best: Diagnosis, group: Sequence[Diagnosis]) -> list[dict[str, Any]]:
    """The day on which the diagnosis was made, where a record of it states it."""
    for each in (best, *group):
        day, path = _diagnosed(each.entry)
        if path.startswith("Condition.extension"):
            return [{"url": mcode.ASSERTED, "valueDateTime": day}]
    return []


def _with_onset(source: dict[str, Any], group: Sequence[Diagnosis]) -> dict[str, Any]:
    """The onset of another record of this cancer, the earliest, where the best one states none."""
    if any(key.startswith("onset") for key in source):
        return source
    onsets = sorted(
        each.entry.when.text
        for each in group
        if each.entry.when.text and each.entry.when.element == "Condition.onsetDateTime"
    )
    return {**source, "onsetDateTime": onsets[0]} if onsets else source


def _body_sites(source: Mapping[str, Any], diagnosis: Diagnosis) -> Any:
    """What the Condition states of its place, with its side where a policy looks for it: in mCODE's qualifier."""
    stated, organ = source.get("bodySite"), group_of(diagnosis.site)
    sites = [each for each in sequence(stated) if isinstance(each, Mapping)]
    if diagnosis.side is None or len(sites) > 1 or (not sites and structure_of(organ) is None):
        return stated
    return sided(sites, diagnosis.side, organ)


def _related(entry: Entry, aliases: Mapping[str, str]) -> list[dict[str, Any]]:
    """The primary that a metastasis belongs to, where the chart says so."""
    found = []
    for extension in sequence(entry.resource.get("extension")):
        if mapping(extension).get("url") == CONDITION_RELATED:
            text = reference_text(extension.get("valueReference"))
            if text is not None and text in aliases:
                found.append({"url": CONDITION_RELATED, "valueReference": {"reference": aliases[text]}})
    return found
