"""ELM's literals and selectors."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from prior_auth.cql.elm.element import Element
from prior_auth.cql.elm.reading import Reading
from prior_auth.cql.syntax.cursor import UNITS
from prior_auth.cql.syntax.nodes import Node

_LITERALS = frozenset({"Boolean", "Integer", "Long", "Decimal", "String", "Date", "DateTime", "Time"})


class Selectors(Reading):
    """What makes a value."""

    def _null(self, element: Element) -> Node:
        element.only(("valueType",))
        null = Node("Null", element.at)
        if not element.has("valueType"):
            return null
        return Node("As", element.at, (null,), {"type": element.type_of("valueType")})

    def _literal(self, element: Element) -> Node:
        element.only(("value", "valueType"))
        kind = element.type_of("valueType")
        if kind.qualifier != "System" or kind.name not in _LITERALS:
            raise element.refuse(f"of the type `{element.text('valueType')}` is not supported")
        text = element.text("value") if kind.name != "String" or element.has("value") else ""
        if kind.name in ("Integer", "Long", "Decimal") and not _is_number(text, whole=kind.name != "Decimal"):
            raise element.refuse(f"holds no {kind.name}")
        return Node("Literal", element.at, attrs={"kind": kind.name, "text": text})

    def _quantity(self, element: Element) -> Node:
        element.only(("value", "unit"))
        value = str(element.json.get("value"))
        if not _is_number(value, whole=False):
            raise element.refuse("has no number as `value`")
        unit = element.text_or_none("unit")
        return Node("Quantity", element.at, attrs={"value": value, "unit": UNITS.get(unit, unit) if unit else None})

    def _ratio(self, element: Element) -> Node:
        element.only(("numerator", "denominator"))
        return Node(
            "Ratio", element.at, tuple(self._quantity(element.one(name)) for name in ("numerator", "denominator"))
        )

    def _interval(self, element: Element) -> Node:
        element.only(("low", "high", "lowClosed", "highClosed", "lowClosedExpression", "highClosedExpression"))
        low, high = (
            self.expression(element.one(name)) if element.has(name) else Node("Null", element.at)
            for name in ("low", "high")
        )
        attrs: dict[str, object] = {name: element.flag(name, True) for name in ("lowClosed", "highClosed")}
        closed = ("lowClosedExpression", "highClosedExpression")
        if any(element.has(name) for name in closed):
            attrs["closed"] = tuple(
                self.expression(element.one(name)) if element.has(name) else None for name in closed
            )
            return Node("ComputedInterval", element.at, (low, high), attrs)
        return Node("Interval", element.at, (low, high), attrs)

    def _list(self, element: Element) -> Node:
        element.only(("element", "typeSpecifier"))
        type_ = element.type_of("typeSpecifier") if element.has("typeSpecifier") else None
        return Node("List", element.at, tuple(self.expression(one) for one in element.many("element")), {"type": type_})

    def _tuple(self, element: Element) -> Node:
        element.only(("element",))
        fields = element.many("element")
        args = tuple(self.expression(one.one("value")) for one in fields)
        return Node("Tuple", element.at, args, {"names": [one.text("name") for one in fields]})

    def _instance(self, element: Element) -> Node:
        element.only(("classType", "element"))
        fields = element.many("element")
        args = tuple(self.expression(one.one("value")) for one in fields)
        attrs = {"type": element.type_of("classType"), "names": [one.text("name") for one in fields]}
        return Node("Instance", element.at, args, attrs)

    def _code(self, element: Element) -> Node:
        element.only(("code", "system", "display"))
        attrs = {"code": element.text("code"), "display": element.text_or_none("display")}
        return Node("Code", element.at, (self.reference(element.one("system")),), attrs)

    def _concept(self, element: Element) -> Node:
        element.only(("code", "display"))
        codes = tuple(self._code(one) for one in element.many("code"))
        return Node("Concept", element.at, codes, {"display": element.text_or_none("display")})


def _is_number(text: str, *, whole: bool) -> bool:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return False
    return value.is_finite() and not (whole and not text.lstrip("-").isdecimal())
