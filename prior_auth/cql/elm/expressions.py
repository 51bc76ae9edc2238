"""ELM expressions as the nodes that the parser of text makes."""

from __future__ import annotations

from prior_auth.cql.elm.element import Element
from prior_auth.cql.elm.queries import Queries
from prior_auth.cql.elm.selectors import Selectors
from prior_auth.cql.elm.shapes import CLOCK, FIELDS, FOLDED, MOMENTS, OPERAND, PAIRS, REFERENCES, RENAMED, VARIABLES
from prior_auth.cql.errors import nearest
from prior_auth.cql.syntax.cursor import PRECISIONS
from prior_auth.cql.syntax.nodes import Node

_MEMBERSHIP = {
    "InValueSet": ("code", "valueset"), "AnyInValueSet": ("codes", "valueset"), "InCodeSystem": ("code", "codesystem"),
    "AnyInCodeSystem": ("codes", "codesystem"),
}  # fmt: skip


class Reader(Selectors, Queries):
    """Everything that is an expression."""

    def expression(self, element: Element) -> Node:
        """The node for an ELM expression. CqlError, with locator and name, for what the engine does not have."""
        op = element.json.get("type")
        if not isinstance(op, str):
            raise element.refuse("is no ELM expression")
        reader = _READERS.get(op)
        if reader is not None:
            return reader(self, element)
        if op in OPERAND or op in FOLDED:
            return self._operator(element, op)
        if op in FIELDS:
            return self._fielded(element, op)
        if op in MOMENTS:
            return self._moment(element, op)
        if op in REFERENCES:
            return self.reference(element)
        if op in VARIABLES:
            element.only(("name",))
            return self._variable(element, element.text("name"))
        raise element.refuse("is not supported")

    def _operands(self, element: Element) -> tuple[Node, ...]:
        return tuple(self.expression(one) for one in element.many("operand"))

    def _operator(self, element: Element, op: str) -> Node:
        element.only(("operand", "precision"))
        args, name = self._operands(element), RENAMED.get(op, op)
        if op == "Negate" and len(args) == 1 and args[0].op == "Literal":
            return self._negated(element, args[0])
        if len(args) != 2 if op in PAIRS else op in FOLDED and len(args) < 2:
            raise element.refuse("has the wrong number of operands")
        if op in CLOCK:
            return Node("Call", element.at, args, {"name": op})
        if op in FOLDED:
            left = args[0]
            for right in args[1:]:
                left = Node(name, element.at, (left, right))
            return left
        precision = element.text_or_none("precision")
        return Node(name, element.at, args, {"precision": _precision(element, precision)} if precision else {})

    def _negated(self, element: Element, literal: Node) -> Node:
        """With its sign, because the least Integer has no positive counterpart."""
        text: str = literal["text"]
        signed = text[1:] if text.startswith("-") else f"-{text}"
        return Node("Literal", element.at, attrs={"kind": literal["kind"], "text": signed})

    def _fielded(self, element: Element, op: str) -> Node:
        needed, _, optional = FIELDS[op].partition("|")
        names = [*needed.split(), *optional.split()]
        element.only(names)
        given = [name for name in names if name in needed.split() or element.has(name)]
        args = [self.expression(element.one(name)) for name in given]
        if op == "Slice" and args[-1].op == "Null":
            args = args[:-1]  # no end: up to the last
        return Node(op, element.at, tuple(args))

    def _moment(self, element: Element, op: str) -> Node:
        names = MOMENTS[op]
        element.only(names)
        last = max((index for index, name in enumerate(names) if element.has(name)), default=-1)
        parts = [
            self.expression(element.one(name)) if element.has(name) else Node("Null", element.at)
            for name in names[: last + 1]
        ]
        return Node(op, element.at, tuple(parts))

    def _property(self, element: Element) -> Node:
        element.only(("path", "source", "scope"))
        if element.has("scope"):
            found = self._variable(element, element.text("scope"))
        else:
            found = self.expression(element.one("source"))
        for name in element.text("path").split("."):
            if "[" in name:
                raise element.refuse(f"with the path `{element.text('path')}` is not supported")
            found = Node("Member", element.at, (found,), {"name": name})
        return found

    def _identifier(self, element: Element) -> Node:
        element.only(("name",))
        name = element.text("name")
        row = Node("This", element.at)
        return row if name == "$this" else Node("Member", element.at, (row,), {"name": name})

    def _function(self, element: Element) -> Node:
        element.only(("name", "libraryName", "operand"))
        name, operands = element.text("name"), self._operands(element)
        if element.has("libraryName"):
            return Node("Call", element.at, (self._library(element), *operands), {"name": name, "on": True})
        if name not in self.functions:
            raise element.refuse(f"names `{name}`, which is not in this library", nearest(name, self.functions))
        return Node("Call", element.at, operands, {"name": name})

    # Conditions, types and terminology

    def _if(self, element: Element) -> Node:
        element.only(("condition", "then", "else"))
        return Node(
            "If", element.at, tuple(self.expression(element.one(name)) for name in ("condition", "then", "else"))
        )

    def _case(self, element: Element) -> Node:
        element.only(("comparand", "caseItem", "else"))
        comparand = (self.expression(element.one("comparand")),) if element.has("comparand") else ()
        items = [self.expression(item.one(name)) for item in element.many("caseItem") for name in ("when", "then")]
        args = (*comparand, *items, self.expression(element.one("else")))
        return Node("Case", element.at, args, {"comparand": bool(comparand)})

    def _is(self, element: Element) -> Node:
        element.only(("operand", "isType", "isTypeSpecifier"))
        attrs = {"type": element.type_of("isTypeSpecifier", "isType")}
        return Node("Is", element.at, (self.expression(element.one("operand")),), attrs)

    def _as(self, element: Element) -> Node:
        element.only(("operand", "asType", "asTypeSpecifier", "strict"))
        attrs = {"type": element.type_of("asTypeSpecifier", "asType"), "strict": element.flag("strict", False)}
        return Node("As", element.at, (self.expression(element.one("operand")),), attrs)

    def _convert(self, element: Element) -> Node:
        element.only(("operand", "toType", "toTypeSpecifier"))
        attrs = {"type": element.type_of("toTypeSpecifier", "toType")}
        return Node("Convert", element.at, (self.expression(element.one("operand")),), attrs)

    def _extreme(self, element: Element) -> Node:
        element.only(("valueType",))
        return Node(element.name, element.at, attrs={"type": element.type_of("valueType")})

    def _coalesce(self, element: Element) -> Node:
        element.only(("operand",))
        return Node("Call", element.at, self._operands(element), {"name": "Coalesce"})

    def _round(self, element: Element) -> Node:
        element.only(("operand", "precision"))
        digits = (self.expression(element.one("precision")),) if element.has("precision") else ()
        return Node("Round", element.at, (self.expression(element.one("operand")), *digits))

    def _age(self, element: Element) -> Node:
        element.only(("operand", "precision"))
        at = "At" if element.name == "CalculateAgeAt" else ""
        unit = _precision(element, element.text("precision")).capitalize()
        return Node("Call", element.at, self._operands(element), {"name": f"CalculateAgeIn{unit}s{at}"})

    def _in_set(self, element: Element) -> Node:
        """`code in "set"` and its kin for lists and code systems."""
        left, right = _MEMBERSHIP[element.name]
        element.only((left, right, f"{right}Expression"))
        if element.has(f"{right}Expression"):
            wanted = self.expression(element.one(f"{right}Expression"))
        else:
            wanted = self.reference(element.one(right))
        return Node("In", element.at, (self.expression(element.one(left)), wanted))


def _precision(element: Element, text: str) -> str:
    word = text.lower()
    if word not in PRECISIONS:
        raise element.refuse(f"has no known precision, `{text}`")
    return word


_READERS = {
    "As": Reader._as,
    "CalculateAge": Reader._age,
    "CalculateAgeAt": Reader._age,
    "Case": Reader._case,
    "Coalesce": Reader._coalesce,
    "Code": Reader._code,
    "Concept": Reader._concept,
    "Convert": Reader._convert,
    "FunctionRef": Reader._function,
    "IdentifierRef": Reader._identifier,
    "If": Reader._if,
    "Instance": Reader._instance,
    "Interval": Reader._interval,
    "Is": Reader._is,
    "List": Reader._list,
    "Literal": Reader._literal,
    "MaxValue": Reader._extreme,
    "MinValue": Reader._extreme,
    "Null": Reader._null,
    "Property": Reader._property,
    "Quantity": Reader._quantity,
    "Query": Reader._query,
    "Ratio": Reader._ratio,
    "Retrieve": Reader._retrieve,
    "Round": Reader._round,
    "Tuple": Reader._tuple,
    **dict.fromkeys(_MEMBERSHIP, Reader._in_set),
}
