"""Strict parsing: the whole text is one expression, or it is refused.

fhirpathpy's own parser lets `active adn true`, `a b`, `name..given` and `x == 1` pass as something else; a rule with
such a slip would silently lose a criterion.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from antlr4 import CommonTokenStream, InputStream, ParseTreeWalker
from antlr4.error.ErrorListener import ErrorListener
from fhirpathpy.engine.evaluators import evaluators
from fhirpathpy.engine.nodes import ResourceNode
from fhirpathpy.parser.ASTPathListener import ASTPathListener
from fhirpathpy.parser.generated.FHIRPathLexer import FHIRPathLexer
from fhirpathpy.parser.generated.FHIRPathParser import FHIRPathParser

from prior_auth.paths.problem import PathError

Node = dict[str, Any]

MAX_LENGTH = 4_000
MAX_NESTING = 60
MAX_TOKENS = 1_500

_CONSTANT = "PriorAuthConstant"
TYPE_NAME = "PriorAuthTypeName"
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_ESCAPED = {"r": "\r", "n": "\n", "t": "\t", "f": "\f"}


class _Raises(ErrorListener):  # type: ignore[misc]  # antlr4 is untyped
    def syntaxError(self, *problem: Any) -> None:
        _recognizer, _symbol, _line, column, msg, _exception = problem
        raise PathError("not a FHIRPath expression", column=column + 1, fix=f"look at column {column + 1}: {msg}")


def parse(text: str) -> Node:
    """The expression as a tree of nodes. Raises PathError for anything but exactly one expression."""
    if len(text) > MAX_LENGTH:
        raise PathError(f"a FHIRPath expression of more than {MAX_LENGTH} characters")
    lexer = FHIRPathLexer(InputStream(text))
    lexer.removeErrorListeners()
    lexer.addErrorListener(_Raises())
    tokens = CommonTokenStream(lexer)
    tokens.fill()
    _within_limits(tokens.tokens)
    parser = FHIRPathParser(tokens)
    parser.removeErrorListeners()
    parser.addErrorListener(_Raises())
    try:
        tree = parser.entireExpression()
        listener = ASTPathListener()
        ParseTreeWalker().walk(listener, tree)
    except RecursionError:
        raise PathError("a FHIRPath expression nested too deeply") from None
    node: Node = listener.parentStack[0]["children"][0]["children"][0]
    return _with_constants(node)


def _within_limits(tokens: list[Any]) -> None:
    if len(tokens) > MAX_TOKENS:
        raise PathError(f"a FHIRPath expression of more than {MAX_TOKENS} tokens")
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth > MAX_NESTING:
            raise PathError(f"parentheses nested more than {MAX_NESTING} deep", column=token.column + 1)


def _with_constants(node: Node) -> Node:
    """Literals are read once, here: fhirpathpy would read them at every evaluation, and unescape strings wrongly."""
    if node["type"] == "StringLiteral":
        return {"type": _CONSTANT, "value": [unescaped(node["text"][1:-1])], "children": []}
    if node["type"] == "NumberLiteral":
        number = Decimal(node["text"])
        value = number if "." in node["text"] else int(number)
        return {"type": _CONSTANT, "value": [value], "children": []}
    if node["type"] == "InvocationTerm" and node["children"][0]["type"] == "MemberInvocation":
        name = name_of(node["children"][0]["children"][0])
        if name[:1].isupper():
            return {"type": TYPE_NAME, "name": name, "children": []}
    if "children" in node:
        node["children"] = [_with_constants(child) for child in node["children"]]
    return node


def unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        what = match.group(1)
        return chr(int(what[1:], 16)) if len(what) == 5 else _ESCAPED.get(what, what)

    return _ESCAPE.sub(one, text)


def name_of(identifier: Node) -> str:
    text: str = identifier["text"]
    return unescaped(text[1:-1]) if text[:1] in '`"' else text


def _constant(_ctx: Any, _parent: Any, node: Node) -> list[Any]:
    return list(node["value"])


def _of_type_name(ctx: Any, parent: list[Any], node: Node) -> list[Any]:
    """`Observation` at the start of a path: the items that are one, by what they say they are or where they stand."""
    ancestors = ctx["model"]["type2Parent"]
    found = []
    for item in parent:
        each = ResourceNode.create_node(item)
        kind = each.path
        while kind and kind != node["name"]:
            kind = ancestors.get(kind)
        if kind:
            found.append(each)
    return found


# Node types of our own beside fhirpathpy's; none of its own is changed.
evaluators[_CONSTANT] = _constant
evaluators[TYPE_NAME] = _of_type_name
