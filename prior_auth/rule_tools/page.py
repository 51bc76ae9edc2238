"""docs/oncology.md: every policy of a rulebook, its sources, and what of them is unverified."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prior_auth.policy.model import Policy
from prior_auth.rule_tools.shown import CERTAINTY

_HEAD = """# Oncology policies

Written by `prior-auth rules page`; a test holds it to the rules. All payers and plans here are synthetic. A source has
**S** where it was seen in a public place, **L** where a label or code book is told from memory, **P** where it is our
choice: rows marked L and P are unverified, and `rules show` and the pages say so.
"""


def page(policies: Sequence[Policy]) -> str:
    """Markdown: a table of all, then one section each, by id."""
    ordered = sorted(policies, key=lambda one: (one.id, one.payer))
    return "\n".join([_HEAD, *_table(ordered), *(line for one in ordered for line in _section(one))]).rstrip() + "\n"


def _table(policies: Sequence[Policy]) -> Iterator[str]:
    yield "| Rule | Service | Paths written | Paths not written |"
    yield "|---|---|---|---|"
    for one in policies:
        written, unwritten = (", ".join(path.id for path in paths) or "none" for paths in (one.paths, one.unwritten))
        yield f"| {one.id} | {one.title} | {written} | {unwritten} |"


def _section(policy: Policy) -> Iterator[str]:
    yield f"\n## {policy.id} {policy.title}\n"
    yield f"Version {policy.version}, in force since {policy.start}. Codes: {', '.join(_codes(policy)) or 'none'}."
    for path in policy.paths:
        yield f"\n**{path.id}: {path.title}**\n"
        for criterion in path.criteria:
            yield f"* {criterion.id}: {criterion.text}"
    if policy.unwritten:
        yield "\n**Not written down, a person looks:** " + "; ".join(one.title for one in policy.unwritten) + "."
    yield "\n**Sources**\n"
    for source in policy.sources:
        yield f"* {source.certainty} ({CERTAINTY[source.certainty]}), read {source.read}: {source.name}"


def _codes(policy: Policy) -> Iterator[str]:
    for one in policy.services:
        days = [f"from {one.start}" if one.start else "", f"until {one.end}" if one.end else ""]
        yield " ".join([one.coding.code, *filter(None, days)])
