"""The shipped tables on disk: msgspec JSON, compressed, one file a package, read when first asked for.

Packages of a folder stand beside them (`prior_auth.r4.folder`).
"""

from __future__ import annotations

import lzma
import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from typing import TypeVar

import msgspec

from prior_auth.r4.definitions import Codes, CodeSystem, Package, Structure, Terminology

_Table = TypeVar("_Table")
_DATA = resources.files("prior_auth.r4") / "data"


class Index(msgspec.Struct, frozen=True):
    """Which package file holds a canonical URL, newest last: {url: [(version, file), …]}."""

    structures: dict[str, list[tuple[str, str]]]

    @classmethod
    def of(cls, packages: Iterable[Package]) -> Index:
        found: dict[str, list[tuple[str, str]]] = {}
        for package in packages:
            for one in package.structures:
                file = f"{package.name}-{package.version}.json.xz"
                found.setdefault(one.url, []).append((one.version or package.version, file))
        return cls(found)


def pack(table: object) -> bytes:
    return lzma.compress(msgspec.json.encode(table, order="deterministic"), preset=9 | lzma.PRESET_EXTREME)


def unpack(packed: bytes, kind: type[_Table]) -> _Table:
    return msgspec.json.decode(lzma.decompress(packed), type=kind)


@cache
def base_types() -> dict[str, Structure]:
    """The types of R4 4.0.1 by name: resources, complex and primitive types, abstract ones too."""
    return {one.type: one for one in unpack((_DATA / "types.json.xz").read_bytes(), list[Structure])}


def structure(canonical: str) -> Structure | None:
    """The profile or extension of a canonical URL, `url` or `url|version`; None if it is not shipped.

    A version that is not here is answered with the newest that is: guides pin versions that differ in nothing we check.
    """
    exact = held(canonical)
    if exact is None:
        return None
    url, _, version = exact.partition("|")
    file = _files()[url][version]
    return (_added.get(file) or _package(file)).get(url)


def held(canonical: str) -> str | None:
    """`url|version` of the definition that a canonical URL, with a version or without, is answered with."""
    url, _, version = canonical.partition("|")
    known = _files().get(url)
    if known is None:
        return None
    return f"{url}|{version if version in known else next(reversed(known))}"


def is_of_shipped_guide(canonical: str) -> bool:
    """Whether the URL is in the name space of a guide all of whose profiles and extensions are shipped."""
    space = canonical.rpartition("/")[0]
    return space in _guide_spaces()


@cache
def _guide_spaces() -> frozenset[str]:
    # R4's own name space is left out: newer editions of the core extensions are not all here.
    spaces = {url.rpartition("/")[0] for url in _files()}
    return frozenset(one for one in spaces if "/us/" in one or "/uv/" in one)


def canonicals() -> Iterator[str]:
    """Every shipped profile and extension as `url|version`."""
    for url, known in _files().items():
        for version in known:
            yield f"{url}|{version}"


def codes(canonical: str) -> Codes | None:
    """What is known of a value set by canonical URL; None if nothing."""
    known = _terminology().valuesets
    return known.get(canonical) or known.get(canonical.split("|")[0])


def code_system(url: str) -> CodeSystem | None:
    """A complete code system; None where not all of its codes are at hand."""
    return _terminology().codesystems.get(url)


@cache
def _files() -> dict[str, dict[str, str]]:
    """Package file by canonical URL and version, the newest last."""
    index = unpack((_DATA / "index.json.xz").read_bytes(), Index)
    return {url: dict(known) for url, known in index.structures.items()}


@cache
def _package(file: str) -> dict[str, Structure]:
    return _by_url(unpack((_DATA / "packages" / file).read_bytes(), Package))


@cache
def _terminology() -> Terminology:
    return unpack((_DATA / "terminology.json.xz").read_bytes(), Terminology)


# Packages that were added, by the name of the file they would have here.
_added: dict[str, dict[str, Structure]] = {}


def add(package: Package, terminology: Terminology) -> None:
    """Stand a package beside the shipped ones, once, at the start: what was judged before is not judged again.

    It answers a canonical URL without version only where no newer definition of it is here; shipped value sets and
    code systems stay as they are.
    """
    file = f"{package.name}-{package.version}"
    _added[file] = _by_url(package)
    for one in package.structures:
        known, version = _files().setdefault(one.url, {}), one.version or package.version
        older = {told: place for told, place in known.items() if told != version and _order(told) <= _order(version)}
        newer = {told: place for told, place in known.items() if told != version and told not in older}
        _files()[one.url] = {**older, version: file, **newer}
    _guide_spaces.cache_clear()
    _terminology().valuesets.update(terminology.valuesets | _terminology().valuesets)
    _terminology().codesystems.update(terminology.codesystems | _terminology().codesystems)


def _by_url(package: Package) -> dict[str, Structure]:
    return {one.url: one for one in package.structures}


def _order(version: str) -> list[int]:
    """`7.0.0-ballot` as [7, 0, 0]."""
    return [int(part) for part in re.findall(r"\d+", version.partition("-")[0])]
