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
    json = resource.json
    for name in _DAYS:
        if name in json:
            found = json[name]
            text = found.get("start") if type(found) is dict else found
            if type(text) is str:
                return text
    return None


def name_of(resource: Fhir) -> str | None:
    """What the resource is about, in the words of its code; nothing that tells who the patient is."""
    concept = next((resource.json[name] for name in _NAMES if name in resource.json), None)
    if type(concept) is not dict:
        return None
    text, codings = concept.get("text"), concept.get("coding")
    if type(text) is str:
        return text
    listed = [one for one in codings if type(one) is dict] if type(codings) is list else []
    words = [one.get(key) for key in ("display", "code") for one in listed]
    return next((one for one in words if type(one) is str), None)


class Origins:
    """Learns the places of elements from the events that read them. Keys are ids: the events keep the values alive."""

    def __init__(self) -> None:
        self._known: dict[int, Origin] = {}

    def of(self, value: Any) -> Origin:
        if type(value) is not Fhir:
            return _NOWHERE
        reference = value.reference
        if reference is not None:
            return reference, value.type
        return self._known.get(_key(value), _NOWHERE)

    def read(self, resource: Fhir, reference: str | None, name: str, value: Fhir | None) -> str:
        """The path of the element `name` of a resource, whose place is known from now on."""
        path = f"{resource.type}.{_key_in(resource.json, name, value)}"
        if value is not None:
            self._known[id(value.json) if type(value.json) is dict else id(value)] = (reference, path)
        return path

    def of_event(self, event: Event) -> Origin:
        """Where the value of a path such as `O.value.value` stands; where it is missing, where it would."""
        op = event.site.op
        if op == "Member" and event.parts and event.site.refers is None:
            return self._of_member(event)
        if op in ("As", "Convert") and event.parts:
            found = self.of_event(event.parts[0])
            return self.of(event.value) if found is _NOWHERE else found
        return self._of_any(event.value)

    def _of_member(self, event: Event) -> Origin:
        source, name = event.parts[0], event.site.node["name"]
        base = self.of_event(source)
        of, value = source.value, event.value
        first: Fhir | None
        if type(of) is Fhir:
            first = of
            key = self._learn(of, name, value)
        elif isinstance(of, (list, tuple)):
            elements = [one for one in of if type(one) is Fhir]
            keys = [self._learn(one, name, None) for one in elements]
            first, key = (elements[0], keys[0]) if elements else (None, name)
        else:
            first, key = None, name
        if base is _NOWHERE:
            return _NOWHERE
        if name == "value" and first is not None and type(first.json) is not dict:
            return base  # `.value` of a primitive is the primitive itself
        return base[0], f"{base[1]}.{key}"

    def _of_any(self, value: Any) -> Origin:
        if not isinstance(value, (list, tuple)):
            return self.of(value)
        places = {self.of(one) for one in value}
        return places.pop() if len(places) == 1 else _NOWHERE

    def _learn(self, source: Fhir, name: str, value: Any) -> str:
        """The JSON key of the elements `name` of `source`, whose places are known from now on.

        `value` is what was read there, if it came from this source alone.
        """
        json = source.json
        if type(json) is not dict:
            return name
        key = _key_in(json, name, value)
        reference, path = self.of(source)
        if path is None:
            return key
        place, found = f"{path}.{key}", json.get(key)
        if isinstance(found, list):
            values = value if isinstance(value, (list, tuple)) else ()
            for i, one in enumerate(found):
                if type(one) is dict:
                    self._known[id(one)] = (reference, f"{place}[{i}]")
                elif i < len(values) and type(values[i]) is Fhir:
                    self._known[id(values[i])] = (reference, f"{place}[{i}]")
        elif type(found) is dict:
            self._known[id(found)] = (reference, place)
        elif type(value) is Fhir:
            self._known[_key(value)] = (reference, place)
        return key


def _key(value: Fhir) -> int:
    return id(value.json) if type(value.json) is dict else id(value)


def _key_in(json: Mapping[str, Any], name: str, value: Any) -> str:
    """The JSON key of an element: of a choice the one that is there."""
    if name in json:
        return name
    if type(value) is Fhir:
        key = f"{name}{value.type[0].upper()}{value.type[1:]}"
        return key if key in json else name
    length = len(name)
    return next((key for key in json if key.startswith(name) and key[length : length + 1].isupper()), name)
