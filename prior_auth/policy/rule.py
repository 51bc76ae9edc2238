"""A policy joined with its compiled CQL: what is judged by, with the hash that names it on the record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prior_auth.cql import Library, compile_library
from prior_auth.domain.assessment import PolicyId
from prior_auth.errors import RuleError
from prior_auth.policy.lint import GIVEN, Finding, LintError, Severity, lint
from prior_auth.policy.model import Policy
from prior_auth.terminology.valuesets import ValueSet


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """`hash` covers policy.yaml, policy.cql, the libraries it includes and the codes of the value sets it uses.

    `warnings` is what the lint lists; its errors refuse the policy.
    """

    policy: Policy
    library: Library
    hash: str
    warnings: tuple[Finding, ...] = ()

    @property
    def id(self) -> PolicyId:
        unverified = tuple(one.name for one in self.policy.sources if not one.is_verified)
        return PolicyId(self.policy.id, self.policy.version, self.hash, unverified)

    @property
    def valuesets(self) -> Mapping[str, str]:
        """The version of each value set used, by URL: a part of what a decision is recorded with."""
        return {one.url: one.version or "" for _, one in sorted(self.library.value_sets.items())}


def join(
    policy: Policy, *, yaml: str, cql: str, file: str, libraries: Mapping[str, str], sets: Mapping[str, ValueSet]
) -> Rule:
    """Compile a policy's CQL and check that policy and library fit each other. RuleError with `file:line`."""
    library = compile_library(cql, include=libraries, valuesets=sets, name=file)
    _check_defines(policy, library)
    _check_values(policy, library, file)
    for one in library.value_sets.values():
        if not one.version:
            raise RuleError(f"the value set {one.url} has no version", where=file, fix="add `version` to its file")
    warnings = _linted(lint(policy, library))
    texts = [libraries[name] for name in sorted(library.included)]
    return Rule(policy, library, _hash(yaml, cql, texts, library.value_sets.values()), warnings)


def _linted(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The warnings. LintError where there is an error among them."""
    if any(one.severity is Severity.ERROR for one in findings):
        raise LintError(findings)
    return findings


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


def _hash(yaml: str, cql: str, included: Iterable[str], sets: Iterable[ValueSet]) -> str:
    digest = hashlib.sha256()
    codes = sorted({f"{one.url}|{one.version}|{sorted(one.codes)}" for one in sets})
    for part in (yaml, cql, *included, *codes):
        digest.update(hashlib.sha256(part.encode()).digest())
    return digest.hexdigest()
