"""Functions that take an expression and evaluate it for each item: `where`, `select`, `aggregate`, `sort` …"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cmp_to_key
from typing import Any, NamedTuple, Protocol

from prior_auth.paths.own.nodes import FALSE, TRUE, Node, Nodes, Step, Surroundings, focus_of, system
from prior_auth.paths.own.syntax import Tree
from prior_auth.paths.own.values import Distinct, order, single, truth
from prior_auth.paths.problem import PathError


class Compiler(Protocol):
    """What makes closures of trees; `guides` as in `compiled.Dialect`."""

    @property
    def guides(self) -> bool: ...

    def step(self, tree: Tree) -> Step: ...


def _where(compiler: Compiler, source: Step, arguments: tuple[Tree, ...]) -> Step:
    each = _each(compiler, arguments[0])

    def step(around: Surroundings, focus: Nodes) -> Nodes:
        return [one for one, found in each(around, source(around, focus)) if found and truth(found)]

    return step


def _exists(compiler: Compiler, source: Step, arguments: tuple[Tree, ...]) -> Step:
    if not arguments:
        return lambda around, focus: TRUE if source(around, focus) else FALSE
    each = _each(compiler, arguments[0])

    def step(around: Surroundings, focus: Nodes) -> Nodes:
        for _, found in each(around, source(around, focus)):
            if found and truth(found):
                return TRUE
        return FALSE

    return step


def _all(compiler: Compiler, source: Step, arguments: tuple[Tree, ...]) -> Step:
    each = _each(compiler, arguments[0])

    def step(around: Surroundings, focus: Nodes) -> Nodes:
        for _, found in each(around, source(around, focus)):
            if not truth(found):
                return FALSE
        return TRUE

    return step


def _select(compiler: Compiler, source: Step, arguments: tuple[Tree, ...]) -> Step:
    each = _each(compiler, arguments[0])

    def step(around: Surroundings, focus: Nodes) -> Nodes:
        made = [one for _, found in each(around, source(around, focus)) for one in found]
        around.step(len(made))
        return made

    return step


def _repeat(compiler: Compiler, source: Step, arguments: tuple[Tree, ...]) -> Step:
    each = _each(compiler, arguments[0])

    def step(around: Surroundings, focus: Nodes) -> Nodes:
        met = Distinct(around.step)
        waiting = source(around, focus)
        while waiting:
            given = [one for _, found in each(around, waiting) for one in found]
            around.step(len(given))
            waiting = [one for one in given if met.add(one)]
        return met.nodes

    return step


def _iif(compiler: Compiler, source: Step, arguments: tuple[Tree, ...]) -> Step:
    steps = [compiler.step(one) for one in arguments]
    is_lenient, is_method = compiler.guides, source is not focus_of

    def step(around: Surroundings, focus: Nodes) -> Nodes:
        here = source(around, focus)
        if is_method and not is_lenient:
            single(here)
        asked = steps[0](around, here)
        if asked and not is_lenient and len(asked) == 1 and not isinstance(asked[0].value, bool):
            raise PathError("the condition of iif() is no boolean")
        if truth(asked):
            return steps[1](around, here)
        return steps[2](around, here) if len(steps) > 2 else []

    return step


def _aggregate(compiler: Compiler, source: Step, arguments: tuple[Tree, ...]) -> Step:
    each = _each(compiler, arguments[0], indexed=True)
    start = compiler.step(arguments[1]) if len(arguments) > 1 else None

    def step(around: Surroundings, focus: Nodes) -> Nodes:
        items, outer = source(around, focus), around.total
        around.total = start(around, focus) if start is not None else []
        try:
            for _, found in each(around, items):
                around.step(len(found))
                around.total = found
            return around.total
        finally:
            around.total = outer

    return step


def _sort(compiler: Compiler, source: Step, arguments: tuple[Tree, ...]) -> Step:
    """By each key in turn; a minus before a key reverses it, whatever its type. What has no key comes first:
    the specification says so of rising order, the official suite of falling order too (testSort10)."""
    keys = [(key[2], -1) if key[0] == "sign" and key[1] == "-" else (key, 1) for key in arguments]
    steps = [(compiler.step(key), direction) for key, direction in keys] or [(focus_of, 1)]

    def step(around: Surroundings, focus: Nodes) -> Nodes:
        items = source(around, focus)
        around.step(len(items) * len(steps))
        keyed = [(one, [single(key(around, [one])) for key, _ in steps]) for one in items]
        for at in range(len(steps) - 1, -1, -1):
            keyed = _sorted(keyed, at, steps[at][1])
        return [one for one, _ in keyed]

    return step


def _trace(compiler: Compiler, source: Step, arguments: tuple[Tree, ...]) -> Step:
    """Nothing is written anywhere; what is named for it must still be well formed."""
    for one in arguments:
        compiler.step(one)
    return source


def _each(
    compiler: Compiler, tree: Tree, indexed: bool = False
) -> Callable[[Surroundings, Nodes], Iterator[tuple[Node, Nodes]]]:
    """Each item with what the expression gives of it."""
    step = compiler.step(tree)
    if indexed or _asks_index(tree):
        return lambda around, items: _numbered(step, around, items)

    def each(around: Surroundings, items: Nodes) -> Iterator[tuple[Node, Nodes]]:
        around.step(len(items))
        for one in items:
            yield one, step(around, [one])

    return each


def _numbered(step: Step, around: Surroundings, items: Nodes) -> Iterator[tuple[Node, Nodes]]:
    """With `$index`."""
    around.step(len(items))
    outer = around.index
    try:
        for number, one in enumerate(items):
            around.index = [system(number)]
            yield one, step(around, [one])
    finally:
        around.index = outer


def _asks_index(tree: Any) -> bool:
    return isinstance(tree, tuple) and (tree == ("index",) or any(_asks_index(part) for part in tree))


def _sorted(
    keyed: list[tuple[Node, list[Node | None]]], at: int, direction: int
) -> list[tuple[Node, list[Node | None]]]:
    def compare(one: tuple[Node, list[Node | None]], other: tuple[Node, list[Node | None]]) -> int:
        a, b = one[1][at], other[1][at]
        if a is None or b is None:
            return (a is not None) - (b is not None)
        return direction * (order(a, b) or 0)

    return sorted(keyed, key=cmp_to_key(compare))


class Iterating(NamedTuple):
    """How a function is made, and how many arguments it takes."""

    make: Callable[[Compiler, Step, tuple[Tree, ...]], Step]
    least: int
    most: int


ITERATING: dict[str, Iterating] = {
    "where": Iterating(_where, 1, 1),
    "exists": Iterating(_exists, 0, 1),
    "all": Iterating(_all, 1, 1),
    "select": Iterating(_select, 1, 1),
    "repeat": Iterating(_repeat, 1, 1),
    "iif": Iterating(_iif, 2, 3),
    "aggregate": Iterating(_aggregate, 1, 2),
    "sort": Iterating(_sort, 0, 20),
    "trace": Iterating(_trace, 1, 2),
}
