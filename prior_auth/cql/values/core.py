"""Values of CQL that Python has no type for. Null is None, a tuple value is a dict, a list a list or tuple."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


class Long(int):
    """CQL's 64-bit whole number; `Integer` is a plain int."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with a UCUM or calendar unit; `1` where it has none."""

    value: Decimal
    unit: str = "1"


@dataclass(frozen=True, slots=True)
class Ratio:
    numerator: Quantity
    denominator: Quantity


@dataclass(frozen=True, slots=True)
class Code:
    """A code of a code system."""

    code: str | None
    system: str | None = None
    version: str | None = None
    display: str | None = None


@dataclass(frozen=True, slots=True)
class Concept:
    """Codes that mean the same."""

    codes: tuple[Code, ...]
    display: str | None = None


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A value set or code system as a value; `kind` is ValueSet or CodeSystem."""

    kind: str
    id: str
    version: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Interval:
    """`low` None and closed is the least value of the point type, None and open is unknown; `high` likewise.

    `point` is the point type's name, such as `Integer`; `Any` where it is not known.
    """

    low: Any
    high: Any
    low_closed: bool = True
    high_closed: bool = True
    point: str = "Any"


class Fhir:
    """A FHIR resource or element: its type, its JSON and, for a primitive, the JSON of its id and extensions.

    `type` is the name in the R4 model: `Observation`, `Observation.component`, `CodeableConcept`, `dateTime`.
    """

    __slots__ = ("extra", "json", "type")

    def __init__(self, type: str, json: Any, extra: Mapping[str, Any] | None = None) -> None:
        self.type = type
        self.json = json
        self.extra = extra

    @property
    def reference(self) -> str | None:
        """`Type/id` of a resource."""
        json = self.json
        if isinstance(json, dict) and json.get("resourceType") == self.type and json.get("id"):
            return f"{self.type}/{json['id']}"
        return None

    def __repr__(self) -> str:
        return f"Fhir({self.reference or self.type})"
