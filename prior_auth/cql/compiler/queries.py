"""Queries and retrieves."""

# ruff: noqa: ARG005  every handler and every computation has the same operands

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from prior_auth.cql.compiler.base import Compiled, Constant, Scope, as_system
from prior_auth.cql.compiler.expressions import Expressions
from prior_auth.cql.errors import CqlError, nearest
from prior_auth.cql.runtime import Asked, Codes, Compute, Frame, Run
from prior_auth.cql.syntax.nodes import Inclusion, Node, SortKey
from prior_auth.cql.types import (
    CODE,
    CONCEPT,
    VALUE_SET,
    ListOf,
    Named,
    TupleOf,
    Type,
)
from prior_auth.cql.values import temporal
from prior_auth.cql.values.compare import distinct, order
from prior_auth.cql.values.core import Code, Concept, Fhir, Vocabulary
from prior_auth.cql.values.temporal import Date, DateTime, Time
from prior_auth.r4 import model

# The element by which `[Type: codes]` selects, as CQL's model of FHIR 4.0.1 has it.
CODE_PATHS = {
    "ActivityDefinition": "topic", "AdverseEvent": "event", "AllergyIntolerance": "code", "Appointment": "serviceType",
    "Basic": "code", "CarePlan": "category", "CareTeam": "category", "ChargeItem": "code",
    "ClaimResponse": "type", "ClinicalImpression": "code", "Claim": "type", "Communication": "topic",
    "CommunicationRequest": "category", "Composition": "type", "Condition": "code", "Consent": "category",
    "Coverage": "type", "DetectedIssue": "code", "Device": "type", "DeviceMetric": "type", "DeviceRequest": "code",
    "DiagnosticReport": "code", "DocumentReference": "type", "Encounter": "type", "EpisodeOfCare": "type",
    "ExplanationOfBenefit": "type", "Flag": "code", "Goal": "category", "HealthcareService": "type",
    "Immunization": "vaccineCode", "Library": "topic", "List": "code", "Location": "type", "Measure": "topic",
    "Medication": "code", "MedicationAdministration": "medication", "MedicationDispense": "medication",
    "MedicationRequest": "medication", "MedicationStatement": "medication", "Observation": "code",
    "Procedure": "code", "RelatedPerson": "relationship", "RiskAssessment": "code", "ServiceRequest": "code",
    "Specimen": "type", "Substance": "code", "SupplyDelivery": "type", "SupplyRequest": "category", "Task": "code",
}  # fmt: skip
_ORDERED = frozenset(["Integer", "Long", "Decimal", "String", "Date", "DateTime", "Time", "Quantity", "Boolean", "Any"])


class Queries(Expressions):
    """`[Observation: "X"] O where ... return ... sort by ...`."""

    # Retrieves

    def on_Retrieve(self, node: Node, scope: Scope) -> Compiled:
        type_ = self.type_of(node["type"])
        if not isinstance(type_, Named) or type_.namespace != "FHIR" or not model.is_resource(type_.name):
            raise CqlError(f"`{type_}` is no FHIR resource", node.at)
        if model.is_abstract(type_.name):
            raise CqlError(f"a retrieve of every {type_.name} is not supported", node.at, "name the resource type")
        name = type_.name
        self.varying += 1
        self.asking += 1
        if node["codes"] is None:
            return Compiled(ListOf(type_), _all_of(name))
        path = self._code_path(name, node)
        codes = self._codes(node["codes"], scope)
        return Compiled(ListOf(type_), _coded(name, path, codes))

    def _code_path(self, name: str, node: Node) -> str:
        path = node["path"] or CODE_PATHS.get(name)
        if path is None:
            raise CqlError(
                f"{name} has no code by which to select", node.at, "name the element: `[Type: element in ...]`"
            )
        element = model.elements(name).get(path)
        if element is None:
            raise CqlError(f"{name} has no element `{path}`", node.at, nearest(path, model.elements(name)))
        if not set(element.codes) & {"CodeableConcept", "Coding"}:
            raise CqlError(f"{name}.{path} holds no codes with a system", node.at, "use a `where` clause")
        return str(path)

    def _codes(self, node: Node, scope: Scope) -> Compiled:
        found = self.compile(node, scope)
        if found.type == VALUE_SET or found.type in (CODE, CONCEPT):
            return found
        if isinstance(found.type, ListOf) and found.type.element in (CODE, CONCEPT):
            return found
        return self.converted(found, ListOf(CODE), node.at, "a value set or codes")

    # Queries

    def on_Query(self, node: Node, scope: Scope) -> Compiled:
        inner = scope.inner()
        before = self.nodes
        sources, single = [], True
        for source in node["sources"]:
            found = self.compile(source.expression, inner)
            is_list = isinstance(found.type, ListOf)
            single = single and not is_list
            element = found.type.element if isinstance(found.type, ListOf) else found.type
            sources.append((source.alias, element, is_list, found.compute, source.at))
        slots = [inner.declare(alias, element, at) for alias, element, _, _, at in sources]
        rows = _Rows([(slot, one[2], one[3]) for slot, one in zip(slots, sources, strict=True)])
        lets = [self._let(name, value, inner) for name, value in node["lets"]]
        tests = [self._inclusion(one, inner) for one in node["inclusions"]]
        if node["where"] is not None:
            tests.append(self.condition(node["where"], inner, "a condition after `where`"))
        kept = _Kept(rows, lets, tests)
        if node["aggregate"] is not None:
            return self._aggregated(node["aggregate"], kept, inner, slots)
        result = self._returned(node, inner, [(one[0], one[1]) for one in sources], slots)
        rows.cost = self.steps_since(before)
        return self._ordered(node, kept, result, inner, single)

    def _let(self, name: str, value: Node, scope: Scope) -> tuple[int, Compute]:
        found = self.compile(value, scope)
        return scope.declare(name, found.type, value.at), found.compute

    def _inclusion(self, inclusion: Inclusion, scope: Scope) -> Compute:
        inner = scope.inner()
        before = self.nodes
        found = self.compile(inclusion.source.expression, scope)
        is_list = isinstance(found.type, ListOf)
        element = found.type.element if isinstance(found.type, ListOf) else found.type
        slot = inner.declare(inclusion.source.alias, element, inclusion.source.at)
        condition = self.condition(inclusion.condition, inner, "a condition after `such that`")
        source, present, cost = found.compute, inclusion.present, self.steps_since(before)

        def test(run: Run, frame: Frame) -> bool:
            value = source(run, frame)
            for one in (value or ()) if is_list else () if value is None else (value,):
                run.step(cost)
                frame[slot] = one
                if condition(run, frame) is True:
                    return present
            return not present

        return test

    def _aggregated(self, node: Node, kept: _Kept, scope: Scope, slots: list[int]) -> Compiled:
        starting = self.compile(node.args[0], scope)
        inner = scope.inner()
        slot = inner.declare(node["name"], starting.type, node.at)
        before = self.nodes
        body = self.compile(node.args[1], inner)
        kept.rows.cost = self.steps_since(before)
        if body.type != starting.type:
            # The accumulator takes the type of what it becomes, where the start is null or narrower.
            inner.names[node["name"]] = (body.type, slot)
            starting = self.converted(starting, body.type, node.at, "the starting value")
            body = self.converted(self.compile(node.args[1], inner), body.type, node.at, "the aggregate")
        first, step, only_distinct = starting.compute, body.compute, node["distinct"]

        def compute(run: Run, frame: Frame) -> Any:
            value = first(run, frame)
            if not only_distinct:
                for _ in kept(run, frame):
                    frame[slot] = value
                    value = step(run, frame)
                return value
            rows = distinct([[frame[one] for one in slots] for _ in kept(run, frame)], run.step)
            for row in rows:
                for one, part in zip(slots, row, strict=True):
                    frame[one] = part
                frame[slot] = value
                value = step(run, frame)
            return value

        return Compiled(body.type, compute)

    def _returned(self, node: Node, scope: Scope, sources: list[tuple[str, Type]], slots: list[int]) -> Compiled:
        if node["return"] is not None:
            return self.compile(node["return"], scope)
        if len(slots) == 1:
            slot = slots[0]
            return Compiled(sources[0][1], lambda run, frame: frame[slot])
        pairs = [(alias, slot) for (alias, _), slot in zip(sources, slots, strict=True)]
        type_ = self.not_too_large(TupleOf(tuple(sources)), node.at)
        return Compiled(type_, lambda run, frame: {alias: frame[slot] for alias, slot in pairs})

    def _ordered(self, node: Node, kept: _Kept, result: Compiled, scope: Scope, single: bool) -> Compiled:
        value = result.compute
        if single:

            def one(run: Run, frame: Frame) -> Any:
                return next((value(run, frame) for _ in kept(run, frame)), None)

            return Compiled(result.type, one)
        is_distinct = node["return"] is not None and node["distinct"]
        sort = self._sorting(node["sort"], result.type, scope)
        collect = _over_one_list(kept, value) if len(kept.rows.slots) == 1 else _over_several(kept, value)

        def many(run: Run, frame: Frame) -> list[Any] | None:
            found = collect(run, frame)
            if found is None:
                return None
            run.sized(found)
            if is_distinct:
                found = distinct(found, run.step)
            return sort(run, frame, found) if sort is not None and len(found) > 1 else found

        return Compiled(ListOf(result.type), many)

    def _sorting(self, keys: list[SortKey], type_: Type, scope: Scope) -> Callable[[Run, Frame, list[Any]], Any] | None:
        if not keys:
            return None
        slot = scope.variables.new()
        inner = Scope(scope.variables, dict(scope.names), (type_, slot))
        by = [(self._sort_key(key, inner), key.descending) for key in keys]

        def sort(run: Run, frame: Frame, values: list[Any]) -> list[Any]:
            found = values
            run.step(len(by) * len(found) * len(found).bit_length() // 8)
            for compute, descending in reversed(by):
                keyed = []
                for value in found:
                    run.step()
                    frame[slot] = value
                    keyed.append((None if value is None else compute(run, frame), value))
                keyed.sort(key=_sort_key(keyed), reverse=descending)
                found = [value for _, value in keyed]
            return found

        return sort

    def _sort_key(self, key: SortKey, scope: Scope) -> Compute:
        node = key.expression or Node("This", key.at)
        found = self.compile(node, scope)
        target = as_system(found.type) if self.has_helpers else found.type
        if not isinstance(target, Named) or target.namespace != "System" or target.name not in _ORDERED:
            raise CqlError(f"a {found.type} has no order to sort by", key.at, "sort by one of its elements")
        return self.converted(found, target, key.at, "a sort key").compute


def _all_of(name: str) -> Compute:
    return _retrieving((name, None, None), (), lambda run: run.resources.of_type(name))


def _coded(name: str, path: str, codes: Compiled) -> Compute:
    make, given = _of_set if codes.type == VALUE_SET else _of_codes, codes.compute
    if isinstance(given, Constant):
        return make(name, path, given.value)
    return lambda run, frame: make(name, path, given(run, frame))(run, frame)


def _of_set(name: str, path: str, wanted: Vocabulary) -> Compute:
    asked = (name, path, f"{wanted.id}|{wanted.version}" if wanted.version else wanted.id)
    return _retrieving(asked, (), lambda run: run.resources.coded(name, path, run.value_set(wanted).codes))


def _of_codes(name: str, path: str, wanted: Any) -> Compute:
    keys = _keys(wanted)
    shown = tuple(sorted(keys, key=str))
    return _retrieving((name, path, keys), shown, lambda run: run.resources.coded(name, path, keys))


def _retrieving(asked: Asked, codes: Codes, fetch: Callable[[Run], Sequence[Fhir]]) -> Compute:
    return lambda run, frame: run.retrieved(asked, codes, fetch)


def _keys(value: Any) -> frozenset[Any]:
    if isinstance(value, Code):
        return frozenset({(value.system, value.code)})
    if isinstance(value, Concept):
        return frozenset((code.system, code.code) for code in value.codes)
    return frozenset(key for one in value or () if one is not None for key in _keys(one))


class _Kept:
    """The rows of a query that pass its tests; each leaves its values in the frame."""

    def __init__(self, rows: _Rows, lets: list[tuple[int, Compute]], tests: list[Compute]) -> None:
        self.rows, self.lets, self.tests = rows, lets, tests

    def __call__(self, run: Run, frame: Frame) -> Iterator[None]:
        slots, lets, tests, cost = self.rows.slots, self.lets, self.tests, self.rows.cost
        for row in self.rows(run, frame):
            run.step(cost)
            for slot, one in zip(slots, row, strict=True):
                frame[slot] = one
            for slot, compute in lets:
                frame[slot] = compute(run, frame)
            for test in tests:
                if test(run, frame) is not True:
                    break
            else:
                yield


class _Rows:
    """Every combination of the sources' elements."""

    def __init__(self, sources: list[tuple[int, bool, Compute]]) -> None:
        self.sources = sources
        self.slots = [slot for slot, _, _ in sources]
        self.cost = 1

    def __call__(self, run: Run, frame: Frame) -> Iterable[tuple[Any, ...]]:
        return itertools.product(*(_elements(compute(run, frame), is_list) for _, is_list, compute in self.sources))


_Collect = Callable[[Run, Frame], list[Any] | None]


def _over_several(kept: _Kept, value: Compute) -> _Collect:
    return lambda run, frame: [value(run, frame) for _ in kept(run, frame)]


def _over_one_list(kept: _Kept, value: Compute) -> _Collect:
    """The usual query. Over a list that is null it is null, over an empty one it is empty."""
    (slot, _, source), *_ = kept.rows.sources
    rows, lets, tests = kept.rows, kept.lets, kept.tests

    def collect(run: Run, frame: Frame) -> list[Any] | None:
        values = source(run, frame)
        if values is None:
            return None
        found, cost = [], rows.cost
        for one in values:
            run.step(cost)
            frame[slot] = one
            for let, compute in lets:
                frame[let] = compute(run, frame)
            for test in tests:
                if test(run, frame) is not True:
                    break
            else:
                found.append(value(run, frame))
        return found

    return collect


def _elements(value: Any, is_list: bool) -> Sequence[Any]:
    if is_list:
        return value or ()
    return () if value is None else (value,)


def _sort_key(keyed: list[tuple[Any, Any]]) -> Callable[[tuple[Any, Any]], Any]:
    """How to sort pairs of key and value: by the keys themselves where all are of one plain kind, null first."""
    known = [key for key, _ in keyed if key is not None]
    kinds = {type(key) for key in known}
    if kinds in _PLAIN_KINDS:
        return lambda pair: (pair[0] is not None, pair[0])
    if kinds in _MOMENT_KINDS and len({key.offset for key in known}) == 1:
        if len({len(key.parts) for key in known}) == 1:
            return lambda pair: (False, ()) if pair[0] is None else (True, pair[0].parts)
        return lambda pair: (False, ()) if pair[0] is None else (True, temporal.low(pair[0]).parts)
    return _BY_COMPARISON


_PLAIN_KINDS = ({str}, {int}, {Decimal})
_MOMENT_KINDS = ({Date}, {DateTime}, {Time})


def _compared(left: tuple[Any, Any], right: tuple[Any, Any]) -> int:
    """Null before everything; dates that differ only in precision by their first instant."""
    a, b = left[0], right[0]
    if a is None or b is None:
        return int(b is None) - int(a is None) if (a is None) != (b is None) else 0
    found = order(a, b)
    if found is None and isinstance(a, (Date, DateTime, Time)):
        found = order(temporal.low(a), temporal.low(b))
    return found or 0


_BY_COMPARISON = functools.cmp_to_key(_compared)
