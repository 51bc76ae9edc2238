"""Items that are a part of others: bone metastases among all, prior platinum among prior therapies.

They share the resource of the view with the item they are a part of, and what is unread or contradicts itself there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from prior_auth.domain.evidence import Conflicting, Unread
from prior_auth.evidence.definitions import EvidenceDefinition, EvidenceDefinitions, Part
from prior_auth.evidence.normalise.drug_table import INGREDIENTS
from prior_auth.evidence.statement import Statement


class Parts:
    """Which items are a part of which."""

    def __init__(self, definitions: EvidenceDefinitions) -> None:
        self._of: dict[str, list[tuple[EvidenceDefinition, Part]]] = defaultdict(list)
        for definition in definitions:
            if definition.part is not None:
                for parent in definition.part.of:
                    self._of[parent].append((definition, definition.part))

    def named(self, statement: Statement) -> Statement:
        """The statement with the parts that it answers too."""
        found = [
            definition.item
            for parent in (statement.item, *statement.also)
            for definition, part in self._of.get(parent, ())
            if _fits(part, statement)
        ]
        return replace(statement, also=tuple(dict.fromkeys((*statement.also, *found)))) if found else statement

    def unread(self, unread: Iterable[Unread]) -> Iterator[Unread]:
        """What cannot be read of an item cannot be read of its parts."""
        for each in unread:
            yield each
            for definition, _ in self._of.get(each.item, ()):
                yield replace(each, item=definition.item)

    def conflicts(self, clash: Sequence[Statement], conflicting: Conflicting) -> Iterator[Conflicting]:
        """A conflict is one of each part that one of its statements answers."""
        yield conflicting
        parts = {item for each in clash for item in each.also}
        yield from (replace(conflicting, item=item) for item in sorted(parts))


def _fits(part: Part, statement: Statement) -> bool:
    value = statement.value if isinstance(statement.value, str) else ""
    if part.values is not None and not part.values.search(value):
        return False
    if part.drugs and not part.drugs & (INGREDIENTS[value].classes if value in INGREDIENTS else frozenset()):
        return False
    return part.where is None or (statement.view is not None and part.where.truth(_plain(statement.view)) is True)


def _plain(view: Mapping[str, object]) -> Mapping[str, object]:
    """A resource of the view before it is published bears its profile beside its elements."""
    return {key: value for key, value in view.items() if key != "profile"}
