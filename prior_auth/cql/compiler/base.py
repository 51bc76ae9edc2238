"""What all parts of the compiler share: compiled expressions, scopes, and the choice of an operator's overload."""

# ruff: noqa: ARG002, ARG005  every handler and every computation has the same operands

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from prior_auth.cql import helpers
from prior_auth.cql.conversions import combined, implicit, same
from prior_auth.cql.errors import At, CqlError, EvaluationError
from prior_auth.cql.operators import OVERLOADS, Overload
from prior_auth.cql.runtime import MISSING, Compute, Frame, Run
from prior_auth.cql.syntax.nodes import Node
from prior_auth.cql.types import (
    ANY,
    BOOLEAN,
    MAX_PARTS,
    Choice,
    IntervalOf,
    ListOf,
    Named,
    TupleOf,
    Type,
    Variable,
    is_collection,
    is_nested,
    parts,
)
from prior_auth.cql.values.compare import equal

Converter = Callable[[Any], Any]


class Compiled(NamedTuple):
    """An expression with its type, ready to be computed."""

    type: Type
    compute: Compute


@dataclass(slots=True)
class Variables:
    """How many variables a define's frame has."""

    count: int = 0

    def new(self) -> int:
        self.count += 1
        return self.count - 1


@dataclass(slots=True)
class Scope:
    """The names that an expression may use besides the library's: aliases, lets, operands; and the row of a sort."""

    variables: Variables
    names: dict[str, tuple[Type, int]] = field(default_factory=dict)
    row: tuple[Type, int] | None = None

    def inner(self) -> Scope:
        return Scope(self.variables, dict(self.names), self.row)

    def declare(self, name: str, type_: Type, at: At) -> int:
        """A new variable. CqlError where the name is taken."""
        if name in self.names:
            raise CqlError(f"`{name}` is already in use here", at, "choose another alias")
        slot = self.variables.new()
        self.names[name] = (type_, slot)
        return slot


class Match(NamedTuple):
    cost: int
    overload: Overload
    converters: list[Converter]
    result: Type


class Base:
    """The compiler's common ground.

    `has_helpers` says whether FHIRHelpers is included, `nodes` counts what is done, `varying` what of it is not the
    same in the whole of an evaluation: variables, retrieves, other defines, functions of the library; `asking` what
    looks at the chart or at a define.
    """

    has_helpers: bool
    nodes: int = 0
    varying: int = 0
    asking: int = 0
    watched: bool = False

    def steps_since(self, before: int) -> int:
        """What working out once what has been compiled since costs: a step for four nodes."""
        return 1 + (self.nodes - before) // 4

    def compile(self, node: Node, scope: Scope) -> Compiled:
        """What is worked out in another way than by the `compute` of what this gives is hidden from explanations.

        `cql/tracing.py` watches what passes here. A short cut must leave its operands to this where `watched`.
        """
        raise NotImplementedError

    # Conversion

    def converted(self, value: Compiled, target: Type, at: At, what: str) -> Compiled:
        """`value` as a `target`. CqlError where it cannot become one."""
        found = implicit(value.type, target, fhir=self.has_helpers)
        if found is None:
            raise CqlError(f"expected {what} of type {target}, found {value.type}", at, self.advice([value.type]))
        return Compiled(target, applied(value.compute, found[1]))

    def condition(self, node: Node, scope: Scope, what: str = "a condition") -> Compute:
        return self.converted(self.compile(node, scope), BOOLEAN, node.at, what).compute

    def advice(self, types: Iterable[Type]) -> str | None:
        """What a mismatch with FHIR types often needs."""
        if not self.has_helpers and any(isinstance(t, Named) and t.namespace == "FHIR" for t in types):
            return "add `include FHIRHelpers version '4.0.1'`"
        if any(isinstance(one, Choice) for one in types):
            return "say which type is meant, as in `O.value as FHIR.Quantity`"
        if any(isinstance(one, ListOf) for one in types):
            return "this is a list; use First, exists or a query"
        return None

    def not_too_large(self, type_: Type, at: At) -> Type:
        """The type itself. CqlError where no value of it could be looked at in reasonable time."""
        if parts(type_) > MAX_PARTS:
            raise CqlError(f"a type of more than {MAX_PARTS} parts", at, "use smaller tuples")
        return type_

    # Operators

    def operation(
        self, name: str, operands: Sequence[Compiled], at: At, *, precision: str | None = None, shown: str | None = None
    ) -> Compiled:
        """The operator or function `name` on these operands. CqlError where no overload takes them."""
        return self.overloaded(OVERLOADS.get(name, ()), operands, at, shown or name, precision)

    def overloaded(
        self,
        overloads: Iterable[Overload],
        operands: Sequence[Compiled],
        at: At,
        shown: str,
        precision: str | None = None,
    ) -> Compiled:
        types = [one.type for one in operands]
        matches = [m for m in (self._match(one, types) for one in overloads) if m is not None]
        if not matches:
            listed = ", ".join(map(str, types))
            fix = self.advice(types) or _expected(overloads, types)
            raise CqlError(f"{shown} does not go with ({listed})", at, fix)
        best = min(matches, key=lambda match: match.cost)
        rivals = [m for m in matches if m.cost == best.cost and m.overload.parameters != best.overload.parameters]
        if rivals and any(isinstance(one, Choice) for one in types):
            raise CqlError(f"{shown} is ambiguous for ({', '.join(map(str, types))})", at, self.advice(types))
        self.varying += best.overload.with_run
        self.asking += best.overload.asks
        computes = [applied(one.compute, c) for one, c in zip(operands, best.converters, strict=True)]
        weighed = best.overload.name in _DEEP and any(
            is_nested(type_) or (isinstance(parameter, Variable) and is_collection(type_))
            for parameter, type_ in zip(best.overload.parameters, types, strict=True)
        )
        return Compiled(best.result, called(best.overload, computes, at, precision, weighed=weighed))

    def _match(self, overload: Overload, types: list[Type]) -> Match | None:
        if len(overload.parameters) != len(types):
            return None
        bound: dict[str, Type] = {}
        if not all(self._bind(p, t, bound) for p, t in zip(overload.parameters, types, strict=True)):
            return None
        if overload.result == BOOLEAN and self.has_helpers:
            bound = {name: as_system(one) for name, one in bound.items()}
        cost, converters = 0, []
        for parameter, type_ in zip(overload.parameters, types, strict=True):
            found = implicit(type_, substituted(parameter, bound), fhir=self.has_helpers)
            if found is None:
                return None
            cost += found[0]
            converters.append(found[1])
        return Match(cost, overload, converters, substituted(overload.result, bound))

    def _bind(self, parameter: Type, type_: Type, bound: dict[str, Type]) -> bool:
        """Fits the type parameters in `parameter` to `type_`; False where they cannot."""
        match parameter, type_:
            case Variable(name=name), _:
                joined = combined(bound[name], type_, fhir=self.has_helpers) if name in bound else type_
                if joined is None:
                    return False
                bound[name] = joined
            case IntervalOf(point=Variable(name=name)), IntervalOf() if isinstance(
                bound.get(name), (IntervalOf, ListOf)
            ):
                return False
            case ListOf(), ListOf():
                return self._bind(parameter.element, type_.element, bound)
            case IntervalOf(), IntervalOf():
                return self._bind(parameter.point, type_.point, bound)
            case IntervalOf(), Named(namespace="FHIR") if self.has_helpers:
                found = helpers.conversion(type_.name)
                return found is not None and isinstance(found[0], IntervalOf) and self._bind(parameter, found[0], bound)
            case ((ListOf() | IntervalOf()), _):
                return type_ == ANY
        return True


def as_system(type_: Type) -> Type:
    """What a test compares: of FHIR's data types their CQL values, so that 1 g equals 1000 mg."""
    if isinstance(type_, ListOf):
        return ListOf(as_system(type_.element))
    if not isinstance(type_, Named) or type_.namespace != "FHIR":
        return type_
    found = helpers.conversion(type_.name)
    return type_ if found is None else found[0]


def substituted(type_: Type, bound: dict[str, Type]) -> Type:
    match type_:
        case Variable(name=name):
            return bound.get(name, ANY)
        case ListOf():
            return ListOf(substituted(type_.element, bound))
        case IntervalOf():
            return IntervalOf(substituted(type_.point, bound))
        case TupleOf():
            return TupleOf(tuple((name, substituted(one, bound)) for name, one in type_.fields))
    return type_


def _expected(overloads: Iterable[Overload], types: Sequence[Type]) -> str | None:
    """What it takes; of many overloads those that share an operand with what was found."""
    known = [one.parameters for one in overloads]
    if any(len(one) == 2 and isinstance(one[0], Variable) and one[0] == one[1] for one in known):
        return "both must be of one type"
    found = {as_system(one) for one in types}
    listed = [f"({', '.join(map(str, one))})" for one in ([one for one in known if found & {*one}] or known)][:4]
    return f"it takes {' or '.join(listed)}" if listed else None


class Constant:
    """A computation that gives the same value always; operators on nothing but constants are worked out at once."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, run: Run, frame: Frame) -> Any:
        return self.value


constant = Constant


def once(compute: Compute) -> Compute:
    """Worked out once in an evaluation, however many rows ask for it; `compute` uses no variable of the frame."""

    def fixed(run: Run, frame: Frame) -> Any:
        value = run.fixed.get(compute, MISSING)
        if value is MISSING:
            value = run.fixed[compute] = compute(run, frame)
        return value

    return fixed


def folded(compute: Compute, operands: Iterable[Compute]) -> Compute:
    """Its value as a constant where all operands are constants; what goes wrong is left to the evaluation.

    `compute` needs no run. A list of the result is left alone: it could be changed by whoever gets it.
    """
    if not all(isinstance(one, Constant) for one in operands):
        return compute
    try:
        value = compute(NO_RUN, [])
    except (EvaluationError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError):
        return compute
    return compute if isinstance(value, (list, dict)) else Constant(value)


NO_RUN: Any = None


def applied(compute: Compute, convert: Converter) -> Compute:
    """`convert` on what `compute` gives; null stays null."""
    if convert is same:
        return compute

    def converted(run: Run, frame: Frame) -> Any:
        value = compute(run, frame)
        return None if value is None else convert(value)

    return folded(converted, [compute])


def called(
    overload: Overload, operands: list[Compute], at: At, precision: str | None, *, weighed: bool = False
) -> Compute:
    """A call of the overload's function, null where an operand is null and the function does not want it.

    With `weighed`, all that is inside the operands counts, since the function looks at all of it.
    """
    function = overload.function
    if overload.precise:
        function = _at_precision(function, precision, len(operands))
    if overload.name in _MEMBERSHIP:
        one, many = (0, 1) if _MEMBERSHIP[overload.name] else (1, 0)
        members = _constants_of_one_kind(operands[many])
        if members is not None and isinstance(overload.parameters[one], Variable):
            return _member(operands[one], *members)
    with_run = overload.with_run
    if not with_run and overload.name not in _BRIEF and any(isinstance(one, ListOf) for one in overload.parameters):
        with_run, function = True, _counted(function)
    if weighed:
        with_run, function = True, _weighed(function if with_run else _without_run(function))
    if len(operands) == 1:
        compute = (_unary_in_run if with_run else _unary)(function, operands[0], overload.nulls, at)
    elif len(operands) == 2:
        compute = (_binary_in_run if with_run else _binary)(function, operands[0], operands[1], overload.nulls, at)
    else:
        compute = _general(function if with_run else _without_run(function), operands, overload.nulls, at)
    return compute if with_run else folded(compute, operands)


# Operators on lists that look at one or two elements only.
_BRIEF = frozenset({"First", "Last", "Exists", "Indexer", "Length", "SingletonFrom"})
# Operators that look at all that is inside their operands.
_DEEP = frozenset(
    {"Equal", "NotEqual", "Equivalent", "NotEquivalent", "In", "Contains", "Includes", "IncludedIn", "ProperIncludes",
     "ProperIncludedIn", "Union", "Intersect", "Except", "Distinct", "IndexOf", "Mode"}
)  # fmt: skip
# Whether the value stands before the list that may hold it.
_MEMBERSHIP = {"In": True, "IncludedIn": True, "Contains": False, "Includes": False}


def _at_precision(function: Callable[..., Any], precision: str | None, operands: int) -> Callable[..., Any]:
    if operands == 2:
        return lambda left, right: function(left, right, precision)
    return lambda *values: function(*values, precision)


def _without_run(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda run, *values: function(*values)


def _constants_of_one_kind(values: Compute) -> tuple[frozenset[Any], type] | None:
    """The elements of a constant list of nothing but texts, or nothing but whole numbers, and their Python type."""
    if not isinstance(values, Constant) or not isinstance(values.value, tuple):
        return None
    kinds = {type(one) for one in values.value}
    return (frozenset(values.value), kinds.pop()) if kinds in ({str}, {int}) else None


def _member(operand: Compute, members: frozenset[Any], kind: type) -> Compute:
    """Whether a value is one of some constants, which are all of one kind."""

    def compute(run: Run, frame: Frame) -> bool:
        value = operand(run, frame)
        return value in members if type(value) is kind else any(equal(one, value) is True for one in members)

    return compute


def _weighed(function: Callable[..., Any]) -> Callable[..., Any]:
    def weighed(run: Run, *values: Any) -> Any:
        for value in values:
            run.weigh(value)
        return function(run, *values)

    return weighed


def _counted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Takes steps by the product of the lengths of the lists, as membership and comparison do."""

    def counted(run: Run, *values: Any) -> Any:
        cost = 1
        for value in values:
            if isinstance(value, (list, tuple)):
                cost *= 1 + len(value)
        run.step(cost // 8)
        return function(*values)

    return counted


def _unary(function: Callable[..., Any], operand: Compute, nulls: bool, at: At) -> Compute:
    def compute(run: Run, frame: Frame) -> Any:
        value = operand(run, frame)
        if value is None and not nulls:
            return None
        try:
            return function(value)
        except EvaluationError as error:
            raise placed(error, at) from None

    return compute


def _unary_in_run(function: Callable[..., Any], operand: Compute, nulls: bool, at: At) -> Compute:
    def compute(run: Run, frame: Frame) -> Any:
        value = operand(run, frame)
        if value is None and not nulls:
            return None
        try:
            return function(run, value)
        except EvaluationError as error:
            raise placed(error, at) from None

    return compute


def _binary(function: Callable[..., Any], left: Compute, right: Compute, nulls: bool, at: At) -> Compute:
    def compute(run: Run, frame: Frame) -> Any:
        first = left(run, frame)
        second = right(run, frame)
        if (first is None or second is None) and not nulls:
            return None
        try:
            return function(first, second)
        except EvaluationError as error:
            raise placed(error, at) from None

    return compute


def _binary_in_run(function: Callable[..., Any], left: Compute, right: Compute, nulls: bool, at: At) -> Compute:
    def compute(run: Run, frame: Frame) -> Any:
        first = left(run, frame)
        second = right(run, frame)
        if (first is None or second is None) and not nulls:
            return None
        try:
            return function(run, first, second)
        except EvaluationError as error:
            raise placed(error, at) from None

    return compute


def _general(function: Callable[..., Any], operands: list[Compute], nulls: bool, at: At) -> Compute:
    def compute(run: Run, frame: Frame) -> Any:
        values = [operand(run, frame) for operand in operands]
        if not nulls and any(value is None for value in values):
            return None
        try:
            return function(run, *values)
        except EvaluationError as error:
            raise placed(error, at) from None

    return compute


def placed(error: EvaluationError, at: At) -> EvaluationError:
    """The error with its place in the text, unless it has one."""
    if error.where is None:
        error.where = str(at)
    return error
