"""JSON kinds of the elements that PAS is read by: a string, a list of objects, a number, and nothing else there.

Only names that mean the same in every R4 resource are here (`reference` or `item` do not); the rest is read with care.

A request with another kind is malformed and refused by its path; in an answer such a part is passed over, as an answer
is worth reading as far as it can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prior_auth.errors import BadInput

_STRINGS = frozenset(
    {
        *("fullUrl", "resourceType", "id", "url", "system", "display", "use", "preAuthRef", "subscriberId"),
        *("valueString", "valueCode", "valueDate", "valueUrl", "contentString"),
        *("created", "recordedDate", "timestamp"),
    }
)
_LISTS = frozenset(
    {
        *("entry", "coding", "extension", "modifierExtension", "addItem", "adjudication", "processNote", "error"),
        *("supportingInfo", "diagnosis", "careTeam", "insurance", "related", "payor", "dosageInstruction"),
        *("communicationRequest", "payload", "input"),
    }
)
_NUMBERS = frozenset({"sequence", "itemSequence", "number", "valuePositiveInt"})
_PLAIN = frozenset({"valueBoolean"})


def refuse_other_kinds(bundle: Mapping[str, Any]) -> None:
    """Raise BadInput at the first element of another JSON kind than FHIR has there, or null."""
    for path, expected in _wrong(bundle, "Bundle", ""):
        raise BadInput(f"not {expected}", where=path, fix=f"send {expected} here, or leave the element out")


def readable(value: Any, name: str = "", parent: str = "") -> Any:
    """A copy without what is of another JSON kind than FHIR has there."""
    if isinstance(value, Mapping):
        parts = ((key, part) for key, part in value.items() if _expected(part, key, name) is None)
        return {key: readable(part, key, name) for key, part in parts}
    if isinstance(value, list):
        kept = [part for part in value if not (name in _LISTS and not isinstance(part, Mapping)) and part is not None]
        return [readable(part, name, parent) for part in kept]
    return value


def _wrong(value: Any, path: str, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            if (expected := _expected(part, key, name)) is not None:
                yield f"{path}.{key}", expected
            else:
                yield from _wrong(part, f"{path}.{key}", key)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            if name in _LISTS and not isinstance(part, Mapping):
                yield f"{path}[{number}]", "an object"
            else:
                yield from _wrong(part, f"{path}[{number}]", name)


def _expected(value: Any, name: str, parent: str) -> str | None:
    """What should stand here, where it does not; None where all is well or nothing is known of the element."""
    if value is None:
        return "a value"
    if name in _STRINGS or (name == "code" and parent == "coding"):
        return None if isinstance(value, str) else "a string"
    if name in _LISTS:
        return None if isinstance(value, list) else "a list"
    if name in _NUMBERS:
        plain = value if not isinstance(value, list) else value[0] if len(value) == 1 else None
        return None if isinstance(plain, int | str) and not isinstance(plain, bool) else "a number"
    if name in _PLAIN:
        return None if isinstance(value, bool) else "a boolean"
    return None
