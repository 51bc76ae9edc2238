"""What each name of a policy's library and of those that it includes leads to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from prior_auth.cql import At
from prior_auth.cql.syntax.nodes import CodeDef, ConceptDef, ExpressionDef, LibraryNode, Node, ParameterDef, ValueSetDef
from prior_auth.cql.syntax.walk import walk

Key = tuple[str, str]  # the library's name and the name in it
Retrieved = tuple[str, str | None]  # a resource type and what it is selected by, None for all of them


class _Body(NamedTuple):
    """What an expression mentions, and what it asks of the chart."""

    uses: frozenset[Key]
    retrieves: frozenset[Retrieved]


class Names:
    """The definitions and functions of some libraries, by library and name."""

    def __init__(self, libraries: Mapping[str, LibraryNode]) -> None:
        self.libraries = libraries
        self._aliases = {
            name: {one.alias: one.library for one in node.includes if one.library in libraries}
            for name, node in libraries.items()
        }
        self._bodies: dict[Key, list[Node]] = {}
        self._mentioned: dict[Key, list[str]] = {}
        for name, node in libraries.items():
            self._read(name, node)
        self._known: dict[Key, _Body] = {}

    def _read(self, library: str, node: LibraryNode) -> None:
        for name, one in node.definitions.items():
            key = (library, name)
            match one:
                case ExpressionDef():
                    self._bodies[key] = [one.body]
                case ParameterDef() if one.default is not None:
                    self._bodies[key] = [one.default]
                case CodeDef():
                    self._mentioned[key] = [one.system]
                case ConceptDef():
                    self._mentioned[key] = list(one.codes)
        for function in node.functions:
            self._bodies.setdefault((library, function.name), []).append(function.body)

    def bodies(self, key: Key) -> Sequence[Node]:
        """The expression of a define, or of each function of the name; none for anything else."""
        return self._bodies.get(key, ())

    def declared(self, library: str) -> Iterator[tuple[Key, At]]:
        """Everything that a library declares, functions too, with its place."""
        node = self.libraries[library]
        for name, one in node.definitions.items():
            yield (library, name), one.at
        for function in node.functions:
            yield (library, function.name), function.at

    def is_value_set(self, node: Node, library: str) -> bool:
        key = self.meant(node, library)
        return key is not None and isinstance(self.libraries[key[0]].definitions.get(key[1]), ValueSetDef)

    def meant(self, node: Node, library: str) -> Key | None:
        """What a name, a name of an included library or a call stands for; None for elements, aliases and the like."""
        if node.op in ("Member", "Call") and node.args and node.args[0].op == "Name":
            included = self._aliases[library].get(node.args[0]["name"])
            if included is not None:
                return included, node["name"]
        if node.op == "Name" or node.op == "Call":
            return library, node["name"]
        return None

    def used(self, node: Node, library: str) -> Iterator[Key]:
        """What a node mentions."""
        for one in walk(node):
            key = self.meant(one, library)
            if key is not None:
                yield key

    def reached(self, keys: Iterable[Key]) -> set[Key]:
        """All that these lead to, themselves included."""
        found: set[Key] = set()
        waiting = list(keys)
        while waiting:
            key = waiting.pop()
            if key in found:
                continue
            found.add(key)
            waiting.extend(self._body(key).uses)
            waiting.extend((key[0], one) for one in self._mentioned.get(key, ()))
        return found

    def retrieves(self, keys: Iterable[Key]) -> set[Retrieved]:
        """What these ask of the chart themselves."""
        return {one for key in keys for one in self._body(key).retrieves}

    def asked(self, node: Node, library: str) -> Iterator[Retrieved]:
        """The retrieves inside a node."""
        return (self._retrieved(one, library) for one in walk(node) if one.op == "Retrieve")

    def _body(self, key: Key) -> _Body:
        """Read when it is first asked for: of shared libraries a policy needs a part only."""
        known = self._known.get(key)
        if known is None:
            nodes = [node for body in self._bodies.get(key, ()) for node in walk(body)]
            known = self._known[key] = _Body(
                frozenset(found for node in nodes if (found := self.meant(node, key[0])) is not None),
                frozenset(self._retrieved(node, key[0]) for node in nodes if node.op == "Retrieve"),
            )
        return known

    def _retrieved(self, node: Node, library: str) -> Retrieved:
        """Where no name says by what codes, the place in the text stands for them."""
        codes: Node | None = node["codes"]
        key = self.meant(codes, library) if codes is not None else None
        return node["type"].name, key[1] if key is not None else None if codes is None else str(codes.at)
