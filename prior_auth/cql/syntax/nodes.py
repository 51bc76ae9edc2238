"""What the parser makes of a library: ELM-shaped nodes, each with its place in the text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from prior_auth.cql.errors import At


@dataclass(slots=True)
class Node:
    """One expression. `op` is ELM's name for it; names are still unresolved (`Name`, `Member`, `Call`)."""

    op: str
    at: At
    args: tuple[Node, ...] = ()
    attrs: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.attrs.get(name)


@dataclass(frozen=True, slots=True)
class TypeNode:
    """A type as written: `kind` is named, list, interval, tuple or choice."""

    kind: str
    at: At
    name: str = ""
    qualifier: str | None = None
    of: tuple[TypeNode, ...] = ()
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """`[Condition] C`: a query source, or the source of a with/without clause."""

    alias: str
    expression: Node
    at: At


@dataclass(frozen=True, slots=True)
class Inclusion:
    """`with X such that ...` (present) or `without` (not present)."""

    source: Source
    condition: Node
    present: bool


@dataclass(frozen=True, slots=True)
class SortKey:
    expression: Node | None
    descending: bool
    at: At


@dataclass(frozen=True, slots=True)
class Using:
    model: str
    version: str | None
    at: At


@dataclass(frozen=True, slots=True)
class Include:
    library: str
    version: str | None
    alias: str
    at: At


@dataclass(frozen=True, slots=True)
class CodeSystemDef:
    name: str
    url: str
    version: str | None
    at: At


@dataclass(frozen=True, slots=True)
class ValueSetDef:
    name: str
    url: str
    version: str | None
    at: At


@dataclass(frozen=True, slots=True)
class CodeDef:
    name: str
    code: str
    system: str
    display: str | None
    at: At


@dataclass(frozen=True, slots=True)
class ConceptDef:
    name: str
    codes: tuple[str, ...]
    display: str | None
    at: At


@dataclass(frozen=True, slots=True)
class ParameterDef:
    name: str
    type: TypeNode | None
    default: Node | None
    at: At


@dataclass(frozen=True, slots=True)
class ExpressionDef:
    name: str
    body: Node
    at: At
    private: bool = False
    text: str = ""


@dataclass(frozen=True, slots=True)
class FunctionDef:
    name: str
    parameters: tuple[tuple[str, TypeNode], ...]
    body: Node
    fluent: bool
    at: At
    private: bool = False


Definition = CodeSystemDef | ValueSetDef | CodeDef | ConceptDef | ParameterDef | ExpressionDef


@dataclass(slots=True)
class LibraryNode:
    """A whole library as written."""

    name: str
    version: str | None
    usings: list[Using] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    definitions: dict[str, Definition] = field(default_factory=dict)
    functions: list[FunctionDef] = field(default_factory=list)
