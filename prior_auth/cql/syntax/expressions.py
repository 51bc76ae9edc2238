"""Expressions by precedence, queries and retrieves."""

from __future__ import annotations

from prior_auth.cql.errors import At
from prior_auth.cql.syntax.cursor import UNITS
from prior_auth.cql.syntax.nodes import Inclusion, Node, SortKey, Source
from prior_auth.cql.syntax.terms import Terms

# From the loosest to the tightest, as in the grammar of CQL 1.5.
SETS, IMPLIES, OR, AND, MEMBERSHIP, EQUALITY, TIMING, INEQUALITY, BETWEEN, EXISTS, NOT, TYPES = range(1, 13)

_SYMBOLS = {
    "|": ("Union", SETS), "=": ("Equal", EQUALITY), "!=": ("NotEqual", EQUALITY), "~": ("Equivalent", EQUALITY),
    "!~": ("NotEquivalent", EQUALITY), "<": ("Less", INEQUALITY), "<=": ("LessOrEqual", INEQUALITY),
    ">": ("Greater", INEQUALITY), ">=": ("GreaterOrEqual", INEQUALITY),
}  # fmt: skip
_WORDS = {
    "union": ("Union", SETS), "intersect": ("Intersect", SETS), "except": ("Except", SETS),
    "implies": ("Implies", IMPLIES), "or": ("Or", OR), "xor": ("Xor", OR), "and": ("And", AND),
    "in": ("In", MEMBERSHIP), "contains": ("Contains", MEMBERSHIP),
}  # fmt: skip


class Expressions(Terms):
    """The loose end of the grammar."""

    def expression(self, minimum: int = 0) -> Node:
        self.deeper()
        left = self._operators(self._first(), minimum)
        self.depth -= 1
        return left

    def _operators(self, left: Node, minimum: int) -> Node:
        while True:
            at = self.at()
            op, level = self._operator()
            if op is None or level < minimum:
                return left
            if level == TYPES:
                left = self._typed(left, at)
            elif level == BETWEEN:
                left = self._between(left, at)
            elif level == TIMING:
                left = self.timing(left, TIMING + 1)
            else:
                self.next()
                precision = self.precision() if level == MEMBERSHIP else None
                attrs = {"precision": precision} if precision else {}
                left = Node(op, at, (left, self.expression(level + 1)), attrs)

    def _operator(self) -> tuple[str | None, int]:
        token = self.token
        if token.kind == "symbol":
            return _SYMBOLS.get(token.text, (None, 0))
        if token.kind == "word":
            if token.text in ("is", "as"):
                return "Type", TYPES
            if token.text == "between" or (token.text == "properly" and self.is_word("between", offset=1)):
                return "Between", BETWEEN
            if token.text in _WORDS:
                return _WORDS[token.text]
        return ("Timing", TIMING) if self.is_timing() else (None, 0)

    def _first(self) -> Node:
        """A query, a retrieve, a prefixed expression or a term."""
        at = self.at()
        if self.is_word("not") and not self.is_symbol(".", offset=1):
            self.next()
            return Node("Not", at, (self.expression(NOT),))
        if self.is_word("exists") and not self.is_symbol(".", offset=1):
            self.next()
            return Node("Exists", at, (self.expression(EXISTS),))
        if self.is_word("cast") and not self.is_symbol(".", offset=1):
            self.next()
            operand = self.term()
            self.expect_word("as")
            return Node("As", at, (operand,), {"type": self.type_specifier(), "strict": True})
        if self._is_duration():
            return self._duration(at)
        if self.is_word("from") and not self.is_symbol(".", offset=1):
            self.next()
            return self._query(self._sources(), at)
        return self._source_or_term(at)

    def _is_duration(self) -> bool:
        if self.is_word("duration", "difference"):
            return self.is_word("in", offset=1) and self.is_word("between", offset=3)
        return self.token.kind == "word" and self.token.text in UNITS and self.is_word("between", offset=1)

    def _duration(self, at: At) -> Node:
        op = "DurationBetween"
        if self.is_word("duration", "difference"):
            op = "DifferenceBetween" if self.next().text == "difference" else op
            self.next()
        precision = self.unit()
        self.expect_word("between")
        low = self.term()
        self.expect_word("and")
        return Node(op, at, (low, self.term()), {"precision": precision})

    def _between(self, value: Node, at: At) -> Node:
        properly = bool(self.take_word("properly"))
        self.next()
        low = self.term()
        self.expect_word("and")
        return Node("Between", at, (value, low, self.term()), {"properly": properly})

    def _typed(self, left: Node, at: At) -> Node:
        if self.next().text == "as":
            return Node("As", at, (left,), {"type": self.type_specifier()})
        negated = bool(self.take_word("not"))
        word = self.take_word("null", "true", "false")
        if word:
            node = Node({"null": "IsNull", "true": "IsTrue", "false": "IsFalse"}[word], at, (left,))
            return Node("Not", at, (node,)) if negated else node
        if negated:
            raise self.refuse("`null`, `true` or `false`")
        return Node("Is", at, (left,), {"type": self.type_specifier()})

    def _source_or_term(self, at: At) -> Node:
        if self.is_symbol("["):
            node = self._retrieve(at)
            return self._query([self._alias(node)], at) if self.is_identifier() else node
        prefixed = self._prefixed()
        node = prefixed or self.postfix(self.primary())
        if prefixed is None and self.is_identifier() and _can_be_source(node):
            return self._query([self._alias(node)], at)
        return self.sums(node)

    def _alias(self, source: Node) -> Source:
        at = self.at()
        return Source(self.identifier(), source, at)

    def _source(self) -> Source:
        at = self.at()
        node = self._retrieve(at) if self.is_symbol("[") else self.postfix(self.primary())
        if node.op != "Retrieve" and not _can_be_source(node):
            raise self.refuse("a retrieve, a name or an expression in parentheses as query source")
        if not self.is_identifier():
            raise self.refuse("an alias for the query source")
        return self._alias(node)

    def _sources(self) -> list[Source]:
        found = [self._source()]
        while self.take_symbol(","):
            found.append(self._source())
        return found

    def _query(self, sources: list[Source], at: At) -> Node:
        attrs: dict[str, object] = {"sources": sources, "lets": self._lets(), "inclusions": self._inclusions()}
        attrs["where"] = self.expression() if self.take_word("where") else None
        if self.is_word("aggregate"):
            attrs["aggregate"] = self._aggregate()
        elif self.take_word("return"):
            attrs["distinct"] = self.take_word("all", "distinct") != "all"
            attrs["return"] = self.expression()
        attrs["sort"] = self._sort()
        return Node("Query", at, attrs=attrs)

    def _lets(self) -> list[tuple[str, Node]]:
        found: list[tuple[str, Node]] = []
        if self.take_word("let"):
            while True:
                name = self.identifier()
                self.expect_symbol(":")
                found.append((name, self.expression()))
                if not self.take_symbol(","):
                    break
        return found

    def _inclusions(self) -> list[Inclusion]:
        found = []
        while self.is_word("with", "without"):
            present = self.next().text == "with"
            source = self._source()
            self.expect_word("such")
            self.expect_word("that")
            found.append(Inclusion(source, self.expression(), present))
        return found

    def _aggregate(self) -> Node:
        at = self.at()
        self.next()
        distinct = self.take_word("all", "distinct") == "distinct"
        name = self.identifier()
        starting = self.term() if self.take_word("starting") else Node("Null", at)
        self.expect_symbol(":")
        return Node("Aggregate", at, (starting, self.expression()), {"name": name, "distinct": distinct})

    def _sort(self) -> list[SortKey]:
        if not self.take_word("sort"):
            return []
        at = self.at()
        direction = self._direction()
        if direction is not None:
            return [SortKey(None, direction, at)]
        self.expect_word("by", "asc", "desc")
        keys = []
        while True:
            at = self.at()
            keys.append(SortKey(self.term(), bool(self._direction()), at))
            if not self.take_symbol(","):
                return keys

    def _direction(self) -> bool | None:
        word = self.take_word("asc", "ascending", "desc", "descending")
        return None if word is None else word.startswith("desc")

    def _retrieve(self, at: At) -> Node:
        self.expect_symbol("[")
        type_node = self.type_specifier()
        if self.is_symbol("->"):
            raise self.unsupported("a retrieve in the context of another resource")
        attrs: dict[str, object] = {"type": type_node}
        if self.take_symbol(":"):
            path = self._code_path()
            attrs["path"] = path
            attrs["comparator"] = self.next().text if path else None
            attrs["codes"] = self.expression()
        if not self.is_symbol("]"):
            raise self.refuse("`]`")
        self.next()
        return Node("Retrieve", at, attrs=attrs)

    def _code_path(self) -> str | None:
        offset = 0
        while self.peek(offset).kind in ("word", "quoted") and self.is_symbol(".", offset=offset + 1):
            offset += 2
        follows = self.is_word("in", offset=offset + 1) or self.is_symbol("~", "=", offset=offset + 1)
        if self.peek(offset).kind not in ("word", "quoted") or not follows:
            return None
        return "".join(self.next().text for _ in range(offset + 1))


def _can_be_source(node: Node) -> bool:
    """A name, a path of names, or an expression in parentheses."""
    if node.op == "Member":
        return _can_be_source(node.args[0]) and node.args[0].op != "Parens"
    return node.op in ("Name", "Parens")
