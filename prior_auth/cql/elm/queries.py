"""ELM's queries and retrieves."""

from __future__ import annotations

from prior_auth.cql.elm.element import FHIR_URI, Element
from prior_auth.cql.elm.reading import Reading
from prior_auth.cql.errors import At
from prior_auth.cql.syntax.nodes import Inclusion, Node, SortKey, Source

_DIRECTIONS = {"asc": False, "ascending": False, "desc": True, "descending": True}


class Queries(Reading):
    """What asks the chart, and what goes over rows."""

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
