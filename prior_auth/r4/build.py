"""Makes the shipped tables from FHIR package files: `python -m prior_auth.r4.build PACKAGES_DIR [OUT_DIR]`.

R4's own types come first and are read again by the steps after: give OUT_DIR only to look at them.
"""

from __future__ import annotations

import json
import sys
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from prior_auth.errors import BadInput
from prior_auth.r4 import slim, tables
from prior_auth.r4.definitions import Element, Package, Structure, Terminology
from prior_auth.r4.expansion import Expander
from prior_auth.r4.prune import prune

CORE = "hl7.fhir.r4.core-4.0.1"
EXTENSIONS = "hl7.fhir.uv.extensions.r4-5.3.0-ballot-tc1"
TERMINOLOGY = "hl7.terminology.r4-7.1.0"
# In this order: of one canonical URL without version, the last package's definition is meant.
GUIDES = (
    "hl7.fhir.uv.xver-r5.r4-0.1.0-part",
    "hl7.fhir.uv.subscriptions-backport.r4-1.1.0",
    "hl7.fhir.uv.sdc-4.0.0",
    "hl7.fhir.uv.genomics-reporting-2.0.0",
    "hl7.fhir.us.core-3.1.1",
    "hl7.fhir.us.core-6.1.0",
    "hl7.fhir.us.core-7.0.0",
    "hl7.fhir.us.davinci-hrex-1.2.0",
    "hl7.fhir.us.davinci-crd-2.2.1",
    "hl7.fhir.us.davinci-dtr-2.2.0",
    "hl7.fhir.us.davinci-cdex-2.1.0",
    "hl7.fhir.us.davinci-pas-2.2.1",
    "hl7.fhir.us.mcode-4.0.0",
)
_DATA = Path(__file__).parent / "data"
_Resource = dict[str, Any]


def read_package(folder: Path, name: str) -> Iterator[_Resource]:
    """The conformance resources of `<name>.tgz` in its order, examples left out. BadInput names a file that is none."""
    file = folder / f"{name}.tgz"
    if not file.is_file():
        raise BadInput("no such FHIR package", where=str(file), fix="put the .tgz file of this package there")
    try:
        with tarfile.open(file) as archive:
            yield from _contents(archive)
    except (tarfile.TarError, EOFError, zlib.error, ValueError) as problem:
        message = f"not a FHIR package ({type(problem).__name__})"
        raise BadInput(message, where=str(file), fix="a gzipped tar with package/*.json is needed") from None


def _contents(archive: tarfile.TarFile) -> Iterator[_Resource]:
    for member in archive:
        path = Path(member.name)
        if not member.isfile() or path.parent.name != "package" or path.suffix != ".json":
            continue
        opened = archive.extractfile(member)
        assert opened is not None
        content = json.load(opened)
        if "resourceType" in content:
            yield content


def base_types(definitions: Iterable[_Resource]) -> list[Structure]:
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


def package(name: str, resources: Iterable[_Resource], *, version: str | None = None) -> Package:
    """The profiles and extensions of one package, pruned; logical models are left out."""
    profiles = (
        one
        for one in resources
        if one["resourceType"] == "StructureDefinition"
        and one.get("derivation") == "constraint"
        and one["kind"] != "logical"
    )
    structures = sorted((prune(slim.structure(one)) for one in profiles), key=lambda one: one.url)
    # A name such as hl7.fhir.uv.extensions.r4-5.3.0-ballot-tc1: the version starts at the first `-` and a digit.
    short, _, told = next(part for part in _splits(name) if part[2][:1].isdigit())
    own = {one.url: f"{one.url}|{one.version or version or told}" for one in structures}
    return Package(short, version or told, tuple(_pinned(one, own) for one in structures))


def _pinned(structure: Structure, own: Mapping[str, str]) -> Structure:
    """A guide that names its own profiles without version means those beside it, not the newest there are."""
    replace = msgspec.structs.replace
    elements = []
    for one in structure.elements:
        types = [
            replace(
                ref,
                profiles=tuple(own.get(url, url) for url in ref.profiles),
                targets=tuple(own.get(url, url) for url in ref.targets),
            )
            for ref in one.types
        ]
        elements.append(replace(one, types=tuple(types)))
    return replace(structure, elements=tuple(elements))


def _splits(name: str) -> Iterator[tuple[str, str, str]]:
    for at, letter in enumerate(name):
        if letter == "-":
            yield name[:at], "-", name[at + 1 :]


def terminology(structures: Iterable[Structure], expander: Expander) -> Terminology:
    """What is known of every value set that a shipped element is bound to so that it matters."""
    wanted = {canonical for structure in structures for one in structure.elements for canonical in _checked_sets(one)}
    valuesets = {canonical: found for canonical in sorted(wanted) if (found := expander.codes(canonical)) is not None}
    return Terminology(valuesets, expander.code_systems())


def _free(core: list[_Resource], terminology: list[_Resource]) -> list[_Resource]:
    """R4's core less code systems that HL7's terminology no longer carries: some are licensed (DICOM, ADA)."""
    carried = {one.get("url") for one in terminology if one["resourceType"] == "CodeSystem"}
    return [
        one
        for one in core
        if one["resourceType"] != "CodeSystem"
        or one.get("url", "").startswith("http://hl7.org/fhir/")
        or one.get("url") in carried
    ]


def _checked_sets(one: Element) -> Iterator[str]:
    if one.binding is not None:
        if one.binding.strength in ("required", "extensible") and one.binding.valueset:
            yield one.binding.valueset
        if one.binding.maximum:
            yield one.binding.maximum


def main(arguments: list[str]) -> int:
    if not 1 <= len(arguments) <= 2:
        print(__doc__, file=sys.stderr)
        return 2
    source, out = Path(arguments[0]), Path(arguments[1]) if len(arguments) == 2 else _DATA
    (out / "packages").mkdir(parents=True, exist_ok=True)
    core = list(read_package(source, CORE))
    types = base_types(core)
    _write(out / "types.json.xz", types)
    tables.base_types.cache_clear()
    published = {CORE: core, **{name: list(read_package(source, name)) for name in (EXTENSIONS, TERMINOLOGY, *GUIDES)}}
    packages = [package(name, published[name]) for name in (EXTENSIONS, CORE, *GUIDES)]
    for one in packages:
        _write(out / "packages" / f"{one.name}-{one.version}.json.xz", one)
    _write(out / "index.json.xz", tables.Index.of(packages))
    # R4's own code systems win over later editions of them in the extensions package.
    published[CORE] = _free(core, published[TERMINOLOGY])
    expander = Expander(r for name in (EXTENSIONS, CORE, TERMINOLOGY, *GUIDES) for r in published[name])
    everything = [*types, *(structure for one in packages for structure in one.structures)]
    _write(out / "terminology.json.xz", terminology(everything, expander))
    return 0


def _write(file: Path, table: object) -> None:
    packed = tables.pack(table)
    file.write_bytes(packed)
    print(f"{file.name}: {len(packed)} bytes")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
