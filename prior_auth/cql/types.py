"""The types of CQL as the compiler reasons about them: System types, FHIR types, lists, intervals, tuples, choices."""

from __future__ import annotations

from dataclasses import dataclass

from prior_auth.r4 import model


@dataclass(frozen=True, slots=True)
class Named:
    """`System.Integer`, `FHIR.Observation`; a FHIR backbone element by its path, `FHIR.Observation.component`."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"FHIR.{self.name}" if self.namespace == "FHIR" else self.name


@dataclass(frozen=True, slots=True)
class ListOf:
    element: Type

    def __str__(self) -> str:
        return f"List<{self.element}>"


@dataclass(frozen=True, slots=True)
class IntervalOf:
    point: Type

    def __str__(self) -> str:
        return f"Interval<{self.point}>"


@dataclass(frozen=True, slots=True)
class TupleOf:
    fields: tuple[tuple[str, Type], ...]

    def __str__(self) -> str:
        return "Tuple { " + ", ".join(f"{name} {type_}" for name, type_ in self.fields) + " }"

    def field(self, name: str) -> Type | None:
        return dict(self.fields).get(name)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several types; never nested, never of one."""

    types: tuple[Type, ...]

    def __str__(self) -> str:
        shown = [str(one) for one in self.types[:4]] + (["..."] if len(self.types) > 4 else [])
        return f"Choice<{', '.join(shown)}>"


@dataclass(frozen=True, slots=True)
class Variable:
    """A type parameter in an operator's signature."""

    name: str

    def __str__(self) -> str:
        return self.name


Type = Named | ListOf | IntervalOf | TupleOf | Choice | Variable


def system(name: str) -> Named:
    return Named("System", name)


def fhir(name: str) -> Named:
    return Named("FHIR", name)


ANY = system("Any")
BOOLEAN = system("Boolean")
INTEGER = system("Integer")
LONG = system("Long")
DECIMAL = system("Decimal")
STRING = system("String")
DATE = system("Date")
DATE_TIME = system("DateTime")
TIME = system("Time")
QUANTITY = system("Quantity")
RATIO = system("Ratio")
CODE = system("Code")
CONCEPT = system("Concept")
VALUE_SET = system("ValueSet")
CODE_SYSTEM = system("CodeSystem")
VOCABULARY = system("Vocabulary")

SYSTEM_TYPES = {
    one.name: one
    for one in (
        ANY, BOOLEAN, INTEGER, LONG, DECIMAL, STRING, DATE, DATE_TIME, TIME, QUANTITY, RATIO, CODE, CONCEPT, VALUE_SET,
        CODE_SYSTEM, VOCABULARY,
    )
}  # fmt: skip

# The System type inside each FHIR primitive; the others hold a String.
PRIMITIVES = {
    "boolean": BOOLEAN, "integer": INTEGER, "positiveInt": INTEGER, "unsignedInt": INTEGER, "decimal": DECIMAL,
    "date": DATE, "dateTime": DATE_TIME, "instant": DATE_TIME, "time": TIME,
}  # fmt: skip
# Profiles on Quantity that CQL's model of FHIR names as types.
QUANTITIES = frozenset({"SimpleQuantity", "MoneyQuantity"})


def primitive(name: str) -> Named | None:
    """The System type inside the FHIR primitive `name`, None for other types."""
    if not model.is_primitive(name):
        return None
    return PRIMITIVES.get(name, STRING)


def choice(types: tuple[Type, ...] | list[Type]) -> Type:
    """One type, or the choice of all of them without repetition; ANY and none give ANY."""
    flat: list[Type] = []
    for one in types:
        for inner in one.types if isinstance(one, Choice) else (one,):
            if inner not in flat and inner != ANY:
                flat.append(inner)
    if not flat:
        return ANY
    return flat[0] if len(flat) == 1 else Choice(tuple(flat))


def is_subtype(type_: Type, of: Type) -> bool:
    """Whether every value of `type_` is one of `of` without conversion."""
    if type_ == of or of == ANY:
        return True
    match type_, of:
        case Named(namespace="FHIR"), Named(namespace="FHIR"):
            return model.is_subtype(type_.name, of.name)
        case Named(), Named():
            return of == VOCABULARY and type_ in (VALUE_SET, CODE_SYSTEM)
        case ListOf(), ListOf():
            return is_subtype(type_.element, of.element)
        case IntervalOf(), IntervalOf():
            return is_subtype(type_.point, of.point)
        case TupleOf(), TupleOf():
            return [n for n, _ in type_.fields] == [n for n, _ in of.fields] and all(
                is_subtype(a, b) for (_, a), (_, b) in zip(type_.fields, of.fields, strict=True)
            )
        case Choice(), Choice():
            return all(is_subtype(one, of) for one in type_.types)
        case _, Choice():
            return any(is_subtype(type_, one) for one in of.types)
    return False


def is_boundless(type_: Type) -> bool:
    """Whether it is Any or a list, interval of it: what a bare null or `{}` has, and what goes with every type."""
    match type_:
        case ListOf():
            return is_boundless(type_.element)
        case IntervalOf():
            return is_boundless(type_.point)
    return type_ == ANY


MAX_PARTS = 1000


def parts(type_: Type) -> int:
    """How many types it is made of, itself counted; the count ends above MAX_PARTS.

    A tuple of tuples can be written in a few lines and be larger than any machine.
    """
    count, waiting = 0, [type_]
    while waiting and count <= MAX_PARTS:
        one = waiting.pop()
        count += 1
        match one:
            case ListOf():
                waiting.append(one.element)
            case IntervalOf():
                waiting.append(one.point)
            case TupleOf():
                waiting.extend(inner for _, inner in one.fields)
            case Choice():
                waiting.extend(one.types)
    return count


def is_collection(type_: Type) -> bool:
    """Whether its values hold others: lists and tuples."""
    match type_:
        case ListOf() | TupleOf():
            return True
        case Choice():
            return any(is_collection(one) for one in type_.types)
    return False


def is_nested(type_: Type) -> bool:
    """Whether its values hold lists and tuples of lists and tuples, which can share parts and grow without end."""
    match type_:
        case ListOf():
            return is_collection(type_.element)
        case TupleOf():
            return any(is_collection(one) for _, one in type_.fields)
        case Choice():
            return any(is_nested(one) for one in type_.types)
    return False
