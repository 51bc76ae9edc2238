"""CQL text to tokens, each with its line and column."""

from __future__ import annotations

import re
from typing import NamedTuple

from prior_auth.cql.errors import At, CqlError

MAX_TEXT = 1_000_000

_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\r\f\u00a0\ufeff]+) | (?P<newline>\n) | (?P<comment>//[^\n]*)
    | (?P<block>/\*.*?\*/) | (?P<open>/\*)
    | (?P<time>@T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)
    | (?P<date>@\d{4}(?:-\d\d(?:-\d\d)?)?(?:T(?:\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)?(?:Z|[+-]\d\d:\d\d)?)?)
    | (?P<number>\d+(?:\.\d+)?L?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<string>'(?:[^'\\]|\\.)*') | (?P<quoted>"(?:[^"\\]|\\.)*") | (?P<tick>`(?:[^`\\]|\\.)*`)
    | (?P<symbol><=|>=|!=|!~|->|[-+*/^&|=<>~.,:;()\[\]{}%$@])
    | (?P<other>.)
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


class Token(NamedTuple):
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
    line, line_start = 1, 0
    for match in _TOKEN.finditer(text):
        kind, start = str(match.lastgroup), match.start()
        if kind == "newline":
            line, line_start = line + 1, start + 1
        elif kind not in ("space", "comment"):
            raw, column = match.group(), start - line_start + 1
            if kind in _REFUSED:
                raise _refused(kind, raw, At(library, line, column))
            if kind in _QUOTES:
                kind, content = _QUOTES[kind], _unescaped(raw[1:-1])
            else:
                content = raw
            if kind != "block":
                found.append(Token(kind, content, line, column, start, match.end()))
            if "\n" in raw:
                line += raw.count("\n")
                line_start = start + raw.rindex("\n") + 1
                if kind == "quoted":
                    at = At(library, found[-1].line, column)
                    raise CqlError("a name in quotes runs over the end of its line", at, "close the quotes")
    found.append(Token("end", "", line, len(text) - line_start + 1, len(text), len(text)))
    return found


_QUOTES = {"string": "string", "quoted": "quoted", "tick": "quoted"}
_REFUSED = frozenset({"open", "other"})


def _unescaped(raw: str) -> str:
    if "\\" not in raw:
        return raw

    def replaced(match: re.Match[str]) -> str:
        what = match.group(1)
        return chr(int(what[1:], 16)) if len(what) == 5 else _ESCAPES.get(what, what)

    return _ESCAPE.sub(replaced, raw)


def _refused(kind: str, raw: str, at: At) -> CqlError:
    if kind == "open":
        return CqlError("a comment is not closed", at, "write `*/` at its end")
    if raw in "'\"`":
        return CqlError("a string or a quoted name is not closed", at, f"write {raw} at its end")
    return CqlError(f"`{raw}` has no meaning in CQL here", at)
