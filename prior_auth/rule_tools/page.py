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

_TRIALS = """## Trials

The same evidence and the same engine asked another question: is this patient eligible for a trial? Criteria are told in
our words from the public record. `prior-auth match-trial` answers; nothing is authorized or sent by it.
"""


def page(policies: Sequence[Policy]) -> str:
    """Markdown: a table of all, then one section each, by id."""
    ordered = sorted((one for one in policies if one.trial is None), key=lambda one: (one.id, one.payer))
    trials = sorted((one for one in policies if one.trial), key=lambda one: one.id)
    lines = [_HEAD, *_table(ordered), *(line for one in ordered for line in _section(one))]
    if trials:
        lines += ["", _TRIALS.rstrip(), *(line for one in trials for line in _section(one))]
    return "\n".join(lines).rstrip() + "\n"


def _table(policies: Sequence[Policy]) -> Iterator[str]:
    yield "| Rule | Service | Paths written | Paths not written |"
    yield "|---|---|---|---|"
    for one in policies:
        written, unwritten = (", ".join(path.id for path in paths) or "none" for paths in (one.paths, one.unwritten))
        yield f"| {one.id} | {one.title} | {written} | {unwritten} |"


def _section(policy: Policy) -> Iterator[str]:
    yield f"\n##{'#' if policy.trial else ''} {policy.id} {policy.title}\n"
    if policy.trial:
        trial = policy.trial
        yield f"Version {policy.version}. {trial.nct}, {trial.name} ({trial.status})."
    else:
        yield f"Version {policy.version}, in force since {policy.start}. Codes: {', '.join(_codes(policy)) or 'none'}."
    for path in policy.paths:
        yield f"\n**{path.id}: {path.title}**\n"
        for criterion in path.criteria:
            yield f"* {criterion.id}: {criterion.text}"
    if policy.unwritten:
        yield "\n**Not written down, a person looks:** " + "; ".join(one.title for one in policy.unwritten) + "."
    if policy.trial:
        yield f"\n**Left to the trial's site, never judged:** {'; '.join(policy.trial.left_to_site)}."
    yield "\n**Sources**\n"
    for source in policy.sources:
        yield f"* {source.certainty} ({CERTAINTY[source.certainty]}), read {source.read}: {source.name}"


def _codes(policy: Policy) -> Iterator[str]:
    for one in policy.services:
        days = [f"from {one.start}" if one.start else "", f"until {one.end}" if one.end else ""]
        yield " ".join([one.coding.code, *filter(None, days)])
