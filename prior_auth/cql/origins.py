"""Where in which resource a value stands: `Observation/x`, `Observation.valueQuantity`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prior_auth.cql.tracing import Event
from prior_auth.cql.values.core import Fhir

Origin = tuple[str | None, str | None]
_NOWHERE: Origin = (None, None)

_DAYS = (
    "effectiveDateTime", "effectivePeriod", "effectiveInstant", "performedDateTime", "performedPeriod", "authoredOn",
    "onsetDateTime", "onsetPeriod", "recordedDate", "occurrenceDateTime", "occurrencePeriod", "issued", "date",
    "dateAsserted", "whenHandedOver", "created", "period",
)  # fmt: skip
_NAMES = ("code", "medicationCodeableConcept", "vaccineCode", "type")


def day_of(resource: Fhir) -> str | None:
    """The day that the resource holds for, as it is stated: of a period its start."""
    for name in _DAYS:
        found = resource.json.get(name)
        text = found.get("start") if isinstance(found, Mapping) else found
        if isinstance(text, str):
            return text
    return None


def name_of(resource: Fhir) -> str | None:
    """What the resource is about, in the words of its code; nothing that tells who the patient is."""
    for name in _NAMES:
        concept = resource.json.get(name)
        if isinstance(concept, Mapping):
            words = [concept.get("text"), *(one.get("display") for one in _codings(concept))]
            codes = [one.get("code") for one in _codings(concept)]
            return next((one for one in [*words, *codes] if isinstance(one, str)), None)
    return None


def _codings(concept: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = concept.get("coding")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


class Origins:
    """Learns the places of elements from the events that read them. Keys are ids: the events keep the values alive."""

    def __init__(self) -> None:
        self._known: dict[int, Origin] = {}

    def of(self, value: Any) -> Origin:
        if not isinstance(value, Fhir):
            return _NOWHERE
        reference = value.reference
        if reference is not None:
            return reference, value.type
        return self._known.get(_key(value), _NOWHERE)

    def of_event(self, event: Event) -> Origin:
        """Where the value of a path such as `O.value.value` stands; where it is missing, where it would."""
        site = event.site
        if site.op in ("As", "Convert") and event.parts:
            found = self.of_event(event.parts[0])
            return self.of(event.value) if found == _NOWHERE else found
        if site.op != "Member" or not event.parts or site.refers is not None:
            return self._of_any(event.value)
        source = event.parts[0]
        base = self.of_event(source)
        name = site.node["name"]
        values = source.value if isinstance(source.value, (list, tuple)) else (source.value,)
        for one in values:
            if isinstance(one, Fhir):
                self._learn(one, name, event.value if one is source.value else None)
        if base == _NOWHERE:
            return _NOWHERE
        reference, path = base
        first = next((one for one in values if isinstance(one, Fhir)), None)
        if name == "value" and first is not None and not isinstance(first.json, Mapping):
            return base  # `.value` of a primitive is the primitive itself
        return reference, f"{path}.{_key_in(first, name)}"

    def _of_any(self, value: Any) -> Origin:
        if not isinstance(value, (list, tuple)):
            return self.of(value)
        places = {self.of(one) for one in value}
        return places.pop() if len(places) == 1 else _NOWHERE

    def _learn(self, source: Fhir, name: str, value: Any) -> None:
        """The places of the elements `name` of `source`; `value` is what was read there, if from it alone."""
        reference, path = self.of(source)
        if path is None or not isinstance(source.json, Mapping):
            return
        key = _key_in(source, name)
        place = f"{path}.{key}"
        json = source.json.get(key)
        if isinstance(json, list):
            for i, one in enumerate(json):
                if isinstance(one, Mapping):
                    self._known[id(one)] = (reference, f"{place}[{i}]")
            if isinstance(value, (list, tuple)):
                for i, one in enumerate(value):
                    if isinstance(one, Fhir):
                        self._known.setdefault(_key(one), (reference, f"{place}[{i}]"))
        elif isinstance(json, Mapping):
            self._known[id(json)] = (reference, place)
        elif isinstance(value, Fhir):
            self._known[_key(value)] = (reference, place)


def _key(value: Fhir) -> int:
    return id(value.json) if isinstance(value.json, Mapping) else id(value)


def _key_in(source: Fhir | None, name: str) -> str:
    """The JSON key of an element: of a choice the one that is there."""
    if source is None or not isinstance(source.json, Mapping) or name in source.json:
        return name
    length = len(name)
    return next((key for key in source.json if key.startswith(name) and key[length : length + 1].isupper()), name)
