"""A library: its names, its functions and the libraries that it includes."""

# ruff: noqa: ARG001, ARG005  every handler and every computation has the same operands

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from prior_auth.cql import helpers
from prior_auth.cql.compiler.base import Compiled, Scope, Variables, applied, constant
from prior_auth.cql.compiler.checks import Checks
from prior_auth.cql.compiler.members import element_names
from prior_auth.cql.conversions import implicit
from prior_auth.cql.errors import At, CqlError, EvaluationError, nearest
from prior_auth.cql.operators import OVERLOADS
from prior_auth.cql.operators.registry import Overload
from prior_auth.cql.runtime import MISSING, Compute, Definition, Frame, Run
from prior_auth.cql.syntax.nodes import (
    CodeDef,
    CodeSystemDef,
    ConceptDef,
    ExpressionDef,
    FunctionDef,
    LibraryNode,
    Node,
    ParameterDef,
    ValueSetDef,
)
from prior_auth.cql.types import (
    CODE,
    CODE_SYSTEM,
    CONCEPT,
    VALUE_SET,
    Type,
    fhir,
)
from prior_auth.cql.values.core import Code, Concept, Fhir, Vocabulary
from prior_auth.terminology.valuesets import ValueSet

FHIR_HELPERS = "FHIRHelpers"
FHIR_VERSIONS = ("4.0.1", "4.0.0", None)

# Operators that only their own syntax reaches.
_NOT_FUNCTIONS = frozenset({"DateTimeComponentFrom", "Ampersand", "InCodeSystem", "InValueSet", "AnyInValueSet"})
# They read the time of the evaluation, which a rule that must give the same answer again may not.
_CLOCK = frozenset({"Now", "Today", "TimeOfDay"})
_ALIASES = {"Concatenate": "Add"}
_REFUSED = frozenset({"descendents", "descendants", "children", "repeat", "resolve", "trace", "aggregate"})
# FHIRPath's way of writing what CQL has as functions, on a list or value before the dot.
_METHODS = {
    "first": "First", "last": "Last", "exists": "Exists", "count": "Count", "skip": "Skip", "take": "Take",
    "tail": "Tail", "distinct": "Distinct", "single": "SingletonFrom", "allTrue": "AllTrue", "anyTrue": "AnyTrue",
    "length": "Length", "startsWith": "StartsWith", "endsWith": "EndsWith", "upper": "Upper", "lower": "Lower",
    "toString": "ToString", "toInteger": "ToInteger", "toDecimal": "ToDecimal", "toQuantity": "ToQuantity",
}  # fmt: skip


class LibraryCompiler(Checks):
    """Compiles one library; every name is worked out once, when it is first met."""

    def __init__(
        self, node: LibraryNode, includes: Mapping[str, LibraryCompiler], value_sets: Mapping[str, ValueSet], at: At
    ) -> None:
        super().__init__()
        self.node = node
        self.at = at
        self.includes = includes
        self.value_sets = value_sets
        self.used_sets: dict[str, ValueSet] = {}
        self.has_fhir = any(using.model == "FHIR" for using in node.usings)
        self.has_helpers = any(include.library == FHIR_HELPERS for include in node.includes)
        self.helpers_alias = {one.alias for one in node.includes if one.library == FHIR_HELPERS}
        self.compiled: dict[str, Definition] = {}
        self.functions: dict[int, Overload] = {}
        self.open: list[str] = []
        self.parameters: dict[str, Type] = {}
        self.clock: list[At] = []

    def compile_all(self) -> None:
        """Every define, parameter and function. CqlError for the first that cannot be."""
        for using in self.node.usings:
            if using.model not in ("FHIR", "System") or (using.model == "FHIR" and using.version not in FHIR_VERSIONS):
                raise CqlError(
                    f"the model {using.model} {using.version or ''} is not supported", using.at, "use FHIR 4.0.1"
                )
        for name, definition in self.node.definitions.items():
            if isinstance(definition, ExpressionDef):
                self.definition(name, definition)
            else:
                self._named_definition(name, definition.at)
        for function in self.node.functions:
            self.function(function)
        self.forget()

    # Names

    def on_Name(self, node: Node, scope: Scope) -> Compiled:
        name = node["name"]
        known = scope.names.get(name)
        if known is not None:
            self.varying += 1
            type_, slot = known
            return Compiled(type_, lambda run, frame: frame[slot])
        if scope.row is not None:
            element = self.element(scope.row[0], name)
            if element is not None:
                return self.member(self.on_This(node, scope), name, node.at)
        found = self._named_definition(name, node.at)
        if found is not None:
            return found
        raise self._unknown(name, scope, node.at)

    def on_This(self, node: Node, scope: Scope) -> Compiled:
        if scope.row is None:
            raise CqlError("there is no row here", node.at)
        self.varying += 1
        type_, slot = scope.row
        return Compiled(type_, lambda run, frame: frame[slot])

    def _unknown(self, name: str, scope: Scope, at: At) -> CqlError:
        known = [*scope.names, *self.node.definitions, *(f.name for f in self.node.functions), *self.includes]
        known += element_names(scope.row[0]) if scope.row is not None else []
        if name in self.includes or name in self.helpers_alias:
            return CqlError(f"`{name}` is a library; name one of its defines after a dot", at)
        return CqlError(f"there is no `{name}` in this library", at, nearest(name, known))

    def _named_definition(self, name: str, at: At, *, outside: bool = False) -> Compiled | None:
        """A definition of this library as an expression; None where there is none of the name."""
        definition = self.node.definitions.get(name)
        match definition:
            case ExpressionDef():
                if outside and definition.private:
                    raise CqlError(f"`{name}` is private to {self.node.name}", at)
                made = self.definition(name, definition)
                self.varying += 1
                self.asking += 1
                return Compiled(made.type, lambda run, frame: run.define(made))
            case ParameterDef():
                return self._parameter(definition)
            case ValueSetDef():
                self._check_set(definition)
                return Compiled(VALUE_SET, constant(Vocabulary("ValueSet", definition.url, definition.version, name)))
            case CodeSystemDef():
                return Compiled(CODE_SYSTEM, constant(_code_system(definition)))
            case CodeDef():
                return Compiled(CODE, constant(self._code_of(definition)))
            case ConceptDef():
                return Compiled(CONCEPT, constant(self._concept_of(definition)))
        if name == "Patient" and self.has_fhir:
            self.varying += 1
            self.asking += 1
            return Compiled(fhir("Patient"), lambda run, frame: _patient(run))
        return None

    def _check_set(self, definition: ValueSetDef) -> None:
        key = f"{definition.url}|{definition.version}" if definition.version else definition.url
        found = self.value_sets.get(key)
        if found is None:
            raise CqlError(f"the value set {key} is not loaded", definition.at, "add its file, or correct the url")
        if not found.codes:
            raise CqlError(f"the value set {key} is empty", definition.at)
        self.used_sets[key] = found

    def _code_of(self, definition: CodeDef) -> Code:
        system = self.node.definitions.get(definition.system)
        if not isinstance(system, CodeSystemDef):
            known = [name for name, one in self.node.definitions.items() if isinstance(one, CodeSystemDef)]
            raise CqlError(
                f"there is no code system `{definition.system}`", definition.at, nearest(definition.system, known)
            )
        return Code(definition.code, system.url, system.version, definition.display)

    def _concept_of(self, definition: ConceptDef) -> Concept:
        codes = []
        for name in definition.codes:
            one = self.node.definitions.get(name)
            if not isinstance(one, CodeDef):
                raise CqlError(f"there is no code `{name}`", definition.at, nearest(name, self.node.definitions))
            codes.append(self._code_of(one))
        return Concept(tuple(codes), definition.display)

    def _parameter(self, definition: ParameterDef) -> Compiled:
        """The supplied value, else the default, which sees no chart and no other parameter's value."""
        default = None if definition.default is None else self.compile(definition.default, Scope(Variables()))
        if definition.type is not None:
            type_ = self.type_of(definition.type)
            default = None if default is None else self.converted(default, type_, definition.at, "a default")
        elif default is not None:
            type_ = default.type
        else:
            raise CqlError(f"the parameter `{definition.name}` has neither type nor default", definition.at)
        self.parameters[definition.name] = type_
        name, at = definition.name, definition.at

        def compute(run: Run, frame: Frame) -> Any:
            if default is not None and name not in run.parameters:
                return default.compute(run, [])
            return run.parameter(name, at)

        return Compiled(type_, compute)

    # Defines

    def definition(self, name: str, definition: ExpressionDef) -> Definition:
        known = self.compiled.get(name)
        if known is None:
            with_variables = Variables()
            body = self._once(name, definition.at, lambda: self.compile(definition.body, Scope(with_variables)))
            known = Definition(
                self.node.name, name, body.type, body.compute, with_variables.count, definition.at, definition.text,
                definition.private,
            )  # fmt: skip
            self.compiled[name] = known
        return known

    def _once(self, name: str, at: At, compile_: Callable[[], Compiled]) -> Compiled:
        """Compiles under a name. CqlError where it leads back to itself."""
        if name in self.open:
            path = " -> ".join([*self.open[self.open.index(name) :], name])
            raise CqlError(f"`{name}` refers to itself: {path}", at, "recursion is not supported")
        self.open.append(name)
        try:
            return compile_()
        finally:
            self.open.pop()

    # Members of libraries, calls

    def on_Member(self, node: Node, scope: Scope) -> Compiled:
        source = node.args[0]
        library = self._library(source, scope)
        if library is not None:
            found = library._named_definition(node["name"], node.at, outside=True)
            self.varying += 1
            self.asking += 1
            if found is None:
                fix = nearest(node["name"], library.node.definitions)
                raise CqlError(f"{library.node.name} has no `{node['name']}`", node.at, fix)
            return found
        return self.member(self.compile(source, scope), node["name"], node.at)

    def _library(self, node: Node, scope: Scope) -> LibraryCompiler | None:
        name = node["name"] if node.op == "Name" else None
        return self.includes.get(name) if name is not None and name not in scope.names else None

    def on_Call(self, node: Node, scope: Scope) -> Compiled:
        name = node["name"]
        if not node["on"]:
            return self._call(name, [self.compile(one, scope) for one in node.args], node.at)
        target = node.args[0]
        operands = node.args[1:]
        if target.op == "Name" and target["name"] in self.helpers_alias and target["name"] not in scope.names:
            return self._helper(name, [self.compile(one, scope) for one in operands], node.at)
        library = self._library(target, scope)
        if library is not None:
            overloads = library.overloads(name, outside=True)
            if not overloads:
                known = nearest(name, (one.name for one in library.node.functions))
                raise CqlError(f"{library.node.name} has no function `{name}`", node.at, known)
            return self.overloaded(overloads, [self.compile(one, scope) for one in operands], node.at, f"`{name}`")
        return self._method(name, [self.compile(one, scope) for one in node.args], node.at)

    def _call(self, name: str, operands: list[Compiled], at: At) -> Compiled:
        overloads = self.overloads(name)
        if not overloads and (
            name in _CLOCK or (name.removeprefix("Calculate").startswith("AgeIn") and name[-2:] != "At")
        ):
            self.clock.append(at)
        if name == "Coalesce" and not overloads:
            return self.on_Coalesce(operands, at)
        if name.startswith("AgeIn") and not overloads:
            return self._age(name, operands, at)
        name = _ALIASES.get(name, name) if not overloads else name
        known = name in OVERLOADS and name not in _NOT_FUNCTIONS
        if not known and not overloads:
            names = [*(one.name for one in self.node.functions), *(OVERLOADS.keys() - _NOT_FUNCTIONS), "Coalesce"]
            raise CqlError(f"there is no function `{name}`", at, nearest(name, names))
        return self.overloaded([*overloads, *(OVERLOADS[name] if known else ())], operands, at, f"`{name}`")

    def _age(self, name: str, operands: list[Compiled], at: At) -> Compiled:
        """AgeInYears() and AgeInYearsAt(date): of the patient's birth date."""
        patient = self._named_definition("Patient", at)
        if patient is None:
            raise CqlError(f"`{name}` needs a patient", at, "add `using FHIR version '4.0.1'`")
        birth = self.member(patient, "birthDate", at)
        return self.operation(f"Calculate{name}", [birth, *operands], at, shown=f"`{name}`")

    def _method(self, name: str, operands: list[Compiled], at: At) -> Compiled:
        """A fluent function of this library or of an included one, else a method as FHIRPath has them."""
        overloads = self.overloads(name, fluent=True)
        for library in self.includes.values():
            overloads += library.overloads(name, fluent=True, outside=True)
        if overloads:
            return self.overloaded(overloads, operands, at, f"`.{name}()`")
        if name in _REFUSED:
            raise CqlError(f"`.{name}()` is not supported", at)
        if name not in _METHODS:
            known = [*(one.name for one in self.node.functions if one.fluent), *_METHODS]
            raise CqlError(f"there is no fluent function `{name}`", at, nearest(name, known))
        return self.operation(_METHODS[name], operands, at, shown=f"`.{name}()`")

    def _helper(self, name: str, operands: list[Compiled], at: At) -> Compiled:
        """A function of FHIRHelpers."""
        if name not in helpers.FUNCTIONS:
            raise CqlError(f"FHIRHelpers has no function `{name}`", at, nearest(name, helpers.FUNCTIONS))
        if len(operands) != 1:
            raise CqlError(f"`FHIRHelpers.{name}` takes one operand", at)
        operand = operands[0]
        found = helpers.function(name, operand.type)
        if found is not None:
            return Compiled(found[0], applied(operand.compute, found[1]))
        for target in helpers.FUNCTIONS[name]:
            way = implicit(operand.type, target, fhir=True)
            if way is not None and operand.type != target:
                return Compiled(target, applied(operand.compute, way[1]))
        raise CqlError(f"`FHIRHelpers.{name}` does not go with ({operand.type})", at, self.advice([operand.type]))

    # Functions

    def overloads(self, name: str, *, fluent: bool = False, outside: bool = False) -> list[Overload]:
        return [
            self.function(one)
            for one in self.node.functions
            if one.name == name and (one.fluent or not fluent) and not (outside and one.private)
        ]

    def function(self, node: FunctionDef) -> Overload:
        known = self.functions.get(id(node))
        if known is None:
            scope = Scope(Variables())
            types = tuple(self.type_of(type_) for _, type_ in node.parameters)
            for (name, _), type_ in zip(node.parameters, types, strict=True):
                scope.declare(name, type_, node.at)
            shown = f"{node.name}({', '.join(map(str, types))})"
            before, asking = self.nodes, self.asking
            body = self._once(shown, node.at, lambda: self.compile(node.body, scope))
            call = _caller(body.compute, scope.variables.count - len(types), self.steps_since(before))
            asks = self.asking > asking
            if len(types) == 1 and not asks and not self.watched:
                call = _remembered(call)
            known = Overload(node.name, types, body.type, call, nulls=True, with_run=True, asks=asks)
            self.functions[id(node)] = known
        return known


def _caller(body: Compute, others: int, cost: int) -> Callable[..., Any]:
    """A call of a function: its operands are the first variables of a new frame, with `others` after them."""
    rest = [None] * others

    def call(run: Run, *values: Any) -> Any:
        run.step(cost)
        return body(run, [*values, *rest])

    return call


def _remembered(call: Callable[..., Any]) -> Callable[..., Any]:
    """What a function gave for a part of the chart, where it looks at nothing else; known for one evaluation.

    Rules compare each resource with every other by such functions: `"Observed On"(Later) > "Observed On"(O)`.
    """

    def remembered(run: Run, value: Any) -> Any:
        if type(value) is not Fhir or type(value.json) is not dict:
            return call(run, value)
        key = (call, id(value.json))  # the chart holds on to its parts while it is evaluated
        found = run.fixed.get(key, MISSING)
        if found is MISSING:
            found = run.fixed[key] = call(run, value)
        else:
            run.step()
        return found

    return remembered


def _code_system(definition: CodeSystemDef) -> Vocabulary:
    return Vocabulary("CodeSystem", definition.url, definition.version, definition.name)


def _patient(run: Run) -> Any:
    found = run.resources.of_type("Patient")
    if len(found) > 1:
        raise EvaluationError("the chart holds more than one Patient", fix="evaluate one patient at a time")
    return found[0] if found else None
