"""The operators and functions of CQL by name, each with its overloads; signatures read as in the specification."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from prior_auth.cql.types import SYSTEM_TYPES, Choice, IntervalOf, ListOf, Type, Variable

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Overload:
    """`function` takes the operands' values; first the run where `with_run`, last the precision where `precise`.

    Unless `nulls`, an operand that is null makes the result null and the function never sees it. `asks` says that a
    function of a library looks beyond its operands: at the chart, or at a define.
    """

    name: str
    parameters: tuple[Type, ...]
    result: Type
    function: Callable[..., Any]
    nulls: bool = False
    with_run: bool = False
    precise: bool = False
    result_type: bool = False
    asks: bool = False


OVERLOADS: dict[str, list[Overload]] = {}


def operator(
    name: str, *signatures: str, nulls: bool = False, run: bool = False, precise: bool = False, typed: bool = False
) -> Callable[[Function], Function]:
    """Registers a function as an operator: `@operator("Add", "Integer, Integer -> Integer")`.

    With `typed`, the function's last argument is the resolved type of the result.
    """

    def registered(function: Function) -> Function:
        for signature in signatures:
            operands, _, result = signature.partition("->")
            parameters = tuple(read_type(one) for one in _split(operands)) if operands.strip() else ()
            overload = Overload(name, parameters, read_type(result), function, nulls, run, precise, typed)
            OVERLOADS.setdefault(name, []).append(overload)
        return function

    return registered


def _split(text: str) -> list[str]:
    parts, depth = [""], 0
    for character in text:
        depth += (character == "<") - (character == ">")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def read_type(text: str) -> Type:
    """A type as signatures write it: `List<T>`, `Interval<DateTime>`, `Choice<Code, Concept>`; T and U are free."""
    text = text.strip()
    if text in ("T", "U"):
        return Variable(text)
    head, _, rest = text.partition("<")
    if not rest:
        return SYSTEM_TYPES[text]
    inner = [read_type(one) for one in _split(rest.removesuffix(">"))]
    if head == "List":
        return ListOf(inner[0])
    return IntervalOf(inner[0]) if head == "Interval" else Choice(tuple(inner))
