"""The walk over base R4: every element known, of the right JSON shape and format, and as often as it must be.

What later steps judge is noted on the way: resources, references, extensions and objects with invariants.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from prior_auth.fhir.validate import membership, narrative
from prior_auth.fhir.validate.issue import Issue, Severity, brief
from prior_auth.fhir.validate.primitives import CHECKERS, Checker, kind_of
from prior_auth.r4 import model
from prior_auth.r4.definitions import Binding, Element, Invariant

_RESOURCE_TYPES = frozenset({"Resource", "DomainResource"})


@dataclass(frozen=True, slots=True)
class Slot:
    """What may stand under one JSON key."""

    name: str
    element: Element
    inner: str
    is_list: bool
    checker: Checker | None
    binding: Binding | None
    holds_resource: bool
    is_choice: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A type or backbone path made ready: its keys, what must be there, the invariants it must keep."""

    slots: dict[str, Slot]
    required: tuple[tuple[str, tuple[str, ...]], ...]
    invariants: tuple[Invariant, ...]


class Standing(NamedTuple):
    """An object of the resource, with the type it has and where it stands. `owner` is the resource it is part of.

    Of a primitive with extensions it is the `_` sibling. For a resource `owner` is what contains it, else itself.
    """

    path: str
    inner: str
    value: dict[str, Any]
    owner: dict[str, Any]
    slot: Slot | None = None
    parent: Standing | None = None

    @property
    def model_paths(self) -> tuple[str, ...]:
        """What R4 calls this place: `HumanName`, `Patient.name`, `Claim.item`."""
        if self.slot is None or self.parent is None:
            return (self.inner,)
        return (self.inner, self.slot.element.path, f"{self.parent.inner}.{self.slot.name}")


@dataclass(slots=True)
class Walked:
    issues: list[Issue] = field(default_factory=list)
    resources: list[Standing] = field(default_factory=list)
    references: list[Standing] = field(default_factory=list)
    extensions: list[Standing] = field(default_factory=list)
    objects: list[tuple[Standing, tuple[Invariant, ...]]] = field(default_factory=list)


@cache
def plan_of(type_name: str) -> Plan:
    slots = {key: _slot(element, inner) for key, (element, inner) in model.key_types(type_name).items()}
    children = model.elements(type_name).items()
    required = tuple((name, _keys(name, child)) for name, child in children if child.min > 0)
    return Plan(slots, required, _invariants_of(type_name))


def _slot(element: Element, inner: str) -> Slot:
    binding = membership.telling(element.binding)
    checker = CHECKERS.get("uri" if inner == "System.String" else inner)
    is_resource = inner in _RESOURCE_TYPES
    return Slot(element.name, element, inner, element.is_list, checker, binding, is_resource, element.is_choice)


def _keys(name: str, element: Element) -> tuple[str, ...]:
    plain = tuple(name + code[0].upper() + code[1:] for code in element.codes) if element.is_choice else (name,)
    return plain + tuple(f"_{key}" for key in plain)


def _invariants_of(type_name: str) -> tuple[Invariant, ...]:
    """Of the type and those it specialises, and of a backbone element."""
    found: dict[str, Invariant] = {}
    for name in (type_name, *model.ancestors(type_name)):
        structure_element = _root_element(name)
        if structure_element is not None:
            found |= {one.key: one for one in structure_element.invariants if not one.best_practice}
    return tuple(found.values())


def _root_element(name: str) -> Element | None:
    parent, _, last = name.rpartition(".")
    return model.element(parent, last) if parent else model.root(name)


class Walk:
    """One pass over one resource and all in it. `lenient` takes unknown elements as warnings and skips code lists."""

    def __init__(self, *, lenient: bool = False) -> None:
        self.found = Walked()
        self._lenient = lenient

    def resource(self, value: Any, path: str, *, owner: dict[str, Any] | None = None) -> None:
        """A resource at `path`: the whole input, an entry's or a contained one; `owner` contains it."""
        if not isinstance(value, dict):
            self._issue("error", path, "structure", f"a resource is needed, not {kind_of(value)}")
            return
        kind = value.get("resourceType")
        if not isinstance(kind, str) or not model.is_resource(kind) or model.is_abstract(kind):
            told = (
                f"{brief(kind)} is no R4 resource type"
                if isinstance(kind, str) and kind.isalnum()
                else "no resourceType"
            )
            self._issue("error", path, "structure", told, "name the FHIR R4 resource type in resourceType")
            return
        self.found.resources.append(Standing(path, kind, value, owner if owner is not None else value))
        self._object(Standing(path, kind, value, value))

    def _object(self, standing: Standing, plan: Plan | None = None) -> None:
        plan = plan if plan is not None else plan_of(standing.inner)
        value, path = standing.value, standing.path
        if not value:
            self._issue("error", path, "empty", "an object without content", "leave the element out")
            return
        if plan.invariants:
            self.found.objects.append((standing, plan.invariants))
        chosen: dict[str, list[str]] = {}
        for key, part in value.items():
            slot = plan.slots.get(key)
            if slot is not None:
                self._member(slot, key, part, standing)
                if slot.is_choice:
                    chosen.setdefault(slot.name, []).append(key)
            elif key == "resourceType":
                if standing.value is not standing.owner:
                    self._unknown(path, key)
            elif key.startswith("_") and (slot := plan.slots.get(key[1:])) is not None and slot.checker is not None:
                if key[1:] not in value:
                    self._extras_alone(slot, part, standing)
                    if slot.is_choice:
                        chosen.setdefault(slot.name, []).append(key[1:])
            else:
                self._unknown(path, key)
        for name, keys in plan.required:
            if name not in value and not any(key in value for key in keys):
                message = f"{name} is missing: at least 1 is required"
                self._issue("error", f"{path}.{name}", "cardinality", message, f"add {name}")
        for name, present in chosen.items():
            if len(present) > 1:
                message = f"{name} stands there as {' and '.join(sorted(present))}: only one is allowed"
                self._issue("error", f"{path}.{name}", "choice", message, "keep one of them")

    def _unknown(self, path: str, key: str) -> None:
        name = key if len(key) <= 64 and key.lstrip("_").isalnum() else "?"
        severity: Severity = "warning" if self._lenient else "error"
        fix = "remove it, or say it in an extension"
        self._issue(severity, f"{path}.{name}", "unknown", f"R4 knows no element {name} here", fix)

    def _member(self, slot: Slot, key: str, part: Any, standing: Standing) -> None:
        at = f"{standing.path}.{slot.name}"
        if not slot.is_list:
            if isinstance(part, list):
                self._issue("error", at, "structure", "an array where one value belongs", "write the value itself")
                return
            self._value(slot, part, standing.value.get(f"_{key}"), at, standing)
            return
        if not isinstance(part, list):
            message = f"an array is needed, not {kind_of(part)}"
            self._issue("error", at, "structure", message, "put the value into an array")
            return
        if not part:
            self._issue("error", at, "empty", "an empty array", "leave the element out")
        extras = standing.value.get(f"_{key}") if slot.checker is not None else None
        if extras is not None and (not isinstance(extras, list) or len(extras) != len(part)):
            self._issue("error", at, "structure", f"_{key} is no array as long as {key}", "pad it with null")
            extras = None
        for number, one in enumerate(part):
            extra = extras[number] if extras is not None else None
            self._value(slot, one, extra, f"{at}[{number}]", standing)

    def _value(self, slot: Slot, value: Any, extra: Any, at: str, standing: Standing) -> None:
        if slot.checker is not None:
            self._primitive(slot, slot.checker, value, extra, at, standing)
        elif slot.holds_resource:
            contained = slot.name == "contained"
            self.resource(value, at, owner=standing.owner if contained else None)
        elif not isinstance(value, dict):
            self._issue("error", at, "structure", f"an object of type {slot.inner} is needed, not {kind_of(value)}")
        else:
            inner = Standing(at, slot.inner, value, standing.owner, slot, standing)
            if slot.inner == "Reference":
                self.found.references.append(inner)
            elif slot.inner == "Extension":
                self.found.extensions.append(inner)
            self._object(inner)
            if self._lenient:
                return
            if slot.binding is not None:
                self.found.issues += membership.check(slot.binding, value, at)
            if slot.inner == "Coding":
                self.found.issues += membership.check_coding(value, at)

    def _primitive(self, slot: Slot, checker: Checker, value: Any, extra: Any, at: str, standing: Standing) -> None:
        if extra is not None:
            self._extra(slot, extra, at, standing)
        if value is None and slot.is_list and extra is not None:
            return
        problem = checker(value)
        if problem is not None:
            rule = "structure" if "is needed" in problem else "primitive"
            self._issue("error", at, rule, problem, f"write a valid {slot.inner}")
        elif isinstance(value, str) and value.isspace():  # R4: strings SHOULD hold more, so no error
            self._issue("warning", at, "primitive", "nothing but white space", "write the text or leave it out")
        elif slot.binding is not None and not self._lenient:
            self.found.issues += membership.check(slot.binding, value, at)
        if slot.inner == "xhtml" and isinstance(value, str) and not self._lenient:
            wrong = narrative.problem(value)
            if wrong is not None:
                self._issue("error", at, "narrative", wrong, "mend the narrative or leave it out")

    def _extras_alone(self, slot: Slot, part: Any, standing: Standing) -> None:
        """`_birthDate` without `birthDate`: only an extension, which says why there is no value."""
        at = f"{standing.path}.{slot.name}"
        if slot.is_list != isinstance(part, list):
            self._issue("error", at, "structure", "its extensions have not the shape of the element")
            return
        for number, one in enumerate(part if isinstance(part, list) else [part]):
            place = f"{at}[{number}]" if slot.is_list else at
            if one is None and slot.is_list:
                self._issue("error", place, "empty", "neither a value nor an extension", "leave it out")
            else:
                self._extra(slot, one, place, standing)

    def _extra(self, slot: Slot, extra: Any, at: str, standing: Standing) -> None:
        if not isinstance(extra, dict):
            self._issue("error", at, "structure", f"an object of id and extension is needed, not {kind_of(extra)}")
            return
        self._object(Standing(at, slot.inner, extra, standing.owner, slot, standing), plan_of("Element"))

    def _issue(self, severity: Severity, path: str, rule: str, message: str, fix: str | None = None) -> None:
        self.found.issues.append(Issue(severity, path, rule, message, fix))


def walk(resource: Any, *, lenient: bool = False) -> Walked:
    """Walk a whole resource; its own type opens every path."""
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    walking = Walk(lenient=lenient)
    walking.resource(resource, kind if isinstance(kind, str) and model.is_resource(kind) else "Resource")
    return walking.found
