"""How a define came to its value, as plain data; `docs/cql.md` says what each kind of node holds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from prior_auth.cql import helpers
from prior_auth.cql.compiler.queries import CODE_PATHS
from prior_auth.cql.engine import Results
from prior_auth.cql.errors import EvaluationError
from prior_auth.cql.normal import normal
from prior_auth.cql.origins import Origins, day_of, name_of
from prior_auth.cql.syntax.nodes import Inclusion, Node
from prior_auth.cql.tracing import Event, TracedRun, bare
from prior_auth.cql.types import VALUE_SET, ListOf
from prior_auth.cql.values.core import Code, Concept, Fhir, Vocabulary
from prior_auth.r4 import model

Json = dict[str, Any]

COMPARISONS = {
    "Equal": "=", "NotEqual": "!=", "Equivalent": "~", "NotEquivalent": "!~", "Less": "<", "LessOrEqual": "<=",
    "Greater": ">", "GreaterOrEqual": ">=", "In": "in", "Contains": "contains", "IncludedIn": "in",
    "Includes": "contains", "Before": "before", "After": "after", "SameOrBefore": "on or before",
    "SameOrAfter": "on or after", "SameAs": "same as",
}  # fmt: skip
_LOGIC = {"And": "and", "Or": "or", "Xor": "xor", "Implies": "implies", "Not": "not"}
_TESTS = {"IsNull": "null", "IsTrue": "true", "IsFalse": "false"}
_CHAIN = frozenset({"Member", "As", "Convert", "Name", "This"})
_RANK = {"let": 0, "with": 1, "without": 1, "where": 2, "return": 3}


def explanation(results: Results, *names: str) -> Json:
    """How these defines came to their values. ValueError where the evaluation was not traced."""
    run = results.traced
    if run is None:
        raise ValueError("evaluate the library with traced=True")
    keys = [(results.definition(name).library, results[name].name) for name in names]  # works them out
    return _Teller(run).told(keys)


class _Teller:
    """Turns the events of one evaluation into data; each define once."""

    def __init__(self, run: TracedRun) -> None:
        self.run = run
        self.results = {(one.library, one.name): result for one, result in run.cache.items()}
        self.origins = Origins()
        self.defines: dict[str, Json] = {}
        self.resources: dict[str, Fhir] = {}

    def told(self, keys: Sequence[tuple[str, str]]) -> Json:
        return {
            "asked": [self.define(key) for key in keys],
            "defines": self.defines,
            "resources": {name: _resource(one) for name, one in self.resources.items()},
        }

    def define(self, key: tuple[str, str]) -> str:
        """The define's name in the explanation, where its tree is from now on."""
        name = ".".join(key)
        if name not in self.defines:
            result = self.results[key]
            told: Json = {"value": None, "tree": None}
            self.defines[name] = told
            if result.problem is not None:
                told["problem"] = str(result.problem)
            else:
                told["tree"] = tree = self.node(self.run.bodies[key][-1])
                told["value"] = tree["value"]
        return name

    # Nodes

    def node(self, event: Event) -> Json:
        site = event.site
        if site.refers is not None:
            name = self.define(site.refers)
            return {"kind": "define", "name": name, "value": self.defines[name]["value"]}
        if site.parameter is not None:
            return {"kind": "parameter", "name": site.parameter, "value": self.shown(event.value)}
        op = site.op
        if op in ("Literal", "Quantity", "Null"):
            return {"kind": "literal", "value": self.shown(event.value)}
        if op in _CHAIN:
            return self._value(event)
        if op in _LOGIC:
            return self._logic(event)
        if op in _TESTS:
            return {"kind": "is", "test": _TESTS[op], "of": self.node(event.parts[0]), "value": event.value}
        if op == "If" or op == "Case":
            return self._case(event)
        if op == "Query":
            return self._query(event)
        if op == "Retrieve":
            return self._retrieve(event)
        if op in COMPARISONS:
            return self._comparison(event)
        return self._call(event) if op == "Call" else self._operation(event, op)

    def _logic(self, event: Event) -> Json:
        """Of `and` and `or` the operands that decided; the others with their value alone."""
        kind, value = _LOGIC[event.site.op], event.value
        parts = event.parts
        told: Json = {"kind": kind, "operands": [], "value": value}
        if kind in ("and", "or"):
            parts = [one for one in parts if one.value is value]
            others = [one.value for one in event.parts if one.value is not value]
            not_needed = _operands(event.site.node) - len(event.parts)
            told |= {"others": others} if others else {}
            told |= {"not_needed": not_needed} if not_needed else {}
        told["operands"] = [self.node(one) for one in parts]
        return told

    def _case(self, event: Event) -> Json:
        *tests, branch = event.parts
        if event.site.node["comparand"]:
            last = branch.site.node is not bare(event.site.node.args[-1])
            pairs = list(zip(tests[::2], tests[1::2], strict=True))
            conditions = [
                {
                    "kind": "compare", "operator": "=", "left": self.node(left), "right": self.node(right),
                    "value": True if last and i == len(pairs) - 1 else None,
                }
                for i, (left, right) in enumerate(pairs)
            ]  # fmt: skip
        else:
            conditions = [self.node(one) for one in tests]
        then = self.node(branch)
        return {"kind": "case", "conditions": conditions, "then": then, "value": then["value"]}

    def _comparison(self, event: Event) -> Json:
        site = event.site
        left, right = event.parts[:2]
        if VALUE_SET in (left.site.type, right.site.type) and site.op in ("In", "Contains"):
            return self._membership(event, *((left, right) if right.site.type == VALUE_SET else (right, left)))
        told = {
            "kind": "compare", "operator": COMPARISONS[site.op], "left": self.node(left), "right": self.node(right),
            "value": event.value,
        }  # fmt: skip
        if site.node["precision"] is not None:
            told["precision"] = site.node["precision"]
        return told

    def _membership(self, event: Event, of: Event, set_: Event) -> Json:
        vocabulary: Vocabulary = set_.value
        members = self.run.value_set(vocabulary)
        matched = [one for one in _codes(self.plain(of.value)) if (one.system, one.code) in members.codes]
        return {
            "kind": "in_value_set",
            "value_set": _given(name=vocabulary.name, url=vocabulary.id, version=members.version),
            "of": self.node(of),
            "matched": [{"system": one.system, "code": one.code} for one in matched],
            "value": event.value,
        }

    def _call(self, event: Event) -> Json:
        node = event.site.node
        given = [bare(one) for one in node.args]
        arguments = [one for one in event.parts if any(one.site.node is node_ for node_ in given)]
        body = (
            next((one for one in event.parts if one not in arguments), None)
            if len(arguments) < len(event.parts)
            else None
        )
        name = node["name"]
        if body is not None:
            told = [self.node(one) for one in arguments]
            tree = self.node(body)
            named = dict(zip(body.site.operands or (), told, strict=False))
            return {"kind": "call", "function": name, "arguments": named, "body": tree, "value": tree["value"]}
        if name.lower() == "exists":
            return self._operation(event, "Exists")
        return self._operation(event, name)

    def _operation(self, event: Event, name: str) -> Json:
        operands = [self.node(one) for one in event.parts]
        if name == "Exists":
            return {"kind": "exists", "of": operands[0], "value": event.value}
        if name == "Coalesce":
            return {"kind": "coalesce", "operands": operands, "value": self.shown(event.value)}
        told: Json = {"kind": "operation", "operator": name}
        if event.site.node["precision"] is not None:
            told["precision"] = event.site.node["precision"]
        return {**told, "operands": operands, "value": self.shown(event.value)}

    def _value(self, event: Event) -> Json:
        """An element of a resource, or of what another node came to."""
        base = event
        while base.site.op in ("Member", "As", "Convert") and base.parts and base.site.refers is None:
            base = base.parts[0]
        is_node = base.site.op not in _CHAIN or base.site.refers is not None or base.site.parameter is not None
        source = self.node(base) if is_node else None
        reference, path = self.origins.of_event(event)
        told = {"kind": "value", "value": self.shown(event.value), **_given(reference=reference, path=path)}
        if base.site.operand is not None:
            told["operand"] = base.site.operand
        elif isinstance(event.value, (Code, Concept)) and path is None:
            told["name"] = event.site.node["name"]
        unit = _unit(event)
        if unit is not None:
            told["unit"] = unit
        if source is not None:
            told["from"] = source
        return told

    # Retrieves and queries

    def _retrieve(self, event: Event) -> Json:
        element = event.site.type.element if isinstance(event.site.type, ListOf) else event.site.type
        told: Json = {"kind": "retrieve", "type": getattr(element, "name", str(element))}
        if event.parts:
            by = event.parts[0]
            told["path"] = event.site.node["path"] or CODE_PATHS[told["type"]]
            told |= _selector(by.value, by.site.node["name"])
        for one in event.value:
            self.seen(one)
        told["value"] = [{"reference": one.reference} for one in event.value]
        return told

    def _query(self, event: Event) -> Json:
        node = event.site.node
        wanted = [bare(one.expression) for one in node["sources"]]
        sources = [next(one for one in event.parts if one.site.node is expression) for expression in wanted]
        told: Json = {"kind": "query", "sources": [self.node(one) for one in sources]}
        if node["inclusions"] or node["where"] is not None or node["return"] is not None:
            told["rows"] = [self._row(node, *one) for one in _rows(sources, event.parts)]
        if node["sort"]:
            told["sorted"] = True
        told["value"] = self.shown(event.value)
        return told

    def _row(self, node: Node, of: tuple[Any, ...], events: list[Event]) -> Json:
        by_role = {one.site.role: one for one in events}
        told: Json = {"of": [self.label(one) for one in of], "kept": True}
        lets = {role[4:]: self.node(one) for role, one in by_role.items() if role and role.startswith("let ")}
        if lets:
            told["lets"] = lets
        if node["inclusions"]:
            told["inclusions"] = [self._inclusion(one, events) for one in node["inclusions"]]
            told["kept"] = all(one["value"] for one in told["inclusions"])
        if "where" in by_role:
            told["where"] = self.node(by_role["where"])
            told["kept"] = told["kept"] and told["where"]["value"] is True
        if "return" in by_role:
            told["gives"] = self.node(by_role["return"])
        return told

    def _inclusion(self, inclusion: Inclusion, events: list[Event]) -> Json:
        condition = bare(inclusion.condition)
        met = [one for one in events if one.site.node is condition]
        rows = [{"of": [self.label(one.row[-1])], "where": self.node(one)} for one in met]
        found = any(one.value is True for one in met)
        return {"kind": "with" if inclusion.present else "without", "rows": rows, "value": found is inclusion.present}

    # Values

    def label(self, value: Any) -> Any:
        """What a row is about: a resource's reference, else the element's place or the value itself."""
        if not isinstance(value, Fhir):
            return {"value": self.shown(value)}
        if model.is_resource(value.type):
            self.seen(value)
            return {"reference": value.reference}
        reference, path = self.origins.of(value)
        return _given(reference=reference, path=path) or {"value": self.shown(value)}

    def seen(self, one: Fhir) -> None:
        if one.reference is not None:
            self.resources[one.reference] = one

    def shown(self, value: Any) -> Any:
        if isinstance(value, Fhir) and model.is_resource(value.type):
            self.seen(value)
            return {"reference": value.reference}
        if isinstance(value, (list, tuple)):
            return [self.shown(one) for one in value]
        if isinstance(value, dict):
            return {"tuple": {name: self.shown(one) for name, one in value.items()}}
        found = self.plain(value)
        return self._element(found) if isinstance(found, Fhir) else normal(found)

    def _element(self, value: Fhir) -> Json:
        """An element that is no value of CQL: its place, and of a quantity with a comparator what it says."""
        reference, path = self.origins.of(value)
        json = value.json if isinstance(value.json, dict) else {}
        said = {name: normal(json.get(name)) for name in ("comparator", "value", "unit") if "comparator" in json}
        return _given(fhir=value.type, reference=reference, path=path, **said)

    def plain(self, value: Any) -> Any:
        """FHIR's data types as their CQL values; a quantity that is none keeps its comparator."""
        if isinstance(value, (list, tuple)):
            return [self.plain(one) for one in value]
        made = helpers.conversion(value.type) if isinstance(value, Fhir) else None
        if made is None:
            return value
        try:
            return made[1](value)
        except EvaluationError:
            return value


def _unit(event: Event) -> str | None:
    """The unit of a number that was read from a quantity by `.value`."""
    while event.site.op == "Member" and event.site.node["name"] == "value" and event.parts:
        event = event.parts[0]
        if isinstance(event.value, Fhir) and isinstance(event.value.json, dict):
            unit = event.value.json.get("unit") or event.value.json.get("code")
            return unit if isinstance(unit, str) else None
    return None


def _operands(node: Node) -> int:
    """How many operands a row of `and` or of `or` has; the parser nests it to the left."""
    count = len(node.args)
    while node.op in ("And", "Or") and node.args[0].op == node.op:
        node = node.args[0]
        count += 1
    return count


def _rows(sources: list[Event], parts: list[Event]) -> Iterator[tuple[tuple[Any, ...], list[Event]]]:
    """Each row of a query with the events of its tests and of its return, in the order in which they happened."""
    lists = [_elements(one) for one in sources]
    waiting = [one for one in parts if one.site.role is not None]
    position = 0
    for row in itertools.product(*lists):
        events: list[Event] = []
        rank = -1
        while position < len(waiting):
            event = waiting[position]
            here = _RANK[event.site.role.partition(" ")[0]] if event.site.role else 0
            if (
                here < rank
                or (here == rank and here > 1)
                or any(a is not b for a, b in zip(event.row, row, strict=False))
            ):
                break
            events.append(event)
            rank = here
            position += 1
        yield row, events


def _elements(source: Event) -> Sequence[Any]:
    if isinstance(source.site.type, ListOf):
        return source.value or ()
    return () if source.value is None else (source.value,)


def _codes(value: Any) -> list[Code]:
    if isinstance(value, Code):
        return [value]
    if isinstance(value, Concept):
        return [one for one in value.codes if one is not None]
    if isinstance(value, str):
        return [Code(value)]
    return [code for one in value or () for code in _codes(one)] if isinstance(value, (list, tuple)) else []


def _selector(value: Any, name: str | None) -> Json:
    """What a retrieve selects by: a value set, or codes under the name that the rule gives them."""
    if isinstance(value, Vocabulary):
        return {"value_set": _given(name=value.name, url=value.id)}
    codes = sorted({(one.system, one.code) for one in _codes(value)}, key=str)
    return _given(name=name, codes=[_given(system=system, code=code) for system, code in codes])


def _resource(one: Fhir) -> Json:
    return _given(type=one.type, name=name_of(one), date=day_of(one))


def _given(**parts: Any) -> Json:
    return {name: part for name, part in parts.items() if part is not None}
