"""The codes that an element may hold, where R4 binds it to them: what it can never equal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from prior_auth.cql.errors import nearest
from prior_auth.cql.types import ListOf, Named, Type
from prior_auth.r4 import model, tables
from prior_auth.r4.definitions import CodeSystem

Coded = tuple[str | None, str | None]  # system, None for a plain code; code


@dataclass(frozen=True, slots=True)
class Bound:
    """The members of a value set to which an element is bound as required, all of them known."""

    element: str
    listed: dict[str, frozenset[str]]
    whole: dict[str, CodeSystem]

    def may_hold(self, coded: Coded) -> bool:
        system, code = coded
        if code is None:
            return True
        if system is None:
            return any(code in codes for codes in self.listed.values()) or any(o.has(code) for o in self.whole.values())
        whole = self.whole.get(system)
        return code in self.listed.get(system, ()) or (whole is not None and whole.has(code))

    def fix(self, code: str | None) -> str:
        """The nearest code that it may hold, else some of them."""
        known = sorted({*self._codes()})
        return nearest(code or "", known) or f"it is one of {', '.join(known[:8])}{' ...' if len(known) > 8 else ''}"

    def _codes(self) -> Iterable[str]:
        for codes in self.listed.values():
            yield from codes
        for system in self.whole.values():
            yield from system.codes


def bound(owner: Type, name: str) -> Bound | None:
    """What R4 lets the element `name` of a type hold; None where that is anything, or not wholly known."""
    while isinstance(owner, ListOf):
        owner = owner.element
    if not isinstance(owner, Named) or owner.namespace != "FHIR":
        return None
    return _bound(owner.name, name)


@cache
def _bound(owner: str, name: str) -> Bound | None:
    element = model.element(owner, name)
    binding = element.binding if element is not None else None
    if binding is None or binding.strength != "required" or binding.valueset is None:
        return None
    codes = tables.codes(binding.valueset)
    if codes is None or codes.unlisted:
        return None
    whole = {url: found for url in codes.whole if (found := tables.code_system(url)) is not None}
    if len(whole) < len(codes.whole) or not (codes.listed or whole):
        return None
    return Bound(f"{owner}.{name}", codes.listed, whole)
