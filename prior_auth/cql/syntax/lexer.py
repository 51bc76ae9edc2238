"""CQL text to tokens, each with its line and column."""

from __future__ import annotations

import re
from dataclasses import dataclass

from prior_auth.cql.errors import At, CqlError

MAX_TEXT = 1_000_000

_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\r\f\u00a0\ufeff]+) | (?P<newline>\n) | (?P<comment>//[^\n]*) | (?P<block>/\*)
    | (?P<time>@T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)
    | (?P<date>@\d{4}(?:-\d\d(?:-\d\d)?)?(?:T(?:\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)?(?:Z|[+-]\d\d:\d\d)?)?)
    | (?P<number>\d+(?:\.\d+)?L?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<string>'(?:[^'\\]|\\.)*') | (?P<quoted>"(?:[^"\\]|\\.)*") | (?P<tick>`(?:[^`\\]|\\.)*`)
    | (?P<symbol><=|>=|!=|!~|->|[-+*/^&|=<>~.,:;()\[\]{}%$@])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}

KEYWORDS = frozenset(
    [
        "after",
        "aggregate",
        "all",
        "and",
        "any",
        "as",
        "asc",
        "ascending",
        "before",
        "between",
        "by",
        "called",
        "case",
        "cast",
        "code",
        "codesystem",
        "codesystems",
        "collapse",
        "concept",
        "contains",
        "context",
        "convert",
        "date",
        "day",
        "days",
        "default",
        "define",
        "desc",
        "descending",
        "difference",
        "display",
        "distinct",
        "div",
        "duration",
        "during",
        "else",
        "end",
        "ends",
        "except",
        "exists",
        "expand",
        "false",
        "flatten",
        "fluent",
        "from",
        "function",
        "hour",
        "hours",
        "if",
        "implies",
        "in",
        "include",
        "included",
        "includes",
        "intersect",
        "is",
        "less",
        "let",
        "library",
        "maximum",
        "meets",
        "millisecond",
        "milliseconds",
        "minimum",
        "minute",
        "minutes",
        "mod",
        "month",
        "months",
        "more",
        "not",
        "null",
        "occurs",
        "of",
        "on",
        "or",
        "overlaps",
        "parameter",
        "per",
        "point",
        "predecessor",
        "private",
        "properly",
        "public",
        "return",
        "same",
        "second",
        "seconds",
        "singleton",
        "sort",
        "start",
        "starting",
        "starts",
        "successor",
        "such",
        "than",
        "that",
        "then",
        "time",
        "timezoneoffset",
        "to",
        "true",
        "union",
        "using",
        "valueset",
        "version",
        "week",
        "weeks",
        "when",
        "where",
        "width",
        "with",
        "within",
        "without",
        "xor",
        "year",
        "years",
        "Interval",
        "List",
        "Tuple",
        "Choice",
        "Code",
        "Concept",
    ]
)


@dataclass(frozen=True, slots=True)
class Token:
    """`kind` is word, quoted, string, number, date, time, symbol or end; `text` is unescaped."""

    kind: str
    text: str
    line: int
    column: int
    start: int
    end: int

    @property
    def shown(self) -> str:
        return "the end of the text" if self.kind == "end" else f"`{self.text}`"


def tokens(text: str, library: str) -> list[Token]:
    """All tokens of `text` and one of kind `end`. CqlError for a character or a string that makes no token."""
    if len(text) > MAX_TEXT:
        raise CqlError(f"the library is longer than {MAX_TEXT} characters", At(library, 1, 1))
    found: list[Token] = []
    position, line, line_start = 0, 1, 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        at = At(library, line, position - line_start + 1)
        if match is None:
            raise _unreadable(text[position], at)
        kind, raw = str(match.lastgroup), match.group()
        position = match.end()
        if kind == "block":
            position = text.find("*/", position) + 2
            if position == 1:
                raise CqlError("a comment is not closed", at, "write `*/` at its end")
            raw = text[match.start() : position]
        elif kind not in ("space", "newline", "comment"):
            found.append(_token(kind, raw, at, match.start(), position))
        if "\n" in raw:
            line += raw.count("\n")
            line_start = match.start() + raw.rindex("\n") + 1
    found.append(Token("end", "", line, position - line_start + 1, position, position))
    return found


def _token(kind: str, raw: str, at: At, start: int, end: int) -> Token:
    if kind in ("string", "quoted", "tick"):
        if "\n" in raw and kind != "string":
            raise CqlError("a name in quotes runs over the end of its line", at, "close the quotes")
        kind, raw = ("string" if kind == "string" else "quoted"), _unescaped(raw[1:-1])
    return Token(kind, raw, at.line, at.column, start, end)


def _unescaped(raw: str) -> str:
    if "\\" not in raw:
        return raw

    def replaced(match: re.Match[str]) -> str:
        what = match.group(1)
        return chr(int(what[1:], 16)) if len(what) == 5 else _ESCAPES.get(what, what)

    return _ESCAPE.sub(replaced, raw)


def _unreadable(character: str, at: At) -> CqlError:
    if character in "'\"`":
        return CqlError("a string or a quoted name is not closed", at, f"write {character} at its end")
    return CqlError(f"`{character}` has no meaning in CQL here", at)
