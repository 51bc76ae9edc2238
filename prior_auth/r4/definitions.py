"""What a StructureDefinition or a ValueSet states, less its prose: the shape of the shipped tables."""

from __future__ import annotations

from typing import Any

import msgspec

HL7 = "http://hl7.org/fhir/StructureDefinition/"


class TypeRef(msgspec.Struct, frozen=True, omit_defaults=True):
    """One allowed type: `Reference` with its `targets`, `Extension` with its `profiles` (canonical URLs)."""

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


class Binding(msgspec.Struct, frozen=True, omit_defaults=True):
    """`strength` is required, extensible, preferred or example; `maximum` the value set no code may leave."""

    strength: str
    valueset: str | None = None
    maximum: str | None = None


class Invariant(msgspec.Struct, frozen=True, omit_defaults=True):
    """`severity` is error or warning; `best_practice` warnings are advice only."""

    key: str
    expression: str
    severity: str = "error"
    best_practice: bool = False


class Discriminator(msgspec.Struct, frozen=True, omit_defaults=True):
    type: str
    path: str


class Slicing(msgspec.Struct, frozen=True, omit_defaults=True):
    """`rules` is open, closed or openAtEnd."""

    discriminators: tuple[Discriminator, ...] = ()
    rules: str = "open"
    ordered: bool = False


class Fixed(msgspec.Struct, frozen=True, omit_defaults=True):
    """`exact`: the value must equal it (fixed[x]); otherwise it must hold at least what `value` holds (pattern[x])."""

    value: Any
    exact: bool = False


class Element(msgspec.Struct, frozen=True, omit_defaults=True):
    """One element. `max` None is unbounded; `content` is the path whose children it has (contentReference):
    of this same structure, or of the base type where `content_of_base`.

    `path` is as published (`Observation.value[x]`); `id` tells slices apart and is empty where it equals the path.
    """

    path: str
    id: str = ""
    min: int = 0
    max: int | None = 1
    types: tuple[TypeRef, ...] = ()
    content: str | None = None
    content_of_base: bool = False
    binding: Binding | None = None
    fixed: Fixed | None = None
    slicing: Slicing | None = None
    slice: str | None = None
    invariants: tuple[Invariant, ...] = ()
    is_modifier: bool = False
    must_support: bool = False
    max_length: int | None = None
    min_value: Any = None
    max_value: Any = None

    @property
    def name(self) -> str:
        """Its own name without `[x]`."""
        return self.path.rsplit(".", 1)[-1].removesuffix("[x]")

    @property
    def is_choice(self) -> bool:
        return self.path.endswith("[x]")

    @property
    def is_list(self) -> bool:
        return self.max is None or self.max > 1

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of its types: ("Quantity", "string")."""
        return tuple(ref.code for ref in self.types)

    @property
    def targets(self) -> tuple[str, ...]:
        """Canonical URLs of what its references may point at."""
        return tuple(target for ref in self.types for target in ref.targets)

    @property
    def inner_types(self) -> tuple[str, ...]:
        """Names under which `model.element` knows its children: its own path where they are defined in place."""
        if self.content is not None:
            return (self.content,)
        return tuple(self.path if code in ("BackboneElement", "Element") else code for code in self.codes)


class Structure(msgspec.Struct, frozen=True, omit_defaults=True):
    """`kind` is resource, complex-type or primitive-type; `elements[0]` is the root; `context` is of an extension.

    In a profile only those elements are listed that say more than the base type, and the ones above them.
    """

    url: str
    type: str
    kind: str
    elements: tuple[Element, ...]
    name: str = ""
    version: str | None = None
    base: str | None = None
    is_abstract: bool = False
    context: tuple[str, ...] = ()


class Codes(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of the members of a value set, by code system.

    `listed` are codes named one by one, `whole` are code systems that belong entirely and whose codes are shipped,
    `unlisted` are code systems of which some or all codes belong but which cannot be told here (licensed, absent,
    without end); `*` there means that a part of the set is unknown altogether.
    """

    url: str
    version: str | None = None
    listed: dict[str, frozenset[str]] = {}
    whole: frozenset[str] = frozenset()
    unlisted: frozenset[str] = frozenset()


class Package(msgspec.Struct, frozen=True):
    """One guide's profiles and extensions."""

    name: str
    version: str
    structures: tuple[Structure, ...]


class CodeSystem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Every code of a complete code system; in lower case where its case does not matter."""

    codes: frozenset[str]
    ignores_case: bool = False

    def has(self, code: str) -> bool:
        return (code.lower() if self.ignores_case else code) in self.codes


class Terminology(msgspec.Struct, frozen=True):
    """`valuesets` by canonical as bindings name it; `codesystems` by URL, complete ones only."""

    valuesets: dict[str, Codes]
    codesystems: dict[str, CodeSystem]
