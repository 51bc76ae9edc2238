"""The lint of rules: silence that would answer, clocks, loose ends; each with its place."""

from __future__ import annotations

from typing import Any

import pytest

from prior_auth.errors import RuleError
from prior_auth.evidence.definitions import EvidenceDefinitions
from prior_auth.policy.files import read_payer, read_policy
from prior_auth.policy.rule import Rule, join
from prior_auth.terminology.valuesets import ValueSet

PAYER = read_payer(
    """
id: payer
name: Payer
identifiers: [{system: "urn:x", value: "1"}]
zone: America/Chicago
default_plan: PLAN
plans: {PLAN: {name: Plan, program: commercial}}
transport: fhir-pas
endpoint: http://127.0.0.1:1
sender: {system: "urn:x", value: "1"}
place_of_service: "11"
""",
    file="payer.yaml",
)

POLICY = """id: R50
title: A policy
version: "1"
effective: {start: 2020-01-01}
service: {codes: [{system: hcpcs, code: J0000}]}
requires_pa: {PLAN: true}
benefit: {PLAN: pas}
sources: [{name: "Bulletin", read: 2026-01-01, certainty: P}]
criteria:
  marker:
    id: R50.C1
    text: The marker is there.
    source: "the marker"
    asks: the marker
    evidence: Marker
    test: Has Marker
    items: [marker]
    needs: [{item: marker, what: The marker, codes: [], who: practice}]
paths: [{id: A, title: All, fits: Fits, criteria: [marker]}]
"""

CQL = """library R50 version '1'
using FHIR version '4.0.1'
include FHIRHelpers version '4.0.1' called FHIRHelpers
codesystem "LOINC": 'http://loinc.org'
valueset "Positive": 'urn:positive'
code "Test": '1-8' from "LOINC"
code "Other": '2-6' from "LOINC"
context Patient
define "Fits": true
define "Marker": [Observation: "Test"]
define "Others": [Observation: "Other"] O where O.value is not null
"""

GOOD = 'define "Has Marker": exists ("Marker" M where M.value as FHIR.CodeableConcept in "Positive")'


def joined(test: str = GOOD, policy: str = POLICY, cql: str = CQL) -> Rule:
    made = read_policy(policy, file="policy.yaml", payer=PAYER, topic="t", definitions=EvidenceDefinitions.parse({}))
    sets = {"urn:positive": ValueSet("urn:positive", "1", frozenset({("urn:y", "pos")}))}
    return join(made, yaml=policy, cql=f"{cql}{test}\n", file="policy.cql", libraries={"Shared": SHARED}, sets=sets)


SHARED = """library Shared
using FHIR version '4.0.1'
define "All": [Observation]
define function "Known"(values List<FHIR.Observation>): values V where V.value is not null
"""


def refused(**parts: Any) -> RuleError:
    with pytest.raises(RuleError) as found:
        joined(**parts)
    return found.value


def warnings(**parts: Any) -> list[tuple[str, str, str]]:
    return [(one.rule, one.where, one.message) for one in joined(**parts).warnings]


def test_a_test_of_its_evidence_passes() -> None:
    assert warnings() == [("unused", "policy.cql:7:1", "nothing uses `Other`"),
                          ("unused", "policy.cql:11:1", "nothing uses `Others`")]  # fmt: skip


SILENT = {
    "exists straight on a retrieve": ('define "Has Marker": exists [Observation: "Test"]', 22),
    "exists on a query over a retrieve": (
        'define "Has Marker": true and (exists ([Observation: "Test"] O where O.value is not null))',
        32,
    ),
    "absence straight on a retrieve": ('define "Has Marker": not exists [Observation: "Test"]', 26),
    "a count of a retrieve": ('define "Has Marker": Count([Observation: "Test"]) > 0', 51),
    "an element of a retrieve in a set": (
        'define "Has Marker": First([Observation: "Test"]).value as FHIR.CodeableConcept in "Positive"',
        81,
    ),
    "an element of the evidence in a set": (
        'define "Has Marker": First("Marker").value as FHIR.CodeableConcept in "Positive"',
        68,
    ),
    "exists on what is not its evidence": ('define "Has Marker": exists "Marker" and exists "Others"', 42),
    "a branch that answers for nothing": ('define "Has Marker": if exists "Others" then null else false', 25),
    "a case that answers for nothing": (
        'define "Has Marker": case when not exists "Others" then true else exists "Marker" end',
        36,
    ),
    "membership of null inside a function": (
        'define "Has Marker": "Says"(First("Marker")) define function "Says"(o FHIR.Observation): '
        'o.value as FHIR.CodeableConcept in "Positive"',
        122,
    ),
    "exists on what is not its evidence inside a function": (
        'define "Has Marker": "Says"("Marker") define function "Says"(o List<FHIR.Observation>): exists "Others"',
        89,
    ),
    "a case whose last branch answers for nothing": (
        'define "Has Marker": case when exists "Others" and exists "Marker" then null else false end',
        32,
    ),
    "exists of a shared library's": ('define "Has Marker": exists Shared."All"', 22),
    "exists behind another define": ('define "Has Marker": "Behind" define "Behind": exists "Others"', 48),
}


@pytest.mark.parametrize("what", SILENT)
def test_silence_that_would_answer_refuses_the_policy(what: str) -> None:
    test, column = SILENT[what]
    cql = CQL.replace("codesystem", "include Shared codesystem", 1)
    error = refused(test=test, cql=cql)
    assert error.where == f"policy.cql:12:{column}"
    assert "the test of R50.C1" in error.message
    assert error.fix


HARMLESS = {
    "a guard that answers null for nothing": 'define "Has Marker": if exists "Others" then exists "Marker" else null',
    "a shared function over the evidence": 'define "Has Marker": exists Shared."Known"("Marker")',
    "the evidence narrowed by an own define": 'define "Has Marker": exists "Good" define "Good": "Marker" M where true',
    "membership asked after null": """define "Has Marker": if First("Marker").value is null then null
      else First("Marker").value as FHIR.CodeableConcept in "Positive\"""",
}


@pytest.mark.parametrize("what", HARMLESS)
def test_what_answers_for_the_evidence_alone_passes(what: str) -> None:
    cql = CQL.replace("codesystem", "include Shared codesystem", 1)
    assert joined(test=HARMLESS[what], cql=cql).policy.id == "R50"


def test_a_condition_that_silence_makes_false_refuses_the_policy() -> None:
    applied = POLICY.replace("    items: [marker]", "    items: [marker]\n    applies: Marker Was Sought")
    error = refused(policy=applied, test=f'{GOOD}\ndefine "Marker Was Sought": exists "Marker"')
    assert error.where == "policy.cql:13:29"
    assert "the condition of R50.C1" in error.message


@pytest.mark.parametrize("clock", ["Now() is not null", "Today() > @2026-01-01", "AgeInYears() > 18"])
def test_a_clock_refuses_the_policy(clock: str) -> None:
    error = refused(test=f'define "Has Marker": {clock}')
    assert error.where == "policy.cql:12:22"
    assert "AsOf" in (error.fix or "")


@pytest.mark.parametrize("id", ["C1", "R50.1", "R51.C1", "R50.D1", "R50.X1", "R50.L1"])
def test_an_id_that_does_not_say_what_the_criterion_is_refuses_the_policy(id: str) -> None:
    error = refused(policy=POLICY.replace("id: R50.C1", f"id: {id}"))
    assert error.where == "policy.yaml:11"
    assert id in error.message


def test_an_exclusion_says_what_silence_means() -> None:
    exclusion = POLICY.replace("id: R50.C1", "id: R50.X1\n    kind: exclusion")
    assert refused(policy=exclusion).where == "policy.yaml:11"
    assert joined(policy=exclusion.replace("kind: exclusion", "kind: exclusion\n    absence: unknown")).policy.criteria


def test_a_criterion_that_presumes_from_silence_may_branch_on_it() -> None:
    test = 'define "Has Marker": if exists "Others" then null else false'
    presumes = POLICY.replace("    items: [marker]", "    items: [marker]\n    absence: presumed-absent")
    assert joined(policy=presumes, test=test).policy.id == "R50"
    assert "the branch for nothing" in refused(test=test).message


def test_a_criterion_on_no_path_is_listed() -> None:
    block = POLICY[POLICY.index("  marker:") : POLICY.index("paths:")]
    more = POLICY.replace("paths:", block.replace("marker:", "spare:", 1).replace("C1", "C2") + "paths:", 1)
    assert ("unused", "policy.yaml:19", "no path of R50 asks the criterion spare") in warnings(policy=more)
