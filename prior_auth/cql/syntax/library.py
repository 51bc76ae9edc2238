"""The declarations of a library."""

from __future__ import annotations

from prior_auth.cql.errors import At, CqlError
from prior_auth.cql.syntax.expressions import Expressions
from prior_auth.cql.syntax.nodes import (
    CodeDef,
    CodeSystemDef,
    ConceptDef,
    Definition,
    ExpressionDef,
    FunctionDef,
    Include,
    LibraryNode,
    ParameterDef,
    TypeNode,
    Using,
    ValueSetDef,
)

_STATEMENTS = (
    "using", "include", "codesystem", "valueset", "code", "concept", "parameter", "context", "define", "public",
    "private",
)  # fmt: skip


def parse_library(text: str, name: str) -> LibraryNode:
    """The library in `text`; `name` is what errors call it. CqlError with line and column for what is no CQL."""
    return _Library(text, name).read()


class _Library(Expressions):
    def read(self) -> LibraryNode:
        self.found = LibraryNode(self.library, None)
        if self.take_word("library"):
            self.found.name = self._qualified()
            self.found.version = self._version()
        while self.token.kind != "end":
            self._statement()
        return self.found

    def _statement(self) -> None:
        at = self.at()
        access = self.take_word("public", "private")
        word = self.expect_word(*_STATEMENTS)
        if word == "using":
            self.found.usings.append(Using(self._qualified(), self._version(), at))
        elif word == "include":
            self._include(at)
        elif word == "context":
            self._context()
        elif word == "define":
            self._define(at, access == "private")
        else:
            self._declare(self._declaration(word, at))

    def _qualified(self) -> str:
        name = self.member()
        while self.take_symbol("."):
            name += "." + self.member()
        return name

    def _version(self) -> str | None:
        return self.expect_string() if self.take_word("version") else None

    def _include(self, at: At) -> None:
        name = self._qualified()
        version = self._version()
        alias = self.identifier() if self.take_word("called") else name.rpartition(".")[2]
        if any(known.alias == alias for known in self.found.includes):
            raise CqlError(f"`{alias}` is already the name of an included library", at)
        self.found.includes.append(Include(name, version, alias, at))

    def _context(self) -> None:
        at = self.at()
        name = self._qualified()
        if name != "Patient":
            raise CqlError(f"`context {name}` is not supported", at, "write `context Patient`")

    def _declare(self, definition: Definition) -> None:
        known = self.found.definitions.get(definition.name)
        if known is not None:
            raise CqlError(f"`{definition.name}` is already defined in line {known.at.line}", definition.at)
        self.found.definitions[definition.name] = definition

    def _declaration(self, word: str, at: At) -> Definition:
        name = self.identifier()
        if word == "parameter":
            return self._parameter(name, at)
        self.expect_symbol(":")
        if word == "codesystem":
            return CodeSystemDef(name, self.expect_string(), self._version(), at)
        if word == "valueset":
            return self._value_set(name, at)
        if word == "code":
            code = self.expect_string()
            self.expect_word("from")
            return CodeDef(name, code, self._reference(), self._display(), at)
        return self._concept_definition(name, at)

    def _value_set(self, name: str, at: At) -> ValueSetDef:
        url = self.expect_string()
        version = self._version()
        if self.is_word("codesystems"):
            raise self.unsupported("a value set with code system versions")
        return ValueSetDef(name, url, version, at)

    def _concept_definition(self, name: str, at: At) -> ConceptDef:
        self.expect_symbol("{")
        codes = [self._reference()]
        while self.take_symbol(","):
            codes.append(self._reference())
        self.expect_symbol("}")
        return ConceptDef(name, tuple(codes), self._display(), at)

    def _reference(self) -> str:
        name = self.identifier()
        if self.is_symbol("."):
            raise self.unsupported("a code or code system of another library here", "declare it in this library")
        return name

    def _display(self) -> str | None:
        return self.expect_string() if self.take_word("display") else None

    def _parameter(self, name: str, at: At) -> ParameterDef:
        type_node = None if self.is_word("default") else self.type_specifier()
        default = self.expression() if self.take_word("default") else None
        return ParameterDef(name, type_node, default, at)

    def _define(self, at: At, private: bool) -> None:
        private = self.take_word("private", "public") == "private" or private
        fluent = self.is_word("fluent") and self.is_word("function", offset=1)
        if fluent:
            self.next()
        if self.is_word("function") and not self.is_symbol(":", offset=1):
            self.next()
            self._function(at, fluent, private)
            return
        name = self.identifier()
        self.expect_symbol(":")
        start = self.token.start
        body = self.expression()
        text = self.text[start : self.tokens[self.index - 1].end]
        self._end_of_statement()
        self._declare(ExpressionDef(name, body, at, private, text))

    def _function(self, at: At, fluent: bool, private: bool) -> None:
        name = self.member()
        self.expect_symbol("(")
        parameters: list[tuple[str, TypeNode]] = []
        while not self.is_symbol(")"):
            parameters.append((self.member(), self.type_specifier()))
            if not self.take_symbol(","):
                break
        self.expect_symbol(")")
        if self.take_word("returns"):
            self.type_specifier()
        self.expect_symbol(":")
        if self.is_word("external"):
            raise self.unsupported("an external function")
        body = self.expression()
        self._end_of_statement()
        self.found.functions.append(FunctionDef(name, tuple(parameters), body, fluent, at, private))

    def _end_of_statement(self) -> None:
        if self.token.kind != "end" and not self.is_word(*_STATEMENTS):
            error = self.refuse("an operator or the next statement")
            if self.is_identifier() and error.fix is None:
                error.fix = "if this is the alias of a query, put the query's source in parentheses"
            raise error
