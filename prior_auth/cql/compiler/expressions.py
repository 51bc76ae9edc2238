"""Each kind of node to a computation; what has no method here is refused."""

# ruff: noqa: ARG002  every handler and every computation has the same operands

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prior_auth.cql.compiler.base import (
    NO_RUN,
    Compiled,
    Constant,
    Scope,
    applied,
    as_system,
    constant,
    folded,
    once,
    placed,
)
from prior_auth.cql.compiler.literals import INSTANCES, literal, quantity
from prior_auth.cql.compiler.members import Members
from prior_auth.cql.compiler.timings import Timings
from prior_auth.cql.conversions import implicit, tester, united, widened
from prior_auth.cql.errors import At, CqlError, EvaluationError, nearest
from prior_auth.cql.operators import OVERLOADS
from prior_auth.cql.runtime import Compute, Frame, Run
from prior_auth.cql.syntax.nodes import Node, TypeNode
from prior_auth.cql.types import (
    ANY,
    BOOLEAN,
    CODE,
    CODE_SYSTEM,
    CONCEPT,
    QUANTITIES,
    QUANTITY,
    RATIO,
    SYSTEM_TYPES,
    VALUE_SET,
    Choice,
    IntervalOf,
    ListOf,
    Named,
    TupleOf,
    Type,
    choice,
    fhir,
    is_boundless,
    is_subtype,
)
from prior_auth.cql.values.core import Code, Concept, Interval, Ratio
from prior_auth.cql.values.intervals import MAXIMUM, MINIMUM, check
from prior_auth.r4 import model

Handler = Callable[[Any, Node, Scope], Compiled]


MAX_NODES = 50_000
# What rows often ask for that depends on parameters alone: `Interval[AsOf - 90 days, AsOf]`.
_WORTH_KEEPING = frozenset({"Interval", "Add", "Subtract", "Multiply", "Divide"})


class Expressions(Timings, Members):
    """Literals, selectors, logic, conditions and types."""

    has_fhir: bool

    def compile(self, node: Node, scope: Scope) -> Compiled:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise CqlError(f"the library has more than {MAX_NODES} expressions", node.at, "use defines for the parts")
        before = self.varying
        found = self._compiled_by_kind(node, scope)
        if node.op in _WORTH_KEEPING and scope.names and self.varying == before and not self.watched:
            return Compiled(found.type, found.compute if isinstance(found.compute, Constant) else once(found.compute))
        return found

    def _compiled_by_kind(self, node: Node, scope: Scope) -> Compiled:
        handler: Handler | None = getattr(type(self), f"on_{node.op}", None)
        if handler is not None:
            return handler(self, node, scope)
        if node.op in OVERLOADS:
            operands = [self.compile(one, scope) for one in node.args]
            return self.operation(node.op, operands, node.at, precision=node["precision"], shown=_shown(node.op))
        raise CqlError(f"{node.op} is not supported", node.at)

    # Literals and selectors

    def on_Parens(self, node: Node, scope: Scope) -> Compiled:
        return self.compile(node.args[0], scope)

    def on_Null(self, node: Node, scope: Scope) -> Compiled:
        return Compiled(ANY, constant(None))

    def on_Literal(self, node: Node, scope: Scope) -> Compiled:
        type_, value = literal(node["kind"], node["text"], node.at)
        return Compiled(type_, constant(value))

    def on_Quantity(self, node: Node, scope: Scope) -> Compiled:
        return Compiled(QUANTITY, constant(quantity(node)))

    def on_Ratio(self, node: Node, scope: Scope) -> Compiled:
        return Compiled(RATIO, constant(Ratio(quantity(node.args[0]), quantity(node.args[1]))))

    def on_Interval(self, node: Node, scope: Scope) -> Compiled:
        bounds = [self.compile(one, scope) for one in node.args]
        bounds = [self._system(one) for one in bounds]
        point = widened([one.type for one in bounds], fhir=self.has_helpers)
        if isinstance(point, Choice):
            raise CqlError(
                f"the bounds of an interval are of unlike types: {bounds[0].type}, {bounds[1].type}", node.at
            )
        low, high = (self.converted(one, point, node.at, "a bound").compute for one in bounds)
        if point == ANY and all(one.op == "Null" for one in node.args):
            # An interval without a bound and without a type is no interval, as in the reference engines.
            return Compiled(IntervalOf(ANY), constant(None))
        closed, name = (node["lowClosed"], node["highClosed"]), point.name if isinstance(point, Named) else "Any"

        def compute(run: Run, frame: Frame) -> Interval:
            try:
                return check(Interval(low(run, frame), high(run, frame), *closed, name))
            except EvaluationError as error:
                raise placed(error, node.at) from None

        return Compiled(IntervalOf(point), folded(compute, [low, high]))

    def on_ComputedInterval(self, node: Node, scope: Scope) -> Compiled:
        """ELM's conversions of intervals: closed where the one that is converted is. Null where that is null."""
        bounds = [self._system(self.compile(one, scope)) for one in node.args]
        point = widened([one.type for one in bounds], fhir=self.has_helpers)
        low, high = (self.converted(one, point, node.at, "a bound").compute for one in bounds)
        flags = [
            constant(node[side]) if one is None else self.condition(one, scope, "a flag")
            for side, one in zip(("lowClosed", "highClosed"), node["closed"], strict=True)
        ]
        name = point.name if isinstance(point, Named) else "Any"

        def compute(run: Run, frame: Frame) -> Interval | None:
            closed = [one(run, frame) for one in flags]
            if None in closed:
                return None
            try:
                return check(Interval(low(run, frame), high(run, frame), closed[0], closed[1], name))
            except EvaluationError as error:
                raise placed(error, node.at) from None

        return Compiled(IntervalOf(point), compute)

    def _system(self, value: Compiled) -> Compiled:
        """A FHIR value as the CQL value that FHIRHelpers makes of it, where it does."""
        target = as_system(value.type) if self.has_helpers else value.type
        found = implicit(value.type, target, fhir=self.has_helpers)
        return value if found is None else Compiled(target, applied(value.compute, found[1]))

    def on_List(self, node: Node, scope: Scope) -> Compiled:
        elements = [self.compile(one, scope) for one in node.args]
        written: TypeNode | None = node["type"]
        if written is not None:
            element = self.type_of(written)
        else:
            element = widened([one.type for one in elements], fhir=self.has_helpers)
        computes = [self.converted(one, element, node.at, "an element").compute for one in elements]
        if computes and all(isinstance(one, Constant) for one in computes):
            return Compiled(ListOf(element), constant(tuple(one(NO_RUN, []) for one in computes)))
        return Compiled(ListOf(element), lambda run, frame: [one(run, frame) for one in computes])

    def on_Tuple(self, node: Node, scope: Scope) -> Compiled:
        names: list[str] = node["names"]
        elements = [self.compile(one, scope) for one in node.args]
        pairs = list(zip(names, (one.compute for one in elements), strict=True))
        type_ = self.not_too_large(TupleOf(tuple(zip(names, (one.type for one in elements), strict=True))), node.at)
        return Compiled(type_, lambda run, frame: {name: compute(run, frame) for name, compute in pairs})

    def on_Instance(self, node: Node, scope: Scope) -> Compiled:
        type_ = self.type_of(node["type"])
        made = INSTANCES.get(type_)
        if made is None:
            raise CqlError(f"making a {type_} is not supported", node.at)
        make, fields = made
        computes: dict[str, Compute] = {}
        for name, value in zip(node["names"], node.args, strict=True):
            if name not in fields:
                raise CqlError(f"{type_} has no element `{name}`", value.at, nearest(name, fields))
            computes[name] = self.converted(self.compile(value, scope), fields[name], value.at, f"`{name}`").compute
        return Compiled(type_, lambda run, frame: make({name: one(run, frame) for name, one in computes.items()}))

    def on_Code(self, node: Node, scope: Scope) -> Compiled:
        system = self.converted(self.compile(node.args[0], scope), CODE_SYSTEM, node.at, "a code system").compute
        code, display = node["code"], node["display"]

        def compute(run: Run, frame: Frame) -> Code:
            found = system(run, frame)
            return Code(code, found.id, found.version, display)

        return Compiled(CODE, compute)

    def on_Concept(self, node: Node, scope: Scope) -> Compiled:
        codes = [self.converted(self.compile(one, scope), CODE, one.at, "a code").compute for one in node.args]
        return Compiled(CONCEPT, lambda run, frame: Concept(tuple(one(run, frame) for one in codes), node["display"]))

    # Logic and conditions

    def on_And(self, node: Node, scope: Scope) -> Compiled:
        return self._chain(node, scope, decisive=False)

    def on_Or(self, node: Node, scope: Scope) -> Compiled:
        return self._chain(node, scope, decisive=True)

    def _chain(self, node: Node, scope: Scope, *, decisive: bool) -> Compiled:
        """A row of `and` or of `or`: the first operand that decides ends it, else one that is unknown makes it so."""
        what = f"an operand of `{node.op.lower()}`"
        operands = [self.condition(one, scope, what) for one in row(node)]

        def compute(run: Run, frame: Frame) -> bool | None:
            unknown = False
            for operand in operands:
                found: bool | None = operand(run, frame)
                if found is decisive:
                    return decisive
                unknown = unknown or found is None
            return None if unknown else not decisive

        return Compiled(BOOLEAN, compute)

    def on_Implies(self, node: Node, scope: Scope) -> Compiled:
        left, right = (self.condition(one, scope, "an operand of `implies`") for one in node.args)

        def compute(run: Run, frame: Frame) -> bool | None:
            first = left(run, frame)
            if first is False:
                return True
            second = right(run, frame)
            return second if first is True or second is True else None

        return Compiled(BOOLEAN, compute)

    def on_If(self, node: Node, scope: Scope) -> Compiled:
        condition = self.condition(node.args[0], scope)
        type_, (then, otherwise) = self._branches(node.args[1:], scope)

        def compute(run: Run, frame: Frame) -> Any:
            return then(run, frame) if condition(run, frame) is True else otherwise(run, frame)

        return Compiled(type_, compute)

    def _branches(self, nodes: tuple[Node, ...], scope: Scope) -> tuple[Type, list[Compute]]:
        found = [self.compile(one, scope) for one in nodes]
        type_ = widened([one.type for one in found], fhir=self.has_helpers)
        return type_, [
            self.converted(one, type_, n.at, "a branch").compute for one, n in zip(found, nodes, strict=True)
        ]

    def on_Case(self, node: Node, scope: Scope) -> Compiled:
        items = node.args[1:-1] if node["comparand"] else node.args[:-1]
        whens, thens = items[::2], items[1::2]
        type_, branches = self._branches((*thens, node.args[-1]), scope)
        cost = 0
        if node["comparand"]:
            before = self.nodes
            comparand = self.compile(node.args[0], scope)
            cost = self.steps_since(before)
            tests = [self.operation("Equal", [comparand, self.compile(w, scope)], w.at).compute for w in whens]
        else:
            tests = [self.condition(when, scope) for when in whens]
        pairs, otherwise = list(zip(tests, branches[:-1], strict=True)), branches[-1]

        def compute(run: Run, frame: Frame) -> Any:
            for test, branch in pairs:
                run.step(cost)  # the comparand is worked out for every `when`
                if test(run, frame) is True:
                    return branch(run, frame)
            return otherwise(run, frame)

        return Compiled(type_, compute)

    def on_Between(self, node: Node, scope: Scope) -> Compiled:
        value, low, high = node.args
        lower, upper = ("Greater", "Less") if node["properly"] else ("GreaterOrEqual", "LessOrEqual")
        if isinstance(self.compile(value, scope).type, IntervalOf):
            lower, upper = ("SameOrAfter", "SameOrBefore")
        both = Node("And", node.at, (Node(lower, node.at, (value, low)), Node(upper, node.at, (value, high))))
        return self.compile(both, scope)

    def on_In(self, node: Node, scope: Scope) -> Compiled:
        left, right = (self.compile(one, scope) for one in node.args)
        return self.membership(left, right, node)

    def on_Contains(self, node: Node, scope: Scope) -> Compiled:
        left, right = (self.compile(one, scope) for one in node.args)
        if left.type in (VALUE_SET, CODE_SYSTEM):
            return self.membership(right, left, node)
        return self.operation("Contains", [left, right], node.at, precision=node["precision"], shown="`contains`")

    def membership(self, left: Compiled, right: Compiled, node: Node) -> Compiled:
        if right.type not in (VALUE_SET, CODE_SYSTEM):
            return self.operation("In", [left, right], node.at, precision=node["precision"], shown="`in`")
        name = "InValueSet" if right.type == VALUE_SET else "InCodeSystem"
        if isinstance(left.type, ListOf) and right.type == VALUE_SET:
            name = "AnyInValueSet"
        return self.operation(name, [left, right], node.at, shown="`in` a value set")

    def on_Ampersand(self, node: Node, scope: Scope) -> Compiled:
        return self.operation("Ampersand", [self.compile(one, scope) for one in node.args], node.at, shown="`&`")

    def on_Union(self, node: Node, scope: Scope) -> Compiled:
        """Lists of unlike types unite to a list of a choice."""
        left, right = (self.compile(one, scope) for one in node.args)
        if isinstance(left.type, ListOf) and isinstance(right.type, ListOf):
            element = united(left.type.element, right.type.element, fhir=self.has_helpers)
            left, right = (self.converted(one, ListOf(element), node.at, "a list") for one in (left, right))
        return self.operation("Union", [left, right], node.at, shown="`union`")

    def on_Coalesce(self, operands: list[Compiled], at: At) -> Compiled:
        if len(operands) == 1 and isinstance(operands[0].type, ListOf):
            values = operands[0].compute

            def first(run: Run, frame: Frame) -> Any:
                return next((one for one in values(run, frame) or () if one is not None), None)

            return Compiled(operands[0].type.element, first)
        if len(operands) < 2:
            raise CqlError("Coalesce needs at least two operands or a list", at)
        type_ = widened([one.type for one in operands], fhir=self.has_helpers)
        computes = [self.converted(one, type_, at, "an operand").compute for one in operands]

        def compute(run: Run, frame: Frame) -> Any:
            for one in computes:
                value = one(run, frame)
                if value is not None:
                    return value
            return None

        return Compiled(type_, compute)

    # Types

    def type_of(self, node: TypeNode) -> Type:
        """The type that is written. CqlError for one that is not known."""
        if node.kind == "named":
            return self._named(node)
        inner = [self.type_of(one) for one in node.of]
        if node.kind == "list":
            return ListOf(inner[0])
        if node.kind == "interval":
            return IntervalOf(inner[0])
        return choice(inner) if node.kind == "choice" else TupleOf(tuple(zip(node.fields, inner, strict=True)))

    def _named(self, node: TypeNode) -> Type:
        if node.qualifier not in (None, "FHIR", "System"):
            raise CqlError(
                f"`{node.qualifier}` is no model", node.at, nearest(node.qualifier or "", ("FHIR", "System"))
            )
        # With `using FHIR`, a name that both models have means FHIR's, as in the reference translator.
        if node.qualifier != "System" and self.has_fhir:
            if node.name in QUANTITIES:
                return fhir("Quantity")
            if model.is_type(node.name) or ("." in node.name and model.elements(node.name)):
                return fhir(node.name)
        if node.qualifier != "FHIR" and node.name in SYSTEM_TYPES:
            return SYSTEM_TYPES[node.name]
        known = [*SYSTEM_TYPES, *(model.type_names() if self.has_fhir else ())]
        raise CqlError(f"there is no type `{node.name}`", node.at, nearest(node.name, known))

    def on_Is(self, node: Node, scope: Scope) -> Compiled:
        value, type_ = self.compile(node.args[0], scope), self.type_of(node["type"])
        is_one, compute = tester(type_), value.compute

        def test(run: Run, frame: Frame) -> bool:
            found = compute(run, frame)
            return found is not None and is_one(found)

        return Compiled(BOOLEAN, test)

    def on_As(self, node: Node, scope: Scope) -> Compiled:
        value, type_ = self.compile(node.args[0], scope), self.type_of(node["type"])
        if not can_be(value.type, type_):
            raise CqlError(f"a {value.type} can never be a {type_}", node.at, "use convert, or another type")
        is_one, compute, strict = tester(type_), value.compute, node["strict"]

        def cast(run: Run, frame: Frame) -> Any:
            found = compute(run, frame)
            if found is None or is_one(found):
                return found
            if strict:
                raise EvaluationError(f"the value is no {type_}", where=str(node.at))
            return None

        if isinstance(type_, IntervalOf) and is_boundless(value.type):
            return self.converted(value, type_, node.at, "an interval")
        return Compiled(type_, cast)

    def on_Convert(self, node: Node, scope: Scope) -> Compiled:
        value, type_ = self.compile(node.args[0], scope), self.type_of(node["type"])
        found = implicit(value.type, type_, fhir=self.has_helpers)
        if found is not None and not isinstance(value.type, Choice):
            return Compiled(type_, applied(value.compute, found[1]))
        name = f"To{type_.name}" if isinstance(type_, Named) and type_.namespace == "System" else ""
        if name not in OVERLOADS:
            raise CqlError(f"a {value.type} does not convert to {type_}", node.at)
        return self.operation(name, [value], node.at, shown=f"convert to {type_}")

    def on_MinValue(self, node: Node, scope: Scope) -> Compiled:
        return self._extreme(node, MINIMUM)

    def on_MaxValue(self, node: Node, scope: Scope) -> Compiled:
        return self._extreme(node, MAXIMUM)

    def _extreme(self, node: Node, table: dict[str, Any]) -> Compiled:
        type_ = self.type_of(node["type"])
        name = type_.name if isinstance(type_, Named) and type_.namespace == "System" else ""
        if name not in table:
            raise CqlError(f"{type_} has no least and greatest value", node.at)
        return Compiled(type_, constant(table[name]))


def row(node: Node) -> list[Node]:
    """The operands of `a and b and c`, which the parser nests to the left."""
    found: list[Node] = []
    rest = node
    while rest.op == node.op:
        found.append(rest.args[1])
        rest = rest.args[0]
    return [rest, *reversed(found)]


def can_be(type_: Type, target: Type) -> bool:
    """Whether some value of `type_` is one of `target`."""
    if type_ == ANY or is_boundless(type_) or is_subtype(type_, target) or is_subtype(target, type_):
        return True
    match type_, target:
        case Choice(), _:
            return any(can_be(one, target) for one in type_.types)
        case _, Choice():
            return any(can_be(type_, one) for one in target.types)
        case ListOf(), ListOf():
            return can_be(type_.element, target.element)
        case IntervalOf(), IntervalOf():
            return can_be(type_.point, target.point)
    return False


_SYMBOLS = {
    "Equal": "`=`", "NotEqual": "`!=`", "Equivalent": "`~`", "NotEquivalent": "`!~`", "Less": "`<`",
    "LessOrEqual": "`<=`", "Greater": "`>`", "GreaterOrEqual": "`>=`", "Add": "`+`", "Subtract": "`-`",
    "Multiply": "`*`", "Divide": "`/`", "TruncatedDivide": "`div`", "Modulo": "`mod`", "Power": "`^`",
    "IncludedIn": "`during`", "Includes": "`includes`", "Exists": "`exists`", "Not": "`not`",
    "SingletonFrom": "`singleton from`", "Indexer": "`[ ]`", "Start": "`start of`", "End": "`end of`",
}  # fmt: skip


def _shown(op: str) -> str:
    return _SYMBOLS.get(op, op)
