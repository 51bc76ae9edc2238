"""Timing phrases: `starts 5 days or less after`, `included in day of`, `same month as`."""

from __future__ import annotations

from dataclasses import dataclass

from prior_auth.cql.errors import At
from prior_auth.cql.syntax.cursor import UNITS, Cursor
from prior_auth.cql.syntax.nodes import Node

_TIMING_WORDS = (
    "same", "includes", "during", "included", "before", "after", "on", "within", "meets", "overlaps", "starts", "ends",
    "occurs",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Phrase:
    """What stands between the two operands of a timing expression."""

    op: str
    at: At
    precision: str | None = None
    left: str | None = None
    right: str | None = None
    amount: Node | None = None
    bound: str = ""


class Phrases(Cursor):
    """Reads a timing phrase and builds the node for it."""

    def is_timing(self) -> bool:
        if self.is_word("properly"):
            return not self.is_word("between", offset=1)
        if self.is_word("less", "more"):
            return self.is_word("than", offset=1)
        return self.is_word(*_TIMING_WORDS) or self.token.kind == "number"

    def timing(self, left: Node, minimum: int) -> Node:
        phrase = self._phrase()
        right = self.expression(minimum)
        return _timing_node(phrase, left, right)

    def _phrase(self) -> Phrase:
        at = self.at()
        boundary = self._boundary(at)
        if boundary is not None:
            return boundary
        left = {"starts": "Start", "ends": "End"}.get(self.take_word("starts", "ends", "occurs") or "")
        properly = "Proper" if self.take_word("properly") else ""
        if self.take_word("same"):
            return self._same(at, left)
        if self.take_word("includes"):
            return Phrase(properly + "Includes", at, self.precision(), right=self._side())
        if self.take_word("during") or self.take_words("included", "in"):
            return Phrase(properly + "IncludedIn", at, self.precision(), left)
        if self.take_word("within"):
            amount = self.quantity()
            self.expect_word("of")
            return Phrase("Within", at, None, left, self._side(), amount, properly)
        if properly:
            raise self.refuse("`includes`, `during`, `included in` or `within`")
        return self._relative(at, left)

    def _boundary(self, at: At) -> Phrase | None:
        """`meets`, `overlaps`, and `starts`/`ends` where they are the operator itself."""
        if self.is_word("meets", "overlaps"):
            op = self.next().text.capitalize()
            side = (self.take_word("before", "after") or "").capitalize()
            return Phrase(op + side, at, self.precision())
        if self.is_word("starts", "ends") and not self._qualifies():
            op = self.next().text.capitalize()
            return Phrase(op, at, self.precision())
        return None

    def _qualifies(self) -> bool:
        """Is the word before a second phrase, as in `starts before`?"""
        self.index += 1
        timing = self.is_timing() and not self.is_word("meets", "overlaps", "includes", "starts", "ends", "occurs")
        self.index -= 1
        return timing

    def _same(self, at: At, left: str | None) -> Phrase:
        precision = None
        if self.token.kind == "word" and self.token.text in UNITS:
            precision = UNITS[self.next().text]
        if self.take_word("as"):
            return Phrase("SameAs", at, precision, left, self._side())
        self.expect_word("or", "as")
        op = "SameOr" + self.expect_word("before", "after").capitalize()
        return Phrase(op, at, precision, left, self._side())

    def _relative(self, at: At, left: str | None) -> Phrase:
        amount, bound = None, ""
        if self.is_word("less", "more"):
            bound = self.next().text + " than"
            self.expect_word("than")
            amount = self.quantity()
        elif self.token.kind == "number":
            amount, bound = self.quantity(), "exactly"
            if self.take_word("or"):
                bound = "or " + self.expect_word("more", "less")
        or_on = self.take_words("on", "or")
        relation = self.expect_word("before", "after")
        or_on = self.take_words("or", "on") or or_on
        op = ("SameOr" if or_on else "") + relation.capitalize()
        precision = self.precision()
        return Phrase(op, at, precision, left, self._side(), amount, bound)

    def _side(self) -> str | None:
        """`start` or `end` before the right operand; `start of X` is an ordinary operand."""
        if self.is_word("start", "end") and not self.is_word("of", offset=1):
            return self.next().text.capitalize()
        return None

    def quantity(self) -> Node:
        raise NotImplementedError


def _timing_node(phrase: Phrase, left: Node, right: Node) -> Node:
    at = phrase.at
    if phrase.left:
        left = Node(phrase.left, at, (left,))
    if phrase.right:
        right = Node(phrase.right, at, (right,))
    if phrase.op == "Within":
        return Node("Within", at, (left, right), {"amount": phrase.amount, "properly": bool(phrase.bound)})
    if phrase.amount is not None:
        attrs = {"amount": phrase.amount, "bound": phrase.bound, "relation": phrase.op, "precision": phrase.precision}
        return Node("Offset", at, (left, right), attrs)
    return Node(phrase.op, at, (left, right), {"precision": phrase.precision})
