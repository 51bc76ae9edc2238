"""Value sets as frozen sets of codes, read from FHIR ValueSet JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prior_auth.errors import RuleError


@dataclass(frozen=True, slots=True)
class ValueSet:
    """The codes of one version of a value set; `codes` holds (system, code)."""

    url: str
    version: str | None
    codes: frozenset[tuple[str, str]]
    name: str | None = None

    def systems_of(self, code: str) -> frozenset[str]:
        """The code systems in which the set holds `code`."""
        return frozenset(system for system, known in self.codes if known == code)

    @property
    def systems(self) -> frozenset[str]:
        return frozenset(system for system, _ in self.codes)


def read_value_set(resource: Mapping[str, Any], *, where: str) -> ValueSet:
    """The set in a FHIR ValueSet, from its expansion, else from a compose that lists its codes.

    RuleError, naming `where`, for anything else: no url, no codes, a filter, an import, an exclusion without codes, an
    expansion that is a part only.
    """
    if resource.get("resourceType") != "ValueSet":
        raise RuleError("this is not a ValueSet", where=where)
    url = resource.get("url")
    if not isinstance(url, str) or not url:
        raise RuleError("a value set needs a url", where=where, fix="add `url`")
    try:
        codes = frozenset(_codes(resource, where))
    except (TypeError, AttributeError, KeyError) as problem:
        raise RuleError(f"the value set {url} is malformed ({type(problem).__name__})", where=where) from None
    if not codes:
        raise RuleError(
            f"the value set {url} is empty", where=where, fix="add an expansion or codes under compose.include"
        )
    return ValueSet(url, resource.get("version"), codes, resource.get("title") or resource.get("name"))


def value_sets(found: Iterable[ValueSet]) -> dict[str, ValueSet]:
    """Sets by url and, where they have a version, by `url|version`. RuleError for one that comes twice."""
    by_url: dict[str, ValueSet] = {}
    for one in found:
        keys = [one.url] if one.version is None else [f"{one.url}|{one.version}", one.url]
        if keys[0] in by_url:
            raise RuleError(f"the value set {keys[0]} is loaded twice", where=one.url, fix="keep one of the files")
        for key in keys:
            by_url[key] = one
    return by_url


def _codes(resource: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
    expansion = resource.get("expansion")
    if isinstance(expansion, Mapping) and expansion.get("contains"):
        found = list(_contained(expansion["contains"], where))
        _is_whole(expansion, len(found), where)
        yield from found
        return
    compose = resource.get("compose") or {}
    excluded = set(_listed(compose.get("exclude") or (), f"{where}: compose.exclude"))
    for key in _listed(compose.get("include") or (), f"{where}: compose.include"):
        if key not in excluded:
            yield key


# FHIR R4 valueset.html 4.9.8.1: how an expansion says that it is not all of the set.
_PARTS = ("valueset-toocostly", "valueset-unclosed")


def _is_whole(expansion: Mapping[str, Any], count: int, where: str) -> None:
    marks = [str(one.get("url")).rpartition("/")[2] for one in expansion.get("extension") or ()]
    limited = [one for one in expansion.get("parameter") or () if one.get("name") in ("limitedExpansion", "count")]
    is_paged = bool(expansion.get("offset")) or expansion.get("total", count) > count
    if is_paged or set(marks) & set(_PARTS) or any(one.get("valueBoolean", True) for one in limited):
        raise RuleError("the expansion is only a part of the set", where=where, fix="supply all pages of it")


def _contained(entries: Iterable[Mapping[str, Any]], where: str) -> Iterator[tuple[str, str]]:
    for entry in entries:
        if entry.get("code") and not entry.get("abstract"):
            if not entry.get("system"):
                raise RuleError("a code of the expansion has no system", where=where, fix="add `system`")
            yield entry["system"], entry["code"]
        yield from _contained(entry.get("contains") or (), where)


def _listed(parts: Iterable[Mapping[str, Any]], where: str) -> Iterator[tuple[str, str]]:
    for index, part in enumerate(parts):
        place = f"{where}[{index}]"
        if not part.get("system") or not part.get("concept") or part.get("filter") or part.get("valueSet"):
            fix = "give `system` and list every code under `concept`, or supply an expansion"
            raise RuleError("only codes that are listed can be read", where=place, fix=fix)
        for concept in part["concept"]:
            yield part["system"], concept["code"]
