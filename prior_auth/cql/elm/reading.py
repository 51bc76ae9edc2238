"""What all parts of the reader of ELM share: the library's names."""

from __future__ import annotations

from prior_auth.cql.elm.element import Element
from prior_auth.cql.errors import nearest
from prior_auth.cql.syntax.nodes import Node


class Reading:
    """Reads the expressions of one library.

    ELM says which of the library's or the query's names is meant, where text lets the nearest one win: an alias, let or
    operand that is called as something of the library is therefore given another name.
    """

    def __init__(self, taken: frozenset[str], functions: frozenset[str], *, mixed: bool = True) -> None:
        self.taken = taken
        self.functions = functions
        self.mixed = mixed

    def is_of_no_patient(self, element: Element) -> bool:
        """A statement of a library that names no context, as the translator marks it, and that asks no chart."""
        return not self.mixed and not element.holds("Retrieve")

    def expression(self, element: Element) -> Node:
        raise NotImplementedError

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
