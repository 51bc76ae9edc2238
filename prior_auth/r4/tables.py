"""The shipped tables on disk: msgspec JSON, compressed, one file a package, read when first asked for."""

from __future__ import annotations

import lzma
from functools import cache
from importlib import resources
from typing import TypeVar

import msgspec

from prior_auth.r4.definitions import Structure

_Table = TypeVar("_Table")
_DATA = resources.files("prior_auth.r4") / "data"


def pack(table: object) -> bytes:
    return lzma.compress(msgspec.json.encode(table), preset=9 | lzma.PRESET_EXTREME)


def unpack(packed: bytes, kind: type[_Table]) -> _Table:
    return msgspec.json.decode(lzma.decompress(packed), type=kind)


@cache
def base_types() -> dict[str, Structure]:
    """The types of R4 4.0.1 by name: resources, complex and primitive types, abstract ones too."""
    return {one.type: one for one in unpack((_DATA / "types.json.xz").read_bytes(), list[Structure])}
