"""FHIRPath text to a tree: tuples whose first member is the kind. The precedence is the specification's.

`("literal", value, type)`, `("empty",)`, `("constant", name)`, `("this",)`, `("index",)`, `("total",)`,
`("member", name, left, column)`, `("call", name, left, arguments, column)`, `("at", left, inner)`,
`("is" | "as", left, type name, column)`, `("sign", sign, inner)`, `("binary", operator, left, right)`; `left` is None
where a path begins.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, NamedTuple

from prior_auth.cql.values.core import Quantity
from prior_auth.paths.own.moments import read_literal
from prior_auth.paths.problem import PathError
from prior_auth.terminology import ucum

Tree = tuple[Any, ...]

MAX_LENGTH = 4_000
MAX_TOKENS = 3_000
MAX_DEPTH = 100

_TOKEN = re.compile(
    r"""(?:\s|//[^\n]*|/\*.*?\*/)*(?:
      (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<quoted>`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*")
    | (?P<time>@(?:\d{4}(?:-\d\d(?:-\d\d)?)?(?:T(?:\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?)?)?
        |T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?))
    | (?P<number>[0-9]+(?:\.[0-9]+)?)
    | (?P<constant>%(?:[A-Za-z_][A-Za-z0-9_]*|`(?:[^`\\]|\\.)*`|'(?:[^'\\]|\\.)*'))
    | (?P<variable>\$(?:this|index|total)\b)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign><=|>=|!=|!~|[-+*/&|=~<>.,()\[\]{}])
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}

# Binding strength of infix operators, weakest first (FHIRPath 2.0, 8).
_STRENGTH = {
    "implies": 1, "or": 2, "xor": 2, "and": 3, "in": 4, "contains": 4, "=": 5, "~": 5, "!=": 5, "!~": 5,
    "<": 6, ">": 6, "<=": 6, ">=": 6, "|": 7, "is": 8, "as": 8, "+": 9, "-": 9, "&": 9,
    "*": 10, "/": 10, "div": 10, "mod": 10,
}  # fmt: skip
_RESERVED = frozenset({"and", "or", "xor", "implies", "div", "mod", "true", "false"})
_CALENDAR = ucum.CALENDAR | {f"{unit}s" for unit in ucum.CALENDAR}


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


def parse(text: str, max_length: int = MAX_LENGTH) -> Tree:
    """The one expression that the whole text is. Raises PathError with the column for anything else."""
    if len(text) > max_length:
        raise PathError(f"a FHIRPath expression of more than {max_length} characters")
    reader = _Reader(_tokens(text))
    tree = reader.expression(0)
    reader.take("")
    return tree


def unescape(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        what = match.group(1)
        return chr(int(what[1:], 16)) if len(what) == 5 else _ESCAPES.get(what, what)

    return _ESCAPE.sub(one, text)


def _tokens(text: str) -> list[_Token]:
    """The tokens, last an empty one for the end."""
    found: list[_Token] = []
    at = 0
    while not found or found[-1].kind != "end":
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise PathError("not a FHIRPath expression", column=at + 1, fix=f"look at column {at + 1}")
        found.append(_Token(match.lastgroup, match.group(match.lastgroup), match.start(match.lastgroup) + 1))
        at = match.end()
        if len(found) > MAX_TOKENS:
            raise PathError(f"a FHIRPath expression of more than {MAX_TOKENS} words and signs")
    return found


class _Reader:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def peek(self) -> str | None:
        """The next word or sign; None where a literal or a quoted name stands, which is neither."""
        token = self._tokens[self._at]
        return token.text if token.kind in ("name", "sign", "end") else None

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        if token.kind == "end":
            raise self._wrong(token, "the expression ends too early")
        self._at += 1
        return token

    def take(self, text: str) -> None:
        token = self._tokens[self._at]
        if self.peek() != text:
            raise self._wrong(token, f"{text or 'the end'} was expected")
        self._at += 1

    def _wrong(self, token: _Token, why: str) -> PathError:
        return PathError("not a FHIRPath expression", column=token.column, fix=f"column {token.column}: {why}")

    def expression(self, least: int) -> Tree:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise PathError(f"nested more than {MAX_DEPTH} deep", column=self._tokens[self._at].column)
        left = self._prefixed()
        links = 0
        while (sign := self.peek()) in _STRENGTH and _STRENGTH[sign] > least:
            column = self._next().column
            links += 1
            if links > MAX_DEPTH:
                raise PathError(f"more than {MAX_DEPTH} operators in a row", column=column)
            if sign in ("is", "as"):
                left = (sign, left, self._type_name(), column)
            else:
                left = ("binary", sign, left, self.expression(_STRENGTH[sign]))
        self._depth -= 1
        return left

    def _prefixed(self) -> Tree:
        signs = []
        while self.peek() in ("-", "+"):
            signs.append(self._next().text)
            if len(signs) > MAX_DEPTH:
                raise PathError(f"more than {MAX_DEPTH} signs in a row")
        tree = self._path()
        for sign in reversed(signs):
            tree = ("sign", sign, tree)
        return tree

    def _path(self) -> Tree:
        left = self._term()
        links = 0
        while self.peek() in (".", "["):
            links += 1
            if links > MAX_DEPTH:
                raise PathError(f"more than {MAX_DEPTH} steps in a row", column=self._tokens[self._at].column)
            if self._next().text == ".":
                left = self._invocation(left)
            else:
                left = ("at", left, self.expression(0))
                self.take("]")
        return left

    def _invocation(self, left: Tree | None) -> Tree:
        token = self._next()
        if token.kind == "variable":
            if left is not None and token.text != "$this":
                raise self._wrong(token, f"{token.text} begins a path")
            return (token.text[1:],) if left is None else left
        if token.kind not in ("name", "quoted") or (token.kind == "name" and token.text in _RESERVED):
            raise self._wrong(token, "an element or a function was expected")
        name = unescape(token.text[1:-1]) if token.kind == "quoted" else token.text
        if self.peek() == "(":
            return ("call", name, left, self._arguments(), token.column)
        return ("member", name, left, token.column)

    def _arguments(self) -> tuple[Tree, ...]:
        self.take("(")
        found: list[Tree] = []
        if self.peek() != ")":
            found.append(self.expression(0))
            while self.peek() == ",":
                self._next()
                found.append(self.expression(0))
        self.take(")")
        return tuple(found)

    def _term(self) -> Tree:
        token = self._next()
        match token.kind:
            case "string":
                return ("literal", unescape(token.text[1:-1]), "System.String")
            case "number":
                return self._number(token)
            case "constant":
                name = token.text[1:]
                return ("constant", unescape(name[1:-1]) if name[0] in "`'" else name, token.column)
            case "time":
                value, kind = read_literal(token.text[1:])
                if value is None:
                    raise self._wrong(token, "there is no such date or time")
                return ("literal", value, kind)
            case "sign" if token.text == "(":
                inner = self.expression(0)
                self.take(")")
                return inner
            case "sign" if token.text == "{":
                self.take("}")
                return ("empty",)
            case "name" if token.text in ("true", "false"):
                return ("literal", token.text == "true", "System.Boolean")
        self._at -= 1
        return self._invocation(None)

    def _number(self, token: _Token) -> Tree:
        unit = self._tokens[self._at]
        if unit.kind == "string":
            self._at += 1
            return ("literal", Quantity(Decimal(token.text), unescape(unit.text[1:-1])), "System.Quantity")
        if unit.kind == "name" and unit.text in _CALENDAR:
            self._at += 1
            return ("literal", Quantity(Decimal(token.text), unit.text), "System.Quantity")
        if "." in token.text:
            return ("literal", Decimal(token.text), "System.Decimal")
        return ("literal", int(token.text), "System.Integer")

    def _type_name(self) -> str:
        is_grouped = self.peek() == "("
        if is_grouped:
            self._next()
        name = self._identifier()
        if self.peek() == ".":
            self._next()
            name = f"{name}.{self._identifier()}"
        if is_grouped:
            self.take(")")
        return name

    def _identifier(self) -> str:
        token = self._next()
        if token.kind not in ("name", "quoted"):
            raise self._wrong(token, "the name of a type was expected")
        return unescape(token.text[1:-1]) if token.kind == "quoted" else token.text
