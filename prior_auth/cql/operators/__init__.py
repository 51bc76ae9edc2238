"""What the operators and functions of CQL do to values."""

from prior_auth.cql.operators import (
    aggregates,
    arithmetic,
    clinical,
    comparison,
    conversion,
    intervals,
    lists,
    moments,
    strings,
    timing,
)
from prior_auth.cql.operators.registry import OVERLOADS, Overload

__all__ = [
    "OVERLOADS", "Overload", "aggregates", "arithmetic", "clinical", "comparison", "conversion", "intervals", "lists",
    "moments", "strings", "timing",
]  # fmt: skip
