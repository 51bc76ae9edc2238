"""Values of an evaluation as they stand in an explanation: in their normal form, resources by their reference."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from prior_auth.cql import helpers
from prior_auth.cql.errors import EvaluationError
from prior_auth.cql.normal import normal
from prior_auth.cql.origins import Origins
from prior_auth.cql.values.core import Fhir, Interval
from prior_auth.cql.values.temporal import Date, DateTime, Time
from prior_auth.r4 import model

Json = dict[str, Any]

_MOMENTS = frozenset({Date, DateTime, Time})
_PLAIN = frozenset({type(None), bool, str, int})


class Shown:
    """Each value once. Keys are ids where a value has no better one: the events of the evaluation keep it alive."""

    def __init__(self, met: Callable[[Fhir], None]) -> None:
        """`met` is told of each resource when it is first shown."""
        self._met = met
        self.origins = Origins()
        self.normal: dict[Any, Any] = {}
        self.labels: dict[int, Json] = {}

    def label(self, value: Any) -> Json:
        """What a row is about: a resource's reference, else the element's place or the value itself."""
        if type(value) is not Fhir:
            return {"value": self.shown(value)}
        known = self.resource(value)
        if known is not None:
            return known
        reference, path = self.origins.of(value)
        return given(reference=reference, path=path) or {"value": self.shown(value)}

    def resource(self, value: Fhir) -> Json | None:
        """The label of a resource, the same wherever it is met; None for what is none."""
        known = self.labels.get(id(value))
        if known is None:
            if not model.is_resource(value.type):
                return None
            known = self.labels[id(value)] = {"reference": value.reference}
            self._met(value)
        return known

    def shown(self, value: Any) -> Any:
        kind = type(value)
        if kind in _PLAIN:
            return value
        if kind is list or kind is tuple:
            known = self.normal.get(id(value)) if value else None
            if known is None:
                known = [self.shown(one) for one in value]
                if value and type(value[0]) is Fhir and id(value[0]) in self.labels:
                    self.normal[id(value)] = known  # resources are told of alike from now on, elements may get a place
            return known
        if kind is dict:
            return {"tuple": {name: self.shown(one) for name, one in value.items()}}
        if kind is Fhir:
            return self.resource(value) or self._fhir(value)
        if kind is Interval:
            return {
                "low": self.shown(value.low), "high": self.shown(value.high), "lowClosed": value.low_closed,
                "highClosed": value.high_closed,
            }  # fmt: skip
        key = value if kind in _MOMENTS else id(value)
        known = self.normal.get(key)
        if known is None:
            known = self.normal[key] = normal(value)
        return known

    def _fhir(self, value: Fhir) -> Any:
        """An element as the value that CQL makes of it; primitives that say the same are worked out once."""
        json = value.json
        key = (value.type, json) if type(json) is str or type(json) is Decimal else id(value)
        known = self.normal.get(key)
        if known is None:
            found = self.plain(value)
            if type(found) is Fhir:
                return self._element(found)
            known = self.normal[key] = normal(found)
        return known

    def _element(self, value: Fhir) -> Json:
        """An element that is no value of CQL: its place, and of a quantity with a comparator what it says."""
        reference, path = self.origins.of(value)
        json = value.json if isinstance(value.json, dict) else {}
        said = {name: normal(json.get(name)) for name in ("comparator", "value", "unit") if "comparator" in json}
        return given(fhir=value.type, reference=reference, path=path, **said)

    def plain(self, value: Any) -> Any:
        """FHIR's data types as their CQL values; a quantity that is none keeps its comparator."""
        if isinstance(value, (list, tuple)):
            return [self.plain(one) for one in value]
        made = helpers.conversion(value.type) if type(value) is Fhir else None
        if made is None:
            return value
        try:
            return made[1](value)
        except (EvaluationError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError):
            return value  # an element of the chart that is not as FHIR has it: shown by its place


def given(**parts: Any) -> Json:
    """What is known of it."""
    return {name: part for name, part in parts.items() if part is not None}
