"""ELM expressions as the nodes that the parser of text makes."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from prior_auth.cql.elm.element import FHIR_URI, Element
from prior_auth.cql.elm.shapes import CLOCK, FIELDS, FOLDED, MOMENTS, OPERAND, PAIRS, REFERENCES, RENAMED, VARIABLES
from prior_auth.cql.errors import At, nearest
from prior_auth.cql.syntax.cursor import PRECISIONS, UNITS
from prior_auth.cql.syntax.nodes import Inclusion, Node, SortKey, Source

_LITERALS = frozenset({"Boolean", "Integer", "Long", "Decimal", "String", "Date", "DateTime", "Time"})
_DIRECTIONS = {"asc": False, "ascending": False, "desc": True, "descending": True}


_MEMBERSHIP = {
    "InValueSet": ("code", "valueset"), "AnyInValueSet": ("codes", "valueset"), "InCodeSystem": ("code", "codesystem"),
    "AnyInCodeSystem": ("codes", "codesystem"),
}  # fmt: skip


class Reader:
    """Reads the expressions of one library.

    ELM says which of the library's or the query's names is meant, where text lets the nearest one win: an alias, let or
    operand that is called as something of the library is therefore given another name.
    """

    def __init__(self, taken: frozenset[str], functions: frozenset[str]) -> None:
        self.taken = taken
        self.functions = functions

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

    def reference(self, element: Element) -> Node:
        """A define, parameter, value set, code system, code or concept of this library or of an included one."""
        element.only(("name", "libraryName", "preserve"))
        name = element.text("name")
        if not element.has("libraryName"):
            if name not in self.taken:
                raise element.refuse(f"names `{name}`, which is not in this library", nearest(name, self.taken))
            return Node("Name", element.at, attrs={"name": name})
        return Node("Member", element.at, (self._library(element),), {"name": name})

    def _library(self, element: Element) -> Node:
        name = element.text("libraryName")
        if name not in self.taken:
            raise element.refuse(f"names the library `{name}`, which is not included", nearest(name, self.taken))
        return Node("Name", element.at, attrs={"name": name})

    def variable(self, name: str) -> str:
        """The name under which an alias, let or operand is kept."""
        return f"{name} (here)" if name in self.taken else name

    def _variable(self, element: Element, name: str) -> Node:
        return Node("Name", element.at, attrs={"name": self.variable(name)})

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

    # Literals and selectors

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

    # Queries and retrieves

    def _retrieve(self, element: Element) -> Node:
        element.only(("dataType", "templateId", "codeProperty", "codeComparator", "codes"))
        type_ = element.type_of("dataType")
        profile = element.text_or_none("templateId")
        if profile not in (None, f"{FHIR_URI}/StructureDefinition/{type_.name}"):
            raise element.refuse(f"of the profile {profile} is not supported", "retrieve the base type")
        attrs: dict[str, object] = {"type": type_}
        if element.has("codes"):
            codes = self.expression(element.one("codes"))
            # The translator makes a list of one code, and of a list of codes too.
            attrs["codes"] = codes.args[0] if codes.op == "ToList" else codes
            attrs["path"] = element.text_or_none("codeProperty")
            attrs["comparator"] = element.text_or_none("codeComparator")
        return Node("Retrieve", element.at, attrs=attrs)

    def _query(self, element: Element) -> Node:
        element.only(("source", "let", "relationship", "where", "return", "aggregate", "sort"))
        attrs: dict[str, object] = {
            "sources": [self._source(one) for one in element.many("source")],
            "lets": [
                (self.variable(one.text("identifier")), self.expression(one.one("expression")))
                for one in element.many("let")
            ],
            "inclusions": [self._inclusion(one) for one in element.many("relationship")],
            "where": self.expression(element.one("where")) if element.has("where") else None,
            "sort": self._sort(element.one("sort")) if element.has("sort") else [],
        }
        if element.has("aggregate"):
            attrs["aggregate"] = self._aggregate(element.one("aggregate"))
        if element.has("return"):
            returned = element.one("return")
            returned.only(("expression", "distinct"))
            attrs |= {
                "return": self.expression(returned.one("expression")),
                "distinct": returned.flag("distinct", True),
            }
        elif "aggregate" not in attrs and len(element.many("source")) > 1:
            attrs |= {"return": self._row(element), "distinct": False}
        return Node("Query", element.at, attrs=attrs)

    def _row(self, element: Element) -> Node:
        """The aliases of the sources under their own names."""
        names = [one.text("alias") for one in element.many("source")]
        return Node("Tuple", element.at, tuple(self._variable(element, name) for name in names), {"names": names})

    def _source(self, element: Element) -> Source:
        return Source(self.variable(element.text("alias")), self.expression(element.one("expression")), element.at)

    def _inclusion(self, element: Element) -> Inclusion:
        element.only(("alias", "expression", "suchThat"))
        if element.name not in ("With", "Without"):
            raise element.refuse("is not supported")
        return Inclusion(self._source(element), self.expression(element.one("suchThat")), element.name == "With")

    def _aggregate(self, element: Element) -> Node:
        element.only(("identifier", "distinct", "expression", "starting"))
        starting = self.expression(element.one("starting")) if element.has("starting") else Node("Null", element.at)
        attrs = {"name": self.variable(element.text("identifier")), "distinct": element.flag("distinct", False)}
        return Node("Aggregate", element.at, (starting, self.expression(element.one("expression"))), attrs)

    def _sort(self, element: Element) -> list[SortKey]:
        return [self._sort_key(one) for one in element.many("by")]

    def _sort_key(self, element: Element) -> SortKey:
        direction = _DIRECTIONS.get(element.text("direction"))
        if direction is None:
            raise element.refuse(f"has no direction `{element.text('direction')}`")
        return SortKey(self._sorted_by(element, element.at), direction, element.at)

    def _sorted_by(self, element: Element, at: At) -> Node | None:
        match element.name:
            case "ByDirection":
                return None
            case "ByColumn":
                found = Node("This", at)
                for name in element.text("path").split("."):
                    found = Node("Member", at, (found,), {"name": name})
                return found
            case "ByExpression":
                return self.expression(element.one("expression"))
        raise element.refuse("is not supported")


def _precision(element: Element, text: str) -> str:
    word = text.lower()
    if word not in PRECISIONS:
        raise element.refuse(f"has no known precision, `{text}`")
    return word


def _is_number(text: str, *, whole: bool) -> bool:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return False
    return value.is_finite() and not (whole and not text.lstrip("-").isdecimal())


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
