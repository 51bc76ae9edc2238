"""What is in a Bundle, and what its references mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prior_auth.errors import BadInput

Resource = dict[str, Any]

# FHIR R4, references.html 2.3.0.1: a RESTful reference, absolute or relative, perhaps to one version.
_REST = re.compile(r"(?:(?P<base>https?://.+)/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/.+)?")


def resources(bundle: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> list[Resource]:
    """The resources of a Bundle in its order; of a list of entries or of resources; or the one resource given.

    Entries that carry none by design are passed over: deletes in a transaction, search outcomes stay.
    Raises BadInput (`where` is the element path) where entries or resources are missing or no resource at all.
    """
    return [resource for _, _, resource in _entries(bundle)]


@dataclass(frozen=True, slots=True)
class Entry:
    """`path` is the element path of the resource, such as `Bundle.entry[4].resource`."""

    path: str
    full_url: str | None
    resource: Resource


class Index:
    """The entries of a Bundle by fullUrl and by `Type/id`, to resolve references as FHIR does (bundle.html 3.1.0.2)."""

    def __init__(self, bundle: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        self._fill(Entry(*found) for found in _entries(bundle))

    @classmethod
    def of_entries(cls, entries: Iterable[Entry]) -> Index:
        """Of entries already read, none at all included."""
        index = cls.__new__(cls)
        index._fill(entries)
        return index

    def _fill(self, entries: Iterable[Entry]) -> None:
        self.entries: tuple[Entry, ...] = tuple(entries)
        self._by_full_url: dict[str, Entry] = {}
        self._by_type_and_id: dict[str, Entry] = {}
        for entry in self.entries:
            if entry.full_url is not None:
                self._by_full_url.setdefault(entry.full_url, entry)
            if isinstance(identity := entry.resource.get("id"), str):
                self._by_type_and_id.setdefault(f"{entry.resource['resourceType']}/{identity}", entry)

    def by_full_url(self, full_url: str) -> Entry | None:
        return self._by_full_url.get(full_url)

    def entry(self, reference: str, *, base: Entry | None = None) -> Entry | None:
        """The entry that `reference` means when it stands in `base`; None where the Bundle does not hold it.

        A relative reference is tried against the base of the referring entry's fullUrl, then as `Type/id`; an absolute
        one as fullUrl, then as `Type/id` of an entry without fullUrl.
        """
        plain = reference.split("#", 1)[0]
        if (found := self._by_full_url.get(plain)) is not None:
            return found
        match = _REST.fullmatch(plain)
        if match is None:
            return None
        local = f"{match['type']}/{match['id']}"
        if match["base"] is not None:
            unversioned = self._by_full_url.get(f"{match['base']}/{local}")
            if unversioned is not None:
                return unversioned
            candidate = self._by_type_and_id.get(local)
            return candidate if candidate is not None and candidate.full_url is None else None
        if base is not None and base.full_url is not None:
            here = _REST.fullmatch(base.full_url)
            if here is not None and here["base"] is not None:
                sibling = self._by_full_url.get(f"{here['base']}/{local}")
                if sibling is not None:
                    return sibling
        return self._by_type_and_id.get(local)

    def resolve(
        self, reference: str, *, base: Entry | None = None, container: Mapping[str, Any] | None = None
    ) -> Resource | None:
        """The resource that `reference` means; `#id` looks among the contained of `container`, else of `base`."""
        if reference.startswith("#"):
            holder = container if container is not None else (base.resource if base is not None else None)
            return contained(holder, reference) if holder is not None else None
        found = self.entry(reference, base=base)
        return found.resource if found is not None else None


def contained(container: Mapping[str, Any], reference: str) -> Resource | None:
    """The contained resource that `#id` means; `#` alone is the container itself."""
    if reference == "#":
        return dict(container)
    within = container.get("contained")
    if not isinstance(within, list):
        return None
    wanted = reference.removeprefix("#")
    return next((one for one in within if isinstance(one, dict) and one.get("id") == wanted), None)


def references(value: Any) -> Iterator[str]:
    """Every `Reference.reference` in it, in order."""
    if isinstance(value, Mapping):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def type_and_id(reference: str) -> tuple[str, str] | None:
    """`Patient/1` of a relative or absolute RESTful reference; None for urn:uuid, `#id` and anything else."""
    match = _REST.fullmatch(reference)
    return (match["type"], match["id"]) if match is not None else None


def _entries(given: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str | None, Resource]]:
    if isinstance(given, Mapping):
        kind = _resource_type(given, "")
        if kind != "Bundle":
            yield kind, None, _as_dict(given)
            return
        entries, at = given.get("entry"), "Bundle.entry"
        if not isinstance(entries, list) or not entries:
            raise BadInput("a Bundle without entries", where=at, fix="put the resources into Bundle.entry[].resource")
    else:
        entries, at = given, "entry"
    for number, entry in enumerate(entries):
        yield from _entry(entry, f"{at}[{number}]")


def _entry(entry: Any, at: str) -> Iterator[tuple[str, str | None, Resource]]:
    if not isinstance(entry, Mapping):
        raise BadInput("an entry that is no object", where=at, fix="make it {'fullUrl': …, 'resource': {…}}")
    if "resourceType" in entry:
        _resource_type(entry, at)
        yield at, None, _as_dict(entry)
        return
    resource = entry.get("resource")
    if resource is None:
        if "response" in entry or _method(entry) in ("DELETE", "GET", "HEAD"):
            return
        raise BadInput("an entry without a resource", where=f"{at}.resource", fix="add the resource or drop the entry")
    _resource_type(resource, f"{at}.resource")
    full_url = entry.get("fullUrl")
    if full_url is not None and not isinstance(full_url, str):
        raise BadInput("fullUrl is no string", where=f"{at}.fullUrl", fix="write it as a URL or urn:uuid")
    yield f"{at}.resource", full_url, resource


def _method(entry: Mapping[str, Any]) -> Any:
    request = entry.get("request")
    return request.get("method") if isinstance(request, Mapping) else None


def _resource_type(resource: Any, at: str) -> str:
    where = f"{at}.resourceType" if at else "resourceType"
    if not isinstance(resource, Mapping):
        raise BadInput("not a resource but another JSON value", where=at or None, fix="put a FHIR resource here")
    kind = resource.get("resourceType")
    if kind is None:
        raise BadInput("no resourceType", where=where, fix="name the FHIR R4 resource type, such as Patient or Bundle")
    if not isinstance(kind, str) or not kind.isalpha() or not kind[0].isupper():
        raise BadInput("resourceType is no type name", where=where, fix="name the FHIR R4 resource type")
    return kind


def _as_dict(resource: Mapping[str, Any]) -> Resource:
    return resource if isinstance(resource, dict) else dict(resource)
