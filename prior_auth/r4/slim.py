"""From a published StructureDefinition to the facts of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from prior_auth.r4.definitions import (
    HL7,
    Binding,
    Discriminator,
    Element,
    Fixed,
    Invariant,
    Slicing,
    Structure,
    TypeRef,
)

_FHIRPATH_TYPE = "http://hl7.org/fhirpath/"
_BEST_PRACTICE = HL7 + "elementdefinition-bestpractice"
_MAXIMUM = HL7 + "elementdefinition-maxValueSet"


def structure(definition: Mapping[str, Any]) -> Structure:
    """Every element of the snapshot, in order. Raises KeyError where there is no snapshot."""
    is_profile = definition.get("derivation") == "constraint"
    base = definition.get("baseDefinition")
    return Structure(
        url=definition["url"],
        type=definition["type"],
        kind=definition["kind"],
        name=definition.get("name", ""),
        version=definition.get("version"),
        base=base if is_profile or base is None else base.removeprefix(HL7),
        is_abstract=definition.get("abstract", False),
        context=tuple(_context(one) for one in definition.get("context", ())),
        elements=tuple(element(one, definition) for one in definition["snapshot"]["element"]),
    )


def element(published: Mapping[str, Any], definition: Mapping[str, Any]) -> Element:
    """One element of the snapshot of `definition`; invariants that come from a base type are left to that type."""
    path = published["path"]
    identity = published.get("id", path)
    content = published.get("contentReference")
    return Element(
        path=path,
        id="" if identity == path else identity,
        min=published["min"],
        max=None if published["max"] == "*" else int(published["max"]),
        types=tuple(_type(one, path, definition) for one in published.get("type", ())),
        content=content.split("#", 1)[1] if content else None,
        content_of_base=content is not None and not content.startswith(("#", definition["url"])),
        binding=_binding(published.get("binding")),
        fixed=_fixed(published),
        slicing=_slicing(published.get("slicing")),
        slice=published.get("sliceName"),
        invariants=tuple(_invariants(published.get("constraint", ()), definition["url"])),
        is_modifier=published.get("isModifier", False),
        must_support=published.get("mustSupport", False),
        max_length=published.get("maxLength"),
        min_value=_value_of(published, "minValue"),
        max_value=_value_of(published, "maxValue"),
    )


def _context(published: Mapping[str, Any]) -> str:
    kind, expression = published["type"], published["expression"]
    return str(expression) if kind == "element" else f"{kind}:{expression}"


def _type(published: Mapping[str, Any], path: str, definition: Mapping[str, Any]) -> TypeRef:
    code = published["code"]
    if code.startswith(_FHIRPATH_TYPE):
        code = code.removeprefix(_FHIRPATH_TYPE)
        if path.endswith(".id"):
            # R4 types every id as System.String; of a resource it is an `id`, elsewhere a string.
            code = "id" if path.count(".") == 1 and definition["kind"] == "resource" else "string"
        elif path.endswith(("Extension.url", "extension.url")):
            code = "uri"
    return TypeRef(code, tuple(published.get("profile", ())), tuple(published.get("targetProfile", ())))


def _binding(published: Mapping[str, Any] | None) -> Binding | None:
    if published is None:
        return None
    return Binding(published["strength"], published.get("valueSet"), _extension(published, _MAXIMUM))


def _fixed(published: Mapping[str, Any]) -> Fixed | None:
    for prefix in ("fixed", "pattern"):
        value = _value_of(published, prefix)
        if value is not None:
            return Fixed(value, exact=prefix == "fixed")
    return None


def _value_of(published: Mapping[str, Any], prefix: str) -> Any:
    return next((value for key, value in published.items() if key.startswith(prefix)), None)


def _slicing(published: Mapping[str, Any] | None) -> Slicing | None:
    if published is None:
        return None
    discriminators = tuple(Discriminator(one["type"], one["path"]) for one in published.get("discriminator", ()))
    return Slicing(discriminators, published.get("rules", "open"), published.get("ordered", False))


def _invariants(published: Iterable[Mapping[str, Any]], url: str) -> Iterable[Invariant]:
    for one in published:
        source = one.get("source", url).split("|")[0]
        name = source.removeprefix(HL7)
        # Resources and complex types begin with a capital; R4's own profiles (vitalsigns, bodyweight) do not.
        comes_from_base_type = source not in (name, url) and name.isalnum() and name[0].isupper()
        if comes_from_base_type or "expression" not in one:
            continue
        yield Invariant(one["key"], one["expression"], one["severity"], bool(_extension(one, _BEST_PRACTICE)))


def _extension(holder: Mapping[str, Any], url: str) -> Any:
    for extension in holder.get("extension", ()):
        if extension["url"] == url:
            return next((value for key, value in extension.items() if key.startswith("value")), None)
    return None
