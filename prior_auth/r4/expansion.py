"""From published ValueSets and CodeSystems to what is known of their codes, without a terminology server."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from prior_auth.r4.definitions import Codes, CodeSystem

_EVERYTHING_UNKNOWN = "*"
_Resource = Mapping[str, Any]


class Shipped(Protocol):
    """What is known of value sets and code systems already (`prior_auth.r4.tables`)."""

    def codes(self, canonical: str) -> Codes | None: ...

    def code_system(self, url: str) -> CodeSystem | None: ...


class Expander:
    """Looks value sets up by canonical and tells their codes. Later resources of one URL win over earlier ones."""

    def __init__(self, published: Iterable[_Resource], *, beside: Shipped | None = None) -> None:
        """`beside`: sets and systems that need not be published again."""
        self._beside = beside
        self._valuesets: dict[str, list[_Resource]] = {}
        self._codesystems: dict[str, _Resource] = {}
        self._editions: dict[str, list[_Resource]] = {}
        for one in published:
            if one["resourceType"] == "ValueSet" and "url" in one:
                self._valuesets.setdefault(one["url"], []).append(one)
            elif one["resourceType"] == "CodeSystem" and one.get("content") == "complete" and "url" in one:
                self._codesystems[one["url"]] = one
                self._editions.setdefault(one["url"], []).append(one)

    def codes(self, canonical: str) -> Codes | None:
        """None where no such value set is known, or it says nothing of its content."""
        return self._codes(canonical, ())

    def code_systems(self) -> dict[str, CodeSystem]:
        """Every complete code system by URL; codes of all its editions together, as charts use older ones too."""
        found: dict[str, CodeSystem] = {}
        for url, editions in self._editions.items():
            ignores_case = any(one.get("caseSensitive") is False for one in editions)
            codes = {code for one in editions for code, _, _ in _concepts(one.get("concept", ()), ())}
            found[url] = CodeSystem(
                frozenset(code.lower() for code in codes) if ignores_case else frozenset(codes), ignores_case
            )
        return found

    def _code_system(self, url: str) -> frozenset[str]:
        if url not in self._codesystems:
            shipped = self._beside.code_system(url) if self._beside is not None else None
            return shipped.codes if shipped is not None else frozenset()
        return frozenset(code for code, _, _ in _concepts(self._codesystems[url].get("concept", ()), ()))

    def _codes(self, canonical: str, path: tuple[str, ...]) -> Codes | None:
        url, _, version = canonical.partition("|")
        candidates = self._valuesets.get(url)
        if not candidates:
            return self._beside.codes(canonical) if self._beside is not None else None
        if url in path:
            return None
        resource = next((one for one in candidates if one.get("version") == version), candidates[-1])
        parts = [self._part(one, (*path, url)) for one in resource.get("compose", {}).get("include", ())]
        if not parts:
            return self._expansion(resource)
        found = _union(url, resource.get("version"), parts)
        for excluded in resource["compose"].get("exclude", ()):
            found = self._without(found, self._part(excluded, (*path, url)))
        return found

    def _expansion(self, resource: _Resource) -> Codes | None:
        listed: dict[str, set[str]] = {}
        for one in _flat(resource.get("expansion", {}).get("contains", ())):
            if "code" in one and not one.get("abstract"):
                listed.setdefault(one.get("system", ""), set()).add(one["code"])
        if not listed:
            return None
        frozen = {system: frozenset(codes) for system, codes in listed.items()}
        return Codes(resource["url"], resource.get("version"), frozen)

    def _part(self, include: _Resource, path: tuple[str, ...]) -> Codes:
        """One include or exclude: its system's codes, cut down by each value set that it names."""
        imported = [self._codes(one, path) or _unknown() for one in include.get("valueSet", ())]
        own = self._of_system(include) if "system" in include else None
        parts = ([own] if own else []) + imported
        result = parts[0] if parts else _unknown()
        for other in parts[1:]:
            result = self._intersection(result, other)
        return result

    def _of_system(self, include: _Resource) -> Codes:
        system = include["system"].partition("|")[0]  # some guides write the version here
        if "concept" in include:
            return Codes("", listed={system: frozenset(one["code"] for one in include["concept"])})
        if system not in self._codesystems:
            is_whole = "filter" not in include and self._beside is not None and self._beside.code_system(system)
            return Codes("", whole=frozenset({system})) if is_whole else Codes("", unlisted=frozenset({system}))
        if "filter" not in include:
            return Codes("", whole=frozenset({system}))
        codes = self._filtered(system, include["filter"])
        return Codes("", unlisted=frozenset({system})) if codes is None else Codes("", listed={system: codes})

    def _filtered(self, system: str, filters: Iterable[_Resource]) -> frozenset[str] | None:
        found: frozenset[str] | None = None
        for one in filters:
            passing = self._passing(system, one)
            if passing is None:
                return None
            found = passing if found is None else found & passing
        return found

    def _passing(self, system: str, one: _Resource) -> frozenset[str] | None:
        """Codes that pass one filter; None for a filter that is not understood here."""
        concepts = list(_concepts(self._codesystems[system].get("concept", ()), ()))
        name, operator, value = one["property"], one["op"], one["value"]
        parents = _parent_properties(concepts)
        match operator:
            case "is-a" | "descendent-of":
                below = {code for code, above, _ in concepts if value in above} | _below(value, parents)
                return frozenset(below | {value} if operator == "is-a" else below - {value})
            case "is-not-a":
                below = {code for code, above, _ in concepts if value in above} | _below(value, parents) | {value}
                return frozenset(code for code, _, _ in concepts if code not in below)
            case "in" if name in ("concept", "code"):
                return frozenset(value.split(","))
            case "regex" if name in ("concept", "code"):
                return frozenset(code for code, _, _ in concepts if re.fullmatch(value, code))
            case "=" | "exists":
                return frozenset(code for code, _, concept in concepts if _has_property(concept, name, operator, value))
            case _:
                return None

    def _listed(self, codes: Codes, system: str) -> frozenset[str]:
        listed = codes.listed.get(system, frozenset())
        return listed | self._code_system(system) if system in codes.whole else listed

    def _intersection(self, one: Codes, other: Codes) -> Codes:
        open_one, open_other = _EVERYTHING_UNKNOWN in one.unlisted, _EVERYTHING_UNKNOWN in other.unlisted
        listed, unlisted = {}, set()
        for system in _systems(one) | _systems(other):
            vague = system in one.unlisted or system in other.unlisted or open_one or open_other
            if vague:
                unlisted.add(system)
            elif both := self._listed(one, system) & self._listed(other, system):
                listed[system] = both
        if open_one and open_other:
            unlisted.add(_EVERYTHING_UNKNOWN)
        return Codes("", listed=listed, unlisted=frozenset(unlisted))

    def _without(self, codes: Codes, excluded: Codes) -> Codes:
        listed, whole = dict(codes.listed), set(codes.whole)
        for system in _systems(excluded) & (set(listed) | whole):
            listed[system] = self._listed(codes, system) - self._listed(excluded, system)
            whole.discard(system)
        return Codes(codes.url, codes.version, listed, frozenset(whole), codes.unlisted)


def _unknown() -> Codes:
    return Codes("", unlisted=frozenset({_EVERYTHING_UNKNOWN}))


def _systems(codes: Codes) -> set[str]:
    return (set(codes.listed) | codes.whole | codes.unlisted) - {_EVERYTHING_UNKNOWN}


def _union(url: str, version: str | None, parts: list[Codes]) -> Codes:
    listed: dict[str, frozenset[str]] = {}
    whole: frozenset[str] = frozenset()
    unlisted: frozenset[str] = frozenset()
    for part in parts:
        for system, codes in part.listed.items():
            listed[system] = listed.get(system, frozenset()) | codes
        whole |= part.whole
        unlisted |= part.unlisted
    return Codes(url, version, listed, whole, unlisted)


def _flat(contains: Iterable[_Resource]) -> Iterator[_Resource]:
    for one in contains:
        yield one
        yield from _flat(one.get("contains", ()))


def _concepts(
    concepts: Iterable[_Resource], above: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...], _Resource]]:
    """Every concept as its code, the codes above it in the hierarchy, and itself."""
    for one in concepts:
        yield one["code"], above, one
        yield from _concepts(one.get("concept", ()), (*above, one["code"]))


def _parent_properties(concepts: list[tuple[str, tuple[str, ...], _Resource]]) -> dict[str, set[str]]:
    """Children by parent where the hierarchy stands in properties (`parent`, `subsumedBy`) instead of nesting."""
    children: dict[str, set[str]] = {}
    for code, above, concept in concepts:
        if above:
            children.setdefault(above[-1], set()).add(code)
        for one in concept.get("property", ()):
            if one["code"] in ("parent", "subsumedBy") and "valueCode" in one:
                children.setdefault(one["valueCode"], set()).add(code)
    return children


def _below(code: str, children: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [code]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def _has_property(concept: _Resource, name: str, operator: str, value: str) -> bool:
    values = [
        str(part).lower() if isinstance(part, bool) else str(part)
        for one in concept.get("property", ())
        if one["code"] == name
        for key, part in one.items()
        if key.startswith("value") and not isinstance(part, Mapping)
    ]
    return (bool(values) == (value == "true")) if operator == "exists" else value in values
