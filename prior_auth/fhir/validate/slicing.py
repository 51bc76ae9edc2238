"""Which slice a value belongs to: discriminators made into tests (FHIR R4 profiling.html 5.1.0.16)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from prior_auth.fhir.validate.tree import Item, Node, extension_url, items, tree_of
from prior_auth.r4 import model
from prior_auth.r4.definitions import HL7, Discriminator

if TYPE_CHECKING:
    from prior_auth.fhir.validate.conform import Conformance

# True: a member; False: none; None: a code list that is not at hand would have to tell.
Matcher = Callable[[Item], bool | None]

_STEP = re.compile(r"extension\('([^']+)'\)|(resolve)\(\)|ofType\(([A-Za-z]+)\)|(\$this)|([a-zA-Z][a-zA-Z0-9]*)")


class Step(NamedTuple):
    kind: str  # extension, resolve, ofType, child
    name: str


def matcher_of(sliced: Node, one: Node, conformance: Conformance) -> Matcher:
    """A test for membership in slice `one` of the element `sliced`."""
    slicing = sliced.element.slicing
    if slicing is None or not slicing.discriminators:
        return _by_type(one) if sliced.element.is_choice else lambda item: conformance.keeps(one, item)
    if one.name in ("extension", "modifierExtension") and (url := extension_url(one)) is not None:
        return lambda item: isinstance(item.value, dict) and item.value.get("url") == url
    tests = [_test(discriminator, one, conformance) for discriminator in slicing.discriminators]
    return lambda item: _all([test(item) for test in tests])


def _all(answers: list[bool | None]) -> bool | None:
    return False if False in answers else None if None in answers else True


def _any(answers: list[bool | None]) -> bool | None:
    return True if True in answers else None if None in answers else False


@cache
def steps_of(path: str) -> tuple[Step, ...]:
    """A discriminator path as steps. ValueError where it uses more than FHIR allows there."""
    steps: list[Step] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None or path[match.end() : match.end() + 1] not in ("", "."):
            raise ValueError(path)
        extension, resolve, kind, this, name = match.groups()
        if extension:
            steps.append(Step("extension", extension))
        elif resolve:
            steps.append(Step("resolve", ""))
        elif kind:
            steps.append(Step("ofType", kind))
        elif not this:
            steps.append(Step("child", name))
        at = match.end() + 1  # the dot
    return tuple(steps)


def _test(discriminator: Discriminator, one: Node, conformance: Conformance) -> Matcher:
    steps = steps_of(discriminator.path)
    targets = _defined(one, steps)
    match discriminator.type:
        case "exists":
            return _exists(steps, targets, conformance)
        case "type":
            return _of_type(steps, targets, conformance)
        case "profile":
            return _of_profile(steps, targets, conformance)
        case _:  # value and pattern ask the same: what the slice says of the element
            return _of_value(steps, targets, conformance)


def _defined(node: Node, steps: tuple[Step, ...]) -> list[Node]:
    """What the slice says of the element at the end of the path; type profiles are looked into as well."""
    here = [node]
    for step in steps:
        if step.kind in ("ofType", "resolve"):
            continue
        here = [found for one in here for found in _step_into(one, step)]
    return here


def _step_into(node: Node, step: Step) -> Iterator[Node]:
    found = node.extension(step.name) if step.kind == "extension" else node.child(step.name)
    if found is not None:
        yield found
        return
    for one in node.slices:  # `code.coding.code` where the codings are sliced: what the required slices say
        if one.element.min > 0:
            yield from _step_into(one, step)
    for ref in node.element.types:
        for profile in ref.profiles:
            root = tree_of(profile)
            inner = root and (root.extension(step.name) if step.kind == "extension" else root.child(step.name))
            if inner is not None:
                yield inner


def _reached(item: Item, steps: tuple[Step, ...], conformance: Conformance) -> list[Item]:
    here = [item]
    for step in steps:
        here = [found for one in here for found in _go(one, step, conformance)]
    return here


def _go(item: Item, step: Step, conformance: Conformance) -> Iterator[Item]:
    value = item.value
    match step.kind:
        case "ofType":
            if item.type == step.name or model.is_subtype(item.type, step.name):
                yield item
        case "resolve":
            reference = value.get("reference") if isinstance(value, dict) else value
            found = conformance.around.resolve(reference, item) if isinstance(reference, str) else None
            if found is not None:
                yield found
        case "extension":
            held = value if isinstance(value, dict) else item.extra
            for number, one in enumerate(held.get("extension", ()) if isinstance(held, dict) else ()):
                if isinstance(one, dict) and one.get("url") == step.name:
                    yield Item(f"{item.path}.extension[{number}]", "Extension", one)
        case _:
            yield from _children(item, step.name)


def _children(item: Item, name: str) -> Iterator[Item]:
    element = model.element(item.type, name)
    if element is None:
        return
    if element.is_choice:
        keys = tuple((name + code[0].upper() + code[1:], code) for code in element.codes)
    else:
        keys = ((name, element.inner_types[0]),)
    yield from items(Node(element, name, keys), item)


def _of_value(steps: tuple[Step, ...], targets: list[Node], conformance: Conformance) -> Matcher:
    telling = [one for one in targets if _tells(one)]
    if not telling:
        return lambda item: bool(_reached(item, steps, conformance)) if targets else False

    def matches(item: Item) -> bool | None:
        reached = _reached(item, steps, conformance)
        return _all([_any([conformance.keeps(one, value) for value in reached]) for one in telling])

    return matches


def _tells(node: Node) -> bool:
    element = node.element
    return bool(
        element.fixed
        or (element.binding and element.binding.strength == "required")
        or node.children
        or node.slices
        or any(ref.profiles for ref in element.types)
    )


def _exists(steps: tuple[Step, ...], targets: list[Node], conformance: Conformance) -> Matcher:
    must_be = all(one.element.max != 0 for one in targets)
    return lambda item: bool(_reached(item, steps, conformance)) == must_be


def _by_type(one: Node) -> Matcher:
    codes = frozenset(one.element.codes)
    return lambda item: item.type in codes


def _of_type(steps: tuple[Step, ...], targets: list[Node], conformance: Conformance) -> Matcher:
    resolves = any(step.kind == "resolve" for step in steps)
    codes = frozenset(
        kind
        for one in targets
        for ref in one.element.types
        for kind in (_target_types(ref.targets) if resolves else [ref.code])
    )

    def matches(item: Item) -> bool:
        return any(_kind(one) in codes for one in _reached(item, steps, conformance))

    return matches


def _kind(item: Item) -> str:
    return (
        str(item.value["resourceType"]) if isinstance(item.value, dict) and "resourceType" in item.value else item.type
    )


def _target_types(targets: tuple[str, ...]) -> list[str]:
    found = []
    for one in targets:
        name = one.split("|")[0].removeprefix(HL7)
        root = None if model.is_type(name) else tree_of(one)
        found.append(root.element.path if root is not None else name)
    return found


def _of_profile(steps: tuple[Step, ...], targets: list[Node], conformance: Conformance) -> Matcher:
    resolves = any(step.kind == "resolve" for step in steps)
    profiles = [
        profile
        for one in targets
        for ref in one.element.types
        for profile in (ref.targets if resolves else ref.profiles)
    ]

    def matches(item: Item) -> bool:
        return any(
            _is_one(profile, one, conformance) for one in _reached(item, steps, conformance) for profile in profiles
        )

    return matches


def _is_one(profile: str, item: Item, conformance: Conformance) -> bool:
    name = profile.split("|")[0].removeprefix(HL7)
    if model.is_type(name):
        return name in ("Resource", _kind(item))
    root = tree_of(profile)
    return root is not None and root.element.path == _kind(item) and conformance.conforms(item, profile)
