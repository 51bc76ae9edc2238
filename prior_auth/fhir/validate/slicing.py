"""Which slice a value belongs to: discriminators made into tests (FHIR R4 profiling.html 5.1.0.16)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from prior_auth.fhir.validate.fixed import fits
from prior_auth.fhir.validate.membership import Member, of_value
from prior_auth.fhir.validate.tree import Item, Node, extension_url, items, items_under, reads_of, tree_of
from prior_auth.r4 import model
from prior_auth.r4.definitions import HL7, Discriminator

if TYPE_CHECKING:
    from prior_auth.fhir.validate.conform import Conformance

# True: a member; False: none; None: a code list that is not at hand would have to tell.
Matcher = Callable[[Item, "Conformance"], bool | None]

_DEEPEST = 6  # levels below a discriminator that are looked into
_AS = re.compile(r" as ([A-Za-z]+)|\.as\(([A-Za-z]+)\)")
_STEP = re.compile(r"extension\('([^']+)'\)|(resolve)\(\)|ofType\(([A-Za-z]+)\)|(\$this)|([a-zA-Z][a-zA-Z0-9]*)")


class Step(NamedTuple):
    kind: str  # extension, resolve, ofType, child
    name: str


@cache
def matcher_of(sliced: Node, one: Node) -> Matcher:
    """A test for membership in slice `one` of the element `sliced`, made once for both."""
    slicing = sliced.element.slicing
    if slicing is None or not slicing.discriminators:
        return _by_type(one) if sliced.element.is_choice else lambda item, conformance: conformance.keeps(one, item)
    if one.name in ("extension", "modifierExtension") and (url := extension_url(one)) is not None:
        return lambda item, _: isinstance(item.value, dict) and item.value.get("url") == url
    tests = [_test(discriminator, one) for discriminator in slicing.discriminators]
    if len(tests) == 1:
        return tests[0]
    return lambda item, conformance: _all([test(item, conformance) for test in tests])


def _all(answers: list[bool | None]) -> bool | None:
    return False if False in answers else None if None in answers else True


def _any(answers: list[bool | None]) -> bool | None:
    return True if True in answers else None if None in answers else False


@cache
def steps_of(path: str) -> tuple[Step, ...] | None:
    """A discriminator path as steps. None where it uses more than FHIR allows there."""
    steps: list[Step] = []
    path = _AS.sub(lambda found: f".ofType({found[1] or found[2]})", path)
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None or path[match.end() : match.end() + 1] not in ("", "."):
            return None
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


def _test(discriminator: Discriminator, one: Node) -> Matcher:
    steps = steps_of(discriminator.path)
    if steps is None:
        return lambda _item, _conformance: None
    targets = _defined(one, steps)
    match discriminator.type:
        case "exists":
            return _exists(steps, targets)
        case "type":
            return _of_type(steps, targets)
        case "profile":
            return _of_profile(steps, targets)
        case _:  # value and pattern ask the same: what the slice says of the element
            return _of_value(steps, targets)


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
            within = held.get("extension") if isinstance(held, dict) else None
            for number, one in enumerate(within if isinstance(within, list) else ()):
                if isinstance(one, dict) and one.get("url") == step.name:
                    yield Item(f"{item.path}.extension[{number}]", "Extension", one)
        case _:
            yield from _children(item, step.name)


def _children(item: Item, name: str) -> list[Item]:
    element = model.element(item.type, name)
    return items_under(reads_of((item.type,), name, element.is_choice), item, name) if element is not None else []


def _of_value(steps: tuple[Step, ...], targets: list[Node]) -> Matcher:
    tests = [test for one in targets if (test := _told_by(one)) is not None]
    if not tests:
        return lambda item, conformance: bool(_reached(item, steps, conformance)) if targets else False

    def matches(item: Item, conformance: Conformance) -> bool | None:
        reached = _reached(item, steps, conformance)
        return _all([_any([test(value, conformance) for value in reached]) for test in tests])

    return matches


def _told_by(node: Node, depth: int = 0) -> Matcher | None:
    """A test for the values that a slice names at a discriminator: fixed, pattern, codes; else those further in.

    Nothing else that it says there tells members from others: a member that breaks a rule is a member.
    """
    element = node.element
    if (wanted := element.fixed) is not None:
        return lambda item, _: item.value is not None and fits(wanted, item.value)
    if element.binding is not None and element.binding.strength == "required" and element.binding.valueset:
        return _coded(element.binding.valueset)
    profiles = [profile for ref in element.types for profile in ref.profiles]
    if profiles:
        return lambda item, conformance: any(conformance.conforms(item, one) for one in profiles)
    return _told_inside(node, depth) if depth < _DEEPEST else None


def _coded(valueset: str) -> Matcher:
    answers = {Member.IN: True, Member.OUT: False, Member.UNKNOWN: None}
    return lambda item, _: answers[of_value(valueset, item.value if item.value is not None else item.extra)]


def _told_inside(node: Node, depth: int) -> Matcher | None:
    """By the children, and by the slices that must be there: of each, one value at least."""
    tests = [(child, test) for child in node.children if (test := _told_by(child, depth + 1)) is not None]
    for child in node.children:
        required = (one for one in child.slices if one.element.min > 0)
        tests += [(child, test) for one in required if (test := _told_by(one, depth + 1)) is not None]
    if not tests:
        return None

    def matches(item: Item, conformance: Conformance) -> bool | None:
        answers = []
        for child, test in tests:
            values = items(child, item)
            if values or child.element.min > 0:  # an optional one that is absent tells nothing
                answers.append(_any([test(one, conformance) for one in values]))
        return _all(answers) if answers else False

    return matches


def _exists(steps: tuple[Step, ...], targets: list[Node]) -> Matcher:
    must_be = all(one.element.max != 0 for one in targets)
    return lambda item, conformance: bool(_reached(item, steps, conformance)) == must_be


def _by_type(one: Node) -> Matcher:
    codes = frozenset(one.element.codes)
    return lambda item, _: item.type in codes


def _of_type(steps: tuple[Step, ...], targets: list[Node]) -> Matcher:
    resolves = any(step.kind == "resolve" for step in steps)
    codes = frozenset(
        kind
        for one in targets
        for ref in one.element.types
        for kind in (_target_types(ref.targets) if resolves else [ref.code])
    )

    def matches(item: Item, conformance: Conformance) -> bool:
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


def _of_profile(steps: tuple[Step, ...], targets: list[Node]) -> Matcher:
    resolves = any(step.kind == "resolve" for step in steps)
    profiles = [
        profile
        for one in targets
        for ref in one.element.types
        for profile in (ref.targets if resolves else ref.profiles)
    ]

    def matches(item: Item, conformance: Conformance) -> bool:
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
