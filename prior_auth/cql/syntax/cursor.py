"""A place in the list of tokens, and the small questions a parser asks of it."""

from __future__ import annotations

from prior_auth.cql.errors import At, CqlError, nearest
from prior_auth.cql.syntax.lexer import KEYWORDS, Token, tokens
from prior_auth.cql.syntax.nodes import Node, TypeNode

MAX_DEPTH = 150

_SINGULAR = {
    "years": "year", "months": "month", "weeks": "week", "days": "day", "hours": "hour", "minutes": "minute",
    "seconds": "second", "milliseconds": "millisecond",
}  # fmt: skip
PRECISIONS = frozenset(_SINGULAR.values())
UNITS = {**_SINGULAR, **{unit: unit for unit in PRECISIONS}}


class Cursor:
    """Walks the tokens of one library; every refusal names the place and what was expected."""

    def __init__(self, text: str, library: str) -> None:
        self.text = text
        self.library = library
        found = tokens(text, library)
        self.tokens = [*found, found[-1], found[-1], found[-1]]  # looking ahead never leaves the list
        self.index = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def at(self) -> At:
        return At(self.library, self.token.line, self.token.column)

    def peek(self, offset: int = 1) -> Token:
        return self.tokens[self.index + offset]

    def next(self) -> Token:
        token = self.token
        if token.kind != "end":
            self.index += 1
        return token

    def is_word(self, *words: str, offset: int = 0) -> bool:
        token = self.tokens[self.index + offset]
        return token.kind == "word" and token.text in words

    def is_symbol(self, *symbols: str, offset: int = 0) -> bool:
        token = self.tokens[self.index + offset]
        return token.kind == "symbol" and token.text in symbols

    def words_follow(self, *words: str) -> bool:
        return all(self.is_word(word, offset=i) for i, word in enumerate(words))

    def take_word(self, *words: str) -> str | None:
        return self.next().text if self.is_word(*words) else None

    def take_words(self, *words: str) -> bool:
        if not self.words_follow(*words):
            return False
        self.index += len(words)
        return True

    def take_symbol(self, *symbols: str) -> str | None:
        return self.next().text if self.is_symbol(*symbols) else None

    def expect_word(self, *words: str) -> str:
        found = self.take_word(*words)
        if found is None:
            raise self.refuse(" or ".join(f"`{word}`" for word in words), words)
        return found

    def expect_symbol(self, symbol: str) -> None:
        if not self.take_symbol(symbol):
            raise self.refuse(f"`{symbol}`")

    def expect_string(self) -> str:
        if self.token.kind != "string":
            raise self.refuse("a string in single quotes")
        return self.next().text

    def is_identifier(self, offset: int = 0) -> bool:
        """A name that is no keyword, or any name in double quotes."""
        token = self.peek(offset)
        return token.kind == "quoted" or (token.kind == "word" and token.text not in KEYWORDS)

    def identifier(self) -> str:
        if not self.is_identifier():
            raise self.refuse("a name")
        return self.next().text

    def member(self) -> str:
        """A name after a dot, where keywords are names too."""
        if self.token.kind not in ("word", "quoted"):
            raise self.refuse("a name after the dot")
        return self.next().text

    def refuse(self, expected: str, known: tuple[str, ...] = ()) -> CqlError:
        fix = (
            nearest(self.token.text, set(known or KEYWORDS) - {self.token.text}) if self.token.kind == "word" else None
        )
        return CqlError(f"expected {expected}, found {self.token.shown}", self.at(), fix)

    def unsupported(self, what: str, fix: str | None = None) -> CqlError:
        return CqlError(f"{what} is not supported", self.at(), fix)

    def precision(self) -> str | None:
        """`day of`, where it stands before an operand."""
        if self.token.kind == "word" and self.token.text in PRECISIONS and self.is_word("of", offset=1):
            precision = self.next().text
            self.next()
            return precision
        return None

    # The two rules that call each other; the grammar above them supplies the bodies.

    def expression(self, minimum: int = 0) -> Node:
        raise NotImplementedError

    def term(self) -> Node:
        raise NotImplementedError

    def type_specifier(self) -> TypeNode:
        """`List<FHIR.Observation>`, `Choice<Integer, String>`, `Tuple { a Integer }`, `FHIR.Quantity`."""
        at = self.at()
        self.deeper()
        if self.is_word("List", "Interval", "Choice") and self.is_symbol("<", offset=1):
            kind = self.next().text.lower()
            self.next()
            of = [self.type_specifier()]
            while kind == "choice" and self.take_symbol(","):
                of.append(self.type_specifier())
            self.expect_symbol(">")
            found = TypeNode(kind, at, of=tuple(of))
        elif self.is_word("Tuple") and self.is_symbol("{", offset=1):
            found = self._tuple_type(at)
        else:
            found = self._named_type(at)
        self.depth -= 1
        return found

    def _tuple_type(self, at: At) -> TypeNode:
        self.next()
        self.next()
        names, types = [], []
        while True:
            names.append(self.member())
            types.append(self.type_specifier())
            if not self.take_symbol(","):
                break
        self.expect_symbol("}")
        return TypeNode("tuple", at, of=tuple(types), fields=tuple(names))

    def _named_type(self, at: At) -> TypeNode:
        if self.token.kind not in ("word", "quoted") or (
            self.token.text in KEYWORDS and self.token.text not in ("Code", "Concept", "Interval", "List", "Tuple")
            and self.token.text not in ("date", "time", "code")
        ):  # fmt: skip
            raise self.refuse("a type")
        parts = [self.next().text]
        while self.is_symbol(".") and self.peek().kind in ("word", "quoted"):
            self.next()
            parts.append(self.next().text)
        if len(parts) == 1:
            return TypeNode("named", at, name=parts[0])
        return TypeNode("named", at, name=".".join(parts[1:]), qualifier=parts[0])

    def deeper(self) -> None:
        """One level of nesting more; the caller takes it back when it returns normally."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise CqlError(f"nested more than {MAX_DEPTH} levels deep", self.at(), "use defines for the parts")
