"""A policy joined with its compiled CQL: what is judged by, with the hash that names it on the record."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prior_auth.cql import Library, compile_library
from prior_auth.cql.syntax import parse_library
from prior_auth.domain.assessment import PolicyId
from prior_auth.errors import RuleError
from prior_auth.policy.model import Absence, Kind, Policy
from prior_auth.terminology.valuesets import ValueSet

GIVEN = ("AsOf", "ServiceOn", "Plan", "OrderId")  # parameters that the engine always supplies


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """`hash` covers policy.yaml, policy.cql, the libraries it includes and the codes of the value sets it uses."""

    policy: Policy
    library: Library
    hash: str

    @property
    def id(self) -> PolicyId:
        return PolicyId(self.policy.id, self.policy.version, self.hash)

    @property
    def valuesets(self) -> Mapping[str, str]:
        return {url: one.version or "" for url, one in sorted(self.library.value_sets.items()) if "|" not in url}


def join(
    policy: Policy, *, yaml: str, cql: str, file: str, libraries: Mapping[str, str], sets: Mapping[str, ValueSet]
) -> Rule:
    """Compile a policy's CQL and check that policy and library fit each other. RuleError with `file:line`."""
    _lint(cql, file, policy)
    library = compile_library(cql, include=libraries, valuesets=sets, name=file)
    _check_defines(policy, library)
    _check_values(policy, library, file)
    return Rule(policy, library, _hash(yaml, cql, _included(cql, file, libraries), library.value_sets.values()))


def _check_defines(policy: Policy, library: Library) -> None:
    named = [(one.fits, f"path {one.id}") for one in policy.paths]
    named += [(one.fits, f"path {one.id}") for one in policy.unwritten]
    named += [(define, one.id) for one in policy.criteria for define in one.defines]
    for define, by in named:
        if define not in library.definitions:
            raise RuleError(f"{by} names a define that is not there: {define}", where=policy.file, fix="see policy.cql")


def _check_values(policy: Policy, library: Library, file: str) -> None:
    known = {*GIVEN, *policy.values}
    for parameter in library.parameters:
        if parameter not in known:
            raise RuleError(f"nobody supplies the parameter {parameter}", where=file, fix="add it under `values`")
    for name in policy.values:
        if name not in library.parameters:
            raise RuleError(f"the CQL has no parameter {name}", where=policy.file, fix="declare it, or drop the value")


def _included(cql: str, file: str, libraries: Mapping[str, str]) -> list[str]:
    """The texts of all libraries that a library leans on, by name."""
    found: dict[str, str] = {}
    waiting = [(cql, file)]
    while waiting:
        text, name = waiting.pop()
        for one in parse_library(text, name).includes:
            if one.library in libraries and one.library not in found:
                found[one.library] = libraries[one.library]
                waiting.append((libraries[one.library], one.library))
    return [found[name] for name in sorted(found)]


def _hash(yaml: str, cql: str, included: Iterable[str], sets: Iterable[ValueSet]) -> str:
    digest = hashlib.sha256()
    codes = sorted({f"{one.url}|{one.version}|{sorted(one.codes)}" for one in sets})
    for part in (yaml, cql, *included, *codes):
        digest.update(hashlib.sha256(part.encode()).digest())
    return digest.hexdigest()


# --- Lint: what would turn silence into an answer ---------------------------------------------------------------------

_CLOCK = re.compile(r"\b(Today|Now|TimeOfDay)\s*\(")
_ON_RETRIEVE = re.compile(r"(exists\s*\(?\s*\[|\]\s*\)?\s+in\s+\")")
_DEFINE = re.compile(r'^define\s+(?:function\s+)?"(?P<name>[^"]+)"', re.MULTILINE)


def lint(cql: str, file: str, tests: Iterable[str] = ()) -> list[RuleError]:
    """A clock in a rule; `exists` or `in` straight on a retrieve inside a test."""
    text = re.sub(r"//[^\n]*", lambda match: " " * len(match[0]), cql)
    found = [
        RuleError(f"{match[1]}() in a rule: a judgement is as of a day", where=f"{file}:{_line(text, match.start())}")
        for match in _CLOCK.finditer(text)
    ]
    starts = [*_DEFINE.finditer(text)]
    for one, following in zip(starts, [*starts[1:], None], strict=True):
        body = text[one.start() : following.start() if following else len(text)]
        if one["name"] in set(tests) and (match := _ON_RETRIEVE.search(body)):
            where = f"{file}:{_line(text, one.start() + match.start())}"
            message = f"the test {one['name']} asks a retrieve itself: silence would be an answer"
            found.append(RuleError(message, where=where, fix="name the retrieve in a define, and use it as evidence"))
    return found


def _lint(cql: str, file: str, policy: Policy) -> None:
    for problem in lint(cql, file, [one.test for one in policy.criteria]):
        raise problem
    for one in policy.criteria:
        if one.kind is Kind.EXCLUSION and one.absence is Absence.UNKNOWN and not one.needs:
            raise RuleError(f"{one.id} does not say what silence means", where=policy.file, fix="add `absence`")


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
