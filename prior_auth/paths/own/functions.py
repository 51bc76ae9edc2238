"""The functions of FHIRPath by name; those that take an expression to evaluate are in `compiled`."""

from __future__ import annotations

from collections.abc import Mapping

from prior_auth.paths.own import collections, conversions, fhir, maths, texts
from prior_auth.paths.own.conversions import as_text
from prior_auth.paths.own.function import Function

__all__ = ["FUNCTIONS", "as_text"]

FUNCTIONS: Mapping[str, Function] = {
    **collections.FUNCTIONS,
    **texts.FUNCTIONS,
    **maths.FUNCTIONS,
    **conversions.FUNCTIONS,
    **fhir.FUNCTIONS,
}
