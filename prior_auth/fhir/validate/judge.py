"""The whole judgement of one input, step by step; each finding is told once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from prior_auth.fhir.validate import bundles, extensions, invariants, references, structure, vitals
from prior_auth.fhir.validate.conform import Conformance
from prior_auth.fhir.validate.issue import Issue, Severity, brief
from prior_auth.fhir.validate.structure import Standing, Walked
from prior_auth.fhir.validate.tree import Item
from prior_auth.r4 import tables
from prior_auth.r4.definitions import HL7, Invariant


def validate(resource: Mapping[str, Any], *, profiles: Sequence[str] = (), with_invariants: bool = True) -> list[Issue]:
    """Everything found in a resource as read by `fhir.json`, in document order; empty if nothing is to say.

    It is judged against base R4, against `profiles` (canonical URLs), and, as is every resource of a Bundle, against
    its own `meta.profile`. A profile, extension or code list that is not at hand gives an information `not-checked`.
    """
    return _Judge(resource, with_invariants).all(profiles)


def check_structure(resource: Mapping[str, Any]) -> list[Issue]:
    """Base R4 only and fast: JSON shapes, primitive formats, required elements. Unknown elements are warnings."""
    return structure.walk(resource, lenient=True).issues


class _Judge:
    def __init__(self, resource: Mapping[str, Any], with_invariants: bool) -> None:
        self._resource = resource
        self._with_invariants = with_invariants
        self._walked: Walked = structure.walk(resource)
        bundles_in = [(one.path, one.value) for one in self._walked.resources if one.inner == "Bundle"]
        self._references = references.References(resource, bundles_in)
        self._conformance = Conformance(self)
        self._owners = {id(one.value): one for one in self._walked.resources}
        self._at = {one.path: one.value for one in self._walked.resources}

    def all(self, profiles: Sequence[str]) -> list[Issue]:
        found = list(self._walked.issues)
        for standing in self._walked.resources:
            found += self._profiles_of(standing, profiles if standing.value is self._resource else ())
            if standing.inner == "Bundle":
                found += bundles.check(standing.value, standing.path)
        for standing in self._walked.extensions:
            found += self._extension(standing)
        for standing in self._walked.references:
            found += self._references.check(standing, self._container(standing.owner))
        if self._with_invariants:
            for standing, rules in self._walked.objects:
                found += self._invariants_of(standing, rules)
        return list(dict.fromkeys(found))

    # What profiles need to know of the surroundings (conform.Surroundings).

    def resolve(self, reference: str, item: Item) -> Item | None:
        return self._references.resolve(reference, item.path, self._container_at(item.path))

    def invariants(self, item: Item, rules: Iterable[Invariant]) -> Iterable[Issue]:
        if not self._with_invariants:
            return ()
        owner = self._owner_at(item)
        root, resolve = self._container(owner), self._resolver(item.path)
        return invariants.check(item, rules, resource=owner, root=root, resolve=resolve)

    def _profiles_of(self, standing: Standing, asked: Sequence[str]) -> list[Issue]:
        meta = standing.value.get("meta")
        claimed = meta.get("profile") if isinstance(meta, Mapping) else None
        told = [one for one in claimed if isinstance(one, str)] if isinstance(claimed, list) else []
        found: list[Issue] = []
        item = Item(standing.path, standing.inner, standing.value)
        for canonical in dict.fromkeys([*asked, *told]):
            found += self._profile(canonical, item, is_asked=canonical in asked)
        if standing.inner == "Observation":
            for canonical in vitals.profiles_of(standing.value):
                found += [_not_claimed(one) for one in self._profile(canonical, item, is_asked=False)]
        return found

    def _profile(self, canonical: str, item: Item, *, is_asked: bool) -> list[Issue]:
        if canonical.removeprefix(HL7) == item.type:
            return []
        definition = tables.structure(canonical)
        if definition is None:
            if tables.is_of_shipped_guide(canonical):
                message = f"its guide defines no profile {brief(canonical)}"
                return [Issue("error", item.path, "profile", message, "correct the URL in meta.profile")]
            severity: Severity = "error" if is_asked else "warning"
            message = f"the profile {brief(canonical)} is not at hand, so it was not judged"
            return [Issue(severity, item.path, "not-checked", message, "name a profile that is shipped")]
        if definition.type != item.type:
            message = f"{brief(canonical)} is a profile of {definition.type}, not of {item.type}"
            return [Issue("error", item.path, "profile", message, "name a profile of this type")]
        return self._conformance.issues(item, canonical)

    def _extension(self, standing: Standing) -> list[Issue]:
        found = list(extensions.check(standing))
        url = standing.value.get("url")
        if isinstance(url, str) and "://" in url:
            definition = tables.structure(url)
            if definition is not None and definition.type == "Extension":
                found += self._conformance.issues(Item(standing.path, "Extension", standing.value), url)
        return found

    def _invariants_of(self, standing: Standing, rules: Iterable[Invariant]) -> Iterable[Issue]:
        item = Item(standing.path, standing.inner, standing.value)
        wanted = [one for one in rules if one.key not in bundles.KEYS]
        root, resolve = self._container(standing.owner), self._resolver(standing.path)
        return invariants.check(item, wanted, resource=standing.owner, root=root, resolve=resolve)

    def _resolver(self, path: str) -> Callable[[str], Mapping[str, Any] | None]:
        def resolve(reference: str) -> Mapping[str, Any] | None:
            found = self._references.resolve(reference, path, self._container_at(path))
            return found.value if found is not None else None

        return resolve

    def _container(self, owner: Mapping[str, Any]) -> Mapping[str, Any]:
        """What contains the resource: `#id` means its contained resources."""
        standing = self._owners.get(id(owner))
        return standing.owner if standing is not None else owner

    def _container_at(self, path: str) -> Mapping[str, Any] | None:
        """What `#id` looks into when a path stands in no entry; None: the entry's resource."""
        return None if self._references.is_inside_bundle(path) else self._resource

    def _owner_at(self, item: Item) -> Mapping[str, Any]:
        """The resource an element is part of: the nearest one on its path."""
        if id(item.value) in self._owners:
            return item.value  # type: ignore[no-any-return]
        path = item.path
        while path not in self._at:
            path = path.rpartition(".")[0]
            if not path:
                return self._resource
        return self._at[path]


def _not_claimed(issue: Issue) -> Issue:
    """A code list of a profile that is only implied is advice: US Core's own pulse oximetry example leaves it."""
    is_advice = issue.rule == "binding" and issue.severity == "error"
    return replace(issue, severity="warning") if is_advice else issue
