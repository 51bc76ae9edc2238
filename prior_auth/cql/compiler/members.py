"""What stands after a dot: elements of FHIR types and of CQL's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from prior_auth.cql import helpers
from prior_auth.cql.compiler.base import Base, Compiled
from prior_auth.cql.conversions import tester
from prior_auth.cql.errors import At, CqlError, EvaluationError, nearest
from prior_auth.cql.runtime import Compute, Frame, Run
from prior_auth.cql.types import (
    ANY,
    BOOLEAN,
    CODE,
    CONCEPT,
    DATE,
    DATE_TIME,
    DECIMAL,
    INTEGER,
    QUANTITY,
    RATIO,
    STRING,
    TIME,
    VALUE_SET,
    Choice,
    IntervalOf,
    ListOf,
    Named,
    TupleOf,
    Type,
    choice,
    fhir,
    primitive,
)
from prior_auth.cql.values.core import Fhir
from prior_auth.r4 import model

Getter = Callable[[Any], Any]

_SYSTEM: dict[Type, dict[str, Type]] = {
    QUANTITY: {"value": DECIMAL, "unit": STRING},
    RATIO: {"numerator": QUANTITY, "denominator": QUANTITY},
    CODE: {"code": STRING, "system": STRING, "version": STRING, "display": STRING},
    CONCEPT: {"codes": ListOf(CODE), "display": STRING},
    VALUE_SET: {"id": STRING, "version": STRING, "name": STRING},
}


class Members(Base):
    """`source.name`."""

    def member(self, source: Compiled, name: str, at: At) -> Compiled:
        """CqlError where the source's type has no such element."""
        found = self.element(source.type, name)
        if found is None:
            raise _unknown(source.type, name, at)
        type_, get = found
        getting = _getting_each if isinstance(source.type, ListOf) else _getting
        return Compiled(type_, getting(source.compute, get, at))

    def element(self, type_: Type, name: str) -> tuple[Type, Getter] | None:
        """The type of an element and how to get it from a value that is not null; None where there is none."""
        match type_:
            case ListOf():
                return self._of_each(type_.element, name)
            case Choice():
                return self._of_choice(type_, name)
            case TupleOf():
                field = type_.field(name)
                return None if field is None else (field, lambda value: value.get(name))
            case IntervalOf():
                return _of_interval(type_, name)
            case Named(namespace="FHIR"):
                return _fhir_element(type_.name, name)
        inner = _SYSTEM.get(type_, {}).get(name)
        return None if inner is None else (inner, _attribute(name))

    def _of_each(self, type_: Type, name: str) -> tuple[Type, Getter] | None:
        """The elements of all elements of a list, in one list without nulls."""
        found = self.element(type_, name)
        if found is None:
            return None
        inner, get = found
        flat = isinstance(inner, ListOf)

        def each(values: Sequence[Any]) -> list[Any]:
            parts = [part for part in (get(one) for one in values if one is not None) if part is not None]
            return [one for part in parts for one in part] if flat else parts

        return (inner if isinstance(inner, ListOf) else ListOf(inner)), each

    def _of_choice(self, type_: Choice, name: str) -> tuple[Type, Getter] | None:
        known = [(one, self.element(one, name)) for one in type_.types]
        ways = [(tester(one), found) for one, found in known if found is not None]
        if not ways:
            return None

        def get(value: Any) -> Any:
            for is_one, (_, getter) in ways:
                if is_one(value):
                    return getter(value)
            return None

        return choice([found[0] for _, found in ways]), get


def _getting(compute: Compute, get: Getter, at: At) -> Compute:
    def getting(run: Run, frame: Frame) -> Any:
        value = compute(run, frame)
        if value is None:
            return None
        try:
            return get(value)
        except EvaluationError as error:
            if error.where is None:
                error.where = str(at)
            raise

    return getting


def _getting_each(compute: Compute, get: Getter, at: At) -> Compute:
    def sized(run: Run, frame: Frame) -> Any:
        values = compute(run, frame)
        return None if values is None else run.sized(values)

    return _getting(sized, get, at)


def _attribute(name: str) -> Getter:
    if name == "codes":
        return lambda value: list(value.codes)
    return lambda value: getattr(value, name)


def _of_interval(type_: IntervalOf, name: str) -> tuple[Type, Getter] | None:
    attribute = {"low": "low", "high": "high", "lowClosed": "low_closed", "highClosed": "high_closed"}.get(name)
    if attribute is None:
        return None
    return (BOOLEAN if name.endswith("Closed") else type_.point), lambda value: getattr(value, attribute)


def _fhir_element(type_name: str, name: str) -> tuple[Type, Getter] | None:
    inside = primitive(type_name)
    if inside is not None:
        return _of_primitive(type_name, inside, name)
    element = model.elements(type_name).get(name)
    if element is None:
        return None
    if element.is_choice:
        return _choice_element(name, element.inner_types)
    inner = element.inner_types[0]
    if name == "id" or inner.startswith("http"):
        inner = "id" if name == "id" and model.is_resource(type_name) else "string"
    get = _reader(name, inner)
    return (ListOf(fhir(inner)), _list_reader(name, inner)) if element.is_list else (fhir(inner), get)


def _of_primitive(type_name: str, inside: Named, name: str) -> tuple[Type, Getter] | None:
    if name == "value":
        return inside, helpers.reader(type_name)
    if name == "id":
        return fhir("string"), lambda value: _made("string", (value.extra or {}).get("id"), None)
    if name == "extension":
        return ListOf(fhir("Extension")), _extensions
    return None


def _extensions(value: Fhir) -> list[Fhir] | None:
    found = (value.extra or {}).get("extension")
    return None if found is None else [Fhir("Extension", one) for one in found]


def _made(type_name: str, json: Any, extra: Any) -> Fhir | None:
    return None if json is None and not extra else Fhir(type_name, json, extra)


def _reader(key: str, type_name: str) -> Getter:
    """Reads the one value under a JSON key."""
    if primitive(type_name) is not None:
        return _primitive_reader(key, type_name)
    if model.is_resource(type_name):
        return lambda value: _resource(value.json.get(key))

    def read(value: Fhir) -> Fhir | None:
        json = value.json.get(key)
        if json is None:
            return None
        if not isinstance(json, dict):
            raise EvaluationError(f"the element {key} of the chart should be an object", fix="correct the chart")
        return Fhir(type_name, json)

    return read


def _primitive_reader(key: str, type_name: str) -> Getter:
    extra_key = f"_{key}"

    def read(value: Fhir) -> Fhir | None:
        json = value.json
        found, extra = json.get(key), json.get(extra_key)
        return None if found is None and not extra else Fhir(type_name, found, extra)

    return read


def _resource(json: Any) -> Fhir | None:
    """Of a type that R4 has; what else a chart may call a resource has no elements to ask for."""
    name = json.get("resourceType") if isinstance(json, dict) else None
    return Fhir(name, json) if isinstance(name, str) and model.is_resource(name) else None


def _list_reader(key: str, type_name: str) -> Getter:
    extra_key = f"_{key}"
    is_primitive = primitive(type_name) is not None
    is_resource = model.is_resource(type_name)

    def read(value: Fhir) -> list[Any] | None:
        json, extra = value.json.get(key), value.json.get(extra_key) if is_primitive else None
        if json is None and extra is None:
            return None
        if not isinstance(json if json is not None else extra, list):
            raise EvaluationError(f"the element {key} of the chart should be a list", fix="correct the chart")
        if is_resource:
            return [_resource(one) for one in json]
        if extra is None:
            return [None if one is None else Fhir(type_name, one) for one in json]
        count = max(len(json or ()), len(extra))
        return [_made(type_name, _at(json, i), _at(extra, i)) for i in range(count)]

    return read


def _at(values: Any, index: int) -> Any:
    return values[index] if values is not None and index < len(values) else None


def _choice_element(name: str, types: tuple[str, ...]) -> tuple[Type, Getter]:
    readers = [(f"{name}{one[0].upper()}{one[1:]}", _reader(f"{name}{one[0].upper()}{one[1:]}", one)) for one in types]
    keyed = [(key, f"_{key}", read) for key, read in readers]

    def get(value: Fhir) -> Any:
        json = value.json
        for key, extra_key, read in keyed:
            if key in json or extra_key in json:
                return read(value)
        return None

    return choice([fhir(one) for one in types]), get


def _unknown(type_: Type, name: str, at: At) -> CqlError:
    if type_ == ANY:
        return CqlError(f"`{name}` of a value of no known type", at, "say which type is meant with `as`")
    fix = nearest(name, element_names(type_))
    if isinstance(type_, Named) and type_ in (DATE, DATE_TIME, TIME) and name in ("year", "month", "day"):
        fix = f"write `{name} from ...`"
    if isinstance(type_, Named) and type_ in (STRING, INTEGER, DECIMAL, BOOLEAN) and name == "value":
        fix = "it is a value already; leave `.value` away"
    return CqlError(f"{type_} has no element `{name}`", at, fix)


def element_names(type_: Type) -> list[str]:
    """The elements that a value of the type may have."""
    match type_:
        case ListOf():
            return element_names(type_.element)
        case Choice():
            return [name for one in type_.types for name in element_names(one)]
        case TupleOf():
            return [name for name, _ in type_.fields]
        case Named(namespace="FHIR"):
            return ["value", "extension", "id"] if primitive(type_.name) else list(model.elements(type_.name))
    return list(_SYSTEM.get(type_, {}))
