"""What makes a rule give a wrong or an unrepeatable answer although it loads: silence that answers, clocks, loose ends.

House rule 10: in CQL `null in "Set"` is false and `not exists {}` is true, so a test that asks the chart itself takes
silence for an answer. A test asks its criterion's evidence, which is there whenever the test is asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from prior_auth.cql import At, Library
from prior_auth.cql.syntax.nodes import Node
from prior_auth.cql.syntax.walk import walk
from prior_auth.errors import RuleError
from prior_auth.policy.model import Absence, Criterion, Kind, Policy
from prior_auth.policy.names import Key, Names, Retrieved

GIVEN = ("AsOf", "ServiceOn", "Plan", "OrderId")  # parameters that the engine always supplies


class Severity(StrEnum):
    """An error refuses the policy; a warning is listed."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """`rule` is the short name of what was looked for, `where` is `file:line` or `file:line:column`."""

    severity: Severity
    rule: str
    message: str
    where: str
    fix: str

    @classmethod
    def of(cls, error: RuleError, rule: str = "load") -> Finding:
        """What stopped a rule before it could be linted, or the compiler doubts."""
        return cls(Severity.ERROR, rule, error.message, error.where or "rules", error.fix or "")

    def as_json(self) -> dict[str, str]:
        return {
            "severity": self.severity.value, "rule": self.rule, "message": self.message, "where": self.where,
            "fix": self.fix,
        }  # fmt: skip


class LintError(RuleError):
    """A policy that the lint refuses: the first error, with all `findings` of the policy."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        first = next(one for one in findings if one.severity is Severity.ERROR)
        super().__init__(first.message, where=first.where, fix=first.fix)
        self.findings = tuple(findings)


def lint(policy: Policy, library: Library) -> tuple[Finding, ...]:
    """Everything that is found in a policy and its own library."""
    own = library.node.name
    names = Names({**library.included, own: library.node})
    return (
        *(Finding.of(one, "doubt") for one in library.doubts),
        *_clocks(library),
        *(one for criterion in policy.criteria for one in _criterion(criterion, policy)),
        *(one for criterion in policy.criteria for one in _tests(criterion, names, own)),
        *_unused(policy, names, own),
        *_off_every_path(policy),
    )


def _tests(criterion: Criterion, names: Names, own: str) -> Iterator[Finding]:
    presumes = criterion.absence is Absence.PRESUMED_ABSENT
    test = _Test(names, own, [criterion.evidence], f"the test of {criterion.id}", presumes=presumes)
    yield from test.answer_of((own, criterion.test))
    if criterion.applies:
        # Where it is false the criterion is not asked at all, whatever its evidence.
        condition = _Test(names, own, [], f"the condition of {criterion.id}")
        yield from condition.answer_of((own, criterion.applies))


def _error(rule: str, message: str, where: str | At, fix: str) -> Finding:
    return Finding(Severity.ERROR, rule, message, str(where), fix)


def _warning(rule: str, message: str, where: str | At, fix: str) -> Finding:
    return Finding(Severity.WARNING, rule, message, str(where), fix)


def _clocks(library: Library) -> Iterator[Finding]:
    for at in library.clock:
        fix = "compare with the parameter AsOf, or ServiceOn for an age"
        yield _error("clock", "this reads the clock, and a judgement is as of a day", at, fix)


# --- policy.yaml ------------------------------------------------------------------------------------------------------

_LETTERS = {Kind.CRITERION: "C", Kind.EXCLUSION: "X", Kind.LIMIT: "CL"}


def _criterion(criterion: Criterion, policy: Policy) -> Iterator[Finding]:
    where = f"{policy.file}:{criterion.line}"
    found = re.fullmatch(rf"({'T' if policy.trial else 'R'}\d{{2}})\.([CXL])\d+", criterion.id)
    if found is None or found[1] != policy.id:
        fix = f"write {policy.id}.C1, {policy.id}.X1 for an exclusion, {policy.id}.L1 for a limit"
        yield _error("criterion-id", f"the criterion id {criterion.id} is not of the usual form", where, fix)
    elif found[2] not in _LETTERS[criterion.kind]:
        # Whether met counts for or against a request is read off the letter.
        fix = "X is for exclusions, L for limits, C for what must be met or kept"
        yield _error("criterion-id", f"{criterion.id} is of the kind {criterion.kind}, which its id denies", where, fix)
    if criterion.kind is Kind.EXCLUSION and not criterion.states_absence:
        fix = "add `absence: presumed-absent` where the payer takes no record for none, else `absence: unknown`"
        yield _error("absence", f"{criterion.id} does not say what silence means", where, fix)


def _off_every_path(policy: Policy) -> Iterator[Finding]:
    for key, line in policy.idle:
        fix = "name it in the `criteria` of a path, or delete it"
        yield _warning("unused", f"no path of {policy.id} asks the criterion {key}", f"{policy.file}:{line}", fix)


# --- policy.cql: the tests --------------------------------------------------------------------------------------------


class _Test:
    """A define whose answer counts, followed to where its true or false comes from.

    `evidence` are the defines whose retrieves are known to have found something when an answer is asked for, unless the
    criterion `presumes` that no record means none; then its branches may say so.
    """

    def __init__(self, names: Names, library: str, evidence: Iterable[str], of: str, *, presumes: bool = False) -> None:
        self.names, self.of, self.presumes = names, of, presumes
        self.evidence = [(library, one) for one in evidence]
        self.seen: set[Key] = set()
        self.null_asked = False

    @cached_property
    def known(self) -> set[Retrieved]:
        return self.names.retrieves(self.names.reached(self.evidence))

    def answer_of(self, key: Key) -> Iterator[Finding]:
        if key not in self.seen:
            self.seen.add(key)
            for body in self.names.bodies(key):
                yield from self._answer(body, key[0])

    def _answer(self, node: Node, library: str) -> Iterator[Finding]:
        """A node whose true or false becomes the criterion's; what guards it (`if`, `when`) is no answer itself."""
        match node.op:
            case "Name" | "Member" | "Call" if (key := self.names.meant(node, library)) is not None:
                yield from self.answer_of(key)
            case "If":
                yield from self._guarded(node.args[0], node.args[1], node.args[2], library)
                yield from self._branches(node.args[:1], node.args[1:], library)
            case "Case":
                items = node.args[1:] if node["comparand"] else node.args
                for when, then in zip(items[:-1:2], items[1::2], strict=False):
                    yield from self._guarded(when, then, node.args[-1], library)
                yield from self._branches(items[:-1:2], (*items[1::2], items[-1]), library)
            case "And" | "Or" | "Not" | "Xor" | "Implies" | "Parens":
                yield from self._each(node.args, library)
            case "Exists":
                yield from self._asks(node, library, "`exists` of nothing is false")
            case "In" | "Contains" if not self.null_asked and any(
                self.names.is_value_set(one, library) for one in node.args
            ):
                message = (
                    f"{self.of} asks whether something is in a value set, and null is in none: silence would be false"
                )
                fix = "ask first whether it is null: `if X is null then null else X in ...`"
                yield _error("null-in-set", message, node.at, fix)
            case _ if any(one.op == "Retrieve" for one in walk(node)):
                yield from self._asks(node, library, "it has a value for nothing too")

    def _each(self, nodes: Iterable[Node], library: str) -> Iterator[Finding]:
        for one in nodes:
            yield from self._answer(one, library)

    def _branches(self, conditions: Sequence[Node], branches: Sequence[Node], library: str) -> Iterator[Finding]:
        """What is answered under conditions; one that asks for null takes the sting out of `in` a value set."""
        before = self.null_asked
        self.null_asked = before or any(one.op == "IsNull" for node in conditions for one in walk(node))
        yield from self._each(branches, library)
        self.null_asked = before

    def _guarded(self, condition: Node, then: Node, otherwise: Node, library: str) -> Iterator[Finding]:
        """`if exists X then ... else false` says no to silence, `when not exists X then true` says yes."""
        for asked, negated in () if self.presumes else _existence(condition):
            if _bare(then if negated else otherwise).op == "Literal":
                yield from self._beside(asked, library, "the branch for nothing is an answer")

    def _asks(self, node: Node, library: str, because: str) -> Iterator[Finding]:
        """An answer straight from a retrieve, or from what the evidence does not hold."""
        if any(one.op == "Retrieve" for one in walk(node)):
            message = f"{self.of} asks a retrieve itself, and {because}: silence would be an answer"
            yield _error("silence", message, node.at, "name the retrieve in a define, and use it as evidence")
        else:
            yield from self._beside(node, library, because)

    def _beside(self, node: Node, library: str, because: str) -> Iterator[Finding]:
        asked = {*self.names.asked(node, library)}
        asked |= self.names.retrieves(self.names.reached(self.names.used(node, library)))
        more = sorted(str(type_) for type_, codes in asked if {(type_, codes), (type_, None)}.isdisjoint(self.known))
        if more:
            message = f"{self.of} asks for {more[0]} resources that are not among its evidence, and {because}"
            fix = "add them to the evidence, or answer null where there are none: `if exists X then ... else null`"
            yield _error("silence", message, node.at, fix)


def _existence(condition: Node, negated: bool = False) -> Iterator[tuple[Node, bool]]:
    """Each `exists` by which a condition goes, and whether it goes by there being none."""
    match condition.op:
        case "Exists":
            yield condition, negated
        case "Not":
            yield from _existence(condition.args[0], not negated)
        case "And" | "Or" | "Parens":
            for one in condition.args:
                yield from _existence(one, negated)


def _bare(node: Node) -> Node:
    while node.op == "Parens":
        node = node.args[0]
    return node


# --- policy.cql: what nothing uses ------------------------------------------------------------------------------------


def _unused(policy: Policy, names: Names, library: str) -> Iterator[Finding]:
    """Definitions of the policy's own library to which neither policy.yaml nor what it names leads."""
    named = [one.fits for one in policy.paths] + [one.fits for one in policy.unwritten]
    named += [define for one in policy.criteria for define in one.defines]
    used = names.reached((library, one) for one in named)
    for key, at in names.declared(library):
        if key not in used and key[1] not in GIVEN:
            fix = "delete it, or name it in policy.yaml"
            yield _warning("unused", f"nothing uses `{key[1]}`", at, fix)


def unused_in_libraries(libraries: Iterable[Library]) -> Iterator[Finding]:
    """Defines and functions of shared libraries to which none of these policies' libraries leads."""
    users = {f"{index}": one.node for index, one in enumerate(libraries)}
    shared = {name: node for one in libraries for name, node in one.included.items()}
    names = Names({**shared, **users})
    used = names.reached(key for user in users for key, _ in names.declared(user))
    for library in sorted(shared):
        for key, at in names.declared(library):
            if key not in used and key[1] not in GIVEN:
                yield _warning("unused", f"no policy uses `{key[1]}` of {library}", at, "delete it")
