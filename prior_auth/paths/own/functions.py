"""The functions of FHIRPath by name; those that take an expression to evaluate are in `iterating`."""

from __future__ import annotations

from collections.abc import Mapping

from prior_auth.paths.own import collections, conversions, fhir, maths, texts
from prior_auth.paths.own.function import Function

FUNCTIONS: Mapping[str, Function] = {
    **collections.FUNCTIONS,
    **texts.FUNCTIONS,
    **maths.FUNCTIONS,
    **conversions.FUNCTIONS,
    **fhir.FUNCTIONS,
}
