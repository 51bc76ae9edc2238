"""Patterns matched in time that grows with the text alone, however many repetitions they have.

Python's `re` tries one way after another, which on a hostile text can take hours. Here all ways are followed at once:
the pattern becomes a program of small steps, and a set of places in it is carried along the text. What single
characters mean (`\\d`, `[^a-z]`, `.`) is still asked of `re`, so both agree. Only whether there is a match is told.

What a set of places becomes is remembered with the pattern: places and single characters, never a text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from prior_auth.paths.problem import PathError

MAX_PROGRAM = 5_000
MAX_WORK = 3_000_000  # places visited, half a second
MAX_REMEMBERED = 2_000  # sets of places

_Tree = tuple[Any, ...]  # ("one", text) and so on: see _Builder

_ATOM = re.compile(
    r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)|\[\^?\]?(?:\\.|[^\]\\])*\]|[^()|*+?{}\\\[\]]|[{}\]]", re.DOTALL
)
_QUANTIFIER = re.compile(r"(?:[*+?]|\{(\d*)(,?)(\d*)\})\??")
_ASSERTIONS = {"^": "start", "$": "end", r"\A": "start", r"\Z": "very end", r"\b": "word", r"\B": "no word"}


class _Step(NamedTuple):
    """One step: `one` is a character class (its place in `classes`), else `when` an assertion, else a fork to `to`."""

    to: tuple[int, ...]
    one: int | None = None
    when: str | None = None


_Places = frozenset[int]
_Standing = tuple[bool, bool, bool, bool]  # at the start, at the end, at the very end, at the edge of a word
_NOWHERE: _Places = frozenset()
_ANYWHERE: _Standing = (False, False, False, False)


@dataclass(slots=True)
class Machine:
    """A compiled pattern."""

    steps: list[_Step] = field(default_factory=list)
    classes: list[re.Pattern[str]] = field(default_factory=list)
    start: int = 0
    asks_standing: bool = False
    kinds: dict[str, _Places] = field(default_factory=dict)  # the classes that a character is in
    after: dict[tuple[_Places, _Places, _Places], _Places] = field(default_factory=dict)
    settled: dict[tuple[_Places, _Standing], _Places] = field(default_factory=dict)

    def is_in(self, text: str) -> bool:
        """Whether it matches somewhere in the text. PathError where following it takes too long."""
        return _Run(self, text).search()

    def is_all(self, text: str) -> bool:
        """Whether it matches the whole text. PathError where following it takes too long."""
        return _Run(self, text).whole()

    def forget(self) -> None:
        """Remember no more than is worth it. Replaced, not emptied: another thread may be reading."""
        self.kinds, self.after, self.settled = {}, {}, {}


def machine(pattern: str) -> Machine:
    """Raises PathError for what it does not know: look-around, references back, possessive repeats, flags."""
    return _Builder(pattern).machine()


_END = 0  # the step that says: matched


class _Builder:
    """Reads a pattern from its end backwards in effect: every part is built knowing what comes after it."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._made = Machine([_Step(())])
        self._known: dict[str, int] = {}

    def machine(self) -> Machine:
        tree = self._choice()
        if self._at < len(self._pattern):
            raise self._unknown()
        self._made.start = self._build(tree, _END)
        self._made.asks_standing = any(step.when is not None for step in self._made.steps)
        return self._made

    def _unknown(self) -> PathError:
        return PathError(f"a pattern with something unknown at character {self._at + 1}", fix="write a simpler pattern")

    # Reading: a tree of ("one", text), ("when", text), ("all", parts), ("any", parts), ("times", part, least, most)

    def _choice(self) -> _Tree:
        parts = [self._sequence()]
        while self._pattern.startswith("|", self._at):
            self._at += 1
            parts.append(self._sequence())
        return ("any", parts) if len(parts) > 1 else parts[0]

    def _sequence(self) -> _Tree:
        parts: list[_Tree] = []
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            parts.append(self._repeated(self._atom()))
        return ("all", parts)

    def _atom(self) -> _Tree:
        if self._pattern.startswith("(", self._at):
            self._at += 3 if self._pattern.startswith("(?:", self._at) else 1
            inner = self._choice()
            if not self._pattern.startswith(")", self._at):
                raise self._unknown()
            self._at += 1
            return inner
        match = _ATOM.match(self._pattern, self._at)
        if match is None or (len(match[0]) == 2 and match[0][0] == "\\" and match[0][1] in "123456789"):
            raise self._unknown()
        self._at = match.end()
        return ("when", _ASSERTIONS[match[0]]) if match[0] in _ASSERTIONS else ("one", match[0])

    def _repeated(self, tree: _Tree) -> _Tree:
        match = _QUANTIFIER.match(self._pattern, self._at)
        if match is None or match[0][:2] in ("{}", "{,}"):
            return tree
        self._at = match.end()
        if self._pattern[self._at : self._at + 1] in ("*", "+", "?"):
            raise self._unknown()
        sign = match[0][0]
        if sign != "{":
            return ("times", tree, int(sign == "+"), 1 if sign == "?" else None)
        least = int(match[1] or 0)
        most = (int(match[3]) if match[3] else None) if match[2] else least
        if max(least, most or 0) > MAX_PROGRAM:
            raise PathError("a pattern that repeats too often")
        return ("times", tree, least, most)

    # Building

    def _build(self, tree: _Tree, then: int) -> int:
        """The step at which the part begins, given the one after it."""
        match tree:
            case ("one", text):
                return self._add(_Step((then,), one=self._class(text)))
            case ("when", what):
                return self._add(_Step((then,), when=what))
            case ("all", parts):
                for part in reversed(parts):
                    then = self._build(part, then)
                return then
            case ("any", parts):
                return self._add(_Step(tuple(self._build(part, then) for part in parts)))
            case ("times", part, least, most):
                return self._times(part, least, most, then)
        raise AssertionError(tree)

    def _times(self, part: _Tree, least: int, most: int | None, then: int) -> int:
        if most is None:
            loop = self._add(_Step(()))
            self._made.steps[loop] = _Step((self._build(part, loop), then))
            at = loop
        else:
            at = then
            for _ in range(most - least):
                at = self._add(_Step((self._build(part, at), then)))
        for _ in range(least):
            at = self._build(part, at)
        return at

    def _add(self, step: _Step) -> int:
        if len(self._made.steps) >= MAX_PROGRAM:
            raise PathError("a pattern that repeats too often")
        self._made.steps.append(step)
        return len(self._made.steps) - 1

    def _class(self, text: str) -> int:
        if text not in self._known:
            try:
                self._made.classes.append(
                    re.compile(text if len(text) > 1 or text == "." else re.escape(text), re.DOTALL)
                )
            except re.error:
                raise PathError("not a regular expression") from None
            self._known[text] = len(self._made.classes) - 1
        return self._known[text]


class _Run:
    """One text."""

    def __init__(self, machine: Machine, text: str) -> None:
        self._machine = machine
        self._text = text
        self._work = 0

    def search(self) -> bool:
        first = frozenset({self._machine.start})
        places = self._settle(first, 0)
        for number, character in enumerate(self._text):
            if _END in places:
                return True
            places = self._settle(self._step(places, character, first), number + 1)
        return _END in places

    def whole(self) -> bool:
        places = self._settle(frozenset({self._machine.start}), 0)
        for number, character in enumerate(self._text):
            if not places:
                return False
            places = self._settle(self._step(places, character, _NOWHERE), number + 1)
        return _END in places

    def _step(self, places: _Places, character: str, anew: _Places) -> _Places:
        """The places after a character, and those where a match may begin anew."""
        made = self._machine
        kind = made.kinds.get(character)
        if kind is None:
            kind = frozenset(number for number, one in enumerate(made.classes) if one.fullmatch(character))
            made.kinds[character] = kind
        key = (places, kind, anew)
        found = made.after.get(key)
        if found is None:
            steps = made.steps
            found = anew.union(to for place in places if steps[place].one in kind for to in steps[place].to)
            made.after[key] = found
            self._count(len(places))
        return found

    def _settle(self, places: _Places, at: int) -> _Places:
        """The places that can be reached from these without a character."""
        made = self._machine
        key = (places, self._standing(at) if made.asks_standing else _ANYWHERE)
        found = made.settled.get(key)
        if found is None:
            found = made.settled[key] = frozenset(self._reached(places, key[1]))
            self._count(len(found))
        return found

    def _count(self, work: int) -> None:
        self._work += work
        if self._work > MAX_WORK:
            raise PathError("the pattern has too many ways for so long a text", fix="write a simpler pattern")
        if len(self._machine.after) + len(self._machine.settled) + len(self._machine.kinds) > MAX_REMEMBERED:
            self._machine.forget()

    def _standing(self, at: int) -> _Standing:
        text = self._text
        size = len(text)
        is_edge = (at > 0 and _is_word(text[at - 1])) != (at < size and _is_word(text[at]))
        return at == 0, at == size or (at == size - 1 and text[at] == "\n"), at == size, is_edge

    def _reached(self, places: _Places, standing: _Standing) -> set[int]:
        holds = {
            "start": standing[0], "end": standing[1], "very end": standing[2], "word": standing[3],
            "no word": not standing[3],
        }  # fmt: skip
        seen: set[int] = set()
        waiting = list(places)
        while waiting:
            place = waiting.pop()
            if place in seen:
                continue
            seen.add(place)
            step = self._machine.steps[place]
            if step.one is None and (step.when is None or holds[step.when]):
                waiting.extend(step.to)
        return seen


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
