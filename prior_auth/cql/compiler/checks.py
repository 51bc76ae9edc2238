"""What is right by its types and still wrong: branches that nothing reaches, tests that nothing passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from prior_auth.cql.compiler.base import Compiled, Constant, Scope
from prior_auth.cql.compiler.bound import Bound, Coded, bound
from prior_auth.cql.compiler.expressions import can_be, row
from prior_auth.cql.compiler.queries import CODE_PATHS, Queries
from prior_auth.cql.errors import At, CqlError
from prior_auth.cql.syntax.nodes import Node
from prior_auth.cql.syntax.walk import walk
from prior_auth.cql.types import ANY, Choice
from prior_auth.cql.values.core import Code, Concept, Vocabulary
from prior_auth.terminology.valuesets import ValueSet

Check = Callable[[Any, Node], None]


class Checks(Queries):
    """Looks at each node once it has been compiled.

    What never holds by the codes of R4 is an error; what is only without use is a doubt.
    """

    helpers_alias: set[str]
    value_sets: Mapping[str, ValueSet]

    def __init__(self) -> None:
        self.doubts: dict[str, CqlError] = {}
        self._made: dict[int, tuple[Compiled, Node]] = {}  # the node too, so that its id stays its own

    def compile(self, node: Node, scope: Scope) -> Compiled:
        found = super().compile(node, scope)
        self._made[id(node)] = found, node
        check = _CHECKS.get(node.op)
        if check is not None:
            check(self, node)
        return found

    def forget(self) -> None:
        """What is needed no more once all is compiled."""
        self._made.clear()

    def doubt(self, message: str, at: At, fix: str | None) -> None:
        """Noted once for a place: some nodes are compiled twice."""
        self.doubts.setdefault(f"{at}", CqlError(message, at, fix))

    def _constant(self, node: Node) -> tuple[Any] | None:
        """The value of a node that has always the same, in a tuple."""
        made = self._compiled(node)
        return (made.compute.value,) if made is not None and isinstance(made.compute, Constant) else None

    def _compiled(self, node: Node) -> Compiled | None:
        """None for a node that a short cut has worked out in another way."""
        made = self._made.get(id(node))
        return made[0] if made is not None else None

    # Branches

    def _if(self, node: Node) -> None:
        condition, then, otherwise = node.args
        known = self._constant(condition)
        if known is not None:
            self._unreached(otherwise if known[0] is True else then, condition, always=known[0] is True)

    def _case(self, node: Node) -> None:
        items = node.args[1:-1] if node["comparand"] else node.args[:-1]
        whens, thens = items[::2], items[1::2]
        if node["comparand"]:
            self._against(node.args[0], whens)
        for index, when in enumerate(whens):
            if any(alike(when, earlier) for earlier in whens[:index]):
                self.doubt("this is never reached: an earlier `when` asks the same", start(when), "ask something else")
            known = None if node["comparand"] else self._constant(when)
            if known is not None and known[0] is not True:
                self._unreached(thens[index], when, always=False)
            elif known is not None:
                after = whens[index + 1] if index + 1 < len(whens) else node.args[-1]
                if after.op != "Null":
                    self._unreached(after, when, always=True)
                return

    def _unreached(self, branch: Node, condition: Node, *, always: bool) -> None:
        said = "always" if always else "never"
        message = f"this is never reached: the condition in line {start(condition).line} is {said} true"
        self.doubt(message, start(branch), "correct the condition, or delete what is not reached")

    def _decided(self, node: Node) -> None:
        """`and` with something that is always false, `or` with something always true."""
        decisive = node.op == "Or"
        for one in row(node):
            if self._constant(one) == (decisive,):
                message = f"`{node.op.lower()}` with what is always {str(decisive).lower()} never asks the rest"
                self.doubt(message, start(one), "correct it, or delete the rest")

    # Types and nulls

    def _is(self, node: Node) -> None:
        made = self._compiled(node.args[0])
        type_ = self.type_of(node["type"])
        if made is not None and made.type != ANY and not can_be(made.type, type_):
            known = made.type.types if isinstance(made.type, Choice) else (made.type,)
            fix = f"it is {'one of ' if len(known) > 1 else 'always '}{', '.join(map(str, known))}"
            self.doubt(f"this is never a {type_}", start(node), fix)

    def _compared(self, node: Node) -> None:
        left, right = node.args
        for one in (left, right):
            if one.op == "Null" and not node.op.endswith("Equivalent"):
                self.doubt("a comparison with null is always null", start(node), "write `is null` or `is not null`")
        for element, value in ((left, right), (right, left)):
            self._against(element, [value])

    def _in(self, node: Node) -> None:
        value, many = node.args
        if bare(many).op == "List":
            self._against(value, bare(many).args)
            return
        holds, coded = self._bound(value), [*self._coded(many)]
        if holds is not None and coded and not any(holds.may_hold(one) for one in coded):
            raise CqlError(f"{holds.element} is never in this value set", start(many), holds.fix(coded[0][1]))

    # Codes

    def _against(self, element: Node, values: Sequence[Node]) -> None:
        """CqlError for a value that an element with a required binding never holds."""
        holds = self._bound(element)
        for value in values if holds is not None else ():
            coded = [*self._coded(value)]
            if holds is not None and coded and not any(holds.may_hold(one) for one in coded):
                system, code = coded[0]
                shown = f"`{code}`{f' of {system}' if system else ''}"
                raise CqlError(f"{holds.element} is never {shown}", start(value), holds.fix(code))

    def _bound(self, node: Node) -> Bound | None:
        """What an element, its `.value` or what FHIRHelpers makes of it may hold."""
        node = bare(node)
        if node.op == "Call" and len(node.args) == 2 and node.args[0]["name"] in self.helpers_alias:
            return self._bound(node.args[1])
        if node.op != "Member":
            return None
        if node["name"] == "value" and (found := self._bound(node.args[0])) is not None:
            return found
        owner = self._compiled(node.args[0])
        return bound(owner.type, node["name"]) if owner is not None else None

    def _coded(self, node: Node) -> Iterator[Coded]:
        """The codes that a constant or a value set stands for; none where it is neither."""
        node = bare(node)
        if node.op == "Literal":
            if node["kind"] == "String":
                yield None, node["text"]
            return
        known = self._constant(node)
        if known is not None:
            yield from self._codes_in(known[0])

    def _codes_in(self, value: Any) -> Iterator[Coded]:
        match value:
            case Code():
                yield value.system, value.code
            case Concept():
                yield from ((one.system, one.code) for one in value.codes)
            case Vocabulary(kind="ValueSet"):
                key = f"{value.id}|{value.version}" if value.version else value.id
                yield from self.value_sets[key].codes
            case list() | tuple():
                for one in value:
                    yield from self._codes_in(one)

    def _retrieve(self, node: Node) -> None:
        """By codes that the element never holds: nothing is found, whatever the chart says."""
        if node["codes"] is None:
            return
        path = node["path"] or CODE_PATHS.get(node["type"].name, "")
        holds = bound(self.type_of(node["type"]), path)
        coded = [*self._coded(node["codes"])]
        if holds is not None and coded and not any(holds.may_hold(one) for one in coded):
            message = f"this is always empty: {holds.element} holds none of these codes"
            raise CqlError(message, start(node), holds.fix(coded[0][1]))


_CHECKS: dict[str, Check] = {
    "If": Checks._if, "Case": Checks._case, "And": Checks._decided, "Or": Checks._decided, "Is": Checks._is,
    "Equal": Checks._compared, "NotEqual": Checks._compared, "Equivalent": Checks._compared,
    "NotEquivalent": Checks._compared, "In": Checks._in, "Retrieve": Checks._retrieve,
}  # fmt: skip


def bare(node: Node) -> Node:
    """The node without parentheses around it."""
    while node.op == "Parens":
        node = node.args[0]
    return node


def start(node: Node) -> At:
    """Where its text begins: an operator between operands has the place of its sign."""
    return min((one.at for one in walk(node)), key=lambda at: (at.line, at.column))


def alike(one: Node, other: Node) -> bool:
    """The same text, wherever it stands."""
    return one.op == other.op and _parts(one.args, other.args) and _parts(one.attrs, other.attrs)


def _parts(one: Any, other: Any) -> bool:
    if isinstance(one, Node) and isinstance(other, Node):
        return alike(one, other)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(_parts(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_parts(one[key], other[key]) for key in one)
    return type(one) is type(other) and bool(one == other)
