"""Whether codes belong to the value set an element is bound to, as far as its members are known here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from itertools import chain
from typing import Any

from prior_auth.fhir.validate.issue import Issue, Severity
from prior_auth.r4 import tables
from prior_auth.r4.definitions import Binding, Codes


class Member(Enum):
    IN = "in"
    OUT = "out"
    UNKNOWN = "unknown"


def of_code(codes: Codes, code: str, system: str | None) -> Member:
    """`system` None: a plain code, whose system the value set implies."""
    systems = (set(codes.listed) | codes.whole) if system is None else {system}
    for one in systems:
        if code in codes.listed.get(one, ()) or (one in codes.whole and _has(one, code)):
            return Member.IN
    if "*" in codes.unlisted or (codes.unlisted if system is None else system in codes.unlisted):
        return Member.UNKNOWN
    return Member.OUT


def of_value(canonical: str, value: Any) -> Member:
    """Of a code, Coding, CodeableConcept or Quantity: the best that any of its codes is. No code at all is OUT."""
    codes = tables.codes(canonical)
    found = [
        Member.UNKNOWN if codes is None else of_code(codes, code, system) for system, code in codes_in(value) if code
    ]
    return next((one for one in (Member.IN, Member.UNKNOWN) if one in found), Member.OUT)


def codes_in(value: Any) -> Iterator[tuple[str | None, str | None]]:
    """(system, code) of each coding; the system is None for a plain code and `` where a Coding names none."""
    if isinstance(value, str):
        yield None, value
    elif isinstance(value, Mapping):
        parts = value.get("coding") if "coding" in value else [value]
        for one in parts if isinstance(parts, list) else []:
            if isinstance(one, Mapping) and isinstance(one.get("code"), str):
                system = one.get("system")
                yield system if isinstance(system, str) else "", one["code"]


def check(binding: Binding, value: Any, path: str) -> Iterator[Issue]:
    """What a required, extensible or maximum binding says of a value; lists that are not at hand are told apart."""
    if binding.valueset and binding.strength in ("required", "extensible"):
        yield from _against(binding.valueset, binding.strength == "required", value, path)
    if binding.maximum and any(codes_in(value)):
        yield from _against(binding.maximum, True, value, path)


def _against(canonical: str, is_required: bool, value: Any, path: str) -> Iterator[Issue]:
    coded = list(codes_in(value))
    if not coded and (not is_required or _explains_absence(value)):
        return
    member = of_value(canonical, value)
    if member is Member.IN:
        return
    shown = ", ".join(sorted({f"{system}#{code}" if system else str(code) for system, code in coded})) or "no code"
    if member is Member.UNKNOWN:
        message = f"{shown}: the codes of {canonical} are not at hand (licensed, absent or without end)"
        yield Issue("information", path, "not-checked", message)
        return
    severity: Severity = "error" if is_required else "warning"
    yield Issue(severity, path, "binding", f"{shown} is not in {canonical}", fix=_advice(canonical))


def _explains_absence(value: Any) -> bool:
    """A value that is only an extension (data-absent-reason) has no code to judge."""
    return isinstance(value, Mapping) and "extension" in value and not {"coding", "code", "text"} & set(value)


def check_coding(coding: Mapping[str, Any], path: str) -> Iterator[Issue]:
    """A code that its code system does not have, where the whole code system is at hand."""
    system, code = coding.get("system"), coding.get("code")
    if isinstance(system, str) and isinstance(code, str):
        known = tables.code_system(system)
        if known is not None and not known.has(code):
            yield Issue("error", f"{path}.code", "code", f"{system} has no code {code}", "use a code that it has")


def _has(system: str, code: str) -> bool:
    known = tables.code_system(system)
    return known is not None and known.has(code)


def _advice(canonical: str) -> str:
    codes = tables.codes(canonical)
    known = set(chain.from_iterable(codes.listed.values())) if codes is not None else set()
    for system in codes.whole if codes is not None else ():
        whole = tables.code_system(system)
        known |= whole.codes if whole is not None else frozenset()
    if not known:
        return f"use a code of {canonical}"
    more = f" … ({len(known)} in all)" if len(known) > 8 else ""
    return f"use one of {', '.join(sorted(known)[:8])}{more}"
