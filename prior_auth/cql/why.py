"""How a define came to its value, as plain data; `docs/cql.md` says what each kind of node holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from prior_auth.cql.compiler.queries import CODE_PATHS
from prior_auth.cql.engine import Results
from prior_auth.cql.errors import EvaluationError
from prior_auth.cql.events import codes_of, operand_count, rows_of, unit_of
from prior_auth.cql.origins import day_of, name_of
from prior_auth.cql.runtime import Compute
from prior_auth.cql.shown import Shown, given
from prior_auth.cql.syntax.nodes import Inclusion, Node
from prior_auth.cql.tracing import Event, bare
from prior_auth.cql.types import ListOf
from prior_auth.cql.values.compare import equal
from prior_auth.cql.values.core import Code, Concept, Fhir, Vocabulary
from prior_auth.cql.windows import window

Json = dict[str, Any]

COMPARISONS = {
    "Equal": "=", "NotEqual": "!=", "Equivalent": "~", "NotEquivalent": "!~", "Less": "<", "LessOrEqual": "<=",
    "Greater": ">", "GreaterOrEqual": ">=", "In": "in", "Contains": "contains", "IncludedIn": "in",
    "Includes": "contains", "Before": "before", "After": "after", "SameOrBefore": "on or before",
    "SameOrAfter": "on or after", "SameAs": "same as",
}  # fmt: skip
_LOGIC = {"Xor": "xor", "Implies": "implies", "Not": "not"}
_TESTS = {"IsNull": "null", "IsTrue": "true", "IsFalse": "false"}
_STEPS = frozenset({"Member", "As", "Convert"})  # one step of a path down from its base
_BASES = frozenset({"Name", "This", *_STEPS})


class _Met(NamedTuple):
    """What the tree of a define refers to."""

    defines: dict[str, None]
    parameters: dict[str, Any]
    resources: dict[str, Fhir]


class _Ways(dict[str, Callable[[Event], Json]]):
    """How each way of telling is done; `other` tells of operators that have none of their own."""

    def __init__(self, other: Callable[[Event], Json]) -> None:
        super().__init__()
        self._other = other

    def __missing__(self, way: str) -> Callable[[Event], Json]:
        return self._other


def explanation(results: Results, *names: str) -> Json:
    """How these defines came to their values. ValueError where the evaluation was not traced."""
    return Explainer(results).explanation(*names)


class Explainer:
    """Turns the events of one evaluation into data, each define once however often it is asked for."""

    def __init__(self, results: Results) -> None:
        run = results.traced
        if run is None:
            raise ValueError("evaluate the library with traced=True")
        self.results, self.run = results, run
        self.told: dict[str, Json] = {}
        self.met: dict[str, _Met] = {}
        self.inside = _Met({}, {}, {})  # of the define that is being told
        self.values = Shown(self._note)
        self.origins, self.labels = self.values.origins, self.values.labels
        self.shown, self.label, self.plain = self.values.shown, self.values.label, self.values.plain
        self.literals: dict[int, Json] = {}
        self.references: dict[str, Json] = {}  # defines by their full names, which have a dot, and parameters
        self.problems: dict[tuple[str, str], str] = {}
        self.ways = self._ways()

    def explanation(self, *names: str) -> Json:
        keys = [self._worked_out(name) for name in names]
        self.problems = {
            (one.library, one.name): str(result.problem)
            for one, result in self.run.cache.items()
            if result.problem is not None
        }
        asked = [self.define(key) for key in keys]
        reached = dict.fromkeys(asked)
        waiting = [*asked]
        while waiting:
            new = [one for one in self.met[waiting.pop(0)].defines if one not in reached]
            reached |= dict.fromkeys(new)
            waiting += new
        met = [self.met[name] for name in reached]
        resources = {reference: one for part in met for reference, one in part.resources.items()}
        return {
            "asked": asked,
            "defines": {name: self.told[name] for name in reached},
            "parameters": {name: value for part in met for name, value in part.parameters.items()},
            "resources": {reference: _resource(one) for reference, one in resources.items()},
        }

    def _worked_out(self, name: str) -> tuple[str, str]:
        definition = self.results.definition(name)
        self.run.evaluated(definition)
        return definition.library, definition.name

    def define(self, key: tuple[str, str]) -> str:
        """The define's name in the explanation, where its tree is from now on."""
        name = f"{key[0]}.{key[1]}"
        if name not in self.told:
            self.told[name] = told = {"value": None, "tree": None}
            outer, self.inside = self.inside, _Met({}, {}, {})
            self.met[name] = self.inside
            self._tell(key, told)
            self.inside = outer
        return name

    def _tell(self, key: tuple[str, str], told: Json) -> None:
        problem = self.problems.get(key)
        if problem is not None:
            told["problem"] = problem
        else:
            told["tree"] = tree = self.node(self.run.bodies[key][-1])
            told["value"] = tree["value"]

    def _note(self, resource: Fhir) -> None:
        """Keeps a resource for the define that is being told of."""
        reference = resource.reference
        if reference is not None:
            self.inside.resources[reference] = resource

    # Nodes

    def _ways(self) -> _Ways:
        ways = _Ways(self._operation)
        ways |= dict.fromkeys(COMPARISONS, self._comparison)
        ways |= dict.fromkeys(_LOGIC, self._logic) | dict.fromkeys(_TESTS, self._is)
        ways |= dict.fromkeys((*_BASES, "value_set"), self._value)
        ways |= {
            "define": self._define, "parameter": self._parameter, "literal": self._literal, "And": self._chain,
            "Or": self._chain, "If": self._case, "Case": self._case, "Query": self._query,
            "Retrieve": self._retrieve, "Call": self._call, "Exists": self._exists,
        }  # fmt: skip
        return ways

    def node(self, event: Event) -> Json:
        return self.ways[event[0].way](event)

    def _define(self, event: Event) -> Json:
        """A reference to a define; the same node wherever it is met."""
        key = event.site.refers
        assert key is not None
        name = self.define(key)
        self.inside.defines[name] = None
        known = self.references.get(name)
        if known is None:
            told = {"kind": "define", "name": name, "value": self.told[name]["value"]}
            known = self.references[name] = told
        return known

    def _parameter(self, event: Event) -> Json:
        name = event.site.parameter
        assert name is not None
        known = self.references.get(name)
        if known is None:
            told = {"kind": "parameter", "name": name, "value": self.shown(event.value)}
            known = self.references[name] = told
        self.inside.parameters[name] = known["value"]
        return known

    def _literal(self, event: Event) -> Json:
        """A literal, or a list or interval of literals; the same node wherever it is met."""
        known = self.literals.get(id(event.site))
        if known is None:
            known = self.literals[id(event.site)] = {"kind": "literal", "value": self.shown(event.value)}
        return known

    def _chain(self, event: Event) -> Json:
        """Of `and` and `or` the operands that decided; the others with their value alone."""
        site, value, parts, _ = event
        told: Json = {"kind": site.op.lower(), "operands": [self.node(one) for one in parts if one.value is value]}
        others = [one.value for one in parts if one.value is not value]
        if others:
            told["others"] = others
        not_needed = operand_count(site.node) - len(parts)
        if not_needed:
            told["not_needed"] = not_needed
        told["value"] = value
        return told

    def _logic(self, event: Event) -> Json:
        operands = [self.node(one) for one in event.parts]
        return {"kind": _LOGIC[event.site.op], "operands": operands, "value": event.value}

    def _is(self, event: Event) -> Json:
        of = self.node(event.parts[0])
        return {"kind": "is", "test": _TESTS[event.site.op], "of": of, "value": event.value}

    def _exists(self, event: Event) -> Json:
        return {"kind": "exists", "of": self.node(event.parts[0]), "value": event.value}

    def _case(self, event: Event) -> Json:
        *tests, branch = event.parts
        if event.site.node["comparand"]:
            conditions = [self._equal(*pair) for pair in zip(tests[::2], tests[1::2], strict=True)]
        else:
            conditions = [self.node(one) for one in tests]
        then = self.node(branch)
        taken = bool(conditions) and conditions[-1]["value"] is True
        return {"kind": "case", "conditions": conditions, "taken": taken, "then": then, "value": then["value"]}

    def _equal(self, left: Event, right: Event) -> Json:
        """The comparison that `case X when A then` makes, which is no node of its own."""
        value = equal(self.plain(left.value), self.plain(right.value))
        return {"kind": "compare", "operator": "=", "left": self.node(left), "right": self.node(right), "value": value}

    def _comparison(self, event: Event) -> Json:
        site, value, parts, _ = event
        left, right = parts[0], parts[1]
        if right.site.way == "value_set":
            return self._membership(event, left, right)
        if left.site.way == "value_set" and site.op == "Contains":
            return self._membership(event, right, left)
        told = {
            "kind": "compare", "operator": COMPARISONS[site.op], "left": self.node(left), "right": self.node(right),
            "value": value,
        }  # fmt: skip
        if "precision" in site.node.attrs and site.node.attrs["precision"] is not None:
            told["precision"] = site.node.attrs["precision"]
        return told

    def _membership(self, event: Event, of: Event, set_: Event) -> Json:
        vocabulary: Vocabulary = set_.value
        members = self.run.value_set(vocabulary)
        matched = [one for one in codes_of(self.plain(of.value)) if (one.system, one.code) in members.codes]
        return {
            "kind": "in_value_set",
            "value_set": given(name=vocabulary.name, url=vocabulary.id, version=members.version),
            "of": self.node(of),
            "matched": [{"system": one.system, "code": one.code} for one in matched],
            "value": event.value,
        }

    def _call(self, event: Event) -> Json:
        """A function of the library with its body; an operator that is written as one."""
        node = event.site.node
        given = {id(bare(one)) for one in node.args}
        arguments = [one for one in event.parts if id(one.site.node) in given]
        body = next((one for one in event.parts if id(one.site.node) not in given), None)
        if body is not None:
            named = dict(zip(body.site.operands or (), [self.node(one) for one in arguments], strict=False))
            tree = self.node(body)
            return {"kind": "call", "function": node["name"], "arguments": named, "body": tree, "value": tree["value"]}
        if node["name"] == "Coalesce" and len(node.args) > 1:
            operands = [self.node(one) for one in event.parts]
            return {"kind": "coalesce", "operands": operands, "value": self.shown(event.value)}
        return self._exists(event) if node["name"].lower() == "exists" else self._operation(event)

    def _operation(self, event: Event) -> Json:
        node = event.site.node
        told: Json = {"kind": "operation", "operator": node["name"] if event.site.op == "Call" else event.site.op}
        if "precision" in node.attrs and node.attrs["precision"] is not None:
            told["precision"] = node.attrs["precision"]
        told["operands"] = [self.node(one) for one in event.parts]
        told["value"] = self.shown(event.value)
        return told

    def _value(self, event: Event) -> Json:
        """An element of a resource, or of what another node came to."""
        found = self._of_row(event)
        if found is not None:
            return found
        base = event
        while base.site.op in _STEPS and base.parts and base.site.refers is None:
            base = base.parts[0]
        site = base.site
        is_node = site.op not in _BASES or site.refers is not None or site.parameter is not None
        source = self.node(base) if is_node else None  # first: the places of its elements are learned there
        reference, path = self.origins.of_event(event)
        told = {"kind": "value", "value": self.shown(event.value)}
        if path is not None:
            told |= {"reference": reference, "path": path}
            unit = unit_of(event)
            if unit is not None:
                told["unit"] = unit
        if site.operand is not None and base is event:
            told["operand"] = site.operand
        elif path is None and isinstance(event.value, (Code, Concept)):
            told["name"] = event.site.node["name"]
        if source is not None:
            told["from"] = source
        return told

    def _of_row(self, event: Event) -> Json | None:
        """The commonest value, in short: an element of the resource that a row is about."""
        site, value, parts, _ = event
        if site.op != "Member" or site.refers is not None or not parts or parts[0].site.op != "Name":
            return None
        source = parts[0].value
        label = self.labels.get(id(source))
        if label is None or (type(value) is not Fhir and value is not None):
            return None
        path = self.origins.read(source, label["reference"], site.node["name"], value)
        return {"kind": "value", "value": self.shown(value), "reference": label["reference"], "path": path}

    # Retrieves and queries

    def _retrieve(self, event: Event) -> Json:
        type_ = event.site.type
        element = type_.element if isinstance(type_, ListOf) else type_
        told: Json = {"kind": "retrieve", "type": getattr(element, "name", str(element))}
        if event.parts:
            by = event.parts[0]
            told["path"] = event.site.node["path"] or CODE_PATHS[told["type"]]
            told |= _selector(by.value, by.site.node["name"])
        told["value"] = returned = []
        for one in event.value:
            returned.append(self.label(one))
            self._note(one)
        return told

    def _query(self, event: Event) -> Json:
        attrs = event.site.node.attrs
        wanted = [bare(one.expression) for one in attrs["sources"]]
        sources = [next(one for one in event.parts if one.site.node is expression) for expression in wanted]
        nodes = [self.node(one) for one in sources]
        if attrs.get("aggregate") is not None:
            return {"kind": "operation", "operator": "Aggregate", "operands": nodes, "value": self.shown(event.value)}
        told: Json = {"kind": "query", "sources": nodes}
        if event.site.bounds:
            self._add_window(event, nodes[0])
        has_return = attrs.get("return") is not None
        if has_return or attrs.get("inclusions") or attrs.get("where") is not None:
            told["rows"] = [self._row(event.site.node, *one) for one in rows_of(sources, event.parts)]
        if has_return and attrs.get("distinct"):
            told["distinct"] = True
        if attrs.get("sort"):
            told["sorted"] = True
        told["value"] = self.shown(event.value)
        return told

    def _add_window(self, event: Event, retrieve: Json) -> None:
        days = window(event.site.bounds, self._worked_out_now)
        if days is not None:
            retrieve["window"] = {name: self.shown(value) for name, value in days.items()}

    def _worked_out_now(self, compute: Compute) -> Any:
        """The value of an expression that uses no variable; what it takes is not told of."""
        outer, self.run.open = self.run.open, []
        try:
            return compute(self.run, [])
        except EvaluationError:
            return None
        finally:
            self.run.open = outer

    def _row(self, node: Node, of: tuple[Any, ...], events: list[Event]) -> Json:
        told: Json = {"of": [self.label(one) for one in of], "kept": True}
        if node.attrs.get("lets"):
            roles = [(one.site.role or "", one) for one in events]
            told["lets"] = {role[4:]: self.node(one) for role, one in roles if role.startswith("let ")}
        if node.attrs.get("inclusions"):
            told["inclusions"] = [self._inclusion(one, events) for one in node["inclusions"]]
            told["kept"] = all(one["value"] for one in told["inclusions"])
        for one in events:
            if one.site.role == "where":
                told["where"] = self.node(one)
                told["kept"] = told["kept"] and one.value is True
            elif one.site.role == "return":
                told["gives"] = self.node(one)
        return told

    def _inclusion(self, inclusion: Inclusion, events: list[Event]) -> Json:
        condition = bare(inclusion.condition)
        met = [one for one in events if one.site.node is condition]
        rows = [{"of": [self.label(one.row[-1])], "where": self.node(one)} for one in met]
        found = any(one.value is True for one in met)
        return {"kind": "with" if inclusion.present else "without", "rows": rows, "value": found is inclusion.present}


def _selector(value: Any, name: str | None) -> Json:
    """What a retrieve selects by: a value set, or codes under the name that the rule gives them."""
    if isinstance(value, Vocabulary):
        return {"value_set": given(name=value.name, url=value.id)}
    codes = sorted({(one.system, one.code) for one in codes_of(value)}, key=str)
    return given(name=name, codes=[given(system=system, code=code) for system, code in codes])


def _resource(one: Fhir) -> Json:
    return given(type=one.type, name=name_of(one), date=day_of(one))
