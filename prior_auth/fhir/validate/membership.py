"""Whether codes belong to the value set an element is bound to, as far as its members are known here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import chain
from typing import Any

from prior_auth.fhir.validate.issue import Issue, Severity, brief
from prior_auth.r4 import tables
from prior_auth.r4.definitions import Binding, CodeSystem


class Member(Enum):
    IN = "in"
    OUT = "out"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class _Known:
    """The members of one value set, made ready to be asked. `plain` are the codes of all its systems together."""

    listed: dict[str, frozenset[str]]
    whole: dict[str, CodeSystem]
    unlisted: frozenset[str]
    plain: frozenset[str]

    def member(self, system: str | None, code: str) -> Member:
        """`system` None: a plain code, whose system the value set implies."""
        if system is None:
            is_in = code in self.plain or any(one.has(code) for one in self.whole.values())
        else:
            whole = self.whole.get(system)
            is_in = code in self.listed.get(system, ()) or (whole is not None and whole.has(code))
        if is_in:
            return Member.IN
        is_open = bool(self.unlisted) if system is None else system in self.unlisted or "*" in self.unlisted
        return Member.UNKNOWN if is_open else Member.OUT


@cache
def _known(canonical: str) -> _Known | None:
    """Of a canonical that a definition names, so there are few; None if nothing is known of the set."""
    codes = tables.codes(canonical)
    if codes is None:
        return None
    whole = {url: found for url in codes.whole if (found := tables.code_system(url)) is not None}
    return _Known(codes.listed, whole, codes.unlisted, frozenset(chain.from_iterable(codes.listed.values())))


def telling(binding: Binding | None) -> Binding | None:
    """A binding by which a code can be wrong or doubtful; the others are advice."""
    matters = binding is not None and (binding.strength in ("required", "extensible") or binding.maximum)
    return binding if matters else None


def of_value(canonical: str, value: Any) -> Member:
    """Of a code, Coding, CodeableConcept or Quantity: the best that any of its codes is. No code at all is OUT."""
    return _best(canonical, codes_in(value))


def _best(canonical: str, coded: list[tuple[str | None, str]]) -> Member:
    known = _known(canonical)
    best = Member.OUT
    for system, code in coded:
        if not code:
            continue
        found = Member.UNKNOWN if known is None else known.member(system, code)
        if found is Member.IN:
            return found
        best = found if found is Member.UNKNOWN else best
    return best


def codes_in(value: Any) -> list[tuple[str | None, str]]:
    """(system, code) of each coding; the system is None for a plain code and `` where a Coding names none."""
    if isinstance(value, str):
        return [(None, value)]
    if not isinstance(value, dict):
        return []
    parts = value.get("coding") if "coding" in value else [value]
    found: list[tuple[str | None, str]] = []
    for one in parts if isinstance(parts, list) else ():
        if isinstance(one, dict) and isinstance(code := one.get("code"), str):
            system = one.get("system")
            found.append((system if isinstance(system, str) else "", code))
    return found


def check(binding: Binding, value: Any, path: str) -> list[Issue]:
    """What a required, extensible or maximum binding says of a value; lists that are not at hand are told apart."""
    coded, found = codes_in(value), []
    if binding.valueset and binding.strength in ("required", "extensible"):
        is_required = binding.strength == "required"
        if coded or (is_required and not _explains_absence(value)):
            found += _against(binding.valueset, is_required, coded, path)
    if binding.maximum and coded:
        found += _against(binding.maximum, True, coded, path)
    return found


def _against(canonical: str, is_required: bool, coded: list[tuple[str | None, str]], path: str) -> list[Issue]:
    member = _best(canonical, coded)
    if member is Member.IN:
        return []
    if not coded:
        return [Issue("error", path, "binding", f"a code of {canonical} is needed", _advice(canonical))]
    shown = brief(", ".join(sorted({f"{system}#{code}" if system else code for system, code in coded})))
    if member is Member.UNKNOWN:
        message = f"{shown}: the codes of {canonical} are not at hand (licensed, absent or without end)"
        return [Issue("information", path, "not-checked", message)]
    severity: Severity = "error" if is_required else "warning"
    return [Issue(severity, path, "binding", f"{shown} is not in {canonical}", _advice(canonical))]


def _explains_absence(value: Any) -> bool:
    """A value that is only an extension (data-absent-reason) has no code to judge."""
    return isinstance(value, dict) and "extension" in value and not {"coding", "code", "text"} & set(value)


def check_coding(coding: Mapping[str, Any], path: str) -> list[Issue]:
    """A code that its code system does not have, where the whole code system is at hand."""
    system, code = coding.get("system"), coding.get("code")
    if isinstance(system, str) and isinstance(code, str):
        known = tables.code_system(system)
        if known is not None and not known.has(code):
            message = f"{system} has no code {brief(code)}"
            return [Issue("error", f"{path}.code", "code", message, "use a code that it has")]
    return []


@cache
def _advice(canonical: str) -> str:
    known = _known(canonical)
    if known is None or known.unlisted:
        return f"use a code of {canonical}"
    codes = set(known.plain).union(*(one.codes for one in known.whole.values()))
    more = f" … ({len(codes)} in all)" if len(codes) > 8 else ""
    return f"use one of {', '.join(sorted(codes)[:8])}{more}"
