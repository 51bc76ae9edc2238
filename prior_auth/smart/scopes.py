"""SMART system scopes: `system/Claim.cruds` of version 2, `system/Claim.read|write|*` of version 1."""

from __future__ import annotations

import re
from collections.abc import Iterable

_V1 = {"read": "rs", "write": "cud", "*": "cruds"}
_SCOPE = re.compile(r"system/(\*|[A-Z][A-Za-z]{1,60})\.(read|write|\*|c?r?u?d?s?)")

Needed = tuple[str, str]  # resource type and letter, such as ("Claim", "c")


def permissions(scope: str) -> frozenset[Needed]:
    """What one scope permits, as (resource type or *, letter); nothing for one that is not understood."""
    found = _SCOPE.fullmatch(scope)
    if found is None:
        return frozenset()
    kind, letters = found.groups()
    return frozenset((kind, letter) for letter in _V1.get(letters, letters))


def permits(scopes: Iterable[str], needed: Needed) -> bool:
    kind, letter = needed
    return any({(kind, letter), ("*", letter)} & permissions(scope) for scope in scopes)


def granted(asked: str, registered: Iterable[str]) -> tuple[str, ...]:
    """The scopes asked for that the client is registered for in full, in their order."""
    allowed = list(registered)
    return tuple(
        scope
        for scope in dict.fromkeys(asked.split())
        if (wanted := permissions(scope)) and all(permits(allowed, one) for one in wanted)
    )
