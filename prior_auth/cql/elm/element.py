"""One element of an ELM document: its fields, its place in the text it was made from, and types as it names them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prior_auth.cql.errors import At, CqlError, nearest
from prior_auth.cql.syntax.nodes import TypeNode

FHIR_URI = "http://hl7.org/fhir"
SYSTEM_URI = "urn:hl7-org:elm-types:r1"
_MODELS = {FHIR_URI: "FHIR", SYSTEM_URI: "System"}

# What says nothing about the meaning; `signature` names an overload whose operands say it as well.
_REMARKS = frozenset({"annotation", "localId", "locator", "resultTypeName", "resultTypeSpecifier", "signature", "type"})


class Element:
    """A JSON object of the document. Whatever has another shape than ELM's is a CqlError with its place and name."""

    __slots__ = ("at", "json", "name")

    def __init__(self, json: Any, outer: At, what: str = "") -> None:
        if not isinstance(json, Mapping):
            raise CqlError(f"expected an ELM object for {what or 'the library'}", outer)
        self.json: Mapping[str, Any] = json
        self.at = _place(json.get("locator"), outer)
        kind = json.get("type")
        self.name = kind if isinstance(kind, str) else what

    def refuse(self, message: str, fix: str | None = None) -> CqlError:
        """An error about this element, named by its localId where it has one."""
        local = self.json.get("localId")
        named = f"{self.name} (localId {local})" if isinstance(local, (str, int)) else self.name
        return CqlError(f"{named} {message}" if named else message, self.at, fix)

    def only(self, known: Iterable[str]) -> None:
        """CqlError where a field that is not known, and so would be passed over, is set."""
        for key, value in self.json.items():
            if key not in _REMARKS and key not in known and value not in (None, [], {}):
                raise self.refuse(f"with `{key}` is not supported")

    def has(self, key: str) -> bool:
        return self.json.get(key) is not None

    def one(self, key: str) -> Element:
        """The element under a key. CqlError where there is none."""
        if not self.has(key):
            raise self.refuse(f"has no `{key}`")
        return Element(self.json[key], self.at, key)

    def many(self, key: str) -> list[Element]:
        """The elements under a key, one alone too; none where the key is absent."""
        value = self.json.get(key)
        values = value if isinstance(value, list) else () if value is None else (value,)
        return [Element(one, self.at, key) for one in values]

    def text(self, key: str) -> str:
        value = self.json.get(key)
        if not isinstance(value, str):
            raise self.refuse(f"has no `{key}`")
        return value

    def text_or_none(self, key: str) -> str | None:
        return self.text(key) if self.has(key) else None

    def flag(self, key: str, default: bool) -> bool:
        value = self.json.get(key, default)
        if not isinstance(value, bool):
            raise self.refuse(f"should have true or false as `{key}`")
        return value

    def holds(self, kind: str) -> bool:
        """Whether an element of this type is somewhere inside."""
        waiting: list[Any] = [self.json]
        while waiting:
            one = waiting.pop()
            if isinstance(one, Mapping):
                if one.get("type") == kind:
                    return True
                waiting.extend(one.values())
            elif isinstance(one, list):
                waiting.extend(one)
        return False

    def type_of(self, *keys: str) -> TypeNode:
        """The type under the first of the keys that is set, written as a name or as a specifier."""
        for key in keys:
            value = self.json.get(key)
            if isinstance(value, str):
                return self._named(value)
            if value is not None:
                return specifier(Element(value, self.at, key))
        raise self.refuse(f"has no `{keys[0]}`")

    def _named(self, name: str) -> TypeNode:
        uri, _, local = name.removeprefix("{").partition("}")
        model = _MODELS.get(uri)
        if model is None or not local:
            known = [f"{{{one}}}{local}" for one in _MODELS]
            raise self.refuse(f"names a type of no known model, `{name}`", nearest(name, known))
        return TypeNode("named", self.at, ".".join(_segments(local)), model)


def _segments(name: str) -> Iterator[str]:
    """`Observation.Component` of the model's type names as the path `Observation.component`."""
    first, *rest = name.split(".")
    yield first
    for one in rest:
        yield one[:1].lower() + one[1:]


def specifier(element: Element) -> TypeNode:
    """A type specifier. CqlError for one that ELM does not have."""
    match element.json.get("type"):
        case "NamedTypeSpecifier":
            return element.type_of("name")
        case "ListTypeSpecifier":
            return TypeNode("list", element.at, of=(element.type_of("elementType"),))
        case "IntervalTypeSpecifier":
            return TypeNode("interval", element.at, of=(element.type_of("pointType"),))
        case "ChoiceTypeSpecifier":
            choices = element.many("choice") or [one for one in element.many("type") if one.json]
            return TypeNode("choice", element.at, of=tuple(specifier(one) for one in choices))
        case "TupleTypeSpecifier":
            fields = element.many("element")
            of = tuple(one.type_of("elementType", "type") for one in fields)
            return TypeNode("tuple", element.at, of=of, fields=tuple(one.text("name") for one in fields))
    raise element.refuse("is no type specifier")


def _place(locator: Any, outer: At) -> At:
    """`12:3-14:20` as the place where it begins; that of the element around it where there is none."""
    line, _, column = str(locator or "").partition("-")[0].partition(":")
    if not (line.isdecimal() and column.isdecimal()):
        return outer
    return At(outer.library, int(line), int(column))
