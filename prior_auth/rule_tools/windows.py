"""Which criteria look at how old their evidence is, and by which of the policy's windows of days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prior_auth.cql.syntax import parse_library
from prior_auth.policy.model import Criterion, Duration, Policy
from prior_auth.policy.names import Names


def windows(policy: Policy, cql: str) -> Mapping[str, Sequence[Criterion]]:
    """The names of the policy's durations, each with the criteria whose evidence or test leads to it in its library."""
    own = parse_library(cql, policy.file)
    names = Names({own.name: own})
    reached = {one: names.reached((own.name, define) for define in (one.evidence, one.test)) for one in policy.criteria}
    return {
        value: [one for one in policy.criteria if (own.name, value) in reached[one]]
        for value, rows in policy.values.items()
        if any(isinstance(row.value, Duration) for row in rows.values())
    }
