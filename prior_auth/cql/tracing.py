"""The compiler that watches: every node tells what it came to, and from what; the values stay the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

from prior_auth.cql.compiler.base import Compiled, Scope, Variables
from prior_auth.cql.compiler.library import LibraryCompiler
from prior_auth.cql.errors import CqlError, EvaluationError
from prior_auth.cql.operators import Overload
from prior_auth.cql.runtime import Compute, Definition, Frame, Run
from prior_auth.cql.syntax.nodes import ExpressionDef, FunctionDef, Node
from prior_auth.cql.types import VALUE_SET, Type
from prior_auth.cql.windows import Bound, bounds_of, names_in

_STATIC = frozenset({"Literal", "Quantity", "Null"})
_LEAVES = frozenset({"Name", "This"})


class Site(NamedTuple):
    """What is known of a node before it is worked out. `refers` is the (library, define) that a name stands for.

    `role` is what the node is to the query that it belongs to: `where`, `return`, `with`, `without`, `let x`;
    `operand` the function's operand that a name stands for, `operands` those of the function whose body this is.
    """

    op: str
    node: Node
    type: Type
    refers: tuple[str, str] | None
    parameter: str | None
    role: str | None
    operand: str | None
    operands: tuple[str, ...] | None
    bounds: tuple[Bound, ...]
    way: str  # how it is told of: as a define, a parameter, a literal, a value_set, else by its op


class Event(NamedTuple):
    """One working out of a node. `parts` are those of its operands that were worked out for it, in their order.

    `row` is what the aliases of the query stood for, where the site has a role.
    """

    site: Site
    value: Any
    parts: Sequence[Event]
    row: tuple[Any, ...]


class TracedRun(Run):
    """An evaluation that keeps the events of each define, by library and name."""

    __slots__ = ("bodies", "open")

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.open: list[Event] = []
        self.bodies: dict[tuple[str, str], list[Event]] = {}


class TracingCompiler(LibraryCompiler):
    """Sees each node pass through `compile`; whatever works an operand out in another way is not seen."""

    watched = True

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._roles: dict[int, tuple[str, tuple[str, ...]]] = {}
        self._bodies: dict[int, tuple[str, ...]] = {}
        self._operands: frozenset[str] = frozenset()

    def compile(self, node: Node, scope: Scope) -> Compiled:
        if node.op == "Query":
            self._give_roles(node)
        found = super().compile(node, scope)
        if node.op == "Parens":
            return found
        role, aliases = self._roles.get(id(node), (None, ()))
        name = node["name"] if node.op == "Name" and node["name"] in scope.names else None
        operand = name if name is not None and name in self._operands else None
        constant = _is_static(node)
        bounds = bounds_of(node, lambda one: self._without_row(one, scope)) if node.op == "Query" else ()
        refers, parameter = self._refers(node, scope)
        way = "define" if refers else "parameter" if parameter else "literal" if constant else node.op
        way = "value_set" if found.type == VALUE_SET else way
        operands = self._bodies.get(id(node))
        site = Site(node.op, node, found.type, refers, parameter, role, operand, operands, bounds, way)
        if constant and role is None:
            return Compiled(found.type, _constant(found.compute, site))
        if node.op in _LEAVES and role is None and (name is not None or node.op == "This"):
            return Compiled(found.type, _leaf(found.compute, site))  # a variable: nothing is worked out for it
        if role is not None:
            return Compiled(found.type, _of_row(found.compute, site, [scope.names[one][1] for one in aliases]))
        return Compiled(found.type, _traced(found.compute, site))

    def _without_row(self, node: Node, scope: Scope) -> Compiled | None:
        """An expression that uses no variable, compiled once more; None where it uses one, or cannot stand alone."""
        if any(name is None or name in scope.names for name in names_in(node)):
            return None
        before = self.nodes
        try:
            return self.compile(node, Scope(Variables()))
        except CqlError:
            return None
        finally:
            self.nodes = before  # the query takes the steps that it takes untraced

    def _refers(self, node: Node, scope: Scope) -> tuple[tuple[str, str] | None, str | None]:
        """The define, and the parameter, that a name stands for."""
        name = node["name"]
        library: LibraryCompiler | None = None
        if node.op == "Name":
            is_element = scope.row is not None and self.element(scope.row[0], name) is not None
            library = None if name in scope.names or is_element else self
        elif node.op == "Member":
            library = self._library(node.args[0], scope)
        if library is None:
            return None, None
        if isinstance(library.node.definitions.get(name), ExpressionDef):
            return (library.node.name, name), None
        return None, name if name in library.parameters else None

    def _give_roles(self, query: Node) -> None:
        """Remembers what the query's parts are to it, with the aliases that make up its row."""
        aliases = tuple(source.alias for source in query["sources"])
        for name, value in query["lets"]:
            self._roles[id(bare(value))] = (f"let {name}", aliases)
        for one in query["inclusions"]:
            kind = "with" if one.present else "without"
            self._roles[id(bare(one.condition))] = (kind, (*aliases, one.source.alias))
        for part in ("where", "return"):
            if query[part] is not None:
                self._roles[id(bare(query[part]))] = (part, aliases)

    def function(self, node: FunctionDef) -> Overload:
        names = tuple(name for name, _ in node.parameters)
        self._bodies[id(bare(node.body))] = names
        outer, self._operands = self._operands, frozenset(names)
        try:
            return super().function(node)
        finally:
            self._operands = outer

    def definition(self, name: str, definition: ExpressionDef) -> Definition:
        if name not in self.compiled:
            outer, self._operands = self._operands, frozenset()
            made = super().definition(name, definition)
            self._operands = outer
            self.compiled[name] = dataclasses.replace(made, compute=_kept(made))
        return self.compiled[name]


def bare(node: Node) -> Node:
    """The node without parentheses around it."""
    while node.op == "Parens":
        node = node.args[0]
    return node


def _is_static(node: Node) -> bool:
    """A literal, or a list or interval of literals: worked out once, when the library is compiled."""
    return node.op in _STATIC or (node.op in ("List", "Interval") and all(bare(one).op in _STATIC for one in node.args))


class _NoRun:
    """What a constant needs of a run."""

    def __init__(self) -> None:
        self.open: list[Event] = []


_made = tuple.__new__  # an Event for half the price of its constructor


def _constant(inner: Compute, site: Site) -> Compute:
    no_run: Any = _NoRun()
    try:
        value = inner(no_run, [])
    except EvaluationError:
        return _traced(inner, site)  # such as an interval that ends before it starts: a problem of its define
    event = Event(site, tuple(value) if isinstance(value, list) else value, [], ())

    def compute(run: Any, _: Frame) -> Any:
        run.open.append(event)
        return event.value

    return compute


def _leaf(inner: Compute, site: Site) -> Compute:
    def compute(run: Any, frame: Frame) -> Any:
        value = inner(run, frame)
        run.open.append(_made(Event, (site, value, (), ())))
        return value

    return compute


def _traced(inner: Compute, site: Site) -> Compute:
    def compute(run: Any, frame: Frame) -> Any:
        outer = run.open
        parts: list[Event] = []
        run.open = parts
        value = inner(run, frame)
        run.open = outer
        outer.append(_made(Event, (site, value, parts, ())))
        return value

    return compute


def _of_row(inner: Compute, site: Site, slots: list[int]) -> Compute:
    def compute(run: Any, frame: Frame) -> Any:
        outer = run.open
        parts: list[Event] = []
        run.open = parts
        value = inner(run, frame)
        run.open = outer
        outer.append(_made(Event, (site, value, parts, tuple([frame[slot] for slot in slots]))))
        return value

    return compute


def _kept(made: Definition) -> Compute:
    """The define's computation, with its events kept apart from those of the define that asks for it."""
    key, inner = (made.library, made.name), made.compute

    def compute(run: Any, frame: Frame) -> Any:
        outer = run.open
        run.open = run.bodies[key] = []
        try:
            return inner(run, frame)
        finally:
            run.open = outer

    return compute
