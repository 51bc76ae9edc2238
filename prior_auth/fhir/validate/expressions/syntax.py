"""FHIRPath text to a tree: tuples whose first member is the kind. The precedence is the specification's."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, NamedTuple

from prior_auth.fhir.validate.expressions.nodes import Unsupported

Tree = tuple[Any, ...]

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<quoted>`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*")
    | (?P<time>@[0-9T][0-9:.\-+TZ]*)
    | (?P<number>[0-9]+(?:\.[0-9]+)?)
    | (?P<constant>%[A-Za-z][A-Za-z0-9]*|%`[^`]*`)
    | (?P<name>\$?[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign><=|>=|!=|!~|[-+*/&|=~<>.,()\[\]{}])
    )""",
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}

# Binding strength of infix operators, weakest first (FHIRPath 2.0, 8).
_STRENGTH = {
    "implies": 1, "or": 2, "xor": 2, "and": 3, "in": 4, "contains": 4, "=": 5, "~": 5, "!=": 5, "!~": 5,
    "<": 6, ">": 6, "<=": 6, ">=": 6, "|": 7, "is": 8, "as": 8, "+": 9, "-": 9, "&": 9,
    "*": 10, "/": 10, "div": 10, "mod": 10,
}  # fmt: skip


class _Token(NamedTuple):
    kind: str
    text: str


def parse(text: str) -> Tree:
    """Raises Unsupported where the text is not one expression of the part of FHIRPath known here."""
    reader = _Reader(_tokens(text))
    tree = reader.expression(0)
    if reader.peek() is not None:
        raise Unsupported(f"unexpected {reader.peek()}")
    return tree


def unescape(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        what = match.group(1)
        return chr(int(what[1:], 16)) if len(what) == 5 else _ESCAPES.get(what, what)

    return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", one, text, flags=re.DOTALL)


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise Unsupported(f"character {at + 1}")
        found.append(_Token(match.lastgroup, match.group(match.lastgroup)))
        at = match.end()
    return found


class _Reader:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def peek(self) -> str | None:
        return self._tokens[self._at].text if self._at < len(self._tokens) else None

    def _next(self) -> _Token:
        if self._at >= len(self._tokens):
            raise Unsupported("the expression ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, text: str) -> None:
        if self._next().text != text:
            raise Unsupported(f"{text} is missing")

    def expression(self, least: int) -> Tree:
        left = self._prefixed()
        while (sign := self.peek()) in _STRENGTH and _STRENGTH[sign] > least:
            self._next()
            if sign in ("is", "as"):
                left = (sign, left, self._type_name())
            else:
                left = ("binary", sign, left, self.expression(_STRENGTH[sign]))
        return left

    def _prefixed(self) -> Tree:
        if self.peek() in ("-", "+"):
            sign = self._next().text
            return ("sign", sign, self._path())
        return self._path()

    def _path(self) -> Tree:
        left = self._term()
        while self.peek() in (".", "["):
            if self._next().text == ".":
                left = self._invocation(left)
            else:
                left = ("index", left, self.expression(0))
                self._take("]")
        return left

    def _invocation(self, left: Tree | None) -> Tree:
        token = self._next()
        if token.kind not in ("name", "quoted"):
            raise Unsupported(token.text)
        name = unescape(token.text[1:-1]) if token.kind == "quoted" else token.text
        if self.peek() == "(" and token.kind == "name":
            return ("call", name, left, self._arguments())
        return ("this" if name == "$this" and left is None else "member", name, left)

    def _arguments(self) -> tuple[Tree, ...]:
        self._take("(")
        found: list[Tree] = []
        while self.peek() != ")":
            found.append(self.expression(0))
            if self.peek() == ",":
                self._next()
        self._take(")")
        return tuple(found)

    def _term(self) -> Tree:
        token = self._next()
        match token.kind:
            case "string":
                return ("literal", unescape(token.text[1:-1]), "System.String")
            case "number":
                decimal = "." in token.text
                return (
                    "literal",
                    Decimal(token.text) if decimal else int(token.text),
                    "System.Decimal" if decimal else "System.Integer",
                )
            case "constant":
                return ("constant", token.text[1:].strip("`"))
            case "time":
                return ("literal", token.text[1:], "System.DateTime")
            case "sign" if token.text == "(":
                inner = self.expression(0)
                self._take(")")
                return inner
            case "sign" if token.text == "{":
                self._take("}")
                return ("empty",)
            case "name" if token.text in ("true", "false"):
                return ("literal", token.text == "true", "System.Boolean")
            case "name" | "quoted":
                self._at -= 1
                return self._invocation(None)
        raise Unsupported(token.text)

    def _type_name(self) -> str:
        is_grouped = self.peek() == "("
        if is_grouped:
            self._next()
        name = self._next().text
        if self.peek() == ".":
            self._next()
            name = f"{name}.{self._next().text}"
        if is_grouped:
            self._take(")")
        return name
