"""Whether values keep what a profile says beyond the base type: counts, types, fixed values, codes, slices, rules."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple, Protocol

from prior_auth.fhir.validate import membership
from prior_auth.fhir.validate.fixed import fits, shown
from prior_auth.fhir.validate.issue import Issue, brief, has_errors
from prior_auth.fhir.validate.slicing import matcher_of
from prior_auth.fhir.validate.tree import Item, Node, extension_url, items, tree_of
from prior_auth.r4 import model
from prior_auth.r4.definitions import HL7, Invariant

MAX_DEPTH = 12
_CODED = frozenset({"code", "Coding", "CodeableConcept", "Quantity", "string", "uri", "canonical"})


class Surroundings(Protocol):
    """What a profile's rules need besides the value: other resources, and judgement of invariants."""

    def resolve(self, reference: str, item: Item) -> Item | None:
        """The resource a reference means, as seen from where it stands; None if it is not at hand."""

    def invariants(self, item: Item, invariants: Iterable[Invariant]) -> Iterable[Issue]:
        """The invariants that do not hold, or cannot be judged."""


class Conformance:
    """Profiles against values, each pair judged once. Not to be shared between inputs."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self._judged: dict[tuple[int | str, int], list[Issue]] = {}
        self._depth = 0

    def issues(self, item: Item, canonical: str) -> list[Issue]:
        """What the value breaks of a profile; a profile that refers to itself is taken to hold meanwhile."""
        root = tree_of(canonical)
        if root is None:
            return []
        # Trees and the input stay as long as this does, so ids do; equal primitives may be one object.
        key = (id(item.value) if isinstance(item.value, dict) else item.path, id(root))
        if key not in self._judged:
            self._judged[key] = []
            if self._depth < MAX_DEPTH:
                self._depth += 1
                found: list[Issue] = []
                self.node(root, item, found)
                self._depth -= 1
                self._judged[key] = found
        return self._judged[key]

    def conforms(self, item: Item, canonical: str) -> bool:
        return not has_errors(self.issues(item, canonical))

    def keeps(self, node: Node, item: Item) -> bool | None:
        """Quietly: whether a value keeps all that one element of a profile says; None where a code list is missing."""
        found: list[Issue] = []
        self.node(node, item, found)
        if has_errors(found):
            return False
        return None if any(one.rule == "not-checked" for one in found) else True

    def node(self, node: Node, item: Item, found: list[Issue]) -> None:
        element = node.element
        if element.fixed is not None and item.value is not None and not fits(element.fixed, item.value):
            word = "must be" if element.fixed.exact else "must hold"
            message = f"{word} {shown(element.fixed.value)}"
            found.append(Issue("error", item.path, "fixed", message, "write that value"))
        if node.binding is not None and item.type in _CODED:
            found += membership.check(node.binding, item.value if item.value is not None else item.extra, item.path)
        if element.max_length is not None and isinstance(item.value, str) and len(item.value) > element.max_length:
            found.append(Issue("error", item.path, "primitive", f"longer than {element.max_length} characters"))
        if element.min_value is not None or element.max_value is not None:
            self._range(node, item, found)
        if node.types:
            self._types(node, item, found)
        if element.invariants:
            found += self.around.invariants(item, element.invariants)
        for child in node.children:
            values = items(child, item)
            if values or child.is_needed:
                self._child(child, values, f"{item.path}.{child.name}", found)

    def _range(self, node: Node, item: Item, found: list[Issue]) -> None:
        least, most, value = node.element.min_value, node.element.max_value, item.value
        if isinstance(value, int | Decimal) and isinstance(least, int | float | None):
            below = least is not None and value < least
            above = isinstance(most, int | float) and value > most
            if below or above:
                found.append(Issue("error", item.path, "primitive", f"out of range: {least} to {most}"))

    def _child(self, child: Node, values: list[Item], name: str, found: list[Issue]) -> None:
        if child.is_counted:
            _count(child, len(values), name, child.name, "cardinality", found)
        if child.slices:
            self._slices(child, values, name, found)
        for one in values:
            self.node(child, one, found)

    def _slices(self, child: Node, values: list[Item], name: str, found: list[Issue]) -> None:
        surely, perhaps = [0] * len(child.slices), [0] * len(child.slices)
        slicing, last = child.element.slicing, -1
        for value in values:
            at, is_sure = self._slice_of(child, value)
            if at < len(child.slices):
                (surely if is_sure else perhaps)[at] += 1
                self.node(child.slices[at], value, found)
            elif slicing is not None and slicing.rules == "closed":
                allowed = ", ".join(str(one.element.slice) for one in child.slices)
                message = f"fits none of the allowed kinds: {allowed}"
                found.append(Issue("error", value.path, "slicing", message, "make it one of them or remove it"))
            if slicing is not None and slicing.ordered:
                if at < last:
                    found.append(Issue("error", value.path, "slicing", "out of the order that the profile asks for"))
                last = max(last, at)
        for one, known, possible in zip(child.slices, surely, perhaps, strict=True):
            count = max(known, min(known + possible, one.element.min))  # doubt counts in favour
            _count(one, count, name, f"{child.name}:{one.element.slice}", "slicing", found)

    def _slice_of(self, child: Node, value: Item) -> tuple[int, bool]:
        """Where the slice stands that a value belongs to, and whether that is sure; past the last: to none."""
        doubtful: int | None = None
        for number, one in enumerate(child.slices):
            answer = matcher_of(child, one)(value, self)
            if answer:
                return number, True
            if answer is None and doubtful is None:
                doubtful = number
        return (doubtful if doubtful is not None else len(child.slices)), False

    def _types(self, node: Node, item: Item, found: list[Issue]) -> None:
        kind = _type_of(item)
        if kind is None:
            return
        allowed = _allowed(node, kind)
        if allowed is None:
            codes = " or ".join(dict.fromkeys(ref.code for ref in node.types))
            found.append(Issue("error", item.path, "type", f"{brief(kind)} is not allowed here", f"use {codes}"))
            return
        if allowed.profiles:
            self._one_of(allowed.profiles, item, item, found)
        if allowed.targets and isinstance(item.value, dict):
            self._target(allowed.targets, item, found)

    def _target(self, targets: Targets, item: Item, found: list[Issue]) -> None:
        reference = item.value.get("reference")
        resolved = self.around.resolve(reference, item) if isinstance(reference, str) else None
        if resolved is None:
            return  # what it says of itself is judged against the base types' targets
        kind = resolved.value["resourceType"]
        fitting = tuple(one for one, type_name in targets if type_name in (kind, "Resource"))
        if not fitting:
            allowed = " or ".join(dict.fromkeys(type_name or one for one, type_name in targets))
            message = f"points at a {brief(kind)}, which is not allowed here"
            found.append(Issue("error", item.path, "reference", message, f"point at {allowed}"))
            return
        if not any(_is_base(one) for one in fitting):
            self._one_of(fitting, resolved, item, found)

    def _one_of(self, profiles: tuple[str, ...], item: Item, at: Item, found: list[Issue]) -> None:
        """The value keeps one of the profiles. If there is one only, what it breaks is told in full."""
        known = [one for one in profiles if _is_base(one) or tree_of(one) is not None]
        if len(known) > 1:
            claimed = _claimed(item)
            known.sort(key=lambda one: one.split("|")[0] not in claimed)  # what it says it is is tried first
        if len(known) < len(profiles):
            unknown = next(one for one in profiles if one not in known)
            if not any(self.conforms(item, one) for one in known):
                found.append(Issue("information", at.path, "not-checked", f"the profile {unknown} is not at hand"))
            return
        if any(_is_base(one) or self.conforms(item, one) for one in known):
            return
        nearest = min(
            (self.issues(item, one) for one in known), key=lambda one: sum(x.severity == "error" for x in one)
        )
        if item is at and len(known) == 1:
            found += nearest
            return
        first = next(one for one in nearest if one.severity == "error")
        names = " or ".join(one.rsplit("/", 1)[-1] for one in known)
        message = f"does not keep the profile {names}: {first.path}: {first.message}"
        found.append(Issue("error", at.path, "reference" if item is not at else "profile", message, first.fix))


def _claimed(item: Item) -> frozenset[str]:
    """The profiles that a resource claims in meta.profile, without versions."""
    meta = item.value.get("meta") if isinstance(item.value, dict) else None
    claimed = meta.get("profile") if isinstance(meta, dict) else None
    told = claimed if isinstance(claimed, list) else []
    return frozenset(one.split("|")[0] for one in told if isinstance(one, str))


def type_of_profile(canonical: str) -> str | None:
    """The R4 type that a profile is of; None if the profile is not at hand."""
    url = canonical.split("|")[0]
    name = url.removeprefix(HL7)
    if model.is_type(name):
        return name
    root = tree_of(canonical)
    return root.element.path.split(".")[0] if root is not None else None


# Canonical URLs of what a reference may point at, each with the R4 type it is a profile of, if that is known.
Targets = tuple[tuple[str, str | None], ...]


class Allowed(NamedTuple):
    """What an element's types say of one kind of value: profiles of which it keeps one, targets of a reference."""

    profiles: tuple[str, ...]
    targets: Targets


@lru_cache(maxsize=8192)  # the kind may be any word that stands in the input
def _allowed(node: Node, kind: str) -> Allowed | None:
    """None where the kind is not allowed at all."""
    refs = [ref for ref in node.types if _is_allowed(kind, ref.code)]
    if not refs:
        return None
    is_profiled = kind != "Extension" and all(ref.profiles for ref in refs)
    profiles = tuple(profile for ref in refs for profile in ref.profiles) if is_profiled else ()
    targets = [target for ref in refs if ref.code == "Reference" for target in ref.targets]
    return Allowed(profiles, tuple((one, type_of_profile(one)) for one in targets))


def _count(node: Node, count: int, path: str, name: str, rule: str, found: list[Issue]) -> None:
    element = node.element
    if count < element.min:
        url = extension_url(node) if node.name in ("extension", "modifierExtension") else None
        fix = f"add the extension {url}" if url else f"add {name}"
        found.append(Issue("error", path, rule, f"{name}: at least {element.min} required, found {count}", fix))
    if element.max is not None and count > element.max:
        message = f"{name}: at most {element.max} allowed, found {count}"
        found.append(Issue("error", path, rule, message, f"remove {name}" if element.max == 0 else "remove the others"))


def _type_of(item: Item) -> str | None:
    if isinstance(item.value, dict) and isinstance(item.value.get("resourceType"), str):
        return str(item.value["resourceType"])
    return item.type if "." not in item.type else None


def _is_allowed(kind: str, code: str) -> bool:
    return code == kind or code.startswith("System.") or model.is_subtype(kind, code) or (code, kind) == ("uri", "url")


def _is_base(canonical: str) -> bool:
    return model.is_type(canonical.split("|")[0].removeprefix(HL7))
