"""Where references lead: to a type that is allowed, and inside a Bundle to something that is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prior_auth.fhir import bundle
from prior_auth.fhir.bundle import Entry, Index
from prior_auth.fhir.validate.issue import Issue, brief
from prior_auth.fhir.validate.structure import Standing
from prior_auth.fhir.validate.tree import Item
from prior_auth.r4 import model
from prior_auth.r4.definitions import HL7


class References:
    """Resolves within one input: Bundle entries (of nested Bundles too, innermost first) and contained resources."""

    def __init__(self, resource: Mapping[str, Any], bundles: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        """`bundles` are the Bundles in the input, itself if it is one, each with its element path."""
        self._input = resource
        entries = {path: _entries(one, path) for path, one in bundles}
        self._indexes = {path: Index.of_entries(found) for path, found in entries.items()}
        self._by_path = {one.path: one for found in entries.values() for one in found}
        self._around: dict[str, tuple[tuple[Index, Entry | None], ...]] = {}

    def resolve(self, reference: str, path: str, owner: Mapping[str, Any] | None = None) -> Item | None:
        """The resource that is meant by `reference` where it stands, at `path`; None if it is not in the input."""
        standing_in = self._bundles_around(path)
        base = standing_in[0][1] if standing_in else None
        if reference.startswith("#"):
            container = owner if owner is not None else (base.resource if base else self._input)
            return _contained(container, reference, base.path if base else str(self._input.get("resourceType")))
        for index, entry in standing_in:
            target = index.entry(reference, base=entry)
            if target is not None:
                return Item(target.path, str(target.resource["resourceType"]), target.resource)
        return None

    def is_inside_bundle(self, path: str) -> bool:
        return bool(self._bundles_around(path))

    def _bundles_around(self, path: str) -> tuple[tuple[Index, Entry | None], ...]:
        """The Bundles whose entries a path is in, innermost first, each with that entry."""
        entry = path[: path.find("]", path.rfind(".entry[")) + 1]
        if entry not in self._around:
            self._around[entry] = tuple(self._bundles_above(entry))
        return self._around[entry]

    def _bundles_above(self, path: str) -> Iterator[tuple[Index, Entry | None]]:
        at = path.rfind(".entry[")
        while at >= 0:
            index = self._indexes.get(path[:at])
            if index is not None:
                number = path[at + len(".entry[") :].split("]")[0]
                yield index, self._by_path.get(f"{path[:at]}.entry[{number}].resource")
            at = path.rfind(".entry[", 0, at)

    def check(self, standing: Standing, container: Mapping[str, Any]) -> Iterator[Issue]:
        """One Reference element; `container` is the resource that contains its owner, or the owner itself."""
        reference = standing.value.get("reference")
        targets = _type_names(standing)
        told = standing.value.get("type")
        if not isinstance(reference, str):
            if isinstance(told, str) and not _is_allowed(told, targets):
                yield _wrong_type(standing, told, targets)
            return
        found = self.resolve(reference, standing.path, container)
        kind = found.type if found is not None else _told_by(reference)
        if kind is not None and not _is_allowed(kind, targets):
            yield _wrong_type(standing, kind, targets)
        elif kind is not None and isinstance(told, str) and told != kind and model.is_resource(told):
            message = f"type says {told}, the reference leads to a {brief(kind)}"
            yield Issue("error", f"{standing.path}.type", "reference", message, f"write {brief(kind)}")
        if found is None:
            yield from self._dangling(reference, standing)

    def _dangling(self, reference: str, standing: Standing) -> Iterator[Issue]:
        at = f"{standing.path}.reference"
        if reference.startswith("#"):
            yield Issue("error", at, "reference", "no contained resource has this id", "contain it or name another")
        elif self.is_inside_bundle(standing.path) and reference.startswith(("urn:uuid:", "urn:oid:")):
            yield Issue("error", at, "reference", "no entry has this fullUrl", "add the entry or drop the reference")
        elif (
            reference.startswith("urn:uuid:") or bundle.type_and_id(reference) or "://" in reference or "?" in reference
        ):
            if self.is_inside_bundle(standing.path):
                yield Issue("information", at, "not-checked", "leads out of the Bundle: its target cannot be judged")
        else:
            message = "neither Type/id, a URL, a urn nor #id"
            yield Issue("error", at, "reference", message, "write it as Type/id or as the fullUrl of an entry")


def _contained(container: Mapping[str, Any], reference: str, path: str) -> Item | None:
    """What `#id` means in a container that stands at `path`; `#` alone is the container."""
    if reference == "#":
        return Item(path, str(container.get("resourceType")), container)
    within = container.get("contained")
    for number, one in enumerate(within if isinstance(within, list) else ()):
        if isinstance(one, dict) and one.get("id") == reference[1:]:
            return Item(f"{path}.contained[{number}]", str(one.get("resourceType")), one)
    return None


def _entries(resource: Mapping[str, Any], path: str) -> tuple[Entry, ...]:
    """Like `bundle.Index`, but what is broken is passed over: the walk has told it."""
    entries = resource.get("entry")
    found = []
    for number, one in enumerate(entries if isinstance(entries, list) else ()):
        held = one.get("resource") if isinstance(one, Mapping) else None
        if isinstance(held, dict) and isinstance(held.get("resourceType"), str):
            url = one.get("fullUrl")
            found.append(Entry(f"{path}.entry[{number}].resource", url if isinstance(url, str) else None, held))
    return tuple(found)


def _type_names(standing: Standing) -> tuple[str, ...]:
    targets = standing.slot.element.targets if standing.slot is not None else ()
    return tuple(one.split("|")[0].removeprefix(HL7) for one in targets)


def _told_by(reference: str) -> str | None:
    found = bundle.type_and_id(reference)
    return found[0] if found is not None and model.is_resource(found[0]) else None


def _is_allowed(kind: str, targets: tuple[str, ...]) -> bool:
    if not targets or "Resource" in targets or kind in targets:
        return True
    return not model.is_resource(kind)  # a logical type: not ours to judge


def _wrong_type(standing: Standing, kind: str, targets: tuple[str, ...]) -> Issue:
    message = f"points at a {brief(kind)}, which is not allowed here"
    return Issue("error", standing.path, "reference", message, f"point at {' or '.join(targets)}")
