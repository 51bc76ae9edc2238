"""Makes the shipped tables from FHIR package files: `python -m prior_auth.r4.build PACKAGES_DIR [OUT_DIR]`."""

from __future__ import annotations

import json
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from prior_auth.errors import BadInput
from prior_auth.r4 import slim, tables
from prior_auth.r4.definitions import Element, Structure

CORE = "hl7.fhir.r4.core-4.0.1"
_DATA = Path(__file__).parent / "data"


def read_package(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """The conformance resources of `<name>.tgz` in its order, examples left out."""
    file = folder / f"{name}.tgz"
    if not file.is_file():
        raise BadInput("no such FHIR package", where=str(file), fix="put the .tgz file of this package there")
    with tarfile.open(file) as archive:
        for member in archive:
            path = Path(member.name)
            if not member.isfile() or path.parent.name != "package" or path.suffix != ".json":
                continue
            opened = archive.extractfile(member)
            assert opened is not None
            content = json.load(opened)
            if "resourceType" in content:
                yield content


def base_types(definitions: list[dict[str, Any]]) -> list[Structure]:
    """The types of R4 itself, each with only the elements it adds to its base or changes."""
    full = {
        one["type"]: slim.structure(one)
        for one in definitions
        if one["resourceType"] == "StructureDefinition"
        and one["kind"] != "logical"
        and one.get("derivation") != "constraint"
    }
    return [_without_inherited(full[name], full) for name in sorted(full)]


def _without_inherited(structure: Structure, full: dict[str, Structure]) -> Structure:
    inherited: dict[str, Element] = {}
    for name in _inherits_from(structure, full):
        inherited |= {one.path.partition(".")[2]: one for one in full[name].elements[1:]}
    kept = [one for one in structure.elements if not _is_inherited(one, structure, inherited)]
    return msgspec.structs.replace(structure, elements=tuple(kept))


def _inherits_from(structure: Structure, full: dict[str, Structure]) -> list[str]:
    return [*_inherits_from(full[structure.base], full), structure.base] if structure.base else []


def _is_inherited(one: Element, structure: Structure, inherited: dict[str, Element]) -> bool:
    if "." not in one.path:
        return False
    above = inherited.get(one.path.partition(".")[2])
    if above is not None:
        return msgspec.structs.replace(above, path=one.path) == one
    parent, _, name = one.path.rpartition(".")
    holder = next((other for other in structure.elements if other.path == parent), None)
    if holder is None or not holder.codes or holder.codes[0] not in ("BackboneElement", "Element"):
        return False
    return name in ("id", "extension") or (name == "modifierExtension" and holder.codes[0] == "BackboneElement")


def main(arguments: list[str]) -> int:
    if not 1 <= len(arguments) <= 2:
        print(__doc__, file=sys.stderr)
        return 2
    packages, out = Path(arguments[0]), Path(arguments[1]) if len(arguments) == 2 else _DATA
    out.mkdir(parents=True, exist_ok=True)
    core = list(read_package(packages, CORE))
    packed = tables.pack(base_types(core))
    (out / "types.json.xz").write_bytes(packed)
    print(f"types: {len(packed)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
