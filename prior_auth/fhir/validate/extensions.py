"""Extensions by their URL: defined, used where they may be, and holding what their definition says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prior_auth.fhir.validate.issue import Issue, brief
from prior_auth.fhir.validate.structure import Standing
from prior_auth.r4 import model, tables

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def check(standing: Standing) -> Iterator[Issue]:
    """Native ext-1 and the URL itself; what the definition says is judged as a profile by the caller."""
    value, path = standing.value, standing.path
    has_value = any(key.startswith(("value", "_value")) for key in value)
    if has_value == ("extension" in value):
        message = "an extension has either a value or extensions" + (", not both" if has_value else "")
        yield Issue("error", path, "invariant:ext-1", message, "keep one" if has_value else "add the value")
    url = value.get("url")
    if not isinstance(url, str) or _is_inside_another(standing):
        return  # inside another extension the URL is short, and its parent's definition judges it
    if not _SCHEME.match(url):
        yield Issue("error", f"{path}.url", "extension", "the URL of an extension is absolute", "write it in full")
        return
    is_modifier = standing.slot is not None and standing.slot.name == "modifierExtension"
    definition = tables.structure(url)
    if definition is None:
        if is_modifier:
            message = "an unknown modifier extension: it may change the meaning of all around it"
            yield Issue("error", path, "modifier-extension", message, "remove it, or make its definition known")
        elif tables.is_of_shipped_guide(url):
            yield Issue("error", path, "extension", f"its guide defines no extension {brief(url)}", "correct the URL")
        else:
            yield Issue("information", path, "not-checked", f"no definition of the extension {brief(url)} is at hand")
        return
    if definition.type != "Extension":
        yield Issue("error", f"{path}.url", "extension", f"{url} defines no extension", "use the URL of an extension")
    elif definition.elements[0].is_modifier != is_modifier:
        element = "modifierExtension" if definition.elements[0].is_modifier else "extension"
        yield Issue("error", path, "extension", f"{url} belongs into {element}", f"move it to {element}")
    elif not _is_in_place(standing, definition.context):
        message = f"{url} is not meant for {_place(standing)[-1]}, but for {', '.join(definition.context[:8])}"
        yield Issue("error", path, "extension", message, "move it to an element it is meant for, or remove it")


def _is_in_place(standing: Standing, contexts: tuple[str, ...]) -> bool:
    """Context of use (FHIR R4 defining-extensions.html 2.1.5.0.2.2): FHIRPath contexts are not judged."""
    if not contexts or any(one.startswith("fhirpath:") for one in contexts):
        return True
    return any(_fits(one, standing) for one in contexts)


def _fits(context: str, standing: Standing) -> bool:
    if context.startswith("extension:"):
        return _is_inside_another(standing)
    if context in ("Element", "Resource") or not model.is_type(context.split(".")[0]):
        return True
    places = _place(standing)
    if model.is_type(context) and any(model.is_subtype(one, context) for one in places):
        return True
    return context.removesuffix("[x]") in {one.removesuffix("[x]") for one in places}


def _place(standing: Standing) -> tuple[str, ...]:
    return standing.parent.model_paths if standing.parent is not None else ("Element",)


def _is_inside_another(standing: Standing) -> bool:
    return standing.parent is not None and standing.parent.inner == "Extension"
