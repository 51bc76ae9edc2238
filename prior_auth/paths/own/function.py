"""What a FHIRPath function is here, and the ways to make one from a plain Python function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from prior_auth.cql.errors import EvaluationError
from prior_auth.paths.own.nodes import MAX_TEXT, Nodes, Surroundings, system
from prior_auth.paths.own.values import plain, single
from prior_auth.paths.problem import PathError

Apply = Callable[[Surroundings, Nodes, list[Nodes]], Nodes]


@dataclass(frozen=True, slots=True)
class Function:
    """`apply` takes the surroundings, the collection and the arguments; `trusting` is used for published invariants."""

    apply: Apply
    least: int = 0
    most: int = 0
    trusting: Apply | None = None


def one_of(nodes: Nodes) -> Any:
    """The value of a collection of one; None of an empty one."""
    found = single(nodes)
    return None if found is None else plain(found)


def text_of(nodes: Nodes) -> str | None:
    if not nodes:
        return None
    value = single(nodes)
    assert value is not None
    if value.value is None:
        return None
    if not isinstance(value.value, str):
        raise PathError("a text function on what is no text")
    if len(value.value) > MAX_TEXT:
        raise PathError(f"a text of more than {MAX_TEXT} characters")
    return value.value


def whole_number(nodes: Nodes) -> int | None:
    value = one_of(nodes)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise PathError("a whole number is needed")
    return value


def result(value: Any) -> Nodes:
    return [] if value is None else [system(value)]


def of_collection(answer: Callable[[Nodes], Any]) -> Function:
    return Function(lambda _around, nodes, _arguments: [system(answer(nodes))])


def on_text(answer: Callable[..., Any], count: int = 0, *, to_a_step: int = 256) -> Function:
    """A function of a text and of `count` more texts: empty if one is. `to_a_step` characters are one step's work."""

    def apply(around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
        text = text_of(nodes)
        others = [text_of(one) for one in arguments]
        if text is None or None in others:
            return []
        around.step(len(text) // to_a_step)
        return result(answer(text, *others))

    return Function(apply, count, count)


def on_value(answer: Callable[..., Any], least: int = 0, most: int = 0) -> Function:
    """A function of one value and of arguments that may be left out: empty if the value is, or an argument given."""

    def apply(_around: Surroundings, nodes: Nodes, arguments: list[Nodes]) -> Nodes:
        values = [one_of(nodes), *(one_of(one) for one in arguments)]
        if None in values:
            return []
        try:
            return result(answer(*values))
        except EvaluationError as problem:
            raise PathError(problem.message, fix=problem.fix) from None

    return Function(apply, least, most)
