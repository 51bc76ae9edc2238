"""An ELM library's declarations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prior_auth.cql.elm.element import FHIR_URI, SYSTEM_URI, Element
from prior_auth.cql.elm.expressions import Reader
from prior_auth.cql.errors import At, CqlError
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
    Using,
    ValueSetDef,
)

# Fields of every definition that say nothing more than its kind's own do.
_COMMON = ("name", "accessLevel", "context")


def read_elm(document: Mapping[str, Any], name: str) -> LibraryNode:
    """The library in an ELM JSON document; `name` is what errors call it. CqlError for what is not supported."""
    whole = Element(document, At(name, 1, 1))
    library = whole.one("library") if whole.has("library") else whole
    identifier = library.one("identifier")
    found = LibraryNode(identifier.text_or_none("id") or name, identifier.text_or_none("version"))
    _refuse_errors(library)
    found.usings = [using for one in _each(library, "usings") if (using := _using(one)) is not None]
    found.includes = [_include(one) for one in _each(library, "includes")]
    reader = _reader(library)
    for key, read in _DECLARATIONS.items():
        for one in _each(library, key):
            _declare(found, read(one), one)
    for one in _each(library, "parameters"):
        _declare(found, _parameter(one, reader), one)
    for one in _each(library, "statements"):
        _statement(found, one, reader)
    return found


def _reader(library: Element) -> Reader:
    statements = _each(library, "statements")
    functions = {one.text("name") for one in statements if one.json.get("type") == "FunctionDef"}
    defines = {one.text("name") for one in statements if one.json.get("type") != "FunctionDef"}
    declared = {one.text("name") for key in (*_DECLARATIONS, "parameters") for one in _each(library, key)}
    included = {one.text("localIdentifier") for one in _each(library, "includes")}
    mixed = any(one.json.get("context") == "Patient" for one in statements)
    return Reader(frozenset(defines | declared | included | {"Patient"}), frozenset(functions), mixed=mixed)


def _each(library: Element, key: str) -> list[Element]:
    return library.one(key).many("def") if library.has(key) else []


def _refuse_errors(library: Element) -> None:
    """A translator writes what it could not translate into the document, beside the rest."""
    for one in library.many("annotation"):
        if one.json.get("type") == "CqlToElmError" and one.json.get("errorSeverity") == "error":
            line, column = one.json.get("startLine"), one.json.get("startChar")
            placed = isinstance(line, int) and isinstance(column, int)
            at = At(library.at.library, line, column) if placed else library.at  # type: ignore[arg-type]
            raise CqlError(f"the translator found an error: {one.json.get('message')}", at)


def _using(element: Element) -> Using | None:
    uri, local = element.text_or_none("uri"), element.text("localIdentifier")
    if uri == SYSTEM_URI:
        return None
    return Using("FHIR" if uri == FHIR_URI else local, element.text_or_none("version"), element.at)


def _include(element: Element) -> Include:
    path = element.text("path").rpartition("/")[2]
    return Include(path, element.text_or_none("version"), element.text("localIdentifier"), element.at)


def _declare(library: LibraryNode, definition: Definition, element: Element) -> None:
    if definition.name in library.definitions:
        raise element.refuse(f"`{definition.name}` is already defined")
    library.definitions[definition.name] = definition


def _code_system(element: Element) -> Definition:
    element.only((*_COMMON, "id", "version"))
    return CodeSystemDef(element.text("name"), element.text("id"), element.text_or_none("version"), element.at)


def _value_set(element: Element) -> Definition:
    element.only((*_COMMON, "id", "version"))
    return ValueSetDef(element.text("name"), element.text("id"), element.text_or_none("version"), element.at)


def _code(element: Element) -> Definition:
    element.only((*_COMMON, "id", "display", "codeSystem"))
    system = _own(element.one("codeSystem"))
    return CodeDef(element.text("name"), element.text("id"), system, element.text_or_none("display"), element.at)


def _concept(element: Element) -> Definition:
    element.only((*_COMMON, "code", "display"))
    codes = tuple(_own(one) for one in element.many("code"))
    return ConceptDef(element.text("name"), codes, element.text_or_none("display"), element.at)


def _own(element: Element) -> str:
    """The name of what this library declares itself."""
    element.only(("name",))
    return element.text("name")


def _parameter(element: Element, reader: Reader) -> Definition:
    element.only((*_COMMON, "default", "parameterType", "parameterTypeSpecifier"))
    typed = element.has("parameterType") or element.has("parameterTypeSpecifier")
    type_ = element.type_of("parameterTypeSpecifier", "parameterType") if typed else None
    default = reader.expression(element.one("default")) if element.has("default") else None
    return ParameterDef(element.text("name"), type_, default, element.at)


_DECLARATIONS = {
    "codeSystems": _code_system, "valueSets": _value_set, "codes": _code, "concepts": _concept,
}  # fmt: skip


def _statement(library: LibraryNode, element: Element, reader: Reader) -> None:
    context = element.text_or_none("context") or "Patient"
    if context != "Patient" and not (context == "Unfiltered" and reader.is_of_no_patient(element)):
        raise element.refuse(f"`{element.json.get('name')}` in the context {context} is not supported")
    private = element.text_or_none("accessLevel") == "Private"
    if element.json.get("type") == "FunctionDef":
        library.functions.append(_function(element, private, reader))
    elif not _is_patient(element):
        element.only((*_COMMON, "expression"))
        body = reader.expression(element.one("expression"))
        _declare(library, ExpressionDef(element.text("name"), body, element.at, private), element)


def _is_patient(element: Element) -> bool:
    """The define by which a translator spells out `context Patient`; the engine has it built in."""
    if element.json.get("name") != "Patient":
        return False
    body = element.one("expression")
    return body.json.get("type") == "SingletonFrom" and body.one("operand").json.get("type") == "Retrieve"


def _function(element: Element, private: bool, reader: Reader) -> FunctionDef:
    element.only((*_COMMON, "operand", "expression", "fluent"))
    parameters = tuple(
        (reader.variable(one.text("name")), one.type_of("operandTypeSpecifier", "operandType"))
        for one in element.many("operand")
    )
    body = reader.expression(element.one("expression"))
    return FunctionDef(element.text("name"), parameters, body, element.flag("fluent", False), element.at, private)
