"""Lines of systemic therapy, as far as a chart proves them: a lower bound, never a guess.

A new line is proved where the cancer progressed after a therapy had begun and a drug not given before was begun
afterwards. A change without a recorded progression (AC, then paclitaxel) proves none. Lines of every setting count,
(neo)adjuvant ones too: which of them count for a criterion is the policy's matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from prior_auth.domain.evidence import Tier
from prior_auth.evidence.binding import Binding
from prior_auth.evidence.definitions import EvidenceDefinition
from prior_auth.evidence.finding import Answer
from prior_auth.evidence.normalise import Reading
from prior_auth.evidence.normalise.drug_table import INGREDIENTS
from prior_auth.evidence.observations import statement
from prior_auth.evidence.statement import Harvest, Statement

ITEM = "prior.lines"


@dataclass(frozen=True, slots=True)
class _Start:
    """A drug that was given, from a day on."""

    day: date
    drug: str
    source: Statement


def lines(definition: EvidenceDefinition, binding: Binding, statements: Sequence[Statement]) -> Harvest:
    """One fact for each cancer with therapy: how many lines are proved, as `>=2`, of the day the last of them began."""
    starts = _starts(statements, binding)
    progressions = _progressions(statements, binding)
    found = [
        _fact(definition, binding, cancer, list(_begun(given, progressions.get(cancer, ()))), given)
        for cancer, given in starts.items()
    ]
    return Harvest(tuple(found))


def _starts(statements: Sequence[Statement], binding: Binding) -> Mapping[str | None, list[_Start]]:
    """Drugs against the cancer that were received, by cancer, in the order of their days."""
    found: dict[str | None, list[_Start]] = defaultdict(list)
    for each in statements:
        if each.item != "prior.therapy" or each.view is None or each.view["resourceType"] != "MedicationAdministration":
            continue
        drug, days = str(each.value), each.when.days
        against = drug not in INGREDIENTS or INGREDIENTS[drug].is_anticancer
        if against and days is not None and days.is_exact:
            found[each.focus or binding.only_cancer].append(_Start(days.earliest, drug, each))
    return {
        cancer: sorted(given, key=lambda one: (one.day, one.drug, one.source.entry.reference))
        for cancer, given in found.items()
    }


def _progressions(statements: Sequence[Statement], binding: Binding) -> Mapping[str | None, list[date]]:
    found: dict[str | None, list[date]] = defaultdict(list)
    for each in statements:
        days = each.when.days
        if each.item == "disease-status" and each.value == "worsened" and days is not None and days.is_exact:
            found[each.focus or binding.only_cancer].append(days.earliest)
    return {cancer: sorted(set(days)) for cancer, days in found.items()}


def _begun(given: Sequence[_Start], progressions: Sequence[date]) -> Iterator[_Start]:
    """The first drug of each line that is proved."""
    line = given[0]
    yield line
    while (after := next((day for day in progressions if day > line.day), None)) is not None:
        known = {one.drug for one in given if one.day < after}
        new = next((one for one in given if one.day >= after and one.drug not in known), None)
        if new is None:
            return
        yield new
        line = new


def _fact(
    definition: EvidenceDefinition, binding: Binding, cancer: str | None, begun: list[_Start], given: list[_Start]
) -> Statement:
    last = begun[-1].source
    tier = Tier.TEXT if any(one.source.tier is Tier.TEXT for one in given) else Tier.CODE
    reading = Reading(len(begun), "1", comparator=">=")
    answer = Answer(definition, last.entry, last.path, tier, None, (reading,))
    return statement(answer, reading, binding, focus=cancer)
